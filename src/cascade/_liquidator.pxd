"""Interface of what all liquidators have in common: when they know, who bids most, what they earn."""

from libc.stdint cimport int64_t

from cascade._reserve cimport Liquidator
from cascade._state cimport State

cdef enum:
    NOBODY = -1               # also who acts when no liquidator was added

cdef struct Bids:             # of several who would gain by the same act
    int best
    int64_t highest           # what the best gains
    int64_t second            # what the next one would have gained

cdef inline Bids no_bids() noexcept nogil:
    cdef Bids bids
    bids.best = NOBODY
    bids.highest = bids.second = 0
    return bids

cdef inline bint outbids(Bids* bids, int who, int64_t profit) noexcept nogil:
    """Is it the best bid so far? The first of equals is."""
    if bids.best != NOBODY and profit <= bids.highest:
        if profit > bids.second:
            bids.second = profit
        return False
    if bids.best != NOBODY:
        bids.second = bids.highest
    bids.best = who
    bids.highest = profit
    return True

# The best pays what the next one would have gained; gives its number, NOBODY if nobody bade.
cdef int pay_bid(State* state, const Bids* bids) noexcept nogil
# Who acts when no liquidator was added: flash liquidity, no gas.
cdef Liquidator nobody() noexcept nogil
# Has a liquidator not seen yet what the event `cause` changed?
cdef bint has_not_seen(const State* state, const Liquidator* liquidator, int64_t cause) noexcept nogil
# The longest latency of any, ns.
cdef int64_t slowest_latency(const State* state) noexcept nogil
# Atoms earned and paid, and the gas of one act.
cdef void pay_liquidator(State* state, Liquidator* liquidator, int64_t gains, int64_t cost) noexcept nogil
