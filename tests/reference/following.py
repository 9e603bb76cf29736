"""An index that follows another market's mark (docs/contagion.md), in the twin."""

from . import log as events
from .lending import Side
from .margin import rate_of


def check_follows(source, tick_size, rules) -> None:
    """Refuse what cannot be followed."""
    if isinstance(source, Side):
        raise ValueError(f"follows {source.name!r} is a side of a reserve")
    if rate_of(source.tick_size) != rate_of(tick_size):
        raise ValueError(f"follows {source.name!r} has another tick")
    if rules.index_delay or rules.stale_after is not None:
        raise ValueError(f"follows {source.name!r}: no index_delay and no stale_after")


def lead_followers(engine, source, cause: int) -> None:
    """The source's mark has changed: the index of each market that follows it, and its mark."""
    for market in engine.clearing.markets:
        if market.follows is source:
            believe(engine, market, source.mark_ticks, cause)


def believe(engine, market, price: int, cause: int) -> None:
    market.index_time = engine.clock
    market.index_ticks = price
    market.ceiling_ticks = max(market.ceiling_ticks, price)
    event = engine.log.add(events.INDEX, cause=cause, price=price, market=market.number)
    market.venue.set_reference(price)
    market.dislocation.note(market.venue.last, price)
    engine.form_mark(market.number, event)


def follow(engine, market, source) -> None:
    """A new market's index is the source's mark from now on."""
    market.follows = source
    if source.mark_ticks:
        believe(engine, market, source.mark_ticks, -1)
        engine.queue.on_marks()
