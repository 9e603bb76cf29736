"""Units of the protocols' integers, checked amounts, and the refusal of a rule.

A wad has 18 decimals, a ray 27 and a rad 45. Integers are Python's, of any width. A rule that a protocol
answers by undoing the call raises `RefusalError`, whose `reason` is a fixed word.
"""

from __future__ import annotations

from typing import Any

from cascade.exact_numbers import Rate, exact, whole
from cascade.lending.errors import LendingRefusedError
from cascade.lending.fixed_point import RAY as RAY
from cascade.lending.fixed_point import WAD as WAD

RAD = 10**45


class RefusalError(LendingRefusedError):
    """A call that a protocol's rule refuses; nothing has changed.

    Parameters
    ----------
    reason : str
        A fixed word for the rule, such as ``"not-unsafe"``.
    detail : str
        Field, value and allowed range.
    """

    reason: str
    detail: str

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, None, detail, reason)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), (self.reason, self.detail)


def amount(value: Any, name: str, low: int = 0, high: int | None = None) -> int:
    """An integer within its range.

    Parameters
    ----------
    value : int
    name : str
        The field, as errors name it.
    low : int, default 0
        Smallest allowed value.
    high : int, optional
        Largest allowed value.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        `value` is no integer.
    ValueError
        `value` is below `low` or above `high`.

    Examples
    --------
    >>> amount(3, "debt_wad")
    3
    >>> amount(-3, "debt_wad")
    Traceback (most recent call last):
    ValueError: debt_wad -3 is outside 0 ...
    """
    number = whole(value, name)
    if number < low or (high is not None and number > high):
        top = "" if high is None else f" {high}"
        raise ValueError(f"{name} {number} is outside {low} ...{top}")
    return number


def rounded_power(base: int, exponent: int, unit: int) -> int:
    """Fixed-point power by squaring, every product rounded half up.

    Parameters
    ----------
    base : int
        In parts of `unit`.
    exponent : int
        Not negative.
    unit : int
        What stands for one, such as `RAY`.

    Returns
    -------
    int
        In parts of `unit`. The products are those of repeated squaring from the lowest bit up, so
        the last digits are the contracts' own.

    Notes
    -----
    ``rpow`` of makerdao/dss src/abaci.sol; ``_decPow`` of liquity/dev LiquityMath.sol multiplies the same
    numbers in the same order.

    Examples
    --------
    >>> rounded_power(99 * RAY // 100, 2, RAY) == 9801 * RAY // 10_000
    True
    """
    exponent = amount(exponent, "exponent")
    power = amount(base, "base")
    unit = amount(unit, "unit", 1)
    half = unit // 2
    answer = power if exponent % 2 else unit
    exponent //= 2
    while exponent:
        power = (power * power + half) // unit
        if exponent % 2:
            answer = (answer * power + half) // unit
        exponent //= 2
    return answer


def in_units(value: Rate, unit: int, name: str = "value") -> int:
    """A number as an integer of a protocol.

    Parameters
    ----------
    value : number
        A float is the decimal number that is printed for it.
    unit : int
        What stands for one, such as `WAD`.
    name : str, default "value"
        As errors name it.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        `value` has more digits than the unit.

    Examples
    --------
    >>> in_units("1.3", RAY)
    1300000000000000000000000000
    """
    number = exact(value, name) * amount(unit, "unit", 1)
    if number.denominator != 1:
        raise ValueError(f"{name} {value!r} is no multiple of 1/{unit}")
    return int(number)
