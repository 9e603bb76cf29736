"""Leverage cycle: levered buyers who are wiped out by bad news, and who buys after them."""

from __future__ import annotations

from scipy.optimize import brentq

__all__ = ["leverage_cycle"]


def leverage_cycle(low: float) -> dict[str, float]:
    """Prices, buyers and leverage of a two-period economy in which bad news wipes out the levered.

    Parameters
    ----------
    low : float
        Payment of the asset after two bad signals, 0 ... 1 (both excluded); otherwise it pays 1.

    Returns
    -------
    dict of str to float
        ``buyer_now`` and ``buyer_down``, the marginal buyers; ``price_now`` and ``price_down``;
        ``leverage_now`` and ``leverage_down``; ``crash``, the fall over the first price.

    Raises
    ------
    ValueError
        `low` is outside its range.

    Notes
    -----
    Geanakoplos 2010. Agents h in 0 ... 1 expect good news with chance h, have a unit of asset and
    of cash each, and borrow against the asset up to its worst next price. With marginal buyers a
    and b: ``p0 = (1 - a + pD) / a``, ``pD = b + low * (1 - b) = (a - b) * (1 + pD) / a + low``, and
    the first is indifferent between the levered asset and cash that buys after bad news:
    ``a * (1 - pD) / (p0 - pD) = a + (1 - a) * a * (1 - low) / (pD - low)``.
    """
    if not 0 < low < 1:
        raise ValueError(f"low {low!r} is outside 0 ... 1 (both excluded)")
    range_up = 1 - low

    def prices(buyer: float) -> tuple[float, float]:
        # (pD - low) (1 + pD) = a (1 - low) (1 + low), the market after bad news without b
        inside = range_up**2 + 4 * (low + buyer * range_up * (1 + low))
        down = (inside**0.5 - range_up) / 2
        return (1 - buyer + down) / buyer, down

    def advantage(buyer: float) -> float:
        now, down = prices(buyer)
        waiting = buyer + (1 - buyer) * buyer * range_up / (down - low)
        return buyer * (1 - down) / (now - down) - waiting

    buyer = float(brentq(advantage, 0.5, 1 - 1e-9, xtol=1e-15))
    now, down = prices(buyer)
    return {
        "buyer_now": buyer,
        "buyer_down": (down - low) / range_up,
        "price_now": now,
        "price_down": down,
        "leverage_now": now / (now - down),
        "leverage_down": down / (down - low),
        "crash": 1 - down / now,
    }
