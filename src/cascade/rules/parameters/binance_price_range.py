"""Binance execution rule PRICE_RANGE: what a taker would fill outside the range expires.

The range is the reference price times two multipliers, read anew when an order starts to take. Nothing
halts.

Left out, because `Breaker` has no place for it: multipliers that differ between bids and asks; how the
venue forms the reference price, which is the last price here or, by choice, the index.
"""

FOLLOWS = "documents"
DATE = "2025"
SOURCE = "binance/binance-spot-api-docs, faqs/price_range_execution_rules.md and filters.md"

BREAKER: dict[str, object] = {
    "reference": "last",
    "hard": True,
    "beyond": "expire",
    "forced": "takeover",
    "pause": 0,
}
