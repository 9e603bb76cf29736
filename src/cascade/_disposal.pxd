"""Interface of the disposal: selling what the house took over."""

from libc.stdint cimport int64_t

from cascade._state cimport State

# In every market that disposes, as often as its interval ended within the step.
cdef void dispose_houses(State* state, int64_t elapsed) noexcept nogil
