"""Scenarios: a market, a crowd and a shock in one TOML file.

``load(path)`` checks a file and gives a `Scenario`, whose ``build()`` makes an engine and whose
``run()`` plays the shock. Fields, defaults and ranges are in ``docs/scenario.md``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cascade.errors import ScenarioError
from cascade.scenarios.checks import check_together
from cascade.scenarios.document import Document
from cascade.scenarios.lending import LendingOutcome, LendingScenario
from cascade.scenarios.population import read_residents
from cascade.scenarios.scenario import Before, Outcome, Scenario
from cascade.scenarios.schema import REQUIRED, SECTIONS, read_section

__all__ = [
    "Before",
    "LendingOutcome",
    "LendingScenario",
    "Outcome",
    "Scenario",
    "load",
    "shipped",
]

HERE = Path(__file__).parent


def shipped() -> dict[str, Path]:
    """Scenario files that come with the package, by name."""
    return {path.stem: path for path in sorted(HERE.glob("*.toml"))}


def load(path: str | os.PathLike[str]) -> Scenario | LendingScenario:
    """Scenario from a TOML file.

    Parameters
    ----------
    path : str or os.PathLike
        The file, or the name of a shipped one. Files that it names are taken relative to it.

    Returns
    -------
    Scenario or LendingScenario
        The second where the file has ``[[lending]]``.

    Raises
    ------
    cascade.ScenarioError
        The file cannot be read or is not TOML, or a field is unknown, missing, out of range or
        contradicts another; file, line and field are named.
    """
    name = os.fspath(path)
    file = Path(name)
    known = shipped()
    if name in known and not file.exists():
        file = known[name]
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        reason = f"cannot be read: {error.strerror}; shipped scenarios: {', '.join(known)}"
        raise ScenarioError(name, 0, "", reason) from error
    except UnicodeDecodeError as error:
        raise ScenarioError(name, 0, "", f"not UTF-8 text ({error.reason})") from error
    document = Document(name, text)
    values = document.values
    if "lending" in values:
        return LendingScenario.read(document, file.parent)
    residents = read_residents(document, values.pop("residents", []))
    for section, content in values.items():
        if section not in SECTIONS:
            there = ", ".join((*SECTIONS, "residents"))
            raise document.error(section, f"unknown section; there are {there}")
        if not isinstance(content, dict):
            raise document.error(section, f"must be a table, [{section}]")
    for section in REQUIRED:
        if section not in values:
            raise document.error(section, f"section [{section}] is missing")
    rules = values.get("rules", {})
    inline = values["market"].get("rules")
    place = "rules"
    if isinstance(inline, dict):
        if "rules" in values:
            raise document.error("market.rules", "is a table, and there is a section [rules] too")
        rules, place = inline, "market.rules"
    read: dict[str, Any] = {
        section: read_section(
            document,
            rules if section == "rules" else values.get(section, {}),
            kind,
            place if section == "rules" else section,
        )
        for section, kind in SECTIONS.items()
    }
    scenario = Scenario(document, file.parent, **read, residents=residents)
    check_together(scenario, place)
    return scenario
