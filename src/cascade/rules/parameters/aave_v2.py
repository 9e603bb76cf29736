"""Aave v2: liquidation rule of the protocol.

Due below a health factor of one, with the mean liquidation threshold cut to whole basis points. A call repays
at most half of one reserve's debt, stable and variable together, and a larger request is cut silently. The
bonus is multiplied into the product before the one division. Debt that no collateral is left for stays on the
account and keeps accruing.

Left out, because the rule has no place for it: stable-rate rebalancing, the swap of debt and collateral by
adapters.
"""

FOLLOWS = "code"
DATE = "2020-12 and later"
SOURCE = (
    "aave/protocol-v2: LendingPoolCollateralManager.sol, GenericLogic.sol, PercentageMath.sol, "
    "WadRayMath.sol, test-suites/test-aave"
)

PROTOCOL: dict[str, object] = {
    "interest": "kink",
    "accrual": "compound",
    "flash_loan_premium": 9,
}
LIQUIDATION: dict[str, object] = {
    "boundary": "below",
    "safety_factor": "collateral",
    "health": "average",
    "factor_parts": 10_000,
    "close": "share",
    "close_share": 5_000,
    "excess": "cut",
    "bonus": "asset",
    "fee": "none",
    "steps": "product",
    "dust": "any",
    "bad_debt": "stays",
}
