"""Cascades that a circuit breaker interrupts, and impact that decays, against their closed forms.

../shared/rules/laws.md, L17 and L18; numbers of the first parameters are kept from there.
"""

from fractions import Fraction as F  # noqa: N817

import pytest

from cascade import laws
from laws.halted import decaying_path, halted_ladder


@pytest.mark.parametrize(
    ("ratio", "generation", "needed", "at_halt"),
    [("0.6", 3, 0.110204081633, 6.528), ("1.2", 3, 0.474725274725, 16.104), ("0.6", 1, 0.6, 4.8)],
)
def test_a_halt_helps_from_the_critical_share_on(ratio, generation, needed, at_halt):
    assert laws.critical_replenishment(float(ratio), generation) == pytest.approx(needed)
    share = F(round(needed * 1000), 1000)
    enough = halted_ladder(F(3), F(ratio), generation, share + F(2, 1000))
    assert enough.pauses == 1
    assert enough.at_halt == pytest.approx(at_halt, rel=1e-9)
    assert enough.largest == enough.at_halt
    short = halted_ladder(F(3), F(ratio), generation, share - F(2, 1000))
    assert short.at_halt == pytest.approx(at_halt, rel=1e-9)
    assert short.largest > short.at_halt


@pytest.mark.parametrize("share", ["0.05", "0.09", "0", "-0.3"])
def test_below_it_the_cascade_goes_on(share):
    run = halted_ladder(F(3), F("0.6"), 3, F(share))
    expected = laws.halted_drop(3, 0.6, 3, float(share))
    # a negative share takes the ladder beyond its end at 8.25
    if share != "-0.3":
        assert run.largest == pytest.approx(expected, abs=5 * run.rung_drop)
    assert laws.halted_drop(3, 0.6, 3, 0.05) == pytest.approx(7.059)
    assert run.largest > laws.ladder_drop(3, 1, 0.6) if share == "-0.3" else run.largest <= 7.5


@pytest.mark.parametrize(
    ("kept", "path"), [("0.8", [3, 4.8, 5.52, 5.448]), ("0.3", [3, 4.8, 4.62])]
)
def test_impact_that_decays_between_generations(kept, path):
    assert laws.decaying_drops(3, 0.6, float(kept), len(path) - 1) == pytest.approx(path)
    assert decaying_path(F(3), F("0.6"), F(kept), 3) == pytest.approx(path, rel=1e-12)


@pytest.mark.parametrize(("kept", "goes_on"), [("0.45", True), ("0.35", False)])
def test_a_third_generation_needs_resilience_below_the_ratio(kept, goes_on):
    # R = 0.6 against 1 - kept
    path = decaying_path(F(3), F("0.6"), F(kept), 3)
    assert (path[2] > path[1]) == goes_on


def test_arguments_out_of_range():
    with pytest.raises(ValueError, match="generation 0 is below 1"):
        laws.critical_replenishment(0.6, 0)
    with pytest.raises(ValueError, match="ratio"):
        laws.critical_replenishment(0.0, 2)
    assert laws.critical_replenishment(1.0, 4) == 0.25
    assert laws.halted_drop(3, 1.2, 3, 0.1) == float("inf")
