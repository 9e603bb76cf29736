"""Ticks and square-root prices of concentrated liquidity (Uniswap v3), to the unit.

A tick is a power of 1.0001; prices are kept as square roots in parts of 2**96. The contract builds a root
from the bits of the tick with factors of 128 binary places; here they are computed from their definition.
"""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from math import floor, isqrt, log

from cascade.exact_numbers import Rate, exact
from cascade.pools.venue import amount_of

SQRT_PRICE_BITS = 96
SQRT_PRICE_UNIT = 1 << SQRT_PRICE_BITS
MIN_TICK = -887_272
MAX_TICK = 887_272
FACTOR_BITS = 128
LARGEST_WORD = 2**256 - 1
LOG_OF_TICK = log(1.0001) / 2


def _factors() -> list[int]:
    # 1.0001**(-2**k / 2) in parts of 2**128, rounded to the nearest
    context = Context(prec=100)
    root = context.sqrt(Decimal("1.0001"))
    unit = Decimal(1 << FACTOR_BITS)
    factors = []
    for _ in range(MAX_TICK.bit_length()):
        factors.append(round(Fraction(context.divide(unit, root))))
        root = context.multiply(root, root)
    return factors


_FACTORS = _factors()


def sqrt_price_at_tick(tick: int) -> int:
    """Square root of ``1.0001**tick`` in parts of 2**96, rounded as the contract rounds it.

    Parameters
    ----------
    tick : int
        -887,272 ... 887,272.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        `tick` is no integer or out of range.

    Notes
    -----
    Uniswap v3, ``TickMath.getSqrtRatioAtTick``: the result in 128 binary places is rounded up to 96.
    """
    size = amount_of(abs(tick), "tick")
    if size > MAX_TICK:
        raise ValueError(f"tick {tick!r} is outside {MIN_TICK} ... {MAX_TICK}")
    ratio = 1 << FACTOR_BITS
    for bit, factor in enumerate(_FACTORS):
        if size >> bit & 1:
            ratio = ratio * factor >> FACTOR_BITS
    if tick > 0:
        ratio = LARGEST_WORD // ratio
    return -(-ratio >> (FACTOR_BITS - SQRT_PRICE_BITS))


MIN_SQRT_PRICE = sqrt_price_at_tick(MIN_TICK)
MAX_SQRT_PRICE = sqrt_price_at_tick(MAX_TICK)


def tick_at_sqrt_price(sqrt_price: int) -> int:
    """Largest tick whose square-root price is not above `sqrt_price`.

    Parameters
    ----------
    sqrt_price : int
        In parts of 2**96, from that of the least tick up to below that of the largest.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        `sqrt_price` is no integer or out of range.

    Notes
    -----
    Uniswap v3, ``TickMath.getTickAtSqrtRatio``.
    """
    given = amount_of(sqrt_price, "sqrt_price")
    if not MIN_SQRT_PRICE <= given < MAX_SQRT_PRICE:
        raise ValueError(
            f"sqrt_price {sqrt_price!r} is outside {MIN_SQRT_PRICE} ... {MAX_SQRT_PRICE - 1}"
        )
    # a guess that is a tick off at most, then the definition
    tick = floor((log(given) - SQRT_PRICE_BITS * log(2)) / LOG_OF_TICK)
    tick = min(max(tick, MIN_TICK), MAX_TICK)
    while sqrt_price_at_tick(tick) > given:
        tick -= 1
    while tick < MAX_TICK and sqrt_price_at_tick(tick + 1) <= given:
        tick += 1
    return tick


def sqrt_price_of(price: Rate) -> int:
    """Square root of a price (token1 units per token0 unit) in parts of 2**96, rounded down.

    Parameters
    ----------
    price : number
        Above 0.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        `price` is no number above 0.
    """
    ratio = exact(price, "price")
    if ratio <= 0:
        raise ValueError(f"price {price!r} is not above 0")
    return isqrt((ratio.numerator << 2 * SQRT_PRICE_BITS) // ratio.denominator)


def price_of_sqrt(sqrt_price: int) -> Fraction:
    """Price (token1 units per token0 unit) of a square-root price, exactly.

    Parameters
    ----------
    sqrt_price : int
        In parts of 2**96.

    Returns
    -------
    Fraction

    Raises
    ------
    TypeError, ValueError
        `sqrt_price` is no integer or below 0.
    """
    return Fraction(amount_of(sqrt_price, "sqrt_price") ** 2, 1 << 2 * SQRT_PRICE_BITS)


def most_liquidity_at_tick(tick_spacing: int) -> int:
    """Most liquidity that positions may put on one tick, so that all ticks together fit 128 bits.

    Parameters
    ----------
    tick_spacing : int
        1 ... the largest tick.

    Returns
    -------
    int
        ``2**128 - 1`` over the number of ticks that the spacing allows, cut off.

    Raises
    ------
    TypeError, ValueError
        `tick_spacing` is no integer or out of range.

    Notes
    -----
    Uniswap v3, ``Tick.tickSpacingToMaxLiquidityPerTick``.
    """
    spacing = amount_of(tick_spacing, "tick_spacing", 1)
    if spacing > MAX_TICK:
        raise ValueError(f"tick_spacing {tick_spacing!r} is outside 1 ... {MAX_TICK}")
    return (2**128 - 1) // (2 * (MAX_TICK // spacing) + 1)
