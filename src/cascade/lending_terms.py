"""Numbers of a reserve's terms: caps, isolated collateral, and how fine the marks of its sides are.

A debt ceiling counts amounts in hundredths, not values: what may be borrowed in isolation is worth about one.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cascade._grid import Grid
from cascade.bounds import MAX_PRICE
from cascade.exact_numbers import exact, rate_parts, whole
from cascade.interest_models import InterestModel
from cascade.market import Market

__all__ = ["cap_lots", "isolation_terms", "share_terms", "side_refinement"]

#: Parts of a unit in which debt is counted against a ceiling.
HUNDREDTHS = 100
LARGEST = 2**62
FINEST = 50_000_000


def cap_lots(lots: Grid, cap: Any, name: str) -> int:
    """Whole lots of a cap, -1 for none; a ValueError names one that is outside 0 ... 2**60 lots."""
    if cap is None:
        return -1
    steps = lots.steps(cap, name)
    if not 0 <= steps <= 2**60:
        raise ValueError(f"{name} {cap!r} is outside 0 ... 2**60 lots")
    return steps


def share_terms(lots: Grid, cap: Any, share: Any) -> dict[str, int]:
    """``account_cap`` in lots and ``account_share`` in parts of 10**9, -1 for none."""
    return {
        "account_cap": cap_lots(lots, cap, "account_cap"),
        "account_share": -1 if share is None else rate_parts(share, "account_share", 0, 1),
    }


def isolation_terms(lots: Grid, ceiling: Any, borrowable: bool) -> dict[str, Any]:
    """Whole numbers of a reserve for the core.

    Parameters
    ----------
    lots : Grid
        Of its amounts.
    ceiling : number or None
        Most that accounts with this collateral may owe.
    borrowable : bool
        May such accounts owe this asset?

    Returns
    -------
    dict
        ``debt_ceiling``, hundredths, -1 for none; ``isolation_lends``; ``hundredths`` of units in
        ``hundredths_lots`` lots.

    Raises
    ------
    TypeError, ValueError
        The ceiling is below zero, too large or no whole number of hundredths, or lots are too small or
        large to be counted.
    """
    parts = Fraction(lots.step) * HUNDREDTHS
    fits = max(parts.numerator, parts.denominator) <= LARGEST
    if borrowable and not fits:
        raise ValueError(f"borrowable_in_isolation: lots of {lots.step} cannot be counted")
    count = Fraction(-1) if ceiling is None else exact(ceiling, "debt_ceiling") * HUNDREDTHS
    if ceiling is not None and not (0 <= count <= LARGEST and count.denominator == 1):
        raise ValueError(
            f"debt_ceiling {ceiling!r} is no whole number of hundredths in 0 ... {LARGEST // HUNDREDTHS}"
        )
    return {
        "debt_ceiling": int(count),
        "isolation_lends": bool(borrowable),
        "hundredths": parts.numerator if fits else 0,
        "hundredths_lots": parts.denominator if fits else 1,
    }


def side_refinement(
    given: int | None, interest: InterestModel | None, source: Market | None
) -> int:
    """Parts of a tick in the marks of a reserve's sides: stated, or as fine as the price allows with interest."""
    if given is not None:
        if not 1 <= whole(given, "refinement") <= MAX_PRICE:
            raise ValueError(f"refinement {given} is outside 1 ... {MAX_PRICE}")
        return given
    if interest is None:
        return 1
    ticks = 1 if source is None else source.mark_ticks
    if not ticks:
        assert source is not None
        raise ValueError(f"market {source.name!r} has no mark yet: set its index first")
    made = 1
    while made * 10 * ticks <= FINEST:
        made *= 10
    return made
