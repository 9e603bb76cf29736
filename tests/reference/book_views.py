"""What can be read off the twin's order book: prices, levels, queues, orders and a hash of them."""

import hashlib

import numpy as np

from .checks import one_of
from .records import BUY, ORDER_DTYPE, SELL, SIDES, Order


class BookViews:
    """Questions about the orders of a book; nothing here changes it."""

    @property
    def best_bid(self) -> int:
        return max((order.price for order in self.resting if order.side == BUY), default=0)

    @property
    def best_ask(self) -> int:
        return min((order.price for order in self.resting if order.side == SELL), default=0)

    def bids(self, n=None) -> list[tuple[int, int, int]]:
        """(price, displayed size, count) a level, best first."""
        return self._levels(BUY)[:n]

    def asks(self, n=None) -> list[tuple[int, int, int]]:
        return self._levels(SELL)[:n]

    def queue(self, side, price) -> list[tuple[int, int, int, int]]:
        """(order, account, size, hidden) of one level in priority order."""
        level = self._level(one_of("side", side, SIDES), self._ticks("price", price))
        return [(order.id, order.account, order.size, order.hidden) for order in level]

    @property
    def orders(self) -> np.ndarray:
        """Every order: bids then asks, best first and in priority order, then waiting stops by id."""
        rows = []
        for is_waiting, orders in (
            (0, self._in_priority(BUY) + self._in_priority(SELL)),
            (1, sorted(self.waiting, key=lambda stop: stop.id)),
        ):
            for order in orders:
                rows.append(
                    (
                        order.id,
                        order.size,
                        order.hidden,
                        order.display,
                        order.price,
                        order.account,
                        order.trigger,
                        order.side,
                        order.flags,
                        is_waiting,
                        order.self_trade,
                    )
                )
        return np.array(rows, dtype=ORDER_DTYPE)

    def state_hash(self) -> str:
        state = np.array([self.next_id, self.last, self._mark, self.auction], dtype="<i8")
        return hashlib.blake2b(self.orders.tobytes() + state.tobytes(), digest_size=16).hexdigest()

    def _in_priority(self, side: int) -> list[Order]:
        """One side, best price first, oldest first within a price (sorting is stable)."""
        orders = [order for order in self.resting if order.side == side]
        return sorted(orders, key=lambda order: -order.price if side == BUY else order.price)

    def _level(self, side: int, price: int) -> list[Order]:
        return [order for order in self.resting if order.side == side and order.price == price]

    def _levels(self, side: int) -> list[tuple[int, int, int]]:
        prices = sorted(
            {order.price for order in self.resting if order.side == side}, reverse=side == BUY
        )
        return [
            (price, sum(order.size for order in level), len(level))
            for price in prices
            for level in [self._level(side, price)]
        ]
