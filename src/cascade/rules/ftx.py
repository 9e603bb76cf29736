"""FTX (closed in November 2022): parameters of the venue.

Maintenance is 3 % of the notional at the mark. In each step, which stands for a second, a due position
is cut with a chance of one sixth by a random slice of about 10 %, worth at least 1,000 dollars. What is
left stays with the trader.

Left out, because `Rules` has no place for it: the backstop providers and the ten largest opposing positions below
the auto-close fraction (`provider_share`, `auto_close_fraction`), rates that grow with the root of
size (`size_root_rate`), the bid and the ask in the mark. Of the rates only a base was read.
"""

FOLLOWS = "documents and the flowchart of 2019"
DATE = "2019 ... 2022"
SOURCE = (
    "help.ftx.com 360027668712, 360027937831, 360024479392, 360027946371; "
    "blog.ftx.com/blog/liquidation-flowchart"
)

RULES: dict[str, object] = {
    "tier_mode": "whole",
    "basis": "mark",
    "trigger": "<",
    "feed": "last",
    "liquidation_order": "bankruptcy",
    "surplus": "trader",
    "partial": ("slices", "0.1", "0.166666667", 1_000),
}

#: By symbol: floor of the notional (USD), maintenance rate, largest leverage.
TIERS: dict[str, object] = {"BTC-PERP": ((0, "0.03", 20),)}
