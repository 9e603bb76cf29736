"""Levered funds with investors and defaults, and the tail of the returns they make.

Money flows to a fund after good returns and leaves it after bad ones; a fund that has lost most of its
capital closes and begins again later. With leverage the worst returns follow a power law.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from cascade.laws.levered_funds import HIGHEST, LOWEST
from cascade.laws.ranges import Floats, above, not_negative

__all__ = ["FundMarket", "FundRun", "hill_exponent", "levered_fund_run", "return_tail"]


@dataclass(frozen=True)
class FundMarket:
    """Funds, their investors and the asset.

    Parameters
    ----------
    wealth : float, default 2
        Cash of each fund at the beginning, and when it begins again; above 0.
    units : float, default 1000
        Units of the asset, above 0.
    value : float, default 1
        Value of a unit, above 0.
    memory : float, default 0.1
        Weight of the last return in the performance that investors look at, 0 ... 1.
    response : float, default 0.15
        Share of a fund's wealth that comes for a performance of one above the benchmark, not below 0.
    benchmark : float, default 0.005
        Performance at which no money flows.
    default_share : float, default 0.1
        A fund below this share of `wealth` closes, 0 ... 1.
    pause : int, default 100
        Steps after which it begins again, at least 1.

    Raises
    ------
    ValueError
        A number is out of range.

    Notes
    -----
    Thurner, Farmer & Geanakoplos 2012.
    """

    wealth: float = 2.0
    units: float = 1000.0
    value: float = 1.0
    memory: float = 0.1
    response: float = 0.15
    benchmark: float = 0.005
    default_share: float = 0.1
    pause: int = 100

    def __post_init__(self) -> None:
        for name in ("wealth", "units", "value"):
            above(getattr(self, name), name)
        not_negative(self.response, "response")
        for name in ("memory", "default_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)!r} is outside 0 ... 1")
        if self.pause < 1:
            raise ValueError(f"pause {self.pause!r} is below 1")


@dataclass(frozen=True)
class FundRun:
    """A run's prices, and how many times a fund closed."""

    prices: Floats
    defaults: int


class _Funds:
    # plain lists: arrays of ten numbers cost more to call than to compute
    def __init__(self, aggression: Sequence[float], bound: float, market: FundMarket) -> None:
        count = len(aggression)
        self.beta, self.bound, self.market = sorted(aggression), bound, market
        self.cash, self.held = [market.wealth] * count, [0.0] * count
        self.performance, self.waiting = [0.0] * count, [0] * count
        self.defaults = 0

    def clear(self, money: float) -> float:
        """Price at which funds and noise hold all units."""
        value, units, bound = self.market.value, self.market.units, self.bound
        rows = [
            (self.beta[k], self.held[k], self.cash[k])
            for k, wait in enumerate(self.waiting) if not wait
        ]  # fmt: skip
        steps = [beta for beta, _, _ in rows]
        # below it a fund's wealth is negative, and the fund out of the market
        least = max((-cash / held for _, held, cash in rows if held > 0), default=0.0)
        # what k funds below their bound would hold and have, by aggression, and what those at it do
        free, tied = [(0.0, 0.0)], [(0.0, 0.0)]
        for beta, held, cash in rows:
            free.append((free[-1][0] + beta * held, free[-1][1] + beta * cash))
        for _, held, cash in reversed(rows):
            tied.append((tied[-1][0] + held, tied[-1][1] + cash))
        tied.reverse()

        def excess(price: float) -> float:
            below = value - price
            if below <= 0:
                return money / price - units
            total = money
            if price > least:
                k = bisect_left(steps, bound / below)
                total += below * (free[k][0] * price + free[k][1])
                total += bound * (tied[k][0] * price + tied[k][1])
            else:
                for beta, held, cash in rows:
                    total += min(beta * below, bound) * max(held * price + cash, 0.0)
            return total / price - units

        if excess(LOWEST) * excess(HIGHEST) > 0:
            raise ValueError(f"no price in {LOWEST:g} ... {HIGHEST:g} clears noise {money!r}")
        return float(brentq(excess, LOWEST, HIGHEST, xtol=1e-12, rtol=1e-12))

    def move(self, price: float, last: float) -> None:
        """Trade at a price; then investors come and go, and funds close and begin again."""
        market = self.market
        below = max(market.value - price, 0.0)
        for k, beta in enumerate(self.beta):
            if self.waiting[k]:
                self._wait(k)
                continue
            held, cash = self.held[k], self.cash[k]
            before, wealth = held * last + cash, held * price + cash
            if wealth < market.default_share * market.wealth:
                self.held[k] = self.cash[k] = self.performance[k] = 0.0
                self.waiting[k] = market.pause
                self.defaults += 1
                continue
            earned = held * (price - last) / before if before > 0 else 0.0
            self.performance[k] += market.memory * (earned - self.performance[k])
            wanted = min(beta * below, self.bound) * wealth / price
            flow = max(-1.0, market.response * (self.performance[k] - market.benchmark)) * wealth
            self.cash[k] = cash - (wanted - held) * price + flow
            self.held[k] = wanted

    def _wait(self, k: int) -> None:
        self.waiting[k] -= 1
        if not self.waiting[k]:
            self.cash[k] = self.market.wealth


def levered_fund_run(
    noise: Sequence[float] | Floats,
    largest_leverage: float,
    aggression: Sequence[float] | Floats,
    market: FundMarket | None = None,
) -> FundRun:
    """Prices that clear funds' demand and noise, with flows of investors and defaults.

    Parameters
    ----------
    noise : sequence of float
        Money of noise traders in each step.
    largest_leverage : float
        Bound of demand over wealth, not below 0.
    aggression : sequence of float, shape (funds,)
        beta: leverage a unit of price below value.
    market : FundMarket, optional
        Default: that of the paper.

    Returns
    -------
    FundRun
        Prices of shape (steps,).

    Raises
    ------
    ValueError
        A number is outside its range, or no price in 0.001 ... 20 clears the market.

    Notes
    -----
    Thurner, Farmer & Geanakoplos 2012: demand as in `levered_fund_path`. A fund's return of a step is its profit
    over its wealth before, its performance ``perf = (1 - memory) * perf + memory * return``, and the money that
    flows in ``max(-1, response * (perf - benchmark))`` of its wealth. Where several prices clear, Brent's method
    on 0.001 ... 20 decides.
    """
    terms = market or FundMarket()
    bound = not_negative(largest_leverage, "largest_leverage")
    funds = _Funds([float(beta) for beta in aggression], bound, terms)
    prices, last = [], terms.value
    for money in noise:
        price = funds.clear(float(money))
        funds.move(price, last)
        prices.append(price)
        last = price
    return FundRun(np.asarray(prices), funds.defaults)


def hill_exponent(sizes: ArrayLike, share: float) -> float:
    """Exponent of the power law that the largest sizes follow, by Hill's estimator.

    Parameters
    ----------
    sizes : array_like of float, shape (n,)
        Above 0.
    share : float
        Of the sizes, the largest, that are taken for the tail: above 0, below 1.

    Returns
    -------
    float
        ``1 / mean(log(x / x_next))`` over the tail, ``x_next`` the largest size that is not in it.

    Raises
    ------
    ValueError
        `share` is outside its range, a size is not above 0, or no size of the tail is above the next.

    Notes
    -----
    Hill 1975.
    """
    if not 0 < share < 1:
        raise ValueError(f"share {share!r} is outside 0 ... 1 (both excluded)")
    ordered = np.sort(np.asarray(sizes, float))[::-1]
    if ordered.size and not ordered[-1] > 0:
        raise ValueError(f"a size of {float(ordered[-1])!r} is not above 0")
    count = int(share * ordered.size)
    if not count or ordered[0] == ordered[count]:
        raise ValueError(f"no size of the largest {count} of {ordered.size} is above the next")
    return float(1 / np.log(ordered[:count] / ordered[count]).mean())


def return_tail(prices: ArrayLike, value: float = 1.0, share: float = 0.02) -> dict[str, float]:
    """Tail and body of the log returns of a path of prices.

    Parameters
    ----------
    prices : array_like of float, shape (n,)
        Above 0, at least three.
    value : float, default 1
        Returns that begin below it make the tail.
    share : float, default 0.02
        Of the falls, the worst, that are taken for the tail.

    Returns
    -------
    dict of str to float
        ``hill`` of the falls that begin below the value, ``kurtosis`` (3 for a normal law), ``sd`` of the sample,
        and ``acf_sq_lag1``, the correlation of squared returns with the next.

    Raises
    ------
    ValueError
        As `hill_exponent`, or there are fewer than three prices.
    """
    path = np.asarray(prices, float)
    if path.size < 3:
        raise ValueError(f"{path.size} prices are fewer than three")
    returns = np.diff(np.log(path))
    falls = -returns[(path[:-1] < value) & (returns < 0)]
    around = returns - returns.mean()
    squares = around**2
    spread = float(squares.mean())
    apart = squares - spread
    return {
        "hill": hill_exponent(falls, share),
        "kurtosis": float((squares**2).mean()) / spread**2,
        "sd": float(returns.std(ddof=1)),
        "acf_sq_lag1": float((apart[1:] * apart[:-1]).mean() / (apart**2).mean()),
    }
