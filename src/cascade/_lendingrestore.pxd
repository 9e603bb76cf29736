from libc.stdint cimport int64_t

from cascade._state cimport State


cdef bint lending_account(const State* state, int64_t flags, int64_t asset) noexcept
cdef bint side_position(const State* state, int64_t account_flags, int64_t market, int64_t size) noexcept
