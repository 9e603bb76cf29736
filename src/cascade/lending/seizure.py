"""From repaid debt to seized collateral, in each protocol's own order of steps and roundings.

Every function answers with what the liquidator pays, what leaves the account and what of that the protocol keeps;
which one applies is `LiquidationRule.steps`.
"""

from __future__ import annotations

from dataclasses import dataclass

from cascade.lending.account import ReserveTerms
from cascade.lending.errors import ExcessiveSeizureError, PriceError
from cascade.lending.fixed_point import (
    WAD,
    mul_div_ceil,
    mul_div_floor,
    ray_div_half_up,
    ray_mul_half_up,
    wad_div_ceil,
    wad_div_floor,
    wad_mul_floor,
)
from cascade.lending.health import oracle_price, rounded, value_of
from cascade.lending.rule import Excess, Fee, LiquidationRule, Steps

__all__ = [
    "LARGEST_INCENTIVE",
    "LIQUIDATION_CURSOR",
    "Seizure",
    "euler_v1_discount",
    "euler_v1_opportunity",
    "euler_v2_discount",
    "euler_v2_opportunity",
    "fee_within_balance",
    "incentive_factor",
    "seize_at_base",
    "seize_at_incentive",
    "seize_by_mantissa",
    "seize_tokens",
    "seized_at_rate",
    "split_seized",
]


#: Largest incentive factor of Morpho Blue, WAD.
LARGEST_INCENTIVE: int = 115 * 10**16
#: Cursor of Morpho Blue's incentive factor, WAD.
LIQUIDATION_CURSOR: int = 3 * 10**17


@dataclass(frozen=True)
class Seizure:
    """Amounts of one liquidation.

    Parameters
    ----------
    repaid : int
        Atoms the debt falls by.
    seized : int
        Atoms of collateral that leave the account, deposit tokens where there are any.
    fee : int, default 0
        What of the seized atoms the protocol keeps.
    repaid_fee : int, default 0
        Atoms of debt the liquidator owes on top (Euler v1).
    """

    repaid: int
    seized: int
    fee: int = 0
    repaid_fee: int = 0


def _priced(reserve: ReserveTerms, name: str) -> int:
    if reserve.price == 0:
        raise PriceError(f"price of the {name}", 0, "above 0, or nothing can be converted")
    return reserve.price


def seize_at_base(
    rule: LiquidationRule,
    repay: int,
    owed: ReserveTerms,
    held: ReserveTerms,
    balance: int,
    bonus: int,
) -> Seizure:
    """Aave: seized collateral of a repayment, cut to the balance, less the protocol's share of the bonus.

    Parameters
    ----------
    rule : LiquidationRule
        Steps "product" (v2) or "base_first" (v3), with their roundings.
    repay : int
        Atoms of debt, within what may be repaid.
    owed, held : ReserveTerms
        Of the debt and of the collateral.
    balance : int
        Atoms of collateral there are.
    bonus : int
        Multiplier, one included, in the rule's parts.

    Returns
    -------
    Seizure

    Raises
    ------
    PriceError
        A price is zero.

    Notes
    -----
    ``calculateAvailableCollateralToLiquidate`` of aave/protocol-v2 (LendingPoolCollateralManager), aave-v3-core
    and aave-dao/aave-v3-origin (LiquidationLogic).
    """
    parts, rounding = rule.factor_parts, rule.rounding
    debt_price, price = _priced(owed, "debt"), _priced(held, "collateral")
    if rule.steps is Steps.PRODUCT:
        product = rounded(debt_price * repay * held.unit, bonus, parts, rounding.seized)
        seized = product // (price * owed.unit)
    else:
        base = mul_div_floor(debt_price * repay, held.unit, price * owed.unit)
        seized = rounded(base, bonus, parts, rounding.seized)
    if seized > balance:
        seized = balance
        worth = mul_div_floor(price * balance, owed.unit, debt_price * held.unit)
        repay = rounded(worth, parts, bonus, rounding.repaid)
    fee = 0
    if held.protocol_fee and rule.fee is Fee.BONUS:
        without = rounded(seized, parts, bonus, rounding.without_bonus)
        # half up may exceed the amount by one where the bonus is a wei
        fee = rounded(max(seized - without, 0), held.protocol_fee, parts, rounding.fee)
    return Seizure(repay, seized, fee)


def fee_within_balance(fee: int, scaled_balance: int, index: int) -> int:
    """Aave: protocol fee as it can be moved when deposits are kept scaled: an atom less where rounding has
    eaten it.

    Parameters
    ----------
    fee : int
        Atoms.
    scaled_balance : int
        What the borrower has left of the collateral, scaled.
    index : int
        Liquidity index, RAY.

    Returns
    -------
    int

    Notes
    -----
    aave-v3-core, LiquidationLogic.executeLiquidationCall.
    """
    if ray_div_half_up(fee, index) > scaled_balance:
        return ray_mul_half_up(scaled_balance, index)
    return fee


def seize_tokens(
    repay: int, incentive: int, debt_price: int, collateral_price: int, exchange_rate: int
) -> int:
    """Compound v2: deposit tokens seized for a repayment, with its three truncations.

    Parameters
    ----------
    repay : int
        Atoms of the borrowed asset.
    incentive, debt_price, collateral_price, exchange_rate : int
        Mantissas of 10**18.

    Returns
    -------
    int

    Raises
    ------
    PriceError
        A price is zero.

    Notes
    -----
    compound-protocol, Comptroller.liquidateCalculateSeizeTokens.
    """
    for name, price in (("debt", debt_price), ("collateral", collateral_price)):
        if price == 0:
            raise PriceError(f"price of the {name}", 0, "above 0", "PRICE_ERROR")
    numerator = wad_mul_floor(incentive, debt_price)
    denominator = wad_mul_floor(collateral_price, exchange_rate)
    return wad_mul_floor(wad_div_floor(numerator, denominator), repay)


def split_seized(seized: int, share: int, exchange_rate: int = WAD) -> tuple[int, int, int]:
    """Compound v2: what of the seized tokens the liquidator and the protocol get.

    Parameters
    ----------
    seized : int
        Deposit tokens.
    share : int
        Of the protocol, mantissa.
    exchange_rate : int, default 10**18
        Mantissa.

    Returns
    -------
    (to_liquidator, to_protocol, reserves_added) : tuple of int
        Tokens, tokens that are burnt, and their underlying.

    Notes
    -----
    compound-protocol, CToken.seizeInternal.
    """
    kept = wad_mul_floor(seized, share)
    return seized - kept, kept, wad_mul_floor(kept, exchange_rate)


def seize_by_mantissa(
    rule: LiquidationRule, repay: int, owed: ReserveTerms, held: ReserveTerms, balance: int
) -> Seizure:
    """Compound v2: `seize_tokens` within the balance, and the protocol's share of them.

    Parameters
    ----------
    rule : LiquidationRule
    repay : int
    owed, held : ReserveTerms
    balance : int
        Deposit tokens of the account.

    Returns
    -------
    Seizure

    Raises
    ------
    PriceError
        A price is zero.
    ExcessiveSeizureError
        More tokens would be seized than there are: the liquidator has to offer less.
    """
    prices = oracle_price(owed), oracle_price(held)
    seized = seize_tokens(repay, rule.market_bonus, *prices, held.exchange_rate)
    if seized > balance:
        raise ExcessiveSeizureError(
            "seized tokens", seized, f"at most the balance {balance}", "LIQUIDATE_SEIZE_TOO_MUCH"
        )
    share = rule.fee_share if rule.fee is Fee.SEIZED else 0
    return Seizure(repay, seized, split_seized(seized, share)[1])


def euler_v1_discount(rule: LiquidationRule, score: int, booster: int = WAD) -> int:
    """Euler v1: discount at a health score.

    Parameters
    ----------
    rule : LiquidationRule
        With `base_discount`, `largest_boost` and `largest_discount`.
    score : int
        Health score, WAD.
    booster : int, default 10**18
        Factor of a liquidator who supplies, WAD: 1 to 2.

    Returns
    -------
    int
        WAD: ``(base + 1 - score) * booster``, at most ``largest_boost`` above that without booster and at most
        `largest_discount`.

    Notes
    -----
    euler-contracts, modules/Liquidation.sol.
    """
    base = rule.base_discount + max(WAD - score, 0)
    boosted = wad_mul_floor(base, booster)
    return min(boosted, base + rule.largest_boost, rule.largest_discount)


def _internal(atoms: int, reserve: ReserveTerms) -> int:
    # Euler v1 keeps amounts in parts of 10**18, whatever the token's decimals
    return mul_div_floor(atoms, WAD, reserve.unit)


def _external(amount: int, reserve: ReserveTerms) -> int:
    return mul_div_floor(amount, reserve.unit, WAD)


def seized_at_rate(repay: int, rate: int, owed: ReserveTerms, held: ReserveTerms) -> int:
    """Euler v1: collateral of a repayment at a rate of seized per repaid unit.

    Parameters
    ----------
    repay : int
        Atoms of debt.
    rate : int
        WAD.
    owed, held : ReserveTerms
        Of the debt and of the collateral.

    Returns
    -------
    int
        Atoms, cut off.

    Notes
    -----
    euler-contracts, BaseLogic.sol (decodeExternalAmount): amounts count in parts of 10**18 of a unit.
    """
    return _external(wad_mul_floor(_internal(repay, owed), rate), held)


def euler_v1_opportunity(
    rule: LiquidationRule,
    weighted: int,
    owed_value: int,
    owed: ReserveTerms,
    held: ReserveTerms,
    debt: int,
    balance: int,
    *,
    booster: int = WAD,
    is_same: bool = False,
) -> tuple[Seizure, int]:
    """Euler v1: the largest liquidation of a pair, and the rate of seized per repaid unit.

    Parameters
    ----------
    rule : LiquidationRule
    weighted, owed_value : int
        Risk-adjusted collateral and liability of the account.
    owed, held : ReserveTerms
        `held.liquidation_threshold` and `owed.borrow_factor` in the rule's parts; prices for `unit` atoms.
    debt, balance : int
        Atoms owed and held.
    booster : int, default 10**18
        WAD.
    is_same : bool, default False
        Debt and collateral are the same asset: no target applies.

    Returns
    -------
    (Seizure, int)
        Nothing while healthy; the rate is WAD.

    Raises
    ------
    PriceError
        A price is zero.

    Notes
    -----
    euler-contracts, modules/Liquidation.sol (computeLiqOpp): the repayment brings the score to `target_health`,
    then it is cut to the debt and to the collateral, then the reserve fee is added. Amounts count in parts of
    10**18 of a unit, and are cut off to atoms in the answer.
    """
    if weighted >= owed_value:
        return Seizure(0, 0), 0
    price, debt_price = _priced(held, "collateral"), _priced(owed, "debt")
    discount = euler_v1_discount(rule, mul_div_floor(weighted, WAD, owed_value), booster)
    rate = mul_div_floor(mul_div_floor(debt_price, WAD, price), WAD, WAD - discount)
    debt, balance = _internal(debt, owed), _internal(balance, held)
    repay = debt
    factor = owed.borrow_factor or rule.factor_parts
    debt_side = mul_div_floor(rule.target_health, rule.factor_parts, factor)
    threshold = mul_div_floor(WAD, held.liquidation_threshold, rule.factor_parts)
    collateral_side = mul_div_floor(threshold, WAD, WAD - discount)
    if not is_same and debt_side > collateral_side:
        short = wad_mul_floor(owed_value, rule.target_health) - weighted
        value = mul_div_floor(short, WAD, debt_side - collateral_side)
        repay = min(debt, mul_div_floor(value, WAD, debt_price))
    seized = wad_mul_floor(repay, rate)
    if seized > balance:
        repay, seized = mul_div_floor(balance, WAD, rate), balance
    fee = mul_div_floor(repay, WAD + rule.fee_share, WAD) - repay
    return Seizure(_external(repay, owed), _external(seized, held), 0, _external(fee, owed)), rate


def euler_v2_discount(rule: LiquidationRule, score: int) -> int:
    """Euler v2: discount at a health score.

    Parameters
    ----------
    rule : LiquidationRule
        With `largest_discount`.
    score : int
        Weighted collateral over liability, WAD.

    Returns
    -------
    int
        WAD: what is missing to a score of one, at most `largest_discount`; none from one on.

    Notes
    -----
    euler-vault-kit, Liquidation.sol (calculateMaxLiquidation): the discount factor is the score, at least one less
    the largest discount.
    """
    return min(max(WAD - score, 0), rule.largest_discount)


def euler_v2_opportunity(
    rule: LiquidationRule,
    weighted: int,
    owed_value: int,
    owed: ReserveTerms,
    held: ReserveTerms,
    debt: int,
    balance: int,
) -> Seizure:
    """Euler v2: the largest liquidation of a pair.

    Parameters
    ----------
    rule : LiquidationRule
    weighted, owed_value : int
        Collateral times its loan-to-value, and liability, of the account.
    owed, held : ReserveTerms
    debt, balance : int
        Atoms owed and held.

    Returns
    -------
    Seizure
        Nothing while weighted collateral is above the liability; all collateral for nothing where it is worthless;
        nothing where the liability is worthless.

    Notes
    -----
    euler-vault-kit, Liquidation.sol (calculateMaxLiquidation): every value is cut off.
    """
    if weighted > owed_value:
        return Seizure(0, 0)
    worth = value_of(balance, held)
    if worth == 0:
        return Seizure(0, balance)
    liability = value_of(debt, owed)
    if liability == 0 or owed_value == 0:
        return Seizure(0, 0)
    factor = WAD - euler_v2_discount(rule, mul_div_floor(weighted, WAD, owed_value))
    repaid_value, seized_value = liability, mul_div_floor(liability, WAD, factor)
    if worth < seized_value:
        repaid_value, seized_value = mul_div_floor(worth, factor, WAD), worth
    return Seizure(
        mul_div_floor(repaid_value, debt, liability), mul_div_floor(seized_value, balance, worth)
    )


def incentive_factor(threshold: int) -> int:
    """Morpho Blue: liquidation incentive factor of a liquidation loan-to-value.

    Parameters
    ----------
    threshold : int
        WAD.

    Returns
    -------
    int
        WAD: ``min(1.15, 1 / (1 - 0.3 * (1 - threshold)))``, cut off.

    Notes
    -----
    morpho-blue, Morpho.sol and ConstantsLib.sol.
    """
    inner = WAD - wad_mul_floor(LIQUIDATION_CURSOR, WAD - threshold)
    return min(LARGEST_INCENTIVE, wad_div_floor(WAD, inner))


def seize_at_incentive(
    rule: LiquidationRule,
    repay: int | None,
    owed: ReserveTerms,
    held: ReserveTerms,
    debt: int,
    balance: int,
) -> Seizure:
    """Morpho Blue in assets: seized collateral rounds down; the price of all of it rounds up.

    Parameters
    ----------
    rule : LiquidationRule
    repay : int or None
        Atoms of debt; None takes all the collateral, or as much as the whole debt pays for.
    owed, held : ReserveTerms
    debt, balance : int
        Atoms owed and held.

    Returns
    -------
    Seizure

    Raises
    ------
    PriceError
        A price is zero.
    ExcessiveSeizureError
        More would be seized than there is.

    Notes
    -----
    morpho-blue, Morpho.sol (liquidate); with shares `cascade.lending.morpho_liquidate`.
    """
    price = _priced(held, "collateral") * owed.unit
    debt_price = _priced(owed, "debt") * held.unit
    factor = incentive_factor(held.liquidation_threshold)
    if repay is None:
        whole = wad_div_ceil(mul_div_ceil(balance, price, debt_price), factor)
        if whole <= debt:
            return Seizure(whole, balance)
        repay = debt
    seized = mul_div_floor(wad_mul_floor(repay, factor), debt_price, price)
    if seized > balance:
        if rule.excess_collateral is Excess.REFUSE:
            raise ExcessiveSeizureError("seized", seized, f"at most the balance {balance}")
        seized = balance
    return Seizure(repay, seized)
