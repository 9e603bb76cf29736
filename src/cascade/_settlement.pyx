"""Settlement: what the fills and removals of a venue do to accounts, and the engine's own orders.

Fills are settled after matching, the taker's side of each before the maker's, with their fees and events;
units are queued anew once all fills of a message are in. docs/log.md gives the order of things.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from cascade._arithmetic cimport int128, magnitude
from cascade._auction cimport Indicative, auction_uncross
from cascade._band cimport held_limit
from cascade._book cimport (
    Book, Fill, Message, Order, OrderExtra, Submitted, book_clear_fills, book_enter, book_reserve,
)
from cascade._clearing cimport (
    claim_working, find_position, rate_up, release_margin, signed_value, trade_house, trade_outside,
    trade_position, trade_spot,
)
from cascade._conservation cimport gross_lots, note_change
from cascade._consumed_depth cimport note_consumed
from cascade._dislocation cimport note_dislocation
from cascade._impact cimport impact_execute, impact_fits
from cascade._levels cimport side_of_slot
from cascade._log cimport Event, log_append
from cascade._pool cimport pool_change, pool_commit, pool_fleeing, pool_plan, pool_price
from cascade._price_window cimport breaker_trade
from cascade._queue cimport queue_traded
from cascade._state cimport (
    FAILURE_MEMORY, HOUSE_POSITION, SPOT_POSITION,
    NO_POSITION, POSITION_ISOLATED, POSITION_LONG_LEG, POSITION_SHORT_LEG, Market,
    Position, State, Working,
)
from cascade._types cimport (
    BUY, EVENT_CANCEL, EVENT_FEE, EVENT_FILL, EVENT_LIQUIDITY, FLAG_REDUCE_ONLY, IOC, MESSAGE_LIMIT,
    HOUSE_ACCOUNT, LIQUIDATOR_ACCOUNT, MESSAGE_MARKET, NO_ACCOUNT, SELL,
)

cdef extern from *:
    """
    #define CASCADE_LARGEST (((__int128)1) << 62)
    """
    const int128 LARGEST "CASCADE_LARGEST"


cdef bint lots_fit(const Market* market, int64_t lots, int32_t price) noexcept nogil:
    cdef int128 bound = <int128>lots * market.rules.table.unit
    if not market.rules.table.inverse:
        bound *= price if price > market.ceiling else market.ceiling
    return bound <= LARGEST


cdef int admit_price(State* state, Market* market, int32_t price) noexcept nogil:
    if price <= market.ceiling:
        return 0
    if not lots_fit(market, gross_lots(market) + magnitude(market.outside_size)
                    + magnitude(market.house_size), price):
        return -1
    market.ceiling = price
    return 0


# ---------------------------------------------------------------- callbacks of the book

cdef int64_t allow_reduce(void* context, const Order* order, const OrderExtra* extra) noexcept nogil:
    # the position as the fills of this message, not settled yet, will have left it
    cdef Market* market = <Market*>context
    cdef State* state = market.state
    cdef uint32_t i = find_position(state, order.account, market.number, leg_of(extra.flags))
    cdef int64_t size, k
    cdef uint8_t taker_leg = market.taker_leg
    cdef Fill* fill
    if i == NO_POSITION:
        return 0
    size = state.positions[i].size
    for k in range(market.settled, market.book.fill_count):
        fill = &market.book.fills[k]
        if fill.maker_account == order.account and leg_of(fill.maker_flags) == leg_of(extra.flags):
            size += -fill.size if fill.side == BUY else fill.size
        if market.book.auction:
            taker_leg = leg_of(fill.taker_flags)
        if fill.taker_account == order.account and taker_leg == leg_of(extra.flags):
            size += fill.size if fill.side == BUY else -fill.size
    if extra.side == SELL:
        return size if size > 0 else 0
    return -size if size < 0 else 0


cdef void working_change(State* state, uint32_t position, uint8_t side, uint8_t flags,
                         bint waiting, int64_t lots) noexcept nogil:
    cdef Working* working
    if flags & FLAG_REDUCE_ONLY and waiting:
        return
    if claim_working(state, position) == 0:
        return
    working = &state.workings[state.positions[position].working]
    if flags & FLAG_REDUCE_ONLY:
        working.reduces[side] += lots
    elif side == BUY:
        working.buys += lots
    else:
        working.sells += lots


cdef void order_removed(void* context, const Order* order, const OrderExtra* extra,
                        int64_t lots) noexcept nogil:
    cdef Market* market = <Market*>context
    cdef State* state = market.state
    cdef uint32_t i
    cdef Event* event
    if order.id == state.modifying:
        return
    if order.account >= 0:
        i = find_position(state, order.account, market.number, leg_of(extra.flags))
        working_change(state, i, extra.side, extra.flags, extra.waiting, -lots)
    if state.silent:
        return
    event = log_append(&state.log, EVENT_CANCEL, market.number, state.cause, state.wave)
    event.order = order.id
    event.quantity = lots
    event.price = order.price
    event.account = order.account
    event.side = side_of_slot(&market.book, <uint32_t>(order - market.book.orders))


# ---------------------------------------------------------------- settlement

cdef void _charge(State* state, Market* market, uint32_t position, bint forced, int64_t notional,
                  int64_t rate, int64_t cause) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef int64_t fee
    cdef Event* event
    if rate == 0:
        return
    fee = rate_up(notional, rate)
    if fee == 0:
        return
    if p.flags & POSITION_ISOLATED and (p.size != 0 or forced):
        p.margin -= fee
    else:
        state.accounts[p.account].balance -= fee
    note_change(market, fee, 0)
    state.assets[market.asset].fees += fee
    event = log_append(&state.log, EVENT_FEE, market.number, cause, state.wave)
    event.account = p.account
    event.money = fee


cdef void _settle_side(State* state, Market* market, uint32_t position, bint forced, int64_t lots,
                       int64_t value, int64_t notional, int64_t rate, int64_t cause) noexcept nogil:
    if position >= SPOT_POSITION:
        if position == NO_POSITION:
            trade_outside(state, market, lots, value)
        elif position == SPOT_POSITION:
            trade_spot(state, market, lots, value)
        else:
            trade_house(state, market, lots, value)
        return
    trade_position(state, position, lots, value)
    if not forced:
        release_margin(state, position)
    _charge(state, market, position, forced, notional, rate, cause)


cdef uint32_t _settle_order(State* state, Market* market, int32_t account, uint8_t flags,
                            uint8_t side, int64_t lots) noexcept nogil:
    # takes filled lots off the sums of an order that rested; gives its position
    cdef uint32_t position
    if account < 0:
        return NO_POSITION
    position = find_position(state, account, market.number, leg_of(flags))
    working_change(state, position, side, flags, False, -lots)
    return position


cdef int64_t _settle_fill(State* state, Market* market, const Fill* fill, uint32_t taker, bint forced,
                          int64_t taker_rate) noexcept nogil:
    # logs one fill and books both sides, the taker's first; gives its notional
    cdef int64_t lots = fill.size if fill.side == BUY else -fill.size
    # a pool's fill is worth its exact atoms
    cdef int64_t value = market.pool.value if market.pool.kind else signed_value(market, lots, fill.price)
    cdef int64_t notional = -value if value < 0 else value
    cdef int64_t event_index
    cdef uint32_t maker
    cdef Event* event = log_append(&state.log, EVENT_FILL, market.number, state.cause, state.wave)
    event.order = fill.taker
    event.quantity = fill.size
    event.price = fill.price
    event.money = notional
    event.account = fill.taker_account
    event.counterparty = fill.maker_account
    event.side = fill.side
    event_index = last_event(state)
    state.counters.fills += 1
    state.counters.volume += fill.size
    note_dislocation(market, market.impact.last if market.impact_venue else fill.price)
    if market.breaker != NULL:
        breaker_trade(state, market, fill.price)
        if fill.maker_account == NO_ACCOUNT and not market.impact_venue:
            note_consumed(state, market, SELL if fill.side == BUY else BUY, fill.price, fill.size)
    _settle_side(state, market, taker, forced, lots, value, notional, taker_rate, event_index)
    maker = _settle_order(state, market, fill.maker_account, fill.maker_flags,
                          SELL if fill.side == BUY else BUY, fill.size)
    _settle_side(state, market, maker, False, -lots, -value, notional, market.rules.maker_fee,
                 event_index)
    if market.pool.kind:
        _let_providers_flee(state, market, event_index)
    return notional


cdef void _let_providers_flee(State* state, Market* market, int64_t cause) noexcept nogil:
    cdef int64_t shares = pool_fleeing(&market.pool, market.impact.last)
    if shares:
        change_liquidity(state, market, -shares, cause, 1)
        market.pool.peak = market.impact.last


cdef int change_liquidity(State* state, Market* market, int64_t shares, int64_t cause,
                          int32_t code) noexcept nogil:
    cdef int64_t base, quote
    cdef Event* event
    if pool_change(&market.pool, shares, &base, &quote):
        return -1
    market.impact.last = pool_price(&market.pool)
    event = log_append(&state.log, EVENT_LIQUIDITY, market.number, cause,
                       state.wave if cause >= 0 else 0)
    event.price = market.impact.last
    event.quantity = base
    event.money = quote
    event.code = code
    return 0


cdef int64_t _trade_with_pool(State* state, Market* market, uint8_t side, int64_t lots,
                              int32_t limit, int32_t* price) noexcept nogil:
    # planned, then made: no price enters at which the positions there are would not fit
    cdef int64_t filled = pool_plan(&market.pool, side, lots, limit, price)
    cdef int32_t highest = price[0] if price[0] > market.pool.planned_last else market.pool.planned_last
    if filled == 0 or admit_price(state, market, highest):
        return 0
    pool_commit(&market.pool, side, filled)
    market.impact.last = market.pool.planned_last
    return filled


cdef int64_t settle(State* state, Market* market, uint32_t taker, bint forced) noexcept nogil:
    # every fill since `settled`; gives their notional
    cdef int64_t k, total = 0
    for k in range(market.settled, market.book.fill_count):
        total += _settle_fill(state, market, &market.book.fills[k], taker, forced,
                              market.rules.taker_fee)
    if market.book.fill_count > market.settled:
        market.last_source = state.cause
        market.source_wave = state.wave
    return total


cdef inline void _queue_account(State* state, Market* market, int32_t account,
                                uint8_t flags) noexcept nogil:
    if account >= 0:
        queue_traded(state, find_position(state, account, market.number, leg_of(flags)))


cdef void queue_makers(State* state, Market* market) noexcept nogil:
    cdef int64_t k
    cdef Fill* fill
    for k in range(market.settled, market.book.fill_count):
        fill = &market.book.fills[k]
        _queue_account(state, market, fill.maker_account, fill.maker_flags)


cdef void finish_fills(State* state, Market* market) noexcept nogil:
    book_clear_fills(&market.book)
    market.settled = 0


cdef int64_t execute_on_impact(State* state, Market* market, int64_t order_id, int32_t account,
                               uint8_t side, int64_t lots, int32_t limit) noexcept nogil:
    # a fill against outside, in the record a book would have written
    cdef int32_t price = 0
    cdef int64_t filled = 0
    cdef Fill* fill
    if market.book.fill_count >= market.book.fill_capacity:
        if book_reserve(&market.book, 0, market.book.fill_count + 16, 0):
            state.failed = FAILURE_MEMORY
            return 0
    if market.pool.kind:
        filled = _trade_with_pool(state, market, side, lots, limit, &price)
    elif impact_fits(&market.impact, lots):
        filled = impact_execute(&market.impact, side, lots, limit, &price)
    if filled == 0:
        return 0
    fill = &market.book.fills[market.book.fill_count]
    memset(fill, 0, sizeof(Fill))
    market.book.fill_count += 1
    fill.taker = order_id
    fill.size = filled
    fill.price = price
    fill.maker_account = NO_ACCOUNT
    fill.taker_account = account
    fill.side = side
    if market.impact.last > market.ceiling:
        market.ceiling = market.impact.last
    return filled


cdef int64_t _send_own(State* state, Market* market, int32_t account, uint8_t side, int64_t lots,
                       int32_t limit) noexcept nogil:
    # an order of the engine's, without an id, that never rests; gives the lots filled
    cdef Message message
    cdef Submitted out
    limit = held_limit(market, side, limit)
    if market.impact_venue:
        return execute_on_impact(state, market, 0, account, side, lots, limit)
    memset(&message, 0, sizeof(Message))
    message.kind = MESSAGE_LIMIT if limit else MESSAGE_MARKET
    message.time_in_force = IOC
    message.side = side
    message.account = account
    message.price = limit
    message.size = lots
    book_enter(&market.book, 0, &message, 0, &out)
    return out.filled


cdef int64_t execute_forced(State* state, Market* market, uint32_t position, uint8_t side,
                            int64_t lots, int32_t limit, int128* fee_parts) noexcept nogil:
    cdef const Position* p = &state.positions[position]
    cdef int64_t filled
    market.taker_leg = p.flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG)
    filled = _send_own(state, market, p.account, side, lots, limit)
    fee_parts[0] += <int128>settle(state, market, position, True) * market.rules.liquidation_fee
    queue_makers(state, market)
    finish_fills(state, market)
    return filled


cdef int64_t execute_house(State* state, Market* market, uint8_t side, int64_t lots) noexcept nogil:
    cdef int64_t filled
    market.taker_leg = 0
    filled = _send_own(state, market, HOUSE_ACCOUNT, side, lots, 0)
    settle(state, market, HOUSE_POSITION, False)
    queue_makers(state, market)
    finish_fills(state, market)
    return filled


cdef int64_t execute_spot(State* state, Market* market, uint8_t side, int64_t lots,
                          int64_t* value) noexcept nogil:
    cdef int64_t filled
    market.taker_leg = 0
    filled = _send_own(state, market, LIQUIDATOR_ACCOUNT, side, lots, 0)
    value[0] = settle(state, market, SPOT_POSITION, False)
    queue_makers(state, market)
    finish_fills(state, market)
    return filled


cdef void uncross_market(State* state, Market* market, Indicative* found,
                         int64_t cause) noexcept nogil:
    # no message is the cause, and both sides of a fill had rested
    cdef int64_t k
    cdef uint32_t taker
    cdef Fill* fill
    state.cause = cause
    state.wave = 0
    auction_uncross(&market.book, found)
    if market.book.out_of_memory:
        state.failed = FAILURE_MEMORY
    for k in range(market.settled, market.book.fill_count):
        fill = &market.book.fills[k]
        taker = _settle_order(state, market, fill.taker_account, fill.taker_flags, fill.side, fill.size)
        _settle_fill(state, market, fill, taker, False, market.rules.maker_fee)
    if market.book.fill_count > market.settled:
        market.last_source = cause
        market.source_wave = 0
    for k in range(market.settled, market.book.fill_count):
        fill = &market.book.fills[k]
        _queue_account(state, market, fill.taker_account, fill.taker_flags)
    queue_makers(state, market)
    finish_fills(state, market)


cdef bint has_orders(State* state, uint32_t position) noexcept nogil:
    # waiting reduce-only stops are in no sum, so the account's list in the book decides
    cdef Position* p = &state.positions[position]
    cdef Book* book = &state.markets[p.market].book
    cdef uint32_t slot
    if p.account >= <int64_t>book.account_capacity:
        return False
    slot = book.account_head[p.account]
    while slot:
        if leg_of(book.extras[slot].flags) == p.flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG):
            return True
        slot = book.extras[slot].account_next
    return False
