"""Residents come into an engine: their memory, and their state as a list of integers and back.

Functions on an engine core, in ticks, lots, atoms and nanoseconds; `cascade.residents` has checked
the settings, and what is stored is checked here.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from cascade._call_guards cimport call_later
from cascade._clearing cimport (
    Unit, reserve_positions, share_places, unit_evaluate,
)
from cascade._core cimport EngineCore
from cascade._flow cimport begin_flow
from cascade._margin cimport TierTable
from cascade._memory cimport memory_release, memory_resize
from cascade._queue cimport await_call
from cascade._random cimport stream_begin
from cascade._resident cimport (
    RESIDENT_ARBITRAGEUR, RESIDENT_CALLS, RESIDENT_KINDS, RESIDENT_MAKER, RESIDENT_MOMENTUM, RESIDENT_NOISE,
    SEEN_AT_MOST, Resident, Rung, SeenIndex,
)
from cascade._state cimport POSITION_LONG_LEG, POSITION_SHORT_LEG, Market, State
from cascade._storage cimport write_tiers
from cascade._types cimport MAX_PRICE, MAX_SIZE

KINDS = ("MarketMaker", "Arbitrageur", "NoiseFlow", "MomentumFlow", "MarginCalls")
assert len(KINDS) == RESIDENT_KINDS

cdef int64_t LARGEST = <int64_t>1 << 62
cdef int64_t MOST_ARRIVALS = 10_000_000   # that a stored resident may have to catch up with


cdef Resident* _blank(EngineCore core, int64_t rungs, int64_t open_orders, bint sees) except NULL:
    # room in the list and a zeroed resident with its own memory, not counted yet
    cdef State* state = &core.state
    cdef Resident* resident
    cdef void* grown = realloc(state.residents, (state.resident_count + 1) * sizeof(Resident))
    if grown == NULL:
        raise MemoryError("no memory for a resident")
    state.residents = <Resident*>grown
    resident = &state.residents[state.resident_count]
    memset(resident, 0, sizeof(Resident))
    resident.rungs = <Rung*>calloc(rungs + 1, sizeof(Rung))
    resident.open_orders = <int64_t*>calloc(open_orders + 1, sizeof(int64_t))
    resident.seen = <SeenIndex*>calloc(SEEN_AT_MOST if sees else 1, sizeof(SeenIndex))
    if resident.rungs == NULL or resident.open_orders == NULL or resident.seen == NULL:
        free(resident.rungs)
        free(resident.open_orders)
        free(resident.seen)
        raise MemoryError("no memory for a resident")
    resident.rung_count = rungs
    resident.open_capacity = open_orders
    return resident


def add_resident(EngineCore core, kind, int64_t market, int64_t account, int64_t deposit, seed, *,
                 rungs=(), int64_t refill=-1, int64_t inventory_limit=0, int64_t skew=0,
                 int64_t widening=0, int64_t movement_limit=0, int64_t loss_limit=0,
                 int64_t tolerance=0, int64_t movement_time=1, int64_t threshold=0,
                 int64_t delay=0, int64_t limit=0, int64_t low=0, int64_t high=0, int64_t rate=0,
                 int64_t market_share=0, int64_t reach=1, int64_t open_orders=0, warning=None,
                 int64_t top_up_share=0, int64_t reduce_share=0, int64_t top_up=0,
                 int64_t reduce=0, bint hedged=False):
    """Add a resident with checked settings; gives its number."""
    cdef Resident* resident
    cdef int64_t number = core.state.resident_count, k
    core.market_at(market)
    core.begin()
    try:
        resident = _blank(core, len(rungs), open_orders, kind == "Arbitrageur")
        resident.kind = KINDS.index(kind)
        resident.stream = stream_begin(<uint64_t>(seed & 0xFFFFFFFFFFFFFFFF), <uint64_t>number)
        resident.deposit = deposit
        resident.account = <int32_t>account
        resident.market = market
        for k, (distance, lots) in enumerate(rungs):
            resident.rungs[k].distance = distance
            resident.rungs[k].lots = lots
            resident.capacity += 2 * <int64_t>lots
        resident.credit = resident.capacity
        resident.refill = refill
        resident.inventory_limit = inventory_limit
        resident.skew = skew
        resident.widening = widening
        resident.movement_limit = movement_limit
        resident.loss_limit = loss_limit
        resident.tolerance = tolerance
        resident.movement_time = movement_time
        resident.threshold = threshold
        resident.delay = delay
        resident.limit = limit
        resident.low = low
        resident.high = high
        resident.rate = rate
        resident.market_share = market_share
        resident.reach = reach
        resident.hedged = hedged
        resident.top_up_share = top_up_share
        resident.reduce_share = reduce_share
        resident.top_up = top_up
        resident.reduce = reduce
        if resident.kind == RESIDENT_CALLS:
            _watch_calls(core, core.state.markets[market], warning)
        if resident.kind == RESIDENT_NOISE or resident.kind == RESIDENT_MOMENTUM:
            begin_flow(&core.state, resident)
        core.state.resident_count += 1
    finally:
        core.end()
    return number


cdef int _call_places(State* state, size_t places) except -1:
    cdef uint32_t* made[4]
    cdef int k
    for k in range(4):
        made[k] = <uint32_t*>memory_resize(NULL, 0, places, 1)
        if made[k] == NULL:
            while k:
                k -= 1
                memory_release(made[k], places)
            raise MemoryError("no memory for margin calls")
        memset(made[k], 0xFF, places)
    state.call_place = made[0]
    state.call_guard_place[0] = made[1]
    state.call_guard_place[1] = made[2]
    state.call_funding_place = made[3]
    return 0


cdef int _watch_calls(EngineCore core, Market* market, warning) except -1:
    # `warning`: rows of the market's tiers with every rate times the level, and their denominator
    cdef State* state = &core.state
    cdef TierTable* table = &market.warning
    cdef size_t places = <size_t>state.position_capacity * sizeof(uint32_t)
    cdef uint32_t m, i
    cdef int d
    cdef Unit unit
    if state.call_place == NULL:
        # one position at least, so that the places have an address
        if places == 0 and reserve_positions(state, 1):
            raise MemoryError("no memory for margin calls")
        places = <size_t>state.position_capacity * sizeof(uint32_t)
        _call_places(state, places)
    for m in range(state.market_count):
        for d in range(2):
            share_places(state, state.markets[m], d)
    write_tiers(table, warning[0])
    table.denominator = warning[1]
    table.whole = market.rules.table.whole
    table.on_entry = market.rules.table.on_entry
    table.inverse = market.rules.table.inverse
    table.unit = market.rules.table.unit
    market.calls_on = True
    for i in range(state.position_count):
        if state.positions[i].market == market.number and state.positions[i].size:
            unit_evaluate(state, i, &unit)
            if unit.exact:
                await_call(state, i)
            else:
                call_later(state, i)
    return 0


cdef list _called(EngineCore core, const Resident* r):
    # positions that had a margin call, by account and leg
    cdef uint32_t i
    rows = []
    for i in range(core.state.position_count):
        p = &core.state.positions[i]
        if p.market == r.market and p.called:
            rows.append((p.account, (p.flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG)) // 2, p.called))
    return sorted(rows)


cdef Resident* _resident(EngineCore core, int64_t number) except NULL:
    if number < 0 or number >= core.state.resident_count:
        raise ValueError(f"resident {number} is outside 0 ... {<int64_t>core.state.resident_count - 1}")
    return &core.state.residents[number]


def resident_numbers(EngineCore core, int64_t number):
    """Where a resident stands: kind, market, account, deposit, stream, then what its kind keeps."""
    cdef Resident* r = _resident(core, number)
    cdef int64_t k, at
    numbers = [r.kind, r.market, r.account, r.deposit, <int64_t>r.stream]
    if r.kind == RESIDENT_MAKER:
        numbers += [r.credit, r.credit_rest, r.movement, r.price_seen, r.index_movement, r.index_seen,
                    2 * r.rung_count]
        for k in range(r.rung_count):
            numbers += [r.rungs[k].orders[0], r.rungs[k].orders[1]]
    elif r.kind == RESIDENT_ARBITRAGEUR:
        numbers.append(r.seen_count)
        for k in range(r.seen_count):
            at = (r.seen_first + k) % SEEN_AT_MOST
            numbers += [r.seen[at].time, r.seen[at].index]
        numbers += [r.hedge, r.hedge_index]
    elif r.kind == RESIDENT_NOISE:
        numbers += [r.next, r.open_next, r.open_capacity]
        for k in range(r.open_capacity):
            numbers.append(r.open_orders[k])
    elif r.kind == RESIDENT_CALLS:
        rows = _called(core, r)
        numbers.append(len(rows))
        for row in rows:
            numbers += row
    else:
        numbers += [r.next, r.movement, r.price_seen]
    return numbers


cdef int _require(bint good, int64_t number, str what) except -1:
    if not good:
        raise ValueError(f"resident {number}: {what}")
    return 0


def restore_resident(EngineCore core, int64_t number, numbers):
    """Put back what `resident_numbers` gave."""
    cdef Resident* r = _resident(core, number)
    cdef int64_t k
    head, rest = list(numbers[:5]), list(numbers[5:])
    _require(head[:4] == [r.kind, r.market, r.account, r.deposit], number, "not the one in the settings")
    r.stream = <uint64_t><int64_t>head[4]
    if r.kind == RESIDENT_MAKER:
        _require(len(rest) == 7 + 2 * r.rung_count and rest[6] == 2 * r.rung_count, number, "its quotes")
        _require(0 <= rest[0] <= r.capacity and 0 <= rest[1] < 10**15, number, "its credit")
        _restore_prices(r, number, rest[2], rest[3])
        _require(r.movement >= 0 and 0 <= rest[4] <= 2**60, number, "recent movement")
        _require(0 <= rest[5] <= MAX_PRICE, number, "its index")
        r.credit, r.credit_rest = rest[0], rest[1]
        r.index_movement, r.index_seen = rest[4], rest[5]
        for k in range(r.rung_count):
            r.rungs[k].orders[0] = rest[7 + 2 * k]
            r.rungs[k].orders[1] = rest[8 + 2 * k]
    elif r.kind == RESIDENT_ARBITRAGEUR:
        _require(len(rest) >= 1 and 0 <= rest[0] <= SEEN_AT_MOST and len(rest) == 3 + 2 * rest[0],
                 number, "indexes it has seen")
        r.seen_first, r.seen_count = 0, rest[0]
        for k in range(r.seen_count):
            _require(1 <= rest[2 + 2 * k] <= MAX_PRICE, number, "an index it has seen")
            _require(0 <= rest[1 + 2 * k] <= core.state.clock
                     and (k == 0 or r.seen[k - 1].time <= rest[1 + 2 * k]), number, "time of an index")
            r.seen[k].time, r.seen[k].index = rest[1 + 2 * k], rest[2 + 2 * k]
        lots = rest[1 + 2 * r.seen_count]
        index = rest[2 + 2 * r.seen_count]
        _require(0 <= index <= MAX_PRICE and abs(lots) <= MAX_SIZE, number, "its other leg")
        _require(lots == 0 or (r.hedged and 1 <= index <= core.state.markets[r.market].ceiling),
                 number, "its other leg")
        r.hedge, r.hedge_index = lots, index
    elif r.kind == RESIDENT_NOISE:
        _require(len(rest) == 3 + r.open_capacity and rest[2] == r.open_capacity, number, "its orders")
        _restore_arrival(core, r, number, rest[0])
        _require(0 <= rest[1] < r.open_capacity, number, "its oldest order")
        r.open_next = rest[1]
        for k in range(r.open_capacity):
            r.open_orders[k] = rest[3 + k]
    elif r.kind == RESIDENT_CALLS:
        rows = _called(core, r)
        _require(rest == [len(rows), *(n for row in rows for n in row)], number, "accounts it called")
    else:
        _require(len(rest) == 3, number, "its trend")
        _restore_arrival(core, r, number, rest[0])
        _restore_prices(r, number, rest[1], rest[2])


cdef int _restore_prices(Resident* r, int64_t number, movement, price) except -1:
    _require(abs(movement) <= 2**60 and 0 <= price <= MAX_PRICE, number, "recent prices")
    r.movement = movement
    r.price_seen = price
    return 0


cdef int _restore_arrival(EngineCore core, Resident* r, int64_t number, time) except -1:
    # an interrupted step leaves arrivals behind the clock, but no file shall keep a step busy for ever
    behind = max(0, core.state.clock - time) * r.rate // 1_000_000_000_000_000
    _require(0 <= time <= LARGEST and behind <= MOST_ARRIVALS, number, "its next arrival")
    r.next = time
    return 0
