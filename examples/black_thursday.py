"""A crowd of vaults, a gap, and keepers who do not get through: what collateral auctions bring then.

    python examples/black_thursday.py

A thousand vaults owe dai against ether, which falls from 200 to 95 within five hours, half of it at once.
Vaults that are due are barked and their collateral is auctioned; keepers who take sell it in a pool that
arbitrageurs hold at the outside price. Two sets of terms: those polled for Maker's ETH-A, which reset an auction
below 0.4 of its first price or after 8,400 seconds, and patient ones, which let the price fall to nothing in six
hours. Three kinds of keepers: many with borrowed money, who act within a minute; and one with little capital, dear
gas and transactions that are stuck for an hour or for five and a half, as on 12 March 2020, when lots went for
next to nothing.
"""

import sys
from dataclasses import dataclass

import numpy as np

import cascade as cs

VAULTS, SEED = 1000, 312
GRID = {"tick_size": "0.01", "lot_size": "0.001"}
COIN, DAI = 1000, 10**5  # lots and atoms of one
POOL = 400_000  # ether
STEPS, SECONDS = 96, 600
#: Outside price from these seconds on.
PATH = ((0, 150), (1800, 130), (7200, 110), (18_000, 95), (25_200, 105))
TERMS = {
    "polled": cs.rules.maker_liq2(dust=100, hole=None, chip=0),
    "patient": cs.rules.maker_liq2(
        dust=100, hole=None, chip=0, price=("linear", 6 * 3600), tail=6 * 3600, cusp=0
    ),
}
KEEPERS = {
    "many, a minute": [cs.Liquidator(gas=5, latency=60) for _ in range(3)],
    "one, an hour": [cs.Liquidator(gas=150, capital=2000, latency=3600)],
    "one, 5.5 hours": [cs.Liquidator(gas=150, capital=2000, latency=5.5 * 3600)],
}


@dataclass(frozen=True)
class Outcome:
    """What a day left.

    Attributes
    ----------
    barked, resets : int
        Vaults barked, and auctions begun anew.
    debt, paid, awaited, shortfall : float
        Dai: debt taken over, paid for lots, of the debt still to be collected, and lost.
    sold : float
        Ether.
    share, lowest : float
        Dai paid over the worth of the ether at the outside price: of all, and of the cheapest take.
    """

    barked: int
    resets: int
    debt: float
    paid: float
    awaited: float
    shortfall: float
    sold: float
    share: float
    lowest: float


def outside(seconds: float) -> float:
    """Outside price of the step that begins then."""
    return [price for start, price in PATH if start <= seconds][-1]


def world(rules: cs.LendingRules, keepers: list[cs.Liquidator]) -> cs.Engine:
    """The pool, those who hold it at the outside price, the vaults and the keepers."""
    engine = cs.Engine(asset_decimals=5, seed=SEED)
    market = engine.add_market(
        "ETH", **GRID, rules=cs.Rules(tiers=((0, 0),), feed="index"),
        venue=cs.ConstantProduct(POOL, POOL * 200, "0.003"),
    )  # fmt: skip
    market.set_index(200)
    engine.residents.add(
        cs.Arbitrageur(market="ETH", deposit=10**9, size=POOL / 20, threshold="0.003")
    )
    maker = engine.lending.add("maker", rules=rules)
    maker.add_reserve("ETH", price="ETH", liquidation_threshold="0.666666666", borrowable=False)
    maker.add_reserve("DAI", price=None, collateral=False)
    maker["DAI"].supply(20_000_000)
    random = np.random.default_rng(SEED)
    coins = np.round(random.lognormal(np.log(60), 1, VAULTS), 3)
    ratio = random.uniform(1.6, 4.0, VAULTS)
    maker.open(collateral={"ETH": coins}, debt={"DAI": np.round(coins * 200 / ratio, 2)})
    for keeper in keepers:
        engine.liquidators.add(keeper)
    return engine


def play(rules: cs.LendingRules, keepers: list[cs.Liquidator]) -> Outcome:
    """Sixteen hours in steps of ten minutes."""
    engine = world(rules, keepers)
    for step in range(STEPS):
        engine.step(index={"ETH": outside(step * SECONDS)}, dt=SECONDS)
    engine.validate()
    events, kind = engine.events, cs.EventKind
    takes = events[events["kind"] == kind.TAKE]
    coins, paid = takes["quantity"] / COIN, takes["money"] / DAI
    worth = coins * [outside(time / 10**9 - SECONDS) for time in takes["time"].tolist()]
    barked = events[events["kind"] == kind.KICK]
    taken = events[(events["kind"] == kind.REPAY) & (events["counterparty"] == -2)]
    lost = events[events["kind"] == kind.BAD_DEBT]
    return Outcome(
        barked=len(np.unique(barked["account"])),
        resets=int((events["kind"] == kind.REDO).sum()),
        debt=int(taken["quantity"].sum()) / DAI,
        paid=float(paid.sum()),
        awaited=engine.lending["maker"]["DAI"].row()["awaited"] / DAI,
        shortfall=int(lost["quantity"].sum()) / DAI,
        sold=float(coins.sum()),
        share=float(paid.sum() / worth.sum()) if len(takes) else float("nan"),
        lowest=float((paid / worth).min()) if len(takes) else float("nan"),
    )


def days() -> dict[tuple[str, str], Outcome]:
    """All keepers under all terms."""
    return {
        (who, name): play(rules, keepers)
        for who, keepers in KEEPERS.items()
        for name, rules in TERMS.items()
    }


def printed(found: dict[tuple[str, str], Outcome]) -> str:
    """The table."""
    lines = [
        f"{VAULTS:,} vaults, 200 to 95",
        "keepers         terms    barked       debt  ETH sold  paid of worth  lowest  resets"
        "  not collected  shortfall",
    ]
    for (who, name), one in found.items():
        share, lowest = ("-" if np.isnan(x) else f"{x:.1%}" for x in (one.share, one.lowest))
        lines.append(
            f"{who:<14}  {name:<7}  {one.barked:>6,}  {one.debt:>9,.0f}  {one.sold:>8,.0f}"
            f"  {share:>13}  {lowest:>6}  {one.resets:>6,}  {one.awaited:>13,.0f}"
            f"  {one.shortfall:>9,.0f}"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(printed(days()))
