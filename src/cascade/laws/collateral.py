"""Collateral that falls with the position it backs."""

from __future__ import annotations

from cascade.laws.ranges import above, not_negative

__all__ = ["coin_collateral_price"]


def coin_collateral_price(
    coins: float, size: float, entry: float, maintenance_rate: float, haircut: float = 0.0
) -> float:
    """Liquidation price of a linear long that is backed by the coin itself.

    Parameters
    ----------
    coins : float
        Coins of collateral, not below 0.
    size : float
        Coins of the position, above 0.
    entry : float
        Entry price, in quotes.
    maintenance_rate : float
        m, of the notional at the mark, 0 ... 1 (excluded).
    haircut : float, default 0
        Share of the collateral's value that does not count, 0 ... 1.

    Returns
    -------
    float
        ``size * entry / (coins * (1 - haircut) + size * (1 - m))``, in quotes: above that of the
        same money held in cash, because the collateral falls too.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    From ``coins * (1 - haircut) * P + size * (P - entry) = m * size * P``.
    """
    if not 0 <= maintenance_rate < 1:
        raise ValueError(f"maintenance_rate {maintenance_rate!r} is outside 0 ... 1 (excluded)")
    if not 0 <= haircut <= 1:
        raise ValueError(f"haircut {haircut!r} is outside 0 ... 1")
    counted = not_negative(coins, "coins") * (1 - haircut)
    return above(size, "size") * above(entry, "entry") / (counted + size * (1 - maintenance_rate))
