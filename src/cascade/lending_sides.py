"""Markets that stand for the sides of reserves: no venue, and a grid as fine as their marks."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cascade import _stages
from cascade._grid import Grid
from cascade.bounds import order_bounds
from cascade.reserve import LendingSide
from cascade.ruleset import Rules

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket
    from cascade.market import Market

__all__ = ["check_side_name", "make_side", "make_sides"]


def make_side(lending: LendingMarket, name: str, ticks: Grid, lots: Grid) -> LendingSide:
    """One more market of the engine, which belongs to no reserve yet."""
    engine, scale = lending.engine, lending.engine.scale_of(lending.asset)
    rules = Rules(tiers=((0, 0),), feed="index")
    limits: dict[str, Any] = order_bounds(Grid(1, "step"), Grid(1, "step"))
    terms = {**rules.table(scale), **limits}
    asset = engine.asset_number(lending.asset)
    number = engine._add_market(asset=asset, unit=1, inverse=False, **terms, impact_venue=False)
    _stages.set_stages(engine, number, **rules.stage_table(scale), seed=engine.seed % 2**64)
    side = LendingSide(
        engine, number, name, ticks, lots, rules, "linear", Fraction(1), lending.asset, "book", {}
    )
    engine.markets.append(side)
    return side


def check_side_name(lending: LendingMarket, name: str) -> None:
    """Refuse a side whose name a market of the engine has."""
    if any(market.name == name for market in lending.engine.markets):
        raise ValueError(f"market {name!r} exists, which a side of the reserve is to be called")


def make_sides(
    lending: LendingMarket, name: str, source: Market | None, lots: Grid, refine: int
) -> tuple[LendingSide, LendingSide]:
    """The supplied and the borrowed side of a new reserve; `refine` parts of a tick in their marks."""
    tick = Fraction(1) if source is None else Fraction(source.ticks.step)
    ticks = Grid(tick / refine, "price")
    names = [f"{lending.name} {name} {side}" for side in ("supplied", "borrowed")]
    for each in names:
        check_side_name(lending, each)
    supplied, borrowed = (make_side(lending, each, ticks, lots) for each in names)
    return supplied, borrowed
