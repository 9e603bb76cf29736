"""Socialised loss: what each of those who are left pays, in exact rational numbers.

Venues spread a loss per contract held, over an index of deposits, over gains, or as a haircut of
profits; `cascade.adl.haircuts` is the one over gains.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from cascade.exact_numbers import Rate, exact

__all__ = ["index_loss", "loss_per_contract", "profit_backing", "side_after_close"]


def _rounded_up(value: Fraction, step: Rate) -> Fraction:
    unit = exact(step, "step")
    if unit < 0:
        raise ValueError(f"step {step!r} is below 0")
    return ceil(value / unit) * unit if unit else value


def loss_per_contract(loss: Rate, long: Rate, short: Rate, step: Rate = 0) -> Fraction:
    """Loss that every contract on either side pays.

    Parameters
    ----------
    loss : number
        Loss to be spread.
    long, short : number
        Contracts held long and short, both counted above zero.
    step : number, default 0
        Grid to which the answer is rounded up, against those who pay; 0: exact.

    Returns
    -------
    Fraction
        Money a contract.

    Raises
    ------
    ValueError
        Nobody holds a contract; a number is below 0.

    Notes
    -----
    Drift v2, through the funding index (protocol-v2 at 0ae3e3b1d, math/liquidation.rs), with a
    step of 1e-6.
    """
    amounts = [exact(v, n) for v, n in ((loss, "loss"), (long, "long"), (short, "short"))]
    if min(amounts) < 0:
        raise ValueError(f"loss {loss!r}, long {long!r} and short {short!r} must not be below 0")
    held = amounts[1] + amounts[2]
    if held == 0:
        raise ValueError("long and short are both 0: nobody is left to pay")
    return _rounded_up(amounts[0] / held, step)


def index_loss(index: Rate, loss: Rate, deposits: Rate, step: Rate = 0) -> Fraction:
    """How far an index of deposits falls when depositors bear a loss.

    Parameters
    ----------
    index : number
        Index that deposits are multiplied by.
    loss, deposits : number
        Loss to be spread, and all deposits at the index, above zero.
    step : number, default 0
        Grid to which the answer is rounded up, against the depositors; 0: exact.

    Returns
    -------
    Fraction
        To be taken off the index.

    Raises
    ------
    ValueError
        `deposits` is not above zero.

    Notes
    -----
    Drift v2 (protocol-v2 at 0ae3e3b1d, math/liquidation.rs), with a step of 1e-10.
    """
    held = exact(deposits, "deposits")
    if held <= 0:
        raise ValueError(f"deposits {deposits!r} is not above zero")
    return _rounded_up(exact(index, "index") * exact(loss, "loss") / held, step)


def profit_backing(vault: Rate, capital: Rate, insurance: Rate, profits: Rate) -> Fraction:
    """Share of every positive profit that the vault's money backs.

    Parameters
    ----------
    vault : number
        All money held.
    capital, insurance : number
        Claims that come first: accounts' capital and the insurance fund.
    profits : number
        Sum of positive matured profits.

    Returns
    -------
    Fraction
        0 ... 1; 1 where nobody has a profit.

    Notes
    -----
    Percolator (aeyakovenko/percolator at d594e6a): profit is a junior claim, so that
    ``min(max(0, vault - capital - insurance), profits) / profits`` of it can be paid out.
    """
    owed = exact(profits, "profits")
    if owed <= 0:
        return Fraction(1)
    left = exact(vault, "vault") - exact(capital, "capital") - exact(insurance, "insurance")
    return min(max(Fraction(0), left), owed) / owed


def side_after_close(
    open_interest: int, closed: int, loss: Rate, sizes: list[int]
) -> tuple[Fraction, list[int]]:
    """Loss a contract and sizes of the opposing side after its index took over a close.

    Parameters
    ----------
    open_interest : int
        Contracts of the opposing side.
    closed : int
        Contracts closed against all of it, at most the open interest.
    loss : number
        Deficit left after capital and insurance.
    sizes : list of int
        Sizes on the opposing side, in whole contracts.

    Returns
    -------
    per_contract : Fraction
        Paid by each contract held before.
    sizes : list of int
        Sizes afterwards, each rounded down.

    Raises
    ------
    ValueError
        `closed` is outside 0 ... `open_interest`, or nobody is on the opposing side.

    Notes
    -----
    Percolator, specification v16: the quantity index is multiplied by
    ``(open interest - closed) / open interest``.
    """
    if open_interest <= 0:
        raise ValueError(f"open_interest {open_interest} is not above 0")
    if not 0 <= closed <= open_interest:
        raise ValueError(f"closed {closed} is outside 0 ... {open_interest}")
    kept = Fraction(open_interest - closed, open_interest)
    return exact(loss, "loss") / open_interest, [floor(size * kept) for size in sizes]
