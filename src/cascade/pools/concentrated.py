"""Concentrated liquidity: positions over ranges of ticks, swaps that cross them (Uniswap v3).

Amounts, prices, fees and their growth per liquidity are those of the contract to the unit, which needs the
contract's stops: a swap also halts at the edges of words of 256 tick spacings, where each step rounds once more.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from cascade.exact_numbers import whole
from cascade.pools.sqrt_price import (
    FEE_UNIT,
    amount0_between,
    amount1_between,
    swap_step,
)
from cascade.pools.ticks import (
    MAX_SQRT_PRICE,
    MAX_TICK,
    MIN_SQRT_PRICE,
    MIN_TICK,
    price_of_sqrt,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)
from cascade.pools.venue import Pool, Swap, amount_of, side_of

GROWTH_BITS = 128
GROWTH_MODULUS = 2**256
WORD = 256
LARGEST_LIQUIDITY = 2**128 - 1

Growth = tuple[int, int]


class PoolSwap(NamedTuple):
    """What a swap changed.

    Attributes
    ----------
    amount0, amount1 : int
        Changes of the pool's balances, units: above 0 paid in, below 0 paid out.
    fee : int
        Units of the token paid in.
    sqrt_price, tick, liquidity : int
        The pool's afterwards.
    """

    amount0: int
    amount1: int
    fee: int
    sqrt_price: int
    tick: int
    liquidity: int


@dataclass
class TickInfo:
    """What a tick with liquidity knows.

    Attributes
    ----------
    gross : int
        Liquidity of the positions that end here.
    net : int
        Liquidity that comes in when the price rises through the tick.
    fees_outside : tuple of int
        Growth of fees on the other side, tokens 0 and 1, in parts of 2**128.
    """

    gross: int = 0
    net: int = 0
    fees_outside: Growth = (0, 0)


@dataclass
class PositionInfo:
    """Liquidity over a range of ticks.

    Attributes
    ----------
    liquidity : int
    fees_inside : tuple of int
        Growth of fees within the range when they were counted last, in parts of 2**128.
    owed : tuple of int
        Units of tokens 0 and 1 to be collected.
    """

    liquidity: int = 0
    fees_inside: Growth = (0, 0)
    owed: tuple[int, int] = (0, 0)


@dataclass
class _Progress:
    # a swap under way; nothing of the pool changes before it is complete
    remaining: int
    calculated: int
    sqrt_price: int
    tick: int
    liquidity: int
    growth: list[int]
    fee: int
    crossed: dict[int, Growth]


class ConcentratedPool(Pool):
    """A pool of positions over tick ranges; token0 is the base, token1 the quote.

    Parameters
    ----------
    sqrt_price : int
        Square-root price in parts of 2**96, see `sqrt_price_of`.
    fee_pips : int
        Fee of the amount paid in, in millionths.
    tick_spacing : int
        Positions end at multiples of it.

    Attributes
    ----------
    sqrt_price, tick, liquidity : int
        Now; the liquidity is that of the ranges the price is in.
    fee_growth : tuple of int
        Fees per liquidity, tokens 0 and 1, in parts of 2**128.
    balances : list of int
        Units that the pool holds of tokens 0 and 1.
    ticks : dict of int to TickInfo
    positions : dict of (owner, lower, upper) to PositionInfo

    Raises
    ------
    TypeError, ValueError
        A number is no integer or out of range.

    Examples
    --------
    >>> pool = ConcentratedPool(sqrt_price_at_tick(0), fee_pips=3000, tick_spacing=60)
    >>> pool.add_liquidity(-887220, 887220, 2 * 10**18)
    (2000000000000000000, 2000000000000000000)
    >>> pool.swap(10**3, zero_for_one=True)[:2]
    (1000, -996)
    """

    def __init__(self, sqrt_price: int, *, fee_pips: int, tick_spacing: int) -> None:
        self.tick: int = tick_at_sqrt_price(sqrt_price)
        self.sqrt_price: int = sqrt_price
        self.fee_pips: int = amount_of(fee_pips, "fee_pips")
        if self.fee_pips >= FEE_UNIT:
            raise ValueError(f"fee_pips {fee_pips!r} is outside 0 ... {FEE_UNIT - 1}")
        self.tick_spacing: int = amount_of(tick_spacing, "tick_spacing", 1)
        if self.tick_spacing > MAX_TICK:
            raise ValueError(f"tick_spacing {tick_spacing!r} is outside 1 ... {MAX_TICK}")
        self.liquidity: int = 0
        self.fee_growth: Growth = (0, 0)
        self.balances: list[int] = [0, 0]
        self.ticks: dict[int, TickInfo] = {}
        self.positions: dict[tuple[object, int, int], PositionInfo] = {}
        self._ordered: list[int] = []  # ticks with liquidity, over the spacing

    def __repr__(self) -> str:
        return f"<ConcentratedPool: tick {self.tick}, liquidity {self.liquidity}>"

    @property
    def price(self) -> Fraction:
        """Token1 units per token0 unit, without fee."""
        return price_of_sqrt(self.sqrt_price)

    @property
    def fee(self) -> Fraction:
        """Share of the amount paid in."""
        return Fraction(self.fee_pips, FEE_UNIT)

    def marginal_price(self, side: Literal["buy", "sell"]) -> Fraction:
        """Quote that the next unit of base brings (a sale, less the fee) or costs (with the fee)."""
        kept = 1 - self.fee
        return self.price * kept if side_of(side) == "sell" else self.price / kept

    # --- swaps ---------------------------------------------------------------------------------

    def swap(
        self, amount: int, *, zero_for_one: bool, sqrt_price_limit: int | None = None
    ) -> PoolSwap:
        """Swap until the amount is used up or the price reaches its limit.

        Parameters
        ----------
        amount : int
            Units paid in with the fee, or minus the units wanted; not 0.
        zero_for_one : bool
            Token0 is paid in, and the price falls.
        sqrt_price_limit : int, optional
            Square-root price that the swap stops at; default the last there is.

        Returns
        -------
        PoolSwap

        Raises
        ------
        TypeError, ValueError
            The amount is 0 or the limit is on the wrong side of the price; the pool stays as it was.

        Notes
        -----
        Uniswap v3, ``UniswapV3Pool.swap`` without a protocol fee.
        """
        limit = self._limit(zero_for_one, sqrt_price_limit)
        if whole(amount, "amount") == 0:
            raise ValueError("amount must not be 0")
        state = _Progress(
            amount, 0, self.sqrt_price, self.tick, self.liquidity, list(self.fee_growth), 0, {}
        )
        while state.remaining and state.sqrt_price != limit:
            self._advance(state, amount > 0, zero_for_one, limit)
        return self._settle(state, amount, zero_for_one)

    def _limit(self, zero_for_one: bool, limit: int | None) -> int:
        if limit is None:
            limit = MIN_SQRT_PRICE + 1 if zero_for_one else MAX_SQRT_PRICE - 1
        low, high = (
            (MIN_SQRT_PRICE + 1, self.sqrt_price - 1)
            if zero_for_one
            else (self.sqrt_price + 1, MAX_SQRT_PRICE - 1)
        )
        if not low <= whole(limit, "sqrt_price_limit") <= high:
            raise ValueError(f"sqrt_price_limit {limit!r} is outside {low} ... {high}")
        return limit

    def _next_stop(self, tick: int, zero_for_one: bool) -> tuple[int, bool]:
        # the next tick with liquidity within the word of 256 spacings, else the word's edge
        place = tick // self.tick_spacing
        if zero_for_one:
            edge = place - place % WORD
            at = bisect_right(self._ordered, place) - 1
            found = at >= 0 and self._ordered[at] >= edge
        else:
            place += 1
            edge = place - place % WORD + WORD - 1
            at = bisect_left(self._ordered, place)
            found = at < len(self._ordered) and self._ordered[at] <= edge
        stop = (self._ordered[at] if found else edge) * self.tick_spacing
        return min(max(stop, MIN_TICK), MAX_TICK), found

    def _advance(self, state: _Progress, exact_in: bool, zero_for_one: bool, limit: int) -> None:
        stop, crosses = self._next_stop(state.tick, zero_for_one)
        stop_price = sqrt_price_at_tick(stop)
        target = max(stop_price, limit) if zero_for_one else min(stop_price, limit)
        start = state.sqrt_price
        step = swap_step(start, target, state.liquidity, state.remaining, self.fee_pips)
        state.sqrt_price = step.sqrt_price
        if exact_in:
            state.remaining -= step.amount_in + step.fee
            state.calculated -= step.amount_out
        else:
            state.remaining += step.amount_out
            state.calculated += step.amount_in + step.fee
        state.fee += step.fee
        if state.liquidity:
            token = 0 if zero_for_one else 1
            grown = state.growth[token] + (step.fee << GROWTH_BITS) // state.liquidity
            state.growth[token] = grown % GROWTH_MODULUS
        if state.sqrt_price == stop_price:
            if crosses:
                self._cross(state, stop, zero_for_one)
            state.tick = stop - 1 if zero_for_one else stop
        elif state.sqrt_price != start:
            state.tick = tick_at_sqrt_price(state.sqrt_price)

    def _cross(self, state: _Progress, stop: int, zero_for_one: bool) -> None:
        info = self.ticks[stop]
        state.crossed[stop] = _minus((state.growth[0], state.growth[1]), info.fees_outside)
        state.liquidity += -info.net if zero_for_one else info.net

    def _settle(self, state: _Progress, amount: int, zero_for_one: bool) -> PoolSwap:
        used = amount - state.remaining
        amounts = (used, state.calculated)
        if zero_for_one != (amount > 0):
            amounts = (state.calculated, used)
        self.sqrt_price, self.tick = state.sqrt_price, state.tick
        self.liquidity = state.liquidity
        self.fee_growth = (state.growth[0], state.growth[1])
        for tick, outside in state.crossed.items():
            self.ticks[tick].fees_outside = outside
        self.balances = [held + moved for held, moved in zip(self.balances, amounts, strict=True)]
        return PoolSwap(*amounts, state.fee, self.sqrt_price, self.tick, self.liquidity)

    def trade(self, side: Literal["buy", "sell"], size: int) -> Swap:
        """Sell or buy exactly `size` units of token0; see `Pool.trade`."""
        sells = side_of(side) == "sell"
        size = amount_of(size, "size", 1)
        trial = self.copy()
        done = trial.swap(size if sells else -size, zero_for_one=sells)
        if abs(done.amount0) != size:
            raise ValueError(f"size {size} is more than the {abs(done.amount0)} the pool can fill")
        self.__dict__ = trial.__dict__
        paid, out = (size, -done.amount1) if sells else (done.amount1, size)
        return Swap(paid, out, done.fee, self.price)

    # --- positions -----------------------------------------------------------------------------

    def add_liquidity(
        self, lower: int, upper: int, liquidity: int, owner: object = None
    ) -> tuple[int, int]:
        """Pay for liquidity between two ticks.

        Parameters
        ----------
        lower, upper : int
            Multiples of the tick spacing, `lower` below `upper`.
        liquidity : int
            At least 1.
        owner : hashable, optional
            Whose position.

        Returns
        -------
        amount0, amount1 : int
            Units paid in, rounded up.

        Raises
        ------
        TypeError, ValueError
            A number is no integer or out of range; the pool stays as it was.

        Notes
        -----
        Uniswap v3, ``UniswapV3Pool.mint``.
        """
        amount_of(liquidity, "liquidity", 1)
        self._check_range(lower, upper)
        ends = (self.ticks.get(lower, TickInfo()), self.ticks.get(upper, TickInfo()))
        if max(end.gross for end in ends) + liquidity > LARGEST_LIQUIDITY:
            raise ValueError(f"liquidity {liquidity!r} goes beyond {LARGEST_LIQUIDITY} at a tick")
        return self._change(owner, lower, upper, liquidity)

    def remove_liquidity(
        self, lower: int, upper: int, liquidity: int, owner: object = None
    ) -> tuple[int, int]:
        """Take liquidity back; its tokens, rounded down, and fees so far wait for `collect`.

        Parameters
        ----------
        lower, upper : int
            Ticks of the position.
        liquidity : int
            0 (only counts fees) ... the position's.
        owner : hashable, optional
            Whose position.

        Returns
        -------
        amount0, amount1 : int
            Units that the liquidity was, without fees.

        Raises
        ------
        TypeError, ValueError
            There is no such position or it has less; the pool stays as it was.

        Notes
        -----
        Uniswap v3, ``UniswapV3Pool.burn``.
        """
        self._check_range(lower, upper)
        position = self._position(owner, lower, upper)
        if amount_of(liquidity, "liquidity") > position.liquidity:
            raise ValueError(f"liquidity {liquidity!r} is outside 0 ... {position.liquidity}")
        amount0, amount1 = self._change(owner, lower, upper, -liquidity)
        position.owed = position.owed[0] - amount0, position.owed[1] - amount1
        return -amount0, -amount1

    def collect(self, lower: int, upper: int, owner: object = None) -> tuple[int, int]:
        """Pay out what a position is owed: withdrawn tokens, and fees as counted last.

        Parameters
        ----------
        lower, upper : int
            Ticks of the position.
        owner : hashable, optional
            Whose position.

        Returns
        -------
        amount0, amount1 : int
            Units paid out.

        Raises
        ------
        ValueError
            There is no such position.

        Notes
        -----
        Uniswap v3, ``UniswapV3Pool.collect``.
        """
        position = self._position(owner, lower, upper)
        paid, position.owed = position.owed, (0, 0)
        self.balances = [held - out for held, out in zip(self.balances, paid, strict=True)]
        if not position.liquidity:
            del self.positions[owner, lower, upper]
        return paid

    def _position(self, owner: object, lower: int, upper: int) -> PositionInfo:
        position = self.positions.get((owner, lower, upper))
        if position is None:
            raise ValueError(f"{owner!r} has no position {lower} ... {upper}")
        return position

    def _check_range(self, lower: int, upper: int) -> None:
        for name, tick in (("lower", lower), ("upper", upper)):
            if not MIN_TICK <= whole(tick, name) <= MAX_TICK or tick % self.tick_spacing:
                raise ValueError(
                    f"{name} {tick!r} is no multiple of {self.tick_spacing} in {MIN_TICK} ... {MAX_TICK}"
                )
        if lower >= upper:
            raise ValueError(f"lower {lower} is not below upper {upper}")

    def _change(self, owner: object, lower: int, upper: int, change: int) -> tuple[int, int]:
        # the order of the contract: ticks, fees, liquidity, amounts
        position = self.positions.setdefault((owner, lower, upper), PositionInfo())
        if change:
            self._change_tick(lower, change, change)
            self._change_tick(upper, change, -change)
        inside = self._fees_inside(lower, upper)
        grown = _minus(inside, position.fees_inside)
        position.owed = (
            position.owed[0] + (grown[0] * position.liquidity >> GROWTH_BITS),
            position.owed[1] + (grown[1] * position.liquidity >> GROWTH_BITS),
        )
        position.fees_inside = inside
        position.liquidity += change
        for tick in (lower, upper):
            info = self.ticks.get(tick)
            if info is not None and not info.gross:
                del self.ticks[tick]
                self._ordered.remove(tick // self.tick_spacing)
        amounts = self._amounts(lower, upper, change)
        if lower <= self.tick < upper:
            self.liquidity += change
        if change > 0:
            self.balances = [held + paid for held, paid in zip(self.balances, amounts, strict=True)]
        return amounts

    def _change_tick(self, tick: int, change: int, net: int) -> None:
        info = self.ticks.get(tick)
        if info is None:
            # fees before a tick has liquidity count as having grown below it
            info = TickInfo(fees_outside=self.fee_growth if tick <= self.tick else (0, 0))
            self.ticks[tick] = info
            insort(self._ordered, tick // self.tick_spacing)
        info.gross += change
        info.net += net

    def _fees_inside(self, lower: int, upper: int) -> Growth:
        outside = [self.ticks.get(tick, TickInfo()).fees_outside for tick in (lower, upper)]
        below = outside[0] if self.tick >= lower else _minus(self.fee_growth, outside[0])
        above = outside[1] if self.tick < upper else _minus(self.fee_growth, outside[1])
        return _minus(_minus(self.fee_growth, below), above)

    def _amounts(self, lower: int, upper: int, change: int) -> tuple[int, int]:
        low, high = sqrt_price_at_tick(lower), sqrt_price_at_tick(upper)
        price = min(max(self.sqrt_price, low), high)
        if self.tick < lower:
            price = low
        up, sign = change > 0, 1 if change > 0 else -1
        return (
            sign * amount0_between(price, high, abs(change), round_up=up),
            sign * amount1_between(low, price, abs(change), round_up=up),
        )


def _minus(growth: Growth, other: Growth) -> Growth:
    return (growth[0] - other[0]) % GROWTH_MODULUS, (growth[1] - other[1]) % GROWTH_MODULUS
