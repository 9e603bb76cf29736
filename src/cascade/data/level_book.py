"""Aggregated depth kept in an order book: one anonymous order a level.

Depth feeds (level 2) say *this price now has this size*. `LevelBook` turns that into orders of a
`cascade.OrderBook`. Within one update removals go first, because feeds send bids and asks of one
instant side by side: the level that a new bid would meet is gone in the same update.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from cascade.codes import Code
from cascade.data.lines import Level

SIDES = ("buy", "sell")


class LevelBook:
    """Sizes by price and side, held as one anonymous order a level.

    Parameters
    ----------
    book : cascade.OrderBook
        Aggressive orders of others may trade against the levels; the next update of a level sets
        it again. An order of others that rests where the feed puts the opposite side makes the
        update fail as crossed.

    Attributes
    ----------
    book : cascade.OrderBook
        As given.

    Examples
    --------
    >>> from decimal import Decimal
    >>> import cascade
    >>> levels = LevelBook(cascade.OrderBook(tick_size=Decimal("0.1"), lot_size=1))
    >>> levels.update([(Decimal("9.9"), Decimal(3))], [(Decimal("10.0"), Decimal(4))])
    >>> levels.update([(Decimal("10.0"), Decimal(1))], [(Decimal("10.0"), Decimal(0))])
    >>> levels.size("buy", Decimal("10.0")), levels.size("sell", Decimal("10.0"))
    (Decimal('1'), Decimal('0'))
    """

    def __init__(self, book: Any) -> None:
        self.book = book
        # Price -> (order id, size) for each side.
        self._orders: dict[str, dict[Decimal, tuple[int, Decimal]]] = {s: {} for s in SIDES}

    def size(self, side: str, price: Decimal) -> Decimal:
        """Size that the feed last gave for a level; 0 when there is none."""
        entry = self._orders[side].get(price)
        return entry[1] if entry else Decimal(0)

    def prices(self, side: str) -> list[Decimal]:
        """Prices of one side, best first."""
        return sorted(self._orders[side], reverse=side == "buy")

    def load(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace all levels, as a snapshot does.

        Parameters
        ----------
        bids, asks : iterable of (Decimal, Decimal)
            Price and size, in any order.

        Raises
        ------
        TypeError, ValueError
            As `update`; the levels are then as they were.
        """
        zero = Decimal(0)
        new = {"buy": dict(bids), "sell": dict(asks)}
        for side in SIDES:
            for price in self._orders[side]:
                new[side].setdefault(price, zero)
        self.update(new["buy"].items(), new["sell"].items())

    def update(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Set the sizes of some levels; size 0 removes a level, known or not.

        Parameters
        ----------
        bids, asks : iterable of (Decimal, Decimal)
            Price and new size, in any order.

        Raises
        ------
        TypeError
            A price or size is no number; the levels are then as they were.
        ValueError
            The result would be crossed, or a price or size is off the book's grid or outside its
            range; the levels are then as they were.
        """
        changes = [("buy", *level) for level in bids]
        changes += [("sell", *level) for level in asks]
        before = [(side, price, self.size(side, price)) for side, price, _ in changes]
        try:
            self._apply(changes)
        except Exception:
            self._apply([(side, price, Decimal(0)) for side, price, _ in before])
            self._apply(before)
            raise

    def _apply(self, changes: list[tuple[str, Decimal, Decimal]]) -> None:
        for side, price, size in changes:
            if size == 0:
                entry = self._orders[side].pop(price, None)
                if entry is not None:
                    self.book.cancel(entry[0])
        for side, price, size in changes:
            if size != 0:
                self._set(side, price, size)

    def _set(self, side: str, price: Decimal, size: Decimal) -> None:
        orders = self._orders[side]
        entry = orders.get(price)
        result = self.book.modify(entry[0], size=size) if entry is not None else None
        if result is None or result.code == Code.UNKNOWN_ORDER:  # new, or traded away
            result = self.book.limit(side, price, size, post_only="reject")
        if result.code == Code.WOULD_TRADE:
            raise ValueError(f"{side} level at {price} meets the other side")
        if not result.ok:
            raise ValueError(f"{side} level {size} at {price} is refused: {result.code!r}")
        orders[price] = (result.order, size)


def fills_of(book: Any, taker: int) -> list[tuple[int, int]]:
    """Maker and lots of each fill of an aggressive order just sent, in order.

    Parameters
    ----------
    book : cascade.OrderBook
    taker : int
        Id of the aggressive order.
    """
    fills = book.fills
    return [(int(fill["maker"]), int(fill["size"])) for fill in fills if fill["taker"] == taker]
