"""Liquity v2: parameters of liquidation by branch.

As v1 without recovery mode; pool and other troves get at most the debt's value and a penalty, the owner the rest.

Left out: redemptions, delegates who set rates for many, the fee of changing a rate within seven days.
"""

FOLLOWS = "code"
DATE = "liquity/bold at 405f9122, 2026-03-09"
SOURCE = "liquity/bold at 405f9122, contracts/src/Dependencies/Constants.sol, TroveManager.sol"

#: Ratios and shares of one; amounts in units of collateral or debt.
COMMON: dict[str, object] = {
    "gas_compensation_divisor": 200,
    "gas_compensation_cap": "2",
    "gas_reserve": "0.0375",
    "least_left_in_pool": "1",
    "least_debt": "2000",
    "least_rate": "0.005",
    "largest_rate": "2.5",
    "upfront_days": 7,
    "pool_share": "0.75",
}
BRANCHES: dict[str, dict[str, object]] = {
    "WETH": {
        "minimum_ratio": "1.1",
        "critical_ratio": "1.5",
        "shutdown_ratio": "1.1",
        "offset_penalty": "0.05",
        "redistribution_penalty": "0.1",
    },
    "staked ether": {
        "minimum_ratio": "1.2",
        "critical_ratio": "1.6",
        "shutdown_ratio": "1.2",
        "offset_penalty": "0.05",
        "redistribution_penalty": "0.2",
    },
}
