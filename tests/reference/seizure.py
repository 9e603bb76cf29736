"""Liquidation in the twin's lending markets: who repays what for which collateral, and who bears the rest.

docs/lending-market.md gives the formulas. Every pair of collateral and debt is tried in order, every
size from the largest down by halves, and each is asked what selling the collateral would bring.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from . import lending_terms, routes
from . import log as events
from .absorption import Absorption
from .clearing import ALL_CROSS
from .collateral_auctions import CollateralAuctions, bear
from .lending_reserves import PARTS
from .lending_rules import ONE, Liquidator
from .lending_units import Borrower, SideHolding
from .margin import rate_of
from .records import BUY, SELL

INFINITE = 2**62  # health without debt


@dataclass
class Deal:
    """What one call repays and seizes, in lots, and what it earns, in atoms."""

    collateral: SideHolding
    debt: SideHolding
    repaid: int
    seized: int
    fee: int
    extra: int = 0  # lots of the debt that the liquidator pays on top, for the treasury
    profit: int = 0
    gains: int = 0  # atoms, once it is carried out
    cost: int = 0


class Seizure:
    def __init__(self, cascade) -> None:
        self.cascade = cascade
        self.engine = cascade.engine
        self.absorption = Absorption(self)
        self.auctions = CollateralAuctions(self)

    # --- what may be repaid --------------------------------------------------------------------

    @staticmethod
    def parts(rate) -> int:
        return int(rate_of(rate) * PARTS)

    def bonus(self, rules, side, unit: Borrower) -> int:
        borne = unit.borne()
        owed = borne - unit.equity()
        short = (owed - borne) * PARTS // owed
        if rules.bonus[0] == "covered":
            debt = unit.debt()
            return min(side.bonus, max(0, unit.worth()) * PARTS // debt)
        if rules.bonus[0] == "health":
            return min(self.parts(rules.bonus[2]), self.parts(rules.bonus[1]) + short)
        if rules.bonus[0] == "discount":
            base = self.parts(rules.bonus[1]) if len(rules.bonus) == 3 else 0
            discount = min(self.parts(rules.bonus[-1]), base + short)
            return discount * PARTS // (PARTS - discount)
        return side.bonus

    def halted(self, rules, side, unit: Borrower) -> bool:
        """Is the account beyond where the rules still liquidate?"""
        debt = unit.debt()
        collateral = unit.worth() + debt
        if rules.halt_above is None:
            return False
        if rules.halt_above == "frontier":
            return debt * (PARTS + self.bonus(rules, side, unit)) > collateral * PARTS
        return debt > rate_of(rules.halt_above) * collateral

    def most(self, rules, unit: Borrower, collateral: SideHolding, debt: SideHolding) -> int:
        """Lots of the debt that one call may repay."""
        kind, *terms = rules.close_factor
        owed_lots = debt.reserve.lots(-debt.size, True)
        worth = debt.reserve.unit * debt.reserve.price_ticks
        borne = unit.borne()
        owed = borne - unit.equity()
        if kind == "whole":
            return owed_lots
        if kind == "fraction":
            return owed_lots * self.parts(terms[0]) // PARTS
        if kind == "target":
            bonus = self.bonus(rules, collateral.side, unit)
            target = self.parts(terms[0])
            taken = self.parts(collateral.side.threshold) * (PARTS + bonus) // PARTS
            left = target * PARTS // self.parts(debt.reserve.borrow_factor) - taken
            if left <= 0:
                return owed_lots
            value = ceil(Fraction(target * owed - PARTS * borne, left))
            return min(owed_lots, ceil(Fraction(value, worth)))
        if borne * PARTS <= self.parts(terms[1]) * owed:
            return owed_lots
        if kind == "threshold":
            return owed_lots * self.parts(terms[0]) // PARTS
        least = self.engine.to_atoms(terms[2], unit.holdings[0].reserve.lending.asset)
        have = collateral.reserve.lots(collateral.size, False)
        have *= collateral.reserve.unit * collateral.reserve.price_ticks
        if owed_lots * worth < least or have < least:
            return owed_lots
        total = sum(
            held.reserve.lots(-held.size, True) * held.reserve.unit * held.reserve.price_ticks
            for held in unit.holdings
            if held.size < 0
        )
        return min(owed_lots, total * self.parts(terms[0]) // PARTS // worth)

    def amounts(self, rules, unit, collateral, debt, repaid: int) -> Deal | None:
        """What repaying so many lots takes; None: nothing, or the rest would be dust."""
        c, d = collateral.reserve, debt.reserve
        bonus = self.bonus(rules, collateral.side, unit)
        price, worth = c.unit * c.price_ticks, d.unit * d.price_ticks
        if not price:
            # worth nothing: all of it for nothing
            given = min(c.lots(collateral.size, False), c.cash)
            return Deal(collateral, debt, 0, given, 0) if given else None
        seized = repaid * worth * (PARTS + bonus) // (price * PARTS)
        have = c.lots(collateral.size, False)
        limit = min(have, c.cash)
        if seized > limit:
            seized = limit
            repaid = min(repaid, ceil(Fraction(seized * price * PARTS, worth * (PARTS + bonus))))
        if seized <= 0 or repaid <= 0:
            return None
        left = (d.lots(-debt.size, True) - repaid) * worth, (have - seized) * price
        least = self.engine.to_atoms(rules.min_leftover, c.lending.asset)
        if all(left) and min(left) < least:
            return None
        if rules.fee_on == "repay":
            return Deal(
                collateral, debt, repaid, seized, 0, repaid * self.parts(rules.fee) // PARTS
            )
        earned = seized - ceil(Fraction(seized * PARTS, PARTS + bonus))
        return Deal(collateral, debt, repaid, seized, earned * c.fee // PARTS)

    # --- what it brings ------------------------------------------------------------------------

    def quote(self, reserve, side: int, lots: int) -> int | None:
        """Atoms for selling or buying lots of a reserve's asset; None: the venue has not so many."""
        if not reserve.venues or reserve.source is None:
            mark = 1 if reserve.source is None else reserve.source.mark_ticks
            return lots * reserve.unit * mark
        return routes.quote(reserve.venues, side, lots)

    def agreed(self, liquidator: Liquidator, deal: Deal) -> bool:
        """Does the call pay for itself?"""
        asset = deal.collateral.reserve.lending.asset
        gains = self.quote(deal.collateral.reserve, SELL, deal.seized - deal.fee)
        bought = deal.repaid + deal.extra
        cost = self.quote(deal.debt.reserve, BUY, bought) if bought else 0
        if gains is None or cost is None:
            return False
        capital = liquidator.capital
        if capital is not None and cost > self.engine.to_atoms(capital, asset) + liquidator.cash:
            return False
        gas, least = (
            self.engine.to_atoms(x, asset) for x in (liquidator.gas, liquidator.min_profit)
        )
        deal.profit = gains - cost - gas
        return liquidator.last_resort or deal.profit >= least

    @staticmethod
    def asked(rules, held: SideHolding) -> bool:
        """Can a call be about it? Not where amounts would be divided by a price of zero, nor where the rules
        spare collateral that counts nothing."""
        if held.size > 0 and rules.uncounted == "spared" and held.side.threshold == 0:
            return False
        given = held.size > 0 and rules.zero_price == "given"
        return held.reserve.price_ticks > 0 or given

    def told(self, liquidator: Liquidator, reserve, lots: int) -> int:
        """No more than the liquidator is told to repay, by value."""
        worth = reserve.unit * reserve.price_ticks
        for given, done in (
            (liquidator.max_repay, 0), (liquidator.step_budget, liquidator.step_repaid),
        ):  # fmt: skip
            if given is not None:
                atoms = self.engine.to_atoms(given, reserve.lending.asset)
                lots = min(lots, max(0, atoms - done) // worth)
        return lots

    def find(self, account: int, unit: Borrower, liquidator: Liquidator) -> Deal | None:
        rules = self.engine.clearing.accounts[account].lending.rules
        usable = [
            held for held in unit.holdings if held.reserve.usable() and self.asked(rules, held)
        ]
        sign = 1 if liquidator.choice == "worst" else -1
        collaterals = sorted(
            (h for h in usable if h.size > 0),
            key=lambda h: (sign * h.side.bonus, sign * h.value(h.mark)),
        )
        debts = sorted((h for h in usable if h.size < 0), key=lambda h: h.value(h.mark))
        for collateral in collaterals:
            if self.halted(rules, collateral.side, unit):
                continue
            for debt in debts:
                if not collateral.reserve.price_ticks:
                    deal = self.amounts(rules, unit, collateral, debt, 0)
                    if deal is not None and self.agreed(liquidator, deal):
                        return deal
                    continue
                most = self.told(liquidator, debt.reserve, self.most(rules, unit, collateral, debt))
                for attempt in range(liquidator.halvings + 1):
                    lots = most >> attempt
                    if not lots:
                        break
                    deal = self.amounts(rules, unit, collateral, debt, lots)
                    if deal is not None and self.agreed(liquidator, deal):
                        return deal
        return None

    def waits(self, liquidator: Liquidator, cause: int) -> bool:
        """Has the liquidator not seen yet that the account is due?"""
        latency = round(rate_of(liquidator.latency) * 10**9)
        happened = self.engine.log.happened(cause)
        return happened >= 0 and self.engine.clock - happened < latency

    # --- carrying it out -----------------------------------------------------------------------

    def take(self, entry) -> None:
        """One call on a borrower that is due, or none when nobody finds it worth while."""
        cascade, queue = self.cascade, self.cascade.queue
        name = entry.unit
        account = name[0]
        lending = self.engine.clearing.accounts[account].lending
        unit = self.engine.clearing.unit(name)
        if any(held.reserve.unpriced() for held in unit.holdings):
            self.leave(entry)
            return
        spared = lending_terms.spared(lending, unit)
        kind = lending.rules.close_factor[0]
        if kind in ("absorb", "auction") and not spared:
            self.absorption.take(entry) if kind == "absorb" else self.auctions.bark(entry)
            return
        troves = self.engine.clearing.accounts[account].lending.troves
        if troves is not None:
            troves.take(entry, self)
            return
        chosen = None if spared else self.choose(account, unit, entry.cause)
        if chosen is None:
            self.engine.clearing.liquidating = name
            filled = not spared and lending.stop_gap.fill(self, account, unit, entry.cause)
            self.engine.clearing.liquidating = None
            if not filled:
                self.leave(entry)
                return
            cascade.units += 1
            queue.go_on(entry)
            return
        who, liquidator, deal = chosen
        cascade.units += 1
        self.engine.clearing.liquidating = name
        self.execute(account, unit, deal, liquidator, who, entry.cause)
        self.engine.clearing.liquidating = None
        if liquidator.calls == "single" and self.engine.clearing.unit(name).due():
            queue.aside.add(name)
        queue.go_on(entry)

    def leave(self, entry) -> None:
        """The unit waits for the next step as it was, with its cause."""
        queue = self.cascade.queue
        queue.due[entry.unit] = entry
        queue.aside.add(entry.unit)
        self.engine.clearing.changed.append(entry.unit)
        queue.reenter_changed()

    def choose(self, account: int, unit: Borrower, cause: int):
        """Who makes the call: the first who gains; of bidders the one who gains most, who pays the next."""
        liquidators = self.engine.liquidators
        if not liquidators:
            deal = self.find(account, unit, nobody := Liquidator())
            return None if deal is None else (-1, nobody, deal)
        offers = []
        for number, liquidator in enumerate(liquidators):
            if not self.waits(liquidator, cause):
                deal = self.find(account, unit, liquidator)
                if deal is not None:
                    offers.append((number, liquidator, deal))
        if not offers:
            return None
        if liquidators.compete == "order":
            return offers[0]
        offers.sort(key=lambda offer: -offer[2].profit)
        bid = max(0, offers[1][2].profit) if len(offers) > 1 else 0
        offers[0][1].cash -= bid
        offers[0][1].bids += bid
        return offers[0]

    def execute(self, account, unit, deal: Deal, liquidator, who: int, cause: int) -> int:
        log, lending = self.engine.log, self.engine.clearing.accounts[account].lending
        c, d = deal.collateral.reserve, deal.debt.reserve
        borne = unit.borne()
        owed = borne - unit.equity()
        value = deal.repaid * d.unit * d.price_ticks
        self.cascade.notional += value
        about = {"account": account, "market": deal.collateral.side.number}
        liquidation = log.add(
            events.LIQUIDATION, cause=cause, wave=log.wave(cause) + 1, side=SELL,
            price=c.price_ticks, quantity=deal.seized, money=unit.equity(), **about,
        )  # fmt: skip
        log.add(
            events.SEIZE, cause=liquidation, counterparty=who, quantity=deal.seized,
            money=deal.fee, **about,
        )  # fmt: skip
        log.add(
            events.REPAY, cause=liquidation, account=account, counterparty=who,
            quantity=deal.repaid, money=value, order=deal.extra, market=d.borrowed_side.number,
        )  # fmt: skip
        self.move(lending, account, deal)
        gains = self.trade(c, SELL, deal.seized - deal.fee, liquidation)
        bought = deal.repaid + deal.extra
        cost = self.trade(d, BUY, bought, liquidation) if bought else 0
        deal.gains, deal.cost = gains, cost
        gas = self.engine.to_atoms(liquidator.gas, lending.asset)
        liquidator.cash += gains - cost - gas
        liquidator.spent += gas
        liquidator.done += 1
        liquidator.step_repaid += deal.repaid * d.unit * d.price_ticks
        after = self.engine.clearing.unit((account, ALL_CROSS))
        borne_after = after.borne()
        owed_after = borne_after - after.equity()
        fell = owed_after > 0 and borne_after * owed < borne * owed_after
        log.add(
            events.HEALTH, cause=liquidation, order=borne * PARTS // owed, side=int(fell),
            quantity=borne_after * PARTS // owed_after if owed_after else INFINITE, **about,
        )  # fmt: skip
        if not any(h.size > 0 and self.asked(lending.rules, h) for h in after.holdings):
            for held in after.holdings:
                if held.size < 0:
                    self.write_off(lending, account, held, liquidation)
        return liquidation

    def move(self, lending, account: int, deal: Deal) -> None:
        c, d = deal.collateral.reserve, deal.debt.reserve
        held, owed = deal.collateral.size, -deal.debt.size
        taken = ceil(Fraction(deal.seized * ONE, c.supply_index))
        if deal.seized == c.lots(held, False):
            taken = held
        back = deal.repaid * ONE // d.borrow_index
        if deal.repaid == d.lots(owed, True):
            back = owed
        lending_terms.repaid(lending, account, d, deal.repaid)
        lending.move_scaled(account, deal.collateral.side, -min(taken, held))
        lending.move_scaled(account, deal.debt.side, -back)
        c.cash -= deal.seized - deal.fee
        c.treasury += deal.fee
        d.cash += deal.repaid + deal.extra
        d.treasury += deal.extra
        c.flow("seized", deal.seized - deal.fee)
        d.flow("repaid", deal.repaid + deal.extra)

    def trade(self, reserve, side: int, lots: int, liquidation: int) -> int:
        """Sell or buy at the venues, what they do not take at the mark; atoms."""
        if not reserve.venues or reserve.source is None:
            return self.quote(reserve, side, lots)
        parts = [lots]
        if len(reserve.venues) > 1:
            parts, *_ = routes.route(reserve.venues, side, lots)
        filled = value = 0
        for market, part in zip(reserve.venues, parts, strict=True):
            if part or len(parts) == 1:
                some, atoms = self.trade_at(market, side, part, liquidation)
                filled, value = filled + some, value + atoms
        if lots > filled and side == SELL:
            reserve.kept += lots - filled
        elif lots > filled:
            value += (lots - filled) * reserve.unit * reserve.source.mark_ticks
        return value

    def trade_at(self, market, side: int, lots: int, liquidation: int) -> tuple[int, int]:
        """Lots filled at one venue, and their atoms."""
        filled, fills, removals = market.venue.forced(side, lots, 0, events.LIQUIDATOR, 0)
        for order, removed in removals:
            self.engine.log_removal(market.number, order, removed, liquidation)
        value = sum(
            self.engine.clearing.settle(market.number, fill, 0, liquidation) for fill in fills
        )
        self.cascade.touched.setdefault(market.number, -1)
        if fills:
            self.cascade.touched[market.number] = market.last_trade = liquidation
        self.cascade.queue.reenter_changed()
        return filled, value

    def write_off(self, lending, account: int, held: SideHolding, cause: int) -> None:
        """A debt without collateral: by the rule, who bears it."""
        reserve, rule = held.reserve, lending.rules.bad_debt
        lots = reserve.lots(-held.size, True)
        self.engine.log.add(
            events.BAD_DEBT, cause=cause, account=account, quantity=lots,
            money=lots * reserve.unit * reserve.price_ticks, market=reserve.borrowed_side.number,
        )  # fmt: skip
        if rule == "stays":
            return
        lending.move_scaled(account, held.side, held.size)
        self.strike(lending, reserve, lots, cause)

    def strike(self, lending, reserve, lots: int, cause: int) -> None:
        """Lots that nobody owes any more: by the rule, who bears them."""
        rule, before = lending.rules.bad_debt, reserve.supplied_lots
        reserve.roundings += 1
        if rule == "auction_shortfall":
            bear(reserve, lots)
        elif rule == "deficit":
            reserve.deficit += lots
        elif rule == "reserves":
            reserve.treasury -= lots
        elif rule == "suppliers":
            borne = reserve.supply_index
            if reserve.supplied:
                borne = min(ceil(Fraction(lots * ONE, reserve.supplied)), borne)
            reserve.supply_index -= borne
            # what is more than all suppliers have is a deficit
            reserve.deficit += max(0, lots - before)
            reserve.form_marks(cause)
            self.cascade.queue.on_marks()
