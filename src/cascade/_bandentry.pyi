import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

KEPT: int
KEPT_OF: int
SUMS: tuple[str, ...]
SCALARS: tuple[str, ...]
COLUMNS: tuple[str, ...]

def add_band_market(
    core: EngineCore,
    *,
    reserve: int,
    money: int,
    base: int,
    amplification: int,
    fee: int,
    loan_discount: int,
    liquidation_discount: int,
    rate: int,
) -> int:
    """Add a market on two reserves just made; its number."""

def open_loans(
    core: EngineCore,
    at: int,
    lots: NDArray[np.int64],
    debts: NDArray[np.int64],
    bands: NDArray[np.int64],
) -> int:
    """New accounts with a loan each; gives the first loan's number."""

def repay_loan(core: EngineCore, at: int, number: int, paid: int) -> None:
    """Repay atoms of a debt."""

def adjust_loan(core: EngineCore, at: int, number: int, lots: int, debt: int, less: bool) -> None:
    """More or less collateral, or more debt, of a loan none of whose bands has traded."""

def max_debt(core: EngineCore, at: int, lots: int, bands: int) -> int:
    """Atoms that so many lots carry in so many bands now."""

def band_edge(core: EngineCore, at: int, number: int) -> int:
    """Upper price of a band, parts of an atom a lot."""

def band_row(core: EngineCore, at: int) -> dict[str, int]:
    """Whole numbers of a market."""

def loan_columns(core: EngineCore, at: int) -> NDArray[np.int64]:
    """Whole numbers by loan, in the order of `COLUMNS`."""

def band_rows(core: EngineCore, at: int) -> NDArray[np.int64]:
    """Bands with shares."""

def band_totals(core: EngineCore, at: int) -> dict[str, int]:
    """What bands hold, debts, and what came and went since the beginning."""
