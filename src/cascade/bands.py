"""Price bands and circuit breakers of venues, as exact rational functions.

A *band* is the range of prices that trade. Venues form it from a reference price: a mean of trades
(limit up, limit down), a settlement or a close (futures limits, market-wide breakers), the last price
or an average (spot filters), the index (perpetual swaps). What follows when a price meets its edge -
a refusal, an expiry, a limit state, a pause - is said beside each function.

Times of day are `datetime.time` in the exchange's zone. A float stands for the decimal number that is
printed for it. Prices are not rounded to a tick unless a tick is given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from fractions import Fraction
from math import floor
from typing import Literal

from cascade.exact_numbers import Rate, exact

_Session = Literal["day", "late", "after", "overnight"]

CENT = Fraction(1, 100)
LULD_OPEN = (time(9, 30), time(9, 45))
LULD_CLOSE = (time(15, 35), time(16, 0))
LULD_REGIMES = ("amendment_18", "original")
LULD_LIMIT_STATE_SECONDS = 15
LULD_PAUSE_SECONDS = 300
LULD_REFERENCE_SECONDS = 30
MARKET_WIDE_LEVELS = ("0.07", "0.13", "0.20")
MARKET_WIDE_LAST_PAUSE = time(15, 25)
MARKET_WIDE_PAUSE_SECONDS = 900
CME_LEVELS = ("0.07", "0.13", "0.20")
CME_OVERNIGHT = "0.07"
DYNAMIC_WINDOW_SECONDS = 3600
DYNAMIC_PAUSE_SECONDS = 120
DYNAMIC_LAST_PAUSE_SECONDS = 5
DYNAMIC_LAST_SECONDS = 300


def _positive(value: Rate, name: str) -> Fraction:
    number = exact(value, name)
    if number <= 0:
        raise ValueError(f"{name} {value!r} is not above zero")
    return number


def _nearest(value: Fraction, step: Fraction) -> Fraction:
    # halves away from zero, as prices in cents are published
    return floor(value / step + Fraction(1, 2)) * step


def _downward(value: Fraction, step: Fraction) -> Fraction:
    return floor(value / step) * step


@dataclass(frozen=True)
class Band:
    """Lowest and highest price that may trade; None: no bound on that side."""

    lower: Fraction | None
    upper: Fraction | None

    def __contains__(self, price: Rate) -> bool:
        """Is a price within the band, its edges included?"""
        number = exact(price, "price")
        return (self.lower is None or self.lower <= number) and (
            self.upper is None or number <= self.upper
        )

    def clip(self, price: Rate) -> Fraction:
        """The price within the band that is nearest to `price`."""
        number = exact(price, "price")
        if self.lower is not None and number < self.lower:
            return self.lower
        if self.upper is not None and number > self.upper:
            return self.upper
        return number


# ---------------------------------------------------------------- multiples of a reference price


def multiplier_band(reference: Rate, up: Rate, down: Rate) -> Band:
    """Band from ``reference * down`` to ``reference * up``.

    Parameters
    ----------
    reference : number
        For a PERCENT_PRICE filter the average over ``avgPriceMins`` minutes, the last price when
        that is 0; for an execution rule PRICE_RANGE the reference price as it is when an order
        starts to take.
    up, down : number
        Multipliers, ``0 <= down <= up``.

    Raises
    ------
    ValueError
        `reference` is not above zero, or the multipliers are not ``0 <= down <= up``.

    Notes
    -----
    Binance Spot API, ``filters.md`` and ``faqs/price_range_execution_rules.md``. An order outside
    PERCENT_PRICE is refused; under PRICE_RANGE what a taker would fill outside the band expires.
    """
    price = _positive(reference, "reference")
    high, low = exact(up, "up"), exact(down, "down")
    if not 0 <= low <= high:
        raise ValueError(f"multipliers must be 0 <= down <= up, got {down!r} and {up!r}")
    return Band(price * low, price * high)


def side_band(
    reference: Rate,
    side: Literal["buy", "sell"],
    *,
    bid_up: Rate,
    bid_down: Rate,
    ask_up: Rate,
    ask_down: Rate,
) -> Band:
    """Band of a PERCENT_PRICE_BY_SIDE filter: bids and asks have multipliers of their own.

    Raises
    ------
    ValueError
        `side` is not "buy" or "sell", or a number is out of its range.

    Notes
    -----
    Binance Spot API, ``filters.md``.
    """
    if side not in ("buy", "sell"):
        raise ValueError(f"side must be 'buy' or 'sell', got {side!r}")
    if side == "buy":
        return multiplier_band(reference, bid_up, bid_down)
    return multiplier_band(reference, ask_up, ask_down)


def index_band(
    index: Rate,
    average_premium: Rate,
    opening: Rate,
    narrow: Rate,
    wide: Rate,
    *,
    is_new: bool = False,
) -> Band:
    """Price limits of a swap that follow its index and the contract's average premium.

    Parameters
    ----------
    index : number
        Index now.
    average_premium : number
        Mean of contract price less index over the venue's averaging window, in price.
    opening, narrow, wide : number
        X, Y and Z of the contract's tier, as shares of the index.
    is_new : bool, default False
        The contract is in its first ten minutes.

    Returns
    -------
    Band
        New: ``index * (1 -+ X)``. Then upper ``min(max(I, I(1+Y) + premium), I(1+Z))`` and lower
        ``max(min(I, I(1-Y) + premium), I(1-Z))``.

    Raises
    ------
    ValueError
        `index` is not above zero, a share is outside 0 ... 1, or `narrow` is above `wide`.

    Notes
    -----
    OKX, "Price limit rules". A buy above the upper and a sale below the lower limit are refused.
    """
    price, gap = _positive(index, "index"), exact(average_premium, "average_premium")
    shares = {"opening": opening, "narrow": narrow, "wide": wide}
    x, y, z = (exact(value, name) for name, value in shares.items())
    for (name, value), share in zip(shares.items(), (x, y, z), strict=True):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} {value!r} is outside 0 ... 1")
    if y > z:
        raise ValueError(f"narrow {narrow!r} is above wide {wide!r}")
    if is_new:
        return Band(price * (1 - x), price * (1 + x))
    upper = min(max(price, price * (1 + y) + gap), price * (1 + z))
    lower = max(min(price, price * (1 - y) + gap), price * (1 - z))
    return Band(lower, upper)


# ---------------------------------------------------------------- limit up, limit down


def luld_doubled(
    tier: int, previous_close: Rate, at: time | None, regime: str = "amendment_18"
) -> bool:
    """Are the percentages doubled at a time of day?

    Parameters
    ----------
    tier : {1, 2}
    previous_close : number
    at : datetime.time or None
        Eastern time; None: an hour without doubling.
    regime : {"amendment_18", "original"}, default "amendment_18"
        Before the Eighteenth Amendment all percentages doubled from 09:30 up to 09:45 and from
        15:35 to the close; since then only at the close, and not for tier 2 above 3 dollars.

    Raises
    ------
    ValueError
        `tier` or `regime` is not known.

    Notes
    -----
    83 FR 66464 (26 December 2018), items (iii) and (iv).
    """
    if tier not in (1, 2):
        raise ValueError(f"tier must be 1 or 2, got {tier!r}")
    if regime not in LULD_REGIMES:
        raise ValueError(f"regime must be one of {', '.join(LULD_REGIMES)}, got {regime!r}")
    if at is None:
        return False
    at_close = LULD_CLOSE[0] <= at <= LULD_CLOSE[1]
    if regime == "original":
        return at_close or LULD_OPEN[0] <= at < LULD_OPEN[1]
    return at_close and not (tier == 2 and exact(previous_close, "previous_close") > 3)


def luld_percentage(
    tier: int,
    previous_close: Rate,
    *,
    reference: Rate | None = None,
    doubled: bool = False,
    leverage: Rate = 1,
) -> Fraction:
    """Percentage parameter of limit up, limit down, as a share of the reference price.

    Parameters
    ----------
    tier : {1, 2}
        1: S&P 500, Russell 1000 and some exchange-traded products; 2: the rest.
    previous_close : number
        Yesterday's closing price, which sets the row for the day.
    reference : number, optional
        Reference price that 15 cents are a share of; default `previous_close`.
    doubled : bool, default False
        As `luld_doubled` says.
    leverage : number, default 1
        Leverage ratio of a leveraged product of tier 2, which multiplies its percentage.

    Returns
    -------
    Fraction
        5 % (tier 1) or 10 % (tier 2) above 3 dollars, 20 % from 0.75 to 3 dollars, below that the
        lesser of 15 cents and 75 %.

    Raises
    ------
    ValueError
        `tier` is not 1 or 2; a price is not above zero; `leverage` is below 1, or is given for
        tier 1.

    Notes
    -----
    Plan to address extraordinary market volatility, Appendix A.
    """
    if tier not in (1, 2):
        raise ValueError(f"tier must be 1 or 2, got {tier!r}")
    close = _positive(previous_close, "previous_close")
    price = close if reference is None else _positive(reference, "reference")
    factor = exact(leverage, "leverage")
    if factor < 1 or (tier == 1 and factor != 1):
        raise ValueError(f"leverage {leverage!r} must be 1 for tier 1 and at least 1 for tier 2")
    if close > 3:
        share = Fraction(tier, 20)
    elif close >= Fraction(3, 4):
        share = Fraction(1, 5)
    else:
        share = min(Fraction(15, 100) / price, Fraction(3, 4))
    return share * factor * (2 if doubled else 1)


def luld_band(reference: Rate, percentage: Rate, tick: Rate | None = None) -> Band:
    """Limit up, limit down band: the reference price less and plus a percentage of it.

    Parameters
    ----------
    reference, percentage : number
    tick : number, optional
        Round both edges to the nearest multiple of it, halves up; the plan's is a cent.

    Returns
    -------
    Band
        The lower edge is never below zero.

    Raises
    ------
    ValueError
        `reference` or `tick` is not above zero, or `percentage` is negative.

    Notes
    -----
    When the national best bid or offer has stood at the band for `LULD_LIMIT_STATE_SECONDS`, trading
    pauses for `LULD_PAUSE_SECONDS`.
    """
    price, share = _positive(reference, "reference"), exact(percentage, "percentage")
    if share < 0:
        raise ValueError(f"percentage {percentage!r} is negative")
    lower, upper = max(Fraction(0), price * (1 - share)), price * (1 + share)
    if tick is None:
        return Band(lower, upper)
    step = _positive(tick, "tick")
    return Band(_nearest(lower, step), _nearest(upper, step))


def luld_reference(current: Rate, mean: Rate, seconds_in_force: Rate) -> Fraction:
    """Reference price after a new mean of the eligible trades of the last five minutes.

    Parameters
    ----------
    current : number
        Reference price in force.
    mean : number
        Arithmetic mean of the trades of the last five minutes.
    seconds_in_force : number
        Time since the reference price last changed.

    Returns
    -------
    Fraction
        `mean` when it is at least 1 % away and the current one has held for 30 seconds, else
        `current`.
    """
    now, new = _positive(current, "current"), _positive(mean, "mean")
    moved = abs(new - now) * 100 >= now
    return new if moved and exact(seconds_in_force, "seconds_in_force") >= 30 else now


# ---------------------------------------------------------------- levels of a close or settlement


def market_wide_levels(
    previous_close: Rate,
    levels: Sequence[Rate] = MARKET_WIDE_LEVELS,
    *,
    rounding: Literal["down", "nearest"] = "down",
    tick: Rate | None = CENT,
) -> list[Fraction]:
    """Index values at which a market-wide circuit breaker acts.

    Parameters
    ----------
    previous_close : number
        Close of the S&P 500 on the day before.
    levels : sequence of number
        Falls, as shares of the close.
    rounding : {"down", "nearest"}, default "down"
        Published levels were cut off at the cent in 2024 and rounded to it in 2018.
    tick : number or None, default 0.01
        None: not rounded.

    Raises
    ------
    ValueError
        `previous_close` or `tick` is not above zero, a level is outside 0 ... 1, or `rounding` is
        not known.
    """
    close = _positive(previous_close, "previous_close")
    if rounding not in ("down", "nearest"):
        raise ValueError(f"rounding must be 'down' or 'nearest', got {rounding!r}")
    falls = [exact(level, f"levels[{k}]") for k, level in enumerate(levels)]
    for k, fall in enumerate(falls):
        if not 0 <= fall <= 1:
            raise ValueError(f"levels[{k}] {levels[k]!r} is outside 0 ... 1")
    found = [close * (1 - fall) for fall in falls]
    if tick is None:
        return found
    step = _positive(tick, "tick")
    return [(_downward if rounding == "down" else _nearest)(value, step) for value in found]


def market_wide_pause(level: int, at: time) -> int | None:
    """Seconds that trading stops when a market-wide level is reached; None: for the rest of the day.

    Levels 1 and 2 pause for 15 minutes before 15:25 Eastern time and not at all from then on; level
    3 ends the day at any time.

    Raises
    ------
    ValueError
        `level` is not 1, 2 or 3.
    """
    if level not in (1, 2, 3):
        raise ValueError(f"level must be 1, 2 or 3, got {level!r}")
    if level == 3:
        return None
    return MARKET_WIDE_PAUSE_SECONDS if at < MARKET_WIDE_LAST_PAUSE else 0


def equity_futures_limits(
    reference: Rate,
    session: _Session,
    *,
    reached: int = 0,
    afternoon_price: Rate | None = None,
    levels: Sequence[Rate] = CME_LEVELS,
    overnight: Rate = CME_OVERNIGHT,
    tick: Rate | None = None,
) -> Band:
    """Price limits of equity index futures.

    Parameters
    ----------
    reference : number
        Price of the last 30 seconds before 15:00 Central time, weighted by volume.
    session : {"day", "late", "after", "overnight"}
        08:30 to 14:25; 14:25 to 15:00; 15:00 to 16:00; the night.
    reached : int, default 0
        Levels that the underlying market has already halted at today.
    afternoon_price : number, optional
        Price at 15:00, from which the limits of "after" are counted.
    levels : sequence of number
        Falls of the day.
    overnight : number, default 0.07
        Limit either way of "after" and "overnight"; it was 0.05 until October 2020.
    tick : number, optional
        A lower limit is rounded up and an upper one down to it, so that neither is passed.

    Returns
    -------
    Band
        By day only downward: the next level not yet reached, late the last one. After 15:00 the
        floor is the higher of the hour's own and the day's last level.

    Raises
    ------
    ValueError
        `session` is not known, `reached` is outside 0 ... number of levels, or "after" lacks its
        price.

    Notes
    -----
    CME Group, "Understanding price limits and circuit breakers".
    """
    price = _positive(reference, "reference")
    falls = [exact(level, f"levels[{k}]") for k, level in enumerate(levels)]
    if not falls or not 0 <= reached <= len(falls):
        raise ValueError(f"reached {reached} is outside 0 ... {len(falls)}")
    width, last = exact(overnight, "overnight"), price * (1 - falls[-1])
    if session == "day":
        band = Band(price * (1 - falls[min(reached, len(falls) - 1)]), None)
    elif session == "late":
        band = Band(last, None)
    elif session == "overnight":
        band = Band(price * (1 - width), price * (1 + width))
    elif session == "after":
        if afternoon_price is None:
            raise ValueError("session 'after' needs afternoon_price")
        now = _positive(afternoon_price, "afternoon_price")
        band = Band(max(now * (1 - width), last), now * (1 + width))
    else:
        raise ValueError(f"session must be 'day', 'late', 'after' or 'overnight', got {session!r}")
    if tick is None or band.lower is None:
        return band
    step = _positive(tick, "tick")
    upper = None if band.upper is None else _downward(band.upper, step)
    return Band(-_downward(-band.lower, step), upper)


# ---------------------------------------------------------------- a moving window


def dynamic_variant(settlement: Rate, share: Rate, tick: Rate) -> Fraction:
    """Width of a dynamic circuit breaker: a share of the settlement, rounded down to the tick."""
    width = _positive(settlement, "settlement") * exact(share, "share")
    return _downward(width, _positive(tick, "tick"))


class DynamicCircuitBreaker:
    """Breaker on a moving window: the price may not leave the window's extremes by a variant.

    Parameters
    ----------
    variant : number
        From `dynamic_variant`: 3.5 % of the settlement for equity index futures.
    window_seconds : number, default 3600
        How far back prices count.

    Raises
    ------
    ValueError
        `variant` or `window_seconds` is not above zero.

    Notes
    -----
    CME Group, "Dynamic circuit breakers FAQ": the upper limit is the window's lowest price plus the
    variant, the lower limit its highest price less the variant. That low goes with upper and high with
    lower is how this library reads it. A trigger pauses for two minutes, in the last five minutes of
    trading for five seconds, and the window starts anew.
    """

    def __init__(self, variant: Rate, window_seconds: Rate = DYNAMIC_WINDOW_SECONDS) -> None:
        self.variant: Fraction = _positive(variant, "variant")
        self.window_seconds: Fraction = _positive(window_seconds, "window_seconds")
        # (time, price), prices ascending and descending: the first is the window's extreme
        self._lows: deque[tuple[Fraction, Fraction]] = deque()
        self._highs: deque[tuple[Fraction, Fraction]] = deque()
        self._latest: Fraction | None = None

    def limits(self, at: Rate) -> Band:
        """Limits at a time in seconds; without a price in the window there are none."""
        moment = self._drop_before(at)
        if not self._lows:
            return Band(None, None)
        self._latest = moment
        return Band(self._highs[0][1] - self.variant, self._lows[0][1] + self.variant)

    def update(self, at: Rate, price: Rate) -> Literal["up", "down"] | None:
        """Take in a price; gives the side whose limit it reached, after which the window is empty.

        Parameters
        ----------
        at : number
            Seconds, not before the one last given.
        price : number

        Raises
        ------
        ValueError
            `at` is before the last time, or `price` is not above zero.
        """
        number = _positive(price, "price")
        band = self.limits(at)
        if band.upper is not None and number >= band.upper:
            self.restart()
            return "up"
        if band.lower is not None and number <= band.lower:
            self.restart()
            return "down"
        moment = exact(at, "at")
        while self._lows and self._lows[-1][1] >= number:
            self._lows.pop()
        while self._highs and self._highs[-1][1] <= number:
            self._highs.pop()
        self._lows.append((moment, number))
        self._highs.append((moment, number))
        self._latest = moment
        return None

    def restart(self) -> None:
        """Forget the window, as after a pause."""
        self._lows.clear()
        self._highs.clear()

    def _drop_before(self, at: Rate) -> Fraction:
        moment = exact(at, "at")
        if self._latest is not None and moment < self._latest:
            raise ValueError(f"at {at!r} is before the last time, {float(self._latest):g}")
        for prices in (self._lows, self._highs):
            while prices and moment - prices[0][0] > self.window_seconds:
                prices.popleft()
        return moment


def dynamic_pause_seconds(seconds_to_close: Rate) -> int:
    """Length of a dynamic circuit breaker's pause: 2 minutes, in the last five minutes 5 seconds."""
    left = exact(seconds_to_close, "seconds_to_close")
    if left < 0:
        raise ValueError(f"seconds_to_close {seconds_to_close!r} is negative")
    return DYNAMIC_PAUSE_SECONDS if left > DYNAMIC_LAST_SECONDS else DYNAMIC_LAST_PAUSE_SECONDS
