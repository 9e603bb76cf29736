"""From the data file of a price limit or circuit breaker to a `Breaker`.

A data file has `FOLLOWS`, `DATE`, `SOURCE` and `BREAKER` (parameters of `cascade.Breaker`); what depends
on the day or the contract is asked for here. The percentages are those of `cascade.bands`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from fractions import Fraction
from importlib import import_module
from math import ceil
from types import ModuleType
from typing import Any, Literal

from cascade import bands
from cascade.breakers import Breaker
from cascade.exact_numbers import RATE_DENOMINATOR, Rate, exact
from cascade.rules.presets import Venue

#: Data files of breakers, in the order they are listed.
BREAKER_VENUES = ("cme", "luld", "mwcb", "binance_price_range", "okx_price_limit")


def _data(name: str) -> ModuleType:
    return import_module(f"cascade.rules.parameters.{name}")


def _breaker(name: str, *layers: dict[str, Any]) -> Breaker:
    merged: dict[str, Any] = {}
    for layer in (_data(name).BREAKER, *layers):
        merged |= layer
    return Breaker(**merged)


def _share(share: Fraction) -> Fraction:
    # shares are multiples of 1e-9; edges are rounded inward, to the tick of the rule itself
    return Fraction(ceil(share * RATE_DENOMINATOR), RATE_DENOMINATOR)


def cme(
    settlement: Rate,
    session: Literal["day", "late", "after", "overnight"] = "overnight",
    *,
    reached: int = 0,
    afternoon_price: Rate | None = None,
    closing: bool = False,
    lead: bool | None = None,
    **changes: Any,
) -> Breaker:
    """CME equity index futures: price limits of a session and the dynamic circuit breaker.

    Parameters
    ----------
    settlement : number
        Reference of the limits and of the 3.5 %, a multiple of the tick.
    session : {"day", "late", "after", "overnight"}, default "overnight"
        As `cascade.bands.equity_futures_limits` has them.
    reached : int, default 0
        Levels that the cash market has halted at today.
    afternoon_price : number, optional
        Of session "after".
    closing : bool, default False
        In the last five minutes, where a pause takes five seconds.
    lead : bool, optional
        True: the lead month, whose pause is one of all months in the engine; False: another month, which
        pauses alone and with the lead month; default a market of its own.
    **changes
        Parameters of `cascade.Breaker` to set differently.

    Returns
    -------
    Breaker

    Raises
    ------
    ValueError
        As `cascade.bands.equity_futures_limits`.

    Notes
    -----
    CME Group, "Understanding price limits and circuit breakers" and "Dynamic circuit breakers FAQ".
    """
    band = bands.equity_futures_limits(
        settlement, session, reached=reached, afternoon_price=afternoon_price
    )
    close = exact(settlement, "settlement")
    limits = {
        "floor": None if band.lower is None else _share(1 - band.lower / close),
        "ceiling": None if band.upper is None else _share(band.upper / close - 1),
    }
    late = _data("cme").CLOSING if closing else {}
    month = {} if lead is None else {"linked": True, "leads": lead}
    return _breaker("cme", {"close": settlement}, limits, late, month, changes)


def luld(
    tier: int,
    previous_close: Rate,
    at: time | None = None,
    *,
    regime: str = "amendment_18",
    leverage: Rate = 1,
    clock_starts: time | None = None,
    **changes: Any,
) -> Breaker:
    """Limit up, limit down of a US stock.

    Parameters
    ----------
    tier : {1, 2}
    previous_close : number
        Sets the percentage of the day.
    at : datetime.time, optional
        Eastern time that the band is of, for the doubling at the open and the close; default an hour
        without.
    regime : {"amendment_18", "original"}, default "amendment_18"
    leverage : number, default 1
        Of a leveraged product of tier 2.
    clock_starts : datetime.time, optional
        Eastern time at which the engine's clock begins: the band doubles and narrows as it runs.
    **changes
        Parameters of `cascade.Breaker` to set differently, such as ``linked=True``.

    Returns
    -------
    Breaker

    Raises
    ------
    ValueError
        As `cascade.bands.luld_percentage` and `cascade.bands.luld_doubled`; both `at` and
        `clock_starts` are given.

    Notes
    -----
    Plan to address extraordinary market volatility, Appendix A; 83 FR 66464. Below 0.75 dollars the
    15 cents are taken as a share of the previous close.
    """
    if at is not None and clock_starts is not None:
        raise ValueError(f"give one of at {at} and clock_starts {clock_starts}")
    doubled = bands.luld_doubled(tier, previous_close, at, regime)
    share = _share(bands.luld_percentage(tier, previous_close, doubled=doubled, leverage=leverage))
    band: dict[str, Any] = {"lower": min(share, Fraction(1)), "upper": share}
    if clock_starts is not None:
        band["widened"] = _luld_spans(tier, previous_close, clock_starts, regime)
    return _breaker("luld", band, changes)


def _luld_spans(
    tier: int, previous_close: Rate, starts: time, regime: str
) -> tuple[tuple[int, int, int], ...]:
    # seconds of the clock in which percentages are doubled; what is over is left out
    zero = _seconds(starts)
    spans = []
    for begin, end in (bands.LULD_OPEN, bands.LULD_CLOSE):
        if bands.luld_doubled(tier, previous_close, begin, regime) and _seconds(end) > zero:
            spans.append((max(_seconds(begin) - zero, 0), _seconds(end) - zero, 2))
    return tuple(spans)


def _seconds(of_day: time) -> int:
    return 3600 * of_day.hour + 60 * of_day.minute + of_day.second


def mwcb(previous_close: Rate | None = None, at: time | None = None, **changes: Any) -> Breaker:
    """Market-wide circuit breakers of US equities.

    Parameters
    ----------
    previous_close : number, optional
        Of the index that the market's own index stands for; without one the market has no levels and
        is halted with the others.
    at : datetime.time, optional
        Eastern time; from 15:25 on only the third level halts.
    **changes
        Parameters of `cascade.Breaker` to set differently.

    Returns
    -------
    Breaker

    Notes
    -----
    Levels of 7, 13 and 20 %; a level is cut off at the tick, as published.
    """
    if previous_close is None:
        return _breaker("mwcb", {"levels": ()}, changes)
    late = _data("mwcb").LATE if at is not None and at >= bands.MARKET_WIDE_LAST_PAUSE else {}
    return _breaker("mwcb", {"close": previous_close}, late, changes)


def binance_price_range(up: Rate, down: Rate, **changes: Any) -> Breaker:
    """Binance execution rule PRICE_RANGE.

    Parameters
    ----------
    up, down : number
        Multipliers of the reference, ``0 <= down <= 1 <= up``.
    **changes
        Parameters of `cascade.Breaker` to set differently, such as ``reference="index"``.

    Returns
    -------
    Breaker

    Raises
    ------
    ValueError
        The multipliers are out of range.

    Notes
    -----
    binance-spot-api-docs, ``faqs/price_range_execution_rules.md``.
    """
    high, low = exact(up, "up"), exact(down, "down")
    if not 0 <= low <= 1 <= high:
        raise ValueError(f"multipliers must be 0 <= down <= 1 <= up, got {down!r} and {up!r}")
    return _breaker("binance_price_range", {"upper": high - 1, "lower": 1 - low}, changes)


def okx_price_limit(tier: int = 1, *, is_new: bool = False, **changes: Any) -> Breaker:
    """OKX price limits of a swap.

    Parameters
    ----------
    tier : {1, 2, 3, 4}, default 1
        Of the contract.
    is_new : bool, default False
        In the first ten minutes: the index less and plus X.
    **changes
        Parameters of `cascade.Breaker` to set differently.

    Returns
    -------
    Breaker

    Raises
    ------
    ValueError
        There is no such tier.

    Notes
    -----
    OKX, "Price limit rules"; X, Y and Z of 2022.
    """
    limits = _data("okx_price_limit").LIMITS
    if tier not in limits:
        raise ValueError(f"tier {tier!r} is not one of {', '.join(map(str, limits))}")
    opening, narrow, wide = limits[tier]
    if is_new:
        return _breaker(
            "okx_price_limit", {"reference": "index", "lower": opening, "upper": opening}, changes
        )
    return _breaker("okx_price_limit", {"lower": narrow, "upper": narrow, "outer": wide}, changes)


#: Breakers of venues by name.
BREAKERS: dict[str, Callable[..., Breaker]] = {
    "cme": cme,
    "luld": luld,
    "mwcb": mwcb,
    "binance_price_range": binance_price_range,
    "okx_price_limit": okx_price_limit,
}


def describe_breaker(name: str) -> Venue:
    """What the breaker of that name follows; its `contract` is "breaker" and it has no symbols.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    if name not in BREAKERS:
        raise ValueError(f"{name!r} is not one of {', '.join(BREAKER_VENUES)}")
    data = _data(name)
    return Venue(
        name=name,
        title=(data.__doc__ or "").partition(":")[0],
        contract="breaker",
        follows=data.FOLLOWS,
        date=data.DATE,
        source=data.SOURCE,
        symbols=(),
        variants=(),
    )
