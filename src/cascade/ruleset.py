"""Rules of a market: what a venue's documents say, as data, and the whole numbers the core works with.

Rates and amounts are read exactly: a float stands for the decimal number that is printed for it, so
0.005 is five thousandths. All tier rates of a table share one denominator, which makes maintenance
margin exact until its one rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from math import isfinite, lcm
from operator import index
from typing import Any, Literal

import numpy as np

Rate = int | float | str | Decimal | Fraction

RATE_DENOMINATOR = 10**9
LARGEST_DENOMINATOR = 10**9
ADL_POLICIES = ("bitmex", "binance", "size", "hyperliquid")
CHOICES: dict[str, tuple[str, ...]] = {
    "tier_mode": ("marginal", "whole"),
    "basis": ("mark", "entry"),
    "trigger": ("<", "<="),
    "feed": ("last", "mid", "index", "median"),
    "liquidation_order": ("market", "bankruptcy"),
    "surplus": ("fund", "trader"),
    "adl_price": ("bankruptcy", "mark"),
}


def exact(value: Any, name: str) -> Fraction:
    """Exact rational of a number; a float is the decimal number that is printed for it.

    Raises
    ------
    TypeError
        `value` is no number.
    ValueError
        `value` is not finite.
    """
    if isinstance(value, bool) or value is None:
        raise TypeError(f"{name} must be a number, got {value!r}")
    try:
        if isinstance(value, (int, Fraction)):
            return Fraction(value)
        if isinstance(value, (str, Decimal)):
            return Fraction(Decimal(value) if isinstance(value, str) else value)
        number = float(value)
    except (TypeError, ArithmeticError, OverflowError):
        raise TypeError(f"{name} must be a number, got {value!r}") from None
    if not isfinite(number):
        raise ValueError(f"{name} {value!r} is not finite")
    return Fraction(repr(number))


def whole(value: Any, name: str) -> int:
    """An integer as given; a bool, a float or text is none.

    Raises
    ------
    TypeError
        `value` is no integer.
    """
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None


def _parts(value: Rate, name: str, low: int, high: int) -> int:
    # a rate in parts of 10**9
    rate = exact(value, name)
    if not low <= rate <= high:
        raise ValueError(f"{name} {value!r} is outside {low} ... {high}")
    parts = rate * RATE_DENOMINATOR
    if parts.denominator != 1:
        raise ValueError(f"{name} {value!r} is not a multiple of 1e-9")
    return int(parts)


@dataclass(frozen=True)
class Rules:
    """How a market measures risk, liquidates and charges.

    Parameters
    ----------
    tiers : sequence of (floor, rate) or (floor, rate, initial_rate), optional
        Maintenance rates by notional, floors in units of the asset ascending from 0. Default: one
        tier of 0.5 % maintenance.
    tier_mode : {"marginal", "whole"}, default "marginal"
        Each slice at its own rate (with the deduction that makes it continuous), or the whole
        position at the rate of its tier.
    basis : {"mark", "entry"}, default "mark"
        Notional that maintenance is taken of: value at the mark, or the entry value.
    close_fee : bool, default False
        Add the taker fee to the maintenance rate.
    trigger : {"<", "<="}, default "<"
        Due when equity is below, or also when it equals maintenance.
    feed : {"last", "mid", "index", "median"}, default "last"
        What the mark is formed from.
    maker_fee, taker_fee, liquidation_fee : number, default 0
        Shares of notional; multiples of 1e-9. A negative maker fee is a rebate.
    liquidation_order : {"market", "bankruptcy"}, default "market"
        Sell without a limit, or with the bankruptcy price as limit.
    surplus : {"fund", "trader"}, default "fund"
        Who keeps what a liquidation leaves.
    absorb : number, default 0
        Share of each liquidation the house takes at the mark, off the book.
    partial : ("target", rate), optional
        Close only as much as lifts equity to `rate` of the notional that stays.
    adl : {"bitmex", "binance", "size", "hyperliquid"}, optional
        While the insurance fund is empty, close what a liquidation leaves against the opposite
        side, ranked by this score of `cascade.adl`. Default: the house takes it over.
    adl_price : {"bankruptcy", "mark"}, default "bankruptcy"
        Price of the deleveraging, the same for every counterparty.
    source : str
        Document or repository the numbers come from.

    Raises
    ------
    TypeError, ValueError
        A parameter is not what it should be; the message names it, its value and its range.

    Notes
    -----
    The meaning of each rule is in ``docs/margin.md`` and ``docs/step.md``.
    """

    tiers: Sequence[Sequence[Rate]] = ((0, "0.005"),)
    tier_mode: Literal["marginal", "whole"] = "marginal"
    basis: Literal["mark", "entry"] = "mark"
    close_fee: bool = False
    trigger: Literal["<", "<="] = "<"
    feed: Literal["last", "mid", "index", "median"] = "last"
    maker_fee: Rate = 0
    taker_fee: Rate = 0
    liquidation_fee: Rate = 0
    liquidation_order: Literal["market", "bankruptcy"] = "market"
    surplus: Literal["fund", "trader"] = "fund"
    absorb: Rate = 0
    partial: tuple[Literal["target"], Rate] | None = None
    adl: Literal["bitmex", "binance", "size", "hyperliquid"] | None = None
    adl_price: Literal["bankruptcy", "mark"] = "bankruptcy"
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{name} must be one of {', '.join(map(repr, allowed))}, "
                    f"got {getattr(self, name)!r}"
                )
        if self.adl is not None and self.adl not in ADL_POLICIES:
            raise ValueError(
                f"adl must be None or one of {', '.join(map(repr, ADL_POLICIES))}, got {self.adl!r}"
            )
        _parts(self.maker_fee, "maker_fee", -1, 1)
        _parts(self.taker_fee, "taker_fee", -1, 1)
        _parts(self.liquidation_fee, "liquidation_fee", 0, 1)
        _parts(self.absorb, "absorb", 0, 1)
        self._target()
        self.rows()

    def _target(self) -> int:
        if self.partial is None:
            return 0
        try:
            kind, rate = self.partial
        except (TypeError, ValueError):
            raise ValueError(f"partial must be ('target', rate), got {self.partial!r}") from None
        if kind != "target":
            raise ValueError(f"partial must be ('target', rate), got {self.partial!r}")
        parts = _parts(rate, "partial target", 0, 1)
        if parts == 0:
            raise ValueError("partial target 0 is outside 1e-9 ... 1")
        return parts

    def rows(self) -> list[tuple[Fraction, Fraction, Fraction]]:
        """Floors, maintenance and initial rates as exact rationals, the closing fee not included."""
        rows: list[tuple[Fraction, Fraction, Fraction]] = []
        for number, tier in enumerate(self.tiers):
            if len(tier) not in (2, 3):
                raise ValueError(
                    f"tiers[{number}] must be (floor, rate[, initial_rate]), got {tier!r}"
                )
            floor, rate, *more = (exact(value, f"tiers[{number}]") for value in tier)
            initial = more[0] if more else Fraction(0)
            if not 0 <= rate <= 1:
                raise ValueError(f"tiers[{number}] rate {tier[1]!r} is outside 0 ... 1")
            if not 0 <= initial <= 1:
                raise ValueError(f"tiers[{number}] initial rate {tier[2]!r} is outside 0 ... 1")
            if rows and floor <= rows[-1][0]:
                raise ValueError(f"tiers[{number}] floor {tier[0]!r} is not above the one before")
            if not rows and floor != 0:
                raise ValueError(f"tiers[0] floor {tier[0]!r} must be 0")
            if rows and self.tier_mode == "marginal" and rate < rows[-1][1]:
                raise ValueError(
                    f"tiers[{number}] rate {tier[1]!r} is below the one before: a marginal table "
                    "must not fall"
                )
            rows.append((floor, rate, initial))
        if not rows:
            raise ValueError("tiers must have at least one row")
        return rows

    def table(self, atoms_per_unit: int) -> dict[str, Any]:
        """Whole numbers for the core: tier rows over one denominator, and the fees.

        Parameters
        ----------
        atoms_per_unit : int
            Atoms in one unit of the asset.

        Returns
        -------
        dict
            Arguments of the core's market.
        """
        rows = self.rows()
        fee = exact(self.taker_fee, "taker_fee") if self.close_fee else Fraction(0)
        # in a whole table with one tier nothing jumps
        whole = self.tier_mode == "whole" and len(rows) > 1
        denominator = lcm(
            *(r.denominator for _, r, _ in rows),
            *(i.denominator for _, _, i in rows),
            fee.denominator,
        )
        if denominator > LARGEST_DENOMINATOR:
            raise ValueError(
                f"tiers: the rates' common denominator {denominator} is above {LARGEST_DENOMINATOR}; "
                "round the rates to fewer digits"
            )
        tiers: list[Any] = []
        deduction = 0
        for number, (floor, rate, initial) in enumerate(rows):
            atoms = floor * atoms_per_unit
            if atoms.denominator != 1:
                raise ValueError(f"tiers[{number}] floor {floor} is finer than an atom")
            numerator = int((rate + fee) * denominator)
            if number and not whole:
                deduction += int(atoms) * (numerator - tiers[-1][1])
            tiers.append((int(atoms), numerator, int(initial * denominator), deduction))
        return {
            "tiers": tiers,
            "denominator": denominator,
            "whole": whole,
            "on_entry": self.basis == "entry",
            "maker_fee": _parts(self.maker_fee, "maker_fee", -1, 1),
            "taker_fee": _parts(self.taker_fee, "taker_fee", -1, 1),
            "liquidation_fee": _parts(self.liquidation_fee, "liquidation_fee", 0, 1),
            "absorb": _parts(self.absorb, "absorb", 0, 1),
            "target": self._target(),
            "feed": CHOICES["feed"].index(self.feed),
            "inclusive": self.trigger == "<=",
            "limit_at_bankruptcy": self.liquidation_order == "bankruptcy",
            "surplus_to_trader": self.surplus == "trader",
            "adl": 0 if self.adl is None else 1 + ADL_POLICIES.index(self.adl),
            "adl_at_mark": self.adl_price == "mark",
            "adl_unit": atoms_per_unit,
        }
