"""Interface of the pool venue: reserves in whole lots and atoms, segments in order of price.

docs/pools.md, "In the engine". A trade is planned first, which changes nothing, then committed.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._arithmetic cimport int128

cdef enum PoolKind:
    POOL_NONE = 0
    POOL_CONSTANT_PRODUCT = 1   # one segment without virtual reserves, the fee stays in it
    POOL_CONCENTRATED = 2       # fees are put aside
    POOL_STABLESWAP = 3         # one segment, a curve of its own, fees are put aside

cdef struct Segment:
    int64_t base                # lots
    int64_t quote               # atoms
    int64_t virtual_base
    int64_t virtual_quote

cdef struct Pool:
    Segment* segments           # ascending in price
    int64_t count
    int64_t now                 # the segment that the price is in
    int64_t shares
    int64_t given_base          # by providers, net
    int64_t given_quote
    int64_t traded_base         # by traders, net
    int64_t traded_quote        # with fees
    int64_t fees                # atoms put aside
    int64_t value               # of the trade planned or made last, atoms, signed as the taker's lots
    int64_t planned_fee
    int64_t unit                # atoms that one lot is worth at one tick
    int64_t fee                 # parts in 10**6
    int64_t flee_fall           # parts in 10**9 below the peak, 0: providers stay
    int64_t flee_share          # parts in 10**9 of the shares
    int64_t ann                 # stableswap: amplification times two, in parts of 1/100
    int64_t peg                 # stableswap: atoms that a lot is worth in balance
    int32_t peak                # highest price since providers left last
    int32_t planned_last
    uint8_t kind

cdef int32_t pool_price(const Pool* pool) noexcept nogil
# Do the reserves stay within bounds when so many more lots are sold?
cdef bint pool_fits(const Pool* pool, int64_t lots) noexcept nogil
# Are the reserves within their bounds, those of a range at its ends too?
cdef bint pool_sound(const Pool* pool) noexcept nogil
# Lots that trade of `lots` at `limit` or better (0: no limit), their average price against the trader;
# the value, fee and price after it are kept in the pool for `pool_commit`.
cdef int64_t pool_plan(Pool* pool, uint8_t side, int64_t lots, int32_t limit,
                       int32_t* fill_price) noexcept nogil
cdef void pool_commit(Pool* pool, uint8_t side, int64_t lots) noexcept nogil
# Every reserve grows, rounded up, or (shares < 0) shrinks, rounded down, in the shares' proportion; -1:
# a reserve would not fit, and nothing changed.
cdef int pool_change(Pool* pool, int64_t shares, int64_t* base, int64_t* quote) noexcept nogil
# Notes the price a trade left; shares of the providers who leave at it, 0: none.
cdef int64_t pool_fleeing(Pool* pool, int32_t price) noexcept nogil
