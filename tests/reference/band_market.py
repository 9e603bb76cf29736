"""Soft liquidation in bands in the twin's engine: docs/bands-market.md, every loan looked at every time.

A loan's collateral lies in bands of prices; who trades with the bands sells it as the price falls and buys
it back as it rises. The curve of a band is in band_curve.py, the trades are in band_trading.py.
"""

import copy
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from . import log as events
from .band_calls import BandCalls
from .band_curve import LARGEST, RATIO, VALUE, Grid, debt_of
from .band_trading import BANDS, BandTrading
from .clearing import Account
from .grid import whole
from .lending import LendingMarkets
from .lending_reserves import PARTS
from .lending_rules import ONE, LendingRules
from .margin import rate_of
from .seizure import INFINITE

MEMORY = 120 * 10**9  # ns in which a step of the oracle is bounded and costs a fee
YEAR = 365 * 86_400 * 10**9
LARGEST_SHARES = 1 << 60
LARGEST_FEE = RATIO // 16 * 15


@dataclass
class BandRules:
    amplification: int = 100
    fee: object = "0.006"
    loan_discount: object = "0.09"
    liquidation_discount: object = "0.06"


@dataclass
class Band:
    stable: int = 0  # atoms
    collateral: int = 0  # parts of a lot
    shares: int = 0

    def claim(self, shares: int) -> tuple[int, int]:
        """Atoms and parts that belong to some shares, rounded down; one share is nobody's."""
        whole_of_it = self.shares + 1
        return (
            (self.stable + 1) * shares // whole_of_it,
            (self.collateral + 1) * shares // whole_of_it,
        )


@dataclass
class Loan:
    account: int
    debt: int  # scaled
    first: int
    shares: list[int]
    cause: int = -2  # event that made it due, -2: it is not
    health: int = 0  # of one that is due, when it was last looked at

    @property
    def last(self) -> int:
        return self.first + len(self.shares) - 1

    def bands(self):
        return enumerate(self.shares, self.first)


class BandMarket(BandTrading, BandCalls):
    def __init__(self, engine, name, rules: BandRules, price, venue, rate, oracle, asset) -> None:
        self.engine, self.name, self.rules = engine, name, rules
        source = engine.market(price)
        if not source.mark_ticks:
            raise ValueError(f"{source.name} has no mark")
        if not 20 <= rules.amplification <= 1000:
            raise ValueError(f"amplification {rules.amplification} is outside 20 ... 1000")
        self.fee = int(rate_of(rules.fee) * PARTS) * RATIO // PARTS
        self.loan_discount = int(rate_of(rules.loan_discount) * PARTS)
        self.liquidation_discount = int(rate_of(rules.liquidation_discount) * PARTS)
        if not 0 <= self.liquidation_discount < self.loan_discount < PARTS:
            raise ValueError("the loan's discount must be the larger")
        base = source.contract.unit * source.mark_ticks
        self.grid = Grid(base, rules.amplification)
        self.lending = engine.lending.add(
            name, rules=LendingRules(zero_price="refused"), asset=asset
        )
        closed = {"collateral": False, "borrowable": False, "supply_cap": 0}
        self.collateral = self.lending.add_reserve(
            "collateral", price=source, venue=venue, oracle=oracle, **closed
        )
        self.money = self.lending.add_reserve("debt", **closed)
        self.base, self.rate = base, int(rate_of(rate) * ONE)
        self.index = ONE
        self.scaled = 0
        self.bands: dict[int, Band] = {}
        self.loans: list[Loan] = []
        self.active = self.low = self.high = 0
        self.believed = self.collateral.unit * self.collateral.price_ticks
        self.last_price, self.last_fee = self.grid.price(self.believed), 0
        self.last_time = engine.clock
        self.changed = -1  # the event that last changed what health depends on
        names = ("stable_in", "stable_out", "lots_in", "lots_out", "stable_dust", "dust_parts")
        more = ("issued", "cancelled", "interest", "roundings", "sold", "bought")
        self.sums = dict.fromkeys((*names, *more), 0)
        self.aside: set[int] = set()
        # when buying from the bands, or selling to them, began to pay; -1: it does not
        self.apart_since = {True: -1, False: -1}
        self.collateral.bands = self
        engine.band_markets.append(self)

    # --- the oracle ----------------------------------------------------------------------------

    @property
    def oracle(self) -> tuple[int, int]:
        """Price after the limit on its step, and the fee of the step: `limited_oracle`, in ns."""
        price, last = self.grid.price(self.believed), self.last_price
        left = MEMORY - min(MEMORY, self.engine.clock - self.last_time)
        if left == 0:
            return price, 0
        ratio = min(price, last) * RATIO // max(price, last)
        if ratio < RATIO * 4 // 5:
            price = last * 5 // 4 if price > last else last * 4 // 5
            ratio = RATIO * 4 // 5
        cube = (ratio * ratio // RATIO) * ratio // RATIO
        fee = (RATIO + self.last_fee - cube) * left // MEMORY
        return price, min(fee, LARGEST_FEE)

    def believe(self, event: int) -> None:
        """The oracle believes another price."""
        self.believed = self.collateral.unit * self.collateral.price_ticks
        self.change(event)

    def change(self, event: int) -> None:
        """Something that health depends on has changed: every loan that is not due is tested."""
        self.changed = event
        self.test()

    def accrue(self, elapsed: int) -> None:
        """Interest of a step; the clock has moved, and with it what the oracle's limit allows."""
        before = self.owed
        growth = self.rate * elapsed // YEAR
        if self.rate and before and elapsed:
            self.index += ceil(Fraction(self.index * growth, ONE))
        interest = self.owed - before
        if interest:
            self.sums["interest"] += interest
            side = self.money.borrowed_side.number
            self.changed = self.engine.log.add(events.INTEREST, quantity=interest, market=side)
        self.test()

    @property
    def owed(self) -> int:
        return debt_of(self.scaled, self.index)

    # --- health --------------------------------------------------------------------------------

    def debt(self, loan: Loan) -> int:
        return debt_of(loan.debt, self.index)

    def band(self, n: int) -> Band:
        return self.bands.get(n, Band())

    def holding(self, loan: Loan) -> tuple[int, int]:
        claims = [self.band(n).claim(share) for n, share in loan.bands()]
        return sum(x for x, _ in claims), sum(y for _, y in claims)

    def backing(self, loan: Loan) -> int:
        """What counts against the debt, atoms: below it the loan is liquidatable."""
        oracle, total = self.oracle[0], 0
        for n, share in loan.bands():
            band = self.band(n)
            x = band.stable if n <= self.active else 0
            y = band.collateral if n >= self.active else 0
            total += self.grid.value_going_down(n, x, y, oracle) * share // (band.shares + 1)
        total = total * (PARTS - self.liquidation_discount) // PARTS
        edge = self.grid.edges[loan.first]
        if loan.first > self.active and oracle > edge:
            total += self.holding(loan)[1] * (oracle - edge) // VALUE
        return total

    def is_due(self, loan: Loan) -> bool:
        return bool(loan.debt) and self.backing(loan) < self.debt(loan)

    def test(self) -> None:
        for loan in self.loans:
            if loan.cause == -2 and self.is_due(loan):
                loan.cause, loan.health = self.changed, self.health_of(loan)

    def look(self, loan: Loan) -> None:
        """Look at a loan that is due again: is it still?"""
        if loan.cause == -2:
            return
        loan.health = self.health_of(loan)
        if not self.is_due(loan):
            loan.cause = -2

    def look_at_due(self) -> None:
        """A cascade begins or ends."""
        self.aside.clear()
        for loan in self.loans:
            self.look(loan)

    def health_of(self, loan: Loan) -> int:
        if not loan.debt:
            return INFINITE
        return min(self.backing(loan) * PARTS // self.debt(loan), INFINITE)

    # --- which bands ---------------------------------------------------------------------------

    @property
    def highest_free(self) -> int:
        """The highest band from which down to the active one none holds money."""
        n = self.active
        while n >= self.low and not self.band(n).stable:
            n -= 1
        return n + 1 if n >= self.low else 1 - self.grid.width

    def first_band(self, parts: int, debt: int, bands: int) -> int:
        grid = self.grid
        worth = grid.effective(parts, bands, self.loan_discount)
        first = -grid.width
        most = grid.width - bands
        while first < most and grid.value(first + 1, worth) > debt:
            first += 1
        if first < self.highest_free or grid.edges[first] > self.oracle[0]:
            raise ValueError(f"a debt of {debt} atoms needs band {first}")
        return first

    def max_debt(self, amount, bands: int) -> float:
        parts = self.lots(amount) * self.grid.parts
        worth = self.grid.effective(parts, bands, self.loan_discount)
        n = self.highest_free
        while self.grid.edges[n] > self.oracle[0]:
            n += 1
        debt = max(self.grid.value(n, worth) - 1, 0) * 9_999 // 10_000
        return self.engine.from_atoms(debt)

    def lots(self, amount) -> int:
        lots = whole("amount", amount, self.collateral.lot_size)
        if lots <= 0:
            raise ValueError(f"amount {amount!r} must be above zero")
        return lots

    def atoms(self, amount) -> int:
        atoms = self.engine.to_atoms(amount, self.lending.asset)
        if atoms <= 0:
            raise ValueError(f"amount {amount!r} must be above zero")
        return atoms

    # --- deposits ------------------------------------------------------------------------------

    def place(self, parts: int, debt: int, bands: int) -> tuple[int, list[int]]:
        """Spread collateral over the bands that a debt asks for: the first band and the shares."""
        first = self.first_band(parts, debt, bands)
        each = parts // bands
        if each <= 100:
            raise ValueError(f"{parts} parts are 100 or less a band")
        shares = []
        for k in range(bands):
            part = parts - each * (bands - 1) if k == 0 else each
            band = self.bands.setdefault(first + k, Band())
            shares.append((band.shares + 1) * part // (band.collateral + 1))
            if shares[-1] == 0:
                raise ValueError("the collateral earns no share")
            band.shares += shares[-1]
            band.collateral += part
            value = self.grid.value(first + k, band.collateral) * self.grid.a
            if band.shares > LARGEST_SHARES or value > LARGEST >> 3:
                raise OverflowError(f"band {first + k} would hold more than fits")
        if first <= self.active:
            self.active = first - 1
        self.low, self.high = min(self.low, first), max(self.high, first + bands - 1)
        return first, shares

    def take(self, loan: Loan, fraction: int) -> tuple[int, int]:
        """Atoms and parts of a share of a loan's bands, out of them."""
        stable = collateral = 0
        for k, (n, share) in enumerate(loan.bands()):
            taken = share * fraction // PARTS
            band = self.bands[n]
            x, y = band.claim(taken)
            band.stable -= x
            band.collateral -= y
            band.shares -= taken
            loan.shares[k] -= taken
            if not band.shares:
                self.sums["stable_dust"] += band.stable
                self.sums["dust_parts"] += band.collateral
                band.stable = band.collateral = 0
            stable += x
            collateral += y
        return stable, collateral

    def pay_out(self, stable: int, parts: int) -> int:
        """Lots that leave with some parts; the rest is dust."""
        lots = parts // self.grid.parts
        self.sums["dust_parts"] += parts - lots * self.grid.parts
        self.sums["lots_out"] += lots
        self.sums["stable_out"] += stable
        return lots

    def note(self, kind: int, account: int, quantity: int, money: int = 0) -> int:
        debt = kind in (events.BORROW, events.REPAY)
        side = self.money.borrowed_side if debt else self.collateral.supplied_side
        return self.engine.log.add(
            kind, account=account, quantity=quantity, money=money, market=side.number
        )

    # --- loans ---------------------------------------------------------------------------------

    def kept(self):
        return copy.deepcopy((self.bands, self.loans, self.active, self.low, self.high, self.sums,
                              self.scaled))  # fmt: skip

    def put_back(self, kept) -> None:
        self.bands, self.loans, self.active, self.low, self.high, self.sums, self.scaled = kept

    def open(self, *, collateral, debt, bands=10) -> np.ndarray:
        columns = [np.atleast_1d(np.asarray(c, dtype=object)) for c in (collateral, debt, bands)]
        count = max(len(c) for c in columns)
        rows = list(zip(*(list(c) * (count if len(c) == 1 else 1) for c in columns), strict=True))
        clearing = self.engine.clearing
        first = len(clearing.accounts)
        kept = self.kept()
        try:
            for k, (amount, owed, number) in enumerate(rows):
                self.enter(first + k, self.lots(amount), self.atoms(owed), int(number))
        except (ValueError, OverflowError):
            self.put_back(kept)
            raise
        clearing.accounts += [Account(self.lending.asset) for _ in rows]
        self.engine.log.add(events.OPEN, quantity=count, money=0, account=first if count else -1)
        self.test()
        return np.arange(len(self.loans) - count, len(self.loans))

    def usable(self) -> bool:
        """May somebody trade or liquidate?"""
        return self.collateral.usable() and not self.collateral.unpriced()

    def check_open_for(self, more: bool, priced: bool) -> None:
        self.collateral.check_open_for(more)
        if priced and self.collateral.unpriced():
            raise ValueError("the oracle gives no price")

    def enter(self, account: int, lots: int, debt: int, bands: int) -> None:
        self.check_open_for(True, True)
        if not BANDS[0] <= bands <= BANDS[1]:
            raise ValueError(f"bands {bands} are not 4 ... 50")
        first, shares = self.place(self.parts_of(lots), debt, bands)
        self.loans.append(Loan(account, self.lend(debt), first, shares))
        self.sums["lots_in"] += lots

    def parts_of(self, lots: int) -> int:
        if lots * self.believed > 1 << 56 or lots * self.grid.parts > 1 << 60:
            raise OverflowError(f"{lots} lots do not fit")
        return lots * self.grid.parts

    def lend(self, debt: int) -> int:
        if debt > 1 << 56:
            raise OverflowError(f"a debt of {debt} atoms does not fit")
        scaled = ceil(Fraction(debt * ONE, self.index))
        self.scaled += scaled
        self.sums["issued"] += debt
        self.sums["roundings"] += 1
        return scaled

    def cancel(self, loan: Loan, debt: int) -> None:
        """Less debt, the scaled part of it rounded down; all of it leaves nothing."""
        scaled = loan.debt if debt == self.debt(loan) else debt * ONE // self.index
        loan.debt -= scaled
        self.scaled -= scaled
        self.sums["cancelled"] += debt
        self.sums["roundings"] += 1

    def loan_at(self, number: int) -> Loan:
        if not 0 <= number < len(self.loans) or not self.loans[number].debt:
            raise ValueError(f"loan {number} is unknown or repaid")
        return self.loans[number]

    def repay(self, number: int, amount) -> None:
        """Repay; a loan none of whose bands has traded moves to lower bands."""
        loan, paid = self.loan_at(number), self.atoms(amount)
        debt = self.debt(loan)
        self.check_open_for(False, paid < debt)
        if paid > debt:
            raise ValueError(f"amount {amount!r} is above the debt of {debt} atoms")
        if paid == debt:
            self.cancel(loan, debt)
            stable, parts = self.take(loan, PARTS)
            lots = self.pay_out(stable, parts)
            loan.shares = []
            self.note(events.REPAY, loan.account, paid)
            self.note(events.REDEEM, loan.account, lots, stable)
        else:
            kept = self.kept()
            try:
                self.cancel(loan, paid)
                if loan.first > self.active:
                    self.move(loan, 0)
            except (ValueError, OverflowError):
                self.put_back(kept)
                raise
            self.note(events.REPAY, loan.account, paid)
        self.test()
        self.look(loan)

    def move(self, loan: Loan, lots: int) -> None:
        """Put a loan's collateral, and some more or less, where its debt now asks for."""
        _, parts = self.take(loan, PARTS)
        parts += lots * self.grid.parts
        if parts <= 0:
            raise ValueError(f"{-lots} lots are more than the loan has")
        if lots > 0:
            self.parts_of(parts // self.grid.parts)
        loan.first, loan.shares = self.place(parts, self.debt(loan), len(loan.shares))

    def adjust(self, number: int, lots: int, debt: int, kind: int) -> None:
        loan = self.loan_at(number)
        self.check_open_for(kind != events.REDEEM, True)
        if loan.first <= self.active:
            raise ValueError(f"loan {number} is in soft liquidation")
        kept = self.kept()
        try:
            if debt:
                loan.debt += self.lend(debt)
                if self.debt(loan) > 1 << 56:
                    raise OverflowError("the debt does not fit")
            self.move(loan, lots)
        except (ValueError, OverflowError):
            self.put_back(kept)
            raise
        self.sums["lots_in"] += max(lots, 0)
        self.sums["lots_out"] += max(-lots, 0)
        self.note(kind, loan.account, debt or abs(lots))
        self.test()
        self.look(loan)

    def add_collateral(self, number: int, amount) -> None:
        self.adjust(number, self.lots(amount), 0, events.SUPPLY)

    def remove_collateral(self, number: int, amount) -> None:
        self.adjust(number, -self.lots(amount), 0, events.REDEEM)

    def borrow(self, number: int, amount) -> None:
        self.adjust(number, 0, self.atoms(amount), events.BORROW)

    # --- what is seen --------------------------------------------------------------------------

    def columns(self) -> dict:
        rows = []
        for loan in self.loans:
            stable, parts = self.holding(loan)
            rows.append((
                loan.account, loan.first, loan.last, self.debt(loan), stable, parts,
                self.backing(loan), int(loan.cause != -2),
            ))  # fmt: skip
        names = ("account", "first", "last", "debt", "stable", "collateral", "backing", "due")
        found = np.array(rows, dtype=np.int64).reshape(len(rows), len(names))
        return {name: found[:, k] for k, name in enumerate(names)}

    def totals(self) -> dict:
        return {
            "stable": sum(band.stable for band in self.bands.values()),
            "collateral_parts": sum(band.collateral for band in self.bands.values()),
            "parts_a_lot": self.grid.parts,
            "debts": self.owed,
            "bad_debt": sum(max(0, self.lacks(loan)) for loan in self.loans),
            **self.sums,
        }

    def lacks(self, loan: Loan) -> int:
        """Atoms by which a debt exceeds what its bands hold at the oracle's price."""
        stable, parts = self.holding(loan)
        return self.debt(loan) - stable - parts * self.oracle[0] // VALUE

    def check(self) -> None:
        """Raise AssertionError if money, collateral, debts or shares do not add up."""
        t = self.totals()
        assert t["stable"] + t["stable_dust"] == t["stable_in"] - t["stable_out"], t
        held = t["collateral_parts"] + t["dust_parts"]
        assert held == (t["lots_in"] - t["lots_out"]) * t["parts_a_lot"], t
        assert self.scaled == sum(loan.debt for loan in self.loans)
        left = t["debts"] - (t["issued"] + t["interest"] - t["cancelled"])
        assert 0 <= left <= 12 * t["roundings"], t
        for n, band in self.bands.items():
            owned = [s for loan in self.loans for k, s in loan.bands() if k == n]
            assert sum(owned) == band.shares and min(band.stable, band.collateral) >= 0, n
            assert not band.stable or n <= self.active, n
            assert not band.collateral or n >= self.active, n

    def rows(self) -> list[list[int]]:
        """What a hash has of the market."""
        held = sorted(self.bands.items())
        rows = [
            [self.index, self.scaled, self.active, self.low, self.high, self.believed],
            [self.last_price, self.last_fee, self.last_time, *self.apart_since.values()],
            list(self.sums.values()),
            [n for k, b in held if b.shares for n in (k, b.stable, b.collateral, b.shares)],
        ]
        for loan in self.loans:
            rows.append([loan.account, loan.debt, loan.first, *loan.shares])
        return rows


class BandLendings(LendingMarkets):
    """Lending markets by name; `bands` has those that liquidate softly."""

    def add_bands(
        self, name, *, price, venue="price", rules=None, rate=0, oracle=None, asset=None
    ) -> BandMarket:
        rules, asset = rules or BandRules(), asset or self.engine.asset
        self.bands[name] = BandMarket(self.engine, name, rules, price, venue, rate, oracle, asset)
        return self.bands[name]
