"""The contagion matrix by walking every liquidation's causes, one event at a time."""

from collections import Counter

LIQUIDATION = 6


def slow_matrix(events, domain_of_market, first=0) -> Counter:
    """Counts by (source, target); `events` as rows of dictionaries, names by market number."""
    found = Counter()
    for event in events:
        if event["kind"] != LIQUIDATION:
            continue
        cause = event["cause"] - first
        while cause >= 0 and events[cause]["kind"] != LIQUIDATION:
            cause = events[cause]["cause"] - first
        source = domain_of_market[events[cause]["market"]] if cause >= 0 else "outside"
        found[source, domain_of_market[event["market"]]] += 1
    return found


def domain_names(engine) -> dict[int, str]:
    """Domain by market number, twin or compiled."""
    markets = engine.clearing.markets if hasattr(engine, "clearing") else engine.markets
    names = {}
    for market in markets:
        reserve = getattr(market, "reserve", None)
        names[market.number] = market.name if reserve is None else reserve.lending.name
    return names
