"""Routing against a search lot by lot, the closed form of two pools, and its own condition."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cascade as cs
from cascade import pools, routing


def no_lot_better(venues, route):
    """The definition: no single lot sold elsewhere would bring more."""

    def worth(venue, lots):
        return Fraction(0) if lots == 0 else venues[venue](lots)

    for giver, lots in enumerate(route.lots):
        if lots == 0:
            continue
        lost = worth(giver, lots) - worth(giver, lots - 1)
        for taker, held in enumerate(route.lots):
            more = worth(taker, held + 1) if taker != giver else None
            if more is not None and more - worth(taker, held) > lost:
                return False
    return True


def lot_by_lot(venues, lots):
    """The most that can be had of concave venues: each lot where it brings most."""
    split, total = [0] * len(venues), Fraction(0)
    for _ in range(lots):
        gains = []
        for venue, held in enumerate(split):
            after = venues[venue](held + 1)
            before = venues[venue](held) if held else Fraction(0)
            gains.append((-1 if after is None else after - before, -venue))
        gain, venue = max(gains)
        if gain < 0:
            break
        split[-venue] += 1
        total += gain
    return split, total


def product(base, quote, fee):
    """Concave without rounding."""
    return lambda lots: pools.exact_output(lots, base, quote, fee)


def levels(pairs):
    return routing.sale_to_levels(pairs)


@given(
    first=st.tuples(st.integers(1, 500), st.integers(1, 10**6)),
    second=st.tuples(st.integers(1, 500), st.integers(1, 10**6)),
    book=st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 30)), max_size=5),
    lots=st.integers(1, 150),
)
def test_it_is_the_best_there_is(first, second, book, lots):
    book.sort(reverse=True)
    curve = routing.sale_to_impact(cs.Impact.linear("7"), 2000)
    venues = [product(*first, "0.003"), product(*second, "0.01"), levels(book), curve]
    route = routing.route_sale(venues, lots)
    assert sum(route.lots) == lots and route.left == 0
    assert no_lot_better(venues, route)
    assert route.total == lot_by_lot(venues, lots)[1]


@given(
    reserves=st.lists(
        st.tuples(st.integers(10**3, 10**20), st.integers(10**3, 10**20)), min_size=2, max_size=4
    ),
    lots=st.integers(1, 10**19),
)
def test_rounded_pools_meet_the_condition(reserves, lots):
    venues = [routing.sale_to_pool(pools.ConstantProductPool(*r)) for r in reserves]
    route = routing.route_sale(venues, lots)
    assert sum(route.lots) == lots
    assert no_lot_better(venues, route)


def test_two_pools_without_fee_end_at_one_price():
    # sold in the proportion of the reserves when the prices are the same
    venues = [product(3 * 10**9, 6 * 10**12, 0), product(10**9, 2 * 10**12, 0)]
    assert routing.route_sale(venues, 4 * 10**8).lots == (3 * 10**8, 10**8)
    # else prices are equal afterwards: (X + n)**2 / (X * Y) is
    venues = [product(3 * 10**9, 6 * 10**12, 0), product(10**9, 1_900_000_000_000, 0)]
    first, second = routing.route_sale(venues, 4 * 10**8).lots
    prices = [
        18 * 10**21 / (3 * 10**9 + first) ** 2, 1.9 * 10**21 / (10**9 + second) ** 2
    ]  # fmt: skip
    assert prices[0] == pytest.approx(prices[1], rel=1e-8)


def test_pools_of_all_kinds_share_a_sale():
    wei = 10**18
    ranges = pools.ConcentratedPool(pools.sqrt_price_of(1), fee_pips=500, tick_spacing=10)
    ranges.add_liquidity(-600, 600, 50 * wei)
    venues = [
        routing.sale_to_pool(pools.ConstantProductPool(10 * wei, 10 * wei)),
        routing.sale_to_pool(ranges),
        routing.sale_to_pool(pools.StableswapPool([5 * wei, 5 * wei], 100, fee="0.0004")),
    ]
    route = routing.route_sale(venues, 4 * wei)
    assert sum(route.lots) == 4 * wei and min(route.lots) >= 0
    assert no_lot_better(venues, route)
    assert route.total > max(venue(4 * wei) or 0 for venue in venues)


def test_what_no_venue_takes_is_left():
    route = routing.route_sale([levels([(10, 3)]), levels([(12, 1), (9, 2)])], 10)
    assert route.lots == (3, 3)
    assert route.proceeds == (30, 30)
    assert route.left == 4


def test_markets_of_an_engine():
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(feed="last")
    made = {
        "book": engine.add_market("B", tick_size=1, lot_size=1, rules=rules),
        "product": engine.add_market(
            "P", tick_size=1, lot_size=1, rules=rules, venue=cs.ConstantProduct(1000, 2_000_000)
        ),
        "ranges": engine.add_market(
            "R", tick_size=1, lot_size=1, rules=rules, venue=cs.Concentrated(2000, ((500, 4000, 40_000),)),
        ),
    }  # fmt: skip
    made["book"].book.load_depth([(1990 - 10 * k, 5) for k in range(20)], [(2010, 5)])
    venues = [routing.sale_to_market(market) for market in made.values()]
    before = engine.state_hash()
    route = routing.route_sale(venues, 120)
    assert engine.state_hash() == before
    assert no_lot_better(venues, route) and all(route.lots)
    for market, lots in zip(made.values(), route.lots, strict=True):
        assert market.book.market("sell", lots).filled == lots
    fills = engine.events[engine.events["kind"] == cs.EventKind.FILL]
    assert fills["money"].sum() == route.total
    curve = engine.add_market("C", tick_size=1, lot_size=1, venue=cs.Impact.linear(1))
    with pytest.raises(ValueError, match="sale_to_impact"):
        routing.sale_to_market(curve)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: routing.route_sale([], 1), "venues must not be empty"),
        (lambda: routing.route_sale([levels([(1, 1)])], 0), "lots 0 is below 1"),
        (lambda: levels([(1, 1), (2, 1)]), "levels must fall"),
        (lambda: routing.sale_to_impact(cs.Impact.log(1, 1), 5), "only 'linear'"),
        (lambda: routing.sale_to_impact(cs.Impact.linear(1), 0), "price 0 is not above 0"),
    ],
)
def test_refusals_name_the_field(make, message):
    with pytest.raises(ValueError, match=message):
        make()
