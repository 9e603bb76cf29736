"""What a person states about a market: its rules and its impact curve, checked and made exact."""

from dataclasses import dataclass

from .margin import rate_of

CHOICES = {
    "tier_mode": ("marginal", "whole"),
    "basis": ("mark", "entry"),
    "trigger": ("<", "<="),
    "feed": ("last", "mid", "index", "median"),
    "liquidation_order": ("market", "bankruptcy"),
    "surplus": ("fund", "trader"),
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
    backstop: object = 0

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {choices}, got {getattr(self, name)!r}")
        for k, (_, rate, *initial) in enumerate(self.tiers):
            if initial and 0 < rate_of(initial[0]) < rate_of(rate):
                raise ValueError(f"tiers[{k}] initial rate {initial[0]!r} is below {rate!r}")
        self.maker = rate_of(self.maker_fee)
        self.taker = rate_of(self.taker_fee)
        self.liquidation = rate_of(self.liquidation_fee)
        self.absorbed = rate_of(self.absorb)
        if not 0 <= self.absorbed <= 1:
            raise ValueError(f"absorb {self.absorb!r} is outside 0 ... 1")
        self.backstop_share = rate_of(self.backstop)
        if not 0 <= self.backstop_share <= 1:
            raise ValueError(f"backstop {self.backstop!r} is outside 0 ... 1")
        self.partial_rule = self._partial()

    def _partial(self) -> tuple | None:
        # ("target", rate), ("tier_step", tiers) or ("fraction", share, notional, nanoseconds)
        if self.partial is None:
            return None
        kind, *terms = self.partial
        if kind == "target" and len(terms) == 1:
            return kind, rate_of(terms[0])
        if kind == "tier_step" and len(terms) <= 1:
            return kind, *(terms or [1])
        if kind == "fraction" and len(terms) == 3:
            share, least, seconds = map(rate_of, terms)
            return kind, share, least, int(seconds * 10**9)
        raise ValueError(f"partial is no rule: {self.partial!r}")


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
