"""Losses below bankruptcy: a jump through a ladder, and a delay."""

from __future__ import annotations

from math import exp, pi, sqrt

from scipy.special import ndtr

from cascade.laws.ranges import above, not_negative

__all__ = [
    "diffusion_deviation",
    "gap_losses",
    "latency_losses",
]


def gap_losses(
    price: float, after: float, density: float, maintenance_rate: float
) -> tuple[float, float, float]:
    """Bad debt when a price jumps through a uniform ladder of isolated longs, all filled there.

    Parameters
    ----------
    price, after : float
        Before and after the jump, downwards, in quotes.
    density : float
        Units whose liquidation price lies in a unit of price, from `price` down.
    maintenance_rate : float
        m; the bankruptcy price is ``(1 - m)`` times the liquidation price.

    Returns
    -------
    tuple of float
        Bad debt in money, ``density * (1 - m) / 2 * (price - after / (1 - m))**2``, units hit, and units
        that are bankrupt.

    Raises
    ------
    ZeroDivisionError
        `maintenance_rate` is 1.
    """
    reach = max(0.0, price - after / (1 - maintenance_rate))
    hit = density * max(0.0, price - after)
    return density * (1 - maintenance_rate) / 2 * reach**2, hit, density * reach


def latency_losses(distance: float, deviation: float) -> tuple[float, float]:
    """Loss below bankruptcy of a unit executed late at a normally distributed price.

    Parameters
    ----------
    distance : float
        Liquidation price, the mean, minus bankruptcy price; in price.
    deviation : float
        Standard deviation of the price over the delay, above 0.

    Returns
    -------
    tuple of float
        ``E[(P_bk - P)+] = s * phi(d / s) - d * Phi(-d / s)``, money per unit, and the probability
        ``Phi(-d / s)`` of a loss.

    Raises
    ------
    ValueError
        `deviation` is not above 0.

    Notes
    -----
    The price of a put in Bachelier's model.
    """
    score = distance / above(deviation, "deviation")
    below = float(ndtr(-score))
    return deviation * exp(-score * score / 2) / sqrt(2 * pi) - distance * below, below


def diffusion_deviation(
    price: float, annual_volatility: float, seconds: float, year: float = 31_536_000
) -> float:
    """Standard deviation of a price after some seconds: ``price * volatility * sqrt(t)``.

    Parameters
    ----------
    price : float
        Where the market is.
    annual_volatility : float
        Standard deviation of a year's return, a share.
    seconds : float
        Delay.
    year : float, default 31 536 000
        Seconds in a year.

    Returns
    -------
    float
        In price, ``price * volatility * sqrt(seconds / year)``.

    Raises
    ------
    ValueError
        `seconds` is negative.
    """
    return price * annual_volatility * sqrt(not_negative(seconds, "seconds") / year)
