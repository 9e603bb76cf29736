"""Morpho Blue: markets of shares with virtual amounts, and a liquidation that realises bad debt at once."""

from __future__ import annotations

from dataclasses import dataclass

from cascade.lending.errors import (
    ExcessiveRepayError,
    ExcessiveSeizureError,
    NothingOwedError,
    NotLiquidatableError,
    PriceError,
)
from cascade.lending.fixed_point import (
    mul_div_ceil,
    mul_div_floor,
    wad_div_ceil,
    wad_mul_floor,
)
from cascade.lending.seizure import incentive_factor

__all__ = [
    "ORACLE_SCALE",
    "VIRTUAL_ASSETS",
    "VIRTUAL_SHARES",
    "MorphoLiquidation",
    "MorphoMarket",
    "MorphoPosition",
    "morpho_is_healthy",
    "morpho_liquidate",
    "to_assets_down",
    "to_assets_up",
    "to_shares_down",
    "to_shares_up",
]

#: Scale of a Morpho oracle's price.
ORACLE_SCALE: int = 10**36
#: What every market has on top of its totals, against manipulation of the share price.
VIRTUAL_SHARES: int = 10**6
VIRTUAL_ASSETS: int = 1


def to_shares_down(assets: int, total_assets: int, total_shares: int) -> int:
    """Shares of assets, cut off (morpho-blue, SharesMathLib)."""
    return mul_div_floor(assets, total_shares + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS)


def to_shares_up(assets: int, total_assets: int, total_shares: int) -> int:
    """Shares of assets, rounded up (morpho-blue, SharesMathLib)."""
    return mul_div_ceil(assets, total_shares + VIRTUAL_SHARES, total_assets + VIRTUAL_ASSETS)


def to_assets_down(shares: int, total_assets: int, total_shares: int) -> int:
    """Assets of shares, cut off (morpho-blue, SharesMathLib)."""
    return mul_div_floor(shares, total_assets + VIRTUAL_ASSETS, total_shares + VIRTUAL_SHARES)


def to_assets_up(shares: int, total_assets: int, total_shares: int) -> int:
    """Assets of shares, rounded up (morpho-blue, SharesMathLib)."""
    return mul_div_ceil(shares, total_assets + VIRTUAL_ASSETS, total_shares + VIRTUAL_SHARES)


@dataclass(frozen=True)
class MorphoMarket:
    """Totals of a market.

    Parameters
    ----------
    threshold : int
        Liquidation loan-to-value, WAD.
    price : int
        Loan atoms a collateral atom is worth, times 10**36.
    borrow_assets, borrow_shares : int
        What is owed.
    supply_assets, supply_shares : int, default 0
        What suppliers own.
    """

    threshold: int
    price: int
    borrow_assets: int
    borrow_shares: int
    supply_assets: int = 0
    supply_shares: int = 0


@dataclass(frozen=True)
class MorphoPosition:
    """A borrower: atoms of collateral and shares of the market's debt."""

    collateral: int
    borrow_shares: int


@dataclass(frozen=True)
class MorphoLiquidation:
    """What a call did: atoms seized and repaid, shares repaid, bad debt in assets and shares, and what is left."""

    seized: int
    repaid_assets: int
    repaid_shares: int
    bad_debt: int
    bad_debt_shares: int
    market: MorphoMarket
    position: MorphoPosition


def morpho_is_healthy(market: MorphoMarket, position: MorphoPosition) -> bool:
    """Whether a position may not be liquidated: its largest debt, cut off twice, covers its debt rounded up.

    Notes
    -----
    morpho-blue, Morpho.sol (_isHealthy): exactly at the threshold is healthy.
    """
    if position.borrow_shares == 0:
        return True
    owed = to_assets_up(position.borrow_shares, market.borrow_assets, market.borrow_shares)
    worth = mul_div_floor(position.collateral, market.price, ORACLE_SCALE)
    return wad_mul_floor(worth, market.threshold) >= owed


def _amounts(
    market: MorphoMarket, seized: int | None, repaid_shares: int | None
) -> tuple[int, int, int]:
    totals = (market.borrow_assets, market.borrow_shares)
    factor = incentive_factor(market.threshold)
    if seized is not None:
        quoted = mul_div_ceil(seized, market.price, ORACLE_SCALE)
        shares = to_shares_up(wad_div_ceil(quoted, factor), *totals)
    else:
        shares = repaid_shares or 0
        owed = wad_mul_floor(to_assets_down(shares, *totals), factor)
        seized = mul_div_floor(owed, ORACLE_SCALE, market.price)
    return seized, to_assets_up(shares, *totals), shares


def morpho_liquidate(
    market: MorphoMarket,
    position: MorphoPosition,
    *,
    seized: int | None = None,
    repaid_shares: int | None = None,
) -> MorphoLiquidation:
    """Liquidate a position by collateral to seize or by shares to repay.

    Parameters
    ----------
    market : MorphoMarket
        Interest accrued.
    position : MorphoPosition
    seized : int, optional
        Atoms of collateral; what is repaid rounds up three times.
    repaid_shares : int, optional
        Shares of debt; what is seized rounds down.

    Returns
    -------
    MorphoLiquidation

    Raises
    ------
    NothingOwedError
        Not exactly one of `seized` and `repaid_shares` is above 0.
    NotLiquidatableError
        The position is healthy.
    PriceError
        The price is zero and shares are given.
    ExcessiveRepayError, ExcessiveSeizureError
        More is repaid than owed, or seized than held.

    Notes
    -----
    morpho-blue v1.0.0, Morpho.sol (liquidate): when the collateral is gone the rest of the debt is taken from the
    suppliers in the same call. Later commits of the repository round the assets up before the incentive.
    """
    if (not seized) == (not repaid_shares):
        raise NothingOwedError(
            "seized, repaid_shares",
            (seized, repaid_shares),
            "exactly one above 0",
            "INCONSISTENT_INPUT",
        )
    if morpho_is_healthy(market, position):
        raise NotLiquidatableError(
            "position", position, "must be above the threshold", "HEALTHY_POSITION"
        )
    if market.price == 0 and not seized:
        raise PriceError("price", 0, "above 0, or collateral to seize")
    taken, assets, shares = _amounts(market, seized or None, repaid_shares)
    if shares > position.borrow_shares:
        raise ExcessiveRepayError("repaid_shares", shares, f"at most {position.borrow_shares}")
    if taken > position.collateral:
        raise ExcessiveSeizureError("seized", taken, f"at most {position.collateral}")
    held, owed = position.collateral - taken, position.borrow_shares - shares
    # one atom more than all debt may be paid, because shares round up
    borrowed = max(market.borrow_assets - assets, 0)
    total_shares, supplied = market.borrow_shares - shares, market.supply_assets
    lost_shares = lost = 0
    if held == 0 and owed:
        lost_shares = owed
        lost = min(to_assets_up(owed, borrowed, total_shares), borrowed)
        borrowed, total_shares = borrowed - lost, total_shares - owed
        supplied, owed = supplied - lost, 0
    after = MorphoMarket(
        market.threshold, market.price, borrowed, total_shares, supplied, market.supply_shares
    )
    return MorphoLiquidation(
        taken, assets, shares, lost, lost_shares, after, MorphoPosition(held, owed)
    )
