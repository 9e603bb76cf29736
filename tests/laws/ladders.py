"""Uniform ladders of positions on impact venues, set up in whole ticks and lots.

A ladder of density g is cut into rungs of equal size, one every `spacing`. While R < 1 a rung's own
sale carries the price a share R of the way to the next rung, so the rung stands for the middle of
what is left, ``(1 - R) / 2`` of the spacing below its upper edge; else for that of its interval.
The number of ticks a rung is chosen, not the tick: ratios of prices are all that matters.
Source of the laws: ../shared/rules/laws.md, sections 1 and 2.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np

import cascade as cs

BASE_TICKS = 2**30
TICKS_PER_RUNG = 2000
LOTS_PER_RUNG = 10_000
LOTS_PER_CURVE_RUNG = 100
RUNGS = 45_360  # has many divisors, so that round numbers fall between two rungs


@dataclass
class Outcome:
    """What a ladder did: drops in price units, sizes in size units, and the engine."""

    drop: float
    shock: float
    units: float
    rung: float
    rung_drop: float
    tick: float
    engine: cs.Engine
    result: Any

    @property
    def exhausted(self) -> bool:
        """Was every rung liquidated?"""
        return not self.engine.accounts.column("X", "size").any()


def ladder_ticks(rungs: int, ratio: Fraction, gap: Fraction, spacing: Fraction) -> np.ndarray:
    """Distances of the triggers from the price, in ticks."""
    inside = (1 - ratio) / 2 if ratio < 1 else Fraction(1, 2)
    first = round((gap / spacing + inside) * TICKS_PER_RUNG)
    return first + TICKS_PER_RUNG * np.arange(rungs, dtype=np.int64)


def linear_ladder(
    shock: Fraction,
    impact: Fraction,
    density: Fraction,
    *,
    gap: Fraction = Fraction(0),
    width: Fraction = Fraction(20),
    side: str = "long",
    absorb: Fraction = Fraction(0),
    execution: str = "sequential",
    rungs: int = RUNGS,
    by_order: bool = False,
    budget: int | None = None,
    shuffle: int | None = None,
) -> Outcome:
    """Shock a linear market with a uniform ladder and let it run.

    `by_order` sells `shock / impact` units from outside instead of moving the index; `budget`
    bounds the accounts of a step; `shuffle` is a seed for the order of opening.
    """
    spacing = width / rungs
    ratio = impact * density
    sign = 1 if side == "long" else -1
    engine = cs.Engine(asset_decimals=0, execution=execution)
    # a rung of LOTS_PER_RUNG moves the price by ratio * spacing
    slope = ratio * TICKS_PER_RUNG / LOTS_PER_RUNG
    rules = cs.Rules(absorb=absorb)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=rules, venue=cs.Impact.linear(slope)
    )
    market.set_index(BASE_TICKS)
    distance = ladder_ticks(rungs, ratio * (1 - absorb), gap, spacing)
    if shuffle is not None:
        distance = np.random.default_rng(shuffle).permutation(distance)
    triggers = BASE_TICKS - sign * distance
    engine.accounts.open_ladder(
        market, side=side, size=np.full(rungs, LOTS_PER_RUNG), trigger=triggers,
        bankruptcy=triggers - sign * TICKS_PER_RUNG,
    )  # fmt: skip
    moved = shock / spacing * TICKS_PER_RUNG
    if by_order:
        lots = round(moved / slope)
        sent = market.book.market("sell" if sign > 0 else "buy", lots)
        assert sent.filled == lots
        result = engine.step()
    else:
        result = engine.step(index={"X": BASE_TICKS - sign * round(moved)})
    if budget is not None:
        engine.budget(accounts=budget)
        while result.pending:
            result = engine.step()
    unit = float(spacing) / TICKS_PER_RUNG
    liquidated = int((engine.accounts.column("X", "size") == 0).sum())
    return Outcome(
        drop=sign * (BASE_TICKS - market.mark_ticks) * unit,
        shock=float(shock),
        units=liquidated * float(density * spacing),
        rung=float(density * spacing),
        rung_drop=float(ratio * spacing),
        tick=unit,
        engine=engine,
        result=result,
    )


def curve_ladder(
    venue: str,
    parameters: dict[str, Fraction],
    density: Fraction,
    sale: Fraction,
    width: Fraction,
    rungs: int = 400_000,
    ticks_per_rung: int = 1000,
) -> Outcome:
    """Sell into a curved market with a uniform ladder: `venue` is a constructor of `Impact`.

    Sizes are counted in a hundredth of a rung, prices in the ladder's width over
    ``rungs * ticks_per_rung`` ticks.
    """
    spacing = width / rungs
    tick = spacing / ticks_per_rung
    lots = LOTS_PER_CURVE_RUNG
    lot = density * spacing / lots if density else sale / 10**9
    given = _in_steps(venue, parameters, tick, lot)
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, venue=getattr(cs.Impact, venue)(**given)
    )
    market.set_index(BASE_TICKS)
    if density:
        triggers = BASE_TICKS - ticks_per_rung * np.arange(rungs) - ticks_per_rung // 2
        engine.accounts.open_ladder(
            market, side="long", size=np.full(rungs, lots), trigger=triggers,
            bankruptcy=triggers - ticks_per_rung,
        )  # fmt: skip
    market.book.market("sell", round(sale / lot))
    shock = (BASE_TICKS - market.mark_ticks) * float(tick)
    result = engine.step()
    return Outcome(
        drop=(BASE_TICKS - market.mark_ticks) * float(tick),
        shock=shock,
        units=result.liquidated * float(density * spacing),
        rung=float(density * spacing),
        rung_drop=float("nan"),
        tick=float(tick),
        engine=engine,
        result=result,
    )


def _in_steps(
    venue: str, parameters: dict[str, Fraction], tick: Fraction, lot: Fraction
) -> dict[str, Any]:
    if venue == "square_root":
        return {"coefficient": float(parameters["coefficient"] / tick) * float(lot) ** 0.5}
    return {"depth": parameters["depth"] * tick / lot, "length": parameters["length"] / tick}


def rung_run(
    shock: Fraction, impact: Fraction, size: Fraction, spacing: Fraction, rungs: int
) -> Outcome:
    """Few rungs on an exact grid: everything is a whole number of ticks (L05)."""
    tick = common_step(shock, impact * size, spacing)
    step, push, moved = (int(x / tick) for x in (spacing, impact * size, shock))
    base = max(step * (rungs + 2) + moved + push * rungs, 10**6)
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market("X", tick_size=1, lot_size=1, venue=cs.Impact.linear(push))
    market.set_index(base)
    triggers = base - step * np.arange(1, rungs + 1)
    engine.accounts.open_ladder(
        market, side="long", size=1, trigger=triggers, bankruptcy=triggers - step
    )
    result = engine.step(index={"X": base - moved})
    return Outcome(
        drop=float((base - market.mark_ticks) * tick),
        shock=float(shock),
        units=result.liquidated * float(size),
        rung=float(size),
        rung_drop=float(impact * size),
        tick=float(tick),
        engine=engine,
        result=result,
    )


def generation_marks(shock: Fraction, ratio: Fraction, count: int) -> tuple[list[float], float]:
    """Cumulative drops after generation 0, 1, ... `count` in batch mode, and what they may be off.

    The rungs are cut so that each generation ends between two of them, where the numbers allow it;
    else a drop is off by up to two rungs a generation.
    """
    drops = [shock * sum(ratio**j for j in range(k + 1)) for k in range(count + 2)]
    spacing = common_step(*drops)
    rungs = -(-drops[-1] // spacing) + 1
    slack = 0.0
    if rungs > 10**6:
        slack = float(2 * count * ratio * drops[-1] / 10**6)
        spacing, rungs = drops[-1] / 10**6, 10**6 + 1
    ticks = ratio.denominator * max(1, min(2000, 2**29 // rungs) // ratio.denominator)
    engine = cs.Engine(asset_decimals=0, execution="batch")
    market = engine.add_market("X", tick_size=1, lot_size=1, venue=cs.Impact.linear(ratio * ticks))
    market.set_index(BASE_TICKS)
    triggers = BASE_TICKS - ticks * np.arange(1, int(rungs) + 1)
    engine.accounts.open_ladder(
        market, side="long", size=1, trigger=triggers, bankruptcy=triggers - ticks
    )
    result = engine.step(index={"X": BASE_TICKS - round(shock / spacing * ticks)})
    marks = result.events[result.events["kind"] == cs.EventKind.MARK]
    ends = [int(marks["price"][marks["wave"] == wave][-1]) for wave in range(count + 1)]
    return [(BASE_TICKS - end) / ticks * float(spacing) for end in ends], slack


def common_step(*values: Fraction) -> Fraction:
    """Largest step of which every value is a whole multiple."""
    values = tuple(value for value in values if value)
    return Fraction(
        gcd(*(value.numerator for value in values)), lcm(*(value.denominator for value in values))
    )
