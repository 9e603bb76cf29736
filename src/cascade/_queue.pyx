"""The liquidation queue: heaps of exact triggers, guards for units that several prices move, and
the stack of marks that tells which event reached a trigger. docs/queue.md gives the argument.

Keys are ticks with the sign turned for longs, so that the smallest key is always the most overdue.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport realloc

from cascade._arithmetic cimport int128, prefetch
from cascade._clearing cimport (
    Unit, collateral_of, required_margin, unit_due, unit_evaluate, unit_first, unit_next,
)
from cascade._heap cimport (
    NOT_QUEUED, Heap, heap_append, heap_build, heap_pop, heap_remove, heap_reserve, heap_set,
)
from cascade._margin cimport (
    NEVER_ABOVE, NEVER_BELOW, position_value, surplus_tick, tier_edges,
)
from cascade._state cimport (
    DOWN, FAILURE_MEMORY, NO_POSITION, POSITION_DUE, POSITION_EXACT, POSITION_ISOLATED,
    POSITION_CHANGED, POSITION_LADDER, POSITION_TAKEN, UP,
    Market, MarkRecord, MarkStack, Position, State, Taken,
)

cdef enum:
    GROUP = 16                # crossed guards whose memory is fetched together
    MOTION_UNIT = 1 << 30     # of a relative move
    MOTION_MEMORY = 12         # a market's recent moves fade by 1 / 2**12 with each new mark
    QUIET_SHARE = 8          # a quiet market's guard gets this part of a moving one's slack


cdef inline int64_t _key(uint8_t direction, int32_t trigger) noexcept nogil:
    return -<int64_t>trigger if direction == DOWN else trigger


cdef inline int32_t _trigger(uint8_t direction, int64_t key) noexcept nogil:
    return <int32_t>(-key if direction == DOWN else key)


cdef inline bint _crossed(const Heap* heap, uint8_t direction, int32_t mark) noexcept nogil:
    return heap.count > 0 and mark > 0 and heap.nodes[0].key <= _key(direction, mark)


cdef void _insert(State* state, Heap* heap, uint32_t position, int64_t key) noexcept nogil:
    if heap.count == heap.node_capacity:
        if heap_reserve(heap, heap.node_capacity * 2 if heap.node_capacity else 64, 0):
            state.failed = FAILURE_MEMORY
            return
    heap_set(heap, position, key)


cdef int32_t exact_trigger(State* state, uint32_t position) noexcept nogil:
    # liquidation price of a unit with this one position
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int128 bound
    cdef int64_t value
    if p.flags & POSITION_LADDER:
        return p.trigger
    bound = <int128>p.entry_value - collateral_of(state, position)[0] + market.rules.inclusive
    # the tier search starts from the value at the mark, or at entry before there is one
    value = p.entry_value
    if market.mark:
        value = position_value(&market.rules.table, p.size, market.mark)
    return surplus_tick(&market.rules.table, p.size, p.entry_value, bound, value)


cdef inline void _drop_guards(State* state, uint32_t position) noexcept nogil:
    cdef Market* market = state.markets[state.positions[position].market]
    if market.guards[DOWN].count:
        heap_remove(&market.guards[DOWN], position)
    if market.guards[UP].count:
        heap_remove(&market.guards[UP], position)


cdef inline void _drop_main(State* state, uint32_t position) noexcept nogil:
    # `place` is shared: the position is in exact[side] or due[side] or nowhere
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef uint32_t at
    cdef uint8_t direction
    cdef Heap* heap
    if not p.flags & (POSITION_EXACT | POSITION_DUE):
        return
    at = state.place[position]
    if at == NOT_QUEUED:
        return
    p.flags &= ~POSITION_EXACT
    for direction in range(2):
        heap = &market.exact[direction]
        if at < heap.count and heap.nodes[at].item == position:
            heap_remove(heap, position)
            return
        heap = &market.due[direction]
        if at < heap.count and heap.nodes[at].item == position:
            heap_remove(heap, position)
            p.flags &= ~POSITION_DUE
            return


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


cdef void _enter_due(State* state, uint32_t position, int32_t trigger, int64_t cause,
                     int32_t wave) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef uint8_t direction = DOWN if p.size > 0 else UP
    queue_drop_unit(state, position)
    p.flags |= POSITION_DUE
    p.due_cause = cause
    p.due_wave = wave
    _insert(state, &state.markets[p.market].due[direction], position, _key(direction, trigger))


cdef inline double _weight(const Position* p, const Market* market, double value,
                           double least) noexcept nogil:
    # What the position may lose soon: notional times its market's recent moves against it. Prices that
    # fall together then reach their guards together, and the unit is looked at once. A float serves,
    # because any split that spends no more than the slack is exact.
    cdef double motion = <double>market.motion[DOWN if p.size > 0 else UP]
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


cdef void _set_guards(State* state, uint32_t position, int128 slack) noexcept nogil:
    # splits `slack` over the unit's positions by weight; every remainder stays unspent
    cdef uint32_t i = unit_first(state, position)
    cdef double total = 0, least = _least_motion(state, position), share = <double>slack
    cdef int128 part, bound, left = slack
    cdef Position* p
    cdef Market* market
    cdef int64_t value
    cdef int32_t tick, below, above
    while i != NO_POSITION:
        p = &state.positions[i]
        market = state.markets[p.market]
        value = position_value(&market.rules.table, p.size, market.mark)
        total += _weight(p, market, <double>value, least)
        i = unit_next(state, i)
    i = unit_first(state, position)
    while i != NO_POSITION:
        p = &state.positions[i]
        market = state.markets[p.market]
        value = position_value(&market.rules.table, p.size, market.mark)
        part = <int128>(share * (_weight(p, market, <double>value, least) / total))
        if part > left:
            part = left
        left -= part
        bound = value - <int128>required_margin(market, p, value) - part
        tick = surplus_tick(&market.rules.table, p.size, p.entry_value, bound, value)
        below = tick if p.size > 0 else NEVER_BELOW
        above = tick if p.size < 0 else NEVER_ABOVE
        if market.rules.table.whole and not market.rules.table.on_entry:
            _narrow_to_tier(market, p, value, &below, &above)
        _set_guard(state, market, DOWN, i, below, NEVER_BELOW)
        _set_guard(state, market, UP, i, above, NEVER_ABOVE)
        i = unit_next(state, i)


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
        heap_remove(&market.guards[direction], position)
    else:
        _insert(state, &market.guards[direction], position, _key(direction, tick))


cdef void _watch_unpriced(State* state, uint32_t position) noexcept nogil:
    # some market has no mark yet: look again when it gets one
    cdef uint32_t i = unit_first(state, position)
    cdef Market* market
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        if market.mark == 0:
            _insert(state, &market.guards[DOWN], i, _key(DOWN, NEVER_ABOVE))
        i = unit_next(state, i)


cdef void _watch(State* state, uint32_t position, const Unit* unit) noexcept nogil:
    # a guarded unit that is not due
    cdef int128 slack = unit.equity - unit.maintenance
    if not unit.priced:
        _watch_unpriced(state, position)
        return
    if unit.inclusive:
        slack -= 1
    _set_guards(state, position, slack)


cdef bint _keeps_place(State* state, uint32_t position) noexcept nogil:
    # a unit that waits in a due heap stays while its position there is on the same side
    cdef Position* p = &state.positions[position]
    cdef Heap* heap = &state.markets[p.market].due[DOWN if p.size > 0 else UP]
    cdef uint32_t at = state.place[position]
    return p.size != 0 and at < heap.count and heap.nodes[at].item == position


cdef void queue_unit(State* state, uint32_t position) noexcept nogil:
    cdef Unit unit
    cdef Position* p
    cdef uint32_t first
    cdef uint8_t direction
    cdef int32_t trigger
    cdef uint32_t waiting = _flagged(state, position, POSITION_DUE | POSITION_TAKEN)
    if waiting != NO_POSITION and state.positions[waiting].flags & POSITION_TAKEN:
        # looked at when it is executed or put back
        state.positions[waiting].flags |= POSITION_CHANGED
        return
    first = unit_first(state, position)
    if first != NO_POSITION:
        unit_evaluate(state, first, &unit)
        if waiting != NO_POSITION and unit_due(state, first, &unit) and _keeps_place(state, waiting):
            return
    queue_drop_unit(state, position)
    if first == NO_POSITION:
        return
    p = &state.positions[first]
    if unit.exact:
        trigger = exact_trigger(state, first)
        direction = DOWN if p.size > 0 else UP
        if trigger != (NEVER_BELOW if direction == DOWN else NEVER_ABOVE):
            _insert(state, &state.markets[p.market].exact[direction], first,
                    _key(direction, trigger))
            p.flags |= POSITION_EXACT
    elif unit_due(state, first, &unit):
        _enter_due(state, first, state.markets[p.market].mark, -1, 1)
    else:
        _watch(state, first, &unit)


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


cdef void queue_append(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef uint8_t direction = DOWN if p.size > 0 else UP
    cdef int32_t trigger = exact_trigger(state, position)
    cdef Heap* heap = &state.markets[p.market].exact[direction]
    if trigger == (NEVER_BELOW if direction == DOWN else NEVER_ABOVE):
        return
    if heap.count == heap.node_capacity:
        if heap_reserve(heap, heap.node_capacity * 2 if heap.node_capacity else 64, 0):
            state.failed = FAILURE_MEMORY
            return
    heap_append(heap, position, _key(direction, trigger))
    p.flags |= POSITION_EXACT


cdef void queue_build(State* state, Market* market) noexcept nogil:
    heap_build(&market.exact[DOWN])
    heap_build(&market.exact[UP])


# ---------------------------------------------------------------- marks and causes

cdef void _push_mark(State* state, MarkStack* stack, uint8_t direction, int32_t mark, int64_t event,
                     int32_t wave) noexcept nogil:
    # Monotone stack: record k is the first event since which every mark has been at or beyond
    # records[k].mark. A mark that comes back takes over the oldest record it undoes.
    cdef int64_t key = _key(direction, mark), n = stack.count
    while n > 0 and _key(direction, stack.records[n - 1].mark) > key:
        n -= 1
    if n > 0 and stack.records[n - 1].mark == mark:
        stack.count = n
        return
    if n < stack.count:
        # the oldest of the undone records reached this far, and stays true for this mark
        stack.records[n].mark = mark
        stack.count = n + 1
        return
    push_mark_record(state, stack, mark, event, wave)


cdef void push_mark_record(State* state, MarkStack* stack, int32_t mark, int64_t event,
                           int32_t wave) noexcept nogil:
    cdef int64_t n
    cdef MarkRecord* record
    cdef void* grown
    if stack.count == stack.capacity:
        n = stack.capacity * 2 if stack.capacity else 256
        grown = realloc(stack.records, <size_t>n * sizeof(MarkRecord))
        if grown == NULL:
            state.failed = FAILURE_MEMORY
            return
        stack.records = <MarkRecord*>grown
        stack.capacity = n
    record = &stack.records[stack.count]
    record.mark = mark
    record.event = event
    record.wave = wave
    stack.count += 1


cdef void _cause_of(MarkStack* stack, uint8_t direction, int32_t trigger, Taken* taken) noexcept nogil:
    # first record whose mark is at or beyond the trigger; triggers come in order, so the cursor is near
    cdef int64_t at = stack.cursor, key = _key(direction, trigger)
    taken.cause = -1
    taken.wave = 1
    if stack.count == 0:
        return
    if at >= stack.count:
        at = stack.count - 1
    while at > 0 and _key(direction, stack.records[at - 1].mark) >= key:
        at -= 1
    while at < stack.count - 1 and _key(direction, stack.records[at].mark) < key:
        at += 1
    stack.cursor = at
    taken.cause = stack.records[at].event
    taken.wave = stack.records[at].wave + 1


cdef void _resolve(State* state, Market* market, uint8_t direction, int32_t old, int64_t event,
                   int32_t wave) noexcept nogil:
    # Crossed guards are taken in groups: the memory of a group's units is fetched while the
    # group is gathered. Their order does not matter, each unit answers for itself.
    cdef Heap* heap = &market.guards[direction]
    cdef uint32_t[GROUP] group
    cdef uint32_t count, k
    while _crossed(heap, direction, market.mark):
        count = 0
        while count < GROUP and _crossed(heap, direction, market.mark):
            group[count] = heap_pop(heap)
            prefetch(&state.positions[group[count]])
            prefetch(&state.guard_place[direction][group[count]])
            count += 1
        for k in range(count):
            prefetch(&state.accounts[state.positions[group[k]].account])
        for k in range(count):
            prefetch(&state.positions[state.accounts[state.positions[group[k]].account].first])
        for k in range(count):
            _resolve_unit(state, market, group[k], direction, old, event, wave)


cdef void _resolve_unit(State* state, Market* market, uint32_t position, uint8_t direction,
                        int32_t old, int64_t event, int32_t wave) noexcept nogil:
    # a guard was crossed: the unit is healthy and watched from here, or due
    cdef Position* p
    cdef Unit unit
    cdef int128 bound
    cdef int64_t value
    cdef int32_t trigger = market.mark
    state.counters.resolved += 1
    unit_evaluate(state, position, &unit)
    if not unit_due(state, position, &unit):
        _watch(state, position, &unit)
        return
    position = _losing_leg(state, position, direction)
    p = &state.positions[position]
    if old and (not market.rules.table.whole or market.rules.table.on_entry):
        if _only_leg(state, position):
            # due iff V - M of this position < bound, the others as they are
            value = position_value(&market.rules.table, p.size, market.mark)
            bound = value - <int128>required_margin(market, p, value)
            bound += unit.inclusive - (unit.equity - unit.maintenance)
            trigger = surplus_tick(&market.rules.table, p.size, p.entry_value, bound, value)
    _enter_due(state, position, trigger, event, wave)


cdef uint32_t _losing_leg(State* state, uint32_t position, uint8_t direction) noexcept nogil:
    # of the unit's positions in this market, the long leg on a fall and the short leg on a rise
    cdef uint32_t i = unit_first(state, position)
    while i != NO_POSITION:
        if state.positions[i].market == state.positions[position].market:
            if (state.positions[i].size > 0) == (direction == DOWN):
                return i
        i = unit_next(state, i)
    return position


cdef bint _only_leg(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position), n = 0
    while i != NO_POSITION:
        n += state.positions[i].market == state.positions[position].market
        i = unit_next(state, i)
    return n == 1


cdef inline void _feel(int64_t* motion, int64_t ticks, int64_t old) noexcept nogil:
    motion[0] -= motion[0] >> MOTION_MEMORY
    if ticks > 0:
        motion[0] += ticks * MOTION_UNIT // old


cdef void queue_mark(State* state, Market* market, int32_t old, int64_t event, int32_t wave) noexcept nogil:
    if old:
        _feel(&market.motion[DOWN], old - <int64_t>market.mark, old)
        _feel(&market.motion[UP], market.mark - <int64_t>old, old)
    _push_mark(state, &market.marks[DOWN], DOWN, market.mark, event, wave)
    _push_mark(state, &market.marks[UP], UP, market.mark, event, wave)
    if market.guards[DOWN].count:
        _resolve(state, market, DOWN, old, event, wave + 1)
    if market.guards[UP].count:
        _resolve(state, market, UP, old, event, wave + 1)


# ---------------------------------------------------------------- taking

cdef bint _more_overdue(int64_t distance, int64_t mark, int64_t best_distance,
                        int64_t best_mark) noexcept nogil:
    # distance / mark > best_distance / best_mark; ticks are below 2**31, products below 2**62
    return distance * best_mark > best_distance * mark


cdef bint queue_take(State* state, Taken* taken) noexcept nogil:
    cdef Market* market
    cdef Market* best = NULL
    cdef Heap* heap
    cdef Heap* best_heap = NULL
    cdef uint32_t m
    cdef uint8_t direction
    cdef int64_t distance, best_distance = 0
    for m in range(state.market_count):
        market = state.markets[m]
        if market.mark == 0:
            continue
        for direction in range(2):
            heap = _foremost(market, direction)
            if heap == NULL:
                continue
            distance = _key(direction, market.mark) - heap.nodes[0].key
            if best == NULL or _more_overdue(distance, market.mark, best_distance, best.mark):
                best = market
                best_heap = heap
                best_distance = distance
                taken.direction = direction
    if best == NULL:
        return False
    taken.market = best.number
    taken.trigger = _trigger(taken.direction, best_heap.nodes[0].key)
    taken.was_due = best_heap == &best.due[taken.direction]
    taken.position = heap_pop(best_heap)
    if best_heap.count:
        prefetch(&state.positions[best_heap.nodes[0].item])
    if taken.was_due:
        state.positions[taken.position].flags &= ~POSITION_DUE
        taken.cause = state.positions[taken.position].due_cause
        taken.wave = state.positions[taken.position].due_wave
    else:
        state.positions[taken.position].flags &= ~POSITION_EXACT
        _cause_of(&best.marks[taken.direction], taken.direction, taken.trigger, taken)
    return True


cdef inline Heap* _foremost(Market* market, uint8_t direction) noexcept nogil:
    # of the exact triggers that are crossed and the due ones, the heap with the smaller (key, item)
    cdef Heap* exact = &market.exact[direction]
    cdef Heap* due = &market.due[direction]
    if not _crossed(exact, direction, market.mark):
        return due if due.count else NULL
    if due.count == 0:
        return exact
    if due.nodes[0].key != exact.nodes[0].key:
        return due if due.nodes[0].key < exact.nodes[0].key else exact
    return due if due.nodes[0].item < exact.nodes[0].item else exact


cdef bint queue_has_due(State* state) noexcept nogil:
    cdef uint32_t m
    cdef uint8_t direction
    for m in range(state.market_count):
        for direction in range(2):
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
                    _key(taken.direction, taken.trigger))
            return
    queue_unit(state, taken.position)


cdef int64_t queue_pending(State* state) noexcept nogil:
    # entries at or beyond the mark; a heap is searched only below nodes that are crossed
    cdef int64_t pending = 0
    cdef uint32_t m
    cdef uint8_t direction
    cdef Market* market
    for m in range(state.market_count):
        market = state.markets[m]
        for direction in range(2):
            pending += market.due[direction].count
            if market.mark:
                pending += _count_crossed(&market.exact[direction],
                                          _key(direction, market.mark), 0)
    return pending


cdef int64_t _count_crossed(const Heap* heap, int64_t key, uint32_t at) noexcept nogil:
    cdef int64_t found = 0
    cdef uint32_t child
    if at >= heap.count or heap.nodes[at].key > key:
        return 0
    found = 1
    for child in range(4 * at + 1, 4 * at + 5):
        found += _count_crossed(heap, key, child)
    return found
