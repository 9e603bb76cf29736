"""What a borrower is to the queue of the twin: a unit whose surplus is a sum over prices."""

from dataclasses import dataclass
from fractions import Fraction
from math import floor


@dataclass(frozen=True)
class SideTable:
    """Stands where a market has its tiers: a surplus has jumps if its thresholds are averaged."""

    jumps: bool = False


@dataclass(frozen=True)
class SideHolding:
    """A borrower's holding on one side, as docs/lending-market.md values it."""

    size: int  # scaled lots, debts negative
    reserve: object
    mark: int
    side: object  # whose threshold and bonus hold
    table: SideTable = SideTable()
    ladder_trigger: int = 0
    entry: int = 0  # mark at which it is worth nothing: of a debt that is assigned

    def value(self, mark: int) -> int:
        # collateral down, debt up; a mark of -1 is a price of zero
        risen = max(mark, 0) - self.entry
        return floor(Fraction(self.size * self.reserve.unit * risen, self.reserve.refine))

    def weighted(self, mark: int) -> int:
        if self.size > 0:
            return floor(self.value(mark) * self.side.threshold)
        return floor(self.value(mark) / self.reserve.borrow_factor)


@dataclass
class Borrower:
    """The unit that a borrower is: what its collateral bears less what it owes."""

    holdings: list[SideHolding]
    at_equality: bool
    average: bool = False

    def _marks(self, marks):
        return marks or [held.mark for held in self.holdings]

    def equity(self, marks=None) -> int:
        marks = self._marks(marks)
        held = zip(self.holdings, marks, strict=True)
        return self.borne(marks) + sum(h.weighted(m) for h, m in held if h.size < 0)

    def maintenance(self, marks=None) -> int:
        return 0

    def worth(self) -> int:
        """Collateral less debts, neither weighted."""
        return sum(held.value(held.mark) for held in self.holdings)

    def debt(self) -> int:
        return -sum(held.value(held.mark) for held in self.holdings if held.size < 0)

    def borne(self, marks=None) -> int:
        held = [
            (h, m) for h, m in zip(self.holdings, self._marks(marks), strict=True) if h.size > 0
        ]
        if not self.average:
            return sum(h.weighted(m) for h, m in held)
        # as Aave v2 to v3.3: the mean threshold in whole basis points, then percentMul, half up
        counted = [(h.value(m), h.side.threshold * 10_000) for h, m in held if h.side.threshold]
        total = sum(value for value, _ in counted)
        if not total:
            return 0
        mean = floor(sum(value * points for value, points in counted) / Fraction(total))
        return (total * mean + 5000) // 10_000

    def due(self, marks=None) -> bool:
        marks = self._marks(marks)
        if {held.size > 0 for held in self.holdings} != {True, False} or not all(marks):
            return False  # without collateral nothing is seized, without debts health is infinite
        surplus = self.equity(marks)
        if surplus == self.borne(marks):
            return False  # debts that are worth nothing
        return surplus <= 0 if self.at_equality else surplus < 0

    def marks_with(self, moved: list[int], tick: int) -> list[int]:
        return [tick if k in moved else held.mark for k, held in enumerate(self.holdings)]


def borrower_of(lending, markets, positions) -> Borrower:
    """The unit of an account's positions on the sides of a lending market's reserves."""
    average = lending.rules.health == "average"
    held = [
        SideHolding(
            p.size, side.reserve, side.mark_ticks, side, SideTable(average), entry=p.ladder_trigger
        )
        for p, side in ((p, markets[p.market]) for p in positions)
    ]
    return Borrower(held, lending.rules.trigger == "<=", average)
