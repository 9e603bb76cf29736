"""Lending markets of the twin: docs/lending-market.md, one borrower at a time, from nothing each time.

A reserve's supplied and its borrowed side are two markets without a venue; what an account has there is
a position of scaled lots. Their marks are the oracle's price times the side's index, in parts of a tick.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

import numpy as np

from . import log as events
from . import loops
from .clearing import ALL_CROSS, Account
from .grid import whole
from .lending_rules import ONE, LendingRules, Oracle
from .lending_units import Borrower
from .margin import Contract, Table, Tier, fits, rate_of
from .market import Market
from .rates import Model
from .rules import Rules

PARTS = 10**9
FLOWS = ("supplied", "redeemed", "borrowed", "repaid", "seized")


class NoVenue:
    """Where nothing trades."""

    last = 0
    auction = False
    curved = False

    def touch(self) -> tuple[int, int]:
        return 0, 0

    def due_stop(self) -> None:
        return None

    def set_mark(self, mark: int) -> None:
        pass

    def orders_of(self, account: int) -> list:
        return []

    def validate(self) -> None:
        pass

    def state(self) -> bytes:
        return b""


@dataclass
class Side(Market):
    """The supplied or the borrowed side of a reserve."""

    reserve: object = None
    borrowed: bool = False


@dataclass
class Reserve:
    """One asset of a lending market; amounts in lots, scaled where an index applies."""

    lending: object
    name: str
    number: int
    source: Market | None
    venue: Market | None
    lot_size: object
    unit: int  # atoms of a lot at one tick
    refine: int
    threshold: Fraction
    loan_to_value: Fraction
    bonus: int  # parts
    borrow_factor: Fraction
    interest: Model | None
    reserve_factor: int  # parts
    supply_cap: int | None
    borrow_cap: int | None
    collateral: bool
    borrowable: bool
    oracle: Oracle
    supply_index: int = ONE
    borrow_index: int = ONE
    supplied: int = 0
    borrowed: int = 0
    cash: int = 0
    treasury: int = 0
    deficit: int = 0
    kept: int = 0
    paused: bool = False
    frozen: bool = False
    grace_until: int = 0
    price_ticks: int = 0
    updated: int = 0
    waiting: list = field(default_factory=list)  # (time, price, event)
    # lots that came and went since the beginning
    flows: dict = field(default_factory=lambda: dict.fromkeys(FLOWS, 0))
    roundings: int = 0  # amounts that were rounded
    liquidation_factor: int = PARTS
    absorbed: int = 0  # lots of the treasury that are for sale
    at_target: int = 0  # of an adaptive curve, a second's rate

    def lots(self, scaled: int, borrowed: bool) -> int:
        if borrowed:
            return ceil(Fraction(scaled * self.borrow_index, ONE))
        return scaled * self.supply_index // ONE

    @property
    def owed_lots(self) -> int:
        return self.lots(self.borrowed, True)

    @property
    def supplied_lots(self) -> int:
        return self.lots(self.supplied, False)

    def flow(self, kind: str, lots: int, count: int = 1) -> None:
        self.flows[kind] += lots
        self.roundings += count

    def row(self) -> dict:
        names = ("supply_index", "borrow_index", "supplied", "borrowed", "cash", "treasury")
        row = {name: getattr(self, name) for name in (*names, "deficit", "kept", "updated")}
        lots = {"supplied_lots": self.supplied_lots, "owed_lots": self.owed_lots}
        row |= {"frozen": int(self.frozen), "grace_until": self.grace_until}
        return {
            **row,
            **lots,
            "price": self.price_ticks,
            "paused": int(self.paused),
            "absorbed": self.absorbed,
            "rate_at_target": self.at_target,
        }

    def pause(self, paused: bool = True, *, grace=0) -> None:
        """Nothing happens to the reserve; afterwards liquidations wait for the time of grace."""
        wait = round(rate_of(grace) * 10**9)
        if wait < 0:
            raise ValueError(f"grace {grace!r} is below 0")
        if self.paused and not paused:
            self.grace_until = self.lending.engine.clock + wait
        self.paused = paused

    def freeze(self, frozen: bool = True) -> None:
        self.frozen = frozen

    def usable(self) -> bool:
        """May a liquidation involve the reserve?"""
        return not self.paused and self.lending.engine.clock >= self.grace_until

    def check_open_for(self, more: bool) -> None:
        if self.paused:
            raise ValueError(f"{self.name} is paused")
        if more and self.frozen:
            raise ValueError(f"{self.name} is frozen: nothing is added to its supply or debts")

    # --- interest ------------------------------------------------------------------------------

    def utilisation(self) -> int:
        """Debts over cash and debts, or over supplies as the model has it."""
        whole = self.supplied_lots if self.interest.over_supplies else self.cash + self.owed_lots
        return min(self.owed_lots * ONE // whole, 2**63 - 1) if whole else 0

    def accrue(self, elapsed: int) -> None:
        """Interest of a step and the marks that follow."""
        if not elapsed or self.interest is None:
            return
        used, debt = self.utilisation(), self.owed_lots
        growth, self.at_target = self.interest.growth(used, elapsed, self.at_target)
        if not debt:
            return
        paid = self.interest.supply_growth(used, elapsed)
        self.borrow_index += ceil(Fraction(self.borrow_index * growth, ONE))
        self.roundings += 1
        interest = self.owed_lots - debt
        if paid is not None:
            before = self.supplied_lots
            self.supply_index += self.supply_index * paid // ONE
            kept = interest - (self.supplied_lots - before)
        elif not self.supplied:
            kept = interest
        else:
            kept = interest * self.reserve_factor // PARTS
            self.supply_index += (interest - kept) * ONE // self.supplied
        self.treasury += kept
        event = -1
        if interest or kept:
            event = self.lending.engine.log.add(
                events.INTEREST, quantity=interest, money=kept, market=self.borrowed_side.number
            )
        self.form_marks(event)

    # --- the oracle ----------------------------------------------------------------------------

    def offer(self, price: int, event: int) -> None:
        """The source's mark has changed."""
        delay = round(rate_of(self.oracle.delay) * 10**9)
        if delay:
            self.waiting.append((self.lending.engine.clock + delay, price, event))
        else:
            self.believe(price, event)

    def pass_time(self) -> None:
        """Prices whose delay is over, and the heartbeat."""
        now = self.lending.engine.clock
        for time, price, event in [row for row in self.waiting if row[0] <= now]:
            self.waiting.remove((time, price, event))
            self.believe(price, event)
            self.lending.engine.queue.on_marks()
        beat = self.oracle.heartbeat
        if beat is None or self.source is None or not self.source.mark_ticks or self.oracle.delay:
            return
        if now - self.updated >= round(rate_of(beat) * 10**9):
            self.believe(self.source.mark_ticks, -1)

    def believe(self, price: int, event: int) -> None:
        engine, old = self.lending.engine, self.price_ticks
        beat = self.oracle.heartbeat
        over = beat is not None and engine.clock - self.updated >= round(rate_of(beat) * 10**9)
        if old and not over and abs(price - old) < rate_of(self.oracle.deviation) * old:
            return
        if old and self.oracle.max_step is not None:
            step = max(1, floor(rate_of(self.oracle.max_step) * old))
            price = min(max(price, old - step), old + step)
        self.updated = engine.clock
        if price == old:
            return
        self.price_ticks = price
        event = engine.log.add(
            events.ORACLE, cause=event, price=price, money=old, market=self.supplied_side.number
        )
        self.form_marks(event)

    def form_marks(self, cause: int) -> None:
        if not self.price_ticks:
            return
        fine = self.price_ticks * self.refine
        lower = max(1, fine * self.supply_index // ONE)
        upper = ceil(Fraction(fine * self.borrow_index, ONE))
        for side, mark in ((self.supplied_side, lower), (self.borrowed_side, upper)):
            if mark > events.MAX_PRICE:
                raise OverflowError(f"{side.name}: {mark} is beyond the highest mark")
            self.lending.engine.change_side(side, mark, cause)

    # --- suppliers without an account ----------------------------------------------------------

    def amount(self, amount, name: str = "amount") -> int:
        lots = whole(name, amount, self.lot_size)
        if lots <= 0:
            raise ValueError(f"{name} {amount!r} must be above zero")
        return lots

    def supply(self, amount) -> None:
        lots = self.amount(amount)
        self.check_supply(lots)
        scaled = lots * ONE // self.supply_index
        self.cash += lots
        self.flow("supplied", lots)
        self.supplied += scaled
        self.lending.note(events.SUPPLY, self.supplied_side, -1, lots)

    def redeem(self, amount) -> None:
        lots = self.amount(amount)
        self.check_open_for(False)
        if lots > self.supplied_lots:
            raise ValueError(f"amount {amount!r} is above what was supplied")
        scaled = ceil(Fraction(lots * ONE, self.supply_index))
        held = self.supplied - self.supplied_side.held
        if scaled > held or lots > self.cash:
            raise ValueError(f"amount {amount!r} is above what is there to redeem")
        self.cash -= lots
        self.flow("redeemed", lots)
        self.supplied -= scaled
        self.lending.note(events.REDEEM, self.supplied_side, -1, lots)

    def check_supply(self, lots: int) -> None:
        self.check_open_for(True)
        if self.supply_cap is not None and self.supplied_lots + lots > self.supply_cap:
            raise ValueError(f"{self.name}: the supply cap of {self.supply_cap} lots is passed")
        if lots * ONE > (2**60 - self.supplied) * self.supply_index:
            raise OverflowError(f"{self.name}: {lots} lots over an index of {self.supply_index}")


class LendingMarket:
    """Reserves and the accounts that borrow from them."""

    def __init__(self, engine, name: str, number: int, rules: LendingRules, asset: str) -> None:
        self.engine, self.name, self.number = engine, name, number
        self.rules, self.asset = rules, asset
        self.reserves: dict[str, Reserve] = {}
        self.base: Reserve | None = None  # of a protocol that absorbs

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
    ) -> Reserve:
        engine = self.engine
        source = None if price is None else engine.market(price)
        if venue == "price":
            venue = source
        elif venue is not None:
            venue = engine.market(venue)
        atoms = 10 ** engine.clearing.assets[self.asset].decimals
        lot_size = Fraction(1, atoms) if source is None else source.lot_size
        threshold = rate_of(liquidation_threshold)
        if self.rules.health == "average" and (threshold * 10_000).denominator != 1:
            raise ValueError(
                f"liquidation_threshold {threshold} is no whole number of basis points"
            )
        if refinement is None:
            refinement = self.refinement(interest, source)
        caps = [None if c is None else whole("cap", c, lot_size) for c in (supply_cap, borrow_cap)]
        reserve = Reserve(
            self, name, len(engine.reserves), source, venue, lot_size,
            1 if source is None else source.contract.unit, refinement, threshold,
            threshold if loan_to_value is None else rate_of(loan_to_value),
            int(rate_of(liquidation_bonus) * PARTS), rate_of(borrow_factor), interest,
            int(rate_of(reserve_factor) * PARTS), *caps, collateral, borrowable, oracle or Oracle(),
        )  # fmt: skip
        reserve.liquidation_factor = int(rate_of(liquidation_factor) * PARTS)
        reserve.at_target = 0 if interest is None else interest.first_at_target()
        if borrowable and self.rules.close_factor[0] == "absorb":
            if self.base is not None:
                raise ValueError(f"{name!r}: only {self.base.name!r} can be borrowed")
            self.base = reserve
        reserve.supplied_side = self._side(reserve, f"{self.name} {name} supplied", False)
        reserve.borrowed_side = self._side(reserve, f"{self.name} {name} borrowed", True)
        self.reserves[name] = reserve
        engine.reserves.append(reserve)
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

    def _side(self, reserve: Reserve, name: str, borrowed: bool) -> Side:
        engine = self.engine
        number = len(engine.clearing.markets)
        table = Table([Tier(0, Fraction(0), Fraction(0))], False, False, Fraction(0))
        terms = (self.asset, Contract(False, 1), table, Rules(), NoVenue(), 1, 1)
        side = Side(engine, number, name, *terms)
        side.reserve, side.borrowed, side.held = reserve, borrowed, 0
        engine.clearing.markets.append(side)
        return side

    def note(self, kind: int, side: Side, account: int, lots: int) -> None:
        self.engine.log.add(kind, account=account, quantity=lots, market=side.number)

    # --- accounts ------------------------------------------------------------------------------

    def open(self, *, collateral=None, debt=None) -> np.ndarray:
        """New accounts with collateral and debts by reserve, columns or numbers."""
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
            for (name, borrowed), column in sorted(
                lots.items(), key=lambda row: (self.reserves[row[0][0]].number, row[0][1])
            ):
                if column[k]:
                    self.move(first + k, self.reserves[name], column[k], borrowed)
            clearing.changed.append((first + k, ALL_CROSS))
        self.engine.log.add(events.OPEN, quantity=count, money=0, account=first if count else -1)
        self.engine.queue.reenter_changed()
        return np.arange(first, first + count)

    @staticmethod
    def check_open(reserve: Reserve, column: list, borrowed: bool) -> None:
        if any(lots < 0 for lots in column):
            raise ValueError(f"{reserve.name}: an amount is negative")
        reserve.check_open_for(True)
        if borrowed:
            if not reserve.borrowable:
                raise ValueError(f"{reserve.name} cannot be borrowed")
            cap = reserve.borrow_cap
            if cap is not None and reserve.owed_lots + sum(column) > cap:
                raise ValueError(f"{reserve.name}: the borrow cap of {cap} lots is passed")
        else:
            if not reserve.collateral:
                raise ValueError(f"{reserve.name} is no collateral")
            reserve.check_supply(sum(column))

    def move(self, account: int, reserve: Reserve, lots: int, borrowed: bool) -> None:
        """More collateral or more debt for an account; negative lots: less of it."""
        index = reserve.borrow_index if borrowed else reserve.supply_index
        exact = Fraction(lots * ONE, index)
        # scaled collateral is rounded down, scaled debt up, whichever way the amount goes
        scaled = ceil(exact) if borrowed else floor(exact)
        self.move_scaled(account, reserve, scaled, borrowed)

    def move_scaled(self, account: int, reserve: Reserve, scaled: int, borrowed: bool) -> None:
        side = reserve.borrowed_side if borrowed else reserve.supplied_side
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

    def scaled(self, account: int, reserve: Reserve, borrowed: bool) -> int:
        side = reserve.borrowed_side if borrowed else reserve.supplied_side
        position = self.engine.clearing.position(account, side.number, 0)
        return 0 if position is None else abs(position.size)

    def allowed(self, account: int) -> bool:
        """Does the account's collateral bear its debts at the loan-to-value ratios?"""
        total = 0
        for held in self.unit(account).holdings:
            if held.size > 0:
                total += floor(held.value(held.mark) * held.reserve.loan_to_value)
            else:
                total += held.weighted(held.mark)
        return total >= 0

    def change(self, account: int, name: str, amount, what: str) -> None:
        """Deposit, withdraw, borrow or repay."""
        account = int(account)
        clearing = self.engine.clearing
        if not 0 <= account < len(clearing.accounts):
            raise ValueError(f"account {account} is unknown")
        if clearing.accounts[account].lending is not self:
            raise ValueError(f"account {account} is none of {self.name!r}")
        reserve = self.reserves[name]
        lots = reserve.amount(amount)
        borrowed = what in ("borrow", "repay")
        reserve.check_open_for(what in ("deposit", "borrow"))
        if what in ("deposit", "borrow"):
            self.check_open(reserve, [lots], borrowed)
        if what in ("withdraw", "borrow") and lots > reserve.cash:
            raise ValueError(f"{name}: {lots} lots are more than there is cash")
        held = self.scaled(account, reserve, borrowed)
        if what in ("withdraw", "repay"):
            most = reserve.lots(held, borrowed)
            if lots > most:
                raise ValueError(f"amount {amount!r} is above the {most} lots that account has")
        less = what in ("withdraw", "repay")
        index = reserve.borrow_index if borrowed else reserve.supply_index
        exact = Fraction(lots * ONE, index)
        if less:
            whole_of_it = lots == reserve.lots(held, borrowed)
            scaled = -held if whole_of_it else -(floor(exact) if borrowed else ceil(exact))
        else:
            scaled = ceil(exact) if borrowed else floor(exact)
        self.move_scaled(account, reserve, scaled, borrowed)
        if what in ("withdraw", "borrow") and not self.allowed(account):
            self.move_scaled(account, reserve, -scaled, borrowed)
            raise ValueError(f"amount {amount!r} is more than the collateral of {account} bears")
        reserve.cash += lots if what in ("deposit", "repay") else -lots
        words = {"deposit": "supplied", "withdraw": "redeemed", "borrow": "borrowed"}
        reserve.flow(words.get(what, "repaid"), lots)
        kinds = {"deposit": events.SUPPLY, "withdraw": events.REDEEM}
        kinds |= {"borrow": events.BORROW, "repay": events.REPAY}
        side = reserve.borrowed_side if borrowed else reserve.supplied_side
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

    def loop(self, collateral, debt, **terms) -> np.ndarray:
        return loops.loop(self, collateral, debt, **terms)

    def borrowable(self, account, asset) -> float:
        reserve = self.reserves[asset]
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
    """Lending markets by name."""

    def __init__(self, engine) -> None:
        super().__init__()
        self.engine = engine

    def add(self, name, *, rules=None, asset=None) -> LendingMarket:
        if name in self:
            raise ValueError(f"lending market {name!r} exists")
        terms = (len(self), rules or LendingRules(), asset or self.engine.asset)
        self[name] = LendingMarket(self.engine, name, *terms)
        return self[name]


def pass_lending(engine, elapsed: int) -> None:
    """What time does to reserves: interest, then prices that are believed now."""
    for reserve in engine.reserves:
        reserve.accrue(elapsed)
    engine.queue.on_marks()
    for reserve in engine.reserves:
        reserve.pass_time()
    engine.queue.on_marks()
