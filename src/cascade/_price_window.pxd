"""Interface of a breaker's moving window: trades and prices that are younger than it, exactly."""

from libc.stdint cimport int32_t, int64_t

from cascade._halt cimport Breaker, Deque, Instants
from cascade._state cimport Market, State

# Room for what happens at the clock: one entry a ring, however many trades. After the clock moved.
cdef void reserve_window(State* state, Market* market) noexcept nogil
# Room for so many in a ring whose capacity is a power of two or 0; -1: out of memory, nothing changed.
cdef int grow_ring(void** entries, size_t size, int64_t* first, int64_t count, int64_t* capacity,
                   int64_t wanted) noexcept nogil
cdef int reserve_instants(Instants* ring, int64_t wanted) noexcept nogil
cdef int reserve_deque(Deque* deque, int64_t wanted) noexcept nogil
# A trade, for means of trades and for extremes.
cdef void breaker_trade(const State* state, Market* market, int32_t price) noexcept nogil
# A price in force, for extremes.
cdef void observe_price(const State* state, Breaker* b, int32_t price) noexcept nogil
# Forgets what is as old as the window, or everything.
cdef void forget_old(const State* state, Market* market) noexcept nogil
cdef void forget_all(Breaker* b) noexcept nogil
