"""Liquidations of loans: when one raises the loan to value, the spiral that follows, and who loses on a gap.

A liquidator repays debt and takes ``1 + bonus`` times its value in collateral. That lowers the loan to value
only while the collateral covers the debt with its bonus; past the frontier every liquidation makes the next one
worse.
"""

from __future__ import annotations

from dataclasses import dataclass

from cascade.laws.ranges import above, not_negative

__all__ = [
    "Spiral",
    "critical_depth",
    "gap_bad_debt",
    "health_change",
    "health_linked_critical_depth",
    "liquidation_spiral",
    "loss_frontier",
    "margin_after_liquidation",
    "price_at_loan_to_value",
    "toxic_loan_to_value",
]


def toxic_loan_to_value(bonus: float, depth: float = 0.0, impact: float = 2.0) -> float:
    """Loan to value above which a liquidation raises it.

    Parameters
    ----------
    bonus : float
        0.05 is 5 %; not below 0.
    depth : float, default 0
        Collateral's value over the quote reserve it is sold into; 0 sells it without impact.
    impact : float, default 2
        Relative price move a unit of depth: 2 of a constant product whose spot is the oracle; a linear market
        has its own.

    Returns
    -------
    float
        ``1 / ((1 + bonus) * (1 + impact * depth))``.

    Raises
    ------
    ValueError
        A number is negative.

    Notes
    -----
    Warmuz, Chaudhary & Pinna 2022 (arXiv 2212.07306) without depth; McFarlane 2025 (arXiv 2510.10171) with it.
    """
    exit_cost = 1 + not_negative(impact, "impact") * not_negative(depth, "depth")
    return 1 / ((1 + not_negative(bonus, "bonus")) * exit_cost)


def critical_depth(threshold: float, bonus: float) -> float:
    """Collateral over the quote reserve at which liquidations at the threshold become toxic.

    Parameters
    ----------
    threshold : float
        Loan to value at which accounts are liquidated, above 0.
    bonus : float
        Not below 0.

    Returns
    -------
    float
        ``(1 / ((1 + bonus) * threshold) - 1) / 2``; below 0 they are toxic in any market.

    Raises
    ------
    ValueError
        A number is out of range.

    Notes
    -----
    McFarlane 2025, on a constant product.
    """
    return (1 / ((1 + not_negative(bonus, "bonus")) * above(threshold, "threshold")) - 1) / 2


def health_linked_critical_depth(threshold: float) -> float:
    """`critical_depth` of a bonus that grows with ``1 - health`` and is nothing at the boundary.

    Raises
    ------
    ValueError
        `threshold` is not above 0.

    Notes
    -----
    McFarlane 2025: ``threshold <= 1 / (1 + 2 * depth)``.
    """
    return critical_depth(threshold, 0.0)


@dataclass(frozen=True)
class Spiral:
    """Liquidations of one account at a constant price, until it is healthy again or its collateral is gone.

    Parameters
    ----------
    path : tuple of float
        Loan to value before each liquidation; where the account ends healthy, the last one after it.
    liquidations : int
        How many there were.
    repaid, seized : float
        Values in all.
    debt, collateral : float
        Values left.
    bad_debt : float
        Debt left without collateral.
    """

    path: tuple[float, ...]
    liquidations: int
    repaid: float
    seized: float
    debt: float
    collateral: float
    bad_debt: float


def liquidation_spiral(
    collateral: float,
    debt: float,
    bonus: float,
    close_factor: float = 0.5,
    threshold: float = 0.0,
    most: int = 1000,
) -> Spiral:
    """Repeated liquidations of a share of the debt, with a price that does not move.

    Parameters
    ----------
    collateral, debt : float
        Values, above 0.
    bonus : float
        Not below 0.
    close_factor : float, default 0.5
        Share of the debt that each call repays, above 0, at most 1.
    threshold : float, default 0
        Loan to value at or below which the account is left alone; 0 goes on for ever.
    most : int, default 1000
        End after so many calls.

    Returns
    -------
    Spiral

    Raises
    ------
    ValueError
        A number is out of range.

    Notes
    -----
    Warmuz, Chaudhary & Pinna 2022: a repayment of a share a of the collateral takes the loan to value L to
    ``(L - a) / (1 - (1 + bonus) * a)``. The last call takes what collateral there is; a full spiral leaves
    ``debt - collateral / (1 + bonus)``.
    """
    held, owed = above(collateral, "collateral"), above(debt, "debt")
    factor = 1 + not_negative(bonus, "bonus")
    if not 0 < close_factor <= 1:
        raise ValueError(f"close_factor {close_factor!r} is outside 0 (excluded) ... 1")
    path, repaid, seized = [owed / held], 0.0, 0.0
    calls = 0
    while calls < most and owed > 0 and owed / held > threshold:
        wanted = close_factor * owed
        is_last = wanted * factor >= held
        pays = held / factor if is_last else wanted
        calls, repaid, owed = calls + 1, repaid + pays, owed - pays
        seized, held = seized + pays * factor, 0.0 if is_last else held - pays * factor
        if is_last:
            break
        path.append(owed / held)
    return Spiral(tuple(path), calls, repaid, seized, owed, held, 0.0 if held else owed)


def price_at_loan_to_value(collateral: float, amount: float, loan_to_value: float) -> float:
    """Price of a borrowed asset at which an account has that loan to value.

    Parameters
    ----------
    collateral : float
        Value, above 0.
    amount : float
        Units borrowed, above 0.
    loan_to_value : float
        Above 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        A number is not above 0.
    """
    value = above(collateral, "collateral") * above(loan_to_value, "loan_to_value")
    return value / above(amount, "amount")


def health_change(
    collateral: float, debt: float, threshold: float, bonus: float, repaid: float
) -> float:
    """Change of the health factor when a value is repaid and seized with its bonus.

    Parameters
    ----------
    collateral, debt, repaid : float
        Values; `repaid` is below the debt. Fractions give an exact answer.
    threshold : float
        Liquidation threshold.
    bonus : float

    Returns
    -------
    float
        ``repaid * (health - threshold * (1 + bonus)) / (debt - repaid)``: above zero while health is above the
        threshold times one plus the bonus.

    Raises
    ------
    ValueError
        `debt` is not above `repaid`.

    Notes
    -----
    leanbook, release note v0.5.62; the same in sherlock-audit/2024-06-new-scope-judging H-9.
    """
    if not debt > repaid:
        raise ValueError(f"repaid {repaid!r} is not below debt {debt!r}")
    health = collateral * threshold / debt
    return repaid * (health - threshold * (1 + bonus)) / (debt - repaid)


def margin_after_liquidation(collateral: float, debt: float, bonus: float, repaid: float) -> float:
    """Collateral less debt after a liquidation: each repayment costs the account its bonus.

    Parameters
    ----------
    collateral, debt, repaid : float
        Values. Fractions give an exact answer.
    bonus : float

    Returns
    -------
    float
        ``collateral - debt - bonus * repaid``.

    Notes
    -----
    leanbook, release note v0.5.62.
    """
    return collateral - debt - bonus * repaid


def loss_frontier(health: float, threshold: float, bonus: float) -> tuple[float, float]:
    """Price drops at which an account is first liquidated, and from which its lender loses.

    Parameters
    ----------
    health : float
        Health factor now, above 0.
    threshold : float
        Liquidation threshold, above 0.
    bonus : float
        Not below 0.

    Returns
    -------
    (first, loss) : tuple of float
        ``1 - 1 / health`` and ``max(first, 1 - (1 + bonus) * threshold / health)``. There is a band without loss
        between them iff ``threshold * (1 + bonus) < 1``.

    Raises
    ------
    ValueError
        A number is out of range.

    Notes
    -----
    Gatto 2026 (SSRN 7157638).
    """
    first = 1 - 1 / above(health, "health")
    covered = above(threshold, "threshold") * (1 + not_negative(bonus, "bonus"))
    return first, max(first, 1 - covered / health)


def gap_bad_debt(
    health: float, threshold: float, bonus: float, gap: float, collateral: float = 100.0
) -> float:
    """Bad debt after the price falls by a gap at once and everything is liquidated.

    Parameters
    ----------
    health, threshold, bonus : float
        As `loss_frontier`.
    gap : float
        Relative drop, 0 ... 1.
    collateral : float, default 100
        Value before.

    Returns
    -------
    float
        ``collateral * threshold / health - collateral * (1 - gap) / (1 + bonus)``, at least 0.

    Raises
    ------
    ValueError
        A number is out of range.

    Notes
    -----
    Gatto 2026 (SSRN 7157638), for one jump.
    """
    if not 0 <= gap <= 1:
        raise ValueError(f"gap {gap!r} is outside 0 ... 1")
    debt = not_negative(collateral, "collateral") * above(threshold, "threshold")
    left = collateral * (1 - gap) / (1 + not_negative(bonus, "bonus"))
    return max(debt / above(health, "health") - left, 0.0)
