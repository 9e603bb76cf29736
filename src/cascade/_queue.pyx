"""The liquidation queue: exact triggers, and guards for units that several prices move.
docs/queue.md gives the argument.

Keys are ticks with the sign turned for longs, so that the smallest key is always the most overdue.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._accrual cimport owed_funding
from cascade._arithmetic cimport fits, int128
from cascade._call_guards cimport call_later
from cascade._clearing cimport (
    Unit, collateral_of, required_margin, unit_due, unit_evaluate, unit_first, unit_next,
)
from cascade._borrower cimport side_sure, side_tick, side_value
from cascade._foresight cimport fetch_next_units
from cascade._funding_guards cimport drop_funding_guard, guard_funding
from cascade._margin cimport (
    NEVER_ABOVE, NEVER_BELOW, position_value, position_value_wide, surplus_tick, tier_edges,
)
from cascade._marks cimport cause_of_trigger, trigger_key
from cascade._ramp cimport ramp_of
from cascade._reserve cimport WORTHLESS
from cascade._state cimport (
    DOWN, FAILURE_MEMORY, NO_POSITION, POSITION_DUE, POSITION_EXACT, POSITION_ISOLATED,
    POSITION_CHANGED, POSITION_LADDER, POSITION_TAKEN, UP,
    Market, Position, State, Taken,
)
from cascade._triggers cimport (
    Triggers, queue_holds, triggers_pop, triggers_reached, triggers_remove,
    triggers_reserve, triggers_set,
)

cdef enum:
    NEXT_EXACT = 5            # as NEXT_GUARDS, of one position
    QUIET_SHARE = 8           # a quiet market's guard gets this part of a moving one's slack


cdef inline int32_t _trigger(uint8_t direction, int64_t key) noexcept nogil:
    return <int32_t>(-key if direction == DOWN else key)


cdef inline bint _crossed(const Triggers* queue, uint8_t direction, int32_t mark) noexcept nogil:
    return queue.count > 0 and mark > 0 and queue.near.nodes[0].key <= trigger_key(direction, mark)


cdef inline void _insert(State* state, Triggers* queue, uint32_t position, int64_t key) noexcept nogil:
    if triggers_set(queue, position, key):
        state.failed = FAILURE_MEMORY


cdef int32_t exact_trigger(State* state, uint32_t position) noexcept nogil:
    # liquidation price of a unit with this one position
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int128 bound
    cdef int64_t value
    if p.flags & POSITION_LADDER:
        return p.trigger
    bound = <int128>p.entry_value - collateral_of(state, position)[0] + market.rules.inclusive
    bound += owed_funding(state, position)
    # the tier search starts from the value at the mark, or at entry before there is one
    value = p.entry_value
    if market.mark:
        value = position_value(&market.rules.table, p.size, market.mark)
    return surplus_tick(&market.rules.table, p.size, p.entry_value, bound, value)


cdef int32_t warning_trigger(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    if p.flags & POSITION_LADDER:
        return NEVER_BELOW if p.size > 0 else NEVER_ABOVE
    return surplus_tick(&market.warning, p.size, p.entry_value,
                        <int128>p.entry_value - collateral_of(state, position)[0], p.entry_value)


cdef void await_call(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef uint8_t direction
    cdef int32_t trigger = warning_trigger(state, position)
    for direction in range(2):
        if queue_holds(&market.calls[direction], position):
            triggers_remove(&market.calls[direction], position)
            break
    direction = DOWN if p.size > 0 else UP
    if trigger != (NEVER_BELOW if direction == DOWN else NEVER_ABOVE) and trigger != <int32_t>p.called:
        _insert(state, &market.calls[direction], position, trigger_key(direction, trigger))


cdef inline void _await(State* state, uint32_t position, const Unit* unit) noexcept nogil:
    if state.call_place == NULL:
        return
    if not unit.exact:
        call_later(state, position)
    elif state.markets[state.positions[position].market].calls_on:
        await_call(state, position)


cdef inline void _drop_main(State* state, uint32_t position) noexcept nogil:
    # `place` is shared: the position is in exact[side] or due[side] or nowhere
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef uint8_t direction
    if p.due_wave:
        p.due_wave = 0
    if not p.flags & (POSITION_EXACT | POSITION_DUE):
        return
    for direction in range(2):
        if queue_holds(&market.exact[direction], position):
            triggers_remove(&market.exact[direction], position)
            break
        if queue_holds(&market.due[direction], position):
            triggers_remove(&market.due[direction], position)
            break
    p.flags &= ~(POSITION_EXACT | POSITION_DUE)


cdef inline void _drop_guards(State* state, uint32_t position) noexcept nogil:
    cdef Market* market = state.markets[state.positions[position].market]
    triggers_remove(&market.guards[DOWN], position)
    triggers_remove(&market.guards[UP], position)
    if market.rules.accrues:
        drop_funding_guard(state, position, False)


cdef void queue_drop_unit(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i
    _drop_main(state, position)
    _drop_guards(state, position)
    if state.positions[position].flags & POSITION_ISOLATED:
        return
    i = state.accounts[state.positions[position].account].first
    while i != NO_POSITION:
        if not (state.positions[i].flags & POSITION_ISOLATED):
            _drop_main(state, i)
            _drop_guards(state, i)
        i = state.positions[i].next


cdef uint32_t _flagged(State* state, uint32_t position, uint8_t flags) noexcept nogil:
    # the unit's position that carries one of the flags, or none
    cdef uint32_t i
    if state.positions[position].flags & POSITION_ISOLATED:
        return position if state.positions[position].flags & flags else NO_POSITION
    i = state.accounts[state.positions[position].account].first
    while i != NO_POSITION:
        if state.positions[i].flags & flags and not state.positions[i].flags & POSITION_ISOLATED:
            return i
        i = state.positions[i].next
    return NO_POSITION


cdef void queue_fall(State* state, uint32_t position, int32_t trigger, int64_t cause,
                     int32_t wave) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef uint8_t direction = DOWN if p.size > 0 else UP
    queue_drop_unit(state, position)
    p.flags |= POSITION_DUE
    p.due_cause = cause
    p.due_wave = wave
    _insert(state, &state.markets[p.market].due[direction], position, trigger_key(direction, trigger))


cdef inline double _weight(State* state, uint32_t position, double least) noexcept nogil:
    # What the position may lose soon: notional times its market's recent moves against it. Prices that
    # fall together then reach their guards together, and the unit is looked at once. A float serves,
    # because any split that spends no more than the slack is exact.
    cdef const Position* p = &state.positions[position]
    cdef const Market* market = state.markets[p.market]
    cdef double motion = <double>market.motion[DOWN if p.size > 0 else UP]
    cdef double value
    if market.reserve:
        value = <double>side_value(state, market, p.size, market.mark - p.trigger)
    else:
        value = <double>position_value(&market.rules.table, p.size, market.mark)
    return (value if value >= 0 else -value) * (motion if motion > least else least) + 1.0


cdef double _least_motion(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    cdef double most = QUIET_SHARE, motion
    cdef Position* p
    while i != NO_POSITION:
        p = &state.positions[i]
        motion = <double>state.markets[p.market].motion[DOWN if p.size > 0 else UP]
        if motion > most:
            most = motion
        i = unit_next(state, i)
    return most / QUIET_SHARE


cdef int128 _guard_contract(State* state, Market* market, uint32_t position, int128 part) noexcept nogil:
    # A guard that holds while the position loses no more than `part`; gives what it can lose at the
    # last tick before the guard.
    cdef Position* p = &state.positions[position]
    cdef int64_t value = position_value(&market.rules.table, p.size, market.mark)
    cdef int128 surplus = value - <int128>required_margin(market, p, value)
    cdef int32_t tick = surplus_tick(&market.rules.table, p.size, p.entry_value, surplus - part, value)
    cdef int32_t below = tick if p.size > 0 else NEVER_BELOW
    cdef int32_t above = tick if p.size < 0 else NEVER_ABOVE
    cdef bint never = tick == NEVER_BELOW or tick == NEVER_ABOVE
    cdef int128 last
    if market.rules.table.whole and not market.rules.table.on_entry:
        _narrow_to_tier(market, p, value, &below, &above)
        never = True              # of no use: the surplus jumps where a tier begins
    _set_guard(state, market, DOWN, position, below, NEVER_BELOW)
    _set_guard(state, market, UP, position, above, NEVER_ABOVE)
    if never:
        return part
    # the tick may be above every price that entered, so that its value need not fit
    last = position_value_wide(&market.rules.table, p.size, tick + 1 if p.size > 0 else tick - 1)
    if not fits(last):
        return part
    surplus -= last - <int128>required_margin(market, p, <int64_t>last)
    return surplus if surplus > 0 else 0


cdef int128 _guard_side(State* state, Market* market, uint32_t position, int128 part) noexcept nogil:
    # the same of collateral or a debt
    cdef int64_t size = state.positions[position].size
    cdef int32_t entry = state.positions[position].trigger
    cdef int128 now = side_sure(state, market, size, market.mark - entry)
    cdef int32_t tick = side_tick(state, market, size, entry, now - part)
    cdef int32_t last = tick + 1 if size > 0 else tick - 1
    if tick == WORTHLESS:
        last = 1
    _set_guard(state, market, DOWN, position, tick if size > 0 else NEVER_BELOW, NEVER_BELOW)
    _set_guard(state, market, UP, position, tick if size < 0 else NEVER_ABOVE, NEVER_ABOVE)
    if tick == NEVER_BELOW or tick == NEVER_ABOVE:
        return part
    now -= side_sure(state, market, size, last - entry)
    return now if now > 0 else 0


cdef inline int128 _guard_position(State* state, uint32_t position, int128 part) noexcept nogil:
    cdef Market* market = state.markets[state.positions[position].market]
    if market.reserve:
        return _guard_side(state, market, position, part)
    return _guard_contract(state, market, position, part)


cdef void _set_guards(State* state, uint32_t position, int128 slack) noexcept nogil:
    # Splits `slack` over the unit's positions by weight. Between ticks a position can lose less than its
    # part; what is over goes to the next. The first position comes last, because in a cascade through
    # several markets its price moves first.
    cdef uint32_t first = unit_first(state, position), i = first
    cdef double total = 0, least = _least_motion(state, position), share = <double>slack
    cdef int128 left = slack, part = 0
    while i != NO_POSITION:
        total += _weight(state, i, least)
        i = unit_next(state, i)
    i = unit_next(state, first)
    while i != NO_POSITION:
        part += <int128>(share * (_weight(state, i, least) / total))
        if part > left:
            part = left
        slack = _guard_position(state, i, part)
        left -= slack
        part -= slack
        i = unit_next(state, i)
    _guard_position(state, first, left)


cdef void _narrow_to_tier(const Market* market, const Position* p, int64_t value, int32_t* below,
                          int32_t* above) noexcept nogil:
    cdef int32_t low, high
    tier_edges(&market.rules.table, p.size, value, &low, &high)
    if low > below[0]:
        below[0] = low
    if high < above[0]:
        above[0] = high


cdef inline void _set_guard(State* state, Market* market, uint8_t direction, uint32_t position,
                            int32_t tick, int32_t never) noexcept nogil:
    if tick == never:
        triggers_remove(&market.guards[direction], position)
    else:
        _insert(state, &market.guards[direction], position, trigger_key(direction, tick))


cdef void _watch_unpriced(State* state, uint32_t position) noexcept nogil:
    # some market has no mark yet: look again when it gets one
    cdef uint32_t i = unit_first(state, position)
    cdef Market* market
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        if market.mark == 0:
            _insert(state, &market.guards[DOWN], i, trigger_key(DOWN, NEVER_ABOVE))
        i = unit_next(state, i)


cdef inline int32_t _tick_below(int32_t mark) noexcept nogil:
    # of a side's mark, whose lowest one stands for a price of zero
    return mark - 1 if mark > 1 else WORTHLESS if mark == 1 else NEVER_BELOW


cdef void _watch_every_move(State* state, uint32_t position) noexcept nogil:
    # nothing is sure: any move of collateral, whose average may jump, and any rise of a debt
    cdef uint32_t i = unit_first(state, position)
    cdef Market* market
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        _set_guard(state, market, DOWN, i,
                   _tick_below(market.mark) if state.positions[i].size > 0 else NEVER_BELOW, NEVER_BELOW)
        _set_guard(state, market, UP, i, market.mark + 1 if market.mark > 0 else 1, NEVER_ABOVE)
        i = unit_next(state, i)


cdef void queue_watch(State* state, uint32_t position, const Unit* unit) noexcept nogil:
    # a guarded unit that is not due
    cdef int128 slack = unit.equity - unit.maintenance - unit.doubtful
    if not unit.seizable:
        queue_drop_unit(state, position)      # no price makes it due
        return
    if not unit.priced:
        _watch_unpriced(state, position)
        return
    if unit.inclusive:
        slack -= 1
    if slack < 0:
        _watch_every_move(state, position)
        return
    slack -= guard_funding(state, position, slack, False)
    _set_guards(state, position, slack)


cdef bint _keeps_place(State* state, uint32_t position) noexcept nogil:
    # a unit that waits in a due heap stays while its position there is on the same side
    cdef Position* p = &state.positions[position]
    return p.size != 0 and queue_holds(&state.markets[p.market].due[DOWN if p.size > 0 else UP], position)


cdef void queue_unit(State* state, uint32_t position) noexcept nogil:
    cdef Unit unit
    cdef Position* p
    cdef uint32_t first
    cdef uint8_t direction
    cdef int32_t trigger, wave = 0
    cdef uint32_t waiting = _flagged(state, position, POSITION_DUE | POSITION_TAKEN)
    first = unit_first(state, position)
    if waiting != NO_POSITION and state.positions[waiting].flags & POSITION_TAKEN:
        # looked at when it is executed or put back; only a ramp ends with what ended it
        state.positions[waiting].flags |= POSITION_CHANGED
        if state.ramps and first != NO_POSITION:
            unit_evaluate(state, first, &unit)
            if not unit.owing:
                ramp_of(state, position).since = 0
        return
    if first != NO_POSITION:
        unit_evaluate(state, first, &unit)
        if (waiting != NO_POSITION and (unit.owing or not unit.exact)
                and unit_due(state, first, &unit) and _keeps_place(state, waiting)):
            _await(state, first, &unit)
            return
        # of a round before, as long as it is due
        if waiting == NO_POSITION and state.positions[first].due_wave and unit_due(state, first, &unit):
            wave = state.positions[first].due_wave
    queue_drop_unit(state, position)
    if state.ramps and (first == NO_POSITION or not unit.owing):
        ramp_of(state, position).since = 0
    if first == NO_POSITION:
        return
    p = &state.positions[first]
    if unit.exact and not unit.owing:
        trigger = exact_trigger(state, first)
        direction = DOWN if p.size > 0 else UP
        if trigger != (NEVER_BELOW if direction == DOWN else NEVER_ABOVE):
            _insert(state, &state.markets[p.market].exact[direction], first,
                    trigger_key(direction, trigger))
            p.flags |= POSITION_EXACT
            p.due_wave = wave
    elif unit_due(state, first, &unit):
        queue_fall(state, first, state.markets[p.market].mark, -1, 1)
    else:
        queue_watch(state, first, &unit)
    _await(state, first, &unit)


cdef void queue_traded(State* state, uint32_t position) noexcept nogil:
    # an isolated position moves the balance too, which is the cross unit's collateral
    cdef uint32_t i
    queue_unit(state, position)
    if not state.positions[position].flags & POSITION_ISOLATED:
        return
    i = state.accounts[state.positions[position].account].first
    while i != NO_POSITION:
        if state.positions[i].size and not state.positions[i].flags & POSITION_ISOLATED:
            queue_unit(state, i)
            return
        i = state.positions[i].next


cdef void queue_again(State* state, const Taken* taken, uint32_t position) noexcept nogil:
    # no mark was formed since the unit was taken: what is still due is so by the same move
    cdef uint32_t first
    cdef Unit unit
    queue_traded(state, position)
    first = unit_first(state, position)
    if first == NO_POSITION or not state.positions[first].flags & (POSITION_DUE | POSITION_EXACT):
        return
    unit_evaluate(state, first, &unit)
    if unit_due(state, first, &unit):
        state.positions[first].due_cause = taken.cause
        state.positions[first].due_wave = taken.wave


cdef void queue_open(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef uint8_t direction = DOWN if p.size > 0 else UP
    cdef int32_t trigger = exact_trigger(state, position)
    if state.markets[p.market].calls_on:
        await_call(state, position)
    if trigger != (NEVER_BELOW if direction == DOWN else NEVER_ABOVE):
        _insert(state, &state.markets[p.market].exact[direction], position,
                trigger_key(direction, trigger))
        p.flags |= POSITION_EXACT


cdef void queue_reserve(State* state, Market* market, int64_t more) noexcept nogil:
    cdef uint8_t direction
    for direction in range(2):
        if (triggers_reserve(&market.exact[direction], market.exact[direction].count + more)
                or triggers_reserve(&market.guards[direction], market.guards[direction].count)
                or triggers_reserve(&market.accruing[direction], market.accruing[direction].count)):
            state.failed = FAILURE_MEMORY


# ---------------------------------------------------------------- taking

cdef bint _more_overdue(int64_t distance, int64_t mark, int64_t best_distance,
                        int64_t best_mark) noexcept nogil:
    # distance / mark > best_distance / best_mark; ticks are below 2**31, products below 2**62
    return distance * best_mark > best_distance * mark


cdef inline void _keep_later_cause(const Position* p, Taken* taken) noexcept nogil:
    # a round moved the trigger: no MARK before the one that the unit fell by is what it is due by
    if p.due_wave and p.due_cause > taken.cause:
        taken.cause = p.due_cause
        taken.wave = p.due_wave


cdef bint queue_take(State* state, Taken* taken) noexcept nogil:
    cdef Market* market
    cdef Market* best = NULL
    cdef Triggers* queue
    cdef Triggers* best_queue = NULL
    cdef uint32_t m
    cdef uint8_t direction
    cdef int64_t distance, best_distance = 0
    for m in range(state.market_count):
        market = state.markets[m]
        if market.mark == 0 or market.book.auction or market.throttled:
            continue
        for direction in range(2):
            queue = _foremost(market, direction)
            if queue == NULL:
                continue
            distance = trigger_key(direction, market.mark) - queue.near.nodes[0].key
            if best == NULL or _more_overdue(distance, market.mark if market.mark > 0 else 1, best_distance,
                                             best.mark if best.mark > 0 else 1):
                best = market
                best_queue = queue
                best_distance = distance
                taken.direction = direction
    if best == NULL:
        return False
    taken.market = best.number
    taken.trigger = _trigger(taken.direction, best_queue.near.nodes[0].key)
    taken.was_due = best_queue == &best.due[taken.direction]
    taken.position = triggers_pop(best_queue)
    fetch_next_units(state, best_queue, taken.direction, NEXT_GUARDS if taken.was_due else NEXT_EXACT)
    if taken.was_due:
        state.positions[taken.position].flags &= ~POSITION_DUE
        taken.cause = state.positions[taken.position].due_cause
        taken.wave = state.positions[taken.position].due_wave
    else:
        state.positions[taken.position].flags &= ~POSITION_EXACT
        cause_of_trigger(&best.marks[taken.direction], taken.direction, taken.trigger, taken)
        _keep_later_cause(&state.positions[taken.position], taken)
    return True


cdef inline Triggers* _foremost(Market* market, uint8_t direction) noexcept nogil:
    # of the exact triggers that are crossed and the due ones, the queue with the smaller (key, item)
    cdef Triggers* exact = &market.exact[direction]
    cdef Triggers* due = &market.due[direction]
    if not _crossed(exact, direction, market.mark):
        return due if due.count else NULL
    if due.count == 0:
        return exact
    if due.near.nodes[0].key != exact.near.nodes[0].key:
        return due if due.near.nodes[0].key < exact.near.nodes[0].key else exact
    return due if due.near.nodes[0].item < exact.near.nodes[0].item else exact


cdef bint queue_has_due(State* state) noexcept nogil:
    cdef uint32_t m
    cdef uint8_t direction
    for m in range(state.market_count):
        for direction in range(2):
            if state.markets[m].book.auction or state.markets[m].throttled:
                continue
            if state.markets[m].mark and _foremost(state.markets[m], direction) != NULL:
                return True
    return False


cdef void queue_return(State* state, const Taken* taken) noexcept nogil:
    # a unit that changed while it was out is tested again; one that did not keeps its entry
    cdef Market* market = state.markets[taken.market]
    cdef Position* p = &state.positions[taken.position]
    cdef Unit unit
    cdef bint changed = (p.flags & POSITION_CHANGED) != 0
    p.flags &= ~(POSITION_TAKEN | POSITION_CHANGED)
    if taken.was_due and p.size != 0 and (p.size > 0) == (taken.direction == DOWN):
        unit_evaluate(state, taken.position, &unit)
        if not changed or unit_due(state, taken.position, &unit):
            p.flags |= POSITION_DUE
            _insert(state, &market.due[taken.direction], taken.position,
                    trigger_key(taken.direction, taken.trigger))
            if changed:
                _await(state, taken.position, &unit)
            return
    queue_unit(state, taken.position)


cdef int64_t queue_pending(State* state) noexcept nogil:
    # entries at or beyond the mark
    cdef int64_t pending = 0
    cdef uint32_t m
    cdef uint8_t direction
    cdef Market* market
    for m in range(state.market_count):
        market = state.markets[m]
        for direction in range(2):
            pending += market.due[direction].count
            if market.mark:
                pending += triggers_reached(&market.exact[direction],
                                            trigger_key(direction, market.mark))
    return pending
