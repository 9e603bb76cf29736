"""The mean of a venue's price over a window of time (docs/marks.md), in the twin.

Observations are pairs (time, price from then on), oldest first, one a time and at most so many.
"""


def begin(market, price: int, now: int) -> None:
    """The first price there is counts from now on."""
    market.observations = [(now, price)]
    market.window_mean = price


def observe(market, price: int, now: int, later: int) -> None:
    """What the last step left is in force until `later`; 0: the price read last goes on."""
    kept = market.observations
    if not kept:
        return
    if price and price != kept[-1][1]:
        if kept[-1][0] == now:
            kept.pop()
        kept.append((now, price))
        del kept[: -market.rules.observations]
    market.window_mean = mean(kept, later - market.rules.average_nanoseconds, later)


def mean(kept: list[tuple[int, int]], since: int, until: int) -> int:
    """Price-time from `since` (or the oldest observation) to `until` over that time, rounded down."""
    ends = [time for time, _ in kept[1:]] + [until]
    pieces = [
        (max(end - max(time, since), 0), price)
        for (time, price), end in zip(kept, ends, strict=True)
    ]
    return sum(span * price for span, price in pieces) // sum(span for span, _ in pieces)


def rows_of(markets) -> list[tuple]:
    """What the state hash has of observations."""
    return [(m.number, time, price) for m in markets for time, price in m.observations]
