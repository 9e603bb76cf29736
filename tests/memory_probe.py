"""What an engine asks of malloc inside steps; run by `test_memory.py` under `counting_malloc.c`.

    LD_PRELOAD=counting_malloc.so python memory_probe.py counting_malloc.so sequential 1

prints a line of JSON: for each crash, liquidations and requests for memory. The first crash may
grow whatever it likes, the later ones are no larger.
"""

import ctypes
import json
import sys

import numpy as np

import cascade as cs

ACCOUNTS = 2_000
CRASHES = 4
PRICE = 100_000
NAMES = ("A", "B", "C")


def shock(side: cs.Side) -> np.ndarray:
    message = np.zeros(1, cs.MESSAGE_DTYPE)
    message["kind"], message["side"], message["size"] = cs.MessageKind.MARKET, side, 1
    message["account"] = -1
    return message


def new_engine(execution: str, markets: int) -> cs.Engine:
    engine = cs.Engine(asset_decimals=0, execution=execution)
    for name in NAMES[:markets]:
        engine.add_market(name, tick_size=1, lot_size=1)
    return engine


def open_crowd(engine: cs.Engine) -> None:
    """New accounts with a position in every market, all with the same columns."""
    random = np.random.default_rng(1)
    size = random.integers(1, 200, ACCOUNTS)
    leverage = random.uniform(2, 50, ACCOUNTS)
    several = len(engine.markets) > 1
    ids = engine.accounts.create(ACCOUNTS) if several else None
    for market in engine.markets:
        engine.accounts.open(
            market, side=1, size=size, entry=PRICE, leverage=leverage, account=ids,
            mode="cross" if several else "isolated",
        )  # fmt: skip


def load_depth(engine: cs.Engine) -> None:
    bids = [(price, 200) for price in range(round(0.98 * PRICE), round(0.9 * PRICE), -1)]
    for market in engine.markets:
        market.book.load_depth(bids, [(PRICE, 1_000)], replace=True)


def crash(engine: cs.Engine, counter: ctypes.PyDLL) -> tuple[int, int]:
    """Back to the first price, a new crowd, and down again; liquidations and requests."""
    names = [market.name for market in engine.markets]
    load_depth(engine)
    engine.step(orders=[(name, shock(cs.Side.BUY)) for name in names])
    open_crowd(engine)
    before = counter.allocations()
    result = engine.step(orders=[(name, shock(cs.Side.SELL)) for name in names])
    return result.liquidated, counter.allocations() - before


def main() -> None:
    counter = ctypes.PyDLL(sys.argv[1])
    counter.allocations.restype = ctypes.c_long
    execution, markets = sys.argv[2], int(sys.argv[3])
    counter.count_allocations(ctypes.cast(ctypes.pythonapi.PyGILState_Check, ctypes.c_void_p))
    engine = new_engine(execution, markets)
    first = crash(engine, counter)
    total = CRASHES * ACCOUNTS
    engine.reserve(accounts=total, positions=markets * total, events=40 * markets * total)
    print(json.dumps([first, *(crash(engine, counter) for _ in range(CRASHES - 1))]))


if __name__ == "__main__":
    main()
