"""`engine.liquidators`: who repays debts for collateral, and what they earned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cascade import _lendingentry
from cascade.exact_numbers import whole
from cascade.lending_rules import Liquidator

if TYPE_CHECKING:
    from cascade.engine import Engine

__all__ = ["Liquidators"]


class Liquidators:
    """`engine.liquidators`: who repays debts for collateral, asked in this order.

    Without any, borrowers are liquidated by somebody with money borrowed for the call and no cost of
    gas.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._added: list[Liquidator] = []

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
            raise TypeError(f"a liquidator is a Liquidator, got {liquidator!r}")
        engine = self._engine
        number = _lendingentry.add_liquidator(engine, **liquidator.numbers(engine.scale_of(None)))
        self._added.append(liquidator)
        return number

    def result(self, number: int) -> dict[str, float]:
        """Money earned after gas, money spent on gas, and calls of a liquidator.

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
            "calls": float(row["done"]),
        }
