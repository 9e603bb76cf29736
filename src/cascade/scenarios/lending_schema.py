"""Fields of a lending scenario: ``[[lending]]`` with reserves and borrowers, ``[[liquidators]]``, and the rest.

What the fields mean is in ``docs/lending-scenario.md``. Tables that repeat are named by their number in an
error, because a file's lines are known by name only.
"""

# ruff: noqa: RUF009 - the helpers of the schema give `dataclasses.field`
from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, TypeVar

from cascade.errors import ScenarioError
from cascade.scenarios.document import Document
from cascade.scenarios.schema import (
    LARGEST_COUNT,
    Number,
    VenueSection,
    anything,
    flag,
    integer,
    number,
    read_section,
    text,
    texts,
)

FEEDS = ("last", "ema", "twap")
#: Price of a reserve that is the median of all pools, unless a pool has that name.
MEDIAN = "median"
INCIDENTS = ("oracle", "pause", "freeze", "sequencer", "auctions")


@dataclass(frozen=True)
class PoolMarketSection:
    """``[market]``: the pool's market, where collateral is sold and prices come from."""

    name: str = text()
    tick: Number = number(above=0)
    lot: Number = number(above=0)
    price: Number | None = number(None, above=0)
    feed: str = text("last", choices=FEEDS)
    average_time: Number | None = number(None, above=0)
    observations: int | None = integer(None, low=1)
    supply_cap: Number | None = number(None, low=0)
    borrow_cap: Number | None = number(None, low=0)
    money_supply_cap: Number | None = number(None, low=0)
    money_borrow_cap: Number | None = number(None, low=0)
    asset: str = text("USD")
    asset_decimals: int = integer(6, low=0, high=18)


@dataclass(frozen=True, kw_only=True)
class FurtherVenueSection(VenueSection):
    """``[[venues]]``: another pool of the market's asset, a market of its own."""

    name: str = text()


@dataclass(frozen=True)
class ReserveSection:
    """``[[lending.reserves]]``: an asset."""

    name: str = text()
    price: str | None = text(None)
    venue: Any = anything("price", kinds=(str, list))
    supplied: Number = number(0, low=0)
    liquidation_threshold: Number = number(0, low=0, high=1)
    loan_to_value: Number | None = number(None, low=0, high=1)
    liquidation_bonus: Number = number(0, low=0, high=1)
    liquidation_factor: Number | None = number(None, low=0, high=1)
    borrow_factor: Number = number(1, above=0, high=1)
    reserve_factor: Number = number(0, low=0, high=1)
    supply_cap: Number | None = number(None, low=0)
    borrow_cap: Number | None = number(None, low=0)
    account_cap: Number | None = number(None, low=0)
    account_share: Number | None = number(None, low=0, high=1)
    liquidation_fee: Number | None = number(None, low=0, high=1)
    debt_ceiling: Number | None = number(None, low=0)
    borrowable_in_isolation: bool = flag(False)
    siloed: bool = flag(False)
    collateral: bool = flag(True)
    borrowable: bool = flag(True)
    refinement: int | None = integer(None, low=1)
    interest: dict[str, Any] | None = anything(None, kinds=(dict,))
    oracle: dict[str, Any] | None = anything(None, kinds=(dict,))


@dataclass(frozen=True)
class BorrowersSection:
    """``[[lending.borrowers]]``: who borrows one asset against another."""

    collateral: str = text()
    debt: str = text()
    file: str | None = text(None)
    count: int = integer(10_000, low=1, high=LARGEST_COUNT)
    value_median: Number = number(1_000, above=0)
    value_sigma: Number = number(Decimal("1.5"), low=0, high=10)
    value_max: Number = number(10**9, above=0)
    health_least: Number = number(Decimal("1.02"), low=1, high=100)
    health_median: Number = number(Decimal("1.6"), above=1, high=100)
    health_sigma: Number = number(Decimal("0.7"), low=0, high=10)
    debt_least: Number = number(0, low=0)
    category: str | None = text(None)
    bands: int = integer(10, low=4, high=50)


@dataclass(frozen=True)
class CategorySection:
    """``[[lending.categories]]``: assets that move together, as `LendingMarket.add_category`."""

    name: str = text()
    collateral: tuple[str, ...] = texts()
    borrowable: tuple[str, ...] = texts()
    liquidation_threshold: Number = number(low=0, high=1)
    loan_to_value: Number | None = number(None, low=0, high=1)
    liquidation_bonus: Number = number(0, low=0, high=1)


@dataclass(frozen=True)
class IncidentSection:
    """``[[lending.incidents]]``: what fails or is switched off during the run, and from when to when."""

    kind: str = text(choices=INCIDENTS)
    reserve: str | None = text(None)
    failure: str | None = text(None, choices=("stale", "zero", "reverts"))
    stage: int | None = integer(None, low=1, high=3)
    start: Number = number(0, low=0)
    end: Number | None = number(None, above=0)
    grace: Number | None = number(None, low=0)


@dataclass(frozen=True)
class LendingSection:
    """``[[lending]]``: a protocol's market."""

    name: str = text()
    rules: str | dict[str, Any] | None = anything(None, kinds=(str, dict))
    variant: str | None = text(None)
    fee: Number | None = number(None, low=0, high=1)
    stability_pool: Number | None = number(None, above=0)
    stability_share: Number | None = number(None, above=0, high=1)
    reserves: tuple[ReserveSection, ...] = anything((), kinds=(list,))
    borrowers: tuple[BorrowersSection, ...] = anything((), kinds=(list,))
    categories: tuple[CategorySection, ...] = anything((), kinds=(list,))
    incidents: tuple[IncidentSection, ...] = anything((), kinds=(list,))


@dataclass(frozen=True)
class LiquidatorSection:
    """``[[liquidators]]``: as `cascade.Liquidator`."""

    capital: Number | None = number(None, low=0)
    gas: Number = number(0, low=0)
    min_profit: Number = number(0, low=0)
    latency: Number = number(0, low=0)
    choice: str = text("best", choices=("best", "worst"))
    calls: str = text("chained", choices=("chained", "single"))
    halvings: int = integer(6, low=0, high=62)
    max_repay: Number | None = number(None, low=0)
    step_budget: Number | None = number(None, low=0)


@dataclass(frozen=True)
class LendingShockSection:
    """``[shock]``: the outside price."""

    move: Number | None = number(None, above=-1, high=10)
    path: str | None = text(None)
    relative: bool = flag(False)
    steps: int | None = integer(None, low=1, high=1_000_000)
    hold: int = integer(0, low=0, high=1_000_000)
    dt: Number = number(12, above=0, high=10**6)
    arbitrage: bool = flag(True)


@dataclass(frozen=True)
class RunSection:
    """``[engine]``: seed, execution, and who of several liquidators makes a call."""

    seed: int = integer(0, low=0, high=2**63 - 1)
    execution: str = text("sequential", choices=("sequential", "batch"))
    compete: str = text("order", choices=("order", "bids"))


@dataclass(frozen=True)
class Sections:
    """All tables of a lending scenario."""

    market: PoolMarketSection
    venue: VenueSection
    lending: tuple[LendingSection, ...]
    liquidators: tuple[LiquidatorSection, ...]
    shock: LendingShockSection
    engine: RunSection
    venues: tuple[FurtherVenueSection, ...] = ()


TABLES: dict[str, type] = {
    "market": PoolMarketSection,
    "venue": VenueSection,
    "shock": LendingShockSection,
    "engine": RunSection,
}
LISTS = ("lending", "liquidators", "venues")
INNER: dict[str, type] = {
    "reserves": ReserveSection,
    "borrowers": BorrowersSection,
    "categories": CategorySection,
    "incidents": IncidentSection,
}
REQUIRED = ("market", "venue", "lending", "shock")

Section = TypeVar("Section")


def _tables(document: Document, given: Any, place: str) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
        raise document.error(place, f"must be tables, [[{place}]]")
    return given


def _read_each(
    document: Document, given: Any, kind: type[Section], place: str, owner: str = ""
) -> tuple[Section, ...]:
    found = []
    for count, table in enumerate(_tables(document, given, place), 1):
        try:
            found.append(read_section(document, table, kind, place))
        except ScenarioError as error:
            reason = f"{owner}{place.rpartition('.')[2]} {count}: {error.reason}"
            raise ScenarioError(error.path, error.line, error.field, reason) from None
    return tuple(found)


def _read_lending(document: Document, table: dict[str, Any], count: int) -> LendingSection:
    inner: dict[str, Any] = {
        name: _read_each(
            document, table.get(name, []), kind, f"lending.{name}", f"lending {count}, "
        )
        for name, kind in INNER.items()
    }
    rest = {name: value for name, value in table.items() if name not in inner}
    try:
        read = read_section(document, rest, LendingSection, "lending")
    except ScenarioError as error:
        reason = f"lending {count}: {error.reason}"
        raise ScenarioError(error.path, error.line, error.field, reason) from None
    given = {entry.name: getattr(read, entry.name) for entry in fields(read)}
    return LendingSection(**{**given, **inner})


def read_sections(document: Document) -> Sections:
    """All tables of a lending scenario, checked one by one.

    Raises
    ------
    cascade.ScenarioError
        A section or field is unknown, missing, or not of its kind or range.
    """
    values = document.values
    for name, content in values.items():
        if name not in (*TABLES, *LISTS):
            known = ", ".join((*TABLES, *LISTS))
            raise document.error(name, f"unknown section; with [[lending]] there are {known}")
        if name in TABLES and not isinstance(content, dict):
            raise document.error(name, f"must be a table, [{name}]")
    for name in REQUIRED:
        if name not in values:
            raise document.error(name, f"section [{name}] is missing")
    read: dict[str, Any] = {
        name: read_section(document, values.get(name, {}), kind, name)
        for name, kind in TABLES.items()
    }
    lending = tuple(
        _read_lending(document, table, count)
        for count, table in enumerate(_tables(document, values["lending"], "lending"), 1)
    )
    liquidators = _read_each(
        document, values.get("liquidators", []), LiquidatorSection, "liquidators"
    )
    venues = _read_each(document, values.get("venues", []), FurtherVenueSection, "venues")
    return Sections(lending=lending, liquidators=liquidators, venues=venues, **read)
