"""Interface of arbitrageurs."""

from cascade._resident cimport Resident
from cascade._state cimport State

# One turn: remembers the index, then trades against a venue that is away from what it knows of it.
cdef void arbitrage(State* state, Resident* resident) noexcept nogil
