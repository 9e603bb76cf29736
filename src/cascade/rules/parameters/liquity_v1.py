"""Liquity v1: parameters of troves, stability pool and redistribution.

A trove below 110 % is offset against the stability pool and the rest redistributed; below a system ratio of 150 %
others fall due as well.

Left out: redemptions, rewards to depositors and front ends.
"""

FOLLOWS = "code"
DATE = "liquity/dev at 39f1f7f8, 2025-04-11"
SOURCE = (
    "liquity/dev at 39f1f7f8, packages/contracts/contracts/Dependencies/LiquityBase.sol, "
    "TroveManager.sol, StabilityPool.sol"
)

#: Ratios and shares of one, amounts in units of debt.
TROVES: dict[str, object] = {
    "minimum_ratio": "1.1",
    "critical_ratio": "1.5",
    "reserve": "200",
    "least_net_debt": "1800",
    "gas_compensation_divisor": 200,
    "fee_floor": "0.005",
    "largest_borrowing_fee": "0.05",
    "minute_decay_factor": "0.999037758833783",
    "least_left_in_pool": "1",
    "scale_factor": 10**9,
}
