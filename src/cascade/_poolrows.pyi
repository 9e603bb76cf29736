from collections.abc import Sequence

from cascade._core import EngineCore

HEADER: int
LARGEST: int

def set_pool(
    core: EngineCore,
    number: int,
    *,
    kind: int,
    segments: Sequence[Sequence[int]],
    now: int,
    shares: int,
    fee: int,
    flee_fall: int,
    flee_share: int,
    ann: int,
    peg: int,
) -> None: ...
def forget_first_marks(core: EngineCore) -> None: ...
def change_pool(core: EngineCore, number: int, shares: int) -> tuple[int, int]: ...
def pool_numbers(core: EngineCore, number: int) -> list[int]: ...
def restore_pool(core: EngineCore, number: int, row: Sequence[int]) -> None: ...
def quote_pool(core: EngineCore, number: int, side: int, lots: int) -> tuple[int, int, int]: ...
