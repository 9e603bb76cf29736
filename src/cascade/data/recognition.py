"""Depth from any supported file: the format is recognised from the first line, not the name.

Recognised: LOBSTER order book files, order-by-order CSV, recorded Binance streams, OKX websocket
logs, Bybit order book archives, depth snapshots in JSON as REST interfaces return them, and the
generic depth CSV. Logs give the first snapshot of the instrument.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from cascade.data import binance, bybit, depth_csv, lobster, okx, order_by_order
from cascade.data.depth import Depth, checked_depth
from cascade.data.lines import (
    DataFormatError,
    Level,
    Line,
    Path,
    parse_json,
    read_lines,
    read_text,
)

# Instrument, bids and asks.
Snapshot = tuple[str, Sequence[Level], Sequence[Level]]

_BINANCE = re.compile(r"[0-9]{18,19} \{", re.ASCII)
_OKX = re.compile(r"wss://|[0-9]+(?:\.[0-9]+)?: \{", re.ASCII)
_NUMBERS = re.compile(r"-?[0-9]+(?:,-?[0-9]+)*", re.ASCII)


def _lobster(path: str) -> Depth:
    values = lobster.parse_order_book_row(next(read_lines(path)))
    asks = [(p, s) for p, s in zip(values[0::4], values[1::4], strict=True) if p != lobster.NO_ASK]
    bids = [(p, s) for p, s in zip(values[2::4], values[3::4], strict=True) if p != lobster.NO_BID]
    exact = ([(Decimal(p).scaleb(-4), Decimal(s)) for p, s in side] for side in (bids, asks))
    return checked_depth(path, "LOBSTER order book", "", *exact)


def _order_by_order(path: str) -> Depth:
    sizes: dict[str, dict[Decimal, Decimal]] = {"buy": {}, "sell": {}}
    for record in order_by_order.read_records(path):
        if not record.flags & order_by_order.FLAG_SNAPSHOT:
            break
        if record.action == "A":
            side = sizes[record.side]
            side[record.quote] = side.get(record.quote, Decimal(0)) + record.size
    return checked_depth(path, "order by order", "", sizes["buy"].items(), sizes["sell"].items())


def _binance_stream(path: str) -> Depth:
    symbol = ""
    for message in binance.read_stream(path):
        if isinstance(message, binance.DepthSnapshot):
            return checked_depth(path, "Binance stream", symbol, message.bids, message.asks)
        symbol = message.symbol
    raise DataFormatError(path, 0, "lastUpdateId", "no depth snapshot in the recording")


def _exact(levels: tuple[okx.SentLevel, ...]) -> list[Level]:
    return [(Decimal(price), Decimal(size)) for price, size in levels]


def _okx_snapshots(path: str) -> Iterator[Snapshot]:
    for message in okx.read_log(path):
        if isinstance(message, okx.BookMessage) and message.action == "snapshot":
            yield message.instrument, _exact(message.bids), _exact(message.asks)


def _bybit_snapshots(path: str) -> Iterator[Snapshot]:
    for message in bybit.read_messages(path):
        if message.kind == "snapshot":
            yield message.symbol, message.bids, message.asks


def _from_snapshots(path: str, format: str, snapshots: Iterator[Snapshot], symbol: str) -> Depth:
    """First snapshot of `symbol`, or the only instrument's when no symbol is given."""
    found: dict[str, tuple[Sequence[Level], Sequence[Level]]] = {}
    for name, bids, asks in snapshots:
        found.setdefault(name, (bids, asks))
        if name == symbol:
            break
    if not symbol and len(found) == 1:
        symbol = next(iter(found))
    if symbol not in found:
        raise DataFormatError(
            path, 0, "symbol", f"{symbol!r} is not one of {', '.join(found) or '(no snapshot)'}"
        )
    return checked_depth(path, format, symbol, *found[symbol])


def _rest_snapshot(path: str) -> Depth:
    record = parse_json(read_text(path), path)
    line = Line(path, 0, "")
    if isinstance(record, dict) and "bids" not in record and "data" in record:
        data = record["data"]
        record = data[0] if isinstance(data, list) and data else data
    symbol = record.get("symbol", "") if isinstance(record, dict) else ""
    if not isinstance(symbol, str):
        raise line.error("symbol", f"{symbol!r:.40} is not a name")
    bids, asks = line.levels(record, "bids"), line.levels(record, "asks")
    return checked_depth(path, "REST snapshot", symbol, bids, asks)


def load_depth(path: Path, symbol: str = "") -> Depth:
    """Depth of one instrument from a file of any supported format.

    Parameters
    ----------
    path : str or os.PathLike
        Plain, gzip or zip; recognised from its first line.
    symbol : str
        Instrument, for logs that hold several; it may be left out where there is one.

    Returns
    -------
    Depth
        The first snapshot in the file, with exact prices and sizes, best levels first.

    Raises
    ------
    DataFormatError
        No format is recognised, the content breaks the format, the symbol is missing or not in
        the file, or the levels are not a book.
    """
    name = os.fspath(path)
    first = next(read_lines(name), None)
    if first is None:
        raise DataFormatError(name, 0, "", "the file is empty")
    start = first.text.lstrip()
    header = {field.strip().lower() for field in start.split(",")}
    if _BINANCE.match(start):
        return _binance_stream(name)
    if _OKX.match(start):
        return _from_snapshots(name, "OKX log", _okx_snapshots(name), symbol)
    if start.startswith(("{", "[")):
        if start.startswith("{") and '"topic"' in start[:200]:
            return _from_snapshots(name, "Bybit archive", _bybit_snapshots(name), symbol)
        return _rest_snapshot(name)
    if header.issuperset(order_by_order.COLUMNS):
        return _order_by_order(name)
    if header.issuperset(depth_csv.COLUMNS):
        return depth_csv.read_depth_csv(name)
    if _NUMBERS.fullmatch(start) and len(start.split(",")) % 4 == 0:
        return _lobster(name)
    raise DataFormatError(name, 1, "", f"no known depth format begins with {start[:40]!r}")
