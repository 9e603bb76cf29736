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

    def chosen(self, offers: list):
        """(number, offer) among some (number, profit, offer): the first's; of bidders who gains most.

        The highest bidder pays what the next one would have gained.
        """
        if not offers:
            return None
        if self.compete == "order":
            return offers[0][0], offers[0][2]
        ranked = sorted(offers, key=lambda offer: -offer[1])
        bid = max(0, ranked[1][1]) if len(ranked) > 1 else 0
        self[ranked[0][0]].cash -= bid
        self[ranked[0][0]].bids += bid
        return ranked[0][0], ranked[0][2]

    def result(self, number: int) -> dict:
        found, engine = self[number], self.engine
        profit, gas, bids = (engine.from_atoms(x) for x in (found.cash, found.spent, found.bids))
        return {"profit": profit, "gas": gas, "bids": bids, "calls": float(found.done)}
