from cascade._core import EngineCore

def restore_sums(core: EngineCore) -> None:
    """Form the sums of an engine that was filled from outside."""

def check_sums(core: EngineCore) -> None:
    """Compare the sums with what is there; raises InvariantError."""
