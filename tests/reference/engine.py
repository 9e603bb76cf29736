"""The slow twin of the engine: docs/engine-api.md over clearing house, queue and cascade.

It owns the clock, the order of phases, marks and stops. A message goes: checks and venue, fills
settled, queue looked at, mark recomputed, stops one at a time, each the same way (docs/step.md).
"""

import copy
from fractions import Fraction

import numpy as np

from . import log as events
from .accounts import Accounts
from .accrual import accrue, undistributed
from .band_market import BandLendings, BandRules
from .cascade import Budget, Cascade
from .clearing import UNKNOWN_ACCOUNT, Asset, Clearing, stated_prices
from .clock import AVERAGED, averaged_mark, is_stale, pass_time
from .disposal import dispose
from .following import check_follows, follow, followed, lead_followers
from .gateway import message_of
from .grid import whole
from .halts import Breaker, Halts, pass_halts
from .lending import pass_lending, read_again
from .lending_rules import LendingRules, Liquidator, Oracle, Troves
from .lending_totals import check_reserve, lending_totals
from .liquidators import Liquidators
from .log import Log
from .margin import Contract, Table, Tier, rate_of
from .market import Market
from .outside import believed_now
from .pools import Concentrated, ConstantProduct, PoolVenue, Stableswap
from .queue import Move, Queue
from .rates import AdaptiveRate, FixedRate, JumpRate, KinkRate
from .records import CANCEL, CANCEL_ALL, MODIFY, STOP_ON_MARK, Code, Message, StepResult
from .residents import Residents
from .rules import Impact, Rules, parts_of
from .sales import CollateralAuction
from .state_hashes import hash_of
from .venues import ImpactVenue, VenueBook, leg_of
from .waterfall import Waterfall

__all__ = [
    "AdaptiveRate",
    "BandRules",
    "Breaker",
    "CollateralAuction",
    "Concentrated",
    "ConstantProduct",
    "Engine",
    "FixedRate",
    "Impact",
    "JumpRate",
    "KinkRate",
    "LendingRules",
    "Liquidator",
    "Oracle",
    "Rules",
    "Stableswap",
    "Troves",
]

NANOSECONDS = 10**9


class Engine:
    def __init__(self, seed=0, execution="sequential", asset="USD", asset_decimals=6) -> None:
        if execution not in ("sequential", "batch"):
            raise ValueError(f"execution must be 'sequential' or 'batch', got {execution!r}")
        self.seed = seed
        self.execution = execution
        self.asset = asset
        self.clock = 0
        self.carried = 0
        self.limits = Budget()
        self.log = Log()
        self.clearing = Clearing(self.log)
        self.clearing.assets[asset] = Asset(asset_decimals)
        self.queue = Queue(self.clearing, self.log)
        self.waterfall = Waterfall(self)
        self.accounts = Accounts(self)
        self.residents = Residents(self)
        self.reserves: list = []
        self.band_markets: list = []
        self.lending = BandLendings(self)
        self.liquidators = Liquidators(self)

    # --- setting up ----------------------------------------------------------------------------

    def budget(self, accounts=None, notional=None, time_per_liquidation=None) -> None:
        atoms = None if notional is None else self.to_atoms(notional, self.asset)
        time = None if time_per_liquidation is None else self.to_time(time_per_liquidation)
        self.limits = Budget(accounts, atoms, time)

    def add_asset(self, name, decimals=6) -> None:
        if name in self.clearing.assets:
            raise ValueError(f"asset {name!r} exists")
        self.clearing.assets[name] = Asset(decimals)

    def add_market(
        self,
        name,
        *,
        tick_size,
        lot_size,
        rules=None,
        venue="book",
        contract="linear",
        multiplier=1,
        asset=None,
        min_size=None,
        max_size=None,
        min_price=None,
        max_price=None,
        follows=None,
    ) -> Market:
        if any(market.name == name for market in self.clearing.markets):
            raise ValueError(f"market {name!r} exists")
        rules = rules or Rules()
        sources = followed(self, follows)
        check_follows(sources, tick_size, rules)
        asset = asset or self.asset
        if asset not in self.clearing.assets:
            raise ValueError(f"asset {asset!r} is not one of {list(self.clearing.assets)}")
        atoms = 10 ** self.clearing.assets[asset].decimals
        inverse = contract == "inverse"
        tick, lot = rate_of(tick_size), rate_of(lot_size)
        per_lot = lot * rate_of(multiplier) * atoms
        unit = per_lot / tick if inverse else per_lot * tick
        if unit.denominator != 1 or unit <= 0:
            raise ValueError(f"tick and lot give {unit} atoms, which is not a whole number")
        number = len(self.clearing.markets)
        sizes = {"min_size": min_size, "max_size": max_size}
        prices = {"min_price": min_price, "max_price": max_price}
        bounds = {k: v if v is None else whole(k, v, lot) for k, v in sizes.items()}
        bounds |= {k: v if v is None else whole(k, v, tick) for k, v in prices.items()}
        if venue == "book":
            made = VenueBook(self.clearing, number, **bounds)
        else:
            made = self._venue(venue, number, int(unit), inverse, bounds)
        table = self._table(rules, asset)
        terms = (asset, Contract(inverse, int(unit)), table, rules, made, tick_size, lot_size)
        market = Market(self, number, name, *terms)
        self.clearing.markets.append(market)
        if rules.breaker is not None:
            market.halts = Halts(self, market, rules.breaker)
        if isinstance(made, PoolVenue):
            # a pool has a price before anything trades
            market.ceiling_ticks = made.last
            self.recompute_mark(number, -1)
        if sources:
            follow(self, market, sources)
        return market

    def _venue(self, stated, number: int, unit: int, inverse: bool, bounds: dict):
        if isinstance(stated, Impact):
            return ImpactVenue(self.clearing, number, stated, **bounds)
        if inverse:
            raise ValueError("a pool is for linear contracts")
        return PoolVenue(self.clearing, number, stated, unit, **bounds)

    def _table(self, rules, asset) -> Table:
        tiers = [
            Tier(
                self.to_atoms(row[0], asset),
                rate_of(row[1]),
                rate_of(row[2]) if len(row) > 2 else Fraction(0),
            )
            for row in rules.tiers
        ]
        return Table(
            tiers,
            rules.tier_mode == "whole",
            rules.basis == "entry",
            rules.taker if rules.close_fee else Fraction(0),
        )

    def fund_deposit(self, amount, asset=None) -> None:
        name = asset or self.asset
        atoms = self.to_atoms(amount, name)
        self.clearing.assets[name].fund += atoms
        self.clearing.assets[name].deposits += atoms
        self.log.add(events.DEPOSIT, account=events.HOUSE, money=atoms)

    def to_atoms(self, amount, asset: str, name: str = "amount") -> int:
        return whole(name, amount, Fraction(1, 10 ** self.clearing.assets[asset].decimals))

    @staticmethod
    def to_time(seconds) -> int:
        return round(rate_of(seconds) * NANOSECONDS)

    def market(self, market) -> Market:
        if isinstance(market, Market):
            return market
        for entry in self.clearing.markets:
            if market == entry.name:
                return entry
        raise ValueError(f"no market {market!r}")

    # --- the step ------------------------------------------------------------------------------

    def step(self, index=None, orders=None, dt=1.0) -> StepResult:
        start = len(self.log.events)
        elapsed = self.to_time(dt)
        pass_time(self, elapsed)
        pass_lending(self, elapsed)
        self.set_indexes(index or {})
        read_again(self)
        pass_halts(self)
        for name, messages in orders or []:
            market = self.market(name)
            for row in messages:
                self.process(market, message_of(row))
        self.residents.act(elapsed)
        affordable = None
        if self.limits.time_per_liquidation is not None:
            self.carried += elapsed
            affordable = self.carried // self.limits.time_per_liquidation
        dispose(self, elapsed)
        cascade = Cascade(self)
        cascade.run(affordable)
        loans = sum(loan.cause != -2 for market in self.band_markets for loan in market.loans)
        pending = len(self.queue.entries()) + loans
        if affordable is not None:
            self.carried -= cascade.units * self.limits.time_per_liquidation
            self.carried = self.carried if self.queue.takeable() or loans else 0
        return self.result(start, cascade, pending)

    def result(self, start: int, cascade: Cascade, pending: int) -> StepResult:
        rows = self.log.events[start:]
        money = [row.money for row in rows if row.kind == events.FUND]
        lost = sum(row.money for row in rows if row.kind == events.BAD_DEBT)
        return StepResult(
            time_ns=self.clock,
            liquidated=cascade.units,
            notional_atoms=cascade.notional,
            pending=pending,
            waves=max((row.wave for row in rows if row.kind == events.LIQUIDATION), default=0),
            bad_debt_atoms=lost,
            bad_debt=self.from_atoms(lost),
            fund_received_atoms=sum(amount for amount in money if amount > 0),
            fund_paid_atoms=-sum(amount for amount in money if amount < 0),
            orders=sum(row.kind == events.ORDER for row in rows),
            fills=sum(row.kind == events.FILL for row in rows),
            adl_lots=cascade.deleveraging.lots,
            adl_accounts=len({row.counterparty for row in rows if row.kind == events.ADL}),
            events=self.log.array()[start - self.log.first :],
            marks={market.name: market.mark for market in self.clearing.markets},
            dislocation={m.name: m.dislocation.copy() for m in self.clearing.markets},
        )

    def run(self, path, dt=1.0) -> list[StepResult]:
        length = len(next(iter(path.values())))
        return [
            self.step(index={name: prices[k] for name, prices in path.items()}, dt=dt)
            for k in range(length)
        ]

    def set_indexes(self, index: dict, at_once: bool = False) -> None:
        """Phase 2: outside prices and marks in market order, then the stops they reached."""
        named = {}
        for name, price in index.items():
            market = self.market(name)
            if market.follows:
                raise ValueError(f"{name!r} follows {[m.name for m in market.follows]}")
            ticks = whole("index", price, market.tick_size)
            self.clearing.check_order_bounds(ticks)
            market.ceiling_ticks = max(market.ceiling_ticks, ticks)
            named[market.number] = ticks
        if not at_once:
            named = believed_now(self.clearing.markets, named, self.clock)
        for number in sorted(named):
            market = self.clearing.markets[number]
            # an index that repeats recomputes nothing, but a breaker looks and its curve may have moved
            changed = market.index_ticks != named[number] or is_stale(market, self.clock)
            changed = changed or market.halts is not None
            market.index_time = self.clock
            market.index_ticks = named[number]
            market.ceiling_ticks = max(market.ceiling_ticks, named[number])
            event = self.log.add(events.INDEX, price=named[number], market=number)
            market.venue.set_reference(named[number])
            market.dislocation.note(market.venue.last, named[number])
            if changed:
                self.form_mark(number, event)
        self.queue.on_marks()
        for number in sorted(named):
            self.fire_stops(number)

    # --- marks and stops -----------------------------------------------------------------------

    def feed(self, market: Market) -> int:
        """The mark as its feed gives it now; 0: nothing to form it from."""
        bid, ask = market.venue.touch()
        mid = (bid + ask) // 2 if bid and ask else 0
        last, index = market.venue.last, market.index_ticks
        by_last = last or mid or index
        feed = market.rules.feed
        if feed in AVERAGED:
            return averaged_mark(market, by_last, self.clock)
        if feed == "last":
            return by_last
        if feed == "mid":
            seen, market.touch_seen = market.touch_seen, market.touch_seen or bool(mid)
            if mid:
                return mid
            return market.mark_ticks if seen else by_last
        if feed == "index":
            return index or by_last
        known = sorted(price for price in (index, mid, last) if price)
        return known[(len(known) - 1) // 2] if known else 0

    def recompute_mark(self, number: int, cause: int) -> None:
        self.form_mark(number, cause)
        self.queue.on_marks()

    def form_mark(self, number: int, cause: int) -> None:
        """Form a market's mark again; the units are tested when all marks of the moment are formed."""
        self.change_mark(number, cause)
        halts = self.clearing.markets[number].halts
        if halts is not None:
            halts.look(cause, self.log.wave(cause))

    def change_mark(self, number: int, cause: int) -> None:
        market = self.clearing.markets[number]
        if is_stale(market, self.clock):
            return
        old, new = market.mark_ticks, self.feed(market)
        if not new or new == old:
            return
        market.previous_ticks, market.mark_ticks = old, new
        event = self.log.add(events.MARK, cause=cause, price=new, money=old, market=number)
        market.venue.set_mark(new)
        self.queue.note(Move(number, old, new, event))
        for reserve in self.reserves:
            if reserve.source is market:
                reserve.offer(new, event)
        lead_followers(self, market, event)

    def change_side(self, side, mark: int, cause: int) -> None:
        """A new mark of a reserve's side."""
        old = side.mark_ticks
        if mark == old:
            return
        side.previous_ticks, side.mark_ticks = old, mark
        shown = {"price": max(mark, 0), "money": max(old, 0)}
        event = self.log.add(events.MARK, cause=cause, market=side.number, **shown)
        self.queue.note(Move(side.number, old, mark, event))

    def fire_stops(self, number: int) -> None:
        market = self.clearing.markets[number]
        while (stop := market.venue.due_stop()) is not None:
            if stop.flags & STOP_ON_MARK:
                cause = self.log.mark_that_reached(number, stop.trigger, stop.side == 1)
            else:
                cause = market.last_trade
            about = {"order": stop.id, "account": stop.account, "side": stop.side}
            trigger = self.log.add(
                events.TRIGGER,
                cause=cause,
                wave=self.log.wave(cause) + 1,
                price=stop.trigger,
                market=number,
                **about,
            )
            order = self.log.add(
                events.ORDER,
                cause=trigger,
                quantity=stop.size,
                price=stop.price,
                market=number,
                **about,
            )
            self.clearing.taker_leg = leg_of(stop.flags)
            answer = market.venue.handle_fired(stop)
            self.log.events[order].price = answer[0].price if stop.price else 0
            self.finish(market, order, stop.flags, answer)
        for follower in self.clearing.markets:
            if any(one is market for one in follower.follows):
                self.fire_stops(follower.number)

    # --- messages ------------------------------------------------------------------------------

    def process(self, market: Market, message: Message):
        """One message of a driver, and the stops it fires."""
        venue = market.venue
        about = {"market": market.number, "cause": -1, "account": message.account}
        target = venue.find(message.order)
        if message.kind in (CANCEL, MODIFY):
            about["order"] = message.order
            about["account"] = target.account if target is not None else -1
        if message.kind == CANCEL:
            lots, price = (target.total, target.price) if target is not None else (0, 0)
            event = self.log.add(events.ORDER, side=2, quantity=lots, price=price, **about)
            flags = 0
        elif message.kind == MODIFY:
            event = self.log.add(
                events.ORDER, side=3, quantity=message.size, price=message.price, **about
            )
            flags = target.flags if target is not None else 0
        elif message.kind == CANCEL_ALL:
            event = self.log.add(events.ORDER, side=4, **about)
            known = 0 <= message.account < len(self.clearing.accounts)
            self.log.events[event].code = 0 if known else UNKNOWN_ACCOUNT
            if not known:
                return Code.OK
            self.log.events[event].quantity = len(venue.orders_of(message.account))
            flags = 0
        else:
            event = self.log.add(
                events.ORDER,
                order=venue.next_id,
                quantity=message.size,
                side=message.side,
                **about,
            )
            flags = message.flags
        self.clearing.taker_leg = leg_of(flags)
        answer = venue.handle(message)
        result = answer[0]
        if message.kind not in (CANCEL, MODIFY, CANCEL_ALL):
            has_limit = message.kind in (0, 5)
            self.log.events[event].price = result.price if has_limit else 0
            if result.code < 10:
                market.ceiling_ticks = max(market.ceiling_ticks, *stated_prices(message))
        elif message.kind == MODIFY and result.code < 10:
            market.ceiling_ticks = max(market.ceiling_ticks, message.price)
        self.finish(market, event, flags, answer)
        self.fire_stops(market.number)
        return result

    def finish(self, market: Market, event: int, flags: int, answer: tuple) -> None:
        """Write the answer into the ORDER event, settle its fills, recompute the mark."""
        result, fills, removals = answer
        if self.log.events[event].side != 4:
            self.log.events[event].code = int(result.code)
        for order, lots in removals:
            self.log_removal(market.number, order, lots, event)
        for fill in fills:
            self.clearing.settle(market.number, fill, flags, event)
        if fills:
            market.last_trade = event
        self.queue.reenter_changed()
        self.recompute_mark(market.number, event)

    def log_removal(self, number: int, order, lots: int, cause: int) -> None:
        self.log.add(
            events.CANCEL,
            cause=cause,
            order=order.id,
            quantity=lots,
            price=order.price,
            account=order.account,
            side=order.side,
            market=number,
        )

    def load_depth(self, market: Market, bids, asks, replace: bool) -> None:
        resting = [order for order in market.venue.resting if order.account == events.OUTSIDE]
        market.venue.load_depth(bids, asks, replace)
        if replace and market.halts is not None:
            market.halts.consumed = []
        for order in sorted(resting, key=lambda order: order.id) if replace else ():
            self.log_removal(market.number, order, order.total, -1)
        prices = [order.price for order in market.venue.resting]
        market.ceiling_ticks = max([market.ceiling_ticks, *prices])
        self.recompute_mark(market.number, -1)
        self.fire_stops(market.number)

    def uncross_fills(self, market: Market, cause: int) -> None:
        """The uncross of a call auction: no message is the cause of its fills."""
        fills, removals = market.venue.uncross_fills()
        for order, lots in removals:
            self.log_removal(market.number, order, lots, cause)
        for fill, flags in fills:
            self.clearing.settle(market.number, fill, flags, cause, both_rested=True)
        if fills:
            market.last_trade = cause
        self.queue.reenter_changed()

    def uncross(self, market: Market) -> None:
        market.refuse_halted()
        self.uncross_fills(market, -1)
        self.recompute_mark(market.number, -1)
        self.fire_stops(market.number)

    # --- money and reading ---------------------------------------------------------------------

    def fund(self, market, rate) -> None:
        entry = self.market(market)
        if not entry.mark_ticks:
            raise ValueError(f"market {entry.name!r} has no mark")
        self.pay_funding(entry, parts_of(rate), entry.mark_ticks)

    def pay_funding(self, market: Market, parts: int, price: int) -> None:
        """One settlement: everybody pays, or the index that everybody accrues by moves."""
        if market.accrues:
            accrue(self.clearing, market, parts, price)
            self.queue.on_accrual(market.number)
            return
        self.clearing.fund(market.number, parts, price)
        self.queue.reenter_changed()

    def set_funding(self, market, rate) -> None:
        parts = None if rate is None else parts_of(rate)
        if parts is not None and abs(parts) > 10**9:
            raise ValueError(f"rate {rate!r} is outside -1 ... 1")
        self.market(market).fixed_rate = parts

    def insurance_fund(self, asset=None):
        return self.from_atoms(self.clearing.assets[asset or self.asset].fund, asset)

    def fees(self, asset=None):
        return self.from_atoms(self.clearing.assets[asset or self.asset].fees, asset)

    def bad_debt(self, asset=None):
        return self.from_atoms(self.clearing.assets[asset or self.asset].bad_debt, asset)

    def from_atoms(self, atoms: int, asset=None) -> float:
        return atoms / 10 ** self.clearing.assets[asset or self.asset].decimals

    @property
    def events(self) -> np.ndarray:
        return self.log.array()

    def clear_events(self) -> None:
        slowest = max((rate_of(x.latency) for x in self.liquidators), default=0)
        self.log.clear(self.clock - round(slowest * 10**9))

    def copy(self) -> "Engine":
        return copy.deepcopy(self)

    def totals(self) -> dict:
        """Sums that conservation is about, in lots and atoms."""
        clearing = self.clearing
        contracts = {}
        for market in clearing.markets:
            held = sum(p.size for p in clearing.positions if p.market == market.number)
            others = market.outside_lots + market.house_position.size + market.spot_lots
            contracts[market.name] = held + others
        money = {}
        for name, asset in clearing.assets.items():
            markets = {m.number: m for m in clearing.markets if m.asset == name}
            own = [p for p in clearing.positions if p.market in markets]
            entries = sum(p.entry for p in own)
            entries += sum(
                m.outside_entry + m.house_position.entry + m.spot_entry for m in markets.values()
            )
            money[name] = {
                "balances": sum(a.balance for a in clearing.accounts if a.asset == name),
                "margins": sum(p.margin for p in own),
                "entry_values": entries,
                "fund": asset.fund,
                "fees": asset.fees,
                "funding_pools": sum(m.funding_pool for m in markets.values()),
                "bad_debt": asset.bad_debt,
                "deposits": asset.deposits,
            }
        return {"contracts": contracts, "money": money, "lending": lending_totals(self)}

    def validate(self) -> None:
        """Raise AssertionError if contracts or money are not conserved or a venue is broken."""
        totals = self.totals()
        for name, lots in totals["contracts"].items():
            assert lots == 0, (name, lots)
        for name, m in totals["money"].items():
            held = m["balances"] + m["margins"] - m["entry_values"]
            held += m["fund"] + m["fees"] + m["funding_pools"] - m["bad_debt"]
            assert held == m["deposits"], (name, m)
        for reserve in self.reserves:
            check_reserve(reserve)
        for market in self.band_markets:
            market.check()
        for market in self.clearing.markets:
            market.venue.validate()
        for position in self.clearing.positions:
            assert position.size or position.entry == 0, position
            assert position.isolated or position.margin == 0, position
        for market in self.clearing.markets:
            assert undistributed(self.clearing, market) >= 0, market.funding_pool
        for entry in self.queue.due.values():
            assert entry.position.size, entry

    def state_hash(self) -> str:
        """Hash of the rows that docs/engine-api.md lists."""
        return hash_of(self)
