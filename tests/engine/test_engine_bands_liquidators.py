"""When and who of several liquidators acts on bands: docs/bands-market.md, *In the step*, by hand."""

from fractions import Fraction

import numpy as np
import pytest
from engine_kit import core_kit, rows

import cascade as cs

SOFT = 45


def bands_at(kit, liquidators, *, compete="order", discounts=("0.09", "0.06"), rate=0):
    """ETH at 3,000 that an index sets, sold at it whatever the size; lots of a thousandth."""
    engine = kit.engine(asset_decimals=6)
    market = kit.market(
        engine,
        "ETH",
        tick_size=Fraction(1, 100),
        lot_size=Fraction(1, 1000),
        rules={"feed": "index"},
    )
    market.set_index(3000)
    rules = kit.lending.BandRules(100, "0.006", *discounts)
    bands = engine.lending.add_bands("bands", price="ETH", venue=None, rules=rules, rate=rate)
    for terms in liquidators:
        engine.liquidators.add(kit.lending.Liquidator(**terms))
    engine.liquidators.compete = compete
    return engine, bands


def trades(engine) -> list[tuple]:
    return [
        (row["counterparty"], row["quantity"])
        for row in rows(engine)
        if row["kind"] in (SOFT, SOFT + 1)
    ]


def calls(engine) -> list[tuple]:
    return [(row["counterparty"], row["quantity"]) for row in rows(engine, "seize")]


def profits(engine) -> list[float]:
    return [engine.liquidators.result(k)["profit"] for k in range(len(engine.liquidators))]


# --- latency -----------------------------------------------------------------------------------


def fall(engine, *prices):
    """A step of 600 s to each price: by then the oracle's step costs no fee any more."""
    for price in prices:
        engine.step(index={"ETH": price}, dt=600)


def test_a_trade_waits_until_the_difference_has_been_seen(kit):
    engine, bands = bands_at(kit, [{"latency": 1800}])
    bands.open(collateral=1, debt=2500, bands=10)
    # bands offer below 2,800 once the oracle is there, and in every step from then on
    fall(engine, 2800, 2800, 2800)
    assert trades(engine) == []
    fall(engine, 2800)
    (trade,) = (row for row in rows(engine) if row["kind"] == SOFT)
    assert (trade["counterparty"], trade["time"]) == (0, 2400 * 10**9)


def test_the_clock_of_a_difference_stops_when_it_is_gone(kit):
    engine, bands = bands_at(kit, [{"latency": 1800}])
    bands.open(collateral=1, debt=2500, bands=10)
    # at 3,000 the bands are dearer than the venue
    fall(engine, 2800, 2800, 3000, 2800, 2800, 2800)
    assert trades(engine) == []
    fall(engine, 2800)
    assert len(trades(engine)) == 1


def test_another_move_of_the_oracle_does_not_start_the_clock_anew(kit):
    engine, bands = bands_at(kit, [{"latency": 1800}])
    bands.open(collateral=1, debt=2500, bands=10)
    fall(engine, 2800, 2790, 2795, 2785)
    assert len(trades(engine)) == 1


def test_who_is_quicker_trades_first(kit):
    engine, bands = bands_at(kit, [{"latency": 3000}, {"latency": 1200}])
    bands.open(collateral=1, debt=2500, bands=10)
    fall(engine, 2800, 2800, 2800, 2800)
    assert {who for who, _ in trades(engine)} == {1}


def test_a_call_waits_for_latency_from_what_made_the_loan_due(kit):
    # a discount of 8.9 % against 9 makes it due nearly at once; the fee of the oracle's step keeps trades away
    engine, bands = bands_at(kit, [{"latency": 3}], discounts=("0.09", "0.089"))
    bands.open(collateral=1, debt=2600, bands=4)
    engine.step(index={"ETH": 2790}, dt=1)
    assert (bands.columns()["due"].tolist(), calls(engine)) == ([1], [])
    done = [engine.step(dt=1).liquidated for _ in range(3)]
    assert done == [0, 0, 1]


# --- bids --------------------------------------------------------------------------------------


def test_the_highest_bidder_trades_and_pays_what_the_next_would_have_gained(kit):
    gases = (7, 2, 3)
    alone, bands = bands_at(kit, [{}])
    bands.open(collateral=1, debt=2500, bands=10)
    alone.step(index={"ETH": 2800}, dt=600)
    gross = profits(alone)[0]
    engine, bands = bands_at(kit, [{"gas": gas} for gas in gases], compete="bids")
    bands.open(collateral=1, debt=2500, bands=10)
    engine.step(index={"ETH": 2800}, dt=600)
    assert trades(engine) == [(1, trades(alone)[0][1])]
    # they differ by gas alone: the bid is the whole gain less the next one's gas of 3
    results = [engine.liquidators.result(k) for k in range(3)]
    assert [each["bids"] for each in results] == [0, pytest.approx(gross - 3, abs=1e-9), 0]
    assert [each["profit"] for each in results] == [0, pytest.approx(1, abs=1e-9), 0]
    assert [each["calls"] for each in results] == [0, 1, 0]


def test_without_bids_the_first_who_gains_trades(kit):
    engine, bands = bands_at(kit, [{"gas": 7}, {"gas": 2}])
    bands.open(collateral=1, debt=2500, bands=10)
    engine.step(index={"ETH": 2800}, dt=600)
    assert [who for who, _ in trades(engine)] == [0]


def test_who_has_not_seen_it_bids_nothing(kit):
    engine, bands = bands_at(kit, [{}, {"latency": 600}], compete="bids")
    bands.open(collateral=1, debt=2500, bands=10)
    fall(engine, 2800)
    assert engine.liquidators.result(0)["bids"] == 0
    assert profits(engine)[0] > 0


def test_the_highest_bidder_makes_a_call(kit):
    gases = (50, 20, 30)
    given = [{"gas": gas, "min_profit": 60} for gas in gases]
    engine, bands = bands_at(kit, given, compete="bids", discounts=("0.09", "0.089"))
    bands.open(collateral=1, debt=2600, bands=4)
    engine.step(index={"ETH": 2790}, dt=1)
    assert [who for who, _ in calls(engine)] == [1]
    (seize,) = rows(engine, "seize")
    # a lot sells for 2.79; the bands' own money was taken with it, and 2,600 cancelled
    gross = seize["quantity"] * 2.79 + seize["money"] / 10**6 - 2600
    result = engine.liquidators.result(1)
    assert result["bids"] == pytest.approx(gross - 30, abs=1e-6)
    assert result["profit"] == pytest.approx(10, abs=1e-6)


# --- what nobody took --------------------------------------------------------------------------


def test_pending_counts_due_loans_that_nobody_took(kit):
    engine, bands = bands_at(kit, [{"gas": 10_000}])
    bands.open(collateral=[1, 1, 1], debt=[2600, 2600, 500], bands=4)
    assert engine.step(dt=1).pending == 0
    result = engine.step(index={"ETH": 1500}, dt=600)
    assert (result.liquidated, result.pending) == (0, 2)
    if kit.name == "core":
        assert engine.pending == 2
    # and no more once they are repaid
    bands.repay(0, 2600)
    assert engine.step(dt=1).pending == 1


def test_a_budget_leaves_due_loans_pending(kit):
    engine, bands = bands_at(kit, [{}], discounts=("0.09", "0.089"))
    bands.open(collateral=[1, 1, 1], debt=2600, bands=4)
    bands.collateral.pause()
    assert engine.step(index={"ETH": 2790}, dt=600).pending == 3
    engine.budget(accounts=1)
    bands.collateral.pause(False)
    result = engine.step(dt=1)
    assert result.liquidated == 1
    assert result.pending == sum(bands.columns()["due"])


def test_time_goes_on_for_a_loan_that_the_budget_leaves_due(kit):
    engine, bands = bands_at(kit, [{}], discounts=("0.09", "0.089"))
    bands.open(collateral=1, debt=2600, bands=4)
    engine.budget(time_per_liquidation=4)
    done = [engine.step(index={"ETH": 2790}, dt=1).liquidated for _ in range(5)]
    assert done == [0, 0, 0, 1, 0]


def test_who_is_due_is_taken_in_the_order_in_which_it_was_found(kit):
    # of two that a move made due, the lower health; a loan that is well again when taken is left alone
    engine, bands = bands_at(kit, [{"gas": 10_000}], discounts=("0.09", "0.089"))
    bands.open(collateral=[1, 1], debt=[2590, 2610], bands=4)
    engine.step(index={"ETH": 2790}, dt=600)
    assert bands.columns()["due"].tolist() == [1, 1]
    engine.liquidators.add(kit.lending.Liquidator())
    engine.step(dt=1)
    first, second = (row["account"] for row in rows(engine, "liquidation"))
    assert (first, second) == (1, 0)


def test_a_loan_that_prices_cured_is_due_no_more(kit):
    engine, bands = bands_at(kit, [{"gas": 10_000}], discounts=("0.09", "0.089"))
    bands.open(collateral=1, debt=2600, bands=4)
    assert engine.step(index={"ETH": 2790}, dt=600).pending == 1
    assert engine.step(index={"ETH": 3100}, dt=600).pending == 0
    assert bands.columns()["due"].tolist() == [0]


# --- who is looked at --------------------------------------------------------------------------

needs_core = pytest.mark.skipif(core_kit() is None, reason="the compiled engine is not built")


def crowd_in_bands(count, **terms):
    engine, bands = bands_at(core_kit(), [{}], **terms)
    random = np.random.default_rng(1)
    debts = np.round(random.uniform(0.82, 0.86, count) * 300, 2)
    bands.open(collateral=0.1, debt=debts, bands=10)
    price = 3000.0
    while price > 2850:
        price *= 0.997
        engine.step(index={"ETH": round(price, 2)}, dt=600)
    return engine, bands, price


@needs_core
def test_a_crowd_in_the_trading_bands_is_looked_at_by_what_its_slack_allows():
    count = 20_000
    engine, bands, price = crowd_in_bands(count, discounts=("0.09", "0.02"))
    columns, active = bands.columns(), bands.active_band
    inside = int(((columns["first"] <= active) & (columns["last"] >= active)).sum())
    assert inside > count // 2
    before = bands.evaluations
    for _ in range(20):
        price *= 0.9997
        engine.step(index={"ETH": round(price, 2)}, dt=600)
    assert bands.totals()["sold"] > 0
    # each of 20 moves is a price, and trades; all of them together look at each loan less than once
    assert bands.evaluations - before < inside
    assert engine.step(dt=0).pending == 0


@needs_core
def test_loans_that_only_the_price_above_their_bands_covers_wait_for_it_to_fall():
    # interest has eaten the discount; as long as the oracle stands above, collateral is worth that more
    engine, bands = bands_at(core_kit(), [{"gas": 10_000}], discounts=("0.09", "0.089"), rate="0.2")
    bands.open(collateral=1, debt=np.linspace(1500, 2000, 1000).round(2), bands=10)
    for _ in range(2):
        engine.step(dt=86_400 * 30)
    assert not bands.columns()["due"].any()
    before = bands.evaluations
    for price in (2990, 2980, 2970, 2960, 2950):
        engine.step(index={"ETH": price}, dt=60)
    assert bands.evaluations == before


@needs_core
def test_a_call_among_many_that_are_due_does_not_look_at_them_all():
    count, kit = 4000, core_kit()
    engine = kit.engine(asset_decimals=6)
    pool = cs.ConstantProduct(3 * count, 6000 * count)
    market = engine.add_market(
        "ETH", tick_size="0.01", lot_size="0.001", rules=cs.Rules(feed="last"), venue=pool
    )
    bands = engine.lending.add_bands("bands", price="ETH", rules=cs.rules.crvusd())
    random = np.random.default_rng(1)
    collateral = np.round(random.uniform(0.1, 2, count), 3)
    debts = np.round(collateral * 2000 * random.uniform(0.6, 0.8, count), 2)
    bands.open(collateral=collateral, debt=debts, bands=4)
    engine.step(dt=1)
    market.book.market("sell", int(0.22 * count))
    before = bands.evaluations
    result = engine.step(dt=12)
    # each call moves the price, and hundreds are due at a time
    assert result.liquidated > 800
    assert result.pending > 300
    assert bands.evaluations - before < count + 20 * result.liquidated
    engine.validate()
