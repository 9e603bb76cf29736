"""Interface of funding: what all positions of a market pay at one rate, and when it falls due."""

from libc.stdint cimport int32_t, int64_t

from cascade._arithmetic cimport int128
from cascade._state cimport Market, State

# Every position pays `rate` parts in 10**9 of its value at `price`; the time of the log is that of the event.
cdef void settle_funding(State* state, Market* market, int64_t rate, int32_t price) noexcept nogil
# Parts in 10**9 of an atom that a pool holds beyond what it will pay once everybody is settled.
cdef int128 undistributed(const Market* market) noexcept nogil
# Settlements that fall due while the clock moves from now to `until`, by time and then by market.
cdef void pay_due_funding(State* state, int64_t until) noexcept nogil
