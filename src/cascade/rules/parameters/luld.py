"""Limit up, limit down of US equities: a band round the mean of trades, limit state, pause.

Orders are repriced to the band, a quote that stands at it for 15 seconds pauses trading for five
minutes, and the listing exchange reopens by auction. The reference is the mean of five minutes of
trades, replaced when it is 1 % away and the one in force is 30 seconds old; percentages are those of
`cascade.bands`.

Left out: collars and extensions of the reopening, which are the listing exchange's and differ
(``extension``, ``extension_band`` and ``extensions`` take them); pauses in a straddle state, which the exchange
declares at its discretion (``halt_state.straddle`` tells the state, ``market.halt`` pauses); the first
reference of the day (the first trade here); trades that are not eligible.
"""

FOLLOWS = "the plan and its Eighteenth Amendment"
DATE = "2018-12 (amendment), in force since 2020"
SOURCE = "Plan to address extraordinary market volatility, Appendix A; 83 FR 66464; luldplan.com"

BREAKER: dict[str, object] = {
    "reference": "mean",
    "window": 300,
    "min_change": "0.01",
    "min_age": 30,
    "rounding": "nearest",
    "beyond": "reprice",
    "forced": "wait",
    "limit_state": 15,
    "pause": 300,
}
