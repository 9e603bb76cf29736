"""Troves in a lending market of an engine: their two reserves, and what an account may do."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade import _troveentry
from cascade.exact_numbers import RATE_DENOMINATOR, exact, rate_parts
from cascade.interest_models import FixedRate
from cascade.lending_terms import side_refinement
from cascade.trove_terms import MOST_A_YEAR, YEAR, Troves

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket
    from cascade.market import Market
    from cascade.reserve import Reserve

__all__ = [
    "cap_gas", "change_trove", "check_reserve", "claim_surplus", "set_rates", "set_troves",
    "trove_amounts", "trove_owner", "trove_rates", "trove_refinement",
]  # fmt: skip

#: Terms that compare what an account has in several reserves, and their one value with troves.
ALONE: dict[str, bool | None] = {
    "debt_ceiling": None,
    "borrowable_in_isolation": False,
    "siloed": False,
}
CHANGES = ("deposit", "withdraw", "borrow", "repay")
#: Scaled lots of one lot of collateral at first.
STAKE = 1000


def set_troves(lending: LendingMarket, scale: int) -> None:
    """State the terms of a new lending market's troves to the core."""
    assert lending.rules.troves is not None
    _troveentry.set_troves(lending.engine, lending.number, **lending.rules.troves.numbers(scale))


def check_reserve(
    lending: LendingMarket, name: str, source: Market | None, stated: dict[str, Any]
) -> dict[str, Any]:
    """Terms of `add_reserve` that troves leave open, those that they decide filled in.

    Parameters
    ----------
    lending : LendingMarket
    name : str
    source : Market or None
        With a price it is the collateral, else the money that is lent.
    stated : dict
        ``interest``, ``borrow_factor``, ``liquidation_threshold``, and the terms of `ALONE`.

    Raises
    ------
    ValueError
        There is such a reserve already, or a term is not what troves have.
    """
    troves = lending.rules.troves
    assert troves is not None
    for other in lending.reserves.values():
        if (other.source is None) == (source is None):
            raise ValueError(f"reserve {name!r}: troves have {other.name!r} for that already")
    for term, only in ALONE.items():
        if stated[term] != only:
            raise ValueError(
                f"{term} {stated[term]!r}: troves have one collateral and one debt, so it can only be {only}"
            )
    if stated["interest"] is not None:
        raise ValueError(f"interest {stated['interest']!r}: with troves it can only be None")
    if exact(stated["borrow_factor"], "borrow_factor") != 1:
        raise ValueError(f"borrow_factor {stated['borrow_factor']!r}: with troves it can only be 1")
    if source is None:
        made = {**stated, "collateral": False, "borrowable": True, "liquidation_threshold": 0}
        # interest is in parts of an atom a year and a second
        return made if troves.interest is None else {**made, "refinement": YEAR}
    given = exact(stated["liquidation_threshold"], "liquidation_threshold")
    if given not in (0, troves.threshold):
        raise ValueError(
            f"liquidation_threshold {stated['liquidation_threshold']!r}: it is one over minimum_ratio"
        )
    return {
        **stated,
        "collateral": True,
        "borrowable": False,
        "liquidation_threshold": troves.threshold,
    }


def trove_refinement(source: Market) -> int:
    """Parts of a tick in the marks of the collateral, whose index begins at a thousandth."""
    return STAKE * side_refinement(None, FixedRate(0), source)


def cap_gas(reserve: Reserve, troves: Troves) -> None:
    """State the cap of the liquidator's part, once the lots of the collateral are known."""
    if reserve.source is not None and troves.gas_cap is not None:
        lots = exact(troves.gas_cap, "gas_cap") / Fraction(reserve.lots.step)
        lending = reserve.lending
        _troveentry.set_gas_cap(lending.engine, lending.number, min(int(lots), 2**62))


def change_trove(
    lending: LendingMarket, account: int, reserve: Reserve, lots: int, borrowed: bool, less: bool
) -> None:
    """Deposit, withdraw, borrow or repay."""
    what = CHANGES.index(
        ("repay" if less else "borrow") if borrowed else "withdraw" if less else "deposit"
    )
    _troveentry.change_trove(lending.engine, lending.number, account, reserve.number, lots, what)


def trove_amounts(lending: LendingMarket, account: int) -> tuple[float, float]:
    """Collateral and debt of an account, with all that was shared out to it."""
    if lending.rules.troves is None:
        raise ValueError(f"lending market {lending.name!r} has no troves")
    lots, atoms = _troveentry.trove_row(lending.engine, lending.number, account)
    found = {reserve.source is None: reserve.lots for reserve in lending.reserves.values()}
    return (
        found[False].number(lots) if False in found else 0.0,
        found[True].number(atoms) if True in found else 0.0,
    )


def trove_rates(lending: LendingMarket, rate: ArrayLike, count: int) -> NDArray[np.int64]:
    """Yearly rates of so many loans in parts of 10**9, from one number or a column.

    Raises
    ------
    TypeError, ValueError
        The debts bear no interest, or a rate is not one that an owner may set.
    """
    troves = lending.rules.troves
    if troves is None or troves.interest is None:
        raise ValueError(f"rate {rate!r}: debts of {lending.name!r} have none of their own")
    column = np.atleast_1d(np.asarray(rate, dtype=object))
    if column.ndim != 1 or len(column) not in (1, count):
        raise ValueError(f"rate has shape {column.shape}, for {count} accounts")
    low, high = troves.numbers(1)["rate_least"], troves.numbers(1)["rate_largest"]
    made = np.array([rate_parts(x, "rate", 0, MOST_A_YEAR) for x in column], dtype=np.int64)
    for given, parts in zip(column, made.tolist(), strict=True):
        if not low <= parts <= high:
            raise ValueError(
                f"rate {given!r} is outside {troves.interest[0]} ... {troves.interest[1]}"
            )
    return np.ascontiguousarray(np.broadcast_to(made, count))


def set_rates(lending: LendingMarket, first: int, rates: NDArray[np.int64]) -> None:
    """Rates of accounts from `first` on."""
    _troveentry.set_rates(lending.engine, lending.number, first, rates)


def trove_owner(lending: LendingMarket, account: int) -> tuple[float, float]:
    """Yearly rate of an account's debt, and collateral that it may claim.

    Raises
    ------
    ValueError
        The rules have no troves, or the account is none of the lending market.
    """
    if lending.rules.troves is None:
        raise ValueError(f"lending market {lending.name!r} has no troves")
    rate, lots = _troveentry.owner_row(lending.engine, lending.number, account)
    return rate / RATE_DENOMINATOR, _collateral_number(lending, lots)


def claim_surplus(lending: LendingMarket, account: int) -> float:
    """Pay an account what its closed loan left."""
    if lending.rules.troves is None:
        raise ValueError(f"lending market {lending.name!r} has no troves")
    lots = _troveentry.claim_surplus(lending.engine, lending.number, account)
    return _collateral_number(lending, lots)


def _collateral_number(lending: LendingMarket, lots: int) -> float:
    found = [r.lots for r in lending.reserves.values() if r.source is not None]
    return found[0].number(lots) if found else 0.0
