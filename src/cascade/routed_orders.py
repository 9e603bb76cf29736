"""Orders that are split over several markets of one asset, so that no lot would have traded better elsewhere.

The split is the engine's own, by which liquidators sell what they seize (docs/pools.md, *Routing*); this
module names markets and sends a market order to each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from cascade._results import OrderResult
from cascade._routeentry import MOST_VENUES, split_order
from cascade.bounds import MAX_SIZE
from cascade.codes import Side
from cascade.reserve import LendingSide
from cascade.routing import Route

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.market import Market

__all__ = ["RoutedOrder", "route_markets", "send_route", "venues_of"]


class RoutedOrder(NamedTuple):
    """Market orders that one trade was split into.

    Attributes
    ----------
    orders : dict of str to OrderResult
        By market, in the order stated; without those that got nothing.
    filled : int
        Lots, of all.
    left : int
        Lots that no venue took.
    """

    orders: dict[str, OrderResult]
    filled: int
    left: int


def venues_of(engine: Engine, venues: Sequence[Market | str]) -> tuple[Market, ...]:
    """Markets between which a trade can be split.

    Raises
    ------
    KeyError, TypeError, ValueError
        A market is unknown, stated twice, inverse, or of other lots or money than the first; there is
        none, or more than eight.
    """
    if isinstance(venues, str):
        raise TypeError(f"venues must be a sequence of markets, got {venues!r}")
    found = tuple(engine.market(venue) for venue in venues)
    if len(set(found)) < len(found) or not 1 <= len(found) <= MOST_VENUES:
        names = ", ".join(repr(market.name) for market in found) or "nothing"
        raise ValueError(f"venues has {names}: 1 ... {MOST_VENUES} markets, each once")
    for market in found:
        if isinstance(market, LendingSide):
            raise ValueError(f"venue {market.name!r} is a side of a reserve")
        if market.contract != "linear":
            raise ValueError(f"venue {market.name!r} is no linear market")
        if (market.lots, market.asset) != (found[0].lots, found[0].asset):
            raise ValueError(
                f"venue {market.name!r} has lots of {market.lots.step} in {market.asset!r}: it must have those of "
                f"the first, {found[0].lots.step} in {found[0].asset!r}"
            )
    return found


def route_markets(side: Any, lots: int, venues: Sequence[Market]) -> Route:
    """Split a trade over markets of an engine as they stand; nothing changes.

    Parameters
    ----------
    side : {"buy", "sell"}
    lots : int
    venues : sequence of Market
        Of the same lots and money: books, pools and curves.

    Returns
    -------
    Route
        With atoms before fees of the markets; of a purchase, what it costs.

    Raises
    ------
    TypeError, ValueError
        `side` is no side, `lots` is below 0 or above 2**60, or the markets do not belong together.
    """
    found = venues_of(venues[0].engine, venues) if len(venues) else ()
    if not found:
        raise ValueError(f"venues has nothing: 1 ... {MOST_VENUES} markets, each once")
    parts, atoms, left = split_order(
        found[0].engine, [market.number for market in found], _side(side), lots
    )
    return Route(tuple(parts), tuple(Fraction(n) for n in atoms), left)


def send_route(venues: Sequence[Market], side: Any, lots: int, account: int = -1) -> RoutedOrder:
    """Split a trade over markets and send a market order to each, in the order stated.

    Raises
    ------
    TypeError, ValueError
        As `route_markets`, or there are not 1 ... 2**48 lots; nothing was sent.
    """
    if not 1 <= lots <= MAX_SIZE:
        raise ValueError(f"quantity: {lots} lots are outside 1 ... {MAX_SIZE}")
    route = route_markets(side, lots, venues)
    orders = {
        market.name: market.book.market(
            "sell" if _side(side) == Side.SELL else "buy", market.lots.step * part, account=account
        )
        for market, part in zip(venues, route.lots, strict=True)
        if part
    }
    filled = sum(order.filled for order in orders.values())
    return RoutedOrder(orders, filled, lots - filled)


def _side(side: Any) -> Side:
    names = {"buy": Side.BUY, "sell": Side.SELL, Side.BUY: Side.BUY, Side.SELL: Side.SELL}
    if side not in names:
        raise ValueError(f"side must be one of 'buy', 'sell', got {side!r}")
    return names[side]
