"""Guards of the loans in a band: a binary heap by band, the highest key first.

docs/bands-market.md, *Who is looked at*. An entry knows its place, so that its guard is moved or removed
without a search.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport realloc

from cascade._bands cimport NO_ENTRY, Band, BandMarket, Guard

cdef enum:
    FEWEST = 8


cdef int reserve_guards(Band* band, uint32_t count) noexcept nogil:
    cdef void* grown
    cdef uint32_t wanted = band.guard_capacity * 2 if band.guard_capacity else FEWEST
    if count <= band.guard_capacity:
        return 0
    if wanted < count:
        wanted = count
    grown = realloc(band.guards, <size_t>wanted * sizeof(Guard))
    if grown == NULL:
        return -1
    band.guards = <Guard*>grown
    band.guard_capacity = wanted
    return 0


cdef inline void _put(BandMarket* market, Band* band, uint32_t at, Guard guard) noexcept nogil:
    band.guards[at] = guard
    market.entries[guard.entry].guard = at


cdef inline void _rise(BandMarket* market, Band* band, uint32_t at, Guard guard) noexcept nogil:
    cdef uint32_t parent
    while at > 0:
        parent = (at - 1) >> 1
        if band.guards[parent].key >= guard.key:
            break
        _put(market, band, at, band.guards[parent])
        at = parent
    _put(market, band, at, guard)


cdef inline void _sink(BandMarket* market, Band* band, uint32_t at, Guard guard) noexcept nogil:
    cdef uint32_t child = 2 * at + 1
    while child < band.guard_count:
        if child + 1 < band.guard_count and band.guards[child + 1].key > band.guards[child].key:
            child += 1
        if band.guards[child].key <= guard.key:
            break
        _put(market, band, at, band.guards[child])
        at = child
        child = 2 * at + 1
    _put(market, band, at, guard)


cdef void set_guard(BandMarket* market, Band* band, uint32_t entry, int64_t key) noexcept nogil:
    cdef uint32_t at = market.entries[entry].guard
    cdef Guard guard
    guard.key = key
    guard.entry = entry
    guard.pad = 0
    if at == NO_ENTRY:
        band.guard_count += 1
        _rise(market, band, band.guard_count - 1, guard)
    elif key > band.guards[at].key:
        _rise(market, band, at, guard)
    else:
        _sink(market, band, at, guard)


cdef void remove_guard(BandMarket* market, Band* band, uint32_t entry) noexcept nogil:
    cdef uint32_t at = market.entries[entry].guard
    cdef Guard last
    if at == NO_ENTRY:
        return
    market.entries[entry].guard = NO_ENTRY
    band.guard_count -= 1
    last = band.guards[band.guard_count]
    if last.entry == entry:
        return
    if at > 0 and last.key > band.guards[(at - 1) >> 1].key:
        _rise(market, band, at, last)
    else:
        _sink(market, band, at, last)


cdef bint guards_sound(const BandMarket* market, const Band* band) noexcept nogil:
    cdef uint32_t at
    for at in range(band.guard_count):
        if market.entries[band.guards[at].entry].guard != at:
            return False
        if at and band.guards[(at - 1) >> 1].key < band.guards[at].key:
            return False
    return band.guard_count <= band.members <= band.guard_capacity
