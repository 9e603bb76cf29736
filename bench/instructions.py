"""Instruction counts of small scenarios, and the gate that refuses when one of them grows.

Times on a shared machine move by half; the number of instructions a scenario executes does not.
Each scenario runs once in its own Python under ``valgrind --tool=callgrind``, after one run to warm
up, and only the instructions of its ``work()`` are counted: the work is started through
``PyRun_SimpleString``, which nothing else in the run calls, and collection is on while that
function is. Compiler, C library, Python, Cython and NumPy decide the counts, so the baseline names
those it was counted with, and the gate compares only where they are the same.

    python bench/instructions.py              compare with bench/instructions.json
    python bench/instructions.py --rebuild    count again and write it, on purpose
    python bench/instructions.py --only NAME  one scenario, printed and not compared
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

BASELINE = Path(__file__).with_name("instructions.json")
ALLOWED_GROWTH = 0.02
# The function of libpython whose duration is counted; PyRun_SimpleString jumps to it.
COUNTED_FUNCTION = "PyRun_SimpleStringFlags"


class Scenario(NamedTuple):
    """A count: `setup` defines what `work()` needs, and `work`; `covers` says what it watches."""

    name: str
    covers: str
    setup: str


SCENARIOS = [
    Scenario(
        name="book_batch",
        covers="limit, market, cancel and modify messages in one OrderBook.apply call",
        setup="""
rng = np.random.default_rng(7)
count = 4000
messages = np.zeros(count, dtype=cascade.MESSAGE_DTYPE)
messages["kind"] = rng.choice([0, 0, 0, 0, 1, 1, 1, 2, 3], count)
messages["side"] = rng.integers(0, 2, count)
messages["account"] = rng.integers(0, 50, count)
messages["price"] = 10_000 + rng.integers(-20, 21, count)
messages["size"] = rng.integers(1, 50, count)
messages["order"] = rng.integers(1, np.arange(2, count + 2))
books = [cascade.OrderBook(tick_size=1, lot_size=1) for _ in range(2)]

def work():
    books.pop().apply(messages)
""",
    ),
    Scenario(
        name="quiet_marks",
        covers="index moves that reach nobody among 2,000 isolated accounts",
        setup="""
engine = cascade.Engine()
rules = cascade.Rules(tiers=[(0, "0.005")], feed="index")
market = engine.add_market("BTC", tick_size=1, lot_size=1, rules=rules)
market.set_index(60_000)
engine.accounts.open(market, side=np.tile([1, -1], 1000), size=10, entry=60_000,
                     leverage=np.linspace(2, 20, 2000).round(1))
engine.clear_events()

def work():
    for price in range(60_000, 60_200):
        engine.step(index={"BTC": price})
    assert len(engine.events) > 0
    engine.clear_events()
""",
    ),
    Scenario(
        name="ladder_cascade",
        covers="one sale that fires a ladder of 500 liquidations into a book",
        setup="""
engine = cascade.Engine()
rules = cascade.Rules(tiers=[(0, "0.005")], feed="last", liquidation_order="market")
market = engine.add_market("BTC", tick_size=1, lot_size=1, rules=rules)
prices = 10_000 - np.arange(1, 1001)
market.book.load_depth(bids=np.column_stack([prices, np.full(1000, 10)]), asks=[(10_001, 10)])
triggers = 9_999 - np.arange(500)
engine.accounts.open_ladder(market, side="long", size=10, trigger=triggers,
                            bankruptcy=triggers - 50)
sale = np.zeros(1, dtype=cascade.MESSAGE_DTYPE)
sale["kind"], sale["side"], sale["size"], sale["account"] = 2, 1, 20, -1
engines = [engine, engine.copy()]

def work():
    assert engines.pop().step(orders=[("BTC", sale)]).liquidated == 500
""",
    ),
    Scenario(
        name="cross_margin_cascade",
        covers="a fall of one of three prices through 300 cross-margin accounts with guards",
        setup="""
engine = cascade.Engine()
rules = cascade.Rules(tiers=[(0, "0.01")], feed="last", liquidation_order="bankruptcy")
markets = [engine.add_market(name, tick_size=1, lot_size=1, rules=rules) for name in "ABC"]
levels = np.arange(1, 400)
for market in markets:
    market.book.load_depth(bids=np.column_stack([1000 - levels, np.full(399, 40)]),
                           asks=np.column_stack([1000 + levels, np.full(399, 40)]))
traders = engine.accounts.create(300)
for leg, market in enumerate(markets):
    engine.accounts.open(market, side="long", size=5 + leg, entry=1000, mode="cross",
                         leverage=np.linspace(4, 20, 300).round(1), account=traders)
sale = np.zeros(1, dtype=cascade.MESSAGE_DTYPE)
sale["kind"], sale["side"], sale["size"], sale["account"] = 2, 1, 9_000, -1
engines = [engine, engine.copy()]

def work():
    assert engines.pop().step(orders=[("A", sale)]).liquidated > 100
""",
    ),
]

HARNESS = """
import ctypes, gc
import numpy as np
import cascade
{setup}
work()
gc.collect()
gc.disable()
if ctypes.pythonapi.PyRun_SimpleString(b"work()") != 0:
    raise SystemExit("the counted run failed")
"""


def environment() -> dict[str, str]:
    """What a count depends on besides the code."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    return {
        "machine": platform.machine(),
        "compiler": version.stdout.splitlines()[0],
        "c library": " ".join(platform.libc_ver()),
        "python": ".".join(platform.python_version_tuple()[:2]),
        # it writes the C that is compiled
        "cython": version_of("cython"),
        "numpy": version_of("numpy"),
    }


def version_of(distribution: str) -> str:
    """Major and minor version of what is installed."""
    try:
        return ".".join(metadata.version(distribution).split(".")[:2])
    except metadata.PackageNotFoundError:
        return "none"


def count_instructions(scenario: Scenario) -> int:
    """Instructions executed by the second run of the scenario's `work()`."""
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory, "scenario.py")
        script.write_text(HARNESS.format(setup=scenario.setup))
        command = [
            "valgrind",
            "--tool=callgrind",
            "--collect-atstart=no",
            f"--toggle-collect={COUNTED_FUNCTION}",
            f"--callgrind-out-file={directory}/callgrind.out",
            sys.executable,
            str(script),
        ]
        # Hashes, threads and the interpreter's own caches must not depend on the run.
        settings = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        run = subprocess.run(
            command, env=os.environ | settings, capture_output=True, text=True, check=False
        )
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or collected is None:
        raise SystemExit(f"{scenario.name}: valgrind failed\n{run.stdout}{run.stderr}")
    if int(collected[1]) == 0:
        raise SystemExit(
            f"{scenario.name}: nothing counted; this Python does not show {COUNTED_FUNCTION}"
        )
    return int(collected[1])


def compare(counts: dict[str, int], baseline: dict[str, int]) -> list[str]:
    """Print a line a scenario and return the failures."""
    failures = []
    for name, count in counts.items():
        known = baseline.get(name)
        if known is None:
            failures.append(f"{name} is not in the baseline")
            continue
        change = count / known - 1
        print(f"{name:24} {count:>14,} {known:>14,} {change:+8.2%}")
        if change > ALLOWED_GROWTH:
            failures.append(f"{name} grew by {change:.2%}, allowed is {ALLOWED_GROWTH:.0%}")
    failures.extend(f"{name} is no longer counted" for name in baseline if name not in counts)
    return failures


def main() -> int:
    """Run the command line; 0 when nothing grew."""
    parser = argparse.ArgumentParser(description="instruction counts of small scenarios")
    parser.add_argument("--rebuild", action="store_true", help=f"write {BASELINE.name}")
    parser.add_argument("--only", metavar="NAME", choices=[s.name for s in SCENARIOS])
    arguments = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind is not installed: apt-get install valgrind")

    if arguments.only:
        chosen = next(s for s in SCENARIOS if s.name == arguments.only)
        print(f"{chosen.name:24} {count_instructions(chosen):>14,}")
        return 0
    here = environment()
    if not arguments.rebuild:
        baseline = json.loads(BASELINE.read_text())
        differences = {
            key: (value, baseline["environment"].get(key))
            for key, value in here.items()
            if baseline["environment"].get(key) != value
        }
        if differences:
            for key, (now, then) in differences.items():
                print(f"skipped: {key} is {now!r}, the baseline was counted with {then!r}")
            print("counts differ there without a change of ours; to count for this environment:")
            print("python bench/instructions.py --rebuild")
            return 0
    counts = {scenario.name: count_instructions(scenario) for scenario in SCENARIOS}
    if arguments.rebuild:
        text = json.dumps({"environment": here, "instructions": counts}, indent=2)
        BASELINE.write_text(text + "\n")
        print(text)
        return 0
    failures = compare(counts, baseline["instructions"])
    print("\n".join(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
