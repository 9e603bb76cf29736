"""Interface of who makes a call that no liquidator gains by."""

from libc.stdint cimport uint32_t

from cascade._clearing cimport Unit
from cascade._state cimport State, Taken

# A call by the stages of the rules, in their order: 1 when it happened, else 0.
cdef int fill_gap(State* state, const Taken* taken, uint32_t first, const Unit* unit) noexcept nogil
