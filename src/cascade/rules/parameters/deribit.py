"""Deribit linear perpetuals: parameters of the venue.

Maintenance and initial rates are those of a small position, on the notional at the index. A
position is reduced step by step at market until equity covers maintenance again, which is
``partial=("target", rate)``; what is left stays with the trader. Funding accrues every millisecond into
realised profit; nobody pays at a time of its own.

Left out, because `Rules` has no place for it: the slope of both rates with size
(`cascade.margin.size_linear_rate` has it: BTC 0.005 %, SOL 0.0005 % a coin), steps of a fixed number
of contracts (1, 10, up to 400 in three versions of the text), the price bandwidth, the premium of the
mark as funding rate (the mark is the index here), whose cap is the instrument's.
"""

FOLLOWS = "documents, without the slope of the rates"
DATE = "2025"
SOURCE = (
    "Deribit knowledge base 25944738177565, 31424939178397 (funding), 25944756807069 (every millisecond); "
    "deribit.freshdesk.com 1000197257"
)

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "mark",
    "trigger": "<",
    "feed": "index",
    "liquidation_order": "market",
    "surplus": "trader",
    "funding_mode": "index",
}
#: The rate that a reduction restores is that of the symbol.
BY_SYMBOL: dict[str, object] = {
    "BTC_USDC-PERPETUAL": {"partial": ("target", "0.01")},
    "SOL_USDC-PERPETUAL": {"partial": ("target", "0.02")},
}

#: By symbol: floor of the notional (USDC), maintenance rate, largest leverage.
TIERS: dict[str, object] = {
    "BTC_USDC-PERPETUAL": ((0, "0.01", 50),),
    "SOL_USDC-PERPETUAL": ((0, "0.02", 25),),
}
