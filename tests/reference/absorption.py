"""Accounts that the twin's protocol takes over itself, and the storefront where it sells what it took.

docs/protocols/compound_v3.md: everything of the account is taken, its debt is borne by the reserves, what the
collateral at its liquidation factor is worth beyond it becomes base supply.
"""

from . import log as events
from .lending_categories import side_of
from .lending_reserves import PARTS
from .lending_rules import ONE, Liquidator
from .margin import rate_of
from .records import BUY, SELL

INFINITE = 2**62  # health without debt


class Absorption:
    def __init__(self, seizure) -> None:
        self.seizure = seizure
        self.cascade = seizure.cascade
        self.engine = seizure.engine

    # --- taking over ---------------------------------------------------------------------------

    def take(self, entry) -> None:
        """Take over a borrower that is due; not while one of its reserves is paused or in its grace."""
        queue, name = self.cascade.queue, entry.unit
        lending = self.engine.clearing.accounts[name[0]].lending
        unit = self.engine.clearing.unit(name)
        owes = any(held.size < 0 for held in unit.holdings)
        if not owes or not all(held.reserve.usable() for held in unit.holdings):
            self.seizure.leave(entry)
            return
        self.cascade.units += 1
        self.engine.clearing.liquidating = name
        self.sell(lending, self.absorb(lending, name[0], unit, entry.cause))
        self.engine.clearing.liquidating = None
        queue.go_on(entry)

    def absorb(self, lending, account: int, unit, cause: int) -> int:
        """Move everything to the protocol; the LIQUIDATION event."""
        log = self.engine.log
        held = [h for h in unit.holdings if h.size > 0]
        debt = next(h for h in unit.holdings if h.size < 0)
        base = debt.reserve
        worth = base.unit * base.price_ticks
        owed_lots = base.lots(-debt.size, True)
        credited = 0
        for h in held:
            value = h.reserve.lots(h.size, False) * h.reserve.unit * h.reserve.price_ticks
            credited += value * h.reserve.liquidation_factor // PARTS
        balance = credited // worth - owed_lots
        self.cascade.notional += owed_lots * worth
        first = held[0].reserve
        liquidation = log.add(
            events.LIQUIDATION, cause=cause, wave=log.wave(cause) + 1, side=SELL,
            price=first.price_ticks, quantity=first.lots(held[0].size, False),
            money=unit.equity(), account=account, market=held[0].side.number,
        )  # fmt: skip
        about = {"cause": liquidation, "account": account}
        for h in held:
            lots = h.reserve.lots(h.size, False)
            lending.move_scaled(account, h.side, -h.size)
            h.reserve.treasury += lots
            if h.reserve is not base and lots:
                h.reserve.offered = h.reserve.offered if h.reserve.absorbed else self.engine.clock
                h.reserve.absorbed += lots
            h.reserve.roundings += 1
            side = h.side.number
            log.add(events.SEIZE, counterparty=events.HOUSE, quantity=lots, market=side, **about)
        lending.move_scaled(account, base.borrowed_side, debt.size)
        base.treasury -= owed_lots + max(balance, 0)
        base.roundings += 2
        log.add(
            events.REPAY, counterparty=events.HOUSE, quantity=owed_lots, money=owed_lots * worth,
            market=base.borrowed_side.number, **about,
        )  # fmt: skip
        if balance > 0:
            side = side_of(lending.category_of.get(account), base)
            lending.move_scaled(account, side, balance * ONE // base.supply_index)
            log.add(events.SUPPLY, quantity=balance, market=side.number, **about)
        if balance < 0:
            log.add(
                events.BAD_DEBT, quantity=-balance, money=-balance * worth,
                market=base.borrowed_side.number, **about,
            )  # fmt: skip
        borne = unit.borne()
        health = borne * PARTS // (borne - unit.equity())
        side = held[0].side.number
        log.add(events.HEALTH, order=health, quantity=INFINITE, market=side, **about)
        return liquidation

    # --- the storefront ------------------------------------------------------------------------

    def open(self) -> None:
        """At the beginning of a cascade: what was left."""
        self.cascade.bought.clear()
        for liquidator in self.engine.liquidators:
            liquidator.step_repaid = 0
        for lending in self.engine.lending.values():
            if lending.rules.close_factor[0] == "absorb":
                self.sell(lending, -1)

    def sell(self, lending, cause: int) -> None:
        """Collateral to liquidators, as long as one of them gains by it and reserves are short."""
        for reserve in lending.reserves.values():
            while reserve.absorbed and self.sell_some(lending, reserve, cause):
                pass

    def sell_some(self, lending, reserve, cause: int) -> bool:
        base = lending.base
        _, storefront, target = lending.rules.close_factor
        if reserve.paused or base.paused or not reserve.price_ticks or not base.price_ticks:
            return False
        if reserve.unpriced() or base.unpriced():
            return False
        if base.treasury * rate_of(base.lot_size) >= rate_of(target):
            return False
        discount = self.seizure.parts(storefront) * (PARTS - reserve.liquidation_factor) // PARTS
        ask = reserve.unit * reserve.price_ticks * (PARTS - discount) // PARTS
        offers = []
        for number, liquidator in enumerate(self.engine.liquidators or [Liquidator()]):
            found = None
            if not self.waits(number, liquidator, reserve):
                found = self.offer(lending, liquidator, reserve, ask)
            if found is not None:
                who = number if self.engine.liquidators else -1
                offers.append((found[0], who, liquidator, found[1:]))
        if not offers:
            return False
        if self.engine.liquidators.compete == "bids":
            offers.sort(key=lambda offer: -offer[0])
            bid = max(0, offers[1][0]) if len(offers) > 1 else 0
            offers[0][2].cash -= bid
            offers[0][2].bids += bid
        _, who, liquidator, lots = offers[0]
        self.cascade.bought.add(who)
        self.buy(lending, liquidator, who, reserve, lots, cause)
        return True

    def waits(self, number: int, liquidator, reserve) -> bool:
        """Has the liquidator bought in this step already, or not seen the offer yet?"""
        if liquidator.calls == "single" and number in self.cascade.bought:
            return True
        latency = round(rate_of(liquidator.latency) * 10**9)
        return self.engine.clock - reserve.offered < latency

    def offer(self, lending, liquidator, reserve, ask: int) -> tuple[int, int, int] | None:
        """(profit, lots bought, base paid) of the largest amount that the liquidator gains by."""
        worth = lending.base.unit * lending.base.price_ticks
        most = min(reserve.absorbed, reserve.cash)
        for attempt in range(liquidator.halvings + 1):
            paid = (most >> attempt) * ask // worth
            if not paid:
                return None
            got = paid * worth // ask
            profit = self.profit(lending, liquidator, reserve, got, paid) if got else None
            if profit is not None:
                return profit, got, paid
        return None

    def profit(self, lending, liquidator, reserve, got: int, paid: int) -> int | None:
        """Atoms that a purchase earns; None: it is not worth while or not affordable."""
        gains = self.seizure.quote(reserve, SELL, got)
        cost = self.seizure.quote(lending.base, BUY, paid)
        if gains is None or cost is None:
            return None
        capital = liquidator.capital
        have = 0 if capital is None else self.engine.to_atoms(capital, lending.asset)
        if capital is not None and cost > have + liquidator.cash:
            return None
        gas, least = (
            self.engine.to_atoms(x, lending.asset) for x in (liquidator.gas, liquidator.min_profit)
        )
        return gains - cost - gas if gains - cost - gas >= least else None

    def buy(self, lending, liquidator, who: int, reserve, lots: tuple, cause: int) -> None:
        got, paid = lots
        base, log = lending.base, self.engine.log
        event = log.add(
            events.SEIZE, cause=cause, account=-1, counterparty=who, quantity=got,
            market=reserve.supplied_side.number,
        )  # fmt: skip
        log.add(
            events.REPAY, cause=event, account=-1, counterparty=who, quantity=paid,
            money=paid * base.unit * base.price_ticks, market=base.borrowed_side.number,
        )  # fmt: skip
        reserve.cash -= got
        reserve.treasury -= got
        reserve.absorbed -= got
        reserve.offered = reserve.offered if reserve.absorbed else 0
        reserve.flow("seized", got)
        base.cash += paid
        base.treasury += paid
        base.flow("repaid", paid)
        gas = self.engine.to_atoms(liquidator.gas, lending.asset)
        gains = self.seizure.trade(reserve, SELL, got, event)
        liquidator.cash += gains - self.seizure.trade(base, BUY, paid, event) - gas
        liquidator.spent += gas
        liquidator.done += 1
