"""Value of a contract, exactly: worth of a position, profit, average entry and funding.

A linear contract is worth ``size * price``, an inverse one ``-size / price`` coins; with that sign
a profit is the difference of two values for both. Arguments are exact numbers (a float stands for
the decimal number that is printed for it) and results are rationals before any rounding.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Literal

from cascade.exact_numbers import Rate, exact

__all__ = [
    "CONTRACTS",
    "average_entry",
    "funding_payment",
    "notional",
    "pnl",
    "position_value",
]

_Contract = Literal["linear", "inverse"]

CONTRACTS = ("linear", "inverse")


def positive(value: Rate, name: str) -> Fraction:
    number = exact(value, name)
    if number <= 0:
        raise ValueError(f"{name} {value!r} is not above zero")
    return number


def signed_size(value: Rate) -> Fraction:
    number = exact(value, "size")
    if number == 0:
        raise ValueError("size must not be 0")
    return number


def one_of(value: str, name: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")


def position_value(
    size: Rate, price: Rate, contract: _Contract = "linear", multiplier: Rate = 1
) -> Fraction:
    """Signed value of a position: what a buyer of it pays, in money or in coins.

    Parameters
    ----------
    size : number
        Signed, long positive, in base units or contracts.
    price : number
        Quote, above zero.
    contract : {"linear", "inverse"}, default "linear"
        Valued in money or in coins.
    multiplier : number, default 1
        Base units (linear) or money (inverse) in one unit of size.

    Returns
    -------
    Fraction
        Linear ``size * price * multiplier`` in money; inverse ``-size * multiplier / price`` in
        coins.

    Raises
    ------
    TypeError
        `size`, `price` or `multiplier` is no number.
    ValueError
        `price` or `multiplier` is not above zero, a number is not finite, or `contract` is
        unknown.

    Notes
    -----
    Inverse contracts: BitMEX, "XBTUSD contract guide"; the sign makes PnL the same difference
    for both kinds.

    Examples
    --------
    >>> abs(position_value(15000, 750, "inverse"))
    Fraction(20, 1)
    """
    one_of(contract, "contract", CONTRACTS)
    quantity = exact(size, "size") * positive(multiplier, "multiplier")
    quote = positive(price, "price")
    return quantity * quote if contract == "linear" else -quantity / quote


def notional(
    size: Rate, price: Rate, contract: _Contract = "linear", multiplier: Rate = 1
) -> Fraction:
    """Absolute value of a position.

    Parameters
    ----------
    size : number
        Signed, long positive, in base units or contracts.
    price : number
        Quote, above zero.
    contract : {"linear", "inverse"}, default "linear"
        Valued in money or in coins.
    multiplier : number, default 1
        Base units (linear) or money (inverse) in one unit of size.

    Returns
    -------
    Fraction
        In money for linear, in coins for inverse contracts.

    Raises
    ------
    TypeError, ValueError
        As `position_value`, whose absolute value this is.

    Examples
    --------
    >>> notional(-2, 100)
    Fraction(200, 1)
    """
    return abs(position_value(size, price, contract, multiplier))


def pnl(
    size: Rate, entry: Rate, exit: Rate, contract: _Contract = "linear", multiplier: Rate = 1
) -> Fraction:
    """Profit of a signed size from one price to another: difference of its values.

    Parameters
    ----------
    size : number
        Signed, long positive, in base units or contracts.
    entry, exit : number
        Quotes, above zero.
    contract : {"linear", "inverse"}, default "linear"
        Valued in money or in coins.
    multiplier : number, default 1
        Base units (linear) or money (inverse) in one unit of size.

    Returns
    -------
    Fraction
        In money for linear, in coins for inverse contracts; negative for a loss.

    Raises
    ------
    TypeError, ValueError
        As `position_value`.

    Notes
    -----
    ``V(exit) - V(entry)`` with the value of `position_value`; for inverse contracts
    ``size * multiplier * (1 / entry - 1 / exit)`` (Bybit, "Profit and loss
    calculations of inverse contracts").

    Examples
    --------
    >>> pnl(60000, 600, 500, "inverse")
    Fraction(-20, 1)
    """
    return position_value(size, exit, contract, multiplier) - position_value(
        size, entry, contract, multiplier
    )


def average_entry(fills: Iterable[tuple[Rate, Rate]], contract: _Contract = "linear") -> Fraction:
    """Price at which the total size has the total value of its fills.

    Parameters
    ----------
    fills : iterable of (size, price)
        Signed sizes and quotes.
    contract : {"linear", "inverse"}, default "linear"
        Valued in money or in coins.

    Returns
    -------
    Fraction
        Quote: the arithmetic mean by size; for inverse contracts the harmonic one.

    Raises
    ------
    TypeError
        A size or price is no number.
    ValueError
        The sizes sum to zero, a price is not above zero, or `contract` is unknown.

    Notes
    -----
    Bybit, "Average entry price of inverse contracts".

    Examples
    --------
    >>> average_entry([(1, 100), (3, 200)])
    Fraction(175, 1)
    """
    rows = [(exact(size, "size"), price) for size, price in fills]
    total = sum((size for size, _ in rows), Fraction(0))
    if total == 0:
        raise ValueError("fills must not sum to size 0")
    value = sum((position_value(size, price, contract) for size, price in rows), Fraction(0))
    return value / total if contract == "linear" else -total / value


def funding_payment(
    size: Rate,
    mark: Rate,
    rate: Rate,
    *,
    contract: _Contract = "linear",
    multiplier: Rate = 1,
    held: Rate = 1,
) -> Fraction:
    """Cash flow of one funding settlement: at a positive rate longs pay and shorts receive.

    Parameters
    ----------
    size : number
        Signed, long positive, in base units or contracts.
    mark : number
        Mark price, a quote above zero.
    rate : number
        Share of the value at the mark that is paid over a whole period.
    contract : {"linear", "inverse"}, default "linear"
        Valued in money or in coins.
    multiplier : number, default 1
        Base units (linear) or money (inverse) in one unit of size.
    held : number, default 1
        Share of the period that the position was held, where funding accrues with time.

    Returns
    -------
    Fraction
        Received; negative when paid. In money for linear, in coins for inverse contracts.

    Raises
    ------
    TypeError, ValueError
        As `position_value`; `rate` or `held` is no finite number.

    Notes
    -----
    ``docs/margin.md``, "Funding", before its rounding: ``-size * mark * multiplier * rate * held``,
    for inverse contracts ``-size * multiplier / mark * rate * held``.

    Examples
    --------
    >>> funding_payment(2, 100, "0.0001")
    Fraction(-1, 50)
    """
    value = position_value(size, mark, contract, multiplier)
    paid = value if contract == "linear" else -value
    return -paid * exact(rate, "rate") * exact(held, "held")
