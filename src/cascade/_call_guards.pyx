"""Guards at the warning level, for units that several prices move.

As the guards of the liquidation queue (docs/queue.md), with maintenance at the warning level, in heaps
of their own: those are looked at in turns of residents, not with each mark. docs/residents.md has the
rule.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport int128, magnitude
from cascade._clearing cimport Unit, collateral_of, unit_first, unit_next
from cascade._funding_guards cimport drop_funding_guard, guard_funding, index_key
from cascade._margin cimport (
    NEVER_ABOVE, NEVER_BELOW, TierTable, maintenance, position_value, surplus_tick, tier_edges,
)
from cascade._marks cimport trigger_key
from cascade._state cimport (
    DOWN, FAILURE_MEMORY, NO_MARKET, NO_POSITION, POSITION_LADDER, UP, Market, Position, State,
)
from cascade._triggers cimport Triggers, queue_holds, triggers_pop, triggers_remove, triggers_set
from cascade._types cimport MAX_PRICE


cdef inline void _insert(State* state, Triggers* queue, uint32_t position, int64_t key) noexcept nogil:
    if triggers_set(queue, position, key):
        state.failed = FAILURE_MEMORY


cdef bint call_guarded(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position), count = 0
    cdef bint unsteady = False, warned = False      # no tick of one price states its level
    cdef const Market* market
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        if market.reserve or state.positions[i].flags & POSITION_LADDER:
            return False
        if market.rules.accrues or (market.rules.table.whole and not market.rules.table.on_entry):
            unsteady = True
        if market.calls_on:
            warned = True
        count += 1
        i = unit_next(state, i)
    return warned and (unsteady or count > 1)


cdef void call_later(State* state, uint32_t position) noexcept nogil:
    # in each market with margin calls under its first position there, so that any of the residents finds it
    cdef uint32_t i = unit_first(state, position), last = NO_MARKET
    cdef Market* market
    cdef uint8_t direction
    if i == NO_POSITION or not call_guarded(state, i):
        return
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        for direction in range(2):
            triggers_remove(&market.call_guards[direction], i)
            if queue_holds(&market.calls[direction], i):
                triggers_remove(&market.calls[direction], i)
        if market.rules.accrues:
            drop_funding_guard(state, i, True)
        if market.calls_on and market.number != last:
            _insert(state, &market.calls[DOWN], i, call_untested())
        last = market.number
        i = unit_next(state, i)


cdef void call_crossed(State* state) noexcept nogil:
    cdef uint32_t m
    cdef uint8_t direction
    cdef Market* market
    cdef Triggers* queue
    for m in range(state.market_count):
        market = state.markets[m]
        for direction in range(2):
            queue = &market.call_accruing[direction]
            while queue.count and queue.near.nodes[0].key <= index_key(market, direction):
                call_later(state, triggers_pop(queue))
            queue = &market.call_guards[direction]
            while market.mark and queue.count and (
                    queue.near.nodes[0].key <= trigger_key(direction, market.mark)):
                call_later(state, triggers_pop(queue))


cdef int128 _required(const Market* market, const Position* p) noexcept nogil:
    cdef int64_t value = position_value(&market.rules.table, p.size, market.mark)
    return maintenance(warning_table(market), value, p.entry_value)


cdef int128 warning_level(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    cdef int128 level = 0
    while i != NO_POSITION:
        level += _required(state.markets[state.positions[i].market], &state.positions[i])
        i = unit_next(state, i)
    return level


cdef uint32_t call_heaviest(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position), found = i
    cdef int128 most = -1, needed
    while i != NO_POSITION:
        needed = _required(state.markets[state.positions[i].market], &state.positions[i])
        if needed > most:
            most = needed
            found = i
        i = unit_next(state, i)
    return found


cdef int32_t level_tick(State* state, uint32_t position) noexcept nogil:
    # depends on money and positions, not on prices: it is what a call is remembered by
    cdef uint32_t i = unit_first(state, position)
    cdef Position* p = &state.positions[position]
    cdef int128 bound = <int128>p.entry_value - collateral_of(state, position)[0]
    cdef int32_t tick
    cdef int64_t entry
    while i != NO_POSITION:
        if i != position:
            entry = state.positions[i].entry_value
            bound += maintenance(warning_table(state.markets[state.positions[i].market]), entry, entry)
        i = unit_next(state, i)
    tick = surplus_tick(warning_table(state.markets[p.market]), p.size, p.entry_value, bound, p.entry_value)
    return 1 if tick < 1 else MAX_PRICE if tick > MAX_PRICE else tick


cdef void call_remember(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    while i != NO_POSITION:
        if state.markets[state.positions[i].market].calls_on:
            state.positions[i].called = <uint32_t>level_tick(state, i)
        i = unit_next(state, i)


cdef void _set_guard(State* state, Market* market, uint8_t direction, uint32_t position, int32_t tick,
                     int32_t never) noexcept nogil:
    if tick == never:
        triggers_remove(&market.call_guards[direction], position)
    else:
        _insert(state, &market.call_guards[direction], position, trigger_key(direction, tick))


cdef void _guard(State* state, uint32_t position, int128 part) noexcept nogil:
    # holds while the position loses no more than `part`, and while the tier of a table that jumps holds
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef const TierTable* table = warning_table(market)
    cdef int64_t value = position_value(&market.rules.table, p.size, market.mark)
    cdef int128 surplus = value - <int128>maintenance(table, value, p.entry_value)
    cdef int32_t tick = surplus_tick(table, p.size, p.entry_value, surplus - part, value)
    cdef int32_t below = tick if p.size > 0 else NEVER_BELOW
    cdef int32_t above = tick if p.size < 0 else NEVER_ABOVE
    cdef int32_t low, high
    if table.whole and not table.on_entry:
        tier_edges(table, p.size, value, &low, &high)
        below = low if low > below else below
        above = high if high < above else above
    _set_guard(state, market, DOWN, position, below, NEVER_BELOW)
    _set_guard(state, market, UP, position, above, NEVER_ABOVE)


cdef inline double _weight(State* state, uint32_t position) noexcept nogil:
    # any split that spends no more than the slack is exact, so that a float serves
    cdef Market* market = state.markets[state.positions[position].market]
    cdef int64_t size = state.positions[position].size
    return <double>magnitude(position_value(&market.rules.table, size, market.mark)) + 1.0


cdef void call_watch(State* state, uint32_t position, const Unit* unit, int128 slack) noexcept nogil:
    cdef uint32_t first = unit_first(state, position), i = first
    cdef double total = 0, share
    cdef int128 left = slack, part
    cdef Market* market
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        if market.mark == 0:
            # looked at when it gets one
            _insert(state, &market.call_guards[DOWN], i, trigger_key(DOWN, NEVER_ABOVE))
        elif unit.priced:
            total += _weight(state, i)
        i = unit_next(state, i)
    if not unit.priced:
        return
    left -= guard_funding(state, first, slack, True)
    share = <double>left
    i = unit_next(state, first)
    while i != NO_POSITION:
        part = <int128>(share * (_weight(state, i) / total))
        part = part if part < left else left
        left -= part
        _guard(state, i, part)
        i = unit_next(state, i)
    _guard(state, first, left)
