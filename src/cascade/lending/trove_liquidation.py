"""What a liquidation of a trove does with its debt and collateral: Liquity v1 and v2.

Exact functions on integers of 18 decimals, every division rounded down as in the contracts. `TroveSystem`
runs whole histories of v1.

Sources: liquity/dev TroveManager.sol, LiquityBase.sol, LiquityMath.sol; liquity/bold TroveManager.sol.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cascade.lending.wad import WAD, amount, rounded_power

Branch = Literal["redistribute", "offset then redistribute", "capped offset", "nothing"]

MINIMUM_RATIO = 11 * WAD // 10
CRITICAL_RATIO = 15 * WAD // 10
LIQUIDATION_RESERVE = 200 * WAD
LEAST_NET_DEBT = 1800 * WAD
GAS_COMPENSATION_DIVISOR = 200
FEE_FLOOR = WAD // 200
LARGEST_BORROWING_FEE = WAD // 20
MINUTE_DECAY_FACTOR = 999037758833783000
LARGEST_MINUTES = 525_600_000
#: Ratio of a trove without debt.
NO_DEBT = 2**256 - 1


@dataclass(frozen=True)
class TroveLiquidation:
    """Where debt and collateral of a liquidated trove go; the parts add up to the whole.

    Parameters
    ----------
    offset_debt_wad, offset_collateral_wad : int
        Cancelled against the stability pool, and what the pool gets for it.
    redistributed_debt_wad, redistributed_collateral_wad : int
        To the other troves.
    surplus_wad : int
        Collateral that the owner may claim.
    gas_compensation_wad : int
        Collateral to the liquidator.
    """

    offset_debt_wad: int
    offset_collateral_wad: int
    redistributed_debt_wad: int
    redistributed_collateral_wad: int
    surplus_wad: int
    gas_compensation_wad: int


def collateral_ratio(collateral_wad: int, debt_wad: int, price_wad: int) -> int:
    """``collateral * price / debt``, rounded down; 2**256 - 1 without debt.

    Examples
    --------
    >>> collateral_ratio(16 * WAD // 10, 150 * WAD, 100 * WAD)
    1066666666666666666
    """
    debt = amount(debt_wad, "debt_wad")
    value = amount(collateral_wad, "collateral_wad") * amount(price_wad, "price_wad")
    return value // debt if debt else NO_DEBT


def max_debt(collateral_wad: int, price_wad: int, ratio_wad: int = MINIMUM_RATIO) -> int:
    """The most debt that the collateral carries at a ratio, rounded down."""
    value = amount(collateral_wad, "collateral_wad") * amount(price_wad, "price_wad")
    return value // amount(ratio_wad, "ratio_wad", 1)


def composite_debt(drawn_wad: int, reserve_wad: int = LIQUIDATION_RESERVE) -> int:
    """Debt that ratios are measured with: what is drawn and the liquidation reserve."""
    return amount(drawn_wad, "drawn_wad") + amount(reserve_wad, "reserve_wad")


def gas_compensation(
    collateral_wad: int, divisor: int = GAS_COMPENSATION_DIVISOR, cap_wad: int | None = None
) -> int:
    """Collateral to the liquidator: a share, rounded down, at most `cap_wad`."""
    share = amount(collateral_wad, "collateral_wad") // amount(divisor, "divisor", 1)
    return share if cap_wad is None else min(share, amount(cap_wad, "cap_wad"))


def liquidation_branch(
    ratio_wad: int,
    system_ratio_wad: int,
    debt_wad: int,
    pool_wad: int,
    *,
    minimum_ratio_wad: int = MINIMUM_RATIO,
    critical_ratio_wad: int = CRITICAL_RATIO,
) -> Branch:
    """What happens to a trove when it is liquidated.

    Parameters
    ----------
    ratio_wad, system_ratio_wad : int
        Of the trove and of the whole system; recovery mode is a system below `critical_ratio_wad`.
    debt_wad, pool_wad : int
        Debt of the trove, and what the stability pool can offset.
    minimum_ratio_wad, critical_ratio_wad : int
        110 % and 150 %.

    Returns
    -------
    str
        ``"redistribute"``, ``"offset then redistribute"``, ``"capped offset"`` or ``"nothing"``.

    Notes
    -----
    Exactly 110 % is healthy in normal mode; in recovery mode exactly 100 % is redistributed, exactly 110 %
    is offset at the cap, and a trove exactly at the system's ratio is let alone.

    Examples
    --------
    >>> liquidation_branch(WAD, 14 * WAD // 10, 100 * WAD, 1000 * WAD)
    'redistribute'
    """
    ratio = amount(ratio_wad, "ratio_wad")
    debt, pool = amount(debt_wad, "debt_wad"), amount(pool_wad, "pool_wad")
    recovery = amount(system_ratio_wad, "system_ratio_wad") < critical_ratio_wad
    if ratio < minimum_ratio_wad:
        alone = pool == 0 or (recovery and ratio <= WAD)
        return "redistribute" if alone else "offset then redistribute"
    if recovery and ratio < system_ratio_wad and 0 < debt <= pool:
        return "capped offset"
    return "nothing"


def offset_and_redistribute(
    collateral_wad: int, debt_wad: int, pool_wad: int, *, divisor: int = GAS_COMPENSATION_DIVISOR
) -> TroveLiquidation:
    """Liquity v1: as much debt as the pool has is offset, the rest goes to the other troves.

    Parameters
    ----------
    collateral_wad, debt_wad : int
        Of the trove; the debt at least 1.
    pool_wad : int
        What the stability pool can offset; 0 redistributes all.
    divisor : int, default 200
        One part of the collateral in so many is the liquidator's.

    Examples
    --------
    >>> parts = offset_and_redistribute(2 * WAD, 200 * WAD, 50 * WAD)
    >>> parts.offset_collateral_wad, parts.redistributed_collateral_wad, parts.gas_compensation_wad
    (497500000000000000, 1492500000000000000, 10000000000000000)
    """
    collateral = amount(collateral_wad, "collateral_wad")
    debt = amount(debt_wad, "debt_wad", 1)
    fee = gas_compensation(collateral, divisor)
    offset = min(debt, amount(pool_wad, "pool_wad"))
    to_pool = (collateral - fee) * offset // debt
    return TroveLiquidation(offset, to_pool, debt - offset, collateral - fee - to_pool, 0, fee)


def capped_offset(
    collateral_wad: int,
    debt_wad: int,
    price_wad: int,
    *,
    ratio_wad: int = MINIMUM_RATIO,
    divisor: int = GAS_COMPENSATION_DIVISOR,
) -> TroveLiquidation:
    """Liquity v1 in recovery mode, from 110 % on: the pool gets 110 % of the debt's value, the owner the rest.

    Raises
    ------
    ValueError
        The collateral is worth less than that.

    Examples
    --------
    >>> parts = capped_offset(3 * WAD, 200 * WAD, 100 * WAD)
    >>> parts.offset_collateral_wad, parts.surplus_wad
    (2189000000000000000, 800000000000000000)
    """
    collateral = amount(collateral_wad, "collateral_wad")
    debt = amount(debt_wad, "debt_wad", 1)
    capped = debt * ratio_wad // amount(price_wad, "price_wad", 1)
    if capped > collateral:
        raise ValueError(f"collateral_wad {collateral} is below {capped}, the cap of the pool")
    fee = gas_compensation(capped, divisor)
    return TroveLiquidation(debt, capped - fee, 0, 0, collateral - capped, fee)


def offset_and_redistribute_with_penalties(
    collateral_wad: int,
    debt_wad: int,
    pool_wad: int,
    price_wad: int,
    *,
    offset_penalty_wad: int = WAD // 20,
    redistribution_penalty_wad: int = WAD // 10,
    divisor: int = GAS_COMPENSATION_DIVISOR,
    gas_cap_wad: int = 2 * WAD,
) -> TroveLiquidation:
    """Liquity v2: as v1, but pool and other troves get at most the debt's value and a penalty.

    Parameters
    ----------
    collateral_wad, debt_wad : int
        Of the trove; the debt at least 1.
    pool_wad : int
        What the stability pool can offset: its deposits less the one unit that stays.
    price_wad : int
        At least 1.
    offset_penalty_wad, redistribution_penalty_wad : int
        5 %, and 10 % (20 % for staked ether).
    divisor, gas_cap_wad : int
        The liquidator gets one part in `divisor` of the collateral that is offset, at most
        `gas_cap_wad`, and none of what is redistributed.

    Returns
    -------
    TroveLiquidation
        What offset leaves over joins the redistributed part, whose penalty may use it up.

    Examples
    --------
    >>> parts = offset_and_redistribute_with_penalties(2 * WAD, 1000 * WAD, 0, 1000 * WAD)
    >>> parts.redistributed_collateral_wad, parts.surplus_wad
    (1100000000000000000, 900000000000000000)
    """
    collateral = amount(collateral_wad, "collateral_wad")
    debt = amount(debt_wad, "debt_wad", 1)
    price = amount(price_wad, "price_wad", 1)
    offset = min(debt, amount(pool_wad, "pool_wad"))
    portion = collateral * offset // debt
    fee = gas_compensation(portion, divisor, gas_cap_wad)
    to_pool = min(portion - fee, offset * (WAD + offset_penalty_wad) // price)
    surplus = portion - fee - to_pool
    shared_debt = debt - offset
    shared = 0
    if shared_debt and collateral > portion:
        free = collateral - portion + surplus
        shared = min(free, shared_debt * (WAD + redistribution_penalty_wad) // price)
        surplus = free - shared
    return TroveLiquidation(offset, to_pool, shared_debt, shared, surplus, fee)


def decimal_power(base_wad: int, minutes: int) -> int:
    """``base ** minutes`` with 18 decimals, rounded half up at every product; a thousand years at most.

    Examples
    --------
    >>> decimal_power(549137589365708000, 2)
    301552092054380940
    """
    return rounded_power(base_wad, min(amount(minutes, "minutes"), LARGEST_MINUTES), WAD)


def decayed_base_rate(
    base_rate_wad: int, seconds: int, factor_wad: int = MINUTE_DECAY_FACTOR
) -> int:
    """Base rate after so many seconds: times `factor_wad` every whole minute, half of it in 12 hours."""
    minutes = amount(seconds, "seconds") // 60
    return amount(base_rate_wad, "base_rate_wad") * decimal_power(factor_wad, minutes) // WAD


def borrowing_rate(base_rate_wad: int, is_recovery: bool = False) -> int:
    """Fee of drawing debt: 0.5 % and the base rate, at most 5 %; none in recovery mode."""
    if is_recovery:
        return 0
    return min(FEE_FLOOR + amount(base_rate_wad, "base_rate_wad"), LARGEST_BORROWING_FEE)


def redemption_rate(base_rate_wad: int) -> int:
    """Fee of redemptions: 0.5 % and the base rate, at most all."""
    return min(FEE_FLOOR + amount(base_rate_wad, "base_rate_wad"), WAD)
