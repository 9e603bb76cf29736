"""Health of an account in integers: health factor, liquidity and shortfall, score, loan to value.

Protocols add up the same products and round at different places, which decides accounts at the boundary:
`values` follows `LiquidationRule.health` and `LiquidationRule.safety_factor`, `is_liquidatable` the boundary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cascade.lending.account import Account, ReserveTerms
from cascade.lending.errors import PriceError
from cascade.lending.fixed_point import (
    BASIS_POINTS,
    WAD,
    mul_div_ceil,
    mul_div_floor,
    mul_div_half_up,
    percent_mul_half_up,
    wad_div_half_up,
)
from cascade.lending.rule import (
    Boundary,
    HealthMeasure,
    LiquidationRule,
    Rounding,
    SafetyFactor,
)

__all__ = [
    "Values",
    "health_factor",
    "health_factor_truncated",
    "health_factor_untruncated",
    "is_insolvent",
    "is_liquidatable",
    "liquidity",
    "loan_to_value",
    "max_debt",
    "oracle_price",
    "rounded",
    "value_of",
    "values",
]


def rounded(first: int, second: int, divisor: int, direction: Rounding) -> int:
    """``first * second / divisor``, rounded in the direction given."""
    by_direction = {
        Rounding.HALF_UP: mul_div_half_up,
        Rounding.FLOOR: mul_div_floor,
        Rounding.CEIL: mul_div_ceil,
    }
    return by_direction[direction](first, second, divisor)


def value_of(amount: int, reserve: ReserveTerms, direction: Rounding = Rounding.FLOOR) -> int:
    """Value of an amount in base currency; deposit tokens are taken at their exchange rate first.

    Parameters
    ----------
    amount : int
        Atoms.
    reserve : ReserveTerms
    direction : Rounding, default "floor"

    Returns
    -------
    int
    """
    if reserve.exchange_rate != WAD:
        amount = mul_div_floor(amount, reserve.exchange_rate, WAD)
    return rounded(amount, reserve.price, reserve.unit, direction)


def oracle_price(reserve: ReserveTerms) -> int:
    """Compound v2: price of a reserve as its oracle gives it, for 10**18 atoms.

    Parameters
    ----------
    reserve : ReserveTerms
        Its price is for `unit` atoms.

    Returns
    -------
    int
        Cut off where `unit` does not divide it.

    Notes
    -----
    compound-protocol, PriceOracle.getUnderlyingPrice: mantissas scaled by 10**(36 - decimals).
    """
    return mul_div_floor(reserve.price, WAD, reserve.unit)


@dataclass(frozen=True)
class Values:
    """An account in base currency.

    Parameters
    ----------
    collateral, debt : int
        Values without factors.
    weighted : int
        What the collateral counts; of measures "average" and "sum" times the factor's parts.
    owed : int
        What the debt counts: more than its value where it has a factor.
    """

    collateral: int
    debt: int
    weighted: int
    owed: int


def _mantissa_value(amount: int, reserve: ReserveTerms, threshold: int) -> int:
    # Compound v2 cuts off threshold * rate, then that times the price, then that times the tokens
    rate = mul_div_floor(threshold, reserve.exchange_rate, WAD)
    return mul_div_floor(mul_div_floor(rate, oracle_price(reserve), WAD), amount, WAD)


def _needs_price(rule: LiquidationRule, reserve: ReserveTerms, asset: str) -> None:
    if rule.health is HealthMeasure.MANTISSA and reserve.price == 0:
        raise PriceError("price", 0, f"the oracle must know {asset}", "PRICE_ERROR")


def values(rule: LiquidationRule, reserves: Mapping[str, ReserveTerms], account: Account) -> Values:
    """Value of an account's collateral and debt, as the rule counts them.

    Parameters
    ----------
    rule : LiquidationRule
    reserves : mapping of str to ReserveTerms
        Every asset of the account.
    account : Account

    Returns
    -------
    Values

    Raises
    ------
    KeyError
        An asset has no reserve.
    PriceError
        A price is zero where the protocol refuses that (Compound v2).
    """
    collateral = debt = weighted = owed = 0
    for asset, amount in account.collateral.items():
        reserve = reserves[asset]
        threshold = account.threshold(reserve)
        if asset in account.disabled or threshold == 0 or amount == 0:
            continue
        _needs_price(rule, reserve, asset)
        value = value_of(amount, reserve)
        collateral += value
        if rule.health is HealthMeasure.MANTISSA:
            weighted += _mantissa_value(amount, reserve, threshold)
        elif rule.health is HealthMeasure.EACH:
            weighted += mul_div_floor(value, threshold, rule.factor_parts)
        else:
            weighted += value * threshold
    for asset, amount in account.debts.items():
        reserve = reserves[asset]
        if amount == 0:
            continue
        _needs_price(rule, reserve, asset)
        # what is owed is underlying, whatever its deposit token is worth
        price, unit = reserve.price, reserve.unit
        if rule.health is HealthMeasure.MANTISSA:
            price, unit = oracle_price(reserve), WAD
        value = rounded(amount, price, unit, rule.rounding.debt_value)
        debt += value
        factor = reserve.borrow_factor
        if rule.safety_factor is SafetyFactor.COLLATERAL or factor is None:
            owed += value
        else:
            owed += mul_div_floor(value, rule.factor_parts, factor)
    return Values(collateral, debt, weighted, owed)


def health_factor_truncated(collateral: int, weighted: int, debt: int) -> int | None:
    """Health factor with the mean threshold cut to whole basis points, in WAD.

    Parameters
    ----------
    collateral : int
        Value of all collateral.
    weighted : int
        Sum of values times thresholds in basis points.
    debt : int
        Value of all debt.

    Returns
    -------
    int or None
        None without debt.

    Notes
    -----
    Aave v2 and v3.0-3.3, GenericLogic: the mean is cut off, the product and the quotient are half up.
    """
    if debt == 0:
        return None
    mean = weighted // collateral if collateral else 0
    return wad_div_half_up(percent_mul_half_up(collateral, mean), debt)


def health_factor_untruncated(weighted: int, debt: int, parts: int = BASIS_POINTS) -> int | None:
    """Health factor of the weighted sum as it is, in WAD; None without debt.

    Notes
    -----
    Aave v3.7, GenericLogic: WAD quotient half up, then the parts cut off.
    """
    return wad_div_half_up(weighted, debt) // parts if debt else None


def health_factor(
    rule: LiquidationRule, reserves: Mapping[str, ReserveTerms], account: Account
) -> int | None:
    """Health of an account in WAD: Aave's health factor, Euler's score, else weighted over owed, cut off.

    Parameters
    ----------
    rule : LiquidationRule
    reserves : mapping of str to ReserveTerms
    account : Account

    Returns
    -------
    int or None
        None without debt.

    Raises
    ------
    KeyError, PriceError
        As `values`.
    """
    found = values(rule, reserves, account)
    if rule.health is HealthMeasure.AVERAGE:
        return health_factor_truncated(found.collateral, found.weighted, found.owed)
    if rule.health is HealthMeasure.SUM:
        return health_factor_untruncated(found.weighted, found.owed, rule.factor_parts)
    return mul_div_floor(found.weighted, WAD, found.owed) if found.owed else None


def is_liquidatable(
    rule: LiquidationRule, reserves: Mapping[str, ReserveTerms], account: Account
) -> bool:
    """Whether an account may be liquidated.

    Parameters
    ----------
    rule : LiquidationRule
    reserves : mapping of str to ReserveTerms
    account : Account

    Returns
    -------
    bool
        At the boundary as the rule says; an account without debt never.

    Raises
    ------
    KeyError, PriceError
        As `values`.

    Notes
    -----
    Aave compares the rounded health factor with one, the others compare the two sides themselves.
    """
    if rule.health in (HealthMeasure.AVERAGE, HealthMeasure.SUM):
        score = health_factor(rule, reserves, account)
        return score is not None and _beyond(rule.boundary, score, WAD)
    found = values(rule, reserves, account)
    return any(account.debts.values()) and _beyond(rule.boundary, found.weighted, found.owed)


def _beyond(boundary: Boundary, weighted: int, owed: int) -> bool:
    return weighted < owed or (boundary is Boundary.AT_OR_BELOW and weighted == owed)


def liquidity(rule: LiquidationRule, reserves: Mapping[str, ReserveTerms], account: Account) -> int:
    """What an account may still borrow, below zero its shortfall, in base currency.

    Parameters
    ----------
    rule : LiquidationRule
    reserves : mapping of str to ReserveTerms
    account : Account

    Returns
    -------
    int

    Raises
    ------
    KeyError, PriceError
        As `values`.

    Notes
    -----
    Compound v2 Comptroller (getHypotheticalAccountLiquidity); of Comet the liquidation margin.
    """
    found = values(rule, reserves, account)
    if rule.health in (HealthMeasure.AVERAGE, HealthMeasure.SUM):
        return found.weighted // rule.factor_parts - found.owed
    return found.weighted - found.owed


def max_debt(amounts: list[tuple[int, int]], parts: int = WAD) -> int:
    """Largest debt that collaterals back: the sum of value times threshold, each cut off.

    Parameters
    ----------
    amounts : list of (value, threshold)
    parts : int, default 10**18
        Parts of one in a threshold.

    Returns
    -------
    int

    Notes
    -----
    docs.morpho.org, midnight: collateral health.
    """
    return sum(mul_div_floor(value, threshold, parts) for value, threshold in amounts)


def loan_to_value(
    reserves: Mapping[str, ReserveTerms], account: Account, direction: Rounding = Rounding.CEIL
) -> int | None:
    """Debt over collateral in WAD, without factors.

    Parameters
    ----------
    reserves : mapping of str to ReserveTerms
    account : Account
    direction : Rounding, default "ceil"

    Returns
    -------
    int or None
        None without collateral.
    """
    held = sum(value_of(amount, reserves[asset]) for asset, amount in account.collateral.items())
    owed = sum(
        rounded(amount, reserves[asset].price, reserves[asset].unit, Rounding.FLOOR)
        for asset, amount in account.debts.items()
    )
    return rounded(owed, WAD, held, direction) if held else None


def is_insolvent(reserves: Mapping[str, ReserveTerms], account: Account) -> bool:
    """Whether an account owes more than all its collateral is worth."""
    share = loan_to_value(reserves, account)
    owes = any(amount and reserves[asset].price for asset, amount in account.debts.items())
    return owes if share is None else share > WAD
