"""Grid and curve of a soft liquidation market: docs/bands-market.md, in whole numbers of any size.

Prices of bands are parts of an atom a lot, collateral is parts of a lot, and one times the other is always
`VALUE` parts of an atom, so that both are as fine as 64 bits allow.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, isqrt

RATIO = 1 << 40  # parts of a ratio of prices, of a fee
VALUE = 1 << 54  # parts of a lot times parts of a price, for an atom
WIDTH = 8  # bands either way, over the amplification
LARGEST = 1 << 54  # of a band's value times the amplification
LARGEST_LINEAR = 1 << 61


def up(a: int, b: int) -> int:
    return -(-a // b)


def clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


@dataclass
class Curve:
    """Virtual reserves f and g of one band, both in atoms at the band's upper price."""

    stable: int
    collateral: int


class Grid:
    """Prices of the bands, geometric around what a lot was worth when the market was made."""

    def __init__(self, base: int, amplification: int) -> None:
        bits = base.bit_length()
        if bits > 46:
            raise OverflowError(f"a lot is worth {base} atoms")
        self.a = amplification
        self.shift = 50 - bits
        self.parts = 1 << (bits + 4)
        self.width = WIDTH * amplification
        self.edges = {0: base << self.shift}
        for n in range(self.width):
            self.edges[n + 1] = self.edges[n] * (self.a - 1) // self.a
            self.edges[-n - 1] = self.edges[-n] * self.a // (self.a - 1)
        self.root = isqrt(self.a * RATIO * RATIO // (self.a - 1))
        self.far = RATIO
        for _ in range(50):
            self.far = self.far * self.a // (self.a - 1)

    def price(self, atoms: int) -> int:
        """Parts of a price of so many atoms a lot."""
        return min(atoms << self.shift, 1 << 62)

    def value(self, n: int, parts: int) -> int:
        """Atoms of collateral at a band's upper price, rounded down."""
        return parts * self.edges[n] // VALUE

    def ratio(self, n: int, oracle: int) -> int:
        return clamp(oracle * RATIO // self.edges[n], 1 << 28, 1 << 52)

    def curve(self, n: int, x: int, value: int, oracle: int, dear: bool) -> Curve:
        """The curve of a band of x atoms and collateral worth `value`; dear: f rounded up and g down."""
        a = self.a
        r = clamp(self.ratio(n, oracle), 1 << 36, 1 << 44)
        if a * x > LARGEST or a * value > LARGEST:
            raise OverflowError(f"band {n} holds more than fits")
        linear = (a - 1) * x * RATIO // r + (r * r // RATIO) * a * value // RATIO
        if linear > LARGEST_LINEAR:
            raise OverflowError(f"band {n} holds more than fits")
        start = (linear + isqrt(linear * linear + 4 * a * x * r // RATIO * value)) * RATIO
        start //= 2 * r
        if dear:
            f = up(up(start * r, RATIO) * r, RATIO)
            return Curve(f, start * (a - 1) // a * RATIO // r)
        return Curve(start * r // RATIO * r // RATIO, up(up(start * (a - 1), a) * RATIO, r))

    def dynamic_fee(self, n: int, oracle: int) -> int:
        """A quarter of how far the oracle is outside of the band's own prices."""
        r = clamp(self.ratio(n, oracle), 1 << 36, 1 << 44)
        low = r * r // RATIO
        if low > RATIO:
            return (low - RATIO) * RATIO // low // 4
        high = low * self.a // (self.a - 1) * self.a // (self.a - 1)
        return (RATIO - high) // 4 if high < RATIO else 0

    def beyond(self, n: int, oracle: int, buy: bool) -> bool:
        """Does a trade go no further than this band?"""
        back = self.edges[n] * RATIO // oracle
        return back < RATIO * RATIO // self.far if buy else back > self.far

    def purchase(self, n, x: int, y: int, taken: int, oracle: int, fee: int) -> int:
        """Atoms for so many parts of a band's collateral, rounded up."""
        rest = self.value(n, y - taken)
        moved = up(y * self.edges[n], VALUE) - rest
        curve = self.curve(n, x, self.value(n, y), oracle, True)
        gross = up((curve.stable + x) * moved, max(curve.collateral + rest, 1))
        return up(gross * RATIO, RATIO - max(fee, self.dynamic_fee(n, oracle)))

    def sale(self, n, x: int, y: int, left: int, oracle: int, fee: int) -> tuple[int, int, bool]:
        """Of so many parts offered: those that a band takes, atoms for them rounded down, and whether all."""
        fee = max(fee, self.dynamic_fee(n, oracle))
        value = self.value(n, y)
        curve = self.curve(n, x, value, oracle, False)
        if curve.stable == 0:
            return 0, 0, False
        needed = up(x * (curve.collateral + value), curve.stable)
        needed = up(up(needed * VALUE, self.edges[n]) * RATIO, RATIO - fee)
        if left >= needed:
            return needed, x, False
        moved = self.value(n, left * (RATIO - fee) // RATIO)
        out = (curve.stable + x) * moved // (curve.collateral + value + moved)
        return left, min(x, out), True

    def value_going_down(self, n: int, x: int, y: int, oracle: int) -> int:
        """Atoms that a band becomes when the price falls slowly from the oracle's through it."""
        a, upper, lower = self.a, self.edges[n], self.edges[n + 1]
        r, value = self.ratio(n, oracle), self.value(n, y)
        if not x and not y:
            return 0
        if not (x and y) and oracle > upper:
            if y:
                return value * RATIO // self.root
            for _ in range(3):
                x = x * RATIO // r
            return x * (a - 1) // a * RATIO // self.root
        if not (x and y) and oracle < lower:
            for _ in range(3):
                value = value * r // RATIO
            return x or value * a // (a - 1)
        curve = self.curve(n, x, value, oracle, False)
        constant = (curve.stable + x) * (curve.collateral + value)
        if oracle > upper:
            if curve.stable == 0:
                return 0
            there = max(constant // curve.stable - curve.collateral, 0)
            return there * RATIO // self.root
        if oracle < lower:
            return max(constant // max(curve.collateral, 1) - curve.stable, 0)
        # to the oracle inside of the band, then slowly to its lower edge; f is A y0 r ** 2
        whole = curve.stable * RATIO // r * RATIO // r
        there = whole * (oracle - lower) // oracle
        stable = max(constant // max(curve.collateral + there, 1) - curve.stable, 0)
        return stable + there * isqrt(r * (a - 1) * RATIO // a) // RATIO

    def effective(self, parts: int, bands: int, discount: int) -> int:
        """Collateral in `bands` bands by what it becomes, as collateral at the first band's upper price."""
        part = parts * (10**9 - discount) // 10**9 * RATIO // (self.root * bands)
        total = 0
        for _ in range(bands):
            total += part
            part = part * (self.a - 1) // self.a
        return total


def debt_of(scaled: int, index: int) -> int:
    return ceil(Fraction(scaled * index, 10**18))
