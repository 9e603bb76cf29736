"""Interface of the depth from outside that trades took, for what comes back in a halt (docs/breakers.md)."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._halt cimport Breaker, ConsumedDepth
from cascade._state cimport Market, State

# A trade took lots of an order from outside that rested on that side.
cdef void note_consumed(State* state, Market* market, uint8_t side, int32_t price, int64_t lots) noexcept nogil
# Forgets what was taken before the window, or everything.
cdef void forget_consumed(const State* state, Market* market) noexcept nogil
cdef void forget_all_consumed(Breaker* b) noexcept nogil
cdef int reserve_consumed(ConsumedDepth* ring, int64_t wanted) noexcept nogil
cdef int64_t consumed_lots(const Breaker* b) noexcept nogil
# Puts the breaker's share of what was taken back, in orders from outside, and forgets it.
cdef void restore_depth(State* state, Market* market) noexcept nogil
