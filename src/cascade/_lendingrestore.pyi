from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

RESERVE_DTYPE: np.dtype[np.void]
WAITING_DTYPE: np.dtype[np.void]
LIQUIDATOR_DTYPE: np.dtype[np.void]

def reserve_records(core: EngineCore) -> tuple[NDArray[Any], NDArray[Any]]:
    """Reserves in order, and their prices on the way."""

def liquidator_records(core: EngineCore) -> NDArray[Any]:
    """What each liquidator earned, spent and did."""

def forget_first_prices(core: EngineCore) -> None:
    """Take back the prices that reserves believed when they were made."""

def restore_reserves(
    core: EngineCore, records: NDArray[Any], waiting: NDArray[Any], events: int
) -> None:
    """Fill the reserves of an engine whose accounts and markets are restored."""

def restore_liquidators(core: EngineCore, records: NDArray[Any]) -> None:
    """Earnings of the liquidators that the settings brought."""

def reserve_totals(core: EngineCore, number: int) -> dict[str, int]:
    """Lots of a reserve: cash, flows, debts, supplies, treasury, deficit, rounding."""
