"""Trades split over several venues: by hand, lot by lot, against `routing`, and in liquidations."""

from fractions import Fraction

import pytest
from engine_kit import BUY, SELL, TWIN, core_kit, pick, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from lending_setups import borrower
from reference import routes

# --- the split ---------------------------------------------------------------------------------


def bids(levels):
    """What bids bring, by hand; None beyond the last."""

    def worth(lots):
        total = 0
        for price, size in levels:
            part = min(lots, size)
            total, lots = total + part * price, lots - part
        return None if lots else total

    return worth


def product(base, quote):
    """A pool without fee, exact, so that every further lot brings less."""
    return lambda lots: Fraction(quote * lots, base + lots)


LEVELS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 12)), max_size=6)


@given(
    books=st.lists(LEVELS.map(lambda rows: sorted(rows, reverse=True)), min_size=1, max_size=3),
    pool=st.tuples(st.integers(1, 300), st.integers(1, 20_000)),
    lots=st.integers(0, 90),
)
def test_the_rule_is_lot_by_lot_where_every_lot_brings_less(books, pool, lots):
    worths = [*map(bids, books), product(*pool)]
    assert routes.split(worths, lots) == (routes.lot_by_lot(worths, lots), 0)
    worths = worths[:-1]
    parts, left = routes.split(worths, lots)
    assert parts == routes.lot_by_lot(worths, lots) and left == lots - sum(parts)


def no_move_gains(worths, parts):
    return all(gain <= 0 for gain, _, _ in routes.moves(worths, parts, 1))


@settings(deadline=None)
@given(
    pools=st.lists(
        st.tuples(st.integers(50, 3000), st.integers(50, 10**7)), min_size=2, max_size=2
    ),
    lots=st.integers(1, 1500),
)
def test_rounded_pools_are_within_two_atoms_of_the_best(pools, lots):
    def rounded(base, quote):
        return lambda n: quote * n * 997 // (base * 1000 + n * 997)

    worths = [rounded(*pool) for pool in pools]
    parts, left = routes.split(worths, lots)
    assert left == 0 and no_move_gains(worths, parts)
    found = sum(w(n) for w, n in zip(worths, parts, strict=True))
    best = max(worths[0](n) + worths[1](lots - n) for n in range(lots + 1))
    assert best - 2 <= found <= best


@settings(deadline=None)
@given(
    price=st.integers(30, 3000),
    slopes=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    away=st.integers(-5, 5),
    lots=st.integers(1, 500),
)
def test_curves_are_within_two_ticks_on_the_trade_of_the_best(price, slopes, away, lots):
    def curve(start, lots_a_tick):
        # as the linear impact venue fills: the middle of the ticks before and after, rounded down
        def tick(n):
            return max(1, start - (2 * n + lots_a_tick) // (2 * lots_a_tick))

        return lambda n: n * ((tick(0) + tick(n)) // 2)

    worths = [curve(price, slopes[0]), curve(price + away, slopes[1])]
    parts, _ = routes.split(worths, lots)
    assert no_move_gains(worths, parts)
    found = sum(w(n) for w, n in zip(worths, parts, strict=True))
    best = max(worths[0](n) + worths[1](lots - n) for n in range(lots + 1))
    assert best - 2 * lots <= found <= best


# --- the core's split --------------------------------------------------------------------------


def venues_of(kit, drawn, *, decimals=0, tick=1):
    """An engine with a market for each drawn venue."""
    engine = kit.engine(asset_decimals=decimals)
    markets = []
    for k, (kind, number, price) in enumerate(drawn):
        terms = {}
        if kind == "curve":
            terms["venue"] = kit.linear(1, number)
        elif kind == "product":
            terms["venue"] = kit.pools.ConstantProduct(number * 20, number * 20 * price, "0.003")
        elif kind == "ranges":
            ranges = ((price // 2, price * 2, 50 * number), (price - 5, price + 5, 400 * number))
            terms["venue"] = kit.pools.Concentrated(price, ranges)
        elif kind == "stable":
            terms["venue"] = kit.pools.Stableswap(number * 20, number * 20 * price, 50, price)
        market = kit.market(engine, f"V{k}", rules={"feed": "last"}, **terms)
        market.set_index(price)
        if kind == "book":
            market.book.load_depth(
                [(price - 1 - j, 1 + (j * number) % 17) for j in range(min(25, price - 1))],
                [(price + 1 + j, 1 + (j * number) % 13) for j in range(25)],
            )
        markets.append(market)
    return engine, markets


DRAWN = st.lists(
    st.tuples(
        st.sampled_from(["book", "curve", "product", "ranges", "stable"]),
        st.integers(3, 60),
        st.integers(95, 105),
    ),
    min_size=1,
    max_size=4,
)
SIDES = {"sell": SELL, "buy": BUY}


@settings(deadline=None, max_examples=150)
@given(drawn=DRAWN, side=st.sampled_from(["sell", "buy"]), lots=st.integers(1, 900))
def test_core_and_twin_split_alike_and_execute_what_was_quoted(drawn, side, lots):
    kit = core_kit()
    if kit is None:
        pytest.skip("the compiled engine is not built")
    from cascade.routed_orders import route_markets

    (engine, markets), (_, slow) = venues_of(kit, drawn), venues_of(TWIN, drawn)
    before = engine.state_hash()
    route = route_markets(side, lots, markets)
    assert engine.state_hash() == before
    parts, left, atoms = routes.route(tuple(slow), SIDES[side], lots)
    assert (list(route.lots), route.left, route.total) == (parts, left, atoms)
    worths = [routes.worth_at(market, SIDES[side]) for market in slow]
    assert no_move_gains(worths, parts)
    assert not left or all(w(n + 1) is None for w, n in zip(worths, parts, strict=True))
    routed = engine.route(side, lots, markets)
    assert (routed.filled, routed.left) == (sum(parts), left)
    assert sum(row["money"] for row in rows(engine, "fill")) == atoms
    engine.validate()


@settings(deadline=None, max_examples=60)
@given(
    drawn=DRAWN.filter(lambda rows: all(kind != "curve" for kind, *_ in rows)),
    lots=st.integers(1, 900),
)
def test_it_is_the_split_of_route_sale(drawn, lots):
    kit = core_kit()
    if kit is None:
        pytest.skip("the compiled engine is not built")
    from cascade import routing
    from cascade.routed_orders import route_markets

    _, markets = venues_of(kit, drawn)
    asked = routing.route_sale([routing.sale_to_market(market) for market in markets], lots)
    assert route_markets("sell", lots, markets) == asked


def test_equal_levels_go_to_the_first_venue(kit):
    engine, markets = venues_of(kit, [("none", 0, 100)] * 3)
    for market, size in zip(markets, (3, 20, 4), strict=True):
        market.book.load_depth([(100, size), (98, 5)], [(102, size), (103, 5)])
    assert kit.route(engine, "sell", 12, markets) == [12, 3, 9, 0]
    assert kit.route(engine, "buy", 33, markets) == [33, 8, 21, 4]


def test_ticks_may_differ_because_atoms_are_compared(kit):
    # 101 at a tick of one against 100.9 at a tick of a tenth, a lot being ten units
    engine = kit.engine(asset_decimals=0)
    coarse = kit.market(engine, "coarse", lot_size=10)
    fine = kit.market(engine, "fine", tick_size=0.1, lot_size=10)
    coarse.book.load_depth([(101, 20), (99, 50)], [])
    fine.book.load_depth([(100.9, 30), (98.9, 50)], [])
    assert kit.route(engine, "sell", 40, [fine, coarse]) == [4, 2, 2]
    assert [row["money"] for row in rows(engine, "fill")] == [2018, 2020]


def test_venues_in_which_nothing_trades_are_skipped(kit):
    engine, markets = venues_of(kit, [("book", 9, 100), ("product", 30, 100), ("book", 9, 104)])
    markets[2].book.open_auction()
    filled, *parts = kit.route(engine, "sell", 150, markets)
    assert filled == 150 and parts[2] == 0 and min(parts[:2]) > 0
    markets[0].book.open_auction()
    assert kit.route(engine, "sell", 5, markets) == [5, 0, 5, 0]
    assert kit.route(engine, "sell", 5, [markets[0], markets[2]]) == [0, 0, 0]


# --- liquidations ------------------------------------------------------------------------------


def two_venues(kit, sizes, *, rules=None, venue=("ETH", "other"), liquidator=None):
    """A borrower of 8,100 against 100 ETH, sold at 100 in "ETH" and at 100 in "other"."""
    engine = kit.engine()
    for name, size in zip(("ETH", "other"), sizes, strict=True):
        market = kit.market(engine, name, rules={"feed": "index"})
        market.set_index(100)
        if size:
            market.book.load_depth([(100, size), (90, 10), (50, 200)], [])
    pool = engine.lending.add("pool", rules=kit.lending.LendingRules(**(rules or {})))
    pool.add_reserve(
        "ETH", price="ETH", venue=venue, liquidation_threshold="0.8", liquidation_bonus="0.05"
    )
    pool.add_reserve("USD")
    pool["USD"].supply(1_000_000)
    engine.liquidators.add(kit.lending.Liquidator(**(liquidator or {"halvings": 0})))
    borrower(pool, 100, 8100)
    return engine, pool


def sold(engine):
    return [row for row in rows(engine, "fill") if row["account"] == -3]


def test_what_is_seized_is_sold_where_it_brings_most(kit):
    # 8100 * 1.05 / 100 = 85 lots: 50 and 30 at 100, then 5 at 90 in the first; 8450 less 8100
    engine, _ = two_venues(kit, (50, 30))
    assert engine.step().liquidated == 1
    found = pick(sold(engine), "market", "price", "quantity", "money")
    assert found == [(0, 100, 50, 5000), (0, 90, 5, 450), (1, 100, 30, 3000)]
    (liquidation,) = rows(engine, "liquidation")
    assert engine.liquidators.result(0)["profit"] == 350
    causes = {row["cause"] for row in sold(engine)}
    assert len(causes) == 1 and engine.events[causes.pop()]["kind"] == liquidation["kind"]
    engine.validate()


@pytest.mark.parametrize(
    ("order", "lots"), [(("ETH", "other"), (85, 0)), (("other", "ETH"), (0, 85))]
)
def test_of_equal_prices_the_first_venue_named_takes_all(kit, order, lots):
    engine, _ = two_venues(kit, (200, 200), venue=order)
    assert engine.step().liquidated == 1
    assert (
        tuple(sum(r["quantity"] for r in sold(engine) if r["market"] == m) for m in (0, 1)) == lots
    )


def test_one_that_collects_is_left_out_and_all_of_them_refuse(kit):
    engine, _ = two_venues(kit, (100, 100))
    engine.market("ETH").book.open_auction()
    assert engine.step().liquidated == 1
    assert pick(sold(engine), "market", "quantity") == [(1, 85)]
    engine, _ = two_venues(kit, (100, 100))
    for name in ("ETH", "other"):
        engine.market(name).book.open_auction()
    assert (engine.step().liquidated, sold(engine)) == (0, [])


def test_neither_alone_takes_what_both_take(kit):
    engine, _ = two_venues(kit, (40, 45), venue=("ETH",))
    engine.market("ETH").book.cancel(3)
    assert engine.step().liquidated == 0  # 40 and 10 of 85
    engine, _ = two_venues(kit, (40, 45))
    for name in ("ETH", "other"):
        engine.market(name).book.cancel(3)
    assert engine.step().liquidated == 1
    assert sum(row["quantity"] for row in sold(engine)) == 85


def test_each_venue_has_the_price_it_was_sold_at(kit):
    engine = kit.engine()
    for name in ("ETH", "other"):
        pool = kit.pools.ConstantProduct(1000, 100_000, 0)
        kit.market(engine, name, rules={"feed": "last"}, venue=pool)
    rules = kit.lending.LendingRules(toxic_terms=True)
    lending = engine.lending.add("pool", rules=rules)
    lending.add_reserve(
        "ETH", price="ETH", venue=["other", "price"], liquidation_threshold="0.8",
        liquidation_bonus="0.3",
    )  # fmt: skip
    lending.add_reserve("USD")
    lending["USD"].supply(1_000_000)
    borrower(lending, 300, 25_000)
    assert engine.step().liquidated == 1
    # 25,000 * 1.3 / 100 = 325, cut to 300. Half to each of two equal pools brings 2 * 13,043; 151 to the one
    # named first bring 13,119 and 149 to the other 12,967, as much. 100,000 / 1,000 * (1,000 / 1,151)**2 = 75.5
    assert sorted(pick(sold(engine), "market", "quantity")) == [(0, 149), (1, 151)]
    assert sum(row["money"] for row in sold(engine)) == 26_086
    assert [engine.market(name).mark for name in ("ETH", "other")] == [76, 75]


@pytest.mark.parametrize(
    ("venue", "message"),
    [
        ((), "has nothing"),
        (("ETH", "ETH"), "each once"),
        (("ETH", "coarse"), "'coarse' has lots of 5"),
        (tuple(f"M{k}" for k in range(9)), "1 ... 8 markets"),
        (("ETH", "inverse"), "no|is not a linear market"),
    ],
)
def test_refusals_name_the_venue(venue, message):
    kit = core_kit()
    if kit is None:
        pytest.skip("the compiled engine is not built")
    engine = kit.engine()
    kit.market(engine, "ETH").set_index(100)
    kit.market(engine, "coarse", lot_size=5)
    engine.add_market("inverse", tick_size=1, lot_size=1, contract="inverse", multiplier=10**6)
    for k in range(9):
        kit.market(engine, f"M{k}")
    pool = engine.lending.add("pool")
    before = engine.state_hash()
    with pytest.raises(ValueError, match=message):
        pool.add_reserve("ETH", price="ETH", venue=venue)
    assert engine.state_hash() == before and not pool.reserves
    with pytest.raises(ValueError, match=message.replace("the grid", "the lots")):
        engine.route("sell", 10, venue)
    with pytest.raises(ValueError, match="quantity"):
        engine.route("sell", Fraction(1, 2), ["ETH"])
    with pytest.raises(ValueError, match="side must be"):
        engine.route("hold", 1, ["ETH"])
    with pytest.raises(TypeError, match="sequence of markets"):
        engine.route("sell", 1, "ETH")


def test_a_snapshot_has_the_venues(tmp_path):
    kit = core_kit()
    if kit is None:
        pytest.skip("the compiled engine is not built")
    engine, pool = two_venues(kit, (50, 30))
    engine.save(tmp_path / "two.npz")
    loaded = kit.Engine.load(tmp_path / "two.npz")
    assert [m.name for m in loaded.lending["pool"]["ETH"].venues] == ["ETH", "other"]
    for made in (engine, loaded, engine.copy()):
        made.validate()
    copied = engine.copy()
    ends = set()
    for made in (engine, loaded, copied):
        made.step()
        ends.add((made.state_hash(), len(sold(made))))
    assert len(ends) == 1
    assert pool["ETH"].venue is engine.market("ETH")
