"""Fuzz target: a damaged snapshot is refused, or what it loads is valid.

    python tests/fuzz/fuzz_snapshot.py --seconds 600

A snapshot is damaged in one of three ways: bytes of the file, bytes of one array inside it (so that
the checksums of the file are right again), or which arrays there are, their types and their shapes.
Loading may raise ValueError or OSError and nothing else.
"""

import contextlib
import io
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import cascade

sys.path.insert(0, str(Path(__file__).parent))
from running import run

LARGEST = 64
PATH = Path(tempfile.mkdtemp(prefix="fuzz-snapshot-"), "snapshot.npz")


class Snapshot(NamedTuple):
    """A saved object: its file's bytes, how to load it and what it must still be able to do."""

    data: bytes
    load: Callable[[Path], Any]
    use: Callable[[Any], None]


def bytes_of(saved) -> bytes:
    """What `saved.save` writes."""
    saved.save(PATH)
    return PATH.read_bytes()


def saved_book() -> Snapshot:
    """A book with queues, an iceberg, stops on both prices and one-sided accounts."""
    book = cascade.OrderBook(tick_size=1, lot_size=1, max_price=2000)
    book.load_depth(bids=[(99, 5), (98, 7)], asks=[(101, 5), (103, 7)])
    for account in range(3):
        book.limit("buy", 97 + account, 4, account=account, self_trade="both")
        book.limit("sell", 102, 30, display=3, account=account)
        book.stop("sell", 90 - account, 6, account=account)
        book.stop("buy", 110, 6, price=111, on="mark", account=account)
    book.mark = 100
    book.market("buy", 6)
    return Snapshot(bytes_of(book), cascade.OrderBook.load, use_book)


def use_book(book: cascade.OrderBook) -> None:
    """Trade through everything that rests, in lots: the damage may have changed the grid."""
    book.validate()
    book.state_hash()
    messages = np.zeros(3, dtype=cascade.MESSAGE_DTYPE)
    messages["kind"] = [2, 2, 6]  # market, market, cancel all
    messages["side"] = [1, 0, 0]
    messages["size"] = [40, 200, 0]
    messages["account"] = [-1, -1, 1]
    book.apply(messages)
    book.validate()


def saved_engine() -> Snapshot:
    """An engine in mid-cascade: isolated and cross accounts, orders, a stop, units still due."""
    engine = cascade.Engine(seed=5)
    engine.budget(accounts=2)
    rules = cascade.Rules(tiers=[(0, "0.01"), (5_000, "0.02")], liquidation_order="bankruptcy")
    markets = [engine.add_market(name, tick_size=1, lot_size=1, rules=rules) for name in "AB"]
    for market in markets:
        market.book.load_depth(
            bids=[(1000 - 5 * level, 3) for level in range(1, 20)],
            asks=[(1000 + 5 * level, 3) for level in range(1, 20)],
        )
    leverage = np.arange(5, 45, 5)
    engine.accounts.open(markets[0], side="long", size=4, entry=1000, leverage=leverage)
    traders = engine.accounts.create(2, balance=100_000)
    for market in markets:
        engine.accounts.open(
            market, side="short", size=2, entry=1000, leverage=10, mode="cross", account=traders
        )
    markets[0].book.limit("buy", 900, 5, account=int(traders[0]))
    markets[0].book.stop("sell", 800, 1, account=int(traders[1]))
    engine.fund_deposit(50)
    engine.residents.add(cascade.MarketMaker(market="B", depth=[(2, 1), (4, 1)], deposit=10_000))
    engine.residents.add(cascade.NoiseFlow(market="B", rate=2, size=1, open_orders=3))
    engine.residents.add(cascade.MarginCalls(market="A", warning=2, top_up_share="0.1"))
    markets[1].set_index(1000)
    engine.step(orders=[("A", selling(30))])
    assert engine.pending > 0
    return Snapshot(bytes_of(engine), cascade.Engine.load, use_engine)


def saved_halts() -> Snapshot:
    """An engine with circuit breakers: one market pauses with orders collected, one is open."""
    engine = cascade.Engine(seed=6)
    breakers = (
        cascade.Breaker(
            reference="window", lower="0.02", upper="0.02", window=60, pause=100, hard=False,
            extension=5, extensions=2, replenish="-0.5", cancel_only=2,
        ),
        cascade.Breaker(
            reference="mean", lower="0.1", window=60, close=1000, levels=[("0.2", 5)],
            limit_state=3, pause=None, throttle_lots=3, throttle_window=5, linked=True,
        ),
    )  # fmt: skip
    for name, breaker in zip("AB", breakers, strict=True):
        market = engine.add_market(
            name, tick_size=1, lot_size=1, rules=cascade.Rules(breaker=breaker)
        )
        market.book.load_depth(
            bids=[(1000 - 5 * level, 3) for level in range(1, 20)],
            asks=[(1000 + 5 * level, 3) for level in range(1, 20)],
        )
        engine.accounts.open(market, side="long", size=4, entry=1000, leverage=[20, 30, 40])
        for _ in range(4):
            engine.step(orders=[(name, selling(3))])
    engine.markets[0].book.limit("sell", 900, 20)
    engine.step(dt=3)
    engine.markets[0].book.limit("buy", 950, 7)
    assert engine.markets[0].halt_state.phase == "pause"
    return Snapshot(bytes_of(engine), cascade.Engine.load, use_engine)


def saved_pools() -> Snapshot:
    """An engine with a pool of each kind: traded in, fled from, with accounts that are still due; and the
    median of their marks over a window."""
    engine = cascade.Engine(seed=7)
    engine.budget(accounts=1)
    rules = cascade.Rules(tiers=[(0, "0.01")], feed="last")
    flee = ("0.02", "0.3")
    for name, venue in (
        ("P", cascade.ConstantProduct(300, 300_000, flee=flee)),
        ("R", cascade.Concentrated(1000, ((500, 1500, 9_000), (900, 1100, 5_000)), flee=flee)),
        ("S", cascade.Stableswap(300, 300_000, 20, peg=1000, flee=flee)),
    ):
        market = engine.add_market(
            name, tick_size="0.01", lot_size="0.01", rules=rules, venue=venue
        )
        engine.accounts.open(market, side="long", size=4, entry=1000, leverage=[20, 30, 40])
        market.pool.add_liquidity(100_000)
        engine.step(orders=[(name, selling(3000))])
    mean = cascade.Rules(feed="twap", average_of="index", average_time=4, observations=2)
    engine.add_market("M", tick_size="0.01", lot_size="0.01", rules=mean, follows=("P", "R", "S"))
    for name in "PRS":
        engine.step(orders=[(name, selling(3000))])
    assert engine.pending > 0
    return Snapshot(bytes_of(engine), cascade.Engine.load, use_engine)


def saved_lending() -> Snapshot:
    """An engine with three lending markets, delayed prices, liquidators, and borrowers still due."""
    engine = cascade.Engine(seed=7)
    market = engine.add_market(
        "X",
        tick_size=1,
        lot_size=1,
        venue=cascade.Impact.linear(1),
        rules=cascade.Rules(feed="last"),
    )
    market.set_index(1000)
    half = ("threshold", "0.5", "0.95")
    for name, oracle, rule, close in (
        ("A", cascade.Oracle(max_step="0.1"), "suppliers", half),
        ("B", cascade.Oracle(delay=3, heartbeat=50), "stays", half),
        ("C", None, "reserves", ("absorb", "0.5", 10**6)),
    ):
        rules = cascade.LendingRules(close_factor=close, fee="0.1", bad_debt=rule)
        lending = engine.lending.add(name, rules=rules)
        rate = cascade.KinkRate()
        lending.add_reserve(
            "X", price="X", liquidation_threshold="0.8", liquidation_bonus="0.1", oracle=oracle,
            interest=rate, liquidation_factor="0.9", borrowable=name != "C",
        )  # fmt: skip
        lending.add_reserve("USD", interest=rate, reserve_factor="0.2")
        lending["USD"].supply(10**6)
        lending.open(collateral={"X": [5, 5, 6]}, debt={"USD": [3000, 3600, 1000]})
    engine.liquidators.add(cascade.Liquidator(gas=1, latency=1))
    engine.liquidators.add(cascade.Liquidator(capital=2000, calls="single", choice="worst"))
    engine.budget(accounts=1)
    for price in (900, 850, 700):
        engine.step(index={"X": price}, dt=1)
    assert engine.pending > 0
    return Snapshot(bytes_of(engine), cascade.Engine.load, use_lending)


def use_lending(engine: cascade.Engine) -> None:
    """As any engine; then prices fall and borrowers call."""
    use_engine(engine)
    for lending in engine.lending:
        for name in lending.reserves:
            for call in (lending[name].supply, lending[name].redeem):
                with contextlib.suppress(ValueError, OverflowError):
                    call(3)
            for call in (lending.deposit, lending.borrow, lending.withdraw, lending.repay):
                with contextlib.suppress(ValueError, OverflowError):
                    call(0, name, 2)
            engine.validate()
    for market in engine.markets[:1]:
        with contextlib.suppress(ValueError, OverflowError):
            engine.step(index={market.name: 500}, dt=10)
            engine.step(dt=10**6)
        engine.validate()


def selling(lots: int) -> np.ndarray:
    """A market order of the world outside."""
    messages = np.zeros(1, dtype=cascade.MESSAGE_DTYPE)
    messages["kind"], messages["side"], messages["size"], messages["account"] = 2, 1, lots, -1
    return messages


def use_engine(engine: cascade.Engine) -> None:
    """Go on with the cascade; a refused step leaves a valid engine too."""
    engine.validate()
    engine.state_hash()
    for market in engine.markets:
        with contextlib.suppress(ValueError, OverflowError):
            engine.step(orders=[(market.name, selling(5))])
        engine.validate()


def flip(data: bytes, source: random.Random) -> bytes:
    """A few bytes changed, sometimes after the end was cut off."""
    changed = bytearray(data)
    if source.random() < 0.1:
        del changed[source.randrange(len(changed)) :]
    for _ in range(source.randint(1, 4)):
        if changed:
            changed[source.randrange(len(changed))] = source.choice((0, 1, 2, 127, 128, 255))
    return bytes(changed)


def change_values(arrays: dict[str, np.ndarray], source: random.Random) -> None:
    """Change bytes of one array."""
    name = source.choice([name for name, array in arrays.items() if array.size])
    array = arrays[name]
    changed = bytearray(array.tobytes())
    for _ in range(source.randint(1, 4)):
        changed[source.randrange(len(changed))] = source.choice((0, 1, 2, 127, 128, 255))
    arrays[name] = np.frombuffer(bytes(changed), array.dtype).reshape(array.shape)


def change_structure(arrays: dict[str, np.ndarray], source: random.Random) -> None:
    """Drop, rename, cut, reshape, retype or double one array."""
    name = source.choice(list(arrays))
    array = arrays.pop(name)
    choice = source.randrange(6)
    if choice == 1:
        arrays[name + "_"] = array
    elif choice == 2:
        arrays[name] = array.reshape(-1)[: source.randrange(array.size + 1)]
    elif choice == 3:
        arrays[name] = array.reshape(1, *array.shape)
    elif choice == 4:
        arrays[name] = np.zeros(array.shape, source.choice(["f8", "u1", "S3", "M8[ns]", "i2"]))
    elif choice == 5:
        arrays[name] = np.concatenate([array.reshape(-1)] * 2)


def damaged(data: bytes, source: random.Random) -> bytes:
    """The file with damage of one of the three ways."""
    way = source.randrange(3)
    if way == 0:
        return flip(data, source)
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = dict(archive)
    (change_values if way == 1 else change_structure)(arrays, source)
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


SNAPSHOTS = [saved_book(), saved_engine(), saved_halts(), saved_pools(), saved_lending()]


def check(data: bytes) -> None:
    """Load a damaged snapshot; use what loads."""
    source = random.Random(data)
    snapshot = source.choice(SNAPSHOTS)
    PATH.write_bytes(damaged(snapshot.data, source))
    try:
        loaded = snapshot.load(PATH)
    except (ValueError, OSError):
        return
    snapshot.use(loaded)


if __name__ == "__main__":
    run(check, LARGEST)
