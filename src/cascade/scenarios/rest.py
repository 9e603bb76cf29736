"""When a run has come to rest: the steps that follow would repeat the last one for ever.

A step that only tries to close what nobody takes leaves everything as it was but for the clock. So what
is due stays due unless something that goes by the clock still acts before the run's last step.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from cascade._outsiderows import delayed_rows
from cascade.codes import EventKind
from cascade.engine import Engine
from cascade.exact_numbers import nanoseconds
from cascade.market import Market
from cascade.ruleset import AVERAGED


def tried_in_vain(events: NDArray[Any]) -> bool:
    """Did a step do nothing but order closes that nobody took?

    Parameters
    ----------
    events : numpy.ndarray of EVENT_DTYPE
        Events of the step.

    Returns
    -------
    bool
        True also for a step without events.
    """
    return bool((events["kind"] == EventKind.LIQUIDATION).all())


def _falls_due(seconds: Any, clock: int, until: int) -> bool:
    # a multiple of an interval, counted from time 0, later than the clock
    interval = nanoseconds(seconds, "funding_interval", 1, 0)
    return interval > 0 and (clock // interval + 1) * interval <= until


def _wakes(market: Market, clock: int, until: int) -> bool:
    rules, row = market.rules, market.row()
    halt = market.halt_state
    if halt is not None:
        # a halt without an end waits for its driver
        return halt.phase not in ("cancel_only", "pause") or halt.until is not None
    return (
        rules.feed in AVERAGED
        or (rules.partial is not None and rules.partial[0] == "slices")
        or _falls_due(rules.funding_interval, clock, until)
        or (row["house_size"] != 0 and rules.disposal is not None)
        or (market.impact is not None and row["transient_lots"] != 0)
    )


def may_go_on(engine: Engine, until: int) -> bool:
    """Could anything change after a step that tried in vain, without news from outside?

    Parameters
    ----------
    engine : Engine
    until : int
        Clock of the last step there may be, ns.

    Returns
    -------
    bool
        False: every later step repeats the one before. True where a budget, a resident, a breaker, an
        average, a price on its way, a random slice, funding, the house's disposal or a decaying
        impact could still act.
    """
    return (
        bool(engine._budget)
        or len(engine.residents.accounts) > 0
        or len(delayed_rows(engine)) > 0
        or any(_wakes(market, engine.time_ns, until) for market in engine.markets)
    )
