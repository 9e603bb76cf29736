"""Scores by which venues rank positions for auto-deleveraging, as exact ratios of whole numbers.

A score is a product of integer columns over a product of integer columns, so two of them can be
compared without rounding. Money is atoms; `mark_value` and `entry_value` are signed like V and E of
``docs/margin.md``, so that profit is their difference for linear and for inverse contracts.

Notation below: profit = V - E, return = profit / abs(E), leverage in effect = abs(V) / equity.
A divisor below one atom counts as one atom.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Integers = NDArray[np.int64]
LARGEST = 2**62
NEAR = 1e-12  # relative distance below which two floating scores are compared exactly


def whole_column(values: ArrayLike, name: str) -> Integers:
    """A column as int64; refuses what is no integer or too large."""
    column = np.asarray(values)
    if column.ndim != 1:
        raise ValueError(f"{name} has {column.ndim} dimensions, must have 1")
    if len(column) and column.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integers, got {column.dtype}")
    if len(column) and not (int(column.min()) >= -LARGEST and int(column.max()) <= LARGEST):
        raise OverflowError(f"{name} is outside -2**62 ... 2**62")
    return column.astype(np.int64)


@dataclass
class Columns:
    """Positions of one market, one row each.

    Parameters
    ----------
    account : array_like of int
        Account ids; ties go to the lower one.
    size : array_like of int
        Signed lots, long positive.
    entry_value, mark_value : array_like of int, optional
        Exact entry value and value at the mark, signed atoms.
    equity, maintenance : array_like of int, optional
        Equity and maintenance margin of the unit that holds the position, atoms.
    collateral : array_like of int, optional
        Balance or isolated margin behind it, atoms.
    leverage : array_like of int, optional
        Stated leverage in hundredths.
    unit_atoms : int, default 1
        Atoms in one unit of the asset, the least wallet that Binance's score divides by.

    Raises
    ------
    TypeError, ValueError, OverflowError
        A column is not one of integers, has another length, or does not fit in 62 bits.
    """

    account: Integers
    size: Integers
    entry_value: Integers | None = None
    mark_value: Integers | None = None
    equity: Integers | None = None
    maintenance: Integers | None = None
    collateral: Integers | None = None
    leverage: Integers | None = None
    unit_atoms: int = 1

    def __post_init__(self) -> None:
        for field in fields(self)[:-1]:
            given = getattr(self, field.name)
            if given is None and field.name not in ("account", "size"):
                continue
            column = whole_column(given, field.name)
            if len(column) != len(np.asarray(self.size)):
                raise ValueError(
                    f"{field.name} has {len(column)} rows, size has {len(np.asarray(self.size))}"
                )
            setattr(self, field.name, column)
        if self.unit_atoms < 1:
            raise ValueError(f"unit_atoms {self.unit_atoms} is below 1")

    def __len__(self) -> int:
        return len(self.size)

    def column(self, name: str) -> Integers:
        """A column that a policy needs.

        Raises
        ------
        ValueError
            The column was not given.
        """
        found = getattr(self, name)
        if found is None:
            raise ValueError(f"the policy needs the column {name!r}")
        return found

    @property
    def profit(self) -> Integers:
        """Unrealised profit at the mark, atoms."""
        return self.column("mark_value") - self.column("entry_value")

    @property
    def notional(self) -> Integers:
        """Absolute value at the mark, atoms."""
        return np.abs(self.column("mark_value"))

    def rows(self, chosen: NDArray[Any]) -> Columns:
        """Some rows as columns of their own."""
        taken: dict[str, Any] = {}
        for field in fields(self)[:-1]:
            column = getattr(self, field.name)
            taken[field.name] = None if column is None else column[chosen]
        return Columns(**taken, unit_atoms=self.unit_atoms)


@dataclass
class Ratio:
    """One score a row: the product of `over` divided by the product of `under`, which is above 0."""

    over: tuple[Integers, ...]
    under: tuple[Integers, ...] = ()

    def exact(self, row: int) -> Fraction:
        """Score of one row."""
        return Fraction(
            prod(int(factor[row]) for factor in self.over),
            prod(int(factor[row]) for factor in self.under),
        )

    def floating(self) -> NDArray[np.float64]:
        """Scores to within a few units of the last place; zero exactly where the score is."""
        value = np.ones(len(self.over[0]))
        for factor in self.over:
            value *= factor
        for factor in self.under:
            value /= factor
        return value

    def descending(self, account: Integers) -> NDArray[np.int64]:
        """Rows from the highest score to the lowest, ties by account; exact.

        Floating scores are sorted, and rows too close to be told apart by them are sorted again by
        their exact ratios.
        """
        if len(self.over) == 1 and not self.under:
            return np.lexsort((account, -self.over[0]))
        value = self.floating()
        order = np.lexsort((account, -value))
        ranked = value[order]
        near = np.abs(np.diff(ranked)) <= NEAR * np.abs(ranked[:-1])
        near &= ranked[:-1] != 0
        starts = np.flatnonzero(near & ~np.concatenate(([False], near[:-1])))
        ends = np.flatnonzero(near & ~np.concatenate((near[1:], [False]))) + 2
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            run = sorted(
                order[start:end].tolist(), key=lambda row: (-self.exact(row), int(account[row]))
            )
            order[start:end] = run
        return order


Policy = Callable[[Columns], Ratio]


def _divisor(column: Integers) -> Integers:
    return np.maximum(column, 1)


def bitmex(c: Columns) -> Ratio:
    """Return x leverage in effect for a winner, return / leverage in effect for a loser.

    BitMEX, support article 18589621443357 and app/autoDeleveragingExamples; Poloniex and MEXC print
    the same formula. The leverage in effect is abs(V) / (V - bankrupt value), and V less the
    bankrupt value is the equity behind the position.
    """
    notional, equity = _divisor(c.notional), _divisor(c.column("equity"))
    gains = c.profit > 0
    return Ratio(
        (c.profit, np.where(gains, notional, equity)),
        (_divisor(np.abs(c.column("entry_value"))), np.where(gains, equity, notional)),
    )


def binance(c: Columns) -> Ratio:
    """max(0, profit) / max(1, wallet) x maintenance / (wallet + profit); losers score 0.

    Binance futures FAQ on auto-deleveraging (2019), quoted in dev.binance.vision thread 17801. The
    margin ratio's divisor is the equity of the unit; where it is not above zero the score is 0.
    """
    equity = c.column("equity")
    return Ratio(
        (np.maximum(c.profit, 0), np.where(equity > 0, c.column("maintenance"), 0)),
        (np.maximum(c.column("collateral"), c.unit_atoms), _divisor(equity)),
    )


def bybit(c: Columns) -> Ratio:
    """Leveraged return: return x stated leverage.

    (mark / entry - 1) x leverage for a long, mirrored for a short, as adl.finance (a third party)
    prints it; the venue's help page says "leveraged return". Hundredths of leverage scale all
    scores alike.
    """
    return Ratio((c.profit, c.column("leverage")), (_divisor(np.abs(c.column("entry_value"))),))


def okx(c: Columns) -> Ratio:
    """(profit / balance) / (balance / notional).

    adl.finance (a third party).
    """
    balance = _divisor(c.column("collateral"))
    return Ratio((c.profit, c.notional), (balance, balance))


def _linear(c: Columns) -> NDArray[np.bool_]:
    # an inverse position's value has the opposite sign of its size
    return (c.column("mark_value") >= 0) == (c.size >= 0)


def hyperliquid_literal(c: Columns) -> Ratio:
    """(mark / entry) x (notional / account value), as printed.

    Hyperliquid documentation, "Auto-deleveraging". Read literally the least profitable shorts come
    first, since mark / entry is below 1 for a winning short; `hyperliquid` is the reading in which
    profit counts.
    """
    mark, entry = _divisor(c.notional), _divisor(np.abs(c.column("entry_value")))
    linear = _linear(c)
    return Ratio(
        (np.where(linear, mark, entry), mark),
        (np.where(linear, entry, mark), _divisor(c.column("equity"))),
    )


def hyperliquid(c: Columns) -> Ratio:
    """The same with mark / entry inverted for a short, so that the most profitable come first.

    Hyperliquid documentation, "Auto-deleveraging", read with the sign of the position.
    """
    mark, entry = _divisor(c.notional), _divisor(np.abs(c.column("entry_value")))
    # value grows with the price for a linear long and for an inverse short
    grows = c.column("mark_value") >= 0
    return Ratio(
        (np.where(grows, mark, entry), mark),
        (np.where(grows, entry, mark), _divisor(c.column("equity"))),
    )


def htx(c: Columns) -> Ratio:
    """Return on margin / margin ratio for a winner, their product for a loser.

    HTX and SunX help pages. Margin is notional over the stated leverage, the return on it is
    profit x leverage / abs(E), and the margin ratio equity x leverage / abs(V).
    """
    notional, equity = _divisor(c.notional), _divisor(c.column("equity"))
    gains, one = c.profit > 0, np.int64(1)
    leverage = np.where(gains, one, c.column("leverage"))
    return Ratio(
        (c.profit, np.where(gains, notional, equity), leverage, leverage),
        (
            _divisor(np.abs(c.column("entry_value"))),
            np.where(gains, equity, notional),
            np.where(gains, one, np.int64(100)),
            np.where(gains, one, np.int64(100)),
        ),
    )


def size(c: Columns) -> Ratio:
    """Lots held, largest first."""
    return Ratio((np.abs(c.size),))


def shuffled(account: Integers, seed: int) -> Integers:
    """A number of 62 bits for each account that looks random, the same for the same seed.

    SplitMix64 (Steele, Lea and Flood 2014) of the account id with the seed.
    """
    with np.errstate(over="ignore"):
        z = account.astype(np.uint64) + np.uint64(seed % 2**64) * np.uint64(0xD1342543DE82EF95)
        z += np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(2)).astype(np.int64)


SCORES: dict[str, Policy] = {
    "bitmex": bitmex,
    "binance": binance,
    "bybit": bybit,
    "okx": okx,
    "hyperliquid": hyperliquid,
    "hyperliquid_literal": hyperliquid_literal,
    "htx": htx,
    "size": size,
}
