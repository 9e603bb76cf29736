"""What a person states about a market: its rules and its impact curve, checked and made exact."""

from dataclasses import dataclass

from .margin import rate_of

CHOICES = {
    "tier_mode": ("marginal", "whole"),
    "basis": ("mark", "entry"),
    "trigger": ("<", "<="),
    "feed": ("last", "mid", "index", "median", "ema", "index_premium", "twap"),
    "average_of": ("mid", "last", "index"),
    "funding_value": ("mark", "index"),
    "funding_mode": ("interval", "index"),
    "band_reference": ("index", "last"),
    "premium_of": ("mid", "impact"),
    "liquidation_order": ("market", "bankruptcy"),
    "surplus": ("fund", "trader"),
    "adl": (
        *(None, "bitmex", "binance", "size", "hyperliquid", "bybit", "okx", "hyperliquid_literal"),
        *("htx", "random", "pro_rata_quantity", "contract_pro_rata", "pro_rata_pnl"),
        *("pro_rata_pnl_risk", "integer_min_max"),
    ),
    "adl_price": ("bankruptcy", "mark", "previous_mark", "index"),
    "socialised": (None, "gains", "contracts", "opposite"),
}


def nanoseconds(seconds) -> int | None:
    return None if seconds is None else round(rate_of(seconds) * 10**9)


def parts_of(rate) -> int:
    parts = rate_of(rate) * 10**9
    if parts.denominator != 1:
        raise ValueError(f"{rate!r} is not a multiple of 1e-9")
    return int(parts)


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
    average_of: str = "mid"
    average_time: object = None
    observations: int = 1024
    premium_cap: object = 1
    stale_after: object = None
    funding_interval: object = None
    interest: object = 0
    funding_clamp: object = None
    funding_cap: object = 1
    funding_value: str = "mark"
    funding_mode: str = "interval"
    price_band: object = None
    band_reference: str = "index"
    adl: str | None = None
    adl_price: str = "bankruptcy"
    adl_trigger: object = "empty"
    fund_limit: object = None
    fund_block: tuple | None = None
    socialised: str | None = None
    haircut: bool = False
    index_delay: object = 0
    premium_of: str = "mid"
    impact_notional: object = None
    premium_samples: object = None
    funding_payments: int = 1
    disposal: object = None
    breaker: object = None

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices and not callable(getattr(self, name)):
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
        self._clocks()

    def _partial(self) -> tuple | None:
        # ("target", rate), ("tier_step", tiers) or ("fraction", share, notional, nanoseconds);
        # `ramp` is (initial share, nanoseconds, small) where the rule has one
        self.ramp = None
        if self.partial is None:
            return None
        kind, *terms = self.partial
        if kind in ("target", "shortage") and len(terms) in (3, 4):
            initial, seconds, small = map(rate_of, (*terms[1:], 0)[:3])
            self.ramp = initial, int(seconds * 10**9), small
            terms = terms[:1]
        if kind == "target" and len(terms) == 1:
            return kind, rate_of(terms[0])
        if kind == "tier_step" and len(terms) <= 1:
            return kind, *(terms or [1])
        if kind == "fraction" and len(terms) == 3:
            share, least, seconds = map(rate_of, terms)
            return kind, share, least, int(seconds * 10**9)
        if kind in ("shortage", "cap", "slices") and len(terms) == (3 if kind == "slices" else 1):
            return kind, *map(rate_of, terms)
        raise ValueError(f"partial is no rule: {self.partial!r}")

    def _clocks(self) -> None:
        self.delay_nanoseconds = nanoseconds(self.index_delay)
        self.samples = None
        if self.premium_samples is not None:
            self.samples = nanoseconds(self.premium_samples[0]), self.premium_samples[1]
        averages = self.feed in ("ema", "twap", "index_premium") and self.samples is None
        if averages and not self.average_time:
            raise ValueError(f"average_time {self.average_time!r} must be above zero")
        if self.average_of == "index" and self.feed == "index_premium":
            raise ValueError("average_of 'index' leaves feed 'index_premium' nothing to average")
        if not 1 <= self.observations <= 65_535:
            raise ValueError(f"observations {self.observations} is outside 1 ... 65535")
        self.average_nanoseconds = nanoseconds(self.average_time)
        self.stale_nanoseconds = nanoseconds(self.stale_after)
        self.interval_nanoseconds = nanoseconds(self.funding_interval)
        self.premium_parts = parts_of(self.premium_cap)
        self.interest_parts = parts_of(self.interest)
        self.clamp_parts = None if self.funding_clamp is None else parts_of(self.funding_clamp)
        self.cap_parts = parts_of(self.funding_cap)
        self.band = None if self.price_band is None else rate_of(self.price_band)


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
