"""Fire sales of holders with common assets: sales that move prices, and losses that cause sales."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from numpy.typing import ArrayLike

from cascade.laws.branching import spectral_radius
from cascade.laws.ranges import Floats, above, not_negative

__all__ = [
    "Spillovers",
    "Threshold",
    "ThresholdRound",
    "exponential_price",
    "sensitivity_for_loss",
    "spillovers",
    "threshold_sales",
]


def exponential_price(share_sold: float, sensitivity: float) -> float:
    """Price over its old value after a share of all units was sold: ``exp(-alpha * share)``.

    Parameters
    ----------
    share_sold : float
        Units sold over all units, 0 ... 1.
    sensitivity : float
        alpha, not below 0.

    Returns
    -------
    float
        Above 0, at most 1; the curve of `cascade.Impact.exponential` with a length of all units over
        alpha.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    Cifuentes, Ferrucci & Shin 2005; Caccioli, Shrestha, Moore & Farmer 2014.
    """
    if not 0 <= share_sold <= 1:
        raise ValueError(f"share_sold {share_sold!r} is outside 0 ... 1")
    return exp(-not_negative(sensitivity, "sensitivity") * share_sold)


def sensitivity_for_loss(share_sold: float, loss: float) -> float:
    """Sensitivity at which selling a share of all units costs a share of the price.

    Parameters
    ----------
    share_sold : float
        Above 0, at most 1.
    loss : float
        Share of the price lost, 0 ... 1 (excluded).

    Returns
    -------
    float
        alpha, ``-log(1 - loss) / share_sold``.

    Raises
    ------
    ValueError
        A number is outside its range.
    """
    if not 0 <= loss < 1:
        raise ValueError(f"loss {loss!r} is outside 0 ... 1 (excluded)")
    if not 0 < share_sold <= 1:
        raise ValueError(f"share_sold {share_sold!r} is outside 0 (excluded) ... 1")
    return float(-np.log1p(-loss)) / share_sold


@dataclass(frozen=True)
class Spillovers:
    """What a shock does when every holder returns to its leverage; arrays are float64.

    `returns` (holders,) are those of the shock alone, `sales` (assets,) money, below 0 when sold, and
    `price_moves` (assets,) what the sales cause. `direct` and `aggregate` are the losses of the
    shock and of the sales over all equity; `systemicness` (holders,) is the aggregate by seller,
    `vulnerability` (holders,) each one's loss over its own equity. `radius` is the branching ratio
    of the rounds, and `all_rounds` the aggregate when sales cause sales without end, infinite from
    a radius of 1.
    """

    returns: Floats
    sales: Floats
    price_moves: Floats
    direct: float
    aggregate: float
    systemicness: Floats
    vulnerability: Floats
    radius: float
    all_rounds: float


def spillovers(
    assets: ArrayLike,
    equity: ArrayLike,
    weights: ArrayLike,
    illiquidity: ArrayLike,
    shock: ArrayLike,
) -> Spillovers:
    """Losses when holders of common assets sell to return to their leverage.

    Parameters
    ----------
    assets, equity : array_like of float, shape (holders,)
        Balance sheets, above 0.
    weights : array_like of float, shape (holders, assets)
        Shares of each asset in each balance sheet.
    illiquidity : array_like of float, shape (assets,)
        Return per unit of money sold.
    shock : array_like of float, shape (assets,)
        Returns from outside, below 0 for a loss.

    Returns
    -------
    Spillovers
        Of the first round, and of all rounds together.

    Raises
    ------
    ValueError
        A shape does not agree, or a balance sheet is not above 0.

    Notes
    -----
    Greenwood, Landier & Thesmar 2015: with B debt over equity, ``sales = M' (A B M f)`` and
    ``AV = -1' A M L sales / sum(E)``. One holder with one asset has R = ``illiquidity * A * B``.
    """
    a, e, m, ell, f = (np.asarray(x, float) for x in (assets, equity, weights, illiquidity, shock))
    if a.ndim != 1 or e.shape != a.shape or m.shape != (len(a), len(f)) or ell.shape != f.shape:
        raise ValueError(
            f"shapes do not agree: assets {a.shape}, equity {e.shape}, weights {m.shape}, "
            f"illiquidity {ell.shape}, shock {f.shape}"
        )
    if not ((a > 0).all() and (e > 0).all()):
        raise ValueError("assets and equity must be above 0")
    debts = a / e - 1
    returns = m @ f
    per_holder = a * debts * returns
    moves = ell * (m.T @ per_holder)
    hurt = a * (m @ moves)
    by_seller = (a @ m * ell) @ (m * per_holder[:, None]).T
    rounds = (m * ell) @ m.T * (a * debts)[None, :]
    radius = spectral_radius(rounds)
    total = np.inf
    if radius < 1:
        settled = np.linalg.solve(np.eye(len(a)) - rounds, returns)
        total = float(-(a @ (settled - returns)) / e.sum())
    return Spillovers(
        returns=returns,
        sales=m.T @ per_holder,
        price_moves=moves,
        direct=float(-(a @ returns) / e.sum()),
        aggregate=float(-hurt.sum() / e.sum()),
        systemicness=-by_seller / e.sum(),
        vulnerability=-hurt / e,
        radius=radius,
        all_rounds=total,
    )


@dataclass(frozen=True)
class Threshold:
    """Rule and market of holders who act only above a leverage.

    Parameters
    ----------
    largest, target : float
        Leverage above which a holder sells, and to which it returns; above 1.
    price, floor : float
        Price of the asset, and the price below which it does not fall.
    daily_volume, volatility, days, factor : float
        ``factor * daily_volume / volatility * sqrt(days)`` is the money that the market takes.
    own_impact : float, default 0.5
        Share of the price move that a seller bears on what it sells.

    Notes
    -----
    Cont & Schaanning 2017.
    """

    largest: float
    target: float
    price: float
    floor: float
    daily_volume: float
    volatility: float
    days: float
    factor: float
    own_impact: float = 0.5

    @property
    def depth(self) -> float:
        """Money that the market takes."""
        return self.factor * self.daily_volume / self.volatility * sqrt(self.days)

    @property
    def scale(self) -> float:
        """delta: the depth times how far the price may fall."""
        return (1 - self.floor / self.price) * self.depth


@dataclass(frozen=True)
class ThresholdRound:
    """One round: leverage and share sold before it, what was sold, and what is left after it."""

    leverage: Floats
    share: Floats
    sold: float
    fall: float
    losses: Floats
    capital: Floats
    holdings: Floats
    price: float


def threshold_sales(
    holdings: ArrayLike,
    capital: ArrayLike,
    illiquid: ArrayLike,
    rule: Threshold,
    most_rounds: int = 1000,
) -> list[ThresholdRound]:
    """Rounds of sales of one asset by holders whose leverage is too high, until nobody sells.

    Parameters
    ----------
    holdings, capital, illiquid : array_like of float, shape (holders,)
        Money in the asset, capital after the shock, and assets that cannot be sold.
    rule : Threshold
        Leverages and market.
    most_rounds : int, default 1000
        End also after so many.

    Returns
    -------
    list of ThresholdRound
        The last one sells nothing unless `most_rounds` was reached.

    Raises
    ------
    ValueError
        Shapes do not agree.

    Notes
    -----
    Cont & Schaanning 2017: ``share = min((P + I - target * C) / P, 1)`` above the largest
    leverage, ``fall = (1 - floor / price) * (1 - exp(-sold / delta))``, and a seller bears
    ``1 - own_impact`` less of it on what it sells. A holder without capital sells everything.
    """
    held, own, fixed = (np.asarray(x, float).copy() for x in (holdings, capital, illiquid))
    if not held.shape == own.shape == fixed.shape or held.ndim != 1:
        raise ValueError("holdings, capital and illiquid must have the same length")
    price, scale = above(rule.price, "price"), rule.scale
    rounds: list[ThresholdRound] = []
    while len(rounds) < most_rounds:
        with np.errstate(divide="ignore", invalid="ignore"):
            leverage = np.where(own > 0, (held + fixed) / own, np.inf)
            wanted = np.where(
                held > 0, np.minimum((held + fixed - rule.target * own) / held, 1.0), 0.0
            )
        share = np.where(leverage > rule.largest, np.maximum(wanted, 0.0), 0.0)
        sold = float(share @ held)
        fall = (1 - rule.floor / price) * (1 - exp(-sold / scale))
        losses = (1 - (1 - rule.own_impact) * share) * held * fall
        own = own - losses
        held = (1 - share) * held * (1 - fall)
        price *= 1 - fall
        rounds.append(ThresholdRound(leverage, share, sold, fall, losses, own, held, price))
        if sold == 0:
            break
    return rounds
