"""Who is due, in order (docs/queue.md), by looking at everybody.

A unit with one position whose surplus is monotone is due when its test says so now, and its trigger
is found when it is asked for. Any other unit is tested when marks it depends on have changed, after
all that change at one moment, and, once due, stays in `due` with the key and the cause of the move
that made it due until it is taken.
"""

from dataclasses import dataclass
from fractions import Fraction

from .clearing import Clearing
from .log import Log
from .margin import Position, due_key, exact_trigger

Name = tuple[int, int]


@dataclass
class Entry:
    """A due unit: the position it is keyed by, the key, and the MARK event that reached it."""

    unit: Name
    position: Position
    is_long: bool
    key: int
    cause: int


@dataclass
class Move:
    """A mark that changed, and its MARK event."""

    market: int
    old: int
    new: int
    event: int


class Queue:
    def __init__(self, clearing: Clearing, log: Log) -> None:
        self.clearing = clearing
        self.log = log
        self.moves: list[Move] = []
        self.due: dict[Name, Entry] = {}
        self.aside: set[Name] = set()
        self.fell_by: dict[Name, int] = {}  # causes of units with a trigger that a round left due

    def note(self, move: Move) -> None:
        """A mark has changed; a second change at one moment makes one move of both."""
        for earlier in self.moves:
            if earlier.market == move.market:
                earlier.new, earlier.event = move.new, move.event
                return
        self.moves.append(move)

    def is_exact(self, name: Name) -> bool:
        """Does a unit wait at its trigger?"""
        return self.has_trigger(name) and name not in self.clearing.ramps.started

    def has_trigger(self, name: Name) -> bool:
        unit = self.clearing.unit(name)
        if len(unit.holdings) != 1:
            return False
        if unit.holdings[0].ladder_trigger:
            return True
        market = self.clearing.markets[self.clearing.unit_positions(name)[0].market]
        return not unit.holdings[0].table.jumps and not market.accrues

    def on_marks(self) -> None:
        """Test every unit that has a position in a market whose mark has just changed."""
        moves, self.moves = self.moves, []
        moved = {move.market for move in moves}
        for name in self.clearing.unit_names():
            positions = self.clearing.unit_positions(name)
            if not moved & {p.market for p in positions}:
                continue
            if name in self.due or self.is_exact(name) or not self.clearing.unit(name).due():
                continue
            self.add_fallen(name, positions, moves)

    def on_accrual(self, market: int) -> None:
        """Test every unit that has a position in a market whose funding index has just moved."""
        for name in self.clearing.unit_names():
            positions = self.clearing.unit_positions(name)
            if market not in {p.market for p in positions}:
                continue
            if name in self.due or self.is_exact(name) or not self.clearing.unit(name).due():
                continue
            first = positions[0]
            self.add(name, first, self.clearing.markets[first.market].mark_ticks, -1)

    def add_fallen(self, name: Name, positions: list[Position], moves: list[Move]) -> None:
        """Find the first of the moves after which the unit was due."""
        markets = self.clearing.markets
        for move in moves:
            markets[move.market].mark_ticks = move.old
        found = None
        for move in moves:
            markets[move.market].mark_ticks = move.new
            held = [k for k, p in enumerate(positions) if p.market == move.market]
            unit = self.clearing.unit(name)
            if found is None and held and unit.due():
                legs = [positions[k] for k in held]
                lost = [p for p in legs if (p.size > 0) == (move.new < move.old)] or legs
                found = (lost[0], due_key(unit, held, move.old, move.new), move.event)
        self.add(name, *found)

    def add(self, name: Name, position: Position, key: int, cause: int) -> None:
        self.due[name] = Entry(name, position, position.size > 0, key, cause)

    def reenter(self, name: Name, cause: int = -1) -> None:
        """Look again at a unit whose money or positions changed; `cause` of one that was due before."""
        entry = self.due.get(name)
        due = self.clearing.due(name)
        if not due:
            self.clearing.ramps.end(name)
            self.fell_by.pop(name, None)
        if not due or self.is_exact(name):
            self.due.pop(name, None)
            return
        self.fell_by.pop(name, None)
        if entry is not None and self.still_holds(entry):
            return
        first = self.clearing.unit_positions(name)[0]
        self.add(name, first, self.clearing.markets[first.market].mark_ticks, cause)

    def still_holds(self, entry: Entry) -> bool:
        """Has the unit still the position it is keyed by, on the same side?"""
        sign = 1 if entry.is_long else -1
        return (
            entry.position.size * sign > 0 and self.clearing.unit_name(entry.position) == entry.unit
        )

    def reenter_changed(self) -> None:
        changed, self.clearing.changed = self.clearing.changed, []
        for name in dict.fromkeys(changed):
            if name != self.clearing.liquidating:
                self.reenter(name)

    def go_on(self, taken: Entry) -> None:
        """A unit's round is over: if it is still due, it is by the move that made it due.

        No mark was formed since it was taken, so nothing newer can be what it is due by.
        """
        self.reenter(taken.unit, taken.cause)
        if self.clearing.due(taken.unit) and self.is_exact(taken.unit):
            self.fell_by[taken.unit] = taken.cause
        self.reenter_changed()

    def collects(self, position: Position) -> bool:
        """Is the position's market in a call auction or throttled? Then it waits."""
        market = self.clearing.markets[position.market]
        return market.venue.auction or (market.halts is not None and market.halts.throttled)

    def takeable(self) -> list[Entry]:
        """What is due in open markets, most overdue first."""
        return [entry for entry in self.entries() if not self.collects(entry.position)]

    def entries(self) -> list[Entry]:
        """Everything due, most overdue first."""
        found = list(self.due.values())
        for name in self.clearing.unit_names():
            if not self.is_exact(name):
                continue
            unit = self.clearing.unit(name)
            if unit.due():
                position = self.clearing.unit_positions(name)[0]
                is_long = position.size > 0
                trigger = exact_trigger(unit)
                cause = self.log.mark_that_reached(position.market, trigger, is_long)
                cause = max(cause, self.fell_by.get(name, -1))
                found.append(Entry(name, position, is_long, trigger, cause))
        found = [entry for entry in found if entry.unit not in self.aside]
        return sorted(found, key=self.order)

    def order(self, entry: Entry) -> tuple:
        mark = self.clearing.markets[entry.position.market].mark_ticks
        distance = entry.key - mark if entry.is_long else mark - entry.key
        overdue = Fraction(distance, max(mark, 1))  # the mark of a price of zero is -1
        return (-overdue, entry.position.market, not entry.is_long, entry.position.number)

    def rows(self) -> list[tuple[int, int, int, int, int]]:
        """(market, direction, key, account, leg) of the units that wait as due."""
        return sorted(
            (
                entry.position.market,
                0 if entry.is_long else 1,
                abs(entry.key),
                entry.position.account,
                entry.position.leg,
            )
            for entry in self.due.values()
        )
