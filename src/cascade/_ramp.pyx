"""Ramps of a market's partial rule and of the units under them, in and out of the core.

A unit is in such a liquidation from the time it is taken until it is found restored, and waits in a
due heap as long as it is.
"""

from libc.stdint cimport int64_t, uint32_t

import numpy as np

from cascade._core cimport EngineCore
from cascade._memory cimport memory_release, memory_resize
from cascade._state cimport (
    POSITION_ISOLATED, POSITION_LONG_LEG, POSITION_SHORT_LEG, Market, Position, Ramp, State,
)

RAMP_DTYPE = np.dtype([
    ("account", "<i8"), ("position", "<i8"), ("began", "<i8"), ("freed", "<i8"),
])
cdef int64_t LARGEST_AMOUNT = <int64_t>1 << 62


cdef int _make_room(State* state) except -1:
    # from here on they grow with accounts and positions
    cdef void* accounts
    cdef void* positions
    if state.ramps:
        return 0
    accounts = memory_resize(NULL, 0, <size_t>state.account_capacity * sizeof(Ramp), 0)
    if accounts == NULL:
        raise MemoryError("no memory for ramps")
    positions = memory_resize(NULL, 0, <size_t>state.position_capacity * sizeof(Ramp), 0)
    if positions == NULL:
        memory_release(accounts, <size_t>state.account_capacity * sizeof(Ramp))
        raise MemoryError("no memory for ramps")
    state.account_ramps = <Ramp*>accounts
    state.position_ramps = <Ramp*>positions
    state.ramps = True
    return 0


def set_ramp(EngineCore core, int64_t number, *, bint ramp, int64_t ramp_initial,
             int64_t ramp_duration, int64_t ramp_small):
    """The ramp of a market's partial rule, before its first position."""
    cdef Market* market = core.market_at(number)
    core.begin()
    try:
        if ramp:
            _make_room(&core.state)
        market.rules.ramp = ramp
        market.rules.ramp_initial = ramp_initial
        market.rules.ramp_duration = ramp_duration
        market.rules.ramp_small = ramp_small
    finally:
        core.release()


def ramp_rows(EngineCore core):
    """Units in such a liquidation, RAMP_DTYPE; the position is that of an isolated unit, else -1."""
    cdef State* state = &core.state
    cdef uint32_t k
    cdef Ramp* ramp
    core.begin()
    try:
        rows = []
        if state.ramps:
            for k in range(state.account_count):
                ramp = &state.account_ramps[k]
                if ramp.since:
                    rows.append((k, -1, ramp.since - 1, ramp.freed))
            for k in range(state.position_count):
                ramp = &state.position_ramps[k]
                if ramp.since and state.positions[k].flags & POSITION_ISOLATED:
                    rows.append((state.positions[k].account, k, ramp.since - 1, ramp.freed))
        return np.array(rows, dtype=RAMP_DTYPE)
    finally:
        core.release()


def ramp_numbers(EngineCore core):
    """The same as (account, market, leg, began, freed), market and leg of a cross unit -1 and 0."""
    cdef Position* p
    found = []
    for account, number, began, freed in ramp_rows(core).tolist():
        market = -1
        leg = 0
        if number >= 0:
            p = &core.state.positions[<uint32_t>number]
            market = p.market
            leg = (p.flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG)) // 2
        found.append((account, market, leg, began, freed))
    return sorted(found)


def restore_ramps(EngineCore core, rows):
    """The rows back into an engine; everything is checked."""
    cdef State* state = &core.state
    cdef Ramp* ramp
    if rows.dtype != RAMP_DTYPE:
        raise ValueError("wrong records of ramps")
    for account, number, began, freed in rows.tolist():
        if not state.ramps:
            raise ValueError("a unit has a ramp, and no market's rule does")
        if not (0 <= account < state.account_count and -1 <= number < state.position_count):
            raise ValueError(f"ramp of account {account}, position {number}: out of range")
        if not (0 <= began <= state.clock and 0 <= freed <= LARGEST_AMOUNT):
            raise ValueError(f"ramp of account {account}: begin or freed margin out of range")
        if number >= 0:
            if (state.positions[<uint32_t>number].account != account
                    or not state.positions[<uint32_t>number].flags & POSITION_ISOLATED):
                raise ValueError(f"ramp of position {number}: no isolated unit of account {account}")
            ramp = &state.position_ramps[<uint32_t>number]
        else:
            ramp = &state.account_ramps[<uint32_t>account]
        ramp.since = <int64_t>began + 1
        ramp.freed = freed
