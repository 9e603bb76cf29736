"""One market of the twin: its contract, venue, rules and what outside and the house hold of it."""

from dataclasses import dataclass, field
from math import ceil, floor
from typing import NamedTuple

from . import log as events
from .dislocation import Dislocation
from .gateway import Gateway
from .grid import whole
from .halts import CANCEL_ONLY, Halts, time_of
from .margin import Contract, Position, Table, rate_of
from .rules import Rules


class LiquidityChange(NamedTuple):
    shares: int
    base_lots: int
    quote_atoms: int


@dataclass
class MarketPool:
    """What a driver may do with the pool of a market."""

    market: "Market"

    @property
    def shares(self) -> int:
        return self.market.venue.shares

    def numbers(self) -> list[int]:
        return self.market.venue.numbers()

    def add_liquidity(self, shares: int) -> LiquidityChange:
        if shares < 1:
            raise ValueError(f"shares {shares} is below 1")
        return self._changed(shares, self.market.venue.add_liquidity(shares))

    def remove_liquidity(self, shares: int) -> LiquidityChange:
        if not 1 <= shares < self.shares:
            raise ValueError(f"shares {shares} is outside 1 ... {self.shares - 1}")
        return self._changed(shares, self.market.venue.remove_liquidity(shares))

    def _changed(self, shares: int, moved: tuple[int, int]) -> LiquidityChange:
        event = self.market.venue.log_change(moved, -1, 0)
        self.market.engine.recompute_mark(self.market.number, event)
        self.market.engine.fire_stops(self.market.number)
        return LiquidityChange(shares, abs(moved[0]), abs(moved[1]))


@dataclass
class Market:
    """A contract, its venue, its rules and what outside and the house hold of it."""

    engine: object
    number: int
    name: str
    asset: str
    contract: Contract
    table: Table
    rules: Rules
    venue: object
    tick_size: object
    lot_size: object
    mark_ticks: int = 0
    previous_ticks: int = 0  # the mark before its last change
    index_ticks: int = 0
    touch_seen: bool = False
    index_time: int = 0  # when the index was given last
    average: int = 0  # in parts of 2**20 of a tick
    premium_sum: int = 0
    premium_time: int = 0
    fixed_rate: int | None = None  # of funding, in parts of 10**9
    funding_index: int = 0  # parts of 10**9 of an atom that one lot has accrued since the start
    funding_pool: int = 0  # atoms that payers gave and receivers have not taken yet
    delayed: list = field(default_factory=list)  # (time, index) not believed yet
    samples: list = field(default_factory=list)  # of the basis, in ticks
    observations: list = field(default_factory=list)  # of a window: (time, price from then on)
    window_mean: int = 0
    last_trade: int = -1  # ORDER or LIQUIDATION event that traded last
    outside_lots: int = 0
    outside_entry: int = 0
    spot_lots: int = 0  # delivered by liquidators, less what they bought
    spot_entry: int = 0
    ceiling_ticks: int = 0
    follows: tuple = ()  # markets whose marks the index is formed from
    dislocation: Dislocation = field(default_factory=Dislocation)
    dislocation_threshold: object = "0.01"
    house_position: Position = field(default_factory=lambda: Position(-1, events.HOUSE, 0))
    halts: Halts | None = None

    @property
    def accrues(self) -> bool:
        """Is funding accrued through an index, not paid by everybody at once?"""
        return self.rules.funding_mode == "index"

    @property
    def book(self) -> Gateway:
        return Gateway(self.engine, self)

    @property
    def pool(self) -> "MarketPool":
        return MarketPool(self)

    @property
    def band(self) -> tuple[int, int]:
        """Lowest and highest tick that may trade now."""
        on_last = self.rules.band_reference == "last"
        reference = self.venue.last if on_last else self.index_ticks
        if self.rules.band is None or not reference:
            return 1, events.MAX_PRICE
        lower, upper = reference * (1 - self.rules.band), reference * (1 + self.rules.band)
        return max(1, ceil(lower)), min(floor(upper), events.MAX_PRICE)

    @property
    def hard_band(self) -> tuple[int, int]:
        """The band with what the breaker keeps orders within."""
        lower, upper = self.band
        low, high = self.halts.hard_edges if self.halts is not None else (0, 0)
        return max(lower, low), min(upper, high or upper)

    def halt(self, seconds=None) -> None:
        start = self.engine.clock
        self.halts.begin(-1, 0, start, time_of(seconds), 0, -1, 0)

    def refuse_halted(self) -> None:
        if self.halts is not None and self.halts.phase >= CANCEL_ONLY:
            raise ValueError(f"market {self.name!r} is halted")

    def resume(self) -> None:
        if self.halts.phase < CANCEL_ONLY:
            raise ValueError(f"market {self.name!r} is not halted")
        self.halts.reopen()

    def set_close(self, price) -> None:
        self.halts.set_close(whole("close", price, self.tick_size))

    @property
    def mark(self) -> float:
        return float(self.mark_ticks * rate_of(self.tick_size))

    @property
    def index(self) -> float:
        return float(self.index_ticks * rate_of(self.tick_size))

    @property
    def last(self) -> float:
        return float(self.venue.last * rate_of(self.tick_size))

    @property
    def open_interest(self) -> float:
        return float(self.open_interest_lots * rate_of(self.lot_size))

    @property
    def open_interest_lots(self) -> int:
        """Lots held long by anybody."""
        sizes = [p.size for p in self.engine.clearing.positions if p.market == self.number]
        sizes += [self.outside_lots, self.house_position.size]
        return sum(size for size in sizes if size > 0)

    @property
    def outside(self) -> tuple[int, int]:
        return self.outside_lots, self.outside_entry

    @property
    def house(self) -> tuple[int, int]:
        return self.house_position.size, self.house_position.entry

    def set_index(self, price) -> None:
        self.engine.set_indexes({self.name: price}, at_once=True)
