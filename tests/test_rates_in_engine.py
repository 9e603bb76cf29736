"""The engine's interest beside the exact functions of `cascade.lending`, accrual by accrual, with bounds.

The functions run in the protocols' own integers; the engine in parts of 10**18 and lots. Each test says what
the two may differ by and why.
"""

import random
from fractions import Fraction
from pathlib import Path

import pytest

import cascade as cs
from cascade import lending
from cascade.lending.adaptive_curve import AdaptiveCurve

WAD, RAY = 10**18, 10**27
YEAR = 31_536_000
BLOCKS = 2_102_400
SHARED = Path(__file__).resolve().parents[2] / "shared"


def money_market(interest, reserve_factor=0, supplied=10**6):
    """A pool of money: anybody supplies, one account with other collateral borrows; lots are a millionth."""
    engine = cs.Engine(asset_decimals=6)
    coin = engine.add_market(
        "COIN", tick_size=1, lot_size=1, rules=cs.Rules(tiers=((0, 0),), feed="index")
    )
    coin.set_index(1000)
    pool = engine.lending.add("pool")
    pool.add_reserve("COIN", price="COIN", venue=None, liquidation_threshold=1)
    pool.add_reserve("USD", interest=interest, reserve_factor=reserve_factor, collateral=False)
    pool["USD"].supply(supplied)
    pool.open(collateral={"COIN": 10**6})
    return engine, pool


def histories(seed, interest, reserve_factor=0, longest=86_400 * 30, step=1):
    """Random borrowing, repaying and time: the reserve before and after each accrual, and its seconds."""
    draw = random.Random(seed)
    engine, pool = money_market(interest, reserve_factor)
    pool.borrow(0, "USD", draw.randrange(1, 10**6))
    for _ in range(25):
        owed, cash = pool["USD"].borrowed, pool["USD"].cash
        amount = Fraction(draw.randrange(1, 10**10), 10**6)
        if draw.random() < 0.6 and amount <= cash:
            pool.borrow(0, "USD", amount)
        elif amount < owed:
            pool.repay(0, "USD", amount)
        before = pool["USD"].row()
        seconds = draw.choice((step, 12 * step, draw.randrange(1, longest // step + 1) * step))
        engine.step(dt=seconds)
        yield before, pool["USD"].row(), seconds
    engine.validate()


def raised(index, growth):
    """An index after a growth in WAD, up, as the engine has the debts' index."""
    return index - (-index * growth // WAD)


# --- Morpho Blue -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_the_adaptive_curve_is_the_function_to_the_last_digit(seed):
    # both take whole seconds and parts of 10**18, so nothing may differ
    for before, after, seconds in histories(seed, cs.AdaptiveRate()):
        used = before["owed_lots"] * WAD // (before["cash"] + before["owed_lots"])
        exact = lending.adaptive_rate(used, before["rate_at_target"], seconds)
        assert after["rate_at_target"] == exact.at_target
        growth = lending.taylor_compounded(exact.average, seconds)
        assert after["borrow_index"] == raised(before["borrow_index"], growth)


def test_other_constants_of_the_curve_are_those_of_the_function():
    curve = AdaptiveCurve(
        steepness=25 * 10**17, speed=120 * WAD // YEAR, target=6 * 10**17,
        initial_rate=WAD // 10 // YEAR, least_rate=WAD // 50 // YEAR, largest_rate=WAD // YEAR,
    )  # fmt: skip
    model = cs.AdaptiveRate("0.1", "0.6", "2.5", 120, "0.02", 1)
    reached = set()
    for seed in range(8):
        for before, after, seconds in histories(seed, model, longest=86_400 * 20):
            used = before["owed_lots"] * WAD // (before["cash"] + before["owed_lots"])
            exact = lending.adaptive_rate(used, before["rate_at_target"], seconds, curve)
            assert after["rate_at_target"] == exact.at_target
            growth = lending.taylor_compounded(exact.average, seconds)
            assert after["borrow_index"] == raised(before["borrow_index"], growth)
            reached.add(exact.at_target)
    assert {curve.least_rate, curve.largest_rate} <= reached


def test_a_market_of_morpho_runs_beside_the_engine():
    # Morpho keeps totals in atoms: interest is cut to one; the engine rounds debts up to a lot, and its
    # index up by a part of 10**18. So an accrual differs by two lots, and what a later one makes of them:
    # below 3 for each. Utilisation apart by 75 lots of 10**12 is as far from the target by ten times that,
    # which moves the rate at target by 50 times that in a year: less than a part of 10**9.
    engine, pool = money_market(cs.AdaptiveRate())
    pool.borrow(0, "USD", 950_000)
    supplied, borrowed = 10**12, 950_000 * 10**6
    at_target, draw = AdaptiveCurve().initial_rate, random.Random(5)
    for k in range(1, 26):
        seconds = draw.randrange(1, 86_400 * 4)
        exact = lending.adaptive_rate(borrowed * WAD // supplied, at_target, seconds)
        at_target = exact.at_target
        interest = borrowed * lending.taylor_compounded(exact.average, seconds) // WAD
        supplied, borrowed = supplied + interest, borrowed + interest
        engine.step(dt=seconds)
        row = pool["USD"].row()
        assert abs(row["owed_lots"] - borrowed) <= 3 * k
        assert abs(row["supplied_lots"] - supplied) <= 3 * k
        assert abs(row["rate_at_target"] - at_target) * 10**9 <= at_target


# --- Aave --------------------------------------------------------------------------------------


def aave_bound(strategy, rate, seconds):
    """What the engine's growth of an index may be off the function's, as a share of one.

    The engine cuts utilisation, and two quotients of the rate, to parts of 10**18 (the function rounds to
    10**27), then three terms and the index. The function cuts the square of a second's rate to parts of
    10**27, which counts seconds**2 / 2 times, and its cube, which counts seconds**3 / 6 times, by less than
    two each.
    """
    slope = Fraction(strategy.slope2, RAY - strategy.optimal) + Fraction(
        strategy.slope1, strategy.optimal
    )
    engine = (slope + 3) * Fraction(seconds, YEAR) * (1 + rate) ** 3 + 5
    function = Fraction(seconds**2, 2) + 2 * Fraction(seconds**3, 6)
    return engine / WAD + function / RAY


@pytest.mark.parametrize("longest", [60, 86_400, 86_400 * 30])
@pytest.mark.parametrize("seed", range(4))
def test_the_kink_compounds_as_aave_does_within_what_both_cut(seed, longest):
    strategy = lending.KinkStrategy(RAY * 8 // 10, RAY // 100, RAY * 4 // 100, RAY * 6 // 10)
    model = cs.KinkRate("0.01", "0.04", "0.6", "0.8", compounding="binomial")
    for before, after, seconds in histories(seed, model, "0.1", longest):
        rates = lending.kink_rates(strategy, before["cash"], before["owed_lots"], 1000)
        exact = Fraction(lending.compound_interest(rates.borrow_rate, seconds), RAY)
        found = Fraction(after["borrow_index"], before["borrow_index"])
        bound = aave_bound(strategy, Fraction(rates.borrow_rate, RAY), seconds)
        assert abs(found - exact) <= bound
        # what binomial terms add to linear growth is seen by this bound
        linear = 1 + Fraction(rates.borrow_rate * seconds, RAY * YEAR)
        assert seconds < 3600 or exact - linear > bound


# --- Compound ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_the_jump_model_is_compounds_on_the_same_utilisation(seed):
    base, slope, jump, kink = (WAD * x // 100 for x in (2, 10, 109, 80))
    model = cs.JumpRate("0.02", "0.1", "1.09", "0.8")
    for before, after, seconds in histories(seed, model, "0.1", step=15):
        blocks = seconds // 15
        used = before["owed_lots"] * WAD // before["supplied_lots"]
        rate = lending.jump_rate_v1(used, base, slope, jump, kink)
        exact = lending.accrue_simple(
            before["borrow_index"], before["owed_lots"], before["treasury"], rate, blocks, WAD // 10
        )
        # one product is cut there and rounded up here, and lots the same; a tenth of a lot is kept
        assert 0 <= after["borrow_index"] - exact.index <= 1
        assert 0 <= after["owed_lots"] - exact.borrows <= 2
        assert abs(after["treasury"] - exact.reserves) <= 1
        # Compound's denominator is cash and borrows less reserves: supplies and the lots rounded so far
        whole = before["cash"] + before["owed_lots"] - before["treasury"]
        assert 0 <= whole - before["supplied_lots"] <= 12 * 60
        theirs = lending.jump_rate_v1(before["owed_lots"] * WAD // whole, base, slope, jump, kink)
        # 720 lots of 10**12 times the steeper slope of a block, and what is cut
        assert abs(rate - theirs) * 10**12 <= (720 * jump // BLOCKS) + 3 * 10**12


def test_the_second_model_of_compound_is_a_slope_over_the_kink():
    # 20 % up to a kink of 70 %
    numbers = cs.JumpRate(multiplier=Fraction(20, 70), kink="0.7").numbers()
    slope = numbers["borrow"][1]
    kink = WAD * 7 // 10
    for used in (0, kink // 3, kink):
        expected = lending.jump_rate_v2(used, 0, WAD // 5, WAD, kink)
        assert used * slope // WAD == expected


#: A year's base, slopes and kink of USDC's Comet on Ethereum, supply and borrow, hundredths of a percent.
COMET = ((0, 325, 4000, 8000), (150, 350, 2500, 8000))


@pytest.mark.parametrize("seed", range(8))
def test_both_curves_of_comet_are_the_function_to_the_last_digit(seed):
    curves = [tuple(Fraction(x, 10**4) for x in curve) for curve in COMET]
    a_second = [
        (*(int(x * WAD) // YEAR for x in curve[:3]), int(curve[3] * WAD)) for curve in curves
    ]
    model = cs.JumpRate(*curves[1], period=1, supply=curves[0])
    for before, after, seconds in histories(seed, model):
        used = before["owed_lots"] * WAD // before["supplied_lots"]
        paid, owed = (lending.comet_rates(used, *curve) * seconds for curve in a_second)
        assert after["supply_index"] == before["supply_index"] * (WAD + paid) // WAD
        assert after["borrow_index"] == raised(before["borrow_index"], owed)
        gained = after["owed_lots"] - before["owed_lots"]
        given = after["supplied_lots"] - before["supplied_lots"]
        assert after["treasury"] - before["treasury"] == gained - given
        # Comet's own indices are of 10**15, and cut: a part of one each
        index = before["borrow_index"] // 1000
        assert abs(index + index * owed // WAD - after["borrow_index"] // 1000) <= 2
        # and its utilisation is of present values, the lots here
        assert used == lending.comet_utilization(
            before["supplied_lots"], before["owed_lots"], 10**15, 10**15
        )


def test_a_file_of_comet_brings_both_curves():
    path = SHARED / "data"
    found = sorted(path.glob("**/*comet*")) if path.exists() else []
    if not found:
        pytest.skip("no configuration of Comet beside the checkout")
    files = [x for p in found for x in ([p] if p.is_file() else sorted(p.glob("**/*.json*")))]
    loaded = lending.load_comet(files[0])
    engine = cs.Engine(asset_decimals=6)
    close = ("absorb", "0.6", 10**6)
    rules = cs.LendingRules.from_protocol(cs.rules.compound_v3(), close_factor=close)
    pool = engine.lending.add("comet", rules=rules)
    made = pool.add_reserves(loaded, {loaded.base: None}, others="leave out")
    stated = made[loaded.base].given["interest"]
    assert (stated["kind"], stated["period"]) == ("jump", "1")
    assert [Fraction(x) * WAD for x in stated["supply"]] == list(loaded.supply_curve)
    names = ("base", "multiplier", "jump_multiplier", "kink")
    assert [Fraction(stated[name]) * WAD for name in names] == list(loaded.borrow_curve)
