from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

DELAYED_DTYPE: np.dtype[Any]
SAMPLE_DTYPE: np.dtype[Any]
OBSERVATION_DTYPE: np.dtype[Any]

def set_outside(
    core: EngineCore,
    number: int,
    *,
    index_delay: int,
    impact_notional: int,
    sample_every: int,
    sample_count: int,
    funding_payments: int,
    accrues: int,
    observations: int,
) -> None: ...
def set_disposal(
    core: EngineCore,
    number: int,
    *,
    disposal_every: int,
    disposal_fraction: int,
    disposal_full: int,
    disposal_share: int,
) -> None: ...
def delayed_rows(core: EngineCore) -> NDArray[Any]: ...
def sample_rows(core: EngineCore) -> NDArray[Any]: ...
def restore_outside(core: EngineCore, delayed: NDArray[Any], samples: NDArray[Any]) -> None: ...
def observation_rows(core: EngineCore) -> NDArray[Any]: ...
def restore_observations(core: EngineCore, rows: NDArray[Any]) -> None: ...
