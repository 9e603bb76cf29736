"""Interest-rate models of the twin: docs/lending-market.md, *Interest*, in whole numbers.

A model gives what debts and supplies grow by in a time, in parts of 10**18, from the utilisation. What it
remembers between two times, the rate at target of an adaptive curve, is kept by the reserve.
"""

from dataclasses import dataclass

from .margin import rate_of

ONE = 10**18
SECOND = 10**9
YEAR = 365 * 86_400 * SECOND
LARGEST = 2**63 - 1
LN_2 = 693_147_180_559_945_309
LN_LEAST = -41_446_531_673_892_822_312  # logarithm of 10**-18


def toward_zero(a: int, b: int) -> int:
    return a // b if (a < 0) == (b < 0) else -(-a // b)


def exponential(x: int) -> int:
    """e**x by halves and doublings and a parabola, as Morpho has it."""
    if x < LN_LEAST:
        return 0
    half = LN_2 // 2
    doublings = toward_zero(x + (half if x >= 0 else -half), LN_2)
    rest = x - doublings * LN_2
    curved = ONE + rest + toward_zero(rest * rest, ONE) // 2
    return curved * 2**doublings if doublings >= 0 else curved // 2**-doublings


def powered(second: int, elapsed: int) -> int:
    """(one and the rate of a second) ** whole seconds, half up at every product; linear for the rest."""
    made, base, seconds = ONE, ONE + second, elapsed // SECOND
    while seconds:
        if seconds % 2:
            made = (made * base + ONE // 2) // ONE
        base = (base * base + ONE // 2) // ONE
        seconds //= 2
    return made * (ONE + second * (elapsed % SECOND) // SECOND) // ONE - ONE


def grown(rate: int, elapsed: int, period: int, compounding: str) -> int:
    """What a debt of one grows by at a rate for each `period`."""
    first = rate * elapsed // period
    if compounding == "linear":
        return first
    if compounding == "power":
        return powered(rate * SECOND // period, elapsed)
    second, third = first, first
    if compounding == "binomial":
        # terms of (1 + rate)**seconds: a second and two seconds less
        second = rate * max(elapsed - SECOND, 0) // period
        third = rate * max(elapsed - 2 * SECOND, 0) // period
    square = first * second // (2 * ONE)
    return first + square + square * third // (3 * ONE)


def bent(utilisation: int, base: int, slope: int, jump: int, kink: int) -> int:
    """A rate at slopes for each unit of utilisation, as Compound has it."""
    if utilisation <= kink:
        return min(LARGEST, base + utilisation * slope // ONE)
    return min(LARGEST, base + kink * slope // ONE + (utilisation - kink) * jump // ONE)


@dataclass
class Model:
    """What all models have in common: no state, no curve for suppliers."""

    over_supplies = False  # utilisation is debts over supplies; else over cash and debts

    def first_at_target(self) -> int:
        return 0

    def refuses(self, utilisation: int) -> bool:
        return False

    def supply_growth(self, utilisation: int, elapsed: int) -> int | None:
        """What supplies grow by; None: what borrowers pay and the reserve does not keep."""
        return None


@dataclass
class KinkRate(Model):
    """Yearly borrow rate by utilisation."""

    base: object = 0
    slope1: object = 0
    slope2: object = 0
    optimal: object = "0.8"
    compounding: str = "linear"

    def parts(self, utilisation: int) -> int:
        base, slope1, slope2, optimal = (
            int(rate_of(x) * ONE) for x in (self.base, self.slope1, self.slope2, self.optimal)
        )
        if utilisation <= optimal:
            return base + slope1 * utilisation // optimal
        return base + slope1 + slope2 * (utilisation - optimal) // (ONE - optimal)

    def growth(self, utilisation: int, elapsed: int, at_target: int) -> tuple[int, int]:
        """What debts grow by, and the rate at target afterwards."""
        return grown(self.parts(utilisation), elapsed, YEAR, self.compounding), 0


@dataclass
class FixedRate(Model):
    """One yearly rate."""

    rate: object = "0.05"
    compounding: str = "linear"

    def growth(self, utilisation: int, elapsed: int, at_target: int) -> tuple[int, int]:
        return grown(int(rate_of(self.rate) * ONE), elapsed, YEAR, self.compounding), 0


@dataclass
class JumpRate(Model):
    """Compound's: slopes for each unit of utilisation, a year's numbers cut to those of a period."""

    base: object = 0
    multiplier: object = "0.05"
    jump_multiplier: object = "1.09"
    kink: object = "0.8"
    period: object = 15
    supply: tuple | None = None
    compounding: str = "linear"
    refused_above: object = None

    over_supplies = True

    def curve(self, given) -> tuple[int, int, int, int]:
        *rates, kink = (rate_of(x) for x in given)
        period = int(rate_of(self.period) * SECOND)
        return *(int(x * ONE * period / YEAR) for x in rates), int(kink * ONE)

    def refuses(self, utilisation: int) -> bool:
        """Is the rate above what accrues?"""
        given = (self.base, self.multiplier, self.jump_multiplier, self.kink)
        most = self.refused_above
        return most is not None and bent(utilisation, *self.curve(given)) > int(rate_of(most) * ONE)

    def growth(self, utilisation: int, elapsed: int, at_target: int) -> tuple[int, int]:
        given = (self.base, self.multiplier, self.jump_multiplier, self.kink)
        rate = bent(utilisation, *self.curve(given))
        return grown(rate, elapsed, int(rate_of(self.period) * SECOND), self.compounding), 0

    def supply_growth(self, utilisation: int, elapsed: int) -> int | None:
        if self.supply is None:
            return None
        rate = bent(utilisation, *self.curve(self.supply))
        return grown(rate, elapsed, int(rate_of(self.period) * SECOND), "linear")


@dataclass
class AdaptiveRate(Model):
    """Morpho's: a curve round a rate at target that grows or shrinks with the distance from the target."""

    initial: object = "0.04"
    target: object = "0.9"
    steepness: object = 4
    speed: object = 50
    least: object = "0.001"
    largest: object = 2
    compounding: str = "taylor"

    def second(self, yearly) -> int:
        """A year's rate as a second's."""
        return int(rate_of(yearly) * ONE) * SECOND // YEAR

    def first_at_target(self) -> int:
        return self.second(self.initial)

    def bounded(self, at_target: int, exponent: int) -> int:
        made = at_target * exponential(exponent) // ONE
        return min(max(made, self.second(self.least)), self.second(self.largest))

    def growth(self, utilisation: int, elapsed: int, at_target: int) -> tuple[int, int]:
        target, steepness = int(rate_of(self.target) * ONE), int(rate_of(self.steepness) * ONE)
        above = utilisation > target
        error = toward_zero((utilisation - target) * ONE, ONE - target if above else target)
        exponent = toward_zero(self.second(self.speed) * error, ONE) * elapsed
        exponent = toward_zero(exponent, SECOND)
        end = mean = at_target
        if exponent:
            end = self.bounded(at_target, exponent)
            middle = self.bounded(at_target, toward_zero(exponent, 2))
            mean = (at_target + end + 2 * middle) // 4
        slope = steepness - ONE if error >= 0 else ONE - ONE * ONE // steepness
        rate = (toward_zero(slope * error, ONE) + ONE) * mean // ONE
        return grown(rate, elapsed, SECOND, self.compounding), end
