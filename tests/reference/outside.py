"""Prices from outside in the twin: an index believed later, samples of the basis, impact prices.

docs/marks.md and docs/funding.md. Lists that are searched from the front, and levels one lot group at
a time in rational numbers.
"""

from fractions import Fraction
from math import ceil, floor

from .margin import rate_of

FINE = 2**20  # parts of a tick in an average
PARTS = 10**9


def believed_now(markets, named: dict[int, int], now: int) -> dict[int, int]:
    """Indexes by market that a step sets, of those it was given and those on their way."""
    found = dict(named)
    for market in markets:
        if market.rules.delay_nanoseconds:
            if market.number in named:
                give_index(market, now, found.pop(market.number))
            believed = believed_index(market, now)
            if believed:
                found[market.number] = believed
    return found


def rows_of(markets) -> list[tuple]:
    """What the state hash has of prices on their way and of samples."""
    delayed = [(m.number, due, price) for m in markets for due, price in m.delayed]
    return delayed + [(m.number, basis) for m in markets for basis in m.samples]


def give_index(market, now: int, price: int) -> None:
    """An index given now is on its way; one given at the same time before is forgotten."""
    due = now + market.rules.delay_nanoseconds
    market.delayed = [(time, old) for time, old in market.delayed if time != due]
    market.delayed.append((due, price))


def believed_index(market, now: int) -> int:
    """The newest price whose time has come, 0 without one; all of those are gone."""
    come = [price for time, price in market.delayed if time <= now]
    market.delayed = [(time, price) for time, price in market.delayed if time > now]
    return come[-1] if come else 0


def sample_basis(market, price: int, start: int, elapsed: int) -> None:
    """Keep a sample for every time of one within the step, and their mean."""
    every, count = market.rules.samples
    times = range((start // every + 1) * every, start + elapsed + 1, every)
    if not times or not price or not market.index_ticks:
        return
    market.samples = (market.samples + [price - market.index_ticks] * min(len(times), count))[
        -count:
    ]
    total = sum(market.samples) * FINE
    market.average = abs(total) // len(market.samples) * (1 if total >= 0 else -1)


def impact_price(levels, notional: int, unit: int) -> Fraction | None:
    """Average tick at which a taker of the notional is filled; None where the side holds less."""
    left, lots = Fraction(notional), Fraction(0)
    for price, size, _ in levels:
        here = min(left, Fraction(unit * price * size))
        left -= here
        lots += here / (unit * price)
        if left == 0:
            return Fraction(notional) / (unit * lots)
    return None


def impact_premium(market) -> int:
    """Premium of impact prices, which are rounded to parts of a tick against the premium."""
    index = market.index_ticks * FINE
    if hasattr(market.venue, "curve"):
        bid = ask = market.venue.last * FINE
    else:
        unit = market.contract.unit
        atoms = 10 ** market.engine.clearing.assets[market.asset].decimals
        notional = floor(rate_of(market.rules.impact_notional) * atoms)
        sides = market.venue.bids(), market.venue.asks()
        bids, asks = (impact_price(side, notional, unit) for side in sides)
        bid = 0 if bids is None else floor(bids * FINE)
        ask = 0 if asks is None else ceil(asks * FINE)
    gap = max(0, bid - index) - (max(0, index - ask) if ask else 0)
    parts = abs(gap) * PARTS // index
    return min(parts, PARTS) * (1 if gap >= 0 else -1)
