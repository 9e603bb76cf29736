"""Holders who keep a leverage or a margin, and what their sales do to the price."""

from __future__ import annotations

from math import inf

from cascade.laws.ranges import above, not_negative

__all__ = [
    "basel_leverage",
    "constant_leverage_path",
    "margin_spiral",
    "margin_spiral_move",
    "value_at_risk_leverage",
    "value_at_risk_multiplier",
]


def constant_leverage_path(
    leverage: float, impact: float, external_ratio: float
) -> tuple[float, float, float]:
    """Price, holdings and wealth of a fund that is kept at one leverage while the price falls.

    Parameters
    ----------
    leverage : float
        Assets over wealth, above 1.
    impact : float
        kappa of ``d log p = kappa * d log holdings``.
    external_ratio : float
        Price over its old value without the fund, above 0.

    Returns
    -------
    tuple of float
        Price, holdings and wealth, each over its old value. The price is
        ``external_ratio ** (1 / (1 - impact * (leverage - 1)))``.

    Raises
    ------
    ValueError
        A number is outside its range, or ``impact * (leverage - 1)`` is not below 1: nothing
        stops the fall.

    Notes
    -----
    At a constant leverage L holdings go with ``p ** (L - 1)``: L - 1 per cent are sold for each per
    cent the price falls. Critical impact: ``1 / (L - 1)``.
    """
    extra = above(leverage, "leverage", 1.0) - 1
    above(external_ratio, "external_ratio")
    if not not_negative(impact, "impact") * extra < 1:
        raise ValueError(f"impact {impact!r} is not below {1 / extra:g}")
    price = external_ratio ** (1 / (1 - impact * extra))
    return float(price), float(price**extra), float(price**leverage)


def margin_spiral(margin: float, slope: float, holdings: float, margin_slope: float = 0.0) -> float:
    """Price move per unit of a speculator's wealth when his margin binds.

    Parameters
    ----------
    margin : float
        Money a unit held, above 0.
    slope : float
        Price move per unit that customers take over, above 0.
    holdings : float
        Units he holds, not below 0.
    margin_slope : float, default 0
        Change of the margin per unit of price; below 0 when margins rise as prices fall.

    Returns
    -------
    float
        ``1 / (margin / slope - holdings + holdings * margin_slope)``; infinite when the two
        spirals have no end.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    Brunnermeier & Pedersen 2009, proposition 4: loss spiral ``- holdings``, margin spiral
    ``holdings * margin_slope``. Of a long side with ``R = slope * holdings / margin * (1 - margin_slope)`` it
    is ``slope / margin / (1 - R)``.
    """
    stiffness = above(margin, "margin") / above(slope, "slope")
    left = stiffness - not_negative(holdings, "holdings") * (1 - margin_slope)
    return 1 / left if left > 0 else inf


def margin_spiral_move(
    margin: float, slope: float, holdings: float, wealth_change: float, margin_slope: float = 0.0
) -> float:
    """Price move of a finite loss, where the margin moves on the way.

    Parameters
    ----------
    margin, slope, holdings, margin_slope
        See `margin_spiral`.
    wealth_change : float
        Money he loses (below 0) or wins.

    Returns
    -------
    float
        The move closest to none that solves ``move = slope * (units held - holdings)`` where units are wealth
        over the margin at the new price.

    Raises
    ------
    ValueError
        A number is outside its range, or the margin does not bind at any move with units left.

    Notes
    -----
    Multiplied by the margin at the new price, the condition is a quadratic in the move.
    """
    above(margin, "margin")
    above(slope, "slope")
    # (margin + b move)(holdings + move / slope) = margin holdings + change + holdings move
    a = margin_slope / slope
    b = margin / slope + holdings * (margin_slope - 1)
    c = -wealth_change
    inside = b * b - 4 * a * c
    if inside < 0 or b <= 0:
        raise ValueError("no move meets the margin: the spiral has no end")
    return -2 * c / (b + inside**0.5)


def value_at_risk_multiplier(weight: float, risk: float) -> float:
    """Multiplier of the leverage map at its fixed point; below -1 leverage swings between two values.

    Parameters
    ----------
    weight : float
        Weight of the past estimate of variance, 0 ... 1.
    risk : float
        kappa, see `value_at_risk_leverage`, above 0.

    Returns
    -------
    float
        ``weight - (1 - weight) / kappa``; -1 at a weight of ``(1 - kappa) / (1 + kappa)``.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    Ioffredi, Marmi & Tanzi 2026 (arXiv 2601.01505).
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"weight {weight!r} is outside 0 ... 1")
    return weight - (1 - weight) / above(risk, "risk")


def value_at_risk_leverage(leverage: float, weight: float, risk: float, depth: float) -> float:
    """Next leverage of holders who estimate volatility anew and move the price by rebalancing.

    Parameters
    ----------
    leverage : float
        x, between 0 and ``1 + depth`` (both excluded).
    weight : float
        omega, weight of the past estimate of variance, 0 ... 1.
    risk : float
        kappa, quantile times depth times volatility, above 0.
    depth : float
        gamma, depth of the market, above 0.

    Returns
    -------
    float
        ``(omega / x**2 + (1 - omega) * kappa**2 / (1 + gamma - x)**2) ** -0.5``. The fixed point is
        ``(1 + gamma) / (1 + kappa)``.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    Ioffredi, Marmi & Tanzi 2026 (arXiv 2601.01505), the map T.
    """
    if not 0 < leverage < 1 + depth:
        raise ValueError(f"leverage {leverage!r} is outside 0 ... {1 + depth:g} (both excluded)")
    if not 0 <= weight <= 1:
        raise ValueError(f"weight {weight!r} is outside 0 ... 1")
    above(risk, "risk")
    past = weight / leverage**2
    new = (1 - weight) * (risk / (1 + depth - leverage)) ** 2
    return float((past + new) ** -0.5)


def basel_leverage(
    variance: float, scale: float, floor_variance: float, exponent: float = -0.5
) -> float:
    """Leverage that a holder under a value-at-risk rule aims at.

    Parameters
    ----------
    variance : float
        Estimated variance of returns, not below 0.
    scale : float
        alpha, above 0.
    floor_variance : float
        Added to the variance, above 0.
    exponent : float, default -0.5
        b: -0.5 under Basel II, 0 for a constant leverage.

    Returns
    -------
    float
        ``scale * (variance + floor_variance) ** exponent``.

    Raises
    ------
    ValueError
        A number is outside its range.

    Notes
    -----
    Aymanns, Caccioli, Farmer & Tan 2016, who print 7.46 and 0.75 for variances of 1e-4 and 1e-2.
    """
    total = not_negative(variance, "variance") + above(floor_variance, "floor_variance")
    return float(above(scale, "scale") * total**exponent)
