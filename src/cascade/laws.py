"""Closed forms of liquidation cascades, to check a market against.

One number organises them: the branching ratio ``R = lambda * g``, price impact per unit sold times
the units whose trigger lies in a unit of price. Below one any shock is multiplied by
``1 / (1 - R)``; above one the ladder empties. The derivations assume a continuum of small positions, permanent
impact, no fees and a mark that is the last price; ``docs/laws.md`` says how closely the engine
meets each. Unless a function names a source, the formula follows from that loop by summing
generations ``D0 * (1 + R + R**2 + ...)`` or by solving "sold = triggered".

Prices and sizes are in any units, as long as they agree; results are floats or arrays of float64.
"""

from __future__ import annotations

from math import exp, floor, inf, log, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import gammaln, lambertw, ndtr

Floats = NDArray[np.floating[Any]]


def _above(value: float, name: str, low: float = 0.0) -> float:
    if not value > low:
        raise ValueError(f"{name} {value!r} is not above {low:g}")
    return float(value)


def _not_negative(value: float, name: str) -> float:
    if not value >= 0:
        raise ValueError(f"{name} {value!r} is negative")
    return float(value)


# --- branching ratio ---------------------------------------------------------------------------


def branching_ratio(impact: float, density: float) -> float:
    """R of a linear market and a uniform ladder.

    Parameters
    ----------
    impact : float
        Price move per unit sold; one over the depth per unit of price.
    density : float
        Units whose trigger lies in a unit of price.

    Returns
    -------
    float
        ``impact * density``: units forced per unit forced.
    """
    return _not_negative(impact, "impact") * _not_negative(density, "density")


def ladder_density(
    triggers: ArrayLike, sizes: ArrayLike, price: float, width: float, side: str = "long"
) -> float:
    """Units whose trigger lies within `width` of a price, per unit of price.

    Parameters
    ----------
    triggers, sizes : array_like of float, shape (n,)
        Trigger prices and sizes, both positive.
    price, width : float
        Where the market is, and how far to look.
    side : {"long", "short"}, default "long"
        Longs have their triggers below, shorts above the price.

    Returns
    -------
    float
    """
    if side not in ("long", "short"):
        raise ValueError(f"side must be 'long' or 'short', got {side!r}")
    _above(width, "width")
    distance = (price - np.asarray(triggers, float)) * (1 if side == "long" else -1)
    inside = (distance >= 0) & (distance <= width)
    return float(np.asarray(sizes, float)[inside].sum() / width)


def book_depth(prices: ArrayLike, sizes: ArrayLike, price: float, width: float) -> float:
    """Size resting within `width` of a price, per unit of price; one over the impact.

    Parameters
    ----------
    prices, sizes : array_like of float, shape (levels,)
        One side of a book.
    price, width : float
        Where the market is, and how far to look.

    Returns
    -------
    float
    """
    _above(width, "width")
    inside = np.abs(np.asarray(prices, float) - price) <= width
    return float(np.asarray(sizes, float)[inside].sum() / width)


def local_branching_ratio(
    triggers: ArrayLike,
    sizes: ArrayLike,
    book_prices: ArrayLike,
    book_sizes: ArrayLike,
    price: float,
    width: float,
    side: str = "long",
) -> float:
    """R that a state of accounts and book has near a price: ladder density over book depth.

    Parameters
    ----------
    triggers, sizes : array_like of float
        Accounts, see `ladder_density`.
    book_prices, book_sizes : array_like of float
        The side of the book that the forced orders trade with, see `book_depth`.
    price, width : float
        Where the market is, and how far to look.
    side : {"long", "short"}, default "long"

    Returns
    -------
    float
        Infinite when there is no depth and something to liquidate.
    """
    density = ladder_density(triggers, sizes, price, width, side)
    depth = book_depth(book_prices, book_sizes, price, width)
    if depth == 0:
        return inf if density else 0.0
    return density / depth


def amplification(ratio: float, absorbed: float = 0.0) -> float:
    """Total move over the move from outside: ``1 / (1 - R)``, infinite from R = 1.

    Parameters
    ----------
    ratio : float
        R without absorption.
    absorbed : float, default 0
        Share of forced orders taken off the venue at the mark, see `effective_ratio`.
    """
    left = effective_ratio(ratio, absorbed)
    return 1 / (1 - left) if left < 1 else inf


def effective_ratio(ratio: float, absorbed: float) -> float:
    """R on a venue when a share of forced orders is taken elsewhere: ``R * (1 - absorbed)``."""
    if not 0 <= absorbed <= 1:
        raise ValueError(f"absorbed {absorbed!r} is outside 0 ... 1")
    return _not_negative(ratio, "ratio") * (1 - absorbed)


def ratio_before_absorption(measured: float, absorbed: float) -> float:
    """R without absorption, from the one measured with it: the inverse of `effective_ratio`."""
    if not 0 <= absorbed < 1:
        raise ValueError(f"absorbed {absorbed!r} is outside 0 ... 1 (excluded)")
    return _not_negative(measured, "measured") / (1 - absorbed)


# --- linear market -----------------------------------------------------------------------------


def ladder_drop(
    shock: float, impact: float, density: float, gap: float = 0.0, width: float = inf
) -> float:
    """Total drop of a linear market through a uniform ladder.

    Parameters
    ----------
    shock : float
        Drop from outside.
    impact, density : float
        See `branching_ratio`.
    gap : float, default 0
        Distance of the first trigger from the price.
    width : float, optional
        Extent of the ladder below its first trigger.

    Returns
    -------
    float
        ``(shock - R * gap) / (1 - R)`` while the ladder lasts, else ``shock + R * width``.
    """
    _not_negative(shock, "shock")
    ratio = branching_ratio(impact, density)
    if shock <= gap:
        return shock
    drop = (shock - ratio * gap) / (1 - ratio) if ratio < 1 else inf
    return drop if drop <= gap + width else shock + ratio * width


def generation_drops(shock: float, ratio: float, count: int) -> Floats:
    """Drop that generation 0 (the shock), 1, 2, ... `count` adds: ``shock * R**k``."""
    return float(shock) * np.power(float(ratio), np.arange(count + 1, dtype=np.float64))


def rungs_liquidated(shock: float, impact_per_rung: float, spacing: float) -> float:
    """Equal rungs liquidated below a price, one every `spacing`, each moving it `impact_per_rung`.

    Returns
    -------
    float
        ``floor((shock - i) / (spacing - i))``; infinite when a rung moves the price past the next
        one. Quotients within 1e-12 of a whole number count as that number.
    """
    _above(spacing, "spacing")
    if shock < spacing:
        return 0
    if impact_per_rung >= spacing:
        return inf
    return floor((shock - impact_per_rung) / (spacing - impact_per_rung) * (1 + 1e-12))


def trigger_scale(leverage: float, maintenance_rate: float, side: str = "long") -> float:
    """Liquidation price over entry price of a linear contract: ``(1 - s/L) / (1 - s*m)``.

    Isolated margin ``entry value / L``, maintenance on the mark; s = 1 for longs, -1 for shorts.
    """
    if side not in ("long", "short"):
        raise ValueError(f"side must be 'long' or 'short', got {side!r}")
    sign = 1 if side == "long" else -1
    return (1 - sign / _above(leverage, "leverage")) / (1 - sign * maintenance_rate)


def crowd_density(
    open_interest: float, entry_width: float, leverage: float, maintenance_rate: float
) -> float:
    """Trigger density of longs of one leverage with uniform entries, see `trigger_scale`."""
    width = _above(entry_width, "entry_width") * trigger_scale(leverage, maintenance_rate)
    return open_interest / width


def critical_open_interest(
    entry_width: float, leverage: float, maintenance_rate: float, impact: float
) -> float:
    """Open interest of such a crowd at which R = 1: ``width * scale / impact``."""
    return entry_width * trigger_scale(leverage, maintenance_rate) / _above(impact, "impact")


def partial_staircase(
    price: float, maintenance_rate: float, target_rate: float, count: int
) -> tuple[Floats, Floats]:
    """Triggers and sizes of a long that is cut to a target margin rate each time it falls due.

    Returns
    -------
    tuple of numpy.ndarray, shape (count,)
        Trigger prices ``price * rho**k``, ``rho = (1 - target) / (1 - m)``, and the share of the
        position left before each, ``(m / target)**k``.
    """
    steps = np.arange(count, dtype=np.float64)
    rho = (1 - target_rate) / (1 - maintenance_rate)
    left = maintenance_rate / target_rate
    return price * np.power(rho, steps), np.power(left, steps)


def partial_ladder_drop(
    shock: float, ratio: float, price: float, maintenance_rate: float, target_rate: float
) -> float:
    """Drop of a linear market through a uniform ladder of accounts that are cut to a target rate.

    Returns
    -------
    float
        ``shock / (1 - f * R)`` with the fraction ``f = 1 - m / target`` that each account sells,
        for a first sweep: no account falls due again within ``price * (1 - rho)`` of its trigger,
        see `partial_staircase`.

    Raises
    ------
    ValueError
        The drop reaches as far as that: accounts fall due again, and R climbs back.
    """
    sold = (1 - maintenance_rate / target_rate) * ratio
    drop = shock / (1 - sold) if sold < 1 else inf
    again = price * (1 - (1 - target_rate) / (1 - maintenance_rate))
    if drop >= again:
        raise ValueError(f"a drop of {drop:g} is not a first sweep, which ends at {again:g}")
    return drop


def break_even_size(liquidation: float, bankruptcy: float, impact: float) -> float:
    """Size whose sale as one order leaves the insurance fund as it is.

    The average price is half the move below the liquidation price, on a linear market:
    ``2 * (liquidation - bankruptcy) / impact``.
    """
    return 2 * (liquidation - bankruptcy) / _above(impact, "impact")


def kyle_impact(value_deviation: float, noise_deviation: float) -> tuple[float, float]:
    """Price move per unit and insider's intensity in a single auction (Kyle 1985, theorem 1).

    Returns
    -------
    tuple of float
        ``value_deviation / (2 * noise_deviation)`` and ``noise_deviation / value_deviation``.
    """
    value = _above(value_deviation, "value_deviation")
    noise = _above(noise_deviation, "noise_deviation")
    return value / (2 * noise), noise / value


# --- non-linear books --------------------------------------------------------------------------


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
        Root of ``D = coefficient * sqrt(sale + density * D)``. There is no critical R: at least
        ``coefficient**2 * density``, and ``R = coefficient**2 * density / (2 * D) < 1`` there.
    """
    a = _above(coefficient, "coefficient") ** 2
    forced = a * _not_negative(density, "density")
    return (forced + sqrt(forced * forced + 4 * a * _not_negative(sale, "sale"))) / 2


def depth_linear_drop(depth: float, length: float, density: float, sale: float) -> float:
    """Drop through a book of depth ``depth * (1 + x / length)`` at distance x, without refill.

    Returns
    -------
    float
        ``length * ((R - 1) + sqrt((1 - R)**2 + 2 * sale / (depth * length)))`` with
        ``R = density / depth``: finite for every R; above one at least ``2 * length * (R - 1)``.
    """
    ratio = density / _above(depth, "depth")
    room = 2 * _not_negative(sale, "sale") / (depth * _above(length, "length"))
    return length * ((ratio - 1) + sqrt((1 - ratio) ** 2 + room))


def critical_sale(depth: float, length: float, density: float) -> tuple[float, float]:
    """Largest sale that a book of depth ``depth * exp(-x / length)`` survives, and its drop.

    Returns
    -------
    tuple of float
        ``Q_c = depth * length * (1 - R + R * log(R))`` and ``-length * log(R)``, with
        ``R = density / depth`` below one; above one nothing is survived.
    """
    ratio = density / _above(depth, "depth")
    if ratio >= 1:
        return 0.0, 0.0
    if ratio == 0:
        return depth * length, inf
    return depth * length * (1 - ratio + ratio * log(ratio)), -length * log(ratio)


def depth_exponential_drop(depth: float, length: float, density: float, sale: float) -> float:
    """Drop through a book of depth ``depth * exp(-x / length)``; infinite beyond `critical_sale`.

    Solves ``depth * length * (1 - exp(-D / length)) = sale + density * D`` for its smaller root.
    """
    limit, at_limit = critical_sale(depth, length, density)
    if sale > limit or (density == 0 and sale >= limit):
        return inf
    if density == 0:
        return -length * log(1 - sale / (depth * length))

    def left(drop: float) -> float:
        return depth * length * (1 - exp(-drop / length)) - sale - density * drop

    return float(brentq(left, 0.0, at_limit, xtol=1e-14, rtol=1e-14)) if sale else 0.0


# --- cross margin ------------------------------------------------------------------------------


def cross_margin_matrix(impacts: ArrayLike, exposures: ArrayLike, densities: ArrayLike) -> Floats:
    """Drop of market i per drop of market j that cross-margin liquidations cause.

    Parameters
    ----------
    impacts : array_like of float, shape (markets,)
        Price move per unit sold.
    exposures : array_like of float, shape (groups, markets)
        Units held in each market by an account of a group.
    densities : array_like of float, shape (groups,)
        Accounts of a group whose surplus lies in a unit of money.

    Returns
    -------
    numpy.ndarray, shape (markets, markets)
        ``diag(impacts) @ sum(density * outer(a, a))``.
    """
    a = np.asarray(exposures, float)
    spread = np.einsum("g,gi,gj->ij", np.asarray(densities, float), a, a)
    return np.asarray(impacts, float)[:, None] * spread


def cross_margin_drops(matrix: ArrayLike, shocks: ArrayLike) -> Floats:
    """Total drops ``(I - K)**-1 @ shocks`` of a cascade over several markets.

    Raises
    ------
    ValueError
        The spectral radius of `matrix` is not below one: nothing stops the cascade.
    """
    k = np.asarray(matrix, float)
    if spectral_radius(k) >= 1:
        raise ValueError(f"spectral radius {spectral_radius(k):g} is not below 1")
    return np.asarray(np.linalg.solve(np.eye(len(k)) - k, np.asarray(shocks, float)))


def spectral_radius(matrix: ArrayLike) -> float:
    """Largest modulus of an eigenvalue; the branching ratio of several markets."""
    return float(np.abs(np.linalg.eigvals(np.asarray(matrix, float))).max())


# --- losses ------------------------------------------------------------------------------------


def gap_losses(
    price: float, after: float, density: float, maintenance_rate: float
) -> tuple[float, float, float]:
    """Bad debt when a price jumps through a uniform ladder of isolated longs, all filled there.

    Parameters
    ----------
    price, after : float
        Before and after the jump, downwards.
    density : float
        Units whose liquidation price lies in a unit of price, from `price` down.
    maintenance_rate : float
        m; the bankruptcy price is ``(1 - m)`` times the liquidation price.

    Returns
    -------
    tuple of float
        Bad debt ``density * (1 - m) / 2 * (price - after / (1 - m))**2``, units hit, and units
        that are bankrupt.
    """
    reach = max(0.0, price - after / (1 - maintenance_rate))
    hit = density * max(0.0, price - after)
    return density * (1 - maintenance_rate) / 2 * reach**2, hit, density * reach


def latency_losses(distance: float, deviation: float) -> tuple[float, float]:
    """Loss below bankruptcy of a unit executed late at a normally distributed price.

    Parameters
    ----------
    distance : float
        Liquidation price, the mean, minus bankruptcy price.
    deviation : float
        Standard deviation of the price over the delay.

    Returns
    -------
    tuple of float
        ``E[(P_bk - P)+] = s * phi(d / s) - d * Phi(-d / s)`` and ``Phi(-d / s)`` (Bachelier's put).
    """
    score = distance / _above(deviation, "deviation")
    below = float(ndtr(-score))
    return deviation * exp(-score * score / 2) / sqrt(2 * pi) - distance * below, below


def diffusion_deviation(
    price: float, annual_volatility: float, seconds: float, year: float = 31_536_000
) -> float:
    """Standard deviation of a price after some seconds: ``price * volatility * sqrt(t)``."""
    return price * annual_volatility * sqrt(_not_negative(seconds, "seconds") / year)


# --- random ladders ----------------------------------------------------------------------------


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
    """
    n = np.asarray(count, float)
    _above(theta, "theta")
    rate = theta + n * _not_negative(ratio, "ratio")
    return np.asarray(np.exp(log(theta) + (n - 1) * np.log(rate) - rate - gammaln(n + 1)))


def critical_tail_limit(theta: float) -> float:
    """Limit of ``n**1.5 * P(n)`` at R = 1, ``theta / sqrt(2 * pi)``: the tail exponent is 3/2."""
    return _above(theta, "theta") / sqrt(2 * pi)


def generalised_poisson_moments(
    theta: float, ratio: float, size_cv2: float = 0.0
) -> tuple[float, float]:
    """Mean and variance of the number liquidated; sizes have a squared coefficient of variation.

    Returns
    -------
    tuple of float
        ``theta / (1 - R)`` and ``theta * (1 + R**2 * cv2) / (1 - R)**3``; infinite from R = 1.
    """
    if ratio >= 1:
        return inf, inf
    return theta / (1 - ratio), theta * (1 + ratio**2 * size_cv2) / (1 - ratio) ** 3


def extinction_root(ratio: float) -> float:
    """Probability that what one order starts dies out: least root of ``s = exp(-R * (1 - s))``."""
    if ratio <= 1:
        return 1.0
    return float(-lambertw(-ratio * exp(-ratio)).real / ratio)


def stop_probability(theta: float, ratio: float) -> float:
    """Probability that a cascade stops before the end of its ladder: ``exp(-theta * (1 - s))``."""
    return exp(-theta * (1 - extinction_root(ratio)))
