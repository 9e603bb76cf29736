"""Interface of the guards of a band: which of its loans is looked at when a share becomes less."""

from libc.stdint cimport int64_t, uint32_t

from cascade._bands cimport Band, BandMarket

# Room for so many; -1: no memory.
cdef int reserve_guards(Band* band, uint32_t count) noexcept nogil
# Set or move the guard of an entry; there must be room.
cdef void set_guard(BandMarket* market, Band* band, uint32_t entry, int64_t key) noexcept nogil
# No effect where the entry has none.
cdef void remove_guard(BandMarket* market, Band* band, uint32_t entry) noexcept nogil
# Are the highest first, and does every entry know its place?
cdef bint guards_sound(const BandMarket* market, const Band* band) noexcept nogil
