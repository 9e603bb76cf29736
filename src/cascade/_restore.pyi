from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore
from cascade._marketbook import MarketBook

MARK_DTYPE: np.dtype[np.void]
DUE_DTYPE: np.dtype[np.void]
MOMENT_DTYPE: np.dtype[np.void]

def restore_accounts(core: EngineCore, accounts: NDArray[Any], positions: NDArray[Any]) -> None:
    """Fill an empty engine with account and position records."""

def restore_market(
    core: EngineCore, number: int, book: MarketBook, row: Any, orders: NDArray[Any]
) -> None:
    """Numbers and orders of one market."""

def restore_assets(core: EngineCore, rows: Any) -> None:
    """Fund, fees, bad debt, net deposits of each asset."""

def restore_queue(core: EngineCore, marks: NDArray[Any], due: NDArray[Any]) -> None:
    """Mark histories and due entries."""

def mark_rows(core: EngineCore) -> NDArray[Any]:
    """Histories of the marks, MARK_DTYPE."""

def restore_settled(core: EngineCore, settled: NDArray[Any]) -> None:
    """Index each position was settled at."""

def moment_rows(core: EngineCore) -> NDArray[Any]:
    """Times of cleared events that are known, MOMENT_DTYPE."""

def restore_log(core: EngineCore, events: NDArray[Any], moments: NDArray[Any]) -> None:
    """Put stored events, and times of cleared ones, into an engine without any."""

def restore_clocks(core: EngineCore, clock: int, carried: int, first_event: int) -> None: ...
def check_structure(core: EngineCore) -> None:
    """Heaps, lists, sums and triggers."""
