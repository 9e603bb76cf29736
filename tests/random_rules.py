"""Rules, breakers, residents and set-ups drawn at random, for `random_engine_actions`."""

import random
from dataclasses import dataclass
from fractions import Fraction

NAMES = ("linear", "whole", "curve", "inverse")
PRICES = range(92, 109)
SIZES = (1, 1, 2, 3, 5, 8)

MARGINAL = [(0, 0.01), (300, 0.03, 0.05), (1000, 0.1)]
STEPS = [(0, 0.02), (200, 0.05), (500, 0.12, 0.2)]
PARTIAL = (
    None, None, ("target", 0.15), ("tier_step",), ("tier_step", 2), ("fraction", 0.2, 150, 2),
    ("fraction", 0.4, 0, 0), ("shortage", 0), ("shortage", "0.03"), ("cap", 90), ("cap", 500),
    ("slices", "0.3", "0.5", 100), ("slices", "0.1", 1, 0),
    ("shortage", "0.03", "0.2", 6), ("shortage", "0.1", 0, "2.5", 15), ("target", 0.15, "0.3", 4),
)  # fmt: skip


@dataclass(frozen=True)
class Setup:
    """Markets and mode of one history, as keyword arguments."""

    execution: str
    rules: tuple[dict, ...]
    curve: tuple[int, int, str]
    pool: tuple[str, dict] | None = None  # the curve's market has it instead
    follows: tuple[tuple[str, ...], ...] = (
        (),
        (),
        (),
        (),
    )  # markets whose median is the index of each


def draw_clocks(draw: random.Random) -> dict:
    """Averages, the age of an index and funding, in steps of 0.5 to 2.5 s."""
    return {
        "average_of": draw.choice(("mid", "last")),
        "average_time": draw.choice((0.5, 3, 7)),
        "observations": draw.choice((1, 3, 1024)),
        "premium_cap": draw.choice((1, 1, "0.02")),
        "stale_after": draw.choice((None, None, None, 2)),
        "funding_interval": draw.choice((None, 1, 4, 5.5)),
        "interest": draw.choice((0, "0.001", "-0.013")),
        "funding_clamp": draw.choice((None, "0.004", 0)),
        "funding_cap": draw.choice((1, "0.05")),
        "funding_payments": draw.choice((1, 1, 8)),
        "funding_value": draw.choice(("mark", "index")),
        "funding_mode": draw.choice(("interval", "index")),
        "price_band": draw.choice((None, None, None, "0.03", "0.055")),
        "band_reference": draw.choice(("index", "last")),
        "index_delay": draw.choice((0, 0, 1, "2.5", 6)),
        **draw.choice(({}, {"premium_of": "impact", "impact_notional": draw.choice((1, 40, 900))})),
    }


def draw_breaker(draw: random.Random) -> dict:
    """A breaker in which anything may be on; times of half a second to a few steps."""
    throttled = draw.choice((None, None, "lots", "notional"))
    levels = draw.choice(((), (), (("0.03", 2), ("0.05", 0), ("0.08", None)), (("0.04", 1.5),)))
    width = draw.choice((None, "0.02", "0.03", "0.055", "0.001"))
    return {
        "reference": draw.choice(("fixed", "index", "last", "mean", "window", "premium")),
        "lower": draw.choice((width, width, None)),
        "upper": draw.choice((width, width, "0.04")),
        "share_of": draw.choice(("reference", "close")),
        "close": draw.choice((99, 100, 101)),
        "window": draw.choice((0.5, 3, 40)),
        "min_change": draw.choice((0, "0.01")),
        "min_age": draw.choice((0, 2)),
        "outer": draw.choice(("0.02", "0.06")),
        "hard": draw.random() < 0.6,
        "rounding": draw.choice(("inward", "nearest")),
        "floor": draw.choice((None, None, "0.06")),
        "ceiling": draw.choice((None, None, "0.05")),
        "beyond": draw.choice(("refuse", "reprice", "expire")),
        "forced": draw.choice(("takeover", "wait")),
        "limit_state": draw.choice((0, 0, 1)),
        "pause": draw.choice((0, 1, 1.5, 4, None)),
        "cancel_only": draw.choice((0, 0, 0.5, 2, None)),
        "extension": 1,
        "extension_band": draw.choice((0, "0.02")),
        "extensions": draw.choice((0, 1, 3)),
        "replenish": draw.choice((0, "0.3", -1, "-0.25", 1)),
        "levels": levels,
        "levels_on": draw.choice(("last", "index")),
        "linked": draw.random() < 0.5,
        "widened": draw.choice(((), (), ((2, 5, 2), ("4.5", 30, 3)))),
        "leads": draw.random() < 0.3,
        "throttle_lots": 6 if throttled == "lots" else None,
        "throttle_notional": 450 if throttled == "notional" else None,
        "throttle_window": draw.choice((1, 3)) if throttled else 0,
    }


def by_collateral(columns):
    """A policy of a user's own, with ties."""
    return columns.collateral % 3


def draw_stages(draw: random.Random) -> dict:
    """Limits of the fund, when deleveraging begins, and who shares what is left."""
    return {
        "adl_trigger": draw.choice(
            (
                "empty",
                "empty",
                "always",
                "spent",
                "spent",
                ("drawdown", 0.3, 4),
                ("drawdown", "0.01", 1),
            )
        ),
        "fund_limit": draw.choice((None, None, 0, 5, 40)),
        "fund_block": draw.choice((None, None, (0, None), (20, None), (15, 3))),
        "socialised": draw.choice((None, None, "gains", "contracts", "opposite")),
        "haircut": draw.choice((False, False, True)),
    }


def draw_pool(draw: random.Random) -> tuple[str, dict] | None:
    """A pool at a price near 100, or none."""
    kind = draw.choice((None, None, "ConstantProduct", "Concentrated", "Stableswap"))
    base = draw.choice((60, 200, 900))
    terms = {
        "fee": draw.choice((0, "0.003", "0.02")),
        "flee": draw.choice((None, None, ("0.03", "0.4"), ("0.08", "0.9"))),
    }
    if kind == "Concentrated":
        ranges = ((80, 120, 20 * base), (95, 105, 100 * base), (125, 140, 10 * base))
        return kind, {"price": draw.choice((97, 100, 122)), "ranges": ranges, **terms}
    terms |= {"base": base, "quote": base * draw.choice((98, 100, 103))}
    if kind == "Stableswap":
        terms |= {"amplification": draw.choice((2, 85)), "peg": 100}
    return None if kind is None else (kind, terms)


def draw_follows(draw: random.Random) -> tuple[tuple[str, ...], ...]:
    """Most often none; else the third or the last market follows those before it."""
    third = draw.choice(((), (), ("linear",), ("whole", "linear")))
    last = draw.choice(((), NAMES[:3], ("curve", "whole"), ("curve",)))
    return ((), (), third, last) if draw.random() < 0.3 else ((), (), (), ())


def draw_setup(draw: random.Random, ruled: bool = False) -> Setup:
    """Rules of every market; each market's table is of the kind its name says.

    `ruled`: most markets have a partial rule, and none a backstop.
    """

    plain = draw.random() < 0.3 and not ruled
    # rules that leave the fund empty, so that deleveraging is what happens
    poor = draw.random() < 0.4 and not ruled
    halts = draw.choice((0, 0, 0.4, 1))
    scores = (
        *("bitmex", "binance", "size", "hyperliquid", "bybit", "okx", "hyperliquid_literal"),
        *("htx", "random", by_collateral),
        *("pro_rata_quantity", "contract_pro_rata", "pro_rata_pnl", "pro_rata_pnl_risk"),
        "integer_min_max",
    )
    prices = ("bankruptcy", "bankruptcy", "mark", "previous_mark", "index")

    def rules(tiers, mode, basis) -> dict:
        drawn = other_rules(tiers, mode, basis)
        if draw.random() < halts:
            drawn["breaker"] = draw_breaker(draw)
        return drawn

    def other_rules(tiers, mode, basis) -> dict:
        if plain:
            return {"tiers": tiers, "tier_mode": mode, "basis": basis}
        if poor:
            return {
                "tiers": tiers, "tier_mode": mode, "basis": basis, "surplus": "trader",
                "feed": draw.choice(("last", "index")), "liquidation_order": "bankruptcy",
                "adl": draw.choice((None, *scores)), "adl_price": draw.choice(prices),
                **draw_stages(draw),
            }  # fmt: skip
        feed = draw.choice(
            ("last", "last", "mid", "index", "median", "ema", "index_premium", "twap")
        )
        clocks = draw_clocks(draw)
        if feed in ("ema", "twap") and draw.random() < 0.3:
            clocks["average_of"] = "index"
        samples = (
            draw.choice((None, (1, 3), ("0.7", 30), (4, 1))) if feed == "index_premium" else None
        )
        return {
            "tiers": tiers,
            "tier_mode": mode,
            "basis": basis,
            "close_fee": draw.random() < 0.2,
            "trigger": draw.choice(("<", "<=")),
            "feed": feed,
            "premium_samples": samples,
            **clocks,
            "maker_fee": draw.choice((0, 0, -0.002, 0.001)),
            "taker_fee": draw.choice((0, 0, 0.005)),
            "liquidation_fee": draw.choice((0, 0.01)),
            "liquidation_order": draw.choice(("market", "bankruptcy")),
            "surplus": draw.choice(("fund", "trader")),
            "absorb": draw.choice((0, 0, 0.4, 1)),
            "partial": draw.choice(PARTIAL[1:] if ruled else PARTIAL),
            "disposal": draw.choice((None, None, (1, "0.5", 3, "0.6"), ("2.5", "0.3", 0, 1))),
            "backstop": 0 if ruled else draw.choice((0, 0, 0.5, Fraction(2, 3), 1)),
            "adl": draw.choice((None, *scores)),
            "adl_price": draw.choice(prices),
            **draw_stages(draw),
        }

    follows = draw_follows(draw)
    execution = draw.choice(("sequential", "batch"))
    stated = (
        rules(MARGINAL, "marginal", "mark"),
        rules(STEPS, "whole", "mark"),
        rules([(0, 0.02)], "whole", "mark"),
        # impact prices are of linear contracts
        rules(STEPS, draw.choice(("whole", "marginal")), draw.choice(("entry", "mark")))
        | {"premium_of": "mid", "impact_notional": None},
    )
    # what follows is believed at once
    at_once = {"index_delay": 0, "stale_after": None}
    return Setup(
        execution,
        tuple(one | at_once if named else one for one, named in zip(stated, follows, strict=True)),
        (draw.choice((1, 2)), draw.choice((1, 2, 3, 7)), draw.choice(("average", "after"))),
        draw_pool(draw),
        follows,
    )


def draw_calls(draw: random.Random, market: str) -> tuple[str, dict]:
    """Margin calls of a market."""
    return "MarginCalls", {
        "market": market, "warning": draw.choice(("1.25", 2, 4)), "deposit": None,
        "top_up_share": draw.choice((0, "0.3", "0.6")), "reduce_share": draw.choice((0, "0.4")),
        "top_up": draw.choice((1, "1.3")), "reduce": draw.choice(("0.2", 1)),
    }  # fmt: skip


def draw_resident(draw: random.Random) -> tuple[str, dict]:
    """A maker, an arbitrageur or flow, on any market that takes it."""
    kinds = ("MarketMaker", "Arbitrageur", "NoiseFlow", "MomentumFlow", "MarginCalls")
    kind = draw.choice(("MarketMaker", "MarginCalls", *kinds))
    market = draw.choice(NAMES)
    if kind == "MarginCalls":
        return draw_calls(draw, market)
    deposit = draw.choice((60, 500, 5000, 50_000))
    size = draw.choice((1, 3, (1, 5), (2, 9)))
    leverage = draw.choice((1, 5, 20))
    if kind == "MarketMaker":
        limit = draw.choice((None, 6, 15))
        return kind, {
            "market": draw.choice([name for name in NAMES if name != "curve"]),
            "depth": tuple((k + 1 + draw.randrange(3), draw.choice(SIZES)) for k in range(3)),
            "deposit": deposit, "leverage": leverage, "refill": draw.choice((None, 0, "0.7", 4)),
            "inventory_limit": limit, "skew": draw.choice((0, 1, 3)) if limit else 0,
            "volatility_time": draw.choice((1, 4, 60)), "widening": draw.choice((0, "0.3", 2)),
            "volatility_limit": draw.choice((None, 5, 20)),
            "loss_limit": draw.choice((None, 10, 100)), "tolerance": draw.choice((0, 0, 2)),
        }  # fmt: skip
    if kind == "Arbitrageur":
        return kind, {
            "market": market, "deposit": deposit, "leverage": leverage,
            "size": draw.choice((2, 5, 20)), "threshold": draw.choice((0, "0.01", "0.025")),
            "delay": draw.choice((0, 1, 3)), "limit": draw.choice((None, 4, 30)),
            "hedged": draw.random() < 0.5,
        }  # fmt: skip
    terms = {
        "market": market, "rate": draw.choice((0, "0.5", 2)), "size": size, "leverage": leverage,
        "deposit": draw.choice((None, deposit)),
    }  # fmt: skip
    if kind == "NoiseFlow":
        terms["market_share"] = 1 if market == "curve" else draw.choice((0, "0.3", 1))
        return kind, {**terms, "reach": draw.choice((None, 4)), "open_orders": draw.choice((1, 5))}
    terms["limit"] = draw.choice((None, 7)) if terms["deposit"] else None
    terms["volatility_time"] = draw.choice((1, 5, 30))
    return kind, {**terms, "threshold": draw.choice((0, "0.01", "0.03"))}
