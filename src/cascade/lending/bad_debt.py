"""What becomes of debt that no collateral backs: deficit, reserves, suppliers, or whoever withdraws last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from cascade.exact_numbers import Rate, exact
from cascade.lending.errors import LendingRefusedError
from cascade.lending.rule import BadDebt

__all__ = [
    "Pool",
    "Withdrawals",
    "book_bad_debt",
    "burn_deficit",
    "price_of_residue",
    "withdraw_in_order",
]


@dataclass(frozen=True)
class Pool:
    """One asset of a lending pool, atoms.

    Parameters
    ----------
    cash : int
        Underlying in the pool.
    debt : int
        Owed by borrowers.
    supply : int
        Owed to suppliers.
    reserves : int, default 0
        The protocol's own; may be negative (Comet).
    deficit : int, default 0
        Written off and not yet covered (Aave v3.3).

    Notes
    -----
    ``cash + debt + deficit = supply + reserves`` holds before and after every booking.
    """

    cash: int
    debt: int
    supply: int
    reserves: int = 0
    deficit: int = 0

    @property
    def gap(self) -> int:
        """Assets less claims; 0 in a pool that balances."""
        return self.cash + self.debt + self.deficit - self.supply - self.reserves


def book_bad_debt(pool: Pool, amount: int, destination: BadDebt) -> Pool:
    """Book debt that nobody will pay.

    Parameters
    ----------
    pool : Pool
    amount : int
        Atoms, at most the pool's debt.
    destination : BadDebt
        "stays" leaves the debt (suppliers' claims stay whole and the last to withdraw finds no cash),
        "deficit" moves it there, "reserves" pays from them, "suppliers" takes it from their claims.

    Returns
    -------
    Pool

    Raises
    ------
    ValueError
        `amount` is negative or above the debt, or the destination is not a pool's ("redistribution" moves debt
        between borrowers, "auction_shortfall" is the auction's buffer).
    """
    if not 0 <= amount <= pool.debt:
        raise ValueError(f"amount {amount!r} is outside 0 ... {pool.debt}")
    destination = BadDebt(destination)
    if destination is BadDebt.STAYS:
        return pool
    left = pool.debt - amount
    if destination is BadDebt.DEFICIT:
        return Pool(pool.cash, left, pool.supply, pool.reserves, pool.deficit + amount)
    if destination is BadDebt.RESERVES:
        return Pool(pool.cash, left, pool.supply, pool.reserves - amount, pool.deficit)
    if destination is BadDebt.SUPPLIERS:
        return Pool(pool.cash, left, pool.supply - amount, pool.reserves, pool.deficit)
    raise ValueError(f"destination {destination.value!r} is not booked in a pool")


def burn_deficit(pool: Pool, amount: int, caller_debt: int = 0) -> Pool:
    """Cover a deficit by burning a supplier's claims (Aave v3.3, Umbrella).

    Parameters
    ----------
    pool : Pool
    amount : int
        Atoms, at most the deficit.
    caller_debt : int, default 0
        What the caller owes; must be nothing.

    Returns
    -------
    Pool

    Raises
    ------
    LendingRefusedError
        The caller has debt, or `amount` is not in 1 ... deficit.
    """
    if caller_debt:
        raise LendingRefusedError("caller_debt", caller_debt, "must be 0")
    if not 0 < amount <= pool.deficit:
        raise LendingRefusedError("amount", amount, f"1 ... {pool.deficit}")
    return Pool(pool.cash, pool.debt, pool.supply - amount, pool.reserves, pool.deficit - amount)


@dataclass(frozen=True)
class Withdrawals:
    """Who was paid: atoms in the order asked, cash left, and claims nobody could pay."""

    paid: tuple[int, ...]
    cash_left: int
    unpaid: tuple[int, ...]


def withdraw_in_order(cash: int, wanted: Sequence[int]) -> Withdrawals:
    """Withdrawals in the order they come: first come, first served, and the last find nothing.

    Parameters
    ----------
    cash : int
        Atoms in the pool.
    wanted : sequence of int
        Atoms each supplier asks for; one that cannot be paid whole is paid what there is.

    Returns
    -------
    Withdrawals

    Raises
    ------
    ValueError
        An amount is negative.

    Notes
    -----
    Bad debt that stays is no haircut pro rata but a run on cash: sherlock-audit/2024-06-new-scope-judging,
    021-H/275.
    """
    if cash < 0 or any(amount < 0 for amount in wanted):
        raise ValueError(f"cash {cash!r} and amounts {list(wanted)!r} must not be negative")
    paid, unpaid = [], []
    for amount in wanted:
        given = min(amount, cash)
        cash -= given
        paid.append(given)
        unpaid.append(amount - given)
    return Withdrawals(tuple(paid), cash, tuple(unpaid))


def price_of_residue(value: Rate, amount: Rate) -> Fraction:
    """Price that a residue of debt was valued at: value over amount.

    Raises
    ------
    ZeroDivisionError
        `amount` is 0.
    """
    return exact(value, "value") / exact(amount, "amount")
