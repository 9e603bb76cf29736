"""The slow twin of the order book: docs/book.md in plain Python, one sentence of it after the other.

Resting orders are one list in order of time, waiting stops another; every question is answered by
filtering and sorting them. Nothing is indexed, cached or kept twice, so that what the book should do
can be read off. The twin imports nothing from `cascade`: the two agree because both follow the
document, and its numbers (codes, kinds, flags, record layouts) are written down here again.
"""

import copy
from dataclasses import replace

import numpy as np

from .book_views import BookViews
from .call_auction import CallAuction
from .checks import form, in_range, one_of
from .grid import exact_number, on_grid
from .records import (
    ALLOW,
    ANONYMOUS,
    BOTH,
    BUY,
    CANCEL,
    CANCEL_ALL,
    DECREMENT,
    FILL_DTYPE,
    FOK,
    GTC,
    ICEBERG,
    IOC,
    LIMIT,
    MARKET,
    MAX_LEVEL,
    MAX_PRICE,
    MAX_SIZE,
    MESSAGE_DTYPE,
    MODIFY,
    NEWEST,
    OLDEST,
    POLICIES,
    POST_ONLY,
    POST_ONLY_FLAGS,
    REDUCE_ONLY,
    SELL,
    SIDES,
    SLIDE,
    STOP,
    STOP_LIMIT,
    STOP_ON_MARK,
    TIMES_IN_FORCE,
    WATCHED,
    Batch,
    Code,
    Fill,
    Message,
    Order,
    Result,
)


class OrderBook(BookViews, CallAuction):
    """Price-time-priority book with the interface of `cascade.OrderBook`."""

    def __init__(
        self,
        tick_size=1,
        lot_size=1,
        *,
        min_size=None,
        max_size=None,
        min_price=None,
        max_price=None,
    ):
        for name, step in (("tick_size", tick_size), ("lot_size", lot_size)):
            if not exact_number(name, step) > 0:
                raise ValueError(f"{name} must be above 0, got {step!r}")
        self.tick_size = tick_size
        self.lot_size = lot_size
        self.min_size = 1 if min_size is None else self._bound("min_size", min_size)
        self.max_size = MAX_SIZE if max_size is None else self._bound("max_size", max_size)
        self.min_price = 1 if min_price is None else self._bound("min_price", min_price)
        self.max_price = MAX_PRICE if max_price is None else self._bound("max_price", max_price)
        if self.min_size > self.max_size:
            raise ValueError(f"min_size {min_size!r} is above max_size {max_size!r}")
        if self.min_price > self.max_price:
            raise ValueError(f"min_price {min_price!r} is above max_price {max_price!r}")
        self.resting: list[Order] = []  # in order of time priority
        self.waiting: list[Order] = []  # in order of id
        self.next_id = 1
        self.last = 0
        self._mark = 0
        self.auction = False
        self._fills: list[Fill] = []

    def _bound(self, name, value) -> int:
        if name.endswith("size"):
            steps, largest, unit = self._lots(name, value), MAX_SIZE, "lots"
        else:
            steps, largest, unit = self._ticks(name, value), MAX_PRICE, "ticks"
        if not 1 <= steps <= largest:
            raise ValueError(f"{name} {value!r} is outside 1 ... {largest} {unit}")
        return steps

    # --- what a person calls -------------------------------------------------------------------

    def limit(
        self,
        side,
        price,
        size,
        *,
        account=ANONYMOUS,
        time_in_force="gtc",
        post_only=None,
        display=None,
        self_trade="allow",
    ) -> Result:
        flags = one_of("post_only", post_only, POST_ONLY_FLAGS)
        extra = 0
        if display is not None:
            flags |= ICEBERG
            extra = on_grid("display", display, self.lot_size, 32)
        return self._single(
            Message(
                LIMIT,
                one_of("side", side, SIDES),
                one_of("time_in_force", time_in_force, TIMES_IN_FORCE),
                one_of("self_trade", self_trade, POLICIES),
                flags,
                account,
                self._ticks("price", price),
                extra,
                self._lots("size", size),
            )
        )

    def market(
        self, side, size, *, account=ANONYMOUS, time_in_force="ioc", self_trade="allow"
    ) -> Result:
        return self._single(
            Message(
                MARKET,
                one_of("side", side, SIDES),
                one_of("time_in_force", time_in_force, TIMES_IN_FORCE),
                one_of("self_trade", self_trade, POLICIES),
                account=account,
                size=self._lots("size", size),
            )
        )

    def stop(
        self,
        side,
        trigger,
        size,
        *,
        price=None,
        on="last",
        account=ANONYMOUS,
        post_only=None,
        self_trade="allow",
    ) -> Result:
        return self._single(
            Message(
                STOP if price is None else STOP_LIMIT,
                one_of("side", side, SIDES),
                GTC,
                one_of("self_trade", self_trade, POLICIES),
                one_of("on", on, WATCHED) | one_of("post_only", post_only, POST_ONLY_FLAGS),
                account,
                0 if price is None else self._ticks("price", price),
                self._ticks("trigger", trigger),
                self._lots("size", size),
            )
        )

    def cancel(self, order) -> Result:
        return self._single(Message(CANCEL, order=order))

    def cancel_all(self, account) -> Result:
        return self._single(Message(CANCEL_ALL, account=account))

    def modify(self, order, price=None, size=None) -> Result:
        found = self._find(self.resting, order)
        if found is None:
            return self._single(Message(MODIFY, order=order))
        ticks = found.price if price is None else self._ticks("price", price)
        lots = found.total if size is None else self._lots("size", size)
        return self._single(Message(MODIFY, price=ticks, size=lots, order=order))

    def apply(self, messages: np.ndarray) -> Batch:
        """Process a MESSAGE_DTYPE array in its order."""
        if not isinstance(messages, np.ndarray) or messages.dtype != MESSAGE_DTYPE:
            raise TypeError("messages must be a MESSAGE_DTYPE array")
        if messages.ndim != 1:
            raise ValueError(f"messages must have one dimension, got {messages.ndim}")
        if not messages.flags.c_contiguous:
            raise ValueError("messages must be contiguous")
        self._fills = []
        results = []
        for index, row in enumerate(messages):
            fields = {name: int(row[name]) for name in MESSAGE_DTYPE.names}
            fields["self_trade"] = fields["time_in_force"] >> 4
            fields["time_in_force"] &= 15
            results.append(self._process(Message(**fields), index))
        return Batch(
            np.array([result.code for result in results], dtype=np.uint8),
            np.array([result.filled for result in results], dtype=np.int64),
            np.array([result.order for result in results], dtype=np.int64),
            self.fills,
        )

    @property
    def fills(self) -> np.ndarray:
        """Fills of the last call."""
        rows = [tuple(vars(fill).values()) for fill in self._fills]
        return np.array(rows, dtype=FILL_DTYPE)

    @property
    def mark(self) -> int:
        return self._mark

    @mark.setter
    def mark(self, value) -> None:
        ticks = self._ticks("mark", value)
        if not 1 <= ticks <= MAX_PRICE:
            raise ValueError(f"mark {value!r} is outside 1 ... {MAX_PRICE} ticks")
        self._fills = []
        self._mark = ticks
        self._fire_stops(0)

    # --- the whole ------------------------------------------------------------------------------

    def validate(self) -> None:
        """Raise AssertionError if the state breaks a promise of the document."""
        if not self.auction:
            assert not (self.best_bid and self.best_ask) or self.best_bid < self.best_ask
            assert self._due_stop() is None
        ids = [order.id for order in self.resting + self.waiting]
        assert len(set(ids)) == len(ids)
        for order in self.resting + self.waiting:
            assert 0 < order.id < self.next_id
            assert order.size > 0 and order.hidden >= 0
            assert order.hidden == 0 or order.flags & ICEBERG
        for order in self.resting:
            assert self.min_price <= order.price <= self.max_price
            assert order.total <= self.max_size

    def copy(self) -> "OrderBook":
        """The same book; no call was made on it, so that it has no fills."""
        made = copy.deepcopy(self)
        made._fills = []
        return made

    # --- the document, step by step ------------------------------------------------------------

    def _single(self, message: Message) -> Result:
        self._fills = []
        return self._process(message, 0)

    def _process(self, message: Message, index: int) -> Result:
        if message.kind == CANCEL:
            return self._cancel(message.order)
        if message.kind == CANCEL_ALL:
            return self._cancel_all(message.account)
        if message.kind == MODIFY:
            result = self._modify(message, index)
        else:
            result = self._submit(message, index)
        self._fire_stops(index)
        return result

    def _submit(self, message: Message, index: int) -> Result:
        """Steps 1-9."""
        order_id = self.next_id
        self.next_id += 1
        code = form(message) or in_range(message, self)
        if not code:
            code, message = self._screen(message)
        if code:
            return Result(order_id, code, price=message.price)
        if message.kind in (STOP, STOP_LIMIT):
            stop = Order(
                order_id,
                message.side,
                message.price if message.kind == STOP_LIMIT else 0,
                message.size,
                message.account,
                message.flags,
                message.self_trade,
                trigger=message.extra,
            )
            if not self._reached(stop):
                self.waiting.append(stop)
                return Result(order_id, Code.STOP_WAITING, resting=stop.size, price=stop.price)
            message = self._fired(stop)
        if self.auction and not (
            message.kind == LIMIT
            and message.time_in_force == GTC
            and not message.flags & (POST_ONLY | SLIDE)
        ):
            return Result(order_id, Code.AUCTION, price=message.price)
        return self._enter(order_id, message, index)

    def _reached(self, stop: Order) -> bool:
        """Step 3: is the watched price at the trigger or past it?"""
        watched = self._mark if stop.flags & STOP_ON_MARK else self.last
        if watched == 0:
            return False
        return watched >= stop.trigger if stop.side == BUY else watched <= stop.trigger

    @staticmethod
    def _fired(stop: Order) -> Message:
        """The message a stop becomes at its trigger."""
        return Message(
            kind=LIMIT if stop.price else MARKET,
            side=stop.side,
            time_in_force=GTC if stop.price else IOC,
            self_trade=stop.self_trade,
            flags=stop.flags,
            account=stop.account,
            price=stop.price,
            size=stop.size,
        )

    def _enter(self, order_id: int, message: Message, index: int) -> Result:
        """Steps 5-9 and the first half of 10."""
        code, price = self._admit(message)
        if code:
            return Result(order_id, code, price=price)
        message = replace(message, price=price)
        if not self.auction:
            code, left, filled = self._match(order_id, message, index)
        else:
            code, left, filled = Code.OK, message.size, 0
        if filled:
            self.last = self._fills[-1].price
        if left and message.kind == LIMIT and message.time_in_force == GTC:
            self._rest(order_id, message, left)
            return Result(order_id, code, filled, left, price)
        return Result(order_id, code, filled, 0, price)

    def _admit(self, message: Message) -> tuple[Code, int]:
        """Steps 5 and 6: the refusal, if any, and the price after sliding."""
        price = message.price
        would_trade = not self.auction and any(
            self._crosses(message, maker.price) for maker in self._in_priority(1 - message.side)
        )
        if would_trade and message.flags & POST_ONLY:
            return Code.WOULD_TRADE, price
        if would_trade and message.flags & SLIDE:
            price = self.best_ask - 1 if message.side == BUY else self.best_bid + 1
            if not self.min_price <= price <= self.max_price:
                return Code.BAD_PRICE, message.price
            would_trade = False
        if message.kind == LIMIT and message.time_in_force == GTC and not would_trade:
            shown = min(message.size, message.extra) if message.flags & ICEBERG else message.size
            if sum(order.size for order in self._level(message.side, price)) + shown > MAX_LEVEL:
                return Code.LEVEL_FULL, price
        if message.time_in_force == FOK and self._available(message) < message.size:
            return Code.NOT_FILLABLE, price
        return Code.OK, price

    def _available(self, message: Message) -> int:
        """Lots a fill-or-kill could trade (step 6)."""
        makers = [
            maker
            for maker in self._in_priority(1 - message.side)
            if self._crosses(message, maker.price)
        ]
        if message.self_trade == ALLOW:
            return sum(self._tradable(maker) for maker in makers)
        others = [maker for maker in makers if not self._is_own(message, maker)]
        if message.self_trade in (OLDEST, DECREMENT) or len(others) == len(makers):
            return sum(self._tradable(maker) for maker in others)
        first_own = next(maker for maker in makers if self._is_own(message, maker))
        available = 0
        for maker in makers[: makers.index(first_own)]:
            # Within the own order's level a refreshed iceberg goes behind the own order.
            most = self._tradable(maker)
            available += min(maker.size, most) if maker.price == first_own.price else most
        return available

    def _tradable(self, maker: Order) -> int:
        """Open lots, of a reduce-only order what its position allows now."""
        return min(maker.total, max(0, self._allowed(maker)))

    def _match(self, order_id: int, message: Message, index: int) -> tuple[Code, int, int]:
        """Steps 7 and 8: (code, lots left, lots filled)."""
        left = message.size
        filled = 0
        while left:
            makers = self._in_priority(1 - message.side)
            if not makers or not self._crosses(message, makers[0].price):
                break
            maker = makers[0]
            if message.self_trade != ALLOW and self._is_own(message, maker):
                if message.self_trade in (OLDEST, BOTH):
                    self.resting.remove(maker)
                    self._removed(maker, maker.total)
                if message.self_trade in (NEWEST, BOTH):
                    return Code.SELF_TRADE_CANCELLED, 0, filled
                if message.self_trade == DECREMENT:
                    lots = min(left, maker.total)
                    left -= lots
                    self._removed(maker, lots)
                    maker.give_up(lots)
                    if maker.total == 0:
                        self.resting.remove(maker)
                    if left == 0:
                        return Code.SELF_TRADE_CANCELLED, 0, filled
                continue
            if not self._cut_to_allowed(maker):
                continue
            lots = min(left, maker.size)
            self._fills.append(
                Fill(
                    maker.id,
                    order_id,
                    lots,
                    maker.price,
                    maker.account,
                    message.account,
                    index,
                    message.side,
                    maker.flags,
                )
            )
            left -= lots
            filled += lots
            maker.size -= lots
            if maker.size == 0:
                self.resting.remove(maker)
                if maker.hidden:
                    maker.show()
                    self.resting.append(maker)
        return Code.OK, left, filled

    def _rest(self, order_id: int, message: Message, left: int) -> None:
        """Step 9."""
        display = message.extra if message.flags & ICEBERG else 0
        shown = min(display, left) if display else left
        self.resting.append(
            Order(
                order_id,
                message.side,
                message.price,
                shown,
                message.account,
                message.flags,
                message.self_trade,
                hidden=left - shown,
                display=display,
            )
        )

    def _due_stop(self) -> Order | None:
        """Step 10: the stop that fires next, if any is due."""
        due = [stop for stop in self.waiting if self._reached(stop)]
        for watched in (0, STOP_ON_MARK):
            for side in (SELL, BUY):
                stops = [
                    stop
                    for stop in due
                    if stop.flags & STOP_ON_MARK == watched and stop.side == side
                ]
                if side == SELL:
                    stops.sort(key=lambda stop: (-stop.trigger, stop.id))
                else:
                    stops.sort(key=lambda stop: (stop.trigger, stop.id))
                if stops:
                    return stops[0]
        return None

    def _fire_stops(self, index: int) -> None:
        while not self.auction and (stop := self._due_stop()) is not None:
            self.waiting.remove(stop)
            self._enter(stop.id, self._fired(stop), index)

    def _cancel(self, order_id: int) -> Result:
        for orders in (self.resting, self.waiting):
            found = self._find(orders, order_id)
            if found is not None:
                orders.remove(found)
                return Result(order_id, Code.OK)
        return Result(order_id, Code.UNKNOWN_ORDER)

    def _cancel_all(self, account: int) -> Result:
        self.resting = [order for order in self.resting if order.account != account]
        self.waiting = [stop for stop in self.waiting if stop.account != account]
        return Result(0, Code.OK)

    def _modify(self, message: Message, index: int) -> Result:
        order = self._find(self.resting, message.order)
        if order is None:
            return Result(message.order, Code.UNKNOWN_ORDER)
        if not self.min_size <= message.size <= self.max_size:
            return Result(order.id, Code.BAD_SIZE)
        if not self.min_price <= message.price <= self.max_price:
            return Result(order.id, Code.BAD_PRICE)
        code, message = self._screen_modify(order, message)
        if code:
            return Result(order.id, code)
        if message.price == order.price and message.size <= order.total:
            order.give_up(order.total - message.size)
            return Result(order.id, Code.OK, 0, order.total, order.price)
        entered = Message(
            LIMIT,
            order.side,
            GTC,
            order.self_trade,
            order.flags,
            order.account,
            message.price,
            min(order.display, message.size),
            message.size,
        )
        place = self.resting.index(order)
        del self.resting[place]
        code, _ = self._admit(entered)
        if code:
            self.resting.insert(place, order)
            return Result(order.id, code)
        return self._enter(order.id, entered, index)

    # --- depth from outside --------------------------------------------------------------------

    def load_depth(self, bids, asks, replace=False) -> None:
        """Add one anonymous order a level, bids first; a bad depth is refused whole."""
        levels = []
        for name, side, rows in (("bids", BUY, bids), ("asks", SELL, asks)):
            for row in rows:
                price, size = self._ticks(name, row[0]), self._lots(name, row[1])
                if not self.min_price <= price <= self.max_price:
                    raise ValueError(f"{name}: price {row[0]!r} is outside the bounds")
                if not self.min_size <= size <= self.max_size:
                    raise ValueError(f"{name}: size {row[1]!r} is outside the bounds")
                levels.append((side, price, size))
        bid_prices = [price for side, price, _ in levels if side == BUY]
        ask_prices = [price for side, price, _ in levels if side == SELL]
        if bid_prices != sorted(set(bid_prices), reverse=True):
            raise ValueError("bids must have falling prices")
        if ask_prices != sorted(set(ask_prices)):
            raise ValueError("asks must have rising prices")
        kept = [o for o in self.resting if not (replace and o.account == ANONYMOUS)]
        if not self.auction:
            all_bids = bid_prices + [order.price for order in kept if order.side == BUY]
            all_asks = ask_prices + [order.price for order in kept if order.side == SELL]
            if all_bids and all_asks and max(all_bids) >= min(all_asks):
                raise ValueError("the depth crosses")
        self._fills = []
        self.resting = kept
        for side, price, size in levels:
            self._rest(self.next_id, Message(LIMIT, side, price=price, size=size), size)
            self.next_id += 1

    # --- what an owner that knows positions puts in its own words ------------------------------

    def _screen(self, message: Message) -> tuple[Code, Message]:
        """Refuse or shorten a well-formed order; a book that knows no positions: reduce-only."""
        return (Code.REDUCE_ONLY if message.flags & REDUCE_ONLY else Code.OK), message

    def _screen_modify(self, order: Order, message: Message) -> tuple[Code, Message]:
        return Code.OK, message

    def _allowed(self, maker: Order) -> int:
        """How many lots of a maker that is about to trade may stay."""
        return maker.total

    def _uncrossed(self, taker: Order) -> None:
        """An order that rested is about to trade as the taker of an uncross."""

    def _removed(self, order: Order, lots: int) -> None:
        """Lots of a resting order are about to leave, or have just left, without a fill."""

    # --- questions -----------------------------------------------------------------------------

    def _ticks(self, name: str, value) -> int:
        return on_grid(name, value, self.tick_size, 32)

    def _lots(self, name: str, value) -> int:
        return on_grid(name, value, self.lot_size, 64)

    @staticmethod
    def _crosses(message: Message, price: int) -> bool:
        """Is a maker's price good enough for this taker?"""
        if message.kind == MARKET:
            return True
        return price <= message.price if message.side == BUY else price >= message.price

    @staticmethod
    def _is_own(message: Message, maker: Order) -> bool:
        return message.account == maker.account != ANONYMOUS

    @staticmethod
    def _find(orders: list[Order], order_id: int) -> Order | None:
        return next((order for order in orders if order.id == order_id), None)
