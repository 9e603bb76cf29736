"""Routing: a sale split over several venues so that no lot could have been sold better elsewhere.

A venue is any function from lots sold to what they bring. Where each brings less for every further lot (books,
pools and impact curves do), a split that no move of a single lot improves is the best there is. It is found by
moving powers of two, largest first, and it is exact: it compares what the venues say, not marginal prices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cascade._poolrows import quote_pool
from cascade.exact_numbers import Rate, exact, whole
from cascade.impact import Impact
from cascade.pools.venue import Pool
from cascade.venues import POOLS

if TYPE_CHECKING:
    from cascade.market import Market

__all__ = [
    "Route",
    "SaleVenue",
    "route_sale",
    "sale_to_impact",
    "sale_to_levels",
    "sale_to_market",
    "sale_to_pool",
]

SaleVenue = Callable[[int], Fraction | int | None]
SELL = 1


class Route(NamedTuple):
    """A sale split over venues.

    Attributes
    ----------
    lots : tuple of int
        For each venue.
    proceeds : tuple of Fraction
        From each venue.
    left : int
        Lots that no venue takes.
    """

    lots: tuple[int, ...]
    proceeds: tuple[Fraction, ...]
    left: int

    @property
    def total(self) -> Fraction:
        """What the sale brings in all."""
        return sum(self.proceeds, Fraction(0))


class _Split:
    # lots by venue, with what a change of them would bring
    def __init__(self, venues: Sequence[SaleVenue]) -> None:
        self.venues = venues
        self.lots = [0] * len(venues)
        self.known: list[dict[int, Fraction | None]] = [{} for _ in venues]

    def proceeds(self, venue: int, lots: int) -> Fraction | None:
        if lots == 0:
            return Fraction(0)
        known = self.known[venue]
        if lots not in known:
            found = self.venues[venue](lots)
            known[lots] = None if found is None else Fraction(found)
        return known[lots]

    def gain(self, venue: int, change: int) -> Fraction | None:
        # of so many lots more, or less; None: the venue does not take them
        lots = self.lots[venue] + change
        if lots < 0:
            return None
        after, before = self.proceeds(venue, lots), self.proceeds(venue, self.lots[venue])
        return None if after is None or before is None else after - before

    def best(self, change: int, without: int = -1) -> tuple[int, Fraction] | None:
        found: tuple[int, Fraction] | None = None
        for venue in range(len(self.venues)):
            gain = None if venue == without else self.gain(venue, change)
            if gain is not None and (found is None or gain > found[1]):
                found = venue, gain
        return found

    def hand_out(self, left: int, step: int) -> int:
        while left >= step:
            found = self.best(step)
            if found is None:
                break
            self.lots[found[0]] += step
            left -= step
        return left

    def exchange(self, step: int) -> bool:
        # the one move of `step` lots that gains most; one that gains nothing only towards an earlier venue
        most, move = Fraction(0), None
        for giver in range(len(self.venues)):
            lost = self.gain(giver, -step)
            found = None if lost is None else self.best(step, without=giver)
            if lost is None or found is None:
                continue
            gained = lost + found[1]
            if gained > most or (gained == 0 == most and move is None and found[0] < giver):
                most, move = gained, (giver, found[0])
        if move is None:
            return False
        self.lots[move[0]] -= step
        self.lots[move[1]] += step
        return True


def route_sale(venues: Sequence[SaleVenue], lots: int) -> Route:
    """Split a sale so that moving any single lot to another venue would not bring more.

    Parameters
    ----------
    venues : sequence of functions
        Each gives what it pays for that many lots (an int or Fraction, in one unit for all), None when it
        does not take them; see `sale_to_pool`, `sale_to_levels`, `sale_to_impact` and `sale_to_market`.
    lots : int
        At least 1.

    Returns
    -------
    Route

    Raises
    ------
    TypeError, ValueError
        There is no venue, or `lots` is no integer or below 1.

    Notes
    -----
    Allocation by marginal gain with steps of powers of two (Hochbaum 1994, "Lower and upper bounds
    for the allocation problem"): the optimum where every venue's proceeds are concave, of equal ones
    the one that gives the most to earlier venues. Rounded proceeds are concave but for a unit; the
    condition in the first line holds for them too. `Engine.route` and lending markets split likewise.

    Examples
    --------
    >>> from cascade import routing
    >>> from cascade.pools import ConstantProductPool
    >>> deep, thin = ConstantProductPool(3_000, 6_000_000), ConstantProductPool(1_000, 2_000_000)
    >>> routing.route_sale([routing.sale_to_pool(deep), routing.sale_to_pool(thin)], 400).lots
    (300, 100)
    """
    if not venues:
        raise ValueError("venues must not be empty")
    if whole(lots, "lots") < 1:
        raise ValueError(f"lots {lots!r} is below 1")
    split, left = _Split(venues), lots
    for power in reversed(range(lots.bit_length())):
        left = split.hand_out(left, 1 << power)
        while split.exchange(1 << power):
            pass
    # what an exchange made room for
    left = split.hand_out(left, 1)
    while split.exchange(1):
        pass
    brought = [split.proceeds(venue, n) for venue, n in enumerate(split.lots)]
    return Route(tuple(split.lots), tuple(Fraction(p or 0) for p in brought), left)


def sale_to_pool(pool: Pool) -> SaleVenue:
    """What a pool of `cascade.pools` pays for lots of its base unit.

    Parameters
    ----------
    pool : Pool
        Left as it is.

    Returns
    -------
    function
        Lots to units of quote.
    """

    def proceeds(lots: int) -> int | None:
        try:
            return pool.quote("sell", lots).amount_out
        except ValueError:
            return None

    return proceeds


def sale_to_levels(levels: Sequence[tuple[Rate, int]]) -> SaleVenue:
    """What the bids of a book pay.

    Parameters
    ----------
    levels : sequence of (price, lots)
        Best first.

    Returns
    -------
    function
        Lots to the unit of `price`; None beyond the last level.

    Raises
    ------
    TypeError, ValueError
        A price or size is no number, or prices do not fall.
    """
    stated = [(exact(price, "price"), whole(size, "size")) for price, size in levels]
    for (above, _), (below, _) in pairwise(stated):
        if below > above:
            raise ValueError(f"price {below} comes after {above}: levels must fall")

    def proceeds(lots: int) -> Fraction | None:
        left, total = lots, Fraction(0)
        for price, size in stated:
            part = min(left, size)
            total += price * part
            left -= part
        return None if left else total

    return proceeds


def sale_to_impact(impact: Impact, price: Rate) -> SaleVenue:
    """What a linear impact curve pays, filled at the average of the prices before and after, without ticks.

    Parameters
    ----------
    impact : Impact
        Of kind "linear"; its slope is per lot.
    price : number
        The curve's price now, above 0.

    Returns
    -------
    function
        Lots to the unit of `price`; None where the price would not be above 0.

    Raises
    ------
    TypeError, ValueError
        The curve is not linear, or `price` is no number above 0.
    """
    if impact.kind != "linear":
        raise ValueError(f"impact of kind {impact.kind!r} is not exact: only 'linear' is routed")
    start, slope = exact(price, "price"), exact(impact.scale, "scale")
    if start <= 0:
        raise ValueError(f"price {price!r} is not above 0")

    def proceeds(lots: int) -> Fraction | None:
        after = start - slope * lots
        return (start + after) / 2 * lots if after > 0 else None

    return proceeds


def sale_to_market(market: Market) -> SaleVenue:
    """What a market's venue would pay an order from outside now, in atoms.

    Parameters
    ----------
    market : Market
        Its venue is a book or a pool, its contract linear.

    Returns
    -------
    function
        Lots to atoms before fees of the market; None where the venue does not take all of them. Read the
        venue again after it has traded.

    Raises
    ------
    ValueError
        The venue is an impact curve.
    """
    if market.impact is not None:
        raise ValueError(f"market {market.name!r} is an impact curve: use sale_to_impact")
    if isinstance(market.venue, POOLS):

        def proceeds(lots: int) -> int | None:
            filled, atoms, _ = quote_pool(market.engine, market.number, SELL, lots)
            return atoms if filled == lots else None

        return proceeds
    bids = market.book.bids()
    return sale_to_levels([(market.atoms_of(1, ticks), size) for ticks, size, _ in bids])
