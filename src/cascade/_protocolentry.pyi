from cascade._core import EngineCore

def set_storefront(core: EngineCore, lending: int, factor: int, target: int) -> None:
    """Share of the penalty that a buyer gets, parts of 10**9, and lots of the base up to which is sold."""

def burn_deficit(core: EngineCore, number: int, lots: int) -> None:
    """Pay for debts of a reserve that were written off, from outside."""
