"""Interface of collateral auctions: how accounts come into them, and who takes what."""

from cascade._clearing cimport Unit
from cascade._state cimport State, Taken

# Start an auction of what there is room for of a borrower that is due. 0 when there is none, or nobody does.
cdef int bark_unit(State* state, const Taken* taken, const Unit* unit) noexcept nogil
# Offers all open auctions to the liquidators, at the beginning of a cascade and again; was something taken?
cdef bint begin_auctions(State* state) noexcept nogil
cdef bint offer_auctions(State* state) noexcept nogil
