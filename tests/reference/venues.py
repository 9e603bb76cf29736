"""Venues as the engine uses them: the book's twin with positions known, and the impact curve.

Both take one message at a time and leave stops to the engine, which fires them one by one. What the
clearing house has to say about an order comes in through its `screen`, `screen_modify` and
`reducible`.
"""

from dataclasses import replace
from fractions import Fraction
from math import floor

from .book import OrderBook
from .checks import form, in_range
from .records import (
    ALLOW,
    BUY,
    CANCEL,
    CANCEL_ALL,
    FOK,
    GTC,
    IOC,
    LIMIT,
    LONG_LEG,
    MARKET,
    MAX_PRICE,
    MODIFY,
    REDUCE_ONLY,
    SELL,
    SHORT_LEG,
    STOP,
    STOP_LIMIT,
    STOP_ON_MARK,
    Code,
    Fill,
    Message,
    Order,
    Result,
)

OVERFLOW = 54  # an answer of the clearing house


def leg_of(flags: int) -> int:
    return 1 if flags & LONG_LEG else 2 if flags & SHORT_LEG else 0


def only_reduces(side: int, flags: int) -> bool:
    """Reduce-only by its flag, or because it closes its leg."""
    if flags & LONG_LEG:
        return bool(flags & REDUCE_ONLY) or side == SELL
    if flags & SHORT_LEG:
        return bool(flags & REDUCE_ONLY) or side == BUY
    return bool(flags & REDUCE_ONLY)


def outside_band(message: Message, band: tuple[int, int]) -> bool:
    return message.kind in (LIMIT, STOP_LIMIT) and not band[0] <= message.price <= band[1]


def held(side: int, limit: int, band: tuple[int, int]) -> int:
    """A limit of the engine's own order, 0 for none, held within the band."""
    if side == BUY:
        return min(limit or MAX_PRICE, band[1])
    return max(limit, band[0])


class VenueBook(OrderBook):
    """The book inside an engine: `clearing` answers for positions, removals are collected."""

    curved = False  # fills trade at the venue's price

    def __init__(self, clearing, market: int, **bounds) -> None:
        super().__init__(**bounds)
        self.clearing = clearing
        self.market = market
        self.removals: list[tuple[Order, int]] = []
        self.taker_flags: list[int] | None = None  # of each fill of an uncross

    def handle(self, message: Message) -> tuple[Result, list[Fill], list[tuple[Order, int]]]:
        """One message without its stops: the answer, fills and lots removed without a fill."""
        self._fills, self.removals = [], []
        return self._process(message, 0), self._fills, self.removals

    def handle_fired(self, stop: Order) -> tuple[Result, list[Fill], list[tuple[Order, int]]]:
        """A stop at its trigger: cut if it only reduces, then steps 5-10."""
        self._fills, self.removals = [], []
        self.waiting.remove(stop)
        message = self._fired(stop)
        code, message = self.screen_halt(message)
        if code or outside_band(message, self.band):
            return Result(stop.id, code or Code.BAD_PRICE, price=message.price), [], []
        code, message = self.clearing.cut(self.market, message)
        if code:
            return Result(stop.id, code, price=message.price), [], []
        return self._enter(stop.id, message, 0), self._fills, self.removals

    @property
    def band(self) -> tuple[int, int]:
        return self.clearing.markets[self.market].band

    is_curve = False

    def value_of(self, fill: Fill) -> None:
        """Fills are worth their ticks."""

    def quote(self, side: int, lots: int) -> int | None:
        """Atoms of displayed orders for so many lots; None: there are not so many."""
        total = 0
        for price, size, _ in self.bids() if side == SELL else self.asks():
            taken = min(lots, size)
            total += self.clearing.markets[self.market].contract.value(taken, price)
            lots -= taken
            if not lots:
                return total
        return None

    def after_trade(self, cause: int) -> None:
        """Nothing."""

    @property
    def hard_band(self) -> tuple[int, int]:
        return self.clearing.markets[self.market].hard_band

    def screen_halt(self, message: Message) -> tuple[int, Message]:
        halts = self.clearing.markets[self.market].halts
        return (Code.OK, message) if halts is None else halts.screen(message)

    def halt(self) -> None:
        self.auction = True

    def _crosses(self, message: Message, price: int) -> bool:
        """An order without a limit is held by the band."""
        if message.kind == MARKET:
            lower, upper = self.hard_band
            return price <= upper if message.side == BUY else price >= lower
        return OrderBook._crosses(message, price)

    def forced(self, side: int, lots: int, limit: int, account: int, flags: int):
        """An IOC order of the engine itself, limit 0: none. (lots filled, fills, removals)"""
        self._fills, self.removals = [], []
        limit = held(side, limit, self.hard_band)
        message = Message(
            LIMIT if limit else MARKET, side, IOC, ALLOW, flags, account, limit, 0, lots
        )
        return self._enter(0, message, 0).filled, self._fills, self.removals

    def uncross_fills(self) -> tuple[list[tuple[Fill, int]], list[tuple[Order, int]]]:
        """The uncross: each fill with its taker's flags, and lots removed without a fill."""
        self.removals, self.taker_flags = [], []
        self.uncross()
        flags, self.taker_flags = self.taker_flags, None
        return list(zip(self._fills, flags, strict=True)), self.removals

    def due_stop(self) -> Order | None:
        return None if self.auction else self._due_stop()

    def touch(self) -> tuple[int, int]:
        return self.best_bid, self.best_ask

    def set_mark(self, mark: int) -> None:
        self._mark = mark

    def set_reference(self, price: int) -> None:
        """Outside prices move no book."""

    def orders_of(self, account: int) -> list[tuple[Order, bool]]:
        """(order, is it a waiting stop) by id."""
        found = [(order, False) for order in self.resting if order.account == account]
        found += [(order, True) for order in self.waiting if order.account == account]
        return sorted(found, key=lambda entry: entry[0].id)

    def find(self, order_id: int) -> Order | None:
        return self._find(self.resting + self.waiting, order_id)

    def state(self) -> bytes:
        return self.state_hash().encode("ascii")

    def _fire_stops(self, index: int) -> None:
        """The engine fires them."""

    def _screen(self, message: Message) -> tuple[int, Message]:
        code, message = self.screen_halt(message)
        if code or outside_band(message, self.band):
            return code or Code.BAD_PRICE, message
        would_wait = message.kind not in (LIMIT, MARKET) and not self._reached(
            Order(0, message.side, 0, 0, 0, message.flags, 0, trigger=message.extra)
        )
        return self.clearing.screen(self.market, message, would_wait)

    def _screen_modify(self, order: Order, message: Message) -> tuple[int, Message]:
        code, message = self.screen_halt(replace(message, side=order.side, flags=order.flags))
        if code:
            return code, message
        lower, upper = self.band
        if not lower <= message.price <= upper:
            return Code.BAD_PRICE, message
        return self.clearing.screen_modify(self.market, order, message)

    def _allowed(self, maker: Order) -> int:
        if not only_reduces(maker.side, maker.flags):
            return maker.total
        if self.taker_flags is None:
            legs = [self.clearing.taker_leg] * len(self._fills)
        else:
            legs = [leg_of(flags) for flags in self.taker_flags]
        return self.clearing.reducible(self.market, maker, self._fills, legs)

    def _uncrossed(self, taker: Order) -> None:
        if self.taker_flags is not None:
            self.taker_flags.append(taker.flags)

    def _removed(self, order: Order, lots: int) -> None:
        self.removals.append((replace(order), lots))


class ImpactVenue:
    """A price that falls by numerator / denominator ticks a net lot sold, half away from zero."""

    curved = True  # its price is the curve's, wherever fills trade

    def __init__(self, clearing, market: int, curve, *, min_size, max_size, min_price, max_price):
        self.rules = OrderBook(
            min_size=min_size, max_size=max_size, min_price=min_price, max_price=max_price
        )
        self.clearing = clearing
        self.market = market
        self.curve = curve
        self.reference = 0
        self.net_sold = 0
        self.mark = 0
        self.next_id = 1
        self.auction = False
        self.shown: int | None = None  # price before liquidity came back, until something trades

    is_curve = True

    def value_of(self, fill: Fill) -> int | None:
        """Exact atoms of the fill just made; None: it is worth its ticks."""

    def quote(self, side: int, lots: int) -> int | None:
        """Atoms for so many lots; None: the curve has not so many."""
        if self.executable(side, lots, 0) < lots:
            return None
        tick = self.fill_tick(side, lots)
        return self.clearing.markets[self.market].contract.value(lots, tick)

    def after_trade(self, cause: int) -> None:
        """Nothing."""

    @property
    def last(self) -> int:
        return self.price(0) if self.shown is None else self.shown

    def halt(self) -> None:
        self.auction = True

    def replenish(self, share: Fraction) -> None:
        if self.shown is None:
            self.shown = self.price(0)
        back = abs(self.net_sold) * abs(share)
        back = floor(back) if (self.net_sold > 0) == (share > 0) else -floor(back)
        self.net_sold -= back

    @property
    def hard_band(self) -> tuple[int, int]:
        return self.clearing.markets[self.market].hard_band

    @property
    def min_size(self) -> int:
        return self.rules.min_size

    @property
    def min_price(self) -> int:
        return self.rules.min_price

    @property
    def max_price(self) -> int:
        return self.rules.max_price

    @property
    def band(self) -> tuple[int, int]:
        return self.clearing.markets[self.market].band

    def price(self, more_sold: int) -> int:
        if not self.reference:
            return 0
        product = self.curve.numerator * (self.net_sold + more_sold)
        size = (2 * abs(product) + self.curve.denominator) // (2 * self.curve.denominator)
        return min(max(self.reference - (size if product > 0 else -size), 1), MAX_PRICE)

    def fill_tick(self, side: int, lots: int) -> int:
        before, after = self.price(0), self.price(lots if side == SELL else -lots)
        if self.curve.fill == "after":
            return after
        middle = (before + after) // 2 if side == SELL else -(-(before + after) // 2)
        return max(1, middle)

    def fits(self, lots: int) -> bool:
        """Would so many more lots stay within the range of numbers?"""
        return abs(self.net_sold) + lots <= 2**60

    def executable(self, side: int, lots: int, limit: int) -> int:
        """The most lots whose fill tick is within the limit (0: none)."""
        if not self.reference:
            return 0
        if not limit:
            return lots
        low, high = 0, lots
        while low < high:
            middle = (low + high + 1) // 2
            tick = self.fill_tick(side, middle)
            if tick >= limit if side == SELL else tick <= limit:
                low = middle
            else:
                high = middle - 1
        return low

    def execute(self, order_id: int, side: int, lots: int, account: int) -> list[Fill]:
        tick = self.fill_tick(side, lots)
        self.shown = None
        self.net_sold += lots if side == SELL else -lots
        return [Fill(0, order_id, lots, tick, -1, account, 0, side, 0)]

    def handle(self, message: Message) -> tuple[Result, list[Fill], list]:
        if message.kind in (CANCEL, MODIFY):
            return Result(message.order, Code.UNKNOWN_ORDER), [], []
        if message.kind == CANCEL_ALL:
            return Result(0, Code.OK), [], []
        order_id = self.next_id
        self.next_id += 1
        code = form(message) or in_range(message, self.rules)
        halts = self.clearing.markets[self.market].halts
        if not code and halts is not None:
            code, message = halts.screen(message)
        if not code and outside_band(message, self.band):
            code = Code.BAD_PRICE
        if not code:
            waits = message.kind in (STOP, STOP_LIMIT) and not self.reached(message)
            code, message = self.clearing.screen(self.market, message, waits)
        takes = message.kind == MARKET or (message.kind == LIMIT and message.time_in_force != GTC)
        if not code and not takes:
            code = Code.BAD_MESSAGE
        if code:
            return Result(order_id, code, price=message.price), [], []
        if not self.fits(message.size):
            return Result(order_id, OVERFLOW, price=message.price), [], []
        limit = held(message.side, message.price if message.kind == LIMIT else 0, self.hard_band)
        lots = self.executable(message.side, message.size, limit)
        if message.time_in_force == FOK and lots < message.size:
            return Result(order_id, Code.NOT_FILLABLE, price=message.price), [], []
        fills = self.execute(order_id, message.side, lots, message.account) if lots else []
        fills = [replace(fill, taker=order_id) for fill in fills]
        return Result(order_id, Code.OK, lots, 0, message.price), fills, []

    def open_auction(self) -> None:
        raise ValueError("an impact venue holds no auctions")

    def indicative(self) -> None:
        return None

    def uncross_fills(self) -> tuple[list, list]:
        raise ValueError("an impact venue holds no auctions")

    def reached(self, stop: Message) -> bool:
        """Would a stop on the mark fire at once? It is refused after the checks in any case."""
        if not stop.flags & STOP_ON_MARK or not self.mark:
            return False
        return self.mark >= stop.extra if stop.side == BUY else self.mark <= stop.extra

    def forced(self, side: int, lots: int, limit: int, account: int, flags: int):
        lots = self.executable(side, lots, held(side, limit, self.hard_band))
        return lots, self.execute(0, side, lots, account) if lots else [], []

    def due_stop(self) -> None:
        return None

    def touch(self) -> tuple[int, int]:
        return self.last, self.last

    def set_mark(self, mark: int) -> None:
        self.mark = mark

    def set_reference(self, price: int) -> None:
        self.reference = price
        self.shown = None

    def orders_of(self, account: int) -> list:
        return []

    def find(self, order_id: int) -> None:
        return None

    def validate(self) -> None:
        assert self.last == 0 or 1 <= self.last <= MAX_PRICE

    def state(self) -> bytes:
        row = self.net_sold.to_bytes(8, "little", signed=True)
        return row + self.next_id.to_bytes(8, "little", signed=True)
