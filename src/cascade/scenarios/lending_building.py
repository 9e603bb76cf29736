"""Building of a lending scenario's engine: pools, liquidators, lending markets of every kind, and who borrows."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade.band_market import BandMarket
from cascade.band_rules import BandRules
from cascade.engine import Engine
from cascade.interest_models import model_named
from cascade.lending_market import LendingMarket
from cascade.lending_rules import Liquidator, Oracle
from cascade.market import Market
from cascade.reserve import Reserve
from cascade.ruleset import Rules
from cascade.scenarios import borrowers
from cascade.scenarios.document import Document
from cascade.scenarios.incidents import reserve_of
from cascade.scenarios.lending_schema import (
    MEDIAN,
    BorrowersSection,
    LendingSection,
    ReserveSection,
    Sections,
)
from cascade.scenarios.playing import named
from cascade.scenarios.pool import pool_of
from cascade.scenarios.protocol import TROVES, kind_of, rate_of, terms_of
from cascade.venues import PoolVenue

PARTS = 10**9
#: Lots for which bands are asked what they carry, to know what share of its value that is.
PROBE_LOTS = 1000
#: Fields of a reserve that are not keywords of `LendingMarket.add_reserve`, or not as they are.
NO_TERMS = ("name", "price", "venue", "supplied", "interest", "oracle", "liquidation_factor")

Drawn = tuple[NDArray[np.int64], NDArray[np.int64]]


def build_lending(
    document: Document, directory: Path, sections: Sections, start_ticks: int
) -> Engine:
    """An engine with pools, reserves, borrowers and liquidators.

    Parameters
    ----------
    document : Document
        For errors.
    directory : Path
        Of the files that the scenario names.
    sections : Sections
    start_ticks : int
        Price before the shock.

    Raises
    ------
    ScenarioError
        A file cannot be read, or values do not go together.
    """
    section = sections.market
    engine = Engine(
        seed=sections.engine.seed, execution=sections.engine.execution,  # type: ignore[arg-type]
        asset=section.asset, asset_decimals=section.asset_decimals,
    )  # fmt: skip
    priced = _add_markets(document, engine, sections, start_ticks)
    with named(document, "liquidators"):
        for liquidator in sections.liquidators or ():
            engine.liquidators.add(Liquidator(**asdict(liquidator)))
        if not sections.liquidators:
            engine.liquidators.add(Liquidator())
        engine.liquidators.compete = sections.engine.compete
    for price, supply, borrow in (
        *((market, section.supply_cap, section.borrow_cap) for market in priced),
        (None, section.money_supply_cap, section.money_borrow_cap),
    ):
        if supply is not None or borrow is not None:
            with named(document, "market"):
                engine.lending.cap(price, supply=supply, borrow=borrow)
    for number, lending in enumerate(sections.lending):
        Building(document, directory, engine, lending, [sections.engine.seed, number]).add()
    return engine


def _add_markets(
    document: Document, engine: Engine, sections: Sections, start_ticks: int
) -> list[Market]:
    # the markets that reserves may have as their price are given back
    section = sections.market
    averaged = {"average_time": section.average_time, "observations": section.observations}
    terms = {name: value for name, value in averaged.items() if value is not None}
    price = start_ticks * Fraction(section.tick)
    venues = [(section.name, sections.venue, "venue")]
    venues += [(venue.name, venue, "venues") for venue in sections.venues]
    for name, stated, place in venues:
        with named(document, place):
            pool: PoolVenue = pool_of(stated, price, Fraction(1))
        with named(document, "market"):
            market = engine.add_market(
                name, tick_size=section.tick, lot_size=section.lot, venue=pool,
                rules=Rules(tiers=((0, 0),), feed=section.feed, **terms),  # type: ignore[arg-type]
            )  # fmt: skip
            market.set_index(price)
    names = [name for name, _, _ in venues]
    stated_prices = {reserve.price for lending in sections.lending for reserve in lending.reserves}
    if MEDIAN in names or MEDIAN not in stated_prices:
        return engine.markets[:1]
    with named(document, "market"):
        median = engine.add_market(
            MEDIAN, tick_size=section.tick, lot_size=section.lot,
            rules=Rules(tiers=((0, 0),), feed="index"), follows=names,
        )  # fmt: skip
    return [engine.markets[0], median]


class Building:
    """One ``[[lending]]`` on its way into an engine.

    Parameters
    ----------
    document, directory
        As `build_lending`.
    engine : Engine
    section : LendingSection
    seed : list of int
        What its borrowers are drawn from.
    """

    def __init__(
        self, document: Document, directory: Path, engine: Engine, section: LendingSection,
        seed: list[int],
    ) -> None:  # fmt: skip
        self._document = document
        self._directory = directory
        self._engine = engine
        self._section = section
        self._seed = seed
        self._terms = terms_of(document, section)

    def add(self) -> None:
        """Add the lending market with all that the section states."""
        section, document = self._section, self._document
        if isinstance(self._terms, BandRules):
            with named(document, "lending"):
                self._add_bands(self._terms)
        else:
            with named(document, "lending"):
                lending = self._engine.lending.add(section.name, rules=self._terms)
            for reserve in section.reserves:
                with named(document, "lending.reserves", reserve.name):
                    _add_reserve(lending, reserve)
            for category in section.categories:
                with named(document, "lending.categories", category.name):
                    lending.add_category(**vars(category))
        drawn = []
        for number, group in enumerate(section.borrowers):
            with named(document, "lending.borrowers", f"borrowers {number + 1}"):
                drawn.append(self._draw(group, [*self._seed, number]))
        self._supply(drawn)
        for number, (group, (collateral, debt)) in enumerate(
            zip(section.borrowers, drawn, strict=True), 1
        ):
            with named(document, "lending.borrowers", f"borrowers {number}"):
                self._open(group, collateral, debt)
        self._provide()

    def _reserve(self, name: str) -> Reserve:
        return reserve_of(self._engine, self._section, name)

    @property
    def _bands(self) -> BandMarket | None:
        return self._engine.lending.bands.get(self._section.name)

    def _add_bands(self, rules: BandRules) -> None:
        priced = next(r for r in self._section.reserves if r.price is not None)
        self._engine.lending.add_bands(
            self._section.name, price=str(priced.price), rules=rules, rate=rate_of(self._section),
            venue=_venues(self._engine, priced), oracle=_oracle(priced),
        )  # fmt: skip

    # --- who borrows ---------------------------------------------------------------------------

    def _bearing(self, group: BorrowersSection) -> float:
        # share of the collateral's value that a debt at a health of one is worth
        held, owed = self._reserve(group.collateral), self._reserve(group.debt)
        bands = self._bands
        if bands is not None:
            lots = held.lots.number(PROBE_LOTS)
            assert held.price is not None
            return bands.max_debt(lots, group.bands) / (lots * held.price)
        threshold = held.given["threshold"]
        if group.category is not None:
            category = self._engine.lending[self._section.name].categories[group.category]
            if group.collateral in category.sides:
                threshold = category.terms["threshold"]
        return threshold / PARTS * (owed.given["borrow_factor"] / PARTS)

    def _draw(self, group: BorrowersSection, seed: list[int]) -> Drawn:
        held, owed = self._reserve(group.collateral), self._reserve(group.debt)
        if group.file is not None:
            return borrowers.read(self._directory / group.file, held, owed)
        bearing = self._bearing(group)
        if not bearing:
            raise self._document.error(
                "lending.reserves.liquidation_threshold",
                f"{group.collateral}: is missing or 0, and debts of its borrowers follow from it",
            )
        collateral, debt = borrowers.draw(group, held, owed, bearing, seed)
        least = max(
            owed.lots.steps(group.debt_least, "debt_least"), 0 if self._bands is None else 1
        )
        kept = debt >= least
        if not kept.any():
            reason = f"{group.debt_least}: none of {group.count:,} borrowers owes so much"
            raise self._document.error("lending.borrowers.debt_least", reason)
        return collateral[kept], debt[kept]

    def _supply(self, drawn: list[Drawn]) -> None:
        # what a protocol mints is there as far as it is owed, unless the file supplies it
        kind = kind_of(self._terms)
        for reserve in self._section.reserves:
            if self._bands is not None:
                continue
            owed = sum(
                int(debt.sum())
                for group, (_, debt) in zip(self._section.borrowers, drawn, strict=True)
                if group.debt == reserve.name
            )
            made = self._reserve(reserve.name)
            with named(self._document, "lending.reserves.supplied", reserve.name):
                if reserve.supplied:
                    made.supply(reserve.supplied)
                elif owed and kind == TROVES:
                    made.supply(made.lots.numbers_of(np.array([owed]))[0])

    def _open(
        self, group: BorrowersSection, collateral: NDArray[np.int64], debt: NDArray[np.int64]
    ) -> None:
        engine = self._engine
        accounts = len(engine.accounts) + len(collateral)
        engine.reserve(accounts=accounts, positions=2 * accounts, events=2 * accounts)
        held, owed = self._reserve(group.collateral), self._reserve(group.debt)
        amounts = held.lots.numbers_of(collateral), owed.lots.numbers_of(debt)
        bands = self._bands
        if bands is not None:
            bands.open(collateral=amounts[0], debt=amounts[1], bands=group.bands)
            return
        engine.lending[self._section.name].open(
            collateral={held.name: amounts[0]},
            debt={owed.name: amounts[1]},
            category=group.category,
        )

    def _provide(self) -> None:
        # into the stability pool
        section = self._section
        place = "stability_pool" if section.stability_share is None else "stability_share"
        with named(self._document, f"lending.{place}"):
            if section.stability_pool is not None:
                self._engine.lending[section.name].stability_pool.provide(section.stability_pool)
            elif section.stability_share is not None:
                lending = self._engine.lending[section.name]
                debts = sum(lending.columns()["debt"].tolist())
                atoms = int(debts * Fraction(section.stability_share))
                scale = self._engine.scale_of(lending.asset)
                lending.stability_pool.provide(Fraction(atoms, scale))


def _oracle(section: ReserveSection) -> Oracle | None:
    return None if section.oracle is None else Oracle(**section.oracle)


def _venues(engine: Engine, section: ReserveSection) -> Any:
    # a median has no pool of its own: the market's is its price's
    if section.venue == "none":
        return None
    if section.price is None or not engine[section.price].sources:
        return section.venue
    market = engine.markets[0].name
    if isinstance(section.venue, list):
        return [market if name == "price" else name for name in section.venue]
    return market if section.venue == "price" else section.venue


def _add_reserve(lending: LendingMarket, section: ReserveSection) -> None:
    terms: dict[str, Any] = {
        name: value for name, value in vars(section).items() if name not in NO_TERMS
    }
    if section.liquidation_factor is not None:
        terms["liquidation_factor"] = section.liquidation_factor
    lending.add_reserve(
        section.name, price=section.price, venue=_venues(lending.engine, section),
        interest=None if section.interest is None else model_named(section.interest),
        oracle=_oracle(section), **terms,
    )  # fmt: skip
