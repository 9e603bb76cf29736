"""`Dislocation`: how far a venue's price left the index in a step or a run, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["DISLOCATION_DTYPE", "Dislocation", "furthest"]

NANOSECONDS = 10**9
DISLOCATION_DTYPE = np.dtype([("ticks", "<i4"), ("index", "<i4"), ("time", "<i8")])


@dataclass(frozen=True)
class Dislocation:
    """The furthest that the venue's last price was from the index, and time beyond a threshold.

    Attributes
    ----------
    ticks : int
        Price less index where it was furthest, below zero under the index; 0 before both are known.
    index_ticks : int
        The index then.
    distance : float
        `ticks` as a price.
    time_ns : int
        Time for which the distance was above the market's threshold (`Market.dislocation_threshold`).
    """

    ticks: int
    index_ticks: int
    distance: float
    time_ns: int

    @property
    def share(self) -> float:
        """The furthest distance as a share of the index then."""
        return self.ticks / self.index_ticks if self.index_ticks else 0.0

    @property
    def time(self) -> float:
        """Seconds above the threshold."""
        return self.time_ns / NANOSECONDS


def furthest(steps: Sequence[Dislocation]) -> Dislocation:
    """Of several steps together: the furthest of all, the first among equals, and the sum of times."""
    if not steps:
        return Dislocation(0, 0, 0.0, 0)
    most = max(steps, key=lambda step: abs(step.ticks))
    return replace(most, time_ns=sum(step.time_ns for step in steps))
