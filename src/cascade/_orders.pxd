"""Interface of the order path: what happens to a message between a driver and the accounts."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._auction cimport Indicative
from cascade._book cimport Message, Order, OrderExtra, Submitted
from cascade._state cimport Market, State

# The callbacks a market's book is given, with the market as context.
cdef int64_t allow_reduce(void* context, const Order* order, const OrderExtra* extra) noexcept nogil
cdef void order_removed(void* context, const Order* order, const OrderExtra* extra,
                        int64_t lots) noexcept nogil
# One message of a driver: event, checks, venue, settlement, mark, stops.
cdef void submit_order(State* state, Market* market, const Message* message, Submitted* out) noexcept nogil
# The uncross of a call auction and its settlement; the mark and stops are the caller's business.
cdef void uncross_market(State* state, Market* market, Indicative* found) noexcept nogil
# The engine's own order for a position: no checks, no id. Gives the lots filled; adds their
# notional times the liquidation fee rate to `fee_parts`.
cdef int64_t execute_forced(State* state, Market* market, uint32_t position, uint8_t side,
                            int64_t lots, int32_t limit, int128* fee_parts) noexcept nogil
# Forms the mark again; `cause` is the event that moved the venue.
cdef void refresh_mark(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil
cdef void fire_stops(State* state, Market* market) noexcept nogil
cdef bint has_orders(State* state, uint32_t position) noexcept nogil
cdef int64_t last_event(const State* state) noexcept nogil
# Raises the ceiling of the market's prices: 0, or -1 when open sizes would overflow there.
cdef int admit_price(State* state, Market* market, int32_t price) noexcept nogil
cdef bint lots_fit(const Market* market, int64_t lots, int32_t price) noexcept nogil
