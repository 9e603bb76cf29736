"""Memory of collateral auctions and their price by time; docs/collateral-auctions.md.

A lending market whose rules auction has an `Auctioneer`: a pool of auctions of which the open
ones are in a list, the oldest first, and the others in a list of free places.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._auctionterms cimport AuctionTerms

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

cdef struct Auctioneer:
    int64_t hole              # limit on the tabs of all auctions, atoms, -1: none
    int64_t count             # auctions begun so far
    int64_t tabs              # of those open, lots of the base
    Sale* sales
    uint32_t open_count
    uint32_t capacity
    uint32_t first
    uint32_t last
    uint32_t free
    uint8_t stage

# An empty auctioneer, NULL without memory; and the place of a new auction behind the others.
cdef Auctioneer* new_auctioneer() noexcept nogil
cdef void free_auctioneer(Auctioneer* house) noexcept nogil
cdef uint32_t sale_add(Auctioneer* house) noexcept nogil
cdef void sale_drop(Auctioneer* house, uint32_t place) noexcept nogil
# Parts of 10**18 of the first price after so many nanoseconds.
cdef int64_t price_factor(const AuctionTerms* terms, int64_t elapsed) noexcept nogil
# Too old, or too cheap, to go on without a reset?
cdef bint is_stale(const AuctionTerms* terms, int64_t elapsed, int64_t factor) noexcept nogil
# Of a lot, in parts of 10**9 of an atom; `worth` is that of a lot at the price believed when it began.
cdef int128 price_of(const AuctionTerms* terms, int128 worth, int64_t factor) noexcept nogil
