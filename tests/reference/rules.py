"""What a person states about a market: its rules and its impact curve, checked and made exact."""

from dataclasses import dataclass
from fractions import Fraction

from .margin import rate_of

CHOICES = {
    "tier_mode": ("marginal", "whole"),
    "basis": ("mark", "entry"),
    "trigger": ("<", "<="),
    "feed": ("last", "mid", "index", "median"),
    "liquidation_order": ("market", "bankruptcy"),
    "surplus": ("fund", "trader"),
    "adl": (None, "bitmex", "binance", "size", "hyperliquid"),
    "adl_price": ("bankruptcy", "mark"),
}


@dataclass
class Rules:
    """Rules of one market; rates as fractions of notional, floors in units of the asset."""

    tiers: object = ((0, "0.005"),)
    tier_mode: str = "marginal"
    basis: str = "mark"
    close_fee: bool = False
    trigger: str = "<"
    feed: str = "last"
    maker_fee: object = 0
    taker_fee: object = 0
    liquidation_fee: object = 0
    liquidation_order: str = "market"
    surplus: str = "fund"
    absorb: object = 0
    partial: object = None
    adl: str | None = None
    adl_price: str = "bankruptcy"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {choices}, got {getattr(self, name)!r}")
        self.maker = rate_of(self.maker_fee)
        self.taker = rate_of(self.taker_fee)
        self.liquidation = rate_of(self.liquidation_fee)
        self.absorbed = rate_of(self.absorb)
        if not 0 <= self.absorbed <= 1:
            raise ValueError(f"absorb {self.absorb!r} is outside 0 ... 1")
        self.target: Fraction | None = None
        if self.partial is not None:
            kind, rate = self.partial
            if kind != "target":
                raise ValueError(f"partial must be ('target', rate), got {self.partial!r}")
            self.target = rate_of(rate)


@dataclass
class Impact:
    """Linear impact: the price falls by numerator / denominator ticks a net lot sold."""

    kind: str = "linear"
    numerator: int = 1
    denominator: int = 1
    fill: str = "average"

    def __post_init__(self) -> None:
        if self.kind != "linear":
            raise ValueError(f"the twin knows linear impact only, got {self.kind!r}")
        if self.fill not in ("average", "after"):
            raise ValueError(f"fill must be 'average' or 'after', got {self.fill!r}")
