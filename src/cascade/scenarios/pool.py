"""A pool that a scenario names, and how much of it a price move takes."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from cascade._poolrows import LARGEST, quote_pool
from cascade.codes import Side
from cascade.market import Market
from cascade.scenarios.schema import VenueSection
from cascade.venues import Concentrated, ConstantProduct, PoolVenue, Stableswap


def lots_through_pool(market: Market, target_ticks: int, buy: bool) -> int:
    """The least that takes a pool's price to `target_ticks`; the price is monotone in the size.

    Raises
    ------
    ValueError
        The pool ends before that price.
    """
    side = Side.BUY if buy else Side.SELL
    low, high, most = 0, 1, market.pool.reserves_lots if buy else LARGEST
    while True:
        filled, _, price = quote_pool(market.engine, market.number, side, high)
        if filled == high and (price >= target_ticks if buy else price <= target_ticks):
            break
        if filled < high or high >= most:
            raise ValueError(f"the pool ends before {market.ticks.number(target_ticks):g}")
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        _, _, price = quote_pool(market.engine, market.number, side, middle)
        if price >= target_ticks if buy else price <= target_ticks:
            high = middle
        else:
            low = middle
    return high


def pool_of(section: VenueSection, price: Fraction, multiplier: Fraction) -> PoolVenue:
    """Pool of a section; it begins at `price` where the section does not say otherwise.

    Raises
    ------
    TypeError, ValueError
        The pool's terms are out of range.
    """
    terms: dict[str, Any] = {} if section.fee is None else {"fee": section.fee}
    if section.flee is not None:
        terms["flee"] = tuple(section.flee)
    if section.kind == "concentrated":
        return Concentrated(price, tuple(tuple(row) for row in section.ranges or ()), **terms)
    base = Fraction(section.base or 0)
    quote = base * price * multiplier if section.quote is None else section.quote
    if section.kind == "constant_product":
        return ConstantProduct(base, quote, **terms)
    peg = price if section.peg is None else section.peg
    return Stableswap(base, quote, section.amplification or 1, peg, **terms)
