"""Aave v3: liquidation rule of the protocol, by version.

Due below a health factor of one. Up to v3.2 a call repays half of the reserve's debt above a health factor of
0.95 and all of it at 0.95 and below. From v3.3 on it repays all of it unless collateral and debt of the pair
are both worth 2000 dollars, and then half of the account's whole debt; what is left of a pair must be nothing
or 1000 dollars on both sides; debt without collateral is written off into the reserves' deficit. v3.7 gives
every rounding a direction, weighs the collateral without cutting the mean threshold, and refuses self-liquidation.

Left out, because the rule has no place for it: price sources of e-modes, assets in several categories (give
each reserve the one that counts), isolation as a state of accounts (`isolated_debt` counts it), GHO. A lending
market of the engine has the second and the third. The flash-loan premium is Ethereum's.
"""

FOLLOWS = "code"
DATE = "3.0: 2022-03; 3.3: 2025-02; 3.7: head of the repository"
SOURCE = (
    "aave/aave-v3-core and aave-dao/aave-v3-origin: LiquidationLogic.sol, GenericLogic.sol, "
    "docs/3.3, docs/3.7 and tests; sherlock-audit/2025-01-aave-v3-3-judging"
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
    "flash_loan_premium": 5,
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
SIZES: dict[str, object] = {
    "close": "health_and_size",
    "close_size": 2_000 * 10**8,
    "dust": "pair",
    "least_left": 1_000 * 10**8,
    "bad_debt": "deficit",
}
VARIANTS: dict[str, dict[str, object]] = {
    "3.0": {},
    "3.3": SIZES,
    "3.7": {
        **SIZES,
        "health": "sum",
        "rounding": {
            "debt_value": "ceil",
            "seized": "floor",
            "repaid": "ceil",
            "without_bonus": "floor",
            "fee": "ceil",
        },
        "self_liquidation": False,
    },
}
PROTOCOL_VARIANTS: dict[str, dict[str, object]] = {"3.7": {"isolation": False, "sentinel": 0}}
#: Versions whose rules were read, and the variant that has them.
VERSIONS: dict[str, str] = {
    "3.0": "3.0",
    "3.1": "3.0",
    "3.2": "3.0",
    "3.3": "3.3",
    "3.4": "3.3",
    "3.5": "3.3",
    "3.6": "3.3",
    "3.7": "3.7",
}
DEFAULT = "3.3"
