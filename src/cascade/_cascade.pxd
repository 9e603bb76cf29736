"""Interface of the cascade: phase 6 of a step, from who is due to who paid."""

from libc.stdint cimport int64_t

from cascade._state cimport State

cdef void run_cascade(State* state, int64_t elapsed) noexcept nogil
