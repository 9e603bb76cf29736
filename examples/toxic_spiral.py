"""The toxic liquidation spiral, and two ways to stop it.

    python examples/toxic_spiral.py [--plot FILE]

A liquidator repays debt and takes collateral for it and a bonus. Once debts are above 1 / (1 + bonus) of the
collateral, each call takes away more than its part of the collateral: the health factor falls, the next
call is due at once, and in the end there is a debt and no collateral, though there was collateral enough
to pay it (Warmuz, Chaudhary and Pinna, "Toxic Liquidation Spirals", 2022). First one account in figures,
then a crowd on a thin venue, where what is seized is sold and the sales move the price on. Both under
three rules: calls whatever happens; none beyond the frontier (`halt_above="frontier"`); and a bonus that is
never more than what collateral exceeds debts by (`bonus="covered"`).
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cascade as cs

THRESHOLD, BONUS = "0.95", "0.05"
CLOSING = (
    "threshold",
    "0.5",
    "0.95",
)  # half of a debt a call, all of it at a health of 0.95 or less
RULES = {
    "calls as ever": {},
    "halted": {"halt_above": "frontier"},
    "covered bonus": {"bonus": "covered"},
}
BORROWERS = 400
START = 2000
#: Prices given from outside: a gap, some unrest, and the way back.
OUTSIDE = (2000, 1860, 1870, 1860, 1880, 1900, 1920, 1940, 1960, 1980, 2000)
SHOWN = 6  # states of the one account
SLOPE = "0.2"  # what a unit sold takes off the price, USD; half of it for good


@dataclass
class Outcome:
    """What a crowd of borrowers went through."""

    calls: int
    lowered: int  # calls that lowered the health factor
    sold: float  # ETH
    lowest: float  # USD
    lost: float  # debts that nothing pays any more, USD
    path: NDArray[Any]  # price after each step, USD


def one_account(rules: dict[str, Any]) -> list[tuple[float, float, float]]:
    """Debt, value of the collateral and health of an account before and after each of a few calls."""
    engine = cs.Engine(asset_decimals=8)
    flat = cs.Rules(tiers=((0, 0),), feed="index")
    engine.add_market("C", tick_size=0.01, lot_size=0.000001, rules=flat).set_index(0.78)
    pool = engine.lending.add("pool", rules=cs.LendingRules(close_factor=CLOSING, **rules))
    pool.add_reserve(
        "C", price="C", venue=None, liquidation_threshold=THRESHOLD, liquidation_bonus=BONUS
    )
    pool.add_reserve("USD")
    pool["USD"].supply(1000)
    engine.liquidators.add(cs.Liquidator(calls="single"))
    pool.open(collateral={"C": [1000]}, debt={"USD": [750]})
    found = []
    done = 1
    while done and len(found) < SHOWN:
        columns = pool.columns()
        values = (float(columns[name][0]) / 1e8 for name in ("debt", "collateral"))
        found.append((*values, float(pool.health[0])))
        done = engine.step(dt=1).liquidated
    return found


def crowd() -> tuple[cs.Engine, NDArray[Any], NDArray[Any]]:
    """A thin venue, and collateral and debts of borrowers between 0.80 and 0.93 of their collateral."""
    engine = cs.Engine(asset_decimals=2)
    venue = cs.Impact.linear(SLOPE, permanent=0.5, decay_rate=0.5)
    plain = cs.Rules(tiers=((0, 0),), feed="last")
    engine.add_market("ETH", tick_size=1, lot_size=0.01, rules=plain, venue=venue).set_index(START)
    generator = np.random.default_rng(7)
    held = generator.integers(20, 400, BORROWERS) / 100
    owed = np.round(held * START * generator.uniform(0.80, 0.93, BORROWERS))
    return engine, held, owed


def play(rules: dict[str, Any]) -> Outcome:
    """The crowd under rules, through the prices of `OUTSIDE`."""
    engine, held, owed = crowd()
    pool = engine.lending.add("pool", rules=cs.LendingRules(close_factor=CLOSING, **rules))
    pool.add_reserve("ETH", price="ETH", liquidation_threshold=THRESHOLD, liquidation_bonus=BONUS)
    pool.add_reserve("USD")
    pool["USD"].supply(10_000_000)
    pool.open(collateral={"ETH": held}, debt={"USD": owed})
    path = []
    for price in OUTSIDE:
        engine.step(index={"ETH": price}, dt=60)
        path.append(engine.market("ETH").mark)
    events = engine.events
    of = {
        kind: events[events["kind"] == kind] for kind in (cs.EventKind.SEIZE, cs.EventKind.HEALTH)
    }
    marks = events[(events["kind"] == cs.EventKind.MARK) & (events["market"] == 0)]
    lowest = int(marks["price"].min())
    columns = pool.columns()
    lacking = np.maximum(columns["debt"] - columns["collateral"], 0).sum()
    return Outcome(
        calls=len(of[cs.EventKind.HEALTH]),
        lowered=int(of[cs.EventKind.HEALTH]["side"].sum()),
        sold=float(of[cs.EventKind.SEIZE]["quantity"].sum()) / 100,
        lowest=float(lowest),
        lost=float(lacking) / 100,
        path=np.array(path),
    )


def print_account(name: str, rows: list[tuple[float, float, float]]) -> None:
    """A line for each state of the account."""
    print(f"{name}")
    print("    debt  collateral  health")
    for debt, collateral, health in rows:
        print(f"{debt:8.2f}  {collateral:10.2f}  {health:6.4f}")


def print_crowd(outcomes: dict[str, Outcome]) -> None:
    """A line for each of the rules."""
    print(f"\n{BORROWERS} borrowers, {START:,} USD, a gap to {min(OUTSIDE):,} and the way back")
    print("rules           calls  lowered health  ETH sold  lowest price  lost, USD")
    for name, found in outcomes.items():
        print(
            f"{name:<14}  {found.calls:5,}  {found.lowered:14,}  {found.sold:8.2f}"
            f"  {found.lowest:12,.0f}  {found.lost:9,.0f}"
        )


def plot(outcomes: dict[str, Outcome], file: str) -> None:
    """Prices under the rules, to a file."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4))
    for name, found in outcomes.items():
        axes.plot(found.path, label=name)
    axes.plot(OUTSIDE, "k:", label="outside")
    axes.set(xlabel="step", ylabel="USD")
    axes.legend()
    figure.savefig(file, dpi=120)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> int:
    """Print both tables; exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", metavar="FILE", help="save a figure (needs matplotlib)")
    options = parser.parse_args(arguments)
    for name, rules in RULES.items():
        print_account(name, one_account(rules))
    outcomes = {name: play(rules) for name, rules in RULES.items()}
    print_crowd(outcomes)
    if options.plot:
        plot(outcomes, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
