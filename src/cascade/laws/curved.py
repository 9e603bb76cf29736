"""Laws of books whose depth changes with the distance from the best price."""

from __future__ import annotations

from math import exp, inf, log, sqrt

from scipy.optimize import brentq

from cascade.laws.ranges import above, not_negative

__all__ = [
    "critical_sale",
    "depth_exponential_drop",
    "depth_linear_drop",
    "square_root_drop",
]


def square_root_drop(coefficient: float, density: float, sale: float) -> float:
    """Drop under the square-root law on the whole metaorder, forced orders included.

    Parameters
    ----------
    coefficient : float
        Drop of one unit sold, ``Y * sigma * P / sqrt(V)``.
    density : float
        Units triggered per unit of price.
    sale : float
        Units sold from outside.

    Returns
    -------
    float
        In price: the root of ``D = coefficient * sqrt(sale + density * D)``. There is no critical R: at least
        ``coefficient**2 * density``, and ``R = coefficient**2 * density / (2 * D) < 1`` there.

    Raises
    ------
    ValueError
        `coefficient` is not above 0, or `density` or `sale` is negative.
    """
    a = above(coefficient, "coefficient") ** 2
    forced = a * not_negative(density, "density")
    return (forced + sqrt(forced * forced + 4 * a * not_negative(sale, "sale"))) / 2


def depth_linear_drop(depth: float, length: float, density: float, sale: float) -> float:
    """Drop through a book of depth ``depth * (1 + x / length)`` at distance x, without refill.

    Parameters
    ----------
    depth : float
        Units resting in a unit of price at the best price, above 0.
    length : float
        Distance in price over which the depth changes, above 0.
    density : float
        Units triggered per unit of price.
    sale : float
        Units sold from outside.

    Returns
    -------
    float
        In price: ``length * ((R - 1) + sqrt((1 - R)**2 + 2 * sale / (depth * length)))`` with
        ``R = density / depth``: finite for every R; above one at least ``2 * length * (R - 1)``.

    Raises
    ------
    ValueError
        `depth` or `length` is not above 0, or `sale` is negative.
    """
    ratio = density / above(depth, "depth")
    room = 2 * not_negative(sale, "sale") / (depth * above(length, "length"))
    return length * ((ratio - 1) + sqrt((1 - ratio) ** 2 + room))


def critical_sale(depth: float, length: float, density: float) -> tuple[float, float]:
    """Largest sale that a book of depth ``depth * exp(-x / length)`` survives, and its drop.

    Parameters
    ----------
    depth : float
        Units resting in a unit of price at the best price, above 0.
    length : float
        Distance in price over which the depth changes, above 0.
    density : float
        Units triggered per unit of price.

    Returns
    -------
    tuple of float
        Units ``Q_c = depth * length * (1 - R + R * log(R))`` and drop in price
        ``-length * log(R)``, with ``R = density / depth`` below one; above one nothing is survived.

    Raises
    ------
    ValueError
        `depth` is not above 0.
    """
    ratio = density / above(depth, "depth")
    if ratio >= 1:
        return 0.0, 0.0
    if ratio == 0:
        return depth * length, inf
    return depth * length * (1 - ratio + ratio * log(ratio)), -length * log(ratio)


def depth_exponential_drop(depth: float, length: float, density: float, sale: float) -> float:
    """Drop through a book of depth ``depth * exp(-x / length)``; infinite beyond `critical_sale`.

    Parameters
    ----------
    depth : float
        Units resting in a unit of price at the best price, above 0.
    length : float
        Distance in price over which the depth changes, above 0.
    density : float
        Units triggered per unit of price.
    sale : float
        Units sold from outside.

    Returns
    -------
    float
        In price: the smaller root D of
        ``depth * length * (1 - exp(-D / length)) = sale + density * D``.

    Raises
    ------
    ValueError
        `depth` is not above 0.
    """
    limit, at_limit = critical_sale(depth, length, density)
    if sale > limit or (density == 0 and sale >= limit):
        return inf
    if density == 0:
        return -length * log(1 - sale / (depth * length))

    def left(drop: float) -> float:
        return depth * length * (1 - exp(-drop / length)) - sale - density * drop

    return float(brentq(left, 0.0, at_limit, xtol=1e-14, rtol=1e-14)) if sale else 0.0
