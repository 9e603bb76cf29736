"""Reserves of the twin's lending markets: amounts, interest, prices that are believed, suppliers.

docs/lending-market.md gives the formulas; `lending.py` has the accounts.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from . import lending_terms
from . import log as events
from .grid import whole
from .lending_rules import ONE, Oracle
from .margin import rate_of
from .market import Market
from .rates import Model

PARTS = 10**9
FAILURES = (None, "stale", "zero", "reverts")
WORTHLESS = -1  # mark of the sides of a reserve whose price is zero
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
    held: int = 0  # scaled lots of accounts
    threshold: Fraction = Fraction(0)
    loan_to_value: Fraction = Fraction(0)
    bonus: int = 0  # parts


@dataclass
class Reserve:
    """One asset of a lending market; amounts in lots, scaled where an index applies."""

    lending: object
    name: str
    number: int
    source: Market | None
    venues: tuple  # of Market, empty: any amount at the mark
    lot_size: object
    unit: int  # atoms of a lot at one tick
    refine: int
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
    ahead: tuple[int, int] | None = None  # (price, event) that a bounded step has not reached
    # lots that came and went since the beginning
    flows: dict = field(default_factory=lambda: dict.fromkeys(FLOWS, 0))
    roundings: int = 0  # amounts that were rounded
    liquidation_factor: int = PARTS
    absorbed: int = 0  # lots of the treasury that are for sale
    bands: object = None  # the soft liquidation market whose oracle this is
    auctioned: int = 0  # lots of the treasury that are in auctions
    awaited: int = 0  # debts that auctions are to bring
    offered: int = 0  # ns, since when there are any
    at_target: int = 0  # of an adaptive curve, a second's rate
    failure: str | None = None  # of the oracle
    debt_ceiling: int | None = None  # hundredths; None: not isolated
    lent_in_isolation: bool = False
    siloed: bool = False
    account_cap: int | None = None  # lots
    account_share: Fraction | None = None
    isolated_debt: int = 0  # hundredths
    category_sides: list = field(default_factory=list)
    fee: int = 0  # of the bonus of those who seize it, parts
    assigned_mark: int = 0  # of the collateral of troves: debt assigned to one scaled lot
    waited: int = 0  # ns without accrual, while the rate is above what accrues
    interest_mark: int = 0  # of the money of troves that bears interest: seconds and one

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

    @property
    def supplied_sides(self) -> list:
        return [self.supplied_side, *self.category_sides]

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
            "auctioned": self.auctioned,
            "awaited": self.awaited,
            "rate_at_target": self.at_target,
            "oracle": FAILURES.index(self.failure),
            "isolated_debt": self.isolated_debt,
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
        return not self.paused and not self.waited and self.lending.engine.clock >= self.grace_until

    def check_open_for(self, more: bool) -> None:
        if self.paused:
            raise ValueError(f"{self.name} is paused")
        if self.waited:
            raise ValueError(f"{self.name}: the borrow rate is above what accrues")
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
        untouched = dict(vars(self))
        used, debt = self.utilisation(), self.owed_lots
        elapsed, self.waited = elapsed + self.waited, 0
        if debt and self.interest.refuses(used):
            self.waited = elapsed
            return
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
        try:
            self.marks(self.price_ticks)
        except OverflowError:
            vars(self).update(untouched)
            raise
        event = -1
        if interest or kept:
            event = self.lending.engine.log.add(
                events.INTEREST, quantity=interest, money=kept, market=self.borrowed_side.number
            )
        self.form_marks(event)

    # --- the oracle ----------------------------------------------------------------------------

    def unpriced(self) -> bool:
        """Does whoever asks for the price get none?"""
        refused = self.lending.rules.zero_price == "refused"
        return self.failure == "reverts" or (self.failure == "zero" and refused)

    def fail_oracle(self, failure: str | None) -> None:
        """The oracle answers no more, always the same or zero; None: it works again."""
        if failure not in FAILURES:
            raise ValueError(f"failure {failure!r} is none of {FAILURES}")
        if self.lending.troves is not None and failure not in (None, "stale"):
            raise ValueError("an oracle of troves can be stale alone")
        if failure == self.failure:
            return
        self.failure = failure
        if failure == "zero" and not self.unpriced():
            if self.supplied_side.mark_ticks != WORTHLESS:
                self.updated = self.lending.engine.clock
                old, self.price_ticks, self.ahead = self.price_ticks, 0, None
                event = self.lending.engine.log.add(
                    events.ORACLE, price=0, money=old, market=self.supplied_side.number
                )
                self.form_marks(event)
        elif failure is None and self.source is None:
            self.believe(1, -1)
        elif failure is None and self.source.mark_ticks:
            self.offer(self.source.mark_ticks, -1)
        self.lending.engine.queue.on_marks()

    def offer(self, price: int, event: int) -> None:
        """The source's mark has changed."""
        now, delay = self.lending.engine.clock, round(rate_of(self.oracle.delay) * 10**9)
        if self.failure is not None:
            return
        if delay and self.oracle.block is not None:
            block = round(rate_of(self.oracle.block) * 10**9)
            self.waiting.append(((now // block + int(self.oracle.delay)) * block, price, event))
        elif delay:
            self.waiting.append((now + delay, price, event))
        else:
            self.believe(price, event)

    def pass_time(self) -> None:
        """Prices whose delay is over."""
        now = self.lending.engine.clock
        for time, price, event in [row for row in self.waiting if row[0] <= now]:
            self.waiting.remove((time, price, event))
            if self.failure is None:
                self.believe(price, event)
            self.lending.engine.queue.on_marks()

    def read_again(self) -> None:
        """What a bounded step left to be believed, and the heartbeat."""
        if self.failure is not None:
            return
        if self.ahead is not None and self.updated < self.lending.engine.clock:
            self.believe(*self.ahead)
        elif self.oracle.delay or self.source is None or not self.source.mark_ticks:
            return
        elif self.overdue():
            self.believe(self.source.mark_ticks, -1)

    def overdue(self) -> bool:
        beat = self.oracle.heartbeat
        return beat is not None and (
            self.lending.engine.clock - self.updated >= round(rate_of(beat) * 10**9)
        )

    def believe(self, price: int, event: int) -> None:
        engine, old, ahead = self.lending.engine, self.price_ticks, None
        if old and not self.overdue() and abs(price - old) < rate_of(self.oracle.deviation) * old:
            self.ahead = None
            return
        if old and self.oracle.max_step is not None:
            step = max(1, floor(rate_of(self.oracle.max_step) * old))
            if abs(price - old) > step:
                ahead = (price, event)
                price = old - step if price < old else old + step
        self.marks(price)  # refused before anything is believed
        self.updated, self.ahead = engine.clock, ahead
        if price == old:
            return
        self.price_ticks = price
        if self.lending.troves is not None:
            self.lending.troves.believed()
        event = engine.log.add(
            events.ORACLE, cause=event, price=price, money=old, market=self.supplied_side.number
        )
        self.form_marks(event)
        if self.bands is not None:
            self.bands.believe(event)

    def form_marks(self, cause: int) -> None:
        lower, upper = self.marks(self.price_ticks)
        if not self.price_ticks:
            zero = self.failure == "zero" and not self.unpriced()
            if not zero and self.borrowed_side.mark_ticks != WORTHLESS:
                return
            lower = upper = WORTHLESS
        if self.assigned_mark:
            lower = self.lending.troves.lower_mark(lower)
        if self.interest_mark:
            lower = self.interest_mark
        marks = [(self.supplied_side, lower), (self.borrowed_side, upper)]
        marks += [(side, lower) for side in self.category_sides]
        for side, mark in marks:
            self.lending.engine.change_side(side, mark, cause)

    def marks(self, price: int) -> tuple[int, int]:
        """Of the supplied and the borrowed side at a price."""
        fine = price * self.refine
        lower = max(1, fine * self.supply_index // ONE)
        upper = self.assigned_mark or ceil(Fraction(fine * self.borrow_index, ONE))
        if max(lower, upper) > events.MAX_PRICE:
            raise OverflowError(f"{self.name}: {max(lower, upper)} is beyond the highest mark")
        return lower, upper

    def burn_deficit(self, amount) -> None:
        """Somebody from outside pays for debts that were written off."""
        lots = self.amount(amount)
        if self.paused:
            raise ValueError(f"{self.name} is paused")
        if lots > self.deficit:
            raise ValueError(f"amount {amount!r} is above the deficit")
        self.deficit -= lots
        self.cash += lots
        self.flow("repaid", lots)
        value = lots * self.unit * self.price_ticks
        self.lending.engine.log.add(
            events.REPAY, account=-1, quantity=lots, money=value, market=self.borrowed_side.number
        )

    # --- suppliers without an account ----------------------------------------------------------

    def amount(self, amount, name: str = "amount") -> int:
        lots = whole(name, amount, self.lot_size)
        if lots <= 0:
            raise ValueError(f"{name} {amount!r} must be above zero")
        return lots

    def supply(self, amount) -> None:
        lots = self.amount(amount)
        if self.assigned_mark:
            raise ValueError(f"{self.name} is the collateral of troves: only accounts deposit it")
        self.check_supply(lots)
        lending_terms.check_common(self, False, lots)
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
        others = self.supplied - sum(side.held for side in self.supplied_sides)
        if scaled > others or lots > self.cash:
            raise ValueError(f"amount {amount!r} is above what is there to redeem")
        self.cash -= lots
        self.flow("redeemed", lots)
        self.supplied -= scaled
        self.lending.note(events.REDEEM, self.supplied_side, -1, lots)

    def check_supply(self, lots: int) -> None:
        self.check_open_for(True)
        rules = self.lending.rules
        kept = max(self.treasury, 0) if rules.treasury_capped else 0
        total = self.supplied_lots + kept + lots
        if not rules.within(total, self.supply_cap, rules.supply_bound):
            raise ValueError(f"{self.name}: the supply cap of {self.supply_cap} lots is passed")
        if lots * ONE > (2**60 - self.supplied) * self.supply_index:
            raise OverflowError(f"{self.name}: {lots} lots over an index of {self.supply_index}")
