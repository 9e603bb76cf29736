from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_Number = float | Decimal | Fraction | np.integer[Any] | np.floating[Any]

class Grid:
    """Grid of all whole multiples of a step."""

    step: Fraction
    def __init__(self, step: _Number | str, field: str = "step") -> None: ...
    def steps(self, value: _Number, field: str = "value") -> int:
        """Whole steps of one number."""
    def steps_of(self, values: ArrayLike, field: str = "values") -> NDArray[np.int64]:
        """Whole steps of a column of numbers."""
    def number(self, steps: int) -> float:
        """Float nearest to a number of steps."""
    def numbers_of(self, steps: ArrayLike) -> NDArray[np.float64]:
        """Floats of a column of steps."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
