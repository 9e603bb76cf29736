"""Circuit breakers as the Python layer sees them: set, halt, resume, read, store.

`cascade.breakers` puts prices and seconds on top. A stored state is a row of whole numbers, which is
checked before any of it counts.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport calloc

import numpy as np

from cascade._breaker cimport begin_halt, form_edges
from cascade._consumed_depth cimport consumed_lots, reserve_consumed
from cascade._core cimport EngineCore
from cascade._halt cimport (
    BREAKER_LEVELS, BREAKER_SPANS, NO_END, PHASE_CANCEL_ONLY, PHASE_PAUSE, REASON_DRIVER, REFERENCE_FIXED,
    Breaker, Deque, consumed_at, extreme_at, instant_at,
)
from cascade._price_window cimport forget_old, reserve_deque, reserve_instants
from cascade._reopening cimport reopen
from cascade._state cimport Market
from cascade._types cimport BUY, MAX_PRICE

cdef tuple PARAMETERS = (
    "lower", "upper", "floor", "ceiling", "outer", "min_change", "min_age", "window",
    "limit_state", "pause", "cancel_only", "extension", "extension_band", "replenish",
    "throttle_lots", "throttle_notional", "throttle_window", "kind", "of_close", "hard", "nearest",
    "beyond", "waits", "levels_on_index", "linked", "extensions", "close",
)
FIELDS = (
    "phase", "side", "held", "extended", "levels_reached", "replenished", "close", "reference",
    "lower_edge", "upper_edge", "hard_lower", "hard_upper", "reference_time", "calls_at", "until",
    "reason", "throttle_until", "throttled_lots", "throttled_notional", "throttled", "shown",
)
LARGEST = 2**62
MOST_TRADES = 2**31              # of a window: their sum fits


cdef Breaker* breaker_at(EngineCore core, int64_t number) except NULL:
    cdef Market* market = core.market_at(number)
    if market.breaker == NULL:
        raise ValueError(f"market {number} has no breaker")
    return market.breaker


def set_breaker(EngineCore core, int64_t number, dict rules):
    """Give a new market its breaker, if any: whole numbers by name, "levels" as (share, pause)."""
    cdef Market* market = core.market_at(number)
    cdef Breaker* b
    cdef int64_t k
    if rules is None:
        return
    core.begin()
    try:
        b = <Breaker*>calloc(1, sizeof(Breaker))
        if b == NULL:
            raise MemoryError("no memory for a breaker")
        market.breaker = b
        (b.lower, b.upper, b.floor, b.ceiling, b.outer, b.min_change, b.min_age, b.window,
         b.limit_state, b.pause, b.cancel_only, b.extension, b.extension_band, b.replenish,
         b.throttle_lots, b.throttle_notional, b.throttle_window, b.kind, b.of_close, b.hard,
         b.nearest, b.beyond, b.waits, b.levels_on_index, b.linked, b.extensions,
         b.close) = [rules[name] for name in PARAMETERS]
        levels = rules["levels"][:BREAKER_LEVELS]
        for k, (share, pause) in enumerate(levels):
            b.level_shares[k] = share
            b.level_pauses[k] = pause
        b.level_count = len(levels)
        spans = rules["widened"][:BREAKER_SPANS]
        for k, (start, end, times) in enumerate(spans):
            b.widened_from[k] = start
            b.widened_until[k] = end
            b.widened_times[k] = times
        b.widened_count = len(spans)
        b.leads = rules["leads"]
        b.event = -1
        if reserve_instants(&b.trades, 1) or reserve_deque(&b.lows, 1) or reserve_deque(&b.highs, 1):
            raise MemoryError("no memory for the window of a breaker")
        if b.kind == REFERENCE_FIXED:
            b.reference = b.close
        form_edges(market)
    finally:
        core.release()


def halt_market(EngineCore core, int64_t number, int64_t pause):
    """Halt at the driver's wish, ns; -1: until resumed."""
    cdef Market* market = core.market_at(number)
    breaker_at(core, number)
    core.begin()
    begin_halt(&core.state, market, REASON_DRIVER, BUY, core.state.clock,
               NO_END if pause < 0 else pause, 0, -1, 0)
    core.end()


def resume_market(EngineCore core, int64_t number):
    """End a halt now: the call auction without an extension."""
    cdef Breaker* b = breaker_at(core, number)
    if b.phase < PHASE_CANCEL_ONLY:
        raise ValueError(f"market {number} is not halted")
    core.begin()
    reopen(&core.state, core.market_at(number))
    core.end()


def set_close(EngineCore core, int64_t number, int32_t close):
    """A new day: the price that levels and static limits are counted from; levels begin anew."""
    cdef Breaker* b = breaker_at(core, number)
    cdef Market* market = core.market_at(number)
    core.begin()
    b.close = close
    b.levels_reached = 0
    if b.kind == REFERENCE_FIXED:
        b.reference = close
        b.reference_time = core.state.clock
    form_edges(market)
    core.end()


def breaker_row(EngineCore core, int64_t number):
    """Numbers of a market's breaker by name, windows summed up as they stand at the clock."""
    cdef Breaker* b = breaker_at(core, number)
    cdef Market* market = core.market_at(number)
    core.begin()
    try:
        forget_old(&core.state, market)
        row = {name: value for name, value in zip(FIELDS, state_numbers(market))}
        row["trade_sum"] = b.trade_sum
        row["trade_count"] = b.trade_count
        row["low"] = extreme_at(&b.lows, 0).price if b.lows.count else 0
        row["high"] = extreme_at(&b.highs, 0).price if b.highs.count else 0
        row["consumed"] = consumed_lots(b)
        return row
    finally:
        core.release()


cdef list state_numbers(Market* market):
    cdef Breaker* b = market.breaker
    return [
        b.phase, b.side, b.held, b.extended, b.levels_reached, b.replenished, b.close, b.reference,
        b.lower_edge, b.upper_edge, b.hard_lower, b.hard_upper, b.reference_time, b.calls_at,
        b.until, b.reason, b.throttle_until, b.throttled_lots, b.throttled_notional,
        market.throttled, market.impact.last if market.impact_venue else 0,
    ]


# ---------------------------------------------------------------- stored

cdef list deque_numbers(const Deque* deque):
    cdef int64_t k
    numbers = [deque.count]
    for k in range(deque.count):
        numbers += [extreme_at(deque, k).time, extreme_at(deque, k).price]
    return numbers


def breaker_state(EngineCore core, int64_t number):
    """Everything a breaker remembers, int64."""
    cdef Breaker* b = breaker_at(core, number)
    cdef int64_t k
    core.begin()
    try:
        forget_old(&core.state, core.market_at(number))
        numbers = [*state_numbers(core.market_at(number)), b.event, b.trades.count]
        for k in range(b.trades.count):
            at = instant_at(&b.trades, k)
            numbers += [at.time, at.sum, at.count]
        numbers += deque_numbers(&b.lows) + deque_numbers(&b.highs)
        numbers.append(b.consumed.count)
        for k in range(b.consumed.count):
            taken = consumed_at(&b.consumed, k)
            numbers += [taken.time, taken.lots, taken.price, taken.side]
        return np.array(numbers, dtype=np.int64)
    finally:
        core.release()


cdef int require(bint good, str what) except -1:
    if not good:
        raise ValueError(f"breaker: {what}")
    return 0


cdef list take(list numbers, int64_t count):
    require(0 <= count <= len(numbers), "numbers are missing")
    taken = numbers[:count]
    del numbers[:count]
    return taken


cdef int restore_deque(Deque* deque, list numbers, int64_t now, int64_t window, int sign) except -1:
    cdef int64_t k
    (count,) = take(numbers, 1)
    require(0 <= count <= len(numbers), "window")
    rows = take(numbers, 2 * count)
    if reserve_deque(deque, count + 1):
        raise MemoryError("no memory for the window of a breaker")
    deque.first = deque.count = 0
    for k in range(count):
        time = rows[2 * k]
        price = rows[2 * k + 1]
        require(0 <= time <= now and time > now - window and 1 <= price <= MAX_PRICE, "window")
        require(k == 0 or (time > rows[2 * k - 2] and sign * price > sign * rows[2 * k - 1]),
                "order of a window")
        deque.entries[k].time = time
        deque.entries[k].price = price
    deque.count = count
    return 0


cdef int restore_trades(Breaker* b, list numbers, int64_t now) except -1:
    cdef int64_t k
    (count,) = take(numbers, 1)
    require(0 <= count <= len(numbers), "trades")
    rows = take(numbers, 3 * count)
    if reserve_instants(&b.trades, count + 1):
        raise MemoryError("no memory for the trades of a breaker")
    b.trade_sum = b.trade_count = b.trades.first = b.trades.count = 0
    for k in range(count):
        time = rows[3 * k]
        total = rows[3 * k + 1]
        trades = rows[3 * k + 2]
        require(0 <= time <= now and time > now - b.window and (k == 0 or time > rows[3 * k - 3]),
                "trades")
        require(1 <= trades < MOST_TRADES - b.trade_count and abs(total) <= trades * MAX_PRICE, "trades")
        b.trades.entries[k].time = time
        b.trades.entries[k].sum = total
        b.trades.entries[k].count = trades
        b.trade_sum += total
        b.trade_count += trades
    b.trades.count = count
    return 0


cdef int restore_consumed(Breaker* b, list numbers, int64_t now) except -1:
    # a halt keeps what is older than the window
    cdef int64_t k
    (count,) = take(numbers, 1)
    require(0 <= count <= len(numbers), "depth taken")
    rows = take(numbers, 4 * count)
    if reserve_consumed(&b.consumed, count + 1):
        raise MemoryError("no memory for the depth taken")
    b.consumed.first = b.consumed.count = 0
    total = 0
    for k in range(count):
        time = rows[4 * k]
        lots = rows[4 * k + 1]
        price = rows[4 * k + 2]
        side = rows[4 * k + 3]
        require(0 <= time <= now and (k == 0 or time >= rows[4 * k - 4]), "time of depth taken")
        require(lots >= 1 and 1 <= price <= MAX_PRICE and side in (0, 1), "depth taken")
        total += lots
        require(total < LARGEST, "depth taken")
        b.consumed.entries[k].time = time
        b.consumed.entries[k].lots = lots
        b.consumed.entries[k].price = price
        b.consumed.entries[k].side = side
    b.consumed.count = count
    return 0


def restore_breaker(EngineCore core, int64_t number, stored):
    """Put a stored state into a market's breaker.

    Raises
    ------
    ValueError
        The numbers are not the state of a breaker.
    """
    cdef Breaker* b = breaker_at(core, number)
    cdef Market* market = core.market_at(number)
    cdef list numbers = [int(value) for value in stored]
    row = dict(zip(FIELDS, take(numbers, len(FIELDS)), strict=True))
    now = core.state.clock
    for name in ("close", "reference", "lower_edge", "upper_edge", "hard_lower", "hard_upper", "shown"):
        require(0 <= row[name] <= MAX_PRICE, name)
    require(0 <= row["phase"] <= PHASE_PAUSE and row["side"] in (0, 1), "phase")
    require(0 <= row["held"] <= 2 and 0 <= row["extended"] <= 255, "phase")
    require(0 <= row["levels_reached"] <= b.level_count, "levels")
    require(row["replenished"] in (0, 1) and row["throttled"] in (0, 1), "flags")
    require(row["phase"] < PHASE_CANCEL_ONLY or market.book.auction, "halted and yet open")
    require(0 <= row["reference_time"] <= core.state.clock, "time of the reference")
    require(-1 <= row["reason"] <= BREAKER_LEVELS, "reason")
    for name in ("calls_at", "until", "throttle_until"):
        require(0 <= row[name] <= NO_END, name)
    for name in ("throttled_lots", "throttled_notional"):
        require(0 <= row[name] <= NO_END, name)
    b.phase, b.side, b.held, b.extended = (row[n] for n in ("phase", "side", "held", "extended"))
    b.levels_reached, b.replenished = row["levels_reached"], row["replenished"]
    b.close, b.reference = row["close"], row["reference"]
    b.lower_edge, b.upper_edge = row["lower_edge"], row["upper_edge"]
    b.hard_lower, b.hard_upper = row["hard_lower"], row["hard_upper"]
    b.reference_time, b.calls_at, b.until = row["reference_time"], row["calls_at"], row["until"]
    b.reason, b.throttle_until = row["reason"], row["throttle_until"]
    b.throttled_lots, b.throttled_notional = row["throttled_lots"], row["throttled_notional"]
    market.throttled = row["throttled"]
    if market.impact_venue and row["shown"]:
        market.impact.last = row["shown"]
    (b.event,) = take(numbers, 1)
    require(-1 <= b.event < LARGEST, "event")
    restore_trades(b, numbers, now)
    restore_deque(&b.lows, numbers, now, b.window, 1)
    restore_deque(&b.highs, numbers, now, b.window, -1)
    restore_consumed(b, numbers, now)
    require(not numbers, "numbers are left over")
