"""The house sells what it took over, by time and by a share of the book; worked by hand."""

import pytest
from engine_kit import BUY, SELL, pick, rows

import cascade as cs
from cascade import partial

HOUSE = -2
STRATEGY = (10, "0.5", 50, "0.01")


def taken_over(kit, size=280, disposal=STRATEGY, *, side="long", venue=None, depth=10_000):
    """A market whose house holds `size` at 95, and nothing else is open."""
    engine = kit.engine()
    rules = {"tiers": [(0, "0.1")], "feed": "index", "absorb": 1, "disposal": disposal}
    extra = {} if venue is None else {"venue": venue}
    market = kit.market(engine, rules=rules, **extra)
    market.set_index(100)
    sign = 1 if side == "long" else -1
    engine.accounts.open(market, side=side, size=size, entry=100, margin=11 * size)
    if venue is None:
        refill(market, depth)
    # equity of 6 a lot, maintenance of 9.5 and 10.5
    engine.step(index={"X": 100 - 5 * sign}, dt=1)
    return engine, market


def refill(market, depth):
    market.book.load_depth(
        [(95, depth - 100), (94, 100)], [(105, depth - 100), (106, 100)], replace=True
    )


def sold(engine):
    return [r["quantity"] for r in rows(engine, "order") if r["account"] == HOUSE]


@pytest.mark.parametrize("side", ["long", "short"])
def test_the_strategy_of_the_specification(kit, side):
    # Vega, 0012-POSR: 280 held, every 10 s half, all from 50, 1 % of a book of 10,000
    engine, market = taken_over(kit, side=side)
    assert [r["quantity"] for r in rows(engine, "takeover")] == [280]
    for _ in range(60):
        engine.step(dt=1)
        refill(market, 10_000)
    assert sold(engine) == [100, 90, 45, 45]
    assert sold(engine) == partial.disposal_sizes(280, "0.5", 50, 10_000, "0.01")
    times = {r["time"] // 10**9 for r in rows(engine, "order")}
    assert times == {10, 20, 30, 40}
    assert engine.totals()["contracts"]["X"] == 0
    engine.validate()


def test_what_it_realises_goes_through_the_fund(kit):
    engine, market = taken_over(kit, 100, (1, 1, 0, 1))
    engine.fund_deposit(1000)
    market.book.load_depth([(90, 60), (80, 30)], [], replace=True)
    start = len(engine.events)
    engine.step(dt=1)
    # 100 taken over at 95: 60 at 90 lose 300, 30 at 80 lose 450; 10 are kept
    assert sold(engine) == [90]
    assert pick(rows(engine, "fund", start), "account", "money") == [(HOUSE, -300), (HOUSE, -450)]
    fills = rows(engine, "fill", start)
    assert pick(fills, "account", "price", "quantity") == [(HOUSE, 90, 60), (HOUSE, 80, 30)]
    order = next(k for k, row in enumerate(rows(engine)) if row["account"] == HOUSE
                 and row["kind"] == 1)  # fmt: skip
    assert {row["cause"] for row in fills} == {order}
    engine.validate()


def test_its_orders_move_the_last_price_and_liquidate_others(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, "0.1")], "feed": "last", "absorb": "0.5", "disposal": (5, 1, 0, 1)}
    market = kit.market(engine, rules=rules)
    market.book.load_depth([(99, 1), (94, 5), (90, 50), (80, 500)], [(101, 1)])
    kit.trade(engine, market, BUY, 1)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=150)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=300)
    kit.trade(engine, market, SELL, 4)
    first = engine.step(dt=1)
    # 10 are due at 94: 5 to the house, 5 sold down to 90
    assert first.liquidated == 1
    second = engine.step(dt=4)
    assert sold(engine) == [5]
    assert second.liquidated == 0
    assert market.last == 90
    engine.validate()


def test_an_interval_is_counted_by_the_clock(kit):
    engine, _ = taken_over(kit, 90, (1, "0.5", 1, 1))
    engine.step(dt=0)
    assert sold(engine) == []
    # three seconds: 45, 23 (rounded up), 11
    engine.step(dt=3)
    assert sold(engine) == [45, 23, 11]
    engine.step(dt=100)
    assert sold(engine) == [45, 23, 11, 6, 3, 1, 1]


def test_it_stops_without_anything_to_sell_to(kit):
    engine, market = taken_over(kit, 90, (1, 1, 0, 1))
    market.book.load_depth([], [], replace=True)
    engine.step(dt=50)
    assert sold(engine) == []
    market.book.load_depth([(95, 40)], [], replace=True)
    engine.step(dt=1)
    assert sold(engine) == [40]


def test_it_waits_for_the_reopening(kit):
    engine, market = taken_over(kit, 90, (1, 1, 0, 1))
    market.book.open_auction()
    engine.step(dt=5)
    assert sold(engine) == []
    market.book.uncross()
    engine.step(dt=1)
    assert sold(engine) == [90]


def test_an_impact_venue_has_no_book_to_share(kit):
    engine, _ = taken_over(kit, 90, (1, "0.5", 0, "0.01"), venue=kit.linear(1, 10))
    engine.step(dt=1)
    assert sold(engine) == [45]
    engine.validate()


def test_copies_go_on_selling():
    engine = cs.Engine(asset_decimals=0)
    rules = cs.rules.vega(tiers=[(0, "0.1")], feed="index")
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="long", size=280, entry=100, margin=11 * 280)
    market.book.load_depth([(95, 10_000)], [])
    engine.step(index={"X": 95}, dt=1)
    other = engine.copy()
    for copy in (engine, other):
        copy.step(dt=9)
        assert sold(copy) == [100]
    assert other.state_hash() == engine.state_hash()


@pytest.mark.parametrize(
    ("disposal", "text"),
    [
        (5, r"disposal must be \(seconds, fraction, full_size, max_share\), got 5"),
        ((0, 1, 1, 1), "disposal seconds 0 is outside 1 ns"),
        ((1, 2, 1, 1), "disposal fraction 2 is outside 0 ... 1"),
        ((1, 1, -1, 1), "disposal full_size -1 is below 0"),
        ((1, 1, 1, 2), "disposal max_share 2 is outside 0 ... 1"),
    ],
)
def test_rules_that_are_refused(disposal, text):
    with pytest.raises(ValueError, match=text):
        cs.Rules(disposal=disposal)
