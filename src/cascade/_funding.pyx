"""Funding: rates by the clock from the premium over the index, and payments exact to the atom.

docs/funding.md gives the formulas. A payer's amount is rounded up, a receiver's down, and the fund
keeps what is left, so that payments and receipts add up. Where funding is accrued, only the index moves.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport (
    add_into, ceil_divide, divide_toward_zero, floor_divide, int128, magnitude_wide, saturate,
)
from cascade._clearing cimport Unit, pay_fund, unit_due, unit_evaluate, unit_first
from cascade._conservation cimport note_change
from cascade._feed cimport index_is_stale, touch_middle
from cascade._funding_guards cimport index_key
from cascade._log cimport Event, log_append
from cascade._margin cimport position_value
from cascade._outside cimport impact_premium
from cascade._queue cimport queue_fall, queue_unit, queue_watch
from cascade._signals cimport signal_waits
from cascade._state cimport (
    FAILURE_INTERRUPT, FAILURE_OVERFLOW, POSITION_ISOLATED, RATE_DENOMINATOR, Market, State,
)
from cascade._triggers cimport Triggers, triggers_remove
from cascade._types cimport EVENT_FUNDING, HOUSE_ACCOUNT

cdef int64_t LARGEST_INDEX = <int64_t>1 << 62


cdef inline int64_t _clamped(int64_t value, int64_t limit) noexcept nogil:
    return limit if value > limit else (-limit if value < -limit else value)


# ---------------------------------------------------------------- one settlement

cdef inline int64_t _due(const Market* market, int64_t size, int64_t rate,
                         int32_t price) noexcept nogil:
    # what a position pays: payers up, receivers down; an inverse position's value is minus its coins
    cdef int64_t value
    if size == 0:
        return 0
    value = position_value(&market.rules.table, size, price)
    if market.rules.table.inverse:
        value = -value
    return <int64_t>ceil_divide(<int128>value * rate, RATE_DENOMINATOR)


cdef void settle_funding(State* state, Market* market, int64_t rate, int32_t price) noexcept nogil:
    if market.rules.accrues:
        _accrue(state, market, rate, price)
        return
    _pay_all(state, market, rate, price)


cdef void _pay_all(State* state, Market* market, int64_t rate, int32_t price) noexcept nogil:
    cdef int64_t due, touched = 0
    cdef int128 by_longs = 0, total = 0
    cdef uint32_t i
    cdef Event* event
    for i in range(state.position_count):
        if state.positions[i].market != market.number or state.positions[i].size == 0:
            continue
        due = _due(market, state.positions[i].size, rate, price)
        if state.positions[i].flags & POSITION_ISOLATED:
            state.positions[i].margin -= due
        else:
            state.accounts[state.positions[i].account].balance -= due
        note_change(market, due, 0)
        total += due
        touched += 1
        if state.positions[i].size > 0:
            by_longs += due
    due = _due(market, market.outside_size, rate, price)
    market.outside_entry += due
    note_change(market, due, 0)
    total += due
    if market.outside_size > 0:
        by_longs += due
    due = _due(market, market.house_size, rate, price)
    total += due
    if market.house_size > 0:
        by_longs += due
    event = log_append(&state.log, EVENT_FUNDING, market.number, -1, 0)
    event.price = price
    event.money = <int64_t>by_longs
    event.quantity = touched
    event.code = <int32_t>rate
    # the fund keeps what rounding left over, and carries the house's share
    pay_fund(state, market, HOUSE_ACCOUNT, <int64_t>(total - due),
             state.log.first + state.log.count - 1, 0)
    for i in range(state.position_count):
        if state.positions[i].market == market.number and state.positions[i].size:
            queue_unit(state, i)


# ---------------------------------------------------------------- through an index

cdef int128 undistributed(const Market* market) noexcept nogil:
    cdef int128 held = -(<int128>market.outside_size + market.house_size)
    return (<int128>market.funding_pool * RATE_DENOMINATOR + held * market.funding_index
            - market.funding_weight)


cdef void _test_accrued(State* state, Market* market) noexcept nogil:
    # a unit that is looked at is due, or guarded anew beyond the index, so this ends
    cdef uint8_t direction
    cdef uint32_t position
    cdef Triggers* queue
    cdef Unit unit
    for direction in range(2):
        queue = &market.accruing[direction]
        while queue.count and queue.near.nodes[0].key <= index_key(market, direction) and not state.failed:
            position = queue.near.nodes[0].item
            state.counters.resolved += 1
            unit_evaluate(state, position, &unit)
            if unit_due(state, position, &unit):
                position = unit_first(state, position)
                queue_fall(state, position, state.markets[state.positions[position].market].mark, -1, 1)
            elif unit.priced:
                queue_watch(state, position, &unit)
            else:
                # looked at again when another market gets its mark
                triggers_remove(queue, position)


cdef inline int128 _up(int64_t lots, int128 moved) noexcept nogil:
    return ceil_divide(moved * lots, RATE_DENOMINATOR)


cdef void _accrue(State* state, Market* market, int64_t rate, int32_t price) noexcept nogil:
    # outside and the house, who are two, pay at once
    cdef int128 moved, outside, house, over
    cdef int64_t longs = market.long_lots, entry = market.outside_entry, pool = market.funding_pool
    cdef Event* event
    if market.rules.table.inverse:
        moved = divide_toward_zero(<int128>market.rules.table.unit * rate, price)
    else:
        moved = <int128>market.rules.table.unit * price * rate
    if magnitude_wide(moved + market.funding_index) > LARGEST_INDEX:
        state.failed = FAILURE_OVERFLOW
        return
    outside = _up(market.outside_size, moved)
    house = _up(market.house_size, moved)
    if add_into(&entry, saturate(outside)) or add_into(&pool, saturate(outside + house)):
        state.failed = FAILURE_OVERFLOW
        return
    market.funding_index += <int64_t>moved
    market.outside_entry = entry
    market.funding_pool = pool
    over = floor_divide(undistributed(market), RATE_DENOMINATOR)
    market.funding_pool -= <int64_t>over
    # what the pool and the outside hold more, and the fund less
    note_change(market, saturate(over), saturate(house))
    longs += market.outside_size if market.outside_size > 0 else 0
    longs += market.house_size if market.house_size > 0 else 0
    event = log_append(&state.log, EVENT_FUNDING, market.number, -1, 0)
    event.order = market.funding_index
    event.price = price
    event.money = saturate(_up(longs, moved))
    event.code = <int32_t>rate
    pay_fund(state, market, HOUSE_ACCOUNT, saturate(over - house),
             state.log.first + state.log.count - 1, 0)
    _test_accrued(state, market)


# ---------------------------------------------------------------- by the clock

cdef int64_t _rate(const Market* market) noexcept nogil:
    # of the interval that ends: fixed, or from the average premium
    cdef int64_t average = 0, added = market.rules.interest
    if market.funding_fixed:
        return market.funding_rate
    if market.premium_time:
        average = <int64_t>divide_toward_zero(market.premium_sum, market.premium_time)
    if market.rules.funding_clamped:
        added = _clamped(added - average, market.rules.funding_clamp)
    average = <int64_t>divide_toward_zero(average + added, market.rules.funding_payments)
    return _clamped(average, market.rules.funding_cap)


cdef void _sample(State* state, Market* market) noexcept nogil:
    # the premium that the last step left
    cdef int32_t middle = touch_middle(market)
    cdef int128 gap
    market.sampled = ((middle or market.rules.impact_notional) and market.index
                      and not index_is_stale(state, market))
    market.sampled_until = state.clock
    if market.sampled and market.rules.impact_notional:
        market.sample = impact_premium(market)
    elif market.sampled:
        gap = <int128>(<int64_t>middle - market.index) * RATE_DENOMINATOR
        market.sample = _clamped(<int64_t>divide_toward_zero(gap, market.index), RATE_DENOMINATOR)


cdef void _read_until(Market* market, int64_t time) noexcept nogil:
    cdef int64_t span = time - market.sampled_until
    if market.sampled:
        market.premium_sum += <int128>market.sample * span
        market.premium_time += span
    market.sampled_until = time


cdef void _settle(State* state, Market* market) noexcept nogil:
    cdef int64_t rate = _rate(market)
    cdef int32_t price = market.mark
    market.premium_sum = 0
    market.premium_time = 0
    if market.rules.funding_on_index and market.index:
        price = market.index
    if market.mark:
        settle_funding(state, market, rate, price)


cdef void pay_due_funding(State* state, int64_t until) noexcept nogil:
    cdef Market* market
    cdef Market* next_market
    cdef uint32_t m
    cdef int64_t interval
    for m in range(state.market_count):
        market = state.markets[m]
        interval = market.rules.funding_interval
        if interval:
            _sample(state, market)
            market.next_settlement = (state.clock // interval + 1) * interval
    while not state.failed:
        next_market = NULL
        for m in range(state.market_count):
            market = state.markets[m]
            if market.rules.funding_interval and market.next_settlement <= until and (
                    next_market == NULL or market.next_settlement < next_market.next_settlement):
                next_market = market
        if next_market == NULL:
            break
        state.log.time = next_market.next_settlement
        _read_until(next_market, next_market.next_settlement)
        _settle(state, next_market)
        next_market.next_settlement += next_market.rules.funding_interval
        if signal_waits():
            state.failed = FAILURE_INTERRUPT
    for m in range(state.market_count):
        if state.markets[m].rules.funding_interval:
            _read_until(state.markets[m], until)
