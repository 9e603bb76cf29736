"""Generic depth CSV: one level a row.

A header line with the columns side, price, size in any order; further columns are ignored. Sides
are bid or ask (also buy, sell, b, a), rows are in any order.
"""

from __future__ import annotations

import os

from cascade.data.depth import Depth, checked_depth
from cascade.data.lines import Level, Path, read_table

COLUMNS = ("side", "price", "size")

_BID = {"bid": True, "buy": True, "b": True, "ask": False, "sell": False, "a": False}


def read_depth_csv(path: Path) -> Depth:
    """Depth from a CSV file of levels.

    Parameters
    ----------
    path : str or os.PathLike
        Plain, gzip or zip.

    Returns
    -------
    Depth

    Raises
    ------
    DataFormatError
        A column is missing, a field is not of its kind, a price stands twice on a side, or the
        sides meet; named with file and, where one line is at fault, line.
    """
    bids: list[Level] = []
    asks: list[Level] = []
    for line, row in read_table(path, COLUMNS):
        side = line.choice(row["side"].lower(), "side", tuple(_BID))
        level = (line.decimal(row["price"], "price"), line.decimal(row["size"], "size"))
        (bids if _BID[side] else asks).append(level)
    return checked_depth(os.fspath(path), "depth CSV", "", bids, asks)
