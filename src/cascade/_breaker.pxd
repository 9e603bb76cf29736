"""Interface of circuit breakers: what they look at, when they halt, what they refuse."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._book cimport Message
from cascade._state cimport Market, State

# After the venue's price may have changed: levels, band, limit state. `cause` is what moved it.
cdef void breaker_look(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil
# May the message enter? Moves or shortens a limit beyond the band as the rule says.
cdef uint8_t breaker_admit(const State* state, const Market* market, Message* message) noexcept nogil
# Did the band keep a forced order with this limit of its own (0: none) from filling?
cdef bint breaker_holds(Market* market, uint8_t side, int32_t own_limit) noexcept nogil
# Lots and value that a forced close is about to take; throttles the market when the window is full.
cdef void breaker_throttle(const State* state, Market* market, int64_t lots, int64_t value) noexcept nogil
cdef void begin_halt(State* state, Market* market, int64_t reason, uint8_t side, int64_t start,
                     int64_t pause, int32_t price, int64_t cause, int32_t wave) noexcept nogil
# A pause of the band, and with a leading market of those that are linked.
cdef void begin_by_band(State* state, Market* market, uint8_t side, int64_t start, int32_t price,
                        int64_t cause, int32_t wave) noexcept nogil
# The HALT event of the phase the market is in; gives its index.
cdef int64_t halt_event(State* state, const Market* market, int32_t price, int64_t cause,
                        int32_t wave) noexcept nogil
cdef void anchor_reference(const State* state, Market* market, int32_t price) noexcept nogil
cdef void form_edges(Market* market) noexcept nogil
cdef int32_t venue_price(const Market* market) noexcept nogil
