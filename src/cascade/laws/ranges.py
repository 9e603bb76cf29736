"""Ranges of the numbers that the laws take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def above(value: float, name: str, low: float = 0.0) -> float:
    """`value` when it is above `low`; else a ValueError that names it."""
    if not value > low:
        raise ValueError(f"{name} {value!r} is not above {low:g}")
    return float(value)


def not_negative(value: float, name: str) -> float:
    """`value` when it is at least 0; else a ValueError that names it."""
    if not value >= 0:
        raise ValueError(f"{name} {value!r} is negative")
    return float(value)
