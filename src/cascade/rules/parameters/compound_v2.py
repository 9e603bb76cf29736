"""Compound v2: liquidation rule of the protocol.

Due when borrows are worth more than collateral times its factor, with a truncation at every product; a
shortfall of exactly zero is none. A call repays at most the close factor of one borrow and fails above it; it
also fails when the account has fewer tokens than would be seized. One incentive applies to all markets, and 2.8
% of the seized tokens go to the reserves.

Left out, because the rule has no place for it: COMP rewards, the redemption and transfer hooks of markets.
"""

FOLLOWS = "code"
DATE = "2019-05 and later; incentive 1.08 of 2020-07, seize share 2.8 % of 2021"
SOURCE = (
    "compound-finance/compound-protocol: Comptroller.sol, CToken.sol, JumpRateModel.sol, "
    "tests and spec/scenario"
)

PROTOCOL: dict[str, object] = {
    "interest": "jump",
    "accrual": "simple",
    "supply_cap": "below",
    "borrow_cap": "below",
    "zero_price": "refused",
}
LIQUIDATION: dict[str, object] = {
    "boundary": "below",
    "safety_factor": "collateral",
    "health": "mantissa",
    "factor_parts": 10**18,
    "close": "share",
    "close_share": 5_000,
    "excess": "refuse",
    "excess_collateral": "refuse",
    "bonus": "market",
    "market_bonus": 108 * 10**16,
    "fee": "seized",
    "fee_share": 28 * 10**15,
    "steps": "mantissa",
    "dust": "any",
    "bad_debt": "stays",
    "self_liquidation": False,
}
