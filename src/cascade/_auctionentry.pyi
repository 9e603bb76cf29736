from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

SALE_DTYPE: np.dtype[Any]
HOUSE_DTYPE: np.dtype[Any]

def add_auctions(
    core: EngineCore,
    lending: int,
    *,
    hole: int,
) -> None:
    """Give the newest lending market its auctions."""

def set_terms(
    core: EngineCore,
    number: int,
    *,
    penalty: int,
    buf: int,
    curve: int,
    cut: int,
    span: int,
    tail: int,
    cusp: int,
    hole: int,
    dust: int,
    tip: int,
    chip: int,
) -> None:
    """State the terms of auctions of one collateral; of `hole` -1 is no limit."""

def stage(core: EngineCore, lending: int) -> int:
    """0: everything goes on; 1: no auction begins; 2: none is reset either; 3: none is taken either."""

def set_stage(core: EngineCore, lending: int, stage: int) -> None:
    """Switch the stage, see `stage`."""

def auction_columns(core: EngineCore, lending: int) -> list[tuple[int, ...]]:
    """Open auctions, the oldest first."""

def auction_sums(core: EngineCore, lending: int) -> dict[str, Any]:
    """Sums over the open auctions and the counters that must equal them, for checks."""

def sale_records(core: EngineCore) -> tuple[NDArray[Any], NDArray[Any]]:
    """What was begun and what is open of each lending market with auctions."""

def restore_sales(core: EngineCore, houses: NDArray[Any], sales: NDArray[Any], events: int) -> None:
    """Open auctions of an engine whose reserves are restored."""
