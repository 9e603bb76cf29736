"""The residents of an engine take their turns: who they are decides what they do.

Without residents a step does what it did before there were any.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free

from cascade._arbitrage cimport arbitrage
from cascade._flow cimport momentum, noise
from cascade._makers cimport make_market
from cascade._margin_calls cimport call_margins
from cascade._resident cimport (
    RESIDENT_ARBITRAGEUR, RESIDENT_CALLS, RESIDENT_MAKER, RESIDENT_NOISE, Resident,
)
from cascade._state cimport State


cdef void act_residents(State* state, int64_t elapsed) noexcept nogil:
    cdef uint32_t k
    cdef Resident* resident
    for k in range(state.resident_count):
        if state.failed:
            return
        resident = &state.residents[k]
        if resident.kind == RESIDENT_MAKER:
            make_market(state, resident, elapsed)
        elif resident.kind == RESIDENT_ARBITRAGEUR:
            arbitrage(state, resident)
        elif resident.kind == RESIDENT_NOISE:
            noise(state, resident)
        elif resident.kind == RESIDENT_CALLS:
            call_margins(state, resident)
        else:
            momentum(state, resident, elapsed)


cdef void free_residents(State* state) noexcept nogil:
    cdef uint32_t k
    for k in range(state.resident_count):
        free(state.residents[k].rungs)
        free(state.residents[k].seen)
        free(state.residents[k].open_orders)
    free(state.residents)
