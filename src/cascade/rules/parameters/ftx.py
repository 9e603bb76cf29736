"""FTX (closed in November 2022): parameters of the venue.

Maintenance is 3 % of the notional at the mark. In each step, which stands for a second, a due position
is cut with a chance of one sixth by a random slice of about 10 %, worth at least 1,000 dollars. What is
left stays with the trader. Below the auto-close fraction, which is half of maintenance up to a rate of
12 % (`cascade.partial.auto_close_fraction`), the whole account is closed at once, without waiting for a draw:
the house stands for the backstop providers and takes it over at its zero price.

Left out, because `Rules` has no place for it: the share a second that the providers take
(`provider_share`), the ten largest opposing positions behind them, rates that grow with the root of
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
    "backstop": "1/2",
}

#: By symbol: floor of the notional (USD), maintenance rate, largest leverage.
TIERS: dict[str, object] = {"BTC-PERP": ((0, "0.03", 20),)}
