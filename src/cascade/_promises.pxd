"""Interface of the errors that broken promises become."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._state cimport Market, State

# Keeps the first promise that does not hold; the call that is under way ends and raises it.
cdef void broken(State* state, const Market* market, int32_t account, uint8_t stage, uint8_t failure,
                 int64_t by) noexcept nogil
# Raises what was kept.
cdef int raise_broken(const State* state, uint8_t failure) except -1
