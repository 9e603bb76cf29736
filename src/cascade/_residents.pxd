"""Interface of the residents of an engine: their turn in a step, and their memory."""

from libc.stdint cimport int64_t

from cascade._state cimport State

# Phase 4 after the driver's orders: each resident once, in the order they were added.
cdef void act_residents(State* state, int64_t elapsed) noexcept nogil
cdef void free_residents(State* state) noexcept nogil
