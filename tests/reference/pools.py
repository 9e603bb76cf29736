"""A pool as a market's venue, docs/pools.md "In the engine": constant product, ranges, stableswap.

Reserves are whole lots and atoms. A pool is a list of segments in order of price; a segment [base, quote,
virtual base, virtual quote] trades on the product of its sums, and the price is in one of them. Constant product
is one segment without virtual reserves. The stableswap has one segment and a curve of its own.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, isqrt

from . import log as events
from .margin import rate_of
from .records import BUY, MAX_PRICE, SELL, Fill
from .venues import ImpactVenue, held

LARGEST_RESERVE = 2**60
LARGEST_PRODUCT = 2**126
FEE_PARTS = 10**6
LARGEST_INVARIANT = 2**50
LARGEST_SHIFTED = 2**106
LARGEST_SKEW = 1000
A_PARTS = 100


@dataclass
class ConstantProduct:
    """Lots and atoms, the fee in the pool, and what makes providers leave: (fall, share)."""

    base: int
    quote: int
    fee: object = "0.003"
    flee: tuple | None = None
    kind: str = "constant_product"

    def segments(self, unit: int) -> tuple[list[list[int]], int]:
        return [[self.base, self.quote, 0, 0]], 0


@dataclass
class Concentrated:
    """Ranges (lower, upper, liquidity): ticks, and the root of lots times atoms."""

    price: int
    ranges: tuple
    fee: object = "0.003"
    flee: tuple | None = None
    kind: str = "concentrated"

    def segments(self, unit: int) -> tuple[list[list[int]], int]:
        edges = sorted({edge for lower, upper, _ in self.ranges for edge in (lower, upper)})
        made, now = [], 0
        for lower, upper in pairwise(edges):
            liquidity = sum(n for a, b, n in self.ranges if a <= lower and upper <= b)
            if not liquidity:
                continue
            square = Fraction(liquidity) ** 2
            price = min(max(self.price, lower), upper) * unit
            virtual = isqrt(floor(square / (upper * unit))), isqrt(floor(square * lower * unit))
            base = isqrt(floor(square / price)) - virtual[0]
            quote = isqrt(floor(square * price)) - virtual[1]
            if lower <= self.price:
                now = len(made)
            made.append([base, quote, *virtual])
        return made, now


@dataclass
class Stableswap:
    """Lots and atoms, amplification, the price in ticks at which both are worth the same."""

    base: int
    quote: int
    amplification: object
    peg: int
    fee: object = "0.0004"
    flee: tuple | None = None
    kind: str = "stableswap"

    def segments(self, unit: int) -> tuple[list[list[int]], int]:
        return [[self.base, self.quote, 0, 0]], 0


class PoolVenue(ImpactVenue):
    """A market's pool: the calls of a curve, its own price, exact atoms for what it fills."""

    def __init__(self, clearing, market: int, stated, unit: int, **bounds) -> None:
        super().__init__(clearing, market, None, **bounds)
        self.stated = stated
        self.unit = unit
        self.segments, self.now = stated.segments(unit)
        self.fee = int(rate_of(stated.fee) * FEE_PARTS)
        self.fees = 0
        base = sum(s[0] for s in self.segments)
        quote = sum(s[1] for s in self.segments)
        self.given = [base, quote]
        self.traded = [0, 0]
        self.shares = max(1, isqrt(max(1, base) * max(1, quote)))
        self.value = 0
        self.peak = self.last

    # --- the curve -----------------------------------------------------------------------------

    @property
    def last(self) -> int:
        segment = self.segments[self.now]
        if self.stated.kind == "stableswap":
            ratio = self.slope(segment)
        else:
            ratio = Fraction(segment[1] + segment[3], segment[0] + segment[2])
        # half up
        ticks = floor(ratio / self.unit + Fraction(1, 2))
        return min(max(ticks, 1), MAX_PRICE)

    def sell_into(self, segment: list[int], lots: int) -> tuple[int, int]:
        """Lots a segment takes, and atoms that leave its reserve."""
        x, y = segment[0] + segment[2], segment[1] + segment[3]
        if self.stated.kind == "stableswap":
            return lots, self.stable_out(segment, lots)
        if self.stated.kind == "constant_product":
            kept = FEE_PARTS - self.fee
            return lots, lots * kept * y // (x * FEE_PARTS + lots * kept)
        if segment[1] == 0:
            return 0, 0
        needed = x * segment[1] // segment[3] + 1
        if lots >= needed:
            return needed, segment[1]
        return lots, lots * y // (x + lots)

    def buy_from(self, segment: list[int], lots: int) -> tuple[int, int]:
        """Lots a segment gives, and atoms that come into its reserve."""
        x, y = segment[0] + segment[2], segment[1] + segment[3]
        if self.stated.kind == "stableswap":
            return lots, self.stable_in(segment, lots)
        if self.stated.kind == "constant_product":
            return lots, y * lots * FEE_PARTS // ((x - lots) * (FEE_PARTS - self.fee)) + 1
        lots = min(lots, segment[0])
        return (lots, y * lots // (x - lots) + 1) if lots else (0, 0)

    def walk(self, side: int, lots: int):
        """(lots filled, atoms of the trade with its fee, fee put aside, segments after, where)."""
        segments = [list(segment) for segment in self.segments]
        now, filled, moved = self.now, 0, 0
        step = 1 if side == BUY else -1
        while True:
            segment = segments[now]
            into = self.buy_from if side == BUY else self.sell_into
            part, atoms = into(segment, lots - filled)
            segment[0] -= part * step
            segment[1] += atoms * step
            filled += part
            moved += atoms
            if filled == lots or not 0 <= now + step < len(segments):
                break
            now += step
        fee = self.fee_of(side, moved)
        return filled, moved + fee * step, fee, segments, now

    def fee_of(self, side: int, atoms: int) -> int:
        """The fee of ranges and stableswap, in atoms of what is paid, rounded up."""
        if self.stated.kind == "constant_product":
            return 0
        below = FEE_PARTS if side == SELL else FEE_PARTS - self.fee
        return ceil(Fraction(atoms * self.fee, below))

    def fill_tick(self, side: int, lots: int) -> int:
        """Average of a trade in ticks, against the trader."""
        filled, value, *_ = self.walk(side, lots)
        if not filled:
            return 0
        average = Fraction(value, filled * self.unit)
        return min(floor(average), MAX_PRICE) if side == SELL else ceil(average)

    def fits(self, lots: int) -> bool:
        base, quote = self.segments[0][0] + lots, self.segments[0][1]
        if self.stated.kind == "stableswap":
            return base * self.stated.peg * self.unit + quote <= LARGEST_INVARIANT
        if self.stated.kind == "concentrated":
            return lots <= LARGEST_RESERVE
        return self.product_fits(base, quote)

    def product_fits(self, base: int, quote: int) -> bool:
        fits = max(base, quote) <= LARGEST_RESERVE
        return fits and base * FEE_PARTS * quote <= LARGEST_PRODUCT

    def executable(self, side: int, lots: int, limit: int) -> int:
        """The most lots at the limit or better; without one, at 1 tick and up to the highest price."""
        if not self.fits(lots):
            return 0
        if side == BUY and self.stated.kind != "concentrated":
            lots = min(lots, self.segments[0][0] - 1)
        if self.stated.kind == "stableswap":
            lots = min(lots, self.most_before_skew(side))
        limit = limit or (1 if side == SELL else MAX_PRICE)
        low, high = 0, self.walk(side, lots)[0] if lots > 0 else 0
        if high and self.within(side, high, limit):
            low = high
        while low < high:
            middle = (low + high + 1) // 2
            if self.within(side, middle, limit):
                low = middle
            else:
                high = middle - 1
        _, value, fee, *_ = self.walk(side, low) if low else (0, 0, 0)
        if value + (fee if side == SELL else 0) > LARGEST_RESERVE:
            return 0
        if low and self.stated.kind == "constant_product" and side == BUY:
            base, quote, *_ = self.segments[0]
            return low if self.product_fits(base - low, quote + value) else 0
        return low

    def within(self, side: int, lots: int, limit: int) -> bool:
        tick = self.fill_tick(side, lots)
        if self.stated.kind == "stableswap" and self.skewed(self.walk(side, lots)[3][0]):
            return False
        return tick >= limit if side == SELL else tick <= limit

    def execute(self, order_id: int, side: int, lots: int, account: int) -> list[Fill]:
        tick = self.fill_tick(side, lots)
        _, self.value, fee, self.segments, self.now = self.walk(side, lots)
        self.fees += fee
        sign = 1 if side == SELL else -1
        self.traded[0] += sign * lots
        self.traded[1] -= sign * self.value
        return [Fill(0, order_id, lots, tick, -1, account, 0, side, 0)]

    def forced(self, side: int, lots: int, limit: int, account: int, flags: int):
        lots = self.executable(side, lots, held(side, limit, self.hard_band))
        return lots, self.execute(0, side, lots, account) if lots else [], []

    def quote(self, side: int, lots: int) -> int | None:
        """Exact atoms for so many lots; None: the pool has not so many."""
        return None if self.executable(side, lots, 0) < lots else self.walk(side, lots)[1]

    def value_of(self, fill: Fill) -> int:
        """Exact atoms of the fill just made, signed as a contract's value."""
        return self.value

    # --- the stableswap's curve ----------------------------------------------------------------

    def scaled(self, segment: list[int]) -> tuple[int, int]:
        return segment[0] * self.stated.peg * self.unit, segment[1]

    @property
    def ann(self) -> int:
        return int(rate_of(self.stated.amplification) * A_PARTS) * 2

    def invariant(self, x: int, y: int) -> int:
        d = x + y
        for _ in range(256):
            product = d * d // (2 * x) * d // (2 * y)
            before = d
            above = self.ann * (x + y) // A_PARTS + 2 * product
            below = (self.ann - A_PARTS) * d // A_PARTS + 3 * product
            d = above * d // below
            if abs(d - before) <= 1:
                break
        return d

    def other(self, x: int, d: int) -> int:
        c = d * d // (2 * x) * d * A_PARTS // (2 * self.ann)
        b = x + d * A_PARTS // self.ann
        y = d
        for _ in range(256):
            before = y
            y = (y * y + c) // (2 * y + b - d)
            if abs(y - before) <= 1:
                break
        return y

    def stable_out(self, segment: list[int], lots: int) -> int:
        x, y = self.scaled(segment)
        after = self.other(x + lots * self.stated.peg * self.unit, self.invariant(x, y))
        return max(y - after - 1, 0)

    def stable_in(self, segment: list[int], lots: int) -> int:
        x, y = self.scaled(segment)
        after = self.other(x - lots * self.stated.peg * self.unit, self.invariant(x, y))
        return max(after - y + 1, 0)

    def slope(self, segment: list[int]) -> Fraction:
        """Atoms a lot of an infinitesimal trade, in parts of 2**20 of the peg rounded down."""
        x, y = self.scaled(segment)
        d = self.invariant(x, y)
        product = d * d // (2 * x) * d // (2 * y)
        above = (self.ann * x // A_PARTS + product) * y
        below = (self.ann * y // A_PARTS + product) * x
        if max(above, below) > LARGEST_SHIFTED:
            above, below = above // 2**20, below // 2**20
        return Fraction(above * 2**20 // below * self.stated.peg * self.unit, 2**20)

    def skewed(self, segment: list[int]) -> bool:
        x, y = self.scaled(segment)
        too_far = min(x, y) <= 0 or max(x, y) > LARGEST_SKEW * min(x, y)
        return too_far or x + y > LARGEST_INVARIANT

    def most_before_skew(self, side: int) -> int:
        x, y = self.scaled(self.segments[0])
        room = x - ceil(Fraction(y, LARGEST_SKEW)) if side == BUY else LARGEST_SKEW * y - x
        return room // (self.stated.peg * self.unit)

    # --- providers -----------------------------------------------------------------------------

    def add_liquidity(self, shares: int) -> tuple[int, int]:
        """Every reserve grows in the shares' proportion, rounded up."""
        grown = [[n + ceil(Fraction(n * shares, self.shares)) for n in s] for s in self.segments]
        return self.change(grown, shares)

    def remove_liquidity(self, shares: int) -> tuple[int, int]:
        """Every reserve shrinks, by its part rounded down."""
        less = [[n - n * shares // self.shares for n in s] for s in self.segments]
        return self.change(less, -shares)

    def change(self, segments: list[list[int]], shares: int) -> tuple[int, int]:
        moved = [
            sum(new[k] - old[k] for new, old in zip(segments, self.segments, strict=True))
            for k in (0, 1)
        ]
        self.segments = segments
        self.shares += shares
        self.given = [self.given[0] + moved[0], self.given[1] + moved[1]]
        return moved[0], moved[1]

    def after_trade(self, cause: int) -> None:
        """Providers leave when the price has fallen far enough from its highest since they last did."""
        self.peak = max(self.peak, self.last)
        if self.stated.flee is None:
            return
        fall, share = (rate_of(n) for n in self.stated.flee)
        if self.last > self.peak * (1 - fall):
            return
        shares = floor(self.shares * share)
        self.peak = self.last
        if shares:
            self.log_change(self.remove_liquidity(shares), cause, 1)
            self.peak = self.last

    def log_change(self, moved: tuple[int, int], cause: int, code: int) -> int:
        return self.clearing.log.add(
            events.LIQUIDITY,
            cause=cause,
            market=self.market,
            price=self.last,
            quantity=moved[0],
            money=moved[1],
            code=code,
        )

    # --- what a curve is asked -----------------------------------------------------------------

    def replenish(self, share: Fraction) -> None:
        """A pool has no displacement that could come back."""

    def set_reference(self, price: int) -> None:
        """Outside prices move no pool."""

    def validate(self) -> None:
        assert sum(s[0] for s in self.segments) == self.given[0] + self.traded[0]
        held = sum(s[1] for s in self.segments) + self.fees
        assert held == self.given[1] + self.traded[1]
        assert min(n for s in self.segments for n in s) >= 0

    def numbers(self) -> list[int]:
        numbers = [self.now, self.peak, self.shares, *self.given, *self.traded, self.fees]
        return numbers + [n for segment in self.segments for n in segment]

    def state(self) -> bytes:
        row = [*self.numbers(), self.next_id]
        return b"".join(n.to_bytes(8, "little", signed=True) for n in row)
