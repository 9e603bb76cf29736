"""Parameters of circuit breakers, and the venues' own: what each page says, in a market."""

from datetime import time
from fractions import Fraction
from pathlib import Path

import pytest

import cascade as cs
from cascade import bands

PAGES = Path(__file__).resolve().parents[1] / "docs" / "rules"


def market_of(breaker, tick="0.01", bids=(), asks=(), **keywords):
    engine = cs.Engine()
    market = engine.add_market(
        "X", tick_size=tick, lot_size=1, rules=cs.Rules(breaker=breaker), **keywords
    )
    market.book.load_depth(list(bids), list(asks))
    return engine, market


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"reference": "median"}, "reference must be one of 'fixed', .*, got 'median'"),
        ({"lower": "1.1"}, r"lower '1.1' is outside 0 \.\.\. 1"),
        ({"upper": -1}, "upper -1 is outside"),
        ({"floor": "0.1"}, "floor needs a close"),
        ({"share_of": "close"}, "share_of 'close' needs a close"),
        ({"levels": [("0.1", 3)]}, "levels needs a close"),
        ({"levels": [("0.1", 3), ("0.1", 4)], "close": 9}, r"levels\[1\] '0.1' is not above"),
        ({"levels": [(0, 3)], "close": 9}, r"levels\[0\] 0 is not above"),
        ({"levels": ["0.1"], "close": 9}, r"levels\[0\] must be \(share, seconds or None\)"),
        ({"levels": [(Fraction(k, 20), 1) for k in range(1, 10)], "close": 9}, "at most 8"),
        ({"close": 0}, "close 0 is not above 0"),
        ({"reference": "mean"}, "reference 'mean' needs a window above 0 s"),
        ({"pause": -1}, "pause -1 s is outside"),
        ({"extensions": 300, "extension": 1}, r"extensions 300 is outside 0 \.\.\. 255"),
        ({"extensions": 1}, "extensions 1 need an extension above 0 s"),
        ({"replenish": 2}, r"replenish 2 is outside -1 \.\.\. 1"),
        ({"throttle_lots": 3}, "throttle_window 0 goes with throttle_lots"),
        ({"throttle_window": 3}, "throttle_window 3 goes with throttle_lots"),
        ({"throttle_lots": 0, "throttle_window": 3}, "throttle_lots 0 is not above 0"),
    ],
)
def test_values_out_of_range(given, message):
    with pytest.raises(ValueError, match=message):
        cs.Breaker(**given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hard": 1}, "hard must be True or False, got 1"),
        ({"window": None}, "window must be a number, got None"),
        ({"lower": "x"}, "lower must be a number, got 'x'"),
        ({"extensions": 1.5}, "extensions must be an integer, got 1.5"),
    ],
)
def test_values_of_another_kind(given, message):
    with pytest.raises(TypeError, match=message):
        cs.Breaker(**given)


def test_rules_take_nothing_but_a_breaker():
    with pytest.raises(TypeError, match="breaker must be a Breaker, got 5"):
        cs.Rules(breaker=5)


@pytest.mark.parametrize(
    ("breaker", "message"),
    [
        (cs.Breaker(close="10.005"), "close"),
        (cs.Breaker(throttle_lots=10**19, throttle_window=1), "throttle_lots 1000.* is above 2"),
        (cs.Breaker(throttle_notional=10**14, throttle_window=1), "throttle_notional 1000.* is"),
        (cs.Breaker(close=10**9), r"close 1000000000 is outside 1 \.\.\. 2147483646 ticks"),
    ],
)
def test_a_market_refuses_what_is_off_its_grid(breaker, message):
    engine = cs.Engine()
    with pytest.raises(ValueError, match=message):
        engine.add_market("X", tick_size="0.01", lot_size=1, rules=cs.Rules(breaker=breaker))
    assert engine.markets == []


def test_a_market_without_a_breaker_halts_nothing():
    _, market = market_of(None)
    assert market.halt_state is None
    for call in (market.halt, market.resume, lambda: market.set_close(5)):
        with pytest.raises(ValueError, match="market 0 has no breaker"):
            call()


def test_bad_calls_leave_the_market_as_it_was():
    engine, market = market_of(cs.Breaker())
    before = engine.state_hash()
    with pytest.raises(ValueError, match="seconds -1 s is outside"):
        market.halt(-1)
    with pytest.raises(ValueError, match=r"close 0 is outside 1 \.\.\."):
        market.set_close(0)
    with pytest.raises(ValueError, match="market 0 is not halted"):
        market.resume()
    assert engine.state_hash() == before


# --- venues --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tier", "close", "at", "regime"),
    [
        (1, 100, None, "amendment_18"), (1, "3.01", time(9, 35), "original"),
        (2, 50, time(9, 35), "amendment_18"), (1, 50, time(15, 40), "amendment_18"),
        (2, 50, time(15, 40), "amendment_18"), (2, 50, time(11), "amendment_18"),
        (2, "1.5", None, "amendment_18"), (1, "0.5", None, "amendment_18"),
    ],
)  # fmt: skip
def test_luld_has_the_percentages_of_the_plan(tier, close, at, regime):
    breaker = cs.rules.luld(tier, close, at, regime=regime)
    doubled = bands.luld_doubled(tier, close, at, regime)
    assert breaker.upper == bands.luld_percentage(tier, close, doubled=doubled)
    assert breaker.lower == breaker.upper


def test_luld_reference_limit_state_and_pause():
    engine, market = market_of(
        cs.rules.luld(1, 100), bids=[(100, 5), (94, 50)], asks=[(101, 5), (110, 5)]
    )
    market.book.market("sell", 1)
    edges = market.halt_state
    assert (edges.reference, edges.lower, edges.upper) == (100, 95, 105)
    # a buyer at 120 is repriced to 105 and stands there
    bought = market.book.limit("buy", 120, 9)
    assert (bought.filled, market.book.best_bid) == (5, 10_500)
    engine.step(dt="14.9")
    assert market.halt_state.phase == "limit_state"
    engine.step(dt="0.1")
    assert (market.halt_state.phase, market.halt_state.until) == ("pause", 315)
    market.book.limit("sell", 103, 4)
    engine.step(dt=300)
    state = market.halt_state
    # of 103 to 105 the price nearest to the last trade
    assert (state.phase, state.reference) == ("open", 103)
    assert (state.lower, state.upper) == (97.85, 108.15)


def test_luld_reference_moves_by_a_percent_after_thirty_seconds():
    engine, market = market_of(cs.rules.luld(1, 100))

    def trade(price):
        market.book.limit("sell", price, 1)
        market.book.limit("buy", price, 1)

    trade(100)
    engine.step(dt=29)
    trade(103)
    # the mean is 101.5, the reference 29 s old
    assert market.halt_state.reference == 100
    engine.step(dt=1)
    assert market.halt_state.reference == float(bands.luld_reference(100, "101.5", 30))
    engine.step(dt=60)
    trade(101)
    # the mean is 101.33, less than 1 % away
    assert market.halt_state.reference == 101.5


def test_mwcb_levels_are_the_published_ones():
    engine, market = market_of(cs.rules.mwcb("5346.56"))
    published = (4972.30, 4651.50, 4277.24)
    assert [float(level) for level in bands.market_wide_levels("5346.56")] == list(published)
    for number, level in enumerate(published, start=1):
        market.set_index(round(level + 0.01, 2))
        assert market.halt_state.levels_reached == number - 1
        market.set_index(level)
        assert market.halt_state.levels_reached == number
    assert market.halt_state.until is None
    engine.step(dt=10**6)
    assert market.halt_state.phase == "pause"


def test_mwcb_late_halts_at_the_third_level_alone():
    _, market = market_of(cs.rules.mwcb(1000, time(15, 25)))
    market.set_index(800.01)
    assert (market.halt_state.phase, market.halt_state.levels_reached) == ("open", 2)
    market.set_index(800)
    assert market.halt_state.phase == "pause"


@pytest.mark.parametrize(
    ("session", "more"),
    [
        ("day", {}), ("day", {"reached": 1}), ("day", {"reached": 3}), ("late", {}),
        ("overnight", {}), ("after", {"afternoon_price": 3900}),
        ("after", {"afternoon_price": 3300}),
    ],
)  # fmt: skip
def test_cme_limits_of_a_session(session, more):
    _, market = market_of(cs.rules.cme(4000, session, **more), tick="0.25")
    band = bands.equity_futures_limits(4000, session, tick="0.25", **more)
    state = market.halt_state
    assert state.hard_lower == (None if band.lower is None else float(band.lower))
    assert state.hard_upper == (None if band.upper is None else float(band.upper))


def test_cme_dynamic_breaker_is_that_of_the_function():
    engine, market = market_of(cs.rules.cme(4000, floor=None, ceiling=None), tick="0.25")
    variant = bands.dynamic_variant(4000, "0.035", "0.25")
    slow = bands.DynamicCircuitBreaker(variant)
    now = 0
    prices = (4000, 4100, 4050, 3990, 3961, 3960, 4010, 4080, 4099, 4100, 4000, 4140)
    for price in prices:
        engine.step(dt=120)
        now += 120
        # the trade reaches the limit, not the quote before it
        sides = ("buy", "sell") if price < (market.last or 0) else ("sell", "buy")
        for side in sides:
            market.book.limit(side, price, 1)
        reached = slow.update(now, price)
        assert (market.halt_state.phase == "pause") == (reached is not None), (now, price)
    halts = engine.events[engine.events["kind"] == cs.EventKind.HALT]
    assert (halts["code"] == 3).sum() == 2
    assert cs.rules.cme(4000, closing=True).pause == 5


def test_binance_range_of_the_example():
    _, market = market_of(
        cs.rules.binance_price_range(2, "0.5"), bids=[(10, 1), (4, 1)], asks=[(20, 1), (21, 1)]
    )
    market.book.market("sell", 1)
    band = bands.multiplier_band(10, 2, "0.5")
    assert (market.halt_state.lower, market.halt_state.upper) == (band.lower, band.upper)
    assert market.book.market("buy", 2).filled == 1
    # the reference is now 20
    assert market.halt_state.upper == 40
    with pytest.raises(ValueError, match="multipliers must be 0 <= down <= 1 <= up"):
        cs.rules.binance_price_range("0.5", 2)


@pytest.mark.parametrize("tier", [1, 2, 3, 4])
@pytest.mark.parametrize("premium", [-400, -30, 0, 12, 30, 400])
def test_okx_limits_are_those_of_the_function(tier, premium):
    breaker = cs.rules.okx_price_limit(tier)
    _, market = market_of(breaker, tick=1, max_price=10_000)
    market.set_index(1000)
    market.book.open_auction()
    # an uncross asks no band
    market.book.limit("sell", 1000 + premium, 1)
    market.book.limit("buy", 1000 + premium, 1)
    market.book.uncross()
    band = bands.index_band(1000, premium, 0, breaker.lower, breaker.outer)
    assert (market.halt_state.lower, market.halt_state.upper) == (band.lower, band.upper)
    fresh = cs.rules.okx_price_limit(tier, is_new=True)
    assert fresh.reference == "index"
    with pytest.raises(ValueError, match="tier 5 is not one of 1, 2, 3, 4"):
        cs.rules.okx_price_limit(5)


def test_a_venues_rules_take_a_breaker():
    rules = cs.rules.okx_swap(breaker=cs.rules.okx_price_limit(1))
    assert rules.breaker.outer == "0.05"


@pytest.mark.parametrize("name", cs.rules.BREAKER_VENUES)
def test_page_of_a_breaker_has_its_values_and_its_numbers_are_right(name):
    from doctest import testfile
    from importlib import import_module

    text = (PAGES / f"{name}.md").read_text()
    about = cs.rules.describe_breaker(name)
    assert cs.rules.BREAKERS[name] is getattr(cs.rules, name)
    for part in (f"# {about.title}\n", f"{about.source}.\n", about.follows, about.date):
        assert part in text
    for parameter, value in import_module(f"cascade.rules.parameters.{name}").BREAKER.items():
        assert f"| `{parameter}` | `{value!r}` |" in text
    assert f"[{name}]({name}.md)" in (PAGES / "index.md").read_text()
    failed, run = testfile(str(PAGES / f"{name}.md"), module_relative=False)
    assert run > 0
    assert failed == 0


def test_unknown_breaker():
    with pytest.raises(ValueError, match="'nosuch' is not one of cme, luld, mwcb"):
        cs.rules.describe_breaker("nosuch")
