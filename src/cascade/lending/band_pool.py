"""Market of crvUSD's bands (LLAMMA): deposits turn into stablecoin as the oracle falls, and back as it rises.

Amounts have 18 decimals; tokens with fewer are not modelled. Rounding and the order of operations are
those of curvefi/curve-stablecoin curve_stablecoin/AMM.vy; band prices use exact exponentials rounded down,
where the contract's may be off by one in the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from cascade.errors import ConservationError
from cascade.lending.band_curve import (
    LARGEST_BANDS,
    LARGEST_SKIP,
    BandCurve,
    band_curve,
    band_price,
    dynamic_fee,
    initial_collateral,
    largest_deviation,
    limited_oracle,
    sqrt_band_ratio,
)
from cascade.lending.soft_liquidation import DEAD_SHARES
from cascade.lending.wad import WAD, RefusalError, amount


@dataclass(frozen=True)
class BandDeposit:
    """Shares of an owner in the bands from `first` on."""

    first: int
    shares: tuple[int, ...]

    @property
    def last(self) -> int:
        """The last band."""
        return self.first + len(self.shares) - 1


@dataclass(frozen=True)
class Trade:
    """What went into a pool and out of it.

    Parameters
    ----------
    paid_wad, received_wad : int
        By the trader: stablecoin and collateral, or the other way round.
    is_buy : bool
        The trader bought collateral.
    """

    paid_wad: int
    received_wad: int
    is_buy: bool


@dataclass
class _Walk:
    """A trade as it is worked out, band by band."""

    band: int
    left: int
    paid: int = 0
    received: int = 0
    last_out: int = 0
    first: int | None = None


class BandPool:
    """Bands of one market, the deposits in them, an oracle and a clock.

    Parameters
    ----------
    price_wad : int
        What the oracle says.
    amplification : int, default 100
        A: a band is one part in A wide.
    base_price_wad : int, optional
        Price of band 0; default `price_wad`.
    fee_wad : int, default 0.6 %
        Fee of trades, less than one wad.

    Attributes
    ----------
    stable, collateral : dict of int to int
        What bands hold, a wad.
    deposits : dict of str to BandDeposit
    active_band : int
        The one that trades: bands above it hold stablecoin, those below it collateral.
    now_seconds : int
    stable_in_wad, stable_out_wad, collateral_in_wad, collateral_out_wad : int
        What came in and went out, by anybody.
    stable_dust_wad, collateral_dust_wad : int
        What the last owner of a band left to rounding.

    Examples
    --------
    The price falls through the bands and the deposit becomes stablecoin:

    >>> pool = BandPool(3000 * WAD)
    >>> pool.deposit("ada", WAD, 5, 9)
    >>> for price in range(3000, 2600, -10):
    ...     pool.advance(3600)
    ...     pool.set_price(price * WAD)
    ...     _ = pool.arbitrage(price * WAD)
    >>> stable, collateral = pool.holding("ada")
    >>> stable // WAD, collateral < 10
    (2759, True)
    """

    amplification: int
    price_wad: int
    base_price_wad: int
    fee_wad: int
    active_band: int
    lowest_band: int
    highest_band: int
    now_seconds: int
    stable_in_wad: int
    stable_out_wad: int
    stable_dust_wad: int
    collateral_in_wad: int
    collateral_out_wad: int
    collateral_dust_wad: int

    def __init__(
        self,
        price_wad: int,
        *,
        amplification: int = 100,
        base_price_wad: int | None = None,
        fee_wad: int = 6 * 10**15,
    ) -> None:
        self.amplification = amount(amplification, "amplification", 2, 10_000)
        self.price_wad = amount(price_wad, "price_wad", 1)
        base = price_wad if base_price_wad is None else base_price_wad
        self.base_price_wad = amount(base, "base_price_wad", 1)
        self.fee_wad = amount(fee_wad, "fee_wad", 0, WAD - 1)
        self.stable: dict[int, int] = {}
        self.collateral: dict[int, int] = {}
        self.deposits: dict[str, BandDeposit] = {}
        self.active_band = self.lowest_band = self.highest_band = 0
        self.now_seconds = 0
        self.stable_in_wad = self.stable_out_wad = self.stable_dust_wad = 0
        self.collateral_in_wad = self.collateral_out_wad = self.collateral_dust_wad = 0
        self._shares: dict[int, int] = {}
        self._last_price = self.price_wad
        self._last_fee = self._last_time = 0

    # ------------------------------------------------------------ oracle and prices

    def set_price(self, price_wad: int) -> None:
        """Let the oracle say another price."""
        self.price_wad = amount(price_wad, "price_wad", 1)

    def advance(self, seconds: int) -> None:
        """Let time pass."""
        self.now_seconds += amount(seconds, "seconds")

    @property
    def oracle(self) -> tuple[int, int]:
        """Oracle price after the limit on its step, and the fee of the step; see `limited_oracle`."""
        elapsed = self.now_seconds - self._last_time
        return limited_oracle(self.price_wad, self._last_price, self._last_fee, elapsed)

    def band_price(self, number: int) -> int:
        """Upper oracle price of a band."""
        return band_price(number, self.base_price_wad, self.amplification)

    def _curve(self, number: int, oracle: int, upper: int) -> BandCurve:
        return band_curve(
            self.stable.get(number, 0), self.collateral.get(number, 0), oracle, upper,
            self.amplification,
        )  # fmt: skip

    @property
    def price(self) -> int:
        """Price in the active band; of an empty one its middle."""
        oracle, upper = self.oracle[0], self.band_price(self.active_band)
        x = self.stable.get(self.active_band, 0)
        y = self.collateral.get(self.active_band, 0)
        a = self.amplification
        if x and y:
            return self._curve(self.active_band, oracle, upper).price_wad
        if y == 0 and x:
            lower = upper * (a - 1) // a
            return oracle**2 // lower * oracle // lower
        down = oracle**2 // upper * oracle // upper
        return down if y else down * a // (a - 1)

    @property
    def highest_free_band(self) -> int:
        """The highest band from which down to the active one none holds stablecoin.

        Deposits go from there on; at most 1,024 bands are skipped.
        """
        number = self.active_band
        for _ in range(LARGEST_SKIP):
            if number < self.lowest_band:
                return self.active_band - LARGEST_SKIP + 1
            if self.stable.get(number, 0):
                break
            number -= 1
        return number + 1

    # ------------------------------------------------------------ deposits

    def deposit(self, name: str, amount_wad: int, first: int, last: int) -> None:
        """Spread collateral evenly over bands `first` ... `last`; the first takes the remainder.

        Raises
        ------
        ValueError
            The name has a deposit, or there are no or more than 50 bands.
        RefusalError
            ``"amount-too-low"``: 100 or less a band; ``"below-current-band"``: bands at or above `first` hold
            stablecoin.
        """
        if name in self.deposits:
            raise ValueError(f"name {name!r} has a deposit")
        low = amount(first, "first", -(2**127) + 1, 2**127 - 1)
        bands = amount(last - low + 1, "bands", 1, LARGEST_BANDS)
        total = amount(amount_wad, "amount_wad")
        each = total // bands
        if each <= 100:
            raise RefusalError("amount-too-low", f"amount_wad {total} is 100 or less a band")
        active = self._free_active_band(first)
        parts = [total - each * (bands - 1), *[each] * (bands - 1)]
        shares = []
        for number, part in enumerate(parts, first):
            if self.stable.get(number, 0):
                raise RefusalError("band-not-empty", f"band {number} holds stablecoin")
            there = self.collateral.get(number, 0)
            shares.append((self._shares.get(number, 0) + DEAD_SHARES) * part // (there + 1))
            if shares[-1] == 0:
                raise RefusalError("amount-too-low", f"{part} earns no share of band {number}")
        self.active_band = active
        for number, part, share in zip(range(first, last + 1), parts, shares, strict=True):
            self._shares[number] = self._shares.get(number, 0) + share
            self.collateral[number] = self.collateral.get(number, 0) + part
        self.deposits[name] = BandDeposit(first, tuple(shares))
        self.lowest_band = min(self.lowest_band, first)
        self.highest_band = max(self.highest_band, last)
        self.collateral_in_wad += total

    def _free_active_band(self, first: int) -> int:
        active = self.active_band
        for step in range(LARGEST_SKIP + 1):
            if first > active:
                return active if step else self.active_band
            if self.stable.get(active, 0):
                break
            active -= 1
        raise RefusalError("below-current-band", f"first {first} must be above band {active}")

    def _own(self, name: str) -> BandDeposit:
        if name not in self.deposits:
            raise ValueError(f"name {name!r} has no deposit")
        return self.deposits[name]

    def _parts(self, number: int, share: int) -> tuple[int, int]:
        total = self._shares.get(number, 0) + DEAD_SHARES
        return (
            (self.stable.get(number, 0) + 1) * share // total,
            (self.collateral.get(number, 0) + 1) * share // total,
        )

    def holding(self, name: str) -> tuple[int, int]:
        """Stablecoin and collateral of a deposit now, rounded down by band."""
        own = self._own(name)
        parts = [self._parts(number, share) for number, share in enumerate(own.shares, own.first)]
        return sum(x for x, _ in parts), sum(y for _, y in parts)

    def withdraw(self, name: str, fraction_wad: int = WAD) -> tuple[int, int]:
        """Take a share of a deposit out.

        Returns
        -------
        stable_wad, collateral_wad : int

        Raises
        ------
        ValueError
            There is no such deposit, or the fraction is not 0 ... one wad.
        """
        own = self._own(name)
        fraction = amount(fraction_wad, "fraction_wad", 0, WAD)
        stable = collateral = 0
        kept = []
        highest = own.first - 1
        for number, share in enumerate(own.shares, own.first):
            taken = fraction * share // WAD
            x, y = self._parts(number, taken)
            kept.append(share - taken)
            self._shares[number] -= taken
            self._set_band(number, self.stable.get(number, 0) - x, self.collateral[number] - y)
            if self._shares[number] == 0:
                self.stable_dust_wad += self.stable.get(number, 0)
                self.collateral_dust_wad += self.collateral.get(number, 0)
                self._set_band(number, 0, 0)
            if self.stable[number] or self.collateral[number]:
                highest = number
            elif number == self.lowest_band:
                self.lowest_band += 1
            stable += x
            collateral += y
        if self.highest_band <= own.last:
            self.highest_band = highest
        if fraction == WAD:
            del self.deposits[name]
        else:
            self.deposits[name] = BandDeposit(own.first, tuple(kept))
        self.stable_out_wad += stable
        self.collateral_out_wad += collateral
        return stable, collateral

    def _set_band(self, number: int, stable: int, collateral: int) -> None:
        self.stable[number] = stable
        self.collateral[number] = collateral

    # ------------------------------------------------------------ trading

    def exchange(self, is_buy: bool, amount_wad: int, *, exact_output: bool = False) -> Trade:
        """Trade with the bands.

        Parameters
        ----------
        is_buy : bool
            Pay stablecoin for collateral, which moves the price up; else the other way round.
        amount_wad : int
            The most that is paid; with `exact_output` what is received.
        exact_output : bool, default False

        Returns
        -------
        Trade
            Less than asked for where the bands end; nothing at all when either side rounds to 0.
        """
        wanted = amount(amount_wad, "amount_wad")
        oracle = self.oracle
        changes: list[tuple[int, int]] = []
        walk = _Walk(self.active_band, wanted)
        if wanted:
            self._walk(walk, changes, is_buy, oracle, exact_output)
        self._last_price, self._last_fee = oracle
        self._last_time = self.now_seconds
        if walk.paid == 0 or walk.received == 0:
            return Trade(0, 0, is_buy)
        for number, into in changes:
            out = walk.last_out if number == walk.band else 0
            self._set_band(number, *((into, out) if is_buy else (out, into)))
        self.active_band = walk.band
        if is_buy:
            self.stable_in_wad += walk.paid
            self.collateral_out_wad += walk.received
        else:
            self.collateral_in_wad += walk.paid
            self.stable_out_wad += walk.received
        return Trade(walk.paid, walk.received, is_buy)

    def _walk(
        self,
        walk: _Walk,
        changes: list[tuple[int, int]],
        is_buy: bool,
        oracle: tuple[int, int],
        exact_output: bool,
    ) -> None:
        upper = self.band_price(walk.band)
        a, far = self.amplification, largest_deviation(self.amplification)
        x, y = self.stable.get(walk.band, 0), self.collateral.get(walk.band, 0)
        for _ in range(LARGEST_BANDS + LARGEST_SKIP):
            into, out = (x, y) if is_buy else (y, x)
            if x or y or changes:
                changes.append((walk.band, into))
            if out and self._trade_in_band(walk, changes, is_buy, oracle, upper, exact_output):
                return
            ratio = upper * WAD // oracle[0]
            beyond = ratio < 10**36 // far if is_buy else ratio > far
            end = self.highest_band if is_buy else self.lowest_band
            if walk.band == end or len(changes) == LARGEST_BANDS or beyond:
                return
            walk.band += 1 if is_buy else -1
            upper = upper * (a - 1) // a if is_buy else upper * a // (a - 1)
            x = 0 if is_buy else self.stable.get(walk.band, 0)
            y = self.collateral.get(walk.band, 0) if is_buy else 0

    def _trade_in_band(
        self,
        walk: _Walk,
        changes: list[tuple[int, int]],
        is_buy: bool,
        oracle: tuple[int, int],
        upper: int,
        exact_output: bool,
    ) -> bool:
        """One band's part of a trade; whether the trade ends in it."""
        curve = self._curve(walk.band, oracle[0], upper)
        sides = (
            (curve.virtual_stable, curve.stable_wad),
            (curve.virtual_collateral, curve.collateral_wad),
        )
        (curve_in, into), (curve_out, out) = sides if is_buy else sides[::-1]
        if curve_out == 0:
            return False
        scale = self._fee_scale(oracle, upper)
        if exact_output and out >= walk.left:
            walk.last_out = out - walk.left
            needed = curve.constant // (curve_out + walk.last_out) - curve_in - into
            paid, received = needed * scale // WAD, walk.left
            changes[-1] = (walk.band, into + paid)
            walk.paid += paid
            walk.received += received
            return True
        paid = (curve.constant // curve_out - curve_in - into) * scale // WAD
        if not exact_output and paid >= walk.left:
            traded = walk.left * WAD // scale
            rest = curve.constant // (curve_in + into + traded) - curve_out + 1
            walk.last_out = min(rest, out)
            changes[-1] = (walk.band, into + walk.left)
            walk.paid += walk.left
            walk.received += out - walk.last_out
            return True
        # at least one, so that nothing is left in the band for nothing
        paid = max(paid, 1)
        walk.left -= out if exact_output else paid
        changes[-1] = (walk.band, into + paid)
        walk.paid += paid
        walk.received += out
        return False

    def _fee_scale(self, oracle: tuple[int, int], upper: int) -> int:
        fee = max(self.fee_wad, oracle[1], dynamic_fee(oracle[0], upper, self.amplification))
        return WAD**2 // (WAD - min(fee, WAD - 1))

    def amount_for_price(self, target_wad: int) -> tuple[int, bool]:
        """What is paid to move the pool to a price, and whether that buys collateral.

        The fee stays in the bands, so that trading it ends a little beyond the price.
        """
        target = amount(target_wad, "target_wad", 1)
        is_buy = target >= self.price
        oracle, a = self.oracle, self.amplification
        number, far = self.active_band, largest_deviation(self.amplification)
        upper = self.band_price(number)
        down = oracle[0] ** 2 // upper * oracle[0] // upper
        up = down * a**2 // (a - 1) ** 2
        total = seen = 0
        for _ in range(LARGEST_BANDS + LARGEST_SKIP):
            inside = down <= target <= up
            if self.stable.get(number, 0) or self.collateral.get(number, 0):
                total += self._to_price(number, oracle, upper, is_buy, target if inside else None)
                seen = max(seen, 1)
            ratio = upper * WAD // oracle[0]
            beyond = ratio < 10**36 // far if is_buy else ratio > far
            end = self.highest_band if is_buy else self.lowest_band
            if inside or number == end or seen == LARGEST_BANDS or beyond:
                break
            number += 1 if is_buy else -1
            if is_buy:
                down, up = up, up * a**2 // (a - 1) ** 2
                upper = upper * (a - 1) // a
            else:
                down, up = down * (a - 1) ** 2 // a**2, down
                upper = upper * a // (a - 1)
            seen += 1 if seen else 0
        return total, is_buy

    def _to_price(
        self, number: int, oracle: tuple[int, int], upper: int, is_buy: bool, target: int | None
    ) -> int:
        curve = self._curve(number, oracle[0], upper)
        scale = self._fee_scale(oracle, upper)
        f, g = curve.virtual_stable, curve.virtual_collateral
        if target is None:
            new_stable = curve.constant // g - f if is_buy else 0
            new_collateral = 0 if is_buy else curve.constant // f - g
        else:
            new_collateral = max(isqrt(curve.constant * WAD // target) - g, 0)
            new_stable = max(curve.constant // (g + new_collateral) - f, 0)
        if is_buy:
            return max(new_stable - curve.stable_wad, 0) * scale // WAD
        return max(new_collateral - curve.collateral_wad, 0) * scale // WAD

    def arbitrage(self, price_wad: int) -> Trade:
        """Trade until the pool's price after fees is the market's, as an arbitrageur does.

        The fee makes a trade worth while only when the pool is further than that from `price_wad`: the
        target is the market's price times one less the fee, or over it, and nothing is traded in
        between.

        Parameters
        ----------
        price_wad : int
            Of collateral on the market, with any depth.
        """
        market = amount(price_wad, "price_wad", 1)
        fee = max(self.fee_wad, self.oracle[1])
        low, high = market * (WAD - fee) // WAD, market * WAD // (WAD - fee)
        now = self.price
        if low <= now <= high:
            return Trade(0, 0, now < market)
        wanted, is_buy = self.amount_for_price(low if now < low else high)
        return self.exchange(is_buy, wanted)

    # ------------------------------------------------------------ value of a deposit

    def stable_going_down(self, name: str) -> int:
        """Stablecoin that a deposit becomes if the price falls slowly through its bands, without fees."""
        return self._slowly(name, up=False)

    def collateral_going_up(self, name: str) -> int:
        """Collateral that a deposit becomes if the price rises slowly through its bands, without fees."""
        return self._slowly(name, up=True)

    def _slowly(self, name: str, *, up: bool) -> int:
        own, oracle, a = self._own(name), self.oracle[0], self.amplification
        lower = self.band_price(own.first)
        total = 0
        for number, share in enumerate(own.shares, own.first):
            upper, lower = lower, lower * (a - 1) // a
            x = self.stable.get(number, 0) if number <= self.active_band else 0
            y = self.collateral.get(number, 0) if number >= self.active_band else 0
            if share and (x or y):
                value = _band_value(x, y, oracle, upper, lower, a, up=up)
                total += value * share // (self._shares[number] + DEAD_SHARES)
        return total

    # ------------------------------------------------------------ conservation

    def check(self) -> None:
        """What bands hold is what came in less what went out and the dust.

        Raises
        ------
        ConservationError
            It is not.
        """
        for word, held, expected in (
            ("stablecoin", sum(self.stable.values()),
             self.stable_in_wad - self.stable_out_wad - self.stable_dust_wad),
            ("collateral", sum(self.collateral.values()),
             self.collateral_in_wad - self.collateral_out_wad - self.collateral_dust_wad),
        ):  # fmt: skip
            if held != expected:
                raise ConservationError(f"{word} {held} in bands is not {expected}")


def _band_value(
    x: int, y: int, oracle: int, upper: int, lower: int, amplification: int, *, up: bool
) -> int:
    """What one band becomes when the price moves slowly, up to collateral or down to stablecoin."""
    root = sqrt_band_ratio(amplification)
    middle = oracle**2 // lower * oracle // upper
    if (x == 0 or y == 0) and oracle > upper:
        there = y if y else x * WAD // middle
        return there if up else there * upper // root
    if (x == 0 or y == 0) and oracle < lower:
        there = x if x else y * middle // WAD
        return there * root // upper if up else there
    start = band_curve(x, y, oracle, upper, amplification)
    f, g, constant = start.virtual_stable, start.virtual_collateral, start.constant
    if oracle > upper:
        there = max(constant // f - g, 0)
        return there if up else there * upper // root
    if oracle < lower:
        there = max(constant // g - f, 0)
        return there * root // upper if up else there
    # to the oracle inside of the band, then slowly to its edge
    y0 = initial_collateral(x, y, oracle, upper, amplification)
    y_there = amplification * y0 * (oracle - lower) // oracle
    x_there = max(constant // (g + y_there) - f, 0)
    if up:
        return y_there + x_there * WAD // isqrt(upper * oracle)
    return x_there + y_there * isqrt(lower * oracle) // WAD
