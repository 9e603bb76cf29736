"""Pools as venues of a market: what a person states of them, and the handle `market.pool`.

A pool answers the calls of an impact curve (market, IOC and FOK orders, and the engine's own), with reserves
that only traders and providers move. docs/pools.md says what it computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import floor, isqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from cascade._poolrows import HEADER, change_pool, pool_numbers, quote_pool
from cascade.bounds import MAX_PRICE
from cascade.errors import ConservationError
from cascade.exact_numbers import RATE_DENOMINATOR, Rate, exact, rate_parts, whole

if TYPE_CHECKING:
    from cascade.market import Market

FEE_PARTS = 10**6
LARGEST_RESERVE = 2**60
LARGEST_PRODUCT = 2**126
LARGEST_INVARIANT = 2**50
LARGEST_SKEW = 1000
AMPLIFICATION_PARTS = 100
MOST_SEGMENTS = 4096
SIDES = ("buy", "sell")
KINDS = ("constant_product", "concentrated", "stableswap")

Segments = tuple[list[list[int]], int]


def _positive(value: Rate, name: str) -> Fraction:
    number = exact(value, name)
    if number <= 0:
        raise ValueError(f"{name} {value!r} is not above 0")
    return number


def _fee_parts(fee: Rate) -> int:
    parts = exact(fee, "fee") * FEE_PARTS
    if not 0 <= parts < FEE_PARTS or parts.denominator != 1:
        raise ValueError(f"fee {fee!r} is outside 0 ... 1 (excluded) or no multiple of 1e-6")
    return int(parts)


def _flee_parts(flee: Any) -> tuple[int, int]:
    if flee is None:
        return 0, 0
    try:
        fall, share = flee
    except (TypeError, ValueError):
        raise TypeError(f"flee must be (fall, share), got {flee!r}") from None
    parts = [
        rate_parts(rate, name, 0, 1) for rate, name in ((fall, "flee fall"), (share, "flee share"))
    ]
    if not all(0 < n < RATE_DENOMINATOR for n in parts):
        raise ValueError(f"flee {flee!r} is outside 0 ... 1 (both excluded)")
    return parts[0], parts[1]


@dataclass(frozen=True)
class ConstantProduct:
    """A pool whose product of reserves never falls (Uniswap v2).

    Parameters
    ----------
    base : number
        Reserve in size units.
    quote : number
        Reserve in units of the market's asset; ``quote / base`` is the first price (over the
        contract's multiplier).
    fee : number, default 0.003
        Of what is paid in, a multiple of 1e-6; it stays in the reserves.
    flee : (fall, share), optional
        Providers take back `share` of the liquidity whenever the price is `fall` below its highest since they
        last did; shares of 1. Default: they stay.

    Raises
    ------
    TypeError, ValueError
        A number is missing or out of range.
    """

    base: Rate
    quote: Rate
    fee: Rate = "0.003"
    flee: tuple[Rate, Rate] | None = None

    def __post_init__(self) -> None:
        _positive(self.base, "base")
        _positive(self.quote, "quote")
        _fee_parts(self.fee)
        _flee_parts(self.flee)

    def _segments(self, lots: Fraction, atoms: int, rate: Fraction) -> Segments:
        base, quote = (
            floor(exact(self.base, "base") * lots),
            floor(exact(self.quote, "quote") * atoms),
        )
        return [[base, quote, 0, 0]], 0

    def _terms(self, tick: Fraction) -> tuple[int, int]:
        return 0, 0


@dataclass(frozen=True)
class Concentrated:
    """Ranges of concentrated liquidity: within each, constant product on virtual reserves (Uniswap v3).

    Parameters
    ----------
    price : number
        Where the pool begins.
    ranges : sequence of (lower, upper, liquidity)
        Prices, and the root of base times quote that a pool of that depth without bounds would
        hold; ranges may overlap and leave gaps.
    fee : number, default 0.003
        Of the quote paid or received, rounded up, put aside.
    flee : (fall, share), optional
        See `ConstantProduct`.

    Raises
    ------
    TypeError, ValueError
        A number is missing or out of range.
    """

    price: Rate
    ranges: Sequence[tuple[Rate, Rate, Rate]]
    fee: Rate = "0.003"
    flee: tuple[Rate, Rate] | None = None

    def __post_init__(self) -> None:
        _positive(self.price, "price")
        _fee_parts(self.fee)
        _flee_parts(self.flee)
        if not self.ranges:
            raise ValueError(f"ranges {self.ranges!r} is empty: 1 ... {MOST_SEGMENTS} segments")
        for lower, upper, liquidity in self.ranges:
            _positive(liquidity, "liquidity")
            if _positive(lower, "lower") >= exact(upper, "upper"):
                raise ValueError(f"range {lower!r} ... {upper!r} is empty")

    def _segments(self, lots: Fraction, atoms: int, rate: Fraction) -> Segments:
        # prices in atoms per lot; roots of rational numbers, rounded down
        price = exact(self.price, "price") * rate
        stated = [tuple(exact(n, "ranges") for n in row) for row in self.ranges]
        edges = sorted({edge for lower, upper, _ in stated for edge in (lower, upper)})
        made: list[list[int]] = []
        now = 0
        for lower, upper in pairwise(edges):
            liquidity = sum((n for a, b, n in stated if a <= lower and upper <= b), Fraction(0))
            if not liquidity:
                continue
            square, low, high = liquidity**2 * lots * atoms, lower * rate, upper * rate
            here = min(max(price, low), high)
            virtual = isqrt(floor(square / high)), isqrt(floor(square * low))
            base, quote = isqrt(floor(square / here)), isqrt(floor(square * here))
            if low <= price:
                now = len(made)
            made.append([base - virtual[0], quote - virtual[1], *virtual])
        return made, now

    def _terms(self, tick: Fraction) -> tuple[int, int]:
        return 0, 0


@dataclass(frozen=True)
class Stableswap:
    """A pool between constant sum and constant product (Curve), for assets with a price near `peg`.

    Parameters
    ----------
    base : number
        Reserve in size units.
    quote : number
        Reserve in units of the market's asset.
    amplification : number
        A of the contracts, a multiple of 0.01, 1 ... 10,000.
    peg : number
        Price at which equal reserves are balanced, a multiple of the tick.
    fee : number, default 0.0004
        Of the quote paid or received, rounded up, put aside.
    flee : (fall, share), optional
        See `ConstantProduct`.

    Raises
    ------
    TypeError, ValueError
        A number is missing or out of range.
    """

    base: Rate
    quote: Rate
    amplification: Rate
    peg: Rate = 1
    fee: Rate = "0.0004"
    flee: tuple[Rate, Rate] | None = None

    def __post_init__(self) -> None:
        _positive(self.base, "base")
        _positive(self.quote, "quote")
        _positive(self.peg, "peg")
        _fee_parts(self.fee)
        _flee_parts(self.flee)
        parts = exact(self.amplification, "amplification") * AMPLIFICATION_PARTS
        if parts.denominator != 1 or not AMPLIFICATION_PARTS <= parts <= 10**6:
            raise ValueError(
                f"amplification {self.amplification!r} is no multiple of 0.01 in 1 ... 10,000"
            )

    def _segments(self, lots: Fraction, atoms: int, rate: Fraction) -> Segments:
        base, quote = (
            floor(exact(self.base, "base") * lots),
            floor(exact(self.quote, "quote") * atoms),
        )
        return [[base, quote, 0, 0]], 0

    def _terms(self, tick: Fraction) -> tuple[int, int]:
        ticks = exact(self.peg, "peg") / tick
        if ticks.denominator != 1 or not 1 <= ticks <= MAX_PRICE:
            raise ValueError(
                f"peg {self.peg!r} is not a multiple of {tick} in 1 ... {MAX_PRICE} ticks"
            )
        ann = exact(self.amplification, "amplification") * AMPLIFICATION_PARTS * 2
        return int(ann), int(ticks)


POOLS = (ConstantProduct, Concentrated, Stableswap)
PoolVenue = ConstantProduct | Concentrated | Stableswap


def pool_in_steps(
    venue: PoolVenue, tick: Fraction, lot: Fraction, atoms: int, unit: int
) -> dict[str, Any]:
    """Arguments of the core: reserves in lots and atoms, and terms.

    Parameters
    ----------
    venue : ConstantProduct, Concentrated or Stableswap
    tick, lot : Fraction
        Price and size of a step.
    atoms : int
        Of a unit of the market's asset.
    unit : int
        Atoms of a lot at one tick.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        A reserve is below 1 or above 2**60 in lots or atoms.
    """
    segments, now = venue._segments(1 / lot, atoms, unit / tick)
    if not 1 <= len(segments) <= MOST_SEGMENTS:
        raise ValueError(f"ranges make {len(segments)} segments, outside 1 ... {MOST_SEGMENTS}")
    _check_segments(venue, segments)
    first = segments[now]
    if not 1 <= Fraction(first[1] + first[3], (first[0] + first[2]) * unit) < MAX_PRICE:
        given = float(Fraction(first[1] + first[3], (first[0] + first[2]) * unit))
        raise ValueError(f"first price of the pool, {given:g} ticks, is outside 1 ... {MAX_PRICE}")
    fall, share = _flee_parts(venue.flee)
    ann, peg = venue._terms(tick)
    if isinstance(venue, Stableswap):
        _check_balance(segments[0][0] * peg * unit, segments[0][1])
    base, quote = (sum(segment[k] for segment in segments) for k in (0, 1))
    return {
        "kind": POOLS.index(type(venue)) + 1,
        "segments": segments,
        "now": now,
        "shares": max(1, isqrt(max(1, base) * max(1, quote))),
        "fee": _fee_parts(venue.fee),
        "flee_fall": fall,
        "flee_share": share,
        "ann": ann,
        "peg": peg * unit,
    }


def _check_segments(venue: PoolVenue, segments: list[list[int]]) -> None:
    ends = [0, 0]
    for segment in segments:
        sums = segment[0] + segment[2], segment[1] + segment[3]
        if not all(1 <= n <= LARGEST_RESERVE for n in sums) or min(segment) < 0:
            raise ValueError(
                f"reserves of {sums[0]} lots and {sums[1]} atoms are outside 1 ... {LARGEST_RESERVE}"
            )
        product = sums[0] * sums[1]
        if isinstance(venue, ConstantProduct) and product * FEE_PARTS > LARGEST_PRODUCT:
            raise ValueError(
                f"reserves of {sums[0]} lots and {sums[1]} atoms: their product times {FEE_PARTS} is above 2**126"
            )
        if isinstance(venue, Concentrated):
            if not segment[2] or not segment[3]:
                raise ValueError(
                    f"a range has virtual reserves of {segment[2]} lots and {segment[3]} atoms: "
                    "both must be above 0"
                )
            # what it holds at its ends, where one of its reserves is used up
            ends = [ends[0] + product // segment[3] + 1, ends[1] + product // segment[2] + 1]
    if max(ends) > LARGEST_RESERVE:
        raise ValueError(
            f"reserves of {max(ends)} at the ends of the ranges are outside 1 ... {LARGEST_RESERVE}"
        )


def _check_balance(base: int, quote: int) -> None:
    if base + quote > LARGEST_INVARIANT:
        raise ValueError(
            f"reserves worth {base + quote} atoms at the peg are above {LARGEST_INVARIANT}"
        )
    if max(base, quote) > LARGEST_SKEW * min(base, quote):
        raise ValueError(f"reserves worth {base} and {quote} atoms are beyond {LARGEST_SKEW} to 1")


class LiquidityChange(NamedTuple):
    """Liquidity added or taken back.

    Attributes
    ----------
    shares : int
    base_lots, quote_atoms : int
        Paid in or paid out.
    """

    shares: int
    base_lots: int
    quote_atoms: int


class MarketPool:
    """The pool of a market: reserves, shares, fees and its providers' calls; `market.pool`.

    Attributes
    ----------
    market : Market
    """

    def __init__(self, market: Market) -> None:
        self.market: Market = market

    def __repr__(self) -> str:
        base, quote = self.reserves
        return f"<MarketPool of {self.market.name!r}: {base:g} base, {quote:g} quote>"

    def numbers(self) -> list[int]:
        """Whole numbers of the pool.

        Returns
        -------
        list of int
            Segment that the price is in, peak (ticks), shares, lots and atoms that providers gave
            and that traders moved, fees put aside; then base, quote, virtual base and virtual quote of
            every segment.
        """
        return pool_numbers(self.market.engine, self.market.number)

    @property
    def shares(self) -> int:
        """Sum of the providers' shares."""
        return self.numbers()[2]

    @property
    def reserves_lots(self) -> int:
        """Base that the pool holds, lots."""
        return sum(self.numbers()[HEADER::4])

    @property
    def reserves_atoms(self) -> int:
        """Quote that the pool holds without fees put aside, atoms."""
        return sum(self.numbers()[HEADER + 1 :: 4])

    @property
    def reserves(self) -> tuple[float, float]:
        """Base in size units and quote in units of the asset, without fees put aside."""
        market = self.market
        quote = market.engine.from_atoms(self.reserves_atoms, market.asset)
        return market.lots.number(self.reserves_lots), quote

    @property
    def fees(self) -> float:
        """Fees put aside, in units of the asset; those of a constant product are in its reserves."""
        return self.market.engine.from_atoms(self.numbers()[7], self.market.asset)

    def quote(self, side: str, size: float | Decimal | Fraction) -> tuple[float, float]:
        """What an order without a limit would fill now; nothing changes.

        Parameters
        ----------
        side : {"buy", "sell"}
        size : number
            In size units, a multiple of the lot.

        Returns
        -------
        filled : float
            In size units.
        value : float
            Paid or received in units of the asset, with the pool's fee, without the market's.

        Raises
        ------
        TypeError, ValueError
            `side` is unknown, or `size` no multiple of the lot above 0.
        """
        if side not in SIDES:
            raise ValueError(f"side must be 'buy' or 'sell', got {side!r}")
        market = self.market
        lots = market.lots.steps(size, "size")
        filled, atoms, _ = quote_pool(market.engine, market.number, SIDES.index(side), lots)
        return market.lots.number(filled), market.engine.from_atoms(atoms, market.asset)

    def shares_of(self, share: Rate) -> int:
        """Shares that are a part of all of them, rounded down.

        Parameters
        ----------
        share : number
            Above 0.

        Returns
        -------
        int

        Raises
        ------
        TypeError, ValueError
            `share` is no number above 0.
        """
        return floor(_positive(share, "share") * self.shares)

    def add_liquidity(self, shares: int) -> LiquidityChange:
        """Add liquidity in the proportion of the reserves, rounded up, with its LIQUIDITY event.

        Parameters
        ----------
        shares : int
            At least 1, see `shares_of`.

        Returns
        -------
        LiquidityChange

        Raises
        ------
        TypeError, ValueError
            `shares` is no integer or out of range.
        OverflowError
            A reserve would pass 2**60; nothing changed.
        """
        return self._change(shares, LARGEST_RESERVE - self.shares, 1)

    def remove_liquidity(self, shares: int) -> LiquidityChange:
        """Take liquidity back in the proportion of the reserves, rounded down.

        Parameters
        ----------
        shares : int
            1 ... all shares less 1.

        Returns
        -------
        LiquidityChange

        Raises
        ------
        TypeError, ValueError
            `shares` is no integer or out of range.
        """
        return self._change(shares, self.shares - 1, -1)

    def _change(self, shares: int, most: int, sign: int) -> LiquidityChange:
        if not 1 <= whole(shares, "shares") <= most:
            raise ValueError(f"shares {shares!r} is outside 1 ... {most}")
        base, quote = change_pool(self.market.engine, self.market.number, sign * shares)
        return LiquidityChange(shares, abs(base), abs(quote))

    def validate(self) -> None:
        """Refuse reserves that are not what providers gave and traders moved.

        Raises
        ------
        ConservationError
        """
        _, _, _, given_base, given_quote, base, quote, fees, *_ = self.numbers()
        name = self.market.name
        if self.reserves_lots != given_base + base:
            raise ConservationError(
                f"pool of {name!r}: {self.reserves_lots} lots are not {given_base + base}"
            )
        if self.reserves_atoms + fees != given_quote + quote:
            raise ConservationError(
                f"pool of {name!r}: {self.reserves_atoms + fees} atoms are not {given_quote + quote}"
            )


def pool_settings(venue: PoolVenue) -> dict[str, Any]:
    """A pool as stated, as text and lists that `pool_from_settings` reads.

    Parameters
    ----------
    venue : ConstantProduct, Concentrated or Stableswap

    Returns
    -------
    dict
    """
    given: dict[str, Any] = {"pool": KINDS[POOLS.index(type(venue))]}
    for name, value in vars(venue).items():
        if name == "ranges":
            given[name] = [[str(exact(n, name)) for n in row] for row in value]
        elif name == "flee":
            given[name] = None if value is None else [str(exact(n, name)) for n in value]
        else:
            given[name] = str(exact(value, name))
    return given


def pool_from_settings(settings: dict[str, Any]) -> PoolVenue:
    """The pool that `pool_settings` wrote.

    Parameters
    ----------
    settings : dict

    Returns
    -------
    ConstantProduct, Concentrated or Stableswap

    Raises
    ------
    TypeError, ValueError
        It is none.
    """
    given = dict(settings)
    kind = POOLS[KINDS.index(given.pop("pool"))]
    for name, value in given.items():
        if name == "ranges":
            given[name] = tuple(tuple(Fraction(n) for n in row) for row in value)
        elif name == "flee":
            given[name] = None if value is None else tuple(Fraction(n) for n in value)
        else:
            given[name] = Fraction(value)
    return kind(**given)
