"""The order path: margin checks, the venue, settlement of fills, the mark, and stops.

Order of things is normative (docs/step.md, docs/log.md): the ORDER event comes first and is
completed when the venue has answered; fills are settled after matching, the taker's side of each
before the maker's; units are queued anew once all fills are in; then the mark is formed.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from cascade._arithmetic cimport int128, magnitude
from cascade._auction cimport Indicative, auction_uncross
from cascade._book cimport (
    Book, Fill, Message, Order, OrderExtra, Submitted, book_cancel, book_cancel_all, book_check,
    book_clear_fills, book_enter, book_find, book_next_stop, book_reserve, book_submit,
    book_take_id,
)
from cascade._clearing cimport (
    claim_position, claim_working, exposure_lots, find_position, free_collateral, rate_up,
    release_margin, signed_value, trade_outside, trade_position,
)
from cascade._impact cimport impact_execute
from cascade._levels cimport side_of_slot
from cascade._log cimport Event, log_append
from cascade._queue cimport queue_mark, queue_traded
from cascade._state cimport (
    ACCOUNT_HEDGE, FAILURE_MEMORY, FEED_INDEX, FEED_MEDIAN, FEED_MID, NO_POSITION,
    POSITION_ISOLATED, POSITION_LONG_LEG, POSITION_SHORT_LEG, Market, MarkStack, Position,
    State, Working,
)
from cascade._types cimport (
    BUY, CODE_BAD_MESSAGE, CODE_MARGIN, CODE_NOT_FILLABLE,
    CODE_OK, CODE_OTHER_ASSET, CODE_OVERFLOW, CODE_REDUCE_ONLY, CODE_STOP_WAITING,
    CODE_UNKNOWN_ACCOUNT, CODE_UNKNOWN_ORDER, EVENT_CANCEL, EVENT_FEE, EVENT_FILL, EVENT_MARK,
    EVENT_ORDER, EVENT_TRIGGER, FLAG_ICEBERG, FLAG_LONG_LEG, FLAG_REDUCE_ONLY, FLAG_SHORT_LEG,
    FLAG_STOP_ON_MARK, FOK, GTC, IOC, MESSAGE_CANCEL, MESSAGE_CANCEL_ALL, MESSAGE_LIMIT,
    MESSAGE_MARKET, MESSAGE_MODIFY, MESSAGE_STOP, MESSAGE_STOP_LIMIT, NO_ACCOUNT, SELL,
)

cdef extern from *:
    """
    #define CASCADE_LARGEST (((__int128)1) << 62)
    """
    const int128 LARGEST "CASCADE_LARGEST"


cdef int64_t last_event(const State* state) noexcept nogil:
    return state.log.first + state.log.count - 1


cdef inline uint8_t _leg_of(uint8_t flags) noexcept nogil:
    if flags & FLAG_LONG_LEG:
        return POSITION_LONG_LEG
    return POSITION_SHORT_LEG if flags & FLAG_SHORT_LEG else 0


cdef bint lots_fit(const Market* market, int64_t lots, int32_t price) noexcept nogil:
    cdef int128 bound = <int128>lots * market.rules.table.unit
    if not market.rules.table.inverse:
        bound *= price if price > market.ceiling else market.ceiling
    return bound <= LARGEST


cdef int admit_price(State* state, Market* market, int32_t price) noexcept nogil:
    if price <= market.ceiling:
        return 0
    if not lots_fit(market, market.gross + magnitude(market.outside_size) + magnitude(market.house_size), price):
        return -1
    market.ceiling = price
    return 0


# ---------------------------------------------------------------- callbacks of the book

cdef int64_t allow_reduce(void* context, const Order* order, const OrderExtra* extra) noexcept nogil:
    # the position as the fills of this message, not settled yet, will have left it
    cdef Market* market = <Market*>context
    cdef State* state = market.state
    cdef uint32_t i = find_position(state, order.account, market.number, _leg_of(extra.flags))
    cdef int64_t size, k
    cdef uint8_t taker_leg = market.taker_leg
    cdef Fill* fill
    if i == NO_POSITION:
        return 0
    size = state.positions[i].size
    for k in range(market.settled, market.book.fill_count):
        fill = &market.book.fills[k]
        if fill.maker_account == order.account and _leg_of(fill.maker_flags) == _leg_of(extra.flags):
            size += -fill.size if fill.side == BUY else fill.size
        if market.book.auction:
            taker_leg = _leg_of(fill.taker_flags)
        if fill.taker_account == order.account and taker_leg == _leg_of(extra.flags):
            size += fill.size if fill.side == BUY else -fill.size
    if extra.side == SELL:
        return size if size > 0 else 0
    return -size if size < 0 else 0


cdef inline void _working_change(State* state, uint32_t position, uint8_t side, uint8_t flags,
                                 bint waiting, int64_t lots) noexcept nogil:
    cdef Working* working
    if flags & FLAG_REDUCE_ONLY and waiting:
        return
    if claim_working(state, position) == 0:
        return
    working = &state.workings[state.positions[position].working]
    if flags & FLAG_REDUCE_ONLY:
        working.reduces += lots
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
        i = find_position(state, order.account, market.number, _leg_of(extra.flags))
        _working_change(state, i, extra.side, extra.flags, extra.waiting, -lots)
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
    state.assets[market.asset].fees += fee
    event = log_append(&state.log, EVENT_FEE, market.number, cause, state.wave)
    event.account = p.account
    event.money = fee


cdef void _settle_side(State* state, Market* market, uint32_t position, bint forced, int64_t lots,
                       int64_t value, int64_t notional, int64_t rate, int64_t cause) noexcept nogil:
    if position == NO_POSITION:
        trade_outside(state, market, lots, value)
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
    position = find_position(state, account, market.number, _leg_of(flags))
    _working_change(state, position, side, flags, False, -lots)
    return position


cdef int64_t _settle_fill(State* state, Market* market, const Fill* fill, uint32_t taker, bint forced,
                          int64_t taker_rate) noexcept nogil:
    # logs one fill and books both sides, the taker's first; gives its notional
    cdef int64_t lots = fill.size if fill.side == BUY else -fill.size
    cdef int64_t value = signed_value(market, lots, fill.price)
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
    _settle_side(state, market, taker, forced, lots, value, notional, taker_rate, event_index)
    maker = _settle_order(state, market, fill.maker_account, fill.maker_flags,
                          SELL if fill.side == BUY else BUY, fill.size)
    _settle_side(state, market, maker, False, -lots, -value, notional, market.rules.maker_fee,
                 event_index)
    return notional


cdef int64_t _settle(State* state, Market* market, uint32_t taker, bint forced) noexcept nogil:
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
        queue_traded(state, find_position(state, account, market.number, _leg_of(flags)))


cdef void _queue_makers(State* state, Market* market) noexcept nogil:
    cdef int64_t k
    cdef Fill* fill
    for k in range(market.settled, market.book.fill_count):
        fill = &market.book.fills[k]
        _queue_account(state, market, fill.maker_account, fill.maker_flags)


cdef inline void _finish_fills(State* state, Market* market) noexcept nogil:
    book_clear_fills(&market.book)
    market.settled = 0


cdef int64_t _execute_on_impact(State* state, Market* market, int64_t order_id, int32_t account,
                                uint8_t side, int64_t lots, int32_t limit) noexcept nogil:
    # a fill against outside, in the record a book would have written
    cdef int32_t price = 0
    cdef int64_t filled
    cdef Fill* fill
    if market.book.fill_count >= market.book.fill_capacity:
        if book_reserve(&market.book, 0, market.book.fill_count + 16, 0):
            state.failed = FAILURE_MEMORY
            return 0
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


cdef int64_t execute_forced(State* state, Market* market, uint32_t position, uint8_t side,
                            int64_t lots, int32_t limit, int128* fee_parts) noexcept nogil:
    cdef Message message
    cdef Submitted out
    cdef int32_t account = state.positions[position].account
    market.taker_leg = state.positions[position].flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG)
    if market.impact_venue:
        out.filled = _execute_on_impact(state, market, 0, account, side, lots, limit)
    else:
        memset(&message, 0, sizeof(Message))
        message.kind = MESSAGE_LIMIT if limit else MESSAGE_MARKET
        message.time_in_force = IOC
        message.side = side
        message.account = account
        message.price = limit
        message.size = lots
        book_enter(&market.book, 0, &message, 0, &out)
    fee_parts[0] += <int128>_settle(state, market, position, True) * market.rules.liquidation_fee
    _queue_makers(state, market)
    _finish_fills(state, market)
    return out.filled


cdef void uncross_market(State* state, Market* market, Indicative* found) noexcept nogil:
    # no message is the cause, and both sides of a fill had rested
    cdef int64_t k
    cdef uint32_t taker
    cdef Fill* fill
    state.cause = -1
    state.wave = 0
    auction_uncross(&market.book, found)
    if market.book.out_of_memory:
        state.failed = FAILURE_MEMORY
    for k in range(market.settled, market.book.fill_count):
        fill = &market.book.fills[k]
        taker = _settle_order(state, market, fill.taker_account, fill.taker_flags, fill.side, fill.size)
        _settle_fill(state, market, fill, taker, False, market.rules.maker_fee)
    if market.book.fill_count > market.settled:
        market.last_source = -1
        market.source_wave = 0
    for k in range(market.settled, market.book.fill_count):
        fill = &market.book.fills[k]
        _queue_account(state, market, fill.taker_account, fill.taker_flags)
    _queue_makers(state, market)
    _finish_fills(state, market)


# ---------------------------------------------------------------- the mark

cdef inline int32_t _venue_last(const Market* market) noexcept nogil:
    return market.impact.last if market.impact_venue else market.book.last


cdef inline int32_t _touch_middle(const Market* market) noexcept nogil:
    if market.impact_venue:
        return market.impact.last
    if market.book.best_bid == 0 or market.book.best_ask == 0:
        return 0
    return <int32_t>((<int64_t>market.book.best_bid + market.book.best_ask) >> 1)


cdef inline int32_t _feed_last(const Market* market) noexcept nogil:
    cdef int32_t price = _venue_last(market)
    if price == 0:
        price = _touch_middle(market)
    if price == 0:
        price = market.index
    return price if price else market.mark


cdef int32_t _median(int32_t a, int32_t b, int32_t c) noexcept nogil:
    # of those that exist; of two the lower
    cdef int32_t low, high
    if a == 0 or b == 0 or c == 0:
        if a == 0:
            a, c = c, 0
        if b == 0:
            b = c
        if a == 0 or b == 0:
            return a if a else b
        return a if a < b else b
    low = a if a < b else b
    high = b if a < b else a
    return low if c < low else (high if c > high else c)


cdef int32_t _feed_price(Market* market) noexcept nogil:
    cdef int32_t middle = _touch_middle(market), price
    if middle:
        market.touch_seen = True
    if market.rules.feed == FEED_MID:
        if middle:
            return middle
        return market.mark if market.touch_seen and market.mark else _feed_last(market)
    if market.rules.feed == FEED_INDEX:
        return market.index if market.index else _feed_last(market)
    if market.rules.feed == FEED_MEDIAN:
        price = _median(market.index, middle, _venue_last(market))
        return price if price else market.mark
    return _feed_last(market)


cdef void refresh_mark(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil:
    cdef int32_t price = _feed_price(market), old = market.mark
    cdef Event* event
    if price == old:
        return
    market.mark = price
    market.book.mark = price
    event = log_append(&state.log, EVENT_MARK, market.number, cause, wave)
    event.price = price
    event.money = old
    queue_mark(state, market, old, last_event(state), wave)


# ---------------------------------------------------------------- stops

cdef void _cause_of_mark_stop(const Market* market, uint8_t side, int32_t trigger, int64_t* cause,
                              int32_t* wave) noexcept nogil:
    # the first mark since which every mark has been at or beyond the trigger: binary search
    cdef const MarkStack* stack = &market.marks[0 if side == SELL else 1]
    cdef int64_t low = 0, high = stack.count, middle
    cdef bint beyond
    while low < high:
        middle = (low + high) >> 1
        if side == SELL:
            beyond = stack.records[middle].mark <= trigger
        else:
            beyond = stack.records[middle].mark >= trigger
        if beyond:
            high = middle
        else:
            low = middle + 1
    if low == stack.count:
        cause[0] = -1
        wave[0] = 1
    else:
        cause[0] = stack.records[low].event
        wave[0] = stack.records[low].wave + 1


cdef void fire_stops(State* state, Market* market) noexcept nogil:
    cdef Message message
    cdef Submitted out
    cdef int64_t order_id, cause
    cdef int32_t wave, trigger
    cdef Event* event
    if market.impact_venue:
        return
    while not state.failed:
        order_id = book_next_stop(&market.book, &message)
        if order_id == 0:
            return
        trigger = message.extra
        message.extra = 0
        if message.flags & FLAG_STOP_ON_MARK:
            _cause_of_mark_stop(market, message.side, trigger, &cause, &wave)
        else:
            cause = market.last_source
            wave = market.source_wave + 1
        event = log_append(&state.log, EVENT_TRIGGER, market.number, cause, wave)
        event.order = order_id
        event.account = message.account
        event.side = message.side
        event.price = trigger
        if message.account >= 0:
            _working_change(state, find_position(state, message.account, market.number,
                                                 _leg_of(message.flags)),
                            message.side, message.flags, True, -message.size)
        _process(state, market, &message, order_id, last_event(state), wave, &out)
        refresh_mark(state, market, state.cause, state.wave)


# ---------------------------------------------------------------- one message

cdef int64_t _room_to_reduce(State* state, uint32_t position, uint8_t side, int64_t own) noexcept nogil:
    # what the resting reduce-only orders leave of the position; `own` lots of them do not count
    cdef Position* p
    cdef int64_t room
    if position == NO_POSITION:
        return 0
    p = &state.positions[position]
    room = p.size if side == SELL else -p.size
    if p.working:
        room -= state.workings[p.working].reduces - own
    return room if room > 0 else 0


cdef bint _will_wait(const Market* market, const Message* message) noexcept nogil:
    cdef int32_t watched
    if message.kind != MESSAGE_STOP and message.kind != MESSAGE_STOP_LIMIT:
        return False
    watched = market.book.mark if message.flags & FLAG_STOP_ON_MARK else market.book.last
    if watched == 0:
        return True
    return watched < message.extra if message.side == BUY else watched > message.extra


cdef uint8_t _check_margin(State* state, Market* market, uint32_t position, const Message* message,
                           int64_t replaced) noexcept nogil:
    # `replaced`: open lots of the order that a modification is about to replace
    cdef int64_t buys = 0, sells = 0
    cdef int32_t reference = message.price
    if message.kind == MESSAGE_MARKET or message.kind == MESSAGE_STOP or reference == 0:
        reference = market.book.best_ask if message.side == BUY else market.book.best_bid
        if market.impact_venue:
            reference = market.impact.last
    if message.side == BUY:
        buys = message.size - replaced
    else:
        sells = message.size - replaced
    if not lots_fit(market, exposure_lots(state, position, buys, sells) + message.size,
                    message.price):
        return CODE_OVERFLOW
    if exposure_lots(state, position, buys, sells) <= exposure_lots(state, position, 0, 0):
        return CODE_OK
    if reference == 0 and market.mark == 0:
        return CODE_OK
    if free_collateral(state, message.account, position, buys, sells, reference) < 0:
        return CODE_MARGIN
    return CODE_OK


cdef uint8_t _clear(State* state, Market* market, Message* message, uint32_t* position,
                    int64_t order_id) noexcept nogil:
    # the clearing house's checks of a new order (or a fired stop); may cut its size
    cdef int64_t room
    cdef uint8_t leg = _leg_of(message.flags)
    cdef bint hedge
    position[0] = NO_POSITION
    if message.account == NO_ACCOUNT:
        if leg:
            return CODE_BAD_MESSAGE
        if message.flags & FLAG_REDUCE_ONLY:
            return CODE_REDUCE_ONLY
        return CODE_OK
    if message.account < 0 or <uint32_t>message.account >= state.account_count:
        return CODE_UNKNOWN_ACCOUNT
    if state.accounts[message.account].asset != market.asset:
        return CODE_OTHER_ASSET
    hedge = state.accounts[message.account].flags & ACCOUNT_HEDGE
    if hedge != (leg != 0):
        return CODE_BAD_MESSAGE
    if leg and (message.side == SELL) == (leg == POSITION_LONG_LEG):
        message.flags |= FLAG_REDUCE_ONLY
    position[0] = find_position(state, message.account, market.number, leg)
    if message.flags & FLAG_REDUCE_ONLY:
        if _will_wait(market, message):
            return CODE_OK
        room = _room_to_reduce(state, position[0], message.side, 0)
        if room == 0:
            return CODE_REDUCE_ONLY
        if room < message.size:
            message.size = room
            if message.flags & FLAG_ICEBERG and message.extra > room:
                message.extra = <int32_t>room
        return CODE_OK
    if order_id:
        return CODE_OK            # a fired stop was counted while it waited
    position[0] = claim_position(state, message.account, market.number, leg)
    if position[0] == NO_POSITION:
        return CODE_MARGIN
    return _check_margin(state, market, position[0], message, 0)


cdef void _send_to_impact(State* state, Market* market, const Message* message, int64_t order_id,
                          Submitted* out) noexcept nogil:
    cdef uint8_t in_force = message.time_in_force & 15
    cdef int32_t limit = 0
    out.code = CODE_OK
    if message.kind == MESSAGE_LIMIT:
        if in_force == GTC or message.flags & ~<int>(FLAG_REDUCE_ONLY | FLAG_LONG_LEG | FLAG_SHORT_LEG):
            out.code = CODE_BAD_MESSAGE
            return
        limit = message.price
    elif message.kind != MESSAGE_MARKET:
        out.code = CODE_BAD_MESSAGE
        return
    if in_force == FOK:
        if not _whole_within(market, message, limit):
            out.code = CODE_NOT_FILLABLE
            return
    out.filled = _execute_on_impact(state, market, order_id, message.account, message.side,
                                    message.size, limit)


cdef bint _whole_within(Market* market, const Message* message, int32_t limit) noexcept nogil:
    # fill-or-kill on a copy of the few numbers that make the price
    cdef int32_t price = 0
    cdef int64_t permanent = market.impact.permanent_lots, transient = market.impact.transient_lots
    cdef int32_t last = market.impact.last
    cdef int64_t filled = impact_execute(&market.impact, message.side, message.size, limit, &price)
    market.impact.permanent_lots = permanent
    market.impact.transient_lots = transient
    market.impact.last = last
    return filled == message.size


cdef void _process(State* state, Market* market, const Message* message, int64_t order_id,
                   int64_t cause, int32_t wave, Submitted* out) noexcept nogil:
    # A new order, or (order_id > 0) a stop that fired: from its event to its queued units.
    cdef Message m = message[0]
    cdef uint32_t position = NO_POSITION
    cdef int64_t index
    cdef Event* event
    memset(out, 0, sizeof(Submitted))
    event = log_append(&state.log, EVENT_ORDER, market.number, cause, wave)
    event.quantity = m.size
    event.account = m.account
    event.side = m.side
    index = last_event(state)
    state.cause = index
    state.wave = wave
    out.price = m.price if m.kind == MESSAGE_LIMIT or m.kind == MESSAGE_STOP_LIMIT else 0
    out.code = CODE_OK if order_id else book_check(&market.book, &m)
    if out.code == CODE_OK and m.price > 0 and admit_price(state, market, m.price):
        out.code = CODE_OVERFLOW
    if out.code == CODE_OK:
        out.code = _clear(state, market, &m, &position, order_id)
    market.taker_leg = _leg_of(m.flags)
    if out.code != CODE_OK:
        out.order = order_id if order_id else book_take_id(&market.book)
    elif market.impact_venue:
        out.order = book_take_id(&market.book)
        _send_to_impact(state, market, &m, out.order, out)
    elif order_id:
        out.order = order_id
        book_enter(&market.book, order_id, &m, 0, out)
        out.order = order_id
    else:
        _submit_cut(market, &m, out)
    event = &state.log.events[index - state.log.first]
    event.order = out.order
    event.code = out.code
    event.price = out.price if m.kind == MESSAGE_LIMIT or m.kind == MESSAGE_STOP_LIMIT else 0
    state.counters.orders += 1
    _after_venue(state, market, position, &m, out)


cdef void _submit_cut(Market* market, const Message* message, Submitted* out) noexcept nogil:
    # the size was checked as it was sent; what reduce-only left of it may be below the minimum
    cdef int64_t least = market.book.min_size
    market.book.min_size = 1
    book_submit(&market.book, message, 0, out)
    market.book.min_size = least


cdef bint has_orders(State* state, uint32_t position) noexcept nogil:
    # waiting reduce-only stops are in no sum, so the account's list in the book decides
    cdef Position* p = &state.positions[position]
    cdef Book* book = &state.markets[p.market].book
    cdef uint32_t slot
    if p.account >= <int64_t>book.account_capacity:
        return False
    slot = book.account_head[p.account]
    while slot:
        if _leg_of(book.extras[slot].flags) == p.flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG):
            return True
        slot = book.extras[slot].account_next
    return False


cdef void _after_venue(State* state, Market* market, uint32_t position, const Message* message,
                       Submitted* out) noexcept nogil:
    # settlement and the queue, for an order or a modification
    if message.account >= 0 and out.resting > 0:
        if position == NO_POSITION:
            position = claim_position(state, message.account, market.number, _leg_of(message.flags))
        _working_change(state, position, message.side, message.flags,
                        out.code == CODE_STOP_WAITING, out.resting)
    if market.book.out_of_memory:
        state.failed = FAILURE_MEMORY
    if market.book.fill_count > market.settled:
        _settle(state, market, position, False)
        _queue_makers(state, market)
        _finish_fills(state, market)
        if position != NO_POSITION:
            queue_traded(state, position)


cdef void _cancel_message(State* state, Market* market, const Message* message, Submitted* out) noexcept nogil:
    cdef int64_t index, lots = 0
    cdef Event* event
    cdef uint32_t slot
    memset(out, 0, sizeof(Submitted))
    event = log_append(&state.log, EVENT_ORDER, market.number, -1, 0)
    index = last_event(state)
    state.cause = index
    state.wave = 0
    state.silent = True
    if message.kind == MESSAGE_CANCEL_ALL:
        event.side = 4
        event.account = message.account
        if message.account < 0 or <uint32_t>message.account >= state.account_count:
            out.code = CODE_UNKNOWN_ACCOUNT
        else:
            lots = book_cancel_all(&market.book, message.account)
    else:
        event.side = 2
        event.order = out.order = message.order
        slot = book_find(&market.book, message.order)
        if slot:
            event.price = market.book.orders[slot].price
            event.account = market.book.orders[slot].account
            lots = _open_lots(market, slot)
        out.code = book_cancel(&market.book, message.order)
    state.silent = False
    event = &state.log.events[index - state.log.first]
    event.quantity = lots
    event.code = out.code


cdef uint8_t _check_modify(State* state, Market* market, Message* message, const Order* order,
                           const OrderExtra* extra, int64_t open_lots, uint32_t* position) noexcept nogil:
    cdef int64_t room
    message.account = order.account
    message.side = side_of_slot(&market.book, <uint32_t>(order - market.book.orders))
    message.flags = extra.flags
    if admit_price(state, market, message.price):
        return CODE_OVERFLOW
    if order.account < 0:
        return CODE_OK
    position[0] = find_position(state, order.account, market.number, _leg_of(extra.flags))
    if extra.flags & FLAG_REDUCE_ONLY:
        room = _room_to_reduce(state, position[0], message.side, open_lots)
        if room == 0:
            return CODE_REDUCE_ONLY
        if room < message.size:
            message.size = room
        return CODE_OK
    return _check_margin(state, market, position[0], message, open_lots)


cdef void _modify_message(State* state, Market* market, const Message* message, Submitted* out) noexcept nogil:
    cdef Message m = message[0]
    cdef int64_t index, open_lots
    cdef uint32_t slot = 0, position = NO_POSITION
    cdef Event* event
    memset(out, 0, sizeof(Submitted))
    event = log_append(&state.log, EVENT_ORDER, market.number, -1, 0)
    event.order = out.order = m.order
    event.side = 3
    event.quantity = m.size
    event.price = m.price
    index = last_event(state)
    state.cause = index
    state.wave = 0
    if not market.impact_venue:
        slot = book_find(&market.book, m.order)
    if slot == 0 or market.book.extras[slot].waiting:
        out.code = CODE_UNKNOWN_ORDER
        if slot:
            event.account = market.book.orders[slot].account
    else:
        event.account = market.book.orders[slot].account
        open_lots = _open_lots(market, slot)
        out.code = book_check(&market.book, &m)
        if out.code == CODE_OK:
            out.code = _check_modify(state, market, &m, &market.book.orders[slot],
                                     &market.book.extras[slot], open_lots, &position)
        if out.code == CODE_OK:
            _send_modify(state, market, &m, message, position, open_lots, out)
    event = &state.log.events[index - state.log.first]
    event.code = out.code


cdef int64_t _open_lots(const Market* market, uint32_t slot) noexcept nogil:
    cdef uint32_t iceberg = market.book.extras[slot].iceberg
    if slot == 0:
        return 0
    return market.book.orders[slot].size + (market.book.icebergs[iceberg].hidden if iceberg else 0)


cdef void _send_modify(State* state, Market* market, const Message* m, const Message* original,
                       uint32_t position, int64_t open_lots, Submitted* out) noexcept nogil:
    # the order's lots are taken off its position's sums and what is open afterwards put back
    cdef Message sent = original[0]
    sent.size = m.size
    market.taker_leg = _leg_of(m.flags)
    state.modifying = sent.order
    book_submit(&market.book, &sent, 0, out)
    state.modifying = 0
    if position != NO_POSITION:
        _working_change(state, position, m.side, m.flags, False,
                        _open_lots(market, book_find(&market.book, sent.order)) - open_lots)
    out.resting = 0
    _after_venue(state, market, position, m, out)


cdef void submit_order(State* state, Market* market, const Message* message, Submitted* out) noexcept nogil:
    if message.kind == MESSAGE_CANCEL or message.kind == MESSAGE_CANCEL_ALL:
        _cancel_message(state, market, message, out)
    elif message.kind == MESSAGE_MODIFY:
        _modify_message(state, market, message, out)
    else:
        _process(state, market, message, 0, -1, 0, out)
    refresh_mark(state, market, state.cause, 0)
    fire_stops(state, market)
