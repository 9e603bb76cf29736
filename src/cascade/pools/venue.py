"""What every pool answers: a size of base bought or sold, at what price, and how deep it is.

The calls are those of a book: a side, a size of base, and what it costs or brings in quote. All
amounts are integers of the tokens' smallest units; roundings go against the trader.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Literal, NamedTuple, TypeVar

from cascade.exact_numbers import Rate, exact, whole

SIDES = ("buy", "sell")
LARGEST_SEARCH = 2**256

PoolType = TypeVar("PoolType", bound="Pool")


class Swap(NamedTuple):
    """What a swap took and gave.

    Attributes
    ----------
    amount_in : int
        Units of the token paid in, with the fee.
    amount_out : int
        Units of the other token paid out.
    fee : int
        Fee, in units of the token that it is taken of.
    price : Fraction
        Quote per base of the pool afterwards, without fee.
    """

    amount_in: int
    amount_out: int
    fee: int
    price: Fraction


def amount_of(value: int, name: str, least: int = 0) -> int:
    """An amount of units, at least `least`.

    Raises
    ------
    TypeError, ValueError
        `value` is no integer, or below `least`.
    """
    amount = whole(value, name)
    if amount < least:
        raise ValueError(f"{name} {value!r} is below {least}")
    return amount


def fee_of(value: Rate, name: str = "fee") -> Fraction:
    """A fee as an exact share, 0 ... 1 (excluded).

    Raises
    ------
    TypeError, ValueError
        `value` is no number or outside the range.
    """
    fee = exact(value, name)
    if not 0 <= fee < 1:
        raise ValueError(f"{name} {value!r} is outside 0 ... 1 (excluded)")
    return fee


def side_of(side: str) -> Literal["buy", "sell"]:
    """A side of a trade.

    Raises
    ------
    ValueError
        It is neither "buy" nor "sell".
    """
    if side == "buy":
        return "buy"
    if side == "sell":
        return "sell"
    raise ValueError(f"side must be 'buy' or 'sell', got {side!r}")


class Pool(ABC):
    """A pool of base and quote that trades like a book: a side, and a size of base."""

    @property
    @abstractmethod
    def price(self) -> Fraction:
        """Quote units per base unit, without fee."""

    @abstractmethod
    def trade(self, side: Literal["buy", "sell"], size: int) -> Swap:
        """Sell or buy exactly `size` units of base; the quote side of it is in the answer.

        Parameters
        ----------
        side : {"buy", "sell"}
        size : int
            Units of base, at least 1.

        Returns
        -------
        Swap
            Of a sale base in and quote out, of a purchase quote in and base out.

        Raises
        ------
        ValueError
            The pool cannot fill the size; it stays as it was.
        """

    @abstractmethod
    def marginal_price(self, side: Literal["buy", "sell"]) -> Fraction:
        """Quote that the next unit of base brings (a sale, less the fee) or costs (with the fee)."""

    def copy(self: PoolType) -> PoolType:
        """A pool of its own in the same state.

        Returns
        -------
        Pool
        """
        return copy.deepcopy(self)

    def quote(self, side: Literal["buy", "sell"], size: int) -> Swap:
        """What `trade` would answer; the pool stays as it is.

        Parameters
        ----------
        side : {"buy", "sell"}
        size : int
            Units of base, at least 1.

        Returns
        -------
        Swap

        Raises
        ------
        ValueError
            The pool cannot fill the size.
        """
        return self.copy().trade(side, size)

    def depth(self, price: Rate) -> int:
        """Largest size of base after whose trade the price has not gone beyond `price`.

        Parameters
        ----------
        price : number
            Below the pool's price the size is sold, above it bought.

        Returns
        -------
        int
            Units of base.

        Raises
        ------
        TypeError, ValueError
            `price` is no number above 0.
        """
        limit = exact(price, "price")
        if limit <= 0:
            raise ValueError(f"price {price!r} is not above 0")
        side: Literal["buy", "sell"] = "sell" if limit <= self.price else "buy"
        low, high = 0, 1
        while high < LARGEST_SEARCH and self._reaches(side, high, limit):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            if self._reaches(side, middle, limit):
                low = middle
            else:
                high = middle
        return low

    def _reaches(self, side: Literal["buy", "sell"], size: int, limit: Fraction) -> bool:
        try:
            after = self.quote(side, size).price
        except ValueError:
            return False
        return after >= limit if side == "sell" else after <= limit
