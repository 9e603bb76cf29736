from collections.abc import Callable, Iterable
from typing import Any

from cascade._core import EngineCore

def set_stages(
    core: EngineCore,
    number: int,
    *,
    fund_limit: int,
    fund_block: int,
    fund_window: int,
    adl_trigger: int,
    drawdown: int,
    drawdown_window: int,
    socialised: int,
    haircut: int,
    seed: int,
    adl_function: Callable[..., Any] | None,
) -> None:
    """What the fund may pay for a market, when it deleverages, and who shares its losses;
    `seed` is the engine's, `adl_function` None or a function that whoever calls keeps alive."""

def stage_rows(core: EngineCore, number: int) -> list[int]:
    """Fund's block and what it paid, the mark before, and time and balance of the fund's peaks, oldest first."""

def restore_stages(core: EngineCore, number: int, rows: Iterable[int]) -> None:
    """The same back into an engine; everything is checked."""
