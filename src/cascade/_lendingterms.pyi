import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

def add_category(
    core: EngineCore,
    lending: int,
    sides: list[tuple[int, int]],
    borrowable: list[int],
    *,
    threshold: int,
    loan_to_value: int,
    bonus: int,
) -> int:
    """A category whose collateral has sides (reserve, market) just made; gives its number."""

def set_category(core: EngineCore, lending: int, account: int, category: int) -> None:
    """Opt an account into a category, 0: out of any."""

def category_of(core: EngineCore, lending: int, account: int) -> int:
    """Number of the category that an account is in, 0: none."""

def account_categories(core: EngineCore) -> NDArray[np.uint8]:
    """Number of each account's category, 0: none."""

def restore_categories(core: EngineCore, categories: NDArray[np.uint8]) -> None:
    """Categories of restored accounts."""

def check_categories(core: EngineCore) -> None:
    """Raise InvariantError if a claim is not on the side of its account's category."""
