"""Interface of protocols that take accounts over and sell what they took."""

from cascade._clearing cimport Unit
from cascade._state cimport State, Taken

# Take over a borrower that is due. 0 while one of its reserves is paused, else 1.
cdef int absorb_unit(State* state, const Taken* taken, const Unit* unit) noexcept nogil
# What is left of earlier ones is offered again, at the beginning of a cascade.
cdef void open_storefronts(State* state) noexcept nogil
