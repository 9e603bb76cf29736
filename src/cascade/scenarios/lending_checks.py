"""What fields of a lending scenario must agree on: names that are known, terms that go with the rules."""

from __future__ import annotations

from types import SimpleNamespace

from cascade.band_rules import BandRules
from cascade.interest_models import model_named
from cascade.lending_rules import Oracle
from cascade.ruleset import AVERAGED
from cascade.scenarios.checks import check_pool, check_venue
from cascade.scenarios.document import Document
from cascade.scenarios.incidents import check_incidents
from cascade.scenarios.lending_schema import (
    MEDIAN,
    BorrowersSection,
    LendingSection,
    ReserveSection,
    Sections,
)
from cascade.scenarios.playing import named
from cascade.scenarios.protocol import BANDS, TROVES, Terms, kind_of, known, terms_of
from cascade.stop_gaps import has_pool


def check_sections(document: Document, sections: Sections) -> None:
    """Check all tables against each other.

    Raises
    ------
    ScenarioError
        Two fields contradict each other, one needs another, or a name is unknown.
    """
    error = document.error
    check_venue(SimpleNamespace(document=document, venue=sections.venue))
    for venue, given in zip(sections.venues, document.values.get("venues", []), strict=True):
        check_pool(document, venue, given, "venues")
    names = _market_names(sections)
    if len(set(names)) < len(names):
        raise error("venues.name", f"must be names of their own, got {', '.join(names)}")
    market, shock = sections.market, sections.shock
    if (market.feed in AVERAGED) != (market.average_time is not None):
        raise error("market.average_time", "belongs to feeds 'ema' and 'twap', which need it")
    if (shock.move is None) == (shock.path is None):
        raise error("shock.move", "one of move and path belongs")
    if shock.relative and shock.path is None:
        raise error("shock.relative", "needs shock.path")
    if market.price is None and shock.path is None:
        raise error("market.price", "is missing: no shock.path gives one")
    if not sections.lending:
        raise error("lending", "there is no [[lending]]")
    lenders = [section.name for section in sections.lending]
    if len(set(lenders)) < len(lenders):
        raise error("lending.name", f"must be names of their own, got {', '.join(lenders)}")
    for section in sections.lending:
        check_lending(document, sections, section)


def check_lending(document: Document, sections: Sections, section: LendingSection) -> None:
    """Check one ``[[lending]]``: its rules, reserves, categories, borrowers, pool and incidents.

    Raises
    ------
    ScenarioError
        As `check_sections`.
    """
    error = document.error
    names = [reserve.name for reserve in section.reserves]
    if len(set(names)) < len(names) or not names:
        raise error("lending.reserves", f"{section.name}: must have names of their own")
    for reserve in section.reserves:
        known = [sections.market.name, *([MEDIAN] if sections.venues else [])]
        if reserve.price is not None and reserve.price not in known:
            reason = f"{reserve.price!r} is not one of {', '.join(known)}"
            raise error("lending.reserves.price", f"{reserve.name}: {reason}")
        _check_reserve_venue(document, sections, reserve)
        _check_tables(document, reserve)
    for group in section.borrowers:
        for field in ("collateral", "debt"):
            if getattr(group, field) not in names:
                reason = f"{getattr(group, field)!r} is not one of {', '.join(names)}"
                raise error(f"lending.borrowers.{field}", reason)
    terms = terms_of(document, section)
    _check_categories(document, section, terms)
    _check_kind(document, section, terms)
    check_incidents(document, section, terms)


def _market_names(sections: Sections) -> list[str]:
    return [sections.market.name, *(venue.name for venue in sections.venues)]


def _check_reserve_venue(document: Document, sections: Sections, reserve: ReserveSection) -> None:
    known = _market_names(sections)
    several = isinstance(reserve.venue, list)
    allowed = ["price", *known] if several else ["price", "none", *known]
    for name in reserve.venue if several else [reserve.venue]:
        if name not in allowed:
            reason = f"{reserve.name}: {name!r} is not one of {', '.join(allowed)}"
            raise document.error("lending.reserves.venue", reason)


def _check_tables(document: Document, reserve: ReserveSection) -> None:
    if reserve.oracle is not None:
        with named(document, "lending.reserves.oracle", reserve.name):
            known(reserve.oracle, Oracle, "an oracle")
            Oracle(**reserve.oracle)
    if reserve.interest is not None:
        with named(document, "lending.reserves.interest", reserve.name):
            model_named(reserve.interest)


def _check_categories(document: Document, section: LendingSection, terms: Terms) -> None:
    error = document.error
    names = [category.name for category in section.categories]
    if names and kind_of(terms) in (TROVES, BANDS):
        raise error("lending.categories", f"{section.name}: {kind_of(terms)} have none")
    if len(set(names)) < len(names):
        raise error(
            "lending.categories.name", f"must be names of their own, got {', '.join(names)}"
        )
    reserves = [reserve.name for reserve in section.reserves]
    for category in section.categories:
        for field in ("collateral", "borrowable"):
            for name in getattr(category, field):
                if name not in reserves:
                    reason = f"{category.name}: {name!r} is not one of {', '.join(reserves)}"
                    raise error(f"lending.categories.{field}", reason)
    for group in section.borrowers:
        if group.category is not None and group.category not in names:
            reason = f"{group.category!r} is not one of {', '.join(names) or 'none'}"
            raise error("lending.borrowers.category", reason)


def _check_kind(document: Document, section: LendingSection, terms: Terms) -> None:
    error = document.error
    pools = not isinstance(terms, BandRules) and has_pool(terms)
    for field in ("stability_pool", "stability_share"):
        if getattr(section, field) is not None and not pools:
            raise error(f"lending.{field}", f"{section.name}: its rules have no stability pool")
    if section.stability_pool is not None and section.stability_share is not None:
        raise error("lending.stability_share", "contradicts lending.stability_pool")
    if kind_of(terms) not in (TROVES, BANDS):
        return
    priced = [reserve for reserve in section.reserves if reserve.price is not None]
    if len(section.reserves) != 2 or len(priced) != 1:
        what = f"{section.name}: {kind_of(terms)} have one reserve with a price and one of money"
        raise error("lending.reserves", what)
    for group in section.borrowers:
        _check_pair(document, group, priced[0].name)
    if kind_of(terms) == BANDS:
        for reserve in section.reserves:
            _check_band_reserve(document, reserve)


def _check_pair(document: Document, group: BorrowersSection, priced: str) -> None:
    if group.collateral != priced:
        reason = f"{group.collateral!r} has no price; the collateral is {priced!r}"
        raise document.error("lending.borrowers.collateral", reason)
    if group.debt == priced:
        raise document.error(
            "lending.borrowers.debt", f"{group.debt!r} is the collateral, not money"
        )


def _check_band_reserve(document: Document, reserve: ReserveSection) -> None:
    plain = ReserveSection(
        name=reserve.name, price=reserve.price, venue=reserve.venue,
        oracle=reserve.oracle if reserve.price is not None else None,
    )  # fmt: skip
    for field, value in vars(plain).items():
        if getattr(reserve, field) != value:
            reason = f"{reserve.name}: bands have no such term"
            raise document.error(f"lending.reserves.{field}", reason)
    if isinstance(reserve.venue, list):
        reason = f"{reserve.name}: bands are traded against one venue"
        raise document.error("lending.reserves.venue", reason)
