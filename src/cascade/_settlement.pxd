"""Interface of settlement: fills and removals into accounts, forced orders, bounds of products."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._auction cimport Indicative
from cascade._book cimport Order, OrderExtra
from cascade._state cimport POSITION_LONG_LEG, POSITION_SHORT_LEG, Market, State
from cascade._types cimport FLAG_LONG_LEG, FLAG_SHORT_LEG


cdef inline int64_t last_event(const State* state) noexcept nogil:
    return state.log.first + state.log.count - 1


cdef inline uint8_t leg_of(uint8_t flags) noexcept nogil:
    # leg of a position (PositionFlag) that an order's flags (MessageFlag) name
    if flags & FLAG_LONG_LEG:
        return POSITION_LONG_LEG
    return POSITION_SHORT_LEG if flags & FLAG_SHORT_LEG else 0


# The callbacks a market's book is given, with the market as context.
cdef int64_t allow_reduce(void* context, const Order* order, const OrderExtra* extra) noexcept nogil
cdef void order_removed(void* context, const Order* order, const OrderExtra* extra,
                        int64_t lots) noexcept nogil
# Lots of a position's resting and waiting orders.
cdef void working_change(State* state, uint32_t position, uint8_t side, uint8_t flags,
                         bint waiting, int64_t lots) noexcept nogil
cdef bint has_orders(State* state, uint32_t position) noexcept nogil
# Every fill since `settled` into the accounts; gives their notional. Then the units, then the end.
cdef int64_t settle(State* state, Market* market, uint32_t taker, bint forced) noexcept nogil
cdef void queue_makers(State* state, Market* market) noexcept nogil
cdef void finish_fills(State* state, Market* market) noexcept nogil
cdef int64_t execute_on_impact(State* state, Market* market, int64_t order_id, int32_t account,
                               uint8_t side, int64_t lots, int32_t limit) noexcept nogil
# The engine's own order for a position: no checks, no id. Gives the lots filled; adds their
# notional times the liquidation fee rate to `fee_parts`.
cdef int64_t execute_forced(State* state, Market* market, uint32_t position, uint8_t side,
                            int64_t lots, int32_t limit, int128* fee_parts) noexcept nogil
# A liquidator's order for what it seized or repays; gives the lots filled, writes their value.
cdef int64_t execute_spot(State* state, Market* market, uint8_t side, int64_t lots,
                          int64_t* value) noexcept nogil
# The house's own order; what it realises moves the fund. Gives the lots filled.
cdef int64_t execute_house(State* state, Market* market, uint8_t side, int64_t lots) noexcept nogil
# The uncross of a call auction and its settlement; the mark and stops are the caller's business.
# `cause`: the AUCTION event of a reopening, -1 for a driver's uncross.
cdef void uncross_market(State* state, Market* market, Indicative* found,
                         int64_t cause) noexcept nogil
# Raises the ceiling of the market's prices: 0, or -1 when open sizes would overflow there.
cdef int admit_price(State* state, Market* market, int32_t price) noexcept nogil
cdef bint lots_fit(const Market* market, int64_t lots, int32_t price) noexcept nogil
# Shares added or (below 0) taken back, with its LIQUIDITY event; -1: a reserve would not fit.
cdef int change_liquidity(State* state, Market* market, int64_t shares, int64_t cause,
                          int32_t code) noexcept nogil
