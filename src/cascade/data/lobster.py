"""LOBSTER message and order book files (NASDAQ ITCH reconstructed), and their replay.

Format: https://lobsterdata.com/info/DataStructure.php. The message file has one event a line
(seconds after midnight, type, order id, size, price x 10,000, direction of the *resting* order);
line k of the order book file holds the levels after event k (ask price, ask size, bid price, bid
size, level by level; 9999999999 and -9999999999 mark levels that do not exist).

The order book file shows a window of levels. A level that leaves the window and comes back may
have changed unseen, so a replay imports the levels that enter the window. Aggressive orders do not
appear in the files: a run of visible executions with one time stamp and direction is one, which
`executions` groups.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from cascade.data.level_book import fills_of
from cascade.data.lines import DataFormatError, Line, Path, read_lines

NEW = 1
REDUCE = 2
DELETE = 3
EXECUTE_VISIBLE = 4
EXECUTE_HIDDEN = 5
CROSS_TRADE = 6
HALT = 7

PRICE_UNITS = 10_000
"""Price units in one dollar."""

NO_ASK = 9_999_999_999
NO_BID = -9_999_999_999

_SIDE = {1: "buy", -1: "sell"}


@dataclass(frozen=True, slots=True)
class Message:
    """One event of the message file.

    Attributes
    ----------
    time_ns : int
        Nanoseconds after midnight.
    kind : int
        1 new order, 2 partial cancel, 3 delete, 4 execution of a visible order, 5 execution of
        hidden liquidity, 6 cross trade, 7 trading halt.
    order_id : int
        Of the resting order; 0 for hidden executions.
    size : int
        Shares added, removed or executed.
    price : int
        Dollars x 10,000; on a halt -1, 0 or 1.
    side : str
        Of the resting order, also for executions: "buy" or "sell".
    """

    time_ns: int
    kind: int
    order_id: int
    size: int
    price: int
    side: str


def _time_ns(line: Line, text: str) -> int:
    seconds = line.decimal(text, "time")
    if seconds >= 10**6:
        raise line.error("time", f"{text} is not seconds after midnight")
    # Files give up to twelve decimals; what is below a nanosecond is binary noise of their writer.
    return int(seconds.scaleb(9).to_integral_value())


def read_messages(path: Path) -> Iterator[Message]:
    """Events of a LOBSTER message file.

    Parameters
    ----------
    path : str or os.PathLike
        Plain, gzip or zip. A seventh column (attribution) is accepted and ignored.

    Yields
    ------
    Message
        In the order of the file.

    Raises
    ------
    DataFormatError
        A line has another number of fields, a field is not a number of its kind, or time runs
        backwards.
    """
    last_ns = 0
    for line in read_lines(path):
        fields = line.text.split(",")
        if len(fields) not in (6, 7):
            raise line.error("", f"{len(fields)} fields; the format has 6")
        time_ns = _time_ns(line, fields[0])
        if time_ns < last_ns:
            raise line.error("time", f"{fields[0]} is before the line above")
        last_ns = time_ns
        kind = line.integer(fields[1], "type", 1, 7)
        direction = line.integer(fields[5], "direction", -1, 1)
        if direction == 0:
            raise line.error("direction", "0 is not 1 (buy) or -1 (sell)")
        lowest = 0 if kind >= CROSS_TRADE else 1
        yield Message(
            time_ns,
            kind,
            line.integer(fields[2], "order id", -1 if kind == CROSS_TRADE else 0),
            line.integer(fields[3], "size", lowest),
            line.integer(fields[4], "price", -1 if kind == HALT else lowest),
            _SIDE[direction],
        )


@dataclass(frozen=True, slots=True)
class OrderBookRows:
    """Levels after each event.

    Attributes
    ----------
    asks, bids : numpy.ndarray
        int64, shape (events, levels, 2): price x 10,000 and shares, best level first. Levels that
        do not exist have price `NO_ASK` or `NO_BID` and size 0.
    """

    asks: np.ndarray
    bids: np.ndarray

    def __len__(self) -> int:
        return len(self.asks)

    def levels(self, row: int, side: str) -> list[tuple[int, int]]:
        """Existing levels of one row and side as (price, shares), best first."""
        table = self.bids if side == "buy" else self.asks
        missing = NO_BID if side == "buy" else NO_ASK
        return [(int(p), int(s)) for p, s in table[row] if p != missing]


def parse_order_book_row(line: Line) -> list[int]:
    """Numbers of one order book line, checked: order of levels, signs, and not crossed."""
    fields = line.text.split(",")
    if len(fields) % 4:
        raise line.error("", f"{len(fields)} fields; the format has 4 a level")
    values = [line.integer(text, f"column {i + 1}", NO_BID) for i, text in enumerate(fields)]
    for name, prices, sizes, missing, sign in (
        ("ask", values[0::4], values[1::4], NO_ASK, 1),
        ("bid", values[2::4], values[3::4], NO_BID, -1),
    ):
        for price, size in zip(prices, sizes, strict=True):
            if price != missing and (price < 1 or size < 1):
                raise line.error(f"{name} level", f"{size} shares at {price}")
        for better, worse in itertools.pairwise(prices):
            if sign * better > sign * worse or (better == worse != missing):
                raise line.error(f"{name} price", f"{worse} follows {better}")
    if values[0] != NO_ASK and values[2] != NO_BID and values[0] <= values[2]:
        raise line.error("ask price", f"{values[0]} is not above the bid {values[2]}")
    return values


def read_order_book(path: Path) -> OrderBookRows:
    """All rows of a LOBSTER order book file.

    Parameters
    ----------
    path : str or os.PathLike
        Plain, gzip or zip.

    Returns
    -------
    OrderBookRows

    Raises
    ------
    DataFormatError
        The file is empty, a row has another number of levels than the first, or a row is not a
        book: levels out of order, sizes below one, bid not below ask.
    """
    rows: list[list[int]] = []
    for line in read_lines(path):
        rows.append(parse_order_book_row(line))
        if len(rows[-1]) != len(rows[0]):
            raise line.error("", f"{len(rows[-1])} fields; the first line has {len(rows[0])}")
    if not rows:
        raise DataFormatError(str(path), 0, "", "the file is empty")
    table = np.array(rows, dtype=np.int64).reshape(len(rows), -1, 2, 2)
    return OrderBookRows(asks=table[:, :, 0, :], bids=table[:, :, 1, :])


def executions(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Runs of visible executions that one aggressive order caused.

    Parameters
    ----------
    messages : iterable of Message

    Yields
    ------
    list of Message
        Consecutive type-4 messages with one time stamp and side. A hidden execution in between
        ends the run: the order went on after it, against liquidity the files do not show.
    """
    for (kind, _, _), run in itertools.groupby(
        messages, key=lambda message: (message.kind, message.time_ns, message.side)
    ):
        if kind == EXECUTE_VISIBLE:
            yield list(run)


@dataclass(slots=True)
class _Resting:
    side: str
    price: int
    size: int


class Replay:
    """LOBSTER events applied to an order book.

    Each seeded or imported level is one anonymous order: events of orders that were never seen
    arriving act on it.

    Parameters
    ----------
    book : cascade.OrderBook
        Empty, in dollars; its tick must hold the file's prices (0.01 does for most shares,
        0.0001 for all) and its lot one share.
    bids, asks : iterable of (int, int)
        Levels to start from, price x 10,000 and shares, best first: row 0 of the order book file;
        the first message to apply is then message 1.

    Attributes
    ----------
    book : cascade.OrderBook
        As given.
    """

    def __init__(
        self, book: Any, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]
    ) -> None:
        self.book = book
        self._book_id: dict[int, int] = {}  # LOBSTER id -> book id
        self._resting: dict[int, _Resting] = {}  # book id -> what is left
        self._levels: dict[str, dict[int, set[int]]] = {"buy": {}, "sell": {}}
        self._anonymous: dict[tuple[str, int], int] = {}
        self._worst: dict[str, int] = {}
        for side, levels in (("buy", list(bids)), ("sell", list(asks))):
            for price, size in levels:
                self._anonymous[side, price] = self._place(side, price, size)
            self._worst[side] = _worst_price(side, levels)

    @staticmethod
    def dollars(price: int) -> Decimal:
        """Exact dollars of a price x 10,000."""
        return Decimal(price).scaleb(-4)

    def maker_of(self, message: Message) -> int | None:
        """Book id of the resting order that a message is about.

        The anonymous order of the level stands for orders never seen arriving; None when neither
        is in the book.
        """
        order = self._book_id.get(message.order_id)
        if order is not None and order in self._resting:
            return order
        return self._anonymous.get((message.side, message.price))

    def apply(self, message: Message) -> None:
        """Apply one event; executions reduce the order they name.

        Hidden executions, cross trades and halts leave the visible book as it is. Events of
        orders that are not in the book (outside the window when they arrived) are ignored.

        Raises
        ------
        ValueError
            The book refuses the order, or a new order would trade.
        """
        if message.kind == NEW:
            placed = self._place(message.side, message.price, message.size)
            self._book_id[message.order_id] = placed
        elif message.kind in (REDUCE, DELETE, EXECUTE_VISIBLE):
            order = self.maker_of(message)
            if order is not None:
                left = self._resting[order].size - message.size
                if left > 0:
                    self.book.modify(order, size=left)
                    self._resting[order].size = left
                else:
                    self.book.cancel(order)
                    self._forget(order)

    def execute(self, run: list[Message]) -> list[tuple[int, int]]:
        """Send the aggressive order behind a run of executions.

        Parameters
        ----------
        run : list of Message
            One group of `executions`: sent as one immediate-or-cancel order of the group's shares
            at the last price.

        Returns
        -------
        list of (int, int)
            Book id of the maker and shares of each fill, in order.
        """
        size = sum(message.size for message in run)
        taker = self.book.limit(
            "sell" if run[0].side == "buy" else "buy",
            self.dollars(run[-1].price),
            size,
            time_in_force="ioc",
        )
        fills = fills_of(self.book, taker.order)
        for maker, filled in fills:
            self._resting[maker].size -= filled
            if self._resting[maker].size == 0:
                self._forget(maker)
        return fills

    def import_row(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> int:
        """Import the levels that entered the window; call it after the row's message.

        Only prices beyond the worst level of the row before are touched: what was in the window
        all along must follow from the messages.

        Parameters
        ----------
        bids, asks : list of (int, int)
            The row's levels, price x 10,000 and shares, best first.

        Returns
        -------
        int
            Levels whose size the book did not have already.
        """
        changed = 0
        for side, levels in (("buy", bids), ("sell", asks)):
            beyond = _beyond(side, self._worst[side])
            row = dict(levels)
            worst = _worst_price(side, levels)
            hidden = _beyond(side, worst)
            known = [p for p in self._levels[side] if beyond(p) and not hidden(p)]
            for price in known:
                if row.get(price) != self._size(side, price):
                    self._clear(side, price)
            for price, size in levels:
                if beyond(price) and price not in self._levels[side]:
                    self._anonymous[side, price] = self._place(side, price, size)
                    changed += 1
            self._worst[side] = worst
        return changed

    def _size(self, side: str, price: int) -> int:
        return sum(self._resting[order].size for order in self._levels[side].get(price, ()))

    def _place(self, side: str, price: int, size: int) -> int:
        result = self.book.limit(side, self.dollars(price), size)
        if not result.ok or result.filled:
            raise ValueError(
                f"{side} {size} at {price} is refused or trades: code {result.code!r}, "
                f"{result.filled} filled"
            )
        self._resting[result.order] = _Resting(side, price, size)
        self._levels[side].setdefault(price, set()).add(result.order)
        return int(result.order)

    def _clear(self, side: str, price: int) -> None:
        for order in list(self._levels[side][price]):
            self.book.cancel(order)
            self._forget(order)

    def _forget(self, order: int) -> None:
        gone = self._resting.pop(order)
        level = self._levels[gone.side][gone.price]
        level.remove(order)
        if not level:
            del self._levels[gone.side][gone.price]
        if self._anonymous.get((gone.side, gone.price)) == order:
            del self._anonymous[gone.side, gone.price]


def _worst_price(side: str, levels: list[tuple[int, int]]) -> int:
    if levels:
        return levels[-1][0]
    return NO_ASK if side == "buy" else NO_BID


def _beyond(side: str, price: int) -> Callable[[int], bool]:
    if side == "buy":
        return lambda other: other < price
    return lambda other: other > price
