"""Price paths from CSV files with a header line.

The time column is the first of time, timestamp, open_time, date, datetime, ts (with an optional
suffix _ns, _us, _ms or _s). Times are ISO 8601 in UTC or integers; integers without a suffix are
seconds, milli-, micro- or nanoseconds by magnitude, which is unambiguous between 1973 and 5138. The
price column is the first of price, close, last, mid, usd_price; open, high, low and volume are read
when all of open, high and low are there. Column names are compared in lower case.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np

from cascade.data.lines import DataFormatError, Line, Path, read_table

TIME_NAMES = ("time", "timestamp", "open_time", "date", "datetime", "ts")
PRICE_NAMES = ("price", "close", "last", "mid", "usd_price")

_UNIT_NS = {"_ns": 1, "_us": 10**3, "_ms": 10**6, "_s": 10**9}
# Largest integer of each unit when the column does not name one: the year 5138 in seconds.
_MAGNITUDE_NS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (2**63, 1))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class PricePath:
    """Prices over time.

    Attributes
    ----------
    time_ns : numpy.ndarray
        int64, nanoseconds since 1970 UTC, never decreasing. For bars, the time the file gives.
    price : numpy.ndarray
        Object array of Decimal, quote units, as written; for bars the close. Use
        ``price.astype(float)`` where exactness does not matter.
    open, high, low : numpy.ndarray or None
        The same for bars.
    """

    time_ns: np.ndarray
    price: np.ndarray
    open: np.ndarray | None = None
    high: np.ndarray | None = None
    low: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.time_ns)

    def ticks(self, tick_size: Decimal | int | str, round_to_tick: bool = False) -> np.ndarray:
        """Prices as integer ticks.

        Parameters
        ----------
        tick_size : Decimal, int or str
            Exact size of a tick in quote units.
        round_to_tick : bool
            Round to the nearest tick, ties to even, instead of refusing prices between ticks.

        Returns
        -------
        numpy.ndarray
            int64, one a price.

        Raises
        ------
        ValueError
            The tick is not above 0, or a price is between two ticks and rounding was not asked
            for.
        OverflowError
            A price has more than 2**63 - 1 ticks.

        Examples
        --------
        >>> path = PricePath(np.array([0]), np.array([Decimal("1571.639336188")], dtype=object))
        >>> path.ticks("0.01", round_to_tick=True).tolist()
        [157164]
        >>> path.ticks("0.01")
        Traceback (most recent call last):
            ...
        ValueError: price 1571.639336188 at index 0 is not a multiple of 0.01
        """
        tick = Decimal(tick_size)
        if not tick.is_finite() or tick <= 0:
            raise ValueError(f"tick_size {tick_size} must be above 0")
        step = Fraction(tick)
        result = np.empty(len(self), dtype=np.int64)
        for index, price in enumerate(self.price):
            quotient = Fraction(price) / step
            if quotient.denominator != 1 and not round_to_tick:
                raise ValueError(f"price {price} at index {index} is not a multiple of {tick}")
            result[index] = round(quotient)
        return result


def _iso_ns(line: Line, text: str, field: str) -> int:
    match = _ISO.fullmatch(text)
    if match is None:
        raise line.error(field, f"{text[:40]!r} is neither an integer nor an ISO 8601 time")
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone or 'Z'}")
    except ValueError as error:
        raise line.error(field, f"{text!r}: {error}") from error
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    return line.integer(seconds * 10**9 + int((fraction or "").ljust(9, "0")), field)


def _time_ns(line: Line, text: str, field: str) -> int:
    if not text.lstrip("+-").isdigit():
        return _iso_ns(line, text, field)
    number = line.integer(text, field)
    named = [unit for suffix, unit in _UNIT_NS.items() if field.endswith(suffix)]
    unit_ns = named[0] if named else next(u for limit, u in _MAGNITUDE_NS if number < limit)
    return line.integer(number * unit_ns, field)


def _first(names: tuple[str, ...], header: list[str], path: str, what: str) -> str:
    for name in names:
        if name in header:
            return name
    raise DataFormatError(path, 1, what, f"no column of {', '.join(names)} in the header")


def load_prices(path: Path) -> PricePath:
    """Price path from a CSV file.

    Parameters
    ----------
    path : str or os.PathLike
        Plain, gzip or zip.

    Returns
    -------
    PricePath

    Raises
    ------
    DataFormatError
        There is no time or price column or no row, a price is not a positive decimal number, or
        time runs backwards.
    """
    name = os.fspath(path)
    time_names = tuple(n + suffix for n in TIME_NAMES for suffix in ("", *_UNIT_NS))
    columns: dict[str, list[Decimal]] = {}
    times: list[int] = []
    time_column = ""
    price_column = ""
    for line, row in read_table(path, ()):
        if not times:
            header = list(row)
            time_column = _first(time_names, header, name, "time")
            price_column = _first(PRICE_NAMES, header, name, "price")
            bars = all(column in row for column in ("open", "high", "low"))
            wanted = [price_column, "open", "high", "low"] if bars else [price_column]
            columns = {column: [] for column in wanted}
        times.append(_time_ns(line, row[time_column], time_column))
        if len(times) > 1 and times[-1] < times[-2]:
            raise line.error(time_column, f"{row[time_column]} is before the line above")
        for column, values in columns.items():
            value = line.decimal(row[column], column)
            if value == 0:
                raise line.error(column, "a price must be above 0")
            values.append(value)
        if len(columns) > 1:
            low, high = columns["low"][-1], columns["high"][-1]
            for column in ("open", price_column):
                if not low <= columns[column][-1] <= high:
                    raise line.error(column, f"{row[column]} is outside {low} ... {high}")
    if not times:
        raise DataFormatError(name, 0, "", "no prices in the file")
    arrays = {column: np.array(values, dtype=object) for column, values in columns.items()}
    return PricePath(
        np.array(times, dtype=np.int64),
        arrays[price_column],
        arrays.get("open"),
        arrays.get("high"),
        arrays.get("low"),
    )
