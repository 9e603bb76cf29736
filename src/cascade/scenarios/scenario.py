"""`Scenario`: a validated file that becomes an engine, and a run of it.

What the fields mean is in ``docs/scenario.md``. Everything that is drawn comes from one seed, so a
scenario gives the same log, bit for bit, each time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._columns import asset_row
from cascade.bounds import MAX_PRICE
from cascade.codes import MessageKind, Side
from cascade.dislocation import Dislocation
from cascade.dtypes import MESSAGE_DTYPE
from cascade.engine import Engine
from cascade.exact_numbers import step_time
from cascade.market import Market, Venue
from cascade.results import StepResult
from cascade.rules import PRESETS, describe, tiers_from_file
from cascade.ruleset import Rules
from cascade.scenarios import crowd as crowds
from cascade.scenarios import depth as depths
from cascade.scenarios.document import Document
from cascade.scenarios.halts import breaker_of
from cascade.scenarios.playing import Played, Progress, checked_seed, named, played
from cascade.scenarios.pool import pool_of
from cascade.scenarios.population import resident
from cascade.scenarios.rest import may_go_on, tried_in_vain
from cascade.scenarios.schema import (
    BookSection,
    CrowdSection,
    EngineSection,
    FundSection,
    MarketSection,
    RulesSection,
    ShockSection,
    VenueSection,
)

DEFAULT_STEPS = 10


@dataclass(frozen=True)
class Before:
    """Columns as they were before the shock, in lots and atoms.

    Attributes
    ----------
    time_ns : int
    mark_ticks : int
    open_interest_lots : int
    size, entry_value, collateral : numpy.ndarray of int64
        By account; collateral is margin and balance.
    bid_lots, ask_lots : int
        Depth in the book; 0 for an impact venue.
    fund, fees, bad_debt : int
    """

    time_ns: int
    mark_ticks: int
    open_interest_lots: int
    size: NDArray[np.int64]
    entry_value: NDArray[np.int64]
    collateral: NDArray[np.int64]
    bid_lots: int
    ask_lots: int
    fund: int
    fees: int
    bad_debt: int

    @classmethod
    def of(cls, engine: Engine, market: Market) -> Before:
        """Columns of an engine now."""
        accounts = engine.accounts
        bids, asks = depths.read_sides(market) if market.has_book else (None, None)
        money = asset_row(engine, engine.asset_number(market.asset))
        return cls(
            time_ns=engine.time_ns,
            mark_ticks=market.mark_ticks,
            open_interest_lots=market.open_interest_lots,
            size=accounts.column(market, "size"),
            entry_value=accounts.column(market, "entry_value"),
            collateral=accounts.column(market, "margin") + accounts.balance_atoms,
            bid_lots=0 if bids is None else int(bids[:, 1].sum()),
            ask_lots=0 if asks is None else int(asks[:, 1].sum()),
            fund=money["fund"],
            fees=money["fees"],
            bad_debt=money["bad_debt"],
        )


@dataclass(frozen=True, kw_only=True)
class Outcome(Played):
    """A scenario that was run; the engine, its market and events are those of `Played`.

    Attributes
    ----------
    scenario : Scenario
    before : Before
        Columns before the shock.
    steps : int
    at_rest : bool
        The run ended because what is still due could not be closed by any later step.
    """

    scenario: Scenario
    before: Before
    steps: int
    at_rest: bool = False


@dataclass(frozen=True)
class Scenario:
    """A scenario file, checked; `cascade.scenarios.load` makes one.

    Attributes
    ----------
    path : str
        The file.
    market, rules, book, crowd, fund, shock, engine, venue
        Its sections.
    residents : tuple of dict
        Kind and terms of each ``[[residents]]``.
    """

    document: Document
    directory: Path
    market: MarketSection
    rules: RulesSection
    book: BookSection
    crowd: CrowdSection
    fund: FundSection
    shock: ShockSection
    engine: EngineSection
    venue: VenueSection = field(default_factory=VenueSection)
    residents: tuple[dict[str, Any], ...] = ()

    @property
    def path(self) -> str:
        """The file."""
        return self.document.path

    def with_seed(self, seed: int) -> Scenario:
        """The same scenario with another seed.

        Raises
        ------
        ValueError
            `seed` is outside 0 ... 2**63 - 1.
        """
        return replace(self, crowd=replace(self.crowd, seed=checked_seed(seed)))

    def with_rules(self, name: str) -> Scenario:
        """The same scenario under a venue's rules, in place of its own preset and ``[rules]``.

        The symbol is the scenario's where the venue has it, else the first of the venue.

        Raises
        ------
        cascade.ScenarioError
            There is no such preset, or its contracts are not of the scenario's kind.
        """
        try:
            venue = describe(name)
        except ValueError as error:
            raise self.document.error("market.rules", str(error)) from error
        if venue.contract != self.market.contract:
            reason = (
                f"{name} has {venue.contract} contracts, the scenario's are {self.market.contract}"
            )
            raise self.document.error("market.contract", reason)
        symbol = self.market.symbol or self.market.name
        if symbol not in venue.symbols:
            symbol = venue.symbols[0]
        return replace(
            self,
            market=replace(self.market, rules=name, symbol=symbol),
            rules=RulesSection(),
        )

    # --- building ------------------------------------------------------------------------------

    def _named(self, place: str) -> AbstractContextManager[None]:
        return named(self.document, place)

    def file(self, name: str) -> Path:
        """A file that the scenario names, relative to the scenario's own."""
        return self.directory / name

    def _rules(self) -> Rules:
        given = self.market.rules
        symbol = self.market.symbol or self.market.name
        changes: dict[str, Any] = {
            entry.name: value
            for entry in fields(self.rules)
            if entry.name not in ("tiers", "symbol", "partial", "partial_target", "breaker")
            and (value := getattr(self.rules, entry.name)) is not None
        }
        if self.market.feed is not None:
            changes["feed"] = self.market.feed
        if self.rules.partial_target is not None:
            changes["partial"] = ("target", self.rules.partial_target)
        elif self.rules.partial is not None:
            changes["partial"] = tuple(self.rules.partial) or None
        if self.rules.breaker is not None:
            with self._named("rules.breaker"):
                changes["breaker"] = breaker_of(self.rules.breaker)
        if isinstance(self.rules.tiers, str):
            with self._named("rules.tiers"):
                path = self.file(self.rules.tiers)
                changes["tiers"] = tiers_from_file(path, self.rules.symbol or symbol)
        elif self.rules.tiers is not None:
            changes["tiers"] = self.rules.tiers
        with self._named("market.rules" if "rules" in self.document.values["market"] else "rules"):
            if not isinstance(given, str):
                return Rules(**changes)
            if given not in PRESETS:
                raise ValueError(f"{given!r} is not one of {', '.join(PRESETS)}")
            return PRESETS[given](symbol, **changes)

    def _venue(self) -> Venue:
        if self.venue.kind is not None:
            with self._named("venue"):
                price = Fraction(
                    self._path()[0] if self.market.price is None else self.market.price
                )
                return pool_of(self.venue, price, Fraction(self.market.multiplier))
        return "book" if self.book.impact is None else depths.impact_of(self.book)

    def _sides(self, market: Market) -> tuple[Any, Any, Any]:
        # bids, asks (tick, lots) and the price in ticks
        lot = float(market.lots.step)
        if self.book.depth is None:
            price = self._price_ticks(market)
            bid = price - self.book.spread_ticks // 2
            ask = bid + self.book.spread_ticks
            if bid < 1:
                raise self.document.error("book.spread_ticks", "leaves no price for bids")
            with self._named("book.touch_size"):
                bids = depths.profile(self.book, bid, -1, lot)
                return bids, depths.profile(self.book, ask, 1, lot), price
        from cascade.data import load_depth

        with self._named("book.depth"):
            found = load_depth(self.file(self.book.depth), self.book.symbol)
            if not found.bids or not found.asks:
                raise ValueError("a side has no levels")
            sides = []
            for levels, direction in ((found.bids, -1), (found.asks, 1)):
                exact = np.array(levels, dtype=object)
                ticks = market.ticks.steps_of(exact[:, 0], "price")
                lots = market.lots.steps_of(exact[:, 1], "size")
                tail = depths.profile(self.book, int(ticks[-1]), direction, lot, start=1)
                sides.append(np.concatenate([np.column_stack([ticks, lots]), tail]))
        return sides[0], sides[1], int(sides[0][0, 0] + sides[1][0, 0]) // 2

    def _price_ticks(self, market: Market) -> int:
        place, price = "market.price", self.market.price
        if price is None:
            place, price = "shock.path", self._path()[0]
        with self._named(place):
            ticks = round(Fraction(price) / Fraction(market.ticks.step))
            if place == "market.price":
                ticks = market.ticks.steps(price, "price")
            if not 1 <= ticks <= MAX_PRICE:
                raise ValueError(f"{price} is outside 1 ... {MAX_PRICE} ticks")
            return ticks

    def _path(self) -> list[Decimal]:
        from cascade.data import load_prices

        with self._named("shock.path"):
            prices: list[Decimal] = load_prices(self.file(self.shock.path or "")).price.tolist()
        return prices[: self.shock.steps]

    def _open_crowd(self, engine: Engine, market: Market, price_ticks: int) -> None:
        if self.crowd.accounts is not None:
            self._open_file(engine, market)
            return
        drawn = crowds.draw(
            self.crowd,
            market.rules,
            float(market.ticks.number(price_ticks)),
            float(market.ticks.step),
            float(market.lots.step),
            float(market.multiplier),
            market.contract == "inverse",
        )
        with self._named("crowd"):
            engine.accounts.open(
                market, side=drawn.side, size=drawn.size, entry=drawn.entry,
                leverage=drawn.leverage, mode=self.crowd.mode, round=True,
            )  # fmt: skip

    def _open_file(self, engine: Engine, market: Market) -> None:
        from cascade.data import load_accounts

        with self._named("crowd.accounts"):
            rows = load_accounts(self.file(self.crowd.accounts or ""))
            others = sorted(set(rows.market.tolist()) - {market.name})
            if others:
                raise ValueError(f"market {others[0]!r} is not the scenario's {market.name!r}")
            if len(set(rows.account.tolist())) != len(rows):
                raise ValueError("an account has two rows; one position an account is read")
            for mode, mine in (("isolated", rows.isolated), ("cross", ~rows.isolated)):
                if not mine.any():
                    continue
                engine.accounts.open(
                    market,
                    side=np.where(rows.long[mine], 1, -1),
                    size=rows.size[mine],
                    entry=rows.entry[mine],
                    leverage=None if rows.leverage is None else rows.leverage[mine],
                    margin=None if rows.margin is None else rows.margin[mine],
                    mode=mode,
                )

    def build(self) -> Engine:
        """An engine with the market, its book, the fund and the crowd, before the shock.

        Returns
        -------
        Engine
            Its first market is the scenario's.

        Raises
        ------
        ScenarioError
            A file that the scenario names cannot be read, or values do not go together.
        """
        rules = self._rules()
        engine = Engine(
            seed=self.crowd.seed,
            execution=self.engine.execution,  # type: ignore[arg-type]
            asset=self.market.asset,
            asset_decimals=self.market.asset_decimals,
        )
        with self._named("engine"):
            engine.budget(
                accounts=self.engine.budget_accounts,
                notional=self.engine.budget_notional,
                time_per_liquidation=self.engine.time_per_liquidation,
            )
        venue = self._venue()
        with self._named("market" if self.venue.kind is None else "venue"):
            market = engine.add_market(
                self.market.name,
                tick_size=self.market.tick,
                lot_size=self.market.lot,
                rules=rules,
                venue=venue,
                contract=self.market.contract,  # type: ignore[arg-type]
                multiplier=self.market.multiplier,
            )
        if market.has_book:
            bids, asks, price = self._sides(market)
            with self._named("book"):
                depths.load_sides(market, bids, asks)
        else:
            price = self._price_ticks(market)
        with self._named("market.price"):
            market.set_index(Fraction(market.ticks.step) * price)
        with self._named("fund.deposit"):
            engine.fund_deposit(self.fund.deposit)
        self._open_crowd(engine, market, price)
        for number, entry in enumerate(self.residents, 1):
            with self._named("residents"):
                try:
                    engine.residents.add(resident(entry, market.name))
                except (TypeError, ValueError) as error:
                    raise ValueError(f"resident {number}: {error}") from error
        return engine

    # --- running -------------------------------------------------------------------------------

    def _index_path(self, market: Market) -> list[int]:
        # outside prices of each step, ticks
        start = market.index_ticks
        if self.shock.path is None:
            target = self._target(start)
            steps = self.shock.steps or DEFAULT_STEPS
            return [
                start + round(Fraction((target - start) * k, steps)) for k in range(1, steps + 1)
            ]
        prices = [Fraction(price) for price in self._path()]
        factor = (
            Fraction(start) / prices[0] if self.shock.relative else 1 / Fraction(market.ticks.step)
        )
        ticks = [round(price * factor) for price in prices]
        if not all(1 <= tick <= MAX_PRICE for tick in ticks):
            raise self.document.error("shock.path", f"a price is outside 1 ... {MAX_PRICE} ticks")
        return ticks

    def _target(self, start: int) -> int:
        target = round(start * (1 + Fraction(self.shock.move or 0)))
        if not 1 <= target <= MAX_PRICE:
            raise self.document.error("shock.move", f"{self.shock.move} leads to {target} ticks")
        return target

    def _slices(self, market: Market) -> list[NDArray[Any]]:
        # orders of the aggressor, equal sizes
        buy = self.shock.kind == "buy"
        steps = self.shock.steps or DEFAULT_STEPS
        target = self._target(market.mark_ticks)
        with self._named("shock.move"):
            lots = depths.lots_to(market, target, buy)
            if lots <= 0:
                raise ValueError(f"{self.shock.move} does not reach the first level")
        cuts = [lots * k // steps for k in range(steps + 1)]
        orders = []
        for size in np.diff(cuts).tolist():
            messages = np.zeros(1 if size else 0, MESSAGE_DTYPE)
            messages["kind"] = MessageKind.MARKET
            messages["side"] = Side.BUY if buy else Side.SELL
            messages["account"] = -1
            messages["size"] = size
            orders.append(messages)
        return orders

    def _play(
        self, engine: Engine, market: Market, progress: Progress | None
    ) -> tuple[list[Dislocation], tuple[int, bool]]:
        # the dislocation of each step, their number, and whether the last one would repeat for ever
        dt = self.shock.dt
        if self.shock.path is not None or self.shock.kind == "index":
            shocks: list[Callable[[], StepResult]] = [
                partial(self._move_index, engine, market, tick) for tick in self._index_path(market)
            ]
        else:
            shocks = [
                partial(engine.step, orders=[(market.name, order)], dt=dt)
                for order in self._slices(market)
            ]
        found: list[Dislocation] = []
        last = len(shocks)
        for shock in shocks:
            found.append(shock().dislocation[market.name])
            if progress is not None:
                progress(len(found), last)
        last += self.shock.settle
        step = step_time(dt, "dt")
        rested = False
        while engine.pending and len(found) < last and not rested:
            settled = engine.step(dt=dt)
            found.append(settled.dislocation[market.name])
            if progress is not None:
                progress(len(found), last)
            until = engine.time_ns + step * (last - len(found))
            rested = tried_in_vain(settled.events) and not may_go_on(engine, until)
        return found, (len(found), rested)

    def _move_index(self, engine: Engine, market: Market, tick: int) -> StepResult:
        if self.book.follow:
            depths.shift(market, tick - market.index_ticks)
        index = {market.name: Fraction(market.ticks.step) * tick}
        return engine.step(index=index, dt=self.shock.dt)

    def run(self, progress: Progress | None = None) -> Outcome:
        """Build, apply the shock step by step, and go on until nothing that is due could be closed.

        Parameters
        ----------
        progress : callable (steps done, steps known of), optional
            Called after each step.

        Returns
        -------
        Outcome

        Raises
        ------
        ScenarioError
            As `build`.
        ConservationError, InvariantError
            A promise of the engine was broken; it is validated at the end.
        KeyboardInterrupt
            Between two steps or liquidations.
        """
        frame, before, (steps, rested) = played(
            self, Before.of, lambda engine, market: self._play(engine, market, progress)
        )
        return Outcome(scenario=self, before=before, steps=steps, at_rest=rested, **vars(frame))
