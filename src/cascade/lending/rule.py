"""A liquidation rule as data: the eight questions that every lending protocol answers differently.

Where the boundary lies, which side carries the safety factor, how much may be repaid, what bonus the
liquidator gets, who takes a fee of it, how each step is rounded, what may be left over, and who books the
rest. `cascade.lending.liquidate` reads nothing else of a protocol.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from cascade.exact_numbers import flag, whole
from cascade.lending.fixed_point import BASIS_POINTS, WAD

__all__ = [
    "BadDebt",
    "Bonus",
    "Boundary",
    "CapBound",
    "CloseFactor",
    "Dust",
    "Excess",
    "Fee",
    "HealthMeasure",
    "LiquidationRule",
    "ProtocolRules",
    "Rounding",
    "RoundingSteps",
    "SafetyFactor",
    "Steps",
]


class Boundary(StrEnum):
    """Whether an account exactly at the boundary may be liquidated."""

    BELOW = "below"
    AT_OR_BELOW = "at_or_below"


class SafetyFactor(StrEnum):
    """Which side of the comparison a factor is taken of."""

    COLLATERAL = "collateral"
    DEBT = "debt"
    BOTH = "both"


class HealthMeasure(StrEnum):
    """How collateral and debt become one comparison.

    ``average``: the mean threshold is cut to whole basis points first (Aave v2, v3.0-3.3). ``sum``: the
    weighted sum as it is (Aave v3.7). ``mantissa``: threshold times exchange rate times price, cut off at each
    product (Compound v2). ``each``: every asset's value and then its weighted value cut off (Comet, Euler,
    Morpho).
    """

    AVERAGE = "average"
    SUM = "sum"
    MANTISSA = "mantissa"
    EACH = "each"


class CloseFactor(StrEnum):
    """How much of a debt one call may repay.

    ``share``: a share of the reserve's debt. ``health``: that share above a health factor, all of it at or below.
    ``health_and_size``: also all of it when the pair is small, and the share is of the whole account's debt.
    ``target``: up to a health score. ``whole``: everything. ``absorb``: the protocol takes the account over.
    ``auction``: what an auction house has room for.
    """

    SHARE = "share"
    HEALTH = "health"
    HEALTH_AND_SIZE = "health_and_size"
    TARGET = "target"
    WHOLE = "whole"
    ABSORB = "absorb"
    AUCTION = "auction"


class Excess(StrEnum):
    """What happens to a request above the limit."""

    CUT = "cut"
    REFUSE = "refuse"


class Bonus(StrEnum):
    """What collateral costs a liquidator.

    ``asset``: a multiplier of the collateral's own. ``market``: one multiplier for all. ``discount``: grows as
    health falls (Euler v1). ``health``: the price is the health score itself (Euler v2). ``threshold``: follows
    from the threshold (Morpho). ``storefront``: a discount of what the protocol sells (Comet). ``auction`` and
    ``pool``: a falling price, a stability pool.
    """

    ASSET = "asset"
    MARKET = "market"
    DISCOUNT = "discount"
    HEALTH = "health"
    THRESHOLD = "threshold"
    STOREFRONT = "storefront"
    AUCTION = "auction"
    POOL = "pool"


class Fee(StrEnum):
    """Who else is paid: nobody, or a share of bonus, seized tokens, repayment or the whole penalty."""

    NONE = "none"
    BONUS = "bonus"
    SEIZED = "seized"
    REPAID = "repaid"
    PENALTY = "penalty"


class Steps(StrEnum):
    """In what order repaid debt becomes seized collateral; each order rounds at other places.

    ``product``: bonus on the product, one division (Aave v2). ``base_first``: convert, then the bonus (Aave v3).
    ``mantissa``: a rate of seized tokens per repaid unit, three truncations (Compound v2). ``rate``: a conversion
    rate (Euler v1). ``value``: both sides as values (Euler v2). ``shares``: bonus, then the price (Morpho).
    """

    PRODUCT = "product"
    BASE_FIRST = "base_first"
    MANTISSA = "mantissa"
    RATE = "rate"
    VALUE = "value"
    SHARES = "shares"


class Rounding(StrEnum):
    """Direction of one rounding."""

    HALF_UP = "half_up"
    FLOOR = "floor"
    CEIL = "ceil"


class Dust(StrEnum):
    """What may be left over: anything, or nothing or a least value on both sides of the pair."""

    ANY = "any"
    PAIR = "pair"


class BadDebt(StrEnum):
    """Who books what is left when the collateral is gone.

    ``stays``: nobody; it stays on the account and hits who withdraws last. ``deficit``: the reserve's deficit.
    ``reserves``: the protocol's reserves, which may become negative. ``redistribution``: the other borrowers.
    ``suppliers``: the suppliers, at once. ``auction_shortfall``: the surplus buffer behind an auction.
    """

    STAYS = "stays"
    DEFICIT = "deficit"
    RESERVES = "reserves"
    REDISTRIBUTION = "redistribution"
    SUPPLIERS = "suppliers"
    AUCTION_SHORTFALL = "auction_shortfall"


class CapBound(StrEnum):
    """Whether a total equal to a cap is within it."""

    BELOW = "below"
    AT_OR_BELOW = "at_or_below"


@dataclass(frozen=True)
class RoundingSteps:
    """Direction of each rounding of a liquidation.

    Parameters
    ----------
    debt_value : Rounding, default "floor"
        Debt in base currency.
    seized : Rounding, default "half_up"
        Collateral with its bonus.
    repaid : Rounding, default "half_up"
        Debt that the whole collateral pays.
    without_bonus : Rounding, default "half_up"
        Seized collateral less the bonus, of which a fee is taken.
    fee : Rounding, default "half_up"
        The protocol's share.
    """

    debt_value: Rounding = Rounding.FLOOR
    seized: Rounding = Rounding.HALF_UP
    repaid: Rounding = Rounding.HALF_UP
    without_bonus: Rounding = Rounding.HALF_UP
    fee: Rounding = Rounding.HALF_UP

    def __post_init__(self) -> None:
        for name in ("debt_value", "seized", "repaid", "without_bonus", "fee"):
            object.__setattr__(self, name, _member(Rounding, getattr(self, name), name))


CHOICES: dict[str, type[StrEnum]] = {
    "boundary": Boundary, "safety_factor": SafetyFactor, "health": HealthMeasure,
    "close": CloseFactor, "excess": Excess, "excess_collateral": Excess, "bonus": Bonus,
    "fee": Fee, "steps": Steps, "dust": Dust, "bad_debt": BadDebt,
}  # fmt: skip
#: Least and largest value; None: any that is not less.
NUMBERS: dict[str, tuple[int, int | None]] = {
    "factor_parts": (1, None), "close_share": (0, BASIS_POINTS), "close_health": (0, None),
    "close_size": (0, None), "target_health": (0, None), "market_bonus": (0, None),
    "base_discount": (0, None), "largest_boost": (0, None), "largest_discount": (0, WAD - 1),
    "fee_share": (0, None), "least_left": (0, None), "least_socialised": (0, None),
}  # fmt: skip


def _member(choices: type[StrEnum], value: Any, name: str) -> StrEnum:
    try:
        return choices(value)
    except ValueError:
        allowed = ", ".join(choice.value for choice in choices)
        raise ValueError(f"{name} {value!r} is not one of {allowed}") from None


@dataclass(frozen=True)
class LiquidationRule:
    """The eight answers of a protocol; the fields below each knob are its numbers.

    Parameters
    ----------
    boundary : Boundary, default "below"
        (a) Liquidatable below the boundary, or also at it.
    safety_factor : SafetyFactor, default "collateral"
        (b) Which side the factor is on.
    health : HealthMeasure, default "average"
        (b) How the sides are added up.
    factor_parts : int, default 10**4
        (b) Parts of one in which thresholds, factors and bonuses of reserves are given.
    close : CloseFactor, default "share"
        (c) How much one call may repay.
    close_share : int, default 5000
        (c) The share, in basis points.
    close_health : int, default 0
        (c) Health factor (WAD) at or below which everything may be repaid.
    close_size : int, default 0
        (c) Value in base currency below which everything may be repaid.
    target_health : int, default 0
        (c) Health score (WAD) up to which may be repaid.
    excess : Excess, default "cut"
        (c) What happens to a larger request.
    excess_collateral : Excess, default "cut"
        (c) What happens when more collateral would be seized than there is.
    bonus : Bonus, default "asset"
        (d) What collateral costs.
    market_bonus : int, default 0
        (d) Multiplier of bonus "market", in `factor_parts`.
    base_discount, largest_boost, largest_discount : int, default 0
        (d) WAD: discount at health one, what a booster may add, and the largest discount.
    fee : Fee, default "none"
        (e) Who takes a share.
    fee_share : int, default 0
        (e) The share where the market sets it, in `factor_parts`; of "bonus" the collateral's own applies.
    steps : Steps, default "base_first"
        (f) Order of the steps.
    rounding : RoundingSteps
        (f) Direction of each.
    dust : Dust, default "any"
        (g) What may be left.
    least_left : int, default 0
        (g) Least value left on a side, base currency.
    bad_debt : BadDebt, default "stays"
        (h) Who books the rest.
    least_socialised : int, default 0
        (h) Least value of a debt that suppliers bear, base currency.
    self_liquidation : bool, default True
        An account may liquidate itself.
    source : str
        Documents or code the rule was read from.

    Raises
    ------
    TypeError
        A number is no integer, or `self_liquidation` neither True nor False.
    ValueError
        A choice is unknown or a number out of range; the message has field, value and range.
    """

    boundary: Boundary = Boundary.BELOW
    safety_factor: SafetyFactor = SafetyFactor.COLLATERAL
    health: HealthMeasure = HealthMeasure.AVERAGE
    factor_parts: int = BASIS_POINTS
    close: CloseFactor = CloseFactor.SHARE
    close_share: int = BASIS_POINTS // 2
    close_health: int = 0
    close_size: int = 0
    target_health: int = 0
    excess: Excess = Excess.CUT
    excess_collateral: Excess = Excess.CUT
    bonus: Bonus = Bonus.ASSET
    market_bonus: int = 0
    base_discount: int = 0
    largest_boost: int = 0
    largest_discount: int = 0
    fee: Fee = Fee.NONE
    fee_share: int = 0
    steps: Steps = Steps.BASE_FIRST
    rounding: RoundingSteps = field(default_factory=RoundingSteps)
    dust: Dust = Dust.ANY
    least_left: int = 0
    bad_debt: BadDebt = BadDebt.STAYS
    least_socialised: int = 0
    self_liquidation: bool = True
    source: str = ""

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            object.__setattr__(self, name, _member(choices, getattr(self, name), name))
        if isinstance(self.rounding, dict):
            object.__setattr__(self, "rounding", RoundingSteps(**self.rounding))
        if not isinstance(self.rounding, RoundingSteps):
            raise TypeError(f"rounding must be RoundingSteps or its fields, got {self.rounding!r}")
        flag(self.self_liquidation, "self_liquidation")
        for name, (least, most) in NUMBERS.items():
            given = whole(getattr(self, name), name)
            if most is None and given < least:
                raise ValueError(f"{name} {given} is below {least}")
            if most is not None and not least <= given <= most:
                raise ValueError(f"{name} {given} is outside {least} ... {most}")

    def changed(self, **changes: Any) -> LiquidationRule:
        """The rule with some fields set differently; raises as the class does."""
        return replace(self, **changes)


@dataclass(frozen=True)
class ProtocolRules:
    """Rules of a protocol: its liquidation rule and what else differs between protocols.

    Parameters
    ----------
    name : str
        Of the preset.
    liquidation : LiquidationRule
    interest : str
        Rate model: "kink", "jump", "two_kinks", "adaptive" or "" for one that governance sets.
    accrual : str
        "compound", "simple", "taylor" or "power": how debt grows between two touches.
    supply_cap, borrow_cap : CapBound
        Whether a total equal to the cap is within it.
    treasury_capped : bool
        A supply cap counts what has accrued to the treasury.
    isolation : bool
        Has isolation mode with a debt ceiling.
    e_mode : bool
        Has categories that replace threshold and bonus.
    sentinel : int
        Least health factor, WAD, that is spared while a chain's sequencer is down; 0: no sentinel.
    flash_loan_premium : int
        Basis points.
    zero_price : str
        "skipped", "given" or "refused": what an oracle's answer of zero means, as
        `cascade.LendingRules.zero_price` has it.
    variant : str
        Reading of the rules.
    source, date : str
        Documents or code, and when they were of force.
    """

    name: str
    liquidation: LiquidationRule
    interest: str = ""
    accrual: str = "compound"
    supply_cap: CapBound = CapBound.AT_OR_BELOW
    borrow_cap: CapBound = CapBound.AT_OR_BELOW
    isolation: bool = False
    e_mode: bool = False
    sentinel: int = 0
    flash_loan_premium: int = 0
    zero_price: str = "skipped"
    variant: str = ""
    source: str = ""
    date: str = ""
    treasury_capped: bool = False

    def __post_init__(self) -> None:
        for name in ("supply_cap", "borrow_cap"):
            object.__setattr__(self, name, _member(CapBound, getattr(self, name), name))
