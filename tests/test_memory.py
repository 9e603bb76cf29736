"""Memory the engine promises: bytes an account, bytes an order, and steps that allocate nothing."""

import ctypes
import gc
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cascade as cs

HERE = Path(__file__).parent
ACCOUNTS = 1_000_000
ORDERS = 1_000_000
needs_glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim") or "LD_PRELOAD" in os.environ,
    reason="resident memory is read on Linux, from a process with glibc's own malloc",
)


def resident_bytes() -> int:
    """Of this process, once what was freed is given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@needs_glibc
def test_an_account_with_a_position_and_its_queue_entry_takes_160_bytes_at_most():
    engine = cs.Engine()
    market = engine.add_market("A", tick_size="0.1", lot_size="0.001")
    market.set_index(50_000)
    side = np.where(np.arange(ACCOUNTS) % 2 == 0, 1, -1)
    leverage = np.random.default_rng(1).uniform(2, 50, ACCOUNTS)
    before = resident_bytes()
    engine.reserve(accounts=ACCOUNTS)
    engine.accounts.open(market, side=side, size=1, entry=50_000, leverage=leverage)
    held = (resident_bytes() - before) / ACCOUNTS
    # an account, a position and a node of the queue are 24 + 64 + 16 bytes by themselves
    assert 104 <= held <= 160


@needs_glibc
def test_a_resting_order_takes_64_bytes_at_most():
    messages = np.zeros(ORDERS, cs.MESSAGE_DTYPE)
    messages["account"] = np.arange(ORDERS) % 1_000
    messages["price"] = 1 + np.arange(ORDERS) % (ORDERS // 100)
    messages["size"] = 5
    chunks = np.split(messages, 100)
    book = cs.OrderBook()
    before = resident_bytes()
    for chunk in chunks:
        book.apply(chunk)
    held = (resident_bytes() - before) / len(book)
    # the order's own record is 32 bytes
    assert 32 <= held <= 64


@pytest.fixture(scope="module")
def counting_malloc(tmp_path_factory):
    if sys.platform != "linux" or "LD_PRELOAD" in os.environ:
        pytest.skip("counts through LD_PRELOAD, which only Linux has and which is in use already")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler")
    library = tmp_path_factory.mktemp("counting") / "counting_malloc.so"
    subprocess.run(
        [compiler, "-O1", "-shared", "-fPIC", "-o", library, HERE / "counting_malloc.c"], check=True
    )
    return library


@needs_glibc
@pytest.mark.parametrize("markets", [1, 3])
@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_a_warm_step_allocates_nothing(counting_malloc, execution, markets):
    done = subprocess.run(
        [sys.executable, HERE / "memory_probe.py", counting_malloc, execution, str(markets)],
        env={**os.environ, "LD_PRELOAD": str(counting_malloc)},
        check=True,
        capture_output=True,
        text=True,
    )
    (_, grown), *warm = json.loads(done.stdout)
    # the first crash shows that requests are counted at all
    assert grown > 0
    for liquidated, requests in warm:
        assert liquidated > 500
        assert requests == 0


@needs_glibc
def test_warm_steps_with_residents_allocate_nothing(counting_malloc):
    done = subprocess.run(
        [sys.executable, HERE / "memory_probe_residents.py", counting_malloc],
        env={**os.environ, "LD_PRELOAD": str(counting_malloc)},
        check=True,
        capture_output=True,
        text=True,
    )
    requests, events = json.loads(done.stdout)
    assert events > 50_000
    assert requests == 0
