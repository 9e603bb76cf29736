"""Loans of the twin that are closed whole: against a stability pool, the rest onto all other loans.

docs/troves.md. An account's stake is its scaled collateral, so that collateral is shared out by the supply
index. Debt is shared out by a mark that only rises, the assigned debt of one scaled lot in parts of an atom: an
account owes what the mark has risen by since it was settled, and what divisions leave waits for the next.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from . import log as events
from .clearing import ALL_CROSS
from .lending_rules import ONE, Liquidator
from .lending_terms import common
from .margin import rate_of
from .records import SELL
from .trove_interest import YEAR, TroveInterest

PARTS = 10**9
INFINITE = 2**62
STAKE = 1000  # scaled lots of one lot of collateral at first


@dataclass
class Parts:
    """Where the debt (atoms) and the collateral (lots) of a loan go."""

    offset: int
    to_pool: int
    shared: int
    shared_lots: int
    surplus: int
    gas: int


class Troves:
    """What a lending market has beyond reserves when its loans are troves."""

    def __init__(self, lending) -> None:
        self.lending, self.engine = lending, lending.engine
        self.terms = lending.rules.troves
        self.waiting = 0  # parts of an atom that divisions left
        self.unsettled = 0  # atoms of debt shared out and not yet in the accounts' own debts
        self.collateral = None
        self.gas_cap = None
        self.interest = TroveInterest(self)

    # --- set-up --------------------------------------------------------------------------------

    def reserve_terms(self, name, source, given: dict) -> dict:
        """Terms of the collateral, which has a price, or of the money that is lent."""
        taken = self.collateral if source is not None else self.lending.debt_reserve
        if taken is not None:
            raise ValueError(f"{name!r}: {taken.name!r} is there already")
        if given["interest"] is not None:
            raise ValueError("troves bear no interest")
        if rate_of(given["borrow_factor"]) != 1:
            raise ValueError("borrow_factor: a debt of troves counts as it is")
        if given["debt_ceiling"] is not None or given["borrowable_in_isolation"] or given["siloed"]:
            raise ValueError(
                "debt_ceiling, borrowable_in_isolation, siloed: troves have one of each"
            )
        if source is None:
            made = {**given, "collateral": False, "liquidation_threshold": 0}
            return {**made, "refinement": YEAR} if self.interest.bears else made
        least = self.parts(self.terms.minimum_ratio)
        threshold = Fraction(ceil(Fraction(PARTS * PARTS, least)), PARTS)
        made = {**given, "borrowable": False, "liquidation_threshold": threshold}
        if given["refinement"] is None:
            ticks = source.mark_ticks
            if not ticks:
                raise ValueError("there is no mark yet")
            made["refinement"] = STAKE * 10 ** max(0, len(str(50_000_000 // ticks)) - 1)
        return made

    def join(self, reserve) -> None:
        if reserve.source is None:
            self.lending.debt_reserve = reserve
            self.interest.begin(reserve)
            return
        self.collateral = reserve
        reserve.supply_index = ONE // STAKE
        reserve.assigned_mark = 1
        if self.terms.gas_cap is not None:
            self.gas_cap = rate_of(self.terms.gas_cap) // rate_of(reserve.lot_size)

    @staticmethod
    def parts(rate) -> int:
        return int(rate_of(rate) * PARTS)

    # --- the system ----------------------------------------------------------------------------

    @property
    def worth(self) -> int:
        return self.collateral.unit * self.collateral.price_ticks

    def system(self) -> tuple[int, int]:
        """Value of all collateral and all debts."""
        if self.collateral is None or self.lending.debt_reserve is None:
            return 0, 0
        return self.collateral.supplied_lots * self.worth, self.lending.debt_reserve.owed_lots

    def below(self, ratio) -> bool:
        """Are all loans together below a ratio?"""
        value, debt = self.system()
        return ratio is not None and value * PARTS < self.parts(ratio) * debt

    def in_recovery(self) -> bool:
        return self.terms.recovery and self.below(self.terms.critical_ratio)

    def lower_mark(self, mark: int) -> int:
        """In recovery mode loans below the system's ratio are due, while the pool has something."""
        reserve = self.collateral
        free = self.lending.stability_pool.free()
        if not free or not reserve.supplied or not self.in_recovery():
            return mark
        threshold = int(reserve.supplied_side.threshold * PARTS)
        debt = self.lending.debt_reserve.owed_lots
        system = Fraction(
            debt * reserve.refine * PARTS, reserve.supplied * reserve.unit * threshold
        )
        return min(mark, ceil(system) + 1)

    def believed(self) -> None:
        """A new price: below the ratio of shutdown nothing is lent any more, for good."""
        if self.below(self.terms.shutdown_ratio):
            self.interest.is_shut = True
            self.collateral.frozen = self.lending.debt_reserve.frozen = True

    def form_marks(self, cause: int = -1) -> None:
        if self.collateral is not None:
            self.collateral.form_marks(cause)
        self.engine.queue.on_marks()
        self.engine.queue.reenter_changed()

    # --- accounts ------------------------------------------------------------------------------

    def position(self, account: int):
        number = self.collateral.borrowed_side.number
        return self.engine.clearing.create_position(account, number, 0)

    def held(self, account: int, reserve, borrowed: bool) -> int:
        side = reserve.borrowed_side if borrowed else reserve.supplied_side
        return self.lending.scaled(account, side)

    def pending(self, account: int) -> tuple[int, int]:
        """Atoms assigned to an account since it was settled, and what is left of a part."""
        found = self.engine.clearing.position(account, self.collateral.borrowed_side.number, 0)
        if found is None or not found.size:
            return 0, 0
        risen = self.collateral.assigned_mark - found.ladder_trigger
        return divmod(-found.size * self.collateral.unit * risen, self.collateral.refine)

    def owed(self, account: int) -> int:
        own = self.held(account, self.lending.debt_reserve, True)
        return own + self.pending(account)[0] + self.interest.pending(account)[0]

    def settle(self, account: int) -> None:
        """What was assigned becomes the account's own debt, and its stake that of its collateral."""
        self.interest.settle(account)
        atoms, rest = self.pending(account)
        debt = self.lending.debt_reserve
        if atoms:
            self.lending.move_scaled(account, debt.borrowed_side, atoms)
            debt.borrowed -= atoms  # was counted when it was shared out
            self.unsettled -= atoms
        self.waiting += rest
        stake = self.held(account, self.collateral, False)
        position = self.position(account)
        side = self.collateral.borrowed_side
        side.held += stake + position.size
        side.outside_lots += stake + position.size
        position.size = -stake
        position.ladder_trigger = self.collateral.assigned_mark if stake else 0
        if debt is not None:
            self.interest.weigh(account)

    def any_below_minimum(self) -> bool:
        least = self.parts(self.terms.minimum_ratio)
        for number, account in enumerate(self.engine.clearing.accounts):
            if account.lending is not self.lending or self.collateral is None:
                continue
            lots = self.collateral.lots(self.held(number, self.collateral, False), False)
            if lots and lots * self.worth * PARTS < least * self.owed(number):
                return True
        return False

    def change(self, account: int, name: str, reserve, lots: int, what: str, fee: int) -> None:
        """Deposit, withdraw, borrow or repay; all but the account's debt and ratios have been checked."""
        more = what in ("deposit", "borrow")
        c, d = self.collateral, self.lending.debt_reserve
        stake, debt = self.held(account, c, False), self.owed(account)
        if what == "repay" and lots > debt:
            raise ValueError(f"{lots} atoms are above the debt of {debt}")
        if what in ("borrow", "repay"):
            self.check_least(debt + lots + fee if what == "borrow" else debt - lots)
        if what == "withdraw" and lots > c.lots(stake, False):
            raise ValueError(f"{lots} lots are above the collateral")
        exact = Fraction(lots * ONE, c.supply_index)
        scaled = floor(exact) if more else ceil(exact)
        if what == "withdraw" and lots == c.lots(stake, False):
            scaled = stake
        if what in ("withdraw", "borrow"):
            stake_after = stake - (scaled if what == "withdraw" else 0)
            supplied = c.supplied - (scaled if what == "withdraw" else 0)
            debt_after = debt + (lots + fee if what == "borrow" else 0)
            all_debts = d.owed_lots + (lots + fee if what == "borrow" else 0)
            value = c.lots(stake_after, False) * self.worth
            if floor(value * c.supplied_side.loan_to_value) < debt_after:
                raise ValueError(f"{name}: more than the collateral of {account} bears")
            critical = self.terms.critical_ratio
            if critical is not None and (
                c.lots(supplied, False) * self.worth * PARTS < self.parts(critical) * all_debts
            ):
                raise ValueError(f"{name}: all loans together would be below the critical ratio")
        self.settle(account)
        if reserve is c:
            self.lending.move_scaled(account, c.supplied_side, scaled if more else -scaled)
            self.settle(account)
        else:
            self.lending.move_scaled(account, d.borrowed_side, lots + fee if more else -lots)
            self.settle(account)

    def check_least(self, debt: int) -> None:
        least = self.engine.to_atoms(self.terms.least_debt, self.lending.asset)
        if 0 < debt < least:
            raise ValueError(f"a debt of {debt} atoms is outside 0 and {least} or more")

    def room(self, account: int) -> int:
        """Most atoms that an account may borrow now."""
        c, d = self.collateral, self.lending.debt_reserve
        lots = c.lots(self.held(account, c, False), False)
        most = floor(lots * self.worth * c.supplied_side.loan_to_value) - self.owed(account)
        if d.borrow_cap is not None:
            below = self.lending.rules.borrow_bound == "below"
            most = min(most, d.borrow_cap - d.owed_lots - below)
        left = common(d, True)
        if left is not None:
            most = min(most, left)
        if self.terms.critical_ratio is not None:
            value, debts = self.system()
            most = min(most, value * PARTS // self.parts(self.terms.critical_ratio) - debts)
        low, high = 0, min(d.cash, most)
        while low < high:
            middle = (low + high + 1) // 2
            fits = middle + self.interest.fee(account, middle) <= most
            low, high = (middle, high) if fits else (low, middle - 1)
        least = self.engine.to_atoms(self.terms.least_debt, self.lending.asset)
        after = self.owed(account) + low + self.interest.fee(account, low)
        return 0 if after < least else low

    # --- liquidation ---------------------------------------------------------------------------

    def split(self, lots: int, debt: int) -> Parts | None:
        """Where everything of a loan goes; None: it is not liquidated."""
        terms, value = self.terms, lots * self.worth
        free = self.lending.stability_pool.free()
        recovery = self.in_recovery()
        all_value, all_debts = self.system()
        if recovery and value <= debt:
            return self.shares(lots, debt, 0)
        if value * PARTS < self.parts(terms.minimum_ratio) * debt:
            return self.shares(lots, debt, min(debt, free))
        if recovery and value * all_debts < all_value * debt and debt <= free:
            capped = debt * self.parts(terms.minimum_ratio) // (PARTS * self.worth)
            gas = self.gas(capped)
            return Parts(debt, capped - gas, 0, 0, lots - capped, gas)
        return None

    def gas(self, lots: int) -> int:
        gas = lots * self.parts(self.terms.gas_share) // PARTS
        return gas if self.gas_cap is None else min(gas, self.gas_cap)

    def shares(self, lots: int, debt: int, offset: int) -> Parts:
        if self.terms.offset_penalty is None:
            gas = self.gas(lots)
            to_pool = (lots - gas) * offset // debt
            return Parts(offset, to_pool, debt - offset, lots - gas - to_pool, 0, gas)
        portion = lots * offset // debt
        gas = self.gas(portion)
        to_pool = min(portion - gas, self.with_penalty(offset, self.terms.offset_penalty))
        surplus = portion - gas - to_pool
        shared = 0
        if debt > offset and lots > portion:
            free = lots - portion + surplus
            most = self.with_penalty(debt - offset, self.terms.redistribution_penalty)
            shared = min(free, most)
            surplus = free - shared
        return Parts(offset, to_pool, debt - offset, shared, surplus, gas)

    def with_penalty(self, debt: int, penalty) -> int:
        return debt * (PARTS + self.parts(penalty)) // (PARTS * self.worth)

    def profit(self, liquidator: Liquidator, parts: Parts, seizure) -> int | None:
        """What a liquidator gains; None: it does not act."""
        asset = self.lending.asset
        sold = parts.gas + (parts.to_pool if self.terms.sells else 0)
        gains = 0
        if sold and seizure.quote(self.collateral, SELL, sold) is None:
            return None
        if parts.gas:
            gains = seizure.quote(self.collateral, SELL, parts.gas)
        paid, gas, least = (
            self.engine.to_atoms(x, asset)
            for x in (self.terms.gas_reserve, liquidator.gas, liquidator.min_profit)
        )
        profit = gains + paid - gas
        return profit if profit >= least else None

    def take(self, entry, seizure) -> None:
        """Close a loan that is due, if the rules let it and a liquidator gains by it."""
        queue, name = self.engine.queue, entry.unit
        account = name[0]
        c, d = self.collateral, self.lending.debt_reserve
        stake = self.held(account, c, False)
        parts = None
        others = c.supplied - stake
        if c.usable() and d.usable() and others:
            parts = self.split(c.lots(stake, False), self.owed(account))
        if parts is not None and not self.shares_fit(others, parts):
            parts = None
        chosen = None if parts is None else self.choose(parts, entry.cause, seizure)
        if chosen is None:
            queue.due[name] = entry
            queue.aside.add(name)
        else:
            seizure.cascade.units += 1
            self.close(account, parts, *chosen, entry.cause, seizure)
        self.engine.clearing.changed.append(name)
        queue.reenter_changed()

    def choose(self, parts: Parts, cause: int, seizure):
        liquidators = self.engine.liquidators
        if not liquidators:
            nobody = Liquidator()
            return None if self.profit(nobody, parts, seizure) is None else (-1, nobody)
        offers = []
        for number, liquidator in enumerate(liquidators):
            if not seizure.waits(liquidator, cause):
                profit = self.profit(liquidator, parts, seizure)
                if profit is not None:
                    offers.append((number, liquidator, profit))
        if not offers:
            return None
        if liquidators.compete != "order":
            offers.sort(key=lambda offer: -offer[2])
            bid = max(0, offers[1][2]) if len(offers) > 1 else 0
            offers[0][1].cash -= bid
            offers[0][1].bids += bid
        return offers[0][:2]

    def shares_fit(self, others: int, parts: Parts) -> bool:
        """Do index, mark and what waits stay within their ranges?"""
        c = self.collateral
        index = c.supply_index + parts.shared_lots * ONE // others
        waiting = parts.shared * c.refine + self.waiting + c.refine
        risen = waiting // (others * c.unit)
        fits = c.assigned_mark + risen <= events.MAX_PRICE and 2 * index < 2**63
        fits &= c.price_ticks * c.refine * index // ONE <= events.MAX_PRICE
        return fits and others * c.unit < 2**62

    def share_out(self, atoms: int, lots: int) -> None:
        """Onto all stakes there are; parts of an atom that cannot be divided wait."""
        c = self.collateral
        index = lots * ONE // c.supplied
        risen, waiting = divmod(atoms * c.refine + self.waiting, c.supplied * c.unit)
        c.supply_index += index
        c.assigned_mark += risen
        c.roundings += 1
        self.waiting = waiting
        self.unsettled += atoms
        self.lending.debt_reserve.borrowed += atoms

    def close(self, account, parts: Parts, who: int, liquidator, cause: int, seizure) -> None:
        log, c, d = self.engine.log, self.collateral, self.lending.debt_reserve
        unit = self.engine.clearing.unit((account, ALL_CROSS))
        borne = unit.borne()
        owed = borne - unit.equity()
        money = unit.equity()
        stake, debt = self.held(account, c, False), self.owed(account)
        seizure.cascade.notional += debt
        about = {"account": account, "market": c.supplied_side.number}
        liquidation = log.add(
            events.LIQUIDATION, cause=cause, wave=log.wave(cause) + 1, side=SELL,
            price=c.price_ticks, quantity=c.lots(stake, False), money=money, **about,
        )  # fmt: skip
        log.add(events.SEIZE, cause=liquidation, counterparty=who, quantity=parts.gas, **about)
        self.settle(account)
        self.lending.move_scaled(account, c.supplied_side, -stake)
        self.lending.move_scaled(account, d.borrowed_side, -debt)
        self.settle(account)
        c.roundings += 1
        about["cause"] = liquidation
        gone = parts.gas + parts.to_pool
        c.cash -= gone
        c.flow("seized", gone)
        if parts.offset:
            d.cash += parts.offset
            d.flow("repaid", parts.offset)
            log.add(
                events.OFFSET, cause=liquidation, account=account, quantity=parts.offset,
                money=parts.to_pool, market=d.borrowed_side.number,
            )  # fmt: skip
        if parts.shared:
            self.share_out(parts.shared, parts.shared_lots)
            log.add(
                events.REDISTRIBUTE, cause=liquidation, account=account, quantity=parts.shared,
                money=parts.shared_lots, market=c.borrowed_side.number,
            )  # fmt: skip
        if parts.surplus:
            self.interest.keep(account, parts.surplus)
            log.add(events.RETURNED, quantity=parts.surplus, **about)
        gains = seizure.trade(c, SELL, parts.gas, liquidation) if parts.gas else 0
        paid, gas = (
            self.engine.to_atoms(x, self.lending.asset)
            for x in (self.terms.gas_reserve, liquidator.gas)
        )
        liquidator.cash += gains + paid - gas
        liquidator.spent += gas
        liquidator.done += 1
        if parts.offset:
            gain = parts.to_pool
            if self.terms.sells:
                gain = seizure.trade(c, SELL, gain, liquidation) if gain else 0
            self.lending.stability_pool.offset(parts.offset, gain)
        log.add(events.HEALTH, order=borne * PARTS // owed, quantity=INFINITE, **about)
        self.form_marks(liquidation)

    # --- what adds up --------------------------------------------------------------------------

    def rows(self) -> list[list[int]]:
        mark = 0 if self.collateral is None else self.collateral.assigned_mark
        return [[self.waiting, self.unsettled, mark], *self.interest.rows()]

    def check(self) -> None:
        """Shared out is what accounts have coming and what waits, to the part of an atom."""
        c, d = self.collateral, self.lending.debt_reserve
        if c is None or d is None:
            return
        accounts = range(len(self.engine.clearing.accounts))
        mine = [k for k in accounts if self.engine.clearing.accounts[k].lending is self.lending]
        coming = [self.pending(k) for k in mine]
        parts = sum(atoms * c.refine + rest for atoms, rest in coming)
        assert self.unsettled * c.refine == parts + self.waiting, (self.unsettled, parts)
        shared = self.unsettled + self.interest.unsettled
        assert d.borrowed == shared + sum(self.held(k, d, True) for k in mine)
        self.interest.check(mine)
        find, side = self.engine.clearing.position, c.borrowed_side.number
        stakes = [-p.size if (p := find(k, side, 0)) else 0 for k in mine]
        assert [self.held(k, c, False) for k in mine] == stakes
        assert c.supplied == sum(self.held(k, c, False) for k in mine)
