"""Interface of liquidations that close a loan whole."""

from cascade._clearing cimport Unit
from cascade._state cimport State, Taken

# Close a loan that is due. 0 when the rules let it alone, or no liquidator gains by it; else 1.
cdef int close_trove(State* state, const Taken* taken, const Unit* unit) noexcept nogil
