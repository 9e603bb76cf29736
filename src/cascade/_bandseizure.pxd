"""Interface of liquidations of loans in bands."""

from libc.stdint cimport uint32_t

from cascade._state cimport State

# Is a loan of this market due that was not put aside in this step?
cdef bint bands_due(const State* state, uint32_t number) noexcept nogil
# One call on the loan of the lowest health; False: it is due no more, or nobody gains by it and it waits.
cdef bint liquidate_loan(State* state, uint32_t number) noexcept nogil
