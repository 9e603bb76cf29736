"""CME equity index futures: price limits of the session and a dynamic circuit breaker.

Nothing trades beyond the session's price limits, counted from the settlement. When a price leaves the
extremes of the last hour by 3.5 % of the settlement, rounded down to the tick, trading pauses for two
minutes, in the last five minutes of trading for five seconds; orders are collected meanwhile and the
window starts anew.

The lead month's pause is one of all months, another month's is its own (``lead``).

Left out: velocity logic, of whose windows and ranges no source was at hand. That the window's low goes with
the upper and its high with the lower limit is this library's reading; a trade that passes the limit is
printed and then pauses.
"""

FOLLOWS = "documents"
DATE = "2020-10 and later"
SOURCE = "CME Group, Understanding price limits and circuit breakers; Dynamic circuit breakers FAQ"

BREAKER: dict[str, object] = {
    "reference": "window",
    "share_of": "close",
    "lower": "0.035",
    "upper": "0.035",
    "window": 3600,
    "hard": False,
    "beyond": "refuse",
    "forced": "wait",
    "pause": 120,
}
CLOSING: dict[str, object] = {"pause": 5}
