"""Margin calls: a warning level above maintenance, answered by some accounts and not by others.

Warning triggers wait in heaps of their own, beside those of the liquidation queue and kept by it, so
that no turn looks at an account that no price has reached. docs/residents.md has the rule.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from cascade._accrual cimport settle_touched
from cascade._arithmetic cimport ceil_divide, int128, magnitude, saturate
from cascade._book cimport Message, Submitted
from cascade._call_guards cimport (
    call_crossed, call_guarded, call_heaviest, call_remember, call_untested, call_watch, level_tick,
    warning_level,
)
from cascade._clearing cimport Unit, collateral_of, unit_due, unit_evaluate, unit_first
from cascade._conservation cimport note_change
from cascade._log cimport Event, log_append
from cascade._margin cimport maintenance, position_value
from cascade._marks cimport cause_of_trigger, trigger_key
from cascade._orders cimport submit_order
from cascade._queue cimport queue_traded, warning_trigger
from cascade._random cimport draw_below
from cascade._resident cimport Resident
from cascade._settlement cimport last_event
from cascade._state cimport (
    DOWN, NO_MARKET, POSITION_ISOLATED, POSITION_LADDER, POSITION_LONG_LEG, POSITION_SHORT_LEG,
    RATE_DENOMINATOR, UP, Asset, Market, Position, State, Taken,
)
from cascade._triggers cimport Triggers, triggers_pop
from cascade._types cimport (
    BUY, EVENT_DEPOSIT, EVENT_MARGIN_CALL, EVENT_TRANSFER, FLAG_LONG_LEG, FLAG_REDUCE_ONLY,
    FLAG_SHORT_LEG, MESSAGE_MARKET, SELL,
)

cdef int64_t LARGEST_AMOUNT = <int64_t>1 << 61


cdef bint _stands(State* state, uint32_t position, uint8_t direction, Unit* unit) noexcept nogil:
    # an entry is stale when its position was closed or is no longer alone in its unit
    cdef Position* p = &state.positions[position]
    if p.size == 0 or (p.size > 0) != (direction == DOWN) or p.flags & POSITION_LADDER:
        return False
    if unit_first(state, position) != position:
        return False
    unit_evaluate(state, position, unit)
    return unit.exact


cdef uint8_t _answer(Resident* resident, bint due) noexcept nogil:
    # one draw a call, whatever comes of it
    cdef int64_t draw = draw_below(&resident.stream, RATE_DENOMINATOR)
    if due:
        return ANSWER_TOO_LATE
    if draw < resident.top_up_share:
        return ANSWER_TOP_UP
    return ANSWER_REDUCTION if draw - resident.top_up_share < resident.reduce_share else ANSWER_NONE


cdef void _top_up(State* state, Market* market, uint32_t position, int128 amount,
                  int64_t call) noexcept nogil:
    # money from outside; refused when it does not fit, as a deposit would be
    cdef Position* p = &state.positions[position]
    cdef Asset* asset = &state.assets[market.asset]
    cdef int64_t* collateral = collateral_of(state, position)
    cdef int64_t atoms
    cdef Event* event
    if amount <= 0 or amount + collateral[0] > LARGEST_AMOUNT:
        return
    if amount + asset.net_deposits > LARGEST_AMOUNT:
        return
    atoms = <int64_t>amount
    settle_touched(state, position)
    collateral[0] += atoms
    note_change(market, 0, atoms)
    asset.net_deposits += atoms
    event = log_append(&state.log, EVENT_DEPOSIT, NO_MARKET, call, state.wave)
    event.account = p.account
    event.money = atoms
    if p.flags & POSITION_ISOLATED:
        event = log_append(&state.log, EVENT_TRANSFER, market.number, call, state.wave)
        event.account = p.account
        event.money = atoms
    queue_traded(state, position)


cdef void _reduce(State* state, Market* market, uint32_t position, int64_t share) noexcept nogil:
    # a market order of the account's own
    cdef Position* p = &state.positions[position]
    cdef Message message
    cdef Submitted out
    if market.book.auction:
        return                    # nobody trades there; a unit may be called in another market's turn
    memset(&message, 0, sizeof(Message))
    message.kind = MESSAGE_MARKET
    message.side = SELL if p.size > 0 else BUY
    message.flags = FLAG_REDUCE_ONLY
    if p.flags & POSITION_LONG_LEG:
        message.flags |= FLAG_LONG_LEG
    if p.flags & POSITION_SHORT_LEG:
        message.flags |= FLAG_SHORT_LEG
    message.account = p.account
    message.size = <int64_t>ceil_divide(<int128>magnitude(p.size) * share, RATE_DENOMINATOR)
    if message.size >= market.book.min_size:
        submit_order(state, market, &message, &out)


cdef void _call(State* state, Resident* resident, uint32_t position, int128 needed, const Unit* unit,
                const Taken* taken) noexcept nogil:
    # `needed`: the level; what is asked and answered is about this position of the unit
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef uint8_t answer = _answer(resident, unit_due(state, position, unit))
    cdef int64_t call
    cdef Event* event = log_append(&state.log, EVENT_MARGIN_CALL, market.number, taken.cause,
                                   taken.wave - 1)
    event.account = p.account
    event.side = SELL if p.size > 0 else BUY
    event.price = market.mark
    event.quantity = magnitude(p.size)
    event.money = saturate(needed - unit.equity)
    event.code = answer
    call = last_event(state)
    state.wave = taken.wave - 1
    if answer == ANSWER_TOP_UP:
        _top_up(state, market, position,
                ceil_divide(needed * resident.top_up, RATE_DENOMINATOR) - unit.equity, call)
    elif answer == ANSWER_REDUCTION:
        _reduce(state, market, position, resident.reduce)


cdef void _call_exact(State* state, Resident* resident, uint32_t position, uint8_t direction,
                      Unit* unit) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t value = position_value(&market.rules.table, p.size, market.mark)
    cdef Taken taken
    p.called = <uint32_t>warning_trigger(state, position)
    cause_of_trigger(&market.marks[direction], direction, <int>p.called, &taken)
    _call(state, resident, position, maintenance(&market.warning, value, p.entry_value), unit, &taken)


cdef void _test_guarded(State* state, Resident* resident, uint32_t position) noexcept nogil:
    # a guard was crossed or something changed: called, or watched from here
    cdef Unit unit
    cdef int128 level
    cdef Taken taken
    if state.positions[position].size == 0 or not call_guarded(state, position):
        return
    unit_evaluate(state, position, &unit)
    if not unit.priced:
        call_watch(state, position, &unit, 0)
        return
    level = warning_level(state, position)
    if unit.equity >= level:
        call_watch(state, position, &unit, unit.equity - level)
    elif <int32_t>state.positions[position].called != level_tick(state, position):
        call_remember(state, position)
        taken.cause = -1          # no one tick and so no one mark took it there
        taken.wave = 1
        _call(state, resident, call_heaviest(state, position), level, &unit, &taken)


cdef void call_margins(State* state, Resident* resident) noexcept nogil:
    cdef Market* market = state.markets[resident.market]
    cdef Triggers* queue
    cdef Unit unit
    cdef uint8_t direction
    cdef uint32_t position
    cdef bint untested
    if market.mark == 0 or market.book.auction:
        return
    while not state.failed:
        # what a call makes its account sell may reach the next one
        call_crossed(state)
        direction = DOWN
        queue = &market.calls[DOWN]
        if queue.count == 0 or queue.near.nodes[0].key > trigger_key(DOWN, market.mark):
            direction = UP
            queue = &market.calls[UP]
            if queue.count == 0 or queue.near.nodes[0].key > trigger_key(UP, market.mark):
                return
        untested = queue.near.nodes[0].key == call_untested()
        position = triggers_pop(queue)
        if untested:
            _test_guarded(state, resident, position)
        elif _stands(state, position, direction, &unit):
            _call_exact(state, resident, position, direction, &unit)
