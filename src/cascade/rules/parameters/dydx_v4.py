"""dYdX v4: parameters of the venue.

Maintenance is a fraction of the oracle value. A liquidation pays the fund at most `liquidation_fee`
of the proceeds out of what is left, the rest stays with the trader. The code's default fee is 0.5 %,
genesis and help pages say 1.5 %: this follows genesis, ``variant="code"`` the default. Impact prices
are for 500 USDC over the initial rate, the rate of eight hours is at most 6 * (5 % - 3 %).
A block, here a step, liquidates at most 100,000 USDC of an account. What does not fill goes to random
counterparties at the bankruptcy price, before the fund, which pays at most 1,000,000 USDC a block.

Left out, because `Rules` has no place for it: the fillable price as limit (here the bankruptcy
price; `cascade.closeout.fillable_price` has it), the limit by block on the share of a
position (`cascade.partial.liquidatable_notional`), the random choice of the position, initial rates
that rise with open interest
(`cascade.closeout.initial_rate_by_open_interest`).
"""

FOLLOWS = "code and genesis; variant code: defaults of the code"
DATE = "dydxprotocol/v4-chain at 84d4664ba"
SOURCE = (
    "dydxprotocol/v4-chain at 84d4664ba, protocol/x/clob, x/perpetuals, genesis script; "
    "dydxopsdao/networks at fd7ee6e63, genesis; dydxprotocol/v4-documentation at 3e475b7"
)

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "mark",
    "trigger": "<",
    "feed": "index",
    "liquidation_fee": "0.015",
    "liquidation_order": "bankruptcy",
    "surplus": "trader",
    "adl": "random",
    "adl_trigger": "always",
    "fund_block": (1_000_000,),
    "partial": ("cap", 100_000),
    "funding_interval": 3_600,
    "funding_payments": 8,
    "funding_cap": "0.015",
    "funding_value": "index",
    "funding_mode": "index",
    "premium_of": "impact",
    "impact_notional": 10_000,
}
VARIANTS: dict[str, object] = {"code": {"liquidation_fee": "0.005"}}

#: By symbol: floor of the notional (USDC), maintenance rate, largest leverage.
TIERS: dict[str, object] = {"BTC-USD": ((0, "0.03", 20),)}
