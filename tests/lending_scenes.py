"""Lending engines, twin or compiled, that go through the same random history of prices and calls."""

import importlib
import random

from reference import engine as twin

REFUSED = (ValueError, OverflowError)


def words_of(kit):
    """Where LendingRules, Oracle, KinkRate and Liquidator of an implementation are."""
    return twin if kit.name == "twin" else importlib.import_module("cascade")


def lending_engine(kit, seed, absorb=False):
    """Two price markets, three reserves, borrowers, liquidators; and the source of what follows."""
    words, source = words_of(kit), random.Random(seed)
    engine = kit.engine(asset_decimals=6, execution=source.choice(["sequential", "batch"]))
    for name, tick, lot, price, scale in (
        ("ETH", 0.01, 0.01, 2000, 1),
        ("BTC", 0.1, 0.001, 30_000, 100),
    ):
        market = engine.add_market(
            name, tick_size=tick, lot_size=lot, venue=kit.linear(1, 20, tick=scale),
            rules=kit.Rules(tiers=((0, 0),), feed="last"),
        )  # fmt: skip
        market.set_index(price)
    close = source.choice(
        [("whole",), ("fraction", "0.5"), ("threshold", "0.5", "0.95"), ("target", "1.1")]
    )
    if absorb:
        close = ("absorb", source.choice(["0.5", "0.8", 1]), source.choice([0, 2000, 10**6]))
    rules = words.LendingRules(
        close_factor=close,
        bonus=source.choice([("fixed",), ("health", "0.02", "0.15"), ("discount", "0.2")]),
        fee=source.choice([0, "0.1"]),
        trigger=source.choice(["<", "<="]),
        bad_debt=source.choice(["stays", "deficit", "reserves", "suppliers"]),
        zero_price=source.choice(["skipped", "given", "refused"]),
        fee_on=source.choice(["bonus", "repay"]),
        sentinel="0.9",
    )
    lending = engine.lending.add("pool", rules=rules)
    add_reserves(words, lending, source, not absorb)
    liquidator = words.Liquidator(gas=2, min_profit=1, latency=source.choice([0, 3]))
    engine.liquidators.add(liquidator)
    engine.liquidators.compete = source.choice(["order", "bids"])
    engine.liquidators.add(words.Liquidator(capital=5000, choice="worst", calls="single"))
    lending.open(
        collateral={"ETH": [2, 1, 3, 0, 5], "BTC": [0, 0.1, 0, 0.2, 0.05]},
        debt={"USD": [3000, 3100, 2000, 4100, 9000]}
        | ({} if absorb else {"ETH": [0, 0, 0, 0.1, 0.01]}),
    )
    owed = ("USD",) if absorb else ("USD", "ETH")
    lending.add_category(
        "coins",
        collateral=("BTC", "ETH"),
        borrowable=owed,
        liquidation_threshold="0.9",
        loan_to_value="0.85",
        liquidation_bonus="0.02",
    )
    held = {"ETH": [4, 1], "BTC": [0, 0.1]}
    lending.open(collateral=held, debt={"USD": [7000, 4200]}, category="coins")
    lending.open(collateral={"NEW": [2, 2]}, debt={"USD": [2100, 500]})
    engine.lending.cap("ETH", supply=5000, borrow=1)
    return engine, source


def add_reserves(words, lending, source, several):
    """Ether and bitcoin with oracles of their own, and money."""
    rate = source.choice(
        [
            words.KinkRate("0.01", "0.04", "0.6", "0.8"),
            words.KinkRate("0.01", "0.04", "0.6", "0.8", compounding="binomial"),
            words.JumpRate("0.01", "0.1", 2, "0.1", supply=("0.002", "0.05", 1, "0.2")),
            words.AdaptiveRate(target="0.3", steepness=2),
        ]
    )
    oracle = source.choice(
        [
            None,
            words.Oracle(delay=2),
            words.Oracle(deviation="0.01", heartbeat=30),
            words.Oracle(max_step="0.03"),
        ]
    )
    lending.add_reserve(
        "ETH", price="ETH", liquidation_threshold="0.8", loan_to_value="0.75", reserve_factor="0.1",
        liquidation_bonus="0.05", interest=rate, oracle=oracle, supply_cap=100_000,
        borrowable=several, liquidation_factor="0.93",
    )  # fmt: skip
    lending.add_reserve(
        "BTC", price="BTC", venue=None, liquidation_threshold="0.7", liquidation_bonus="0.1",
        borrow_factor="0.9", oracle=words.Oracle(delay=4), borrowable=several,
        liquidation_factor="0.9", refinement=1000,
    )  # fmt: skip
    lending.add_reserve(
        "USD", liquidation_threshold="0.9", interest=rate, reserve_factor="0.2",
        borrow_cap=10**6, borrowable_in_isolation=True,
    )  # fmt: skip
    lending.add_reserve(
        "NEW", price="ETH", liquidation_threshold="0.6", debt_ceiling=3000 if several else None, borrowable=False,
        account_cap=4, account_share="0.6",
    )  # fmt: skip
    lending["USD"].supply(1_000_000)
    lending["ETH"].supply(1000)
    lending["BTC"].supply(100)


def go_on(engine, source, steps):
    """Calls of borrowers and suppliers, and steps with falling prices; what was refused."""
    lending, refused = engine.lending["pool"], []
    for _ in range(steps):
        name = source.choice(["ETH", "BTC", "USD", "USD", "NEW"])
        amount = {"ETH": 0.31, "BTC": 0.017, "USD": 711.31, "NEW": 0.43}[name]
        account = source.randrange(9)
        call = source.choice(
            [
                *("deposit", "withdraw", "borrow", "repay", "supply", "redeem"),
                *("set_category", "sequencer"),
            ]
        )
        try:
            if call == "sequencer":
                lending.sequencer(source.random() < 0.7, grace=source.choice([0, 2, 3600]))
            elif call == "set_category":
                lending.set_category(account, source.choice([None, "coins"]))
            elif call in ("supply", "redeem"):
                getattr(lending[name], call)(amount)
            else:
                getattr(lending, call)(account, name, amount)
        except REFUSED:
            refused.append((call, name))
        index = {
            "ETH": round(source.uniform(900, 2100), 2),
            "BTC": round(source.uniform(14_000, 31_000), 1),
        }
        if source.random() < 0.3:
            del index["ETH"]
        if source.random() < 0.2:
            failure = source.choice(["zero", "stale", "reverts", None])
            lending[source.choice(["ETH", "BTC", "USD"])].fail_oracle(failure)
        engine.step(index=index, dt=source.choice([1, 5, 3600, 86_400 * 30]))
    return refused
