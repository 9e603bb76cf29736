"""Branching ratio: what it is of a state, and what absorption and several markets do to it."""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import ArrayLike

from cascade.laws.ranges import Floats, above, not_negative

__all__ = [
    "amplification",
    "book_depth",
    "branching_ratio",
    "cross_margin_drops",
    "cross_margin_matrix",
    "effective_ratio",
    "ladder_density",
    "local_branching_ratio",
    "ratio_before_absorption",
    "spectral_radius",
]


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

    Raises
    ------
    ValueError
        An argument is negative or no number.
    """
    return not_negative(impact, "impact") * not_negative(density, "density")


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
        Units per unit of price.

    Raises
    ------
    ValueError
        `side` is unknown, or `width` is not above 0.
    """
    if side not in ("long", "short"):
        raise ValueError(f"side must be 'long' or 'short', got {side!r}")
    above(width, "width")
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
        Units per unit of price.

    Raises
    ------
    ValueError
        `width` is not above 0.
    """
    above(width, "width")
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
        Trigger prices and sizes of the accounts, see `ladder_density`.
    book_prices, book_sizes : array_like of float
        The side of the book that the forced orders trade with, see `book_depth`.
    price, width : float
        Where the market is, and how far to look.
    side : {"long", "short"}, default "long"
        Side of the accounts.

    Returns
    -------
    float
        R; infinite when there is no depth and something to liquidate.

    Raises
    ------
    ValueError
        `side` is unknown, or `width` is not above 0.
    """
    density = ladder_density(triggers, sizes, price, width, side)
    depth = book_depth(book_prices, book_sizes, price, width)
    if depth == 0:
        return inf if density else 0.0
    return density / depth


def effective_ratio(ratio: float, absorbed: float) -> float:
    """R on a venue when a share of forced orders is taken elsewhere: ``R * (1 - absorbed)``.

    Parameters
    ----------
    ratio : float
        R without absorption.
    absorbed : float
        Share of forced orders taken off the venue at the mark, 0 ... 1.

    Returns
    -------
    float
        R of what is left.

    Raises
    ------
    ValueError
        `ratio` is negative, or `absorbed` is outside 0 ... 1.
    """
    if not 0 <= absorbed <= 1:
        raise ValueError(f"absorbed {absorbed!r} is outside 0 ... 1")
    return not_negative(ratio, "ratio") * (1 - absorbed)


def ratio_before_absorption(measured: float, absorbed: float) -> float:
    """R without absorption, from the one measured with it: the inverse of `effective_ratio`.

    Parameters
    ----------
    measured : float
        R with absorption.
    absorbed : float
        Share of forced orders taken off the venue at the mark, 0 ... 1, 1 excluded.

    Returns
    -------
    float
        R without absorption, ``measured / (1 - absorbed)``.

    Raises
    ------
    ValueError
        `measured` is negative, or `absorbed` is outside 0 ... 1 (excluded).
    """
    if not 0 <= absorbed < 1:
        raise ValueError(f"absorbed {absorbed!r} is outside 0 ... 1 (excluded)")
    return not_negative(measured, "measured") / (1 - absorbed)


def amplification(ratio: float, absorbed: float = 0.0) -> float:
    """Total move over the move from outside: ``1 / (1 - R)``, infinite from R = 1.

    Parameters
    ----------
    ratio : float
        R without absorption.
    absorbed : float, default 0
        Share of forced orders taken off the venue at the mark, see `effective_ratio`.

    Returns
    -------
    float
        A multiple of the move from outside, at least 1.

    Raises
    ------
    ValueError
        `ratio` is negative, or `absorbed` is outside 0 ... 1.
    """
    left = effective_ratio(ratio, absorbed)
    return 1 / (1 - left) if left < 1 else inf


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

    Raises
    ------
    ValueError
        The shapes do not agree.
    """
    a = np.asarray(exposures, float)
    spread = np.einsum("g,gi,gj->ij", np.asarray(densities, float), a, a)
    return np.asarray(impacts, float)[:, None] * spread


def cross_margin_drops(matrix: ArrayLike, shocks: ArrayLike) -> Floats:
    """Total drops ``(I - K)**-1 @ shocks`` of a cascade over several markets.

    Parameters
    ----------
    matrix : array_like of float, shape (markets, markets)
        K, see `cross_margin_matrix`.
    shocks : array_like of float, shape (markets,)
        Drops from outside, in price.

    Returns
    -------
    numpy.ndarray, shape (markets,)
        Drops in price.

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
    """Largest modulus of an eigenvalue; the branching ratio of several markets.

    Parameters
    ----------
    matrix : array_like of float, shape (markets, markets)
        See `cross_margin_matrix`.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    numpy.linalg.LinAlgError
        `matrix` is not square, or not finite.
    """
    return float(np.abs(np.linalg.eigvals(np.asarray(matrix, float))).max())
