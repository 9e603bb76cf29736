"""Oracle manipulation: an attacker trades the pool that a lender's oracle reads.

    python examples/oracle_attack.py

Two experiments, both played by calls of the engine alone:

*Borrowing.* The attacker deposits 100 coins, buys in the pool until they look worth more, borrows as much
as the lender allows, sells back what was bought and keeps the loan. The lender reads the pool's last price
at once, an average over ten minutes, or the last price a minute late; for the latter two the attacker has
to hold the price for a minute, and arbitrageurs who know the fair price sell to the pool meanwhile.

*Liquidating.* The attacker sells into the pool until a borrower is due, liquidates, sells what is seized and
buys back, compared with `cascade.laws.attack_profit` (Sadeghi & Feinstein 2026).
"""

import sys

import numpy as np

import cascade as cs
from cascade.laws import AttackedLoan, attack_profit

FAIR = 2000
GRID = {"tick_size": "0.01", "lot_size": "0.001"}
OWN = 100  # coins of the attacker
LENT = 1_200_000  # money of the lender
RATIO = 0.75
HOLD, STEPS = 60, 6  # seconds, and the arbitrageurs' turns meanwhile
RETURNED = 0.01  # of the pool's coins, sold by them in a turn
ORACLES = ("spot", "average", "delayed")
POOLS = (500, 1000, 2000, 5000)
FEES = ("0.0005", "0.003", "0.01")
#: Share of the pool's coins that the attacker buys.
SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def world(coins: int, fee: str, oracle: str) -> tuple[cs.Engine, cs.Market, cs.LendingMarket]:
    """A pool at the fair price, arbitrageurs who know it, and a lender."""
    engine = cs.Engine(asset_decimals=5)
    averaged = {"feed": "ema", "average_of": "last", "average_time": 600}
    rules = cs.Rules(tiers=((0, 0),), **(averaged if oracle == "average" else {"feed": "last"}))
    pool = engine.add_market(
        "COIN", **GRID, rules=rules, venue=cs.ConstantProduct(coins, coins * FAIR, fee)
    )
    pool.set_index(FAIR)
    engine.residents.add(
        cs.Arbitrageur(
            market="COIN", deposit=50_000_000, size=round(coins * RETURNED, 3), threshold=fee
        )
    )
    bank = engine.lending.add("bank")
    bank.add_reserve(
        "COIN",
        price="COIN",
        liquidation_threshold="0.8",
        loan_to_value=RATIO,
        liquidation_bonus="0.05",
        oracle=cs.Oracle(delay=HOLD if oracle == "delayed" else 0),
    )
    bank.add_reserve("USD")
    bank["USD"].supply(LENT)
    return engine, pool, bank


def trade(engine: cs.Engine, pool: cs.Market, side: str, coins: float) -> float:
    """Money paid (below zero: received) for a market order of an outsider."""
    first = engine.event_count
    pool.book.market(side, round(coins, 3))
    events = engine.events_between(first, engine.event_count)
    fills = events[events["kind"] == cs.EventKind.FILL]
    return engine.from_atoms(int(np.abs(fills["money"]).sum())) * (1 if side == "buy" else -1)


def borrow_and_leave(coins: int, fee: str, oracle: str, share: float) -> float:
    """Profit of one attack; the coins left with the lender count at the fair price."""
    engine, pool, bank = world(coins, fee, oracle)
    (account,) = bank.open(collateral={"COIN": [OWN]})
    bought = round(coins * share, 3)
    paid = trade(engine, pool, "buy", bought)
    if oracle != "spot":
        for _ in range(STEPS):
            engine.step(dt=HOLD // STEPS)
    loan = bank.borrowable(int(account), "USD")
    if loan:
        bank.borrow(int(account), "USD", loan)
    paid += trade(engine, pool, "sell", bought)
    engine.validate()
    # with a loan worth less than the coins the attacker repays it instead
    return max(loan - OWN * FAIR, 0.0) - paid


def best(coins: int, fee: str, oracle: str) -> float:
    """Profit of the best size."""
    return max(borrow_and_leave(coins, fee, oracle, share) for share in SHARES)


# --- liquidating -------------------------------------------------------------------------------

LOAN = {"collateral": 20.12, "debt": 32_000, "threshold": 0.85, "bonus": 0.05}
RESERVE, QUOTE = 1000, 2_000_000
SALES = (2, 30, 60, 100, 200, 400)


def law(fee: str) -> AttackedLoan:
    """The same loan and pool for the closed form."""
    return AttackedLoan(**LOAN, reserve=RESERVE, quote_reserve=QUOTE, fee=float(fee))


def liquidate(fee: str, sold: float) -> float:
    """Profit of selling, liquidating in one step and buying back; minus infinity if nobody is due."""
    # fine lots, because calls are small, as the law's
    engine = cs.Engine(asset_decimals=8)
    grid = {"tick_size": "0.01", "lot_size": "0.000001"}
    rules = cs.Rules(tiers=((0, 0),), feed="last")
    pool = engine.add_market(
        "COIN", **grid, rules=rules, venue=cs.ConstantProduct(RESERVE, QUOTE, fee)
    )
    bank = engine.lending.add("bank", rules=cs.LendingRules(close_factor=("fraction", "0.01")))
    bank.add_reserve(
        "COIN", price="COIN", liquidation_threshold="0.85", liquidation_bonus=LOAN["bonus"]
    )
    bank.add_reserve("USD")
    bank["USD"].supply(1_000_000)
    bank.open(collateral={"COIN": [LOAN["collateral"]]}, debt={"USD": [LOAN["debt"]]})
    attacker = engine.liquidators.add(cs.Liquidator())
    paid = trade(engine, pool, "sell", sold)
    if not engine.step().liquidated:
        return float("-inf")
    paid += trade(engine, pool, "buy", sold)
    return engine.liquidators.result(attacker)["profit"] - paid


def printed() -> str:
    """Both experiments as tables."""
    lines = [
        "best profit of borrowing, USD",
        "coins    fee  " + "".join(f"{o:>11}" for o in ORACLES),
    ]
    for coins in POOLS:
        for fee in FEES:
            cells = "".join(f"{best(coins, fee, oracle):>11,.0f}" for oracle in ORACLES)
            lines.append(f"{coins:>5}  {float(fee):.2%}{cells}")
    lines += ["", "profit of liquidating, USD", " sold    fee      engine        law"]
    for sold in SALES:
        for fee in FEES[:2]:
            closed = float(attack_profit([sold], law(fee))[0])
            lines.append(
                f"{sold:>5}  {float(fee):.2%}  {liquidate(fee, sold):>10,.1f} {closed:>10,.1f}"
            )
    return "\n".join(lines)


def main() -> int:
    """Print the tables."""
    print(printed())
    return 0


if __name__ == "__main__":
    sys.exit(main())
