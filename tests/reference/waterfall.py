"""The stages after the book in the twin: limits of the fund, socialised loss, haircut, bad debt.

docs/waterfall.md. What the fund leaves of a deficit waits until the cascade of the step is over; then it
is shared out by scanning everybody, in exact fractions.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from . import log as events
from .invariants import check_stage
from .margin import fits, rate_of
from .rules import nanoseconds, parts_of

ALL_CROSS = -1


@dataclass
class Terms:
    """The stages of one market in whole numbers; None: no limit."""

    unit_limit: int | None
    block_limit: int | None
    block_time: int  # ns, 0: a step
    drawdown: int | None  # parts in 10**9
    window: int  # ns

    @classmethod
    def of(cls, rules, atoms_per_unit: int) -> "Terms":
        unit = (
            None if rules.fund_limit is None else floor(rate_of(rules.fund_limit) * atoms_per_unit)
        )
        block, time = None, 0
        if rules.fund_block is not None:
            block = floor(rate_of(rules.fund_block[0]) * atoms_per_unit)
            time = nanoseconds((*rules.fund_block, None)[1]) or 0
        drawdown, window = None, 0
        if isinstance(rules.adl_trigger, tuple):
            _, share, seconds = rules.adl_trigger
            drawdown, window = parts_of(share), nanoseconds(seconds)
        return cls(unit, block, time, drawdown, window)


@dataclass
class Deficit:
    """What one liquidated unit still owes."""

    left: int
    account: int
    market: int
    cause: int  # its last LIQUIDATION
    long: bool  # side of the position that was closed last


class Waterfall:
    """The fund's limits and the shared losses of an engine."""

    def __init__(self, engine) -> None:
        self.engine = engine
        self.deficits: list[Deficit] = []
        self.paid: dict[int, tuple[int, int]] = {}  # by market: block, atoms paid in it
        self.balances: dict[int, list[tuple[int, int]]] = {}  # by market: time, fund
        self.steps = 0

    def terms(self, market) -> Terms:
        return Terms.of(market.rules, 10 ** self.engine.clearing.assets[market.asset].decimals)

    # --- the fund ------------------------------------------------------------------------------

    def begin(self) -> None:
        """A cascade begins: blocks of a step are new, balances are noted."""
        self.steps += 1
        for market in self.engine.clearing.markets:
            terms = self.terms(market)
            if terms.drawdown is not None:
                fund = self.engine.clearing.assets[market.asset].fund
                self.balances.setdefault(market.number, []).append((self.engine.clock, fund))

    def block_paid(self, market) -> int:
        terms = self.terms(market)
        block = self.engine.clock // terms.block_time if terms.block_time else self.steps
        known = self.paid.get(market.number, (block, 0))
        return known[1] if known[0] == block else 0

    def note_paid(self, market, paid: int) -> None:
        terms = self.terms(market)
        block = self.engine.clock // terms.block_time if terms.block_time else self.steps
        self.paid[market.number] = (block, self.block_paid(market) + paid)

    def can_pay(self, market) -> int:
        """What the fund may pay for units of a market now, the limit a unit apart."""
        terms = self.terms(market)
        fund = max(self.engine.clearing.assets[market.asset].fund, 0)
        if terms.block_limit is None:
            return fund
        return min(fund, terms.block_limit - self.block_paid(market))

    def adl_triggered(self, market) -> bool:
        if market.rules.adl_trigger == "always" or self.can_pay(market) <= 0:
            return True
        if market.rules.adl_trigger == "spent":
            return self.fund_at_mark(market.asset) <= 0
        terms = self.terms(market)
        if terms.drawdown is None:
            return False
        since = self.engine.clock - terms.window
        balances = self.balances.get(market.number, [])
        peak = max((fund for time, fund in balances if time >= since), default=0)
        fund = self.engine.clearing.assets[market.asset].fund
        return (peak - fund) * 10**9 >= terms.drawdown * peak

    def fund_at_mark(self, asset: str) -> int:
        """The fund with what the house took over valued at the marks."""
        worth = self.engine.clearing.assets[asset].fund
        for market in self.engine.clearing.markets:
            size, entry = market.house
            if market.asset == asset and market.mark_ticks and size:
                worth += market.contract.value(size, market.mark_ticks) - entry
        return worth

    def cover(self, market_number: int, account: int, deficit: int, cause: int, long: bool) -> None:
        """The fund pays what it may; the rest waits for those who share it, or is bad debt."""
        market = self.engine.clearing.markets[market_number]
        asset = self.engine.clearing.assets[market.asset]
        terms = self.terms(market)
        paid = min(deficit, self.can_pay(market))
        if terms.unit_limit is not None:
            paid = min(paid, terms.unit_limit)
        if paid:
            asset.fund -= paid
            self.engine.log.add(
                events.FUND, cause=cause, account=account, market=market_number, money=-paid
            )
            if terms.block_limit is not None:
                self.note_paid(market, paid)
        if paid == deficit:
            return
        rest = Deficit(deficit - paid, account, market_number, cause, long)
        if market.rules.socialised or market.rules.haircut:
            self.deficits.append(rest)
        else:
            self.give_up(rest)

    def give_up(self, deficit: Deficit) -> None:
        asset = self.engine.clearing.assets[self.engine.clearing.markets[deficit.market].asset]
        asset.bad_debt = fits(asset.bad_debt + deficit.left)
        self.engine.log.add(
            events.BAD_DEBT, cause=deficit.cause, account=deficit.account, market=deficit.market,
            money=deficit.left,
        )  # fmt: skip

    # --- shared losses -------------------------------------------------------------------------

    def share(self) -> None:
        """The cascade is over: socialise by market, then cut profits by asset, then give up."""
        markets = self.engine.clearing.markets
        for market in markets:
            rule = market.rules.socialised
            own = [d for d in self.deficits if d.market == market.number and d.left]
            if rule == "opposite":
                for long in (True, False):
                    self.charge(
                        [d for d in own if d.long == long], events.SOCIALISED,
                        lambda ps, long=long, number=market.number: sum(
                            abs(p.size) for p in ps if p.market == number and (p.size < 0) == long
                        ), False,
                    )  # fmt: skip
            elif rule == "contracts":
                self.charge(
                    own, events.SOCIALISED,
                    lambda ps, number=market.number: sum(
                        abs(p.size) for p in ps if p.market == number
                    ), False,
                )  # fmt: skip
            elif rule == "gains":
                self.charge(
                    own, events.SOCIALISED,
                    lambda ps, number=market.number: sum(
                        self.profit(p) for p in ps if p.market == number
                    ), True,
                )  # fmt: skip
        for name in self.engine.clearing.assets:
            own = [
                d for d in self.deficits
                if d.left and markets[d.market].asset == name and markets[d.market].rules.haircut
            ]  # fmt: skip
            self.charge(
                own, events.HAIRCUT,
                lambda ps, name=name: sum(self.profit(p) for p in ps) * (
                    self.engine.clearing.accounts[ps[0].account].asset == name
                ), True,
            )  # fmt: skip
        while self.deficits:
            deficit = self.deficits.pop(0)
            if deficit.left:
                self.give_up(deficit)
                market = markets[deficit.market]
                check_stage(self.engine, market, deficit.account, "bad debt")

    def profit(self, position) -> int:
        market = self.engine.clearing.markets[position.market]
        return market.contract.value(position.size, market.mark_ticks) - position.entry

    def units(self) -> list[tuple[int, int]]:
        """By account; its cross unit first, then isolated positions by market and leg."""
        clearing = self.engine.clearing
        found = []
        for account in range(len(clearing.accounts)):
            own = [p for p in clearing.positions if p.account == account and p.size]
            if any(not p.isolated for p in own):
                found.append((account, ALL_CROSS))
            alone = sorted((p for p in own if p.isolated), key=lambda p: (p.market, p.leg))
            found += [(account, p.number) for p in alone]
        return found

    def charge(self, owed: list[Deficit], kind: int, weight, profits: bool) -> None:
        """Everybody pays in proportion to a weight and at most his equity (of profits: and those)."""
        total = sum(d.left for d in owed)
        if not total:
            return
        clearing = self.engine.clearing
        payers = []
        for name in self.units():
            unit = clearing.unit(name)
            positions = clearing.unit_positions(name)
            if any(not clearing.markets[p.market].mark_ticks for p in positions):
                continue
            equity, shares = unit.equity(), weight(positions)
            if equity <= 0 or shares <= 0:
                continue
            payers.append((name, min(shares, equity) if profits else shares, equity))
        whole = sum(shares for _, shares, _ in payers)
        if profits:
            total = min(total, whole)
        cause, market = owed[-1].cause, owed[-1].market
        seen, collected = 0, 0
        for name, shares, equity in payers:
            before, seen = seen, seen + shares
            due = floor(Fraction(total * seen, whole)) - floor(Fraction(total * before, whole))
            due = min(due, equity)
            if not due:
                continue
            clearing.set_collateral(name, clearing.stored(name) - due)
            self.engine.log.add(kind, cause=cause, account=name[0], market=market, money=due)
            collected += due
        for deficit in owed:
            paid = min(deficit.left, collected)
            deficit.left -= paid
            collected -= paid
        stage = "a socialised loss" if kind == events.SOCIALISED else "a haircut"
        check_stage(self.engine, clearing.markets[market], -1, stage)
        self.engine.queue.reenter_changed()

    # --- the state -----------------------------------------------------------------------------

    def rows(self, market) -> list[list[int]]:
        """What of it decides how the engine goes on."""
        terms = self.terms(market)
        found = []
        if terms.block_time:
            paid = self.paid.get(market.number)
            found.append(list(paid) if paid else [0, 0])
        if terms.drawdown is not None:
            # balances of the window that no later one reached
            balances = self.balances.get(market.number, [])
            since = balances[-1][0] - terms.window if balances else 0
            found.append([
                number
                for k, (time, fund) in enumerate(balances)
                if time >= since and all(later < fund for _, later in balances[k + 1 :])
                for number in (time, fund)
            ])  # fmt: skip
        if market.rules.adl_price == "previous_mark":
            found.append([market.previous_ticks])
        return found
