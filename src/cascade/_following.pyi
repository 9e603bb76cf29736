from collections.abc import Sequence

from cascade._core import EngineCore

MOST_SOURCES: int

def follow_marks(core: EngineCore, number: int, sources: Sequence[int]) -> None:
    """Let a new market's index be the median of older markets' marks, now and whenever one changes."""
