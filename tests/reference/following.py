"""An index that follows other markets' marks (docs/contagion.md), in the twin."""

from . import log as events
from .lending import Side
from .margin import rate_of

MOST_SOURCES = 64


def followed(engine, stated) -> tuple:
    """Markets that a new one follows: none, one, or several by name."""
    if stated is None:
        return ()
    several = isinstance(stated, (tuple, list))
    sources = tuple(engine.market(one) for one in (stated if several else [stated]))
    names = [source.name for source in sources]
    if not 1 <= len(sources) <= MOST_SOURCES:
        raise ValueError(f"follows {len(sources)} markets, outside 1 ... {MOST_SOURCES}")
    if len(set(names)) < len(names):
        raise ValueError(f"follows {names}: one of them twice")
    return sources


def check_follows(sources, tick_size, rules) -> None:
    """Refuse what cannot be followed."""
    for source in sources:
        if isinstance(source, Side):
            raise ValueError(f"follows {source.name!r} is a side of a reserve")
        if rate_of(source.tick_size) != rate_of(tick_size):
            raise ValueError(f"follows {source.name!r} has another tick")
        if rules.index_delay or rules.stale_after is not None:
            raise ValueError(f"follows {source.name!r}: no index_delay and no stale_after")


def median(prices: list[int]) -> int:
    """The one in the middle; of two there their mean, rounded down; 0 of none."""
    prices = sorted(prices)
    if not prices:
        return 0
    lower, upper = prices[(len(prices) - 1) // 2], prices[len(prices) // 2]
    return (lower + upper) // 2


def index_of(market) -> int:
    """The median of the marks there are."""
    return median([source.mark_ticks for source in market.follows if source.mark_ticks])


def lead_followers(engine, source, cause: int) -> None:
    """The source's mark has changed: the index of each market that follows it, and its mark."""
    for market in engine.clearing.markets:
        if any(one is source for one in market.follows):
            price = index_of(market)
            if price != market.index_ticks:
                believe(engine, market, price, cause)


def believe(engine, market, price: int, cause: int) -> None:
    market.index_time = engine.clock
    market.index_ticks = price
    market.ceiling_ticks = max(market.ceiling_ticks, price)
    event = engine.log.add(events.INDEX, cause=cause, price=price, market=market.number)
    market.venue.set_reference(price)
    market.dislocation.note(market.venue.last, price)
    engine.form_mark(market.number, event)


def follow(engine, market, sources) -> None:
    """A new market's index is the median of the sources' marks from now on."""
    market.follows = sources
    price = index_of(market)
    if price:
        believe(engine, market, price, -1)
        engine.queue.on_marks()
