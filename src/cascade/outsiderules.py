"""Rules as whole numbers: the delay of an index, samples, impact prices, and the house's disposal."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from cascade.exact_numbers import (
    LARGEST_NUMBER,
    LARGEST_TIME,
    NANOSECONDS,
    exact,
    rate_parts,
    whole,
)

if TYPE_CHECKING:
    from cascade.ruleset import Rules

__all__ = ["disposal_table", "outside_table"]

MOST_SAMPLES = 100_000
MOST_PAYMENTS = 10**9
MOST_OBSERVATIONS = 65_535


def outside_table(rules: Rules, atoms_per_unit: int) -> dict[str, int]:
    """Numbers of the core: nanoseconds, atoms, and how many samples are kept.

    Parameters
    ----------
    rules : Rules
    atoms_per_unit : int
        Atoms in one unit of the asset.

    Returns
    -------
    dict of str to int

    Raises
    ------
    TypeError, ValueError
        A rule is not what it should be; the message names it, its value and its range.
    """
    delay = round(exact(rules.index_delay, "index_delay") * NANOSECONDS)
    if not 0 <= delay < LARGEST_TIME:
        raise ValueError(
            f"index_delay {rules.index_delay!r} s is outside 0 ... {LARGEST_TIME - 1} ns"
        )
    payments = whole(rules.funding_payments, "funding_payments")
    if not 1 <= payments <= MOST_PAYMENTS:
        raise ValueError(f"funding_payments {payments} is outside 1 ... {MOST_PAYMENTS}")
    every, count = _samples(rules)
    if not 1 <= whole(rules.observations, "observations") <= MOST_OBSERVATIONS:
        raise ValueError(
            f"observations {rules.observations!r} is outside 1 ... {MOST_OBSERVATIONS}"
        )
    return {
        "index_delay": delay,
        "impact_notional": _notional(rules, atoms_per_unit),
        "sample_every": every,
        "sample_count": count,
        "funding_payments": payments,
        "accrues": rules.funding_mode == "index",
        "observations": rules.observations if rules.feed == "twap" else 0,
    }


def disposal_table(rules: Rules, lot: Fraction) -> dict[str, int]:
    """Numbers of the core: nanoseconds, parts of 1e-9 and lots; zeros without a disposal.

    Parameters
    ----------
    rules : Rules
    lot : Fraction
        Size of a lot.

    Returns
    -------
    dict of str to int

    Raises
    ------
    TypeError, ValueError
        As `outside_table`.
    """
    names = ("disposal_every", "disposal_fraction", "disposal_full", "disposal_share")
    if rules.disposal is None:
        return dict.fromkeys(names, 0)
    if not isinstance(rules.disposal, (tuple, list)) or len(rules.disposal) != 4:
        raise ValueError(
            f"disposal must be (seconds, fraction, full_size, max_share), got {rules.disposal!r}"
        )
    seconds, fraction, full, share = rules.disposal
    every = round(exact(seconds, "disposal seconds") * NANOSECONDS)
    if not 1 <= every < LARGEST_TIME:
        raise ValueError(f"disposal seconds {seconds!r} is outside 1 ns ... {LARGEST_TIME - 1} ns")
    size = exact(full, "disposal full_size")
    if size < 0:
        raise ValueError(f"disposal full_size {full!r} is below 0")
    numbers = (
        every,
        rate_parts(fraction, "disposal fraction", 0, 1),
        min(int(size / lot), LARGEST_NUMBER),
        rate_parts(share, "disposal max_share", 0, 1),
    )
    return dict(zip(names, numbers, strict=True))


def _samples(rules: Rules) -> tuple[int, int]:
    if rules.premium_samples is None:
        return 0, 0
    if not isinstance(rules.premium_samples, (tuple, list)) or len(rules.premium_samples) != 2:
        raise ValueError(f"premium_samples must be (seconds, count), got {rules.premium_samples!r}")
    if rules.feed != "index_premium":
        raise ValueError(f"premium_samples is for feed 'index_premium', not {rules.feed!r}")
    seconds, count = rules.premium_samples
    every = round(exact(seconds, "premium_samples seconds") * NANOSECONDS)
    if not 1 <= every < LARGEST_TIME:
        raise ValueError(
            f"premium_samples seconds {seconds!r} is outside 1 ns ... {LARGEST_TIME - 1} ns"
        )
    if not 1 <= whole(count, "premium_samples count") <= MOST_SAMPLES:
        raise ValueError(f"premium_samples count {count!r} is outside 1 ... {MOST_SAMPLES}")
    return every, whole(count, "premium_samples count")


def _notional(rules: Rules, atoms_per_unit: int) -> int:
    if rules.premium_of != "impact":
        if rules.impact_notional is not None:
            raise ValueError("impact_notional is for premium_of 'impact'")
        return 0
    if rules.impact_notional is None:
        raise ValueError("premium_of 'impact' needs impact_notional")
    atoms = int(exact(rules.impact_notional, "impact_notional") * atoms_per_unit)
    if not 1 <= atoms <= LARGEST_NUMBER:
        raise ValueError(
            f"impact_notional {rules.impact_notional!r} is outside 1 ... {LARGEST_NUMBER} atoms"
        )
    return atoms
