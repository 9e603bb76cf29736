"""Supply caps, borrow caps and debt ceilings: what they count and whether the cap itself is allowed."""

from __future__ import annotations

from cascade.lending.errors import CapExceededError
from cascade.lending.rule import CapBound

__all__ = [
    "DEBT_CEILING_DECIMALS",
    "borrowed_within",
    "isolated_debt",
    "supplied_within",
    "within_cap",
]

#: Decimals in which Aave counts debt against a ceiling.
DEBT_CEILING_DECIMALS: int = 2


def within_cap(total: int, cap: int, bound: CapBound = CapBound.AT_OR_BELOW) -> bool:
    """Whether a total is within a cap; a cap of 0 is none.

    Parameters
    ----------
    total, cap : int
        The same unit.
    bound : CapBound, default "at_or_below"
        Aave allows the cap itself, Compound v2 does not.

    Returns
    -------
    bool
    """
    if cap == 0:
        return True
    return total < cap or (total == cap and CapBound(bound) is CapBound.AT_OR_BELOW)


def supplied_within(
    supplied: int, accrued_to_treasury: int, amount: int, cap: int, unit: int
) -> int:
    """Aave: total supply after a deposit, with what has accrued to the treasury.

    Parameters
    ----------
    supplied, accrued_to_treasury, amount : int
        Atoms.
    cap : int
        Whole units; 0 is none.
    unit : int
        Atoms in one.

    Returns
    -------
    int
        Atoms.

    Raises
    ------
    CapExceededError
        The total is above the cap.
    """
    total = supplied + accrued_to_treasury + amount
    if not within_cap(total, cap * unit):
        raise CapExceededError("supply", total, f"at most {cap * unit}", "SUPPLY_CAP_EXCEEDED")
    return total


def borrowed_within(
    borrowed: int, amount: int, cap: int, bound: CapBound = CapBound.AT_OR_BELOW
) -> int:
    """Total debt after a borrow; a deficit that was written off is no debt and does not count.

    Parameters
    ----------
    borrowed, amount, cap : int
        Atoms; a cap of 0 is none.
    bound : CapBound, default "at_or_below"

    Returns
    -------
    int

    Raises
    ------
    CapExceededError
        The total is outside the cap.
    """
    total = borrowed + amount
    if not within_cap(total, cap, bound):
        allowed = "below" if CapBound(bound) is CapBound.BELOW else "at most"
        raise CapExceededError("borrow", total, f"{allowed} {cap}", "BORROW_CAP_EXCEEDED")
    return total


def isolated_debt(debt: int, amount: int, decimals: int, ceiling: int) -> int:
    """Isolated debt after a borrow, in hundredths of the base unit: smaller amounts count as nothing.

    Parameters
    ----------
    debt : int
        Isolated debt before, hundredths.
    amount : int
        Atoms borrowed.
    decimals : int
        Of the borrowed asset, at least 2.
    ceiling : int
        Hundredths; 0 means the collateral is not isolated and nothing is counted.

    Returns
    -------
    int
        Hundredths.

    Raises
    ------
    CapExceededError
        It would be above the ceiling.
    ValueError
        `decimals` is below 2.

    Notes
    -----
    Aave v3.0-3.6, ValidationLogic.validateBorrow; the conversion cuts off.
    """
    if decimals < DEBT_CEILING_DECIMALS:
        raise ValueError(f"decimals {decimals!r} is below {DEBT_CEILING_DECIMALS}")
    if ceiling == 0:
        return debt
    total = debt + amount // 10 ** (decimals - DEBT_CEILING_DECIMALS)
    if total > ceiling:
        raise CapExceededError(
            "isolated debt", total, f"at most {ceiling}", "DEBT_CEILING_EXCEEDED"
        )
    return total
