"""Rebuilding an engine from stored columns, and checking the structure of a living one.

Nothing stored is trusted: sizes, ids and order are checked before they are used, lists and heaps are
built anew, and what can be computed (sums, triggers, guards) is not stored at all.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

import numpy as np

from cascade._arithmetic cimport int128, magnitude
from cascade._clearing cimport (
    Unit, claim_position, claim_working, find_position, reserve_positions, unit_due,
    unit_evaluate, unit_first, unit_next,
)
from cascade._conservation cimport gross_lots
from cascade._core cimport EngineCore
from cascade._heap cimport NOT_QUEUED
from cascade._impact cimport impact_price
from cascade._lendingrestore cimport lending_account, side_position
from cascade._log cimport Event, Log, log_keep, log_reserve
from cascade._marketbook cimport MarketBook
from cascade._marks cimport push_mark_record
from cascade._opening cimport create_accounts
from cascade._orderbook cimport restore_into
from cascade._funding cimport undistributed
from cascade._queue cimport exact_trigger, queue_unit
from cascade._ramp cimport ramp_of
from cascade._reserve cimport WORTHLESS
from cascade._settlement cimport lots_fit
from cascade._state cimport (
    ACCOUNT_HEDGE, AVERAGE_PARTS, FEED_EMA, NO_POSITION, POSITION_DUE, POSITION_EXACT,
    POSITION_ISOLATED, POSITION_LADDER, POSITION_LONG_LEG, POSITION_SHORT_LEG, RATE_DENOMINATOR,
    Account, Market, Position, State, Working,
)
from cascade._triggers cimport (
    Triggers, node_at, queue_holds, triggers_set, triggers_validate,
)
from cascade._types cimport (
    BUY, FLAG_LONG_LEG, FLAG_REDUCE_ONLY, FLAG_SHORT_LEG, MAX_PRICE, MAX_SIZE,
)

from cascade._columns import ACCOUNT_DTYPE, POSITION_DTYPE
from cascade._log import EVENT_DTYPE
from cascade.errors import InvariantError

MARK_DTYPE = np.dtype([
    ("event", "<i8"), ("mark", "<i4"), ("wave", "<i4"), ("market", "<i4"), ("direction", "<i4"),
])
DUE_DTYPE = np.dtype([("key", "<i8"), ("position", "<i8"), ("market", "<i4"), ("direction", "<i4")])
MOMENT_DTYPE = np.dtype([("event", "<i8"), ("time", "<i8")])
LARGEST_AMOUNT = 2**62
QUEUE_FAULTS = {1: "the heap is out of order", 2: "shelves are out of order",
                3: "a trigger is on the wrong shelf", 4: "a place is wrong", 5: "counts are wrong"}


cdef int require(bint good, str what) except -1:
    if not good:
        raise ValueError(what)
    return 0


def restore_accounts(EngineCore core, accounts, positions):
    """Fill an empty engine with account and position records."""
    cdef State* state = &core.state
    cdef int64_t k
    cdef uint32_t made
    cdef Position* p
    cdef Account* account
    cdef uint8_t leg
    require(accounts.dtype == ACCOUNT_DTYPE and positions.dtype == POSITION_DTYPE, "wrong records")
    require(len(accounts) < 2**31 - 1, "too many accounts")
    create_accounts(state, len(accounts), 0, 0, False)
    reserve_positions(state, len(positions))
    for k in range(len(accounts)):
        row = accounts[k]
        require(0 <= row["asset"] < state.asset_count, f"account {k}: unknown asset")
        require(row["flags"] in (0, ACCOUNT_HEDGE)
                or lending_account(state, row["flags"], row["asset"]), f"account {k}: unknown flags")
        require(abs(int(row["balance"])) <= LARGEST_AMOUNT, f"account {k}: balance")
        require(row["whole_until"] >= 0, f"account {k}: end of its cool-down")
        account = &state.accounts[k]
        account.balance = row["balance"]
        account.whole_until = row["whole_until"]
        account.asset = row["asset"]
        account.flags = row["flags"]
    for k in range(len(positions)):
        row = positions[k]
        check_position(core, k, row, len(accounts))
        leg = <uint8_t>(<int>row["flags"] & (POSITION_LONG_LEG | POSITION_SHORT_LEG))
        made = claim_position(state, row["account"], row["market"], leg)
        require(made == k, f"position {k}: stored twice")
        p = &state.positions[made]
        p.size = row["size"]
        p.entry_value = row["entry_value"]
        p.margin = row["margin"]
        p.trigger = row["trigger"]
        p.leverage = row["leverage"]
        p.flags = <uint8_t>(<int>row["flags"] & ~<int>(POSITION_DUE | POSITION_EXACT))
        p.due_cause = row["due_cause"]
        p.due_wave = row["due_wave"]
        p.called = row["called"]
        state.markets[p.market].net += p.size
        if p.size > 0:
            state.markets[p.market].long_lots += p.size


cdef int check_position(EngineCore core, int64_t k, row, int64_t accounts) except -1:
    cdef State* state = &core.state
    cdef int flags = row["flags"]
    cdef int leg = flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG)
    where = f"position {k}: "
    require(0 <= row["account"] < accounts, where + "unknown account")
    require(row["market"] < state.market_count, where + "unknown market")
    require(flags < 64 and leg != (POSITION_LONG_LEG | POSITION_SHORT_LEG), where + "unknown flags")
    require(state.accounts[<int64_t>row["account"]].asset == state.markets[<int>row["market"]].asset,
            where + "another asset")
    require(((state.accounts[<int64_t>row["account"]].flags & ACCOUNT_HEDGE) != 0) == (leg != 0),
            where + "leg does not fit the account")
    most = 2**60 if state.markets[<int>row["market"]].reserve else MAX_SIZE      # scaled lots are many
    require(abs(int(row["size"])) <= most, where + "size")
    require(leg != POSITION_LONG_LEG or row["size"] >= 0, where + "side of the leg")
    require(leg != POSITION_SHORT_LEG or row["size"] <= 0, where + "side of the leg")
    require(abs(int(row["entry_value"])) <= LARGEST_AMOUNT, where + "entry value")
    require(abs(int(row["margin"])) <= LARGEST_AMOUNT, where + "margin")
    require(row["margin"] == 0 or flags & POSITION_ISOLATED, where + "margin of a cross position")
    require(row["size"] != 0 or (row["entry_value"] == 0 and row["margin"] == 0),
            where + "closed, yet with entry value or margin")
    require(row["leverage"] >= 1, where + "leverage")
    require(0 <= row["trigger"] <= MAX_PRICE, where + "trigger")
    require(row["called"] <= MAX_PRICE, where + "margin call")
    require(not flags & POSITION_LADDER or flags & POSITION_ISOLATED, where + "ladder not isolated")
    require(side_position(state, state.accounts[<int64_t>row["account"]].flags, row["market"], row["size"]),
            where + "no claim on that market")
    require(state.markets[<int>row["market"]].reserve == 0
            or (row["entry_value"] == 0 and not flags & POSITION_ISOLATED), where + "claim with money")
    return 0


def restore_market(EngineCore core, int64_t number, MarketBook book, row, orders):
    """Numbers and orders of one market."""
    cdef Market* market = core.market_at(number)
    for name in ("mark", "index", "ceiling"):
        # the mark of a side that is worth nothing is below zero
        require(-(name == "mark" and market.reserve != 0) <= row[name] <= MAX_PRICE, f"market {number}: {name}")
    for name in ("outside_entry", "house_entry", "spot_entry"):
        require(abs(int(row[name])) <= 2 * LARGEST_AMOUNT, f"market {number}: {name}")
    for name in ("outside_size", "house_size", "spot_size", "permanent_lots", "transient_lots"):
        require(abs(int(row[name])) <= 2**60, f"market {number}: {name}")
    market.mark = row["mark"]
    market.index = row["index"]
    market.ceiling = row["ceiling"]
    market.outside_size = row["outside_size"]
    market.outside_entry = row["outside_entry"]
    market.house_size = row["house_size"]
    market.house_entry = row["house_entry"]
    market.spot_size = row["spot_size"]
    market.spot_entry = row["spot_entry"]
    market.touch_seen = row["touch_seen"] != 0
    market.last_source = row["last_source"]
    market.source_wave = row["source_wave"]
    restore_clocked(core, market, row)
    if market.impact_venue and not market.pool.kind:
        market.impact.reference = row["index"]
        market.impact.permanent_lots = row["permanent_lots"]
        market.impact.transient_lots = row["transient_lots"]
        market.impact.last = impact_price(&market.impact, 0) if market.index else 0
    require(lots_fit(market, gross_lots(market) + magnitude(market.outside_size)
                     + magnitude(market.house_size), market.ceiling),
            f"market {number}: positions do not fit in 64 bits")
    restore_into(book, orders, [int(row["next_id"]), int(row["last"]), max(int(row["mark"]), 0),
                                int(row["auction"])], core.state.account_count)
    for order in orders:
        restore_working(core, number, order)


cdef int restore_clocked(EngineCore core, Market* market, row) except -1:
    # averages, the index's age and funding; positions are there already
    cdef int64_t largest = <int64_t>MAX_PRICE * AVERAGE_PARTS
    where = f"market {market.number}: "
    least = 0 if market.rules.feed == FEED_EMA else -largest
    require(least <= row["average"] <= largest, where + "average")
    require(0 <= row["index_time"] <= core.state.clock, where + "time of the index")
    require(0 <= row["premium_time"] <= core.state.clock, where + "time of the premium")
    total = (int(row["premium_high"]) << 62) + int(row["premium_low"])
    require(0 <= row["premium_low"] < 2**62
            and abs(total) <= RATE_DENOMINATOR * int(row["premium_time"]), where + "premium")
    require(abs(int(row["funding_rate"])) <= RATE_DENOMINATOR
            and row["funding_fixed"] in (0, 1), where + "funding rate")
    require(0 <= row["away_threshold"] <= RATE_DENOMINATOR, where + "threshold of its distance")
    market.away_threshold = row["away_threshold"]
    market.average = row["average"]
    market.index_time = row["index_time"]
    market.premium_time = row["premium_time"]
    market.premium_sum = (<int128><int64_t>row["premium_high"] * (<int128>1 << 62)
                          + <int64_t>row["premium_low"])
    market.funding_fixed = row["funding_fixed"]
    market.funding_rate = row["funding_rate"]
    return restore_accrual(core, market, row)


cdef int restore_accrual(EngineCore core, Market* market, row) except -1:
    # the sum over positions is computed; the pool must cover what it owes, and by less than it gives away
    cdef uint32_t i
    where = f"market {market.number}: "
    require(abs(int(row["funding_index"])) <= LARGEST_AMOUNT, where + "funding index")
    require(abs(int(row["funding_pool"])) <= LARGEST_AMOUNT, where + "funding pool")
    require(market.rules.accrues or (row["funding_index"] == 0 and row["funding_pool"] == 0),
            where + "funding index of a market that has none")
    market.funding_index = row["funding_index"]
    market.funding_pool = row["funding_pool"]
    market.funding_weight = 0
    if market.rules.accrues:
        for i in range(core.state.position_count):
            if core.state.positions[i].market == market.number:
                market.funding_weight += <int128>core.state.positions[i].size * core.state.funding_at[i]
    require(undistributed(market) >= 0, where + "funding pool below what it owes")
    return 0


def restore_settled(EngineCore core, settled):
    """Index each position was settled at, 0 where nothing accrues; before the markets."""
    cdef State* state = &core.state
    cdef int64_t k
    require(len(settled) == state.position_count, "indexes of funding")
    for k in range(len(settled)):
        p = &state.positions[k]
        require(abs(int(settled[k])) <= LARGEST_AMOUNT, f"position {k}: index of its funding")
        require(settled[k] == 0 or (state.markets[p.market].rules.accrues and p.size != 0),
                f"position {k}: index of its funding")
        if state.accrues:
            state.funding_at[k] = settled[k]


cdef int restore_working(EngineCore core, int64_t number, order) except -1:
    # the sums of open lots follow from the orders
    cdef State* state = &core.state
    cdef uint32_t i
    cdef int flags = order["flags"], leg
    cdef Working* working
    if order["account"] < 0:
        return 0
    require(order["account"] < state.account_count, f"order {order['id']}: unknown account")
    leg = (POSITION_LONG_LEG if flags & FLAG_LONG_LEG else
           POSITION_SHORT_LEG if flags & FLAG_SHORT_LEG else 0)
    i = find_position(state, order["account"], <uint32_t>number, <uint8_t>leg)
    require(i != NO_POSITION, f"order {order['id']}: no position to belong to")
    if flags & FLAG_REDUCE_ONLY and order["waiting"]:
        return 0
    if claim_working(state, i) == 0:
        raise MemoryError("no memory for open orders")
    working = &state.workings[state.positions[i].working]
    lots = int(order["size"]) + int(order["hidden"])
    if flags & FLAG_REDUCE_ONLY:
        working.reduces[<int>order["side"]] += lots
    elif order["side"] == BUY:
        working.buys += lots
    else:
        working.sells += lots
    return 0


def restore_assets(EngineCore core, rows):
    """Fund, fees, bad debt, net deposits of each asset."""
    cdef int64_t k
    for k, row in enumerate(rows):
        for value in row:
            require(abs(int(value)) <= 2 * LARGEST_AMOUNT, f"asset {k}: amount")
        require(row[0] >= 0 and row[2] >= 0, f"asset {k}: negative fund or bad debt")
        core.state.assets[k].fund = row[0]
        core.state.assets[k].fees = row[1]
        core.state.assets[k].bad_debt = row[2]
        core.state.assets[k].net_deposits = row[3]


def restore_queue(EngineCore core, marks, due):
    """Mark histories and due entries; every other trigger is computed."""
    cdef State* state = &core.state
    cdef uint32_t i
    cdef Market* market
    cdef Triggers* queue
    cdef int d
    for row in marks:
        require(0 <= row["market"] < state.market_count and row["direction"] in (0, 1), "mark record")
        market = state.markets[<int>row["market"]]
        least = WORTHLESS if market.reserve else 1
        require(least <= row["mark"] <= MAX_PRICE and row["mark"] != 0 and 0 <= row["wave"] < 2**31 - 1,
                "mark record")
        d = row["direction"]
        if market.marks[d].count:
            before = market.marks[d].records[market.marks[d].count - 1].mark
            require(row["mark"] < before if d == 0 else row["mark"] > before, "order of marks")
        push_mark_record(state, &market.marks[d], row["mark"], row["event"], row["wave"])
    for row in due:
        require(0 <= row["market"] < state.market_count and row["direction"] in (0, 1), "due entry")
        require(0 <= row["position"] < state.position_count, "due entry")
        i = row["position"]
        d = row["direction"]
        require(state.positions[i].market == row["market"] and state.positions[i].size != 0
                and (state.positions[i].size > 0) == (d == 0), "due entry")
        require(not state.positions[i].flags & POSITION_DUE, "due entry stored twice")
        require(0 < abs(int(row["key"])) <= MAX_PRICE + 1, "due entry")
        queue = &state.markets[<int>row["market"]].due[d]
        if triggers_set(queue, i, row["key"]):
            raise MemoryError("no memory for the queue")
        state.positions[i].flags |= POSITION_DUE
    for i in range(state.position_count):
        # what waits in a due heap stays there until it is taken, whatever prices did since
        if state.positions[i].size and not waits(state, i):
            queue_unit(state, i)


def mark_rows(EngineCore core):
    """Histories of the marks, MARK_DTYPE."""
    cdef uint32_t m
    cdef int d
    cdef int64_t k
    rows = []
    for m in range(core.state.market_count):
        for d in range(2):
            stack = &core.state.markets[m].marks[d]
            for k in range(stack.count):
                rows.append((stack.records[k].event, stack.records[k].mark, stack.records[k].wave,
                             m, d))
    return np.array(rows, dtype=MARK_DTYPE)


def restore_clocks(EngineCore core, int64_t clock, int64_t carried, int64_t first_event):
    require(0 <= clock < 2**62 and 0 <= carried < 2**62 and 0 <= first_event < 2**62, "clock")
    core.state.clock = clock
    core.state.carried = carried
    core.state.log.time = clock
    core.state.log.first = first_event


def moment_rows(EngineCore core):
    """Times of cleared events that are known, MOMENT_DTYPE."""
    cdef const Log* log = &core.state.log
    core.begin()
    try:
        return np.array([(log.moments[k].event, log.moments[k].time) for k in range(log.moment_count)],
                        dtype=MOMENT_DTYPE)
    finally:
        core.release()


def restore_log(EngineCore core, events, moments):
    """Put stored events, and times of cleared ones, into an engine without any."""
    cdef const unsigned char[::1] view
    cdef int64_t count = len(events)
    require(events.dtype == EVENT_DTYPE and moments.dtype == MOMENT_DTYPE, "events have the wrong type")
    numbers, times = moments["event"].tolist(), moments["time"].tolist()
    require(all(a < b for a, b in zip(numbers, [*numbers[1:], core.state.log.first], strict=False))
            and all(a <= b for a, b in zip(times, [*times[1:], core.state.clock], strict=False))
            and min(numbers + times + [0]) == 0, "times of cleared events are out of order")
    core.state.log.count = 0
    if log_reserve(&core.state.log, count) or log_keep(&core.state.log, len(moments)):
        raise MemoryError("no memory for the log")
    for k in range(len(moments)):
        core.state.log.moments[k].event = numbers[k]
        core.state.log.moments[k].time = times[k]
    if count:
        view = np.ascontiguousarray(events).view(np.uint8)
        memcpy(core.state.log.events, &view[0], <size_t>count * sizeof(Event))
        core.state.log.count = count


# ---------------------------------------------------------------- structure of a living engine

def check_structure(EngineCore core):
    """Heaps, lists, sums and triggers; raises InvariantError."""
    cdef State* state = &core.state
    cdef uint32_t m, i
    cdef int d
    cdef Market* market
    cdef int64_t net, longs
    core.begin()
    try:
        for m in range(state.market_count):
            market = state.markets[m]
            check_accrual(core, market)
            for d in range(2):
                for name, queue in (("exact", 0), ("guard", 1), ("due", 2)):
                    broken = triggers_validate(&market.exact[d] if queue == 0 else
                                               &market.guards[d] if queue == 1 else &market.due[d])
                    if broken:
                        raise InvariantError(f"market {m}: {name} queue: {QUEUE_FAULTS[broken]}")
            net = longs = 0
            for i in range(state.position_count):
                if state.positions[i].market == m:
                    net += state.positions[i].size
                    if state.positions[i].size > 0:
                        longs += state.positions[i].size
            if net != market.net or longs != market.long_lots:
                raise InvariantError(f"market {m}: sums of sizes are {market.net} and {market.long_lots}, "
                                     f"not {net} and {longs}")
        for i in range(state.position_count):
            check_unit(core, i)
    finally:
        core.release()


cdef int check_accrual(EngineCore core, Market* market) except -1:
    cdef State* state = &core.state
    cdef int128 weight = 0
    cdef uint32_t i
    if not market.rules.accrues:
        return 0
    for i in range(state.position_count):
        if state.positions[i].market == market.number:
            weight += <int128>state.positions[i].size * state.funding_at[i]
    if weight != market.funding_weight:
        raise InvariantError(f"market {market.number}: the sum of settled indexes is wrong")
    if undistributed(market) < 0:
        raise InvariantError(f"market {market.number}: the funding pool owes more than it gets")
    for d in range(2):
        broken = triggers_validate(&market.accruing[d])
        if broken:
            raise InvariantError(f"market {market.number}: funding queue: {QUEUE_FAULTS[broken]}")
    return 0


cdef int check_unit(EngineCore core, uint32_t i) except -1:
    # a unit with size waits in a due heap, or at its exact trigger, or behind guards not crossed
    cdef State* state = &core.state
    cdef Position* p = &state.positions[i]
    cdef Market* market = state.markets[p.market]
    cdef Unit unit
    cdef uint32_t at = state.place[i]
    cdef int d
    if p.size == 0:
        if at != NOT_QUEUED or p.entry_value:
            raise InvariantError(f"position {i} is closed and yet queued or with entry value")
        return 0
    if unit_first(state, i) != i and p.flags & POSITION_ISOLATED:
        raise InvariantError(f"position {i} is not in its unit")
    unit_evaluate(state, i, &unit)
    d = 0 if p.size > 0 else 1
    if state.ramps and ramp_of(state, i).since:
        if not waits(state, i):
            raise InvariantError(f"position {i}: its unit is in liquidation and not in a due heap")
        return 0
    if unit.exact:
        tick = exact_trigger(state, i)
        key = -tick if d == 0 else tick
        if at == NOT_QUEUED:
            if 1 <= tick <= MAX_PRICE:
                raise InvariantError(f"position {i} has trigger {tick} and is not queued")
        elif (not queue_holds(&market.exact[d], i)
                or node_at(&market.exact[d], at).key != key):
            raise InvariantError(f"position {i} is not queued at its trigger {tick}")
        return 0
    if unit_due(state, i, &unit) and not waits(state, i):
        raise InvariantError(f"position {i}: its unit is due and not in a due heap")
    return 0


cdef bint waits(State* state, uint32_t i) noexcept nogil:
    cdef uint32_t k = unit_first(state, i)
    while k != NO_POSITION:
        if state.positions[k].flags & POSITION_DUE:
            return True
        k = unit_next(state, k)
    return False
