"""Columns out: what accounts hold and where they fall due, one number an account.

Each function makes one pass over the positions and gives a fresh int64 array indexed by account
id, in atoms, lots or ticks. Nothing here runs inside a step.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

import numpy as np

from cascade._accrual cimport owed_funding
from cascade._arithmetic cimport floor_divide, int128, saturate
from cascade._borrower cimport side_value
from cascade._clearing cimport Unit, required_margin, unit_evaluate, unit_first, unit_next
from cascade._conservation cimport gross_lots
from cascade._core cimport EngineCore
from cascade._heap cimport HeapNode
from cascade._margin cimport NEVER_ABOVE, position_value, surplus_tick, tier_edges, value_tick
from cascade._queue cimport exact_trigger
from cascade._state cimport (
    ACCOUNT_LENDING, NO_POSITION, POSITION_LADDER, POSITION_LONG_LEG, POSITION_SHORT_LEG, Account, Market,
    Position, State,
)
from cascade._triggers cimport triggers_copy
from cascade._types cimport MAX_PRICE

cdef enum Column:
    SIZE = 0
    ENTRY_VALUE = 1
    MARGIN = 2
    LEVERAGE = 3
    LIQUIDATION_TICK = 4
    BANKRUPTCY_TICK = 5
    FUNDING_OWED = 6

cdef int128 WORD = <int128>1 << 62     # a sum of 128 bits is stored as two halves

COLUMNS = {"size": SIZE, "entry_value": ENTRY_VALUE, "margin": MARGIN, "leverage": LEVERAGE,
           "liquidation_price": LIQUIDATION_TICK, "bankruptcy_price": BANKRUPTCY_TICK,
           "funding_owed": FUNDING_OWED}

LEGS = {"long": POSITION_LONG_LEG, "short": POSITION_SHORT_LEG}

POSITION_DTYPE = np.dtype([
    ("size", "<i8"), ("entry_value", "<i8"), ("margin", "<i8"), ("due_cause", "<i8"),
    ("account", "<i4"), ("next", "<u4"), ("trigger", "<i4"), ("working", "<u4"),
    ("leverage", "<u4"), ("due_wave", "<i4"), ("market", "<u2"), ("flags", "u1"), ("had_turn", "u1"),
    ("called", "<u4"),
])
ACCOUNT_DTYPE = np.dtype([
    ("balance", "<i8"), ("first", "<u4"), ("asset", "<u2"), ("flags", "<u2"),
    ("whole_until", "<i8"),
])
DELEVERAGE_DTYPE = np.dtype([
    ("account", "<i8"), ("size", "<i8"), ("entry_value", "<i8"), ("mark_value", "<i8"),
    ("equity", "<i8"), ("maintenance", "<i8"), ("collateral", "<i8"), ("leverage", "<i8"),
])
assert POSITION_DTYPE.itemsize == sizeof(Position) == 64
assert ACCOUNT_DTYPE.itemsize == sizeof(Account) == 24


# ---------------------------------------------------------------- units at other prices

cdef int64_t _due_at(State* state, uint32_t position, int32_t tick, const Unit* unit) noexcept nogil:
    # would the unit be due with its market at `tick`? `unit` is at the current marks
    cdef int128 equity = unit.equity, needed = unit.maintenance
    cdef uint32_t i = unit_first(state, position)
    cdef Position* p
    cdef Market* market
    cdef int64_t value
    while i != NO_POSITION:
        p = &state.positions[i]
        if p.market == state.positions[position].market:
            market = state.markets[p.market]
            value = position_value(&market.rules.table, p.size, market.mark)
            equity -= value
            needed -= required_margin(market, p, value)
            value = position_value(&market.rules.table, p.size, tick)
            equity += value
            needed += required_margin(market, p, value)
        i = unit_next(state, i)
    return equity <= needed if unit.inclusive else equity < needed


cdef int32_t _next_edge(State* state, uint32_t position, int32_t tick, bint down) noexcept nogil:
    # first tick beyond which a position of the unit in this market changes tier
    cdef uint32_t i = unit_first(state, position)
    cdef Position* p
    cdef Market* market
    cdef int32_t below, above, edge = 0 if down else MAX_PRICE + 1
    while i != NO_POSITION:
        p = &state.positions[i]
        market = state.markets[p.market]
        if p.market == state.positions[position].market and not p.flags & POSITION_LADDER:
            tier_edges(&market.rules.table, p.size,
                       position_value(&market.rules.table, p.size, tick), &below, &above)
            if down and below > edge:
                edge = below
            if not down and above < edge:
                edge = above
        i = unit_next(state, i)
    return edge


cdef int32_t _search(State* state, uint32_t position, const Unit* unit) noexcept nogil:
    # From the mark into the position's losing direction, tier by tier. Within a tier the surplus is
    # concave in the price, so it is due from one tick on: bisect.
    cdef bint down = state.positions[position].size > 0
    cdef int32_t tick = state.markets[state.positions[position].market].mark, edge, last
    cdef int64_t low, high, middle
    while 1 <= tick <= MAX_PRICE:
        if _due_at(state, position, tick, unit):
            return tick
        edge = _next_edge(state, position, tick, down)
        last = edge + 1 if down else edge - 1
        if _due_at(state, position, last, unit):
            low = last                # due
            high = tick               # not due
            while high - low > 1 or low - high > 1:
                middle = (low + high) >> 1
                if _due_at(state, position, <int32_t>middle, unit):
                    low = middle
                else:
                    high = middle
            return <int32_t>low
        tick = edge
    return 0


cdef int32_t _liquidation_tick(State* state, uint32_t position) noexcept nogil:
    # docs/margin.md: the first tick at which the unit falls due, 0: none
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef Unit unit
    cdef int32_t tick
    cdef int64_t value
    cdef int128 bound
    unit_evaluate(state, position, &unit)
    if unit.exact or (unit.open_positions == 1 and not (
            market.rules.table.whole and not market.rules.table.on_entry)):
        tick = exact_trigger(state, position)
    elif not unit.priced:
        return 0
    elif _one_line(state, position):
        value = position_value(&market.rules.table, p.size, market.mark)
        bound = value - <int128>required_margin(market, p, value)
        bound += unit.inclusive - (unit.equity - unit.maintenance)
        tick = surplus_tick(&market.rules.table, p.size, p.entry_value, bound, value)
    else:
        return _search(state, position, &unit)
    return 0 if tick == NEVER_ABOVE else tick


cdef bint _one_line(State* state, uint32_t position) noexcept nogil:
    # one position in its market, under a table without jumps
    cdef uint32_t i = unit_first(state, position), n = 0
    cdef Market* market = state.markets[state.positions[position].market]
    while i != NO_POSITION:
        n += state.positions[i].market == market.number
        i = unit_next(state, i)
    return n == 1 and (not market.rules.table.whole or market.rules.table.on_entry)


cdef int32_t _bankruptcy(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef Unit unit
    unit_evaluate(state, position, &unit)
    if unit.open_positions == 1:
        # the same with and without a mark
        return value_tick(&market.rules.table, p.size, <int128>p.entry_value - unit.collateral)
    if not unit.priced:
        return 0
    return value_tick(&market.rules.table, p.size,
                      position_value(&market.rules.table, p.size, market.mark) - unit.equity)


# ---------------------------------------------------------------- columns

cdef int64_t _read(State* state, uint32_t i, int what) noexcept nogil:
    cdef Position* p = &state.positions[i]
    if what == SIZE:
        return p.size
    if what == ENTRY_VALUE:
        return p.entry_value
    if what == MARGIN:
        return p.margin
    if what == LEVERAGE:
        return p.leverage
    if what == FUNDING_OWED:
        return saturate(owed_funding(state, i))
    if p.size == 0:
        return 0
    return _liquidation_tick(state, i) if what == LIQUIDATION_TICK else _bankruptcy(state, i)


def position_column(EngineCore core, int64_t number, what, leg=None):
    """One number of each account's position in a market; accounts without one have 0.

    In hedge mode `leg` picks one ("long" or "short"); None takes the position of one-way accounts
    and, of hedge accounts, the sum of both legs for amounts and the first with size for the rest.
    """
    cdef int column
    cdef uint32_t i
    cdef uint8_t wanted = 0
    cdef Position* p
    cdef int64_t[::1] out
    if not isinstance(what, str) or what not in COLUMNS:
        raise ValueError(f"name must be one of {', '.join(map(repr, COLUMNS))}, got {what!r}")
    if leg is not None and (not isinstance(leg, str) or leg not in LEGS):
        raise ValueError(f"leg must be 'long', 'short' or None, got {leg!r}")
    column = COLUMNS[what]
    if leg is not None:
        wanted = LEGS[leg]
    core.market_at(number)
    array = np.zeros(core.state.account_count, np.int64)
    if column == LEVERAGE:
        array[:] = 100
    if len(array) == 0:
        return array
    out = array
    core.begin()
    with nogil:
        for i in range(core.state.position_count):
            p = &core.state.positions[i]
            if p.market != number or (wanted and not p.flags & wanted):
                continue
            if column <= MARGIN or column == FUNDING_OWED:
                out[p.account] += _read(&core.state, i, column)
            elif column == LEVERAGE or out[p.account] == 0:
                out[p.account] = _read(&core.state, i, column)
    core.end()
    return array


def deleverage_rows(EngineCore core, int64_t number):
    """Positions with size in a market, one row each, with the unit behind each: DELEVERAGE_DTYPE."""
    cdef uint32_t i
    cdef int64_t count = 0
    cdef Position* p
    cdef Unit unit
    cdef Market* market = core.market_at(number)
    cdef int64_t[:, ::1] out
    array = np.zeros((core.state.position_count, len(DELEVERAGE_DTYPE)), np.int64)
    if len(array) == 0:
        return array.view(DELEVERAGE_DTYPE)[:, 0]
    out = array
    core.begin()
    with nogil:
        for i in range(core.state.position_count):
            p = &core.state.positions[i]
            if p.market != number or p.size == 0:
                continue
            unit_evaluate(&core.state, i, &unit)
            out[count, 0] = p.account
            out[count, 1] = p.size
            out[count, 2] = p.entry_value
            if market.mark:
                out[count, 3] = position_value(&market.rules.table, p.size, market.mark)
            out[count, 4] = saturate(unit.equity)
            out[count, 5] = saturate(unit.maintenance)
            out[count, 6] = saturate(unit.collateral)
            out[count, 7] = p.leverage
            count += 1
    core.end()
    return array.view(DELEVERAGE_DTYPE)[:count, 0]


def unit_columns(EngineCore core):
    """Equity and maintenance of each account, all its units together, atoms."""
    cdef uint32_t i, k
    cdef Unit unit
    cdef Position* p
    cdef Market* market
    cdef int64_t value
    cdef int64_t[::1] equity, needed
    equity_array = np.zeros(core.state.account_count, np.int64)
    needed_array = np.zeros(core.state.account_count, np.int64)
    if len(equity_array) == 0:
        return equity_array, needed_array
    equity = equity_array
    needed = needed_array
    core.begin()
    with nogil:
        for i in range(core.state.account_count):
            equity[i] = core.state.accounts[i].balance
        for i in range(core.state.position_count):
            p = &core.state.positions[i]
            market = core.state.markets[p.market]
            equity[p.account] += p.margin - saturate(owed_funding(&core.state, i))
            if p.size and market.reserve:
                # collateral less debts; how much less of it counts is the unit's to say
                value = saturate(side_value(&core.state, market, p.size, market.mark - p.trigger))
                equity[p.account] += value
                needed[p.account] += value
            elif p.size and market.mark:
                value = position_value(&market.rules.table, p.size, market.mark)
                equity[p.account] += value - p.entry_value
                needed[p.account] += required_margin(market, p, value)
        for k in range(core.state.account_count):
            if not core.state.accounts[k].flags & ACCOUNT_LENDING or core.state.accounts[k].first == NO_POSITION:
                continue
            i = unit_first(&core.state, core.state.accounts[k].first)
            if i != NO_POSITION:
                unit_evaluate(&core.state, i, &unit)
                needed[k] -= saturate(unit.equity)
    core.end()
    return equity_array, needed_array


def account_table(EngineCore core):
    """Copy of the account records, ACCOUNT_DTYPE."""
    cdef char[::1] target
    core.begin()
    try:
        array = np.empty(core.state.account_count, ACCOUNT_DTYPE)
        if len(array):
            target = array.view(np.int8)
            memcpy(&target[0], core.state.accounts, <size_t>array.nbytes)
        return array
    finally:
        core.release()


def position_table(EngineCore core):
    """Copy of the position records, POSITION_DTYPE."""
    cdef char[::1] target
    core.begin()
    try:
        array = np.empty(core.state.position_count, POSITION_DTYPE)
        if len(array):
            target = array.view(np.int8)
            memcpy(&target[0], core.state.positions, <size_t>array.nbytes)
        return array
    finally:
        core.release()


def funding_settled(EngineCore core):
    """Index that each position was settled at, 0 where nothing accrues; by position number."""
    cdef uint32_t i
    core.begin()
    try:
        array = np.zeros(core.state.position_count, np.int64)
        for i in range(core.state.position_count):
            if core.state.markets[core.state.positions[i].market].rules.accrues and core.state.positions[i].size:
                array[i] = core.state.funding_at[i]
        return array
    finally:
        core.release()


def due_rows(EngineCore core):
    """Rows (market, direction, key, position number) of the due queues, in key order."""
    cdef uint32_t m, k
    cdef int d
    cdef HeapNode* nodes
    core.begin()
    try:
        rows = []
        for m in range(core.state.market_count):
            for d in range(2):
                queue = &core.state.markets[m].due[d]
                column = np.zeros(queue.count * sizeof(HeapNode), np.uint8)
                nodes = <HeapNode*><size_t>column.ctypes.data
                triggers_copy(queue, nodes)
                rows.extend(sorted((m, d, nodes[k].key, nodes[k].item)
                                   for k in range(queue.count)))
        return rows
    finally:
        core.release()


def market_row(EngineCore core, int64_t number):
    """Numbers of one market, by name."""
    cdef Market* market = core.market_at(number)
    core.begin()
    try:
        return {
            "mark": market.mark, "index": market.index, "outside_size": market.outside_size,
            "outside_entry": market.outside_entry, "house_size": market.house_size,
            "house_entry": market.house_entry, "spot_size": market.spot_size,
            "spot_entry": market.spot_entry, "gross": gross_lots(market), "long_lots": market.long_lots,
            "last": market.impact.last if market.impact_venue else market.book.last,
            "permanent_lots": market.impact.permanent_lots,
            "transient_lots": market.impact.transient_lots, "next_id": market.book.next_id,
            "ceiling": market.ceiling, "touch_seen": market.touch_seen,
            "last_source": market.last_source, "source_wave": market.source_wave,
            "away_threshold": market.away_threshold,
            "average": market.average, "index_time": market.index_time,
            "premium_high": <int64_t>floor_divide(market.premium_sum, WORD),
            "premium_low": <int64_t>(market.premium_sum - floor_divide(market.premium_sum, WORD) * WORD),
            "premium_time": market.premium_time, "funding_fixed": market.funding_fixed,
            "funding_rate": market.funding_rate, "funding_index": market.funding_index,
            "funding_pool": market.funding_pool,
        }
    finally:
        core.release()


def asset_row(EngineCore core, int64_t number):
    """Fund, fees, bad debt and net deposits of an asset, atoms."""
    core.begin()
    try:
        if number < 0 or number >= core.state.asset_count:
            raise ValueError(f"asset {number} is unknown")
        asset = &core.state.assets[number]
        return {"fund": asset.fund, "fees": asset.fees, "bad_debt": asset.bad_debt,
                "deposits": asset.net_deposits}
    finally:
        core.release()


def clocks(EngineCore core):
    """Clock and liquidation time carried over, ns."""
    core.begin()
    try:
        return core.state.clock, core.state.carried
    finally:
        core.release()


def guard_counts(EngineCore core):
    """Entries in the exact, guard and due heaps, summed over markets and directions."""
    cdef uint32_t m
    cdef int d
    core.begin()
    try:
        exact = guards = due = 0
        for m in range(core.state.market_count):
            for d in range(2):
                exact += core.state.markets[m].exact[d].count
                guards += core.state.markets[m].guards[d].count
                due += core.state.markets[m].due[d].count
        return {"exact": exact, "guards": guards, "due": due}

    finally:
        core.release()
