from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

BAND_MARKET_DTYPE: np.dtype[Any]
BAND_DTYPE: np.dtype[Any]
LOAN_DTYPE: np.dtype[Any]
SUMS: tuple[str, ...]
SCALARS: tuple[str, ...]

def band_records(
    core: EngineCore,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Markets, bands with shares, loans, and the loans' shares by band."""

def restore_bands(
    core: EngineCore,
    markets: NDArray[Any],
    bands: NDArray[Any],
    loans: NDArray[Any],
    shares: NDArray[np.int64],
    events: int,
) -> None:
    """Fill the soft liquidation markets that the settings brought."""

def shares_held(core: EngineCore, at: int) -> list[tuple[int, int]]:
    """What loans have and what there is: scaled debt, and shares by band, as pairs."""

def watch_fault(core: EngineCore, at: int) -> str:
    """What is wrong with how loans are watched, "" if nothing is."""

def check_band_totals(name: str, sums: dict[str, int], pairs: list[tuple[int, int]]) -> None:
    """Refuse sums of a soft liquidation market that do not add up."""
