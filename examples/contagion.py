"""Contagion: an exchange, two lending markets and two pools that hold the same collateral.

    python examples/contagion.py

One engine has a perpetual, two pools of the same coin, two lending markets and two liquidators
that serve both. Each protocol reads one venue and sells in another, so that a loss can go round:

    perpetual's mark -> beta's oracle -> beta's borrowers are sold in POOL-B -> alpha's oracle
    -> alpha's borrowers are sold in POOL-A -> perpetual's index -> perpetual

An arbitrageur ties POOL-B to POOL-A between steps. Somebody sells perpetuals, nothing else comes from outside;
the matrix says whose liquidations triggered whose. Printed with both lenders as they are, and with
each of the three taken out.
"""

import sys
from dataclasses import dataclass

import numpy as np

import cascade as cs

START = 2000
STEPS = 20
SALE = 10  # coins a step
GRID = {"tick_size": "0.01", "lot_size": "0.001"}


@dataclass
class Outcome:
    """What happened in one world."""

    matrix: cs.Contagion
    marks: dict[str, float]
    bad_debt: float


def venues(engine: cs.Engine) -> None:
    """Two pools at the same price and a perpetual whose index is the first one's mark."""
    rules = cs.Rules(tiers=((0, 0),), feed="last")
    engine.add_market(
        "POOL-A", **GRID, rules=rules, venue=cs.ConstantProduct(1500, 1500 * START, "0.0005")
    )
    engine.add_market(
        "POOL-B",
        **GRID,
        rules=rules,
        venue=cs.ConstantProduct(1500, 1500 * START, "0.0005"),
        follows="POOL-A",
    )
    engine.residents.add(
        cs.Arbitrageur(market="POOL-B", deposit=3_000_000, size=5, threshold="0.003")
    )
    # makers who quote round the index, half a dollar lower for each coin they hold
    engine.add_market(
        "ETH-PERP",
        **GRID,
        rules=cs.Rules(tiers=((0, "0.01"),), feed="last"),
        venue=cs.Impact.linear("0.5"),
        follows="POOL-A",
    )


def traders(engine: cs.Engine, generator: np.random.Generator) -> None:
    """Two hundred longs of leverage 4 to 20."""
    size = np.round(generator.uniform(0.2, 2.0, 200), 3)
    leverage = np.round(generator.uniform(4, 20, 200), 2)
    engine.accounts.open("ETH-PERP", side="long", size=size, entry=START, leverage=leverage)


def lender(
    engine: cs.Engine, name: str, price: str, venue: str, generator: np.random.Generator
) -> None:
    """A lending market with 150 borrowers against the coin."""
    bank = engine.lending.add(name, rules=cs.LendingRules(close_factor=("fraction", "0.5")))
    bank.add_reserve(
        "ETH", price=price, venue=venue, liquidation_threshold="0.85", liquidation_bonus="0.04"
    )
    bank.add_reserve("USD")
    bank["USD"].supply(5_000_000)
    coins = np.round(generator.uniform(2, 12, 150), 3)
    health = generator.uniform(1.02, 1.7, 150)
    bank.open(collateral={"ETH": coins}, debt={"USD": np.round(coins * START * 0.85 / health, 2)})


def sale(coins: float) -> np.ndarray:
    """A market order of somebody outside."""
    message = np.zeros(1, cs.MESSAGE_DTYPE)
    message["kind"], message["side"], message["account"] = cs.MessageKind.MARKET, 1, -1
    message["size"] = round(coins * 1000)
    return message


def play(*, longs: bool = True, alpha: bool = True, beta: bool = True) -> Outcome:
    """One world, with some of its members left out."""
    engine = cs.Engine(seed=3, asset_decimals=5)
    engine.fund_deposit(100_000)
    venues(engine)
    crowds = np.random.default_rng(8).spawn(3)
    if longs:
        traders(engine, crowds[0])
    if alpha:
        lender(engine, "alpha", "POOL-B", "POOL-A", crowds[1])
    if beta:
        lender(engine, "beta", "ETH-PERP", "POOL-B", crowds[2])
    engine.liquidators.add(cs.Liquidator(gas=5, min_profit=1))
    engine.liquidators.add(cs.Liquidator(capital=20_000))
    bad_debt = 0.0
    for _ in range(STEPS):
        bad_debt += engine.step(orders=[("ETH-PERP", sale(SALE))]).bad_debt
    engine.validate()
    names = ("ETH-PERP", "POOL-A", "POOL-B")
    marks = {name: engine.market(name).mark or 0.0 for name in names}
    return Outcome(cs.Contagion.of(engine), marks, bad_debt)


WORLDS: dict[str, dict[str, bool]] = {
    "all": {},
    "without alpha": {"alpha": False},
    "without beta": {"beta": False},
    "without longs": {"longs": False},
}


def printed(outcomes: dict[str, Outcome]) -> str:
    """Both matrices of the whole world, then a line for each world."""
    whole = outcomes["all"]
    lines = ["liquidations", whole.matrix.table(), "", "USD", whole.matrix.table(notional=True), ""]
    lines.append("world          liquidations  by another  ETH-PERP   POOL-A   POOL-B")
    for name, one in outcomes.items():
        marks = "  ".join(f"{mark:7,.0f}" for mark in one.marks.values())
        total, spread = int(one.matrix.counts.sum()), one.matrix.spread
        lines.append(f"{name:<13}  {total:>12,}  {spread:>10.3f}   {marks}")
    return "\n".join(lines)


def main() -> int:
    """Print the worlds."""
    print(printed({name: play(**given) for name, given in WORLDS.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
