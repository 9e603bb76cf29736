"""From the data file of collateral auctions to the rules of an engine's lending market."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from cascade.collateral_auction import CollateralAuction
from cascade.lending_rules import LendingRules
from cascade.rules.parameters.maker_liq2 import AUCTIONS, COMMON, SOURCE

__all__ = ["maker_liq2"]


#: Terms that data and `CollateralAuction` have by the same name.
SAME = ("buf", "tail", "cusp", "tip", "chip", "penalty", "dust")


def _terms(collateral: str) -> dict[str, Any]:
    if collateral not in AUCTIONS:
        known = ", ".join(map(repr, AUCTIONS))
        raise ValueError(f"collateral {collateral!r} is not one of {known}")
    given = AUCTIONS[collateral]
    terms: dict[str, Any] = {name: given[name] for name in SAME if name in given}
    terms["price"] = ("stairstep", given["cut"], given["step"])
    terms["hole"] = Fraction(str(given["collateral_hole"]))
    return terms


def maker_liq2(collateral: str | Mapping[str, str] = "ETH-A", **changes: Any) -> LendingRules:
    """MakerDAO Liquidations 2.0: rules of a lending market that auctions collateral.

    Parameters
    ----------
    collateral : str or mapping of reserve name to str, default "ETH-A"
        Whose parameters: ``"ETH-A"`` as polled, ``"ETH-B"``, ``"ETH-C"`` and ``"WBTC-A"`` as the executive
        of 28 May 2021 left them. Of one its limit is taken as that of the whole market; a market of
        several, such as ``{"ETH": "ETH-A", "WBTC": "WBTC-A"}``, has each collateral's own terms and that
        day's limit over all.
    **changes
        Fields of `cascade.CollateralAuction` to set differently; of several collaterals those that all
        share. The poll has no penalty, no least debt and no common limit: the default penalty is the 13 %
        of the documentation's example, there is no dust.

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
    poll; makerdao/spells-mainnet, executive of 2021-05-28. ``docs/protocols/maker_liq2.md``.

    Examples
    --------
    >>> import cascade as cs
    >>> cs.rules.maker_liq2(dust=10_000).auction.price
    ('stairstep', '0.99', 90)
    >>> both = cs.rules.maker_liq2({"ETH": "ETH-B", "WBTC": "WBTC-A"}).auction
    >>> both.of("ETH").dust, both.of("WBTC").dust, int(both.of("WBTC").hole)
    ('15000', '5000', 15000000)
    """
    if isinstance(collateral, Mapping):
        own = {name: _terms(kind) for name, kind in collateral.items()}
        terms: dict[str, Any] = {"collateral_terms": own, "hole": Fraction(str(COMMON["hole"]))}
    else:
        terms = _terms(collateral)
    terms["source"] = SOURCE
    return LendingRules(
        close_factor=("auction", CollateralAuction(**{**terms, **changes})),
        bad_debt="auction_shortfall",
        # "Clipper/invalid-price", "Clipper/zero-top-price", "Dog/not-unsafe" where there is no spot price
        zero_price="refused",
        source=f"maker_liq2 {collateral}",
    )
