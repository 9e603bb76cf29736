"""Adapters of funding rates, price bands and breakers: calls of `cascade.funding` and `cascade.bands`."""

from collections.abc import Callable
from datetime import time
from typing import Any

from case import Inputs, UnsupportedError

from cascade import bands, funding


def funding_cap(i: Inputs) -> dict[str, Any]:
    return {"cap": funding.rate_cap(i.first("im", "imf"), i.first("mm", "mmf"), i["factor"])}


def funding_rate(i: Inputs) -> dict[str, Any]:
    rate = funding.rate(
        i.first("avg_premium", "premium"),
        i.first("interest_8h", "interest"),
        i.get("clamp", None),
        divide_by=i.get("hours", 1),
        cap=i["hourly_cap"] if "hourly_cap" in i else i.get("cap", None),
    )
    return {"hourly_rate": rate, "rate": rate}


def impact_notional(i: Inputs) -> dict[str, Any]:
    return {"impact_notional": funding.impact_notional(i["imf"], i.get("numerator", 500))}


def index_delta(i: Inputs) -> dict[str, Any]:
    names = ("price", "price_exponent", "atomic_resolution", "funding_8h_ppm", "seconds")
    return {"index_delta": funding.index_delta(*(int(i[name]) for name in names))}


def multiplier(i: Inputs) -> dict[str, Any]:
    reference = i.first("reference_price", "avg_price", "last_price")
    if "bid_mult_up" in i:
        answers: dict[str, Any] = {}
        given = {name: i[name.replace("_", "_mult_")] for name in
                 ("bid_up", "bid_down", "ask_up", "ask_down")}  # fmt: skip
        for side, name in (("buy", "bid"), ("sell", "ask")):
            band = bands.side_band(reference, side, **given)
            answers |= {f"{name}_upper": band.upper, f"{name}_lower": band.lower}
        return answers
    band = bands.multiplier_band(reference, i["mult_up"], i["mult_down"])
    answer: dict[str, Any] = {"upper": band.upper, "lower": band.lower}
    if "price" in i:
        answer["accepted"] = i["price"] in band
    return answer


def market_wide(i: Inputs) -> dict[str, Any]:
    rounding = i.given.get("rounding", "down")
    levels = [i.exact(level) for level in i.given.get("levels", bands.MARKET_WIDE_LEVELS)]
    return {"trigger": bands.market_wide_levels(i["prior_close"], levels, rounding=rounding)}


def _time(text: str) -> time:
    clock, *zone = text.split()
    if zone not in ([], ["ET"]):
        raise UnsupportedError(f"time {text!r} is not Eastern")
    return time.fromisoformat(clock)


def luld(i: Inputs) -> dict[str, Any]:
    close = i.first("previous_close", "reference_price")
    reference = i.first("reference_price", "previous_close")
    tier = int(i["tier"])
    regime = "original" if "before" in i.given.get("regime", "") else "amendment_18"
    doubled = i.given.get("doubled")
    if doubled is None:
        at = _time(i.given["time"]) if "time" in i else None
        doubled = bands.luld_doubled(tier, close, at, regime)
    share = bands.luld_percentage(
        tier, close, reference=reference, doubled=doubled, leverage=i.get("leverage", 1)
    )
    band = bands.luld_band(reference, share)
    return {"percentage": share, "upper": band.upper, "lower": band.lower}


RULES: dict[str, Callable[[Inputs], Any]] = {
    "funding.cap": funding_cap,
    "funding.rate.clamped": funding_rate,
    "funding.impact_notional": impact_notional,
    "funding.index_delta": index_delta,
    "price_band.multiplier": multiplier,
    "price_band.luld": luld,
    "circuit_breaker.levels": market_wide,
}
