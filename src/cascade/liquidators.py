"""`engine.liquidators`: who repays debts for collateral, and what they earned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cascade import _lendingentry
from cascade.exact_numbers import whole
from cascade.lending_rules import Liquidator
from cascade.refusals import said

if TYPE_CHECKING:
    from cascade.engine import Engine

__all__ = ["Liquidators"]

COMPETITIONS = ("order", "bids")


class Liquidators:
    """`engine.liquidators`: who repays debts for collateral, asked in this order or against bids.

    Without any, borrowers are liquidated by somebody with money borrowed for the call and no cost of
    gas.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._added: list[Liquidator] = []
        self._compete = "order"

    def __len__(self) -> int:
        return len(self._added)

    def __iter__(self) -> Iterator[Liquidator]:
        return iter(self._added)

    def __repr__(self) -> str:
        return f"<Liquidators: {len(self)}>"

    def add(self, liquidator: Liquidator) -> int:
        """Add a liquidator; gives its number.

        Raises
        ------
        TypeError, ValueError
            It is no liquidator, or an amount of it is finer than an atom.
        """
        if not isinstance(liquidator, Liquidator):
            raise TypeError(f"liquidator must be a Liquidator, got {said(liquidator)}")
        engine = self._engine
        number = _lendingentry.add_liquidator(engine, **liquidator.numbers(engine.scale_of(None)))
        self._added.append(liquidator)
        return number

    @property
    def compete(self) -> str:
        """Who of several makes a call or trades with bands: "order", the first in order of adding who gains by it;
        "bids", the one who gains most, who pays for being first what the next one would have gained."""
        return self._compete

    @compete.setter
    def compete(self, how: str) -> None:
        if how not in COMPETITIONS:
            raise ValueError(f"compete must be 'order' or 'bids', got {how!r}")
        _lendingentry.set_bidding(self._engine, how == "bids")
        self._compete = how

    def result(self, number: int) -> dict[str, float]:
        """Money earned after gas and bids, money spent on gas and on bids, and calls of a liquidator, purchases
        and trades with bands among them.

        Raises
        ------
        ValueError
            There is none of that number.
        """
        row = _lendingentry.liquidator_row(self._engine, whole(number, "number"))
        engine = self._engine
        return {
            "profit": engine.from_atoms(row["cash"]),
            "gas": engine.from_atoms(row["spent"]),
            "bids": engine.from_atoms(row["bids"]),
            "calls": float(row["done"]),
        }
