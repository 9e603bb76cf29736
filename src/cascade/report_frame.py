"""What reports of all kinds of scenarios share: sums, the numbers at their end, and the line that says them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from cascade.report_text import sampled, table
from cascade.scenarios.playing import Played

PATH_ROWS = 8
WAVE_ROWS = 12


def total(column: NDArray[Any]) -> int:
    """Sum as a Python integer, because it may pass 64 bits."""
    return sum(column.tolist())


def frame(outcome: Played, steps: int, whole: dict[str, Any]) -> dict[str, Any]:
    """The last entries of a report's numbers.

    Parameters
    ----------
    outcome : Played
    steps : int
    whole : dict
        Whole numbers of the run, with ``events``.

    Returns
    -------
    dict
        Steps, events, ``exact``, and the time taken, which alone differs between two runs.
    """
    engine, market = outcome.engine, outcome.market
    return {
        "steps": steps,
        "simulated_seconds": engine.time,
        "events": whole["events"],
        "exact": {"tick_size": str(market.ticks.step), "lot_size": str(market.lots.step),
                  "atoms_per_unit": engine.scale_of(market.asset), **whole},
        "seconds_taken": {"build": outcome.build_seconds, "run": outcome.run_seconds},
    }  # fmt: skip


def closing_line(numbers: dict[str, Any]) -> str:
    """The last line of a report."""
    seconds = numbers["seconds_taken"]
    return (
        f"{numbers['steps']:,} steps, {numbers['events']:,} events; "
        f"{seconds['build']:.2f} s to build, {seconds['run']:.2f} s to run"
    )


def path_lines(
    path: list[dict[str, Any]],
    header: list[str],
    prices: Callable[[dict[str, Any]], list[str]],
    sums: Callable[[list[dict[str, Any]]], list[str]],
) -> list[str]:
    """Lines of a path; a row that is shown counts everything since the row shown before it.

    Parameters
    ----------
    path : list of dict
        With ``time``.
    header : list of str
    prices : callable (row)
        Cells of the row itself.
    sums : callable (rows)
        Cells of the row and those since the one before.
    """
    rows, at = [], 0
    for row in sampled(len(path), PATH_ROWS):
        since = path[at : row + 1]
        at = row + 1
        rows.append([f"{path[row]['time']:,.6g}", *prices(path[row]), *sums(since)])
    return ["Path", *table(["seconds", *header], rows)]
