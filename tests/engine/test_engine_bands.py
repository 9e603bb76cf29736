"""Soft liquidation in bands inside the engine, docs/bands-market.md, on the twin and on the compiled engine."""

from fractions import Fraction

import numpy as np
import pytest
from engine_kit import TWIN, core_kit, rows

from cascade.lending import WAD, BandLoans, BandPool

SOFT, BACK = 45, 46


def band_engine(kit, price=3000, decimals=6, venue=None, rules=(), feed="index", **terms):
    """An engine with bands on ether: lots of a thousandth, ticks of a cent."""
    engine = kit.engine(asset_decimals=decimals)
    made = {"tick_size": Fraction(1, 100), "lot_size": Fraction(1, 1000), "rules": {"feed": feed}}
    market = kit.market(engine, "ETH", **made, **({} if venue is None else {"venue": venue}))
    market.set_index(price)
    terms = {"venue": None, **terms}
    bands = engine.lending.add_bands(
        "bands", price="ETH", rules=kit.lending.BandRules(*rules), **terms
    )
    return engine, bands


def kinds(engine):
    return [int(row["kind"]) for row in engine.events]


def column(bands, name):
    return bands.columns()[name].tolist()


# --- opening -----------------------------------------------------------------------------------


def test_collateral_is_spread_over_the_bands_that_the_debt_asks_for(kit):
    # a lot is worth 3e6 atoms, 22 bits: 2**26 parts; 10 lots over 4 bands are 2.5 lots each
    _, bands = band_engine(kit)
    assert bands.open(collateral=Fraction(1, 100), debt=20, bands=4).tolist() == [0]
    first = column(bands, "first")[0]
    assert column(bands, "last") == [first + 3]
    assert column(bands, "collateral") == [10 * 2**26]
    # worth at the first band's price less 9 %: 0.01 * 0.91 / sqrt(100 / 99) * (1 - 0.99**4) / 0.04
    effective = 0.01 * 0.91 / (100 / 99) ** 0.5 * (1 - 0.99**4) / 0.04
    assert effective * 3000 * 0.99**first >= 20 > effective * 3000 * 0.99 ** (first + 1)


def test_what_the_collateral_does_not_carry_is_refused_and_nothing_changes(kit):
    engine, bands = band_engine(kit)
    most = bands.max_debt(1, 10)
    # band 0 begins at the oracle: 0.91 / sqrt(100 / 99) * (1 - 0.99**10) / 0.1 of 3,000, less 1e-4
    share = 0.91 / (100 / 99) ** 0.5 * (1 - 0.99**10) / 0.1
    assert most == pytest.approx(3000 * share * 0.9999, abs=1e-4)
    before = engine.state_hash()
    for debt in (Fraction(28, 10) * 1000, 2700):
        with pytest.raises(ValueError, match="debt"):
            bands.open(collateral=[1, 1], debt=[100, debt], bands=10)
    with pytest.raises(ValueError, match="bands"):
        bands.open(collateral=1, debt=100, bands=51)
    assert engine.state_hash() == before
    assert engine.events.size == 0 or 12 not in kinds(engine)
    bands.open(collateral=1, debt=Fraction(int(most * 100), 100), bands=10)
    assert column(bands, "first") == [0]


def test_a_loan_is_changed_as_long_as_it_has_not_traded(kit):
    engine, bands = band_engine(kit, rules=(100, "0.006", "0.05", "0.02"))
    bands.open(collateral=Fraction(1, 2), debt=1000, bands=5)
    assert column(bands, "first") == [32]
    bands.add_collateral(0, Fraction(1, 10))
    bands.borrow(0, 500)
    # the published loan of 0.6 for 1,500
    assert (column(bands, "first"), column(bands, "last")) == ([10], [14])
    bands.repay(0, 500)
    bands.remove_collateral(0, Fraction(1, 10))
    assert column(bands, "first") == [32]
    with pytest.raises(ValueError, match=r"what loan 0 has|more than the collateral|lots"):
        bands.remove_collateral(0, Fraction(1, 2))
    bands.repay(0, 1000)
    assert column(bands, "debt") == [0]
    assert bands.totals()["lots_out"] == bands.totals()["lots_in"] == 600
    with pytest.raises(ValueError, match="repaid"):
        bands.repay(0, 1)
    engine.validate()


# --- soft liquidation --------------------------------------------------------------------------


def test_collateral_is_sold_at_the_venue_on_the_way_down_and_bought_back(kit):
    engine, bands = venue_engine(kit)
    bands.open(collateral=100, debt=15_000, bands=10)
    market = engine.market("ETH")
    for _ in range(8):
        kit.trade(engine, market, 1, 200)
        engine.step(dt=600)
    sold = rows(engine, start=0)
    soft = [row for row in sold if row["kind"] == SOFT]
    assert soft
    assert bands.totals()["sold"] == sum(row["quantity"] for row in soft)
    # every lot that the bands sold is a fill at the venue by a liquidator
    fills = [row for row in sold if row["kind"] == 2 and row["account"] == -3]
    assert sum(row["quantity"] for row in fills) == bands.totals()["sold"]
    assert {sold[row["cause"]]["kind"] for row in fills} == {SOFT}
    assert {sold[row["cause"]]["kind"] for row in soft} == {33}
    for _ in range(8):
        kit.trade(engine, market, 0, 250)
        engine.step(dt=600)
    assert BACK in kinds(engine)
    engine.validate()


def venue_engine(kit, liquidators=(), rate=0, index=200):
    """Lots of one, a curve of 1/50 tick a lot, and money without decimals."""
    engine = kit.engine(asset_decimals=2)
    market = kit.market(engine, "ETH", rules={"feed": "last"}, venue=kit.linear(1, 50))
    market.set_index(index)
    bands = engine.lending.add_bands("bands", price="ETH", rate=rate)
    for terms in liquidators:
        engine.liquidators.add(kit.lending.Liquidator(**terms))
    return engine, bands


def test_nobody_trades_for_less_than_gas_and_profit(kit):
    def sold(**terms):
        engine, bands = venue_engine(kit, (terms,))
        bands.open(collateral=100, debt=15_000, bands=10)
        for _ in range(8):
            kit.trade(engine, engine.market("ETH"), 1, 200)
            engine.step(dt=600)
        earned = engine.liquidators.result(0)
        assert earned["profit"] >= 0
        return bands.totals()["sold"]

    assert sold() > 0
    assert sold(gas=1_000_000) == 0
    assert sold(min_profit=1_000_000) == 0
    assert sold(capital=0) < sold()


def test_a_paused_market_neither_trades_nor_liquidates(kit):
    engine, bands = venue_engine(kit)
    bands.open(collateral=100, debt=15_000, bands=10)
    bands.collateral.pause()
    kit.trade(engine, engine.market("ETH"), 1, 3000)
    engine.step(dt=600)
    assert not {6, SOFT, BACK} & set(kinds(engine))
    assert column(bands, "due") == [1]
    with pytest.raises(ValueError, match="paused"):
        bands.open(collateral=1, debt=1)


# --- against the protocol's own integers --------------------------------------------------------


def test_trades_and_health_are_those_of_the_exact_classes(kit):
    # The engine counts money in atoms (a millionth here) and rounds for the bands: by less than 4 atoms in each
    # of the two or three bands of one trade. The bands keep that, so that hundreds of trades later their
    # prices differ by what they hold more: less than 64 atoms of a trade of 100 million.
    engine, bands = band_engine(kit, rules=(100, "0.006", "0.05", "0.001"))
    pool = BandPool(3000 * WAD)
    loans = BandLoans(pool, WAD // 20, WAD // 1000)
    terms = ((Fraction(1, 2), 1000, 5), (1, 2500, 10), (2, 3000, 20))
    for k, (collateral, debt, number) in enumerate(terms):
        bands.open(collateral=collateral, debt=debt, bands=number)
        first, _ = loans.open(str(k), int(collateral * WAD), debt * WAD, number)
        assert column(bands, "first")[k] == first
    down = [int(3000 * 0.994**k) for k in range(120)]
    seen = 0
    for price in [*down, *down[::-1]]:
        engine.step(index={"ETH": price}, dt=600)
        pool.advance(600)
        pool.set_price(price * WAD)
        for row in rows(engine, start=seen):
            assert row["kind"] not in (6, 9)
            if row["kind"] not in (SOFT, BACK):
                continue
            lots = row["quantity"] * WAD // 1000
            if row["kind"] == SOFT:
                extra = row["money"] - pool.exchange(True, lots, exact_output=True).paid_wad / 1e12
            else:
                extra = pool.exchange(False, lots).received_wad / 1e12 - row["money"]
            assert -64 < extra < 12
        seen = len(engine.events)
    totals = bands.totals()
    assert totals["sold"] > 1000 < totals["bought"]
    columns = bands.columns()
    for k in range(3):
        stable, collateral = pool.holding(str(k))
        assert columns["stable"][k] == pytest.approx(stable / 1e12, abs=1000)
        # a thousandth of a lot, after thousands of lots
        lots = columns["collateral"][k] / totals["parts_a_lot"]
        assert lots == pytest.approx(collateral * 1000 / WAD, abs=1e-3)
        health = columns["backing"][k] / columns["debt"][k] - 1
        assert health == pytest.approx(loans.health(str(k), full=True) / WAD, abs=1e-6)
    engine.validate()


# --- hard liquidation --------------------------------------------------------------------------


def test_a_liquidator_cancels_the_debt_for_what_the_bands_hold(kit):
    # the venue pays the mark whatever the size, and the discount of 8.9 % makes the loan due at once
    engine, bands = band_engine(kit, rules=(100, "0.006", "0.09", "0.089"))
    bands.open(collateral=1, debt=2600, bands=4)
    engine.liquidators.add(kit.lending.Liquidator(gas=0, min_profit=1, capital=10_000))
    engine.step(dt=1)
    start = len(engine.events)
    engine.step(index={"ETH": 2790}, dt=1)
    calls = [row for row in rows(engine, start=start) if row["kind"] == 6]
    assert len(calls) == 1
    named = {row["kind"]: row for row in rows(engine, start=start)}
    assert named[37]["quantity"] == 2_600_000_000
    assert named[38]["quantity"] == calls[0]["quantity"]
    assert (named[39]["quantity"], named[39]["side"]) == (2**62, 0)
    assert column(bands, "debt") == [0]
    held = bands.totals()
    assert held["cancelled"] == 2_600_000_000
    assert held["collateral_parts"] + held["dust_parts"] == (
        (held["lots_in"] - held["lots_out"]) * held["parts_a_lot"]
    )
    engine.validate()


def test_a_half_is_liquidated_where_the_whole_is_beyond_a_liquidators_means(kit):
    engine, bands = band_engine(kit, rules=(100, "0.006", "0.09", "0.089"))
    bands.open(collateral=1, debt=2600, bands=4)
    # trades would take more money, too
    engine.liquidators.add(kit.lending.Liquidator(capital=1400, min_profit=60))
    engine.step(index={"ETH": 2790}, dt=1)
    repaid = [row["quantity"] for row in rows(engine, "repay")]
    assert repaid[0] == 1_300_000_000
    health = rows(engine, "health")[0]
    # the bands give ((1 + h / 2) / (1 + h) / 2 + 1 / 2) / 2 for a half: less than a half, so health rises
    assert health["quantity"] > health["order"]
    assert health["side"] == 0


def test_bad_debt_stays_with_the_loan(kit):
    engine, bands = band_engine(kit)
    bands.open(collateral=1, debt=2600, bands=4)
    engine.liquidators.add(kit.lending.Liquidator(gas=10_000))
    for _ in range(3):
        result = engine.step(index={"ETH": 1500}, dt=600)
        assert result.liquidated == 0
    assert column(bands, "due") == [1]
    assert column(bands, "debt") == [2_600_000_000]
    # 2,600 less an ether at 1,500
    assert bands.totals()["bad_debt"] == 1_100_000_000
    engine.validate()


def test_interest_alone_makes_a_loan_due(kit):
    engine, bands = band_engine(kit, rate="0.5")
    bands.open(collateral=[1, 1], debt=[1000, 2600], bands=4)
    engine.liquidators.add(kit.lending.Liquidator(gas=10_000))
    due = []
    for _ in range(5):
        engine.step(dt=86_400 * 10)
        due.append(column(bands, "due"))
    assert due[0] == [0, 0]
    assert due[-1] == [0, 1]
    # linear in each step: 2,600 * (1 + 0.5 * 10 / 365) ** 5
    assert column(bands, "debt")[1] == pytest.approx(2.6e9 * (1 + 0.5 * 10 / 365) ** 5, abs=5)
    engine.validate()


# --- who is looked at --------------------------------------------------------------------------


@pytest.mark.skipif(core_kit() is None, reason="the compiled engine is not built")
def test_a_crowd_that_nothing_touches_is_not_looked_at():
    engine, bands = band_engine(core_kit(), venue=None, rate="0.1")
    count = 100_000
    debts = np.full(count, 1000)
    debts[:100] = 2500
    bands.open(collateral=1, debt=debts, bands=10)
    opened = bands.evaluations
    assert opened == count
    for price in (2990, 2950, 2900, 2850):
        engine.step(index={"ETH": price}, dt=3600)
    assert bands.totals()["sold"] > 0
    # the hundred are in trading bands; each step has a move of the oracle, interest and a few trades
    assert 100 <= bands.evaluations - opened <= 100 * 4 * 12
    engine.validate()


def test_twin_and_core_say_the_same_of_a_crowd():
    if core_kit() is None:
        pytest.skip("the compiled engine is not built")
    seen = []
    for kit in (TWIN, core_kit()):
        engine, bands = venue_engine(kit, ({"gas": 2},), rate="0.2")
        bands.open(
            collateral=list(range(20, 60, 5)), debt=[k * 150 for k in range(20, 60, 5)], bands=6
        )
        for k in range(12):
            kit.trade(engine, engine.market("ETH"), 1 if k < 7 else 0, 150)
            engine.step(dt=900)
            engine.validate()
        seen.append((rows(engine), engine.state_hash(), engine.totals()))
    assert seen[0] == seen[1]
