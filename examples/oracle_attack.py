"""Oracle manipulation: an attacker trades the pool that a lender's oracle reads.

    python examples/oracle_attack.py

Three experiments, all played by calls of the engine alone:

*Borrowing.* The attacker deposits 100 coins, buys in the pool until they look worth more, borrows as much
as the lender allows, sells back what was bought and keeps the loan. The lender reads the pool's last price
at once, an average over ten minutes, the mean of the last ten minutes, the last price a minute late, at
once the median of three such pools, or the median of three such means. Where time counts the attacker has
to hold the price for a minute, and arbitrageurs who know the fair price sell to the pool meanwhile; for a
median two pools have to be bought.

*Moving.* What it costs to make the lender believe a price so much higher, without a loan.

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
WINDOW = 600  # seconds
ORACLES = ("spot", "average", "window", "delayed", "median", "both")
#: Feeds of the pool's market; the others read the last price.
FEEDS = {"average": "ema", "window": "twap", "both": "twap"}
HELD = ("average", "window", "delayed", "both")
MEDIANS = ("median", "both")
POOLS = (500, 1000, 2000, 5000)
FEES = ("0.0005", "0.003", "0.01")
#: Share of the pool's coins that the attacker buys.
SHARES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)


def world(coins: int, fee: str, oracle: str) -> tuple[cs.Engine, list[cs.Market], cs.LendingMarket]:
    """One pool or three at the fair price, arbitrageurs who know it, and a lender.

    The pools given are those that the attacker has to move.
    """
    engine = cs.Engine(asset_decimals=5)
    averaged = {"average_of": "last", "average_time": WINDOW} if oracle in FEEDS else {}
    rules = cs.Rules(tiers=((0, 0),), feed=FEEDS.get(oracle, "last"), **averaged)
    names = ["COIN", "COIN 2", "COIN 3"] if oracle in MEDIANS else ["COIN"]
    for name in names:
        pool = engine.add_market(
            name, **GRID, rules=rules, venue=cs.ConstantProduct(coins, coins * FAIR, fee)
        )
        pool.set_index(FAIR)
        engine.residents.add(
            cs.Arbitrageur(
                market=name, deposit=50_000_000, size=round(coins * RETURNED, 3), threshold=fee
            )
        )
    if oracle in MEDIANS:
        rules = cs.Rules(tiers=((0, 0),), feed="index")
        engine.add_market("MEDIAN", **GRID, rules=rules, follows=names)
    bank = engine.lending.add("bank")
    bank.add_reserve(
        "COIN",
        price="MEDIAN" if oracle in MEDIANS else "COIN",
        venue="COIN",
        liquidation_threshold="0.8",
        loan_to_value=RATIO,
        liquidation_bonus="0.05",
        oracle=cs.Oracle(delay=HOLD if oracle == "delayed" else 0),
    )
    bank.add_reserve("USD")
    bank["USD"].supply(LENT)
    # the window is full
    engine.step(dt=WINDOW)
    return engine, [engine[name] for name in names[:2]], bank


def trade(engine: cs.Engine, pool: cs.Market, side: str, coins: float) -> float:
    """Money paid (below zero: received) for a market order of an outsider."""
    first = engine.event_count
    pool.book.market(side, round(coins, 3))
    events = engine.events_between(first, engine.event_count)
    fills = events[events["kind"] == cs.EventKind.FILL]
    return engine.from_atoms(int(np.abs(fills["money"]).sum())) * (1 if side == "buy" else -1)


def attack(coins: int, fee: str, oracle: str, share: float) -> tuple[float, float, float]:
    """What the lender believed, the loan it gave, and what buying and selling back cost."""
    engine, pools, bank = world(coins, fee, oracle)
    (account,) = bank.open(collateral={"COIN": [OWN]})
    bought = round(coins * share, 3)
    paid = sum(trade(engine, pool, "buy", bought) for pool in pools)
    if oracle in HELD:
        for _ in range(STEPS):
            engine.step(dt=HOLD // STEPS)
    believed = bank["COIN"].price or 0.0
    loan = bank.borrowable(int(account), "USD")
    if loan:
        bank.borrow(int(account), "USD", loan)
    paid += sum(trade(engine, pool, "sell", bought) for pool in pools)
    engine.validate()
    return believed, loan, paid


def borrow_and_leave(coins: int, fee: str, oracle: str, share: float) -> float:
    """Profit of one attack; the coins left with the lender count at the fair price."""
    _, loan, paid = attack(coins, fee, oracle, share)
    # with a loan worth less than the coins the attacker repays it instead
    return max(loan - OWN * FAIR, 0.0) - paid


def best(coins: int, fee: str, oracle: str) -> float:
    """Profit of the best size."""
    return max(borrow_and_leave(coins, fee, oracle, share) for share in SHARES)


# --- moving ------------------------------------------------------------------------------------

RISES = (0.05, 0.1, 0.25, 0.5)
MOVED = 1000  # coins of a pool
MOST = 980  # thousandths of them


def cost(fee: str, oracle: str, rise: float) -> tuple[float, float]:
    """Least share of a pool's coins that moves what is believed so far, and what that costs."""
    low, high = 0, MOST
    while high - low > 1:
        middle = (low + high) // 2
        believed, _, _ = attack(MOVED, fee, oracle, middle / 1000)
        low, high = (middle, high) if believed < FAIR * (1 + rise) else (low, middle)
    return high / 1000, attack(MOVED, fee, oracle, high / 1000)[2]


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
    """The experiments as tables."""
    lines = [
        "best profit of borrowing, USD",
        "coins    fee  " + "".join(f"{o:>11}" for o in ORACLES),
    ]
    for coins in POOLS:
        for fee in FEES:
            cells = "".join(f"{best(coins, fee, oracle):>11,.0f}" for oracle in ORACLES)
            lines.append(f"{coins:>5}  {float(fee):.2%}{cells}")
    lines += [
        "",
        f"share bought of {MOVED:,} coins, and its cost, USD",
        " rise    fee  " + "".join(f"{o:>18}" for o in ORACLES),
    ]
    for rise in RISES:
        for fee in FEES[:2]:
            found = (cost(fee, oracle, rise) for oracle in ORACLES)
            cells = "".join(f"{share:>8.1%}{paid:>10,.0f}" for share, paid in found)
            lines.append(f"{rise:>5.0%}  {float(fee):.2%}{cells}")
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
