"""Adapters of the laws about halts: each runs the engine with a circuit breaker on the law's market."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from case import Answer, Inputs
from laws import halted, ladders

from cascade import laws as law

NEAR = Fraction(1, 200)


def replenishment(i: Inputs) -> Answer:
    shock, ratio, above, count = i["D0"], i["R"], i["R_super"], int(i["k"])
    needed, needed_above = (law.critical_replenishment(float(r), count) for r in (ratio, above))
    stopped, short, stopped_above = (
        halted.halted_ladder(shock, r, count, share)
        for r, share in (
            (ratio, Fraction(round(needed * 10**9), 10**9) + NEAR),
            (ratio, Fraction(5, 100)),
            (above, Fraction(round(needed_above * 10**9), 10**9) + NEAR),
        )
    )
    for r, at, run in ((ratio, needed, stopped), (above, needed_above, stopped_above)):
        less = Fraction(round(at * 10**9), 10**9) - NEAR
        going_on = halted.halted_ladder(shock, r, count, less)
        if run.largest != run.at_halt or going_on.largest <= going_on.at_halt:
            raise ValueError(f"R {float(r)}: shares beside {at:g} end at {run} and {going_on}")
    free = ladders.linear_ladder(shock, Fraction(1), ratio, width=4 * shock / (1 - ratio),
                                 execution="batch")  # fmt: skip
    slack, slack_short = 2 * free.rung_drop, 2 * short.rung_drop / float(1 - ratio)
    return Answer(
        {
            "theta_c": needed,
            "theta_c_super": needed_above,
            "D_halted": stopped.largest,
            "D_halted_super": stopped_above.largest,
            "D_unhalted": free.drop,
            "cut_factor": stopped.largest / free.drop,
            "D_theta_005": short.largest,
        },
        {"D_unhalted": slack, "cut_factor": slack / free.drop, "D_theta_005": slack_short},
    )


def resilience(i: Inputs) -> Answer:
    shock, ratio = i["D0"], i["R"]
    found: dict[str, Any] = {}
    for kept in i.given["delta"]:
        name = f"{round(10 * i.exact(kept)):02d}"
        path = halted.decaying_path(shock, ratio, i.exact(kept), 3)
        found |= {f"path_{name}": path, f"peak_{name}": max(path)}
    free = ladders.linear_ladder(shock, Fraction(1), ratio, width=4 * shock / (1 - ratio))
    return Answer(found | {"no_decay_limit": free.drop}, {"no_decay_limit": 2 * free.rung_drop})


RULES: dict[str, Callable[..., Any]] = {"L17": replenishment, "L18": resilience}
