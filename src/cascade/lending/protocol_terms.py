"""From the data files of `cascade.rules` to the arguments of the rules here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from cascade.exact_numbers import Rate
from cascade.lending.auction_prices import StairstepDecrease
from cascade.lending.collateral_auctions import AuctionTerms
from cascade.lending.wad import RAD, RAY, WAD, amount, in_units
from cascade.rules.parameters.crvusd import MARKETS as BAND_MARKETS
from cascade.rules.parameters.liquity_v2 import BRANCHES, COMMON
from cascade.rules.parameters.maker_liq2 import AUCTIONS


class Penalties(TypedDict):
    """Keywords of `offset_and_redistribute_with_penalties`."""

    offset_penalty_wad: int
    redistribution_penalty_wad: int
    divisor: int
    gas_cap_wad: int


class LoanTerms(TypedDict):
    """Amplification and discounts of a market in bands."""

    amplification: int
    loan_discount_wad: int
    liquidation_discount_wad: int


def _named(table: Mapping[str, Mapping[str, Any]], name: str, what: str) -> Mapping[str, Any]:
    if name not in table:
        raise ValueError(f"{what} {name!r} is not one of {', '.join(table)}")
    return table[name]


def auction_terms(
    collateral: str = "ETH-A", *, liquidation_ratio: Rate, chop: Rate, dust: Rate, hole: Rate
) -> AuctionTerms:
    """Terms of collateral auctions as the poll of a collateral set them.

    Parameters
    ----------
    collateral : str, default "ETH-A"
    liquidation_ratio, chop : number
        Such as 1.5 and 1.13; not in the poll.
    dust, hole : number
        Least debt of a vault, and limit over all collaterals, in units of debt; not in the poll.

    Raises
    ------
    ValueError
        There is no such collateral, or a number is outside its range.

    Examples
    --------
    >>> terms = auction_terms(liquidation_ratio="1.5", chop="1.13", dust=10_000, hole=100_000_000)
    >>> terms.tail_seconds, terms.chost_rad // RAD
    (8400, 11300)
    """
    data = _named(AUCTIONS, collateral, "collateral")
    return AuctionTerms(
        price=StairstepDecrease(in_units(data["cut"], RAY, "cut"), int(data["step"])),
        liquidation_ratio_ray=in_units(liquidation_ratio, RAY, "liquidation_ratio"),
        chop_wad=in_units(chop, WAD, "chop"),
        dust_rad=in_units(dust, RAD, "dust"),
        hole_rad=in_units(hole, RAD, "hole"),
        collateral_hole_rad=in_units(data["collateral_hole"], RAD, "collateral_hole"),
        buf_ray=in_units(data["buf"], RAY, "buf"),
        tail_seconds=int(data["tail"]),
        cusp_ray=in_units(data["cusp"], RAY, "cusp"),
        tip_rad=in_units(data["tip"], RAD, "tip"),
        chip_wad=in_units(data["chip"], WAD, "chip"),
    )


def branch_penalties(branch: str = "WETH") -> Penalties:
    """Penalties of a branch of Liquity v2.

    Examples
    --------
    >>> branch_penalties("staked ether")["redistribution_penalty_wad"]
    200000000000000000
    """
    data = _named(BRANCHES, branch, "branch")
    common: Mapping[str, Any] = COMMON
    return Penalties(
        offset_penalty_wad=in_units(data["offset_penalty"], WAD),
        redistribution_penalty_wad=in_units(data["redistribution_penalty"], WAD),
        divisor=amount(common["gas_compensation_divisor"], "gas_compensation_divisor", 1),
        gas_cap_wad=in_units(common["gas_compensation_cap"], WAD),
    )


def loan_terms(market: str = "tests") -> LoanTerms:
    """Amplification and discounts of a market of crvUSD, see `cascade.rules.crvusd`.

    Examples
    --------
    >>> loan_terms("documents")["loan_discount_wad"]
    50000000000000000
    """
    data = _named(BAND_MARKETS, market, "market")
    return LoanTerms(
        amplification=amount(data["amplification"], "amplification", 2),
        loan_discount_wad=in_units(data["loan_discount"], WAD),
        liquidation_discount_wad=in_units(data["liquidation_discount"], WAD),
    )
