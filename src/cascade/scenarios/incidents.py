"""Incidents of a lending scenario: oracles that fail, reserves and auctions that are stopped, a sequencer down.

Each has a beginning and perhaps an end, in seconds of the run, and takes effect before the first step that
begins then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from cascade.engine import Engine
from cascade.exact_numbers import step_time
from cascade.lending_rules import LendingRules
from cascade.reserve import Reserve
from cascade.scenarios.document import Document
from cascade.scenarios.lending_schema import IncidentSection, LendingSection, Sections
from cascade.scenarios.protocol import AUCTION, TROVES, Terms, kind_of

Act = Callable[[], Any]
FIELD = "lending.incidents"
#: Fields that each kind has besides start and end.
FIELDS: dict[str, tuple[str, ...]] = {
    "oracle": ("reserve", "failure"), "pause": ("reserve", "grace"), "freeze": ("reserve",),
    "sequencer": ("grace",), "auctions": ("stage",),
}  # fmt: skip
NEEDED = ("reserve", "failure", "stage")


def check_incidents(document: Document, section: LendingSection, terms: Terms) -> None:
    """Check incidents of a lending market against its rules and reserves.

    Raises
    ------
    ScenarioError
        A field is missing, belongs to another kind, or the rules cannot have the incident.
    """
    names = [reserve.name for reserve in section.reserves]
    for number, incident in enumerate(section.incidents, 1):
        what = f"incidents {number}, {incident.kind}"
        for name in ("reserve", "failure", "stage", "grace"):
            given = getattr(incident, name) is not None
            if given and name not in FIELDS[incident.kind]:
                raise document.error(f"{FIELD}.{name}", f"{what}: does not belong to it")
            if not given and name in FIELDS[incident.kind] and name in NEEDED:
                raise document.error(f"{FIELD}.{name}", f"{what}: is missing")
        if incident.reserve is not None and incident.reserve not in names:
            reason = f"{what}: {incident.reserve!r} is not one of {', '.join(names)}"
            raise document.error(f"{FIELD}.reserve", reason)
        if incident.end is not None and incident.end <= incident.start:
            reason = f"{what}: {incident.end} is not above its start, {incident.start}"
            raise document.error(f"{FIELD}.end", reason)
        if incident.grace is not None and incident.end is None:
            raise document.error(f"{FIELD}.grace", f"{what}: begins at an end, and there is none")
        _check_rules(document, incident, terms, what)


def _check_rules(document: Document, incident: IncidentSection, terms: Terms, what: str) -> None:
    kind = kind_of(terms)
    if incident.kind == "auctions" and kind != AUCTION:
        raise document.error(f"{FIELD}.kind", f"{what}: the rules do not auction")
    sentinel = isinstance(terms, LendingRules) and terms.sentinel is not None
    if incident.kind == "sequencer" and not sentinel:
        raise document.error(f"{FIELD}.kind", f"{what}: the rules have no sentinel")
    if kind == TROVES and incident.failure not in (None, "stale"):
        raise document.error(f"{FIELD}.failure", f"{what}: an oracle of troves is 'stale' alone")


def _acts(engine: Engine, section: LendingSection, incident: IncidentSection) -> tuple[Act, Act]:
    # what begins it and what ends it
    lending = engine.lending[section.name]
    grace = incident.grace or 0
    if incident.kind == "sequencer":
        return partial(lending.sequencer, False), partial(lending.sequencer, True, grace=grace)
    if incident.kind == "auctions":
        auctions = lending.auctions
        return partial(setattr, auctions, "stage", incident.stage), partial(
            setattr, auctions, "stage", 0
        )
    reserve = reserve_of(engine, section, str(incident.reserve))
    if incident.kind == "oracle":
        return partial(reserve.fail_oracle, incident.failure), partial(reserve.fail_oracle, None)  # type: ignore[arg-type]
    if incident.kind == "freeze":
        return reserve.freeze, partial(reserve.freeze, False)
    return reserve.pause, partial(reserve.pause, False, grace=grace)


def reserve_of(engine: Engine, section: LendingSection, name: str) -> Reserve:
    """An engine's reserve by its name in the file; a market with bands has names of its own."""
    bands = engine.lending.bands.get(section.name)
    if bands is None:
        return engine.lending[section.name][name]
    priced = next(r.name for r in section.reserves if r.price is not None)
    return bands.collateral if name == priced else bands.debt


def planned(engine: Engine, sections: Sections) -> list[tuple[int, Act]]:
    """Times, ns, and what happens then, in order; of equal times in the file's order, ends first."""
    found: list[tuple[int, int, Act]] = []
    for section in sections.lending:
        for incident in section.incidents:
            begin, end = _acts(engine, section, incident)
            found.append((step_time(incident.start, "start"), 1, begin))
            if incident.end is not None:
                found.append((step_time(incident.end, "end"), 0, end))
    found.sort(key=lambda entry: entry[:2])
    return [(when, act) for when, _, act in found]


__all__ = ["check_incidents", "planned", "reserve_of"]
