"""The house of the twin sells what it took over: docs/closing.md."""

from math import ceil, floor

from . import log as events
from .margin import rate_of
from .records import BUY, SELL


def house_lots(market) -> int:
    """Lots of the next order."""
    _, fraction, full, share = market.rules.disposal
    held = abs(market.house_position.size)
    lots = (
        held if held <= rate_of(full) / rate_of(market.lot_size) else ceil(held * rate_of(fraction))
    )
    if not hasattr(market.venue, "curve"):
        side = market.venue.bids() if market.house_position.size > 0 else market.venue.asks()
        lots = min(lots, floor(sum(size for _, size, _ in side) * rate_of(share)))
    return lots


def sell(engine, market, lots: int) -> int:
    """One order of the house at the venue; the lots filled."""
    side = SELL if market.house_position.size > 0 else BUY
    order = engine.log.add(
        events.ORDER, quantity=lots, side=side, account=events.HOUSE, market=market.number
    )
    engine.clearing.taker_leg = 0
    filled, fills, removals = market.venue.forced(side, lots, 0, events.HOUSE, 0)
    for resting, removed in removals:
        engine.log_removal(market.number, resting, removed, order)
    for fill in fills:
        engine.clearing.settle(market.number, fill, 0, order)
    if fills:
        market.last_trade = order
    engine.queue.reenter_changed()
    engine.recompute_mark(market.number, order)
    engine.fire_stops(market.number)
    return filled


def dispose(engine, elapsed: int) -> None:
    """Every market's house, as often as its interval ended within the step."""
    for market in engine.clearing.markets:
        if market.rules.disposal is None or market.venue.auction:
            continue
        if hasattr(market.venue, "curve") and not market.venue.last:
            continue
        every = engine.to_time(market.rules.disposal[0])
        for _ in range((engine.clock - elapsed) // every, engine.clock // every):
            lots = house_lots(market)
            if not lots or not sell(engine, market, lots):
                break
