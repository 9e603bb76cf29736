"""GMX v2: parameters of the protocol.

A position falls due when collateral, profit and costs leave less than a factor of its size at
entry. It is closed whole against the pool at the oracle price: `absorb` one, the pool being the
house. What is left stays with the trader.

Left out, because `Rules` has no place for it: the least amount in dollars, price impact and
borrowing fees (`cascade.closeout.remaining_collateral` has them), collateral in the asset itself, and
auto-deleveraging by the pool's profit factor.
"""

FOLLOWS = "code"
DATE = "gmx-io/gmx-synthetics at a5c0c883"
SOURCE = (
    "gmx-io/gmx-synthetics at a5c0c883, contracts/position/PositionUtils.sol, config/markets.ts "
    "(minCollateralFactor), test/exchange/LiquidationOrder.ts"
)

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "entry",
    "trigger": "<",
    "feed": "index",
    "liquidation_order": "market",
    "surplus": "trader",
    "absorb": 1,
}

#: Floor of the size (USD), least collateral as a share of it.
TIERS: dict[str, object] = {"default": ((0, "0.01"),)}
