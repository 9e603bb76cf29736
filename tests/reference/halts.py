"""Circuit breakers of the twin (docs/breakers.md): every price it ever saw, and a look at all of them.

A breaker belongs to a market and keeps lists of what happened; windows, means and extremes are worked
out from the lists when they are asked for.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor

from .margin import rate_of
from .records import (
    ANONYMOUS,
    BUY,
    GTC,
    ICEBERG,
    IOC,
    LIMIT,
    MAX_PRICE,
    MAX_SIZE,
    MODIFY,
    POST_ONLY,
    SELL,
    SLIDE,
    STOP_LIMIT,
    Code,
    Message,
)
from .rules import nanoseconds

OPEN, LIMIT_STATE, CANCEL_ONLY, PAUSE = range(4)
NO_END = 2**63 - 1
HALT, AUCTION = 18, 19
HALF = Fraction(1, 2)


def time_of(seconds) -> int:
    return NO_END if seconds is None else nanoseconds(seconds)


def nearest(value: Fraction) -> int:
    return floor(value + HALF)


@dataclass
class Breaker:
    """Parameters as a person states them."""

    reference: str = "fixed"
    lower: object = None
    upper: object = None
    share_of: str = "reference"
    close: object = None
    window: object = 0
    min_change: object = 0
    min_age: object = 0
    outer: object = 1
    hard: bool = True
    rounding: str = "inward"
    floor: object = None
    ceiling: object = None
    beyond: str = "refuse"
    forced: str = "takeover"
    limit_state: object = 0
    pause: object = 0
    cancel_only: object = 0
    extension: object = 0
    extension_band: object = 0
    extensions: int = 0
    replenish: object = 0
    levels: tuple = ()
    levels_on: str = "last"
    linked: bool = False
    throttle_lots: object = None
    throttle_notional: object = None
    throttle_window: object = 0
    widened: tuple = ()  # (from, until, factor), seconds of the clock
    leads: bool = False


@dataclass
class Halts:
    """What a market's breaker remembers."""

    engine: object
    market: object
    rules: Breaker
    phase: int = OPEN
    side: int = BUY
    reason: int = 0
    held: int | None = None  # side of a forced order that the band held back
    extended: int = 0
    replenished: bool = False
    levels_reached: int = 0
    close: int = 0
    reference: int = 0
    reference_time: int = 0
    until: int = 0
    calls_at: int = 0
    event: int = -1
    throttle_until: int = 0
    throttled_lots: int = 0
    throttled_notional: int = 0
    throttled: bool = False
    edges: tuple = (0, 0)
    hard_edges: tuple = (0, 0)
    trades: list = field(default_factory=list)  # (time, value)
    prices: list = field(default_factory=list)  # (time, price in force)
    consumed: list = field(default_factory=list)  # (time, side, price, lots) of depth from outside

    def __post_init__(self) -> None:
        if self.rules.close is not None:
            self.set_close(int(rate_of(self.rules.close) / rate_of(self.market.tick_size)))
        self.form_edges()

    def set_close(self, ticks: int) -> None:
        self.close = ticks
        self.levels_reached = 0
        if self.rules.reference == "fixed":
            self.reference, self.reference_time = ticks, self.engine.clock
        self.form_edges()

    # --- windows -------------------------------------------------------------------------------

    def within_window(self, rows: list) -> list:
        """What is younger than the window."""
        since = self.engine.clock - nanoseconds(self.rules.window)
        return [value for time, value in rows if time > since]

    def consume(self, side: int, price: int, lots: int) -> None:
        """A trade took depth from outside that rested on a side."""
        if rate_of(self.rules.replenish) > 0 and self.phase < CANCEL_ONLY:
            self.consumed.append((self.engine.clock, side, price, lots))

    def still_missing(self) -> list:
        """What was taken within the window; all of it without one, and as it was at the halt."""
        since = self.engine.clock - nanoseconds(self.rules.window)
        if not nanoseconds(self.rules.window) or self.phase >= CANCEL_ONLY:
            return self.consumed
        return [row for row in self.consumed if row[0] > since]

    def trade(self, price: int) -> None:
        if self.rules.reference == "window":
            self.prices.append((self.engine.clock, price))
        if self.rules.reference == "mean":
            self.trades.append((self.engine.clock, price))
        if self.rules.reference == "premium" and self.market.index_ticks:
            self.trades.append((self.engine.clock, price - self.market.index_ticks))

    # --- reference and edges -------------------------------------------------------------------

    def share(self, name: str) -> Fraction | None:
        value = getattr(self.rules, name)
        return None if value is None else rate_of(value)

    def anchor(self, price: int) -> None:
        if price and self.rules.reference in ("fixed", "last", "mean"):
            self.reference, self.reference_time = price, self.engine.clock
        self.trades, self.prices = [], []

    def follow(self, price: int) -> None:
        now = self.engine.clock
        if self.rules.reference == "last" or not self.reference:
            if price:
                self.reference, self.reference_time = price, now
            return
        values = self.within_window(self.trades)
        if self.rules.reference != "mean" or not values:
            return
        mean = Fraction(sum(values), len(values))
        old_enough = now - self.reference_time >= nanoseconds(self.rules.min_age)
        moved = abs(mean - self.reference) >= self.share("min_change") * self.reference
        if old_enough and moved:
            self.reference, self.reference_time = nearest(mean), now

    def rounded(self, value: Fraction, up: bool) -> int:
        if self.rules.rounding == "nearest":
            ticks = nearest(value)
        else:
            ticks = ceil(value) if up else floor(value)
        return ticks if 1 <= ticks <= MAX_PRICE else 0

    def width(self, name: str) -> Fraction | None:
        """A share of the band, times the factor of the time of day."""
        share, factor = self.share(name), 1
        for start, end, times in reversed(self.rules.widened):
            if nanoseconds(start) <= self.engine.clock < nanoseconds(end):
                factor = times
        if share is None:
            return None
        return min(share * factor, Fraction(1)) if name == "lower" else share * factor

    def form_edges(self) -> None:
        rules = self.rules
        lower, upper = self.width("lower"), self.width("upper")
        if rules.reference == "premium":
            self.edges = self.premium_edges(lower, upper)
        else:
            above = below = self.reference
            if rules.reference == "index":
                above = below = self.market.index_ticks
            elif rules.reference == "window":
                prices = self.within_window(self.prices)
                above, below = (max(prices), min(prices)) if prices else (0, 0)
            at_close = rules.share_of == "close"
            low = high = 0
            if above and lower is not None:
                low = self.rounded(above - lower * (self.close if at_close else above), True)
                low = min(low, above - 1)
            if below and upper is not None:
                high = self.rounded(below + upper * (self.close if at_close else below), False)
                if high and high <= below:
                    high = below + 1 if below < MAX_PRICE else 0
            self.edges = (low, high)
        hard_low, hard_high = self.edges if rules.hard else (0, 0)
        if self.close and rules.floor is not None:
            hard_low = max(hard_low, ceil(self.close * (1 - self.share("floor"))))
        if self.close and rules.ceiling is not None:
            edge = self.rounded(self.close * (1 + self.share("ceiling")), False)
            hard_high = min(hard_high or edge, edge) if edge else hard_high
        self.hard_edges = (hard_low, hard_high)

    def premium_edges(self, lower: Fraction | None, upper: Fraction | None) -> tuple[int, int]:
        index, outer = self.market.index_ticks, self.share("outer")
        values = self.within_window(self.trades)
        premium = Fraction(sum(values), len(values)) if values else Fraction(0)
        low = high = 0
        if index and upper is not None:
            high = min(max(index, floor(index * (1 + upper) + premium)), floor(index * (1 + outer)))
        if index and lower is not None:
            low = max(min(index, ceil(index * (1 - lower) + premium)), ceil(index * (1 - outer)))
        return (low if low >= 1 else 0), (high if high <= MAX_PRICE else 0)

    # --- halts ---------------------------------------------------------------------------------

    def log(self, price: int, cause: int, wave: int) -> int:
        return self.engine.log.add(
            HALT,
            cause=cause,
            wave=wave,
            order=-1 if self.until == NO_END else self.until,
            quantity=self.reason,
            price=price,
            side=self.side,
            code=self.phase,
            market=self.market.number,
        )

    def begin(self, reason, side, start, pause, price, cause, wave) -> None:
        end = NO_END if pause == NO_END else start + pause
        if self.phase >= CANCEL_ONLY:
            if end > self.until:
                self.until = end
                self.log(price, cause, wave)
            return
        cancel_only = time_of(self.rules.cancel_only)
        missing = self.still_missing()
        self.phase = CANCEL_ONLY if cancel_only else PAUSE
        self.calls_at = end if cancel_only >= end - start else start + cancel_only
        self.until, self.side, self.reason = end, side, reason
        self.held, self.extended, self.replenished = None, 0, False
        self.consumed = missing
        self.market.venue.halt()
        self.event = self.log(price, cause, wave)

    def begin_by_band(self, side, start, price, cause, wave) -> None:
        about = (0, side, start, time_of(self.rules.pause), price)
        self.begin(*about, cause, wave)
        for market in self.engine.clearing.markets if self.rules.leads else ():
            other = market.halts
            if other is not None and other is not self and other.rules.linked:
                other.begin(*about, self.event, wave)

    def look_at_levels(self, cause: int, wave: int) -> None:
        on_index = self.rules.levels_on == "index"
        price = self.market.index_ticks if on_index else self.market.venue.last
        if not price or not self.close:
            return
        before = self.levels_reached
        for share, _ in self.rules.levels[before:]:
            if price > floor(self.close * (1 - rate_of(share))):
                break
            self.levels_reached += 1
        if self.levels_reached == before:
            return
        pause = time_of(self.rules.levels[self.levels_reached - 1][1])
        if not pause:
            return
        about = (self.levels_reached, SELL, self.engine.clock, pause, price)
        self.begin(*about, cause, wave)
        for market in self.engine.clearing.markets if self.rules.linked else ():
            other = market.halts
            if other is not None and other is not self and other.rules.linked:
                other.begin(*about, self.event, wave)

    def stands_at(self, side: int, price: int) -> bool:
        """Can nothing more trade on `side` within the band?"""
        edge = self.edges[0 if side == SELL else 1]
        if not edge:
            return False

        def reaches(value: int) -> bool:
            return bool(value) and (value <= edge if side == SELL else value >= edge)

        is_curve = self.market.venue.is_curve
        if (is_curve or not nanoseconds(self.rules.limit_state)) and reaches(price):
            return True
        if is_curve:
            return self.held == side
        bid, ask = self.market.venue.touch()
        near, far = (ask, bid) if side == SELL else (bid, ask)
        if reaches(near):
            return True
        if self.held != side:
            return False
        if not far or (far < edge if side == SELL else far > edge):
            return True
        self.held = None
        return False

    def press(self, side: int, price: int, cause: int, wave: int) -> None:
        wait = nanoseconds(self.rules.limit_state)
        now = self.engine.clock
        if not wait:
            self.begin_by_band(side, now, price, cause, wave)
        elif self.phase == OPEN or self.side != side:
            self.phase, self.side, self.reason = LIMIT_STATE, side, 0
            self.until = now + wait
            self.event = self.log(price, cause, wave)

    def look(self, cause: int, wave: int) -> None:
        """After a mark was formed."""
        price = self.market.venue.last
        if self.rules.levels:
            self.look_at_levels(cause, wave)
        if self.market.venue.auction:
            return
        if self.rules.reference == "window" and self.market.venue.is_curve and price:
            self.prices.append((self.engine.clock, price))
        if self.rules.reference in ("index", "premium", "window"):
            self.form_edges()
        if time_of(self.rules.pause):
            if self.stands_at(SELL, price):
                self.press(SELL, price, cause, wave)
            elif self.stands_at(BUY, price):
                self.press(BUY, price, cause, wave)
            elif self.phase == LIMIT_STATE:
                self.phase, self.until = OPEN, 0
                self.log(price, cause, wave)
        if self.phase == OPEN:
            self.follow(price)
            self.form_edges()

    # --- orders --------------------------------------------------------------------------------

    def screen(self, message: Message) -> tuple[int, Message]:
        """May the message enter, and as what?"""
        if self.phase == CANCEL_ONLY or (self.phase == PAUSE and self.market.venue.is_curve):
            return Code.HALTED, message
        if self.market.venue.auction or message.kind not in (LIMIT, STOP_LIMIT, MODIFY):
            return Code.OK, message
        edge = self.hard_edges[1 if message.side == BUY else 0]
        beyond = message.price > edge if message.side == BUY else message.price < edge
        if not edge or not beyond:
            return Code.OK, message
        if self.rules.beyond == "refuse" or message.kind == STOP_LIMIT:
            return Code.BAD_PRICE, message
        if self.rules.beyond == "expire":
            if message.kind == MODIFY or message.flags & (POST_ONLY | SLIDE | ICEBERG):
                return Code.BAD_PRICE, message
            if message.time_in_force == GTC:
                message = replace(message, time_in_force=IOC)
        return Code.OK, replace(message, price=edge)

    def holds(self, side: int, own_limit: int) -> bool:
        """Is what a forced order left for the band to keep?"""
        at = 0 if side == SELL else 1
        edge = self.hard_edges[at]
        if not edge or (own_limit and (own_limit > edge if side == SELL else own_limit < edge)):
            return False
        if edge == self.edges[at]:
            self.held = side
        return self.rules.forced == "wait"

    def throttle(self, lots: int, notional: int) -> None:
        window = nanoseconds(self.rules.throttle_window)
        if not window:
            return
        if self.engine.clock >= self.throttle_until:
            self.throttle_until = self.engine.clock + window
            self.throttled_lots = self.throttled_notional = 0
        self.throttled_lots += lots
        self.throttled_notional += notional
        most, worth = self.rules.throttle_lots, self.rules.throttle_notional
        size = self.throttled_lots * rate_of(self.market.lot_size)
        if most is not None and size >= rate_of(most):
            self.throttled = True
        if worth is not None:
            atoms = 10 ** self.engine.clearing.assets[self.market.asset].decimals
            if self.throttled_notional >= rate_of(worth) * atoms:
                self.throttled = True

    # --- the end of a halt ---------------------------------------------------------------------

    def replenish(self) -> None:
        share, venue = rate_of(self.rules.replenish), self.market.venue
        if self.replenished:
            return
        self.replenished = True
        if venue.is_curve:
            venue.replenish(share)
            return
        missing, self.consumed = self.consumed, []
        for side in (BUY, SELL) if share > 0 else ():
            prices = sorted({row[2] for row in missing if row[1] == side}, reverse=side == BUY)
            for price in prices:
                taken = sum(row[3] for row in missing if row[1:3] == (side, price))
                lots = min(floor(taken * share), MAX_SIZE)
                if lots:
                    venue.next_id += 1
                    message = Message(LIMIT, side, price=price, size=lots)
                    venue._enter(venue.next_id - 1, message, 0)
        for order in sorted(venue.resting, key=lambda order: order.id) if share < 0 else ():
            lots = floor(order.total * -share)
            if order.account == ANONYMOUS and lots:
                self.engine.log_removal(self.market.number, order, lots, self.event)
                self.engine.log.events[-1].wave = 0
                order.give_up(lots)
                if not order.total:
                    venue.resting.remove(order)

    def auction_event(self, found, extended: int) -> int:
        price, volume, imbalance = found or (0, 0, 0)
        return self.engine.log.add(
            AUCTION,
            cause=self.event,
            wave=0,
            price=price,
            quantity=volume,
            money=imbalance,
            code=extended,
            market=self.market.number,
        )

    def extend(self) -> bool:
        rules, venue = self.rules, self.market.venue
        if venue.is_curve or self.extended >= rules.extensions:
            return False
        reference = {
            "window": venue.last,
            "index": self.market.index_ticks,
            "premium": self.market.index_ticks,
        }.get(rules.reference, self.reference)
        found = venue.indicative()
        if found is None or not reference:
            return False
        if abs(found[0] - reference) <= rate_of(rules.extension_band) * reference:
            return False
        self.extended += 1
        self.until += nanoseconds(rules.extension)
        self.auction_event(found, self.extended)
        return True

    def reopen(self) -> None:
        self.replenish()
        venue, cause, found = self.market.venue, -1, None
        if venue.is_curve:
            venue.auction = False
        else:
            found = venue.indicative()
            cause = self.auction_event(found, 0)
            self.engine.uncross_fills(self.market, cause)
        self.phase, self.until, self.calls_at, self.held = OPEN, 0, 0, None
        price = found[0] if found else venue.last
        self.anchor(price)
        if found:
            self.trade(price)
        self.form_edges()
        self.log(price, self.event, 0)
        self.engine.recompute_mark(self.market.number, cause)
        self.engine.fire_stops(self.market.number)

    def pass_time(self) -> None:
        """Phase 3 of a step."""
        now, last = self.engine.clock, self.market.venue.last
        if now >= self.throttle_until:
            self.throttled = False
        if self.phase == LIMIT_STATE and now >= self.until:
            self.begin_by_band(self.side, self.until, last, self.event, 0)
        if self.phase == CANCEL_ONLY and now >= self.calls_at:
            self.phase = PAUSE
            if self.calls_at < self.until:
                self.log(last, self.event, 0)
        if self.phase == PAUSE and now >= self.until:
            self.replenish()
            while now >= self.until and self.extend():
                pass
            if now >= self.until:
                self.reopen()
        elif self.phase < CANCEL_ONLY:
            self.look(-1, 0)

    # --- what a person and the hash read -------------------------------------------------------

    def numbers(self) -> tuple[int, ...]:
        """Row of the state hash."""
        values, prices = self.within_window(self.trades), self.within_window(self.prices)
        return (
            self.phase, self.side, 0 if self.held is None else 1 + self.held, self.extended,
            self.levels_reached, self.replenished, self.close, self.reference, *self.edges,
            *self.hard_edges, self.reference_time, self.calls_at, self.until, self.reason,
            self.throttle_until, self.throttled_lots, self.throttled_notional, self.throttled,
            self.market.venue.last if self.market.venue.is_curve else 0,
            sum(values), len(values), min(prices, default=0), max(prices, default=0),
            sum(row[3] for row in self.still_missing()),
        )  # fmt: skip


def pass_halts(engine) -> None:
    for market in engine.clearing.markets:
        if market.halts is not None:
            market.halts.pass_time()
