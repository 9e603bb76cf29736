"""Euler v1: liquidation rule of the protocol.

Collateral counts times its collateral factor and debt over its borrow factor; due when the first is below the
second. A call repays what brings the health score to 1.25, cut to debt and collateral. The discount is 2 % and
one less the score, times a booster of up to 2 for liquidators who supply, at most 2.5 % more and 20 % in all; 2
% on the repayment go to the reserves. The contracts have no step for debt without collateral.

Left out, because the rule has no place for it: the average liquidity that sets a liquidator's booster (give
`booster`).
"""

FOLLOWS = "code"
DATE = "2021-12 to 2023-03"
SOURCE = "euler-xyz/euler-contracts: modules/Liquidation.sol, test/liquidation.js"

PROTOCOL: dict[str, object] = {"interest": "kink", "accrual": "power"}
LIQUIDATION: dict[str, object] = {
    "boundary": "below",
    "safety_factor": "both",
    "health": "each",
    "factor_parts": 4_000_000_000,
    "close": "target",
    "close_share": 10_000,
    "target_health": 125 * 10**16,
    "excess": "refuse",
    "bonus": "discount",
    "base_discount": 2 * 10**16,
    "largest_boost": 25 * 10**15,
    "largest_discount": 2 * 10**17,
    "fee": "repaid",
    "fee_share": 2 * 10**16,
    "steps": "rate",
    "dust": "any",
    "bad_debt": "stays",
    "self_liquidation": False,
}
