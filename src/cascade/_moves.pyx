"""Marks that move, and the units whose guards they crossed.

Marks that change at one moment are formed first; then every unit behind a crossed guard is looked at
once. One that is due fell by one of the moves: the marks are taken back and moved again to see which.
docs/queue.md says how it is keyed.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._clearing cimport Unit, required_margin, unit_due, unit_evaluate, unit_first, unit_next
from cascade._borrower cimport side_tick, side_weight
from cascade._foresight cimport GROUP, Crossed, fetch_next_units, fetch_units
from cascade._heap cimport NOT_QUEUED, Heap
from cascade._margin cimport position_value, surplus_tick
from cascade._marks cimport push_mark, trigger_key
from cascade._queue cimport MOTION_UNIT, NEXT_GUARDS, queue_fall, queue_watch
from cascade._state cimport DOWN, FAILURE_NONE, NO_POSITION, UP, Market, Position, State
from cascade._triggers cimport Triggers, node_at, triggers_remove

cdef enum:
    MOTION_MEMORY = 12        # a market's recent moves fade by 1 / 2**12 with each new mark


cdef inline bint _waits_crossed(const Market* market, const Crossed* crossed) noexcept nogil:
    cdef const Triggers* queue = &market.guards[crossed.direction]
    cdef uint32_t at = queue.near.place[crossed.position]
    return at != NOT_QUEUED and node_at(queue, at).key <= trigger_key(crossed.direction, market.mark)


cdef uint32_t _gather(const Market* market, uint8_t direction, Crossed* group,
                      uint32_t room) noexcept nogil:
    # The first crossed nodes, at most `room`. Crossed nodes hang together from the root, so that
    # they are found level by level without taking anything out.
    cdef const Heap* heap = &market.guards[direction].near
    cdef int64_t key = trigger_key(direction, market.mark)
    cdef uint32_t[GROUP] nodes
    cdef uint32_t count = 1, at = 0, child, first
    if room == 0 or heap.count == 0 or heap.nodes[0].key > key:
        return 0
    nodes[0] = 0
    while at < count:
        group[at].position = heap.nodes[nodes[at]].item
        group[at].market = market.number
        group[at].direction = direction
        first = 4 * nodes[at] + 1
        for child in range(first, first + 4):
            if count < room and child < heap.count and heap.nodes[child].key <= key:
                nodes[count] = child
                count += 1
        at += 1
    return count


cdef uint32_t _gather_moved(State* state, Crossed* group) noexcept nogil:
    cdef uint32_t count = 0, k
    cdef uint8_t direction
    cdef Market* market
    for k in range(state.moved_count):
        market = state.markets[state.moved[k]]
        for direction in range(2):
            count += _gather(market, direction, &group[count], GROUP - count)
    return count


cdef void _test_crossed(State* state) noexcept nogil:
    # Crossed guards are looked at in groups, whose memory is fetched together. Their order does not
    # matter, each unit answers for itself. A guard stays in its heap until its unit has been looked at:
    # most then move a little way down, which costs less than to leave and to come back.
    cdef Crossed[GROUP] group
    cdef uint32_t count, k
    cdef Market* market
    while not state.failed:
        count = _gather_moved(state, group)
        if count == 0:
            return
        if count > 1:             # a lone unit was fetched as it came near
            fetch_units(state, group, count)
        for k in range(count):
            market = state.markets[group[k].market]
            # another leg of its unit may have moved or removed it
            if not _waits_crossed(market, &group[k]):
                continue
            _test_unit(state, group[k].position)
            if _waits_crossed(market, &group[k]):
                # its unit waits for the mark of another market
                triggers_remove(&market.guards[group[k].direction], group[k].position)


cdef void _test_unit(State* state, uint32_t position) noexcept nogil:
    # a guard was crossed: the unit is healthy and watched from here, or due
    cdef Unit unit
    cdef uint32_t i
    state.counters.resolved += 1
    unit_evaluate(state, position, &unit)
    if not unit_due(state, position, &unit):
        queue_watch(state, position, &unit)
        return
    if state.moved_count == 1:
        _enter_fallen(state, position, state.markets[state.moved[0]], &unit)
        return
    # the marks are taken back and moved again one by one, to see with which of them the unit fell
    i = unit_first(state, position)
    while i != NO_POSITION:
        _take_back(state, state.markets[state.positions[i].market])
        i = unit_next(state, i)
    _replay_moves(state, position, &unit)


cdef inline void _take_back(State* state, Market* market) noexcept nogil:
    if market.moved_to:
        market.mark = market.moved_from


cdef void _replay_moves(State* state, uint32_t position, Unit* unit) noexcept nogil:
    cdef uint32_t k
    cdef bint found = False
    cdef Market* market
    for k in range(state.moved_count):
        market = state.markets[state.moved[k]]
        if market.mark == market.moved_to:
            continue              # none of the unit's
        market.mark = market.moved_to
        if found:
            continue
        unit_evaluate(state, position, unit)
        found = unit_due(state, position, unit)
        if found:
            _enter_fallen(state, position, market, unit)


cdef void _enter_fallen(State* state, uint32_t position, const Market* market,
                        const Unit* unit) noexcept nogil:
    # due by the move of this market, the unit evaluated with the other marks as they were then
    cdef uint8_t direction = DOWN if market.moved_to < market.moved_from else UP
    cdef int128 bound
    cdef int64_t value
    cdef int32_t trigger = market.mark
    cdef bint only_leg
    cdef Position* p
    position = _losing_leg(state, position, market.number, direction, &only_leg)
    p = &state.positions[position]
    if market.reserve and state.lendings[state.reserves[market.reserve - 1].lending].average:
        pass                      # the average may jump at any price
    elif market.reserve and market.moved_from:
        trigger = side_tick(state, market, p.size, p.trigger,
                            side_weight(state, market, p.size, market.mark - p.trigger)
                            - unit.equity + unit.inclusive)
    elif only_leg and market.moved_from and (
            not market.rules.table.whole or market.rules.table.on_entry):
        # due iff V - M of this position < bound, the others as they are
        value = position_value(&market.rules.table, p.size, market.mark)
        bound = value - <int128>required_margin(market, p, value)
        bound += unit.inclusive - (unit.equity - unit.maintenance)
        trigger = surplus_tick(&market.rules.table, p.size, p.entry_value, bound, value)
    queue_fall(state, position, trigger, market.moved_event, market.moved_wave + 1)


cdef uint32_t _losing_leg(State* state, uint32_t position, uint16_t market, uint8_t direction,
                          bint* only) noexcept nogil:
    # of the unit's positions in a market, the long leg on a fall and the short leg on a rise
    cdef uint32_t i = unit_first(state, position), found = NO_POSITION
    only[0] = True
    while i != NO_POSITION:
        if state.positions[i].market == market:
            only[0] = found == NO_POSITION
            if only[0] or (state.positions[i].size > 0) == (direction == DOWN):
                found = i
        i = unit_next(state, i)
    return found


cdef inline void _feel(int64_t* motion, int64_t ticks, int64_t old) noexcept nogil:
    motion[0] -= motion[0] >> MOTION_MEMORY
    if ticks > 0:
        motion[0] += ticks * MOTION_UNIT // old


cdef void note_move(State* state, Market* market, int32_t old, int64_t event, int32_t wave) noexcept nogil:
    if old > 0:
        _feel(&market.motion[DOWN], old - <int64_t>market.mark, old)
        _feel(&market.motion[UP], market.mark - <int64_t>old, old)
    push_mark(state, &market.marks[DOWN], DOWN, market.mark, event, wave)
    push_mark(state, &market.marks[UP], UP, market.mark, event, wave)
    if market.moved_to == 0:
        market.moved_from = old
        state.moved[state.moved_count] = market.number
        state.moved_count += 1
    # a market that follows another one may move twice at one moment: it counts as one move
    market.moved_event = event
    market.moved_wave = wave
    market.moved_to = market.mark


cdef void test_moved(State* state) noexcept nogil:
    cdef uint32_t k
    cdef uint8_t direction, failed = state.failed
    cdef Market* market
    if state.moved_count == 0:
        return
    # what stopped the call does not keep those out of the queue who fell due before
    state.failed = FAILURE_NONE
    _test_crossed(state)
    if failed:
        state.failed = failed
    for k in range(state.moved_count):
        market = state.markets[state.moved[k]]
        market.moved_to = 0
        for direction in range(2):
            fetch_next_units(state, &market.guards[direction], direction, NEXT_GUARDS)
    state.moved_count = 0
