"""Profit of a liquidator who moves the oracle: a constant-product pool whose spot price measures health.

The attacker sells collateral into the pool until a loan is due, liquidates it in small pieces while selling
what it seizes, and buys back what it sold. Sadeghi & Feinstein 2026 (arXiv 2602.12104), sections 3 and 4, with
fees outside the reserves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade.laws.ranges import Floats, above, not_negative

__all__ = [
    "AttackedLoan",
    "attack_profit",
    "best_attack_profit",
    "break_even_attack_fee",
    "feasible_attack",
    "limit_attack_profit",
    "micro_liquidation_profit",
    "unbound_liquidation",
]

ATTACK_SIZES = 4001
HALVED_TO = 1e-12


@dataclass(frozen=True)
class AttackedLoan:
    """A loan and the pool that prices its collateral.

    Parameters
    ----------
    collateral, debt : float
        Units of collateral, and debt in the quote; above 0.
    threshold, bonus : float
        Liquidation threshold, above 0, and bonus, not below 0.
    reserve, quote_reserve : float
        Of the pool: collateral and quote; above 0.
    fee : float, default 0
        Of the pool, 0 ... 1 (excluded), taken from what comes in.

    Raises
    ------
    ValueError
        A number is out of range.
    """

    collateral: float
    debt: float
    threshold: float
    bonus: float
    reserve: float
    quote_reserve: float
    fee: float = 0.0

    def __post_init__(self) -> None:
        for name in ("collateral", "debt", "threshold", "reserve", "quote_reserve"):
            above(float(getattr(self, name)), name)
        not_negative(self.bonus, "bonus")
        if not 0 <= self.fee < 1:
            raise ValueError(f"fee {self.fee!r} is outside 0 ... 1 (excluded)")

    @property
    def growth(self) -> float:
        """g: what of a repaid unit of collateral reaches the pool, ``(1 - fee) * (1 + bonus)``."""
        return (1 - self.fee) * (1 + self.bonus)


def micro_liquidation_profit(repaid: float, loan: AttackedLoan) -> float:
    """Profit of infinitely many small liquidations, each sold into the pool before the next.

    Parameters
    ----------
    repaid : float
        Units of collateral that the repaid debt was worth when it was repaid; ``1 + bonus`` times it is seized.
    loan : AttackedLoan

    Returns
    -------
    float
        ``quote * (g - 1) * repaid / (reserve + g * repaid)``; nobody liquidates if ``g <= 1``.

    Raises
    ------
    ValueError
        `repaid` is negative.
    """
    size, g = not_negative(repaid, "repaid"), loan.growth
    return loan.quote_reserve * (g - 1) * size / (loan.reserve + g * size)


def unbound_liquidation(loan: AttackedLoan) -> tuple[float, float]:
    """Best single liquidation that no debt and no health binds: units repaid, and its profit.

    Returns
    -------
    (size, profit) : tuple of float
        ``reserve * (sqrt(g) - 1) / g`` and ``quote * (sqrt(g) - 1)**2 / g``; nothing if ``g <= 1``.
    """
    g = loan.growth
    if g <= 1:
        return 0.0, 0.0
    root = sqrt(g) - 1
    return loan.reserve * root / g, loan.quote_reserve * root**2 / g


def feasible_attack(collateral: float, reserve: float, fee: float) -> float:
    """Largest sale that can be bought back once all the collateral was seized and sold.

    Parameters
    ----------
    collateral, reserve : float
        Units of the loan and of the pool. Fractions give an exact answer.
    fee : float
        Of the pool, above 0.

    Returns
    -------
    float
        ``(reserve + (1 - fee) * collateral) / fee``.

    Raises
    ------
    ValueError
        `fee` is not above 0: then every sale can be bought back.

    Notes
    -----
    Proposition 3.
    """
    if not fee > 0:
        raise ValueError(f"fee {fee!r} is not above 0")
    return (reserve + (1 - fee) * collateral) / fee


def limit_attack_profit(collateral: float, reserve: float, quote_reserve: float) -> float:
    """Profit of ever larger attacks on a pool without fee: the collateral for nothing, sold into the pool.

    Parameters
    ----------
    collateral, reserve, quote_reserve : float
        Units of the loan, and of the pool. Fractions give an exact answer.

    Returns
    -------
    float
        ``quote * collateral / (reserve + collateral)``.

    Notes
    -----
    Proposition 2.
    """
    return quote_reserve * collateral / (reserve + collateral)


def _repaid(loan: AttackedLoan, reserve: NDArray[np.floating]) -> Floats:
    # health is back at one where threshold * (c - (1 + bonus) x) k = debt (A + g x)^2 - k x (A + g x) / A, in x
    product = loan.reserve * loan.quote_reserve
    g, weighted = loan.growth, loan.threshold * product
    square = loan.debt * g * g - product * g / reserve
    linear = 2 * loan.debt * g * reserve - product + weighted * (1 + loan.bonus)
    constant = loan.debt * reserve * reserve - weighted * loan.collateral
    most = np.full_like(reserve, loan.collateral / (1 + loan.bonus))
    root = linear * linear - 4 * square * constant
    with np.errstate(divide="ignore", invalid="ignore"):
        # the smaller root that is above zero, written so that a square of zero is no matter
        spread = np.sqrt(np.maximum(root, 0))
        roots = np.stack([-2 * constant / (linear + spread), -2 * constant / (linear - spread)])
    roots = np.where((root >= 0) & np.isfinite(roots) & (roots >= 0), roots, np.inf)
    found: Floats = np.minimum(most, roots.min(axis=0))
    # the debt itself may be gone first: k x / (A (A + g x)) = debt
    room = product - loan.debt * g * reserve
    with np.errstate(divide="ignore", invalid="ignore"):
        all_debt = np.where(room > 0, loan.debt * reserve * reserve / room, np.inf)
    bound: Floats = np.minimum(found, all_debt)
    return np.where(constant > 0, bound, 0.0)


def attack_profit(sizes: ArrayLike, loan: AttackedLoan) -> Floats:
    """Profit of each sale size: sell, liquidate until healthy or empty, sell what was seized, buy back.

    Parameters
    ----------
    sizes : array_like of float, shape (n,)
        Units of collateral sold.
    loan : AttackedLoan

    Returns
    -------
    ndarray of float64, shape (n,)
        In the quote; minus infinity where the sale does not make the loan due.
    """
    sold = np.asarray(sizes, float)
    product = loan.reserve * loan.quote_reserve
    reserve = loan.reserve + (1 - loan.fee) * sold
    received = loan.quote_reserve - product / reserve
    repaid = _repaid(loan, reserve)
    gained = product / reserve * (loan.growth - 1) * repaid / (reserve + loan.growth * repaid)
    after = reserve + loan.growth * repaid
    with np.errstate(divide="ignore"):
        paid = (product / np.maximum(after - sold, 0.0) - product / after) / (1 - loan.fee)
    profit: Floats = np.where(repaid > 0, received + gained - paid, -np.inf)
    return profit


def best_attack_profit(loan: AttackedLoan, largest: float = 1e9) -> tuple[float, float]:
    """Best attack that makes the loan due, and its profit.

    Parameters
    ----------
    loan : AttackedLoan
        Healthy at the pool's price.
    largest : float, default 1e9
        Reserves of the pool sold at most, where no fee bounds the attack.

    Returns
    -------
    (size, profit) : tuple of float
        Units of collateral sold, and profit in the quote: below zero where no attack pays. Sizes are searched on a
        logarithmic grid, refined twice.

    Raises
    ------
    ValueError
        The loan is due before any attack, or nobody liquidates because ``g <= 1``.

    Notes
    -----
    Sadeghi & Feinstein 2026, section 4.
    """
    if loan.growth <= 1:
        raise ValueError(
            f"fee {loan.fee!r} takes the whole bonus {loan.bonus!r}: nobody liquidates"
        )
    # due where threshold * collateral * spot = debt
    due = sqrt(loan.threshold * loan.collateral * loan.reserve * loan.quote_reserve / loan.debt)
    first = (due - loan.reserve) / (1 - loan.fee)
    if first < 0:
        raise ValueError("the loan is due before any attack")
    last = loan.reserve * largest
    if loan.fee > 0:
        last = min(last, feasible_attack(loan.collateral, loan.reserve, loan.fee))
    low, high = first * (1 + 1e-9) + 1e-12, last
    if low >= high:
        return first, -np.inf
    best = low
    for _ in range(3):
        sizes = np.geomspace(low, high, ATTACK_SIZES)
        profits = attack_profit(sizes, loan)
        place = int(np.argmax(np.where(np.isfinite(profits), profits, -np.inf)))
        best, profit = float(sizes[place]), float(profits[place])
        low, high = float(sizes[max(place - 1, 0)]), float(sizes[min(place + 1, len(sizes) - 1)])
    return best, profit if isfinite(profit) else -np.inf


def break_even_attack_fee(loan: AttackedLoan, largest: float = 1e9) -> float:
    """Fee of the pool from which on no attack on the loan pays.

    Parameters
    ----------
    loan : AttackedLoan
        Healthy at the pool's price; its own `fee` is not looked at.
    largest : float, default 1e9
        As in `best_attack_profit`.

    Returns
    -------
    float
        Where the best attack's profit is zero, found by halving; 0 when no attack pays even without a fee.

    Raises
    ------
    ValueError
        The loan is due before any attack, or it has no bonus: then nobody liquidates.

    Notes
    -----
    Sadeghi & Feinstein 2026, Example 5: about 17 basis points for 32,000 against 20.12 units in a pool of 10,000
    and 28 million. Fees at which ``g <= 1`` let nobody liquidate, so the fee lies below ``bonus / (1 + bonus)``.
    """

    def pays(fee: float) -> bool:
        return best_attack_profit(replace(loan, fee=fee), largest)[1] > 0

    low, high = 0.0, loan.bonus / (1 + loan.bonus)
    if not pays(low):
        return 0.0
    while high - low > HALVED_TO * high:
        middle = (low + high) / 2
        low, high = (middle, high) if pays(middle) else (low, middle)
    return (low + high) / 2
