"""Refusals that a case expects as text: the protocols' names of what `cascade.lending` raises."""

import re
from typing import Any

from cascade import lending
from cascade.lending import LendingRefusedError

#: What protocols call a refusal besides the code that it carries.
OTHER_NAMES: dict[type[LendingRefusedError], tuple[str, ...]] = {
    lending.NotLiquidatableError: (
        "HEALTH_FACTOR_NOT_BELOW_THRESHOLD", "INSUFFICIENT_SHORTFALL", "NotLiquidatable",
        "position is healthy", "HEALTHY_POSITION",
    ),
    lending.ExcessiveRepayError: ("TOO_MUCH_REPAY", "ExcessiveRepayAmount", "ExcessiveRepay"),
    lending.ExcessiveSeizureError: (
        "LIQUIDATE_SEIZE_TOO_MUCH", "SEIZE_TOO_MUCH", "InsufficientReserves",
    ),
    lending.DustLeftError: ("MUST_NOT_LEAVE_DUST", "dust"),
    lending.SelfLiquidationError: (
        "SelfLiquidation", "SELF_LIQUIDATION", "LIQUIDATOR_IS_BORROWER", "INVALID_ACCOUNT_PAIR",
    ),
    lending.PausedError: ("Paused",),
    lending.PriceError: ("PRICE_ERROR", "BadPrice"),
    lending.StaleMarketError: ("MARKET_NOT_FRESH",),
    lending.InsufficientCashError: ("NOT_ENOUGH_LIQUIDITY", "TOKEN_INSUFFICIENT_CASH"),
}  # fmt: skip
ANY = {"revert", "reverts", "reverted", "refused", "refuse", "error", "fails", "fail"}
#: Keys of an expected object that ask how a call was refused, or whether.
KEYS = {"error", "reason", "revert", "reverts", "refused", "fails", "result", "code"}


def _plain(text: str) -> str:
    letters = re.sub(r"[^a-z0-9]", "", text.lower())
    # Solidity's custom errors are often prefixed: E_ExcessiveRepayAmount
    return letters[1:] if re.match(r"[Ee]_", text) else letters


def is_called(error: LendingRefusedError, text: str) -> bool:
    """Whether a text names this refusal."""
    names = {error.code, type(error).__name__.removesuffix("Error")}
    names |= set(OTHER_NAMES.get(type(error), ()))
    return _plain(text) in {_plain(name) for name in names if name} | ANY


def answer(error: LendingRefusedError, asked: str) -> str:
    """The asked text if it names the refusal, else the refusal's own name."""
    return asked if is_called(error, asked) else error.code or type(error).__name__


def differences(expected: Any, error: LendingRefusedError) -> list[str]:
    """Where a refusal is not what a case expects; any refusal differs from a number."""
    if isinstance(expected, str) and is_called(error, expected):
        return []
    if isinstance(expected, dict) and expected and set(expected) <= KEYS:
        wrong = [
            name for name, one in expected.items()
            if one is not True and not (isinstance(one, str) and is_called(error, one))
        ]  # fmt: skip
        return [f"{name}: refused, {error}, expected {expected[name]!r}" for name in wrong]
    return [f"refused, {type(error).__name__}: {error}"]
