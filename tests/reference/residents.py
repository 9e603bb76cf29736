"""Residents of the twin: market makers, arbitrage and flow of docs/residents.md, one list of them.

Everything is in ticks, lots, atoms and nanoseconds once a resident was added; orders go through
the engine's own path, one message at a time.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from . import log as events
from .accrual import settle_balance
from .clock import toward_zero
from .grid import whole
from .margin import rate_of
from .records import BUY, CANCEL, GTC, IOC, LIMIT, MARKET, REDUCE_ONLY, SELL, SLIDE, Message
from .rules import nanoseconds, parts_of
from .venues import held as limit_within

WORD = 2**64
GOLDEN = 0x9E3779B97F4A7C15
LOG_OF_2 = 2977044472  # parts of 2**32
FINE = 2**20  # parts of a tick
LARGEST_MOVEMENT = 2**60
RATE_PARTS = 10**6  # of a lot or an order a second
NEVER = 2**62
SEEN_AT_MOST = 512  # indexes an arbitrageur remembers
PARTS = 10**9


@dataclass(frozen=True)
class MarketMaker:
    market: str
    depth: tuple
    deposit: object
    leverage: object = 1
    refill: object = None
    inventory_limit: object = None
    skew: object = 0
    volatility_time: object = 60
    widening: object = 0
    volatility_limit: object = None
    loss_limit: object = None
    tolerance: object = 0


@dataclass(frozen=True)
class Arbitrageur:
    market: str
    deposit: object
    size: object
    threshold: object = "0.001"
    delay: object = 0
    limit: object = None
    leverage: object = 1
    hedged: bool = False


@dataclass(frozen=True)
class NoiseFlow:
    market: str
    rate: object
    size: object
    market_share: object = "0.5"
    reach: object = None
    open_orders: int = 64
    deposit: object = None
    leverage: object = 1


@dataclass(frozen=True)
class MomentumFlow:
    market: str
    rate: object
    size: object
    threshold: object
    volatility_time: object = 60
    limit: object = None
    deposit: object = None
    leverage: object = 1


@dataclass(frozen=True)
class MarginCalls:
    market: str
    warning: object
    top_up_share: object = 0
    reduce_share: object = 0
    top_up: object = "1.5"
    reduce: object = "0.5"
    deposit: object = None


# --- random streams ------------------------------------------------------------------------------


def mixed(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % WORD
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % WORD
    return z ^ (z >> 31)


def minus_log(draw: int) -> int:
    """-ln(draw / 2**64) in parts of 2**32."""
    draw = max(draw, 1)
    bits = draw.bit_length() - 1
    y = (draw << 61) >> bits
    for _ in range(32):
        y = (y * y) >> 61
        bits *= 2
        if y >= 2**62:
            y >>= 1
            bits += 1
    return ((64 * 2**32 - bits) * LOG_OF_2) >> 32


class Stream:
    """SplitMix64."""

    def __init__(self, seed: int, number: int) -> None:
        self.state = mixed((mixed((seed + GOLDEN) % WORD) + GOLDEN * (number + 1)) % WORD)

    def next(self) -> int:
        self.state = (self.state + GOLDEN) % WORD
        return mixed(self.state)

    def below(self, end: int) -> int:
        return self.next() * end // WORD

    def gap(self, rate: int) -> int:
        """Nanoseconds to the next of `rate` millionths a second."""
        ns = 10**9 * RATE_PARTS * minus_log(self.next()) // (rate * 2**32)
        return min(max(ns, 1), 2**61)


# --- what residents have in common -----------------------------------------------------------------


def lots_of(market, value) -> int:
    return 0 if value is None else whole("size", value, market.lot_size)


def ticks_of(market, value) -> int:
    return 0 if value is None else whole("price", value, market.tick_size)


def sizes_of(market, size) -> tuple[int, int]:
    low, high = size if isinstance(size, tuple) else (size, size)
    return lots_of(market, low), lots_of(market, high)


class Resident:
    kind = -1

    def __init__(self, engine, number: int, settings) -> None:
        self.engine = engine
        self.settings = settings
        self.market = engine.market(settings.market)
        self.stream = Stream(engine.seed, number)
        self.account = -1
        self.deposit = 0
        if settings.deposit is not None:
            asset = self.market.asset
            (self.account,) = map(
                int, engine.accounts.create(1, balance=settings.deposit, asset=asset)
            )
            self.deposit = engine.to_atoms(settings.deposit, asset)
            engine.accounts.set_leverage(self.account, self.market, settings.leverage, "cross")

    def send(self, kind, side=0, price=0, size=0, **fields):
        message = Message(kind, side, account=self.account, price=price, size=size, **fields)
        return self.engine.process(self.market, message)

    def held(self) -> int:
        """Lots of its position."""
        position = self.engine.clearing.position(self.account, self.market.number, 0)
        return position.size if position is not None else 0

    def affordable(self, side: int, lots: int, price: int) -> int:
        """The most of `lots` that initial margin allows; 0 as price: at the market."""
        if self.account < 0:
            return lots
        kind = LIMIT if price else MARKET
        message = Message(kind, side, IOC, account=self.account, price=price)
        clearing, number = self.engine.clearing, self.market.number
        for fewer in range(lots, 0, -1):
            asked = replace(message, size=fewer)
            refused = clearing.too_large(number, asked)
            if not refused and not clearing.check_margin(number, asked, fewer):
                return fewer
        return 0

    @property
    def collecting(self) -> bool:
        return self.market.venue.auction

    def state(self) -> list[int]:
        signed = self.stream.state - WORD if self.stream.state >= WORD // 2 else self.stream.state
        return [self.kind, self.market.number, self.account, self.deposit, signed, *self.numbers()]


# --- market makers ---------------------------------------------------------------------------------


class Maker(Resident):
    kind = 0

    def __init__(self, engine, number, settings) -> None:
        super().__init__(engine, number, settings)
        market = self.market
        self.rungs = [(ticks_of(market, d), lots_of(market, q)) for d, q in settings.depth]
        self.orders = [[0, 0] for _ in self.rungs]
        self.capacity = 2 * sum(lots for _, lots in self.rungs)
        self.credit, self.rest = self.capacity, 0
        self.refill = -1
        if settings.refill is not None:
            self.refill = int(rate_of(settings.refill) / rate_of(market.lot_size) * RATE_PARTS)
        self.inventory_limit = lots_of(market, settings.inventory_limit)
        self.skew = ticks_of(market, settings.skew)
        self.time = nanoseconds(settings.volatility_time)
        self.widening = parts_of(settings.widening)
        self.movement_limit = ticks_of(market, settings.volatility_limit) * FINE
        self.loss_limit = self.deposit
        if settings.loss_limit is not None:
            self.loss_limit = engine.to_atoms(settings.loss_limit, market.asset)
        self.tolerance = ticks_of(market, settings.tolerance)
        self.price_seen = self.index_seen = 0
        self.movements = [0, 0]  # of the last price, of the index

    def numbers(self) -> list[int]:
        ids = [order for pair in self.orders for order in pair]
        price, index = self.movements
        own = [self.credit, self.rest, price, self.price_seen, index, self.index_seen]
        return [*own, len(ids), *ids]

    def look(self, elapsed: int) -> None:
        """Recent movement and credit to refill with."""
        price, index = self.market.venue.last, self.market.index_ticks
        seen = ((price, self.price_seen), (index, self.index_seen))
        for k, (now, before) in enumerate(seen):
            faded = self.movements[k] - self.movements[k] * elapsed // (self.time + elapsed)
            moved = abs(now - before) if now and before else 0
            self.movements[k] = min(faded + moved * FINE, LARGEST_MOVEMENT)
        self.price_seen, self.index_seen = price, index
        if self.refill >= 0:
            whole_parts = RATE_PARTS * PARTS
            added, self.rest = divmod(self.refill * elapsed + self.rest, whole_parts)
            self.credit += added
            if self.credit >= self.capacity:
                self.credit, self.rest = self.capacity, 0

    @property
    def movement(self) -> int:
        return max(self.movements)

    def quotes(self) -> bool:
        lost = self.deposit - self.engine.clearing.account_equity(self.account)
        calm = not self.movement_limit or self.movement < self.movement_limit
        return bool(self.market.index_ticks) and lost < self.loss_limit and calm

    def target(self, rung: int, side: int) -> tuple[int, int]:
        """(price, lots) that it wants at a rung."""
        distance, lots = self.rungs[rung]
        inventory, limit = self.held(), self.inventory_limit
        centre = self.market.index_ticks
        if limit:
            centre -= toward_zero(inventory * self.skew, limit)
        distance += self.movement * self.widening // (PARTS * FINE)
        price = centre - distance if side == BUY else centre + distance
        if self.movement_limit:
            lots = lots * (self.movement_limit - self.movement) // self.movement_limit
        towards = inventory if side == BUY else -inventory
        if limit and towards > 0:
            lots = lots * max(limit - towards, 0) // limit
        lower, upper = self.market.band
        venue = self.market.venue
        allowed = max(lower, venue.min_price) <= price <= min(upper, venue.max_price)
        return (price, lots) if allowed else (0, 0)

    def act(self, elapsed: int) -> None:
        if self.collecting:
            return
        self.look(elapsed)
        quoting = self.quotes()
        venue = self.market.venue
        changed = []
        for rung in range(len(self.rungs)):
            for side in (BUY, SELL):
                price, target = self.target(rung, side) if quoting else (0, 0)
                order = venue.find(self.orders[rung][side])
                have, at = (order.total, order.price) if order is not None else (0, 0)
                kept = min(have, target)
                grown = target - kept
                if self.refill >= 0:
                    grown = min(grown, self.credit)
                if kept + grown < venue.min_size:
                    kept = grown = 0
                if self.refill >= 0:
                    self.credit -= grown
                want = kept + grown
                if want != have or (want and abs(at - price) > self.tolerance):
                    changed.append((rung, side, price, want))
        for rung, side, _, _ in changed:
            if venue.find(self.orders[rung][side]) is not None:
                self.send(CANCEL, order=self.orders[rung][side])
            self.orders[rung][side] = 0
        for rung, side, price, want in changed:
            lots = self.affordable(side, want, price)
            if lots >= venue.min_size:
                answer = self.send(LIMIT, side, price, lots, time_in_force=GTC, flags=SLIDE)
                self.orders[rung][side] = answer.order if answer.resting else 0


# --- arbitrage -------------------------------------------------------------------------------------


class Arbitrage(Resident):
    kind = 1

    def __init__(self, engine, number, settings) -> None:
        super().__init__(engine, number, settings)
        self.size = lots_of(self.market, settings.size)
        self.limit = lots_of(self.market, settings.limit)
        self.threshold = parts_of(settings.threshold)
        self.delay = nanoseconds(settings.delay)
        self.seen: list[tuple[int, int]] = []  # (time, index), a change each
        self.hedge = 0  # lots on the wider market
        self.hedge_index = 0  # that it was settled at

    def numbers(self) -> list[int]:
        seen = (number for pair in self.seen for number in pair)
        return [len(self.seen), *seen, self.hedge, self.hedge_index]

    def known_index(self) -> int:
        index, now = self.market.index_ticks, self.engine.clock
        if index and (not self.seen or self.seen[-1][1] != index):
            self.seen.append((now, index))
            self.seen = self.seen[-SEEN_AT_MOST:]
        while len(self.seen) > 1 and self.seen[1][0] <= now - self.delay:
            del self.seen[0]
        if self.seen and self.seen[0][0] <= now - self.delay:
            return self.seen[0][1]
        return 0

    def act(self, elapsed: int) -> None:
        """The other leg is settled at the index, and follows what it holds here afterwards."""
        index = self.market.index_ticks if self.settings.hedged else 0
        if index:
            self.settle_hedge(index)
        self.trade()
        if index:
            self.hedge, self.hedge_index = -self.held(), index

    def settle_hedge(self, index: int) -> None:
        def worth(tick: int) -> int:
            value = self.market.contract.value(abs(self.hedge), tick)
            return value if self.hedge > 0 else -value

        gain = worth(index) - worth(self.hedge_index) if self.hedge else 0
        if not gain:
            return
        clearing = self.engine.clearing
        settle_balance(clearing, self.account)
        clearing.move_balance(self.account, gain)
        clearing.assets[self.market.asset].deposits += gain
        kind = events.DEPOSIT if gain > 0 else events.WITHDRAWAL
        self.engine.log.add(kind, account=self.account, money=abs(gain))
        self.engine.queue.reenter_changed()

    def trade(self) -> None:
        index = self.known_index()
        if not index or self.collecting:
            return
        bid, ask = self.market.venue.touch()
        held = self.held()
        beyond = index * self.threshold // PARTS + 1
        if ask and ask <= index - beyond:
            self.enter(BUY, index - beyond, held)
        elif bid and bid >= index + beyond:
            self.enter(SELL, index + beyond, -held)
        elif held > 0 and bid >= index:
            self.leave(SELL, index, held)
        elif held < 0 and ask and ask <= index:
            self.leave(BUY, index, -held)

    def enter(self, side: int, price: int, held: int) -> None:
        lots = self.size
        if self.limit:
            lots = min(lots, max(self.limit - held, 0))
        price = limit_within(side, price, self.market.hard_band)
        lots = self.affordable(side, lots, price)
        if lots >= self.market.venue.min_size:
            self.send(LIMIT, side, price, lots, time_in_force=IOC)

    def leave(self, side: int, price: int, held: int) -> None:
        lots = min(self.size, held)
        price = limit_within(side, price, self.market.hard_band)
        if lots >= self.market.venue.min_size:
            self.send(LIMIT, side, price, lots, time_in_force=IOC, flags=REDUCE_ONLY)


# --- flow ------------------------------------------------------------------------------------------


class Flow(Resident):
    def __init__(self, engine, number, settings) -> None:
        super().__init__(engine, number, settings)
        self.rate = int(rate_of(settings.rate) * RATE_PARTS)
        self.low, self.high = sizes_of(self.market, settings.size)
        self.next = min(engine.clock + self.stream.gap(self.rate), NEVER) if self.rate else NEVER

    def act(self, elapsed: int) -> None:
        self.look(elapsed)
        while self.next <= self.engine.clock:
            self.arrive()
            self.next = min(self.next + self.stream.gap(self.rate), NEVER)

    def look(self, elapsed: int) -> None:
        pass


class Noise(Flow):
    kind = 2

    def __init__(self, engine, number, settings) -> None:
        super().__init__(engine, number, settings)
        self.market_share = parts_of(settings.market_share)
        self.reach = max(ticks_of(self.market, settings.reach), 1)
        self.open_orders = [0] * settings.open_orders
        self.place = 0

    def numbers(self) -> list[int]:
        return [self.next, self.place, len(self.open_orders), *self.open_orders]

    def arrive(self) -> None:
        at_market = self.stream.below(PARTS) < self.market_share
        side = self.stream.below(2)
        lots = self.low + self.stream.below(self.high - self.low + 1)
        offset = 1 + self.stream.below(self.reach)
        venue = self.market.venue
        if self.collecting:
            return
        if at_market:
            lots = self.affordable(side, lots, 0)
            if lots >= venue.min_size:
                self.send(MARKET, side, 0, lots)
            return
        bid, ask = venue.touch()
        middle = (bid + ask) // 2 if bid and ask else 0
        reference = middle or venue.last or self.market.index_ticks
        price = reference - offset if side == BUY else reference + offset
        if not reference or not venue.min_price <= price <= venue.max_price:
            return
        oldest = self.open_orders[self.place]
        if venue.find(oldest) is not None:
            self.send(CANCEL, order=oldest)
        self.open_orders[self.place] = 0
        lots = self.affordable(side, lots, price)
        if lots >= venue.min_size:
            answer = self.send(LIMIT, side, price, lots, time_in_force=GTC)
            self.open_orders[self.place] = answer.order if answer.resting else 0
        self.place = (self.place + 1) % len(self.open_orders)


class Momentum(Flow):
    kind = 3

    def __init__(self, engine, number, settings) -> None:
        super().__init__(engine, number, settings)
        self.threshold = parts_of(settings.threshold)
        self.time = nanoseconds(settings.volatility_time)
        self.limit = lots_of(self.market, settings.limit)
        self.trend = self.price_seen = 0

    def numbers(self) -> list[int]:
        return [self.next, self.trend, self.price_seen]

    def look(self, elapsed: int) -> None:
        price = self.market.venue.last
        self.trend -= toward_zero(self.trend * elapsed, self.time + elapsed)
        if price and self.price_seen:
            self.trend += (price - self.price_seen) * FINE
        self.trend = min(max(self.trend, -LARGEST_MOVEMENT), LARGEST_MOVEMENT)
        self.price_seen = price

    def arrive(self) -> None:
        lots = self.low + self.stream.below(self.high - self.low + 1)
        least = Fraction(self.price_seen * self.threshold * FINE, PARTS)
        if self.collecting or not self.trend or abs(self.trend) < least:
            return
        side = BUY if self.trend > 0 else SELL
        if self.limit and self.account >= 0:
            held = self.held() if side == BUY else -self.held()
            lots = min(lots, max(self.limit - held, 0))
        lots = self.affordable(side, lots, 0)
        if lots >= self.market.venue.min_size:
            self.send(MARKET, side, 0, lots)


KINDS = {MarketMaker: Maker, Arbitrageur: Arbitrage, NoiseFlow: Noise, MomentumFlow: Momentum}


def kind_of(settings) -> type[Resident]:
    if isinstance(settings, MarginCalls):
        from .margin_calls import Calls  # which is a Resident of this file

        return Calls
    return KINDS[type(settings)]


class Residents:
    """`engine.residents`."""

    def __init__(self, engine) -> None:
        self.engine = engine
        self.all: list[Resident] = []

    def add(self, settings) -> int:
        made = kind_of(settings)(self.engine, len(self.all), settings)
        self.all.append(made)
        return made.account

    def act(self, elapsed: int) -> None:
        for resident in self.all:
            resident.act(elapsed)
