from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

RAMP_DTYPE: np.dtype[Any]

def set_ramp(
    core: EngineCore,
    number: int,
    *,
    ramp: int,
    ramp_initial: int,
    ramp_duration: int,
    ramp_small: int,
) -> None: ...
def ramp_rows(core: EngineCore) -> NDArray[Any]: ...
def ramp_numbers(core: EngineCore) -> list[tuple[int, int, int, int, int]]: ...
def restore_ramps(core: EngineCore, rows: NDArray[Any]) -> None: ...
