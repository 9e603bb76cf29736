"""Phase 1 of a step in the twin: funding that falls due, and averages that follow the venue in time.

docs/marks.md and docs/funding.md. Everything is read as the last step left it.
"""

from . import log as events
from . import window
from .margin import rate_of
from .outside import impact_premium, sample_basis

PARTS = 10**9  # of a rate
FINE = 2**20  # parts of a tick in an average
AVERAGED = ("ema", "index_premium", "twap")


def toward_zero(numerator: int, denominator: int) -> int:
    size = abs(numerator) // denominator
    return size if numerator >= 0 else -size


def clamped(value: int, limit: int) -> int:
    return min(max(value, -limit), limit)


def venue_price(market, which: str) -> int:
    """Middle of the touch, the last price or the index, 0 without one."""
    if which == "index":
        return market.index_ticks
    if which == "last":
        return market.venue.last
    bid, ask = market.venue.touch()
    return (bid + ask) // 2 if bid and ask else 0


def is_stale(market, now: int) -> bool:
    after = market.rules.stale_nanoseconds
    return bool(after is not None and market.index_ticks and now - market.index_time > after)


def premium_parts(market, now: int) -> int | None:
    """Sample of the premium, None when there is nothing to read."""
    if market.rules.premium_of == "impact":
        if not market.index_ticks or is_stale(market, now):
            return None
        return impact_premium(market)
    middle = venue_price(market, "mid")
    if not middle or not market.index_ticks or is_stale(market, now):
        return None
    parts = toward_zero((middle - market.index_ticks) * PARTS, market.index_ticks)
    return clamped(parts, PARTS)


def pass_time(engine, elapsed: int) -> None:
    """The clock moves; funding is paid, averages move, marks follow, stops fire."""
    start, end = engine.clock, engine.clock + elapsed
    markets = engine.clearing.markets
    for market in markets:
        threshold = rate_of(market.dislocation_threshold)
        market.dislocation.begin(market.venue.last, market.index_ticks, elapsed, threshold)
    settle_what_falls_due(engine, start, end)
    averaged = [m for m in markets if m.rules.feed in AVERAGED] if elapsed else []
    for market in averaged:
        follow(market, start, elapsed)
    engine.clock = engine.log.time = end
    for market in averaged:
        engine.form_mark(market.number, -1)
    engine.queue.on_marks()
    for market in averaged:
        engine.fire_stops(market.number)


def settle_what_falls_due(engine, start: int, end: int) -> None:
    paying = [m for m in engine.clearing.markets if m.rules.interval_nanoseconds]
    due = []
    for market in paying:
        interval = market.rules.interval_nanoseconds
        first = (start // interval + 1) * interval
        due += [(time, market.number) for time in range(first, end + 1, interval)]
    samples = {m.number: premium_parts(m, start) for m in paying}
    read_until = {m.number: start for m in paying}

    def read(number: int, until: int) -> None:
        if samples[number] is not None:
            span = until - read_until[number]
            engine.clearing.markets[number].premium_sum += samples[number] * span
            engine.clearing.markets[number].premium_time += span
        read_until[number] = until

    for time, number in sorted(due):
        engine.log.time = time
        read(number, time)
        settle(engine, engine.clearing.markets[number])
    for market in paying:
        read(market.number, end)


def settle(engine, market) -> None:
    """One settlement at the rate that is fixed or that the interval's premium gives."""
    rules = market.rules
    parts = market.fixed_rate
    if parts is None:
        average = 0
        if market.premium_time:
            average = toward_zero(market.premium_sum, market.premium_time)
        added = rules.interest_parts
        if rules.clamp_parts is not None:
            added = clamped(rules.interest_parts - average, rules.clamp_parts)
        parts = clamped(toward_zero(average + added, rules.funding_payments), rules.cap_parts)
    market.premium_sum = market.premium_time = 0
    price = market.mark_ticks
    if rules.funding_value == "index" and market.index_ticks:
        price = market.index_ticks
    if market.mark_ticks:
        engine.pay_funding(market, parts, price)


def follow(market, now: int, elapsed: int) -> None:
    """Move a market's average toward what the last step left."""
    price = venue_price(market, market.rules.average_of)
    if market.rules.feed == "twap":
        window.observe(market, 0 if is_stale(market, now) else price, now, now + elapsed)
        return
    if not price or is_stale(market, now):
        return
    if market.rules.samples is not None:
        sample_basis(market, price, now, elapsed)
        return
    target = price
    if market.rules.feed == "index_premium":
        if not market.index_ticks:
            return
        target = price - market.index_ticks
    elif not market.average:
        return
    gap = (target * FINE - market.average) * elapsed
    market.average += toward_zero(gap, market.rules.average_nanoseconds + elapsed)


def averaged_mark(market, by_last: int, now: int) -> int:
    """The mark of a feed that averages."""
    if market.rules.feed == "twap":
        price = venue_price(market, market.rules.average_of)
        if not market.observations and price:
            window.begin(market, price, now)
        return market.window_mean or by_last
    nearest = (2 * market.average + FINE) // (2 * FINE)
    if market.rules.feed == "ema":
        if not market.average:
            market.average = venue_price(market, market.rules.average_of) * FINE
            return market.average // FINE or by_last
        return nearest
    if not market.index_ticks:
        return by_last
    limit = market.index_ticks * market.rules.premium_parts // PARTS
    mark = min(max(market.index_ticks + clamped(nearest, limit), 1), events.MAX_PRICE)
    market.ceiling_ticks = max(market.ceiling_ticks, mark)
    return mark
