"""Morpho Blue: liquidation rule of the protocol.

Due when the debt, rounded up, is above collateral times the market's liquidation loan-to-value; exactly at it
is healthy. All of it may be repaid, for collateral with an incentive that follows from the loan-to-value, at
most 15 %. When the collateral is gone the rest of the debt is taken from the suppliers in the same call.

Left out, because the rule has no place for it: pre-liquidations, which are contracts beside the market.
"""

FOLLOWS = "code"
DATE = "2024-01 and later (v1.0.0)"
SOURCE = (
    "morpho-org/morpho-blue: Morpho.sol, SharesMathLib.sol, tests; "
    "morpho-org/morpho-blue-irm; docs.morpho.org"
)

PROTOCOL: dict[str, object] = {"interest": "adaptive", "accrual": "taylor", "zero_price": "given"}
LIQUIDATION: dict[str, object] = {
    "boundary": "below",
    "safety_factor": "collateral",
    "health": "each",
    "factor_parts": 10**18,
    "close": "whole",
    "close_share": 10_000,
    "excess": "refuse",
    "excess_collateral": "refuse",
    "bonus": "threshold",
    "fee": "none",
    "steps": "shares",
    "rounding": {"debt_value": "ceil", "seized": "floor", "repaid": "ceil"},
    "dust": "any",
    "bad_debt": "suppliers",
}
