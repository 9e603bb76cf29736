from collections.abc import Mapping
from typing import Any

from cascade._core import EngineCore

RESERVE_FIELDS: tuple[str, ...]

def add_lending(
    core: EngineCore,
    *,
    asset: int,
    close_factor: int,
    close_fraction: int,
    close_health: int,
    close_value: int,
    bonus: int,
    bonus_base: int,
    bonus_cap: int,
    fee: int,
    min_leftover: int,
    bad_debt: int,
    inclusive: int,
    average: int,
    halt: int,
    halt_level: int,
    zero_price: int,
    fee_on_repay: int,
    sentinel: int,
    treasury_capped: int,
    uncounted_spared: int,
    supply_below: int,
    borrow_below: int,
) -> int:
    """Add a lending market; gives its number."""

def add_reserve(
    core: EngineCore,
    *,
    lending: int,
    source: int,
    venue: int | list[int],
    supplied_side: int,
    borrowed_side: int,
    unit: int,
    refine: int,
    threshold: int,
    loan_to_value: int,
    bonus: int,
    borrow_factor: int,
    reserve_factor: int,
    rate: Mapping[str, Any] | None,
    supply_cap: int,
    borrow_cap: int,
    delay: int,
    heartbeat: int,
    deviation: int,
    max_step: int,
    block: int,
    collateral: bool,
    borrowable: bool,
    liquidation_factor: int,
    debt_ceiling: int,
    isolation_lends: bool,
    siloed: bool,
    account_cap: int,
    account_share: int,
    hundredths: int,
    hundredths_lots: int,
    fee: int,
) -> int:
    """Add a reserve whose sides are two markets just made; gives its number."""

def add_liquidator(
    core: EngineCore,
    *,
    capital: int,
    gas: int,
    min_profit: int,
    latency: int,
    halvings: int,
    choice: int,
    single: int,
    max_repay: int,
    step_budget: int,
) -> int:
    """Add a liquidator; gives its number."""

def liquidator_row(core: EngineCore, number: int) -> dict[str, int]:
    """Atoms earned, atoms of gas, atoms bid, and calls of a liquidator."""

def set_bidding(core: EngineCore, bidding: bool) -> None:
    """Does the liquidator who gains most act, for what the next would have gained?"""

def reserve_row(core: EngineCore, number: int) -> dict[str, int]:
    """Whole numbers of a reserve."""

def pause_reserve(core: EngineCore, number: int, paused: bool, grace: int) -> None:
    """Stop all that involves a reserve, or allow it again, liquidations after `grace` nanoseconds."""

def freeze_reserve(core: EngineCore, number: int, frozen: bool) -> None:
    """Stop or allow what makes a reserve's supply or debts larger."""

def supply(core: EngineCore, number: int, lots: int) -> None:
    """Supply from outside."""

def redeem(core: EngineCore, number: int, lots: int) -> None:
    """Take back what was supplied from outside, as far as there is cash."""

def open_borrowers(
    core: EngineCore, lending: int, columns: list[Any], count: int, category: int
) -> int:
    """New accounts of a category from rows (reserve, borrowed, column of lots); gives the first account's id."""

def change_claim(
    core: EngineCore,
    lending: int,
    account: int,
    number: int,
    lots: int,
    borrowed: bool,
    less: bool,
) -> None:
    """Deposit, withdraw, borrow or repay lots."""
