"""Quote numbers to whole ticks and lots in exact fractions (docs/book.md, Grid)."""

import numbers
from decimal import Decimal
from fractions import Fraction

import numpy as np


def exact_number(name: str, value) -> Fraction:
    """The number as it is, without rounding."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (numbers.Real, Decimal)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        return Fraction(value.item() if isinstance(value, np.generic) else value)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} must be finite, got {value!r}") from None


def on_grid(name: str, value, step, bits: int = 64) -> int:
    """Whole grid steps in `value` as a signed field holds them.

    A float may be one part in 10**9 away from its grid point.
    """
    exact = exact_number(name, value)
    # A float step stands for the decimal number it is written as.
    exact_step = (
        Fraction(repr(float(step))) if isinstance(step, float) else exact_number(name, step)
    )
    steps = round(exact / exact_step)
    tolerance = abs(steps * exact_step) / 10**9 if isinstance(value, (float, np.floating)) else 0
    if abs(exact - steps * exact_step) > tolerance:
        raise ValueError(f"{name} {value!r} is not a multiple of {step!r}")
    if not -(2 ** (bits - 1)) <= steps < 2 ** (bits - 1):
        raise ValueError(f"{name} {value!r} does not fit in {bits} bits")
    return steps


def whole(name: str, value, step) -> int:
    """Whole grid steps in `value`, as 64 bits hold them."""
    return on_grid(name, value, step, 64)
