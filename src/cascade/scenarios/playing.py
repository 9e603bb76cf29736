"""What it takes to play a scenario of any kind: errors named by field, a seed, events, a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

from cascade.dislocation import Dislocation, furthest
from cascade.engine import Engine
from cascade.errors import ScenarioError
from cascade.market import Market
from cascade.scenarios.document import Document

Progress = Callable[[int, int], None]
LARGEST_SEED = 2**63 - 1

State = TypeVar("State")
More = TypeVar("More")


class Playable(Protocol):
    """A scenario that has an engine to build."""

    @property
    def document(self) -> Document:
        """The file."""

    def build(self) -> Engine:
        """The engine before the shock; its first market is the scenario's."""


@dataclass(frozen=True, kw_only=True)
class Played:
    """An engine after a run, and which of its events are the run's.

    Attributes
    ----------
    engine : Engine
        As the run left it; validated.
    market : Market
        The scenario's.
    first_event : int
        Events from here on belong to the shock and what it caused.
    build_seconds, run_seconds : float
        Time taken.
    dislocation : Dislocation
        How far the venue's price left the index in the run, and for how long in all.
    """

    engine: Engine
    market: Market
    first_event: int
    build_seconds: float
    run_seconds: float
    dislocation: Dislocation

    @property
    def events(self) -> NDArray[Any]:
        """Events of the shock and what it caused, EVENT_DTYPE."""
        return self.engine.events_between(self.first_event, self.engine.event_count)


@contextmanager
def named(document: Document, place: str, what: str = "") -> Iterator[None]:
    """Report what the engine or a loader refuses at the field that it came from.

    Parameters
    ----------
    document : Document
    place : str
        The field.
    what : str, optional
        Which of several tables, in front of the reason.

    Raises
    ------
    ScenarioError
        In place of OSError, ValueError, TypeError, KeyError and OverflowError.
    """
    try:
        yield
    except ScenarioError:
        raise
    except (OSError, KeyError, ValueError, TypeError, OverflowError) as error:
        reason = str(error)
        if isinstance(error, OSError) and error.strerror:
            reason = f"{error.filename}: {error.strerror}"
        elif isinstance(error, KeyError) and error.args:
            reason = str(error.args[0])
        raise document.error(place, f"{what}: {reason}" if what else reason) from error


def checked_seed(seed: int) -> int:
    """The seed, where it is one.

    Raises
    ------
    ValueError
        It is outside 0 ... 2**63 - 1.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"seed {seed} is outside 0 ... {LARGEST_SEED}")
    return seed


def played(
    scenario: Playable,
    read: Callable[[Engine, Market], State],
    shock: Callable[[Engine, Market], tuple[list[Dislocation], More]],
) -> tuple[Played, State, More]:
    """Build a scenario's engine, read its state, play the shock, and validate what came of it.

    Parameters
    ----------
    scenario : Playable
    read : callable (Engine, Market)
        State before the shock.
    shock : callable (Engine, Market)
        Gives the dislocation of each step, and what else the scenario wants to keep.

    Returns
    -------
    (Played, state, more)

    Raises
    ------
    ScenarioError
        As `build`, or something that the shock does is refused.
    ConservationError, InvariantError
        A promise of the engine was broken.
    """
    started = time.perf_counter()
    engine = scenario.build()
    market = engine.markets[0]
    state = read(engine, market)
    first = engine.event_count
    built = time.perf_counter()
    with named(scenario.document, "shock"):
        away, more = shock(engine, market)
    engine.validate()
    ended = time.perf_counter()
    frame = Played(
        engine=engine, market=market, first_event=first, build_seconds=built - started,
        run_seconds=ended - built, dislocation=furthest(away),
    )  # fmt: skip
    return frame, state, more
