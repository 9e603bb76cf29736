"""Interface of market makers."""

from libc.stdint cimport int64_t

from cascade._resident cimport Resident
from cascade._state cimport State

# One turn of a maker: looks at prices, then moves, shrinks, refills or withdraws its quotes.
cdef void make_market(State* state, Resident* maker, int64_t elapsed) noexcept nogil
