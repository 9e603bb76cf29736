"""Places of collateral auctions and their price by time.

The power of a price curve is rounded half up at every product, as DSMath's rpow: MakerDAO, src/abaci.sol.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from cascade._arithmetic cimport floor_divide, int128
from cascade._auctionterms cimport CURVE_LINEAR, AuctionTerms
from cascade._state cimport RATE_DENOMINATOR

cdef int64_t ONE = 1_000_000_000_000_000_000


cdef Auctioneer* new_auctioneer() noexcept nogil:
    cdef Auctioneer* house = <Auctioneer*>calloc(1, sizeof(Auctioneer))
    if house != NULL:
        house.first = house.last = house.free = NO_SALE
    return house


cdef void free_auctioneer(Auctioneer* house) noexcept nogil:
    if house != NULL:
        free(house.sales)
        free(house)


cdef int _grow(Auctioneer* house) noexcept nogil:
    cdef uint32_t capacity = house.capacity * 2 if house.capacity else 64, place
    cdef Sale* grown
    if capacity <= house.capacity:
        return -1
    grown = <Sale*>realloc(house.sales, <size_t>capacity * sizeof(Sale))
    if grown == NULL:
        return -1
    house.sales = grown
    for place in range(house.capacity, capacity):
        grown[place].next = place + 1
    grown[capacity - 1].next = house.free
    house.free = house.capacity
    house.capacity = capacity
    return 0


cdef uint32_t sale_add(Auctioneer* house) noexcept nogil:
    cdef uint32_t place
    cdef Sale* sale
    if house.free == NO_SALE and _grow(house):
        return NO_SALE
    place = house.free
    sale = &house.sales[place]
    house.free = sale.next
    memset(sale, 0, sizeof(Sale))
    sale.next = NO_SALE
    sale.previous = house.last
    if house.last == NO_SALE:
        house.first = place
    else:
        house.sales[house.last].next = place
    house.last = place
    house.open_count += 1
    return place


cdef void sale_drop(Auctioneer* house, uint32_t place) noexcept nogil:
    cdef Sale* sale = &house.sales[place]
    if sale.previous == NO_SALE:
        house.first = sale.next
    else:
        house.sales[sale.previous].next = sale.next
    if sale.next == NO_SALE:
        house.last = sale.previous
    else:
        house.sales[sale.next].previous = sale.previous
    sale.lot = 0
    sale.next = house.free
    house.free = place
    house.open_count -= 1


cdef int64_t _power(int64_t base, int64_t exponent) noexcept nogil:
    cdef int64_t result = base if exponent & 1 else ONE
    exponent >>= 1
    while exponent:
        base = <int64_t>floor_divide(<int128>base * base + ONE // 2, ONE)
        if exponent & 1:
            result = <int64_t>floor_divide(<int128>result * base + ONE // 2, ONE)
        exponent >>= 1
    return result


cdef int64_t price_factor(const AuctionTerms* terms, int64_t elapsed) noexcept nogil:
    if terms.curve == CURVE_LINEAR:
        if elapsed >= terms.span:
            return 0
        return <int64_t>floor_divide(<int128>(terms.span - elapsed) * ONE, terms.span)
    return _power(terms.cut, elapsed // terms.span)


cdef bint is_stale(const AuctionTerms* terms, int64_t elapsed, int64_t factor) noexcept nogil:
    return elapsed > terms.tail or factor < <int128>terms.cusp * (ONE // RATE_DENOMINATOR)


cdef int128 price_of(const AuctionTerms* terms, int128 worth, int64_t factor) noexcept nogil:
    return floor_divide(worth * floor_divide(<int128>terms.buf * factor, RATE_DENOMINATOR), RATE_DENOMINATOR)
