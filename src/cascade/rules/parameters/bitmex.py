"""BitMEX XBTUSD: parameters of the venue.

Contracts of one dollar that settle in bitcoin. Risk limits raise the rates of the whole position by
the base maintenance rate a step, and a position above the first limit is reduced to the one below.
The engine takes position and remaining margin and works a limit order at the bankruptcy price; what
it gains goes to the insurance fund. Once that is depleted, with what it took over valued at the mark,
what the order leaves is closed against winners by profit and leverage.

Left out, because `Rules` has no place for it: the trader's own choice of a risk limit (here the
limit that fits the position), the fair price basis of the mark.
"""

FOLLOWS = "documents, risk limits of the later page (steps of 150 XBT)"
DATE = "2021-08"
SOURCE = (
    "bitmex.com/app/riskLimitsExamples, app/liquidation, app/liquidationExamples, "
    "app/fairPriceMarking; support.bitmex.com 18589621443357"
)
CONTRACT = "inverse"

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "mark",
    "trigger": "<=",
    "feed": "index",
    "liquidation_order": "bankruptcy",
    "surplus": "fund",
    "partial": ("tier_step",),
    "adl": "bitmex",
    "adl_trigger": "spent",
}

#: By symbol: floor of the value (XBT), maintenance rate, initial rate as one over a leverage.
TIERS: dict[str, object] = {
    "XBTUSD": (
        (0, "0.005", 100),
        (200, "0.01", "200/3"),
        (350, "0.015", 50),
        (500, "0.02", 40),
    ),
}
