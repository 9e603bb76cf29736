"""Interest-rate models of reserves, docs/lending-market.md: by hand on twin and core, and their copies."""

from fractions import Fraction
from math import exp

import numpy as np
import pytest
from engine_kit import TWIN, core_kit, rows
from lending_setups import borrower, lending_engine

import cascade as cs
from cascade import snapshot

SECONDS = 365 * 86_400
ONE = 10**18


def paying(kit, model, terms, debt=900_000, **usd):
    """Money lent by a model: 1,000,000 supplied and `debt` of it borrowed."""
    interest = getattr(kit.lending, model)(**terms)
    engine, pool = lending_engine(kit, usd={"interest": interest, **usd})
    if debt:
        borrower(pool, 100_000, debt)
    return engine, pool["USD"]


# --- models ------------------------------------------------------------------------------------


@pytest.mark.parametrize("debt", [1, 500_000, 1_000_000])
def test_a_fixed_rate_is_paid_whatever_is_borrowed(kit, debt):
    engine, reserve = paying(kit, "FixedRate", {"rate": "0.1"}, debt)
    engine.step(dt=SECONDS)
    assert reserve.row()["borrow_index"] == ONE * 11 // 10
    assert reserve.row()["owed_lots"] == -(-debt * 11 // 10)


def test_jump_rate_is_cut_to_its_period(kit):
    terms = {"base": "0.02", "multiplier": "0.1", "jump_multiplier": 2, "kink": "0.8"}
    engine, reserve = paying(kit, "JumpRate", terms)
    # of 10**18 a block: 9512937595, 47564687975 and 951293759512; at 0.9 of what is supplied
    # 9512937595 + 0.8 * 47564687975 + 0.1 * 951293759512, each cut, is 142694063926
    engine.step(dt=15)
    assert reserve.row()["borrow_index"] == ONE + 142694063926
    engine, reserve = paying(kit, "JumpRate", terms)
    engine.step(dt=SECONDS)
    assert reserve.row()["borrow_index"] == ONE + 142694063926 * 2_102_400
    # 899,999.99... of 27 %, up to a lot, all of it to the suppliers
    assert reserve.row()["owed_lots"] == 1_170_000
    assert reserve.row()["supplied_lots"] == 1_270_000


def test_below_the_kink_only_the_first_slope_counts(kit):
    terms = {"base": 0, "multiplier": "0.2", "jump_multiplier": 2, "kink": "0.8", "period": SECONDS}
    engine, reserve = paying(kit, "JumpRate", terms, 400_000)
    engine.step(dt=SECONDS)
    assert reserve.row()["borrow_index"] == ONE + ONE * 8 // 100


@pytest.mark.parametrize(
    ("supply", "paid", "kept"),
    [
        # 0.09 of 900,000 comes in; suppliers get 0.045 or 0.18 of 1,000,000
        ((0, "0.05", 0, 1), 45_000, 36_000),
        ((0, "0.2", 0, 1), 180_000, -99_000),
        # beyond a kink of 0.5: 0.02 + 0.5 * 0.02 + 0.4 * 0.1
        (("0.02", "0.02", "0.1", "0.5"), 70_000, 11_000),
    ],
)
def test_suppliers_with_a_curve_of_their_own_are_paid_out_of_the_treasury(kit, supply, paid, kept):
    terms = {"base": 0, "multiplier": "0.1", "period": SECONDS, "kink": 1, "supply": supply}
    # a reserve factor has nothing to share
    engine, reserve = paying(kit, "JumpRate", terms, reserve_factor="0.5")
    engine.step(dt=SECONDS)
    row = reserve.row()
    assert (row["owed_lots"], row["supplied_lots"]) == (981_000, 1_000_000 + paid)
    assert row["treasury"] == kept
    (event,) = rows(engine, "interest")
    assert (event["quantity"], event["money"]) == (81_000, kept)
    engine.validate()


def test_utilisation_over_supplies_goes_above_one(kit):
    # suppliers get nothing, so what the treasury has is lent too: more owed than the 1,000,000 supplied
    terms = {"multiplier": "0.01", "jump_multiplier": "0.5", "kink": 1, "period": SECONDS}
    terms["supply"] = (0, 0, 0, 1)
    engine, reserve = paying(kit, "JumpRate", terms, 900_000)
    engine.step(dt=SECONDS)
    assert reserve.row()["treasury"] == 8100
    borrower(engine.lending["pool"], 100_000, 99_900)
    # 908,100 and 99,900, and a lot up over the index of 1.009
    assert reserve.row()["owed_lots"] == 1_008_001
    before = reserve.row()["borrow_index"]
    engine.step(dt=SECONDS)
    # 0.01 + 0.008001 * 0.5
    grown = Fraction(reserve.row()["borrow_index"], before) - 1
    assert abs(grown - Fraction("0.0140005")) < Fraction(2, ONE)


# --- the adaptive curve ------------------------------------------------------------------------


def test_at_its_target_the_adaptive_rate_stays(kit):
    engine, reserve = paying(kit, "AdaptiveRate", {"compounding": "linear"})
    for _ in range(3):
        engine.step(dt=0)
    # 4 % of 10**18 over 31,536,000 seconds, cut
    assert reserve.row()["rate_at_target"] == 1_268_391_679
    engine.step(dt=100)
    assert reserve.row()["borrow_index"] == ONE + 126_839_167_900
    assert reserve.rate_at_target == pytest.approx(0.04) if kit.name == "core" else True


@pytest.mark.parametrize(("debt", "error"), [(1_000_000, 1), (450_000, -0.5), (950_000, 0.5)])
def test_the_rate_at_target_follows_an_exponential(kit, debt, error):
    engine, reserve = paying(kit, "AdaptiveRate", {}, debt)
    engine.step(dt=5 * 86_400)
    # 50 a year times the distance from the target; the parabola of its exponential is within one in a
    # hundred: (ln 2 / 2)**3 / 6 is 0.007
    expected = 0.04 * exp(50 * error * 5 / 365)
    assert reserve.row()["rate_at_target"] * SECONDS / ONE == pytest.approx(expected, rel=0.01)


def test_without_debts_the_rate_at_target_falls_to_its_bound_and_nobody_pays(kit):
    engine, reserve = paying(kit, "AdaptiveRate", {"least": "0.01"}, 0)
    start = len(engine.events)
    engine.step(dt=SECONDS)
    assert reserve.row()["rate_at_target"] == ONE // 100 // SECONDS
    assert reserve.row()["borrow_index"] == ONE
    assert rows(engine, "interest", start=start) == []


def test_the_largest_rate_at_target_is_a_bound(kit):
    engine, reserve = paying(kit, "AdaptiveRate", {"largest": "0.3"}, 1_000_000)
    for _ in range(4):
        engine.step(dt=30 * 86_400)
    assert reserve.row()["rate_at_target"] == 3 * ONE // 10 // SECONDS


@pytest.mark.parametrize(("debt", "times"), [(1_000_000, 4), (450_000, Fraction(5, 8))])
def test_steepness_is_paid_at_the_ends(kit, debt, times):
    # 4 times the rate with everything borrowed, a quarter with nothing, half-way 1 - 0.5 * 0.75; without
    # speed it stays
    engine, reserve = paying(kit, "AdaptiveRate", {"speed": 0, "compounding": "linear"}, debt)
    engine.step(dt=100)
    grown = reserve.row()["borrow_index"] - ONE
    assert grown == int(1_268_391_679 * times) * 100


# --- compounding -------------------------------------------------------------------------------


def test_three_terms_of_the_exponential(kit):
    engine, reserve = paying(kit, "FixedRate", {"rate": 1, "compounding": "taylor"})
    engine.step(dt=SECONDS)
    # 1 + 1 / 2 + 1 / 6, each cut
    assert reserve.row()["borrow_index"] == ONE + ONE + ONE // 2 + ONE // 6


def test_three_terms_of_the_binomial_series(kit):
    engine, reserve = paying(kit, "FixedRate", {"rate": 1, "compounding": "binomial"})
    engine.step(dt=SECONDS)
    n = SECONDS
    grown = 1 + Fraction(n - 1, 2 * n) + Fraction((n - 1) * (n - 2), 6 * n * n)
    # four quotients are cut
    assert 0 <= grown - Fraction(reserve.row()["borrow_index"] - ONE, ONE) < Fraction(4, ONE)


@pytest.mark.parametrize(("seconds", "terms"), [(1, 1), (2, 2), (3, 3)])
def test_the_binomial_series_ends_after_as_many_seconds(kit, seconds, terms):
    engine, reserve = paying(kit, "FixedRate", {"rate": 3, "compounding": "binomial"})
    engine.step(dt=seconds)
    rate = Fraction(3, SECONDS)
    series = (seconds * rate, rate**2 * (1 if seconds == 2 else 3), rate**3)
    grown = sum(series[:terms])
    assert 0 <= grown - Fraction(reserve.row()["borrow_index"] - ONE, ONE) < Fraction(4, ONE)


@pytest.mark.parametrize(
    ("seconds", "grown"),
    # a second's rate is 31,709,791,983: its square is 1,005.51 parts, half up
    [
        (1, 31_709_791_983),
        (2, 2 * 31_709_791_983 + 1006),
        ("1.5", 31_709_791_983 + 15_854_895_991 + 502),
    ],
)
def test_the_power_of_a_second(kit, seconds, grown):
    engine, reserve = paying(kit, "FixedRate", {"rate": 1, "compounding": "power"})
    engine.step(dt=seconds)
    assert reserve.row()["borrow_index"] == ONE + grown


def test_a_year_of_seconds_is_nearly_the_exponential(kit):
    engine, reserve = paying(kit, "FixedRate", {"rate": 1, "compounding": "power"})
    engine.step(dt=SECONDS)
    # (1 + 1 / n) ** n is e * (1 - 1 / 2n), and rounded at every product
    expected = exp(1) * (1 - 0.5 / SECONDS)
    assert reserve.row()["borrow_index"] / ONE == pytest.approx(expected, rel=1e-9)


# --- rates that are refused --------------------------------------------------------------------


def test_a_rate_above_what_accrues_stops_the_reserve(kit):
    # 0.5 a year is 237,823,439,878 of 10**18 a block
    terms = {"base": "0.5", "multiplier": 0, "jump_multiplier": 0}
    engine, reserve = paying(kit, "JumpRate", {**terms, "refused_above": "0.000000237823439878"})
    engine.step(dt=15)
    assert reserve.row()["borrow_index"] == ONE + 237_823_439_878
    engine, reserve = paying(kit, "JumpRate", {**terms, "refused_above": "0.000000237823439877"})
    engine.step(dt=15)
    assert reserve.row()["borrow_index"] == ONE
    before = engine.state_hash()
    for call in (
        lambda: reserve.supply(1),
        lambda: reserve.redeem(1),
        lambda: reserve.lending.repay(0, "USD", 1),
        lambda: reserve.lending.borrow(0, "USD", 1),
    ):
        with pytest.raises(ValueError, match="rate"):
            call()
    assert engine.state_hash() == before
    # nor is anybody liquidated
    assert engine.step(index={"ETH": 1}).liquidated == 0
    engine.validate()


def test_without_debts_no_rate_is_refused(kit):
    terms = {"base": "0.5", "refused_above": "0.0000001"}
    engine, reserve = paying(kit, "JumpRate", terms, 0)
    engine.step(dt=15)
    reserve.supply(1)


# --- what is kept ------------------------------------------------------------------------------


def test_hashes_have_the_rate_at_target():
    def end(kit, debt):
        # the same debts and prices afterwards, but another way to them
        engine, reserve = paying(kit, "AdaptiveRate", {"least": "0.0001"}, debt)
        engine.step(dt=1)
        return engine.state_hash(), reserve.row()["rate_at_target"]

    for debt in (0, 900_000):
        assert end(TWIN, debt) == end(core_kit(), debt)
    assert end(core_kit(), 0)[1] < end(core_kit(), 900_000)[1]


MODELS = [
    cs.KinkRate("0.01", "0.04", "0.6", "0.8", compounding="binomial"),
    cs.JumpRate("0.01", "0.3", 2, Fraction(1, 3), period=1, supply=("0.001", "0.2", 1, "0.4")),
    cs.AdaptiveRate(initial="0.07", steepness="2.5"),
    cs.FixedRate(Fraction(1, 7), compounding="taylor"),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_copies_and_files_go_on_with_the_model(tmp_path, model):
    engine, pool = lending_engine(core_kit(), usd={"interest": model, "reserve_factor": "0.1"})
    borrower(pool, 100_000, 970_000)
    engine.step(dt=86_400)
    engine.save(tmp_path / "engine.npz")
    ends = []
    for other in (engine, engine.copy(), cs.Engine.load(tmp_path / "engine.npz")):
        assert other.lending["pool"]["USD"].given == pool["USD"].given
        other.step(dt=86_400 * 7)
        ends.append((other.state_hash(), other.lending["pool"]["USD"].row()))
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize(
    "at_target", [-1, 0, 10**18 // 1000 // SECONDS - 1, 2 * ONE // SECONDS + 1]
)
def test_a_forged_rate_at_target_is_refused(at_target):
    engine, _ = paying(core_kit(), "AdaptiveRate", {})
    arrays = {name: array.copy() for name, array in snapshot.to_arrays(engine).items()}
    assert arrays["reserves"]["rate_at_target"].tolist() == [0, 1_268_391_679]
    arrays["reserves"]["rate_at_target"][1] = at_target
    with pytest.raises(ValueError, match="reserve 1: rate at target"):
        snapshot.from_arrays(arrays)
    arrays["reserves"]["rate_at_target"] = [5, 1_268_391_679]
    with pytest.raises(ValueError, match="reserve 0: rate at target"):
        snapshot.from_arrays(arrays)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"kind": "adaptive"', b'"kind": "adaptine"'),
        (b'"steepness": "4"', b'"steepness": "0"'),
        (b'"target": "9/10"', b'"target": "1"'),
        (b'"compounding": "taylor"', b'"compounding": "tailor"'),
    ],
)
def test_forged_models_are_refused(before, after):
    engine, _ = paying(core_kit(), "AdaptiveRate", {})
    arrays = {name: array.copy() for name, array in snapshot.to_arrays(engine).items()}
    text = arrays["settings"].tobytes()
    assert before in text
    arrays["settings"] = np.frombuffer(text.replace(before, after), np.uint8)
    with pytest.raises((ValueError, KeyError, TypeError)):
        snapshot.from_arrays(arrays)


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "terms", "words"),
    [
        ("KinkRate", {"optimal": 1}, "optimal 1 is not between 0 and 1"),
        ("KinkRate", {"slope2": 4}, "slope2 4 is outside 0 ... 3"),
        ("KinkRate", {"compounding": "daily"}, "compounding must be one of 'linear'"),
        ("JumpRate", {"kink": "1.01"}, "kink '1.01' is outside 0 ... 1"),
        ("JumpRate", {"base": -1}, "base -1 is outside"),
        ("JumpRate", {"period": 0}, "period 0 is outside"),
        ("JumpRate", {"jump_multiplier": 4, "period": SECONDS}, "jump_multiplier 4 is outside"),
        ("JumpRate", {"supply": (0, 1, 1, 2)}, "supply kink 2 is outside 0 ... 1"),
        ("AdaptiveRate", {"target": 0}, "target 0 is not between 0 and 1"),
        ("AdaptiveRate", {"steepness": "0.5"}, "steepness '0.5' is outside 1 ... 9"),
        ("AdaptiveRate", {"least": 0}, "least 0 is outside"),
        ("AdaptiveRate", {"initial": 3}, "initial 3 is outside"),
        ("AdaptiveRate", {"speed": 1001}, "speed 1001 is outside"),
        ("FixedRate", {"rate": "3.1"}, "rate '3.1' is outside 0 ... 3"),
    ],
)
def test_terms_beyond_their_range_are_refused(model, terms, words):
    with pytest.raises(ValueError, match=words):
        getattr(cs, model)(**terms)


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="supply must be four numbers"):
        cs.JumpRate(supply=(1, 2))
    pool = cs.Engine().lending.add("pool")
    with pytest.raises(TypeError, match="interest must be a model such as KinkRate"):
        pool.add_reserve("USD", interest=0.05)


def test_an_index_that_leaves_its_range_stops_the_step(kit):
    if kit.name == "twin":
        pytest.skip("the twin's integers have no width")
    engine, _ = paying(kit, "FixedRate", {"rate": 3})
    engine.step(dt=SECONDS)
    # 4 times what it was, and 16 times: beyond 4.6
    with pytest.raises(OverflowError):
        engine.step(dt=SECONDS)
