"""Values, maintenance, due tests and trigger prices as docs/margin.md defines them.

Plain Python integers and fractions; a price is found by asking the definition at one tick after the
other (halving the interval where the answer can change only once), never by solving an equation.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from .records import MAX_PRICE

INT64 = 2**63


def fits(amount: int) -> int:
    """The amount, if 64 bits hold it."""
    if not -INT64 <= amount < INT64:
        raise OverflowError(f"{amount} does not fit in 64 bits")
    return amount


def rate_of(value) -> Fraction:
    """A rate as the exact fraction its decimal notation states."""
    return Fraction(repr(value)) if isinstance(value, float) else Fraction(value)


@dataclass(frozen=True)
class Contract:
    """How lots at a tick become atoms.

    `unit` is atoms per tick and lot; of an inverse contract atoms times ticks per lot.
    """

    inverse: bool
    unit: int

    def value(self, lots: int, tick: int) -> int:
        """Atoms of an amount that is kept; one that 64 bits do not hold is an error."""
        return fits(self.exact(lots, tick))

    def exact(self, lots: int, tick: int) -> int:
        """The same for a price that is only thought of, of any size."""
        return -lots * self.unit // tick if self.inverse else lots * tick * self.unit


@dataclass
class Tier:
    floor: int  # atoms of notional
    rate: Fraction
    initial: Fraction


@dataclass
class Table:
    """Maintenance tiers; `added` is the closing fee rate, zero when it is not included."""

    tiers: list[Tier]
    whole: bool = False
    entry_basis: bool = False
    added: Fraction = Fraction(0)
    deductions: list[Fraction] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len(self.tiers) == 1:
            self.whole = False
        deduction = Fraction(0)
        for k, tier in enumerate(self.tiers):
            if k and not self.whole:
                deduction += tier.floor * (tier.rate - self.tiers[k - 1].rate)
            self.deductions.append(deduction)

    def tier(self, notional: int) -> int:
        return max(k for k, tier in enumerate(self.tiers) if tier.floor <= notional)

    def maintenance(self, notional: int) -> int:
        k = self.tier(notional)
        rate = self.tiers[k].rate + self.added
        return max(0, ceil(rate * notional - self.deductions[k]))

    def initial(self, notional: int, leverage: int) -> int:
        """Initial margin of a notional at a leverage in hundredths."""
        rate = max(Fraction(100, leverage), self.tiers[self.tier(notional)].initial)
        return fits(ceil(notional * rate))

    @property
    def jumps(self) -> bool:
        """Does the maintenance of one position jump where its price crosses a tier's edge?"""
        return self.whole and not self.entry_basis


@dataclass
class Position:
    """One account's holding in one market and leg."""

    number: int
    account: int
    market: int
    leg: int = 0  # 0 one-way, 1 long leg, 2 short leg
    size: int = 0  # lots, long positive
    entry: int = 0  # exact entry value, atoms
    margin: int = 0
    leverage: int = 100  # hundredths
    isolated: bool = False
    ladder_trigger: int = 0
    funding_at: int = 0  # the market's funding index when it was settled last

    def trade(self, lots: int, value: int) -> tuple[int, int]:
        """Apply signed lots of a signed value: (realised PnL, value that opened)."""
        if self.size * lots >= 0:
            self.size += lots
            self.entry = fits(self.entry + value)
            return 0, value
        closing = min(abs(lots), abs(self.size))
        closing_value = value if abs(lots) <= abs(self.size) else value * closing // abs(lots)
        entry = self.entry * closing // abs(self.size)
        self.size += lots
        self.entry = fits(self.entry - entry + value - closing_value)
        return -closing_value - entry, value - closing_value


@dataclass(frozen=True)
class Holding:
    """A position as its unit is valued: what it holds, how, and the mark it is valued at."""

    size: int
    entry: int
    contract: Contract
    table: Table
    mark: int
    ladder_trigger: int = 0

    def value(self, mark: int) -> int:
        return self.contract.exact(self.size, mark)

    def profit(self, mark: int) -> int:
        return self.value(mark) - self.entry if mark else 0

    def maintenance(self, mark: int) -> int:
        if self.ladder_trigger or not mark:
            return 0
        return self.table.maintenance(self.notional(mark))

    def notional(self, mark: int) -> int:
        return abs(self.entry) if self.table.entry_basis else abs(self.value(mark))

    def tier(self, mark: int) -> int:
        return self.table.tier(self.notional(mark))


@dataclass
class Unit:
    """Collateral and holdings that are tested and liquidated together, at given marks."""

    collateral: int
    holdings: list[Holding]
    at_equality: bool = False

    def equity(self, marks: list[int] | None = None) -> int:
        marks = marks or [held.mark for held in self.holdings]
        profit = sum(held.profit(m) for held, m in zip(self.holdings, marks, strict=True))
        return self.collateral + profit

    def maintenance(self, marks: list[int] | None = None) -> int:
        marks = marks or [held.mark for held in self.holdings]
        return sum(held.maintenance(m) for held, m in zip(self.holdings, marks, strict=True))

    def due(self, marks: list[int] | None = None) -> bool:
        marks = marks or [held.mark for held in self.holdings]
        if not self.holdings or not all(marks):
            return False
        held = self.holdings[0]
        if held.ladder_trigger:
            return (
                marks[0] <= held.ladder_trigger
                if held.size > 0
                else marks[0] >= held.ladder_trigger
            )
        surplus = self.equity(marks) - self.maintenance(marks)
        return surplus <= 0 if self.at_equality else surplus < 0

    def marks_with(self, moved: list[int], tick: int) -> list[int]:
        """The marks with those of the holdings numbered `moved` (one market's) at another tick."""
        return [tick if k in moved else held.mark for k, held in enumerate(self.holdings)]

    def tiers(self, moved: list[int], tick: int) -> list[int]:
        return [self.holdings[k].tier(tick) for k in moved]


def boundary(yes: int, no: int, asked: Callable[[int], bool]) -> int:
    """Last tick with answer yes, walking from `yes` to `no`, when the answer changes once."""
    while abs(yes - no) > 1:
        middle = (yes + no) // 2
        if asked(middle):
            yes = middle
        else:
            no = middle
    return yes


def exact_trigger(unit: Unit) -> int | None:
    """The tick at which a unit of one position with monotone surplus falls due; None: never."""
    held = unit.holdings[0]
    if held.ladder_trigger:
        return held.ladder_trigger
    near, far = (MAX_PRICE, 1) if held.size > 0 else (1, MAX_PRICE)
    if not unit.due([far]):
        return None
    if unit.due([near]):
        return near
    return boundary(far, near, lambda tick: unit.due([tick]))


def run_end(unit: Unit, moved: list[int], start: int, stop: int) -> int:
    """Last tick from `start` towards `stop` at which the moved holdings keep their tiers."""
    tiers = unit.tiers(moved, start)
    if unit.tiers(moved, stop) == tiers:
        return stop
    return boundary(start, stop, lambda tick: unit.tiers(moved, tick) == tiers)


def due_key(unit: Unit, moved: list[int], old: int, new: int) -> int:
    """The tick between two marks at which a unit healthy at the old one fell due (docs/queue.md).

    It is the new mark itself where the surplus need not be monotone in this price.
    """
    if old == 0 or len(moved) > 1 or unit.holdings[moved[0]].table.jumps:
        return new
    if new < 0:
        # a side whose price is zero: if no price above it makes the unit due, the zero did
        if not unit.due(unit.marks_with(moved, 1)):
            return new
        new = 1
    return boundary(new, old, lambda tick: unit.due(unit.marks_with(moved, tick)))


def liquidation_price(unit: Unit, moved: list[int], is_long: bool) -> int:
    """First due tick from the mark to its adverse side, other marks unchanged; 0: none."""
    if len(unit.holdings) == 1 and not unit.holdings[0].table.jumps:
        return exact_trigger(unit) or 0
    start = unit.holdings[moved[0]].mark
    if not start or not all(held.mark for held in unit.holdings):
        return 0
    last = 1 if is_long else MAX_PRICE
    step = -1 if is_long else 1

    def due(tick: int) -> bool:
        return unit.due(unit.marks_with(moved, tick))

    while True:
        if due(start):
            return start
        edge = run_end(unit, moved, start, last)
        if due(edge):
            return boundary(edge, start, due)
        if edge == last:
            return 0
        start = edge + step


def bankruptcy_price(unit: Unit, moved: list[int], is_long: bool) -> int:
    """Lowest (short: highest) tick with equity of zero or more, other marks unchanged; 0: none."""

    def solvent(tick: int) -> bool:
        return unit.equity(unit.marks_with(moved, tick)) >= 0

    worst, best = (1, MAX_PRICE) if is_long else (MAX_PRICE, 1)
    if solvent(worst):
        return worst
    if not solvent(best):
        return 0
    return boundary(best, worst, solvent)


def bankruptcy_tick(unit: Unit, index: int, lowest: int = 1, highest: int = MAX_PRICE) -> int:
    """Tick at which holding `index` is worth its value less its share of the unit's equity."""
    held = unit.holdings[index]
    weights = [other.maintenance(other.mark) for other in unit.holdings]
    if not any(weights):
        weights = [1] * len(weights)
    share = floor(Fraction(unit.equity() * weights[index], sum(weights)))
    target = held.value(held.mark) - share

    def reaches(tick: int) -> bool:
        return held.contract.exact(held.size, tick) >= target

    worst, best = (1, MAX_PRICE) if held.size > 0 else (MAX_PRICE, 1)
    if reaches(worst):
        found = worst
    elif not reaches(best):
        found = best
    else:
        found = boundary(best, worst, reaches)
    return min(max(found, lowest), highest)
