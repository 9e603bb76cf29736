"""Constant product: base times quote never falls (Uniswap v2, Sushiswap, PancakeSwap).

The formula functions are those of the contracts to the unit, for amounts of any width; `ConstantProductPool` puts
them together with providers' shares. docs/pools.md has the formulas and their sources.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt
from typing import Literal

from cascade.exact_numbers import Rate, exact
from cascade.pools.venue import Pool, Swap, amount_of, fee_of, side_of

UNISWAP_FEE = Fraction(3, 1000)
#: Shares of the first provider that nobody can give back.
LOCKED_SHARES = 1000


def exact_output(
    amount_in: Rate, reserve_in: Rate, reserve_out: Rate, fee: Rate = UNISWAP_FEE
) -> Fraction:
    """What a sale brings without any rounding: ``out = Y * dx * (1 - f) / (X + dx * (1 - f))``.

    Parameters
    ----------
    amount_in : number
        dx, fee included, not below 0.
    reserve_in, reserve_out : number
        X and Y, above 0.
    fee : number, default 0.003
        f, of the amount paid in.

    Returns
    -------
    Fraction

    Raises
    ------
    TypeError, ValueError
        A number is missing or out of range.

    Notes
    -----
    Uniswap v2, ``UniswapV2Library.getAmountOut`` before its division is cut.
    """
    paid = exact(amount_in, "amount_in")
    held, other = exact(reserve_in, "reserve_in"), exact(reserve_out, "reserve_out")
    if paid < 0:
        raise ValueError(f"amount_in {amount_in!r} is below 0")
    for name, value in (("reserve_in", held), ("reserve_out", other)):
        if value <= 0:
            raise ValueError(f"{name} {value} is not above 0")
    counted = paid * (1 - fee_of(fee))
    return other * counted / (held + counted)


def output_amount(
    amount_in: int, reserve_in: int, reserve_out: int, fee: Rate = UNISWAP_FEE
) -> int:
    """Units paid out for units paid in, rounded down.

    Parameters
    ----------
    amount_in : int
        Units paid in, fee included.
    reserve_in, reserve_out : int
        Reserves before, at least 1.
    fee : number, default 0.003
        Of the amount paid in.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        A number is no integer or out of range.

    Notes
    -----
    Uniswap v2, ``UniswapV2Library.getAmountOut``.
    """
    share = fee_of(fee)
    counted = amount_of(amount_in, "amount_in") * (share.denominator - share.numerator)
    held = amount_of(reserve_in, "reserve_in", 1)
    other = amount_of(reserve_out, "reserve_out", 1)
    return counted * other // (held * share.denominator + counted)


def input_amount(
    amount_out: int, reserve_in: int, reserve_out: int, fee: Rate = UNISWAP_FEE
) -> int:
    """Units to pay in for units paid out: the formula rounded down, and one more.

    Parameters
    ----------
    amount_out : int
        Units wanted, below `reserve_out`.
    reserve_in, reserve_out : int
        Reserves before, at least 1.
    fee : number, default 0.003
        Of the amount paid in.

    Returns
    -------
    int
        With the fee.

    Raises
    ------
    TypeError, ValueError
        A number is no integer or out of range.

    Notes
    -----
    Uniswap v2, ``UniswapV2Library.getAmountIn``.
    """
    share = fee_of(fee)
    wanted = amount_of(amount_out, "amount_out")
    held = amount_of(reserve_in, "reserve_in", 1)
    other = amount_of(reserve_out, "reserve_out", 1)
    if wanted >= other:
        raise ValueError(f"amount_out {amount_out!r} is not below the reserve {reserve_out!r}")
    due = held * wanted * share.denominator
    return due // ((other - wanted) * (share.denominator - share.numerator)) + 1


def first_shares(amount0: int, amount1: int) -> int:
    """Shares that the first provider of a pair receives.

    Parameters
    ----------
    amount0, amount1 : int
        Units paid in, not below 0.

    Returns
    -------
    int
        Root of the product, cut off, less the 1,000 shares that stay with the pair for ever.

    Raises
    ------
    TypeError, ValueError
        A number is no integer or below 0, or no share would be received.

    Notes
    -----
    Uniswap v2, ``UniswapV2Pair.mint`` and ``MINIMUM_LIQUIDITY``.
    """
    made = isqrt(amount_of(amount0, "amount0") * amount_of(amount1, "amount1")) - LOCKED_SHARES
    if made < 1:
        raise ValueError(
            f"amount0 {amount0!r} and amount1 {amount1!r} make no share above {LOCKED_SHARES}"
        )
    return made


def swap_allowed(
    reserve0: int,
    reserve1: int,
    *,
    in0: int = 0,
    in1: int = 0,
    out0: int = 0,
    out1: int = 0,
    fee: Rate = UNISWAP_FEE,
) -> bool:
    """Whether a pair lets a swap pass: balances less the fee keep the product of the reserves.

    Parameters
    ----------
    reserve0, reserve1 : int
        Reserves before, at least 1.
    in0, in1 : int, default 0
        Units the trader has sent, of either token.
    out0, out1 : int, default 0
        Units the trader takes; the same token may come in and go out (a flash swap).
    fee : number, default 0.003
        Of what came in.

    Returns
    -------
    bool
        False too when nothing goes out, nothing came in, or more goes out than is there.

    Raises
    ------
    TypeError, ValueError
        A number is no integer or out of range.

    Notes
    -----
    Uniswap v2, ``UniswapV2Pair.swap``: an equal product passes.
    """
    share = fee_of(fee)
    reserves = [amount_of(reserve0, "reserve0", 1), amount_of(reserve1, "reserve1", 1)]
    ins = [amount_of(in0, "in0"), amount_of(in1, "in1")]
    outs = [amount_of(out0, "out0"), amount_of(out1, "out1")]
    if not any(ins) or not any(outs):
        return False
    if any(out >= held for out, held in zip(outs, reserves, strict=True)):
        return False
    first, second = (
        (held + came - out) * share.denominator - came * share.numerator
        for held, came, out in zip(reserves, ins, outs, strict=True)
    )
    return first * second >= reserves[0] * reserves[1] * share.denominator**2


class ConstantProductPool(Pool):
    """A pool whose product of reserves never falls.

    Parameters
    ----------
    base, quote : int
        Reserves, at least 1.
    fee : number, default 0.003
        Of the amount paid in.
    fee_in_pool : bool, default True
        The fee joins the reserves; else it is put aside (`fees`), rounded up.
    shares : int, optional
        Providers' shares; default the root of the product, as the first provider receives.

    Attributes
    ----------
    base_reserve, quote_reserve : int
        Reserves.
    shares : int
        Sum of the providers' shares.
    fees : tuple of int
        Fees put aside, base and quote.

    Raises
    ------
    TypeError, ValueError
        A number is no integer or out of range.

    Examples
    --------
    >>> pool = ConstantProductPool(1_000, 2_000_000)
    >>> pool.trade("sell", 50).amount_out
    94965
    >>> float(pool.price)
    1814.3190476190475
    """

    def __init__(
        self,
        base: int,
        quote: int,
        *,
        fee: Rate = UNISWAP_FEE,
        fee_in_pool: bool = True,
        shares: int | None = None,
    ) -> None:
        self.base_reserve: int = amount_of(base, "base", 1)
        self.quote_reserve: int = amount_of(quote, "quote", 1)
        self.fee: Fraction = fee_of(fee)
        self.fee_in_pool: bool = bool(fee_in_pool)
        given = isqrt(self.base_reserve * self.quote_reserve) if shares is None else shares
        self.shares: int = amount_of(given, "shares", 1)
        self.fees: tuple[int, int] = (0, 0)

    def __repr__(self) -> str:
        return f"<ConstantProductPool: {self.base_reserve} base, {self.quote_reserve} quote>"

    @property
    def price(self) -> Fraction:
        """Quote units per base unit, without fee."""
        return Fraction(self.quote_reserve, self.base_reserve)

    def marginal_price(self, side: Literal["buy", "sell"]) -> Fraction:
        """Quote that the next unit of base brings (a sale, less the fee) or costs (with the fee)."""
        kept = 1 - self.fee
        return self.price * kept if side_of(side) == "sell" else self.price / kept

    def swap(self, amount_in: int, *, sells_base: bool = True) -> Swap:
        """Pay units in, take what the product leaves.

        Parameters
        ----------
        amount_in : int
            Units of base, or of quote when `sells_base` is False, at least 1.
        sells_base : bool, default True

        Returns
        -------
        Swap
            Its fee is what the product does not count, rounded up.

        Raises
        ------
        TypeError, ValueError
            `amount_in` is no integer or below 1; the pool stays as it was.
        """
        paid = amount_of(amount_in, "amount_in", 1)
        held, other = self._reserves(sells_base)
        fee = -(-paid * self.fee.numerator // self.fee.denominator)
        if self.fee_in_pool:
            out = output_amount(paid, held, other, self.fee)
        else:
            out = output_amount(paid - fee, held, other, 0)
        return self._settle(sells_base, paid, out, fee)

    def trade(self, side: Literal["buy", "sell"], size: int) -> Swap:
        """Sell or buy exactly `size` units of base; see `Pool.trade`."""
        if side_of(side) == "sell":
            return self.swap(size)
        wanted = amount_of(size, "size", 1)
        if self.fee_in_pool:
            paid = input_amount(wanted, self.quote_reserve, self.base_reserve, self.fee)
            fee = -(-paid * self.fee.numerator // self.fee.denominator)
        else:
            counted = input_amount(wanted, self.quote_reserve, self.base_reserve, 0)
            rate = self.fee / (1 - self.fee)
            fee = -(-counted * rate.numerator // rate.denominator)
            paid = counted + fee
        return self._settle(False, paid, wanted, fee)

    def _reserves(self, sells_base: bool) -> tuple[int, int]:
        return (
            (self.base_reserve, self.quote_reserve)
            if sells_base
            else (self.quote_reserve, self.base_reserve)
        )

    def _settle(self, sells_base: bool, paid: int, out: int, fee: int) -> Swap:
        kept = paid if self.fee_in_pool else paid - fee
        if sells_base:
            self.base_reserve += kept
            self.quote_reserve -= out
        else:
            self.quote_reserve += kept
            self.base_reserve -= out
        if not self.fee_in_pool:
            base_fees, quote_fees = self.fees
            self.fees = (
                (base_fees + fee, quote_fees) if sells_base else (base_fees, quote_fees + fee)
            )
        return Swap(paid, out, fee, self.price)

    def add_liquidity(self, base: int, quote: int) -> int:
        """Pay both tokens in and receive shares; what exceeds the reserves' ratio is a gift.

        Parameters
        ----------
        base, quote : int
            Units paid in, not below 0.

        Returns
        -------
        int
            Shares: the smaller of the two proportions, rounded down (``UniswapV2Pair.mint``).

        Raises
        ------
        TypeError, ValueError
            A number is no integer or below 0, or no share would be received; the pool stays as it was.
        """
        paid = amount_of(base, "base"), amount_of(quote, "quote")
        made = min(
            paid[0] * self.shares // self.base_reserve, paid[1] * self.shares // self.quote_reserve
        )
        if made < 1:
            raise ValueError(f"base {base!r} and quote {quote!r} are worth no share")
        self.base_reserve += paid[0]
        self.quote_reserve += paid[1]
        self.shares += made
        return made

    def remove_liquidity(self, shares: int) -> tuple[int, int]:
        """Give shares back and take their part of both reserves.

        Parameters
        ----------
        shares : int
            1 ... the sum of shares less 1: the pool is never empty.

        Returns
        -------
        base, quote : int
            Units paid out, rounded down (``UniswapV2Pair.burn``).

        Raises
        ------
        TypeError, ValueError
            `shares` is no integer or out of range, or a reserve would be used up; the pool stays
            as it was.
        """
        burnt = amount_of(shares, "shares", 1)
        if burnt >= self.shares:
            raise ValueError(f"shares {shares!r} are outside 1 ... {self.shares - 1}")
        base = self.base_reserve * burnt // self.shares
        quote = self.quote_reserve * burnt // self.shares
        self.base_reserve -= base
        self.quote_reserve -= quote
        self.shares -= burnt
        return base, quote
