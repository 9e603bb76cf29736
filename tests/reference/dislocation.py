"""How far the venue's price left the index, for the twin: docs/residents.md."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass
class Dislocation:
    """Of one market and step."""

    ticks: int = 0
    index_ticks: int = 0
    time_ns: int = 0

    def note(self, price: int, index: int) -> None:
        if price and index and abs(price - index) > abs(self.ticks):
            self.ticks, self.index_ticks = price - index, index

    def begin(self, price: int, index: int, elapsed: int, threshold: Fraction) -> None:
        self.ticks = self.index_ticks = self.time_ns = 0
        self.note(price, index)
        if price and index and abs(price - index) > index * threshold:
            self.time_ns = elapsed

    def copy(self) -> "Dislocation":
        return Dislocation(self.ticks, self.index_ticks, self.time_ns)
