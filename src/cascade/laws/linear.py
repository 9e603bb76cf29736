"""Laws of a market whose price moves in proportion to what is sold."""

from __future__ import annotations

from math import floor, inf

import numpy as np

from cascade.laws.branching import branching_ratio
from cascade.laws.ranges import Floats, above, not_negative

__all__ = [
    "break_even_size",
    "critical_open_interest",
    "critical_replenishment",
    "crowd_density",
    "decaying_drops",
    "generation_drops",
    "halted_drop",
    "kyle_impact",
    "ladder_drop",
    "partial_ladder_drop",
    "partial_staircase",
    "rungs_liquidated",
    "trigger_scale",
]


def ladder_drop(
    shock: float, impact: float, density: float, gap: float = 0.0, width: float = inf
) -> float:
    """Total drop of a linear market through a uniform ladder.

    Parameters
    ----------
    shock : float
        Drop from outside, in price.
    impact, density : float
        See `branching_ratio`.
    gap : float, default 0
        Distance of the first trigger from the price, in price.
    width : float, optional
        Extent of the ladder below its first trigger.

    Returns
    -------
    float
        In price: ``(shock - R * gap) / (1 - R)`` while the ladder lasts, else ``shock + R * width``.

    Raises
    ------
    ValueError
        `shock`, `impact` or `density` is negative.
    """
    not_negative(shock, "shock")
    ratio = branching_ratio(impact, density)
    if shock <= gap:
        return shock
    drop = (shock - ratio * gap) / (1 - ratio) if ratio < 1 else inf
    return drop if drop <= gap + width else shock + ratio * width


def generation_drops(shock: float, ratio: float, count: int) -> Floats:
    """Drop that generation 0 (the shock), 1, 2, ... `count` adds: ``shock * R**k``.

    Parameters
    ----------
    shock : float
        Drop from outside, in price.
    ratio : float
        R.
    count : int
        Generations after the shock, at least 0.

    Returns
    -------
    numpy.ndarray, shape (count + 1,)
        Drops in price; their sum tends to ``shock / (1 - R)`` below R = 1.
    """
    return float(shock) * np.power(float(ratio), np.arange(count + 1, dtype=np.float64))


def critical_replenishment(ratio: float, generation: int) -> float:
    """Share of the displacement that must come back in a halt for the cascade to end there.

    Parameters
    ----------
    ratio : float
        R, above 0.
    generation : int
        Generations before the halt, at least 1.

    Returns
    -------
    float
        ``R**k * (1 - R) / (1 - R**k)``, and ``1 / k`` at R = 1; it counts also above 1.

    Raises
    ------
    ValueError
        `ratio` is not above 0, or `generation` is below 1.
    """
    above(ratio, "ratio")
    if generation < 1:
        raise ValueError(f"generation {generation!r} is below 1")
    if ratio == 1:
        return 1 / generation
    return ratio**generation * (1 - ratio) / (1 - ratio**generation)


def halted_drop(shock: float, ratio: float, generation: int, share: float) -> float:
    """Largest drop of a batch cascade that is halted once and goes on with what was due.

    Parameters
    ----------
    shock : float
        Drop from outside, in price.
    ratio : float
        R, above 0.
    generation : int
        Generations before the halt, at least 1.
    share : float
        Share of the displacement by forced orders that comes back; negative: it grows.

    Returns
    -------
    float
        In price: the drop at the halt when `share` is `critical_replenishment` or more, else
        ``D_k + (R**(k+1) * shock - share * (D_k - shock)) / (1 - R)``; without end from R = 1 on.

    Raises
    ------
    ValueError
        `shock` is negative, `ratio` is not above 0, or `generation` is below 1.
    """
    not_negative(shock, "shock")
    at_halt = float(generation_drops(shock, ratio, generation).sum())
    if share >= critical_replenishment(ratio, generation):
        return at_halt
    if ratio >= 1:
        return inf
    rest = ratio ** (generation + 1) * shock - share * (at_halt - shock)
    return at_halt + rest / (1 - ratio)


def decaying_drops(shock: float, ratio: float, kept: float, count: int) -> Floats:
    """Drop after generation 0 (the shock), 1, ... `count` when impact decays between them.

    Parameters
    ----------
    shock : float
        Drop from outside, in price; it does not decay.
    ratio : float
        R.
    kept : float
        Share of the impact that is left when the next generation executes.
    count : int
        Generations after the shock, at least 0.

    Returns
    -------
    numpy.ndarray, shape (count + 1,)
        Drops in price. A third generation lowers the price further only while ``R > 1 - kept``.
    """
    drops, reached, impact = [float(shock)], 0.0, 0.0
    for _ in range(count):
        impact = kept * impact + ratio * max(0.0, drops[-1] - reached)
        reached = max(reached, drops[-1])
        drops.append(shock + impact)
    return np.array(drops)


def rungs_liquidated(shock: float, impact_per_rung: float, spacing: float) -> float:
    """Equal rungs liquidated below a price, one every `spacing`, each moving it `impact_per_rung`.

    Parameters
    ----------
    shock : float
        Drop from outside, in price.
    impact_per_rung : float
        Drop that the sale of a rung causes, in price.
    spacing : float
        Distance of two rungs, and of the first from the price, above 0.

    Returns
    -------
    float
        ``floor((shock - i) / (spacing - i))`` rungs; infinite when a rung moves the price past the
        next one. Quotients within 1e-12 of a whole number count as that number.

    Raises
    ------
    ValueError
        `spacing` is not above 0.
    """
    above(spacing, "spacing")
    if shock < spacing:
        return 0
    if impact_per_rung >= spacing:
        return inf
    return floor((shock - impact_per_rung) / (spacing - impact_per_rung) * (1 + 1e-12))


def trigger_scale(leverage: float, maintenance_rate: float, side: str = "long") -> float:
    """Liquidation price over entry price of a linear contract: ``(1 - s/L) / (1 - s*m)``.

    Isolated margin ``entry value / L``, maintenance on the mark; s = 1 for longs, -1 for shorts.

    Parameters
    ----------
    leverage : float
        L, above 0.
    maintenance_rate : float
        m, a share of the value at the mark.
    side : {"long", "short"}, default "long"
        Of the position.

    Returns
    -------
    float
        A price ratio.

    Raises
    ------
    ValueError
        `side` is unknown, or `leverage` is not above 0.

    Notes
    -----
    ``docs/margin.md``; the price itself is `cascade.margin.liquidation_price`.
    """
    if side not in ("long", "short"):
        raise ValueError(f"side must be 'long' or 'short', got {side!r}")
    sign = 1 if side == "long" else -1
    return (1 - sign / above(leverage, "leverage")) / (1 - sign * maintenance_rate)


def crowd_density(
    open_interest: float, entry_width: float, leverage: float, maintenance_rate: float
) -> float:
    """Trigger density of longs of one leverage with uniform entries, see `trigger_scale`.

    Parameters
    ----------
    open_interest : float
        Units that the crowd holds.
    entry_width : float
        Width of the interval of entry prices, above 0.
    leverage : float
        Of all of them, above 0.
    maintenance_rate : float
        Share of the value at the mark.

    Returns
    -------
    float
        Units whose trigger lies in a unit of price.

    Raises
    ------
    ValueError
        `entry_width` or `leverage` is not above 0.
    """
    width = above(entry_width, "entry_width") * trigger_scale(leverage, maintenance_rate)
    return open_interest / width


def critical_open_interest(
    entry_width: float, leverage: float, maintenance_rate: float, impact: float
) -> float:
    """Open interest of a crowd like that of `crowd_density` at which R = 1.

    Parameters
    ----------
    entry_width : float
        Width of the interval of entry prices, above 0.
    leverage : float
        Of all of them, above 0.
    maintenance_rate : float
        Share of the value at the mark.
    impact : float
        Price move per unit sold, above 0.

    Returns
    -------
    float
        Units, ``entry_width * trigger_scale / impact``.

    Raises
    ------
    ValueError
        `leverage` or `impact` is not above 0.
    """
    return entry_width * trigger_scale(leverage, maintenance_rate) / above(impact, "impact")


def partial_staircase(
    price: float, maintenance_rate: float, target_rate: float, count: int
) -> tuple[Floats, Floats]:
    """Triggers and sizes of a long that is cut to a target margin rate each time it falls due.

    Parameters
    ----------
    price : float
        First trigger.
    maintenance_rate : float
        m, a share of the value at the mark.
    target_rate : float
        Margin rate after a cut, between m and 1.
    count : int
        Triggers to give.

    Returns
    -------
    tuple of numpy.ndarray, shape (count,)
        Trigger prices ``price * rho**k``, ``rho = (1 - target) / (1 - m)``, and the share of the
        position left before each, ``(m / target)**k``.

    Raises
    ------
    ZeroDivisionError
        `target_rate` is 0, or `maintenance_rate` is 1.
    """
    steps = np.arange(count, dtype=np.float64)
    rho = (1 - target_rate) / (1 - maintenance_rate)
    left = maintenance_rate / target_rate
    return price * np.power(rho, steps), np.power(left, steps)


def partial_ladder_drop(
    shock: float, ratio: float, price: float, maintenance_rate: float, target_rate: float
) -> float:
    """Drop of a linear market through a uniform ladder of accounts that are cut to a target rate.

    Parameters
    ----------
    shock : float
        Drop from outside, in price.
    ratio : float
        R of accounts that are closed whole.
    price : float
        Where the market is.
    maintenance_rate : float
        m, a share of the value at the mark.
    target_rate : float
        Margin rate after a cut, between m and 1.

    Returns
    -------
    float
        In price: ``shock / (1 - f * R)`` with the fraction ``f = 1 - m / target`` that each account sells,
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

    The average price is half the move below the liquidation price, on a linear market.

    Parameters
    ----------
    liquidation, bankruptcy : float
        Liquidation price and bankruptcy price of a long.
    impact : float
        Price move per unit sold, above 0.

    Returns
    -------
    float
        Units, ``2 * (liquidation - bankruptcy) / impact``.

    Raises
    ------
    ValueError
        `impact` is not above 0.
    """
    return 2 * (liquidation - bankruptcy) / above(impact, "impact")


def kyle_impact(value_deviation: float, noise_deviation: float) -> tuple[float, float]:
    """Price move per unit and insider's intensity in a single auction (Kyle 1985, theorem 1).

    Parameters
    ----------
    value_deviation : float
        Standard deviation of the value, in price, above 0.
    noise_deviation : float
        Standard deviation of the noise traders' order, in units, above 0.

    Returns
    -------
    tuple of float
        ``value_deviation / (2 * noise_deviation)``, price per unit, and
        ``noise_deviation / value_deviation``, units per unit of price.

    Raises
    ------
    ValueError
        An argument is not above 0.

    Notes
    -----
    Kyle 1985, "Continuous auctions and insider trading", theorem 1.
    """
    value = above(value_deviation, "value_deviation")
    noise = above(noise_deviation, "noise_deviation")
    return value / (2 * noise), noise / value
