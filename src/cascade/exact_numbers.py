"""Numbers as they are given, read exactly, and the whole numbers that the core works with.

A float stands for the decimal number that is printed for it, so 0.005 is five thousandths.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isfinite
from operator import index
from typing import Any

import numpy as np

Rate = int | float | str | Decimal | Fraction

RATE_DENOMINATOR = 10**9
NANOSECONDS = 10**9
LARGEST_TIME = 2**62
#: What `float` would take for a number.
NO_NUMBERS = (bool, np.bool_, bytes, bytearray, memoryview)
LARGEST_NUMBER = 2**62


def exact(value: Any, name: str) -> Fraction:
    """Exact rational of a number; a float is the decimal number that is printed for it.

    Text may be a ratio, ``"2/3"``.

    Raises
    ------
    TypeError
        `value` is no number.
    ValueError
        `value` is not finite.
    """
    if value is None or isinstance(value, NO_NUMBERS):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        if isinstance(value, (int, Fraction)):
            return Fraction(value)
        if isinstance(value, str) and "/" in value:
            above, _, below = value.partition("/")
            return Fraction(Decimal(above)) / Fraction(Decimal(below))
        if isinstance(value, (str, Decimal)):
            return Fraction(Decimal(value) if isinstance(value, str) else value)
        number = float(value)
    except (TypeError, ArithmeticError, OverflowError):
        raise TypeError(f"{name} must be a number, got {value!r}") from None
    if not isfinite(number):
        raise ValueError(f"{name} {value!r} is not finite")
    return Fraction(repr(number))


def flag(value: Any, name: str) -> bool:
    """True or False as given; a number or a text is neither.

    Raises
    ------
    TypeError
        `value` is something else.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def whole(value: Any, name: str) -> int:
    """An integer as given; a bool, a float or text is none.

    Raises
    ------
    TypeError
        `value` is no integer.
    """
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None


def rate_parts(value: Rate, name: str, low: int, high: int) -> int:
    """Rate in parts of 10**9.

    Raises
    ------
    TypeError
        `value` is no number.
    ValueError
        `value` is outside `low` ... `high`, or no multiple of 1e-9.
    """
    rate = exact(value, name)
    if not low <= rate <= high:
        raise ValueError(f"{name} {value!r} is outside {low} ... {high}")
    parts = rate * RATE_DENOMINATOR
    if parts.denominator != 1:
        raise ValueError(f"{name} {value!r} is not a multiple of 1e-9")
    return int(parts)


def step_time(seconds: Any, name: str) -> int:
    """Nanoseconds of a step or a liquidation, rounded to the nearest.

    Raises
    ------
    TypeError
        `seconds` is no number.
    ValueError
        It is negative, or 2**62 ns and more.
    """
    value = exact(seconds, name) * NANOSECONDS
    if not 0 <= value < LARGEST_TIME:
        raise ValueError(f"{name} {seconds!r} s is outside 0 ... {LARGEST_TIME // NANOSECONDS}")
    return round(value)


def nanoseconds(seconds: Rate | None, name: str, least: int, without: int) -> int:
    """Nanoseconds of a rule's time, rounded to the nearest; `without` when none is given.

    Raises
    ------
    TypeError
        `seconds` is no number.
    ValueError
        It is below `least` ns, or 2**62 ns and more.
    """
    if seconds is None:
        return without
    time = round(exact(seconds, name) * NANOSECONDS)
    if not least <= time < LARGEST_TIME:
        raise ValueError(f"{name} {seconds!r} s is outside {least} ns ... {LARGEST_TIME - 1} ns")
    return time


def unit_atoms(contract: str, tick: Fraction, atoms_per_lot: Fraction) -> int:
    """Atoms that one lot is worth at one tick; of an inverse contract, atoms times ticks per lot.

    Parameters
    ----------
    contract : {"linear", "inverse"}
    tick : Fraction
        Quote units in a tick.
    atoms_per_lot : Fraction
        Lot size times multiplier, in atoms.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        The value is not a whole number of atoms, or above 2**62 of them.
    """
    unit = atoms_per_lot * tick if contract == "linear" else atoms_per_lot / tick
    what = "tick times a lot" if contract == "linear" else "lot over a tick"
    if unit.denominator != 1:
        raise ValueError(
            f"a {what} is worth {float(unit):g} atoms, which is not a whole number: "
            "use more asset_decimals"
        )
    if unit > LARGEST_NUMBER:
        raise ValueError(f"a {what} is worth {float(unit):g} atoms: use fewer asset_decimals")
    return int(unit)
