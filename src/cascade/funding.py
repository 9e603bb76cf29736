"""Funding as exact rational functions: premium, rate, payment, and accrual through an index.

A perpetual contract has no expiry that pulls its price to the index, so one side pays the other. What
is paid follows the *premium* of the venue's prices over the index, an *interest* part, a *clamp* that
holds small premia at the interest, and a *cap*. At a positive rate longs pay and shorts receive.

Every function takes exact numbers and gives the rational answer; only `index_delta` rounds, toward
zero, as the chain whose rule it is does. A float stands for the decimal number that is printed for
it. The compiled engine pays the same in whole atoms (``docs/funding.md``); one payment is
`cascade.margin.funding_payment`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from cascade.contract_value import _Contract, position_value
from cascade.exact_numbers import Rate, exact
from cascade.margin import funding_payment

INDEX_PERIOD_SECONDS = 8 * 60 * 60
QUOTE_ATOMIC_RESOLUTION = -6


def clamp(value: Rate, low: Rate, high: Rate) -> Fraction:
    """`value` held between two bounds.

    Raises
    ------
    ValueError
        `low` is above `high`.
    """
    bottom, top = exact(low, "low"), exact(high, "high")
    if bottom > top:
        raise ValueError(f"low {low!r} is above high {high!r}")
    return min(max(exact(value, "value"), bottom), top)


def impact_notional(initial_rate: Rate, numerator: Rate = 500) -> Fraction:
    """Notional at which impact prices are read: `numerator` over the initial margin rate.

    Raises
    ------
    ValueError
        `initial_rate` is not above zero.

    Notes
    -----
    dYdX v4, "Funding": 500 USDC over the initial margin fraction. Binance: 200 USDT over it.
    """
    rate = exact(initial_rate, "initial_rate")
    if rate <= 0:
        raise ValueError(f"initial_rate {initial_rate!r} is not above zero")
    return exact(numerator, "numerator") / rate


def impact_price(
    levels: Iterable[Sequence[Rate]],
    notional: Rate,
    *,
    contract: _Contract = "linear",
    multiplier: Rate = 1,
) -> Fraction | None:
    """Average price at which a market order of a given notional would be filled.

    Parameters
    ----------
    levels : iterable of (price, size)
        One side of a book, best price first.
    notional : number
        In the money the contract settles in, above zero.
    contract : {"linear", "inverse"}, default "linear"
    multiplier : number, default 1

    Returns
    -------
    Fraction or None
        Notional over size for a linear contract, size over notional for an inverse one: the price
        whose value is what the order paid. None when the levels hold less than `notional`.

    Raises
    ------
    ValueError
        `notional`, a price or a size is not above zero.
    """
    left = total = exact(notional, "notional")
    if total <= 0:
        raise ValueError(f"notional {notional!r} is not above zero")
    filled = Fraction(0)
    for number, (price, size) in enumerate(levels):
        lots = exact(size, f"levels[{number}] size")
        if lots <= 0:
            raise ValueError(f"levels[{number}] size {size!r} is not above zero")
        value = abs(position_value(lots, price, contract, multiplier))
        if value >= left:
            filled += lots * left / value
            scale = exact(multiplier, "multiplier")
            if contract == "inverse":
                return filled * scale / total
            return total / (filled * scale)
        filled += lots
        left -= value
    return None


def premium(
    index: Rate, impact_bid: Rate | None = None, impact_ask: Rate | None = None
) -> Fraction:
    """Premium of one sample: how far the impact prices lie off the index, as a share of it.

    Parameters
    ----------
    index : number
        Above zero.
    impact_bid, impact_ask : number, optional
        Average prices of selling and buying the impact notional; None where the book holds less,
        which counts as no premium on that side.

    Returns
    -------
    Fraction
        ``(max(0, impact_bid - index) - max(0, index - impact_ask)) / index``.

    Raises
    ------
    ValueError
        `index` is not above zero.

    Notes
    -----
    Binance, "Introduction to funding rates"; dYdX v4 and Hyperliquid, "Funding": the same formula.
    """
    outside = exact(index, "index")
    if outside <= 0:
        raise ValueError(f"index {index!r} is not above zero")
    above = Fraction(0) if impact_bid is None else exact(impact_bid, "impact_bid") - outside
    below = Fraction(0) if impact_ask is None else outside - exact(impact_ask, "impact_ask")
    return (max(Fraction(0), above) - max(Fraction(0), below)) / outside


def average_premium(samples: Sequence[Rate], weighting: str = "equal") -> Fraction:
    """Mean of an interval's premium samples.

    Parameters
    ----------
    samples : sequence of number
        Oldest first.
    weighting : {"equal", "time"}, default "equal"
        All alike, or sample k of n with weight k + 1, so that the newest counts most.

    Raises
    ------
    ValueError
        There are no samples, or `weighting` is not known.

    Notes
    -----
    Equal weights: dYdX v4, Hyperliquid. Weights 1, 2, ..., n: Binance, "Introduction to funding
    rates".
    """
    if weighting not in ("equal", "time"):
        raise ValueError(f"weighting must be 'equal' or 'time', got {weighting!r}")
    if not samples:
        raise ValueError("samples must have at least one entry")
    values = [exact(value, f"samples[{k}]") for k, value in enumerate(samples)]
    weights = [1] * len(values) if weighting == "equal" else list(range(1, len(values) + 1))
    return sum(map(Fraction.__mul__, values, map(Fraction, weights)), Fraction(0)) / sum(weights)


def interest_rate(quote_daily: Rate, base_daily: Rate, settlements_per_day: Rate = 3) -> Fraction:
    """Interest of one settlement: the quote's daily rate less the base's, over the settlements.

    Raises
    ------
    ValueError
        `settlements_per_day` is not above zero.

    Notes
    -----
    BitMEX, "Perpetual contracts guide".
    """
    count = exact(settlements_per_day, "settlements_per_day")
    if count <= 0:
        raise ValueError(f"settlements_per_day {settlements_per_day!r} is not above zero")
    return (exact(quote_daily, "quote_daily") - exact(base_daily, "base_daily")) / count


def rate_cap(initial_rate: Rate, maintenance_rate: Rate, factor: Rate) -> Fraction:
    """Largest funding rate either way: a share of initial less maintenance margin rate.

    Raises
    ------
    ValueError
        `maintenance_rate` is above `initial_rate`, or `factor` is negative.

    Notes
    -----
    BitMEX: factor 0.75. dYdX v4: factor 6 on the rate of eight hours.
    """
    room = exact(initial_rate, "initial_rate") - exact(maintenance_rate, "maintenance_rate")
    if room < 0:
        raise ValueError(
            f"maintenance_rate {maintenance_rate!r} is above initial_rate {initial_rate!r}"
        )
    share = exact(factor, "factor")
    if share < 0:
        raise ValueError(f"factor {factor!r} is negative")
    return share * room


def rate(
    average: Rate,
    interest: Rate = 0,
    clamp_width: Rate | None = None,
    *,
    divide_by: Rate = 1,
    cap: Rate | None = None,
) -> Fraction:
    """Funding rate of one interval from the average premium.

    Parameters
    ----------
    average : number
        Average premium of the rate's period.
    interest : number, default 0
        Interest of the same period.
    clamp_width : number, optional
        How much the interest may add or take; None: the rate is premium plus interest.
    divide_by : number, default 1
        Payments in the period: 8 where a rate of eight hours is paid every hour.
    cap : number, optional
        Largest absolute rate of one payment.

    Returns
    -------
    Fraction
        ``F = P + clamp(I - P, -clamp_width, clamp_width)``, divided, then held within the cap.

    Raises
    ------
    ValueError
        `clamp_width` or `cap` is negative, or `divide_by` is not above zero.

    Notes
    -----
    Binance and Hyperliquid, "Funding", with ``clamp_width`` 0.05 %; dYdX v4 adds premium and
    interest without a clamp.
    """
    mean, part = exact(average, "average"), exact(interest, "interest")
    payments = exact(divide_by, "divide_by")
    if payments <= 0:
        raise ValueError(f"divide_by {divide_by!r} is not above zero")
    if clamp_width is None:
        full = mean + part
    else:
        full = mean + _within(part - mean, clamp_width, "clamp_width")
    share = full / payments
    return share if cap is None else _within(share, cap, "cap")


def skew_rate(long: Rate, short: Rate, price: Rate, index: Rate, sensitivity: Rate = 1) -> Fraction:
    """Funding rate from the interest on both sides and the price over the index.

    Parameters
    ----------
    long, short : number
        Open interest of each side, `short` above zero.
    price, index : number
        Of the contract and from outside, `index` above zero.
    sensitivity : number, default 1
        kappa.

    Returns
    -------
    Fraction
        ``kappa * (price / index - long / short)``, paid by longs when above zero. Where the sides
        need not match, a side that is short of holders is paid.

    Raises
    ------
    ValueError
        `short` or `index` is not above zero.

    Notes
    -----
    Chitra 2025 (arXiv:2512.01112), the running example, which states what longs receive.
    """
    held, outside = exact(short, "short"), exact(index, "index")
    for value, name, given in ((held, "short", short), (outside, "index", index)):
        if value <= 0:
            raise ValueError(f"{name} {given!r} is not above zero")
    skew = exact(price, "price") / outside - exact(long, "long") / held
    return exact(sensitivity, "sensitivity") * skew


def _within(value: Fraction, width: Rate, name: str) -> Fraction:
    limit = exact(width, name)
    if limit < 0:
        raise ValueError(f"{name} {width!r} is negative")
    return clamp(value, -limit, limit)


def rate_for_interval(period_rate: Rate, seconds: Rate, period_seconds: Rate) -> Fraction:
    """Share of a period's rate that falls due after `seconds` of it.

    Raises
    ------
    ValueError
        `seconds` is negative or `period_seconds` not above zero.
    """
    period, passed = exact(period_seconds, "period_seconds"), exact(seconds, "seconds")
    if period <= 0:
        raise ValueError(f"period_seconds {period_seconds!r} is not above zero")
    if passed < 0:
        raise ValueError(f"seconds {seconds!r} is negative")
    return exact(period_rate, "period_rate") * passed / period


def settled(
    size: Rate,
    opened: Any,
    closed: Any,
    settlements: Iterable[tuple[Any, Rate, Rate]],
    *,
    contract: _Contract = "linear",
    multiplier: Rate = 1,
) -> Fraction:
    """Cash flow of all settlements that met a position.

    Parameters
    ----------
    size : number
        Signed, long positive.
    opened, closed : time
        From when to when the position was held, in anything that can be compared: numbers or
        `datetime`. A settlement at either instant counts.
    settlements : iterable of (time, mark, rate)
    contract : {"linear", "inverse"}, default "linear"
    multiplier : number, default 1

    Returns
    -------
    Fraction
        Received; negative when paid.

    Notes
    -----
    Binance: whoever holds a position at the instant of settlement pays or receives the whole of it.
    """
    flows = [
        funding_payment(size, mark, share, contract=contract, multiplier=multiplier)
        for time, mark, share in settlements
        if opened <= time <= closed
    ]
    return sum(flows, Fraction(0))


def index_delta(
    price: int,
    price_exponent: int,
    atomic_resolution: int,
    rate_ppm: int,
    seconds: int,
    *,
    quote_resolution: int = QUOTE_ATOMIC_RESOLUTION,
    period_seconds: int = INDEX_PERIOD_SECONDS,
) -> int:
    """Change of a funding index: quote atoms that a million base atoms pay.

    Parameters
    ----------
    price, price_exponent : int
        Price of one coin in quote coins is ``price * 10**price_exponent``.
    atomic_resolution, quote_resolution : int
        A base atom is ``10**atomic_resolution`` coins, a quote atom ``10**quote_resolution``.
    rate_ppm : int
        Rate of a whole period in millionths, signed.
    seconds : int
        Time since the last change.
    period_seconds : int, default 28800

    Returns
    -------
    int
        ``rate_ppm * seconds / period_seconds * quote atoms per base atom``, rounded toward zero, so
        that neither side gains by it.

    Raises
    ------
    ValueError
        `seconds` or `price` is negative, or `period_seconds` is not above zero.

    Notes
    -----
    dYdX v4-chain, ``protocol/x/perpetuals/funding/funding.go``.
    """
    if price < 0:
        raise ValueError(f"price {price} is negative")
    scale = Fraction(10) ** (price_exponent + atomic_resolution - quote_resolution)
    due = rate_for_interval(rate_ppm, seconds, period_seconds) * price * scale
    return int(due)


def payment_by_index(size: Rate, index_change: Rate, scale: Rate = 1) -> Fraction:
    """Cash flow of a position over which a funding index moved.

    Parameters
    ----------
    size : number
        Signed, long positive.
    index_change : number
        Index now less the index when the position was last settled.
    scale : number, default 1
        Parts of the index's unit in one of money: 10**6 for `index_delta`.

    Returns
    -------
    Fraction
        ``-size * index_change / scale``: received, negative when paid.

    Raises
    ------
    ValueError
        `scale` is not above zero.
    """
    parts = exact(scale, "scale")
    if parts <= 0:
        raise ValueError(f"scale {scale!r} is not above zero")
    return -exact(size, "size") * exact(index_change, "index_change") / parts
