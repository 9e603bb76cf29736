"""The engine against the closed forms of cascades, and both against kept numbers.

Numbers are those of ../shared/rules/laws.md, section 2, computed there by closed form and by a
brute-force simulation. A continuum met by N accounts is allowed twice a rung's own move.
"""

from fractions import Fraction as F  # noqa: N817

import numpy as np
import pytest

import cascade as cs
from cascade import laws
from laws.crowds import (
    cross_margin_crash,
    gap_bankruptcies,
    late_executions,
    one_leverage_crowd,
    partial_ladder,
    partial_staircase,
    swept_accounts,
)
from laws.ladders import curve_ladder, generation_marks, linear_ladder, rung_run


@pytest.mark.parametrize("execution", ["sequential", "batch"])
@pytest.mark.parametrize("by_order", [False, True])
def test_uniform_ladder(execution, by_order):  # L01
    run = linear_ladder(F(3), F("0.002"), F(300), execution=execution, by_order=by_order)
    assert run.drop == pytest.approx(7.5, abs=2 * run.rung_drop)
    assert run.units == pytest.approx(2250, abs=2 * run.rung)
    tree = cs.CascadeTree(run.engine.events)
    assert tree.amplification == pytest.approx(2.5, abs=2 * run.rung_drop / 3)
    # with a shock from outside, what was forced is R of the whole move
    assert 1 - 1 / tree.amplification == pytest.approx(0.6, abs=1e-3)


@pytest.mark.parametrize("ratio", ["0", "0.1", "0.37", "0.5", "0.83", "0.95", "1.01", "1.7"])
@pytest.mark.parametrize("gap", [0, "0.7"])
def test_ladder_at_any_ratio(ratio, gap):
    shock, density = F("1.3"), F(200)
    impact = F(ratio) / density
    run = linear_ladder(shock, impact, density, gap=F(gap), width=F(15))
    expected = laws.ladder_drop(1.3, float(impact), 200.0, float(F(gap)), 15.0)
    assert run.drop == pytest.approx(expected, abs=max(2 * run.rung_drop, 1e-7))


def test_generations():  # L02
    drops, slack = generation_marks(F(3), F("0.6"), 5)
    assert slack == 0
    assert np.diff(drops, prepend=0) == pytest.approx([3, 1.8, 1.08, 0.648, 0.3888, 0.23328])
    assert np.diff(drops, prepend=0) == pytest.approx(laws.generation_drops(3, 0.6, 5))


def test_supercritical_ladder_is_emptied():  # L03
    run = linear_ladder(F(3), F("0.002"), F(600))
    assert run.exhausted
    assert (run.drop, run.units) == (pytest.approx(27), pytest.approx(12_000))


def test_ladder_behind_a_gap():  # L04
    run = linear_ladder(F(3), F("0.002"), F(300), gap=F("1.5"))
    assert run.drop == pytest.approx(5.25, abs=2 * run.rung_drop)
    untouched = linear_ladder(F("1.4"), F("0.002"), F(300), gap=F("1.5"))
    assert (untouched.drop, untouched.units) == (pytest.approx(1.4), 0)


@pytest.mark.parametrize(
    ("shock", "size", "spacing"), [("2", 150, "0.5"), ("0.5", 150, "0.5"), ("3.1", 10, "0.03"),
                                   ("0.49", 150, "0.5"), ("7", 333, "0.7")]
)  # fmt: skip
def test_discrete_rungs_are_exact(shock, size, spacing):  # L05
    run = rung_run(F(shock), F("0.002"), F(size), F(spacing), 2000)
    push, step = F("0.002") * size, F(spacing)
    count = 0 if F(shock) < step else (F(shock) - push) // (step - push)
    assert run.result.liquidated == count
    assert laws.rungs_liquidated(float(F(shock)), float(push), float(step)) == count
    assert run.drop == pytest.approx(float(F(shock) + push * count), rel=1e-14)


def test_kept_number_of_rungs():  # L05
    run = rung_run(F(2), F("0.002"), F(150), F("0.5"), 100)
    assert (run.result.liquidated, run.drop) == (8, pytest.approx(4.4, abs=1e-12))
    assert rung_run(F(2), F(0), F(150), F("0.5"), 100).result.liquidated == 4


def test_crowd_of_one_leverage():  # L06
    run = one_leverage_crowd(F(20), F("0.01"), (F(100), F(110)), F(1000), F("0.005"), F(106), F(2))
    assert run["drop"] == pytest.approx(48 / 13, abs=2 * 0.005 * run["rung"] / (1 - 0.521))
    assert run["units_liquidated"] == pytest.approx(338.461538462, abs=0.3)
    assert laws.critical_open_interest(10, 20, 0.01, 0.005) == pytest.approx(1919.19191919)


def test_long_and_short_are_mirrored():  # L08
    longs, shorts = (linear_ladder(F(3), F("0.002"), F(300), side=s) for s in ("long", "short"))
    assert longs.drop == shorts.drop == pytest.approx(7.5, abs=2 * longs.rung_drop)
    assert longs.result.liquidated == shorts.result.liquidated
    assert longs.result.waves == shorts.result.waves


def test_partial_liquidation_is_a_staircase():  # L11
    triggers, sizes, late = partial_staircase(F(100), F("0.01"), F("0.02"), 5)
    assert late == 0
    assert triggers == pytest.approx(
        [100, 98.9898989899, 97.9900010203, 97.0002030302, 96.0204029996], rel=1e-11
    )
    assert sizes == [1, 0.5, 0.25, 0.125, 0.0625]
    expected = laws.partial_staircase(100, 0.01, 0.02, 5)
    assert triggers == pytest.approx(expected[0], rel=1e-13)
    assert sizes == pytest.approx(expected[1], rel=1e-13)


def test_partial_liquidation_sells_less_in_a_first_sweep():  # L12
    market = (F(100), F("0.5"), F("0.6"), F("0.01"))
    drop, rung, _ = partial_ladder(*market, F("0.02"))
    assert drop == pytest.approx(0.714285714286, abs=2e-3)
    assert laws.partial_ladder_drop(0.5, 0.6, 100, 0.01, 0.02) == pytest.approx(0.714285714286)
    whole, rung, _ = partial_ladder(*market, None)
    assert whole == pytest.approx(1.25, abs=2 * rung)
    # past the distance at which accounts fall due again, more is sold than in a first sweep
    with pytest.raises(ValueError, match="first sweep"):
        laws.partial_ladder_drop(1.5, 0.6, 100, 0.01, 0.02)
    further, _, _ = partial_ladder(F(100), F("1.5"), F("0.6"), F("0.01"), F("0.02"))
    assert further > 1.5 / 0.7


@pytest.mark.parametrize(
    ("size", "vwap", "change", "after", "residual"),
    [
        (800, 95.1595959596, 127.676767677, 627.676767677, 0),
        (1500, 94.4595959596, -810.606060606, 0, 310.606060606),
    ],
)
def test_fund_gains_below_the_break_even_size(size, vwap, change, after, residual):  # K08
    run = swept_accounts(F(20), F("0.01"), F(100), F("0.002"), F(size), F(500))
    assert run["vwap"] == pytest.approx(vwap, rel=1e-11)
    assert run["fund_change"] == pytest.approx(change, rel=1e-10)
    assert run["fund_after"] == pytest.approx(after, rel=1e-10)
    assert run["residual"] == pytest.approx(residual, rel=1e-10)
    limit = laws.break_even_size(run["P_liq"], run["P_bk"], 0.002)
    assert limit == pytest.approx(959.595959596, rel=1e-11)
    # a short of the same leverage is nearer to its bankruptcy price
    short = swept_accounts(F(20), F("0.01"), F(100), F("0.002"), F(size), F(500), -1)
    assert short["vwap"] == pytest.approx(float(F(100) * F("1.05") / F("1.01")) + size * 0.001)


def test_band_against_one_trigger():  # L13
    hard = rung_run(F("0.5"), F("0.002"), F(1000), F("0.5"), 1)
    soft = linear_ladder(F("0.5"), F("0.002"), F(200), width=F(5))
    assert (hard.drop, hard.units) == (pytest.approx(2.5), 1000)
    assert soft.drop == pytest.approx(0.833333333333, abs=2 * soft.rung_drop)
    assert soft.units == pytest.approx(166.666666667, abs=2 * soft.rung)


def test_square_root_impact():  # L16
    run = curve_ladder("square_root", {"coefficient": F("0.003")}, F(200_000), F(100_000), F(10))
    assert run.shock == pytest.approx(0.948683298051, abs=1e-7)
    assert run.drop == pytest.approx(2.20766968306, abs=1e-4)
    assert run.units == pytest.approx(441_533.936612, abs=20)
    assert laws.square_root_drop(0.003, 2e5, 1e5) == pytest.approx(2.20766968306, rel=1e-11)


@pytest.mark.parametrize("share", ["0", "0.25", "0.63", "1"])
def test_absorption_lowers_the_ratio(share):  # L19
    run = linear_ladder(F(3), F("0.002"), F(300), absorb=F(share))
    expected = laws.amplification(0.6, float(F(share)))
    assert run.drop / 3 == pytest.approx(expected, abs=max(2 * run.rung_drop, 1e-9))
    assert laws.amplification(0.6, 0.63) == pytest.approx(1.2853470437, rel=1e-10)


def test_cross_margin_carries_a_crash_over():  # L20
    matrix = [[F("0.4"), F("0.2")], [F("0.3"), F("0.35")]]
    drops, rung = cross_margin_crash(matrix, [F(2), F(0)], F(12))
    assert drops == pytest.approx([3.93939393939, 1.81818181818], abs=2 * rung)
    floats = [[float(x) for x in row] for row in matrix]
    assert laws.cross_margin_drops(floats, [2, 0]) == pytest.approx([3.93939393939, 1.81818181818])
    assert laws.spectral_radius(floats) == pytest.approx(0.621221445045)


def test_gap_leaves_bad_debt():  # L21
    run = gap_bankruptcies(F(100), F(90), F(100), F("0.01"))
    assert run["bad_debt"] == pytest.approx(4090.90909091, rel=1e-9)
    assert run["units_hit"] == pytest.approx(1000)
    assert run["bankrupt_units"] == pytest.approx(909.090909091, abs=2 * run["rung"])
    assert laws.gap_losses(100, 90, 100, 0.01)[0] == pytest.approx(4090.90909091, rel=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("deviation", "loss", "ruined"),
    [
        (0.820212426287, 0.0489262724682, 0.121013383562),
        (2.00910192509, 0.41144147594, 0.316458805666),
    ],
)
def test_delay_costs_the_fund(deviation, loss, ruined):  # L22
    price = 95.9595959596
    losses = late_executions(price, 95.0, deviation, 20_000, seed=5)
    error = 4 / 20_000**0.5
    assert losses.mean() == pytest.approx(loss, abs=error * losses.std())
    assert (losses > 0).mean() == pytest.approx(ruined, abs=error * (ruined * (1 - ruined)) ** 0.5)
    assert laws.latency_losses(price - 95, deviation) == pytest.approx((loss, ruined), rel=1e-9)


def test_growing_depth_stops_a_supercritical_ladder():  # L23
    curve = {"depth": F(500), "length": F(10)}
    run = curve_ladder("depth_linear", curve, F(600), F(200), F(20))
    assert run.drop == pytest.approx(5.46410161514, abs=2e-3)
    assert run.shock == pytest.approx(0.392304845413, abs=1e-4)
    small = curve_ladder("depth_linear", curve, F(600), F("0.05"), F(20))
    assert small.drop == pytest.approx(4, abs=2e-3)
    assert laws.depth_linear_drop(500, 10, 600, 200) == pytest.approx(5.46410161514, rel=1e-11)


def test_vanishing_depth_tips_over():  # L24
    curve = {"depth": F(500), "length": F(10)}
    run = curve_ladder("depth_exponential", curve, F(300), F(400), F(10))
    assert run.drop == pytest.approx(3.05901918518, abs=3e-4)
    assert not run.exhausted
    critical, drop = laws.critical_sale(500, 10, 300)
    assert (critical, drop) == pytest.approx((467.523128702, 5.10825623766), rel=1e-11)
    below, above = (
        curve_ladder("depth_exponential", curve, F(300), F(critical) * F(share), F(10))
        for share in ("0.99", "1.01")
    )
    assert not below.exhausted
    assert above.exhausted
    assert laws.depth_exponential_drop(500, 10, 300, 472.2) == np.inf


def test_local_ratio_of_a_book_and_a_crowd():
    # bids of 4 units a tick and 3 units of triggers a tick: three quarters of what is sold is forced
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market("X", tick_size=1, lot_size=1)
    market.book.load_depth([(1000 - k, 400) for k in range(500)], [])
    triggers = 999 - np.arange(400)
    engine.accounts.open_ladder(
        market, side="long", size=300, trigger=triggers, bankruptcy=triggers - 5
    )
    bids = np.array(market.book.bids())
    ratio = laws.local_branching_ratio(
        triggers, np.full(400, 300), bids[:, 0], bids[:, 1], 999.5, 99.5
    )
    assert ratio == pytest.approx(0.75, rel=0.02)
    market.book.market("sell", 20 * 400)
    engine.step()
    # drop 20 / (1 - R) within two levels' worth
    assert 1000 - market.mark == pytest.approx(20 * laws.amplification(0.75), abs=8)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="absorbed"):
        laws.effective_ratio(0.5, 1.5)
    with pytest.raises(ValueError, match="spectral radius"):
        laws.cross_margin_drops([[1.1]], [1])
    with pytest.raises(ValueError, match="width"):
        laws.ladder_density([1], [1], 1, 0)
    with pytest.raises(ValueError, match="side"):
        laws.trigger_scale(10, 0.01, "up")
    assert laws.amplification(1) == np.inf
