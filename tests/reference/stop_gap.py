"""Who makes a call that no liquidator of the twin gains by: docs/lending-market.md, *Stop-gaps*."""

from dataclasses import dataclass
from fractions import Fraction

from . import log as events
from .lending_rules import Liquidator
from .records import BUY

POOL, BACKSTOP = -4, -5


@dataclass
class LeastAtom:
    """Terms of a pool in which one atom stays."""

    least_left: object
    sells: bool = True


class StopGap:
    """The stages of a lending market's rules, and what the backstop earned."""

    def __init__(self, lending) -> None:
        self.lending, self.engine = lending, lending.engine
        self.atoms = 10 ** self.engine.clearing.assets[lending.asset].decimals
        self.stages = [(s,) if isinstance(s, str) else tuple(s) for s in lending.rules.stop_gap]
        self.cash = self.done = 0

    def stand_in(self, capital, cash: int) -> Liquidator:
        return Liquidator(capital=capital, halvings=62, last_resort=True, cash=cash)

    def fill(self, seizure, account: int, unit, cause: int) -> bool:
        """A call by the first stage that has the means, once every liquidator has seen the account."""
        if any(seizure.waits(liquidator, cause) for liquidator in self.engine.liquidators):
            return False
        for name, *terms in self.stages:
            if name == "stability_pool":
                done = self.by_pool(seizure, account, unit, cause)
            else:
                done = self.by_backstop(seizure, account, unit, cause, terms[0])
            if done:
                return True
        return False

    def by_pool(self, seizure, account: int, unit, cause: int) -> bool:
        pool = self.lending.stability_pool
        free = pool.free()
        stand_in = self.stand_in(Fraction(free, self.atoms), 0)
        deal = seizure.find(account, unit, stand_in) if free else None
        if deal is None or not seizure.quote(deal.debt.reserve, BUY, deal.repaid + deal.extra):
            return False
        liquidation = seizure.execute(account, unit, deal, stand_in, POOL, cause)
        # a purchase that a price band stopped may cost more than was quoted
        burned = min(deal.cost, free)
        gain = max(deal.gains - (deal.cost - burned), 0)
        self.engine.log.add(
            events.OFFSET, cause=liquidation, account=account, quantity=burned, money=gain,
            market=deal.debt.reserve.borrowed_side.number,
        )  # fmt: skip
        pool.offset(burned, gain)
        return True

    def by_backstop(self, seizure, account: int, unit, cause: int, capital) -> bool:
        stand_in = self.stand_in(capital, self.cash)
        deal = seizure.find(account, unit, stand_in)
        if deal is None:
            return False
        seizure.execute(account, unit, deal, stand_in, BACKSTOP, cause)
        self.cash = stand_in.cash
        self.done += 1
        return True
