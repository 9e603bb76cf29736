"""The insurance fund's side of a liquidation: what it gains or pays, its fee, and how large it must be.

Exact rational functions; the engine's own fund follows ``docs/margin.md``.
"""

from __future__ import annotations

from fractions import Fraction
from math import isfinite, log

from cascade.exact_numbers import Rate, exact

__all__ = ["exponential_fund", "fund_change", "pareto_fund", "shrinking_fee"]


def fund_change(proceeds: Rate, bankruptcy_value: Rate, fee_rate: Rate) -> Fraction:
    """What the fund gains from a fill, below zero what it pays.

    Parameters
    ----------
    proceeds : number
        Money the liquidated account receives: above zero for a sale, below for a purchase.
    bankruptcy_value : number
        The same at its bankruptcy price.
    fee_rate : number
        Largest fee, as a share of the absolute proceeds; 1 forfeits the surplus up to that.

    Returns
    -------
    Fraction
        A surplus pays the fee at most and the rest stays with the account; a shortfall is the
        fund's.

    Notes
    -----
    dYdX v4, GetLiquidationInsuranceFundDelta (v4-chain at 84d4664b).
    """
    surplus = exact(proceeds, "proceeds") - exact(bankruptcy_value, "bankruptcy_value")
    if surplus <= 0:
        return surplus
    return min(surplus, exact(fee_rate, "fee_rate") * abs(exact(proceeds, "proceeds")))


def shrinking_fee(
    shortage: Rate, notional: Rate, margin_rate: Rate, liquidator_fee: Rate, largest: Rate
) -> Fraction:
    """Fee rate of the fund that cannot push the liquidated account into bankruptcy.

    Parameters
    ----------
    shortage : number
        Maintenance margin less equity.
    notional : number
        Value of the position at the oracle price, above zero.
    margin_rate, liquidator_fee : number
        Maintenance rate, and the share of notional the liquidator takes.
    largest : number
        Largest fee rate.

    Returns
    -------
    Fraction
        ``min(largest, 95 % of (margin rate - liquidator fee - shortage / notional))``, at least 0.

    Raises
    ------
    ValueError
        `notional` is not above zero.

    Notes
    -----
    Drift v2, math/liquidation.rs (protocol-v2 at 0ae3e3b1d).
    """
    value = exact(notional, "notional")
    if value <= 0:
        raise ValueError(f"notional {notional!r} is not above zero")
    room = exact(margin_rate, "margin_rate") - exact(liquidator_fee, "liquidator_fee")
    room -= exact(shortage, "shortage") / value
    return max(Fraction(0), min(exact(largest, "largest"), Fraction(19, 20) * room))


def _rates(cost: float, penalty: float) -> None:
    if not (isfinite(penalty) and 0 < cost <= penalty):
        raise ValueError(f"cost {cost!r} must be above 0 and at most penalty {penalty!r}")


def exponential_fund(mean: float, cost: float, penalty: float = 1.0) -> tuple[float, float]:
    """Fund that minimises ``cost * fund + penalty * E[(deficit - fund)+]``, exponential deficits.

    Parameters
    ----------
    mean : float
        Mean deficit, above 0.
    cost, penalty : float
        Cost of holding a unit in the fund, and of a unit of deficit it does not cover.

    Returns
    -------
    fund, uncovered : float
        The fund, which is the deficits' quantile at 1 - cost / penalty, and the expected deficit
        beyond it.

    Raises
    ------
    ValueError
        `mean` is not above 0, or not 0 < cost <= penalty.

    Notes
    -----
    Chitra 2025 (arXiv:2512.01112), appendix on the optimal capital structure.
    """
    _rates(cost, penalty)
    if not mean > 0:
        raise ValueError(f"mean {mean!r} is not above 0")
    return mean * log(penalty / cost), mean * cost / penalty


def pareto_fund(
    smallest: float, tail: float, cost: float, penalty: float = 1.0
) -> tuple[float, float]:
    """The same for Pareto deficits ``P(deficit > x) = (smallest / x) ** tail``.

    Parameters
    ----------
    smallest : float
        Smallest deficit, above 0.
    tail : float
        Tail exponent, above 1.
    cost, penalty : float
        Cost of holding a unit in the fund, and of a unit of deficit it does not cover.

    Returns
    -------
    fund, uncovered : float

    Raises
    ------
    ValueError
        `smallest` is not above 0, `tail` is not above 1, or not 0 < cost <= penalty.

    Notes
    -----
    Chitra 2025 (arXiv:2512.01112), appendix on the optimal capital structure.
    """
    _rates(cost, penalty)
    if not smallest > 0:
        raise ValueError(f"smallest {smallest!r} is not above 0")
    if not tail > 1:
        raise ValueError(f"tail {tail!r} is not above 1")
    fund = smallest * (penalty / cost) ** (1 / tail)
    return fund, fund * cost / penalty / (tail - 1)
