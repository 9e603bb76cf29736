"""`IndexSources`: one index out of the prices of several venues.

Prices come with their times; what is too old is dropped, what lies too far from the median is left
out, and the rest is averaged with weights. Prices are exact rationals, so the index does not depend on
the order in which sources report.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from cascade.exact_numbers import Rate, exact


def _median(prices: list[Fraction]) -> Fraction:
    ranked = sorted(prices)
    middle = len(ranked) // 2
    return ranked[middle] if len(ranked) % 2 else (ranked[middle - 1] + ranked[middle]) / 2


class IndexSources:
    """Index of several sources: weights, outliers, old prices, delay.

    Parameters
    ----------
    weights : mapping of name to number
        Weight of each source, above zero.
    largest_deviation : number, optional
        Share of the median beyond which a source counts as an outlier; default: none does.
    outliers_allowed : int, default 1
        Up to so many outliers get weight 0; with more the index is the median of all sources.
    stale_after : seconds, optional
        Age beyond which a source's price is dropped; default never.
    delay : seconds, default 0
        The index at a time is formed from what was known `delay` before it.

    Raises
    ------
    TypeError, ValueError
        A parameter is no number or out of its range.

    Notes
    -----
    Weights, one outlier beyond 5 % left out and the median for several: Binance, "Price index".

    Examples
    --------
    >>> import cascade as cs
    >>> sources = cs.IndexSources({"a": 1, "b": 1, "c": 2}, largest_deviation="0.05")
    >>> sources.update({"a": 100, "b": 101, "c": 102}, at=0)
    >>> sources.index(at=0)
    Fraction(405, 4)
    >>> sources.update({"c": 120}, at=1)
    >>> sources.price(tick_size="0.1", at=1)
    Fraction(201, 2)
    """

    def __init__(
        self,
        weights: Mapping[str, Rate],
        *,
        largest_deviation: Rate | None = None,
        outliers_allowed: int = 1,
        stale_after: Rate | None = None,
        delay: Rate = 0,
    ) -> None:
        self.weights: dict[str, Fraction] = {
            name: exact(value, f"weight of {name!r}") for name, value in weights.items()
        }
        if not self.weights:
            raise ValueError("weights must name at least one source")
        for name, weight in self.weights.items():
            if weight <= 0:
                raise ValueError(f"weight of {name!r} {weights[name]!r} is not above zero")
        self.largest_deviation: Fraction | None = self._not_negative(
            largest_deviation, "largest_deviation"
        )
        self.stale_after: Fraction | None = self._not_negative(stale_after, "stale_after")
        self.delay: Fraction = self._not_negative(delay, "delay") or Fraction(0)
        if isinstance(outliers_allowed, bool) or not isinstance(outliers_allowed, int):
            raise TypeError(f"outliers_allowed must be an integer, got {outliers_allowed!r}")
        if outliers_allowed < 0:
            raise ValueError(f"outliers_allowed {outliers_allowed} is negative")
        self.outliers_allowed = outliers_allowed
        # (time, price) of each source, oldest first; what no question can reach any more is dropped
        self._prices: dict[str, deque[tuple[Fraction, Fraction]]] = {
            name: deque() for name in self.weights
        }
        self._latest: Fraction | None = None

    @staticmethod
    def _not_negative(value: Rate | None, name: str) -> Fraction | None:
        if value is None:
            return None
        number = exact(value, name)
        if number < 0:
            raise ValueError(f"{name} {value!r} is negative")
        return number

    def update(self, prices: Mapping[str, Rate], at: Rate) -> None:
        """Take in prices that sources report at a time.

        Parameters
        ----------
        prices : mapping of name to number
            Above zero.
        at : seconds
            Not before the time of the last call.

        Raises
        ------
        KeyError
            A source is not one of `weights`.
        ValueError
            A price is not above zero, or `at` goes back.
        """
        now = self._time(at)
        read: dict[str, Fraction] = {}
        for name, value in prices.items():
            if name not in self.weights:
                raise KeyError(f"source {name!r} is unknown; there are: {', '.join(self.weights)}")
            read[name] = exact(value, f"price of {name!r}")
            if read[name] <= 0:
                raise ValueError(f"price of {name!r} {value!r} is not above zero")
        self._latest = now
        for name, price in read.items():
            known = self._prices[name]
            known.append((now, price))
            while len(known) > 1 and known[1][0] <= now - self.delay:
                known.popleft()

    def _time(self, at: Rate) -> Fraction:
        now = exact(at, "at")
        if self._latest is not None and now < self._latest:
            raise ValueError(f"at {at!r} is before the last time, {float(self._latest):g}")
        return now

    def known(self, at: Rate) -> dict[str, Fraction]:
        """Price of each source that counts at a time: the last one known then, if not too old.

        Raises
        ------
        ValueError
            `at` is before the last call of `update`.
        """
        seen = self._time(at) - self.delay
        found: dict[str, Fraction] = {}
        for name, rows in self._prices.items():
            position = bisect_right(rows, seen, key=lambda row: row[0])
            if not position:
                continue
            time, price = rows[position - 1]
            if self.stale_after is None or seen - time <= self.stale_after:
                found[name] = price
        return found

    def index(self, at: Rate) -> Fraction | None:
        """The index at a time, None when no source counts.

        Returns
        -------
        Fraction or None
            The weighted mean of the sources within `largest_deviation` of their median; the median
            of all that count when more than `outliers_allowed` are not.

        Raises
        ------
        ValueError
            `at` is before the last call of `update`.
        """
        prices = self.known(at)
        if not prices:
            return None
        middle = _median(list(prices.values()))
        kept = prices
        if self.largest_deviation is not None:
            limit = self.largest_deviation * middle
            kept = {name: p for name, p in prices.items() if abs(p - middle) <= limit}
            if len(prices) - len(kept) > self.outliers_allowed or not kept:
                return middle
        total = sum((self.weights[name] for name in kept), Fraction(0))
        return (
            sum((self.weights[name] * price for name, price in kept.items()), Fraction(0)) / total
        )

    def price(self, tick_size: Any, at: Rate) -> Fraction | None:
        """The index rounded to the nearest tick, halves up, for ``engine.step(index=...)``.

        Raises
        ------
        ValueError
            `tick_size` is not above zero, or `at` is before the last call of `update`.
        """
        step = exact(tick_size, "tick_size")
        if step <= 0:
            raise ValueError(f"tick_size {tick_size!r} is not above zero")
        found = self.index(at)
        return None if found is None else (found / step + Fraction(1, 2)) // 1 * step
