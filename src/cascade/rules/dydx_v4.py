"""dYdX v4: parameters of the venue.

Maintenance is a fraction of the oracle value. A liquidation pays the fund at most `liquidation_fee`
of the proceeds out of what is left, the rest stays with the trader. The code's default fee is 0.5 %,
genesis and help pages say 1.5 %: this follows genesis, ``variant="code"`` the default.
What does not fill goes to random counterparties at the bankruptcy price, before the fund, which pays
at most 1,000,000 USDC a block, here a step.

Left out, because `Rules` has no place for it: the fillable price as limit (here the bankruptcy
price; `cascade.closeout.fillable_price` has it), limits by block (`cascade.partial.block_size`), the
random choice of the position, initial rates that rise with open interest
(`cascade.closeout.initial_rate_by_open_interest`).
"""

FOLLOWS = "code and genesis; variant code: defaults of the code"
DATE = "dydxprotocol/v4-chain at 84d4664ba"
SOURCE = (
    "dydxprotocol/v4-chain at 84d4664ba, protocol/x/clob, x/perpetuals, genesis script; "
    "dydxprotocol/v4-documentation at 3e475b7"
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
}
VARIANTS: dict[str, object] = {"code": {"liquidation_fee": "0.005"}}

#: By symbol: floor of the notional (USDC), maintenance rate, largest leverage.
TIERS: dict[str, object] = {"BTC-USD": ((0, "0.03", 20),)}
