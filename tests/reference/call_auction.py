"""A call auction in the twin's order book: orders gather, then trade at one price (docs/book.md)."""

from .auction import Clearing, clearing
from .records import BUY, SELL, Fill, Order


class CallAuction:
    """Opening and uncrossing an auction in a book."""

    def open_auction(self) -> None:
        self._fills = []
        self.auction = True

    def indicative(self) -> tuple[int, int, int] | None:
        """(price, volume, imbalance) of the uncross that would happen now."""
        found = self._clearing()
        return None if found is None else (found.price, found.volume, found.imbalance)

    def _clearing(self) -> Clearing | None:
        return clearing(
            [(order.price, order.total) for order in self.resting if order.side == BUY],
            [(order.price, order.total) for order in self.resting if order.side == SELL],
            self.last,
        )

    def uncross(self) -> None:
        self._fills = []
        while (found := self._clearing()) is not None:
            # Only cuts of reduce-only orders can leave anything crossed for another price.
            while self._trade_heads(found.price):
                pass
        self.auction = False
        self._fire_stops(0)

    def _trade_heads(self, price: int) -> bool:
        """The first bid against the first ask at one price; False: they do not meet there."""
        bids, asks = self._in_priority(BUY), self._in_priority(SELL)
        if not bids or not asks or bids[0].price < price or asks[0].price > price:
            return False
        bid, ask = bids[0], asks[0]
        if not self._cut_to_allowed(bid) or not self._cut_to_allowed(ask):
            return True
        lots = min(bid.total, ask.total)
        maker, taker = sorted((bid, ask), key=lambda order: order.id)
        self._uncrossed(taker)
        self._fills.append(
            Fill(
                maker.id,
                taker.id,
                lots,
                price,
                maker.account,
                taker.account,
                0,
                taker.side,
                maker.flags,
            )
        )
        self.last = price
        for order in (bid, ask):
            self._take_in_place(order, lots)
        return True

    def _cut_to_allowed(self, order: Order) -> bool:
        """Take off what an order may not trade; False when it is gone."""
        excess = order.total - self._allowed(order)
        if excess > 0:
            self._removed(order, excess)
            order.give_up(excess)
            if order.total == 0:
                self.resting.remove(order)
        return order.total > 0

    def _take_in_place(self, order: Order, lots: int) -> None:
        """Trade by whole size: displayed lots first, and the order keeps its place."""
        from_displayed = min(lots, order.size)
        order.size -= from_displayed
        order.hidden -= lots - from_displayed
        if order.total == 0:
            self.resting.remove(order)
        elif order.size == 0:
            order.show()
