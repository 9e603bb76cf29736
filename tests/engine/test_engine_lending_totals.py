"""Sums of reserves: what must add up in every history, and that what does not is found."""

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from engine_kit import core_kit
from lending_scenes import go_on, lending_engine, words_of

import cascade as cs
from cascade import snapshot
from cascade.lending_totals import check_reserve_totals

YEAR = 365 * 86_400


def simple(kit, money=None, **rules):
    """Ten coins at 100 against money, no interest, one account with nothing to spare."""
    words = words_of(kit)
    engine = kit.engine(asset_decimals=0)
    kit.market(engine, "X", venue=kit.linear(1, 1000), rules={"feed": "last"})
    engine.market("X").set_index(100)
    lending = engine.lending.add("pool", rules=words.LendingRules(**rules))
    lending.add_reserve(
        "X", price="X", venue=None, liquidation_threshold="0.8", liquidation_bonus="0.1"
    )
    lending.add_reserve("USD", **(money or {}))
    lending["USD"].supply(2000)
    lending.open(collateral={"X": 10}, debt={"USD": 800})
    return engine, lending


def test_flows_of_a_liquidation(kit):
    engine, lending = simple(kit)
    lending["USD"].redeem(100)
    lending.deposit(0, "X", 2)
    lending.withdraw(0, "X", 1)
    lending.repay(0, "USD", 50)
    # 11 coins at 80 bear 704 of 750: 750 * 1.1 / 80 = 10.3, so 10 are taken and 728 repaid for them
    engine.step(index={"X": 80})
    sums = engine.totals()["lending"]["pool"]
    nothing = dict.fromkeys(
        ("borrowed", "repaid", "debts", "deficit", "treasury", "rounding", "awaited"), 0
    )
    coins = {**nothing, "supplied": 12, "redeemed": 1, "seized": 10, "cash": 1, "supplies": 1}
    money = {**nothing, "supplied": 2000, "redeemed": 100, "borrowed": 800, "seized": 0}
    for name, expected in (("X", coins), ("USD", money)):
        if name == "USD":
            left = 750 - sums["USD"]["repaid"] + 50
            expected |= {"repaid": sums["USD"]["repaid"], "supplies": 1900, "debts": left}
            expected["cash"] = 1100 + sums["USD"]["repaid"]
        found = dict(sums[name])
        assert found.pop("roundings") > 0
        assert found == expected
    # what the call repaid, by hand: the whole debt buys 10 coins, nothing was cut
    assert sums["USD"]["repaid"] == 50 + 750
    engine.validate()


def test_interest_leaves_less_than_a_lot_a_rounding(kit):
    words = words_of(kit)
    engine = kit.engine(asset_decimals=2)
    lending = engine.lending.add("pool")
    rate = words.KinkRate("0.037", 0, 0, "0.8")
    lending.add_reserve("USD", liquidation_threshold=1, interest=rate, reserve_factor="0.13")
    lending["USD"].supply(1000.03)
    lending.open(collateral={"USD": 2000}, debt={"USD": 777.77})
    for _ in range(20):
        engine.step(dt=YEAR / 20)
        engine.validate()
    sums = engine.totals()["lending"]["pool"]["USD"]
    # 777.77 compounded 20 times, every time up by less than a lot over the index
    exact = 77_777 * (1 + Fraction(37, 20_000)) ** 20
    assert sums["debts"] == ceil(exact) == 80_706
    assert 0 <= sums["rounding"] <= sums["roundings"] == 25


def test_suppliers_bear_a_loss_as_far_as_they_go(kit):
    engine, lending = simple(kit, bad_debt="suppliers")
    lending["USD"].redeem(1200)
    # at one tick ten coins pay 9 (10 / 1.1, up), 790 are lost, which suppliers of 800 bear
    engine.step(index={"X": 1})
    sums = engine.totals()["lending"]["pool"]["USD"]
    assert (sums["repaid"], sums["debts"], sums["deficit"]) == (10, 0, 0)
    assert sums["supplies"] == 10
    engine.validate()


def test_a_loss_beyond_all_suppliers_is_a_deficit(kit):
    rate = words_of(kit).KinkRate("0.1", 0, 0, "0.8")
    engine, lending = simple(
        kit, bad_debt="suppliers", money={"interest": rate, "reserve_factor": 1}
    )
    lending["USD"].redeem(1200)
    # A year's interest of 80 is the treasury's. The 10 repaid are 9 scaled lots of 1.1, so that 791 of
    # 800 are left and 871 lost; suppliers have 800.
    engine.step(index={"X": 1}, dt=YEAR)
    sums = engine.totals()["lending"]["pool"]["USD"]
    assert (sums["repaid"], sums["debts"], sums["deficit"]) == (10, 0, 71)
    assert (sums["supplies"], sums["treasury"], sums["cash"]) == (0, 80, 10)
    assert lending["USD"].row()["supply_index"] == 0
    engine.validate()
    # nothing is left to be divided by
    before = engine.state_hash()
    with pytest.raises(OverflowError):
        lending["USD"].supply(5)
    with pytest.raises(OverflowError):
        lending.deposit(0, "USD", 5)
    for refused in (lambda: lending["USD"].redeem(5), lambda: lending.withdraw(0, "USD", 5)):
        with pytest.raises(ValueError, match="amount"):
            refused()
    assert engine.state_hash() == before


@pytest.mark.parametrize("seed", range(6))
def test_sums_hold_in_random_histories(kit, seed):
    engine, source = lending_engine(kit, seed)
    for _ in range(8):
        go_on(engine, source, 1)
        engine.validate()


# --- what does not add up ----------------------------------------------------------------------


def sums(**changes):
    good = {"cash": 70, "supplied": 100, "redeemed": 10, "borrowed": 30, "repaid": 20, "seized": 10}
    good |= {"debts": 8, "deficit": 3, "supplies": 80, "treasury": 5, "roundings": 4, "awaited": 4}
    return good | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cash": 71}, "cash is 71 lots, 120 came and 50 went"),
        ({"seized": 11}, "cash is 70 lots, 120 came and 51 went"),
        ({"cash": -1, "redeemed": 81}, "cash is -1 lots"),
        ({"supplies": 81}, "85 lots against supplies and treasury of 86"),
        ({"debts": 57}, "134 lots against supplies and treasury of 85"),
        ({"treasury": -44}, "85 lots against supplies and treasury of 36"),
    ],
)
def test_sums_that_do_not_add_up_are_refused(changes, message):
    check_reserve_totals("R", sums())
    check_reserve_totals("R", sums(debts=56))  # 48 beyond, as four roundings may leave
    with pytest.raises(cs.ReserveError, match=message):
        check_reserve_totals("R", sums(**changes))


def damaged(name, field, change):
    engine, _ = lending_engine(core_kit(), 1)
    arrays = {key: array.copy() for key, array in snapshot.to_arrays(engine).items()}
    arrays[name][field] += change
    return arrays


@pytest.mark.parametrize(
    ("field", "change", "message"),
    [
        ("cash", 1, "pool ETH: cash is"),
        ("seized", 1, "pool ETH: cash is"),
        ("deficit", 1000, "roundings do not explain"),
        ("treasury", 1, "roundings do not explain"),
        ("supplied", 2**40, "roundings do not explain"),
    ],
)
def test_a_damaged_snapshot_is_found(field, change, message):
    with pytest.raises(cs.ReserveError, match=message):
        snapshot.from_arrays(damaged("reserves", field, np.array([change, 0, 0, 0])))


def test_damaged_claims_are_found():
    engine, _ = lending_engine(core_kit(), 1)
    arrays = {key: array.copy() for key, array in snapshot.to_arrays(engine).items()}
    position = np.flatnonzero(arrays["positions"]["market"] == 2)[0]
    arrays["positions"]["size"][position] += 5
    with pytest.raises(cs.ConservationError, match="sizes in 'pool ETH supplied' sum to 5 lots"):
        snapshot.from_arrays(arrays)


def test_the_error_is_one_of_conservation():
    assert issubclass(cs.ReserveError, cs.ConservationError)
