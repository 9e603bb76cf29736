from cascade._core import EngineCore

def follow_mark(core: EngineCore, number: int, source: int) -> None:
    """Let a new market's index be the mark of an older market, now and whenever that changes."""
