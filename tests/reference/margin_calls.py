"""Margin calls of the twin: everybody is looked at, whoever is below the warning level is called."""

from dataclasses import replace
from math import ceil

from . import log as events
from .accrual import settle_touched
from .margin import Position, Table, Tier, Unit, exact_trigger, rate_of
from .queue import Name
from .records import BUY, LONG_LEG, MARKET, MAX_PRICE, REDUCE_ONLY, SELL, SHORT_LEG, Message
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

    def tables(self) -> dict[int, Table]:
        """Tables at the warning level, of the markets that have one."""
        others = [other for other in self.engine.residents.all if isinstance(other, Calls)]
        return {other.market.number: other.table for other in others}

    def warned(self, name: Name, positions: list[Position]) -> Unit:
        """The unit as it would be tested at the warning level."""
        clearing, tables = self.engine.clearing, self.tables()
        held = [clearing.holding(p) for p in positions]
        pairs = zip(held, positions, strict=True)
        held = [replace(h, table=tables.get(p.market, h.table)) for h, p in pairs]
        return Unit(clearing.collateral(name), held)

    def crossed(self) -> list[tuple]:
        """Whom to call, the first first: units of several prices, then longs, the most overdue."""
        clearing, found = self.engine.clearing, []
        for name in clearing.unit_names():
            positions = clearing.unit_positions(name)
            here = [p for p in positions if p.market == self.market.number]
            if not here or any(p.ladder_trigger for p in positions):
                continue
            unit = self.warned(name, positions)
            if not unit.due():
                continue
            position = here[0]
            trigger = self.level_tick(name, unit, positions.index(position))
            if trigger == self.called.get(position.number):
                continue
            accrues = clearing.markets[position.market].accrues
            if len(positions) > 1 or unit.holdings[0].table.jumps or accrues:
                found.append((-1, 0, position.number, trigger, name))
            else:
                key = -trigger if position.size > 0 else trigger
                found.append((position.size < 0, key, position.number, trigger, name))
        return sorted(found)

    def level_tick(self, name: Name, unit: Unit, k: int) -> int:
        """Tick of the level in the price of holding `k`, the others as they were at entry.

        Funding that is owed and not paid moves it no more than prices do.
        """
        held = unit.holdings[k]
        others = unit.holdings[:k] + unit.holdings[k + 1 :]
        asked = sum(h.table.maintenance(abs(h.entry)) for h in others)
        if held.table.jumps:
            # of the tier that the position was in at entry
            tier = held.table.tiers[held.table.tier(abs(held.entry))]
            held = replace(held, table=Table([replace(tier, floor=0)], added=held.table.added))
        tick = exact_trigger(Unit(self.engine.clearing.stored(name) - asked, [held]))
        if tick is None:
            return 1 if held.size > 0 else MAX_PRICE
        return tick

    def act(self, elapsed: int) -> None:
        if not self.market.mark_ticks or self.collecting:
            return
        while found := self.crossed():
            group, _, number, trigger, name = found[0]
            if group >= 0:
                self.called[number] = trigger
                (position,) = self.engine.clearing.unit_positions(name)
                cause = self.engine.log.mark_that_reached(
                    self.market.number, trigger, position.size > 0
                )
                self.call(name, position, cause)
            else:
                self.remember(name)
                self.call(name, self.heaviest(name), -1)

    def remember(self, name: Name) -> None:
        """A call counts for every market with calls that the unit is in."""
        positions = self.engine.clearing.unit_positions(name)
        unit = self.warned(name, positions)
        for other in self.engine.residents.all:
            for k, p in enumerate(positions):
                if isinstance(other, Calls) and p.market == other.market.number:
                    other.called[p.number] = self.level_tick(name, unit, k)

    def heaviest(self, name: Name) -> Position:
        """The position with most maintenance at the warning level, the first of equal ones."""
        positions = self.engine.clearing.unit_positions(name)
        needed = [h.maintenance(h.mark) for h in self.warned(name, positions).holdings]
        return positions[needed.index(max(needed))]

    def answer(self, due: bool) -> int:
        draw = self.stream.below(PARTS)
        if due:
            return TOO_LATE
        if draw < self.top_up_share:
            return TOP_UP
        return REDUCTION if draw < self.top_up_share + self.reduce_share else NONE

    def call(self, name: Name, position: Position, cause: int) -> None:
        engine, log = self.engine, self.engine.log
        market = engine.clearing.markets[position.market]
        unit = self.warned(name, engine.clearing.unit_positions(name))
        needed, equity = unit.maintenance(), unit.equity()
        answer = self.answer(engine.clearing.due(name))
        side = SELL if position.size > 0 else BUY
        call = log.add(
            events.MARGIN_CALL,
            cause=cause,
            account=position.account,
            side=side,
            price=market.mark_ticks,
            quantity=abs(position.size),
            money=needed - equity,
            code=answer,
            market=market.number,
        )
        if answer == TOP_UP:
            self.pay_in(name, position, -(-needed * self.top_up // PARTS) - equity, call)
        elif answer == REDUCTION:
            lots = ceil(abs(position.size) * self.reduce / PARTS)
            if lots >= market.venue.min_size and not market.venue.auction:
                flags = REDUCE_ONLY | LEG_FLAGS[position.leg]
                order = Message(MARKET, side, account=position.account, size=lots, flags=flags)
                engine.process(market, order)

    def pay_in(self, name: Name, position, amount: int, call: int) -> None:
        clearing, log = self.engine.clearing, self.engine.log
        asset = clearing.assets[self.market.asset]
        held = clearing.stored(name)
        if amount <= 0 or max(held, asset.deposits) + amount > LARGEST_AMOUNT:
            return
        settle_touched(clearing, position)
        clearing.set_collateral(name, clearing.stored(name) + amount)
        asset.deposits += amount
        about = {"cause": call, "account": position.account, "money": amount}
        log.add(events.DEPOSIT, **about)
        if position.isolated:
            log.add(events.TRANSFER, market=position.market, **about)
        clearing.changed.append(name)
        self.engine.queue.reenter_changed()
