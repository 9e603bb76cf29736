"""`engine.accounts`: opening from columns, money in and out, and columns by account id."""

from fractions import Fraction
from math import ceil

import numpy as np

from . import log as events
from .accrual import CROSS, owed, settle_balance, settle_touched
from .clearing import Account
from .grid import whole
from .margin import bankruptcy_price, fits, liquidation_price
from .records import MAX_PRICE

SIDES = {"long": 1, "short": -1}
LEGS = {None: None, "long": 1, "short": 2}


def column(value, length: int) -> list:
    if isinstance(value, (str, bytes)) or np.ndim(value) == 0:
        return [value] * length
    return list(value)


class Accounts:
    def __init__(self, engine) -> None:
        self.engine = engine

    # --- opening -------------------------------------------------------------------------------

    def create(self, count, balance=0, hedge=False, asset=None) -> np.ndarray:
        engine = self.engine
        name = asset or engine.asset
        atoms = engine.to_atoms(balance, name, "balance")
        first = len(engine.clearing.accounts)
        for _ in range(count):
            engine.clearing.accounts.append(Account(name, atoms, hedge))
        engine.clearing.assets[name].deposits += atoms * count
        engine.log.add(events.OPEN, quantity=count, money=atoms * count, account=first)
        return np.arange(first, first + count)

    def open(
        self,
        market,
        *,
        side,
        size,
        entry,
        leverage=None,
        margin=None,
        mode="isolated",
        account=None,
        leg=None,
    ) -> np.ndarray:
        if (leverage is None) == (margin is None):
            raise ValueError("give one of leverage and margin")
        if mode not in ("isolated", "cross"):
            raise ValueError(f"mode must be 'isolated' or 'cross', got {mode!r}")
        market = self.engine.market(market)
        length = max(np.size(v) for v in (side, size, entry, leverage, margin, account))
        rows = []
        for s, q, price, lever, money, who in zip(
            *(column(v, length) for v in (side, size, entry, leverage, margin, account)),
            strict=True,
        ):
            lots = whole("size", q, market.lot_size) * SIDES.get(s, s)
            tick = whole("entry", price, market.tick_size)
            self.check_tick("entry", tick)
            sign = 1 if lots > 0 else -1
            value = sign * market.contract.value(abs(lots), tick)
            hundredths = None if lever is None else whole("leverage", lever, Fraction(1, 100))
            if money is None:
                deposit = ceil(Fraction(abs(value) * 100, hundredths))
            else:
                deposit = self.engine.to_atoms(money, market.asset, "margin")
            rows.append((who, lots, value, deposit, hundredths, 0))
            market.ceiling_ticks = max(market.ceiling_ticks, tick)
        return self.add(market, rows, mode == "isolated", LEGS[leg])

    def open_ladder(self, market, *, side, size, trigger, bankruptcy) -> np.ndarray:
        market = self.engine.market(market)
        length = max(np.size(v) for v in (side, size, trigger, bankruptcy))
        rows = []
        for s, q, at, worst in zip(
            *(column(v, length) for v in (side, size, trigger, bankruptcy)), strict=True
        ):
            lots = whole("size", q, market.lot_size) * SIDES.get(s, s)
            tick = whole("bankruptcy", worst, market.tick_size)
            reached = whole("trigger", at, market.tick_size)
            self.check_tick("trigger", reached)
            self.check_tick("bankruptcy", tick)
            rows.append((None, lots, market.contract.value(lots, tick), 0, None, reached))
            market.ceiling_ticks = max(market.ceiling_ticks, tick, reached)
        return self.add(market, rows, True, None)

    @staticmethod
    def check_tick(name: str, tick: int) -> None:
        if not 1 <= tick <= MAX_PRICE:
            raise ValueError(f"{name} {tick} is outside 1 ... {MAX_PRICE} ticks")

    def add(self, market, rows: list[tuple], isolated: bool, leg: int | None) -> np.ndarray:
        clearing = self.engine.clearing
        for who, lots, _, deposit, _, trigger in rows:
            if deposit < 0:
                raise ValueError(f"margin {deposit} is negative")
            if who is not None:
                number = self.leg_of(int(who), lots, leg)
                clearing.check_opening(
                    int(who), market.number, number, lots, isolated, bool(trigger)
                )
            elif lots == 0:
                raise ValueError("size is zero")
        ids = []
        for who, lots, value, deposit, leverage, trigger in rows:
            if who is None:
                clearing.accounts.append(Account(market.asset))
                who = len(clearing.accounts) - 1
            ids.append(int(who))
            clearing.open_position(
                int(who),
                market.number,
                self.leg_of(int(who), lots, leg),
                lots,
                value,
                isolated=isolated,
                margin=deposit,
                leverage=leverage,
                trigger=trigger,
            )
        self.engine.log.add(
            events.OPEN,
            quantity=len(rows),
            money=sum(row[3] for row in rows),
            account=ids[0],
            market=market.number,
        )
        self.engine.queue.reenter_changed()
        return np.array(ids)

    def leg_of(self, account: int, lots: int, leg: int | None) -> int:
        accounts = self.engine.clearing.accounts
        if not (account < len(accounts) and accounts[account].hedge):
            if leg is not None:
                raise ValueError(f"account {account} has one position a market, not two legs")
            return 0
        return leg or (1 if lots > 0 else 2)

    # --- money ---------------------------------------------------------------------------------

    def known(self, account) -> Account:
        accounts = self.engine.clearing.accounts
        if not 0 <= account < len(accounts):
            raise ValueError(f"account {account} is outside 0 ... {len(accounts) - 1}")
        return accounts[account]

    def positive(self, account, amount) -> int:
        atoms = self.engine.to_atoms(amount, self.known(account).asset)
        if atoms <= 0:
            raise ValueError(f"amount {amount!r} must be above zero")
        return atoms

    def deposit(self, account, amount) -> None:
        atoms = self.positive(account, amount)
        engine = self.engine
        settle_balance(engine.clearing, int(account))
        engine.clearing.move_balance(account, atoms)
        engine.clearing.assets[self.known(account).asset].deposits += atoms
        engine.log.add(events.DEPOSIT, account=int(account), money=atoms)
        engine.queue.reenter_changed()

    def withdraw(self, account, amount) -> None:
        atoms = self.positive(account, amount)
        engine = self.engine
        entry = self.known(account)
        held = engine.clearing.collateral((int(account), CROSS))
        if atoms > held or engine.clearing.free(account) - atoms < 0:
            raise ValueError(f"amount {amount!r} is above what account {account} has free")
        settle_balance(engine.clearing, int(account))
        engine.clearing.move_balance(account, -atoms)
        engine.clearing.assets[entry.asset].deposits -= atoms
        engine.log.add(events.WITHDRAWAL, account=int(account), money=atoms)
        engine.queue.reenter_changed()

    def set_leverage(self, account, market, leverage, mode=None) -> None:
        clearing = self.engine.clearing
        self.known(account)
        market = self.engine.market(market)
        hundredths = whole("leverage", leverage, Fraction(1, 100))
        if hundredths < 1:
            raise ValueError(f"leverage {leverage!r} must be above zero")
        legs = (1, 2) if clearing.accounts[account].hedge else (0,)
        found = [clearing.position(account, market.number, leg) for leg in legs]
        for position in found:
            if position and (position.size or clearing.position_orders(position)):
                raise ValueError(f"account {account} has a position or orders in this market")
        for leg in legs:
            position = clearing.create_position(account, market.number, leg)
            position.leverage = hundredths
            if mode is not None:
                position.isolated = mode == "isolated"

    def transfer(self, account, market, amount, leg=None) -> None:
        engine = self.engine
        clearing = engine.clearing
        entry = self.known(account)
        market = engine.market(market)
        atoms = engine.to_atoms(amount, entry.asset)
        position = clearing.position(account, market.number, LEGS[leg] or 0)
        if position is None or not position.size or not position.isolated:
            raise ValueError(f"account {account} has no isolated position in this market")
        if position.ladder_trigger:
            raise ValueError("a position given by its trigger has no margin")
        margin = position.margin - owed(clearing, position)
        if atoms > 0:
            initial = clearing.initial(position, clearing.exposure(position), market.mark_ticks)
            short = max(0, initial - margin) - max(0, initial - margin - atoms)
            if (
                atoms > clearing.collateral((int(account), CROSS))
                or clearing.free(account) - atoms + short < 0
            ):
                raise ValueError(f"amount {amount!r} is above what account {account} has free")
        else:
            left = margin + atoms
            initial = clearing.initial(position, clearing.exposure(position), market.mark_ticks)
            loss = min(0, clearing.holding(position).profit(market.mark_ticks))
            if atoms == 0 or left < 0 or left + loss < initial:
                raise ValueError(f"amount {amount!r} is more than account {account} can spare")
        settle_touched(clearing, position)
        clearing.set_collateral(clearing.unit_name(position), position.margin + atoms)
        clearing.move_balance(account, -atoms)
        engine.log.add(events.TRANSFER, account=int(account), market=market.number, money=atoms)
        engine.queue.reenter_changed()

    # --- columns -------------------------------------------------------------------------------

    def each(self, function) -> np.ndarray:
        return np.array([function(k) for k in range(len(self.engine.clearing.accounts))])

    def in_units(self, function) -> np.ndarray:
        engine = self.engine
        return self.each(
            lambda k: engine.from_atoms(function(k), engine.clearing.accounts[k].asset)
        )

    @property
    def balance(self) -> np.ndarray:
        return self.in_units(lambda k: self.engine.clearing.accounts[k].balance)

    @property
    def equity(self) -> np.ndarray:
        return self.in_units(self.engine.clearing.account_equity)

    @property
    def maintenance(self) -> np.ndarray:
        return self.in_units(self.engine.clearing.account_maintenance)

    def of(self, market, name: str) -> np.ndarray:
        """A field of each account's position in a market, the sum of its legs in hedge mode."""
        number = self.engine.market(market).number
        positions = self.engine.clearing.positions
        return self.each(
            lambda k: sum(
                getattr(p, name) for p in positions if p.account == k and p.market == number
            )
        )

    def size(self, market) -> np.ndarray:
        return self.of(market, "size") * float(self.engine.market(market).lot_size)

    def entry_value(self, market) -> np.ndarray:
        return self.of(market, "entry") / 10 ** self.decimals(market)

    def margin(self, market) -> np.ndarray:
        return self.of(market, "margin") / 10 ** self.decimals(market)

    def funding_owed(self, market) -> np.ndarray:
        """What positions have accrued and not paid yet."""
        number = self.engine.market(market).number
        clearing = self.engine.clearing
        sums = self.each(
            lambda k: sum(
                owed(clearing, p)
                for p in clearing.positions
                if (p.account, p.market) == (k, number)
            )
        )
        return sums / 10 ** self.decimals(market)

    def decimals(self, market) -> int:
        return self.engine.clearing.assets[self.engine.market(market).asset].decimals

    def leverage(self, market) -> np.ndarray:
        """Leverage set for the position, 1 by default."""
        number = self.engine.market(market).number
        clearing = self.engine.clearing
        found = {p.account: p.leverage for p in clearing.positions if p.market == number}
        return self.each(lambda k: found.get(k, 100) / 100)

    def price(self, market, function) -> np.ndarray:
        market = self.engine.market(market)
        clearing = self.engine.clearing

        def one(account: int) -> float:
            for position in clearing.positions:
                held = (position.account, position.market) == (account, market.number)
                if held and position.size:
                    name = clearing.unit_name(position)
                    positions = clearing.unit_positions(name)
                    moved = [k for k, p in enumerate(positions) if p.market == market.number]
                    tick = function(clearing.unit(name), moved, position.size > 0)
                    return fits(tick) * float(market.tick_size)
            return 0.0

        return self.each(one)

    def liquidation_price(self, market) -> np.ndarray:
        return self.price(market, liquidation_price)

    def bankruptcy_price(self, market) -> np.ndarray:
        return self.price(market, bankruptcy_price)
