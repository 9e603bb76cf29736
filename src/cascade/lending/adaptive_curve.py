"""Morpho's adaptive-curve interest-rate model, with its own exponential, in signed integers of 10**18.

The curve turns around a rate at target utilisation, which itself grows or shrinks exponentially with the distance
from the target. Quotients are rounded toward zero, as Solidity does.
"""

from __future__ import annotations

from dataclasses import dataclass

from cascade.lending.fixed_point import WAD

__all__ = ["AdaptiveCurve", "AdaptiveRate", "adaptive_rate", "wad_exp"]

LN_2: int = 693_147_180_559_945_309
LN_WEI: int = -41_446_531_673_892_822_312
#: Argument from which the exponential is clipped, and its value there.
EXP_UPPER_BOUND: int = 93_859_467_695_000_404_319
EXP_UPPER_VALUE: int = 57716089161558943949701069502944508345128422502756744429568
SECONDS_PER_YEAR: int = 31_536_000


def _toward_zero(numerator: int, denominator: int) -> int:
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def _mul(first: int, second: int) -> int:
    return _toward_zero(first * second, WAD)


def wad_exp(x: int) -> int:
    """``e**x`` in WAD by range reduction and a second-order Taylor polynomial.

    Parameters
    ----------
    x : int
        WAD, signed.

    Returns
    -------
    int
        0 below ln(10**-18); clipped from 93.859467695000404319 on.

    Notes
    -----
    morpho-blue-irm, ExpLib.sol: ``x = q ln 2 + r``, q rounded half toward zero.
    """
    if x < LN_WEI:
        return 0
    if x >= EXP_UPPER_BOUND:
        return EXP_UPPER_VALUE
    half = LN_2 // 2
    shift = _toward_zero(x + (half if x >= 0 else -half), LN_2)
    rest = x - shift * LN_2
    base = WAD + rest + _toward_zero(_toward_zero(rest * rest, WAD), 2)
    return base << shift if shift >= 0 else base >> -shift


@dataclass(frozen=True)
class AdaptiveCurve:
    """Constants of the model, WAD.

    Parameters
    ----------
    steepness : int, default 4
        How many times the rate at target is paid at full use (its inverse when empty).
    speed : int, default 50 a year
        A second's.
    target : int, default 0.9
        Utilisation aimed at.
    initial_rate : int, default 4 % a year
        Rate at target of a new market, a second's.
    least_rate, largest_rate : int, default 0.1 % and 200 % a year
        Bounds of the rate at target, a second's.
    """

    steepness: int = 4 * WAD
    speed: int = 50 * WAD // SECONDS_PER_YEAR
    target: int = 9 * 10**17
    initial_rate: int = 4 * 10**16 // SECONDS_PER_YEAR
    least_rate: int = 10**15 // SECONDS_PER_YEAR
    largest_rate: int = 2 * WAD // SECONDS_PER_YEAR

    def __post_init__(self) -> None:
        if not 0 < self.target < WAD:
            raise ValueError(f"target {self.target!r} is outside 0 ... {WAD} (excluded)")
        if self.steepness < WAD:
            raise ValueError(f"steepness {self.steepness!r} is below {WAD}")

    def error(self, utilization: int) -> int:
        """Distance from the target, -1 ... 1 in WAD."""
        span = WAD - self.target if utilization > self.target else self.target
        return _toward_zero((utilization - self.target) * WAD, span)

    def rate(self, rate_at_target: int, error: int) -> int:
        """Borrow rate a second at a distance from the target, WAD."""
        if error < 0:
            slope = WAD - _toward_zero(WAD * WAD, self.steepness)
        else:
            slope = self.steepness - WAD
        return _mul(_mul(slope, error) + WAD, rate_at_target)

    def adapted(self, rate_at_target: int, adaptation: int) -> int:
        """Rate at target after an adaptation (WAD, an exponent), within its bounds."""
        grown = _mul(rate_at_target, wad_exp(adaptation))
        return min(max(grown, self.least_rate), self.largest_rate)


@dataclass(frozen=True)
class AdaptiveRate:
    """Rates of a second in WAD: the mean borrow rate since the last touch, and the rate at target now."""

    average: int
    at_target: int


def adaptive_rate(
    utilization: int,
    start_at_target: int | None = None,
    seconds: int = 0,
    curve: AdaptiveCurve | None = None,
) -> AdaptiveRate:
    """Borrow rate of a market since it was last touched.

    Parameters
    ----------
    utilization : int
        WAD, 0 ... 10**18.
    start_at_target : int, optional
        Rate at target then, a second's; none for a new market.
    seconds : int, default 0
        Since then.
    curve : AdaptiveCurve, optional
        Default Morpho's constants.

    Returns
    -------
    AdaptiveRate

    Raises
    ------
    ValueError
        `utilization` is outside 0 ... 10**18, or `seconds` is negative.

    Notes
    -----
    morpho-blue-irm, AdaptiveCurveIrm.sol: the mean is a trapezium of three points.
    """
    if not 0 <= utilization <= WAD:
        raise ValueError(f"utilization {utilization!r} is outside 0 ... {WAD}")
    if seconds < 0:
        raise ValueError(f"seconds {seconds!r} is negative")
    terms = curve or AdaptiveCurve()
    error = terms.error(utilization)
    if not start_at_target:
        return AdaptiveRate(terms.rate(terms.initial_rate, error), terms.initial_rate)
    adaptation = _mul(terms.speed, error) * seconds
    if adaptation == 0:
        return AdaptiveRate(terms.rate(start_at_target, error), start_at_target)
    end = terms.adapted(start_at_target, adaptation)
    middle = terms.adapted(start_at_target, _toward_zero(adaptation, 2))
    mean = (start_at_target + end + 2 * middle) // 4
    return AdaptiveRate(terms.rate(mean, error), end)
