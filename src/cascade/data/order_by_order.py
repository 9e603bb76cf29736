"""Order-by-order (market by order) CSV files, as CME publishes them, and their replay.

Columns: ts_event, action, side, price_1e-9, size, order_id, flags, sequence. Actions are A add,
C cancel, M modify, T aggressive order, F fill of a resting order, R clear. Flag 128 marks the last
record of an event, flag 32 a record of the opening snapshot, in which the order of records at a
price is queue order. Field meanings: https://databento.com/docs/schemas-and-data-formats/mbo.

T and F come before the book changes of their event and do not change the book themselves: a C or M
of the filled order follows. A modification keeps its place only at the same price and with a size
not above what the fills left; a larger size after a fill is the refresh of an iceberg and goes to
the back. An F that carries the T's own id is the aggressive order's side of the trade. An order
that is cancelled in the event of a trade without being named by an F was passed over: it left the
book before the aggressive order reached it (as self-trade prevention does with the older order),
although its C stands behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cascade.data.level_book import fills_of
from cascade.data.lines import Line, Path, read_table

FLAG_LAST = 128
FLAG_SNAPSHOT = 32

NO_PRICE = 2**63 - 1

COLUMNS = ("ts_event", "action", "side", "price_1e-9", "size", "order_id", "flags", "sequence")
ACTIONS = ("A", "C", "M", "T", "F", "R")

_SIDE = {"B": "buy", "A": "sell", "N": ""}


@dataclass(frozen=True, slots=True)
class Record:
    """One record of the feed.

    Attributes
    ----------
    time_ns : int
        Nanoseconds since 1970, UTC.
    action : str
        "A", "C", "M", "T", "F" or "R".
    side : str
        "buy" or "sell": of the resting order for A, C, M and F, of the aggressor for T; "" for R
        and for trades without an aggressor.
    price : int
        Price x 10**9; `NO_PRICE` when there is none.
    size : int
        Contracts: new size for A and M, removed size for C, traded size for T and F.
    order_id : int
    flags : int
        Bits `FLAG_LAST`, `FLAG_SNAPSHOT` and the publisher's own.
    sequence : int
        Of the venue's message.
    """

    time_ns: int
    action: str
    side: str
    price: int
    size: int
    order_id: int
    flags: int
    sequence: int

    @property
    def quote(self) -> Decimal:
        """Exact price."""
        return Decimal(self.price).scaleb(-9)


def _record(line: Line, row: dict[str, str]) -> Record:
    action = line.choice(row["action"], "action", ACTIONS)
    side = _SIDE[line.choice(row["side"], "side", ("A", "B", "N"))]
    price = line.integer(row["price_1e-9"], "price_1e-9", 1)
    if action in "ACM" and not side:
        raise line.error("side", f"N for action {action}; A or B belongs")
    if action != "R" and price == NO_PRICE:
        raise line.error("price_1e-9", f"is missing for action {action}")
    return Record(
        line.integer(row["ts_event"], "ts_event"),
        action,
        side,
        price,
        line.integer(row["size"], "size", 0 if action == "R" else 1, 2**32 - 1),
        line.integer(row["order_id"], "order_id"),
        line.integer(row["flags"], "flags", 0, 255),
        line.integer(row["sequence"], "sequence", 0, 2**32 - 1),
    )


def read_records(path: Path) -> Iterator[Record]:
    """Records of an order-by-order CSV file.

    Parameters
    ----------
    path : str or os.PathLike
        Plain, gzip or zip, with a header line that names the columns of `COLUMNS`.

    Yields
    ------
    Record
        In the order of the file.

    Raises
    ------
    DataFormatError
        A column is missing or a field is not of its kind; named with file and line.
    """
    for line, row in read_table(path, COLUMNS):
        yield _record(line, row)


def events(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Groups of records up to and including one with `FLAG_LAST`.

    The snapshot is part of the first event. Records after the last flag come out as a last group.
    """
    event: list[Record] = []
    for record in records:
        event.append(record)
        if record.flags & FLAG_LAST:
            yield event
            event = []
    if event:
        yield event


@dataclass(slots=True)
class Trade:
    """One aggressive order of an event: what the feed reports and what the book did.

    Attributes
    ----------
    aggressor : Record
        The T record.
    reported : list of (int, int)
        Feed id of the maker and contracts of each F record, in order.
    filled : list of (int, int)
        The same from the book's own matching.
    """

    aggressor: Record
    reported: list[tuple[int, int]] = field(default_factory=list)
    filled: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Resting:
    side: str
    price: int
    size: int


def _passed_over(event: list[Record]) -> list[Record]:
    """Cancels in the event of a trade whose orders no fill names."""
    if not any(record.action == "T" for record in event):
        return []
    named = {record.order_id for record in event if record.action == "F"}
    return [r for r in event if r.action == "C" and r.order_id not in named]


class Replay:
    """Order-by-order events applied to an order book.

    Aggressive orders are sent to the book as immediate-or-cancel orders, so the book itself finds
    the makers; the cancel or modification that follows then only confirms what is left.

    Parameters
    ----------
    book : cascade.OrderBook
        Empty; its tick must hold the feed's prices and its lot is one contract.

    Attributes
    ----------
    book : cascade.OrderBook
        As given.
    rules : dict of str to int
        How often each rule of the replay was used: "add", "cancel", "cancel in part", "cancel of
        a filled order", "cancel ahead of the trade" (also counted as "cancel"), "modify, place
        kept", "modify, place lost", "modify after a fill, place kept", "iceberg refresh",
        "aggressor", "trade without an aggressor", "clear".
    """

    def __init__(self, book: Any) -> None:
        self.book = book
        self.rules: dict[str, int] = {}
        self._book_id: dict[int, int] = {}  # feed id -> book id
        self._feed_id: dict[int, int] = {}
        self._resting: dict[int, _Resting] = {}  # by feed id
        self._filled: set[int] = set()  # feed ids filled in the event at hand

    def feed_id(self, order: int) -> int:
        """Feed id of an order in the book."""
        return self._feed_id[order]

    def apply(self, event: list[Record]) -> list[Trade]:
        """Apply one event.

        Parameters
        ----------
        event : list of Record
            One group of `events`.

        Returns
        -------
        list of Trade
            One for each aggressive order of the event.

        Raises
        ------
        ValueError
            A record contradicts the book (it names an order that is not there, adds one that is,
            or changes a side), or the book refuses an order. The records before it, and the
            event's cancels ahead of a trade, are then applied.
        """
        trades: list[Trade] = []
        self._filled.clear()
        passed_over = _passed_over(event)
        for record in passed_over:
            self._count("cancel ahead of the trade")
            self._cancel(record)
        for record in event:
            if record in passed_over:
                continue
            if record.action == "T":
                trades.append(Trade(record, filled=self._aggress(record)))
            elif record.action == "F":
                if trades and record.order_id != trades[-1].aggressor.order_id:
                    trades[-1].reported.append((record.order_id, record.size))
                    if not trades[-1].aggressor.side:
                        trades[-1].filled += self._fill(record)
            elif record.action == "A":
                self._count("add")
                self._add(record)
            elif record.action == "C":
                self._cancel(record)
            elif record.action == "M":
                self._modify(record)
            else:
                self._count("clear")
                for order in list(self._feed_id):
                    self.book.cancel(order)
                    self._forget(self._feed_id[order])
        return trades

    def _count(self, rule: str) -> None:
        self.rules[rule] = self.rules.get(rule, 0) + 1

    def _add(self, record: Record) -> None:
        if record.order_id in self._resting:
            raise ValueError(f"{record} adds an order that is in the book")
        result = self.book.limit(record.side, record.quote, record.size)
        if not result.ok or result.filled:
            raise ValueError(f"{record} is refused or trades: code {result.code!r}")
        self._book_id[record.order_id] = result.order
        self._feed_id[result.order] = record.order_id
        self._resting[record.order_id] = _Resting(record.side, record.price, record.size)

    def _forget(self, feed_id: int) -> None:
        del self._resting[feed_id]
        del self._feed_id[self._book_id.pop(feed_id)]

    def _aggress(self, record: Record) -> list[tuple[int, int]]:
        if not record.side:
            self._count("trade without an aggressor")
            return []
        self._count("aggressor")
        taker = self.book.limit(record.side, record.quote, record.size, time_in_force="ioc")
        fills = []
        for maker, size in fills_of(self.book, taker.order):
            feed_id = self._feed_id[maker]
            fills.append((feed_id, size))
            self._filled.add(feed_id)
            self._resting[feed_id].size -= size
            if self._resting[feed_id].size == 0:
                self._forget(feed_id)
        return fills

    def _fill(self, record: Record) -> list[tuple[int, int]]:
        """Take the fill of a trade without an aggressor off the order it names."""
        if record.order_id not in self._resting:
            raise ValueError(f"{record} fills an order that is not in the book")
        size = min(record.size, self._resting[record.order_id].size)
        self._reduce(record.order_id, size)
        self._filled.add(record.order_id)
        return [(record.order_id, size)]

    def _reduce(self, feed_id: int, size: int) -> None:
        resting = self._resting[feed_id]
        resting.size -= size
        if resting.size:
            self.book.modify(self._book_id[feed_id], size=resting.size)
        else:
            self.book.cancel(self._book_id[feed_id])
            self._forget(feed_id)

    def _cancel(self, record: Record) -> None:
        resting = self._resting.get(record.order_id)
        if resting is None:
            if record.order_id not in self._filled:
                raise ValueError(f"{record} cancels an order that is not in the book")
            self._count("cancel of a filled order")
        else:
            self._count("cancel in part" if record.size < resting.size else "cancel")
            self._reduce(record.order_id, min(record.size, resting.size))

    def _modify(self, record: Record) -> None:
        filled = record.order_id in self._filled
        resting = self._resting.get(record.order_id)
        if resting is None:
            if not filled:
                raise ValueError(f"{record} modifies an order that is not in the book")
            self._count("iceberg refresh")
            self._add(record)
            return
        if record.side != resting.side:
            raise ValueError(f"{record} changes the side of an order")
        kept = record.price == resting.price and record.size <= resting.size
        if filled:
            self._count("modify after a fill, place kept" if kept else "iceberg refresh")
        else:
            self._count("modify, place kept" if kept else "modify, place lost")
        book_id = self._book_id[record.order_id]
        result = self.book.modify(book_id, price=record.quote, size=record.size)
        if not result.ok or result.filled:
            raise ValueError(f"{record} is refused or trades: code {result.code!r}")
        resting.price, resting.size = record.price, record.size
