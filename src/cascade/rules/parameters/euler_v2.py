"""Euler v2: liquidation rule of the vaults.

Due unless collateral times its loan-to-value is above the liability: exactly at one an account is due, at no
discount. The whole debt may be taken over; collateral is priced at the health score, at the least 1 - 20 %.
What no collateral is left for is taken from the suppliers, if there is no balance of any collateral and the
liability was worth 1e6 units.

Left out, because the rule has no place for it: the cool-off after a health check, hooks, bid and ask prices.
"""

FOLLOWS = "code"
DATE = "2024-09 and later"
SOURCE = (
    "euler-xyz/euler-vault-kit: Liquidation.sol, LiquidityUtils.sol, "
    "tests Liquidation/basic.t.sol and full.t.sol"
)

PROTOCOL: dict[str, object] = {"interest": "kink", "accrual": "power", "zero_price": "given"}
LIQUIDATION: dict[str, object] = {
    "boundary": "at_or_below",
    "safety_factor": "collateral",
    "health": "each",
    "factor_parts": 10_000,
    "close": "whole",
    "close_share": 10_000,
    "excess": "refuse",
    "bonus": "health",
    "largest_discount": 2 * 10**17,
    "fee": "none",
    "steps": "value",
    "dust": "any",
    "bad_debt": "suppliers",
    "least_socialised": 10**6,
    "self_liquidation": False,
}
