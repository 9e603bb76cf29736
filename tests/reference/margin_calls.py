"""Margin calls of the twin: everybody is looked at, whoever is below the warning level is called."""

from dataclasses import replace
from math import ceil

from . import log as events
from .margin import Table, Tier, Unit, exact_trigger, rate_of
from .queue import Name
from .records import BUY, LONG_LEG, MARKET, REDUCE_ONLY, SELL, SHORT_LEG, Message
from .residents import PARTS, Resident
from .rules import parts_of

NONE, TOP_UP, REDUCTION, TOO_LATE = range(4)
LEG_FLAGS = {0: 0, 1: LONG_LEG, 2: SHORT_LEG}
LARGEST_AMOUNT = 2**61


class Calls(Resident):
    kind = 4

    def __init__(self, engine, number, settings) -> None:
        others = [other for other in engine.residents.all if isinstance(other, Calls)]
        if any(other.market.name == settings.market for other in others):
            raise ValueError("the market has margin calls already")
        super().__init__(engine, number, settings)
        level, table = rate_of(settings.warning), self.market.table
        tiers = [Tier(tier.floor, tier.rate * level, tier.initial) for tier in table.tiers]
        self.table = Table(tiers, table.whole, table.entry_basis, table.added * level)
        if max(tier.rate for tier in tiers) + self.table.added >= 1:
            raise ValueError("a maintenance rate times the warning level is not below 1")
        self.top_up_share = parts_of(settings.top_up_share)
        self.reduce_share = parts_of(settings.reduce_share)
        self.top_up = parts_of(settings.top_up)
        self.reduce = parts_of(settings.reduce)
        self.called: dict[int, int] = {}  # position number: warning trigger of its call

    def numbers(self) -> list[int]:
        positions = self.engine.clearing.positions
        mine = [p for p in positions if p.number in self.called]
        rows = sorted((p.account, p.leg, self.called[p.number]) for p in mine)
        return [len(rows), *(number for row in rows for number in row)]

    def warned(self, name: Name) -> Unit:
        """The unit as it would be tested at the warning level."""
        unit = self.engine.clearing.unit(name)
        return Unit(unit.collateral, [replace(h, table=self.table) for h in unit.holdings])

    def crossed(self) -> list[tuple]:
        """Whom to call, the first first: longs, then the most overdue."""
        engine, found = self.engine, []
        for name in engine.clearing.unit_names():
            if not engine.queue.has_trigger(name):
                continue
            (position,) = engine.clearing.unit_positions(name)
            if position.market != self.market.number or position.ladder_trigger:
                continue
            unit = self.warned(name)
            if not unit.due():
                continue
            trigger = exact_trigger(unit)
            if trigger != self.called.get(position.number):
                key = -trigger if position.size > 0 else trigger
                found.append((position.size < 0, key, position.number, trigger, name))
        return sorted(found)

    def act(self, elapsed: int) -> None:
        if not self.market.mark_ticks or self.collecting:
            return
        while found := self.crossed():
            _, _, number, trigger, name = found[0]
            self.called[number] = trigger
            self.call(name, trigger)

    def answer(self, due: bool) -> int:
        draw = self.stream.below(PARTS)
        if due:
            return TOO_LATE
        if draw < self.top_up_share:
            return TOP_UP
        return REDUCTION if draw < self.top_up_share + self.reduce_share else NONE

    def call(self, name: Name, trigger: int) -> None:
        engine, log, number = self.engine, self.engine.log, self.market.number
        (position,) = engine.clearing.unit_positions(name)
        unit = self.warned(name)
        needed, equity = unit.maintenance(), unit.equity()
        answer = self.answer(engine.clearing.due(name))
        side = SELL if position.size > 0 else BUY
        call = log.add(
            events.MARGIN_CALL,
            cause=log.mark_that_reached(number, trigger, position.size > 0),
            account=position.account,
            side=side,
            price=self.market.mark_ticks,
            quantity=abs(position.size),
            money=needed - equity,
            code=answer,
            market=number,
        )
        if answer == TOP_UP:
            self.pay_in(name, position, -(-needed * self.top_up // PARTS) - equity, call)
        elif answer == REDUCTION:
            lots = ceil(abs(position.size) * self.reduce / PARTS)
            if lots >= self.market.venue.min_size:
                flags = REDUCE_ONLY | LEG_FLAGS[position.leg]
                order = Message(MARKET, side, account=position.account, size=lots, flags=flags)
                engine.process(self.market, order)

    def pay_in(self, name: Name, position, amount: int, call: int) -> None:
        clearing, log = self.engine.clearing, self.engine.log
        asset = clearing.assets[self.market.asset]
        held = clearing.stored(name)
        if amount <= 0 or max(held, asset.deposits) + amount > LARGEST_AMOUNT:
            return
        clearing.set_collateral(name, held + amount)
        asset.deposits += amount
        about = {"cause": call, "account": position.account, "money": amount}
        log.add(events.DEPOSIT, **about)
        if position.isolated:
            log.add(events.TRANSFER, market=self.market.number, **about)
        clearing.changed.append(name)
        self.engine.queue.reenter_changed()
