"""Fields of a scenario: their kinds, defaults and ranges, and the reading of a section.

Each section of the file is a frozen dataclass whose fields carry their own check; a field without
a default must be given. What the fields mean is in ``docs/scenario.md``.
"""

# ruff: noqa: RUF009 - the helpers below give `dataclasses.field`
from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal
from typing import Any, TypeVar

from cascade.impact import FILLS, KINDS
from cascade.ruleset import ADL_POLICIES, ADL_SHARES, CHOICES, SOCIALISED
from cascade.scenarios.document import Document
from cascade.venues import KINDS as POOL_KINDS

Check = Callable[[Any], Any]
Number = int | Decimal

#: Impact curves that a file can name; a table of depth is better given as a book.
CURVES = tuple(kind for kind in KINDS if kind != "depth_table")
SHOCKS = ("sell", "buy", "index")
LARGEST_COUNT = 10_000_000
#: Magnitude of numbers; beyond it exact arithmetic would only cost memory.
LARGEST_NUMBER = Decimal("1e24")
SMALLEST_NUMBER = Decimal("1e-24")


class FieldError(Exception):
    """Reason why a value is not allowed."""


def _checked(check: Check, default: Any) -> Any:
    if default is MISSING:
        return field(metadata={"check": check})
    return field(default=default, metadata={"check": check})


def finite(value: Any) -> bool:
    """Is this a number that exact arithmetic takes?"""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return False
    size = Decimal(value).copy_abs()
    return size.is_finite() and (size == 0 or SMALLEST_NUMBER <= size <= LARGEST_NUMBER)


def number(default: Any = MISSING, *, low: Any = None, high: Any = None, above: Any = None) -> Any:
    """Field of an integer or a decimal number in `low` ... `high`, or above `above`."""

    def check(value: Any) -> Number:
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise FieldError(f"{_shown(value)} is not a number")
        if not Decimal(value).is_finite():
            raise FieldError(f"{value} is not finite")
        if not finite(value):
            raise FieldError(f"{_shown(value)} is neither 0 nor within 1e-24 ... 1e24")
        if above is not None and not value > above:
            raise FieldError(f"{value} is not above {above}")
        if (low is not None and value < low) or (high is not None and value > high):
            raise FieldError(f"{value} is outside {_range(low, high)}")
        return value

    return _checked(check, default)


def integer(default: Any = MISSING, *, low: int = 0, high: int = 2**31 - 2) -> Any:
    """Field of an integer in `low` ... `high`."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise FieldError(f"{_shown(value)} is not an integer")
        if not low <= value <= high:
            raise FieldError(f"{value} is outside {_range(low, high)}")
        return value

    return _checked(check, default)


def flag(default: Any = MISSING) -> Any:
    """Field of true or false."""

    def check(value: Any) -> bool:
        if not isinstance(value, bool):
            raise FieldError(f"{_shown(value)} is not true or false")
        return value

    return _checked(check, default)


def text(default: Any = MISSING, *, choices: tuple[str, ...] = ()) -> Any:
    """Field of text, of one of `choices` when there are any."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not value:
            raise FieldError(f"{_shown(value)} is not a text")
        if choices and value not in choices:
            raise FieldError(f"{value!r} is not one of {', '.join(choices)}")
        return value

    return _checked(check, default)


def numbers(default: Any = MISSING, *, above: int = 0) -> Any:
    """Field of a list of numbers above `above`."""

    def check(value: Any) -> tuple[Number, ...]:
        if not isinstance(value, list) or not value:
            raise FieldError(f"{_shown(value)} is not a list of numbers")
        for entry in value:
            if not finite(entry) or not entry > above:
                raise FieldError(f"{_shown(entry)} in the list is not a number above {above}")
        return tuple(value)

    return _checked(check, default)


def texts(default: Any = MISSING) -> Any:
    """Field of a list of texts."""

    def check(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise FieldError(f"{_shown(value)} is not a list of texts")
        return tuple(value)

    return _checked(check, default)


def anything(default: Any = MISSING, *, kinds: tuple[type, ...]) -> Any:
    """Field of one of several TOML types, checked where it is used."""

    def check(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, kinds):
            raise FieldError(
                f"{_shown(value)} is none of {', '.join(_NAMES[kind] for kind in kinds)}"
            )
        return value

    return _checked(check, default)


_NAMES: dict[type, str] = {str: "text", list: "list", dict: "table"}


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _range(low: Any, high: Any) -> str:
    return f"{'-infinity' if low is None else low} ... {'infinity' if high is None else high}"


@dataclass(frozen=True)
class MarketSection:
    """``[market]``: the contract."""

    name: str = text()
    tick: Number = number(above=0)
    lot: Number = number(above=0)
    price: Number | None = number(None, above=0)
    rules: str | dict[str, Any] | None = anything(None, kinds=(str, dict))
    symbol: str | None = text(None)
    feed: str | None = text(None, choices=CHOICES["feed"])
    contract: str = text("linear", choices=("linear", "inverse"))
    multiplier: Number = number(1, above=0)
    asset: str = text("USD")
    asset_decimals: int = integer(6, low=0, high=18)


@dataclass(frozen=True)
class RulesSection:
    """``[rules]``: how risk is measured, over the preset when one is named."""

    tiers: str | list[Any] | None = anything(None, kinds=(str, list))
    symbol: str | None = text(None)
    tier_mode: str | None = text(None, choices=CHOICES["tier_mode"])
    basis: str | None = text(None, choices=CHOICES["basis"])
    close_fee: bool | None = flag(None)
    trigger: str | None = text(None, choices=CHOICES["trigger"])
    feed: str | None = text(None, choices=CHOICES["feed"])
    maker_fee: Number | None = number(None, low=-1, high=1)
    taker_fee: Number | None = number(None, low=-1, high=1)
    liquidation_fee: Number | None = number(None, low=0, high=1)
    liquidation_order: str | None = text(None, choices=CHOICES["liquidation_order"])
    surplus: str | None = text(None, choices=CHOICES["surplus"])
    absorb: Number | None = number(None, low=0, high=1)
    adl: str | None = text(None, choices=(*ADL_POLICIES, *ADL_SHARES))
    adl_price: str | None = text(None, choices=CHOICES["adl_price"])
    adl_trigger: str | list[Any] | None = anything(None, kinds=(str, list))
    fund_limit: Number | None = number(None, low=0)
    fund_block: list[Any] | None = anything(None, kinds=(list,))
    socialised: str | None = text(None, choices=SOCIALISED)
    haircut: bool | None = flag(None)
    partial_target: Number | None = number(None, above=0, high=1)
    partial: list[Any] | None = anything(None, kinds=(list,))
    backstop: Number | None = number(None, low=0, high=1)
    average_of: str | None = text(None, choices=CHOICES["average_of"])
    average_time: Number | None = number(None, above=0)
    observations: int | None = integer(None, low=1)
    premium_cap: Number | None = number(None, low=0, high=1)
    stale_after: Number | None = number(None, low=0)
    funding_interval: Number | None = number(None, above=0)
    interest: Number | None = number(None, low=-1, high=1)
    funding_clamp: Number | None = number(None, low=0, high=1)
    funding_cap: Number | None = number(None, low=0, high=1)
    funding_value: str | None = text(None, choices=CHOICES["funding_value"])
    funding_mode: str | None = text(None, choices=CHOICES["funding_mode"])
    price_band: Number | None = number(None, low=0, high=1)
    band_reference: str | None = text(None, choices=CHOICES["band_reference"])
    index_delay: Number | None = number(None, low=0)
    premium_of: str | None = text(None, choices=CHOICES["premium_of"])
    impact_notional: Number | None = number(None, above=0)
    premium_samples: list[Any] | None = anything(None, kinds=(list,))
    disposal: list[Any] | None = anything(None, kinds=(list,))
    funding_payments: int | None = integer(None, low=1)
    breaker: dict[str, Any] | None = anything(None, kinds=(dict,))


@dataclass(frozen=True)
class BookSection:
    """``[book]``: what is sold into."""

    depth: str | None = text(None)
    symbol: str = text("")
    levels: int | None = integer(None, low=0, high=1_000_000)
    step_ticks: int = integer(1, low=1)
    spread_ticks: int = integer(1, low=1)
    touch_size: Number | None = number(None, above=0)
    growth: Number = number(0, low=0)
    follow: bool = flag(True)
    impact: str | None = text(None, choices=CURVES)
    scale: Number | None = number(None, low=0)
    length: Number | None = number(None, above=0)
    fill: str = text("average", choices=FILLS)
    permanent: Number = number(1, low=0, high=1)
    decay_rate: Number = number(0, low=0)


@dataclass(frozen=True)
class VenueSection:
    """``[venue]``: a pool in place of a book."""

    kind: str | None = text(None, choices=POOL_KINDS)
    base: Number | None = number(None, above=0)
    quote: Number | None = number(None, above=0)
    ranges: list[Any] | None = anything(None, kinds=(list,))
    amplification: Number | None = number(None, low=1, high=10_000)
    peg: Number | None = number(None, above=0)
    fee: Number | None = number(None, low=0, high=1)
    flee: list[Any] | None = anything(None, kinds=(list,))


@dataclass(frozen=True)
class CrowdSection:
    """``[crowd]``: who holds positions."""

    accounts: str | None = text(None)
    count: int = integer(10_000, low=1, high=LARGEST_COUNT)
    seed: int = integer(0, low=0, high=2**63 - 1)
    long_share: Number = number(Decimal("0.5"), low=0, high=1)
    leverage: tuple[Number, ...] | None = numbers(None)
    leverage_weights: tuple[Number, ...] | None = numbers(None)
    leverage_median: Number = number(8, above=0)
    leverage_sigma: Number = number(Decimal("0.8"), low=0, high=10)
    leverage_max: Number = number(1000, low=1)
    notional_median: Number = number(1_000, above=0)
    notional_sigma: Number = number(Decimal("1.5"), low=0, high=10)
    notional_max: Number = number(10**9, above=0)
    past_move: Number = number(Decimal("0.05"), low=0, high=2)
    mode: str = text("isolated", choices=("isolated", "cross"))


@dataclass(frozen=True)
class FundSection:
    """``[fund]``: the insurance fund."""

    deposit: Number = number(0, low=0)


@dataclass(frozen=True)
class ShockSection:
    """``[shock]``: what comes from outside."""

    kind: str = text("sell", choices=SHOCKS)
    move: Number | None = number(None, above=-1, high=10)
    path: str | None = text(None)
    relative: bool = flag(False)
    steps: int | None = integer(None, low=1, high=1_000_000)
    dt: Number = number(1, low=0, high=10**6)
    settle: int = integer(1_000, low=0, high=1_000_000)


@dataclass(frozen=True)
class EngineSection:
    """``[engine]``: how liquidations are carried out."""

    execution: str = text("sequential", choices=("sequential", "batch"))
    budget_accounts: int | None = integer(None, low=0)
    budget_notional: Number | None = number(None, low=0)
    time_per_liquidation: Number | None = number(None, above=0)


SECTIONS: dict[str, type] = {
    "market": MarketSection,
    "rules": RulesSection,
    "book": BookSection,
    "venue": VenueSection,
    "crowd": CrowdSection,
    "fund": FundSection,
    "shock": ShockSection,
    "engine": EngineSection,
}
REQUIRED = ("market", "shock")

Section = TypeVar("Section")


def read_section(
    document: Document, values: dict[str, Any], kind: type[Section], place: str
) -> Section:
    """One section of a file as its dataclass.

    Raises
    ------
    ScenarioError
        A field is unknown, missing or not of its kind or range.
    """
    known = {entry.name: entry for entry in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise document.error(
                f"{place}.{key}", f"unknown field; [{place}] has {', '.join(known)}"
            )
    arguments = {}
    for key, entry in known.items():
        if key not in values:
            if entry.default is MISSING:
                raise document.error(f"{place}.{key}", "is missing")
            continue
        try:
            arguments[key] = entry.metadata["check"](values[key])
        except FieldError as reason:
            raise document.error(f"{place}.{key}", str(reason)) from None
    return kind(**arguments)
