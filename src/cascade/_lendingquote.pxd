"""What an account could borrow."""

from libc.stdint cimport int64_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._reserve cimport Reserve
from cascade._state cimport State

cdef int64_t scaled_more(const Reserve* r, int64_t lots, bint borrowed) noexcept nogil
cdef int128 borne_at_ratio(State* state, uint32_t position) noexcept nogil
