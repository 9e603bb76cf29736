from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

LENDING_DTYPE: np.dtype[np.void]

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

def check_claims(core: EngineCore) -> None:
    """Raise InvariantError if a claim is not on the side of its account's category, or not alone where it must."""

def set_sequencer(core: EngineCore, lending: int, up: bool, grace: int) -> None:
    """The sequencer is down, or up again and the grace of so many nanoseconds begins."""

def lending_records(core: EngineCore) -> NDArray[Any]:
    """What changes of lending markets, in order."""

def restore_lendings(core: EngineCore, records: NDArray[Any]) -> None:
    """Fill the lending markets that the settings brought."""

def set_exposure(
    core: EngineCore, source: int, asset: int, supply_cap: int, borrow_cap: int
) -> None:
    """Caps of all reserves with one price source (-1: an asset's money) together, -1: none."""
