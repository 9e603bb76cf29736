"""A real order book, leveraged accounts and an insurance fund, exact to the unit (G01 to G03).

One side of a book has equal sizes at every tick, an order from outside starts the cascade, forced
orders sweep levels and the fund settles each account. Source: ../shared/rules/laws.md, section 2.4.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

import cascade as cs
from cascade import margin
from laws.ladders import common_step

# of the case itself, for a mirror that only names it
FEED = {
    "best_bid": 1000, "tick": 1, "level_qty": 10, "levels": 200, "external_sell": 40,
    "maintenance": 0.01, "fund0": 500,
    "accounts": {"A": [45, 1010, 50], "B": [60, 1005, 50], "C": [160, 1000, 50],
                 "D": [50, 990, 50], "E": [50, 990, 20]},
    "shorts": {"S1": [105, 1010], "S2": [260, 995]},
}  # fmt: skip


@dataclass
class Crowd:
    """Longs as the case names them, with exact trigger and bankruptcy prices."""

    names: list[str]
    size: list[int]
    entry: list[Fraction]
    leverage: list[Fraction]
    liquidation: list[Fraction]
    bankruptcy: list[Fraction]

    @classmethod
    def of(cls, feed: dict[str, Any]) -> "Crowd":
        names = list(feed["accounts"])
        rows = [[Fraction(str(x)) for x in feed["accounts"][name]] for name in names]
        terms = margin.MarginTerms.flat(feed["maintenance"])
        backing = [margin.isolated_margin(q, p, lev) for q, p, lev in rows]
        pairs = list(zip(rows, backing, strict=True))
        return cls(
            names, *([row[k] for row in rows] for k in range(3)),
            [margin.liquidation_price(q, p, b, terms) for (q, p, _), b in pairs],
            [margin.bankruptcy_price(q, p, b) for (q, p, _), b in pairs],
        )  # fmt: skip


def _market(
    feed: dict[str, Any], rules: cs.Rules, grid: Fraction, decimals: int = 9
) -> tuple[cs.Engine, cs.Market]:
    sizes = [row[0] for row in (*feed["accounts"].values(), *feed.get("shorts", {}).values())]
    sizes += [feed["level_qty"], feed["external_sell"]]
    engine = cs.Engine(asset_decimals=decimals)
    lot = common_step(*(Fraction(str(size)) for size in sizes))
    market = engine.add_market("X", tick_size=grid, lot_size=lot, rules=rules)
    engine.fund_deposit(feed["fund0"])
    market.set_index(feed["best_bid"])
    return engine, market


def _run(
    engine: cs.Engine, market: cs.Market, feed: dict[str, Any], side: str, owner: dict[int, str]
) -> dict[str, Any]:
    """Rest a maker's orders, send the order from outside, run the cascade and tell the story."""
    rest, away = ("buy", -1) if side == "sell" else ("sell", 1)
    maker, sender = engine.accounts.create(2, balance=4 * 10**6).tolist()
    owner = owner | {maker: "MM", sender: "EXT"}
    for level in range(feed["levels"]):
        price = feed["best_bid"] + away * level * feed["tick"]
        sent = market.book.limit(rest, price, feed["level_qty"], account=maker)
        assert sent.code == cs.Code.OK
    paid_in = engine.accounts.balance_atoms + engine.accounts.column(market, "margin")
    begin = len(engine.events)
    market.book.market(side, feed["external_sell"], account=sender)
    result = engine.step()
    engine.validate()
    rows = result.paid_by[result.paid_by["stage"] == "socialised"]
    shared = {owner[int(row["account"])]: engine.from_atoms(int(row["atoms"])) for row in rows}
    events = engine.events[begin:]
    causes = events["cause"] - begin
    fills = events["kind"] == cs.EventKind.FILL

    def traded(cause: int) -> tuple[float, float]:
        rows = events[fills & (causes == cause)]
        worth = int((rows["quantity"] * rows["price"].astype(np.int64)).sum())
        vwap = market.ticks.number(1) * worth / int(rows["quantity"].sum())
        return vwap, market.ticks.number(int(rows["price"][-1]))

    order = int(np.flatnonzero(events["kind"] == cs.EventKind.ORDER)[0])
    story = {"external_vwap": traded(order)[0], "external_last": traded(order)[1]}
    fund, steps = float(feed["fund0"]), []
    for row in np.flatnonzero(events["kind"] == cs.EventKind.LIQUIDATION).tolist():
        money = events[(events["kind"] == cs.EventKind.FUND) & (causes == row)]["money"]
        change = engine.from_atoms(int(money.sum()))
        fund += change
        vwap, last = traded(row)
        steps.append({
            "account": owner[int(events["account"][row])],
            "qty": market.lots.number(int(events["quantity"][row])),
            "vwap": vwap, "last": last, "fund_change": change, "fund": fund,
        })  # fmt: skip
    level = (market.book.bids(1) if side == "sell" else market.book.asks(1))[0]
    best = [market.ticks.number(level[0]), market.lots.number(level[1])]
    profit = (engine.accounts.equity_atoms - paid_in).tolist()
    pnl = {owner[k]: engine.from_atoms(atoms) for k, atoms in enumerate(profit)}
    pnl["FUND"] = engine.insurance_fund() - feed["fund0"]
    sold = market.lots.number(int(events["quantity"][fills].sum()))
    return story | {
        "liquidations": steps, "vwaps": {step["account"]: step["vwap"] for step in steps},
        "final_last": market.last, "best_bid": best, "best_ask": best,
        "fund": engine.insurance_fund(), "total_sold": sold,
        "pnl": pnl, "pnl_sum": sum(pnl.values()), "socialised": shared,
        "losses": result.losses,
    }  # fmt: skip


def sell_into_bids(feed: dict[str, Any], decimals: int = 9, **stages: Any) -> dict[str, Any]:
    """G01, G02: isolated longs with maintenance on the mark, and a sale from outside into bids."""
    crowd = Crowd.of(feed)
    rules = cs.Rules(tiers=((0, feed["maintenance"]),), trigger="<=", **stages)
    engine, market = _market(feed, rules, Fraction(str(feed["tick"])), decimals)
    ids = engine.accounts.open(
        market, side="long", size=crowd.size, entry=crowd.entry, leverage=crowd.leverage
    ).tolist()
    owner = dict(zip(ids, crowd.names, strict=True))
    for name, (size, entry) in feed.get("shorts", {}).items():
        made = engine.accounts.open(market, side="short", size=size, entry=entry, margin=10**6)
        owner[int(made[0])] = name
    story = _run(engine, market, feed, "sell", owner)
    for step in story["liquidations"]:
        step["p_bk"] = crowd.bankruptcy[crowd.names.index(step["account"])]
    kept = [name for name in crowd.names if name not in story["vwaps"]]
    prices = {f"{n}_liq_price": p for n, p in zip(crowd.names, crowd.liquidation, strict=True)}
    backing = zip(crowd.names, crowd.size, crowd.entry, crowd.leverage, strict=True)
    returned = {n: margin.isolated_margin(q, p, lev) + Fraction(str(story["pnl"][n]))
                for n, q, p, lev in backing if n not in kept}  # fmt: skip
    return story | prices | {"not_liquidated": kept, "returned": returned,
                             "bad_debt": engine.bad_debt()}  # fmt: skip


def buy_from_asks(feed: dict[str, Any], mirror: Fraction) -> dict[str, Any]:
    """G03: the same mirrored, with shorts given by their triggers and bankruptcy prices."""
    crowd = Crowd.of(feed)
    ruin = [2 * mirror - price for price in crowd.bankruptcy]
    grid = common_step(Fraction(str(feed["tick"])), *ruin)
    feed = feed | {"best_bid": 2 * mirror - feed["best_bid"]}
    engine, market = _market(feed, cs.Rules(trigger="<="), grid)
    triggers = [margin.to_tick(2 * mirror - price, grid, 1) for price in crowd.liquidation]
    ids = engine.accounts.open_ladder(
        market, side="short", size=crowd.size, trigger=triggers, bankruptcy=ruin
    ).tolist()
    return _run(engine, market, feed, "buy", dict(zip(ids, crowd.names, strict=True)))
