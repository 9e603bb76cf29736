from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

POSITION_DTYPE: np.dtype[np.void]
ACCOUNT_DTYPE: np.dtype[np.void]
DELEVERAGE_DTYPE: np.dtype[np.void]

def position_column(
    core: EngineCore, number: int, what: str, leg: str | None = None
) -> NDArray[np.int64]:
    """One number of each account's position in a market."""

def deleverage_rows(core: EngineCore, number: int) -> NDArray[Any]:
    """Positions with size in a market with the unit behind each, DELEVERAGE_DTYPE."""

def unit_columns(core: EngineCore) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Equity and maintenance of each account, all its units together, atoms."""

def account_table(core: EngineCore) -> NDArray[Any]:
    """Copy of the account records, ACCOUNT_DTYPE."""

def position_table(core: EngineCore) -> NDArray[Any]:
    """Copy of the position records, POSITION_DTYPE."""

def due_rows(core: EngineCore) -> list[tuple[int, int, int, int]]:
    """Rows (market, direction, key, position number) of the due heaps, in key order."""

def funding_settled(core: EngineCore) -> NDArray[np.int64]:
    """Index that each position was settled at, 0 where nothing accrues."""

def market_row(core: EngineCore, number: int) -> dict[str, int]:
    """Numbers of one market, by name."""

def asset_row(core: EngineCore, number: int) -> dict[str, int]:
    """Fund, fees, bad debt and net deposits of an asset, atoms."""

def clocks(core: EngineCore) -> tuple[int, int]:
    """Clock and liquidation time carried over, ns."""

def guard_counts(core: EngineCore) -> dict[str, int]:
    """Entries in the exact, guard and due heaps, summed over markets and directions."""
