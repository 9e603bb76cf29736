"""What a crowd of borrowers loses under bands and under ordinary liquidation, on the same paths.

    python examples/soft_liquidation.py

Two thousand borrowers owe dollars against ether in front of one venue. Once their ether lies in bands, which sell
it as the price falls and buy it back as it rises (crvUSD's soft liquidation), and once liquidators repay half
of a debt for collateral and a bonus. The price falls and comes back: slowly, in a zigzag, or at once.
Bands cost little on the way down and give the ether back, but every crossing costs a fee and the
difference between the bands' price and the venue's; a call costs its bonus once, and what was sold is gone.
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cascade as cs

BORROWERS = 2000
START = 2000
SECONDS = 600  # a step
SLOPE = "0.02"  # what a unit sold takes off the price, USD; none of it stays
BANDS = 10
THRESHOLD, BONUS = "0.86", "0.05"  # of ordinary liquidation; bands of a full loan lend as much
#: Prices given from outside, from 2,000 down to 1,500 and back.
PATHS = {
    "slow": [*range(2000, 1500, -5), *range(1500, 2001, 5)],
    "zigzag": [*range(2000, 1700, -5), *([*range(1700, 1600, -5), *range(1600, 1700, 5)] * 4),
               *range(1700, 2001, 5)],
    "gap": [2000, *[1500] * 20, *range(1500, 2001, 5)],
}  # fmt: skip


@dataclass
class Outcome:
    """What a crowd went through."""

    liquidated: int  # calls
    sold: float  # ether, by bands or in calls
    bought: float  # ether, back into bands
    lowest: float  # price at the venue, USD
    lost: float  # equity less than had nothing been done, USD, of those who had any
    bad_debt: float  # USD beyond the collateral at the end


def crowd() -> tuple[NDArray[Any], NDArray[Any]]:
    """Ether and dollars owed by borrower, a twentieth to an eighth above what is due at 2,000."""
    draw = np.random.default_rng(7)
    ether = np.round(draw.uniform(0.5, 2, BORROWERS), 3)
    return ether, np.round(ether * START * draw.uniform(0.55, 0.8, BORROWERS), 2)


def venue() -> tuple[cs.Engine, cs.Market]:
    """An engine with the market in which everything is sold and bought."""
    engine = cs.Engine()
    market = engine.add_market(
        "ETH", tick_size="0.01", lot_size="0.001", rules=cs.Rules(feed="last"),
        venue=cs.Impact.linear(SLOPE, permanent=0),
    )  # fmt: skip
    market.set_index(START)
    return engine, market


def outcome(
    engine: cs.Engine, start: NDArray[Any], now: NDArray[Any], sold: float, bought: float
) -> Outcome:
    """Read what happened from events and from what borrowers have at the end."""
    events = engine.events
    marks = events[(events["kind"] == cs.EventKind.MARK) & (events["market"] == 0)]
    calls = int((events["kind"] == cs.EventKind.LIQUIDATION).sum())
    lost = (start - np.maximum(now, 0)).sum()
    lowest = engine.market("ETH").ticks.number(int(marks["price"].min()))
    return Outcome(calls, sold, bought, lowest, float(lost), float(np.maximum(-now, 0).sum()))


def with_bands(path: list[int]) -> Outcome:
    """The crowd's collateral lies in bands."""
    engine, market = venue()
    bands = engine.lending.add_bands("bands", price=market, rules=cs.rules.crvusd())
    ether, debt = crowd()
    bands.open(collateral=ether, debt=debt, bands=BANDS)
    for price in path:
        engine.step(index={"ETH": price}, dt=SECONDS)
    stable, left = bands.holdings
    totals = bands.totals()
    lots = market.lots.number
    gone = bands.debts == 0
    now = np.where(gone, 0, stable + left * START - bands.debts)
    return outcome(engine, ether * START - debt, now, lots(totals["sold"]), lots(totals["bought"]))


def with_calls(path: list[int]) -> Outcome:
    """Liquidators repay half of a debt that is due, and take collateral worth that and a bonus."""
    engine, market = venue()
    rules = cs.LendingRules(close_factor=("fraction", "0.5"))
    pool = engine.lending.add("pool", rules=rules)
    pool.add_reserve("ETH", price=market, liquidation_threshold=THRESHOLD, liquidation_bonus=BONUS)
    pool.add_reserve("USD")
    ether, debt = crowd()
    pool["USD"].supply(round(float(debt.sum()) + 1))
    pool.open(collateral={"ETH": ether}, debt={"USD": debt})
    for price in path:
        engine.step(index={"ETH": price}, dt=SECONDS)
    columns = pool.columns()
    now = (columns["collateral"] - columns["debt"]) / 10**6
    events = engine.events
    seized = events[events["kind"] == cs.EventKind.SEIZE]["quantity"].sum()
    return outcome(engine, ether * START - debt, now, market.lots.number(int(seized)), 0)


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(arguments)
    print(f"{BORROWERS:,} borrowers, {crowd()[1].sum():,.0f} USD, from 2,000 to 1,500 and back")
    print("path    rules  calls  ETH sold  bought back  lowest price  lost, USD  bad debt")
    for name, path in PATHS.items():
        for rules, play in (("bands", with_bands), ("calls", with_calls)):
            got = play(path)
            print(
                f"{name:6}  {rules:5}  {got.liquidated:5,}  {got.sold:8,.1f}  {got.bought:11,.1f}  "
                f"{got.lowest:12,.0f}  {got.lost:9,.0f}  {got.bad_debt:8,.0f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
