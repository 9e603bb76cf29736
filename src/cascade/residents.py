"""The rest of the market: makers, arbitrage and flow that live in an engine and trade every step.

Each is a frozen description in quotes and seconds, checked here; `engine.residents.add` (see
`population`) compiles it. ``docs/residents.md`` says what each does with its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cascade.exact_numbers import RATE_DENOMINATOR, Rate, exact, rate_parts, whole
from cascade.market import Market

if TYPE_CHECKING:
    from cascade.engine import Engine

__all__ = [
    "KINDS",
    "Arbitrageur",
    "MarginCalls",
    "MarketMaker",
    "MomentumFlow",
    "NoiseFlow",
    "Resident",
]

NANOSECONDS = 10**9
LONGEST_SECONDS = 10**9
SECOND_PARTS = 10**6  # of a lot or an order a second
LARGEST_RATE = 10**6
LARGEST_SIZE = 2**48
LARGEST_WIDENING = 1000
MOVEMENT_PARTS = 2**20
MOST_RUNGS = 1000
LARGEST_WARNING = 10
MOST_OPEN_ORDERS = 65536
LARGEST_LEVERAGE = Fraction(2**32 - 1, 100)


def _positive(value: Any, name: str) -> Fraction:
    number = exact(value, name)
    if number <= 0:
        raise ValueError(f"{name} {value!r} is not above zero")
    return number


def _not_negative(value: Any, name: str) -> Fraction:
    number = exact(value, name)
    if number < 0:
        raise ValueError(f"{name} {value!r} is negative")
    return number


def _seconds(value: Any, name: str, least: int) -> int:
    """Nanoseconds, at least so many."""
    number = exact(value, name) * NANOSECONDS
    if not least <= number <= LONGEST_SECONDS * NANOSECONDS:
        raise ValueError(
            f"{name} {value!r} s is outside {least / NANOSECONDS:g} ... {LONGEST_SECONDS}"
        )
    return round(number)


def _sizes(size: Any) -> tuple[Any, Any]:
    if isinstance(size, (tuple, list)):
        if len(size) != 2:
            raise ValueError(f"size must be a number or a pair of lowest and highest, got {size!r}")
        low, high = size
    else:
        low = high = size
    if _positive(low, "size") > _positive(high, "size"):
        raise ValueError(f"size {size!r}: the lowest is above the highest")
    return low, high


def _rate(value: Any, name: str) -> int:
    number = exact(value, name)
    if not 0 <= number <= LARGEST_RATE:
        raise ValueError(f"{name} {value!r} is outside 0 ... {LARGEST_RATE} a second")
    return int(number * SECOND_PARTS)


def _ticks(market: Market, value: Any, name: str) -> int:
    return 0 if value is None else market.ticks.steps(exact(value, name), name)


def _lots(market: Market, value: Any, name: str) -> int:
    lots = 0 if value is None else market.lots.steps(exact(value, name), name)
    if lots > LARGEST_SIZE:
        raise ValueError(f"{name} {value!r} is above {LARGEST_SIZE} lots")
    return lots


@dataclass(frozen=True, kw_only=True)
class Resident:
    """What all residents have; use one of the kinds below.

    Parameters
    ----------
    market : str
        Name of the market it trades in.
    deposit : number
        Money of the account that is made for it, in units of the market's asset.
    leverage : number, default 1
        Of that account, which limits its orders as it would anybody's.
    """

    market: str
    deposit: Rate | None = None
    leverage: Rate = 1

    def __post_init__(self) -> None:
        if isinstance(self.market, Market):
            object.__setattr__(self, "market", self.market.name)
        if not isinstance(self.market, str):
            raise TypeError(f"market must be a name, got {self.market!r}")
        if self.deposit is not None:
            _positive(self.deposit, "deposit")
        if not Fraction(1, 100) <= exact(self.leverage, "leverage") <= LARGEST_LEVERAGE:
            raise ValueError(f"leverage {self.leverage!r} is outside 0.01 ... {LARGEST_LEVERAGE}")
        self._check()

    def _check(self) -> None:
        raise TypeError(
            "a Resident is one of its kinds: MarketMaker, Arbitrageur, NoiseFlow, MomentumFlow, "
            "MarginCalls"
        )

    def _whole(self, engine: Engine, market: Market) -> dict[str, Any]:
        """Settings as the core takes them; the grid is checked here."""
        raise NotImplementedError

    def _needs_deposit(self) -> None:
        if self.deposit is None:
            raise ValueError(f"a {type(self).__name__} needs a deposit: its capital is finite")


@dataclass(frozen=True, kw_only=True)
class MarketMaker(Resident):
    """Quotes a depth profile round the index, refills it at a rate, and steps back.

    Parameters
    ----------
    depth : sequence of (distance, size)
        The same on both sides: price distance from the index, and size.
    refill : number, optional
        Size a second, both sides together, that filled or withdrawn quotes come back with; default: at
        once. Moving a quote costs nothing of it.
    inventory_limit : number, optional
        Position at which it quotes nothing more that would add to it; sizes shrink in proportion before.
    skew : number, default 0
        Price by which the centre of its quotes moves against its inventory at that limit.
    volatility_time : seconds, default 60
        Over which recent movement fades: the distances that the index travelled from step to step, or
        the venue's last price, whichever are more.
    widening : number, default 0
        Extra distance of all quotes, as a share of recent movement.
    volatility_limit : number, optional
        Recent movement in price at which it quotes nothing; sizes shrink in proportion before.
    loss_limit : number, optional
        Loss of its deposit at which it quotes nothing, as long as it lasts; default: all of it.
    tolerance : number, default 0
        Quotes stay where they are while they are at most so far from where they should be.

    Notes
    -----
    ``docs/residents.md`` has every rounding. Quotes never take: one that would trade rests a tick behind.
    """

    depth: tuple[tuple[Rate, Rate], ...]
    refill: Rate | None = None
    inventory_limit: Rate | None = None
    skew: Rate = 0
    volatility_time: Rate = 60
    widening: Rate = 0
    volatility_limit: Rate | None = None
    loss_limit: Rate | None = None
    tolerance: Rate = 0

    def _check(self) -> None:
        self._needs_deposit()
        try:
            rows = tuple((distance, size) for distance, size in self.depth)
        except (TypeError, ValueError):
            raise TypeError(
                f"depth must be pairs of distance and size, got {self.depth!r}"
            ) from None
        if not 1 <= len(rows) <= MOST_RUNGS:
            raise ValueError(f"depth has {len(rows)} rows, outside 1 ... {MOST_RUNGS}")
        for distance, size in rows:
            _positive(distance, "distance of depth")
            _positive(size, "size of depth")
        object.__setattr__(self, "depth", rows)
        for name in ("skew", "tolerance", "widening"):
            _not_negative(getattr(self, name), name)
        for name in ("inventory_limit", "volatility_limit", "loss_limit"):
            if getattr(self, name) is not None:
                _positive(getattr(self, name), name)
        if self.refill is not None:
            _not_negative(self.refill, "refill")
        if self.skew and self.inventory_limit is None:
            raise ValueError("skew needs an inventory_limit")
        _seconds(self.volatility_time, "volatility_time", 1)
        rate_parts(self.widening, "widening", 0, LARGEST_WIDENING)

    def _whole(self, engine: Engine, market: Market) -> dict[str, Any]:
        if not market.has_book:
            raise ValueError(
                f"market {market.name!r} is an impact curve: a MarketMaker needs a book"
            )
        assert self.deposit is not None  # checked
        refill = -1
        if self.refill is not None:
            lots = exact(self.refill, "refill") / Fraction(market.lots.step)
            refill = int(lots * SECOND_PARTS)
            if refill > 2**62:
                raise ValueError(
                    f"refill {self.refill!r} is above {2**62 // SECOND_PARTS} lots a second"
                )
        loss = self.deposit if self.loss_limit is None else self.loss_limit
        rungs = [
            (_ticks(market, d, "distance of depth"), _lots(market, q, "size of depth"))
            for d, q in self.depth
        ]
        return {
            "rungs": rungs, "refill": refill,
            "inventory_limit": _lots(market, self.inventory_limit, "inventory_limit"),
            "skew": _ticks(market, self.skew, "skew"),
            "widening": rate_parts(self.widening, "widening", 0, LARGEST_WIDENING),
            "movement_limit": _ticks(market, self.volatility_limit, "volatility_limit") * MOVEMENT_PARTS,
            "loss_limit": engine.to_atoms(loss, market.asset, "loss_limit"),
            "tolerance": _ticks(market, self.tolerance, "tolerance"),
            "movement_time": _seconds(self.volatility_time, "volatility_time", 1),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Arbitrageur(Resident):
    """Buys below the index it knows and sells above it, with a delay and finite capital.

    Parameters
    ----------
    size : number
        The most it sends in one step.
    threshold : number, default 0.001
        Share of the index that the venue's price must be away by more than.
    delay : seconds, default 0
        Age at which an index becomes known to it.
    limit : number, optional
        Largest position; its margin limits it in any case.
    hedged : bool, default False
        It holds the opposite of its position on the wider market, at the index; what that leg gains is
        paid into its account as a DEPOSIT, what it loses is a WITHDRAWAL.

    Notes
    -----
    It closes its position when the venue is back at the index. At most 512 indexes are remembered: with
    more changes within `delay` it knows none.
    """

    size: Rate
    threshold: Rate = "0.001"
    delay: Rate = 0
    limit: Rate | None = None
    hedged: bool = False

    def _check(self) -> None:
        self._needs_deposit()
        if not isinstance(self.hedged, bool):
            raise TypeError(f"hedged must be True or False, got {self.hedged!r}")
        _positive(self.size, "size")
        rate_parts(self.threshold, "threshold", 0, 1)
        _seconds(self.delay, "delay", 0)
        if self.limit is not None:
            _positive(self.limit, "limit")

    def _whole(self, engine: Engine, market: Market) -> dict[str, Any]:
        return {
            "high": _lots(market, self.size, "size"),
            "threshold": rate_parts(self.threshold, "threshold", 0, 1),
            "delay": _seconds(self.delay, "delay", 0),
            "limit": _lots(market, self.limit, "limit"),
            "hedged": self.hedged,
        }


@dataclass(frozen=True, kw_only=True)
class NoiseFlow(Resident):
    """Orders without a reason, at random times, on random sides.

    Parameters
    ----------
    rate : number
        Orders a second on average; the times between them are exponential.
    size : number or (lowest, highest)
        Uniform on the lots between, both included.
    market_share : number, default 0.5
        Share of market orders; the others are limit orders beside the middle of the touch.
    reach : number, optional
        Furthest distance of a limit order from the middle, uniform on the ticks up to it; default a tick.
    open_orders : int, default 64
        The most limit orders it keeps open; a further one replaces the oldest.
    deposit : number, optional
        Default: no account, its orders are anonymous like depth.
    """

    rate: Rate
    size: Rate | tuple[Rate, Rate]
    market_share: Rate = "0.5"
    reach: Rate | None = None
    open_orders: int = 64

    def _check(self) -> None:
        _rate(self.rate, "rate")
        _sizes(self.size)
        rate_parts(self.market_share, "market_share", 0, 1)
        if self.reach is not None:
            _positive(self.reach, "reach")
        if not 1 <= whole(self.open_orders, "open_orders") <= MOST_OPEN_ORDERS:
            raise ValueError(f"open_orders {self.open_orders} is outside 1 ... {MOST_OPEN_ORDERS}")

    def _whole(self, engine: Engine, market: Market) -> dict[str, Any]:
        share = rate_parts(self.market_share, "market_share", 0, 1)
        if not market.has_book and share < NANOSECONDS:
            raise ValueError(
                f"market {market.name!r} is an impact curve: market_share {self.market_share!r} must be 1"
            )
        low, high = (_lots(market, value, "size") for value in _sizes(self.size))
        return {
            "rate": _rate(self.rate, "rate"), "low": low, "high": high, "market_share": share,
            "reach": max(_ticks(market, self.reach, "reach"), 1),
            "open_orders": self.open_orders,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MomentumFlow(Resident):
    """Market orders in the direction of the venue's recent move.

    Parameters
    ----------
    rate : number
        Orders a second on average, while there is a move; the times between them are exponential.
    size : number or (lowest, highest)
        Uniform on the lots between, both included.
    threshold : number
        Recent move, as a share of the venue's price, from which on it trades.
    volatility_time : seconds, default 60
        Over which a move fades.
    limit : number, optional
        Largest position; needs a deposit.
    deposit : number, optional
        Default: no account, its orders are anonymous.
    """

    rate: Rate
    size: Rate | tuple[Rate, Rate]
    threshold: Rate
    volatility_time: Rate = 60
    limit: Rate | None = None

    def _check(self) -> None:
        _rate(self.rate, "rate")
        _sizes(self.size)
        rate_parts(self.threshold, "threshold", 0, 1)
        _seconds(self.volatility_time, "volatility_time", 1)
        if self.limit is not None:
            _positive(self.limit, "limit")
            if self.deposit is None:
                raise ValueError("limit needs a deposit: anonymous orders have no position")

    def _whole(self, engine: Engine, market: Market) -> dict[str, Any]:
        low, high = (_lots(market, value, "size") for value in _sizes(self.size))
        return {
            "rate": _rate(self.rate, "rate"), "low": low, "high": high,
            "threshold": rate_parts(self.threshold, "threshold", 0, 1),
            "movement_time": _seconds(self.volatility_time, "volatility_time", 1),
            "limit": _lots(market, self.limit, "limit"),
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class MarginCalls(Resident):
    """Calls accounts whose equity falls below a warning level, and answers for them.

    Parameters
    ----------
    warning : number
        The level as a multiple of maintenance, above 1 with two decimals at most.
    top_up_share, reduce_share : number, default 0
        Shares of the calls that are answered with a top-up, and with a voluntary reduction; the others
        are not answered. Together at most 1.
    top_up : number, default 1.5
        Equity after a top-up, as a multiple of the warning level; the money comes from outside.
    reduce : number, default 0.5
        Share of the position that a reduction sells at the market, rounded up to lots.

    Notes
    -----
    Each unit is called once for its positions and collateral: what changes either may bring another call.
    A cross unit with several positions is called at the sum of what its markets warn at. Ladder positions
    and borrowers get no calls. It has no account.
    """

    warning: Rate
    top_up_share: Rate = 0
    reduce_share: Rate = 0
    top_up: Rate = "1.5"
    reduce: Rate = "0.5"

    def _check(self) -> None:
        if self.deposit is not None:
            raise ValueError("MarginCalls have no account: deposit must be left out")
        level = exact(self.warning, "warning")
        if not 1 < level <= LARGEST_WARNING or (level * 100).denominator != 1:
            raise ValueError(
                f"warning {self.warning!r} is outside 1.01 ... {LARGEST_WARNING} in steps of 0.01"
            )
        shares = [
            rate_parts(getattr(self, name), name, 0, 1) for name in ("top_up_share", "reduce_share")
        ]
        if sum(shares) > RATE_DENOMINATOR:
            raise ValueError("top_up_share and reduce_share are together above 1")
        rate_parts(self.top_up, "top_up", 1, LARGEST_WARNING)
        if rate_parts(self.reduce, "reduce", 0, 1) == 0:
            raise ValueError(f"reduce {self.reduce!r} is not above zero")

    def _whole(self, engine: Engine, market: Market) -> dict[str, Any]:
        for other in engine.residents:
            if isinstance(other, MarginCalls) and other.market == market.name:
                raise ValueError(f"market {market.name!r} has MarginCalls already")
        level = exact(self.warning, "warning")
        table = market.rules.table(engine.scale_of(market.asset))
        up, down = level.numerator, level.denominator
        tiers = [
            (floor, rate * up, initial * down, deduction * up)
            for floor, rate, initial, deduction in table["tiers"]
        ]
        denominator = table["denominator"] * down
        if max(rate for _, rate, _, _ in tiers) >= denominator:
            raise ValueError(
                f"warning {self.warning!r} times the highest maintenance rate of {market.name!r} "
                "is not below 1"
            )
        return {
            "warning": (tiers, denominator),
            "top_up_share": rate_parts(self.top_up_share, "top_up_share", 0, 1),
            "reduce_share": rate_parts(self.reduce_share, "reduce_share", 0, 1),
            "top_up": rate_parts(self.top_up, "top_up", 1, LARGEST_WARNING),
            "reduce": rate_parts(self.reduce, "reduce", 0, 1),
        }


KINDS: dict[str, type[Resident]] = {
    kind.__name__: kind for kind in (MarketMaker, Arbitrageur, NoiseFlow, MomentumFlow, MarginCalls)
}
