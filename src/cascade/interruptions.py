"""Limit states, halts, auctions and throttles of a run: when, why, how long, and the price on both sides.

Read from HALT, AUCTION, FILL and LIQUIDATION events of the scenario's market; ``docs/report.md`` says
which. A throttle writes no event of its own: it follows from the forced closes and the breaker's terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade.codes import EventKind, Side
from cascade.report_text import humanise, price_text, table
from cascade.scenarios.scenario import Outcome

SHOWN_ROWS = 12
LIMIT_STATE, CANCEL_ONLY = 1, 2
DRIVER = -1

Events = NDArray[Any]
Values = Callable[[Events], list[int]]


def _reason(event: Any) -> str:
    level = int(event["quantity"])
    if level == DRIVER:
        return "driver"
    if level > 0:
        return f"level {level}"
    return "lower edge" if event["side"] == Side.SELL else "upper edge"


def _row(what: str, why: str, start: int, before: int | None) -> dict[str, Any]:
    return {"what": what, "why": why, "time_ns": start, "end_ns": None, "before_ticks": before,
            "after_ticks": None, "lots": None}  # fmt: skip


def _auction(event: Any) -> dict[str, Any]:
    extension, price = int(event["code"]), int(event["price"])
    why = f"extension {extension}" if extension else "uncross" if price else "nothing crosses"
    row = _row("auction", why, int(event["time"]), price or None)
    row["end_ns"] = row["time_ns"]
    row["after_ticks"], row["lots"] = price or None, int(event["quantity"])
    return row


def _phases(events: Events) -> list[dict[str, Any]]:
    # limit states, halts (their cancel-only part included) and auctions
    rows: list[dict[str, Any]] = []
    current: dict[str, Any] | None = None
    for event in events:
        time, code, price = int(event["time"]), int(event["code"]), int(event["price"])
        if event["kind"] == EventKind.AUCTION:
            rows.append(_auction(event))
            continue
        what = "" if code == 0 else "limit state" if code == LIMIT_STATE else "halt"
        if current is not None and current["what"] == what:
            continue
        if current is not None:
            current["end_ns"] = time
            if current["what"] == "limit state":
                current["after_ticks"] = price
        current = _row(what, _reason(event), time, price) if what else None
        if current is not None:
            rows.append(current)
    return rows


def _first_trades(rows: list[dict[str, Any]], fills: Events) -> None:
    # the price after a halt is that of the first trade from its end on
    times = fills["time"]
    for row in rows:
        if row["what"] != "halt" or row["end_ns"] is None:
            continue
        at = int(np.searchsorted(times, row["end_ns"]))
        row["after_ticks"] = int(fills["price"][at]) if at < len(fills) else None


def _throttles(outcome: Outcome, forced: Events, values: Values) -> list[dict[str, Any]]:
    breaker = outcome.market.rules.breaker
    if breaker is None or (breaker.throttle_lots is None and breaker.throttle_notional is None):
        return []
    market = outcome.market
    terms = breaker.numbers(market.ticks, market.lots, outcome.engine.scale_of(market.asset))
    rows, until, lots, atoms, throttled = [], 0, 0, 0, False
    for event, value in zip(forced, values(forced), strict=True):
        time = int(event["time"])
        if time >= until:
            until, lots, atoms, throttled = time + terms["throttle_window"], 0, 0, False
        lots += int(event["quantity"])
        atoms += abs(value)
        reached = [name for name, sum_, most in (("size", lots, terms["throttle_lots"]),
                   ("notional", atoms, terms["throttle_notional"])) if 0 <= most <= sum_]  # fmt: skip
        if reached and not throttled:
            throttled = True
            row = _row("throttle", f"{reached[0]} of forced closes", time, int(event["price"]))
            row["end_ns"], row["lots"] = until, lots
            rows.append(row)
    return rows


def _marks_after(rows: list[dict[str, Any]], marks: Events) -> None:
    for row in rows:
        at = int(np.searchsorted(marks["time"], row["end_ns"]))
        row["after_ticks"] = int(marks["price"][at]) if at < len(marks) else None


def interruptions(outcome: Outcome, values: Values) -> list[dict[str, Any]]:
    """What a breaker did in a run, in the order in which it began.

    Parameters
    ----------
    outcome : Outcome
    values : callable
        Notional in atoms of LIQUIDATION events.

    Returns
    -------
    list of dict
        ``what``: "limit state", "halt", "auction" or "throttle"; ``why``; ``time_ns`` and ``end_ns``,
        None when it outlasts the run; ``before_ticks`` and ``after_ticks``, None where there is no
        such price; ``lots`` that an auction crosses or closes of a throttle's window, else None.
    """
    events = outcome.events
    events = events[events["market"] == outcome.market.number]
    kinds = events["kind"]
    rows = _phases(events[(kinds == EventKind.HALT) | (kinds == EventKind.AUCTION)])
    _first_trades(rows, events[kinds == EventKind.FILL])
    throttles = _throttles(outcome, events[kinds == EventKind.LIQUIDATION], values)
    _marks_after(throttles, events[kinds == EventKind.MARK])
    return sorted([*rows, *throttles], key=lambda row: row["time_ns"])


def interruption_rows(
    rows: list[dict[str, Any]], tick: Callable[[int], float], lot: Callable[[int], float]
) -> list[dict[str, Any]]:
    """The same in quotes, sizes and seconds: ``time`` and ``seconds``, ``before``, ``after``, ``size``."""

    def number(made: Callable[[int], float], value: int | None) -> float | None:
        return None if value is None else made(value)

    return [
        {"what": row["what"], "why": row["why"], "time": row["time_ns"] / 10**9,
         "seconds": None if row["end_ns"] is None else (row["end_ns"] - row["time_ns"]) / 10**9,
         "before": number(tick, row["before_ticks"]), "after": number(tick, row["after_ticks"]),
         "size": number(lot, row["lots"])}
        for row in rows
    ]  # fmt: skip


def interruption_lines(rows: list[dict[str, Any]]) -> list[str]:
    """Lines of the report, none where nothing was interrupted."""
    if not rows:
        return []

    def shown(value: float | None, write: Callable[[float], str]) -> str:
        return "-" if value is None else write(value)

    cells = [
        [f"{row['time']:,.6g}", row["what"], row["why"],
         "open end" if row["seconds"] is None else f"{row['seconds']:,.6g} s",
         shown(row["before"], price_text), shown(row["after"], price_text),
         shown(row["size"], humanise)]
        for row in rows[:SHOWN_ROWS]
    ]  # fmt: skip
    lines = table(["seconds", "what", "why", "for", "before", "after", "size"], cells)
    if len(rows) > SHOWN_ROWS:
        lines.append(f"  and {len(rows) - SHOWN_ROWS:,} more")
    return ["Interruptions", *lines, ""]
