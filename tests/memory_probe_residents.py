"""What an engine with residents asks of malloc inside warm steps; run by `test_memory.py`.

    LD_PRELOAD=counting_malloc.so python memory_probe_residents.py counting_malloc.so

prints [requests, events] of a stretch of steps after as many to warm up, as JSON.
"""

import ctypes
import json
import math
import sys

import cascade as cs

PRICE = 100_000
STEPS = 1_000


def populated_engine() -> cs.Engine:
    """A crowd, and a resident of every kind."""
    engine = cs.Engine(asset_decimals=0)
    market = engine.add_market("A", tick_size=1, lot_size=1)
    market.set_index(PRICE)
    depth = [(k, 5) for k in range(1, 20)]
    flow = {"market": market, "rate": 5, "size": (1, 9)}
    for resident in (
        cs.MarketMaker(market=market, depth=depth, deposit=10**9, refill=50),
        cs.Arbitrageur(market=market, deposit=10**8, size=50, delay=1),
        cs.NoiseFlow(**flow, reach=9),
        cs.MomentumFlow(**flow, threshold="0.001", deposit=10**8),
        cs.MarginCalls(market=market, warning=2, top_up_share="0.1", reduce_share="0.1"),
    ):
        engine.residents.add(resident)
    leverage = [5 + 0.04 * k for k in range(1_000)]
    engine.accounts.open(market, side=1, size=5, entry=PRICE, leverage=leverage, round=True)
    engine.reserve(accounts=2_000, events=300 * STEPS)
    return engine


def main() -> None:
    counter = ctypes.PyDLL(sys.argv[1])
    counter.allocations.restype = ctypes.c_long
    counter.count_allocations(ctypes.cast(ctypes.pythonapi.PyGILState_Check, ctypes.c_void_p))
    engine = populated_engine()
    for stretch in range(2):
        requests, events = counter.allocations(), engine.event_count
        for k in range(stretch * STEPS, (stretch + 1) * STEPS):
            engine.step(index={"A": PRICE - round(2_000 * math.sin(k / 40))})
        found = [counter.allocations() - requests, engine.event_count - events]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
