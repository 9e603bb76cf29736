"""Self-exciting point processes: liquidations that cause liquidations over time."""

from __future__ import annotations

from cascade.laws.ranges import above, not_negative

__all__ = ["branching_from_counts", "hawkes_moments"]


def hawkes_moments(base_rate: float, ratio: float) -> dict[str, float]:
    """Moments of a Hawkes process with a branching ratio below one.

    Parameters
    ----------
    base_rate : float
        Events from outside a unit of time, not below 0.
    ratio : float
        n, events caused per event, 0 ... 1 (excluded).

    Returns
    -------
    dict of str to float
        ``rate``, ``mu / (1 - n)``; ``fano``, variance over mean of the count in a long window,
        ``1 / (1 - n)**2``; ``cluster_mean`` and ``cluster_variance`` of the events that one from outside
        begins, itself included, ``1 / (1 - n)`` and ``n / (1 - n)**3``.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    The kernel's shape does not matter; Hardiman & Bouchaud 2014 (arXiv 1403.5227). Clusters are
    those of the random ladder, see `generalised_poisson_moments`.
    """
    if not 0 <= ratio < 1:
        raise ValueError(f"ratio {ratio!r} is outside 0 ... 1 (excluded)")
    left = 1 - ratio
    return {
        "rate": not_negative(base_rate, "base_rate") / left,
        "fano": 1 / left**2,
        "cluster_mean": 1 / left,
        "cluster_variance": ratio / left**3,
    }


def branching_from_counts(mean: float, variance: float) -> float:
    """Branching ratio from the counts of events in long windows: ``1 - sqrt(mean / variance)``.

    Parameters
    ----------
    mean, variance : float
        Of the counts, above 0.

    Returns
    -------
    float
        Below 0 when counts are steadier than those of a Poisson process.

    Raises
    ------
    ValueError
        A number is not above 0.

    Notes
    -----
    Hardiman & Bouchaud 2014 (arXiv 1403.5227).
    """
    return float(1 - (above(mean, "mean") / above(variance, "variance")) ** 0.5)
