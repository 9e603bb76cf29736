"""Speed and memory of the engine against what it promises, as ratios measured in one run.

    python bench/bench_engine.py [--accounts 1000000] [--rounds 5] [--peer-python python-with-lrvx]
    pytest bench --benchmark-only [--accounts 10000 --peer-accounts 5000]

The first form prints a table: what, measured, target, met. What is compared is measured in
interleaved rounds, and medians are compared. Times of one thread are its processor time, which
others on the machine disturb less than the clock on the wall; only threads are timed by the clock.
"""

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import bench_book
import crowds
import numpy as np
import pytest
from compiled import heap_module, resident_bytes

import cascade as cs

HERE = Path(__file__).parent
QUIET_STEPS = 2_000


class Row(NamedTuple):
    """A line of the table; `met` is None for what has no target."""

    what: str
    measured: str
    target: str
    met: bool | None


def processor_time(work: Callable[[], object]) -> float:
    """Seconds of this thread in `work`."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


# ---------------------------------------------------------------- the book


def book_rows(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Batches against the best id-addressed C++ book, and single calls."""
    if bench_book.SHARED.exists():
        library = bench_book.reference_library(folder)
        for profile in ("flow", "cascade", "deep"):
            ratio = book_ratio(library, profile, options)
            yield Row(f"book, batch, {profile}", f"{ratio:.2f} x C++", ">= 0.8", ratio >= 0.8)
    else:
        yield Row("book, batch", f"no {bench_book.SHARED}", ">= 0.8", None)
    empty = bench_book.empty_method(folder)
    for name, make in (("book.limit", cs.OrderBook), ("engine's book.limit", market_book)):
        above = call_time(make, empty, options.rounds)
        yield Row(f"one call, {name}", f"{above:.0f} ns above empty", "<= 150", above <= 150)


def book_ratio(library: object, profile: str, options: argparse.Namespace) -> float:
    """Throughput as a share of the best reference variant's."""
    rows, info = bench_book.workload(profile, options.messages, options.files)
    rows = np.ascontiguousarray(rows)
    messages = bench_book.messages_of(rows)
    library.reference_load(rows.ctypes.data, len(rows))
    variants = range(library.reference_variants())
    times: dict[object, list[float]] = {name: [] for name in ["ours", *variants]}
    for _ in range(options.rounds):
        for variant in variants:
            times[variant].append(library.reference_run(variant))
        spent, fills = bench_book.time_batch(messages, info)
        times["ours"].append(spent)
    if bench_book.trade_hash(fills) != info["trade_hash"]:
        raise SystemExit(f"{profile}: the trades differ")
    ours = statistics.median(times.pop("ours"))
    return min(statistics.median(values) for values in times.values()) / ours


def market_book() -> object:
    """The book of a market in an engine that has one account, which sends the orders."""
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market("A", tick_size=1, lot_size=1)
    engine.accounts.create(4, balance=10**15)
    engine.reserve(events=300_000)
    return market.book


def call_time(
    make: Callable[[], object], empty: Callable, rounds: int, count: int = 50_000
) -> float:
    """Nanoseconds of one limit order that rests, above an empty compiled method."""
    prices = [1_000 + (at * 7919) % 50 for at in range(count)]
    spent: dict[str, list[float]] = {"limit": [], "empty": []}
    for _ in range(rounds):
        book = make()
        book.reserve(count, 0, count, prices=(1, 2_000))
        for name, call in (("limit", book.limit), ("empty", empty)):
            begin = time.thread_time_ns()
            for price in prices:
                call("buy", price, 5, account=3)
            spent[name].append((time.thread_time_ns() - begin) / count)
    return statistics.median(spent["limit"]) - statistics.median(spent["empty"])


# ---------------------------------------------------------------- quiet marks and opening


def quiet_steps(engine: cs.Engine, steps: int = QUIET_STEPS) -> None:
    for at in range(steps):
        engine.step(index={"A": 50_000 + at % 2})


def quiet_rows(options: argparse.Namespace) -> Iterator[Row]:
    """A mark that liquidates nobody, at three sizes."""
    sizes = [max(1, options.accounts // share) for share in (100, 10, 1)]
    engines = {count: crowds.quiet_engine(count) for count in sizes}
    times: dict[int, list[float]] = {count: [] for count in sizes}
    for _ in range(2 * options.rounds):
        for count, engine in engines.items():
            spent = processor_time(lambda engine=engine: quiet_steps(engine))
            times[count].append(spent / QUIET_STEPS * 1e6)
            engine.clear_events()
    median = {count: statistics.median(values) for count, values in times.items()}
    for count in sizes:
        yield Row(
            f"quiet mark, {count:,} accounts",
            f"{median[count]:.2f} us",
            "< 5 us",
            median[count] < 5,
        )
    growth = median[sizes[-1]] / median[sizes[0]]
    yield Row(
        f"quiet mark, {sizes[-1]:,} over {sizes[0]:,}", f"{growth:.2f} x", "<= 1.2", growth <= 1.2
    )


def open_rows(options: argparse.Namespace) -> Iterator[Row]:
    """Opening a crowd from float columns."""
    population = crowds.crowd(options.accounts, longs=0.5)
    times = []
    for _ in range(options.rounds):
        market = crowds.quiet_engine(1)["A"]
        times.append(processor_time(lambda market=market: crowds.open_crowd(market, population)))
    spent = statistics.median(times)
    limit = options.accounts / 1_000_000
    yield Row(
        f"open {options.accounts:,} accounts", f"{spent:.2f} s", f"< {limit:g} s", spent < limit
    )


# ---------------------------------------------------------------- cascades


class Crashed(NamedTuple):
    """Seconds of a crash, and what it did."""

    seconds: float
    liquidated: int
    resolved: int

    @property
    def each(self) -> float:
        """Nanoseconds a liquidation."""
        return self.seconds / self.liquidated * 1e9


def crash(count: int, per_level: float, markets: int = 1) -> Crashed:
    prepared = crowds.book_crash(count, per_level, markets=markets)
    begin = time.thread_time()
    result = prepared.run()
    return Crashed(time.thread_time() - begin, result.liquidated, result.resolved)


def repeated_crash(count: int, per_level: float) -> Crashed:
    """Seconds and counts of as many small crashes as liquidate some ten thousand accounts."""
    runs = [crash(count, per_level) for _ in range(max(1, 20_000 // count))]
    return Crashed(*(sum(column) for column in zip(*runs, strict=True)))


def middle(runs: list[Crashed]) -> Crashed:
    """The run with the median time."""
    return sorted(runs)[len(runs) // 2]


def pop_time(heap: SimpleNamespace, count: int) -> float:
    """Nanoseconds of one bare pop, while half of a heap of random keys is popped."""
    keys = np.random.default_rng(5).integers(-20 * count, 0, count)
    bare = heap.BareHeap(keys)
    return processor_time(lambda: bare.pop(count // 2)) / (count // 2) * 1e9


def single_market_rows(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Half of the accounts liquidated through the book of one market."""
    count, small = options.accounts, max(100, options.accounts // 100)
    heap = heap_module(folder)
    kinds = {"large": (count, 1), "small": (small, 1), "deep": (count, 50)}
    runs: dict[str, list[Crashed]] = {kind: [] for kind in kinds}
    pops = []
    for _ in range(options.rounds):
        for kind, (accounts, per_level) in kinds.items():
            work = repeated_crash if kind == "small" else crash
            runs[kind].append(work(accounts, per_level))
            gc.collect()
        pops.append(pop_time(heap, count))
    large, little, deep = (middle(runs[kind]) for kind in kinds)
    pop = statistics.median(pops)
    for run, depth in ((large, "one account a level"), (deep, "50 accounts a level")):
        rate, share = run.liquidated / run.seconds, run.each / pop
        name = f"{run.liquidated:,} of {count:,} through the book, {depth}"
        yield Row(name, f"{rate:,.0f}/s", ">= 1,000,000/s", rate >= 1e6)
        yield Row(
            "- over a bare pop",
            f"{run.each:.0f} / {pop:.0f} ns = {share:.1f} x",
            "<= 3",
            share <= 3,
        )
    growth = large.each / little.each
    name = f"- time each at {count:,} over {small:,}, one account a level"
    yield Row(
        name, f"{large.each:.0f} / {little.each:.0f} ns = {growth:.2f} x", "<= 2.5", growth <= 2.5
    )


def venue_rows(options: argparse.Namespace) -> Iterator[Row]:
    """The crash under Binance's brackets, and under deleveraging, partial closes and a backstop."""
    count = options.accounts
    kinds = (
        ("Binance's tiers", cs.rules.binance_usdm("BTCUSDT"), 1.0, 0.0),
        ("the same after a gap, and deleveraging", cs.rules.binance_usdm("BTCUSDT"), 0.5, 0.015),
        (
            "Hyperliquid's partial closes above 1,000 and backstop",
            cs.rules.hyperliquid(
                "BTC", partial=("fraction", "0.2", 1_000, 30), liquidation_order="bankruptcy"
            ),
            0.5,
            0.015,
        ),
    )
    for name, rules, longs, gap in kinds:
        runs = []
        for _ in range(max(1, options.rounds // 2)):
            prepared = crowds.venue_crash(count, rules, longs, gap)
            begin = time.thread_time()
            result = prepared.run()
            runs.append((time.thread_time() - begin, result.liquidated, result.adl_lots))
        seconds, liquidated, deleveraged = sorted(runs)[len(runs) // 2]
        rate = liquidated / seconds
        what = f"{liquidated:,} of {count:,}, {name}"
        yield Row(
            what, f"{rate:,.0f}/s, {deleveraged:,} lots deleveraged", ">= 500,000/s", rate >= 5e5
        )


def cross_rows(options: argparse.Namespace) -> Iterator[Row]:
    """Half of the cross-margin accounts with a position in each of three markets."""
    count = options.accounts
    rounds = max(1, options.rounds // 2)
    for per_level, depth in ((1, "one account a level"), (50, "50 accounts a level")):
        run = middle([crash(count, per_level, markets=3) for _ in range(rounds)])
        rate = run.liquidated / run.seconds
        name = f"{run.liquidated:,} of {count:,} cross, three books, {depth}"
        yield Row(name, f"{rate:,.0f}/s", ">= 250,000/s", rate >= 250_000)
        looked = run.resolved / run.liquidated
        yield Row("- units looked at for each", f"{looked:.2f}", "reported", None)


def deleveraging_rows(options: argparse.Namespace) -> Iterator[Row]:
    """One wave of deficits that nobody fills, against as many winners as there are accounts."""
    winners, deficits = options.accounts, max(1, options.accounts // 100)
    for policy in ("bitmex", "binance", "size", "hyperliquid"):
        times = []
        for _ in range(options.rounds):
            engine = crowds.deleveraged_crowd(winners, deficits, policy)
            begin = time.thread_time()
            result = engine.step()
            times.append(time.thread_time() - begin)
        spent = statistics.median(times)
        name = f"{result.liquidated:,} deficits against {winners:,} winners, {policy}"
        yield Row(name, f"{spent:.3f} s, {result.adl_accounts:,} hit", "< 1 s", spent < 1)


class Parallel(NamedTuple):
    """Seconds on the clock, processor seconds and waits of all threads together."""

    clock: float
    processor: float
    waits: int


def in_threads(works: list[Callable[[], object]]) -> Parallel:
    """Run each in a thread of its own. A thread that waits for a lock gives its processor up by
    itself, which the system counts apart from the times when it is taken away."""
    spent: list[tuple[float, int]] = []

    def timed(work: Callable[[], object]) -> None:
        waits = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        seconds = processor_time(work)
        spent.append((seconds, resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - waits))

    threads = [threading.Thread(target=timed, args=(work,)) for work in works]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    clock = time.perf_counter() - begin
    return Parallel(clock, sum(seconds for seconds, _ in spent), sum(waits for _, waits in spent))


def crash_in_threads(count: int, engines: int) -> Parallel:
    return in_threads([crowds.book_crash(count, 50).run for _ in range(engines)])


def pop_in_threads(heap: SimpleNamespace, count: int, heaps: int) -> Parallel:
    keys = np.random.default_rng(5).integers(-20 * count, 0, count)
    bare = [heap.BareHeap(keys) for _ in range(heaps)]
    return in_threads([lambda held=held: held.pop(count) for held in bare])


def gain(one: list[float], two: list[float]) -> float:
    """Twice the work over the time it took, in times of the work alone."""
    return 2 * statistics.median(one) / statistics.median(two)


def thread_rows(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Two engines in two threads against one, and the same of bare heaps, which share nothing."""
    count = max(1, options.accounts // 2)
    heap = heap_module(folder)
    kinds = {
        "engines": lambda threads: crash_in_threads(count, threads),
        "bare heaps": lambda threads: pop_in_threads(heap, count, threads),
    }
    runs: dict[tuple[str, int], list[Parallel]] = {(k, n): [] for k in kinds for n in (1, 2)}
    for _ in range(2 * options.rounds):
        for kind, threads in runs:
            runs[kind, threads].append(kinds[kind](threads))
    for kind in kinds:
        one, two = runs[kind, 1], runs[kind, 2]
        by_clock = gain([run.clock for run in one], [run.clock for run in two])
        met = by_clock >= 1.8 if kind == "engines" else None
        target = ">= 1.8 x" if kind == "engines" else "what is free here"
        yield Row(f"two {kind} in two threads, by the clock", f"{by_clock:.2f} x", target, met)
        by_processor = gain([run.processor for run in one], [run.processor / 2 for run in two])
        waits = statistics.median(run.waits for run in two)
        measured = f"{by_processor:.2f} x, {waits:g} waits"
        yield Row("- by processor time, had each a core", measured, "reported", None)


# ---------------------------------------------------------------- the peer


class PeerMissingError(Exception):
    """The peer cannot be imported by the interpreter that was named."""


def peer_run(python: str, population: crowds.PeerCrowd, folder: Path) -> dict:
    """Run lrvx in its own interpreter; its seconds and counts."""
    file = folder / "crowd.npz"
    np.savez(file, **population._asdict())
    command = [python, str(HERE / "peer_lrvx.py"), str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    if "No module named" in done.stderr:
        raise PeerMissingError(done.stderr.strip().splitlines()[-1])
    done.check_returncode()
    return json.loads(done.stdout)


def peer_marks(engine: cs.Engine, marks: list[float]) -> int:
    """One step a mark; how many were liquidated."""
    return sum(engine.step(index={"A": mark}).liquidated for mark in marks)


def peer_rows(options: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """The peer's workload: 100 marks down to -20 %, no book."""
    population = crowds.peer_crowd(options.peer_accounts)
    marks = population.marks.tolist()
    times, liquidated = [], 0
    for _ in range(options.rounds):
        engine = crowds.peer_engine(population)
        begin = time.thread_time()
        liquidated = peer_marks(engine, marks)
        times.append(time.thread_time() - begin)
    spent = statistics.median(times)
    name = f"peer's workload, {options.peer_accounts:,} accounts, {liquidated:,} liquidated"
    yield Row(name, f"{spent:.4f} s", "< 0.1 s", spent < 0.1)
    try:
        peer = peer_run(options.peer_python, population, folder)
    except PeerMissingError as missing:
        yield Row("- the peer over ours", str(missing), ">= 200 x", None)
        return
    ratio = peer["seconds"] / spent
    measured = f"{peer['seconds']:.2f} s ({peer['liquidated']:,} liquidated) = {ratio:,.0f} x"
    yield Row("- the peer over ours", measured, ">= 200 x", ratio >= 200)


# ---------------------------------------------------------------- memory


def memory_rows(options: argparse.Namespace) -> Iterator[Row]:
    """Bytes an account and a resting order; that steps allocate nothing is a test."""
    held = bytes_an_account(options.accounts)
    yield Row("memory of an account", f"{held:.0f} bytes", "<= 160", held <= 160)
    held = bytes_an_order(options.accounts)
    yield Row("memory of a resting order", f"{held:.0f} bytes", "<= 64", held <= 64)


def bytes_an_account(count: int) -> float:
    """Resident bytes of account, position, and its place in the queue."""
    market = crowds.quiet_engine(1)["A"]
    population = crowds.crowd(count, longs=0.5)
    before = resident_bytes()
    market.engine.reserve(accounts=count + 1)
    crowds.open_crowd(market, population)
    return (resident_bytes() - before) / count


def bytes_an_order(count: int) -> float:
    """Resident bytes of an order of an account, 100 orders a level."""
    messages = np.zeros(count, cs.MESSAGE_DTYPE)
    messages["account"] = np.arange(count) % 1_000
    messages["price"] = 1 + np.arange(count) % max(1, count // 100)
    messages["size"] = 5
    book = cs.OrderBook()
    before = resident_bytes()
    for at in range(0, count, bench_book.CHUNK):
        book.apply(messages[at : at + bench_book.CHUNK])
    return (resident_bytes() - before) / len(book)


# ---------------------------------------------------------------- under pytest-benchmark


@pytest.fixture(scope="module")
def accounts(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--accounts")


@pytest.fixture(scope="module")
def population(request: pytest.FixtureRequest) -> crowds.PeerCrowd:
    return crowds.peer_crowd(request.config.getoption("--peer-accounts"))


def test_open(benchmark, accounts):
    columns = crowds.crowd(accounts, longs=0.5)
    benchmark.pedantic(
        crowds.open_crowd, setup=lambda: ((crowds.quiet_engine(1)["A"], columns), {}), rounds=3
    )


@pytest.mark.parametrize("share", [100, 10, 1])
def test_quiet_mark(benchmark, accounts, share):
    engine = crowds.quiet_engine(max(1, accounts // share))
    result = benchmark(engine.step, index={"A": 50_001})
    assert result.liquidated == 0


@pytest.mark.parametrize("markets", [1, 3])
@pytest.mark.parametrize("per_level", [1, 50])
def test_crash(benchmark, accounts, per_level, markets):
    def prepare():
        return (crowds.book_crash(accounts, per_level, markets=markets),), {}

    result = benchmark.pedantic(crowds.Crash.run, setup=prepare, rounds=3)
    benchmark.extra_info["liquidated"] = result.liquidated
    assert 0.4 * accounts < result.liquidated < 0.6 * accounts


@pytest.mark.parametrize("engines", [1, 2])
def test_threads(benchmark, accounts, engines):
    def prepare():
        return ([crowds.book_crash(max(1, accounts // 4), 50).run for _ in range(engines)],), {}

    benchmark.pedantic(in_threads, setup=prepare, rounds=3)


@pytest.mark.parametrize("make", [cs.OrderBook, market_book])
def test_limit_call(benchmark, make):
    book = make()
    result = benchmark.pedantic(
        book.limit, ("buy", 1_000, 5), {"account": 3}, rounds=100, iterations=1_000
    )
    assert result.code == cs.Code.OK


def test_peer_workload(benchmark, population):
    marks = population.marks.tolist()
    liquidated = benchmark.pedantic(
        peer_marks, setup=lambda: ((crowds.peer_engine(population), marks), {}), rounds=3
    )
    assert liquidated > 0


def test_peer_itself(benchmark, population):
    lrvx = pytest.importorskip("lrvx", reason="the peer is installed by the extra `bench`")
    from peer_lrvx import run

    assert lrvx is not None
    done = benchmark.pedantic(run, (*population, crowds.PEER_PRICE), rounds=1)
    assert done["liquidated"] > 0


# ---------------------------------------------------------------- the table


def print_rows(rows: Iterator[Row]) -> None:
    for row in rows:
        met = "-" if row.met is None else "yes" if row.met else "no"
        print(f"{row.what:72s} {row.measured:44s} {row.target:16s} {met}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--accounts", type=int, default=1_000_000)
    parser.add_argument("--peer-accounts", type=int, default=200_000)
    parser.add_argument("--messages", type=int, default=1_000_000, help="of a message file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=Path, help="folder that keeps the message files")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has lrvx")
    parser.add_argument(
        "--only",
        nargs="+",
        help="book quiet open single venues cross deleveraging threads peer memory",
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options.files = options.files or folder
        parts = {
            "memory": lambda: memory_rows(options),
            "book": lambda: book_rows(options, folder),
            "quiet": lambda: quiet_rows(options),
            "open": lambda: open_rows(options),
            "single": lambda: single_market_rows(options, folder),
            "venues": lambda: venue_rows(options),
            "cross": lambda: cross_rows(options),
            "deleveraging": lambda: deleveraging_rows(options),
            "threads": lambda: thread_rows(options, folder),
            "peer": lambda: peer_rows(options, folder),
        }
        print_rows(iter([Row("what", "measured", "target", None)]))
        for part in options.only or parts:
            print_rows(parts[part]())


if __name__ == "__main__":
    main()
