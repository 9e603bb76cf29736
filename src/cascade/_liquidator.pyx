"""What all liquidators have in common: when they know of something, who bids most, what they earn.

docs/lending-market.md. Calls, storefronts, auctions and bands ask each liquidator in turn; with bids the one who
gains most acts and pays what the next one would have gained.
"""

from libc.stdint cimport int64_t, uint16_t
from libc.string cimport memset

from cascade._arithmetic cimport add_into
from cascade._log cimport log_time
from cascade._reserve cimport Liquidator
from cascade._state cimport FAILURE_OVERFLOW, State

cdef enum:
    HALVINGS = 6


cdef int pay_bid(State* state, const Bids* bids) noexcept nogil:
    if bids.second:
        state.liquidators[bids.best].cash -= bids.second
        state.liquidators[bids.best].bids += bids.second
    return bids.best


cdef Liquidator nobody() noexcept nogil:
    cdef Liquidator anybody
    memset(&anybody, 0, sizeof(Liquidator))
    anybody.capital = -1
    anybody.halvings = HALVINGS
    anybody.max_repay = anybody.step_budget = -1
    return anybody


cdef bint has_not_seen(const State* state, const Liquidator* liquidator, int64_t cause) noexcept nogil:
    # what it is not known when happened it has seen
    cdef int64_t happened = log_time(&state.log, cause) if liquidator.latency else -1
    return happened >= 0 and state.clock - happened < liquidator.latency


cdef int64_t slowest_latency(const State* state) noexcept nogil:
    cdef int64_t slowest = 0
    cdef uint16_t k
    for k in range(state.liquidator_count):
        if state.liquidators[k].latency > slowest:
            slowest = state.liquidators[k].latency
    return slowest


cdef void pay_liquidator(State* state, Liquidator* liquidator, int64_t gains, int64_t cost) noexcept nogil:
    if (add_into(&liquidator.cash, gains) | add_into(&liquidator.cash, -cost)
            | add_into(&liquidator.cash, -liquidator.gas) | add_into(&liquidator.spent, liquidator.gas)):
        state.failed = FAILURE_OVERFLOW
    liquidator.done += 1
