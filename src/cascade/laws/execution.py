"""Selling over time: schedules, what they cost, and what waiting risks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import acosh, exp, sqrt

import numpy as np
from numpy.typing import ArrayLike

from cascade.laws.ranges import Floats, above, not_negative

__all__ = [
    "Schedule",
    "aggregate_horizons",
    "liquidity_adjusted_value_at_risk",
    "liquidity_horizon",
    "resilient_book_schedule",
    "risk_averse_schedule",
    "schedule_cost",
    "volume_feedback",
]


def resilient_book_schedule(
    size: float, resilience: float, seconds: float, impact: float
) -> tuple[float, float, float]:
    """Cheapest sale into a book that refills exponentially.

    Parameters
    ----------
    size : float
        Units to sell.
    resilience : float
        rho, rate at which the displacement decays, a unit of time; above 0.
    seconds : float
        Time allowed, in the same unit; not below 0.
    impact : float
        kappa, displacement of a unit sold.

    Returns
    -------
    tuple of float
        Units sold at once at the beginning and again at the end, units a unit of time in between,
        and cost in money.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    Obizhaeva & Wang 2013, propositions 2 and 3: blocks ``size / (rho * T + 2)``, rate rho times a
    block, cost ``kappa * size**2 / (rho * T + 2)``, half of ``kappa * size**2`` when sold at once.
    """
    waits = above(resilience, "resilience") * not_negative(seconds, "seconds")
    block = not_negative(size, "size") / (waits + 2)
    return block, resilience * block, not_negative(impact, "impact") * size * block


@dataclass(frozen=True)
class Schedule:
    """A sale in equal intervals: what is left (intervals + 1,), what is sold (intervals,), its cost."""

    urgency: float
    left: Floats
    sold: Floats
    cost: float
    variance: float


def schedule_cost(
    sold: ArrayLike,
    interval: float,
    volatility: float,
    half_spread: float,
    permanent: float,
    temporary: float,
) -> tuple[float, float]:
    """Expected cost and its variance when a sale is split over equal intervals.

    Parameters
    ----------
    sold : array_like of float, shape (intervals,)
        Units sold in each.
    interval : float
        Length of each, above 0.
    volatility : float
        Standard deviation of the price a unit of time, in price.
    half_spread : float
        Fixed cost of a unit.
    permanent, temporary : float
        gamma, price move a unit sold; eta, cost a unit per unit sold a unit of time.

    Returns
    -------
    tuple of float
        ``gamma X^2 / 2 + epsilon X + (eta - gamma tau / 2) sum(n^2) / tau`` and
        ``sigma^2 tau sum(x^2)``, x what is left after each interval.

    Raises
    ------
    ValueError
        `interval` is not above 0.

    Notes
    -----
    Almgren & Chriss 2000, equations 4 and 5.
    """
    above(interval, "interval")
    n = np.asarray(sold, float)
    total = float(n.sum())
    left = total - np.cumsum(n)
    slope = temporary - permanent * interval / 2
    cost = permanent * total**2 / 2 + half_spread * total + slope / interval * float(n @ n)
    return cost, volatility**2 * interval * float(left @ left)


def risk_averse_schedule(
    size: float,
    seconds: float,
    intervals: int,
    *,
    volatility: float,
    half_spread: float,
    permanent: float,
    temporary: float,
    risk_aversion: float,
) -> Schedule:
    """Sale that minimises expected cost plus `risk_aversion` times its variance.

    Parameters
    ----------
    size : float
        Units to sell.
    seconds : float
        Time allowed, above 0, in the unit that `volatility` and `temporary` use.
    intervals : int
        Equal parts of it, at least 1.
    volatility, half_spread, permanent, temporary : float
        See `schedule_cost`.
    risk_aversion : float
        lambda, above 0.

    Returns
    -------
    Schedule
        What is left goes with ``sinh(kappa * (T - t)) / sinh(kappa * T)``; `urgency` is kappa.

    Raises
    ------
    ValueError
        A number is outside its range, or temporary impact is not above half the permanent one an
        interval.

    Notes
    -----
    Almgren & Chriss 2000.
    """
    if intervals < 1:
        raise ValueError(f"intervals {intervals!r} is below 1")
    tau = above(seconds, "seconds") / intervals
    slope = above(temporary - permanent * tau / 2, "temporary - permanent * interval / 2")
    pull = above(risk_aversion, "risk_aversion") * volatility**2 * tau**2 / (2 * slope)
    urgency = acosh(pull + 1) / tau
    times = tau * np.arange(intervals + 1)
    left = size * np.sinh(urgency * (seconds - times)) / np.sinh(urgency * seconds)
    sold = -np.diff(left)
    cost, variance = schedule_cost(sold, tau, volatility, half_spread, permanent, temporary)
    return Schedule(urgency, left, sold, cost, variance)


def liquidity_adjusted_value_at_risk(
    position: float,
    volatility: float,
    quantile: float,
    mean_spread: float,
    spread_deviation: float,
    spread_quantile: float,
    drift: float = 0.0,
) -> tuple[float, float]:
    """Value at risk of a position's price, and the cost of its spread at a bad moment.

    Parameters
    ----------
    position : float
        Money.
    volatility : float
        Standard deviation of the log return over the horizon.
    quantile : float
        z of the return, such as 2.326 for 99 %.
    mean_spread, spread_deviation, spread_quantile : float
        Relative spread, its standard deviation and how many of them count.
    drift : float, default 0
        Mean of the log return.

    Returns
    -------
    tuple of float
        ``position * (1 - exp(drift - z * sigma))`` and ``position * (S + a * s) / 2``, to be added.

    Raises
    ------
    ValueError
        `volatility`, `mean_spread` or `spread_deviation` is negative.

    Notes
    -----
    Bangia, Diebold, Schuermann & Stroughair 1999.
    """
    fall = drift - quantile * not_negative(volatility, "volatility")
    spread = not_negative(mean_spread, "mean_spread")
    spread += spread_quantile * not_negative(spread_deviation, "spread_deviation")
    return position * (1 - exp(fall)), position * spread / 2


def liquidity_horizon(days: int) -> float:
    """Standard deviation of a position sold evenly over days, over that of a day.

    Parameters
    ----------
    days : int
        At least 1.

    Returns
    -------
    float
        ``sqrt((n + 1) * (2 n + 1) / (6 n))``, for independent daily returns.

    Raises
    ------
    ValueError
        `days` is below 1.
    """
    if days < 1:
        raise ValueError(f"days {days!r} is below 1")
    return sqrt((days + 1) * (2 * days + 1) / (6 * days))


def aggregate_horizons(
    shortfalls: Sequence[float], horizons: Sequence[float], base: float = 10
) -> float:
    """Expected shortfall over liquidity horizons, from one of the base horizon each.

    Parameters
    ----------
    shortfalls : sequence of float
        Expected shortfall over `base` days of what has at least that horizon.
    horizons : sequence of float
        Days, increasing from above 0.
    base : float, default 10
        Days of each shortfall.

    Returns
    -------
    float
        ``sqrt(sum((ES_j * sqrt((LH_j - LH_(j-1)) / base))**2))``.

    Raises
    ------
    ValueError
        The lengths differ, or horizons do not increase.

    Notes
    -----
    Basel Committee, minimum capital requirements for market risk, MAR33.5.
    """
    if len(shortfalls) != len(horizons):
        raise ValueError("shortfalls and horizons must have the same length")
    steps = np.diff(np.asarray(horizons, float), prepend=0.0)
    if not (steps > 0).all():
        raise ValueError(f"horizons {list(horizons)!r} do not increase from 0")
    return float(np.sqrt((np.asarray(shortfalls, float) ** 2 * steps).sum() / base))


def volume_feedback(share: float, resold: float) -> float:
    """Volume over its old value when a seller takes a share of it and his units are traded on.

    Parameters
    ----------
    share : float
        phi, share of the last interval's volume that he sells.
    resold : float
        h, units traded among others for each unit he sells.

    Returns
    -------
    float
        ``1 / (1 - phi * (1 + h))``; infinite from ``h = 1 / phi - 1``.

    Raises
    ------
    ValueError
        A number is negative.
    """
    ratio = not_negative(share, "share") * (1 + not_negative(resold, "resold"))
    return 1 / (1 - ratio) if ratio < 1 else float("inf")
