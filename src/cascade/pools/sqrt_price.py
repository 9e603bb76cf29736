"""Amounts between square-root prices, the price after an amount, and one step of a swap (Uniswap v3).

Square-root prices are in parts of 2**96. What a trader pays is rounded up, what he receives down, and the next
price against him; so an exact swap never takes more out of a pool than its formula allows.
"""

from __future__ import annotations

from typing import NamedTuple

from cascade.pools.ticks import LARGEST_WORD, SQRT_PRICE_BITS
from cascade.pools.venue import amount_of

FEE_UNIT = 1_000_000
LARGEST_SQRT_PRICE = 2**160 - 1


class SwapStep(NamedTuple):
    """One step of a swap, within liquidity that does not change.

    Attributes
    ----------
    sqrt_price : int
        Square-root price afterwards, in parts of 2**96.
    amount_in : int
        Units paid in, without the fee.
    amount_out : int
        Units paid out.
    fee : int
        Units of the token paid in.
    """

    sqrt_price: int
    amount_in: int
    amount_out: int
    fee: int


def _up(number: int, divisor: int) -> int:
    return -(-number // divisor)


def amount0_between(sqrt_a: int, sqrt_b: int, liquidity: int, *, round_up: bool) -> int:
    """Units of token0 between two prices: ``L * (1 / sqrt(a) - 1 / sqrt(b))``.

    Parameters
    ----------
    sqrt_a, sqrt_b : int
        Square-root prices in parts of 2**96, in any order, at least 1.
    liquidity : int
        L, not below 0.
    round_up : bool

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        A number is no integer or out of range.

    Notes
    -----
    Uniswap v3, ``SqrtPriceMath.getAmount0Delta``.
    """
    low, high = sorted((amount_of(sqrt_a, "sqrt_a", 1), amount_of(sqrt_b, "sqrt_b", 1)))
    product = (amount_of(liquidity, "liquidity") << SQRT_PRICE_BITS) * (high - low)
    return _up(_up(product, high), low) if round_up else product // high // low


def amount1_between(sqrt_a: int, sqrt_b: int, liquidity: int, *, round_up: bool) -> int:
    """Units of token1 between two prices: ``L * (sqrt(b) - sqrt(a))``.

    Parameters
    ----------
    sqrt_a, sqrt_b : int
        Square-root prices in parts of 2**96, in any order, at least 1.
    liquidity : int
        L, not below 0.
    round_up : bool

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        A number is no integer or out of range.

    Notes
    -----
    Uniswap v3, ``SqrtPriceMath.getAmount1Delta``.
    """
    low, high = sorted((amount_of(sqrt_a, "sqrt_a", 1), amount_of(sqrt_b, "sqrt_b", 1)))
    product = amount_of(liquidity, "liquidity") * (high - low)
    return _up(product, 1 << SQRT_PRICE_BITS) if round_up else product >> SQRT_PRICE_BITS


def _next_from_amount0(sqrt_price: int, liquidity: int, amount: int, add: bool) -> int:
    # rounded up, so that a sale of token0 moves the price less than its formula
    if amount == 0:
        return sqrt_price
    scaled = liquidity << SQRT_PRICE_BITS
    product = amount * sqrt_price
    if add:
        if product <= LARGEST_WORD and scaled + product <= LARGEST_WORD:
            return _up(scaled * sqrt_price, scaled + product)
        # a product beyond 256 bits: the contract's other formula, which rounds once more
        return _up(scaled, scaled // sqrt_price + amount)
    if product > LARGEST_WORD or product >= scaled:
        raise ValueError(f"amount {amount} is more token0 than liquidity {liquidity} can pay out")
    return _up(scaled * sqrt_price, scaled - product)


def _next_from_amount1(sqrt_price: int, liquidity: int, amount: int, add: bool) -> int:
    # rounded down
    if add:
        return sqrt_price + (amount << SQRT_PRICE_BITS) // liquidity
    step = _up(amount << SQRT_PRICE_BITS, liquidity)
    if step >= sqrt_price:
        raise ValueError(f"amount {amount} is more token1 than liquidity {liquidity} can pay out")
    return sqrt_price - step


def _checked_next(
    sqrt_price: int, liquidity: int, amount: int, zero_for_one: bool, paid_in: bool
) -> int:
    root = amount_of(sqrt_price, "sqrt_price", 1)
    depth = amount_of(liquidity, "liquidity", 1)
    size = amount_of(amount, "amount")
    if zero_for_one == paid_in:
        after = _next_from_amount0(root, depth, size, paid_in)
    else:
        after = _next_from_amount1(root, depth, size, paid_in)
    if after > LARGEST_SQRT_PRICE:
        raise ValueError(f"amount {amount!r} takes the price beyond 160 bits")
    return after


def sqrt_price_after_input(
    sqrt_price: int, liquidity: int, amount: int, *, zero_for_one: bool
) -> int:
    """Square-root price after units were paid in, rounded against the trader.

    Parameters
    ----------
    sqrt_price : int
        In parts of 2**96, at least 1.
    liquidity : int
        At least 1.
    amount : int
        Units paid in, without the fee.
    zero_for_one : bool
        Token0 is paid in, and the price falls.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        A number is no integer or out of range.

    Notes
    -----
    Uniswap v3, ``SqrtPriceMath.getNextSqrtPriceFromInput``.
    """
    return _checked_next(sqrt_price, liquidity, amount, bool(zero_for_one), True)


def sqrt_price_after_output(
    sqrt_price: int, liquidity: int, amount: int, *, zero_for_one: bool
) -> int:
    """Square-root price after units were paid out, rounded against the trader.

    Parameters
    ----------
    sqrt_price : int
        In parts of 2**96, at least 1.
    liquidity : int
        At least 1.
    amount : int
        Units paid out.
    zero_for_one : bool
        Token1 is paid out, and the price falls.

    Returns
    -------
    int

    Raises
    ------
    TypeError, ValueError
        A number is out of range, or the liquidity does not hold the amount.

    Notes
    -----
    Uniswap v3, ``SqrtPriceMath.getNextSqrtPriceFromOutput``.
    """
    return _checked_next(sqrt_price, liquidity, amount, bool(zero_for_one), False)


def swap_step(
    sqrt_price: int, sqrt_target: int, liquidity: int, amount_remaining: int, fee_pips: int
) -> SwapStep:
    """Swap as far as a target price or an amount allows, within one liquidity.

    Parameters
    ----------
    sqrt_price, sqrt_target : int
        Square-root prices in parts of 2**96; a target not above the price sells token0.
    liquidity : int
        Not below 0.
    amount_remaining : int
        Units still to be paid in with the fee, or minus the units still wanted.
    fee_pips : int
        Fee of the amount paid in, in millionths, below 1,000,000.

    Returns
    -------
    SwapStep

    Raises
    ------
    TypeError, ValueError
        A number is no integer or out of range.

    Notes
    -----
    Uniswap v3, ``SwapMath.computeSwapStep``: the fee is ``ceil(in * fee / (10**6 - fee))`` when the
    target is reached, else all that remains.
    """
    root, target = amount_of(sqrt_price, "sqrt_price", 1), amount_of(sqrt_target, "sqrt_target", 1)
    depth, fee = amount_of(liquidity, "liquidity"), amount_of(fee_pips, "fee_pips")
    if fee >= FEE_UNIT:
        raise ValueError(f"fee_pips {fee_pips!r} is outside 0 ... {FEE_UNIT - 1}")
    zero_for_one = root >= target
    exact_in = amount_remaining >= 0
    amount_in = _paid_between(root, target, depth, zero_for_one)
    amount_out = _received_between(root, target, depth, zero_for_one)
    offered = amount_remaining * (FEE_UNIT - fee) // FEE_UNIT if exact_in else -amount_remaining
    if offered >= (amount_in if exact_in else amount_out):
        after = target
    else:
        after = _checked_next(root, depth, offered, zero_for_one, exact_in)
    reached = after == target
    if not (reached and exact_in):
        amount_in = _paid_between(root, after, depth, zero_for_one)
    if not (reached and not exact_in):
        amount_out = _received_between(root, after, depth, zero_for_one)
    if not exact_in:
        amount_out = min(amount_out, -amount_remaining)
    if exact_in and not reached:
        taken = amount_remaining - amount_in
    else:
        taken = _up(amount_in * fee, FEE_UNIT - fee)
    return SwapStep(after, amount_in, amount_out, taken)


def _paid_between(root: int, target: int, liquidity: int, zero_for_one: bool) -> int:
    between = amount0_between if zero_for_one else amount1_between
    return between(root, target, liquidity, round_up=True)


def _received_between(root: int, target: int, liquidity: int, zero_for_one: bool) -> int:
    between = amount1_between if zero_for_one else amount0_between
    return between(root, target, liquidity, round_up=False)
