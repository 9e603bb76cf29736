"""Bybit inverse perpetuals: parameters of the venue.

Contracts of one dollar that settle in the coin. The isolated formula takes maintenance at entry, and
prices of a long are rounded up to the tick. The page of May 2026 takes maintenance at the mark and
adds the fee for closing: ``variant="mark"``. Otherwise as `bybit_linear`.

Left out, because `Rules` has no place for it: the closing fee at the bankruptcy price of the cross
formula (`cascade.margin.MarginTerms` has it), tiers above the first, which were not read.
"""

FOLLOWS = "documents, isolated margin; variant mark: unified account of May 2026"
DATE = "2021 (isolated), 2026-05 (mark)"
SOURCE = (
    "Bybit help centre: Liquidation Price (Inverse Contract), 360039261334, 900000031623, "
    "Liquidation Price Calculation under Isolated Mode"
)
CONTRACT = "inverse"

RULES: dict[str, object] = {
    "tier_mode": "marginal",
    "basis": "entry",
    "trigger": "<=",
    "feed": "median",
    "taker_fee": "0.00075",
    "liquidation_order": "bankruptcy",
    "surplus": "fund",
    "partial": ("tier_step",),
    "adl": "bybit",
    "adl_trigger": "spent",
}
VARIANTS: dict[str, object] = {"mark": {"basis": "mark", "close_fee": True}}

#: By symbol: floor of the value (coin), maintenance rate.
TIERS: dict[str, object] = {"BTCUSD": ((0, "0.005"),)}
