"""Compound v3 (Comet): liquidation rule of the protocol.

Due when the base debt is worth more than collateral times its liquidation collateral factor. Anybody may have the
protocol absorb the whole account: it is credited its collateral at the liquidation factor, the rest of the debt
is the reserves', and the protocol sells the collateral from a storefront while its reserves are below their
target.

Left out, because the rule has no place for it: points of absorbers, reward speeds.
"""

FOLLOWS = "code"
DATE = "2022-08 and later"
SOURCE = "compound-finance/comet: Comet.sol and tests (absorb, quote-collateral, buy-collateral, interest-rate)"

PROTOCOL: dict[str, object] = {
    "interest": "two_kinks",
    "accrual": "simple",
    "supply_cap": "at_or_below",
    "zero_price": "refused",
}
LIQUIDATION: dict[str, object] = {
    "boundary": "below",
    "safety_factor": "collateral",
    "health": "each",
    "factor_parts": 10**18,
    "close": "absorb",
    "close_share": 10_000,
    "bonus": "storefront",
    "fee": "penalty",
    "steps": "value",
    "dust": "any",
    "bad_debt": "reserves",
}
