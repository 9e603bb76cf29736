"""Speed of lending markets against what they promise, and against a rescan of columns in NumPy.

    python bench/bench_lending.py [--accounts 1000000] [--rounds 3]

A million borrowers, each with two collaterals and one debt. A quiet price update moves a mark and finds
nobody due; a shock sells into a constant-product pool until the price has fallen by 30 %, and what then
falls due is sold into the same pool, call by call, each moving the price that the next one is tested at.
The rescan tests all accounts after each price with vector operations, and liquidates nobody. A move within
bands of soft liquidation changes the health of every loan that has collateral there.
"""

import argparse
import gc
import statistics
import time
from typing import NamedTuple

import numpy as np

import cascade as cs
from cascade._lendingquote import quote_lots

PRICES = {"ETH": 2000.0, "BTC": 30_000.0}
THRESHOLDS = {"ETH": 0.8, "BTC": 0.75}
DEPTH = 400.0  # value of a pool's quote side over the value an account's collateral has on average
QUIET_STEPS = 2_000


class Row(NamedTuple):
    """A line of the table; `met` is None for what has no target."""

    what: str
    measured: str
    target: str
    met: bool | None


class Crowd(NamedTuple):
    """Amounts by account."""

    eth: np.ndarray
    btc: np.ndarray
    debt: np.ndarray


def crowd(count: int, seed: int = 1) -> Crowd:
    """Lognormal collateral, and health factors from just above one on: a fifth below 1.43."""
    random = np.random.default_rng(seed)
    eth = np.round(random.lognormal(0, 1, count) + 0.01, 3)
    btc = np.round(random.lognormal(-4, 1, count) + 0.001, 4)
    borne = eth * PRICES["ETH"] * THRESHOLDS["ETH"] + btc * PRICES["BTC"] * THRESHOLDS["BTC"]
    health = 1.005 + random.exponential(1.8, count)
    return Crowd(eth, btc, np.floor(borne / health))


def lending_engine(people: Crowd) -> tuple[cs.Engine, cs.LendingMarket]:
    """Pools as deep as the crowd is rich, and the crowd's accounts."""
    engine = cs.Engine()
    count = len(people.eth)
    steps = {"ETH": ("0.01", "0.001"), "BTC": ("0.1", "0.0001")}
    for name, (tick, lot) in steps.items():
        held = people.eth if name == "ETH" else people.btc
        base = round(DEPTH * float(held.mean()) * count / 40, 3)
        pool = cs.ConstantProduct(base=base, quote=base * PRICES[name], fee="0.003")
        engine.add_market(
            name, tick_size=tick, lot_size=lot, rules=cs.Rules(tiers=((0, 0),)), venue=pool
        )
    lending = engine.lending.add("lend", rules=cs.LendingRules(bad_debt="deficit"))
    for name, threshold in THRESHOLDS.items():
        lending.add_reserve(
            name, price=name, liquidation_threshold=str(threshold), liquidation_bonus="0.05"
        )
    lending.add_reserve("USD")
    lending["USD"].supply(int(people.debt.sum()) + 1)
    engine.reserve(accounts=count, positions=3 * count)
    lending.open(collateral={"ETH": people.eth, "BTC": people.btc}, debt={"USD": people.debt})
    return engine, lending


def sale(engine: cs.Engine, name: str, fall: float) -> np.ndarray:
    """A market order that takes a constant product's price down by the share."""
    market = engine.market(name)
    base = market.pool.reserves[0]
    lots = int(base * ((1 - fall) ** -0.5 - 1) / float(market.lots.step))
    message = np.zeros(1, cs.MESSAGE_DTYPE)
    message["account"], message["kind"], message["side"], message["size"] = -1, 2, 1, lots
    return message


def quiet_time(engine: cs.Engine) -> float:
    """Median seconds of a step that moves one price by a few ticks."""
    times = []
    small = np.zeros(1, cs.MESSAGE_DTYPE)
    small["account"], small["kind"], small["size"] = -1, 2, 20
    for step in range(QUIET_STEPS):
        small["side"] = step % 2
        begin = time.perf_counter()
        engine.step(orders=[("ETH", small)])
        times.append(time.perf_counter() - begin)
        engine.clear_events()
    return statistics.median(times)


class Shock(NamedTuple):
    """A cascade: calls, seconds a call, looks a call, seconds in all."""

    calls: int
    per_call: float
    looks: float


def shock_time(people: Crowd, rounds: int) -> Shock:
    """Median over rounds of a 30 % shock to both prices."""
    found = []
    for _ in range(rounds):
        engine, _ = lending_engine(people)
        engine.step()
        engine.clear_events()
        engine.reserve(events=10 * len(people.eth) // 2)
        orders = [(name, sale(engine, name, 0.3)) for name in PRICES]
        gc.collect()
        begin = time.thread_time()
        result = engine.step(orders=orders)
        took = time.thread_time() - begin
        calls = max(result.liquidated, 1)
        found.append(Shock(result.liquidated, took / calls, result.resolved / calls))
        engine.validate()
        del engine
    return sorted(found, key=lambda shock: shock.per_call)[len(found) // 2]


def quote_times() -> list[float]:
    """Seconds to quote a sale over 1, 2, 4 and 8 constant-product pools, a call's overhead taken off."""
    engine = cs.Engine()
    names = [f"pool {k}" for k in range(8)]
    for k, name in enumerate(names):
        base = 30_000 + 1_000 * k
        pool = cs.ConstantProduct(base=base, quote=base * 2000, fee="0.003")
        engine.add_market(
            name, tick_size="0.01", lot_size="0.001", rules=cs.Rules(tiers=((0, 0),)), venue=pool
        )
    lending = engine.lending.add("lend")
    found = []
    for count in (1, 2, 4, 8):
        reserve = lending.add_reserve(str(count), price=names[0], venue=names[:count])
        per_quote = []
        for _ in range(5):
            took = []
            for lots in (0, 12_345):
                begin = time.thread_time()
                for _ in range(20_000):
                    quote_lots(engine, reserve.number, 1, lots)
                took.append(time.thread_time() - begin)
            per_quote.append((took[1] - took[0]) / 20_000)
        found.append(min(per_quote))
    return found


class Move(NamedTuple):
    """A step that moves the price within bands that hold many loans."""

    seconds: float
    looks: float
    inside: int


def move_time(loans: int) -> Move:
    """Median and mean of 40 steps of a tenth of a band each, with the trades that follow, amid the crowd."""
    engine = cs.Engine(asset_decimals=5)
    market = engine.add_market(
        "ETH",
        tick_size="0.01",
        lot_size="0.001",
        rules=cs.Rules(tiers=((0, 0),), feed="index"),
    )
    market.set_index(3000)
    rules = cs.BandRules(loan_discount="0.09", liquidation_discount="0.02")
    bands = engine.lending.add_bands("bands", price="ETH", venue=None, rules=rules)
    debts = np.round(np.random.default_rng(1).uniform(0.78, 0.85, loans) * 300, 2)
    bands.open(collateral=0.1, debt=debts, bands=10)
    price = 3000.0
    while price > 2760:
        price *= 0.997
        engine.step(index={"ETH": round(price, 2)}, dt=600)
    columns, active = bands.columns(), bands.active_band
    inside = int(((columns["first"] <= active) & (columns["last"] >= active)).sum())
    times, before = [], bands.evaluations
    for _ in range(40):
        price *= 0.999
        begin = time.perf_counter()
        engine.step(index={"ETH": round(price, 2)}, dt=600)
        times.append(time.perf_counter() - begin)
    engine.validate()
    looks = (bands.evaluations - before) / len(times)
    return Move(statistics.median(times), looks, inside)


def rescan_time(people: Crowd) -> float:
    """Seconds that NumPy needs to find who is due at one price."""
    times = []
    for k in range(5):
        price = PRICES["ETH"] * (1 - 0.001 * k)
        begin = time.perf_counter()
        borne = people.eth * (price * THRESHOLDS["ETH"])
        borne += people.btc * (PRICES["BTC"] * THRESHOLDS["BTC"])
        np.flatnonzero(borne < people.debt)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def rows(accounts: int, rounds: int) -> list[Row]:
    """The table."""
    people = crowd(accounts)
    engine, _ = lending_engine(people)
    quiet = quiet_time(engine)
    del engine
    rescan = rescan_time(people)
    large, small = shock_time(people, rounds), shock_time(crowd(10_000), rounds)
    growth = large.per_call / small.per_call
    quotes = quote_times()
    moved, few = move_time(100_000), move_time(1_000)
    rate = 1 / large.per_call
    return [
        Row("quiet price update", f"{quiet * 1e6:.2f} us", "< 10 us", quiet < 1e-5),
        Row("- one rescan in NumPy", f"{rescan / quiet:,.0f} x", "", None),
        Row(
            f"shock, {large.calls:,} calls", f"{rate:,.0f} a second", ">= 250,000", rate >= 250_000
        ),
        Row("- looks a call", f"{large.looks:.2f}", "", None),
        Row("- a rescan a call in NumPy", f"{rescan / large.per_call:,.0f} x", "", None),
        Row("- a call over one of 10,000 borrowers", f"{growth:.2f} x", "<= 3", growth <= 3),
        Row("quote of a sale, one pool", f"{quotes[0] * 1e9:.0f} ns", "", None),
        *(
            Row(f"- over {count} pools", f"{took / quotes[0]:.0f} x", "", None)
            for count, took in zip((2, 4, 8), quotes[1:], strict=True)
        ),
        Row(f"move in a band of {moved.inside:,} loans", f"{moved.seconds * 1e6:.0f} us", "", None),
        Row("- looks", f"{moved.looks:.1f}", "", None),
        Row(f"- over a band of {few.inside:,}", f"{moved.seconds / few.seconds:.1f} x", "", None),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for row in rows(options.accounts, options.rounds):
        met = {True: "yes", False: "NO", None: ""}[row.met]
        print(f"{row.what:45}{row.measured:>22}{row.target:>14}{met:>5}", flush=True)


if __name__ == "__main__":
    main()
