"""Kraken Futures inverse perpetuals: parameters of the venue.

Equity protection process: an immediate-or-cancel order limited at the price that leaves equity at
zero, then assignment of what is left at that price (here to the house). Residual margin stays with
the client.

Left out, because `Rules` has no place for it: assignment to clients who opted in, unwinding against
opposing holders, partial liquidations announced for March 2026, margin levels above the first.
"""

FOLLOWS = "documents"
DATE = "2025"
SOURCE = "Kraken support 360022835671, Equity Protection Process"
CONTRACT = "inverse"

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "mark",
    "trigger": "<",
    "feed": "index",
    "liquidation_order": "bankruptcy",
    "surplus": "trader",
}

#: By symbol: floor of the value (XBT), maintenance rate, largest leverage.
TIERS: dict[str, object] = {"PI_XBTUSD": ((0, "0.01", 50),)}
