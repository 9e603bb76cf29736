"""Compound v3 (Comet): the protocol absorbs a whole account and sells its collateral from a storefront.

There is no liquidator's choice. Prices are 8 decimals, factors WAD, and values whole units of the price;
amounts are atoms, as Comet has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cascade.lending.errors import (
    ExcessiveSeizureError,
    NotForSaleError,
    NotLiquidatableError,
    PausedError,
    PriceError,
)
from cascade.lending.fixed_point import WAD, mul_div_floor, wad_mul_floor

__all__ = [
    "Absorption",
    "CollateralAsset",
    "Purchase",
    "absorb",
    "ask_price",
    "buy_collateral",
    "is_absorbable",
    "liquidation_margin",
    "quote_collateral",
]


@dataclass(frozen=True)
class CollateralAsset:
    """A collateral of a Comet market.

    Parameters
    ----------
    price : int
        8 decimals in Comet; any common unit.
    unit : int, default 10**18
        Atoms in one whole unit.
    borrow_factor, liquidate_factor, liquidation_factor : int
        WAD: what it counts for borrowing and for liquidation, and what an absorbed account is credited.
    supply_cap : int, default 0
        Atoms; Comet's 0 lets nobody supply.
    symbol : str, default ""
    """

    price: int
    unit: int = WAD
    borrow_factor: int = 0
    liquidate_factor: int = 0
    liquidation_factor: int = WAD
    supply_cap: int = 0
    symbol: str = ""


@dataclass(frozen=True)
class Absorption:
    """An absorbed account.

    Parameters
    ----------
    supply : int
        What the account is left with in base atoms: the surplus.
    repaid : int
        Base atoms of debt that the reserves took over.
    reserves : int
        Base reserves afterwards.
    collateral : mapping of str to int
        What the protocol now owns.
    bad_debt : int
        Debt above what the account was credited, base atoms.
    """

    supply: int
    repaid: int
    reserves: int
    collateral: Mapping[str, int]
    bad_debt: int


@dataclass(frozen=True)
class Purchase:
    """Collateral bought: atoms of it, base atoms paid, and base reserves afterwards."""

    collateral: int
    paid: int
    reserves: int


def _priced(price: int, name: str) -> int:
    if price <= 0:
        raise PriceError(f"price of {name}", price, "above 0", "BadPrice")
    return price


def liquidation_margin(
    assets: Mapping[str, CollateralAsset],
    collateral: Mapping[str, int],
    debt: int,
    base_price: int,
    base_unit: int,
) -> int:
    """Weighted collateral less debt, in the price's unit.

    Parameters
    ----------
    assets : mapping of str to CollateralAsset
    collateral : mapping of str to int
        Atoms by asset.
    debt : int
        Base atoms owed.
    base_price, base_unit : int

    Returns
    -------
    int
        Below 0 the account is liquidatable.

    Raises
    ------
    PriceError
        A price is not above 0.

    Notes
    -----
    compound-finance/comet, isLiquidatable: every product is cut off; the debt's toward zero.
    """
    total = -mul_div_floor(debt, _priced(base_price, "the base"), base_unit)
    for name, amount in collateral.items():
        if amount:
            asset = assets[name]
            value = mul_div_floor(amount, _priced(asset.price, name), asset.unit)
            total += wad_mul_floor(value, asset.liquidate_factor)
    return total


def is_absorbable(
    assets: Mapping[str, CollateralAsset],
    collateral: Mapping[str, int],
    debt: int,
    base_price: int,
    base_unit: int,
) -> bool:
    """Whether an account may be absorbed: it has debt and its `liquidation_margin` is below 0."""
    return debt > 0 and liquidation_margin(assets, collateral, debt, base_price, base_unit) < 0


def absorb(
    assets: Mapping[str, CollateralAsset],
    collateral: Mapping[str, int],
    debt: int,
    base_price: int,
    base_unit: int,
    *,
    reserves: int = 0,
    is_paused: bool = False,
) -> Absorption:
    """Take a liquidatable account over.

    Parameters
    ----------
    assets : mapping of str to CollateralAsset
    collateral : mapping of str to int
        Atoms by asset; all of it is seized.
    debt : int
        Base atoms owed.
    base_price, base_unit : int
    reserves : int, default 0
        Base reserves before.
    is_paused : bool, default False

    Returns
    -------
    Absorption

    Raises
    ------
    PausedError
        Absorbing is paused.
    NotLiquidatableError
        The account's margin is not below 0.
    PriceError
        A price is not above 0.

    Notes
    -----
    compound-finance/comet, absorbInternal: the balance is credited the collateral's value times its liquidation
    factor and clamped at 0; what was owed and a surplus both come from the reserves, which sell the collateral
    later.
    """
    if is_paused:
        raise PausedError("absorb", True, "must not be paused", "Paused")
    margin = liquidation_margin(assets, collateral, debt, base_price, base_unit)
    if debt == 0 or margin >= 0:
        raise NotLiquidatableError("liquidation margin", margin, "below 0", "NotLiquidatable")
    credited = sum(
        wad_mul_floor(
            mul_div_floor(amount, assets[name].price, assets[name].unit),
            assets[name].liquidation_factor,
        )
        for name, amount in collateral.items()
    )
    balance = mul_div_floor(credited, base_unit, base_price) - debt
    supply = max(balance, 0)
    return Absorption(
        supply=supply, repaid=debt, reserves=reserves - debt - supply,
        collateral={name: amount for name, amount in collateral.items() if amount},
        bad_debt=max(-balance, 0),
    )  # fmt: skip


def ask_price(price: int, store_front_factor: int, liquidation_factor: int) -> int:
    """Price at which absorbed collateral is sold, cut off.

    Parameters
    ----------
    price : int
    store_front_factor, liquidation_factor : int
        WAD.

    Returns
    -------
    int
        ``price * (1 - store front factor * (1 - liquidation factor))``.

    Notes
    -----
    compound-finance/comet, quoteCollateral.
    """
    discount = wad_mul_floor(store_front_factor, WAD - liquidation_factor)
    return wad_mul_floor(price, WAD - discount)


def quote_collateral(
    asset: CollateralAsset,
    base_amount: int,
    base_price: int,
    base_unit: int,
    store_front_factor: int,
) -> int:
    """Atoms of collateral that base atoms buy, cut off.

    Parameters
    ----------
    asset : CollateralAsset
    base_amount, base_price, base_unit : int
    store_front_factor : int
        WAD.

    Returns
    -------
    int

    Raises
    ------
    PriceError
        A price is not above 0.
    """
    price = ask_price(
        _priced(asset.price, asset.symbol), store_front_factor, asset.liquidation_factor
    )
    base = _priced(base_price, "the base")
    return base * base_amount * asset.unit // _priced(price, "the discounted asset") // base_unit


def buy_collateral(
    asset: CollateralAsset,
    base_amount: int,
    base_price: int,
    base_unit: int,
    store_front_factor: int,
    *,
    reserves: int,
    target_reserves: int,
    holdings: int,
    least: int = 0,
    is_paused: bool = False,
) -> Purchase:
    """Buy absorbed collateral.

    Parameters
    ----------
    asset : CollateralAsset
    base_amount, base_price, base_unit : int
    store_front_factor : int
        WAD.
    reserves, target_reserves : int
        Base atoms; nothing is for sale once reserves reach the target, negative ones never do.
    holdings : int
        Atoms of the asset that the protocol owns.
    least : int, default 0
        Atoms the buyer insists on.
    is_paused : bool, default False

    Returns
    -------
    Purchase

    Raises
    ------
    PausedError
        Buying is paused.
    NotForSaleError
        Reserves are at the target, or the quote is below `least`.
    ExcessiveSeizureError
        The quote is above the holdings.
    PriceError
        A price is not above 0.

    Notes
    -----
    compound-finance/comet, buyCollateral.
    """
    if is_paused:
        raise PausedError("buy", True, "must not be paused", "Paused")
    if reserves >= 0 and target_reserves <= reserves:
        raise NotForSaleError("reserves", reserves, f"below {target_reserves}", "NotForSale")
    bought = quote_collateral(asset, base_amount, base_price, base_unit, store_front_factor)
    if bought < least:
        raise NotForSaleError("least", least, f"at most the quote {bought}", "TooMuchSlippage")
    if bought > holdings:
        raise ExcessiveSeizureError("quote", bought, f"at most the holdings {holdings}")
    return Purchase(bought, base_amount, reserves + base_amount)
