"""The magnet effect: traders who anticipate a halt bring it nearer.

    python examples/magnet_effect.py [--runs N] [--plot FILE]

A market with noise, whose impact decays half away, halts at a fall of 3 %. The same noise is traded
twice: alone, and with traders who hold a stock each and sell it the sooner the nearer the halt is,
because nobody can sell in a halt. Printed by distance to the halt: volatility and skewness of the price
changes over the next ten seconds, volume, and how many runs end in a halt. After Chen, Petukhov, Wang
and Xing (2024), "The dark side of circuit breakers", where volatility, negative skewness and volume rise
as the price comes near. In the last half percent the halt itself cuts the changes short.
"""

import argparse
import sys
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cascade as cs

START = 10_000  # ticks
THRESHOLD = 0.03
STEPS = 240
HORIZON = 10  # steps that a change spans, fewer before a halt
NOISE_LOTS = 40
HOLDERS = 100
HELD_LOTS = 20
#: A trader sells within a step with this chance at the threshold, and none at `REACH` from it.
MOST_LIKELY = 0.03
REACH = 0.015
EDGES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04)


@dataclass
class Sample:
    """What happened at each step of all runs that was not in a halt."""

    distance: NDArray[Any]  # to the threshold before the step, as a share of the start
    change: NDArray[Any]  # of the price over the horizon, as a share of the start
    volume: NDArray[Any]  # lots
    halted: float  # share of the runs that ended in a halt


def market_with_breaker() -> tuple[cs.Engine, cs.Market]:
    """A market that pauses at the threshold, whose impact decays by half to what is permanent."""
    engine = cs.Engine(asset_decimals=0)
    breaker = cs.Breaker(close=START, lower=str(THRESHOLD), hard=False, pause=None)
    venue = cs.Impact.linear("0.5", permanent=0.5, decay_rate=0.5)
    market = engine.add_market(
        "X", tick_size=1, lot_size=1, rules=cs.Rules(breaker=breaker), venue=venue
    )
    market.set_index(START)
    return engine, market


def market_order(lots: int) -> NDArray[Any]:
    """A market order from outside: lots bought, or sold when negative."""
    message = np.zeros(1, cs.MESSAGE_DTYPE)
    message["kind"], message["side"] = cs.MessageKind.MARKET, int(lots < 0)
    message["account"], message["size"] = -1, abs(lots)
    return message


def anticipating(generator: np.random.Generator, holders: int, distance: float) -> int:
    """How many holders sell in a step at a distance to the threshold."""
    nearness = max(0.0, 1 - max(distance, 0.0) / REACH)
    return int(generator.binomial(holders, MOST_LIKELY * nearness))


def one_run(seed: int, with_holders: bool) -> tuple[list[tuple[float, float, int]], bool]:
    """Rows (distance, change, volume) of a run up to its halt or its end, and whether it halted."""
    noise, choices = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    engine, market = market_with_breaker()
    holders = HOLDERS if with_holders else 0
    marks, traded, halted = [market.mark_ticks], [], False
    for lots in np.rint(noise.normal(0, NOISE_LOTS, STEPS)).astype(int):
        distance = marks[-1] / START - (1 - THRESHOLD)
        sellers = anticipating(choices, holders, distance)
        holders -= sellers
        sent = [int(lots), -HELD_LOTS * sellers]
        orders = [("X", market_order(size)) for size in sent if size]
        result = engine.step(orders=orders, dt=1)
        marks.append(market.mark_ticks)
        traded.append(int(result.volume_lots))
        halted = market.halt_state.phase != "open"
        if halted:
            break
    prices = np.array(marks) / START
    ends = np.minimum(np.arange(len(traded)) + HORIZON, len(traded))
    changes = prices[ends] - prices[:-1]
    kept = len(traded) if halted else len(traded) - HORIZON
    rows = zip(prices[:kept] - (1 - THRESHOLD), changes[:kept], traded[:kept], strict=True)
    return list(rows), halted


def sample(runs: int, with_holders: bool) -> Sample:
    """All steps of `runs` runs; run k has the same noise with and without holders."""
    rows: list[tuple[float, float, int]] = []
    halted = 0
    for seed in range(runs):
        found, stopped = one_run(seed, with_holders)
        rows += found
        halted += stopped
    distance, change, volume = (np.array(column) for column in zip(*rows, strict=True))
    return Sample(distance, change, volume, halted / runs)


def by_distance(found: Sample) -> list[dict[str, float]]:
    """Volatility, skewness and volume of the steps that began within each interval of `EDGES`."""
    table = []
    for low, high in pairwise(EDGES):
        inside = (found.distance >= low) & (found.distance < high)
        change = found.change[inside]
        deviation = change.std()
        table.append(
            {
                "low": low, "high": high, "steps": int(inside.sum()),
                "volatility": float(deviation),
                "skewness": float(((change - change.mean()) ** 3).mean() / deviation**3),
                "volume": float(found.volume[inside].mean()),
            }
        )  # fmt: skip
    return table


def printed(plain: Sample, magnetic: Sample) -> str:
    """Both tables beside each other."""
    lines = [
        f"runs that end in a halt: {plain.halted:.1%} without, {magnetic.halted:.1%} with "
        "traders who anticipate it",
        "",
        "distance to halt    volatility (bp)      skewness         volume (lots)",
        "                    without   with    without   with    without   with",
    ]
    for a, b in zip(by_distance(plain), by_distance(magnetic), strict=True):
        lines.append(
            f"{a['low']:6.1%} ... {a['high']:4.1%}    "
            f"{1e4 * a['volatility']:7.1f}{1e4 * b['volatility']:8.1f}"
            f"{a['skewness']:10.2f}{b['skewness']:8.2f}{a['volume']:9.1f}{b['volume']:8.1f}"
        )
    return "\n".join(lines)


def plot(plain: Sample, magnetic: Sample, path: str) -> None:
    """Volatility, skewness and volume against the distance to the halt."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
    for found, label in ((plain, "without"), (magnetic, "with anticipation")):
        table = by_distance(found)
        middle = [50 * (row["low"] + row["high"]) for row in table]
        for axis, name, scale in zip(
            axes, ("volatility", "skewness", "volume"), (1e4, 1, 1), strict=True
        ):
            axis.plot(middle, [scale * row[name] for row in table], marker="o", label=label)
    titles = ("volatility over 10 s, bp", "skewness over 10 s", "volume of a step, lots")
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("distance to the halt, % of the close")
        axis.invert_xaxis()
    axes[0].legend(fontsize=8)
    figure.savefig(path, dpi=80)


def main(arguments: list[str] | None = None) -> int:
    """Run the experiment and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=600)
    parser.add_argument("--plot", metavar="FILE", help="save a figure (needs matplotlib)")
    options = parser.parse_args(arguments)
    plain, magnetic = sample(options.runs, False), sample(options.runs, True)
    print(printed(plain, magnetic))
    if options.plot:
        plot(plain, magnetic, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
