"""`LendingScenario`: a lending market on a pool, its borrowers, and an outside price that falls.

What the fields mean is in ``docs/lending-scenario.md``. Each step the outside price moves, traders from
outside take the pool to where trading it no longer pays, and the engine liquidates whom it can.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._lendingentry import liquidator_row
from cascade._poolrows import quote_pool
from cascade.bounds import MAX_PRICE
from cascade.codes import MessageKind, Side
from cascade.collateral_auction import CollateralAuction
from cascade.dislocation import Dislocation, furthest
from cascade.dtypes import MESSAGE_DTYPE
from cascade.engine import Engine
from cascade.errors import ScenarioError
from cascade.exact_numbers import exact
from cascade.impact import Impact
from cascade.interest_models import model_named
from cascade.lending_market import LendingMarket
from cascade.lending_rules import LendingRules, Liquidator, Oracle
from cascade.market import Market
from cascade.reserve import Reserve
from cascade.rules import LENDING, maker_liq2
from cascade.ruleset import AVERAGED, Rules
from cascade.scenarios import borrowers
from cascade.scenarios.checks import check_pool, check_venue
from cascade.scenarios.document import Document
from cascade.scenarios.lending_schema import (
    BorrowersSection,
    LendingSection,
    ReserveSection,
    Sections,
    read_sections,
)
from cascade.scenarios.pool import lots_through_pool, pool_of
from cascade.scenarios.scenario import Progress
from cascade.venues import PoolVenue

DEFAULT_STEPS = 100
#: Presets of markets that auction, by name; the variant is a collateral.
AUCTIONED = {"maker_liq2": maker_liq2}
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class LendingBefore:
    """State before the shock.

    Attributes
    ----------
    time_ns : int
    index_ticks, pool_ticks : int
        Outside price and the pool's.
    prices : dict of (str, str) to int
        Believed price in ticks by lending market and reserve.
    columns : dict of str to dict
        `LendingMarket.columns` by name.
    liquidators : list of dict
        Atoms earned and spent, and calls.
    """

    time_ns: int
    index_ticks: int
    pool_ticks: int
    prices: dict[tuple[str, str], int]
    columns: dict[str, Columns]
    liquidators: list[dict[str, int]]


@dataclass(frozen=True)
class LendingOutcome:
    """A lending scenario that was run.

    Attributes
    ----------
    scenario : LendingScenario
    engine : Engine
        As the run left it; validated.
    market : Market
        The pool's.
    before : LendingBefore
    first_event : int
        Events from here on belong to the shock.
    pool_ticks : tuple of int
        Price of the pool at the end of each step.
    build_seconds, run_seconds : float
    dislocation : Dislocation
        How far the pool left the outside price.
    """

    scenario: LendingScenario
    engine: Engine
    market: Market
    before: LendingBefore
    first_event: int
    pool_ticks: tuple[int, ...]
    build_seconds: float
    run_seconds: float
    dislocation: Dislocation

    @property
    def steps(self) -> int:
        """Steps of the shock."""
        return len(self.pool_ticks)

    @property
    def events(self) -> NDArray[Any]:
        """Events of the shock, EVENT_DTYPE."""
        return self.engine.events_between(self.first_event, self.engine.event_count)


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
    """

    document: Document
    directory: Path
    sections: Sections

    @classmethod
    def read(cls, document: Document, directory: Path) -> LendingScenario:
        """The scenario of a document.

        Raises
        ------
        cascade.ScenarioError
            A field is wrong, or two do not go together.
        """
        made = cls(document, directory, read_sections(document))
        made._check()
        return made

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
        if not 0 <= seed < 2**63:
            raise ValueError(f"seed {seed} is outside 0 ... {2**63 - 1}")
        engine = replace(self.sections.engine, seed=seed)
        return replace(self, sections=replace(self.sections, engine=engine))

    def with_rules(self, name: str) -> LendingScenario:
        """The same scenario under a protocol's rules: a preset, or ``preset:variant``.

        Raises
        ------
        cascade.ScenarioError
            There is no such preset, or the engine has not what it needs.
        """
        preset, _, variant = name.partition(":")
        lending = tuple(
            replace(section, rules=preset, variant=variant or None, fee=None)
            for section in self.sections.lending
        )
        made = replace(self, sections=replace(self.sections, lending=lending))
        for section in lending:
            made._rules(section)
        return made

    def file(self, name: str) -> Path:
        """A file that the scenario names, relative to the scenario's own."""
        return self.directory / name

    # --- checks --------------------------------------------------------------------------------

    def _check(self) -> None:
        error, sections = self.document.error, self.sections
        check_venue(SimpleNamespace(document=self.document, venue=sections.venue))
        for venue, given in zip(
            sections.venues, self.document.values.get("venues", []), strict=True
        ):
            check_pool(self.document, venue, given, "venues")
        names = self._market_names()
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
        for section in sections.lending:
            self._check_lending(section)
            self._rules(section)

    def _market_names(self) -> list[str]:
        return [self.sections.market.name, *(venue.name for venue in self.sections.venues)]

    def _check_reserve_venue(self, reserve: ReserveSection) -> None:
        known = self._market_names()
        several = isinstance(reserve.venue, list)
        allowed = ["price", *known] if several else ["price", "none", *known]
        for name in reserve.venue if several else [reserve.venue]:
            if name not in allowed:
                reason = f"{reserve.name}: {name!r} is not one of {', '.join(allowed)}"
                raise self.document.error("lending.reserves.venue", reason)

    def _check_lending(self, section: LendingSection) -> None:
        error = self.document.error
        names = [reserve.name for reserve in section.reserves]
        if len(set(names)) < len(names) or not names:
            raise error("lending.reserves", f"{section.name}: must have names of their own")
        for reserve in section.reserves:
            if reserve.price not in (None, self.sections.market.name):
                reason = f"{reserve.price!r} is not the market {self.sections.market.name!r}"
                raise error("lending.reserves.price", f"{reserve.name}: {reason}")
            self._check_reserve_venue(reserve)
        for group in section.borrowers:
            for field in ("collateral", "debt"):
                if getattr(group, field) not in names:
                    reason = f"{getattr(group, field)!r} is not one of {', '.join(names)}"
                    raise error(f"lending.borrowers.{field}", reason)

    def _rules(self, section: LendingSection) -> LendingRules:
        fee: dict[str, Any] = {} if section.fee is None else {"fee": section.fee}
        with self._named("lending.rules"):
            if isinstance(section.rules, str):
                if section.rules in AUCTIONED:
                    return AUCTIONED[section.rules](section.variant or "ETH-A")
                if section.rules not in LENDING:
                    known = ", ".join([*LENDING, *AUCTIONED])
                    raise ValueError(f"{section.rules!r} is not one of {known}")
                return LendingRules.from_protocol(LENDING[section.rules](section.variant), **fee)
            given: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in (section.rules or {}).items()
            }
            close = given.get("close_factor")
            if isinstance(close, tuple) and len(close) == 2 and isinstance(close[1], dict):
                terms: dict[str, Any] = {
                    k: tuple(v) if isinstance(v, list) else v for k, v in close[1].items()
                }
                given["close_factor"] = (close[0], CollateralAuction(**terms))
            return LendingRules(**{**given, **fee})

    @contextmanager
    def _named(self, place: str) -> Iterator[None]:
        # what the engine or a loader refuses is reported at the field it came from
        try:
            yield
        except ScenarioError:
            raise
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}" if error.strerror else str(error)
            raise self.document.error(place, reason) from error
        except (ValueError, TypeError, OverflowError) as error:
            raise self.document.error(place, str(error)) from error

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
        sections = self.sections
        section = sections.market
        engine = Engine(
            seed=sections.engine.seed, execution=sections.engine.execution,  # type: ignore[arg-type]
            asset=section.asset, asset_decimals=section.asset_decimals,
        )  # fmt: skip
        averaged = {"average_time": section.average_time, "observations": section.observations}
        terms = {name: value for name, value in averaged.items() if value is not None}
        start = self._outside()[0]
        price = start * Fraction(section.tick)
        for name, stated in zip(
            self._market_names(), (sections.venue, *sections.venues), strict=True
        ):
            with self._named("venue" if stated is sections.venue else "venues"):
                pool: PoolVenue = pool_of(stated, price, Fraction(1))
            with self._named("market"):
                market = engine.add_market(
                    name, tick_size=section.tick, lot_size=section.lot, venue=pool,
                    rules=Rules(tiers=((0, 0),), feed=section.feed, **terms),  # type: ignore[arg-type]
                )  # fmt: skip
                market.set_index(price)
        with self._named("liquidators"):
            for liquidator in sections.liquidators or ():
                engine.liquidators.add(Liquidator(**asdict(liquidator)))
            if not sections.liquidators:
                engine.liquidators.add(Liquidator())
            engine.liquidators.compete = sections.engine.compete
        if section.supply_cap is not None or section.borrow_cap is not None:
            with self._named("market"):
                engine.lending.cap(market, supply=section.supply_cap, borrow=section.borrow_cap)
        for number, lending in enumerate(sections.lending):
            self._add_lending(engine, lending, number)
        return engine

    def _add_lending(self, engine: Engine, section: LendingSection, number: int) -> None:
        with self._named("lending"):
            lending = engine.lending.add(section.name, rules=self._rules(section))
        for reserve in section.reserves:
            with self._named("lending.reserves"):
                self._add_reserve(lending, reserve)
        for group, given in enumerate(section.borrowers):
            with self._named("lending.borrowers"):
                self._open(lending, given, [self.seed, number, group])

    @staticmethod
    def _add_reserve(lending: LendingMarket, section: ReserveSection) -> None:
        terms = {
            name: value
            for name, value in vars(section).items()
            if name not in ("name", "price", "venue", "supplied", "interest", "oracle")
        }
        reserve = lending.add_reserve(
            section.name, price=section.price, venue=None if section.venue == "none" else section.venue,
            interest=None if section.interest is None else model_named(section.interest),
            oracle=None if section.oracle is None else Oracle(**section.oracle), **terms,
        )  # fmt: skip
        if section.supplied:
            reserve.supply(section.supplied)

    def _open(self, lending: LendingMarket, section: BorrowersSection, seed: list[int]) -> None:
        held, owed = lending[section.collateral], lending[section.debt]
        if section.file is not None:
            collateral, debt = borrowers.read(self.file(section.file), held, owed)
        else:
            parts = 10**9
            bearing = held.given["threshold"] / parts * (owed.given["borrow_factor"] / parts)
            collateral, debt = borrowers.draw(section, held, owed, bearing, seed)
        count = len(collateral)
        engine = lending.engine
        accounts = len(engine.accounts) + count
        engine.reserve(accounts=accounts, positions=2 * accounts, events=2 * accounts)
        lending.open(
            collateral={held.name: held.lots.numbers_of(collateral)},
            debt={owed.name: owed.lots.numbers_of(debt)},
        )

    # --- running -------------------------------------------------------------------------------

    def _before(self, engine: Engine, market: Market) -> LendingBefore:
        every = [(lending, reserve) for lending in engine.lending for reserve in reserves(lending)]
        return LendingBefore(
            time_ns=engine.time_ns,
            index_ticks=market.index_ticks,
            pool_ticks=pool_price_ticks(market),
            prices={(lending.name, r.name): r.row()["price"] for lending, r in every},
            columns={lending.name: lending.columns() for lending in engine.lending},
            liquidators=[liquidator_row(engine, k) for k in range(len(engine.liquidators))],
        )

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
        started = time.perf_counter()
        engine = self.build()
        market = engine.markets[0]
        before = self._before(engine, market)
        first = engine.event_count
        built = time.perf_counter()
        shock = self.sections.shock
        pools = engine.markets[: 1 + len(self.sections.venues)]
        path = self._outside()[1:]
        away: list[Dislocation] = []
        pool: list[int] = []
        with self._named("shock"):
            for ticks in path:
                trading = pools if shock.arbitrage else []
                orders = [
                    order for made in trading for order in outside_trade(made, ticks, _fee(made))
                ]
                price = Fraction(market.ticks.step) * ticks
                index = {made.name: price for made in pools}
                step = engine.step(orders=orders, index=index, dt=shock.dt)
                away.append(step.dislocation[market.name])
                pool.append(pool_price_ticks(market))
                if progress is not None:
                    progress(len(away), len(path))
        engine.validate()
        ended = time.perf_counter()
        taken = built - started, ended - built
        return LendingOutcome(
            self, engine, market, before, first, tuple(pool), *taken, furthest(away)
        )


def _fee(market: Market) -> Fraction:
    assert not isinstance(market.venue, (str, Impact))
    return exact(market.venue.fee, "fee")


def reserves(lending: LendingMarket) -> list[Reserve]:
    """Reserves of a lending market, in their order."""
    return list(lending.reserves.values())
