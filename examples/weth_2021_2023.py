"""100,000 borrowers against ether through two years of hourly prices, and what two crashes did to them.

    python examples/weth_2021_2023.py [PRICES.csv[.gz]] [--oracle outside|pool] [--seed N]

PRICES has the columns timestamp (milliseconds) and USD_price, a row an hour; the default is the recording beside
the project. Reserves are Aave's on Ethereum in October 2023, rules those of Aave v3.0, the pool a constant product
that outside traders keep at the recorded price. On the first hour of each month borrowers are brought up to
100,000: those who were closed are replaced, and those above a health of 2.5 borrow back to a health drawn anew. So
there are borrowers of all healths on every date, and none who knows what comes.
"""

import argparse
import csv
import gzip
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import numpy as np

import cascade as cs
from cascade.scenarios.lending import outside_trade, pool_price_ticks

RECORDED = (
    Path(__file__).resolve().parents[2] / "shared" / "data" / "weth_usd_hourly_2021_2023.csv.gz"
)
BORROWERS = 100_000
#: Constant product of which 300,000 ether stand at 2,000 dollars.
POOL_BASE_AT_2000 = 300_000
POOL_FEE = Fraction(3, 1000)
#: Collateral in dollars; who has less cannot pay for a call, nor anybody for theirs.
VALUE_LEAST, VALUE_MEDIAN, VALUE_SIGMA, VALUE_MAX = 2_000, 5_000, 1.2, 20_000_000
HEALTH_LEAST, HEALTH_MEDIAN, HEALTH_SIGMA, HEALTH_IDLE = 1.1, 1.7, 0.6, 2.5
GAS = 20
THRESHOLD = 0.83
MILLION = 10**6
WINDOWS = (
    ("19 May 2021", datetime(2021, 5, 19, tzinfo=UTC), datetime(2021, 5, 24, tzinfo=UTC)),
    ("November 2022", datetime(2022, 11, 7, tzinfo=UTC), datetime(2022, 11, 15, tzinfo=UTC)),
    ("all", datetime(2021, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
)
HEADER = (
    "window", "first", "lowest", "borrowers", "calls", "repaid", "largest hour", "bad debt", "pool lowest",
    "hours beyond 1 %",
)  # fmt: skip


@dataclass
class Hour:
    """What a step did; money in dollars.

    `away` is how far the pool stands from the outside price when the hour's liquidations are done, as a share;
    `borrowers` those with collateral and debt when the day began.
    """

    when: datetime
    price: float
    calls: int
    repaid: float
    bad_debt: float
    away: float
    borrowers: int


def read_prices(path: Path) -> list[tuple[int, float]]:
    """Milliseconds and prices of a recording."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    rows = csv.DictReader(text.splitlines())
    return [(int(row["timestamp"]), float(row["USD_price"])) for row in rows]


class Market:
    """The lending market, its pool and its borrowers.

    Parameters
    ----------
    price : float
        Of the first hour.
    oracle : {"outside", "pool"}
        Whether reserves believe the outside price, read when it has moved by 0.5 % or an hour passed, or the
        pool's average over half an hour.
    seed : int
    """

    def __init__(self, price: float, oracle: str, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.engine = engine = cs.Engine(seed=seed)
        grid = {"tick_size": "0.01", "lot_size": "0.0001"}
        base = round(POOL_BASE_AT_2000 * (2000 / price) ** 0.5)
        pool = cs.ConstantProduct(base, round(base * price), fee=POOL_FEE)
        feed = {"feed": "ema", "average_time": 1800} if oracle == "pool" else {"feed": "last"}
        self.pool = engine.add_market(
            "ETH pool", venue=pool, rules=cs.Rules(tiers=((0, 0),), **feed), **grid
        )
        rules = cs.Rules(tiers=((0, 0),), feed="index")
        self.outside = engine.add_market("ETH outside", rules=rules, **grid)
        for market in (self.pool, self.outside):
            market.set_index(round(price, 2))
        rules = cs.LendingRules.from_protocol(cs.rules.aave_v3("3.0"), fee="0.1")
        self.lending = engine.lending.add("aave", rules=rules)
        believed = cs.Oracle(deviation="0.005", heartbeat=3600)
        self.lending.add_reserve(
            "WETH",
            price=self.pool if oracle == "pool" else self.outside,
            venue=self.pool,
            liquidation_threshold=str(THRESHOLD),
            loan_to_value="0.805",
            liquidation_bonus="0.05",
            oracle=None if oracle == "pool" else believed,
        )
        rate = cs.KinkRate(slope1="0.035", slope2="0.6", optimal="0.9")
        usd = self.lending.add_reserve("USDC", price=None, interest=rate, reserve_factor="0.1")
        usd.supply(3 * 10**9)
        engine.liquidators.add(cs.Liquidator(gas=GAS, halvings=2))

    def healths(self, count: int) -> np.ndarray:
        """Health factors that borrowers choose."""
        part = np.exp(HEALTH_SIGMA * self.random.standard_normal(count))
        return HEALTH_LEAST + (HEALTH_MEDIAN - HEALTH_LEAST) * part

    def owing(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """Who has both collateral and debt, by account."""
        return columns["member"] & (columns["owed"] > 0) & (columns["collateral"] > 0)

    def refill(self) -> None:
        """Replace who was closed and let who is far from any danger borrow more."""
        columns = self.lending.columns()
        owing = self.owing(columns)
        price = self.lending["WETH"].price
        missing = BORROWERS - int(owing.sum())
        value = VALUE_MEDIAN * np.exp(VALUE_SIGMA * self.random.standard_normal(missing))
        held = np.round(np.clip(value, VALUE_LEAST, VALUE_MAX) / price, 4)
        debt = np.floor(held * price * THRESHOLD / self.healths(missing) * 100) / 100
        idle = np.flatnonzero(owing & (columns["borne"] > HEALTH_IDLE * columns["owed"]))
        wanted = columns["borne"][idle] / self.healths(len(idle)) - columns["owed"][idle]
        for account, atoms in zip(idle.tolist(), wanted.tolist(), strict=True):
            if atoms > 10**6:
                self.lending.borrow(account, "USDC", int(atoms / 10**4) / 100)
        if missing:
            self.lending.open(collateral={"WETH": held}, debt={"USDC": debt})

    def hour(self, price: float, seconds: float) -> cs.StepResult:
        """An hour: the outside price, outside traders, and whom it pays to liquidate."""
        ticks = round(price * 100)
        index = {"ETH pool": ticks / 100, "ETH outside": ticks / 100}
        return self.engine.step(
            orders=outside_trade(self.pool, ticks, POOL_FEE), index=index, dt=seconds
        )


def play(prices: list[tuple[int, float]], oracle: str, seed: int) -> list[Hour]:
    """Drive a market through a recording."""
    market = Market(prices[0][1], oracle, seed)
    hours: list[Hour] = []
    month, day, before = None, None, prices[0][0]
    borrowers = 0
    for stamp, price in prices:
        when = datetime.fromtimestamp(stamp / 1000, UTC)
        if (when.year, when.month) != month:
            month = (when.year, when.month)
            market.refill()
            market.engine.clear_events()
        if when.date() != day:
            day = when.date()
            borrowers = int(market.owing(market.lending.columns()).sum())
        result = market.hour(price, Fraction(stamp - before, 1000))
        before = stamp
        away = pool_price_ticks(market.pool) / round(price * 100) - 1
        hours.append(
            Hour(when, price, result.liquidated, result.notional, result.bad_debt, away, borrowers)
        )
    market.engine.validate()
    return hours


def row(name: str, hours: list[Hour]) -> tuple[str, ...]:
    """Cells of a window's line."""
    return (
        name,
        f"{hours[0].price:,.0f}",
        f"{min(hour.price for hour in hours):,.0f}",
        f"{hours[0].borrowers:,}",
        f"{sum(hour.calls for hour in hours):,}",
        f"{sum(hour.repaid for hour in hours) / MILLION:,.2f}",
        f"{max(hour.repaid for hour in hours) / MILLION:,.2f}",
        f"{sum(hour.bad_debt for hour in hours):,.0f}",
        f"{100 * min(hour.away for hour in hours):.1f} %",
        f"{sum(abs(hour.away) > 0.01 for hour in hours):,}",
    )


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Lines in Markdown."""
    lines = [HEADER, ("---",) * len(HEADER), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main(arguments: list[str] | None = None) -> int:
    """Play the recording and print a line a window."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prices", nargs="?", type=Path, default=RECORDED, metavar="PRICES.csv")
    parser.add_argument("--oracle", choices=("outside", "pool"), default="outside")
    parser.add_argument("--seed", type=int, default=20210519)
    options = parser.parse_args(arguments)
    if not options.prices.exists():
        print(
            f"no prices at {options.prices}: give a CSV with the columns timestamp and USD_price",
            file=sys.stderr,
        )
        return 2
    hours = play(read_prices(options.prices), options.oracle, options.seed)
    rows = []
    for name, first, last in WINDOWS:
        inside = [hour for hour in hours if first <= hour.when < last]
        if inside:
            rows.append(row(name, inside))
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
