"""How much of a due position to close, by the rule of each kind of venue.

Exact rational functions: sizes, prices and rates are any exact number, a float stands for the
decimal number that is printed for it. They say how much is closed now; who takes it, and at what
price, is in `cascade.closeout`. Sizes that come out are unsigned, as closing always goes against
the position.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from math import isqrt

from cascade.exact_numbers import Rate, exact

ROOT_SCALE = 10**18


def _at_least(value: Rate, name: str, low: int = 0) -> Fraction:
    number = exact(value, name)
    if number < low:
        raise ValueError(f"{name} {value!r} is below {low}")
    return number


def _above(value: Rate, name: str, low: int = 0) -> Fraction:
    number = exact(value, name)
    if number <= low:
        raise ValueError(f"{name} {value!r} is not above {low}")
    return number


def _share(value: Rate, name: str) -> Fraction:
    number = exact(value, name)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} {value!r} is outside 0 ... 1")
    return number


def step_up(size: Rate, step: Rate) -> Fraction:
    """Size as a multiple of `step`, rounded up; a step of 0 leaves it as it is."""
    grid = _at_least(step, "step")
    number = exact(size, "size")
    return -(-number // grid) * grid if grid else number


# ---------------------------------------------------------------- a share of the position


def fraction_size(
    size: Rate,
    price: Rate,
    share: Rate,
    min_notional: Rate = 0,
    *,
    since_last: Rate | None = None,
    cooldown: Rate = 0,
) -> Fraction:
    """Share of a large position, the whole of a small one or of one still in its cool-down.

    Parameters
    ----------
    size : number
        Signed or not.
    price : number
        Mark.
    share : number
        0 ... 1, closed of a position worth more than `min_notional`.
    min_notional : number, default 0
        Positions up to it are closed whole.
    since_last : number, optional
        Seconds since this position was last closed in part; default never.
    cooldown : number, default 0
        Seconds after a partial close within which the next order is for the whole position.

    Returns
    -------
    Fraction
        Size to close.

    Raises
    ------
    TypeError, ValueError
        A number is missing or out of range.

    Notes
    -----
    Hyperliquid: 20 % of positions above 100,000 USDC, then 30 seconds ("Liquidations"; the
    threshold and the cool-down by announcement 307).

    Examples
    --------
    >>> fraction_size(10, 50_000, "0.2", 100_000)
    Fraction(2, 1)
    """
    held = abs(exact(size, "size"))
    part = _share(share, "share")
    waits = _at_least(cooldown, "cooldown")
    if held * _above(price, "price") <= _at_least(min_notional, "min_notional"):
        return held
    if since_last is not None and _at_least(since_last, "since_last") < waits:
        return held
    return held * part


def liquidatable_notional(
    notional: Rate, min_notional: Rate, max_portion: Rate
) -> tuple[Fraction, Fraction]:
    """Least and most notional of a position that one block may liquidate.

    Returns
    -------
    tuple of Fraction
        ``least = min(min_notional, N)`` and ``max(least, max_portion * N)``.

    Notes
    -----
    dYdX v4, x/clob/keeper/liquidations.go, GetMaxAndMinPositionNotionalLiquidatable.

    Examples
    --------
    >>> liquidatable_notional(5, 10, 1)
    (Fraction(5, 1), Fraction(5, 1))
    """
    value = abs(exact(notional, "notional"))
    least = min(_at_least(min_notional, "min_notional"), value)
    return least, max(least, value * _share(max_portion, "max_portion"))


def remaining_in_block(limit: Rate, used: Rate) -> Fraction:
    """What is left of an account's limit in this block, in notional or in losses of the fund.

    Raises
    ------
    ValueError
        More is used than the limit allows.

    Notes
    -----
    dYdX v4, x/clob/keeper/liquidations.go, GetSubaccountMaxNotionalLiquidatable and
    GetSubaccountMaxInsuranceLost; a perpetual is liquidated once per account and block.
    """
    allowed, taken = _at_least(limit, "limit"), _at_least(used, "used")
    if taken > allowed:
        raise ValueError(f"used {used!r} is above the limit {limit!r}")
    return allowed - taken


def block_size(size: Rate, price: Rate, allowed: Rate, step: Rate) -> Fraction:
    """Size to close when a block allows a notional: whole where that covers it, else in steps.

    Rounded down to a multiple of `step`, but at least one step.

    Notes
    -----
    dYdX v4, x/clob/keeper/liquidations.go, GetLiquidatablePositionSizeDelta.
    """
    held = abs(exact(size, "size"))
    grid, mark = _above(step, "step"), _above(price, "price")
    budget = _at_least(allowed, "allowed")
    if held * mark <= budget or held <= grid:
        return held
    return min(max(budget / mark // grid * grid, grid), held)


def slice_size(
    size: Rate, price: Rate, share: Rate, draw: Rate, min_notional: Rate = 1000
) -> Fraction:
    """Random slice: the share times a factor drawn between a half and one and a half.

    Parameters
    ----------
    size, price : number
    share : number
        0 ... 1, mean share of the position.
    draw : number
        Uniform in 0 ... 1.
    min_notional : number, default 1000
        A slice is worth at least this, or is the whole position.

    Notes
    -----
    FTX, "Liquidations", first stage: each second with probability 1/6, 10 % of the position.

    Examples
    --------
    >>> slice_size(10, 50_000, "0.1", "0.5")
    Fraction(1, 1)
    """
    held, mark = abs(exact(size, "size")), _above(price, "price")
    wanted = held * _share(share, "share") * (Fraction(1, 2) + _share(draw, "draw"))
    return min(held, max(wanted, _at_least(min_notional, "min_notional") / mark))


def provider_share(margin_fraction: Rate, auto_close_fraction: Rate) -> Fraction:
    """Share of a position that backstop providers take in a second: ``1 - MF / ACMF``.

    All of it when the margin fraction is below zero, nothing when it is not below the auto-close
    fraction (FTX, "Liquidations", second stage).
    """
    held = exact(margin_fraction, "margin_fraction")
    edge = _above(auto_close_fraction, "auto_close_fraction")
    return min(Fraction(1), max(Fraction(0), 1 - held / edge))


def auto_close_fraction(maintenance_rate: Rate) -> Fraction:
    """Margin fraction below which FTX closed at once: ``max(m / 2, m - 6 %)``."""
    rate = _share(maintenance_rate, "maintenance_rate")
    return max(rate / 2, rate - Fraction(6, 100))


# ---------------------------------------------------------------- down to a lower tier


def tier_number(amount: Rate, limits: Sequence[Rate]) -> int:
    """Tier of a position, from 0: how many of the ascending limits it is above.

    A limit belongs to the tier below it, as risk limits are printed (Bybit, BitMEX, OKX).
    """
    rows = [exact(limit, "limits") for limit in limits]
    if any(b <= a for a, b in itertools.pairwise(rows)):
        raise ValueError("limits must ascend")
    value = abs(exact(amount, "amount"))
    return sum(value > limit for limit in rows)


def tier_reduction(
    amount: Rate, limits: Sequence[Rate], tiers: int = 1, step: Rate = 0
) -> Fraction:
    """Amount to close so that a position falls `tiers` tiers.

    Parameters
    ----------
    amount : number
        Position, in the unit of the limits: contracts or notional.
    limits : sequence of number
        Largest position of each tier but the last, ascending.
    tiers : int, default 1
        How many tiers down; 1 is Binance's, Bybit's and BitMEX's step, 2 is OKX's, and as many as
        there are is OKX's of 2019.
    step : number, default 0
        The amount is rounded up to a multiple of it.

    Returns
    -------
    Fraction
        0 in the lowest tier, where a position is taken whole instead.

    Examples
    --------
    >>> tier_reduction(15_000, [2_000, 5_000, 10_000], tiers=3)
    Fraction(13000, 1)
    """
    if isinstance(tiers, bool) or not isinstance(tiers, int) or tiers < 1:
        raise ValueError(f"tiers must be an integer of 1 or more, got {tiers!r}")
    held = abs(exact(amount, "amount"))
    tier = tier_number(held, limits)
    if tier == 0:
        return Fraction(0)
    return min(held, step_up(held - exact(limits[max(tier - tiers, 0)], "limits"), step))


def okx_reduction(
    amount: Rate, limits: Sequence[Rate], equity: Rate, requirement: Rate, lowest_requirement: Rate
) -> Fraction:
    """Amount that OKX closes at once of a due position: two tiers, or everything.

    Parameters
    ----------
    amount : number
        Contracts.
    limits : sequence of number
        Largest position of each tier but the last.
    equity : number
        Margin and unrealised PnL.
    requirement : number
        Maintenance and closing fees at the position's own tier.
    lowest_requirement : number
        The same at the rate of the first tier.

    Returns
    -------
    Fraction
        0 when it is not due; all of it in the first two tiers, or when equity is at or below what
        the first tier asks for.

    Notes
    -----
    Due at a ratio of 100 % or below (OKX, "Liquidation", third-party copy).
    """
    held, left = abs(exact(amount, "amount")), exact(equity, "equity")
    if left > exact(requirement, "requirement"):
        return Fraction(0)
    if tier_number(held, limits) < 2 or left <= exact(lowest_requirement, "lowest_requirement"):
        return held
    return tier_reduction(held, limits, tiers=2, step=1)


# ---------------------------------------------------------------- exactly the shortage


def margin_shortage(
    size: Rate, price: Rate, collateral: Rate, profit: Rate, ratio: Rate, buffer: Rate = 0
) -> Fraction:
    """What an account lacks to its maintenance margin and a buffer above it; 0 when nothing.

    Parameters
    ----------
    size, price : number
    collateral : number
        Without unrealised PnL.
    profit : number
        Unrealised PnL.
    ratio : number
        Maintenance rate.
    buffer : number, default 0
        Added to the rate, and taken of a negative `profit` too.

    Notes
    -----
    Drift v2, state/margin_calculation.rs: the buffer applies to liabilities and to losses.
    """
    notional = abs(exact(size, "size")) * _above(price, "price")
    extra = _at_least(buffer, "buffer")
    gained = exact(profit, "profit")
    equity = exact(collateral, "collateral") + gained + min(gained, Fraction(0)) * extra
    return max(Fraction(0), notional * (_at_least(ratio, "ratio") + extra) - equity)


def size_to_cover(
    shortage: Rate,
    price: Rate,
    ratio: Rate,
    liquidator_fee: Rate = 0,
    insurance_fee: Rate = 0,
    *,
    quote_price: Rate = 1,
) -> Fraction | None:
    """Size whose closing frees exactly the margin that is missing.

    Parameters
    ----------
    shortage : number
        See `margin_shortage`.
    price : number
        Oracle price in the quote asset.
    ratio : number
        Maintenance rate, the buffer included.
    liquidator_fee, insurance_fee : number, default 0
        Rates that closing costs the account.
    quote_price : number, default 1
        Price of the quote asset.

    Returns
    -------
    Fraction or None
        ``shortage / (price * quote_price * (ratio - liquidator_fee) - price * insurance_fee)``;
        None where closing costs as much as it frees, so that no size is enough.

    Notes
    -----
    Drift v2, math/liquidation.rs, calculate_base_asset_amount_to_cover_margin_shortage.

    Examples
    --------
    >>> size_to_cover(10, 100, "0.1", "0.01", "0.01")
    Fraction(5, 4)
    """
    mark = _above(price, "price")
    kept = exact(ratio, "ratio") - exact(liquidator_fee, "liquidator_fee")
    freed = mark * _above(quote_price, "quote_price") * kept
    freed -= mark * exact(insurance_fee, "insurance_fee")
    missing = _at_least(shortage, "shortage")
    return missing / freed if kept > 0 and freed > 0 else None


def freeable_share(
    shortage: Rate,
    elapsed: Rate,
    duration: Rate,
    initial: Rate,
    freed: Rate = 0,
    small: Rate = 50,
) -> Fraction:
    """Share of a shortage that may be freed now, growing with time.

    Parameters
    ----------
    shortage : number
        Missing margin.
    elapsed, duration : number
        Time since liquidation began, and over which the share grows to one; slots or seconds. A
        duration of 0 allows everything.
    initial : number
        Share allowed at once.
    freed : number, default 0
        Margin freed since liquidation began.
    small : number, default 50
        A shortage below it may be freed at once.

    Returns
    -------
    Fraction
        0 ... 1: ``((shortage + freed) * min(1, elapsed / duration + initial) - freed) / shortage``.

    Notes
    -----
    Drift v2, math/liquidation.rs, calculate_max_pct_to_liquidate.

    Examples
    --------
    >>> freeable_share(100, 75, 150, "0.1")
    Fraction(3, 5)
    """
    missing, done = _at_least(shortage, "shortage"), _at_least(freed, "freed")
    if missing == 0 or missing < _at_least(small, "small"):
        return Fraction(1)
    whole = _at_least(duration, "duration")
    grown = _at_least(elapsed, "elapsed") / whole if whole else Fraction(1)
    allowed = min(Fraction(1), grown + _at_least(initial, "initial"))
    return max(Fraction(0), (missing + done) * allowed - done) / missing


# ---------------------------------------------------------------- disposal by the network


def disposal_size(
    open_size: Rate, fraction: Rate, full_size: Rate, book_volume: Rate, max_share: Rate
) -> Fraction:
    """What a network that took positions over sells in one step.

    Parameters
    ----------
    open_size : number
        What it still holds.
    fraction : number
        0 ... 1, of it offered per step.
    full_size : number
        Up to this size everything is offered.
    book_volume : number
        Volume on the opposite side within the price-monitoring bounds.
    max_share : number
        0 ... 1, of that volume that may be taken.

    Notes
    -----
    Vega, specs 0012-POSR, liquidation strategy.
    """
    held = abs(exact(open_size, "open_size"))
    wanted = held
    if held > _at_least(full_size, "full_size"):
        wanted = held * _share(fraction, "fraction")
    return min(wanted, _at_least(book_volume, "book_volume") * _share(max_share, "max_share"))


def disposal_sizes(
    open_size: Rate, fraction: Rate, full_size: Rate, book_volume: Rate, max_share: Rate
) -> list[Fraction]:
    """Sizes step by step until nothing is left, of a book that refills between the steps.

    Raises
    ------
    ValueError
        Nothing would ever be sold.

    Examples
    --------
    >>> [int(size) for size in disposal_sizes(280, "0.5", 50, 10_000, "0.01")]
    [100, 90, 45, 45]
    """
    left = abs(exact(open_size, "open_size"))
    terms = (fraction, full_size, book_volume, max_share)
    if left and (_at_least(full_size, "full_size") == 0 or not disposal_size(left, *terms)):
        raise ValueError("full_size, fraction, book_volume and max_share must all be above zero")
    sizes = []
    while left:
        sizes.append(disposal_size(left, *terms))
        left -= sizes[-1]
    return sizes


# ---------------------------------------------------------------- rates that grow with size


def size_root_rate(base: Rate, factor: Rate, size: Rate) -> Fraction:
    """Margin rate ``max(base, factor * sqrt(|size|))``, the root rounded up at 1e-9 (FTX)."""
    value = abs(exact(size, "size")) * ROOT_SCALE
    whole = -(-value.numerator // value.denominator)
    root = isqrt(whole)
    root += root * root < whole
    return max(exact(base, "base"), exact(factor, "factor") * Fraction(root, 10**9))
