"""Memory of collateral auctions and their price by time; docs/collateral-auctions.md.

A lending market whose rules auction has an `Auctioneer`: its terms, and a pool of auctions of which the open
ones are in a list, the oldest first, and the others in a list of free places.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._arithmetic cimport int128

cdef enum Curve:
    CURVE_LINEAR = 0
    CURVE_STAIRSTEP = 1
    CURVE_EXPONENTIAL = 2

cdef enum AuctionStop:        # stage from which something is refused
    STOP_KICK = 1
    STOP_REDO = 2
    STOP_TAKE = 3

cdef enum:
    NO_SALE = 0xFFFFFFFF

cdef struct Sale:             # an auction; amounts in lots
    int64_t number
    int64_t lot               # for sale
    int64_t tab               # of the base, to collect
    int64_t due               # of the debt taken over, not collected yet
    int64_t started           # ns, or last reset
    int64_t event             # KICK or REDO
    int32_t account
    int32_t price             # believed then, ticks
    int32_t wave
    uint32_t next             # places
    uint32_t previous
    uint16_t reserve
    uint8_t resting           # until the next step

cdef struct Auctioneer:       # rates in parts of 10**9, money in atoms, times in ns
    int64_t penalty
    int64_t buf
    int64_t cut               # parts of 10**18
    int64_t span              # tau, step, or a second
    int64_t tail
    int64_t cusp
    int64_t hole              # -1: none
    int64_t dust
    int64_t tip
    int64_t chip
    int64_t count             # auctions begun so far
    int64_t tabs              # of those open, lots of the base
    Sale* sales
    uint32_t open_count
    uint32_t capacity
    uint32_t first
    uint32_t last
    uint32_t free
    uint8_t curve
    uint8_t stage

# An empty auctioneer, NULL without memory; and the place of a new auction behind the others.
cdef Auctioneer* new_auctioneer() noexcept nogil
cdef void free_auctioneer(Auctioneer* house) noexcept nogil
cdef uint32_t sale_add(Auctioneer* house) noexcept nogil
cdef void sale_drop(Auctioneer* house, uint32_t place) noexcept nogil
# Parts of 10**18 of the first price after so many nanoseconds.
cdef int64_t price_factor(const Auctioneer* house, int64_t elapsed) noexcept nogil
# Too old, or too cheap, to go on without a reset?
cdef bint is_stale(const Auctioneer* house, int64_t elapsed, int64_t factor) noexcept nogil
# Of a lot, in parts of 10**9 of an atom; `worth` is that of a lot at the price believed when it began.
cdef int128 price_of(const Auctioneer* house, int128 worth, int64_t factor) noexcept nogil
