"""Laws of ladders whose triggers are a Poisson process."""

from __future__ import annotations

from math import exp, inf, log, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, lambertw

from cascade.laws.ranges import Floats, above, not_negative

__all__ = [
    "critical_tail_limit",
    "extinction_root",
    "generalised_poisson_moments",
    "generalised_poisson_pmf",
    "stop_probability",
]


def generalised_poisson_pmf(count: ArrayLike, theta: float, ratio: float) -> Floats:
    """Probability of each number liquidated when triggers are a Poisson process.

    Parameters
    ----------
    count : array_like of int
        Numbers liquidated.
    theta : float
        Triggers that the shock alone is expected to reach.
    ratio : float
        R: triggers that one forced order's move is expected to reach.

    Returns
    -------
    numpy.ndarray
        ``theta * (theta + n*R)**(n-1) * exp(-theta - n*R) / n!`` (Consul & Jain 1973, the
        generalised Poisson distribution). Sums to less than one above R = 1.

    Raises
    ------
    ValueError
        `theta` is not above 0, or `ratio` is negative.
    """
    n = np.asarray(count, float)
    above(theta, "theta")
    rate = theta + n * not_negative(ratio, "ratio")
    return np.asarray(np.exp(log(theta) + (n - 1) * np.log(rate) - rate - gammaln(n + 1)))


def critical_tail_limit(theta: float) -> float:
    """Limit of ``n**1.5 * P(n)`` at R = 1, ``theta / sqrt(2 * pi)``: the tail exponent is 3/2.

    Parameters
    ----------
    theta : float
        Triggers that the shock alone is expected to reach, above 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        `theta` is not above 0.

    Notes
    -----
    Stirling's formula in `generalised_poisson_pmf`.
    """
    return above(theta, "theta") / sqrt(2 * pi)


def generalised_poisson_moments(
    theta: float, ratio: float, size_cv2: float = 0.0
) -> tuple[float, float]:
    """Mean and variance of the number liquidated when sizes vary.

    Parameters
    ----------
    theta : float
        Triggers that the shock alone is expected to reach.
    ratio : float
        R: triggers that one forced order's move is expected to reach.
    size_cv2 : float, default 0
        Squared coefficient of variation of the sizes.

    Returns
    -------
    tuple of float
        ``theta / (1 - R)`` and ``theta * (1 + R**2 * cv2) / (1 - R)**3``; infinite from R = 1.

    Notes
    -----
    Consul & Jain 1973 for equal sizes.
    """
    if ratio >= 1:
        return inf, inf
    return theta / (1 - ratio), theta * (1 + ratio**2 * size_cv2) / (1 - ratio) ** 3


def extinction_root(ratio: float) -> float:
    """Probability that what one order starts dies out: least root of ``s = exp(-R * (1 - s))``.

    Parameters
    ----------
    ratio : float
        R: forced orders that one is expected to cause.

    Returns
    -------
    float
        In 0 ... 1; 1 up to R = 1.

    Notes
    -----
    Extinction of a branching process with Poisson offspring, by Lambert's W:
    ``-W(-R * exp(-R)) / R``.
    """
    if ratio <= 1:
        return 1.0
    return float(-lambertw(-ratio * exp(-ratio)).real / ratio)


def stop_probability(theta: float, ratio: float) -> float:
    """Probability that a cascade stops before the end of its ladder: ``exp(-theta * (1 - s))``.

    Parameters
    ----------
    theta : float
        Triggers that the shock alone is expected to reach.
    ratio : float
        R: forced orders that one is expected to cause.

    Returns
    -------
    float
        In 0 ... 1, with the s of `extinction_root`.
    """
    return exp(-theta * (1 - extinction_root(ratio)))
