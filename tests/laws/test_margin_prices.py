"""`cascade.margin` against published numbers, against its own equations, and against the engine.

Published numbers keep their source beside them. The engine's tick must be the whole tick next to
the rational price, on the side where the trigger is strict.
"""

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cascade as cs
from cascade import margin

# ../shared/rules/laws.md, L07: entry 100; leverage, rate, then linear long and short, inverse long
# and short: liquidation and bankruptcy
LAW_7 = [
    (20, "0.01", (95.9595959596, 95.0, 103.96039604, 105.0),
     (96.1904761905, 95.2380952381, 104.210526316, 105.263157895)),
    (10, "0.005", (90.4522613065, 90.0, 109.452736318, 110.0),
     (91.3636363636, 90.9090909091, 110.555555556, 111.111111111)),
    (100, "0.005", (99.4974874372, 99.0, 100.497512438, 101.0),
     (99.504950495, 99.0099009901, 100.505050505, 101.01010101)),
    (5, "0.02", (81.6326530612, 80.0, 117.647058824, 120.0),
     (85.0, 83.3333333333, 122.5, 125.0)),
]  # fmt: skip


@pytest.mark.parametrize(("leverage", "rate", "linear", "inverse"), LAW_7)
def test_prices_of_one_leverage(leverage, rate, linear, inverse):
    for contract, expected in (("linear", linear), ("inverse", inverse)):
        found = []
        for size in (1, -1):
            backing = margin.isolated_margin(size, 100, leverage, contract=contract)
            terms = margin.MarginTerms.flat(rate)
            found.append(margin.liquidation_price(size, 100, backing, terms, contract=contract))
            found.append(margin.bankruptcy_price(size, 100, backing, contract=contract))
        assert [float(price) for price in found] == pytest.approx(expected, rel=1e-11)


def test_tiered_price_of_a_published_position():
    # Binance, "How to calculate liquidation price of USD-M futures contracts"
    wallet, terms = "1535443.01", margin.MarginTerms.flat("0.1", "135365")
    alone = margin.liquidation_price("3683.979", "1456.84", wallet, terms)
    bitcoin = margin.Position(
        "109.488", "32481.98", "31967.27", margin.MarginTerms.flat("0.025", "16300")
    )
    both = margin.liquidation_price("3683.979", "1456.84", wallet, terms, others=[bitcoin])
    assert float(alone) == pytest.approx(1114.78, abs=0.005)
    assert float(both) == pytest.approx(1153.26, abs=0.005)


def test_fee_reserved_at_the_bankruptcy_price():
    # Bybit, inverse cross margin: 10 000 contracts at 8000, 0.5 coins
    terms = margin.MarginTerms.flat(
        "0.005", basis="entry", close_fee="0.00075", close_fee_basis="bankruptcy"
    )
    ruin = margin.bankruptcy_price(10_000, 8000, "0.5", close_fee="0.00075", contract="inverse")
    price = margin.liquidation_price(10_000, 8000, "0.5", terms, contract="inverse")
    assert float(ruin) == pytest.approx(5718.57, abs=0.006)
    assert margin.to_tick(price, "0.5", 10_000) == Fraction("5739.5")


def test_deductions_of_a_published_table():
    # Binance COIN-M, "Leverage and margin of COIN-M futures": 200 BTC tier, from the fifth
    amounts = margin.deductions([50, 100, 200], ["0.05", "0.1", "0.125"], first="1.81")
    assert amounts == [Fraction("1.81"), Fraction("6.81"), Fraction("11.81")]


@pytest.mark.parametrize("value", [0, 1, 49_999, 50_000, 75_000, 100_000, 390_000])
def test_deduction_and_slices_agree(value):
    tiers = ((0, "0.05"), (50_000, "0.07"), (100_000, "0.08"))
    assert margin.maintenance(value, margin.MarginTerms(tiers)) == margin.sliced_margin(
        value, tiers
    )


def test_what_has_no_price():
    # one times long of a linear contract and short of an inverse one cannot be lost
    free = margin.MarginTerms.flat(0)
    assert margin.liquidation_price(1, 100, 101, free) is None
    assert margin.liquidation_price(1, 100, 100, free) == 0
    assert margin.bankruptcy_price(-100, 100, 1, contract="inverse") is None
    with pytest.raises(ValueError, match="size"):
        margin.liquidation_price(0, 100, 1, free)
    with pytest.raises(ValueError, match="price"):
        margin.position_value(1, 0)


def test_first_edge_of_a_whole_table_is_met_from_the_mark():
    # a short's notional grows into the dearer tier: maintenance jumps from 10 to 50 at 1000
    terms = margin.MarginTerms(((0, "0.01"), (1000, "0.05")), "whole")
    assert margin.liquidation_price(-1, 990, 40, terms) == 1000
    # with more collateral the jump is survived and the root is in the dearer tier
    price = margin.liquidation_price(-1, 990, 100, terms)
    assert price == Fraction(1090) / Fraction("1.05")
    # due at the mark: where it ends to be, downwards, is the edge of the cheaper tier
    assert margin.liquidation_price(-1, 990, 40, terms, mark=1010) == 1000


sides = st.sampled_from([1, -1])
tables = st.lists(st.tuples(st.integers(1, 2000), st.integers(1, 60)), min_size=1, max_size=4).map(
    lambda rows: _table(rows)
)


def _table(rows):
    floors, rates = [0], [rows[0][1]]
    for step, more in rows[1:]:
        floors.append(floors[-1] + 1000 * step)
        rates.append(rates[-1] + more)
    return [(floor, Fraction(rate, 1000)) for floor, rate in zip(floors, rates, strict=True)]


@given(
    side=sides, tiers=tables, size=st.integers(1, 300), entry=st.integers(500, 20_000),
    leverage=st.integers(2, 50), basis=st.sampled_from(["mark", "entry"]), fee=st.integers(0, 10),
)  # fmt: skip
def test_tick_of_the_engine_is_next_to_the_exact_price(
    side, tiers, size, entry, leverage, basis, fee
):
    rules = cs.Rules(tiers=tiers, basis=basis, taker_fee=Fraction(fee, 10_000), close_fee=bool(fee))
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules, venue=cs.Impact.linear(0))
    market.set_index(entry)
    engine.accounts.open(market, side=[side], size=size, entry=entry, leverage=leverage)
    backing = int(engine.accounts.column(market, "margin")[0])
    found = int(engine.accounts.column(market, "liquidation_price")[0])
    price = margin.liquidation_price(side * size, entry, backing, rules)
    if price is None or (side > 0 and price <= 1):
        assert found == 0
    elif side > 0:
        assert found == ceil(price) - 1
    else:
        assert found == floor(price) + 1
    ruin = margin.bankruptcy_price(side * size, entry, backing)
    tick = int(engine.accounts.column(market, "bankruptcy_price")[0])
    assert tick == (max(1, ceil(ruin)) if side > 0 else floor(ruin))


@given(
    side=sides, tiers=tables, size=st.integers(1, 300), entry=st.integers(1000, 20_000),
    leverage=st.integers(2, 50),
)  # fmt: skip
def test_tick_of_an_inverse_position_is_within_the_rounding_of_an_atom(
    side, tiers, size, entry, leverage
):
    # values are rounded to the atom: the tick lies between the prices of one atom more and one less
    engine = cs.Engine(asset="coin", asset_decimals=9)
    rules = cs.Rules(tiers=[(Fraction(floor, 10**6), rate) for floor, rate in tiers])
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=rules, contract="inverse", venue=cs.Impact.linear(0)
    )
    market.set_index(entry)
    engine.accounts.open(market, side=[side], size=size, entry=entry, leverage=leverage)
    backing = int(engine.accounts.column(market, "margin")[0])
    found = int(engine.accounts.column(market, "liquidation_price")[0])
    lost = int(engine.accounts.column(market, "entry_value")[0])
    exact = margin.position_value(side * size, entry, "inverse", 10**9)
    prices = [
        margin.liquidation_price(
            side * size, entry, Fraction(backing - lost + exact + atoms) / 10**9, rules,
            contract="inverse",
        )
        for atoms in (-3, 3)
    ]  # fmt: skip
    if None in prices:
        return
    low, high = sorted(prices)
    assert floor(low) - 1 <= found <= ceil(high) + 1 or high > 2**31 - 3


@given(
    side=sides, size=st.integers(1, 100), entry=st.integers(500, 5000), held=st.integers(-50, 50),
    cost=st.integers(500, 5000), mark=st.integers(500, 5000), balance=st.integers(1000, 200_000),
)  # fmt: skip
def test_cross_price_holds_the_other_market_at_its_mark(
    side, size, entry, held, cost, mark, balance
):
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(tiers=((0, "0.02"),))
    markets = [
        engine.add_market(n, tick_size=1, lot_size=1, rules=rules, venue=cs.Impact.linear(0))
        for n in "AB"
    ]
    markets[0].set_index(entry)
    markets[1].set_index(mark)
    ids = engine.accounts.open(
        markets[0], side=[side], size=size, entry=entry, margin=balance, mode="cross"
    )
    others = []
    if held:
        engine.accounts.open(
            markets[1], side=[1 if held > 0 else -1], size=abs(held), entry=cost, margin=0,
            mode="cross", account=ids,
        )  # fmt: skip
        others = [margin.Position(held, cost, mark, rules)]
    price = margin.liquidation_price(side * size, entry, balance, rules, others=others)
    found = int(engine.accounts.column(markets[0], "liquidation_price")[0])
    rounded = -sum(p.maintenance for p in others) % 1  # the other's maintenance is rounded up
    if held:
        price = margin.liquidation_price(
            side * size, entry, balance - rounded, rules, others=others
        )
    if price is None or (side > 0 and price <= 1):
        assert found in (0, 1)
    else:
        assert found == (ceil(price) - 1 if side > 0 else floor(price) + 1)


@given(side=sides, size=st.integers(1, 1000), entry=st.integers(100, 10_000))
def test_liquidation_price_moves_towards_the_entry_with_leverage(side, size, entry):
    terms = margin.MarginTerms.flat("0.005")
    leverages = np.arange(2, 100)
    prices = [
        margin.liquidation_price(
            side * size, entry, margin.isolated_margin(side * size, entry, int(lev)), terms
        )
        for lev in leverages
    ]
    distances = [side * (entry - price) for price in prices]
    assert all(b < a for a, b in pairwise(distances))
    assert distances[-1] > 0


@given(
    side=sides, size=st.integers(1, 500), entry=st.integers(10, 1000), tiers=tables,
    leverage=st.integers(2, 60), contract=st.sampled_from(["linear", "inverse"]),
)  # fmt: skip
def test_price_solves_the_equity_equation(side, size, entry, tiers, leverage, contract):
    terms = margin.MarginTerms(tiers)
    backing = margin.isolated_margin(side * size, entry, leverage, contract=contract)
    price = margin.liquidation_price(side * size, entry, backing, terms, contract=contract)
    if price:
        here = margin.Position(side * size, entry, price, terms, contract)
        assert margin.equity(backing, [here]) == here.maintenance


@given(
    side=sides, tiers=tables, size=st.integers(1, 300), entry=st.integers(500, 20_000),
    leverage=st.integers(2, 20),
)  # fmt: skip
def test_engine_falls_due_at_the_first_tick_of_a_whole_table(side, tiers, size, entry, leverage):
    # maintenance jumps at the floors, so that there may be several roots: the nearest counts
    rules = cs.Rules(tiers=tiers, tier_mode="whole", feed="index")
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules, venue=cs.Impact.linear(0))
    market.set_index(entry)
    engine.accounts.open(market, side=[side], size=size, entry=entry, leverage=leverage)
    backing = int(engine.accounts.column(market, "margin")[0])

    def due(tick):
        return margin.is_liquidatable(backing, [margin.Position(side * size, entry, tick, rules)])

    if due(entry):
        assert engine.step().liquidated == 1
        return
    price = margin.liquidation_price(side * size, entry, backing, rules)
    if price is None or price <= 2:
        return
    near = ceil(price) if side > 0 else floor(price)
    tick = near if due(near) else near - side
    assert due(tick) and not due(tick + side)
    assert engine.step(index={"X": tick + side}).liquidated == 0
    assert engine.step(index={"X": tick}).liquidated == 1


def test_kept_numbers_of_values_and_profits():
    # BitMEX, XBTUSD guide: 15 000 contracts from 750 to 800; funding 0.25 % at 750
    assert abs(margin.position_value(15_000, 750, "inverse")) == 20
    assert margin.pnl(15_000, 750, 800, "inverse") == Fraction("1.25")
    flow = margin.funding_payment(15_000, 750, "0.0025", contract="inverse")
    assert flow == Fraction("-0.05")
    assert margin.funding_payment(-10, 2, "0.0001") == Fraction("0.002")
    # Bybit: the average entry of inverse contracts is harmonic
    assert margin.average_entry([(1000, 5000), (2000, 6000)], "inverse") == 5625
    assert margin.average_entry([(1, 5), (3, 9)]) == 8
    # Deribit: rates grow with the whole position
    assert margin.size_linear_rate("0.04", "0.000005", 6000) == Fraction("0.07")
    # Phemex: the closing fee is reserved at the bankruptcy price
    backing = margin.isolated_margin(500, "0.4", 5, "0.0006")
    assert backing == Fraction("40.096")
    terms = margin.MarginTerms.flat("0.01", close_fee="0.0006")
    price = margin.liquidation_price(500, "0.4", backing, terms)
    assert float(price) == pytest.approx(0.3232, abs=5e-5)
    assert margin.return_on_equity(5, 1000, 20) == Fraction(1, 10)
    assert margin.initial_margin(1000, 20, "0.08") == 80
