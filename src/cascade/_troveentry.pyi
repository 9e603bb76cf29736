import numpy as np
from numpy.typing import NDArray

from cascade._core import EngineCore

POOL_FIELDS: tuple[str, ...]

def set_troves(
    core: EngineCore,
    lending: int,
    *,
    minimum_ratio: int,
    critical_ratio: int,
    shutdown_ratio: int,
    gas_share: int,
    gas_reserve: int,
    offset_penalty: int,
    redistribution_penalty: int,
    pool_least: int,
    pool_sells: bool | int,
    recovery: bool | int,
    rate_least: int,
    rate_largest: int,
    pool_share: int,
    borrowing_fee: int,
    upfront_time: int,
    least_debt: int,
) -> None:
    """State the terms of a lending market's troves, before it has reserves."""

def set_gas_cap(core: EngineCore, lending: int, lots: int) -> None:
    """Most lots of collateral to the liquidator of a trove."""

def set_stop_gaps(
    core: EngineCore, lending: int, *, first: int, second: int, capital: int, pool_least: int
) -> None:
    """Who makes calls that no liquidator gains by."""

def backstop_row(core: EngineCore, lending: int) -> dict[str, int]:
    """Atoms of capital and earned since, and calls."""

def change_trove(
    core: EngineCore, lending: int, account: int, number: int, lots: int, what: int
) -> None:
    """Deposit (0), withdraw (1), borrow (2) or repay (3) lots."""

def trove_row(core: EngineCore, lending: int, account: int) -> tuple[int, int]:
    """Lots of collateral and atoms of debt of an account."""

def set_rates(core: EngineCore, lending: int, first: int, rates: NDArray[np.int64]) -> None:
    """Rates that accounts from `first` on pay from now on, parts of 10**9 a year."""

def owner_row(core: EngineCore, lending: int, account: int) -> tuple[int, int]:
    """Parts of 10**9 a year that an account's debt bears, and lots that it may claim."""

def claim_surplus(core: EngineCore, lending: int, account: int) -> int:
    """Pay an account what its closed loan left; gives the lots."""

def room_atoms(core: EngineCore, lending: int, account: int) -> int:
    """Most atoms that an account may borrow now."""

def pool_row(core: EngineCore, lending: int) -> dict[str, int]:
    """Atoms in the pool, what came, went and was burned; its gains."""

def change_pool(core: EngineCore, lending: int, more: int, gain: int, interest: int) -> None:
    """Put atoms in, or take them out, and pay a gain and interest."""

def take_offsets(core: EngineCore, lending: int) -> list[tuple[int, int]]:
    """Offsets since the last call, oldest first: debt cancelled and gain; minus interest and 0."""

def any_below_minimum(core: EngineCore, lending: int) -> bool:
    """Is an account below the minimum ratio?"""
