"""Bybit linear perpetuals: parameters of the venue.

Tiers are marginal: rate times value less a deduction. Maintenance includes the fee for closing
(set `taker_fee`), and an account falls due when its ratio reaches 100 %. The liquidation order has
the bankruptcy price as its limit and reduces a position to the tier below; a better fill goes to
the insurance pool, which takes over what is not filled, until it is spent on that: then winners are
closed at the bankruptcy price, ranked by leveraged return. The text of 2026 takes maintenance at the
mark, the older one at entry:
``variant="entry"``.

Left out, because `Rules` has no place for it: the take-over of positions in the lowest tier without
a try in the book, pools by contract. The pool's trigger is a drawdown of all of its highest balance in
eight hours, which is an empty pool; here what it took over counts at the mark. Of BTCUSDT
only the first tier was read; XYZUSDT is the page's own example.
"""

FOLLOWS = "documents of May 2026; variant entry: isolated margin, older"
DATE = "2026-05"
SOURCE = (
    "Bybit help centre: Liquidation Price (USDT Contract), Maintenance Margin (USDT Contract), "
    "Auto-Deleveraging; BTCUSDT rate of the 20,000 USDT example"
)

RULES: dict[str, object] = {
    "tier_mode": "marginal",
    "basis": "mark",
    "close_fee": True,
    "trigger": "<=",
    "feed": "median",
    "liquidation_order": "bankruptcy",
    "surplus": "fund",
    "partial": ("tier_step",),
    "adl": "bybit",
    "adl_trigger": "spent",
}
VARIANTS: dict[str, object] = {"entry": {"basis": "entry", "close_fee": False}}

#: By symbol: floor of the value (USDT), maintenance rate, largest leverage where it was read.
TIERS: dict[str, object] = {
    "BTCUSDT": ((0, "0.005"),),
    "XYZUSDT": (
        (0, "0.02"),
        (1_000, "0.025"),
        (2_000, "0.03"),
        (3_000, "0.035"),
        (4_000, "0.04"),
    ),
}
