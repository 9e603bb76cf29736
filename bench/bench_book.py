"""Speed of the order book against the hand-written C++ book, as ratios measured in one run.

    python bench/bench_book.py [--messages 1000000] [--rounds 9] [--profiles flow cascade deep]

The message files come from `gen_workload.py` of the measuring ground (`../shared/bench`), the C++ book is
compiled from the same place. Each round times every variant once, in turn, so that whatever else
the machine does hits all of them; medians and minima over the rounds are compared. The trades of
all must have the same hash, which the generator also knows from a third book.
"""

import argparse
import ctypes
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import cascade

SHARED = Path(__file__).resolve().parents[2] / "shared" / "bench"
CHUNK = 10_000
EMPTY_SOURCE = """
cdef class EmptyBook:
    def limit(self, side, price, size, *, account=-1, time_in_force="gtc", post_only=None,
              display=None, self_trade="allow"):
        return None
"""


def messages_of(rows: np.ndarray) -> np.ndarray:
    """Rows of the generator as MESSAGE_DTYPE; our ids count from 1, its ids from 0."""
    messages = np.zeros(len(rows), dtype=cascade.MESSAGE_DTYPE)
    is_cancel = rows[:, 0] == 1
    messages["kind"] = rows[:, 0]
    messages["side"] = rows[:, 1]
    messages["account"] = -1
    messages["price"] = np.where(is_cancel, 0, rows[:, 3])
    messages["size"] = rows[:, 4]
    messages["order"] = np.where(is_cancel, rows[:, 2] + 1, 0)
    return messages


def trade_hash(fills: np.ndarray) -> str:
    """FNV-1a over maker, taker, price and size of each fill, ids from 0."""
    value = 0xCBF29CE484222325
    columns = (fills["maker"] - 1, fills["taker"] - 1, fills["price"], fills["size"])
    for row in zip(*(column.tolist() for column in columns), strict=True):
        for number in row:
            value = ((value ^ number) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def reference_library(folder: Path) -> ctypes.CDLL:
    """Compile the C++ book."""
    target = folder / "reference.so"
    subprocess.run(
        ["g++", "-O3", "-march=native", "-std=c++17", "-shared", "-fPIC", f"-I{SHARED}", "-w",
         "-o", str(target), str(Path(__file__).with_name("reference_shim.cpp"))],
        check=True,
    )  # fmt: skip
    library = ctypes.CDLL(str(target))
    library.reference_load.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    library.reference_name.restype = ctypes.c_char_p
    library.reference_run.restype = ctypes.c_double
    library.reference_hash.restype = ctypes.c_uint64
    return library


def workload(profile: str, count: int, folder: Path) -> tuple[np.ndarray, dict]:
    """Rows and expectations of the generator; kept in a folder between runs."""
    base = folder / (profile if count == 1_000_000 else f"{profile}-{count}")
    if not base.with_suffix(".json").exists():
        generator = [
            sys.executable,
            str(SHARED / "gen_workload.py"),
            profile,
            str(base),
        ]
        subprocess.run([*generator, "-n", str(count)], check=True, stdout=subprocess.DEVNULL)
    return np.load(base.with_suffix(".npy")), json.loads(base.with_suffix(".json").read_text())


def fresh_book(info: dict, fills: int) -> cascade.OrderBook:
    """A book with room for the whole workload, as the reference has."""
    book = cascade.OrderBook(max_price=info["pmax"] - 1)
    book.reserve(info["n"], fills, info["n"] + info["ids"], prices=(1, info["pmax"] - 1))
    return book


def time_batch(messages: np.ndarray, info: dict) -> tuple[float, np.ndarray]:
    """Nanoseconds a message of one call with everything, and the fills."""
    book = fresh_book(info, info["n"])
    begin = time.perf_counter_ns()
    result = book.apply(messages)
    return (time.perf_counter_ns() - begin) / len(messages), result.fills


def time_chunks(messages: np.ndarray, info: dict) -> float:
    """Nanoseconds a message of many calls with a chunk each."""
    book = fresh_book(info, CHUNK)
    chunks = [messages[at : at + CHUNK] for at in range(0, len(messages), CHUNK)]
    begin = time.perf_counter_ns()
    for chunk in chunks:
        book.apply(chunk)
    return (time.perf_counter_ns() - begin) / len(messages)


def compare(library: ctypes.CDLL, profile: str, arguments: argparse.Namespace) -> None:
    rows, info = workload(profile, arguments.messages, arguments.files)
    rows = np.ascontiguousarray(rows)
    messages = messages_of(rows)
    library.reference_load(rows.ctypes.data, len(rows))
    names = [library.reference_name(at).decode() for at in range(library.reference_variants())]
    times: dict[str, list[float]] = {name: [] for name in ["cascade", "chunks", *names]}
    for _ in range(arguments.rounds):
        for at, name in enumerate(names):
            times[name].append(library.reference_run(at))
            if f"{library.reference_hash():016x}" != info["trade_hash"]:
                raise SystemExit(f"{profile}: the trades of {name} differ")
        spent, fills = time_batch(messages, info)
        times["cascade"].append(spent)
        times["chunks"].append(time_chunks(messages, info))
    if trade_hash(fills) != info["trade_hash"]:
        raise SystemExit(f"{profile}: the trades of cascade differ")
    median = {name: statistics.median(values) for name, values in times.items()}
    least = {name: min(values) for name, values in times.items()}
    best = min(names, key=median.__getitem__)
    print(f"{profile}: {len(rows):,} messages, {len(fills):,} trades, hash {info['trade_hash']}")
    for name in ["cascade", "chunks", *names]:
        print(f"  {name:14s} median {median[name]:6.1f} ns  least {least[name]:6.1f} ns")
    for name in ("cascade", "chunks"):
        print(
            f"  ratio of {name} to the best reference: medians {median[best] / median[name]:.2f}, "
            f"least times {min(least[n] for n in names) / least[name]:.2f}"
        )


def empty_method(folder: Path) -> Callable[..., None]:
    """A compiled method with the arguments of `OrderBook.limit` that does nothing."""
    source = folder / "empty_book.pyx"
    source.write_text(EMPTY_SOURCE)
    target = folder / ("empty_book" + sysconfig.get_config_var("EXT_SUFFIX"))
    subprocess.run([sys.executable, "-m", "cython", "-3", str(source)], check=True)
    subprocess.run(
        ["gcc", "-O3", "-shared", "-fPIC", "-w", f"-I{sysconfig.get_paths()['include']}",
         str(source.with_suffix(".c")), "-o", str(target)],
        check=True,
    )  # fmt: skip
    specification = importlib.util.spec_from_file_location("empty_book", target)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.EmptyBook().limit


def time_calls(folder: Path, count: int = 100_000, rounds: int = 9) -> None:
    """One call an order, against a compiled method that does nothing with the same arguments."""
    empty = empty_method(folder)
    prices = [1_000 + (at * 7919) % 50 for at in range(count)]
    spent: dict[str, list[float]] = {"limit": [], "empty": []}
    for _ in range(rounds):
        book = cascade.OrderBook()
        book.reserve(count, 0, count, prices=(1, 2_000))
        for name, call in (("limit", book.limit), ("empty", empty)):
            begin = time.perf_counter_ns()
            for price in prices:
                call("buy", price, 5, account=3)
            spent[name].append((time.perf_counter_ns() - begin) / count)
    limit, nothing = (
        statistics.median(spent["limit"]),
        statistics.median(spent["empty"]),
    )
    print(
        f"one call: limit {limit:.0f} ns, empty method {nothing:.0f} ns, above it "
        f"{limit - nothing:.0f} ns (least {min(spent['limit']) - min(spent['empty']):.0f} ns)"
    )


def report_memory(count: int = 1_000_000) -> None:
    """Resident bytes a resting order, 100 orders a level."""
    messages = np.zeros(count, dtype=cascade.MESSAGE_DTYPE)
    messages["account"] = np.arange(count) % 1_000
    messages["price"] = 1 + np.arange(count) % (count // 100)
    messages["size"] = 5
    book = cascade.OrderBook()
    before = resident_bytes()
    for at in range(0, count, CHUNK):
        book.apply(messages[at : at + CHUNK])
    print(f"memory: {(resident_bytes() - before) / len(book):.1f} bytes a resting order")


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--profiles", nargs="+", default=["flow", "cascade", "deep"])
    parser.add_argument("--files", type=Path, help="folder that keeps the message files")
    arguments = parser.parse_args()
    if not SHARED.exists():
        raise SystemExit(f"the measuring ground {SHARED} is not there")
    with tempfile.TemporaryDirectory() as folder:
        arguments.files = arguments.files or Path(folder)
        library = reference_library(Path(folder))
        for profile in arguments.profiles:
            compare(library, profile, arguments)
        time_calls(Path(folder))
    report_memory()


if __name__ == "__main__":
    main()
