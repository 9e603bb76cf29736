from cascade._core import EngineCore

def fail_reserve_oracle(core: EngineCore, number: int, failure: int) -> None:
    """A reserve's oracle fails (0: it works again), and everything that follows from its answer."""
