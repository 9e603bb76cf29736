"""The peer's side of its own workload; runs under any interpreter that has lrvx and numpy.

    python bench/peer_lrvx.py crowd.npz

prints a line of JSON: seconds of all marks together, of the slowest one, and positions liquidated.
"""

import json
import sys
import time

import numpy as np


def run(size: np.ndarray, leverage: np.ndarray, marks: np.ndarray, price: float) -> dict:
    import lrvx

    engine = lrvx.LiquidationEngine()
    engine.add_tier(0, 0.005)
    engine.set_insurance_fund_capital(1e15)
    rows = zip(size.tolist(), leverage.tolist(), strict=True)
    for account, (quantity, times) in enumerate(rows):
        engine.open_position(account, 1, quantity, price, abs(quantity) * price / times)
    spent, liquidated = [], 0
    for mark in marks.tolist():
        begin = time.thread_time()
        answer = engine.on_mark(1, mark)
        spent.append(time.thread_time() - begin)
        liquidated += len(answer["liquidated"])
    return {"seconds": sum(spent), "worst": max(spent), "liquidated": liquidated}


def main() -> None:
    columns = np.load(sys.argv[1])
    print(json.dumps(run(columns["size"], columns["leverage"], columns["marks"], 50_000.0)))


if __name__ == "__main__":
    main()
