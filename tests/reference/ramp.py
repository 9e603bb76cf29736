"""Units whose shortage is freed bit by bit, by a share that grows with time: docs/step.md."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from .partial import asked

Name = tuple[int, int]
BILLION = 10**9


@dataclass
class Started:
    """A liquidation that goes on: when it began (clock), and the atoms of margin it has freed."""

    at: int
    freed: int = 0


class Ramps:
    """The units in liquidation under such a rule, by name; `clearing` knows the rest."""

    def __init__(self, clearing) -> None:
        self.clearing = clearing
        self.started: dict[Name, Started] = {}

    def rules(self, name: Name) -> list:
        positions = self.clearing.unit_positions(name)
        return [self.clearing.markets[p.market].rules for p in positions]

    def applies(self, name: Name) -> bool:
        unit = self.clearing.unit(name)
        ladder = any(held.ladder_trigger for held in unit.holdings)
        return not ladder and any(rules.ramp for rules in self.rules(name))

    def shortage(self, name: Name) -> int:
        """Atoms that the unit's equity lacks to what its positions ask, rounded up."""
        unit = self.clearing.unit(name)
        needed = sum(
            asked(held, rules.partial_rule, abs(held.size))
            for held, rules in zip(unit.holdings, self.rules(name), strict=True)
        )
        return max(0, ceil(needed - unit.equity()))

    def owes(self, name: Name) -> bool:
        """Is the unit in liquidation, and not restored?"""
        unit = self.clearing.unit(name)
        if name not in self.started or not unit.holdings or not all(h.mark for h in unit.holdings):
            return False
        return unit.due() or self.shortage(name) > 0

    def end(self, name: Name) -> None:
        self.started.pop(name, None)

    def rows(self) -> list[tuple[int, ...]]:
        """(account, market, leg, began, freed), market and leg of an isolated position, else -1, 0."""
        found = []
        for (account, number), started in self.started.items():
            place = (-1, 0)
            if number >= 0:
                position = self.clearing.positions[number]
                place = (position.market, position.leg)
            found.append((account, *place, started.at, started.freed))
        return sorted(found)


def allowed_share(ramp: tuple, elapsed: int) -> Fraction:
    """Share of a shortage that may be freed so long (ns) after it began, in whole parts of 1e-9."""
    initial, duration, _ = ramp
    if duration == 0:
        return Fraction(1)
    return min(Fraction(1), initial + Fraction(elapsed * BILLION // duration, BILLION))


def may_stay_missing(ramp: tuple | None, small: int, missing: int, freed: int, elapsed: int) -> int:
    """Atoms of a shortage that a turn leaves; `freed` were freed before."""
    if ramp is None or missing < small:
        return 0
    now = ceil((missing + freed) * allowed_share(ramp, elapsed)) - freed
    return missing - min(max(now, 0), missing)
