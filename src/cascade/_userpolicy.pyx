"""Deleveraging by a user's function: the only place where a step calls back into Python.

The function is given columns and gives a number a row. Numbers become whole ranks, equal ones the same,
so that the order is exact whatever they are. What it raises ends the step and is raised from it.
"""

from cpython.ref cimport PyObject, Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint32_t

import numpy as np

from cascade._arithmetic cimport saturate
from cascade._clearing cimport Unit, unit_evaluate
from cascade._margin cimport position_value
from cascade._state cimport FAILURE_POLICY, Market, Position, Ranking, State


cdef object _columns(State* state, Market* market, Ranking* ranking):
    cdef int64_t k
    cdef uint32_t i
    cdef Position* p
    cdef Unit unit
    array = np.empty((8, ranking.count), np.int64)
    cdef int64_t[:, ::1] out = array
    for k in range(ranking.count):
        i = ranking.order[k].position
        p = &state.positions[i]
        unit_evaluate(state, i, &unit)
        out[0, k] = p.account
        out[1, k] = p.size
        out[2, k] = p.entry_value
        out[3, k] = position_value(&market.rules.table, p.size, market.mark)
        out[4, k] = saturate(unit.equity)
        out[5, k] = saturate(unit.maintenance)
        out[6, k] = saturate(unit.collateral)
        out[7, k] = p.leverage
    from cascade.adlscores import Columns
    return Columns(*array, unit_atoms=market.rules.adl_unit)


cdef int _rank_by(State* state, Market* market, Ranking* ranking) except -1:
    cdef int64_t k
    cdef int64_t[::1] places
    given = np.asarray((<object>market.rules.adl_function)(_columns(state, market, ranking)))
    if given.shape != (ranking.count,):
        raise ValueError(f"adl gave scores of shape {given.shape}, not {(ranking.count,)}")
    if given.dtype.kind not in "iufbO" or (given.dtype.kind == "f" and not np.isfinite(given).all()):
        raise ValueError("adl must give finite numbers")
    places = np.unique(given, return_inverse=True)[1].astype(np.int64)
    for k in range(ranking.count):
        ranking.rows[k].over = places[k]
        ranking.rows[k].under = 1
        ranking.order[k].key = <double>places[k]
    return 0


cdef void _ask(State* state, Market* market, Ranking* ranking) noexcept with gil:
    try:
        _rank_by(state, market, ranking)
    except BaseException as error:
        ranking.count = 0
        if state.error != NULL:
            Py_DECREF(<object><PyObject*>state.error)
        Py_INCREF(error)
        state.error = <void*>error
        state.failed = FAILURE_POLICY


cdef void ask_function(State* state, Market* market, Ranking* ranking) noexcept nogil:
    _ask(state, market, ranking)


cdef int raise_kept(State* state) except -1:
    cdef object error = <object><PyObject*>state.error
    state.error = NULL
    Py_DECREF(error)
    raise error
