"""Troves in a lending market of an engine: their two reserves, and what an account may do."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cascade import _troveentry
from cascade.exact_numbers import exact
from cascade.interest_models import FixedRate
from cascade.lending_terms import side_refinement
from cascade.trove_terms import Troves

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket
    from cascade.market import Market
    from cascade.reserve import Reserve

__all__ = [
    "cap_gas", "change_trove", "check_reserve", "set_troves", "trove_amounts", "trove_refinement",
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
        return {**stated, "collateral": False, "borrowable": True, "liquidation_threshold": 0}
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
