from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

TROVE_DTYPE: np.dtype[np.void]
OWNER_DTYPE: np.dtype[np.void]

def trove_records(core: EngineCore) -> NDArray[Any]:
    """Of each lending market what it has beyond its reserves."""

def owner_records(core: EngineCore) -> NDArray[Any]:
    """What is kept of owners of loans that are closed whole."""

def restore_troves(core: EngineCore, records: NDArray[Any], owners: NDArray[Any]) -> None:
    """Fill in what lending markets have beyond their reserves."""

def trove_fault(core: EngineCore, lending: int) -> str:
    """What does not add up of a lending market's troves, empty when all does."""
