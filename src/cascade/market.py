"""`Market`: one contract of an engine, its venue, its mark and its book."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from cascade import _halting, _money
from cascade._columns import market_row
from cascade._grid import Grid
from cascade._marketbook import MarketBook, market_book
from cascade._outsiderows import set_disposal, set_outside
from cascade._ramp import set_ramp
from cascade.bounds import MAX_PRICE
from cascade.breakers import HaltState, halt_state, pause_time
from cascade.exact_numbers import RATE_DENOMINATOR, rate_parts
from cascade.impact import Impact
from cascade.ruleset import Rules
from cascade.venues import POOLS, MarketPool, PoolVenue

if TYPE_CHECKING:
    from cascade.engine import Engine

CONTRACTS = ("linear", "inverse")
Venue = Literal["book"] | Impact | PoolVenue


class Market:
    """A contract and the venue it trades on; made by `Engine.add_market`.

    Attributes
    ----------
    name : str
    number : int
        Position among the engine's markets, the `market` field of events.
    ticks, lots : Grid
        Conversion between quotes and ticks, sizes and lots.
    rules : Rules
    contract : {"linear", "inverse"}
    multiplier : Fraction
    asset : str
        Money that the contract settles in.
    venue : "book", Impact, ConstantProduct, Concentrated or Stableswap
        As stated.
    impact : Impact or None
        Price curve, when the venue is one.
    sources : tuple of Market
        Markets whose marks this one's index is the median of, if it follows any.
    book : MarketBook
        Orders and depth; an impact venue or a pool takes market and IOC orders through it.
    """

    is_side = False  # of a reserve

    def __init__(
        self,
        engine: Engine,
        number: int,
        name: str,
        ticks: Grid,
        lots: Grid,
        rules: Rules,
        contract: str,
        multiplier: Fraction,
        asset: str,
        venue: Venue,
        bounds: dict[str, str | None],
    ) -> None:
        self.engine = engine
        self.number = number
        self.name = name
        self.ticks = ticks
        self.lots = lots
        self.rules = rules
        self.contract = contract
        self.multiplier = multiplier
        self.asset = asset
        self.venue = venue
        self.impact: Impact | None = venue if isinstance(venue, Impact) else None
        self.bounds = bounds
        self.sources: tuple[Market, ...] = ()
        self.book: MarketBook = market_book(engine, number, ticks, lots)
        scale = engine.assets[asset][1]
        set_outside(engine, number, **rules.outside_table(scale))
        set_disposal(engine, number, **rules.disposal_table(Fraction(lots.step)))
        set_ramp(engine, number, **rules.ramp_table(scale))

    def __repr__(self) -> str:
        return f"<Market {self.name!r}: mark {self.mark}, open interest {self.open_interest}>"

    @property
    def has_book(self) -> bool:
        """Whether orders rest: the venue is a book."""
        return self.venue == "book"

    @property
    def follows(self) -> Market | None:
        """The one market whose mark is this one's index; None also where there are several `sources`."""
        return self.sources[0] if len(self.sources) == 1 else None

    @property
    def pool(self) -> MarketPool:
        """Reserves and liquidity of the market's pool.

        Raises
        ------
        ValueError
            The market's venue is no pool.
        """
        if isinstance(self.venue, (str, Impact)):
            raise ValueError(f"the venue of market {self.name!r} is no pool")
        return MarketPool(self)

    def row(self) -> dict[str, int]:
        """Whole numbers of the market: ticks, lots, atoms."""
        return market_row(self.engine, self.number)

    def _price(self, name: str) -> float | None:
        ticks = self.row()[name]
        return self.ticks.number(ticks) if ticks else None

    @property
    def mark(self) -> float | None:
        """Price at which risk is measured; None before there is one."""
        return self._price("mark")

    @property
    def mark_ticks(self) -> int:
        """The mark in ticks, 0 before there is one."""
        return self.row()["mark"]

    @property
    def index(self) -> float | None:
        """Price from outside; None before one was given."""
        return self._price("index")

    @property
    def index_ticks(self) -> int:
        return self.row()["index"]

    @property
    def last(self) -> float | None:
        """Price of the venue's last trade; of an impact venue, its price."""
        return self._price("last")

    @property
    def open_interest(self) -> float:
        """Sum of the accounts' long sizes and what outside and house hold long, in size units."""
        return self.lots.number(self.open_interest_lots)

    @property
    def open_interest_lots(self) -> int:
        row = self.row()
        return row["long_lots"] + max(0, row["outside_size"]) + max(0, row["house_size"])

    @property
    def outside(self) -> tuple[float, float]:
        """Size and entry value that the world outside holds."""
        row = self.row()
        return self._holding(row["outside_size"], row["outside_entry"])

    @property
    def house(self) -> tuple[float, float]:
        """Size and entry value that the insurance fund took over."""
        row = self.row()
        return self._holding(row["house_size"], row["house_entry"])

    def _holding(self, lots: int, atoms: int) -> tuple[float, float]:
        return self.lots.number(lots), self.engine.from_atoms(atoms, self.asset)

    def atoms_of(self, lots: int, ticks: int) -> int:
        """Value of signed lots at a price, V of ``docs/margin.md``, atoms."""
        per_lot = Fraction(self.lots.step) * self.multiplier
        per_lot *= self.engine.to_atoms(1, self.asset)
        tick = Fraction(self.ticks.step)
        if self.contract == "linear":
            return int(per_lot * tick) * lots * ticks
        return -lots * int(per_lot / tick) // ticks

    @property
    def dislocation_threshold(self) -> float:
        """Distance of the venue's last price from the index, as a share of it, beyond which the time of
        a `Dislocation` counts; 0.01 unless set."""
        return self.row()["away_threshold"] / RATE_DENOMINATOR

    @dislocation_threshold.setter
    def dislocation_threshold(self, share: Any) -> None:
        parts = rate_parts(share, "dislocation_threshold", 0, 1)
        _money.set_dislocation_threshold(self.engine, self.number, parts)

    def set_index(self, price: Any) -> None:
        """Set the outside price without a step: no clock, no cascade; the mark follows its feed.

        Raises
        ------
        ValueError
            `price` is not a positive multiple of the tick, or the market follows others.
        """
        self.check_index_given()
        self.engine._set_index(self.number, self.ticks.steps(price, f"index of {self.name}"))

    def check_index_given(self) -> None:
        """Refuse an index from outside where there is none.

        Raises
        ------
        ValueError
            The market's index follows the marks of others.
        """
        if self.sources:
            names = ", ".join(repr(source.name) for source in self.sources)
            raise ValueError(f"the index of market {self.name!r} follows the mark of {names}")

    # --- circuit breaker -----------------------------------------------------------------------

    @property
    def halt_state(self) -> HaltState | None:
        """What the market's breaker does now; None without one."""
        return None if self.rules.breaker is None else halt_state(self)

    def halt(self, seconds: Any = None) -> None:
        """Halt the market, whatever its prices; a halt under way lasts as long as the later end says.

        Parameters
        ----------
        seconds : number, optional
            Default until `resume`.

        Raises
        ------
        ValueError
            The market has no breaker, or `seconds` is out of range.
        """
        time = pause_time(seconds, "seconds")
        _halting.halt_market(self.engine, self.number, -1 if seconds is None else time)

    def resume(self) -> None:
        """End a halt now, by the call auction and without an extension.

        Raises
        ------
        ValueError
            The market has no breaker or is not halted.
        """
        _halting.resume_market(self.engine, self.number)

    def set_close(self, price: Any) -> None:
        """Begin a new day: the breaker's levels and static limits are counted from `price`.

        Raises
        ------
        ValueError
            The market has no breaker, or `price` is not a positive multiple of the tick.
        """
        ticks = self.ticks.steps(price, "close")
        if not 1 <= ticks <= MAX_PRICE:
            raise ValueError(f"close {price!r} is outside 1 ... {MAX_PRICE} ticks")
        _halting.set_close(self.engine, self.number, ticks)


def check_market(name: Any, rules: Any, venue: Any, contract: Any) -> None:
    """Refuse what `Engine.add_market` cannot make a market of.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind; the message names it.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"name must be a text that is not empty, got {name!r}")
    if contract not in CONTRACTS:
        raise ValueError(f"contract must be 'linear' or 'inverse', got {contract!r}")
    if venue != "book" and not isinstance(venue, (Impact, *POOLS)):
        raise TypeError(f"venue must be 'book', an Impact or a pool, got {venue!r}")
    if isinstance(venue, POOLS) and contract != "linear":
        raise ValueError(f"a pool is for linear contracts, not {contract!r}")
    if not isinstance(rules, Rules):
        raise TypeError(f"rules must be Rules, got {rules!r}")
    if rules.premium_of == "impact" and contract != "linear":
        raise ValueError(f"premium_of 'impact' is for linear contracts, not {contract!r}")
