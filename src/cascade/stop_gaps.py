"""Stop-gaps of lending rules: who makes a call that no liquidator gains by."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cascade.exact_numbers import exact

if TYPE_CHECKING:
    from cascade.lending_rules import LendingRules

__all__ = ["check_stop_gap", "has_pool", "stop_gap_numbers"]

POOL, BACKSTOP = 1, 2
STAGES = {"stability_pool": POOL, "backstop": BACKSTOP}
MOST = 2**60


def _stages(rules: LendingRules) -> list[tuple[str, Any]]:
    # names and capitals
    given = rules.stop_gap
    if not isinstance(given, (tuple, list)):
        raise TypeError(f"stop_gap must be a tuple of stages, got {given!r}")
    stages: list[tuple[str, Any]] = []
    for stage in given:
        name, *terms = (stage,) if isinstance(stage, str) else stage
        if name not in STAGES or len(terms) != (name == "backstop"):
            raise ValueError(
                f"stop_gap {stage!r} is neither 'stability_pool' nor ('backstop', capital)"
            )
        if name in (known for known, _ in stages):
            raise ValueError(f"stop_gap {name!r} is there twice")
        stages.append((name, terms[0] if terms else None))
    return stages


def check_stop_gap(rules: LendingRules) -> None:
    """Refuse stages that are none, or of rules without calls.

    Raises
    ------
    TypeError, ValueError
        The message names the stage.
    """
    stages = _stages(rules)
    stop_gap_numbers(rules, 1)
    close = rules.close_factor
    kind = close if isinstance(close, str) else close[0]
    if stages and kind in ("absorb", "auction", "trove"):
        raise ValueError(f"stop_gap {rules.stop_gap!r} is of calls, not of close_factor {kind!r}")


def has_pool(rules: LendingRules) -> bool:
    """Is there a stability pool, by troves or as a stop-gap?"""
    return rules.troves is not None or any(name == "stability_pool" for name, _ in _stages(rules))


def stop_gap_numbers(rules: LendingRules, atoms: int) -> dict[str, int]:
    """Whole numbers for the core; `atoms` in one unit of money. One atom stays in a pool."""
    stages = _stages(rules)
    kinds = [STAGES[name] for name, _ in stages] + [0, 0]
    made = {"first": kinds[0], "second": kinds[1], "capital": 0, "pool_least": 1}
    for name, capital in stages:
        if name == "backstop":
            number = exact(capital, "stop_gap") * atoms
            if not 0 <= number < MOST:
                raise ValueError(f"stop_gap: capital {capital!r} is outside 0 ... {MOST / atoms:g}")
            if atoms > 1 and Fraction(number).denominator != 1:
                raise ValueError(f"stop_gap: capital {capital!r} is finer than an atom")
            made["capital"] = int(number)
    return made
