"""From the data file of collateral auctions to the rules of an engine's lending market."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cascade.collateral_auction import CollateralAuction
from cascade.lending_rules import LendingRules
from cascade.rules.parameters.maker_liq2 import AUCTIONS, SOURCE

__all__ = ["maker_liq2"]


def maker_liq2(collateral: str = "ETH-A", **changes: Any) -> LendingRules:
    """MakerDAO Liquidations 2.0: rules of a lending market that auctions collateral.

    Parameters
    ----------
    collateral : str, default "ETH-A"
        Whose parameters, as polled: factor and curve of the price, tail, cusp, limit of the collateral's
        tabs, tip and chip. The limit is taken as that of the whole market, which has one collateral then.
    **changes
        Fields of `cascade.CollateralAuction` to set differently. The poll has no penalty, no least debt and
        no common limit: the default penalty is the 13 % of the documentation's example, there is no dust.

    Returns
    -------
    LendingRules
        ``close_factor=("auction", CollateralAuction(...))``; a shortfall is the surplus buffer's, then a
        deficit. The liquidation ratio is the reserve's: its threshold is one over it.

    Raises
    ------
    TypeError, ValueError
        There is no such collateral or field, or a number is out of range.

    Notes
    -----
    makerdao/dss at fa4f6630, src/dog.sol, clip.sol, abaci.sol; makerdao/community, ETH-A Liquidations 2.0
    poll. ``docs/protocols/maker_liq2.md``.

    Examples
    --------
    >>> import cascade as cs
    >>> cs.rules.maker_liq2(dust=10_000).auction.price
    ('stairstep', '0.99', 90)
    """
    if collateral not in AUCTIONS:
        known = ", ".join(map(repr, AUCTIONS))
        raise ValueError(f"collateral {collateral!r} is not one of {known}")
    given = AUCTIONS[collateral]
    terms: dict[str, Any] = {name: given[name] for name in ("buf", "tail", "cusp", "tip", "chip")}
    terms["price"] = ("stairstep", given["cut"], given["step"])
    terms["hole"] = Fraction(str(given["collateral_hole"]))
    terms["source"] = SOURCE
    return LendingRules(
        close_factor=("auction", CollateralAuction(**{**terms, **changes})),
        bad_debt="auction_shortfall",
        # "Clipper/invalid-price", "Clipper/zero-top-price", "Dog/not-unsafe" where there is no spot price
        zero_price="refused",
        source=f"maker_liq2 {collateral}",
    )
