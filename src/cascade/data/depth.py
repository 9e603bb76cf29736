"""One picture of an order book's depth, whatever file it came from.

`Depth` is what `cascade.data.load_depth` gives: exact levels, best first, checked to be a book.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from cascade.data.lines import DataFormatError, Level


@dataclass(frozen=True, slots=True)
class Depth:
    """Levels of a book, best first.

    Attributes
    ----------
    format : str
        Name of the format the file was recognised as.
    symbol : str
        Instrument as the file names it; empty when it does not.
    bids, asks : list of (Decimal, Decimal)
        Price and size, exactly as written; `OrderBook.load_depth` takes them as they are.

    Examples
    --------
    >>> depth = Depth("example", "", [(Decimal("99.5"), Decimal(3)), (Decimal(99), Decimal(8))],
    ...               [(Decimal("100.25"), Decimal("0.4"))])
    >>> depth.grid()
    (Decimal('0.25'), Decimal('0.2'))
    >>> prices, sizes = depth.columns("buy")
    >>> prices.astype(float).tolist(), sizes.astype(float).tolist()
    ([99.5, 99.0], [3.0, 8.0])
    """

    format: str
    symbol: str
    bids: list[Level]
    asks: list[Level]

    def columns(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        """Prices and sizes of one side ("buy" or "sell") as object arrays of Decimal."""
        levels = {"buy": self.bids, "sell": self.asks}[side]
        table = np.empty((2, len(levels)), dtype=object)
        for index, level in enumerate(levels):
            table[:, index] = level
        return table[0], table[1]

    def grid(self) -> tuple[Decimal, Decimal]:
        """Coarsest tick and lot on which all prices and sizes lie.

        A venue's own tick or lot divides them; use that where it is known.

        Raises
        ------
        ValueError
            There are no levels.
        """
        levels = self.bids + self.asks
        if not levels:
            raise ValueError("depth without levels has no grid")
        return _common_step(p for p, _ in levels), _common_step(s for _, s in levels)


def _common_step(values: Iterable[Decimal]) -> Decimal:
    fractions = [Fraction(value) for value in values]
    scale = math.lcm(*(value.denominator for value in fractions))
    step = Fraction(math.gcd(*(int(value * scale) for value in fractions)), scale)
    # Sums of decimals have denominators of twos and fives only, so this division ends.
    digits = 0
    while (step * 10**digits).denominator != 1:
        digits += 1
    return Decimal(f"{int(step * 10**digits)}e-{digits}")


def checked_depth(
    path: str, format: str, symbol: str, bids: Iterable[Level], asks: Iterable[Level]
) -> Depth:
    """`Depth` of levels in any order.

    Raises
    ------
    DataFormatError
        A price or size is not above 0, a price stands twice on a side, or the sides meet.
    """
    sides = {"bid": sorted(bids, reverse=True), "ask": sorted(asks)}
    for name, levels in sides.items():
        for price, size in levels:
            if price <= 0 or size <= 0:
                raise DataFormatError(path, 0, name, f"{size} at {price}; both must be above 0")
        for (price, _), (other, _) in itertools.pairwise(levels):
            if price == other:
                raise DataFormatError(path, 0, name, f"price {price} stands twice")
    if sides["bid"] and sides["ask"] and sides["bid"][0][0] >= sides["ask"][0][0]:
        best = f"bid {sides['bid'][0][0]} is not below ask {sides['ask'][0][0]}"
        raise DataFormatError(path, 0, "", best)
    return Depth(format, symbol, sides["bid"], sides["ask"])
