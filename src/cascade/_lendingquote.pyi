import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

def borrower_columns(
    core: EngineCore, lending: int
) -> tuple[
    NDArray[np.bool_],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
]:
    """Membership, what is borne and owed, and values of collateral and debts, by account."""

def borrowable_lots(core: EngineCore, lending: int, account: int, number: int) -> int:
    """Most lots of a reserve that an account may borrow now; nothing changes."""

def quote_lots(core: EngineCore, number: int, side: int, lots: int) -> int:
    """Atoms that market orders would trade for at a reserve's venues, -1: they do not take so many."""
