"""The cascade of docs/step.md: taking due units, closing them, settling them, within a budget."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from . import log as events
from .adl import Deleveraging
from .band_acts import act_on_bands
from .clearing import ALL_CROSS, Clearing
from .invariants import check_book, check_orders, check_stage
from .log import Log
from .margin import Position, bankruptcy_tick
from .partial import ONCE_A_STEP, Round, backstop_due, closing_lots, drawn, worth
from .queue import Entry, Queue
from .ramp import Started, may_stay_missing
from .records import BUY, LONG_LEG, SELL, SHORT_LEG
from .seizure import Seizure

LEG_FLAGS = {0: 0, 1: LONG_LEG, 2: SHORT_LEG}


@dataclass
class Budget:
    """Limits of a step; None: no limit. Time in nanoseconds."""

    accounts: int | None = None
    notional: int | None = None
    time_per_liquidation: int | None = None


class Cascade:
    """Liquidates for an engine; `engine` supplies marks and stops."""

    def __init__(self, engine) -> None:
        self.engine = engine
        self.clearing: Clearing = engine.clearing
        self.queue: Queue = engine.queue
        self.log: Log = engine.log
        self.waterfall = engine.waterfall
        self.deleveraging = Deleveraging(engine)
        self.units = 0
        self.notional = 0
        self.bought: set[int] = set()  # liquidators that bought in a storefront in this step
        self.touched: dict[int, int] = {}  # market: LIQUIDATION event that is its marks' cause

    def run(self, affordable: int | None) -> None:
        """Liquidate while something is due and the budget lasts."""
        self.units, self.notional, self.affordable, self.seen = 0, 0, affordable, 0
        self.queue.aside.clear()
        for market in self.engine.band_markets:
            market.look_at_due()
        self.waterfall.begin()
        self.touched = {}
        seizure = Seizure(self)
        seizure.absorption.open()
        stirred = seizure.auctions.begin()
        self.refresh_touched()
        self.liquidate()
        # what was liquidated or taken may have moved prices that auctions are taken at
        while stirred or self.units > self.seen:
            self.seen, self.touched = self.units, {}
            stirred = seizure.auctions.offer_all()
            self.refresh_touched()
            self.liquidate()
        self.queue.aside.clear()
        for market in self.engine.band_markets:
            market.look_at_due()
        self.waterfall.share()

    def liquidate(self) -> None:
        """Take units while some are due and the budget lasts."""
        while True:
            self.touched = {}
            act_on_bands(self)
            if self.exhausted() or not (taken := self.queue.takeable()):
                break
            for entry in taken if self.engine.execution == "batch" else taken[:1]:
                if self.exhausted():
                    break
                if self.queue.collects(entry.position):
                    continue
                self.take(entry)
            self.refresh_touched()

    def refresh_touched(self) -> None:
        """Marks of the markets that were traded in, in the order first touched, then their stops."""
        for market, cause in self.touched.items():
            self.engine.form_mark(market, cause)
        self.queue.on_marks()
        for market in self.touched:
            self.engine.fire_stops(market)

    def exhausted(self) -> bool:
        budget = self.engine.limits
        return (
            (budget.accounts is not None and self.units >= budget.accounts)
            or (budget.notional is not None and self.notional >= budget.notional)
            or (self.affordable is not None and self.units >= self.affordable)
        )

    def take(self, entry: Entry) -> None:
        """Test a unit again and liquidate it (steps 2-5)."""
        name = entry.unit
        self.queue.due.pop(name, None)
        if not self.clearing.due(name):
            self.clearing.ramps.end(name)
            return
        if self.clearing.accounts[name[0]].lending is not None:
            Seizure(self).take(entry)
            return
        backstop = self.backstop_comes(name)
        self.round = Round(self.account(name).whole_until > self.engine.clock)
        ramped = not backstop and self.clearing.ramps.applies(name)
        if ramped:
            self.clearing.ramps.started.setdefault(name, Started(self.engine.clock))
            self.round.missing = self.clearing.ramps.shortage(name)
        if not backstop and self.leaves_alone(name):
            self.queue.aside.add(name)
            self.queue.go_on(entry)
            return
        self.cancel_orders(name, entry.cause)
        self.units += 1
        self.clearing.liquidating = name
        positions = self.clearing.unit_positions(name)
        maintenance = {
            p.number: self.clearing.holding(p).maintenance(self.mark(p)) for p in positions
        }
        positions.sort(key=lambda p: -maintenance[p.number])
        closed, fees, last, once = 0, Fraction(0), -1, False
        ruled = not backstop and any(self.rule_kind(p) for p in positions)
        for position in positions:
            if not position.size or self.queue.collects(position):
                continue
            if ruled and not self.clearing.due(name):
                break
            lots = abs(position.size)
            if not backstop:
                once |= self.rule_kind(position) in ONCE_A_STEP or self.ramp(position) is not None
                lots = self.lots_to_close(name, position)
            if lots == 0:
                continue
            if backstop:
                done, fee, last = self.give_up(name, position, entry.cause)
            else:
                done, fee, last = self.close(name, position, lots, entry.cause)
            closed += done
            fees += fee
            if position.size and not ruled:
                break
        if ramped:
            started = self.clearing.ramps.started[name]
            started.freed += max(0, self.round.missing - self.clearing.ramps.shortage(name))
        if not self.clearing.unit_positions(name):
            self.settle(name, fees, last, backstop)
            check_orders(self.engine, name)
        self.clearing.liquidating = None
        for market in self.touched:
            if self.touched[market] == -1:
                self.touched[market] = last
        if closed == 0 or (once and self.clearing.due(name)):
            self.queue.aside.add(name)
        self.queue.go_on(entry)

    def account(self, name: tuple[int, int]):
        return self.clearing.accounts[name[0]]

    def backstop_comes(self, name: tuple[int, int]) -> bool:
        shares = [
            self.clearing.markets[p.market].rules.backstop_share
            for p in self.clearing.unit_positions(name)
        ]
        return backstop_due(self.clearing.unit(name), shares)

    def rule_kind(self, position: Position) -> str:
        rule = self.clearing.markets[position.market].rules.partial_rule
        return "" if rule is None or position.ladder_trigger else rule[0]

    def leaves_alone(self, name: tuple[int, int]) -> bool:
        """Do the rules leave every position of a unit alone in this step?"""
        return not any(
            self.lots_to_close(name, position)
            for position in self.clearing.unit_positions(name)
            if not self.queue.collects(position)
        )

    def lots_to_close(self, name: tuple[int, int], position: Position) -> int:
        """What the partial rule of the position's market says in this round."""
        positions = self.clearing.unit_positions(name)
        rules = [self.partial_rule(self.clearing.markets[p.market]) for p in positions]
        index = positions.index(position)
        unit = self.clearing.unit(name)
        bits = self.draw(position)
        ramp, stays = self.ramp(position), 0
        if ramp is not None:
            market = self.clearing.markets[position.market]
            small = floor(ramp[2] * 10 ** self.clearing.assets[market.asset].decimals)
            started = self.clearing.ramps.started[name]
            elapsed = self.engine.clock - started.at
            stays = may_stay_missing(ramp, small, self.round.missing, started.freed, elapsed)
        return closing_lots(unit, rules, index, self.round, bits, ramp is not None, stays)

    def ramp(self, position: Position) -> tuple | None:
        """The ramp of the position's rule: (initial share, nanoseconds, small)."""
        return (
            None if position.ladder_trigger else self.clearing.markets[position.market].rules.ramp
        )

    def draw(self, position: Position) -> int:
        engine = self.engine
        return drawn(engine.seed, engine.clock, position.account, position.market)

    def mark(self, position: Position) -> int:
        return self.clearing.markets[position.market].mark_ticks

    def cancel_orders(self, name: tuple[int, int], cause: int) -> None:
        account, number = name
        for market in self.clearing.markets:
            for order, _ in market.venue.orders_of(account):
                position = self.clearing.position(account, market.number, self.leg(order))
                if number == ALL_CROSS and position.isolated:
                    continue
                if number != ALL_CROSS and position.number != number:
                    continue
                market.venue._cancel(order.id)
                self.engine.log_removal(market.number, order, order.total, cause)
                self.touched.setdefault(market.number, -1)

    @staticmethod
    def leg(order) -> int:
        return 1 if order.flags & LONG_LEG else 2 if order.flags & SHORT_LEG else 0

    def close(
        self, name: tuple[int, int], position: Position, lots: int, cause: int
    ) -> tuple[int, Fraction, int]:
        """Step 4 for lots of one position: (closed, fee before rounding, LIQUIDATION event)."""
        market = self.clearing.markets[position.market]
        rules, mark = market.rules, self.mark(position)
        side = SELL if position.size > 0 else BUY
        before = abs(position.size)
        whole = lots == before
        self.round.used += worth(self.clearing.holding(position), lots)
        liquidation = self.record(name, position, lots, cause)
        absorbed = floor(lots * rules.absorbed)
        if absorbed:
            self.clearing.take_over(position, absorbed, mark, liquidation)
            check_stage(self.engine, market, position.account, "a takeover")
        fee = Fraction(0)
        if lots > absorbed:
            fee = self.sell(name, position, lots - absorbed, side, whole, liquidation)
        self.queue.reenter_changed()
        closed = before - abs(position.size)
        if closed and not whole and rules.partial_rule[0] == "fraction":
            account = self.clearing.accounts[position.account]
            until = self.engine.clock + rules.partial_rule[3]
            account.whole_until = max(account.whole_until, until)
        return closed, fee, liquidation

    def partial_rule(self, market) -> tuple | None:
        """The market's rule with its notional in atoms."""
        if market.rules.partial_rule is None:
            return None
        kind, *terms = market.rules.partial_rule
        at = {"fraction": 1, "cap": 0, "slices": 2}.get(kind)
        if at is not None:
            terms[at] = floor(terms[at] * 10 ** self.clearing.assets[market.asset].decimals)
        return kind, *terms

    def record(self, name: tuple[int, int], position: Position, lots: int, cause: int) -> int:
        """The LIQUIDATION event of lots about to be closed."""
        mark = self.mark(position)
        market = self.clearing.markets[position.market]
        signed = lots if position.size > 0 else -lots
        self.notional += abs(market.contract.value(signed, mark))
        if market.halts is not None:
            market.halts.throttle(lots, abs(market.contract.value(signed, mark)))
        return self.log.add(
            events.LIQUIDATION,
            cause=cause,
            wave=self.log.wave(cause) + 1,
            account=position.account,
            side=SELL if position.size > 0 else BUY,
            price=mark,
            quantity=lots,
            money=self.clearing.unit(name).equity(),
            market=position.market,
        )

    def give_up(
        self, name: tuple[int, int], position: Position, cause: int
    ) -> tuple[int, Fraction, int]:
        """The backstop takes a whole position at its bankruptcy tick, without an order."""
        lots = abs(position.size)
        liquidation = self.record(name, position, lots, cause)
        venue = self.clearing.markets[position.market].venue
        index = self.clearing.unit_positions(name).index(position)
        unit = self.clearing.unit(name)
        tick = bankruptcy_tick(unit, index, venue.min_price, venue.max_price)
        self.clearing.take_over(position, lots, tick, liquidation)
        market = self.clearing.markets[position.market]
        check_stage(self.engine, market, position.account, "a takeover")
        self.queue.reenter_changed()
        return lots, Fraction(0), liquidation

    def sell(
        self,
        name: tuple[int, int],
        position: Position,
        lots: int,
        side: int,
        whole: bool,
        liquidation: int,
    ) -> Fraction:
        """Send the forced order; what a whole close leaves goes to winners or the house. The fee due."""
        market = self.clearing.markets[position.market]
        venue = market.venue
        index = self.clearing.unit_positions(name).index(position)
        lowest, highest = venue.min_price, venue.max_price
        tick = bankruptcy_tick(self.clearing.unit(name), index, lowest, highest)
        limit = tick if market.rules.liquidation_order == "bankruptcy" else 0
        flags = LEG_FLAGS[position.leg]
        self.clearing.taker_leg = position.leg
        filled, fills, removals = venue.forced(side, lots, limit, position.account, flags)
        for order, removed in removals:
            self.engine.log_removal(position.market, order, removed, liquidation)
        fee = Fraction(0)
        for fill in fills:
            notional = self.clearing.settle(position.market, fill, flags, liquidation)
            fee += notional * market.rules.liquidation
        stage = "the book" if whole else "a partial close"
        check_book(self.engine, market, position.account, stage)
        self.touched.setdefault(position.market, -1)
        if fills:
            self.touched[position.market] = market.last_trade = liquidation
        left = lots - filled if whole else 0
        if left and market.halts is not None and market.halts.holds(side, limit):
            left = 0
        if left and self.deleveraging.applies(position.market):
            self.queue.reenter_changed()
            left = self.deleveraging.close(position, left, tick, liquidation)
            check_stage(self.engine, market, position.account, "deleveraging")
        if left:
            self.clearing.take_over(position, left, tick, liquidation)
            check_stage(self.engine, market, position.account, "a takeover")
        return fee

    def settle(self, name: tuple[int, int], fees: Fraction, last: int, backstop: bool) -> None:
        """Step 5: what is left of the collateral of a unit without positions."""
        account, number = name
        market_number = self.log.events[last].market
        market = self.clearing.markets[market_number]
        left = self.clearing.collateral(name)
        to_fund = left
        if left > 0:
            fee = min(left, ceil(fees))
            to_fund = left if backstop or market.rules.surplus == "fund" else fee
        if number == ALL_CROSS:
            self.clearing.set_collateral(name, max(left - to_fund, 0))
        else:
            self.clearing.set_collateral(name, 0)
            self.clearing.move_balance(account, max(left - to_fund, 0))
        if left < 0:
            long = self.log.events[last].side == SELL
            self.waterfall.cover(market_number, account, -left, last, long)
        else:
            self.clearing.move_fund(to_fund, market_number, account, last)
        check_stage(self.engine, market, account, "the insurance fund")
