"""Market-wide circuit breakers of US equities: halts of all markets at falls of an index.

At 7 and 13 % below yesterday's close of the S&P 500 all markets pause for 15 minutes, from 15:25 on
not at all; at 20 % the day is over.

Left out, because a `Breaker` has no time of day: the hour, which the caller states.
"""

FOLLOWS = "rule text"
DATE = "2012-05 and later"
SOURCE = "market-wide circuit breakers (NYSE rule 7.12, Nasdaq rule 4121); levels of 5 August 2024"

BREAKER: dict[str, object] = {
    "levels": (("0.07", 900), ("0.13", 900), ("0.2", None)),
    "levels_on": "index",
    "linked": True,
}
LATE: dict[str, object] = {"levels": (("0.07", 0), ("0.13", 0), ("0.2", None))}
