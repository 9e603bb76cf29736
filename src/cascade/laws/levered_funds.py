"""Funds that buy below value with borrowed money, against noise: leverage makes fat tails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.signal import lfilter

from cascade.laws.ranges import Floats, above, not_negative

__all__ = ["FundStep", "levered_fund_path", "noise_path"]

LOWEST, HIGHEST = 1e-3, 20.0


@dataclass(frozen=True)
class FundStep:
    """Price of a step, units that funds hold after it, funds at their largest leverage, wealth."""

    price: float
    holdings: float
    at_limit: int
    wealth: float


def noise_path(
    steps: int,
    reversion: float,
    deviation: float,
    seed: int,
    value: float = 1.0,
    *,
    at_rest: bool = False,
) -> Floats:
    """Money of noise traders over the value of all units, whose logarithm reverts to 0.

    Parameters
    ----------
    steps : int
        Length.
    reversion : float
        rho, correlation of a step with the one before, 0 ... 1 (excluded).
    deviation : float
        Standard deviation of a step's innovation, not below 0.
    seed : int
        Of the random stream.
    value : float, default 1
        Value of all units, which multiplies the path.
    at_rest : bool, default False
        Begins one innovation away from the value instead of in the long-run distribution.

    Returns
    -------
    numpy.ndarray, shape (steps,)
        Without funds this is the price over the value a unit: log prices have a standard deviation of
        ``deviation / sqrt(1 - rho**2)``, log returns ``deviation * sqrt(2 / (1 + rho))`` with a
        correlation of ``-(1 - rho) / 2``.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    Thurner, Farmer & Geanakoplos 2012.
    """
    if not 0 <= reversion < 1:
        raise ValueError(f"reversion {reversion!r} is outside 0 ... 1 (excluded)")
    shocks = np.random.default_rng(seed).standard_normal(steps)
    shocks *= not_negative(deviation, "deviation")
    if steps and not at_rest:
        shocks[0] /= (1 - reversion**2) ** 0.5
    return np.asarray(above(value, "value") * np.exp(lfilter([1.0], [1.0, -reversion], shocks)))


def levered_fund_path(
    noise: Sequence[float],
    largest_leverage: float,
    aggression: ArrayLike,
    *,
    wealth: float = 2.0,
    units: float = 1000.0,
    value: float = 1.0,
) -> list[FundStep]:
    """Prices that clear funds' demand and noise, step by step, without flows or re-entry.

    Parameters
    ----------
    noise : sequence of float
        Money of noise traders in each step.
    largest_leverage : float
        Bound of demand over wealth, not below 0.
    aggression : array_like of float, shape (funds,)
        beta: leverage a unit of price below value.
    wealth : float, default 2
        Cash of each fund at the beginning.
    units : float, default 1000
        Units of the asset.
    value : float, default 1
        Value of a unit.

    Returns
    -------
    list of FundStep
        One a step.

    Raises
    ------
    ValueError
        A number is outside its range, or no price in 0.001 ... 20 clears the market.

    Notes
    -----
    Thurner, Farmer & Geanakoplos 2012: fund h demands ``min(beta * m, largest) * W / p`` with
    ``m = max(value - p, 0)`` and ``W`` its wealth at the price p, noise ``xi / p``. A fund at its bound
    sells when the price falls. Where several prices clear, Brent's method on 0.001 ... 20 decides.
    """
    beta = np.asarray(aggression, float)
    not_negative(largest_leverage, "largest_leverage")
    cash: Floats = np.full(beta.shape, above(wealth, "wealth"))
    held: Floats = np.zeros(beta.shape)
    path = []

    def demand(price: float) -> Floats:
        funds = held * price + cash
        leverage = np.minimum(beta * max(value - price, 0.0), largest_leverage)
        return np.asarray(np.where(funds > 0, leverage * funds / price, 0.0))

    for money in noise:

        def excess(price: float, money: float = money) -> float:
            return float(demand(price).sum() + money / price - units)

        if excess(LOWEST) * excess(HIGHEST) > 0:
            raise ValueError(f"no price in {LOWEST:g} ... {HIGHEST:g} clears noise {money!r}")
        price = float(brentq(excess, LOWEST, HIGHEST, xtol=1e-15, rtol=1e-14))
        total = float((held * price + cash).sum())
        wanted = demand(price)
        cash = cash - (wanted - held) * price
        held = wanted
        limit = int((beta * max(value - price, 0.0) >= largest_leverage).sum())
        path.append(FundStep(price, float(held.sum()), limit, total))
    return path
