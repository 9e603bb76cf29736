"""Generic accounts CSV: one position a row.

A header line with the columns account, market, side, size, entry, one of leverage and margin, and
optionally mode (cross when the column is missing). Sides are long or short (also buy, sell), modes
cross or isolated. An account may have many rows, also two in one market: one long and one short,
the legs of hedge mode.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from cascade.data.lines import DataFormatError, Path, read_table

COLUMNS = ("account", "market", "side", "size", "entry")

_SIDE = {"long": "long", "buy": "long", "short": "short", "sell": "short"}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Positions by column, one entry a row of the file.

    Attributes
    ----------
    account, market : numpy.ndarray
        Object arrays of str, as written.
    long : numpy.ndarray
        bool; True for a long position.
    size : numpy.ndarray
        Object array of Decimal, above 0, in the market's base units or contracts.
    entry : numpy.ndarray
        Object array of Decimal, entry price in quote units, above 0.
    leverage : numpy.ndarray or None
        Object array of Decimal, above 0; None when the file gives margins.
    margin : numpy.ndarray or None
        Object array of Decimal, in the margin asset, at least 0; None when it gives leverages.
    isolated : numpy.ndarray
        bool; True for isolated, False for cross margin.
    """

    account: np.ndarray
    market: np.ndarray
    long: np.ndarray
    size: np.ndarray
    entry: np.ndarray
    leverage: np.ndarray | None
    margin: np.ndarray | None
    isolated: np.ndarray

    def __len__(self) -> int:
        return len(self.account)


def load_accounts(path: Path) -> Accounts:
    """Positions from a CSV file.

    Parameters
    ----------
    path : str or os.PathLike
        Plain, gzip or zip.

    Returns
    -------
    Accounts

    Raises
    ------
    DataFormatError
        A column is missing, both or neither of leverage and margin are there, a field is not of
        its kind or range, an account has two rows on one side of a market, or there is no row.
    """
    name = os.fspath(path)
    rows: list[tuple[str, str, bool, Decimal, Decimal, Decimal, bool]] = []
    seen: dict[tuple[str, str, bool], int] = {}
    funding = ""
    for line, row in read_table(path, COLUMNS):
        if not rows:
            given = [column for column in ("leverage", "margin") if column in row]
            if len(given) != 1:
                raise DataFormatError(name, 1, "leverage", "one of leverage and margin belongs")
            funding = given[0]
        for column in ("account", "market"):
            if not row[column]:
                raise line.error(column, "is empty")
        size, entry, amount = (line.decimal(row[c], c) for c in ("size", "entry", funding))
        for column, value in (("size", size), ("entry", entry), ("leverage", amount)):
            if value == 0 and (column != "leverage" or funding == "leverage"):
                raise line.error(column, "must be above 0")
        side = line.choice(row["side"].lower(), "side", tuple(_SIDE))
        mode = line.choice(row.get("mode", "cross").lower(), "mode", ("cross", "isolated"))
        leg = (row["account"], row["market"], _SIDE[side] == "long")
        if leg in seen:
            raise line.error(
                "account",
                f"{leg[0]!r:.40} is {_SIDE[side]} in {leg[1]!r:.40} on line {seen[leg]} already",
            )
        seen[leg] = line.number
        rows.append(
            (
                *leg,
                size,
                entry,
                amount,
                mode == "isolated",
            )
        )
    if not rows:
        raise DataFormatError(name, 0, "", "no positions in the file")
    kinds = (object, object, bool, object, object, object, bool)
    account, market, long, size_, entry_, amount_, isolated = (
        np.array(column, dtype=kind)
        for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)
    )
    leverage, margin = (amount_, None) if funding == "leverage" else (None, amount_)
    return Accounts(account, market, long, size_, entry_, leverage, margin, isolated)
