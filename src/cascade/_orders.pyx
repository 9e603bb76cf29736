"""The order path: a driver's messages and fired stops, their checks, the venue, what follows.

Order of things is normative (docs/step.md, docs/log.md): the ORDER event comes first and is
completed when the venue has answered; then fills are settled, the mark is formed, stops fire.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memset

from cascade._band cimport held_limit, within_band
from cascade._book cimport (
    Message, Order, OrderExtra, Submitted, book_cancel, book_cancel_all, book_check,
    book_enter, book_find, book_next_stop, book_submit, book_take_id,
)
from cascade._breaker cimport breaker_admit
from cascade._clearing cimport (
    claim_position, exposure_lots, find_position, free_collateral, unclaim_position,
)
from cascade._feed cimport cause_of_mark_stop, refresh_mark
from cascade._impact cimport impact_execute, impact_fits
from cascade._pool cimport pool_fits, pool_plan
from cascade._levels cimport side_of_slot
from cascade._log cimport Event, log_append
from cascade._queue cimport queue_traded
from cascade._settlement cimport (
    admit_price, execute_on_impact, finish_fills, last_event, leg_of, lots_fit, queue_makers,
    settle, working_change,
)
from cascade._state cimport (
    ACCOUNT_HEDGE, ACCOUNT_LENDING, FAILURE_MEMORY, NO_POSITION, POSITION_LONG_LEG, Market,
    Position, State,
)
from cascade._types cimport (
    BUY, CODE_BAD_MESSAGE, CODE_BAD_PRICE, CODE_MARGIN, CODE_NOT_FILLABLE, CODE_OK, CODE_OTHER_ASSET,
    CODE_OVERFLOW, CODE_REDUCE_ONLY, CODE_STOP_WAITING, CODE_UNKNOWN_ACCOUNT, CODE_UNKNOWN_ORDER,
    EVENT_ORDER, EVENT_TRIGGER, FLAG_ICEBERG, FLAG_LONG_LEG, FLAG_REDUCE_ONLY, FLAG_SHORT_LEG,
    FLAG_STOP_ON_MARK, FOK, GTC, MESSAGE_CANCEL, MESSAGE_CANCEL_ALL, MESSAGE_LIMIT,
    MESSAGE_MARKET, MESSAGE_MODIFY, MESSAGE_STOP, MESSAGE_STOP_LIMIT, NO_ACCOUNT, SELL,
)


# ---------------------------------------------------------------- stops

cdef void fire_stops(State* state, Market* market) noexcept nogil:
    cdef uint16_t k
    _fire_own_stops(state, market)
    # those whose index follows this mark have moved with it
    for k in range(market.follower_count):
        fire_stops(state, state.markets[market.followers[k]])


cdef void _fire_own_stops(State* state, Market* market) noexcept nogil:
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
            cause_of_mark_stop(market, message.side, trigger, &cause, &wave)
        else:
            cause = market.last_source
            wave = market.source_wave + 1
        event = log_append(&state.log, EVENT_TRIGGER, market.number, cause, wave)
        event.order = order_id
        event.account = message.account
        event.side = message.side
        event.price = trigger
        if message.account >= 0:
            working_change(state, find_position(state, message.account, market.number,
                                                leg_of(message.flags)),
                           message.side, message.flags, True, -message.size)
        _process(state, market, &message, order_id, last_event(state), wave, &out)
        refresh_mark(state, market, state.cause, state.wave)


# ---------------------------------------------------------------- one message

cdef int64_t _room_to_reduce(State* state, uint32_t position, uint8_t side, int64_t own) noexcept nogil:
    # what the resting reduce-only orders of the side leave of the position; `own` lots of them do not count
    cdef Position* p
    cdef int64_t room
    if position == NO_POSITION:
        return 0
    p = &state.positions[position]
    room = p.size if side == SELL else -p.size
    if p.working:
        room -= state.workings[p.working].reduces[side] - own
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
    cdef uint32_t before = state.position_count
    cdef uint8_t leg = leg_of(message.flags), code
    cdef bint hedge
    position[0] = NO_POSITION
    if market.reserve:
        return CODE_BAD_MESSAGE   # the side of a reserve is no venue
    if message.account == NO_ACCOUNT:
        if leg:
            return CODE_BAD_MESSAGE
        if message.flags & FLAG_REDUCE_ONLY:
            return CODE_REDUCE_ONLY
        return CODE_OK if lots_fit(market, message.size, message.price) else CODE_OVERFLOW
    if message.account < 0 or <uint32_t>message.account >= state.account_count:
        return CODE_UNKNOWN_ACCOUNT
    if (state.accounts[message.account].asset != market.asset
            or state.accounts[message.account].flags & ACCOUNT_LENDING):
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
    code = _check_margin(state, market, position[0], message, 0)
    if code != CODE_OK and state.position_count > before:
        # a refused order leaves nothing behind
        unclaim_position(state)
        position[0] = NO_POSITION
    return code


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
    limit = held_limit(market, message.side, limit)
    if not venue_fits(market, message.size):
        out.code = CODE_OVERFLOW
        return
    if in_force == FOK:
        if not _whole_within(market, message, limit):
            out.code = CODE_NOT_FILLABLE
            return
    out.filled = execute_on_impact(state, market, order_id, message.account, message.side,
                                   message.size, limit)


cdef inline bint venue_fits(const Market* market, int64_t lots) noexcept nogil:
    if market.pool.kind:
        return pool_fits(&market.pool, lots)
    return impact_fits(&market.impact, lots)


cdef bint _whole_within(Market* market, const Message* message, int32_t limit) noexcept nogil:
    # fill-or-kill on a copy of the few numbers that make the price
    cdef int32_t price = 0
    cdef int64_t permanent = market.impact.permanent_lots, transient = market.impact.transient_lots
    cdef int32_t last = market.impact.last
    cdef int64_t filled
    if market.pool.kind:
        return pool_plan(&market.pool, message.side, message.size, limit, &price) == message.size
    filled = impact_execute(&market.impact, message.side, message.size, limit, &price)
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
    if out.code == CODE_OK and market.breaker != NULL:
        out.code = breaker_admit(state, market, &m)
        out.price = m.price if out.price else 0
    if out.code == CODE_OK and not within_band(market, out.price):
        out.code = CODE_BAD_PRICE
    if out.code == CODE_OK and m.price > 0 and admit_price(state, market, m.price):
        out.code = CODE_OVERFLOW
    if out.code == CODE_OK:
        out.code = _clear(state, market, &m, &position, order_id)
    market.taker_leg = leg_of(m.flags)
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


cdef void _after_venue(State* state, Market* market, uint32_t position, const Message* message,
                       Submitted* out) noexcept nogil:
    # settlement and the queue, for an order or a modification
    if message.account >= 0 and out.resting > 0:
        if position == NO_POSITION:
            position = claim_position(state, message.account, market.number, leg_of(message.flags))
        working_change(state, position, message.side, message.flags,
                       out.code == CODE_STOP_WAITING, out.resting)
    if market.book.out_of_memory:
        state.failed = FAILURE_MEMORY
    if market.book.fill_count > market.settled:
        settle(state, market, position, False)
        queue_makers(state, market)
        finish_fills(state, market)
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
    cdef uint8_t code
    message.account = order.account
    message.side = side_of_slot(&market.book, <uint32_t>(order - market.book.orders))
    message.flags = extra.flags
    if market.breaker != NULL:
        code = breaker_admit(state, market, message)
        if code != CODE_OK:
            return code
    if not within_band(market, message.price):
        return CODE_BAD_PRICE
    if admit_price(state, market, message.price):
        return CODE_OVERFLOW
    if order.account < 0:
        return CODE_OK
    position[0] = find_position(state, order.account, market.number, leg_of(extra.flags))
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
    sent.price = m.price
    market.taker_leg = leg_of(m.flags)
    state.modifying = sent.order
    book_submit(&market.book, &sent, 0, out)
    state.modifying = 0
    if position != NO_POSITION:
        working_change(state, position, m.side, m.flags, False,
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
