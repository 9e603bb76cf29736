"""Laws of collateral that is sold into a constant-product pool, which also is the oracle."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

from cascade.laws.ranges import above, not_negative

__all__ = [
    "PoolLiquidation",
    "pool_ladder_drop",
    "pool_liquidation",
]

SETTLED = 1e-15
MOST_ROUNDS = 200


@dataclass(frozen=True)
class PoolLiquidation:
    """A position liquidated by infinitesimal steps into the pool that prices it.

    Attributes
    ----------
    health_before : float
    sold : float
        Base that reached the pool's reserves, u, when health is 1 again.
    seized : float
        Collateral taken, fee included.
    repaid : float
        Debt paid, in quote.
    price_after : float
        Quote per base.
    profit : float
        Of the liquidator, in quote.
    best_sale, best_profit : float
        Base and profit of the best single liquidation at the price before, were it not bounded.
    """

    health_before: float
    sold: float
    seized: float
    repaid: float
    price_after: float
    profit: float
    best_sale: float
    best_profit: float


def pool_liquidation(
    collateral: float,
    debt: float,
    base_reserve: float,
    quote_reserve: float,
    threshold: float,
    bonus: float,
    fee: float,
) -> PoolLiquidation:
    """Liquidate by infinitesimal steps, at the pool's price and into it, until health is 1.

    Parameters
    ----------
    collateral : float
        c, in base, above 0.
    debt : float
        b, in quote, above 0.
    base_reserve, quote_reserve : float
        A and B, above 0.
    threshold : float
        Liquidation threshold, above 0.
    bonus : float
        Share on top of what is repaid, not below 0.
    fee : float
        Of what is sold to the pool, 0 ... 1 (excluded).

    Returns
    -------
    PoolLiquidation

    Raises
    ------
    ValueError
        A number is out of range, the position is healthy, a liquidator would lose, or no
        sale brings health back to 1.

    Notes
    -----
    Sadeghi & Feinstein 2026 (arXiv 2602.12104, section 3.1). With ``k = (1 - fee) * (1 + bonus)``, after
    u sold the debt repaid is ``B * u / ((A + u) * k)``, and health is 1 where
    ``theta * (c - u / (1 - fee)) * A * B / (A + u)**2`` is the debt left: the smaller root of a quadratic
    equation. Profit is ``B * u / (A + u) * (1 - 1 / k)``.
    """
    held, owed = above(collateral, "collateral"), above(debt, "debt")
    base, quote = above(base_reserve, "base_reserve"), above(quote_reserve, "quote_reserve")
    theta = above(threshold, "threshold")
    kept = 1 - not_negative(fee, "fee")
    if kept <= 0:
        raise ValueError(f"fee {fee!r} is outside 0 ... 1 (excluded)")
    gain = kept * (1 + not_negative(bonus, "bonus"))
    if gain <= 1:
        raise ValueError(f"bonus {bonus!r} does not pay for the fee {fee!r}")
    health = theta * held * quote / base / owed
    if health >= 1:
        raise ValueError(f"the position is healthy, its health is {health:g}")
    sold = _restoring_sale(held, owed, base, quote, theta, kept, gain)
    if sold is None or sold > held * kept:
        raise ValueError("no sale of the collateral brings health back to 1")
    brought = quote * sold / (base + sold)
    root = sqrt(gain)
    return PoolLiquidation(
        health_before=health,
        sold=sold,
        seized=sold / kept,
        repaid=brought / gain,
        price_after=base * quote / (base + sold) ** 2,
        profit=brought * (1 - 1 / gain),
        best_sale=base * (root - 1) / gain,
        best_profit=quote * (root - 1) ** 2 / gain,
    )


def _restoring_sale(
    held: float, owed: float, base: float, quote: float, theta: float, kept: float, gain: float
) -> float | None:
    # a u**2 + b u + c = 0, c > 0 below health 1; the root computed without cancellation
    a = owed - quote / gain
    b = base * (2 * owed - quote / gain + theta * quote / kept)
    c = base * (owed * base - theta * held * quote)
    inside = b * b - 4 * a * c
    if inside < 0:
        return None
    roots = [2 * c / (-b + sign * sqrt(inside)) for sign in (1, -1) if sign * sqrt(inside) != b]
    return min((root for root in roots if root > 0), default=None)


def pool_ladder_drop(base_reserve: float, sale: float, density: float) -> float:
    """Fall of a constant-product pool's price, as ``-ln(p / p0)``, through a ladder of loans.

    Parameters
    ----------
    base_reserve : float
        X0, above 0.
    sale : float
        Base sold from outside, not below 0.
    density : float
        Base that becomes liquidatable per unit of ``-ln(p)``, not below 0.

    Returns
    -------
    float
        z, the root of ``z = 2 * ln(1 + (sale + density * z) / X0)``. The branching ratio begins at
        ``2 * density / X0`` and falls as the pool fills, so the root is finite even above 1; what is
        sold in all is ``X0 * (exp(z / 2) - 1)``.

    Raises
    ------
    ValueError
        A number is out of range.

    Notes
    -----
    With ``w = exp(z / 2)`` and R the ratio at the start, ``w = 1 + sale / X0 + R * ln(w)``: Newton's
    method from above falls to its larger root, as the difference is convex.
    """
    reserve = above(base_reserve, "base_reserve")
    start = 1 + not_negative(sale, "sale") / reserve
    ratio = 2 * not_negative(density, "density") / reserve
    if start == 1 and ratio <= 1:
        return 0.0
    # ln(w) < sqrt(w): beyond this point the difference is positive and rises
    w = ((ratio + sqrt(ratio * ratio + 4 * start)) / 2) ** 2
    for _ in range(MOST_ROUNDS):
        following = w - (w - start - ratio * log(w)) / (1 - ratio / w)
        if abs(following - w) <= SETTLED * w:
            break
        w = following
    return 2 * log(w)
