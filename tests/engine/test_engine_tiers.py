"""Maintenance tiers, due tests, liquidation and bankruptcy prices (docs/margin.md)."""

from fractions import Fraction

import pytest
from engine_kit import rows

TIERS = [(0, 0.01), (1000, 0.02), (3000, 0.05)]


def long_position(kit, size, *, mark=100, rules, leverage=2, side="long", **market_keywords):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index", **rules}, **market_keywords)
    market.set_index(mark)
    engine.accounts.open(market, side=side, size=size, entry=100, leverage=leverage)
    return engine, market


@pytest.mark.parametrize(
    ("size", "maintenance"),
    [
        (9, 9),  # 900 * 0.01
        (10, 10),  # 1000 * 0.02 - 1000 * 0.01
        (25, 40),  # 2500 * 0.02 - 10
        (30, 50),  # 3000 * 0.05 - (10 + 3000 * 0.03)
        (40, 100),  # 4000 * 0.05 - 100
    ],
)
def test_marginal_tiers_deduct(kit, size, maintenance):
    engine, _ = long_position(kit, size, rules={"tiers": TIERS})
    assert list(engine.accounts.maintenance) == [maintenance]


@pytest.mark.parametrize(
    ("size", "maintenance"), [(9, 9), (10, 20), (25, 50), (30, 150), (40, 200)]
)
def test_whole_tiers_jump(kit, size, maintenance):
    engine, _ = long_position(kit, size, rules={"tiers": TIERS, "tier_mode": "whole"})
    assert list(engine.accounts.maintenance) == [maintenance]


def test_maintenance_is_rounded_up(kit):
    engine, market = long_position(kit, 1, rules={"tiers": [(0, 0.01)]})
    market.set_index(101)  # 1.01 -> 2
    assert list(engine.accounts.maintenance) == [2]


def test_entry_basis_takes_the_notional_at_entry(kit):
    engine, market = long_position(kit, 25, rules={"tiers": TIERS, "basis": "entry"})
    market.set_index(200)
    assert list(engine.accounts.maintenance) == [40]
    assert list(engine.accounts.equity) == [1250 + 2500]


def test_closing_fee_adds_the_taker_rate_to_every_tier(kit):
    rules = {"tiers": TIERS, "close_fee": True, "taker_fee": 0.001}
    engine, _ = long_position(kit, 25, rules=rules)
    assert list(engine.accounts.maintenance) == [43]  # 2500 * 0.021 - 10 = 42.5


@pytest.mark.parametrize(("trigger", "liquidated"), [("<", 0), ("<=", 1)])
def test_equity_equal_to_maintenance(kit, trigger, liquidated):
    # margin 100 of 1000 at 10x; at 91 equity is 10 and maintenance 910 / 91
    rules = {"tiers": [(0, Fraction(1, 91))], "trigger": trigger}
    engine, market = long_position(kit, 10, rules=rules, leverage=10)
    market.set_index(91)
    assert list(engine.accounts.equity - engine.accounts.maintenance) == [0]
    result = engine.step()
    assert result.liquidated == liquidated
    assert list(engine.accounts.liquidation_price(market)) == ([0] if liquidated else [90])


def test_one_tick_further_is_due_under_both(kit):
    engine, market = long_position(kit, 10, rules={"tiers": [(0, Fraction(1, 91))]}, leverage=10)
    market.set_index(90)
    assert engine.step().liquidated == 1


# Prices of the law L07 of golden/model.json: entry 100, isolated, margin notional / L, maintenance
# on mark notional. (leverage, rate, side, contract, liquidation, bankruptcy)
L07 = [
    (20, "0.01", "long", "linear", 95.9595959596, 95.0),
    (20, "0.01", "short", "linear", 103.96039604, 105.0),
    (20, "0.01", "long", "inverse", 96.1904761905, 95.2380952381),
    (20, "0.01", "short", "inverse", 104.210526316, 105.263157895),
    (10, "0.005", "long", "linear", 90.4522613065, 90.0),
    (10, "0.005", "short", "linear", 109.452736318, 110.0),
    (10, "0.005", "long", "inverse", 91.3636363636, 90.9090909091),
    (10, "0.005", "short", "inverse", 110.555555556, 111.111111111),
    (100, "0.005", "long", "linear", 99.4974874372, 99.0),
    (100, "0.005", "short", "linear", 100.497512438, 101.0),
    (100, "0.005", "long", "inverse", 99.504950495, 99.0099009901),
    (100, "0.005", "short", "inverse", 100.505050505, 101.01010101),
    (5, "0.02", "long", "linear", 81.6326530612, 80.0),
    (5, "0.02", "short", "linear", 117.647058824, 120.0),
    (5, "0.02", "long", "inverse", 85.0, 83.3333333333),
    (5, "0.02", "short", "inverse", 122.5, 125.0),
]


@pytest.mark.parametrize(("leverage", "rate", "side", "contract", "liquidation", "bankruptcy"), L07)
def test_prices_of_the_closed_form(kit, leverage, rate, side, contract, liquidation, bankruptcy):
    engine = kit.engine(asset_decimals=9)
    multiplier = 100 if contract == "inverse" else 1
    market = kit.market(
        engine,
        rules={"tiers": [(0, rate)], "feed": "index"},
        tick_size=0.000001,
        contract=contract,
        multiplier=multiplier,
    )
    market.set_index(100)
    engine.accounts.open(market, side=side, size=10, entry=100, leverage=leverage)
    # the tick is at most one beyond the real number, on the due side; inverse values of 10**10
    # atoms a lot are rounded by one in 10**10, less than half a tick
    assert engine.accounts.liquidation_price(market)[0] == pytest.approx(liquidation, abs=1.6e-6)
    assert engine.accounts.bankruptcy_price(market)[0] == pytest.approx(bankruptcy, abs=1.6e-6)


def test_inverse_equity_of_the_closed_form(kit):
    # law L10 of golden/model.json: Q = 10000, entry 100, L = 10
    engine = kit.engine(asset="BTC", asset_decimals=8)
    market = kit.market(
        engine,
        rules={"tiers": [(0, 0)], "feed": "index"},
        tick_size=0.0001,
        contract="inverse",
    )
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10_000, entry=100, leverage=10)
    expected = {100: 10.0, 95: 4.73684210526, 92: 1.30434782609, 91: 0.10989010989}
    for price, coins in expected.items():
        market.set_index(price)
        assert engine.accounts.equity[0] == pytest.approx(coins, abs=2e-8)
        assert engine.accounts.equity[0] * price == pytest.approx(coins * price, abs=2e-6)
    assert engine.accounts.bankruptcy_price(market)[0] == pytest.approx(90.9090909091, abs=1.1e-4)


def test_liquidation_price_is_the_last_due_tick_and_the_next_is_not(kit):
    for side, near in (("long", 1), ("short", -1)):
        engine, market = long_position(kit, 7, rules={"tiers": TIERS}, leverage=7, side=side)
        tick = int(engine.accounts.liquidation_price(market)[0])
        for step, due in ((near, 0), (0, 1)):
            other, market = long_position(kit, 7, rules={"tiers": TIERS}, leverage=7, side=side)
            market.set_index(tick + step)
            assert other.step().liquidated == due


def test_price_that_never_comes(kit):
    engine, market = long_position(kit, 5, rules={"tiers": [(0, 0)]}, leverage=1)
    # at 1x with no maintenance a long is never below zero
    assert list(engine.accounts.liquidation_price(market)) == [0]


def test_cross_price_moves_with_the_other_position(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.1)], "feed": "index"}
    one = kit.market(engine, "A", rules=rules)
    two = kit.market(engine, "B", rules=rules)
    one.set_index(100)
    two.set_index(100)
    (a,) = engine.accounts.create(1, balance=300)
    for market in (one, two):
        engine.accounts.open(
            market, side="long", size=10, entry=100, margin=0, mode="cross", account=a
        )
    # equity 300 + 10 (p - 100), maintenance p + 100: p = 100 is 200 of room; 9 p = 800 -> 88.9
    assert engine.accounts.liquidation_price(one)[a] == 88
    two.set_index(90)
    # 200 + 10 (p - 100) < p + 90: 9 p < 890 -> 98.9
    assert engine.accounts.liquidation_price(one)[a] == 98
    # equity 200 + 10 (p - 100) = 0 at 80
    assert engine.accounts.bankruptcy_price(one)[a] == 80
    one.set_index(99)
    assert engine.step().liquidated == 0
    one.set_index(98)
    assert engine.step().liquidated == 1


def test_cross_loss_of_one_market_is_carried_by_the_other(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.1)], "feed": "index"}
    one = kit.market(engine, "A", rules=rules)
    two = kit.market(engine, "B", rules=rules)
    one.set_index(100)
    two.set_index(100)
    (a,) = engine.accounts.create(1, balance=300)
    engine.accounts.open(one, side="long", size=10, entry=100, margin=0, mode="cross", account=a)
    engine.accounts.open(two, side="short", size=10, entry=100, margin=0, mode="cross", account=a)
    one.set_index(50)
    two.set_index(50)
    assert engine.step().liquidated == 0
    two.set_index(75)
    # equity 300 - 500 + 250 = 50 < 50 + 75
    assert engine.step().liquidated == 1


def test_isolated_positions_fall_alone(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.01)], "feed": "index"}
    one = kit.market(engine, "A", rules=rules)
    two = kit.market(engine, "B", rules=rules)
    one.set_index(100)
    two.set_index(100)
    (a,) = engine.accounts.create(1, balance=10_000)
    for market in (one, two):
        engine.accounts.open(market, side="long", size=10, entry=100, leverage=10, account=a)
    one.set_index(90)
    assert engine.step().liquidated == 1
    assert list(engine.accounts.size(one)) == [0]
    assert list(engine.accounts.size(two)) == [10]
    # the house has the position, nothing was there to sell to: bankruptcy tick 90, no loss
    assert list(engine.accounts.balance) == [10_000]


def test_ladder_is_due_at_its_trigger_whatever_the_table_says(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": [(0, 0.5)], "feed": "index"})
    market.set_index(100)
    engine.accounts.open_ladder(
        market,
        side=["long", "long", "short"],
        size=5,
        trigger=[95, 94, 105],
        bankruptcy=[93, 92, 107],
    )
    assert list(engine.accounts.liquidation_price(market)) == [95, 94, 105]
    market.set_index(95)
    assert engine.step().liquidated == 1
    market.set_index(105)
    assert engine.step().liquidated == 1
    assert [row["account"] for row in rows(engine, "liquidation")] == [0, 2]
    assert list(engine.accounts.size(market)) == [0, 5, 0]


def test_whole_table_falls_due_where_the_tier_jumps(kit):
    # short 10 at 100, margin 125: tier 2 from 1050 (tick 105) on, rate 0.02 -> 0.08
    engine = kit.engine()
    rules = {"tiers": [(0, 0.02), (1050, 0.08)], "tier_mode": "whole", "feed": "index"}
    market = kit.market(engine, rules=rules)
    market.set_index(100)
    engine.accounts.open(market, side="short", size=10, entry=100, leverage=8)
    # 104: equity 85 against 20.8; 105: equity 75 against 84
    assert list(engine.accounts.liquidation_price(market)) == [105]
    market.set_index(104)
    assert engine.step().liquidated == 0
    market.set_index(105)
    assert engine.step().liquidated == 1


def test_an_initial_rate_below_the_maintenance_rate_is_refused(kit):
    with pytest.raises(ValueError, match=r"tiers\[1\] initial rate '0\.02' is below .*'0\.05'"):
        kit.Rules(tiers=((0, "0.01", "0.01"), (100, "0.05", "0.02")))
    kit.Rules(tiers=((0, "0.01", "0.01"), (100, "0.05", 0)))
