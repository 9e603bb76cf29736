from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

FIELDS: tuple[str, ...]
LARGEST: int

def set_breaker(core: EngineCore, number: int, rules: dict[str, Any] | None) -> None:
    """Give a new market its breaker, if any: whole numbers by name, "levels" as (share, pause)."""

def halt_market(core: EngineCore, number: int, pause: int) -> None:
    """Halt at the driver's wish, ns; -1: until resumed."""

def resume_market(core: EngineCore, number: int) -> None:
    """End a halt now: the call auction without an extension."""

def set_close(core: EngineCore, number: int, close: int) -> None:
    """A new day: the price that levels and static limits are counted from."""

def breaker_row(core: EngineCore, number: int) -> dict[str, int]:
    """Numbers of a market's breaker by name."""

def breaker_state(core: EngineCore, number: int) -> NDArray[np.int64]:
    """Everything a breaker remembers."""

def restore_breaker(core: EngineCore, number: int, stored: NDArray[np.int64]) -> None:
    """Put a stored state into a market's breaker."""
