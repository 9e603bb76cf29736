"""`Breaker`: when a market limits its prices, halts and opens again (``docs/breakers.md``).

Shares are exact: a float stands for the decimal number that is printed for it. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

from cascade._halting import breaker_row
from cascade.bounds import MAX_PRICE
from cascade.exact_numbers import (
    LARGEST_NUMBER,
    LARGEST_TIME,
    NANOSECONDS,
    Rate,
    exact,
    rate_parts,
    whole,
)

if TYPE_CHECKING:
    from cascade._grid import Grid
    from cascade.market import Market

REFERENCES = ("fixed", "index", "last", "mean", "window", "premium")
MOST_LEVELS = 8
MOST_EXTENSIONS = 255
WIDEST = 1000
NO_END = 2**63 - 1
NO_CEILING = -2 * 10**9
CHOICES: dict[str, tuple[str, ...]] = {
    "reference": REFERENCES,
    "share_of": ("reference", "close"),
    "rounding": ("inward", "nearest"),
    "beyond": ("refuse", "reprice", "expire"),
    "forced": ("takeover", "wait"),
    "levels_on": ("last", "index"),
}
SHARES = {
    "lower": 1, "upper": WIDEST, "floor": 1, "ceiling": WIDEST, "outer": 1, "min_change": 1,
    "extension_band": 1,
}  # fmt: skip
TIMES = (
    "window", "min_age", "limit_state", "pause", "cancel_only", "extension", "throttle_window",
)  # fmt: skip
FLAGS = ("hard", "linked", "leads")
MOST_SPANS = 8
WIDEST_FACTOR = 1000


def pause_time(seconds: Rate | None, name: str) -> int:
    """Nanoseconds of a pause; None: without end.

    Raises
    ------
    TypeError, ValueError
        `seconds` is no number, negative or beyond 2**62 ns.
    """
    if seconds is None:
        return NO_END
    time = round(exact(seconds, name) * NANOSECONDS)
    if not 0 <= time < LARGEST_TIME:
        raise ValueError(f"{name} {seconds!r} s is outside 0 ns ... {LARGEST_TIME - 1} ns")
    return time


def _share(value: Rate | None, name: str, high: int) -> int:
    # a ceiling may lie below the close
    low = -1 if name == "ceiling" else 0
    if value is None:
        return NO_CEILING if name == "ceiling" else -1
    return rate_parts(value, name, low, high)


@dataclass(frozen=True)
class Breaker:
    """Price band, halts and reopening of one market; everything is off by default.

    Parameters
    ----------
    reference : {"fixed", "index", "last", "mean", "window", "premium"}, default "fixed"
        What the band is formed round.

        - "fixed": `close`, or the first price when there is none; a reopening replaces it;
        - "index" and "last": those prices, "last" as it was before the trade;
        - "mean": arithmetic mean of the trades of `window`, taken over when it is `min_change`
          away and the one in force is `min_age` old; begins with the first price;
        - "window": the lower edge counts from the highest and the upper one from the lowest trade of
          `window`, of an impact venue from its prices;
        - "premium": the index, and the average distance of the trades of `window` from it.
    lower, upper : number, optional
        Widths of the band, as shares; default no edge on that side.
    share_of : {"reference", "close"}, default "reference"
        What the widths are shares of.
    close : number, optional
        Yesterday's close or settlement, a multiple of the tick; `levels`, `floor` and `ceiling` are
        counted from it.
    window : seconds, default 0
        Of "mean", "window" and "premium": what is younger than that counts.
    min_change : number, default 0
    min_age : seconds, default 0
    outer : number, default 1
        Of "premium": widest band, as a share of the index.
    hard : bool, default True
        Nothing trades beyond the band. False: it only halts.
    rounding : {"inward", "nearest"}, default "inward"
        Of the edges; "nearest" with halves up.
    floor, ceiling : number, optional
        Shares of `close` below and above it beyond which nothing trades; they halt nobody. A negative
        ceiling lies below the close.
    beyond : {"refuse", "reprice", "expire"}, default "refuse"
        A buy limit above the upper or a sell limit below the lower edge is refused, is moved to the
        edge, or trades up to the edge and drops the rest.
    forced : {"takeover", "wait"}, default "takeover"
        What the band keeps from being closed by force goes to the house, or stays due.
    limit_state : seconds, default 0
        How long the market may stand at its band before it pauses; 0: a trade at the edge pauses.
    pause : seconds or None, default 0
        Length of a pause; 0: the band never pauses; None: until `Market.resume`.
    cancel_only : seconds or None, default 0
        First part of a pause, in which nothing but cancels is taken; None: all of it, so that no
        orders are collected and the market opens without an auction.
    extension : seconds, default 0
        Length of an extension of the call auction.
    extension_band : number, default 0
        Distance of the indicative price from the reference beyond which it is extended.
    extensions : int, default 0
        At most so many, up to 255.
    replenish : number, default 0
        Share that comes back during a halt of an impact venue's displacement, or in a book, price by
        price, of the depth from outside that trades took: in the last `window` before the halt, without
        one since the market began or reopened. Negative: a share of what is left is withdrawn. -1 ... 1.
    levels : sequence of (share, seconds or None), default none
        Falls from `close` at which the market halts, each once, ascending, up to 8; 0 seconds: the
        level only counts as reached; None: until `Market.resume`.
    levels_on : {"last", "index"}, default "last"
        Price that levels are held against.
    linked : bool, default False
        A level that one linked market of the engine reaches halts all of them.
    throttle_lots : number, optional
        Size that forced orders may close in `throttle_window`; the one that reaches it is executed.
    throttle_notional : number, optional
        Value at the mark that forced orders may close, likewise.
    throttle_window : seconds, default 0
        Begins with the first forced order after the window before.
    widened : sequence of (seconds, seconds, int), default none
        Spans of the clock, from and until, and how many times as wide the band is in them, up to 8; of
        spans that overlap the first counts.
    leads : bool, default False
        A pause of this market's band is one of every linked market.

    Raises
    ------
    TypeError, ValueError
        A parameter is not what it should be; the message names it, its value and its range.

    Notes
    -----
    The rules that these are the parameters of are named in ``docs/breakers.md``; `cascade.rules`
    has venues' own.
    """

    reference: Literal["fixed", "index", "last", "mean", "window", "premium"] = "fixed"
    lower: Rate | None = None
    upper: Rate | None = None
    share_of: Literal["reference", "close"] = "reference"
    close: Rate | None = None
    window: Rate = 0
    min_change: Rate = 0
    min_age: Rate = 0
    outer: Rate = 1
    hard: bool = True
    rounding: Literal["inward", "nearest"] = "inward"
    floor: Rate | None = None
    ceiling: Rate | None = None
    beyond: Literal["refuse", "reprice", "expire"] = "refuse"
    forced: Literal["takeover", "wait"] = "takeover"
    limit_state: Rate = 0
    pause: Rate | None = 0
    cancel_only: Rate | None = 0
    extension: Rate = 0
    extension_band: Rate = 0
    extensions: int = 0
    replenish: Rate = 0
    levels: Sequence[tuple[Rate, Rate | None]] = ()
    levels_on: Literal["last", "index"] = "last"
    linked: bool = False
    throttle_lots: Rate | None = None
    throttle_notional: Rate | None = None
    throttle_window: Rate = 0
    widened: Sequence[tuple[Rate, Rate, int]] = ()
    leads: bool = False

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(repr, allowed))}, "
                    f"got {getattr(self, name)!r}"
                )
        for name in FLAGS:
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, got {getattr(self, name)!r}")
        for name, high in SHARES.items():
            _share(getattr(self, name), name, high)
        rate_parts(self.replenish, "replenish", -1, 1)
        for name in TIMES:
            if getattr(self, name) is None and name not in ("pause", "cancel_only"):
                raise TypeError(f"{name} must be a number, got None")
            pause_time(getattr(self, name), name)
        if not 0 <= whole(self.extensions, "extensions") <= MOST_EXTENSIONS:
            raise ValueError(f"extensions {self.extensions!r} is outside 0 ... {MOST_EXTENSIONS}")
        self._needs()
        self.level_rows()
        self.widened_rows()

    def _needs(self) -> None:
        if self.reference in ("mean", "window", "premium") and exact(self.window, "window") <= 0:
            raise ValueError(f"reference {self.reference!r} needs a window above 0 s")
        of_close = {
            "share_of 'close'": self.share_of == "close",
            "levels": bool(self.levels),
            "floor": self.floor is not None,
            "ceiling": self.ceiling is not None,
        }
        if self.close is None:
            for name, needed in of_close.items():
                if needed:
                    raise ValueError(f"{name} needs a close")
        elif exact(self.close, "close") <= 0:
            raise ValueError(f"close {self.close!r} is not above 0")
        if self.extensions and exact(self.extension, "extension") <= 0:
            raise ValueError(f"extensions {self.extensions!r} need an extension above 0 s")
        throttled = self.throttle_lots is not None or self.throttle_notional is not None
        if throttled != (exact(self.throttle_window, "throttle_window") > 0):
            raise ValueError(
                f"throttle_window {self.throttle_window!r} goes with throttle_lots or "
                "throttle_notional, above 0 s"
            )
        for name in ("throttle_lots", "throttle_notional"):
            value = getattr(self, name)
            if value is not None and exact(value, name) <= 0:
                raise ValueError(f"{name} {value!r} is not above 0")

    def level_rows(self) -> list[tuple[int, int]]:
        """Levels in parts of 1e-9 and ns."""
        rows: list[tuple[int, int]] = []
        if len(self.levels) > MOST_LEVELS:
            raise ValueError(f"levels has {len(self.levels)} entries, at most {MOST_LEVELS}")
        for number, level in enumerate(self.levels):
            name = f"levels[{number}]"
            if not isinstance(level, (tuple, list)) or len(level) != 2:
                raise ValueError(f"{name} must be (share, seconds or None), got {level!r}")
            row = rate_parts(level[0], name, 0, 1), pause_time(level[1], f"{name} pause")
            if row[0] == 0 or (rows and row[0] <= rows[-1][0]):
                raise ValueError(f"{name} {level[0]!r} is not above the one before")
            rows.append(row)
        return rows

    def widened_rows(self) -> list[tuple[int, int, int]]:
        """Spans of a wider band in ns, and how many times as wide."""
        rows: list[tuple[int, int, int]] = []
        if len(self.widened) > MOST_SPANS:
            raise ValueError(f"widened has {len(self.widened)} entries, at most {MOST_SPANS}")
        for number, span in enumerate(self.widened):
            name = f"widened[{number}]"
            if not isinstance(span, (tuple, list)) or len(span) != 3:
                raise ValueError(f"{name} must be (seconds, seconds, factor), got {span!r}")
            start, end = pause_time(span[0], f"{name} from"), pause_time(span[1], f"{name} until")
            if start >= end:
                raise ValueError(f"{name} from {span[0]!r} s is not before {span[1]!r} s")
            times = whole(span[2], f"{name} factor")
            if not 1 <= times <= WIDEST_FACTOR:
                raise ValueError(f"{name} factor {times} is outside 1 ... {WIDEST_FACTOR}")
            rows.append((start, end, times))
        return rows

    def numbers(self, ticks: Grid, lots: Grid, atoms_per_unit: int) -> dict[str, Any]:
        """Whole numbers for the core, by name.

        Parameters
        ----------
        ticks, lots : Grid
            Of the market.
        atoms_per_unit : int
            Atoms in one unit of the market's asset.

        Raises
        ------
        ValueError
            `close` is not a multiple of the tick, or a number does not fit.
        """
        throttled = {"throttle_lots": -1, "throttle_notional": -1}
        if self.throttle_lots is not None:
            throttled["throttle_lots"] = ceil(
                exact(self.throttle_lots, "throttle_lots") / Fraction(lots.step)
            )
        if self.throttle_notional is not None:
            throttled["throttle_notional"] = ceil(
                exact(self.throttle_notional, "throttle_notional") * atoms_per_unit
            )
        for name, value in throttled.items():
            if value > LARGEST_NUMBER:
                raise ValueError(f"{name} {getattr(self, name)!r} is above 2**62 lots or atoms")
        times = {name: pause_time(getattr(self, name), name) for name in TIMES}
        return {
            **{name: _share(getattr(self, name), name, high) for name, high in SHARES.items()},
            **times,
            **throttled,
            "levels": self.level_rows(),
            "widened": self.widened_rows(),
            "leads": self.leads,
            "replenish": rate_parts(self.replenish, "replenish", -1, 1),
            "kind": REFERENCES.index(self.reference),
            "of_close": self.share_of == "close",
            "hard": self.hard,
            "nearest": self.rounding == "nearest",
            "beyond": CHOICES["beyond"].index(self.beyond),
            "waits": self.forced == "wait",
            "levels_on_index": self.levels_on == "index",
            "linked": self.linked,
            "extensions": self.extensions,
            "close": 0 if self.close is None else self._close_ticks(ticks),
        }

    def _close_ticks(self, ticks: Grid) -> int:
        steps = ticks.steps(exact(self.close, "close"), "close")
        if not 1 <= steps <= MAX_PRICE:
            raise ValueError(f"close {self.close!r} is outside 1 ... {MAX_PRICE} ticks")
        return steps

    def settings(self) -> dict[str, Any]:
        """Parameters as text and plain values, from which `from_settings` makes an equal breaker."""
        found: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name == "levels":
                value = [[_text(share), _text(pause)] for share, pause in value]
            elif entry.name == "widened":
                value = [[_text(start), _text(end), times] for start, end, times in value]
            elif entry.name not in (*CHOICES, *FLAGS, "extensions"):
                value = _text(value)
            found[entry.name] = value
        return found

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> Breaker:
        """A breaker from what `settings` gave."""
        given = dict(settings)
        given["levels"] = tuple(
            (_number(share), _number(pause)) for share, pause in given["levels"]
        )
        given["widened"] = tuple(
            (_number(start), _number(end), times) for start, end, times in given["widened"]
        )
        for name, value in given.items():
            if name not in (*CHOICES, *FLAGS, "extensions", "levels", "widened"):
                given[name] = _number(value)
        return cls(**given)


def _text(value: Any) -> str | None:
    return None if value is None else str(exact(value, "value"))


def _number(text: Any) -> Any:
    return None if text is None else Fraction(text)


PHASES = ("open", "limit_state", "cancel_only", "pause")


@dataclass(frozen=True)
class HaltState:
    """What a market's breaker does at the clock; prices in quotes, times in seconds.

    Attributes
    ----------
    phase : {"open", "limit_state", "cancel_only", "pause"}
    until : float or None
        Time at which the halt or limit state ends; None: no end, or the market is open.
    side : {"buy", "sell"}
        Which way the price went that began the last halt or limit state.
    reason : int
        Why the last halt began: 0 the band, 1 and above a level, -1 the driver.
    reference : float or None
        Reference price in force, None before there is one.
    lower, upper : float or None
        Edges of the band.
    hard_lower, hard_upper : float or None
        What trades are held within, static limits included.
    levels_reached, extensions : int
    throttled : bool
        Forced orders wait for the end of the throttle's window.
    straddle : bool
        The best bid lies below or the best offer above the band, without a limit state.
    """

    phase: str
    until: float | None
    side: str
    reason: int
    reference: float | None
    lower: float | None
    upper: float | None
    hard_lower: float | None
    hard_upper: float | None
    levels_reached: int
    extensions: int
    throttled: bool
    straddle: bool


def halt_state(market: Market) -> HaltState:
    """See `Market.halt_state`."""
    row = breaker_row(market.engine, market.number)

    def price(name: str) -> float | None:
        return market.ticks.number(row[name]) if row[name] else None

    until = None if row["until"] in (0, NO_END) else row["until"] / NANOSECONDS
    return HaltState(
        phase=PHASES[row["phase"]],
        until=until,
        side="sell" if row["side"] else "buy",
        reason=row["reason"],
        reference=price("reference"),
        lower=price("lower_edge"),
        upper=price("upper_edge"),
        hard_lower=price("hard_lower"),
        hard_upper=price("hard_upper"),
        levels_reached=row["levels_reached"],
        extensions=row["extended"],
        throttled=bool(row["throttled"]),
        straddle=_straddles(market, row),
    )


def _straddles(market: Market, row: dict[str, int]) -> bool:
    if market.impact is not None or row["phase"] != 0:
        return False
    bid, ask = market.book.best_bid, market.book.best_ask
    below = bool(bid and row["lower_edge"]) and bid < row["lower_edge"]
    return below or (bool(ask and row["upper_edge"]) and ask > row["upper_edge"])
