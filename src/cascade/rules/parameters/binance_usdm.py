"""Binance USD-M perpetuals: parameters of the venue.

Maintenance is notional at the mark times the rate of its bracket, less the deduction that makes it
continuous; the initial rate of a bracket is one over its largest leverage. The remainder of a
forced order that the book does not take at the bankruptcy price or better goes to the insurance
fund at that price; what an order taken in the book leaves stays with the trader. A position above
the first bracket is reduced bracket by bracket, as the size of the venue's first large order is not
published. Once the fund with what it took over is worth nothing at the mark, what the book leaves is
closed against winners by the venue's score (docs/adl.md).

Left out, because `Rules` has no place for it: the clearance fee and trading fees (they depend on
symbol and VIP level: give `taker_fee` and `liquidation_fee` where they matter), price
filters, and the two basis terms of the mark (here the median of index, mid and last).
"""

FOLLOWS = "documents"
DATE = "2024-10-24 (brackets)"
SOURCE = (
    "Binance FAQ 360033525271, 360033525471, b3c689c1, ceccfcfb (liquidation, mark price, margin); "
    "brackets of GET /fapi/v1/leverageBracket of 24 October 2024, kept by freqtrade/freqtrade, "
    "binance_leverage_tiers.json"
)

RULES: dict[str, object] = {
    "tier_mode": "marginal",
    "basis": "mark",
    "trigger": "<",
    "feed": "median",
    "liquidation_order": "bankruptcy",
    "surplus": "trader",
    "partial": ("tier_step",),
    "adl": "binance",
    "adl_trigger": "spent",
}

#: By symbol: floor of the notional (USDT), maintenance rate, largest leverage.
TIERS: dict[str, object] = {
    "BTCUSDT": (
        (0, "0.004", 125),
        (50_000, "0.005", 100),
        (600_000, "0.0065", 75),
        (3_000_000, "0.01", 50),
        (12_000_000, "0.02", 25),
        (70_000_000, "0.025", 20),
        (100_000_000, "0.05", 10),
        (230_000_000, "0.1", 5),
        (480_000_000, "0.125", 4),
        (600_000_000, "0.15", 3),
        (800_000_000, "0.25", 2),
        (1_200_000_000, "0.5", 1),
    ),
}
