"""Interface of noise and momentum flow."""

from libc.stdint cimport int64_t

from cascade._resident cimport Resident
from cascade._state cimport State

# The orders that arrived since the last turn.
cdef void noise(State* state, Resident* resident) noexcept nogil
cdef void momentum(State* state, Resident* resident, int64_t elapsed) noexcept nogil
# The first arrival of a resident's stream after now.
cdef void begin_flow(const State* state, Resident* resident) noexcept nogil
