"""``[[residents]]`` of a scenario: the rest of the market, one table each."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import Any

from cascade.residents import KINDS, Resident
from cascade.scenarios.document import Document
from cascade.scenarios.schema import finite

PLACE = "residents"


def _term(value: Any) -> Any:
    # numbers and lists of them, as TOML gives them
    if isinstance(value, list):
        return tuple(_term(entry) for entry in value)
    if not isinstance(value, (int, Decimal)) or not finite(value):
        raise ValueError(f"{value!r} is not a number")
    return value


def read_residents(document: Document, tables: Any) -> tuple[dict[str, Any], ...]:
    """Kind and terms of each resident, checked but for the market's grid.

    Raises
    ------
    ScenarioError
        A kind or a field is unknown, or a term is out of range.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise document.error(PLACE, "must be tables, [[residents]]")
    found = []
    for number, table in enumerate(tables, 1):
        kind = table.get("kind")
        if kind not in KINDS:
            reason = f"resident {number}: kind {kind!r} is not one of {', '.join(KINDS)}"
            raise document.error(f"{PLACE}.kind", reason)
        known = [f.name for f in fields(KINDS[kind]) if f.name != "market"]
        terms = {}
        for name, value in table.items():
            if name == "kind":
                continue
            if name not in known:
                reason = f"resident {number}: unknown field; a {kind} has {', '.join(known)}"
                raise document.error(f"{PLACE}.{name}", reason)
            try:
                terms[name] = _term(value)
            except ValueError as error:
                raise document.error(f"{PLACE}.{name}", f"resident {number}: {error}") from None
        entry = {"kind": kind, **terms}
        try:
            resident(entry, "market")
        except (TypeError, ValueError) as error:
            raise document.error(PLACE, f"resident {number}: {error}") from None
        found.append(entry)
    return tuple(found)


def resident(entry: dict[str, Any], market: str) -> Resident:
    """The resident that a table describes, in the scenario's market."""
    terms = {name: value for name, value in entry.items() if name != "kind"}
    return KINDS[entry["kind"]](market=market, **terms)
