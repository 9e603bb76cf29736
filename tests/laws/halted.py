"""Ladders whose cascade a circuit breaker interrupts, and impact that decays between generations.

The rungs are cut so that a generation ends between two of them, as in `ladders.generation_marks`.
Source of the laws: ../shared/rules/laws.md, L17 and L18.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

import cascade as cs
from laws.ladders import BASE_TICKS, common_step

PAUSE_SECONDS = 300
LOTS = 100  # of a rung


@dataclass
class Halted:
    """Drops in price units: at the halt, the largest of all, after everything; and one rung's."""

    at_halt: float
    largest: float
    last: float
    rung_drop: float
    pauses: int
    pending: int
    spacing: float


def fine_step(drops: list[Fraction], least: int) -> Fraction:
    """A step that divides every drop and is at most the last one's `least`-th part."""
    step = common_step(*drops)
    return step / max(1, -(-least * step // drops[-1]))


def uniform_market(
    shock: Fraction, ratio: Fraction, width: Fraction, step: Fraction, breaker: cs.Breaker | None,
    **curve: float,
) -> tuple[cs.Engine, cs.Market, float]:  # fmt: skip
    """A batch engine with one long every `step`; its market and the ticks of a price unit."""
    rungs = int(width / step)
    per_rung = ratio.denominator * LOTS
    ticks = per_rung * max(1, min(2000, 2**29 // max(rungs, 1)) // per_rung)
    engine = cs.Engine(asset_decimals=0, execution="batch")
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(breaker=breaker),
        venue=cs.Impact.linear(ratio * ticks / LOTS, **curve),
    )  # fmt: skip
    market.set_index(BASE_TICKS)
    triggers = BASE_TICKS - ticks * np.arange(1, rungs + 1)
    engine.accounts.open_ladder(
        market, side="long", size=LOTS, trigger=triggers, bankruptcy=triggers - ticks
    )
    return engine, market, ticks / float(step)


def halted_ladder(
    shock: Fraction, ratio: Fraction, generation: int, share: Fraction, rungs: int = 20_000
) -> Halted:
    """Halt after `generation`, let `share` of the displacement come back, go on."""
    drops = [shock * sum(ratio**j for j in range(k + 1)) for k in range(generation + 3)]
    end = shock / (1 - ratio) * Fraction(11, 10) if ratio < 1 else drops[generation + 2]
    step = fine_step([*drops[: generation + 2]], rungs)
    unit = _ticks_of(ratio, end, step)
    before, after = (int(drops[k] / step * unit) for k in (generation - 1, generation))
    level = Fraction((before + after) // 2, BASE_TICKS)
    breaker = cs.Breaker(
        close=BASE_TICKS,
        levels=[(Fraction(round(level * 10**9), 10**9), PAUSE_SECONDS)],
        replenish=share,
    )
    engine, market, per_price = uniform_market(shock, ratio, end, step, breaker)
    engine.step(index={"X": BASE_TICKS - round(float(shock) * per_price)}, dt=0)
    at_halt = BASE_TICKS - market.mark_ticks
    result = engine.step(dt=PAUSE_SECONDS)
    marks = engine.events[engine.events["kind"] == cs.EventKind.MARK]["price"]
    pauses = engine.events[engine.events["kind"] == cs.EventKind.HALT]
    return Halted(
        at_halt / per_price,
        (BASE_TICKS - int(marks[1:].min())) / per_price,
        (BASE_TICKS - market.mark_ticks) / per_price,
        float(ratio * step),
        int((pauses["code"] > 0).sum()),
        result.pending,
        float(step),
    )


def _ticks_of(ratio: Fraction, width: Fraction, step: Fraction) -> int:
    per_rung = ratio.denominator * LOTS
    return per_rung * max(1, min(2000, 2**29 // max(int(width / step), 1)) // per_rung)


def decaying_path(shock: Fraction, ratio: Fraction, kept: Fraction, count: int) -> list[float]:
    """Drops after each generation when impact decays to `kept` of itself between two of them.

    A breaker pauses the market after every fall, which gives the time between generations; what the
    impact loses in a pause shows at the first trade after it.
    """
    drops, impact = [shock], Fraction(0)
    # the law's own recursion, which says where rungs must not be cut
    for _ in range(count):
        new = max(Fraction(0), drops[-1] - max([Fraction(0), *drops[:-1]]))
        impact = kept * impact + ratio * new
        drops.append(shock + impact)
    step = common_step(*drops)
    breaker = cs.Breaker(reference="last", lower="1e-9", hard=False, pause=1)
    decay = {"permanent": 0.0, "decay_rate": -float(np.log(float(kept)))}
    engine, market, per_price = uniform_market(
        shock, ratio, max(drops) + step, step, breaker, **decay
    )
    engine.step(index={"X": BASE_TICKS - round(float(shock) * per_price)}, dt=0)
    path = [(BASE_TICKS - market.mark_ticks) / per_price]
    while engine.step(dt=1).liquidated:
        path.append((BASE_TICKS - market.mark_ticks) / per_price)
    return path
