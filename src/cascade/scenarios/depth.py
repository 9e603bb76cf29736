"""What is sold into: depth profiles, and how much of them a price move takes.

A profile is a list of (tick, lots) a side, best first. Level k behind the touch holds
``touch_size * (1 + growth * k)``: constant depth for growth 0, and the linear latent book (depth
that grows with distance, so that impact goes with the square root) for a large one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade.bounds import MAX_PRICE, MAX_SIZE
from cascade.impact import Impact
from cascade.market import Market
from cascade.scenarios.pool import lots_through_pool
from cascade.scenarios.schema import BookSection
from cascade.venues import POOLS

Side = NDArray[np.int64]


def profile(section: BookSection, touch: int, direction: int, lot: float, start: int = 0) -> Side:
    """Levels of one side from its first tick on.

    Parameters
    ----------
    section : BookSection
    touch : int
        First tick.
    direction : int
        -1 for bids, 1 for asks.
    lot : float
        Size of a lot.
    start : int
        Steps behind `touch` that the first level stands.

    Returns
    -------
    numpy.ndarray of int64
        Two columns: tick and lots. Levels outside the prices there are left out.

    Raises
    ------
    ValueError
        A level is too large for an order.
    """
    k = np.arange(section.levels or 0, dtype=np.int64)
    ticks = touch + direction * section.step_ticks * (k + start)
    size = float(section.touch_size or 0) * (1 + float(section.growth) * k)
    lots = np.maximum(np.rint(size / lot), 1)
    if len(lots) and lots.max() > MAX_SIZE:
        raise ValueError(f"a level of {lots.max():g} lots is above {MAX_SIZE}")
    inside = (ticks >= 1) & (ticks <= MAX_PRICE)
    return np.column_stack([ticks[inside], lots[inside].astype(np.int64)])


def read_sides(market: Market) -> tuple[Side, Side]:
    """Bids and asks of a market's book as (tick, lots), best first."""
    sides = []
    for levels in (market.book.bids(), market.book.asks()):
        table = np.array(levels, dtype=np.int64).reshape(-1, 3)
        sides.append(table[:, :2].copy())
    return sides[0], sides[1]


def load_sides(market: Market, bids: Side, asks: Side, replace: bool = False) -> None:
    """Put levels into a market's book; `replace` takes what is there away first."""
    quotes = []
    for side in (bids, asks):
        prices, sizes = market.ticks.numbers_of(side[:, 0]), market.lots.numbers_of(side[:, 1])
        quotes.append(np.column_stack([prices, sizes]))
    market.book.load_depth(quotes[0], quotes[1], replace=replace)


def shift(market: Market, ticks: int) -> None:
    """Makers follow the outside price: every level moves, and what was eaten stays eaten."""
    if not ticks or not market.has_book:
        return
    bids, asks = read_sides(market)
    for side in (bids, asks):
        side[:, 0] += ticks
    load_sides(market, bids[bids[:, 0] >= 1], asks[asks[:, 0] >= 1], replace=True)


def lots_to(market: Market, target_ticks: int, buy: bool) -> int:
    """Lots an aggressor trades until the price has come to `target_ticks`.

    Raises
    ------
    ValueError
        The book ends before that price.
    """
    if isinstance(market.venue, POOLS):
        return lots_through_pool(market, target_ticks, buy)
    if market.impact is not None:
        moved = abs(float(market.ticks.number(target_ticks)) - float(market.index or 0))
        log_move = abs(math.log(target_ticks / market.index_ticks))
        return max(1, round(_curve_size(market.impact, moved, log_move) / float(market.lots.step)))
    bids, asks = read_sides(market)
    side, sign = (asks, 1) if buy else (bids, -1)
    if not len(side) or sign * side[-1, 0] < sign * target_ticks:
        end = market.ticks.number(int(side[-1, 0])) if len(side) else 0
        raise ValueError(
            f"the book ends at {end:g}, before {market.ticks.number(target_ticks):g}: give it levels there"
        )
    return int(side[sign * side[:, 0] <= sign * target_ticks, 1].sum())


def _curve_size(impact: Impact, moved: float, log_move: float) -> float:
    # inverse of the curves of `Impact`
    scale, length = float(impact.scale), float(impact.length)
    if impact.kind == "linear":
        return moved / scale
    if impact.kind == "square_root":
        return (moved / scale) ** 2
    if impact.kind == "log":
        return length * math.expm1(moved / scale)
    if impact.kind == "exponential":
        return length * log_move
    if impact.kind == "depth_linear":
        return scale * (moved + moved**2 / (2 * length))
    return scale * length * -math.expm1(-moved / length)


def impact_of(section: BookSection) -> Impact:
    """Impact venue of a section that names a curve."""
    options: dict[str, Any] = {
        "fill": section.fill,
        "permanent": float(section.permanent),
        "decay_rate": float(section.decay_rate),
    }
    return Impact(
        section.impact or "linear", scale=section.scale or 0, length=section.length or 1, **options
    )
