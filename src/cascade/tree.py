"""Who was liquidated because of whom: the cascade as a tree, read from the log alone.

A liquidation's parent is the liquidation whose sale moved the mark through its trigger: the first
LIQUIDATION found by following causes upwards through marks, stops and orders.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade.codes import EventKind

OUTSIDE = -1


class CascadeTree:
    """Tree of the liquidations among some events.

    Parameters
    ----------
    events : numpy.ndarray of EVENT_DTYPE
        Consecutive events of a log.
    first : int
        Index of the first of them; causes before it count as outside.

    Attributes
    ----------
    liquidations : numpy.ndarray of EVENT_DTYPE
        LIQUIDATION events, in order.
    """

    def __init__(self, events: NDArray[Any], first: int = 0) -> None:
        self._events = events
        self._first = first
        self._where = np.flatnonzero(events["kind"] == EventKind.LIQUIDATION)
        self.liquidations: NDArray[Any] = events[self._where]

    def __len__(self) -> int:
        return len(self.liquidations)

    def __repr__(self) -> str:
        return (
            f"<CascadeTree: {len(self)} liquidations in {len(self.wave_sizes)} waves, "
            f"R {self.branching_ratio:.3f}, amplification {self.amplification:.3f}>"
        )

    @cached_property
    def parents(self) -> NDArray[np.int64]:
        """Row in `liquidations` of each one's parent; -1 for those that came from outside."""
        kinds = self._events["kind"]
        here = self._events["cause"] - self._first
        row_of = np.full(len(kinds) + 1, OUTSIDE, np.int64)
        row_of[self._where] = np.arange(len(self._where))
        at = here[self._where].copy()
        # each event's cause is older than it, so pointers run out at the front
        while True:
            inside = at >= 0
            moving = inside.copy()
            moving[inside] = kinds[at[inside]] != EventKind.LIQUIDATION
            if not moving.any():
                break
            at[moving] = here[at[moving]]
        return np.where(at >= 0, row_of[np.maximum(at, OUTSIDE)], OUTSIDE)

    @cached_property
    def wave_sizes(self) -> NDArray[np.int64]:
        """Liquidations in wave 1, 2, ..."""
        waves = self.liquidations["wave"]
        return np.bincount(waves, minlength=1)[1:] if len(waves) else np.zeros(0, np.int64)

    @cached_property
    def wave_notionals(self) -> NDArray[np.float64]:
        """Lots times price in ticks liquidated in wave 1, 2, ..."""
        rows = self.liquidations
        if not len(rows):
            return np.zeros(0)
        weights = rows["quantity"].astype(np.float64) * rows["price"]
        sums: NDArray[np.float64] = np.bincount(rows["wave"], weights=weights, minlength=1).astype(
            np.float64
        )
        return sums[1:]

    @property
    def branching_ratio(self) -> float:
        """R: liquidations that another one caused, over all; nan without any."""
        if not len(self):
            return float("nan")
        return float((self.parents != OUTSIDE).mean())

    @cached_property
    def _moves(self) -> dict[int, tuple[int, int, int]]:
        # by market: first old mark, last new mark, and what came from outside
        marks = self._events[self._events["kind"] == EventKind.MARK]
        moves = {}
        for market in np.unique(marks["market"]).tolist():
            own = marks[(marks["market"] == market) & (marks["money"] > 0)]
            if len(own):
                outside = own[own["wave"] == 0]
                moved = int((outside["price"] - outside["money"]).sum())
                moves[market] = (int(own["money"][0]), int(own["price"][-1]), moved)
        return moves

    def move_ticks(self, market: int = 0) -> tuple[int, int]:
        """Whole move of a market's mark, and the part that came from outside, in ticks."""
        first, last, outside = self._moves.get(market, (0, 0, 0))
        return last - first, outside

    @property
    def amplification(self) -> float:
        """Whole move over the move from outside, in the market that was moved most; nan without."""
        moves = [(abs(m[2]), m) for m in self._moves.values() if m[2]]
        if not moves:
            return float("nan")
        first, last, outside = max(moves)[1]
        return (last - first) / outside

    @cached_property
    def depth_consumed_lots(self) -> dict[int, int]:
        """Lots that forced orders took from the venue, by market number."""
        events = self._events
        # a forced order has no id
        fills = events[(events["kind"] == EventKind.FILL) & (events["order"] == 0)]
        return {
            market: int(fills["quantity"][fills["market"] == market].sum())
            for market in np.unique(fills["market"]).tolist()
        }

    def children(self, row: int) -> NDArray[np.int64]:
        """Rows of the liquidations that one caused."""
        return np.flatnonzero(self.parents == row)
