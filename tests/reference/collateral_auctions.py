"""Collateral auctions of the twin, MakerDAO Liquidations 2.0 in an engine: docs/collateral-auctions.md.

A due account is barked: debt and collateral leave it for an auction whose price falls with time. Liquidators
take slices of the lot as far as selling them pays; what nobody pays for is a shortfall.
"""

from . import log as events
from .clearing import ALL_CROSS
from .lending_categories import side_of
from .lending_reserves import PARTS
from .lending_rules import ONE, Liquidator
from .margin import rate_of
from .records import BUY, SELL
from .sales import SECOND, Sale, factor

INFINITE = 2**62  # health without debt


class CollateralAuctions:
    def __init__(self, seizure) -> None:
        self.seizure = seizure
        self.cascade = seizure.cascade
        self.engine = seizure.engine

    def markets(self) -> list:
        return [market for market in self.engine.lending.values() if market.auctions is not None]

    def atoms(self, lending, amount) -> int:
        return self.engine.to_atoms(amount, lending.asset)

    def waits(self, liquidator, sale: Sale) -> bool:
        """Has the liquidator not seen yet that the auction began?"""
        return self.elapsed(sale) < round(rate_of(liquidator.latency) * SECOND)

    @staticmethod
    def worth(reserve) -> int:
        """Atoms of a lot."""
        return reserve.unit * reserve.price_ticks

    def quote(self, reserve, side: int, lots: int):
        return self.seizure.quote(reserve, side, lots) if lots else 0

    def trade(self, reserve, side: int, lots: int, event: int) -> int:
        return self.seizure.trade(reserve, side, lots, event) if lots else 0

    # --- bark ----------------------------------------------------------------------------------

    def bark(self, entry) -> None:
        """Start an auction of what the limits leave room for of an account that is due."""
        queue, name = self.cascade.queue, entry.unit
        account = name[0]
        lending = self.engine.clearing.accounts[account].lending
        unit = self.engine.clearing.unit(name)
        plan = self.plan(lending, unit)
        keeper = None
        if plan is not None:
            ready = [not self.seizure.waits(x, entry.cause) for x in self.engine.liquidators]
            keeper = self.keeper(lending, self.incentive(lending, plan[0].reserve, plan[3]), ready)
        if keeper is None:
            queue.due[name] = entry  # as it was, with its cause
            queue.aside.add(name)
        else:
            self.cascade.units += 1
            self.engine.clearing.liquidating = name
            self.kick(lending, account, unit, plan, keeper, entry.cause)
            self.engine.clearing.liquidating = None
        queue.go_on(entry)

    def plan(self, lending, unit):
        """(holding, lots of collateral, lots of debt, tab) of a new auction; None: none now."""
        base = lending.base
        owing = [h for h in unit.holdings if h.size < 0]
        held = [h for h in unit.holdings if h.size > 0]
        usable = [h for h in held if h.reserve.usable()]
        if lending.auctions.stage >= 1 or not owing or not usable or not base.usable():
            return None
        values = {id(h): h.reserve.lots(h.size, False) * self.worth(h.reserve) for h in held}
        chosen = max(usable, key=lambda h: values[id(h)])  # the first of equals
        if not values[id(chosen)]:
            return None
        # its share of the debt, by value
        debt = base.lots(-owing[0].size, True) * values[id(chosen)] // sum(values.values())
        have = chosen.reserve.lots(chosen.size, False)
        taken = self.part(lending, chosen.reserve, debt)
        lot = 0 if not taken else have * taken // debt
        if not lot:
            return None
        penalty = self.seizure.parts(lending.rules.auction.of(chosen.reserve.name).penalty)
        return chosen, lot, taken, taken + taken * penalty // PARTS

    def part(self, lending, reserve, debt: int) -> int:
        """Lots of a debt for which there is room, by the rules of dust; 0: none."""
        rule, worth = lending.rules.auction.of(reserve.name), self.worth(lending.base)
        over = PARTS + self.seizure.parts(rule.penalty)
        taken = debt
        for hole, tabs in (
            (rule.hole, lending.auctions.tabs()),
            (rule.hole_of(reserve.name), lending.auctions.tabs(reserve)),
        ):
            if hole is not None:
                room = self.atoms(lending, hole) - tabs * worth
                taken = min(taken, max(0, room) * PARTS // over // worth)
        if not taken:
            return 0
        least = ceil_divide(self.atoms(lending, rule.dust), worth)
        if taken < debt and debt - taken < least:
            return debt
        return 0 if taken < debt and taken < least else taken

    def incentive(self, lending, reserve, tab: int) -> int:
        """Lots of the base for starting or resetting an auction of a collateral."""
        rule, base = lending.rules.auction.of(reserve.name), lending.base
        flat = self.atoms(lending, rule.tip) // self.worth(base)
        return flat + tab * self.seizure.parts(rule.chip) // PARTS

    def keeper(self, lending, incentive: int, ready: list):
        """(number, liquidator, lots paid) of who acts for an incentive; None: nobody.

        Of those who are ready and gain by it the one with the least gas, the first of equals.
        """
        if not incentive:
            return -1, Liquidator(), 0
        asset, found = lending.asset, None
        paid = min(incentive, lending.base.cash)
        worth = self.quote(lending.base, SELL, paid)
        for number, liquidator in enumerate(self.engine.liquidators):
            gas = self.engine.to_atoms(liquidator.gas, asset)
            least = self.engine.to_atoms(liquidator.min_profit, asset)
            if not ready[number] or worth is None or worth - gas < least:
                continue
            if found is None or gas < found[0]:
                found = gas, number, liquidator
        if not self.engine.liquidators and worth is not None:
            return -1, Liquidator(), paid
        return None if found is None else (found[1], found[2], paid)

    def kick(self, lending, account: int, unit, plan, keeper, cause: int) -> None:
        """Move collateral and debt out of the account into a new auction."""
        held, lot, taken, tab = plan
        log, house, base = self.engine.log, lending.auctions, lending.base
        reserve, value = held.reserve, taken * self.worth(base)
        debt = next(h for h in unit.holdings if h.size < 0)
        borne = unit.borne()
        owed = borne - unit.equity()
        self.cascade.notional += value
        about = {"account": account, "market": held.side.number}
        liquidation = log.add(
            events.LIQUIDATION, cause=cause, wave=log.wave(cause) + 1, side=SELL,
            price=reserve.price_ticks, quantity=lot, money=unit.equity(), **about,
        )  # fmt: skip
        log.add(events.SEIZE, cause=liquidation, counterparty=events.HOUSE, quantity=lot, **about)
        log.add(
            events.REPAY, cause=liquidation, counterparty=events.HOUSE, account=account,
            quantity=taken, money=value, market=base.borrowed_side.number,
        )  # fmt: skip
        self.move(lending, account, held, debt, lot, taken)
        house.count += 1
        event = log.add(
            events.KICK, cause=liquidation, order=house.count, quantity=lot, money=tab,
            price=reserve.price_ticks, counterparty=keeper[0], **about,
        )  # fmt: skip
        sale = Sale(
            house.count, account, reserve, lot, tab, taken, reserve.price_ticks,
            self.engine.clock, event,
        )  # fmt: skip
        house.sales.append(sale)
        after = self.engine.clearing.unit((account, ALL_CROSS))
        borne_after = after.borne()
        owed_after = borne_after - after.equity()
        log.add(
            events.HEALTH, cause=liquidation, order=borne * PARTS // owed,
            quantity=borne_after * PARTS // owed_after if owed_after else INFINITE,
            side=int(owed_after > 0 and borne_after * owed < borne * owed_after), **about,
        )  # fmt: skip
        self.reward(lending, sale, keeper)
        self.offer(lending, sale)

    def move(self, lending, account: int, held, debt, lot: int, taken: int) -> None:
        reserve, base = held.reserve, lending.base
        scaled = min(held.size, ceil_divide(lot * ONE, reserve.supply_index))
        if lot == reserve.lots(held.size, False):
            scaled = held.size
        back = taken * ONE // base.borrow_index
        if taken == base.lots(-debt.size, True):
            back = -debt.size
        lending.move_scaled(account, held.side, -scaled)
        lending.move_scaled(account, base.borrowed_side, -back)
        reserve.treasury += lot
        reserve.auctioned += lot
        base.awaited += taken
        reserve.roundings += 1
        base.roundings += 1
        self.cascade.queue.reenter_changed()

    def reward(self, lending, sale: Sale, keeper) -> None:
        """Pay who started or reset an auction; from the surplus, then a deficit."""
        number, liquidator, lots = keeper
        base = lending.base
        if lots:
            event = self.engine.log.add(
                events.INCENTIVE, cause=sale.event, account=sale.account, order=sale.number,
                counterparty=number, quantity=lots, market=base.supplied_side.number,
            )  # fmt: skip
            base.cash -= lots
            base.flow("seized", lots)
            bear(base, lots)
            liquidator.cash += self.trade(base, SELL, lots, event)
        if number >= 0:
            gas = self.engine.to_atoms(liquidator.gas, lending.asset)
            liquidator.cash -= gas
            liquidator.spent += gas
            liquidator.done += 1

    # --- open auctions -------------------------------------------------------------------------

    def begin(self) -> bool:
        """A step begins: everything is offered, what rested too."""
        for lending in self.markets():
            for sale in lending.auctions.sales:
                sale.resting = False
        return self.offer_all()

    def offer_all(self) -> bool:
        """Offer all open auctions; was something taken?"""
        taken = False
        for lending in self.markets():
            for sale in list(lending.auctions.sales):
                taken |= self.offer(lending, sale)
        return taken

    def offer(self, lending, sale: Sale) -> bool:
        """Reset an auction that needs it, and let it be taken as long as that pays somebody."""
        reserve, base = sale.reserve, lending.base
        if reserve.paused or base.paused or not base.price_ticks or base.unpriced():
            return False
        if self.stale(lending, sale) and not self.redo(lending, sale):
            return False
        taken = False
        while sale in lending.auctions.sales and not sale.resting:
            if lending.auctions.stage >= 3:
                break
            chosen = self.choose(lending, sale)
            if chosen is None:
                break
            self.take(lending, sale, *chosen)
            taken = True
        return taken

    def elapsed(self, sale: Sale) -> int:
        return self.engine.clock - sale.started

    def stale(self, lending, sale: Sale) -> bool:
        rule, elapsed = lending.rules.auction.of(sale.reserve.name), self.elapsed(sale)
        late = elapsed > round(rate_of(rule.tail) * SECOND)
        return late or factor(rule, elapsed) < self.seizure.parts(rule.cusp) * (ONE // PARTS)

    def price(self, lending, sale: Sale) -> int:
        """Of a lot, in parts of 10**9 of an atom."""
        rule = lending.rules.auction.of(sale.reserve.name)
        share = self.seizure.parts(rule.buf) * factor(rule, self.elapsed(sale)) // PARTS
        return sale.reserve.unit * sale.price * share // PARTS

    def least_tab(self, lending, reserve) -> int:
        """What a take leaves of a tab, unless nothing: dust and its penalty, in lots of the base."""
        rule = lending.rules.auction.of(reserve.name)
        over = PARTS + self.seizure.parts(rule.penalty)
        atoms = self.atoms(lending, rule.dust) * over // PARTS
        return ceil_divide(atoms, self.worth(lending.base))

    def redo(self, lending, sale: Sale) -> bool:
        """Begin an auction anew at the price believed now, if somebody does it."""
        if lending.auctions.stage >= 2 or not sale.reserve.price_ticks or sale.reserve.unpriced():
            return False
        least, incentive = self.least_tab(lending, sale.reserve), 0
        lot = sale.lot * self.worth(sale.reserve) // self.worth(lending.base)
        if sale.tab >= least and lot >= least:
            incentive = self.incentive(lending, sale.reserve, sale.tab)
        ready = [not self.waits(x, sale) for x in self.engine.liquidators]
        keeper = self.keeper(lending, incentive, ready)
        if keeper is None:
            return False
        sale.price, sale.started = sale.reserve.price_ticks, self.engine.clock
        sale.event = self.engine.log.add(
            events.REDO, cause=sale.event, account=sale.account, order=sale.number, quantity=sale.lot,
            money=sale.tab, price=sale.price, counterparty=keeper[0],
            market=sale.reserve.supplied_side.number,
        )  # fmt: skip
        self.reward(lending, sale, keeper)
        return True

    # --- take ----------------------------------------------------------------------------------

    def amounts(self, lending, sale: Sale, most: int):
        """(lots, lots of the base paid) of a take of at most so many lots; None: not allowed."""
        price, least = self.price(lending, sale), self.least_tab(lending, sale.reserve)
        worth = self.worth(lending.base) * PARTS
        lots = min(sale.lot, most)
        paid = ceil_divide(lots * price, worth)
        if paid > sale.tab:
            paid = sale.tab
            lots = paid * worth // price
        elif paid < sale.tab and lots < sale.lot and sale.tab - paid < least:
            if sale.tab <= least:
                return None
            paid = sale.tab - least
            lots = paid * worth // price
        return (lots, paid) if lots else None

    def find(self, lending, sale: Sale, liquidator):
        """(lots, paid, profit) of the largest take that pays, down by halves."""
        for attempt in range(liquidator.halvings + 1):
            if not sale.lot >> attempt:
                break
            deal = self.amounts(lending, sale, sale.lot >> attempt)
            if deal is not None:
                profit = self.profit(lending, liquidator, sale.reserve, *deal)
                if profit is not None:
                    return *deal, profit
        return None

    def profit(self, lending, liquidator, reserve, lots: int, paid: int):
        gains = self.quote(reserve, SELL, lots)
        cost = self.quote(lending.base, BUY, paid)
        if gains is None or cost is None:
            return None
        to_atoms, asset = self.engine.to_atoms, lending.asset
        capital = liquidator.capital
        if capital is not None and cost > to_atoms(capital, asset) + liquidator.cash:
            return None
        profit = gains - cost - to_atoms(liquidator.gas, asset)
        return profit if profit >= to_atoms(liquidator.min_profit, asset) else None

    def choose(self, lending, sale: Sale):
        """(number, liquidator, (lots, paid)): the first who gains; of bidders who gains most."""
        liquidators = self.engine.liquidators
        if not liquidators:
            deal = self.find(lending, sale, nobody := Liquidator())
            return None if deal is None else (-1, nobody, deal[:2])
        offers = []
        for number, liquidator in enumerate(liquidators):
            if not self.waits(liquidator, sale):
                deal = self.find(lending, sale, liquidator)
                if deal is not None:
                    offers.append((number, liquidator, deal))
        if not offers:
            return None
        if liquidators.compete == "bids":
            offers.sort(key=lambda offer: -offer[2][2])
            bid = max(0, offers[1][2][2]) if len(offers) > 1 else 0
            offers[0][1].cash -= bid
            offers[0][1].bids += bid
        return *offers[0][:2], offers[0][2][:2]

    def take(self, lending, sale: Sale, who: int, liquidator, deal) -> None:
        lots, paid = deal
        reserve, base, log = sale.reserve, lending.base, self.engine.log
        about = {"account": sale.account, "order": sale.number}
        event = log.add(
            events.TAKE, cause=sale.event, counterparty=who, quantity=lots, money=paid,
            price=min(self.price(lending, sale) // PARTS // reserve.unit, events.MAX_PRICE),
            market=reserve.supplied_side.number, **about,
        )  # fmt: skip
        reserve.cash -= lots
        reserve.treasury -= lots
        reserve.auctioned -= lots
        reserve.flow("seized", lots)
        healed = min(sale.due, paid)
        base.cash += paid
        base.awaited -= healed
        base.treasury += paid - healed
        base.flow("repaid", paid)
        sale.lot -= lots
        sale.tab -= paid
        sale.due -= healed
        gas = self.engine.to_atoms(liquidator.gas, lending.asset)
        gains = self.trade(reserve, SELL, lots, event)
        liquidator.cash += gains - self.trade(base, BUY, paid, event) - gas
        liquidator.spent += gas
        liquidator.done += 1
        sale.resting = liquidator.calls == "single"
        if not sale.lot or not sale.tab:
            self.close(lending, sale, event)

    def close(self, lending, sale: Sale, cause: int) -> None:
        """The tab is paid: the rest goes back. The lot is gone: what is missing is a shortfall."""
        lending.auctions.sales.remove(sale)
        reserve, base, log = sale.reserve, lending.base, self.engine.log
        about = {"account": sale.account, "order": sale.number, "cause": cause}
        if sale.lot:
            reserve.treasury -= sale.lot
            reserve.auctioned -= sale.lot
            reserve.roundings += 1
            scaled = sale.lot * ONE // reserve.supply_index
            side = side_of(lending.category_of.get(sale.account), reserve)
            lending.move_scaled(sale.account, side, scaled)
            log.add(events.RETURNED, quantity=sale.lot, market=side.number, **about)
            self.cascade.queue.reenter_changed()
        if sale.due:
            base.awaited -= sale.due
            log.add(
                events.BAD_DEBT, quantity=sale.due, money=sale.due * self.worth(base),
                market=base.borrowed_side.number, **about,
            )  # fmt: skip
            self.seizure.strike(lending, base, sale.due, cause)


def ceil_divide(a: int, b: int) -> int:
    return -(-a // b)


def bear(reserve, lots: int) -> None:
    """From the surplus, then a deficit."""
    covered = min(lots, max(0, reserve.treasury))
    reserve.treasury -= covered
    reserve.deficit += lots - covered
