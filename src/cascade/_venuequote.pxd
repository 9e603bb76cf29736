"""Interface of quotes: what an order would trade for, without trading."""

from libc.stdint cimport int64_t, uint8_t

from cascade._state cimport Market

# Atoms for lots at the venue as it stands, -1: it does not take so many now. Of a book, displayed orders.
cdef int64_t venue_quote(Market* market, uint8_t side, int64_t lots) noexcept nogil
