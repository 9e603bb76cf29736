"""Lending markets of the twin: docs/lending-market.md, one borrower at a time, from nothing each time.

A reserve's supplied and its borrowed side are two markets without a venue; what an account has there is
a position of scaled lots. Their marks are the oracle's price times the side's index, in parts of a tick.
"""

from fractions import Fraction
from math import ceil, floor

import numpy as np

from . import lending_categories as categories
from . import lending_terms as terms
from . import log as events
from . import loops
from .clearing import ALL_CROSS, Account
from .grid import whole
from .lending_reserves import PARTS, NoVenue, Reserve, Side
from .lending_rules import ONE, LendingRules, Oracle
from .lending_units import Borrower
from .margin import Contract, Table, Tier, fits, rate_of
from .market import Market
from .rates import Model
from .redistribution import Troves
from .rules import Rules
from .sales import Auctioneer
from .stability import StabilityPool
from .stop_gap import LeastAtom, StopGap


class LendingMarket:
    """Reserves and the accounts that borrow from them."""

    def __init__(self, engine, name: str, number: int, rules: LendingRules, asset: str) -> None:
        self.engine, self.name, self.number = engine, name, number
        self.rules, self.asset = rules, asset
        self.reserves: dict[str, Reserve] = {}
        self.base: Reserve | None = None  # of a protocol that absorbs or auctions
        self.auctions = None if rules.auction is None else Auctioneer()
        self.sequencer_down = False
        self.spared_until = 0
        self.categories: dict[str, categories.Category] = {}
        self.category_of: dict[int, categories.Category | None] = {}
        self.debt_reserve: Reserve | None = None  # of troves
        self.troves = self.pool = None
        if rules.troves is not None:
            self.troves = Troves(self)
            self.pool = StabilityPool(self, rules.troves)
        self.stop_gap = StopGap(self)
        if "stability_pool" in rules.stop_gap:
            self.pool = StabilityPool(self, LeastAtom(Fraction(1, self.stop_gap.atoms)))

    @property
    def stability_pool(self) -> StabilityPool:
        if self.pool is None:
            raise ValueError(f"{self.name!r} has no stability pool")
        return self.pool

    def __getitem__(self, name: str) -> Reserve:
        return self.reserves[name]

    def add_reserve(
        self,
        name,
        *,
        price=None,
        venue="price",
        liquidation_threshold=0,
        loan_to_value=None,
        liquidation_bonus=0,
        borrow_factor=1,
        interest=None,
        reserve_factor=0,
        supply_cap=None,
        borrow_cap=None,
        oracle=None,
        collateral=True,
        borrowable=True,
        refinement=None,
        liquidation_factor=1,
        debt_ceiling=None,
        borrowable_in_isolation=False,
        siloed=False,
        account_cap=None,
        account_share=None,
        liquidation_fee=None,
    ) -> Reserve:
        engine = self.engine
        source = None if price is None else engine.market(price)
        names = venue if isinstance(venue, (list, tuple)) else [venue]
        found = [source if name == "price" else name and engine.market(name) for name in names]
        venues = tuple(market for market in found if market is not None)
        if self.troves is not None:
            given = self.troves.reserve_terms(
                name, source,
                {
                    "interest": interest, "borrow_factor": borrow_factor, "collateral": collateral,
                    "borrowable": borrowable, "refinement": refinement, "debt_ceiling": debt_ceiling,
                    "borrowable_in_isolation": borrowable_in_isolation, "siloed": siloed,
                },
            )  # fmt: skip
            collateral, borrowable = given["collateral"], given["borrowable"]
            liquidation_threshold = given["liquidation_threshold"]
            refinement = given["refinement"]
        atoms = 10 ** engine.clearing.assets[self.asset].decimals
        lot_size = Fraction(1, atoms) if source is None else source.lot_size
        threshold = rate_of(liquidation_threshold)
        self.check_points(threshold)
        if refinement is None:
            refinement = self.refinement(interest, source)
        caps = [None if c is None else whole("cap", c, lot_size) for c in (supply_cap, borrow_cap)]
        reserve = Reserve(
            self, name, len(engine.reserves), source, venues, lot_size,
            1 if source is None else source.contract.unit, refinement, rate_of(borrow_factor), interest,
            int(rate_of(reserve_factor) * PARTS), *caps, collateral, borrowable, oracle or Oracle(),
        )  # fmt: skip
        reserve.liquidation_factor = int(rate_of(liquidation_factor) * PARTS)
        if debt_ceiling is not None:
            reserve.debt_ceiling = whole("debt_ceiling", debt_ceiling, Fraction(1, 100))
            if self.rules.close_factor[0] in ("absorb", "auction"):
                raise ValueError("debt_ceiling: isolated is what liquidators call for")
            if reserve.debt_ceiling < 0:
                raise ValueError(f"debt_ceiling {debt_ceiling!r} is below 0")
            if not self.rules.isolation:
                raise ValueError("debt_ceiling: the rules have no isolation")
        if liquidation_fee is not None and self.rules.fee_on == "repay":
            raise ValueError("liquidation_fee: a fee on what is repaid is one for all")
        fee = self.rules.fee if liquidation_fee is None else liquidation_fee
        reserve.fee = int(rate_of(fee) * PARTS)
        reserve.lent_in_isolation, reserve.siloed = borrowable_in_isolation, siloed
        if account_cap is not None:
            reserve.account_cap = whole("account_cap", account_cap, lot_size)
        reserve.account_share = None if account_share is None else rate_of(account_share)
        reserve.at_target = 0 if interest is None else interest.first_at_target()
        if borrowable and self.rules.close_factor[0] in ("absorb", "auction"):
            if collateral and self.auctions is not None:
                raise ValueError(f"{name!r}: what is borrowed is not auctioned")
            if self.base is not None:
                raise ValueError(f"{name!r}: only {self.base.name!r} can be borrowed")
            self.base = reserve
        reserve.supplied_side = self.side(reserve, f"{self.name} {name} supplied", False)
        self.state_terms(reserve.supplied_side, threshold, loan_to_value, liquidation_bonus)
        reserve.borrowed_side = self.side(reserve, f"{self.name} {name} borrowed", True)
        self.reserves[name] = reserve
        engine.reserves.append(reserve)
        if self.troves is not None:
            self.troves.join(reserve)
        if source is None:
            reserve.believe(1, -1)
        elif source.mark_ticks:
            reserve.believe(source.mark_ticks, -1)
        engine.queue.on_marks()
        return reserve

    @staticmethod
    def refinement(interest: Model | None, source: Market | None) -> int:
        """Parts of a tick in the marks: with interest as fine as leaves the price room to grow."""
        if interest is None:
            return 1
        ticks = 1 if source is None else source.mark_ticks
        if not ticks:
            raise ValueError("there is no mark yet")
        return 10 ** max(0, len(str(50_000_000 // ticks)) - 1)

    def check_points(self, threshold: Fraction) -> None:
        if self.rules.health == "average" and (threshold * 10_000).denominator != 1:
            raise ValueError(
                f"liquidation_threshold {threshold} is no whole number of basis points"
            )

    def state_terms(self, side: Side, threshold, loan_to_value, bonus) -> None:
        self.check_points(threshold)
        side.threshold = threshold
        side.loan_to_value = threshold if loan_to_value is None else rate_of(loan_to_value)
        side.bonus = int(rate_of(bonus) * PARTS)

    def add_category(self, name, **terms) -> None:
        if self.troves is not None:
            raise ValueError("troves have no categories")
        categories.add_category(self, name, **terms)

    def set_category(self, account, name) -> None:
        categories.set_category(self, int(account), name)

    def sequencer(self, up, *, grace=0) -> None:
        terms.set_sequencer(self, bool(up), grace)

    def check_account(self, account: int) -> None:
        clearing = self.engine.clearing
        if not 0 <= account < len(clearing.accounts):
            raise ValueError(f"account {account} is unknown")
        if clearing.accounts[account].lending is not self:
            raise ValueError(f"account {account} is none of {self.name!r}")

    def side(self, reserve: Reserve, name: str, borrowed: bool) -> Side:
        engine = self.engine
        number = len(engine.clearing.markets)
        table = Table([Tier(0, Fraction(0), Fraction(0))], False, False, Fraction(0))
        terms = (self.asset, Contract(False, 1), table, Rules(), NoVenue(), 1, 1)
        side = Side(engine, number, name, *terms)
        side.reserve, side.borrowed = reserve, borrowed
        engine.clearing.markets.append(side)
        return side

    def note(self, kind: int, side: Side, account: int, lots: int) -> None:
        self.engine.log.add(kind, account=account, quantity=lots, market=side.number)

    # --- accounts ------------------------------------------------------------------------------

    def open(self, *, collateral=None, debt=None, category=None, rate=None) -> np.ndarray:
        """New accounts with collateral and debts by reserve, columns or numbers."""
        for given in [] if rate is None else np.atleast_1d(np.asarray(rate, dtype=object)):
            if self.troves is None:
                raise ValueError("debts bear no rate of their own")
            self.troves.interest.check_rate(given)
        category = None if category is None else self.categories[category]
        for name in debt or {}:
            categories.check_lent(category, name)
        columns = {
            (name, borrowed): np.atleast_1d(np.asarray(value, dtype=object))
            for borrowed, given in ((False, collateral or {}), (True, debt or {}))
            for name, value in given.items()
        }
        count = max((len(column) for column in columns.values()), default=0)
        clearing = self.engine.clearing
        first = len(clearing.accounts)
        lots = {
            (name, borrowed): [
                whole("amount", x, self.reserves[name].lot_size)
                for x in (column if len(column) == count else list(column) * count)
            ]
            for (name, borrowed), column in columns.items()
        }
        for (name, borrowed), column in lots.items():
            self.check_open(self.reserves[name], column, borrowed)
        counted = terms.check_rows(self, lots)
        for (name, borrowed), column in lots.items():
            if not borrowed:
                self.reserves[name].cash += sum(column)
        for (name, borrowed), column in lots.items():
            if borrowed and sum(column) > self.reserves[name].cash:
                for (other, debts), back in lots.items():
                    if not debts:
                        self.reserves[other].cash -= sum(back)
                raise ValueError(f"{name}: {sum(column)} lots are more than there is cash")
        for (name, borrowed), column in lots.items():
            if borrowed:
                self.reserves[name].cash -= sum(column)
        for (name, borrowed), column in lots.items():
            kind = "borrowed" if borrowed else "supplied"
            self.reserves[name].flow(kind, sum(column), 1 + len(column))
        for k in range(count):
            clearing.accounts.append(Account(self.asset, lending=self))
            self.category_of[first + k] = category
            for (name, borrowed), column in sorted(
                lots.items(), key=lambda row: (self.reserves[row[0][0]].number, row[0][1])
            ):
                if column[k]:
                    side = categories.side_of(category, self.reserves[name], borrowed)
                    self.move(first + k, side, column[k])
            if self.troves is not None and self.troves.collateral is not None:
                self.troves.settle(first + k)
            clearing.changed.append((first + k, ALL_CROSS))
        for name, added in counted.items():
            self.reserves[name].isolated_debt += added
        self.engine.log.add(events.OPEN, quantity=count, money=0, account=first if count else -1)
        self.engine.queue.reenter_changed()
        if self.troves is not None:
            self.troves.form_marks()
        if rate is not None:
            for k in range(count):
                given = np.broadcast_to(np.asarray(rate, dtype=object), count)[k]
                self.troves.interest.set_rate(first + k, given)
                clearing.changed.append((first + k, ALL_CROSS))
            self.engine.queue.reenter_changed()
            self.troves.form_marks()
        return np.arange(first, first + count)

    def set_rate(self, account, rate) -> None:
        if self.troves is None:
            raise ValueError("debts bear no rate of their own")
        self.troves.interest.set_rate(int(account), rate)
        self.engine.clearing.changed.append((int(account), ALL_CROSS))
        self.engine.queue.reenter_changed()
        self.troves.form_marks()

    def rate_of(self, account) -> float:
        return float(Fraction(self.troves.interest.rate(int(account)), PARTS))

    def surplus(self, account) -> float:
        lots = self.troves.interest.surplus.get(int(account), 0)
        return float(lots * rate_of(self.troves.collateral.lot_size))

    def claim(self, account) -> float:
        return float(
            self.troves.interest.claim(int(account)) * rate_of(self.troves.collateral.lot_size)
        )

    @staticmethod
    def check_open(reserve: Reserve, column: list, borrowed: bool) -> None:
        if any(lots < 0 for lots in column):
            raise ValueError(f"{reserve.name}: an amount is negative")
        reserve.check_open_for(True)
        if borrowed:
            if not reserve.borrowable:
                raise ValueError(f"{reserve.name} cannot be borrowed")
            cap = reserve.borrow_cap
            rules = reserve.lending.rules
            if not rules.within(reserve.owed_lots + sum(column), cap, rules.borrow_bound):
                raise ValueError(f"{reserve.name}: the borrow cap of {cap} lots is passed")
        else:
            if not reserve.collateral:
                raise ValueError(f"{reserve.name} is no collateral")
            reserve.check_supply(sum(column))

    def move(self, account: int, side: Side, lots: int) -> None:
        """More collateral or more debt for an account; negative lots: less of it."""
        reserve, borrowed = side.reserve, side.borrowed
        index = reserve.borrow_index if borrowed else reserve.supply_index
        exact = Fraction(lots * ONE, index)
        # scaled collateral is rounded down, scaled debt up, whichever way the amount goes
        scaled = ceil(exact) if borrowed else floor(exact)
        self.move_scaled(account, side, scaled)

    def move_scaled(self, account: int, side: Side, scaled: int) -> None:
        reserve, borrowed = side.reserve, side.borrowed
        clearing = self.engine.clearing
        position = clearing.create_position(account, side.number, 0)
        sign = -1 if borrowed else 1
        position.size += sign * scaled
        side.held += scaled
        side.outside_lots -= sign * scaled
        if borrowed:
            reserve.borrowed += scaled
        else:
            reserve.supplied += scaled
        fits(position.size)
        clearing.changed.append((account, ALL_CROSS))

    def unit(self, account: int) -> Borrower:
        return self.engine.clearing.unit((account, ALL_CROSS))

    def scaled(self, account: int, side: Side) -> int:
        position = self.engine.clearing.position(account, side.number, 0)
        return 0 if position is None else abs(position.size)

    def allowed(self, account: int) -> bool:
        """Does the account's collateral bear its debts at the loan-to-value ratios?"""
        total = 0
        for held in self.unit(account).holdings:
            if held.size > 0:
                total += floor(held.value(held.mark) * held.side.loan_to_value)
            else:
                total += held.weighted(held.mark)
        return total >= 0

    def refuses(self, account: int, reserve: Reserve | None, borrows: bool) -> bool:
        """Is a price asked for that no oracle gives?"""
        held = self.unit(account).holdings
        asked = borrows or any(h.size < 0 for h in held) or self.rules.zero_price == "refused"
        about = [h.reserve for h in held] + ([] if reserve is None else [reserve])
        return asked and any(each.unpriced() for each in about)

    def change(self, account: int, name: str, amount, what: str) -> None:
        """Deposit, withdraw, borrow or repay."""
        account = int(account)
        self.check_account(account)
        reserve = self.reserves[name]
        lots = reserve.amount(amount)
        borrowed = what in ("borrow", "repay")
        reserve.check_open_for(what in ("deposit", "borrow"))
        category = self.category_of.get(account)
        side = categories.side_of(category, reserve, borrowed)
        if what == "borrow":
            categories.check_lent(category, name)
        fee = 0
        if what in ("deposit", "borrow"):
            self.check_open(reserve, [lots], borrowed)
            if self.troves is not None and what == "borrow" and self.troves.collateral:
                fee = self.troves.interest.fee(account, lots)
                self.check_open(reserve, [lots + fee], borrowed)
            check = terms.check_borrow if borrowed else terms.check_deposit
            check(self, account, reserve, lots + fee)
        if what in ("withdraw", "borrow") and lots > reserve.cash:
            raise ValueError(f"{name}: {lots} lots are more than there is cash")
        if what in ("withdraw", "borrow") and self.refuses(account, reserve, borrowed):
            raise ValueError(f"an oracle gives no price for what account {account} has")
        if self.troves is not None:
            if not self.troves.collateral or not self.debt_reserve:
                raise ValueError("a reserve is missing")
            if (what in ("withdraw", "deposit")) == (reserve is self.debt_reserve):
                raise ValueError(f"{name} is not what can be had of it")
            self.troves.change(account, name, reserve, lots, what, fee)
            self.changed(account, side, lots, what)
            self.troves.interest.share(fee, account)
            self.troves.form_marks()
            return
        held = self.scaled(account, side)
        if what in ("withdraw", "repay"):
            most = reserve.lots(held, borrowed)
            if lots > most:
                raise ValueError(f"amount {amount!r} is above the {most} lots that account has")
        if borrowed:
            debt = reserve.lots(held, True)
            terms.check_dust(
                self, account, reserve, debt + lots if what == "borrow" else debt - lots
            )
        less = what in ("withdraw", "repay")
        index = reserve.borrow_index if borrowed else reserve.supply_index
        exact = Fraction(lots * ONE, index)
        if less:
            whole_of_it = lots == reserve.lots(held, borrowed)
            scaled = -held if whole_of_it else -(floor(exact) if borrowed else ceil(exact))
        else:
            scaled = ceil(exact) if borrowed else floor(exact)
        touched = len(self.engine.clearing.changed)
        self.move_scaled(account, side, scaled)
        if what in ("withdraw", "borrow") and not self.allowed(account):
            self.move_scaled(account, side, -scaled)
            del self.engine.clearing.changed[touched:]
            raise ValueError(f"amount {amount!r} is more than the collateral of {account} bears")
        if borrowed:
            count = terms.borrowed if what == "borrow" else terms.repaid
            count(self, account, reserve, lots)
        self.changed(account, side, lots, what)

    def changed(self, account: int, side: Side, lots: int, what: str) -> None:
        reserve = side.reserve
        reserve.cash += lots if what in ("deposit", "repay") else -lots
        words = {"deposit": "supplied", "withdraw": "redeemed", "borrow": "borrowed"}
        reserve.flow(words.get(what, "repaid"), lots)
        kinds = {"deposit": events.SUPPLY, "withdraw": events.REDEEM}
        kinds |= {"borrow": events.BORROW, "repay": events.REPAY}
        self.note(kinds[what], side, account, lots)
        self.engine.queue.reenter_changed()

    def deposit(self, account, asset, amount) -> None:
        self.change(account, asset, amount, "deposit")

    def withdraw(self, account, asset, amount) -> None:
        self.change(account, asset, amount, "withdraw")

    def borrow(self, account, asset, amount) -> None:
        self.change(account, asset, amount, "borrow")

    def repay(self, account, asset, amount) -> None:
        self.change(account, asset, amount, "repay")

    def trove(self, account: int) -> tuple[float, float]:
        c, d = self.troves.collateral, self.debt_reserve
        lots = c.lots(self.scaled(account, c.supplied_side), False)
        debt = self.troves.owed(account)
        return float(lots * rate_of(c.lot_size)), float(debt * rate_of(d.lot_size))

    def loop(self, collateral, debt, **terms) -> np.ndarray:
        if self.troves is not None:
            raise ValueError("troves do not loop")
        return loops.loop(self, collateral, debt, **terms)

    def borrowable(self, account, asset) -> float:
        reserve = self.reserves[asset]
        if self.troves is not None:
            self.check_account(int(account))
            room = self.troves.room(int(account)) if reserve is self.debt_reserve else 0
            return float(room * rate_of(reserve.lot_size))
        self.check_account(int(account))
        return float(loops.borrowable(self, int(account), reserve) * rate_of(reserve.lot_size))

    @property
    def health(self) -> np.ndarray:
        """Health factor of each account of the engine; infinite without debt, nan elsewhere."""
        found = []
        for number, account in enumerate(self.engine.clearing.accounts):
            if account.lending is not self:
                found.append(np.nan)
                continue
            unit = self.unit(number)
            borne, owed = unit.borne(), unit.borne() - unit.equity()
            found.append(borne / owed if owed else np.inf)
        return np.array(found)


class LendingMarkets(dict):
    """Lending markets by name; those with bands also in `bands`."""

    def __init__(self, engine) -> None:
        super().__init__()
        self.engine = engine
        self.caps: dict[tuple, terms.Cap] = {}  # by price and money
        self.bands = {}

    def add(self, name, *, rules=None, asset=None) -> LendingMarket:
        if name in self:
            raise ValueError(f"lending market {name!r} exists")
        stated = (len(self), rules or LendingRules(), asset or self.engine.asset)
        self[name] = LendingMarket(self.engine, name, *stated)
        return self[name]

    def cap(self, price, *, supply=None, borrow=None, asset=None) -> None:
        source = None if price is None else self.engine.market(price)
        asset = source.asset if source is not None else asset or self.engine.asset
        atoms = 10 ** self.engine.clearing.assets[asset].decimals
        lot = Fraction(1, atoms) if source is None else source.lot_size
        most = [None if x is None else whole("cap", x, lot) for x in (supply, borrow)]
        if any(x is not None and x < 0 for x in most):
            raise ValueError("a cap is below zero")
        self.caps[None if source is None else source.number, asset] = terms.Cap(*most)


def pass_lending(engine, elapsed: int) -> None:
    """What time does to reserves: interest, then prices that are believed now."""
    for reserve in engine.reserves:
        reserve.accrue(elapsed)
    for lending in engine.lending.values():
        if lending.troves is not None and elapsed:
            lending.troves.interest.accrue()
    engine.queue.on_marks()
    for market in engine.band_markets:
        market.accrue(elapsed)
    for reserve in engine.reserves:
        reserve.pass_time()
    engine.queue.on_marks()


def read_again(engine) -> None:
    """Prices that are read though no mark changed."""
    for reserve in engine.reserves:
        reserve.read_again()
        engine.queue.on_marks()
