"""The cascade: takes due units, closes their positions into the venue, settles what is left.

Sequential execution moves the price after each unit; batch execution takes a whole wave at one
price. docs/step.md gives the order of things, docs/margin.md the arithmetic.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport realloc

from cascade._absorption cimport open_storefronts
from cascade._adl cimport adl_applies, adl_begin, adl_close
from cascade._arithmetic cimport ceil_divide, floor_divide, int128, prefetch, saturate
from cascade._bandseizure cimport bands_due, liquidate_loan
from cascade._bandtrade cimport trade_with_bands
from cascade._bandwatch cimport loans_due, look_at_due
from cascade._book cimport book_cancel, book_cancel_all
from cascade._breaker cimport breaker_holds, breaker_throttle
from cascade._clearing cimport (
    Unit, collateral_of, pay_fund, release_margin, required_margin, signed_value, trade_house,
    trade_position, unit_due, unit_evaluate, unit_first, unit_next,
)
from cascade._collateral_auction cimport begin_auctions, offer_auctions
from cascade._conservation cimport (
    STAGE_ADL, STAGE_BACKSTOP, STAGE_BOOK, STAGE_FUND, check_book, check_money, check_trades, note_change,
)
from cascade._disposal cimport dispose_houses
from cascade._feed cimport form_mark
from cascade._log cimport Event, log_append
from cascade._margin cimport position_value, value_tick
from cascade._moves cimport test_moved
from cascade._orders cimport fire_stops
from cascade._partial cimport (
    Round, backstop_due, lots_to_close, note_partial, once_a_step, round_begin, round_end, round_use,
    round_waits,
)
from cascade._promises cimport broken
from cascade._queue cimport (
    queue_again, queue_drop_unit, queue_has_due, queue_return, queue_take, queue_unit,
)
from cascade._seizure cimport seize_unit
from cascade._settlement cimport execute_forced, has_orders, last_event
from cascade._signals cimport signal_waits
from cascade._state cimport (
    ACCOUNT_HEDGE, DOWN, FAILURE_INTERRUPT, FAILURE_MEMORY, FAILURE_ORDERS, NO_POSITION, POSITION_ISOLATED,
    POSITION_LADDER, POSITION_LONG_LEG, POSITION_SHORT_LEG, POSITION_CHANGED, POSITION_TAKEN,
    RATE_DENOMINATOR, UP, Market, Position, State, Taken,
)
from cascade._waterfall cimport cover_deficit, share_deficits, waterfall_begin
from cascade._types cimport (
    BUY, EVENT_LIQUIDATION, EVENT_TAKEOVER, FLAG_LONG_LEG, FLAG_SHORT_LEG, HOUSE_ACCOUNT, SELL,
)

cdef enum:
    UNITS_BETWEEN_SIGNALS = 4096


cdef inline void _touch(State* state, Market* market) noexcept nogil:
    if not market.touched:
        market.touched = True
        state.touched[state.touched_count] = market.number
        state.touched_count += 1


# ---------------------------------------------------------------- cancelling a unit's orders

cdef void _cancel_legs(State* state, Market* market, int32_t account, uint8_t legs) noexcept nogil:
    # hedge mode: the orders of some legs only, oldest id first
    cdef uint32_t slot
    cdef int64_t oldest
    cdef uint8_t flags
    while True:
        oldest = 0
        slot = market.book.account_head[account]
        while slot:
            flags = market.book.extras[slot].flags
            if ((flags & FLAG_LONG_LEG and legs & POSITION_LONG_LEG)
                    or (flags & FLAG_SHORT_LEG and legs & POSITION_SHORT_LEG)):
                if oldest == 0 or market.book.orders[slot].id < oldest:
                    oldest = market.book.orders[slot].id
            slot = market.book.extras[slot].account_next
        if oldest == 0:
            return
        book_cancel(&market.book, oldest)


cdef void _cancel_in_market(State* state, Market* market, int32_t account, uint8_t legs) noexcept nogil:
    cdef int64_t before = market.book.live_orders
    if market.impact_venue or account >= <int64_t>market.book.account_capacity:
        return
    if market.book.account_head[account] == 0:
        return
    if state.accounts[account].flags & ACCOUNT_HEDGE:
        _cancel_legs(state, market, account, legs)
    else:
        book_cancel_all(&market.book, account)
    if market.book.live_orders != before:
        _touch(state, market)


cdef void _cancel_orders(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef uint32_t i
    cdef uint16_t market
    cdef uint8_t legs
    if p.flags & POSITION_ISOLATED:
        _cancel_in_market(state, state.markets[p.market], p.account, p.flags)
        return
    i = state.accounts[p.account].first
    while i != NO_POSITION:
        # positions of one market follow each other: gather the legs that are in cross mode
        market = state.positions[i].market
        legs = 0
        while i != NO_POSITION and state.positions[i].market == market:
            if not state.positions[i].flags & POSITION_ISOLATED:
                legs |= state.positions[i].flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG) or 0x80
            i = state.positions[i].next
        if legs:
            _cancel_in_market(state, state.markets[market], p.account, legs)


cdef void _check_orders(State* state, uint32_t position) noexcept nogil:
    # no order of a unit that was closed rests or waits
    cdef bint alone = (state.positions[position].flags & POSITION_ISOLATED) != 0
    cdef int32_t account = state.positions[position].account
    cdef uint32_t i = position if alone else state.accounts[account].first
    cdef Market* market
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        # mostly there are none at all
        if (account < <int64_t>market.book.account_capacity and market.book.account_head[account]
                and (alone or not state.positions[i].flags & POSITION_ISOLATED) and has_orders(state, i)):
            broken(state, market, account, STAGE_BOOK, FAILURE_ORDERS, 0)
        if alone:
            return
        i = state.positions[i].next


# ---------------------------------------------------------------- closing

cdef int32_t _bankruptcy_tick(State* state, uint32_t position, const Unit* unit) noexcept nogil:
    # the unit's equity is shared out over its positions by maintenance
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t value = position_value(&market.rules.table, p.size, market.mark)
    cdef int128 share
    if unit.open_positions <= 1:
        share = unit.equity
    elif unit.maintenance == 0:
        share = floor_divide(unit.equity, unit.open_positions)
    else:
        share = floor_divide(unit.equity * required_margin(market, p, value), unit.maintenance)
    return value_tick(&market.rules.table, p.size, value - share)


cdef void _take_over(State* state, uint32_t position, int64_t lots, int32_t price) noexcept nogil:
    # `lots` of the position go to the house at `price`
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t traded = -lots if p.size > 0 else lots
    cdef int64_t value = signed_value(market, traded, price)
    cdef Event* event = log_append(&state.log, EVENT_TAKEOVER, market.number, state.cause, state.wave)
    event.account = p.account
    event.counterparty = HOUSE_ACCOUNT
    event.quantity = lots
    event.price = price
    event.money = -value if value < 0 else value
    event.side = SELL if p.size > 0 else BUY
    trade_position(state, position, traded, value)
    trade_house(state, market, -traded, -value)


cdef int64_t _close_position(State* state, uint32_t position, const Taken* taken, Round* together,
                             bint backstop, int128* fee_parts) noexcept nogil:
    # Gives the lots closed. A backstop takes all of them at the bankruptcy tick, without an order.
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t held = p.size if p.size > 0 else -p.size
    cdef uint8_t side = SELL if p.size > 0 else BUY
    cdef int64_t lots, absorbed, left, value, filled
    cdef int32_t tick = 0
    cdef Unit unit
    cdef Event* event
    unit_evaluate(state, position, &unit)
    lots = held
    if together.ruled:
        lots = lots_to_close(state, position, &unit, together)
        if lots == 0:
            return 0
        round_use(market, p.size, lots, together)
    value = position_value(&market.rules.table, lots if p.size > 0 else -lots, market.mark)
    state.counters.notional += value if value > 0 else -value
    if market.breaker != NULL:
        breaker_throttle(state, market, lots, value)
    event = log_append(&state.log, EVENT_LIQUIDATION, market.number, taken.cause, taken.wave)
    event.account = p.account
    event.side = side
    event.price = market.mark
    event.quantity = lots
    event.money = saturate(unit.equity)
    state.cause = last_event(state)
    state.wave = taken.wave
    if backstop:
        _take_over(state, position, lots, _bankruptcy_tick(state, position, &unit))
        check_trades(state, market, p, STAGE_BACKSTOP)
        return lots
    absorbed = <int64_t>floor_divide(<int128>lots * market.rules.absorb, RATE_DENOMINATOR)
    if absorbed:
        _take_over(state, position, absorbed, market.mark)
        check_trades(state, market, p, STAGE_BACKSTOP)
        unit_evaluate(state, position, &unit)
    left = lots - absorbed
    if left:
        tick = _bankruptcy_tick(state, position, &unit)
        filled = execute_forced(state, market, position, side, left,
                                tick if market.rules.limit_at_bankruptcy else 0, fee_parts)
        left -= filled
        check_book(state, market, p, lots, held)
        _touch(state, market)
        if filled:
            market.last_liquidation = state.cause
    if left and lots == held and not (market.breaker != NULL and breaker_holds(
            market, side, tick if market.rules.limit_at_bankruptcy else 0)):
        if adl_applies(state, market):
            left = adl_close(state, position, left, tick)
            check_trades(state, market, p, STAGE_ADL)
        if left:
            _take_over(state, position, left, tick)
            check_trades(state, market, p, STAGE_BACKSTOP)
        left = 0
    if lots < held and left < lots:
        note_partial(state, position)
    return lots - left


cdef void _settle_unit(State* state, uint32_t position, int128 fee_parts,
                       bint backstop) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t* collateral = collateral_of(state, position)
    cdef int64_t amount = collateral[0], fee
    if amount > 0:
        if market.rules.surplus_to_trader and not backstop:
            fee = saturate(ceil_divide(fee_parts, RATE_DENOMINATOR))
            amount = fee if fee < amount else amount
    if amount:
        collateral[0] -= amount
        note_change(market, amount, 0)
        if amount > 0:
            pay_fund(state, market, p.account, amount, state.cause, state.wave)
        else:
            cover_deficit(state, market, p.account, -amount)
        check_money(state, market, p.account, STAGE_FUND)
    if not p.flags & POSITION_ISOLATED or (p.account < <int64_t>market.book.account_capacity
                                           and market.book.account_head[p.account]):
        _check_orders(state, position)
    release_margin(state, position)


cdef uint32_t _largest(State* state, uint32_t position) noexcept nogil:
    # of the unit's open positions the one with the largest maintenance, where the market is
    # open; the list is in order of market, and a long leg comes before a short one
    cdef uint32_t i = unit_first(state, position), best = NO_POSITION, after
    cdef int64_t needed, most = -1
    cdef Market* market
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        after = unit_next(state, i)
        if (not market.book.auction and not market.throttled
                and not state.positions[i].had_turn):
            if after == NO_POSITION and best == NO_POSITION:
                return i          # no other to compare with
            needed = required_margin(
                market, &state.positions[i],
                position_value(&market.rules.table, state.positions[i].size, market.mark))
            if needed > most:
                most = needed
                best = i
        i = after
    return best


cdef void _name_touched(State* state) noexcept nogil:
    # where the unit only cancelled orders, its last liquidation is what moved the touch
    cdef uint32_t k
    cdef Market* market
    for k in range(state.touched_count):
        market = state.markets[state.touched[k]]
        if market.last_liquidation < 0:
            market.last_liquidation = state.cause


cdef bint _still_owed(State* state, uint32_t position) noexcept nogil:
    cdef Unit unit
    cdef uint32_t first = unit_first(state, position)
    if first == NO_POSITION or state.positions[first].flags & POSITION_LADDER:
        return False
    unit_evaluate(state, first, &unit)
    return unit_due(state, first, &unit)


cdef void _end_turns(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = state.accounts[state.positions[position].account].first
    while i != NO_POSITION:
        state.positions[i].had_turn = False
        i = state.positions[i].next


cdef inline int64_t _take_turns(State* state, const Taken* taken, Round* together, bint backstop,
                                int128* fee_parts, uint32_t* last) noexcept nogil:
    # Closes the unit's positions, the largest maintenance first; gives the lots closed. Under partial
    # rules each has one turn, and the unit is tested again before every turn but the first.
    cdef int64_t closed = 0
    cdef uint32_t position = taken.position
    while True:
        position = _largest(state, last[0])
        if position == NO_POSITION:
            break
        if together.ruled:
            if closed and not _still_owed(state, last[0]):
                break
            state.positions[position].had_turn = True
            together.once |= once_a_step(state.markets[state.positions[position].market])
        last[0] = position
        closed += _close_position(state, position, taken, together, backstop, fee_parts)
        if state.positions[position].size and not together.ruled:
            break                 # its market holds what is left
    if together.ruled:
        _end_turns(state, last[0])
    return closed


cdef void _set_aside_unchanged(State* state, const Taken* taken) noexcept nogil:
    # nobody acted: the unit keeps its key and its cause, whose time a liquidator's latency counts from
    if _keep(state, &state.deferred, &state.deferred_capacity, state.deferred_count, taken) == 0:
        state.deferred_count += 1
        state.positions[taken.position].flags |= POSITION_TAKEN


cdef void _seize(State* state, const Taken* taken) noexcept nogil:
    # a borrower: one call, or none
    cdef int done = seize_unit(state, taken)
    if done == 0:
        _set_aside_unchanged(state, taken)
        return
    queue_again(state, taken, taken.position)
    if done == 2 and _still_owed(state, taken.position):
        queue_drop_unit(state, taken.position)
        _put_aside(state, taken)


cdef void _liquidate(State* state, const Taken* taken) noexcept nogil:
    cdef uint32_t last = taken.position
    cdef int64_t closed
    cdef int128 fee_parts = 0
    cdef bint backstop
    cdef Round together
    if state.markets[taken.market].reserve:
        _seize(state, taken)
        return
    backstop = state.backstops and backstop_due(state, last)
    together.ruled = together.once = together.ramped = False
    if state.partials and not backstop:
        round_begin(state, last, &together)
    if together.ruled and round_waits(state, last, &together):
        _put_aside(state, taken)
        return
    state.cause = taken.cause
    state.wave = taken.wave - 1 if taken.cause >= 0 else 0
    _cancel_orders(state, last)
    closed = _take_turns(state, taken, &together, backstop, &fee_parts, &last)
    if together.ramped:
        round_end(state, last, &together)
    _name_touched(state)
    state.counters.liquidated += 1
    if taken.wave > state.counters.waves:
        state.counters.waves = taken.wave
    if unit_first(state, last) == NO_POSITION:
        _settle_unit(state, last, fee_parts, backstop)
    if closed == 0:
        _put_aside(state, taken)
    else:
        queue_again(state, taken, last)
        if together.once and _still_owed(state, last):
            # what is still due waits for the next step
            queue_drop_unit(state, last)
            _put_aside(state, taken)


# ---------------------------------------------------------------- the loop

cdef int _keep(State* state, Taken** list, int64_t* capacity, int64_t at, const Taken* taken) noexcept nogil:
    cdef void* grown
    cdef int64_t n
    if at >= capacity[0]:
        n = capacity[0] * 2 if capacity[0] else 256
        grown = realloc(list[0], <size_t>n * sizeof(Taken))
        if grown == NULL:
            state.failed = FAILURE_MEMORY
            return -1
        list[0] = <Taken*>grown
        capacity[0] = n
    list[0][at] = taken[0]
    return 0


cdef void _put_aside(State* state, const Taken* taken) noexcept nogil:
    # Nothing could be closed: the unit is out of the queue until the step is over. Behind guards it
    # then waits with its cause, at the mark of now in the first market it is in.
    cdef Unit unit
    cdef Taken aside = taken[0]
    cdef Position* p
    unit_evaluate(state, taken.position, &unit)
    aside.was_due = unit.owing or not unit.exact
    aside.position = unit_first(state, taken.position)
    p = &state.positions[aside.position]
    aside.market = p.market
    aside.direction = DOWN if p.size > 0 else UP
    aside.trigger = state.markets[p.market].mark
    p.due_cause = taken.cause
    p.due_wave = taken.wave
    if _keep(state, &state.deferred, &state.deferred_capacity, state.deferred_count, &aside) == 0:
        state.deferred_count += 1
        p.flags |= POSITION_TAKEN


cdef void _refresh_touched(State* state) noexcept nogil:
    # marks of the markets sold in, in the order first touched, then their stops
    cdef uint32_t k, count = state.touched_count
    cdef int32_t wave
    cdef Market* market
    for k in range(count):
        market = state.markets[state.touched[k]]
        market.touched = False
        wave = 0                  # where nothing filled there is no event
        if market.last_liquidation >= state.log.first:
            wave = state.log.events[market.last_liquidation - state.log.first].wave
        form_mark(state, market, market.last_liquidation, wave)
        market.last_liquidation = -1
    state.touched_count = 0
    test_moved(state)
    for k in range(count):
        fire_stops(state, state.markets[state.touched[k]])


cdef bint _still_due(State* state, const Taken* taken) noexcept nogil:
    cdef Unit unit
    state.counters.resolved += 1
    unit_evaluate(state, taken.position, &unit)
    return unit_due(state, taken.position, &unit)


cdef inline bint _spent(const State* state, int64_t allowed) noexcept nogil:
    return (state.counters.liquidated >= allowed
            or state.counters.notional >= state.notional_allowed)


cdef inline bint _trade_bands(State* state, uint32_t number) noexcept nogil:
    if not trade_with_bands(state, number):
        return False
    _refresh_touched(state)
    return True


cdef void _act_on_bands(State* state, int64_t allowed) noexcept nogil:
    # arbitrage and liquidations of soft liquidation markets until nothing happens
    cdef bint moved = True
    cdef uint32_t k
    while moved and not state.failed:
        moved = False
        for k in range(state.band_count):
            moved |= _trade_bands(state, k)
            while not state.failed and not _spent(state, allowed) and bands_due(state, k):
                if liquidate_loan(state, k):
                    moved = True
                    _refresh_touched(state)
                    _trade_bands(state, k)


cdef void _one_by_one(State* state, int64_t allowed) noexcept nogil:
    cdef Taken taken
    cdef int64_t rounds = 0
    while not state.failed:
        if state.band_count:
            _act_on_bands(state, allowed)
        if _spent(state, allowed):
            return
        if not queue_take(state, &taken):
            return
        # settling needs it at the end of the liquidation
        prefetch(&state.accounts[state.positions[taken.position].account])
        if not _still_due(state, &taken):
            queue_unit(state, taken.position)
            continue
        _liquidate(state, &taken)
        _refresh_touched(state)
        rounds += 1
        if rounds % UNITS_BETWEEN_SIGNALS == 0 and signal_waits():
            state.failed = FAILURE_INTERRUPT


cdef void _in_batches(State* state, int64_t allowed) noexcept nogil:
    cdef Taken taken
    cdef int64_t count, k, done
    while not state.failed:
        if state.band_count:
            _act_on_bands(state, allowed)
        count = 0
        while not _spent(state, allowed) and queue_take(state, &taken):
            if _keep(state, &state.taken, &state.taken_capacity, count, &taken):
                return
            state.positions[taken.position].flags |= POSITION_TAKEN
            count += 1
        done = 0
        for k in range(count):
            if (state.failed or _spent(state, allowed)
                    or state.markets[state.taken[k].market].throttled):
                queue_return(state, &state.taken[k])
                continue
            state.positions[state.taken[k].position].flags &= ~(POSITION_TAKEN | POSITION_CHANGED)
            if not _still_due(state, &state.taken[k]):
                queue_unit(state, state.taken[k].position)
            else:
                _liquidate(state, &state.taken[k])
                done += 1
                if done % UNITS_BETWEEN_SIGNALS == 0 and signal_waits():
                    state.failed = FAILURE_INTERRUPT
        _refresh_touched(state)
        if count == 0:
            return


cdef inline void _take_due(State* state, int64_t allowed) noexcept nogil:
    if state.batch:
        _in_batches(state, allowed)
    else:
        _one_by_one(state, allowed)


cdef void run_cascade(State* state, int64_t elapsed) noexcept nogil:
    cdef int64_t allowed = 0x7FFFFFFFFFFFFFFF, k, by_time, seen = 0
    cdef bint stirred = False
    state.notional_allowed = 0x7FFFFFFFFFFFFFFF
    if state.budget_accounts >= 0:
        allowed = state.budget_accounts
    if state.budget_notional >= 0:
        state.notional_allowed = state.budget_notional
    if state.time_per_liquidation > 0:
        state.carried += elapsed
        by_time = state.carried // state.time_per_liquidation
        if by_time < allowed:
            allowed = by_time
    if state.disposals:
        dispose_houses(state, elapsed)
    adl_begin(state)
    if state.watched:
        waterfall_begin(state)
    for k in range(state.band_count):
        look_at_due(state, state.bands[k])
    if state.lending_count:
        open_storefronts(state)
        stirred = begin_auctions(state)
        _refresh_touched(state)
    _take_due(state, allowed)
    # what was liquidated or taken may have moved prices that auctions are taken at
    while state.lending_count and not state.failed and (stirred or state.counters.liquidated > seen):
        seen = state.counters.liquidated
        stirred = offer_auctions(state)
        _refresh_touched(state)
        _take_due(state, allowed)
    for k in range(state.deferred_count):
        queue_return(state, &state.deferred[k])
    state.deferred_count = 0
    for k in range(state.band_count):
        look_at_due(state, state.bands[k])
    if state.deficit_count:
        share_deficits(state)
    if state.time_per_liquidation > 0:
        if queue_has_due(state) or loans_due(state):
            state.carried -= state.counters.liquidated * state.time_per_liquidation
        else:
            state.carried = 0
