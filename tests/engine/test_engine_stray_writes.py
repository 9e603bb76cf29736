"""Promises of the compiled engine that only a stray write can break: one is made into its memory.

Nothing that comes from outside crosses an open book or leaves an order of a closed account, so the byte is
looked for that a call changes and changes back, and is then written without the call.
"""

import struct
import sys

import pytest
from engine_kit import BUY, CANCEL, SELL, core_kit

cs = pytest.importorskip("cascade")
pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is read from /proc/self/mem"
)
BLOCK = 4096
LOWEST, HIGHEST = 1 << 16, 1 << 47


def read(address, count):
    """Bytes at an address; nothing where there is no memory."""
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        try:
            memory.seek(address)
            return memory.read(count)
        except (OSError, OverflowError, ValueError):
            return b""


def write(address, content):
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(address)
        memory.write(content)


def pointers(block):
    words = struct.unpack(f"<{len(block) // 8}Q", block[: len(block) // 8 * 8])
    return {word for word in words if LOWEST <= word < HIGHEST and word % 8 == 0}


def blocks(engine):
    """Addresses of what the engine points to and what that points to: its markets are among them."""
    own = read(id(engine), type(engine).__basicsize__)
    found = set()
    for first in pointers(own):
        found |= pointers(read(first, 8))
    return found


def toggled(places, size, do, undo):
    """Bytes by address before two calls, between them and after them."""
    states = [{place: read(place, size) for place in places}]
    for call in (do, undo):
        call()
        states.append({place: read(place, size) for place in places})
    return states


def market_of(kit, **rules):
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": [(0, 0.01)], "feed": "index", **rules})
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=105)
    engine.accounts.open(market, side="short", size=20, entry=100, margin=900)
    return engine, market


@pytest.fixture
def core():
    # the twin is written into directly, in test_engine_invariants.py
    return core_kit()


def test_a_crossed_book_is_seen_after_the_sale(core):
    engine, market = market_of(core)
    before, halted, after = toggled(
        blocks(engine), BLOCK, market.book.open_auction, market.book.uncross
    )
    flags = {
        place + k
        for place, was in before.items()
        for k, (a, b, c) in enumerate(zip(was, halted[place], after[place], strict=False))
        if (a, b, c) == (0, 1, 0)
    }
    assert len(flags) == 1, flags  # the auction's
    market.book.open_auction()
    core.limit(engine, market, BUY, 95, 50)
    core.limit(engine, market, SELL, 90, 50)
    engine.validate()
    write(flags.pop(), b"\0")
    with pytest.raises(cs.CrossedBookError):
        market.book.validate()
    with pytest.raises(
        cs.CrossedBookError, match=r"^after the book of account 0: the book of market 0"
    ):
        engine.step(index={"X": 85})


def test_an_order_of_the_closed_is_seen(core):
    heads = set()

    def policy(columns):
        # the account's orders are cancelled by now: its list gets its first order back
        for address, slot in heads:
            write(address, slot)
        return columns.size

    engine, market = market_of(core, adl=policy, adl_trigger="always")
    ids = []

    def rest():
        start = len(engine.events)
        core.limit(engine, market, SELL, 130, 5, account=0)
        ids.append(int(engine.events[start]["order"]))

    def cancel():
        core.send(engine, market, kind=CANCEL, order=ids[-1])

    rest()
    cancel()  # the lists have their memory
    places = set()
    for block in blocks(engine):
        places |= pointers(read(block, BLOCK))
    before, resting, after = toggled(places, 4, rest, cancel)
    none, first = bytes(4), struct.pack("<I", 1)
    for place in places:
        if (before[place], resting[place], after[place]) == (none, first, none):
            heads.add((place, first))
    assert len(heads) == 1, heads  # of the lists of accounts' orders, account 0's
    with pytest.raises(
        cs.ClosedAccountOrderError, match=r"account 0: an order of it is left in market 0"
    ):
        engine.step(index={"X": 85})
