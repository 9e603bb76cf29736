"""OKX public websocket logs: the `books` channel with its checksum, and trades.

Format: https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel. The
log has one message a line: local time in seconds, a colon, and the JSON message as received; lines
of what the recorder itself sent begin with the address.

Each snapshot and update carries a signed CRC-32 of the top 25 levels: bid price, bid size, ask
price, ask size of the best level, then of the next, joined by colons, with the digits exactly as
the venue sent them. Where one side is shorter, the other goes on alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cascade.data.level_book import SIDES, LevelBook
from cascade.data.lines import Line, Path, read_lines

CHECKSUM_LEVELS = 25
MAX_TIME_SECONDS = 2**33

SentLevel = tuple[str, str]


@dataclass(frozen=True, slots=True)
class BookMessage:
    """Snapshot or update of one instrument's book.

    Attributes
    ----------
    line : int
        Number of the line in the log.
    local_ns : int
        Nanoseconds since 1970 on the recorder's clock.
    time_ms : int
        Milliseconds since 1970 on the venue's clock.
    instrument : str
    action : str
        "snapshot" or "update".
    bids, asks : tuple of (str, str)
        Price and new size, digits as sent; size 0 removes the level. The parser has checked that
        both are decimal numbers.
    checksum : int
        Signed 32-bit CRC of the book after this message.
    """

    line: int
    local_ns: int
    time_ms: int
    instrument: str
    action: str
    bids: tuple[SentLevel, ...]
    asks: tuple[SentLevel, ...]
    checksum: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade; `side` is the aggressor's, "buy" or "sell"."""

    line: int
    local_ns: int
    time_ms: int
    instrument: str
    trade_id: str
    price: Decimal
    size: Decimal
    side: str


def _sent_levels(line: Line, record: Any, field: str) -> tuple[SentLevel, ...]:
    levels = []
    for price, size, *_ in line.pairs(record, field):
        if not isinstance(price, str) or not isinstance(size, str):
            raise line.error(field, "price and size are not strings of digits")
        line.decimal(price, field)
        line.decimal(size, field)
        levels.append((price, size))
    return tuple(levels)


def _messages(line: Line, record: Any, local_ns: int) -> Iterator[BookMessage | Trade]:
    argument = line.get(record, "arg", dict)
    channel = line.get(argument, "channel", str)
    if channel not in ("books", "trades"):
        return
    instrument = line.get(argument, "instId", str)
    for entry in line.get(record, "data", list):
        time_ms = line.integer(line.get(entry, "ts", str), "ts")
        if channel == "trades":
            yield Trade(
                line.number,
                local_ns,
                time_ms,
                instrument,
                line.get(entry, "tradeId", str),
                line.decimal(line.get(entry, "px", str), "px"),
                line.decimal(line.get(entry, "sz", str), "sz"),
                line.choice(line.get(entry, "side", str), "side", SIDES),
            )
            continue
        yield BookMessage(
            line.number,
            local_ns,
            time_ms,
            instrument,
            line.choice(line.get(record, "action", str), "action", ("snapshot", "update")),
            _sent_levels(line, entry, "bids"),
            _sent_levels(line, entry, "asks"),
            line.integer(line.get(entry, "checksum", int), "checksum", -(2**31), 2**31 - 1),
        )


def read_log(path: Path) -> Iterator[BookMessage | Trade]:
    """Book messages and trades of a websocket log.

    Parameters
    ----------
    path : str or os.PathLike
        Plain, gzip or zip. Subscriptions, tickers and the recorder's own lines are left out.

    Yields
    ------
    BookMessage or Trade
        In the order of the file, all instruments mixed.

    Raises
    ------
    DataFormatError
        A line is not a time and a JSON object, or a field is missing or not of its kind.
    """
    for line in read_lines(path):
        if line.text.startswith("wss://"):
            continue
        stamp, _, text = line.text.partition(": ")
        seconds = line.decimal(stamp, "local time")
        if seconds >= MAX_TIME_SECONDS:
            raise line.error("local time", f"{stamp[:40]} is not seconds since 1970")
        record = line.json(text)
        if isinstance(record, dict) and "event" in record:
            continue
        yield from _messages(line, record, int(seconds.scaleb(9)))


def checksum(bids: list[SentLevel], asks: list[SentLevel]) -> int:
    """Signed CRC-32 of the best levels, as the venue computes it.

    Parameters
    ----------
    bids, asks : list of (str, str)
        Price and size digits, best first; levels after the 25th are ignored.

    Examples
    --------
    The venue's own example string is ``3366.1:7:3366.8:9:3366:6:3368:8``.

    >>> import zlib
    >>> value = zlib.crc32(b"3366.1:7:3366.8:9:3366:6:3368:8")
    >>> checksum([("3366.1", "7"), ("3366", "6")], [("3366.8", "9"), ("3368", "8")]) == (
    ...     value - 2**32 if value >= 2**31 else value)
    True
    """
    words: list[str] = []
    for level in range(CHECKSUM_LEVELS):
        for side in (bids, asks):
            if level < len(side):
                words += side[level]
    value = zlib.crc32(":".join(words).encode("ascii"))
    return value - 2**32 if value >= 2**31 else value


class BookReplay:
    """Messages of one instrument applied to an order book, one anonymous order a level.

    Parameters
    ----------
    book : cascade.OrderBook
        Empty, on the instrument's tick and lot.

    Attributes
    ----------
    levels : LevelBook
        The levels and the book that holds them.
    """

    def __init__(self, book: Any) -> None:
        self.levels: LevelBook = LevelBook(book)
        # Digits as sent, by side and exact price: the checksum is over these.
        self._sent: dict[str, dict[Decimal, SentLevel]] = {side: {} for side in SIDES}

    def apply(self, message: BookMessage) -> None:
        """Apply a snapshot or an update.

        Raises
        ------
        ValueError
            The book that results is crossed, or a level is off the book's grid.
        """
        changes = []
        for side, levels in zip(SIDES, (message.bids, message.asks), strict=True):
            sent = self._sent[side]
            if message.action == "snapshot":
                sent.clear()
            exact = []
            for price_text, size_text in levels:
                price, size = Decimal(price_text), Decimal(size_text)
                exact.append((price, size))
                if size == 0:
                    sent.pop(price, None)
                else:
                    sent[price] = (price_text, size_text)
            changes.append(exact)
        if message.action == "snapshot":
            self.levels.load(*changes)
        else:
            self.levels.update(*changes)

    def digits(self, side: str, price: Decimal) -> SentLevel:
        """Price and size of a level as the venue last sent them."""
        return self._sent[side][price]
