"""What steps did: `StepResult` for one, `Run` for a path of them.

Counts and amounts are those of the core; money in quote units is that of the engine's own asset.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import StepResult as CoreStep
from cascade.codes import EventKind
from cascade.contagion import Contagion
from cascade.dislocation import DISLOCATION_DTYPE, Dislocation
from cascade.losses import Losses, trace
from cascade.market import Market
from cascade.tree import CascadeTree

if TYPE_CHECKING:
    from cascade.engine import Engine

NANOSECONDS = 10**9


def _dislocation(market: Market, ticks: int, index: int, time_ns: int) -> Dislocation:
    distance = market.ticks.number(abs(ticks)) if ticks else 0.0
    return Dislocation(ticks, index, -distance if ticks < 0 else distance, time_ns)


class StepResult:
    """What one step did.

    Attributes
    ----------
    time_ns : int
        Clock after the step.
    liquidated : int
        Units liquidated, each partial one counted.
    waves : int
        Highest wave; 0 when nobody was liquidated.
    orders, fills, volume_lots : int
        Driver's orders and fired stops, fills, and lots traded.
    notional_atoms, bad_debt_atoms, fund_received_atoms, fund_paid_atoms : int
        Positions closed at the mark, what nobody paid, and the fund's two directions.
    pending : int
        Entries of the queue, and loans in bands, that are due and wait for the next step.
    resolved : int
        Units looked at because a guard was crossed or before they were liquidated.
    adl_lots : int
        Lots of liquidated positions that were closed against winners.
    """

    def __init__(self, engine: Engine, core: CoreStep) -> None:
        self._engine = engine
        self._core = core
        self.pending: int = engine.pending
        self._tree: CascadeTree | None = None
        self._losses: Losses | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._core, name)

    def __repr__(self) -> str:
        return (
            f"<StepResult at {self.time:g} s: {self.liquidated} liquidated in {self.waves} waves, "
            f"bad debt {self.bad_debt:g}, {self.pending} pending>"
        )

    @property
    def time(self) -> float:
        """Clock after the step, seconds."""
        return self._core.time_ns / NANOSECONDS

    @property
    def notional(self) -> float:
        """Notional of the positions closed, in units of the engine's asset."""
        return self._engine.from_atoms(self._core.notional_atoms)

    @property
    def bad_debt(self) -> float:
        """What nobody paid, in units of the engine's asset."""
        return self._engine.from_atoms(self._core.bad_debt_atoms)

    @property
    def fund_received(self) -> float:
        """What the insurance fund took in, in units of the engine's asset."""
        return self._engine.from_atoms(self._core.fund_received_atoms)

    @property
    def fund_paid(self) -> float:
        """What the insurance fund paid, in units of the engine's asset."""
        return self._engine.from_atoms(self._core.fund_paid_atoms)

    @property
    def adl_accounts(self) -> int:
        """Accounts that were deleveraged, each counted once."""
        if not self._core.adl_lots:
            return 0
        events = self._core.events
        return len(np.unique(events["counterparty"][events["kind"] == EventKind.ADL]))

    @property
    def marks(self) -> dict[str, float | None]:
        """Marks by market name after the step; None for a market without one."""
        ticks = np.frombuffer(self._core.mark_bytes, np.int32).tolist()
        markets = self._engine.markets[: len(ticks)]
        return {
            market.name: market.ticks.number(mark) if mark else None
            for market, mark in zip(markets, ticks, strict=True)
        }

    @property
    def dislocation(self) -> dict[str, Dislocation]:
        """By market name, how far the venue's last price left the index, and for how long."""
        rows = np.frombuffer(self._core.dislocation_bytes, DISLOCATION_DTYPE).tolist()
        markets = self._engine.markets[: len(rows)]
        return {m.name: _dislocation(m, *row) for m, row in zip(markets, rows, strict=True)}

    @property
    def cascade(self) -> CascadeTree:
        """Who was liquidated because of whom, from this step's events."""
        if self._tree is None:
            self._tree = CascadeTree(self._core.events, self._core.first_event)
        return self._tree

    @property
    def contagion(self) -> Contagion:
        """Which domain's liquidations triggered which, from this step's events."""
        return Contagion.of(self._engine, self._core.events, self._core.first_event)

    @property
    def losses(self) -> Losses:
        """Losses of the step's liquidations by stage, in the engine's asset: `Losses`."""
        if self._losses is None:
            self._losses = self.losses_in(self._engine.asset)
        return self._losses

    def losses_in(self, asset: str) -> Losses:
        """The same of the markets that settle in another asset."""
        return trace(self._engine, self._core.events, self._core.first_event, asset)

    @property
    def paid_by(self) -> NDArray[Any]:
        """Who bore them: columns ``account``, ``stage`` and ``atoms``."""
        return self.losses.paid_by


class Run:
    """What a path of steps did.

    Attributes
    ----------
    steps : numpy.ndarray of STEP_DTYPE
        One record a step: time (ns), counts, lots and atoms.
    mark_ticks : numpy.ndarray of int32
        (steps, markets): marks after each step.
    dislocations : numpy.ndarray of DISLOCATION_DTYPE
        (steps, markets): furthest distance from the index in each step, ticks, the index then, and the
        time beyond the threshold, ns.
    """

    def __init__(
        self,
        engine: Engine,
        steps: NDArray[Any],
        marks: NDArray[np.int32],
        dislocations: NDArray[Any],
        first: int,
    ) -> None:
        self._engine = engine
        self.steps = steps
        self.mark_ticks = marks
        self.dislocations = dislocations
        self._first_event = first
        self._end_event: int = engine.event_count

    def __len__(self) -> int:
        return len(self.steps)

    def marks(self, market: Market | str) -> NDArray[np.float64]:
        """Marks of one market after each step, as quotes."""
        market = self._engine.market(market)
        return market.ticks.numbers_of(self.mark_ticks[:, market.number])

    def dislocation(self, market: Market | str) -> Dislocation:
        """How far a venue's last price left the index in the run, and for how long in all."""
        market = self._engine.market(market)
        rows = self.dislocations[:, market.number]
        if not len(rows):
            return _dislocation(market, 0, 0, 0)
        ticks, index, _ = rows[np.argmax(np.abs(rows["ticks"].astype(np.int64)))].tolist()
        return _dislocation(market, ticks, index, int(rows["time"].sum()))

    @property
    def events(self) -> NDArray[Any]:
        """Events of the whole run, EVENT_DTYPE."""
        return self._engine.events_between(self._first_event, self._end_event)

    @property
    def cascade(self) -> CascadeTree:
        """Who was liquidated because of whom, over the whole run."""
        return CascadeTree(self.events, self._first_event)

    @property
    def contagion(self) -> Contagion:
        """Which domain's liquidations triggered which, over the whole run."""
        return Contagion.of(self._engine, self.events, self._first_event)

    @property
    def losses(self) -> Losses:
        """Losses of the run's liquidations by stage, in the engine's asset: `Losses`."""
        return self.losses_in(self._engine.asset)

    def losses_in(self, asset: str) -> Losses:
        """The same of the markets that settle in another asset."""
        return trace(self._engine, self.events, self._first_event, asset)

    @property
    def paid_by(self) -> NDArray[Any]:
        """Who bore them: columns ``account``, ``stage`` and ``atoms``."""
        return self.losses.paid_by
