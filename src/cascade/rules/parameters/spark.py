"""SparkLend: liquidation rule of the protocol.

The code of Aave v3.0: liquidation, health and percentages are the same files.

Left out, because the rule has no place for it: parameters of the market, which are the DAO's own and were not
compared.
"""

FOLLOWS = "code"
DATE = "2023-05 and later"
SOURCE = (
    "marsfoundation/sparklend-v1-core: LiquidationLogic.sol, GenericLogic.sol, "
    "PercentageMath.sol, the same as aave/aave-v3-core"
)

PROTOCOL: dict[str, object] = {
    "interest": "kink",
    "accrual": "compound",
    "supply_cap": "at_or_below",
    "borrow_cap": "at_or_below",
    "treasury_capped": True,
    "isolation": True,
    "e_mode": True,
    "sentinel": 95 * 10**16,
    "flash_loan_premium": 0,
}
LIQUIDATION: dict[str, object] = {
    "boundary": "below",
    "safety_factor": "collateral",
    "health": "average",
    "factor_parts": 10_000,
    "close": "health",
    "close_share": 5_000,
    "close_health": 95 * 10**16,
    "excess": "cut",
    "bonus": "asset",
    "fee": "bonus",
    "steps": "base_first",
    "dust": "any",
    "bad_debt": "stays",
}
