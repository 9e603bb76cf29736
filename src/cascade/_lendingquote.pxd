"""What an account could borrow, and whether it may ask."""

from libc.stdint cimport int64_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._reserve cimport Reserve
from cascade._state cimport State

cdef int64_t scaled_more(const Reserve* r, int64_t lots, bint borrowed) noexcept nogil
cdef int128 borne_at_ratio(State* state, uint32_t position) noexcept nogil
# Does a call on an account ask for a price, its own reserves' or `r`'s (or NULL), that no oracle gives?
cdef bint price_refused(State* state, int64_t account, const Reserve* r, bint borrows) noexcept nogil
