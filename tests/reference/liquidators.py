"""The liquidators of a twin engine, in the order in which they are asked."""

from copy import copy

from .lending_rules import Liquidator


class Liquidators(list):
    """Who repays debts for collateral: the first who gains, or the one who gains most and outbids the rest."""

    def __init__(self, engine) -> None:
        super().__init__()
        self.engine = engine
        self.compete = "order"

    def add(self, liquidator: Liquidator) -> int:
        self.append(copy(liquidator))
        return len(self) - 1

    def result(self, number: int) -> dict:
        found, engine = self[number], self.engine
        profit, gas, bids = (engine.from_atoms(x) for x in (found.cash, found.spent, found.bids))
        return {"profit": profit, "gas": gas, "bids": bids, "calls": float(found.done)}
