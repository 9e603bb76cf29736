"""`LendingScenario`: a lending market on a pool, its borrowers, and an outside price that falls.

What the fields mean is in ``docs/lending-scenario.md``. Each step the outside price moves, traders from
outside take the pool to where trading it no longer pays, and the engine liquidates whom it can.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._lendingentry import liquidator_row
from cascade._poolrows import quote_pool
from cascade.bounds import MAX_PRICE
from cascade.codes import MessageKind, Side
from cascade.dislocation import Dislocation
from cascade.dtypes import MESSAGE_DTYPE
from cascade.engine import Engine
from cascade.exact_numbers import exact
from cascade.impact import Impact
from cascade.lending_crowd import crowd_columns
from cascade.lending_market import LendingMarket
from cascade.market import Market
from cascade.reserve import Reserve
from cascade.scenarios.document import Document
from cascade.scenarios.fitting import fitted
from cascade.scenarios.incidents import Act, planned
from cascade.scenarios.lending_building import build_lending
from cascade.scenarios.lending_checks import check_lending, check_sections
from cascade.scenarios.lending_schema import Sections, read_sections
from cascade.scenarios.playing import Played, Progress, checked_seed, named, played
from cascade.scenarios.pool import lots_through_pool
from cascade.scenarios.protocol import terms_of, title_of
from cascade.stop_gaps import has_pool

DEFAULT_STEPS = 100
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class LendingBefore:
    """State before the shock.

    Attributes
    ----------
    time_ns : int
    index_ticks, pool_ticks : int
        Outside price and the pool's.
    rows : dict of (str, str) to dict
        `Reserve.row` by lending market and reserve.
    columns : dict of str to dict
        `cascade.lending_crowd.crowd_columns` by lending market.
    pools : dict of str to dict
        Rows of stability pools by lending market, where there are any.
    bands : dict of str to dict
        `BandMarket.row` by lending market, of those with bands.
    liquidators : list of dict
        Atoms earned and spent, and calls.
    """

    time_ns: int
    index_ticks: int
    pool_ticks: int
    rows: dict[tuple[str, str], dict[str, int]]
    columns: dict[str, Columns]
    pools: dict[str, dict[str, int]]
    bands: dict[str, dict[str, int]]
    liquidators: list[dict[str, int]]


@dataclass(frozen=True, kw_only=True)
class LendingOutcome(Played):
    """A lending scenario that was run; the engine, the pool's market and events are those of `Played`.

    Attributes
    ----------
    scenario : LendingScenario
    before : LendingBefore
    pool_ticks : tuple of int
        Price of the pool at the end of each step.
    """

    scenario: LendingScenario
    before: LendingBefore
    pool_ticks: tuple[int, ...]

    @property
    def steps(self) -> int:
        """Steps of the shock."""
        return len(self.pool_ticks)


def pool_price_ticks(market: Market) -> int:
    """Price at which a pool stands once one more lot is sold, in ticks."""
    _, _, ticks = quote_pool(market.engine, market.number, Side.SELL, 1)
    return ticks


def outside_trade(market: Market, index_ticks: int, fee: Fraction) -> list[tuple[str, Any]]:
    """What traders from outside do at a pool: up to the edge where its fee eats the gain.

    Returns
    -------
    list of (str, MESSAGE_DTYPE)
        One order, or none.
    """
    now = pool_price_ticks(market)
    low, high = index_ticks * (1 - fee), index_ticks / (1 - fee)
    buy = now < low
    # the tick within the band that is nearest to the pool's price
    edge = -(-low.numerator // low.denominator) if buy else int(high)
    if low <= now <= high or (now >= edge if buy else now <= edge):
        return []
    message = np.zeros(1, MESSAGE_DTYPE)
    message["kind"] = MessageKind.MARKET
    message["side"] = Side.BUY if buy else Side.SELL
    message["account"] = -1
    message["size"] = lots_through_pool(market, edge, buy)
    return [(market.name, message)]


@dataclass(frozen=True)
class LendingScenario:
    """A lending scenario file, checked; `cascade.scenarios.load` makes one.

    Attributes
    ----------
    path : str
        The file.
    sections : Sections
    fitted : tuple of str
        What of the file was changed for the rules of another protocol, a clause each.
    """

    document: Document
    directory: Path
    sections: Sections
    fitted: tuple[str, ...] = ()

    @classmethod
    def read(cls, document: Document, directory: Path) -> LendingScenario:
        """The scenario of a document.

        Raises
        ------
        cascade.ScenarioError
            A field is wrong, or two do not go together.
        """
        sections = read_sections(document)
        check_sections(document, sections)
        return cls(document, directory, sections)

    @property
    def path(self) -> str:
        """The file."""
        return self.document.path

    @property
    def seed(self) -> int:
        """What borrowers are drawn from."""
        return self.sections.engine.seed

    def with_seed(self, seed: int) -> LendingScenario:
        """The same scenario with another seed.

        Raises
        ------
        ValueError
            `seed` is outside 0 ... 2**63 - 1.
        """
        engine = replace(self.sections.engine, seed=checked_seed(seed))
        return replace(self, sections=replace(self.sections, engine=engine))

    def with_rules(self, name: str) -> LendingScenario:
        """The same scenario under a protocol's rules: a preset, or ``preset:variant``.

        Reserves and borrowers that the protocol could not have are fitted to it; `fitted` says how.

        Raises
        ------
        cascade.ScenarioError
            There is no such preset or variant, or the file has no borrowers that it could have.
        """
        preset, _, variant = name.partition(":")
        sections, notes = fitted(
            self.document, self.sections, preset, variant or None,
            self._outside()[0] * Fraction(self.sections.market.tick),
        )  # fmt: skip
        for section in sections.lending:
            check_lending(self.document, sections, section)
        return replace(self, sections=sections, fitted=notes)

    @property
    def rules(self) -> dict[str, str]:
        """What each lending market's rules are called."""
        return {
            section.name: title_of(section, terms_of(self.document, section))
            for section in self.sections.lending
        }

    def file(self, name: str) -> Path:
        """A file that the scenario names, relative to the scenario's own."""
        return self.directory / name

    def _named(self, place: str) -> AbstractContextManager[None]:
        return named(self.document, place)

    # --- building ------------------------------------------------------------------------------

    def _outside(self) -> list[int]:
        # outside prices in ticks, the first one before the shock
        market, shock = self.sections.market, self.sections.shock
        tick = Fraction(market.tick)
        if shock.path is None:
            start, steps = Fraction(market.price or 0) / tick, shock.steps or DEFAULT_STEPS
            target = start * (1 + Fraction(shock.move or 0))
            prices = [start + (target - start) * k / steps for k in range(steps + 1)]
        else:
            from cascade.data import load_prices

            with self._named("shock.path"):
                loaded = load_prices(self.file(shock.path)).price.tolist()
            prices = [Fraction(price) / tick for price in loaded[: shock.steps]]
            if market.price is not None:
                start = Fraction(market.price) / tick
                factor = start / prices[0] if shock.relative else 1
                prices = [start, *(price * factor for price in prices)]
        ticks = [round(price) for price in prices]
        if not all(1 <= price <= MAX_PRICE for price in ticks):
            raise self.document.error("shock", f"a price is outside 1 ... {MAX_PRICE} ticks")
        return ticks + ticks[-1:] * shock.hold

    def build(self) -> Engine:
        """An engine with pool, reserves, borrowers and liquidators, before the shock.

        Returns
        -------
        Engine
            Its first market is the pool's.

        Raises
        ------
        ScenarioError
            A file cannot be read, or values do not go together.
        """
        return build_lending(self.document, self.directory, self.sections, self._outside()[0])

    # --- running -------------------------------------------------------------------------------

    def _before(self, engine: Engine, market: Market) -> LendingBefore:
        lending = list(engine.lending)
        return LendingBefore(
            time_ns=engine.time_ns,
            index_ticks=market.index_ticks,
            pool_ticks=pool_price_ticks(market),
            rows={(each.name, r.name): r.row() for each in lending for r in reserves(each)},
            columns={each.name: crowd_columns(each) for each in lending},
            pools={x.name: x.stability_pool.row() for x in lending if has_pool(x.rules)},
            bands={name: bands.row() for name, bands in engine.lending.bands.items()},
            liquidators=[liquidator_row(engine, k) for k in range(len(engine.liquidators))],
        )

    def _play(
        self, engine: Engine, market: Market, progress: Progress | None
    ) -> tuple[list[Dislocation], tuple[int, ...]]:
        # the dislocation of each step, and the pool's price at its end
        shock = self.sections.shock
        pools = engine.markets[: 1 + len(self.sections.venues)]
        path = self._outside()[1:]
        with self._named("lending.incidents"):
            plan = planned(engine, self.sections)
        away: list[Dislocation] = []
        ended: list[int] = []
        for ticks in path:
            with self._named("lending.incidents"):
                plan = _happen(plan, engine.time_ns)
            trading = pools if shock.arbitrage else []
            orders = [order for made in trading for order in outside_trade(made, ticks, _fee(made))]
            price = Fraction(market.ticks.step) * ticks
            index = {made.name: price for made in pools}
            step = engine.step(orders=orders, index=index, dt=shock.dt)
            away.append(step.dislocation[market.name])
            ended.append(pool_price_ticks(market))
            if progress is not None:
                progress(len(away), len(path))
        return away, tuple(ended)

    def run(self, progress: Progress | None = None) -> LendingOutcome:
        """Build and play the shock step by step.

        Parameters
        ----------
        progress : callable (steps done, steps in all), optional
            Called after each step.

        Returns
        -------
        LendingOutcome

        Raises
        ------
        ScenarioError
            As `build`.
        ConservationError, InvariantError
            A promise of the engine was broken; it is validated at the end.
        KeyboardInterrupt
            Between two steps or liquidations.
        """
        frame, before, pool = played(
            self, self._before, lambda engine, market: self._play(engine, market, progress)
        )
        return LendingOutcome(scenario=self, before=before, pool_ticks=pool, **vars(frame))


def _happen(plan: Iterable[tuple[int, Act]], now: int) -> list[tuple[int, Act]]:
    # what is due of the plan by now; gives the rest
    rest = []
    for when, act in plan:
        if when <= now:
            act()
        else:
            rest.append((when, act))
    return rest


def _fee(market: Market) -> Fraction:
    assert not isinstance(market.venue, (str, Impact))
    return exact(market.venue.fee, "fee")


def reserves(lending: LendingMarket) -> list[Reserve]:
    """Reserves of a lending market, in their order."""
    return list(lending.reserves.values())
