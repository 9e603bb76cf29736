"""Maintenance-margin tiers by notional, as Binance publishes them.

Two layouts are read: the venue's own (`GET /fapi/v1/leverageBracket`: a list of symbols with their
`brackets`) and that of ccxt and freqtrade (an object of lists by unified symbol, the venue's
record in `info`). Rates and amounts stay the decimals that the file writes.

In tier n the maintenance margin is notional x rate_n - deduction_n. It is continuous in the
notional exactly when deduction_1 = 0 and deduction_n = deduction_{n-1} + floor_n (rate_n -
rate_{n-1}): `exact_deductions` gives that sequence in rational arithmetic.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from cascade.data.lines import DataFormatError, Line, Path, parse_json, read_text


@dataclass(frozen=True, slots=True)
class Tiers:
    """Tiers of one symbol, smallest notional first; all columns have one entry a tier.

    Attributes
    ----------
    symbol : str
        As the file names it.
    currency : str
        Asset of floors, caps and deductions; empty when the file does not say.
    floor, cap : tuple of Decimal
        Notional of tier n: above `floor` up to and including `cap`, in `currency`.
    maintenance_rate : tuple of Decimal
        Fraction of the notional.
    deduction : tuple of Decimal
        Amount taken off, in `currency`.
    max_leverage : tuple of Decimal
    """

    symbol: str
    currency: str
    floor: tuple[Decimal, ...]
    cap: tuple[Decimal, ...]
    maintenance_rate: tuple[Decimal, ...]
    deduction: tuple[Decimal, ...]
    max_leverage: tuple[Decimal, ...]

    def __len__(self) -> int:
        return len(self.floor)


def exact_deductions(
    floor: Sequence[Decimal | Fraction | int], rate: Sequence[Decimal | Fraction | int]
) -> list[Fraction]:
    """Deductions that make the maintenance margin continuous in the notional.

    Parameters
    ----------
    floor, rate : sequence of Decimal, Fraction or int
        Lower end and maintenance rate of each tier, smallest notional first.

    Returns
    -------
    list of Fraction
        One a tier; the first is 0.

    Raises
    ------
    ValueError
        The sequences differ in length.

    Examples
    --------
    >>> exact_deductions([0, 50_000], [Decimal("0.004"), Decimal("0.005")])
    [Fraction(0, 1), Fraction(50, 1)]
    """
    deductions: list[Fraction] = []
    previous = None
    for low, this in zip(floor, rate, strict=True):
        if previous is None:
            deductions.append(Fraction(0))
        else:
            deductions.append(deductions[-1] + Fraction(low) * (Fraction(this) - previous))
        previous = Fraction(this)
    return deductions


def _tiers(line: Line, symbol: str, currency: str, records: list[Any]) -> Tiers:
    columns: list[list[Decimal]] = [[], [], [], [], []]
    names = ("notionalFloor", "notionalCap", "maintMarginRatio", "cum", "initialLeverage")
    for number, record in enumerate(records, 1):
        for name, column in zip(names, columns, strict=True):
            value = line.get(record, name, object)
            column.append(line.decimal(value, f"{symbol}, tier {number}, {name}"))
    floor, cap, rate, _, leverage = columns
    for n in range(len(floor)):
        where = f"{symbol}, tier {n + 1}"
        expected = cap[n - 1] if n else Decimal(0)
        if floor[n] != expected:
            raise line.error(where, f"floor {floor[n]} is not the end {expected} of the tier below")
        if cap[n] <= floor[n]:
            raise line.error(where, f"cap {cap[n]} is not above the floor {floor[n]}")
        if not 0 < rate[n] < 1:
            raise line.error(where, f"maintenance rate {rate[n]} is outside 0 ... 1")
        if leverage[n] <= 0:
            raise line.error(where, f"leverage {leverage[n]} is not above 0")
    return Tiers(symbol, currency, *(tuple(column) for column in columns))


def load_tiers(path: Path) -> dict[str, Tiers]:
    """Tiers of every symbol of a leverage-bracket file.

    Parameters
    ----------
    path : str or os.PathLike
        JSON, plain, gzip or zip, in one of the layouts above.

    Returns
    -------
    dict of str to Tiers
        By symbol as the file names it: ``"BTCUSDT"`` in the venue's layout, ``"BTC/USDT:USDT"`` in
        that of ccxt.

    Raises
    ------
    DataFormatError
        The file is not JSON of either layout, a field is missing, or the tiers of a symbol leave a
        gap, overlap, or have rates or leverages out of range.
    """
    name = os.fspath(path)
    content = parse_json(read_text(path), name)
    line = Line(name, 0, "")
    table: dict[str, Tiers] = {}
    if isinstance(content, dict):
        for symbol in content:
            records = line.get(content, symbol, list)
            currency = line.get(records[0], "currency", str) if records else ""
            infos = [line.get(record, "info", dict) for record in records]
            table[symbol] = _tiers(line, symbol, currency, infos)
    elif isinstance(content, list):
        for record in content:
            symbol = line.get(record, "symbol", str)
            table[symbol] = _tiers(line, symbol, "", line.get(record, "brackets", list))
    else:
        raise DataFormatError(name, 0, "", "neither an object nor a list of symbols")
    return table
