from collections.abc import Sequence

from cascade._core import EngineCore

MOST_VENUES: int
LARGEST_LOTS: int

def split_order(
    core: EngineCore, numbers: Sequence[int], side: int, lots: int
) -> tuple[list[int], list[int], int]:
    """Lots and atoms by market of a trade that is split over them, and lots that none takes."""
