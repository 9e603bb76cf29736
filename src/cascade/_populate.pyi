from collections.abc import Sequence

from cascade._core import EngineCore

KINDS: tuple[str, ...]

def add_resident(
    core: EngineCore,
    kind: str,
    market: int,
    account: int,
    deposit: int,
    seed: int,
    *,
    rungs: Sequence[tuple[int, int]] = (),
    refill: int = -1,
    inventory_limit: int = 0,
    skew: int = 0,
    widening: int = 0,
    movement_limit: int = 0,
    loss_limit: int = 0,
    tolerance: int = 0,
    movement_time: int = 1,
    threshold: int = 0,
    delay: int = 0,
    limit: int = 0,
    low: int = 0,
    high: int = 0,
    rate: int = 0,
    market_share: int = 0,
    reach: int = 1,
    open_orders: int = 0,
    warning: tuple[Sequence[tuple[int, int, int, int]], int] | None = None,
    top_up_share: int = 0,
    reduce_share: int = 0,
    top_up: int = 0,
    reduce: int = 0,
    hedged: bool = False,
) -> int:
    """Add a resident with checked settings; gives its number."""

def resident_numbers(core: EngineCore, number: int) -> list[int]:
    """Where a resident stands: kind, market, account, deposit, stream, then what its kind keeps."""

def restore_resident(core: EngineCore, number: int, numbers: Sequence[int]) -> None:
    """Put back what `resident_numbers` gave."""
