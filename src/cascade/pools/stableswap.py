"""Stableswap: a pool between constant sum and constant product (Curve; the port of Saddle).

Integers as in the contracts: the invariant D and a balance y are found by Newton's method to within one
unit, a swap pays one unit less than y says, and amplification carries two decimals (docs/pools.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from cascade.exact_numbers import Rate, exact
from cascade.pools.venue import Pool, Swap, amount_of, fee_of, side_of

AMPLIFICATION_PRECISION = 100
FEE_DENOMINATOR = 10**10
SHARE_UNIT = 10**18
MOST_ROUNDS = 256


def _amplification(value: Rate, count: int) -> int:
    # A * n in parts of 1/100
    parts = exact(value, "amplification") * AMPLIFICATION_PRECISION
    if parts.denominator != 1 or parts < AMPLIFICATION_PRECISION:
        raise ValueError(f"amplification {value!r} is not a multiple of 0.01 from 1 up")
    return int(parts) * count


def _amounts(values: Sequence[int], name: str, least: int) -> list[int]:
    amounts = [amount_of(value, f"{name}[{k}]", least) for k, value in enumerate(values)]
    if len(amounts) < 2:
        raise ValueError(f"{name} must have at least 2 numbers, got {len(amounts)}")
    return amounts


def _invariant(balances: Sequence[int], ann: int) -> int:
    count, total = len(balances), sum(balances)
    d = total
    for _ in range(MOST_ROUNDS):
        product = d
        for balance in balances:
            product = product * d // (balance * count)
        before = d
        d = (ann * total // AMPLIFICATION_PRECISION + product * count) * d
        d //= (ann - AMPLIFICATION_PRECISION) * before // AMPLIFICATION_PRECISION + (
            count + 1
        ) * product
        if abs(d - before) <= 1:
            return d
    raise ValueError(f"the invariant of {list(balances)} does not settle")


def _balance(others: Sequence[int], invariant: int, ann: int) -> int:
    count = len(others) + 1
    c, total = invariant, 0
    for balance in others:
        total += balance
        c = c * invariant // (balance * count)
    c = c * invariant * AMPLIFICATION_PRECISION // (ann * count)
    b = total + invariant * AMPLIFICATION_PRECISION // ann
    y = invariant
    for _ in range(MOST_ROUNDS):
        before = y
        y = (y * y + c) // (2 * y + b - invariant)
        if abs(y - before) <= 1:
            return y
    raise ValueError(f"the balance beside {list(others)} does not settle")


def stableswap_invariant(balances: Sequence[int], amplification: Rate) -> int:
    """Invariant D of a pool: the sum of its balances when they are equal.

    Parameters
    ----------
    balances : sequence of int
        Units of each token at one scale, at least 1.
    amplification : number
        A of the contracts (A * n**(n - 1) of the white paper), a multiple of 0.01 from 1 up.

    Returns
    -------
    int
        D, to within one unit.

    Raises
    ------
    TypeError, ValueError
        A number is out of range, or Newton's method does not settle in 256 rounds.

    Notes
    -----
    ``get_D`` of Curve, ``getD`` of Saddle: ``A n S + D = A D n + D**(n+1) / (n**n P)``.
    """
    amounts = _amounts(balances, "balances", 1)
    return _invariant(amounts, _amplification(amplification, len(amounts)))


def stableswap_balance(others: Sequence[int], invariant: int, amplification: Rate) -> int:
    """Balance of one token that makes the invariant `invariant`, given the other tokens'.

    Parameters
    ----------
    others : sequence of int
        Balances of the other tokens, at least 1.
    invariant : int
        D.
    amplification : number
        As in `stableswap_invariant`.

    Returns
    -------
    int
        y, to within one unit.

    Raises
    ------
    TypeError, ValueError
        A number is out of range, or Newton's method does not settle in 256 rounds.

    Notes
    -----
    ``get_y`` of Curve, ``getY`` of Saddle.
    """
    amounts = [amount_of(value, f"others[{k}]", 1) for k, value in enumerate(others)]
    if not amounts:
        raise ValueError("others must have at least 1 number, got 0")
    ann = _amplification(amplification, len(amounts) + 1)
    return _balance(amounts, amount_of(invariant, "invariant", 1), ann)


class StableswapPool(Pool):
    """A stableswap pool of two or more tokens; the first is the base and the second the quote of a market.

    Parameters
    ----------
    balances : sequence of int
        Units of each token, at least 1; the first provider's shares are D.
    amplification : number
        A of the contracts, a multiple of 0.01 from 1 up.
    fee : number, default 0
        Of the amount paid out, a multiple of 1e-10.
    admin_fee : number, default 0
        Share of the fee that leaves the pool, a multiple of 1e-10.
    scales : sequence of int, optional
        What a token's units are multiplied with to have equal units; default all 1.

    Attributes
    ----------
    balances : list of int
    shares : int
        Sum of the providers' shares.
    admin_fees : list of int
        Fees that have left the pool, by token.

    Raises
    ------
    TypeError, ValueError
        A number is out of range.

    Examples
    --------
    >>> pool = StableswapPool([10**18, 10**18], 50, fee="0.001")
    >>> pool.swap(0, 1, 10**17).amount_out
    99702611562565289
    """

    def __init__(
        self,
        balances: Sequence[int],
        amplification: Rate,
        *,
        fee: Rate = 0,
        admin_fee: Rate = 0,
        scales: Sequence[int] | None = None,
    ) -> None:
        self.balances: list[int] = _amounts(balances, "balances", 1)
        self.scales: list[int] = _amounts(
            [1] * len(self.balances) if scales is None else scales, "scales", 1
        )
        if len(self.scales) != len(self.balances):
            raise ValueError(f"scales must have {len(self.balances)} numbers")
        self.amplification: Fraction = exact(amplification, "amplification")
        self._ann = _amplification(amplification, len(self.balances))
        self._fee = _fee_parts(fee, "fee")
        self._admin_fee = _fee_parts(admin_fee, "admin_fee")
        self.admin_fees: list[int] = [0] * len(self.balances)
        self.shares: int = self.invariant

    def __repr__(self) -> str:
        return f"<StableswapPool: {self.balances}, A {float(self.amplification):g}>"

    @property
    def fee(self) -> Fraction:
        """Share of the amount paid out that the pool keeps."""
        return Fraction(self._fee, FEE_DENOMINATOR)

    @property
    def invariant(self) -> int:
        """D at one scale."""
        return _invariant(self._scaled(self.balances), self._ann)

    @property
    def virtual_price(self) -> int:
        """D per share, in parts of 10**18, rounded down."""
        return self.invariant * SHARE_UNIT // self.shares

    @property
    def price(self) -> Fraction:
        """Quote units per base unit of an infinitesimal swap, without fee, at the integer D."""
        return self._slope(0, 1)

    def marginal_price(self, side: Literal["buy", "sell"]) -> Fraction:
        """Quote that the next unit of base brings (a sale, less the fee) or costs (with the fee)."""
        kept = 1 - self.fee
        return self.price * kept if side_of(side) == "sell" else self.price / kept

    def _scaled(self, balances: Sequence[int]) -> list[int]:
        return [b * scale for b, scale in zip(balances, self.scales, strict=True)]

    def _slope(self, token_in: int, token_out: int) -> Fraction:
        # -dy/dx of A n S + D = A D n + D**(n+1) / (n**n P): ratio of A n + D**(n+1) / (n**n P x)
        x = self._scaled(self.balances)
        d = _invariant(x, self._ann)
        curve = Fraction(d)
        for balance in x:
            curve *= Fraction(d, balance * len(x))
        flat = Fraction(self._ann, AMPLIFICATION_PRECISION)
        above = flat + curve / x[token_in]
        below = flat + curve / x[token_out]
        return above / below * Fraction(self.scales[token_in], self.scales[token_out])

    def _index(self, token: int, name: str) -> int:
        index = amount_of(token, name)
        if index >= len(self.balances):
            raise ValueError(f"{name} {token!r} is outside 0 ... {len(self.balances) - 1}")
        return index

    def _paid_out(self, token_in: int, token_out: int, amount_in: int) -> tuple[int, int]:
        # units out after the fee, and the fee, both of the token paid out
        x = self._scaled(self.balances)
        d = _invariant(x, self._ann)
        x[token_in] += amount_in * self.scales[token_in]
        y = _balance([b for k, b in enumerate(x) if k != token_out], d, self._ann)
        gross = max(x[token_out] - y - 1, 0)
        fee = gross * self._fee // FEE_DENOMINATOR
        scale = self.scales[token_out]
        return (gross - fee) // scale, fee // scale

    def swap(self, token_in: int, token_out: int, amount_in: int) -> Swap:
        """Pay units of one token in and take another.

        Parameters
        ----------
        token_in, token_out : int
            Positions of the tokens.
        amount_in : int
            Units, at least 1.

        Returns
        -------
        Swap
            The fee is of the token paid out; `price` is that of the pool (second token per first).

        Raises
        ------
        TypeError, ValueError
            A number is no integer or out of range; the pool stays as it was.

        Notes
        -----
        ``exchange`` of Curve, ``swap`` of Saddle: ``dy = (y_old - y - 1)`` less the fee.
        """
        i, j = self._index(token_in, "token_in"), self._index(token_out, "token_out")
        if i == j:
            raise ValueError(f"token_in and token_out are both {token_in!r}")
        out, fee = self._paid_out(i, j, amount_of(amount_in, "amount_in", 1))
        self._settle(i, j, amount_in, out, fee)
        return Swap(amount_in, out, fee, self.price)

    def _settle(self, i: int, j: int, amount_in: int, out: int, fee: int) -> None:
        admin = fee * self._admin_fee // FEE_DENOMINATOR
        self.balances[i] += amount_in
        self.balances[j] -= out + admin
        self.admin_fees[j] += admin

    def trade(self, side: Literal["buy", "sell"], size: int) -> Swap:
        """Sell or buy `size` units of the first token for the second; see `Pool.trade`.

        A purchase pays the least amount that brings `size` units or more; what it brings beyond `size` stays in
        the pool.
        """
        if side_of(side) == "sell":
            return self.swap(0, 1, size)
        wanted = amount_of(size, "size", 1)
        paid = self._least_payment(wanted)
        fee = self._paid_out(1, 0, paid)[1]
        self._settle(1, 0, paid, wanted, fee)
        return Swap(paid, wanted, fee, self.price)

    def _least_payment(self, wanted: int) -> int:
        if wanted >= self.balances[0]:
            raise ValueError(f"size {wanted} is not below the balance {self.balances[0]}")
        low, high = 0, 1
        while self._paid_out(1, 0, high)[0] < wanted:
            low, high = high, 2 * high
            if high > sum(self.balances) << 128:
                raise ValueError(f"size {wanted} is more than the pool can pay out")
        while high - low > 1:
            middle = (low + high) // 2
            if self._paid_out(1, 0, middle)[0] < wanted:
                low = middle
            else:
                high = middle
        return high

    @property
    def _imbalance_fee(self) -> int:
        count = len(self.balances)
        return self._fee * count // (4 * (count - 1))

    def _charged(self, balances: list[int], before: int) -> tuple[list[int], list[int]]:
        # balances that count for shares, and the fees on what moved away from the pool's proportions
        after = _invariant(self._scaled(balances), self._ann)
        fees = [
            self._imbalance_fee * abs(after * held // before - new) // FEE_DENOMINATOR
            for held, new in zip(self.balances, balances, strict=True)
        ]
        return [new - fee for new, fee in zip(balances, fees, strict=True)], fees

    def _book_fees(self, balances: list[int], fees: list[int]) -> None:
        admin = [fee * self._admin_fee // FEE_DENOMINATOR for fee in fees]
        self.balances = [new - part for new, part in zip(balances, admin, strict=True)]
        self.admin_fees = [old + part for old, part in zip(self.admin_fees, admin, strict=True)]

    def _per_token(self, amounts: Sequence[int]) -> list[int]:
        given = _amounts(amounts, "amounts", 0)
        if len(given) != len(self.balances):
            raise ValueError(f"amounts must have {len(self.balances)} numbers, got {len(given)}")
        return given

    def add_liquidity(self, amounts: Sequence[int]) -> int:
        """Pay tokens in and receive shares; what is not in the pool's proportions pays the imbalance fee.

        Parameters
        ----------
        amounts : sequence of int
            Units of each token, not below 0.

        Returns
        -------
        int
            Shares, rounded down.

        Raises
        ------
        TypeError, ValueError
            A number is out of range, or no share would be received; the pool stays as it was.

        Notes
        -----
        ``add_liquidity`` of Curve; the fee on a deviation is ``fee * n / (4 * (n - 1))``.
        """
        before = self.invariant
        balances = [b + a for b, a in zip(self.balances, self._per_token(amounts), strict=True)]
        counted, fees = self._charged(balances, before)
        after = _invariant(self._scaled(counted), self._ann)
        made = (after - before) * self.shares // before
        if made < 1:
            raise ValueError(f"amounts {list(amounts)} are worth no share")
        self._book_fees(balances, fees)
        self.shares += made
        return made

    def remove_liquidity(self, shares: int) -> list[int]:
        """Give shares back and take their part of each token, without a fee.

        Parameters
        ----------
        shares : int
            1 ... the sum of shares less 1.

        Returns
        -------
        list of int
            Units paid out, rounded down.

        Raises
        ------
        TypeError, ValueError
            `shares` is no integer or out of range; the pool stays as it was.
        """
        burnt = self._burnt(shares)
        amounts = [balance * burnt // self.shares for balance in self.balances]
        self.balances = [b - a for b, a in zip(self.balances, amounts, strict=True)]
        self.shares -= burnt
        return amounts

    def _burnt(self, shares: int) -> int:
        burnt = amount_of(shares, "shares", 1)
        if burnt >= self.shares:
            raise ValueError(f"shares {shares!r} are outside 1 ... {self.shares - 1}")
        return burnt

    def remove_amounts(self, amounts: Sequence[int]) -> int:
        """Take exactly these amounts and give the shares that they cost.

        Parameters
        ----------
        amounts : sequence of int
            Units of each token, below its balance.

        Returns
        -------
        int
            Shares given back: the part of D that is lost, rounded down, and one more.

        Raises
        ------
        TypeError, ValueError
            A number is out of range; the pool stays as it was.

        Notes
        -----
        ``remove_liquidity_imbalance`` of Curve.
        """
        wanted = self._per_token(amounts)
        if not any(wanted):
            raise ValueError("amounts are all 0")
        for k, (amount, balance) in enumerate(zip(wanted, self.balances, strict=True)):
            if amount >= balance:
                raise ValueError(f"amounts[{k}] {amount} is not below the balance {balance}")
        before = self.invariant
        balances = [b - a for b, a in zip(self.balances, wanted, strict=True)]
        counted, fees = self._charged(balances, before)
        after = _invariant(self._scaled(counted), self._ann)
        burnt = (before - after) * self.shares // before + 1
        if burnt >= self.shares:
            raise ValueError(f"amounts {wanted} cost {burnt} shares of {self.shares}")
        self._book_fees(balances, fees)
        self.shares -= burnt
        return burnt

    def remove_one(self, shares: int, token: int) -> int:
        """Give shares back for one token alone; what leaves the pool's proportions pays the imbalance fee.

        Parameters
        ----------
        shares : int
            1 ... the sum of shares less 1.
        token : int
            Position of the token.

        Returns
        -------
        int
            Units paid out.

        Raises
        ------
        TypeError, ValueError
            A number is out of range; the pool stays as it was.

        Notes
        -----
        ``remove_liquidity_one_coin`` of Curve, ``removeLiquidityOneToken`` of Saddle.
        """
        index, burnt = self._index(token, "token"), self._burnt(shares)
        x = self._scaled(self.balances)
        before = _invariant(x, self._ann)
        after = before - burnt * before // self.shares
        y = _balance([b for k, b in enumerate(x) if k != index], after, self._ann)
        reduced = []
        for k, balance in enumerate(x):
            kept = balance * after // before
            moved = kept - y if k == index else balance - kept
            reduced.append(balance - moved * self._imbalance_fee // FEE_DENOMINATOR)
        others = [b for k, b in enumerate(reduced) if k != index]
        scale = self.scales[index]
        out = (reduced[index] - _balance(others, after, self._ann) - 1) // scale
        fee = max((x[index] - y) // scale - out, 0)
        admin = fee * self._admin_fee // FEE_DENOMINATOR
        self.balances[index] -= out + admin
        self.admin_fees[index] += admin
        self.shares -= burnt
        return out


def _fee_parts(value: Rate, name: str) -> int:
    parts = fee_of(value, name) * FEE_DENOMINATOR
    if parts.denominator != 1:
        raise ValueError(f"{name} {value!r} is not a multiple of 1e-10")
    return int(parts)
