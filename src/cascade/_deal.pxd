"""Interface of deals: what a liquidator may repay, what it gets for it, and whether that pays."""

from libc.stdint cimport int64_t, uint32_t

from cascade._clearing cimport Unit
from cascade._reserve cimport Liquidator
from cascade._state cimport State

cdef struct Deal:
    uint32_t collateral       # positions
    uint32_t debt
    int64_t repaid            # lots
    int64_t seized
    int64_t fee               # lots of `seized` that the protocol keeps
    int64_t extra             # lots of the debt paid on top, for the treasury
    int64_t profit            # atoms that the liquidator expects
    int64_t gains             # atoms, once it is carried out
    int64_t cost

# Is there a pair and a size that the liquidator gains by?
cdef bint find_deal(State* state, uint32_t position, const Unit* unit, const Liquidator* liquidator,
                    Deal* deal) noexcept nogil
# Atoms for lots of a reserve's asset at its venue, -1: not to be had.
cdef int64_t asset_quote(const State* state, uint32_t reserve, int side, int64_t lots) noexcept nogil
