"""Bybit order book archives: snapshots and deltas of up to 500 levels.

Format: https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook; daily archives from
https://www.bybit.com/derivatives/en/history-data hold one message a line in a zip file. A snapshot
replaces the book; in a delta, size 0 removes a level and any other size sets it. The update id `u`
grows by one from delta to delta.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cascade.data.level_book import LevelBook
from cascade.data.lines import Level, Path, read_lines


@dataclass(frozen=True, slots=True)
class BookMessage:
    """Snapshot or delta of one symbol's book.

    Attributes
    ----------
    time_ms, matching_time_ms : int
        Milliseconds since 1970: when the message was made (`ts`), and when the matching engine
        produced the book (`cts`).
    symbol : str
    kind : str
        "snapshot" or "delta".
    bids, asks : tuple of (Decimal, Decimal)
        Price and new size; 0 removes the level.
    update_id, sequence : int
        `u` and `seq`.
    """

    time_ms: int
    matching_time_ms: int
    symbol: str
    kind: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    update_id: int
    sequence: int


def read_messages(path: Path) -> Iterator[BookMessage]:
    """Messages of an order book archive.

    Parameters
    ----------
    path : str or os.PathLike
        Zip as the venue publishes it, gzip or plain.

    Yields
    ------
    BookMessage
        In the order of the file.

    Raises
    ------
    DataFormatError
        A line is not a message of the order book topic, or a field is missing or not of its kind.
    """
    for line in read_lines(path):
        record = line.json(line.text)
        if not line.get(record, "topic", str).startswith("orderbook."):
            raise line.error("topic", f"{record['topic'][:40]!r} is not an order book")
        data = line.get(record, "data", dict)
        yield BookMessage(
            line.integer(line.get(record, "ts", int), "ts"),
            line.integer(line.get(record, "cts", int), "cts"),
            line.get(data, "s", str),
            line.choice(line.get(record, "type", str), "type", ("snapshot", "delta")),
            line.levels(data, "b"),
            line.levels(data, "a"),
            line.integer(line.get(data, "u", int), "u"),
            line.integer(line.get(data, "seq", int), "seq"),
        )


class BookReplay:
    """Messages of one symbol applied to an order book, one anonymous order a level.

    Parameters
    ----------
    book : cascade.OrderBook
        Empty, on the symbol's tick and lot.

    Attributes
    ----------
    levels : LevelBook
        The levels and the book that holds them.
    update_id : int
        `u` of the last message applied; -1 before the first snapshot.
    """

    def __init__(self, book: Any) -> None:
        self.levels: LevelBook = LevelBook(book)
        self.update_id: int = -1

    def apply(self, message: BookMessage) -> None:
        """Apply a snapshot or a delta.

        Raises
        ------
        ValueError
            A delta comes before the first snapshot or is not the next one, the book that results
            is crossed, or a level is off the book's grid.
        """
        if message.kind == "snapshot":
            self.levels.load(message.bids, message.asks)
        elif self.update_id < 0 or message.update_id != self.update_id + 1:
            raise ValueError(f"delta {message.update_id} follows {self.update_id}")
        else:
            self.levels.update(message.bids, message.asks)
        self.update_id = message.update_id
