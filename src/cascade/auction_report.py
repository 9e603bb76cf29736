"""The part of a lending scenario's account that is about collateral auctions: begun, taken, reset, short.

Read from KICK, TAKE, REDO, RETURNED and BAD_DEBT events and from what is open at the end; sums are of integers.
``docs/lending-scenario.md``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade.codes import EventKind
from cascade.lending_market import LendingMarket
from cascade.report_frame import total
from cascade.report_text import humanise, table

Events = NDArray[Any]


def measure_auctions(lending: LendingMarket, events: Events) -> dict[str, Any]:
    """Whole numbers of the auctions of a lending market.

    Parameters
    ----------
    lending : LendingMarket
        One whose rules auction.
    events : numpy.ndarray of EVENT_DTYPE

    Returns
    -------
    dict
        ``lending``; counts ``begun``, ``takes``, ``resets``, ``open``; in atoms, at the prices believed now,
        ``tab_atoms`` (of those begun), ``paid_atoms``, ``shortfall_atoms``, ``awaited_atoms``; by collateral
        ``begun_lots`` for sale, ``sold_lots`` and ``returned_lots``.
    """
    base = lending.base
    sides = {
        side: reserve
        for reserve in lending.reserves.values()
        for side in [place.number for place in lending.engine.markets if _is_side(place, reserve)]
    }
    mine = events[np.isin(events["market"], list(sides))]
    kinds = {kind: mine[mine["kind"] == kind] for kind in EventKind}
    worth = 1 if base is None else base.given["unit"] * base.row()["price"]
    lots = {
        name: {
            word: total(kinds[kind]["quantity"][_of(kinds[kind], sides, name)])
            for word, kind in (
                ("begun_lots", EventKind.KICK), ("sold_lots", EventKind.TAKE),
                ("returned_lots", EventKind.RETURNED),
            )
        }
        for name, reserve in lending.reserves.items()
        if reserve is not base
    }  # fmt: skip
    return {
        "lending": lending.name,
        "begun": len(kinds[EventKind.KICK]), "takes": len(kinds[EventKind.TAKE]),
        "resets": len(kinds[EventKind.REDO]),
        "open": 0 if lending.auctions is None else len(lending.auctions),
        "tab_atoms": total(kinds[EventKind.KICK]["money"]) * worth,
        "paid_atoms": total(kinds[EventKind.TAKE]["money"]) * worth,
        "shortfall_atoms": total(kinds[EventKind.BAD_DEBT]["money"]),
        "awaited_atoms": 0 if base is None else base.row()["awaited"] * worth,
        "collateral": lots,
    }  # fmt: skip


def _is_side(market: Any, reserve: Any) -> bool:
    return getattr(market, "reserve", None) is reserve


def _of(events: Events, sides: dict[int, Any], name: str) -> NDArray[np.bool_]:
    return np.array([sides[market].name == name for market in events["market"].tolist()], np.bool_)


def auction_lines(rows: list[dict[str, Any]], asset: str) -> list[str]:
    """The same as lines of text, money in units: rows as `measure_auctions` gives them, without ``_atoms``."""
    cells = [
        [row["lending"], f"{row['begun']:,}", f"{row['takes']:,}", f"{row['resets']:,}", f"{row['open']:,}",
         humanise(row["tab"]), humanise(row["paid"]), humanise(row["awaited"]), humanise(row["shortfall"])]
        for row in rows
    ]  # fmt: skip
    header = ["lending", "begun", "takes", "resets", "open", "tabs", "paid", "awaited", "shortfall"]
    return [f"Collateral auctions, {asset}", *table(header, cells)]
