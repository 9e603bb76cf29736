"""Binance USD-M futures market data: recorded websocket streams and REST depth snapshots.

Formats: https://developers.binance.com/docs/derivatives/usds-margined-futures (diff. book depth
streams, individual symbol book ticker streams, trade streams, order book). A recording has one
message a line: local time in nanoseconds, a blank, and the message as received; a REST depth
snapshot stands in the same file at the time it arrived.

A local book follows the venue's own rule: start from the snapshot, apply the updates with
`u` > `lastUpdateId`, the first of which must span the snapshot, and require of each later update
that its `pu` is the `u` of the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from cascade.data.level_book import LevelBook
from cascade.data.lines import Level, Line, Path, read_lines


@dataclass(frozen=True, slots=True)
class DepthUpdate:
    """New sizes of some levels (`depthUpdate`).

    Attributes
    ----------
    local_ns : int
        Nanoseconds since 1970 on the recorder's clock.
    time_ms : int
        Transaction time `T`, milliseconds since 1970.
    symbol : str
    first_id, last_id, previous_id : int
        `U`, `u` and `pu`: first and last update in the message, last update of the message before.
    bids, asks : tuple of (Decimal, Decimal)
        Price and new size; 0 removes the level.
    """

    local_ns: int
    time_ms: int
    symbol: str
    first_id: int
    last_id: int
    previous_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class BookTicker:
    """Best bid and ask after update `update_id` (`bookTicker`)."""

    local_ns: int
    time_ms: int
    symbol: str
    update_id: int
    bid_price: Decimal
    bid_size: Decimal
    ask_price: Decimal
    ask_size: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade (`trade`); `side` is the aggressor's, "buy" or "sell"."""

    local_ns: int
    time_ms: int
    symbol: str
    trade_id: int
    price: Decimal
    size: Decimal
    side: str


@dataclass(frozen=True, slots=True)
class DepthSnapshot:
    """Levels best first after update `last_id`, as `GET /fapi/v1/depth` gives them."""

    local_ns: int
    time_ms: int
    last_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


Message = DepthUpdate | BookTicker | Trade | DepthSnapshot


def parse_snapshot(line: Line, record: Any, local_ns: int = 0) -> DepthSnapshot:
    """Depth snapshot from its JSON object."""
    return DepthSnapshot(
        local_ns,
        line.integer(record.get("T", 0), "T"),
        line.integer(line.get(record, "lastUpdateId", int), "lastUpdateId"),
        line.levels(record, "bids"),
        line.levels(record, "asks"),
    )


def _parse_update(line: Line, record: Any, local_ns: int) -> DepthUpdate:
    first_id = line.integer(line.get(record, "U", int), "U")
    return DepthUpdate(
        local_ns,
        line.integer(line.get(record, "T", int), "T"),
        line.get(record, "s", str),
        first_id,
        line.integer(line.get(record, "u", int), "u", first_id),
        line.integer(line.get(record, "pu", int), "pu"),
        line.levels(record, "b"),
        line.levels(record, "a"),
    )


def _parse_ticker(line: Line, record: Any, local_ns: int) -> BookTicker:
    return BookTicker(
        local_ns,
        line.integer(line.get(record, "T", int), "T"),
        line.get(record, "s", str),
        line.integer(line.get(record, "u", int), "u"),
        *(line.decimal(line.get(record, name, str), name) for name in ("b", "B", "a", "A")),
    )


def _parse_trade(line: Line, record: Any, local_ns: int) -> Trade:
    return Trade(
        local_ns,
        line.integer(line.get(record, "T", int), "T"),
        line.get(record, "s", str),
        line.integer(line.get(record, "t", int), "t"),
        line.decimal(line.get(record, "p", str), "p"),
        line.decimal(line.get(record, "q", str), "q"),
        "sell" if line.get(record, "m", bool) else "buy",
    )


_PARSERS: dict[str, Callable[[Line, Any, int], DepthUpdate | BookTicker | Trade]] = {
    "depthUpdate": _parse_update,
    "bookTicker": _parse_ticker,
    "trade": _parse_trade,
}


def read_stream(path: Path) -> Iterator[Message]:
    """Messages of a recorded stream.

    Parameters
    ----------
    path : str or os.PathLike
        Plain, gzip or zip. Messages may be bare or in the combined-stream envelope
        (``{"stream": ..., "data": ...}``).

    Yields
    ------
    DepthUpdate, BookTicker, Trade or DepthSnapshot
        In the order of the file.

    Raises
    ------
    DataFormatError
        A line is not a time and a JSON object, the message is of another type, or a field is
        missing or not of its kind; named with file and line.
    """
    for line in read_lines(path):
        stamp, _, text = line.text.partition(" ")
        local_ns = line.integer(stamp, "local time")
        record = line.json(text)
        if isinstance(record, dict) and "data" in record:
            record = line.get(record, "data", dict)
        if isinstance(record, dict) and "lastUpdateId" in record:
            yield parse_snapshot(line, record, local_ns)
            continue
        kind = line.get(record, "e", str)
        parse = _PARSERS.get(kind)
        if parse is None:
            raise line.error("e", f"{kind[:40]!r} is not one of {', '.join(_PARSERS)}")
        yield parse(line, record, local_ns)


class DepthReplay:
    """Snapshot and depth updates applied to an order book, one anonymous order a level.

    Parameters
    ----------
    book : cascade.OrderBook
        Empty, on the symbol's tick and lot.
    snapshot : DepthSnapshot
        Where to start.

    Attributes
    ----------
    levels : LevelBook
        The levels and the book that holds them.
    last_id : int
        Last update applied.
    """

    def __init__(self, book: Any, snapshot: DepthSnapshot) -> None:
        self.levels: LevelBook = LevelBook(book)
        self.levels.load(snapshot.bids, snapshot.asks)
        self.last_id: int = snapshot.last_id
        self._started = False

    def apply(self, update: DepthUpdate) -> bool:
        """Apply one update; False when the snapshot already holds it.

        Raises
        ------
        ValueError
            Updates are missing between the last one applied and this one, or the book that
            results is crossed.
        """
        if update.last_id <= self.last_id:
            return False
        if self._started:
            if update.previous_id != self.last_id:
                raise ValueError(
                    f"update {update.last_id} follows {update.previous_id}; "
                    f"the last one applied is {self.last_id}"
                )
        elif update.previous_id > self.last_id:
            raise ValueError(f"updates are missing after snapshot {self.last_id}")
        self.levels.update(update.bids, update.asks)
        self.last_id = update.last_id
        self._started = True
        return True
