"""The clearing house of docs/margin.md: accounts, trades, fees, order checks, by scanning.

Positions are one list, orders are looked up in the venues whenever they are needed, and what an
account is worth is computed from nothing each time. `changed` collects the units whose money or
positions moved, for the queue to look at.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from . import log as events
from .accrual import owed, settle_touched
from .lending_units import borrower_of
from .log import HOUSE, LIQUIDATOR, OUTSIDE, Log
from .margin import Holding, Position, Unit, fits
from .ramp import Ramps
from .records import (
    BUY,
    ICEBERG,
    LIMIT,
    MAX_PRICE,
    MAX_SIZE,
    REDUCE_ONLY,
    SELL,
    STOP,
    STOP_LIMIT,
    Code,
    Fill,
    Message,
    Order,
)
from .venues import leg_of, only_reduces

UNKNOWN_ACCOUNT = 50
MARGIN = 51
OVERFLOW = 54
OTHER_ASSET = 55
ALL_CROSS = -1  # a unit's name is (account, ALL_CROSS) or (account, number of its position)


@dataclass
class Account:
    asset: str
    balance: int = 0
    hedge: bool = False
    whole_until: int = 0  # clock up to which its positions are closed whole
    lending: object = None  # the lending market it is of


@dataclass
class Asset:
    """Money of one asset that belongs to no account."""

    decimals: int
    fund: int = 0
    fees: int = 0
    bad_debt: int = 0
    deposits: int = 0  # minus withdrawals


def stated_prices(message: Message) -> tuple[int, int]:
    """Limit price and trigger of an order, 0 where its kind has none."""
    price = message.price if message.kind in (LIMIT, STOP_LIMIT) else 0
    return price, message.extra if message.kind in (STOP, STOP_LIMIT) else 0


class Clearing:
    """All accounts and positions of an engine, and what trades do to them."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.markets: list = []
        self.accounts: list[Account] = []
        self.positions: list[Position] = []
        self.assets: dict[str, Asset] = {}
        self.changed: list[tuple[int, int]] = []
        self.liquidating: tuple[int, int] | None = None
        self.house_realised = 0
        self.ramps = Ramps(self)

    # --- who holds what ------------------------------------------------------------------------

    def position(self, account: int, market: int, leg: int) -> Position | None:
        for position in self.positions:
            if (position.account, position.market, position.leg) == (account, market, leg):
                return position
        return None

    def create_position(self, account: int, market: int, leg: int) -> Position:
        found = self.position(account, market, leg)
        if found is None:
            found = Position(len(self.positions), account, market, leg)
            self.positions.append(found)
        return found

    def unit_name(self, position: Position) -> tuple[int, int]:
        return position.account, position.number if position.isolated else ALL_CROSS

    def unit_positions(self, name: tuple[int, int]) -> list[Position]:
        """Positions with size of a unit, by market and then leg, long leg first."""
        found = [p for p in self.positions if p.size and self.unit_name(p) == name]
        return sorted(found, key=lambda p: (p.market, p.leg))

    def unit(self, name: tuple[int, int]) -> Unit:
        positions = self.unit_positions(name)
        if self.accounts[name[0]].lending is not None:
            return borrower_of(self.accounts[name[0]].lending, self.markets, positions)
        equal = any(self.markets[p.market].rules.trigger == "<=" for p in positions)
        return Unit(self.collateral(name), [self.holding(p) for p in positions], equal)

    def due(self, name: tuple[int, int]) -> bool:
        """Is a unit due, or in a liquidation that has not restored it?"""
        return self.unit(name).due() or self.ramps.owes(name)

    def unit_names(self) -> list[tuple[int, int]]:
        return sorted({self.unit_name(p) for p in self.positions if p.size})

    def holding(self, position: Position) -> Holding:
        market = self.markets[position.market]
        return Holding(
            position.size,
            position.entry,
            market.contract,
            market.table,
            market.mark_ticks,
            position.ladder_trigger,
        )

    def collateral(self, name: tuple[int, int]) -> int:
        """What a unit has, funding that it owes taken off."""
        return self.stored(name) - sum(owed(self, p) for p in self.unit_positions(name))

    def stored(self, name: tuple[int, int]) -> int:
        account, number = name
        return (
            self.accounts[account].balance if number == ALL_CROSS else self.positions[number].margin
        )

    def set_collateral(self, name: tuple[int, int], amount: int) -> None:
        account, number = name
        if number == ALL_CROSS:
            self.accounts[account].balance = fits(amount)
        else:
            self.positions[number].margin = fits(amount)
        self.changed.append(name)

    def move_balance(self, account: int, amount: int) -> None:
        if amount:
            self.accounts[account].balance = fits(self.accounts[account].balance + amount)
            self.changed.append((account, ALL_CROSS))

    # --- trades --------------------------------------------------------------------------------

    def book_trade(self, account: int, market: int, leg: int, lots: int, value: int) -> None:
        """Signed lots of signed value for one side of a trade, fees apart."""
        if account in (OUTSIDE, HOUSE, LIQUIDATOR):
            self.book_other(account, market, lots, value)
            return
        position = self.create_position(account, market, leg)
        settle_touched(self, position)
        was_open = position.size != 0
        closes = position.size * lots < 0
        realised, opened = position.trade(lots, value)
        self.changed.append(self.unit_name(position))
        if not position.isolated:
            self.accounts[account].balance = fits(self.accounts[account].balance + realised)
            return
        # margin may come from the balance and go back to it: the cross unit is looked at too
        self.changed.append((account, ALL_CROSS))
        position.margin = fits(position.margin + realised)
        passed_zero = was_open and closes and (position.size == 0 or position.size * lots > 0)
        if passed_zero:
            position.ladder_trigger = 0
            if self.unit_name(position) != self.liquidating:
                self.move_balance(account, position.margin)
                position.margin = 0
        if position.size * lots > 0:
            moved = ceil(Fraction(abs(opened) * 100, position.leverage))
            moved = min(max(self.accounts[account].balance, 0), moved)
            self.move_balance(account, -moved)
            position.margin = fits(position.margin + moved)

    def book_other(self, account: int, market: int, lots: int, value: int) -> None:
        entry = self.markets[market]
        if account == OUTSIDE:
            entry.outside_lots += lots
            entry.outside_entry = fits(entry.outside_entry + value)
            return
        if account == LIQUIDATOR:
            entry.spot_lots += lots
            entry.spot_entry = fits(entry.spot_entry + value)
            return
        realised, _ = entry.house_position.trade(lots, value)
        self.house_realised += realised

    def settle(
        self, market: int, fill: Fill, taker_flags: int, cause: int, *, both_rested: bool = False
    ) -> int:
        """Log one fill and book both sides and their fees; its notional."""
        entry = self.markets[market]
        taker_rate = entry.rules.maker if both_rested else entry.rules.taker
        value = entry.venue.value_of(fill)
        if value is None:
            value = entry.contract.value(fill.size, fill.price)
        logged = self.log.add(
            events.FILL,
            cause=cause,
            order=fill.taker,
            quantity=fill.size,
            price=fill.price,
            money=abs(value),
            account=fill.taker_account,
            counterparty=fill.maker_account,
            market=market,
            side=fill.side,
        )
        price = entry.venue.last if entry.venue.curved else fill.price
        entry.dislocation.note(price, entry.index_ticks)
        if entry.halts is not None:
            entry.halts.trade(fill.price)
            if fill.maker_account == OUTSIDE and not entry.venue.is_curve:
                entry.halts.consume(1 - fill.side, fill.price, fill.size)
        taker_sign = 1 if fill.side == BUY else -1
        sides = (
            (fill.taker_account, leg_of(taker_flags), taker_sign, taker_rate),
            (fill.maker_account, leg_of(fill.maker_flags), -taker_sign, entry.rules.maker),
        )
        for account, leg, sign, rate in sides:
            self.book_trade(account, market, leg, sign * fill.size, sign * value)
            if account == HOUSE:
                realised, self.house_realised = self.house_realised, 0
                self.move_fund(realised, market, HOUSE, cause)
            elif account not in (OUTSIDE, LIQUIDATOR):
                self.charge(account, market, leg, ceil(abs(value) * rate), logged)
        entry.venue.after_trade(logged)
        return abs(value)

    def charge(self, account: int, market: int, leg: int, fee: int, fill: int) -> None:
        if not fee:
            return
        position = self.position(account, market, leg)
        name = self.unit_name(position)
        if position.isolated and (position.size or name == self.liquidating):
            self.set_collateral(name, position.margin - fee)
        else:
            self.move_balance(account, -fee)
        asset = self.assets[self.markets[market].asset]
        asset.fees = fits(asset.fees + fee)
        self.log.add(events.FEE, cause=fill, account=account, money=fee, market=market)

    def take_over(self, position: Position, lots: int, tick: int, cause: int) -> None:
        """The house takes lots of a position at a tick."""
        entry = self.markets[position.market]
        value = entry.contract.value(lots, tick)
        sign = -1 if position.size > 0 else 1  # the account's side of the trade
        self.log.add(
            events.TAKEOVER,
            cause=cause,
            quantity=lots,
            price=tick,
            money=abs(value),
            account=position.account,
            counterparty=HOUSE,
            market=position.market,
            side=BUY if sign > 0 else SELL,
        )
        self.book_trade(position.account, position.market, position.leg, sign * lots, sign * value)
        self.book_trade(HOUSE, position.market, 0, -sign * lots, -sign * value)
        realised, self.house_realised = self.house_realised, 0
        self.move_fund(realised, position.market, HOUSE, cause)

    def move_fund(self, amount: int, market: int, account: int, cause: int) -> None:
        """Give to the fund, or take what it has and record the rest as bad debt."""
        asset = self.assets[self.markets[market].asset]
        moved = max(amount, -max(asset.fund, 0))
        about = {"cause": cause, "account": account, "market": market}
        if moved:
            asset.fund = fits(asset.fund + moved)
            self.log.add(events.FUND, money=moved, **about)
        if moved != amount:
            asset.bad_debt = fits(asset.bad_debt + moved - amount)
            self.log.add(events.BAD_DEBT, money=moved - amount, **about)

    # --- orders and initial margin -------------------------------------------------------------

    def position_orders(self, position: Position) -> list[tuple[Order, bool]]:
        venue = self.markets[position.market].venue
        return [
            (order, waits)
            for order, waits in venue.orders_of(position.account)
            if leg_of(order.flags) == position.leg
        ]

    def open_lots(self, position: Position, side: int) -> int:
        """Lots of resting orders and waiting stops that can increase the position."""
        return sum(
            order.total
            for order, _ in self.position_orders(position)
            if order.side == side and not only_reduces(order.side, order.flags)
        )

    def exposure(self, position: Position, more_buys: int = 0, more_sells: int = 0) -> int:
        buys = self.open_lots(position, BUY) + more_buys
        sells = self.open_lots(position, SELL) + more_sells
        return max(position.size + buys, sells - position.size, abs(position.size))

    def initial(self, position: Position, lots: int, ref: int) -> int:
        market = self.markets[position.market]
        if position.ladder_trigger or not ref:
            return 0
        return market.table.initial(abs(market.contract.exact(lots, ref)), position.leverage)

    def free(self, account: int, override: tuple[Position, int, int] | None = None) -> int:
        """Free balance; `override` gives one position another exposure and reference tick."""
        total = self.accounts[account].balance
        positions = [p for p in self.positions if p.account == account]
        if override and override[0] not in positions:
            positions.append(override[0])
        for position in positions:
            mark = self.markets[position.market].mark_ticks
            if override and position is override[0]:
                lots, ref = override[1], override[2]
            else:
                lots, ref = self.exposure(position), mark
            initial = self.initial(position, lots, ref)
            debt = owed(self, position) if position.size else 0
            if position.isolated:
                total -= max(0, initial - (position.margin - debt))
            else:
                total += self.holding(position).profit(mark) - initial - debt
        return total

    def reference(self, market: int, message: Message) -> int:
        """Tick at which an order's initial margin is measured; 0: there is none."""
        entry = self.markets[market]
        if entry.mark_ticks:
            return entry.mark_ticks
        if message.kind in (LIMIT, STOP_LIMIT):
            return message.price
        bid, ask = entry.venue.touch()
        return ask if message.side == BUY else bid

    def screen(self, market: int, message: Message, would_wait: bool) -> tuple[int, Message]:
        """What the clearing house says to a well-formed order: a refusal, or the order as cut."""
        account = message.account
        if account == OUTSIDE:
            if leg_of(message.flags):
                return Code.BAD_MESSAGE, message
            return (Code.REDUCE_ONLY if message.flags & REDUCE_ONLY else Code.OK), message
        if not 0 <= account < len(self.accounts):
            return UNKNOWN_ACCOUNT, message
        if self.accounts[account].asset != self.markets[market].asset:
            return OTHER_ASSET, message
        if self.accounts[account].hedge != bool(leg_of(message.flags)):
            return Code.BAD_MESSAGE, message
        if self.too_large(market, message):
            return OVERFLOW, message
        if only_reduces(message.side, message.flags):
            message = replace(message, flags=message.flags | REDUCE_ONLY)
            code = Code.OK
            if not would_wait:
                code, message = self.cut(market, message)
        else:
            code = self.check_margin(market, message, message.size)
        if not code:
            self.create_position(account, market, leg_of(message.flags))
        return code, message

    def too_large(self, market: int, message: Message) -> bool:
        """Could the account's whole exposure come to a value near the end of 64 bits?"""
        entry = self.markets[market]
        if entry.contract.inverse:
            return False
        position = self.position(message.account, market, leg_of(message.flags))
        lots = message.size
        if position is not None:
            lots += abs(position.size) + self.open_lots(position, BUY)
            lots += self.open_lots(position, SELL)
        ceiling = max(entry.ceiling_ticks, *stated_prices(message))
        return lots * entry.contract.unit * ceiling >= 2**62

    def check_margin(self, market: int, message: Message, lots: int, without: int = 0) -> int:
        """Initial margin for `lots` more (a modify: in place of `without`)."""
        leg = leg_of(message.flags)
        position = self.position(message.account, market, leg)
        if position is None:
            position = Position(-1, message.account, market, leg)
        more = lots - without
        buys, sells = (more, 0) if message.side == BUY else (0, more)
        exposure = self.exposure(position, buys, sells)
        if exposure <= self.exposure(position):
            return Code.OK
        ref = self.reference(market, message)
        if not ref:
            return Code.OK
        free = self.free(message.account, (position, exposure, ref))
        return Code.OK if free >= 0 else MARGIN

    def room(self, market: int, account: int, side: int, flags: int, without: int = 0) -> int:
        """Lots of the position that its resting reduce-only orders leave, `without` one of them."""
        position = self.position(account, market, leg_of(flags))
        if position is None or position.size * (1 if side == SELL else -1) <= 0:
            return 0
        resting = sum(
            order.total
            for order, waits in self.position_orders(position)
            if not waits
            and order.side == side
            and only_reduces(side, order.flags)
            and order.id != without
        )
        return max(0, abs(position.size) - resting)

    def cut(self, market: int, message: Message) -> tuple[int, Message]:
        """Shorten an order that only reduces to what is left to reduce."""
        if not only_reduces(message.side, message.flags):
            return Code.OK, message
        room = self.room(market, message.account, message.side, message.flags)
        if not room:
            return Code.REDUCE_ONLY, message
        size = min(message.size, room)
        shown = min(message.extra, size) if message.flags & ICEBERG else message.extra
        return Code.OK, replace(message, size=size, extra=shown)

    def screen_modify(self, market: int, order: Order, message: Message) -> tuple[int, Message]:
        if order.account == OUTSIDE:
            return Code.OK, message
        if only_reduces(order.side, order.flags):
            room = self.room(market, order.account, order.side, order.flags, order.id)
            if not room:
                return Code.REDUCE_ONLY, message
            return Code.OK, replace(message, size=min(message.size, room))
        asked = Message(
            LIMIT, order.side, flags=order.flags, account=order.account, price=message.price
        )
        return self.check_margin(market, asked, message.size, order.total), message

    def reducible(self, market: int, maker: Order, fills: list[Fill], taker_legs: list[int]) -> int:
        """Lots a resting reduce-only order may still close, fills of this message counted."""
        leg = leg_of(maker.flags)
        position = self.position(maker.account, market, leg)
        size = position.size if position is not None else 0
        for fill, taker_leg in zip(fills, taker_legs, strict=True):
            sign = 1 if fill.side == BUY else -1
            if fill.taker_account == maker.account and taker_leg == leg:
                size += sign * fill.size
            if fill.maker_account == maker.account and leg_of(fill.maker_flags) == leg:
                size -= sign * fill.size
        return max(0, size if maker.side == SELL else -size)

    taker_leg = 0  # leg of the order that is being matched

    # --- positions from columns ----------------------------------------------------------------

    def open_position(
        self,
        account: int,
        market: int,
        leg: int,
        lots: int,
        value: int,
        *,
        isolated: bool,
        margin: int,
        leverage: int | None = None,
        trigger: int = 0,
    ) -> None:
        """A position against outside, with money deposited for it."""
        entry = self.markets[market]
        position = self.create_position(account, market, leg)
        if leverage is not None:
            position.leverage = leverage
        position.isolated = isolated
        settle_touched(self, position)
        position.trade(lots, value)
        position.ladder_trigger = trigger
        self.book_other(OUTSIDE, market, -lots, -value)
        self.assets[entry.asset].deposits += margin
        if isolated:
            position.margin = fits(position.margin + margin)
        else:
            self.accounts[account].balance += margin
        self.changed.append(self.unit_name(position))

    def check_opening(
        self, account: int, market: int, leg: int, lots: int, isolated: bool, ladder: bool
    ) -> None:
        if not 0 <= account < len(self.accounts):
            raise ValueError(f"account {account} is outside 0 ... {len(self.accounts) - 1}")
        if self.accounts[account].asset != self.markets[market].asset:
            raise ValueError(f"account {account} holds {self.accounts[account].asset}")
        if not 0 < abs(lots) <= MAX_SIZE:
            raise ValueError(f"size {lots} is outside 1 ... {MAX_SIZE} lots")
        if leg and (lots > 0) != (leg == 1):
            raise ValueError(f"leg {leg} cannot hold {lots} lots")
        position = self.position(account, market, leg)
        if position is None:
            return
        busy = position.size or self.position_orders(position)
        if position.size * lots < 0 or (busy and position.isolated != isolated):
            raise ValueError(f"account {account} has another position or mode in this market")
        if position.ladder_trigger or (ladder and busy):
            raise ValueError(f"account {account} has a position given by its trigger")

    # --- funding -------------------------------------------------------------------------------

    def fund(self, market: int, parts: int, price: int) -> None:
        """Everybody pays `parts` of 10**9 of the value at a price."""
        entry = self.markets[market]
        rate = Fraction(parts, 10**9)
        paid_by_longs = 0
        collected = 0
        touched = 0

        def payment(lots: int) -> int:
            value = entry.contract.value(lots, price)
            return ceil((-value if entry.contract.inverse else value) * rate)

        for position in self.positions:
            if position.market != market or not position.size:
                continue
            touched += 1
            due = payment(position.size)
            collected += due
            paid_by_longs += due if position.size > 0 else 0
            name = self.unit_name(position)
            self.set_collateral(name, self.stored(name) - due)
        outside, house = payment(entry.outside_lots), payment(entry.house_position.size)
        entry.outside_entry = fits(entry.outside_entry + outside)
        paid_by_longs += outside if entry.outside_lots > 0 else 0
        paid_by_longs += house if entry.house_position.size > 0 else 0
        collected += outside
        logged = self.log.add(
            events.FUNDING,
            price=price,
            money=paid_by_longs,
            quantity=touched,
            market=market,
            code=parts,
        )
        self.move_fund(collected, market, HOUSE, logged)  # what the house pays stays in the fund

    # --- questions about one account -----------------------------------------------------------

    def check_order_bounds(self, price: int) -> None:
        if not 1 <= price <= MAX_PRICE:
            raise ValueError(f"price {price} is outside 1 ... {MAX_PRICE} ticks")

    def account_equity(self, account: int) -> int:
        if self.accounts[account].lending is not None:
            return self.unit((account, ALL_CROSS)).worth()
        total = self.accounts[account].balance
        for position in self.positions:
            if position.account == account:
                mark = self.markets[position.market].mark_ticks
                total += position.margin + self.holding(position).profit(mark)
                total -= owed(self, position)
        return total

    def account_maintenance(self, account: int) -> int:
        if self.accounts[account].lending is not None:
            unit = self.unit((account, ALL_CROSS))
            return unit.worth() - unit.equity()
        return sum(
            self.holding(p).maintenance(self.markets[p.market].mark_ticks)
            for p in self.positions
            if p.account == account and p.size
        )
