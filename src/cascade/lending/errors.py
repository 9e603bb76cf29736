"""How a lending protocol says no: one class a reason, naming the field, its value and what is allowed.

A protocol that cuts a request silently raises nothing. A call that raises changes nothing: accounts are
values, and the account after a liquidation is a new one.
"""

from __future__ import annotations

from typing import Any

from cascade.errors import CascadeError

__all__ = [
    "CapExceededError",
    "DustLeftError",
    "ExcessiveRepayError",
    "ExcessiveSeizureError",
    "GracePeriodError",
    "InsufficientCashError",
    "LendingRefusedError",
    "NotCollateralError",
    "NotForSaleError",
    "NotLiquidatableError",
    "NothingOwedError",
    "PausedError",
    "PriceError",
    "SelfLiquidationError",
    "StaleMarketError",
]


class LendingRefusedError(CascadeError, ValueError):
    """A protocol refuses a call.

    Parameters
    ----------
    field : str
        What is refused, as the arguments name it.
    value : object
        The value it has.
    allowed : str
        What would be allowed.
    code : str, default ""
        The protocol's own name of the refusal, where it has one.

    Attributes
    ----------
    field, value, allowed, code
        As given.
    """

    def __init__(self, field: str, value: object, allowed: str, code: str = "") -> None:
        super().__init__(f"{field} {value!r}: {allowed}{f' ({code})' if code else ''}")
        self.field: str = field
        self.value: object = value
        self.allowed: str = allowed
        self.code: str = code

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), (self.field, self.value, self.allowed, self.code)


class NotLiquidatableError(LendingRefusedError):
    """The account is healthy (HEALTH_FACTOR_NOT_BELOW_THRESHOLD, INSUFFICIENT_SHORTFALL)."""


class ExcessiveRepayError(LendingRefusedError):
    """More is offered than may be repaid (TOO_MUCH_REPAY, E_ExcessiveRepayAmount)."""


class ExcessiveSeizureError(LendingRefusedError):
    """More would be seized than there is (LIQUIDATE_SEIZE_TOO_MUCH)."""


class DustLeftError(LendingRefusedError):
    """Too little would be left on a side (MUST_NOT_LEAVE_DUST)."""


class NothingOwedError(LendingRefusedError):
    """Nothing is owed in the chosen asset, or nothing is offered."""


class NotCollateralError(LendingRefusedError):
    """The chosen asset is no collateral of the account, or none that may be liquidated."""


class SelfLiquidationError(LendingRefusedError):
    """The protocol does not let an account liquidate itself."""


class PausedError(LendingRefusedError):
    """An asset or action is paused, inactive or not listed."""


class GracePeriodError(LendingRefusedError):
    """Liquidation waits for a grace period or the sentinel."""


class PriceError(LendingRefusedError):
    """A price is missing or zero where the protocol needs one."""


class StaleMarketError(LendingRefusedError):
    """Interest has not been accrued in this block (MARKET_NOT_FRESH)."""


class InsufficientCashError(LendingRefusedError):
    """The pool has less of the asset than is to be paid out."""


class CapExceededError(LendingRefusedError):
    """A supply cap, borrow cap or debt ceiling would be exceeded."""


class NotForSaleError(LendingRefusedError):
    """The protocol has reserves enough and sells no collateral."""
