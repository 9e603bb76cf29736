"""What fields of a scenario must agree on: pairs that exclude or need each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cascade.ruleset import Rules
from cascade.scenarios.schema import finite

if TYPE_CHECKING:
    from cascade.scenarios.document import Document
    from cascade.scenarios.scenario import Scenario

PROFILE = ("levels", "step_ticks", "spread_ticks", "touch_size", "growth", "follow")
CURVE = ("scale", "length", "fill", "permanent", "decay_rate")
#: Fields that each kind of pool needs, and those it may have.
POOL_FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "constant_product": (("base",), ("quote",)),
    "concentrated": (("ranges",), ()),
    "stableswap": (("base", "amplification"), ("quote", "peg")),
}
#: Parameters that each curve needs.
CURVE_NEEDS: dict[str, tuple[str, ...]] = {
    "linear": ("scale",),
    "square_root": ("scale",),
    "log": ("scale", "length"),
    "exponential": ("length",),
    "depth_linear": ("scale", "length"),
    "depth_exponential": ("scale", "length"),
}


def _excluded(scenario: Scenario, section: str, names: tuple[str, ...], other: str) -> None:
    given: dict[str, Any] = scenario.document.values.get(section, {})
    for name in names:
        if name in given:
            raise scenario.document.error(f"{section}.{name}", f"contradicts {section}.{other}")


def check_together(scenario: Scenario, rules_place: str) -> None:
    """Check fields against each other.

    Raises
    ------
    ScenarioError
        Two fields contradict each other, or one needs another.
    """
    _check_market(scenario, rules_place)
    _check_book(scenario)
    _check_crowd(scenario)
    _check_shock(scenario)


def _check_market(scenario: Scenario, rules_place: str) -> None:
    error, market = scenario.document.error, scenario.market
    if market.feed is not None and scenario.rules.feed is not None:
        raise error("market.feed", f"contradicts {rules_place}.feed")
    if scenario.rules.symbol is not None and not isinstance(scenario.rules.tiers, str):
        raise error(f"{rules_place}.symbol", "needs tiers from a file")
    if scenario.rules.partial is not None and scenario.rules.partial_target is not None:
        raise error(f"{rules_place}.partial", f"contradicts {rules_place}.partial_target")
    if isinstance(scenario.rules.tiers, list):
        for row in scenario.rules.tiers:
            if not isinstance(row, list) or not all(map(finite, row)):
                raise error(
                    f"{rules_place}.tiers", "must be a list of [floor, rate] lists of numbers"
                )
        try:
            mode: Any = scenario.rules.tier_mode or "marginal"
            Rules(tiers=scenario.rules.tiers, tier_mode=mode)
        except (ValueError, TypeError) as reason:
            raise error(f"{rules_place}.tiers", str(reason)) from None
    if market.price is None and scenario.shock.path is None and scenario.book.depth is None:
        raise error("market.price", "is missing: neither book.depth nor shock.path gives one")
    if market.price is not None and scenario.book.depth is not None:
        raise error("market.price", "contradicts book.depth: the price is the middle of its touch")


def check_venue(scenario: Any) -> None:
    """Check the fields of ``[venue]`` against its kind.

    Raises
    ------
    ScenarioError
        A field is missing or belongs to another kind of pool.
    """
    error, venue = scenario.document.error, scenario.venue
    if venue.kind is not None and "book" in scenario.document.values:
        raise error("book", f"contradicts venue.kind {venue.kind!r}: a pool has no book")
    check_pool(scenario.document, venue, scenario.document.values.get("venue", {}), "venue")


def check_pool(document: Document, venue: Any, given: dict[str, Any], place: str) -> None:
    """Check the fields of a table that states a pool against its kind.

    Raises
    ------
    ScenarioError
        A field is missing or belongs to another kind of pool.
    """
    error = document.error
    if venue.kind is None:
        raise error(f"{place}.kind", "is missing")
    needed, allowed = POOL_FIELDS[venue.kind]
    for name in needed:
        if name not in given:
            raise error(f"{place}.{name}", f"is missing: kind {venue.kind!r} needs it")
    for name in given:
        if name not in (*needed, *allowed, "kind", "fee", "flee", "name"):
            raise error(f"{place}.{name}", f"is no field of kind {venue.kind!r}")
    for name in ("ranges", "flee"):
        rows = getattr(venue, name) or []
        if not all(map(finite, rows if name == "flee" else _flat(rows))):
            raise error(
                f"{place}.{name}", "must be a list of numbers" + (" in threes" * (name == "ranges"))
            )


def _flat(rows: list[Any]) -> list[Any]:
    # None, which is no number, in place of a row that has not three
    return [n for row in rows for n in (row if isinstance(row, list) and len(row) == 3 else [None])]


def _check_book(scenario: Scenario) -> None:
    error, book = scenario.document.error, scenario.book
    if "venue" in scenario.document.values:
        check_venue(scenario)
        return
    if book.impact is not None:
        for name in ("depth", "symbol", *PROFILE):
            _excluded(scenario, "book", (name,), "impact")
        for name in CURVE_NEEDS[book.impact]:
            if not getattr(book, name):
                raise error(f"book.{name}", f"is missing or 0: impact {book.impact!r} needs it")
        return
    _excluded(
        scenario,
        "book",
        CURVE,
        "depth, which is a book; they belong to an impact curve"
        if book.depth
        else "levels, which make a book; they belong to an impact curve",
    )
    if book.depth is not None:
        _excluded(scenario, "book", ("spread_ticks",), "depth")
        if book.levels and book.touch_size is None:
            raise error("book.touch_size", "is missing: levels behind the file's need it")
        return
    if not book.levels:
        raise error("book.levels", "is missing or 0: without depth or impact a book needs levels")
    if book.touch_size is None:
        raise error("book.touch_size", "is missing: levels need it")


def _check_crowd(scenario: Scenario) -> None:
    error, crowd = scenario.document.error, scenario.crowd
    given = scenario.document.values.get("crowd", {})
    if crowd.accounts is not None:
        _excluded(
            scenario, "crowd", tuple(n for n in given if n not in ("accounts", "seed")), "accounts"
        )
    if crowd.leverage is not None:
        _excluded(
            scenario, "crowd", ("leverage_median", "leverage_sigma", "leverage_max"), "leverage"
        )
    if crowd.leverage_weights is not None and len(crowd.leverage_weights) != len(
        crowd.leverage or ()
    ):
        raise error("crowd.leverage_weights", "must have one weight for each of crowd.leverage")


def _check_shock(scenario: Scenario) -> None:
    error, shock = scenario.document.error, scenario.shock
    given = scenario.document.values["shock"]
    if shock.path is not None:
        _excluded(scenario, "shock", ("move",), "path")
        if given.get("kind", "index") != "index":
            raise error("shock.kind", "contradicts shock.path: a path is of the outside price")
        return
    if shock.relative:
        raise error("shock.relative", "needs shock.path")
    if shock.move is None:
        raise error("shock.move", "is missing: give move or path")
    if shock.kind == "sell" and not shock.move < 0:
        raise error("shock.move", f"{shock.move} is not below 0, as kind 'sell' needs")
    if shock.kind == "buy" and not shock.move > 0:
        raise error("shock.move", f"{shock.move} is not above 0, as kind 'buy' needs")
