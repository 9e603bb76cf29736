"""From the ``rules`` of a ``[[lending]]`` to what an engine's lending market is made with.

A preset by name, a preset and what differs from it, or a table of terms; ``docs/lending-scenario.md``.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from cascade.band_rules import BandRules
from cascade.collateral_auction import CollateralAuction
from cascade.exact_numbers import Rate
from cascade.lending_rules import LendingRules
from cascade.rules import LENDING, crvusd, liquity_v1, liquity_v2, maker_liq2
from cascade.scenarios.document import Document
from cascade.scenarios.lending_schema import LendingSection
from cascade.scenarios.playing import named
from cascade.trove_terms import Troves

Terms = LendingRules | BandRules
#: Presets that are not of calls, and the variant each has unless the file says another.
OTHERS: dict[str, str | None] = {
    "maker_liq2": "ETH-A", "liquity_v1": None, "liquity_v2": "WETH", "crvusd": "tests",
}  # fmt: skip
PRESETS = (*LENDING, *OTHERS)
CALLS, ABSORB, AUCTION, TROVES, BANDS = "calls", "absorb", "auction", "troves", "bands"


def kind_of(terms: Terms) -> str:
    """How accounts are liquidated: "calls", "absorb", "auction", "troves" or "bands"."""
    if isinstance(terms, BandRules):
        return BANDS
    if terms.troves is not None:
        return TROVES
    if terms.auction is not None:
        return AUCTION
    return ABSORB if terms.absorbs else CALLS


def preset_of(section: LendingSection) -> str | None:
    """Name of the preset that a section's rules are, or begin with."""
    if isinstance(section.rules, dict):
        found = section.rules.get("preset")
        return found if isinstance(found, str) else None
    return section.rules


def title_of(section: LendingSection, terms: Terms) -> str:
    """What the report calls the rules."""
    preset = preset_of(section)
    if preset in OTHERS:
        return " ".join(filter(None, (preset, section.variant or OTHERS[preset])))
    return terms.source or "own rules"


def rate_of(section: LendingSection) -> Rate:
    """Yearly interest of loans in bands, 0 unless stated."""
    given = section.rules if isinstance(section.rules, dict) else {}
    bands = given if "preset" in given else given.get("bands", {})
    return bands.get("rate", 0) if isinstance(bands, dict) else 0


def terms_of(document: Document, section: LendingSection) -> Terms:
    """Rules of a section.

    Raises
    ------
    ScenarioError
        There is no such preset or variant, a term is unknown or out of range, or a field is of other rules.
    """
    with named(document, "lending.rules"):
        terms = _terms(document, section)
    if section.fee is not None and kind_of(terms) != CALLS:
        raise document.error("lending.fee", f"is of calls by liquidators, not of {kind_of(terms)}")
    if section.variant is not None and preset_of(section) is None:
        raise document.error("lending.variant", "belongs to a preset, and lending.rules names none")
    return terms


def _terms(document: Document, section: LendingSection) -> Terms:
    given = {"preset": section.rules} if isinstance(section.rules, str) else section.rules
    changes = {name: _untabled(value) for name, value in (given or {}).items()}
    preset = changes.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise ValueError(f"{preset!r} is not one of {', '.join(PRESETS)}")
    if section.fee is not None and preset not in OTHERS and "bands" not in changes:
        changes["fee"] = section.fee
    if preset in LENDING:
        with named(document, "lending.variant" if section.variant else "lending.rules"):
            protocol = LENDING[preset](section.variant)
        return LendingRules.from_protocol(protocol, **changes)
    if preset is not None:
        return _other(document, preset, section.variant, changes)
    if "bands" in changes:
        if len(changes) > 1:
            other = next(name for name in changes if name != "bands")
            raise ValueError(f"bands are no calls: {other!r} does not go with them")
        terms = dict(changes["bands"])
        terms.pop("rate", None)
        known(terms, BandRules, "bands")
        return BandRules(**terms)
    if isinstance(changes.get("troves"), dict):
        known(changes["troves"], Troves, "troves")
        changes["troves"] = Troves(**changes["troves"])
    known(changes, LendingRules, "rules")
    return LendingRules(**changes)


def _other(document: Document, preset: str, variant: str | None, changes: dict[str, Any]) -> Terms:
    # changes are fields of auctions, troves or bands
    chosen = OTHERS[preset] if variant is None else variant
    place = "lending.rules" if variant is None else "lending.variant"
    if preset == "liquity_v1":
        if variant is not None:
            raise document.error("lending.variant", f"{variant!r}: liquity_v1 has no variants")
        known(changes, Troves, preset)
        return liquity_v1(**changes)
    assert chosen is not None
    with named(document, place):
        if preset == "maker_liq2":
            known(changes, CollateralAuction, preset)
            return maker_liq2(chosen, **changes)
        if preset == "liquity_v2":
            known(changes, Troves, preset)
            return liquity_v2(chosen, **changes)
        changes.pop("rate", None)
        known(changes, BandRules, preset)
        return crvusd(chosen, **changes)


def known(given: dict[str, Any], kind: type, place: str) -> None:
    """Refuse keys of a table that are no fields of what is made of it.

    Raises
    ------
    ValueError
        Naming the key and what there is.
    """
    names = [entry.name for entry in fields(kind)]
    for name in given:
        if name not in names:
            raise ValueError(f"{place} has no {name!r}; there are {', '.join(names)}")


def _untabled(value: Any) -> Any:
    # lists as tuples, and the table of an auction as its terms
    if isinstance(value, list):
        parts = tuple(_untabled(entry) for entry in value)
        if len(parts) == 2 and parts[0] == "auction" and isinstance(parts[1], dict):
            known(parts[1], CollateralAuction, "auction")
            return (parts[0], CollateralAuction(**parts[1]))
        return parts
    if isinstance(value, dict):
        return {name: _untabled(entry) for name, entry in value.items()}
    return value
