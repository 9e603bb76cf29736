"""`KinkRate`, `JumpRate`, `AdaptiveRate` and `FixedRate`: what borrowers pay, and how an accrual compounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, Literal

from cascade.exact_numbers import NANOSECONDS, Rate, exact

__all__ = ["AdaptiveRate", "FixedRate", "InterestModel", "JumpRate", "KinkRate"]

PARTS = 10**18
YEAR = 365 * 86_400 * NANOSECONDS
#: Largest of a model's rates and slopes, for the time that they are rates of.
LARGEST = 3
MOST_A_YEAR = 100
COMPOUNDING = {"linear": 0, "binomial": 1, "taylor": 2, "power": 3}
NO_CURVE = (0, 0, 0, PARTS)


def _number(value: Any, name: str, low: Fraction | int, high: Fraction | int) -> Fraction:
    number = exact(value, name)
    if not low <= number <= high:
        raise ValueError(f"{name} {value!r} is outside {low} ... {high}")
    return number


def _numbers(kind: int, compounding: Any, **given: Any) -> dict[str, Any]:
    if not isinstance(compounding, str) or compounding not in COMPOUNDING:
        known = ", ".join(map(repr, COMPOUNDING))
        raise ValueError(f"compounding must be one of {known}, got {compounding!r}")
    least = dict.fromkeys(("at_target", "speed", "least", "largest", "steepness"), 0)
    made: dict[str, Any] = {
        "borrow": NO_CURVE, "supply": None, "over_supplies": False, "period": YEAR, "most": 0,
        **least, "kind": kind, "compounding": COMPOUNDING[compounding],
    }  # fmt: skip
    return {**made, **given}


@dataclass(frozen=True)
class KinkRate:
    """Yearly borrow rate that bends at an optimal utilisation.

    Parameters
    ----------
    base, slope1, slope2 : number
        Rate without debts, what it rises by up to `optimal`, and by what more up to all borrowed.
    optimal : number, default 0.8
    compounding : {"linear", "binomial", "taylor", "power"}, default "linear"
        Within one accrual: not at all, by three terms of ``(1 + r)**seconds`` as Aave has it, by three
        terms of the exponential as Morpho has it, or by the power itself as Euler v1 has it.

    Raises
    ------
    TypeError, ValueError
        A rate is outside 0 ... 3 or `optimal` is not between 0 and 1.

    Notes
    -----
    ``base + slope1 * u / optimal`` up to the optimum, ``base + slope1 + slope2 * (u - optimal) / (1 -
    optimal)`` above, u the debts over cash and debts; Aave, ``DefaultReserveInterestRateStrategyV2``.
    """

    base: Rate = 0
    slope1: Rate = "0.04"
    slope2: Rate = "0.6"
    optimal: Rate = "0.8"
    compounding: Literal["linear", "binomial", "taylor", "power"] = "linear"

    def __post_init__(self) -> None:
        self.numbers()

    def numbers(self) -> dict[str, Any]:
        """Whole numbers for the core, parts of 10**18."""
        base, slope1, slope2, optimal = (
            int(_number(getattr(self, name), name, 0, LARGEST) * PARTS)
            for name in ("base", "slope1", "slope2", "optimal")
        )
        if not 0 < optimal < PARTS:
            raise ValueError(f"optimal {self.optimal!r} is not between 0 and 1")
        return _numbers(1, self.compounding, borrow=(base, slope1, slope2, optimal))


@dataclass(frozen=True)
class JumpRate:
    """Compound's rates: a slope for each unit of utilisation, and a steeper one beyond a kink.

    Parameters
    ----------
    base, multiplier, jump_multiplier : number
        A year's rate without debts, and its slopes below and above the kink. Compound v2's
        ``JumpRateModelV2`` states the rise up to the kink: divide it by the kink.
    kink : number, default 0.8
    period : seconds, default 15
        The year's numbers are cut to parts of 10**18 for this time: 15 s are the blocks of Compound v2, of
        which a year has 2,102,400; Compound v3 has 1.
    supply : tuple of 4 numbers, optional
        The same four for suppliers, who have a curve of their own at Compound v3; the reserve's treasury
        gets or pays the rest. None: suppliers get what borrowers pay and the reserve factor leaves.
    compounding : {"linear", "binomial", "taylor", "power"}, default "linear"
        Within one accrual; suppliers' own curve is linear.
    refused_above : number, optional
        Rate of one period above which nothing accrues and the reserve does nothing else either: Compound
        v2's ``borrowRateMaxMantissa`` is ``"0.000005"`` a block. None: any rate accrues.

    Raises
    ------
    TypeError, ValueError
        A number is negative, `kink` is outside 0 ... 1, or a rate of one period is above 3.

    Notes
    -----
    ``base + u * multiplier`` up to the kink, ``base + kink * multiplier + (u - kink) * jump_multiplier``
    above, u the debts over what is supplied, which may be above one; compound-protocol,
    ``JumpRateModel.sol`` (its denominator is cash and borrows less reserves, which is what is supplied) and
    ``BaseJumpRateModelV2.sol``; comet, ``getBorrowRate`` and ``getSupplyRate``.
    """

    base: Rate = 0
    multiplier: Rate = "0.05"
    jump_multiplier: Rate = "1.09"
    kink: Rate = "0.8"
    period: Any = 15
    supply: tuple[Rate, Rate, Rate, Rate] | None = None
    compounding: Literal["linear", "binomial", "taylor", "power"] = "linear"
    refused_above: Rate | None = None

    def __post_init__(self) -> None:
        self.numbers()

    def numbers(self) -> dict[str, Any]:
        """Whole numbers for the core, parts of 10**18 a period."""
        period = _number(self.period, "period", Fraction(1, NANOSECONDS), YEAR // NANOSECONDS)
        whole = int(period * NANOSECONDS)
        given = (self.base, self.multiplier, self.jump_multiplier, self.kink)
        supply = self.supply
        if supply is not None:
            if not isinstance(supply, (tuple, list)) or len(supply) != 4:
                raise TypeError(f"supply must be four numbers or None, got {supply!r}")
            supply = self._curve(tuple(supply), "supply ", whole)
        return _numbers(
            2, self.compounding, borrow=self._curve(given, "", whole), supply=supply,
            over_supplies=True, period=whole, most=self._most(),
        )  # fmt: skip

    def _most(self) -> int:
        if self.refused_above is None:
            return 0
        most = int(_number(self.refused_above, "refused_above", 0, LARGEST) * PARTS)
        if most == 0:
            raise ValueError(f"refused_above {self.refused_above!r} is not above zero")
        return most

    @staticmethod
    def _curve(given: tuple[Any, ...], what: str, period: int) -> tuple[int, int, int, int]:
        names = ("base", "multiplier", "jump_multiplier")
        most = Fraction(LARGEST * YEAR, period)
        base, slope, jump = (
            int(_number(value, what + name, 0, most) * PARTS * period / YEAR)
            for name, value in zip(names, given[:3], strict=True)
        )
        return base, slope, jump, int(_number(given[3], what + "kink", 0, 1) * PARTS)


@dataclass(frozen=True)
class AdaptiveRate:
    """Morpho's adaptive curve: it turns around a rate at target that follows the market.

    Parameters
    ----------
    initial : number, default 0.04
        Yearly rate at target of a new reserve.
    target : number, default 0.9
        Utilisation aimed at.
    steepness : number, default 4
        How many times the rate at target is paid with everything borrowed; its inverse with nothing.
    speed : number, default 50
        Growth of the rate at target in a year with everything borrowed, as an exponent.
    least, largest : number, default 0.001 and 2
        Bounds of the yearly rate at target.
    compounding : {"linear", "binomial", "taylor", "power"}, default "taylor"

    Raises
    ------
    TypeError, ValueError
        `target` is not between 0 and 1, `steepness` outside 1 ... 9, `speed` outside 0 ... 1000, or not
        ``1e-9 <= least <= initial <= largest <= 100``.

    Notes
    -----
    `cascade.lending.adaptive_rate` is the same function by itself; morpho-blue-irm,
    ``AdaptiveCurveIrm.sol``. The rate at target is a state of the reserve, `Reserve.rate_at_target`.
    """

    initial: Rate = "0.04"
    target: Rate = "0.9"
    steepness: Rate = 4
    speed: Rate = 50
    least: Rate = "0.001"
    largest: Rate = 2
    compounding: Literal["linear", "binomial", "taylor", "power"] = "taylor"

    def __post_init__(self) -> None:
        self.numbers()

    def numbers(self) -> dict[str, Any]:
        """Whole numbers for the core, parts of 10**18 a second."""
        target = int(_number(self.target, "target", 0, 1) * PARTS)
        if not 0 < target < PARTS:
            raise ValueError(f"target {self.target!r} is not between 0 and 1")
        largest = _number(self.largest, "largest", Fraction(1, 10**9), MOST_A_YEAR)
        least = _number(self.least, "least", Fraction(1, 10**9), largest)
        initial = _number(self.initial, "initial", least, largest)
        speed = _number(self.speed, "speed", 0, 1000)
        return _numbers(
            3, self.compounding, borrow=(0, 0, 0, target), period=NANOSECONDS,
            steepness=int(_number(self.steepness, "steepness", 1, 9) * PARTS),
            at_target=_a_second(initial), speed=_a_second(speed), least=_a_second(least),
            largest=_a_second(largest),
        )  # fmt: skip


def _a_second(yearly: Fraction) -> int:
    return int(yearly * PARTS) * NANOSECONDS // YEAR


@dataclass(frozen=True)
class FixedRate:
    """One yearly rate, whatever is borrowed.

    Parameters
    ----------
    rate : number, default 0.05
    compounding : {"linear", "binomial", "taylor", "power"}, default "linear"

    Raises
    ------
    TypeError, ValueError
        `rate` is outside 0 ... 3.
    """

    rate: Rate = "0.05"
    compounding: Literal["linear", "binomial", "taylor", "power"] = "linear"

    def __post_init__(self) -> None:
        self.numbers()

    def numbers(self) -> dict[str, Any]:
        """Whole numbers for the core, parts of 10**18."""
        rate = int(_number(self.rate, "rate", 0, LARGEST) * PARTS)
        return _numbers(4, self.compounding, borrow=(rate, 0, 0, PARTS))


InterestModel = KinkRate | JumpRate | AdaptiveRate | FixedRate
MODELS: dict[str, type[Any]] = {
    "kink": KinkRate, "jump": JumpRate, "adaptive": AdaptiveRate, "fixed": FixedRate,
}  # fmt: skip


def _text(value: Any) -> Any:
    # a number exactly, as a fraction in words
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        return [_text(part) for part in value]
    return str(exact(value, "value"))


def stated_model(model: InterestModel | None) -> dict[str, Any] | None:
    """A model as words and exact numbers for JSON."""
    if model is None:
        return None
    kind = next(name for name, made in MODELS.items() if isinstance(model, made))
    values = {field.name: getattr(model, field.name) for field in fields(model)}
    compounding = values.pop("compounding")
    return {
        "kind": kind,
        "compounding": compounding,
        **{name: _text(value) for name, value in values.items()},
    }


def model_named(table: Mapping[str, Any], name: str = "model") -> InterestModel:
    """The model that a table names, ``kink`` where it does not, with the table's other fields.

    Raises
    ------
    TypeError, ValueError
        The name or a field is wrong.
    """
    given = dict(table)
    kind = given.pop(name, "kink")
    if kind not in MODELS:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, MODELS))}, got {kind!r}")
    listed = {key: tuple(value) for key, value in given.items() if isinstance(value, list)}
    made: InterestModel = MODELS[kind](**{**given, **listed})
    return made


def model_of(stated: dict[str, Any] | None) -> InterestModel | None:
    """The model that `stated_model` has put into words."""
    return None if stated is None else model_named(stated, "kind")
