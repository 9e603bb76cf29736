"""Interface of auto-deleveraging: winners closed against a position that nobody took."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._state cimport Market, State

# Do the market's rules deleverage, and is the fund of its asset empty?
cdef bint adl_applies(const State* state, const Market* market) noexcept nogil
# Closes lots of a position against winners; gives the lots nobody stood against.
cdef int64_t adl_close(State* state, uint32_t position, int64_t lots, int32_t bankruptcy) noexcept nogil
# Forgets the rankings: a step begins.
cdef void adl_begin(State* state) noexcept nogil
