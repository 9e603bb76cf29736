"""How much of a debt one call may repay, what may be left over, and how much restores a target health.

Exact functions of integers; `cascade.lending.liquidate` asks them by the rule's knobs.
"""

from __future__ import annotations

from fractions import Fraction

from cascade.exact_numbers import Rate, exact
from cascade.lending.errors import DustLeftError, ExcessiveRepayError
from cascade.lending.fixed_point import (
    BASIS_POINTS,
    WAD,
    mul_div_floor,
    percent_mul_half_up,
)
from cascade.lending.rule import CloseFactor, Dust, Excess, LiquidationRule

__all__ = [
    "allowed_repay",
    "check_dust",
    "largest_partial",
    "leaves_dust",
    "max_repay",
    "repay_to_target",
    "restoring_fraction",
    "toxic_threshold",
]


def max_repay(
    rule: LiquidationRule,
    health: int | None,
    debt: int,
    *,
    debt_value: int = 0,
    collateral_value: int = 0,
    total_debt_value: int = 0,
    price: int = 1,
    unit: int = 1,
    is_deprecated: bool = False,
) -> int:
    """Largest repayment of one call, before the collateral limits it.

    Parameters
    ----------
    rule : LiquidationRule
        Its close factor: "share", "health", "health_and_size" or "whole".
    health : int or None
        Health factor in WAD.
    debt : int
        Atoms owed in the chosen asset.
    debt_value, collateral_value : int
        Value of the chosen debt and the chosen collateral; only "health_and_size" asks.
    total_debt_value : int
        Value of all debts; only "health_and_size" asks.
    price, unit : int
        Of the debt's asset; only "health_and_size" asks.
    is_deprecated : bool, default False
        Everything may be repaid (Compound v2).

    Returns
    -------
    int
        Atoms of the debt.

    Raises
    ------
    ValueError
        The rule has another close factor, which is not one of a share.

    Notes
    -----
    Aave v2 and v3 take the share half up; Compound v2 cuts it off. Aave v3.3 takes half of the whole account's
    debt and cuts off its conversion at the debt's price.
    """
    if rule.close is CloseFactor.WHOLE or is_deprecated:
        return debt
    if rule.close is CloseFactor.SHARE:
        if rule.excess is Excess.REFUSE:
            return mul_div_floor(debt, rule.close_share, BASIS_POINTS)
        return percent_mul_half_up(debt, rule.close_share)
    is_low = health is not None and health <= rule.close_health
    if rule.close is CloseFactor.HEALTH:
        return debt if is_low else percent_mul_half_up(debt, rule.close_share)
    if rule.close is CloseFactor.HEALTH_AND_SIZE:
        if is_low or min(debt_value, collateral_value) < rule.close_size:
            return debt
        share = percent_mul_half_up(total_debt_value, rule.close_share)
        return mul_div_floor(share, unit, price) if debt_value > share else debt
    raise ValueError(
        f"close {rule.close.value!r} is not one of share, health, health_and_size, whole"
    )


def allowed_repay(rule: LiquidationRule, requested: int | None, largest: int) -> int:
    """A request as the protocol takes it: cut silently, or refused, above the largest.

    Parameters
    ----------
    rule : LiquidationRule
    requested : int or None
        Atoms; None asks for the largest (max uint).
    largest : int

    Returns
    -------
    int

    Raises
    ------
    ExcessiveRepayError
        More is requested and the protocol does not cut.
    """
    if requested is None:
        return largest
    if requested > largest and rule.excess is Excess.REFUSE:
        raise ExcessiveRepayError("repay", requested, f"at most {largest}", "TOO_MUCH_REPAY")
    return min(requested, largest)


def leaves_dust(debt_left_value: int, collateral_left_value: int, least_left: int) -> bool:
    """Whether something too small is left on a side while both sides have something left.

    Parameters
    ----------
    debt_left_value, collateral_left_value : int
        Value left of the pair, base currency; 0 means that side is cleared.
    least_left : int

    Returns
    -------
    bool

    Notes
    -----
    Aave v3.3: one pair is looked at, not the account.
    """
    if debt_left_value == 0 or collateral_left_value == 0:
        return False
    return min(debt_left_value, collateral_left_value) < least_left


def check_dust(
    rule: LiquidationRule,
    debt_left: int,
    collateral_left: int,
    debt_left_value: int,
    collateral_left_value: int,
) -> None:
    """Refuse a liquidation that leaves dust.

    Parameters
    ----------
    rule : LiquidationRule
    debt_left, collateral_left : int
        Atoms left of the pair.
    debt_left_value, collateral_left_value : int
        The same in base currency.

    Raises
    ------
    DustLeftError
        A side is left with less than `least_left` while neither is cleared.
    """
    if rule.dust is Dust.ANY or debt_left == 0 or collateral_left == 0:
        return
    for name, value in (
        ("debt left", debt_left_value),
        ("collateral left", collateral_left_value),
    ):
        if value < rule.least_left:
            raise DustLeftError(
                name, value, f"0 or at least {rule.least_left}", "MUST_NOT_LEAVE_DUST"
            )


def largest_partial(value: int, least_left: int) -> int:
    """Largest part of a value that leaves at least `least_left` of it; 0 if only all of it may go."""
    return max(value - least_left, 0)


def restoring_fraction(health: int, liquidation_threshold: int, bonus: int) -> int | None:
    """Share of the debt whose repayment brings health to one, in WAD.

    Parameters
    ----------
    health : int
        Health factor, WAD.
    liquidation_threshold, bonus : int
        Basis points; `bonus` is the multiplier, one included.

    Returns
    -------
    int or None
        ``(1 - health) / (1 - threshold * bonus)``, cut off; None where no repayment restores it.

    Notes
    -----
    Review 195 of Aave v3.3 (sherlock-audit/2025-01-aave-v3-3-judging).
    """
    parts = BASIS_POINTS**2
    room = parts - liquidation_threshold * bonus
    if room <= 0:
        return None
    return mul_div_floor(max(WAD - health, 0), parts, room)


def repay_to_target(
    debt: Rate,
    weighted: Rate,
    liquidation_threshold: Rate,
    bonus: Rate,
    target: Rate = 1,
) -> Fraction | None:
    """Value to repay so that health reaches a target.

    Parameters
    ----------
    debt : number
        Value of all debt.
    weighted : number
        Value of all collateral times its thresholds.
    liquidation_threshold : number
        Of the collateral that is taken, not the mean.
    bonus : number
        What a liquidator gets above the value repaid: 0.05 is 5 %.
    target : number, default 1
        Health aimed at.

    Returns
    -------
    Fraction or None
        ``(target * debt - weighted) / (target - threshold * (1 + bonus))``, at least 0; None where repaying
        never gets there because each repayment costs more health than it brings.

    Notes
    -----
    Dango (left-curve, liquidation-math.md) and Euler v1 with target 1.25; with target 1 the share of Aave v3.3's
    review 195.
    """
    aim = exact(target, "target")
    needed = aim * exact(debt, "debt") - exact(weighted, "weighted")
    if needed <= 0:
        return Fraction(0)
    gained = aim - exact(liquidation_threshold, "liquidation_threshold") * (
        1 + exact(bonus, "bonus")
    )
    return needed / gained if gained > 0 else None


def toxic_threshold(liquidation_threshold: Rate, bonus: Rate, depth: Rate = 0) -> Fraction:
    """Health at or below which a liquidation of a single collateral lowers health.

    Parameters
    ----------
    liquidation_threshold : number
    bonus : number
        0.05 is 5 %.
    depth : number, default 0
        Collateral's value over the quote reserve of the constant-product pool it is sold into; 0 sells it at
        its price.

    Returns
    -------
    Fraction
        ``threshold * (1 + bonus) * (1 + 2 * depth)``; in loan to value, liquidations are toxic above the threshold
        over this.

    Notes
    -----
    Health rises iff it is above this. Without depth leanbook's release note v0.5.62; with it McFarlane 2025.
    """
    exit_cost = 1 + 2 * exact(depth, "depth")
    factor = exact(liquidation_threshold, "liquidation_threshold")
    return factor * (1 + exact(bonus, "bonus")) * exit_cost
