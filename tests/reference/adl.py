"""The deleveraging stage of docs/adl.md: a sorted list of winners a wave, market and side."""

from fractions import Fraction
from heapq import heapify, heapreplace
from math import floor
from types import SimpleNamespace

import numpy as np

from . import log as events
from .margin import INT64, Position
from .records import BUY, SELL

MASK = 2**64 - 1
SHARED = (
    "pro_rata_quantity", "contract_pro_rata", "pro_rata_pnl", "pro_rata_pnl_risk", "integer_min_max",
)  # fmt: skip


def limited(amount: int) -> int:
    """The nearest amount that 64 bits hold: equities are only thought of."""
    return max(-INT64, min(INT64 - 1, amount))


def shuffled(account: int, seed: int) -> int:
    """SplitMix64 of account and seed, 62 bits."""
    z = (account + seed * 0xD1342543DE82EF95 + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return (z ^ (z >> 31)) >> 2


def score(
    policy: str, size: int, value: int, entry: int, equity: int, maintenance: int, wallet: int,
    unit_atoms: int, leverage: int,
) -> Fraction:  # fmt: skip
    """Score of a position by a venue's formula; divisors are at least one atom."""
    profit = limited(value - entry)
    notional, cost = max(abs(value), 1), max(abs(entry), 1)
    equity = limited(equity)
    if policy == "size":
        return Fraction(abs(size))
    if policy == "binance":
        gain = Fraction(max(profit, 0), max(wallet, unit_atoms))
        return gain * Fraction(limited(maintenance), equity)
    if policy == "hyperliquid":
        move = Fraction(notional, cost) if value >= 0 else Fraction(cost, notional)
        return move * Fraction(notional, equity)
    if policy == "hyperliquid_literal":
        # mark over entry, whatever the side; an inverse value falls with the price
        linear = (value >= 0) == (size >= 0)
        move = Fraction(notional, cost) if linear else Fraction(cost, notional)
        return move * Fraction(notional, equity)
    if policy == "bybit":
        return Fraction(profit, cost) * leverage
    if policy == "okx":
        balance = max(limited(wallet), 1)
        return Fraction(profit, balance) * Fraction(notional, balance)
    in_effect = Fraction(notional, equity)
    if policy == "htx" and profit <= 0:
        # return on margin times margin ratio
        stated = Fraction(leverage, 100)
        return Fraction(profit, cost) * stated * Fraction(equity, notional) * stated
    return Fraction(profit, cost) * (in_effect if profit > 0 else 1 / in_effect)


class Deleveraging:
    """The rankings of one step."""

    def __init__(self, engine) -> None:
        self.engine = engine
        self.clearing = engine.clearing
        self.log = engine.log
        self.ranked: dict[tuple[int, bool], tuple[int, list[Position]]] = {}
        self.lots = 0

    def applies(self, market: int) -> bool:
        """Is the market's rule set, and its trigger reached?"""
        entry = self.clearing.markets[market]
        return entry.rules.adl is not None and self.engine.waterfall.adl_triggered(entry)

    def price(self, market, bankruptcy: int) -> int:
        """Tick of the deleveraging; the mark where the one asked for is not known."""
        known = {
            "bankruptcy": bankruptcy, "mark": market.mark_ticks, "index": market.index_ticks,
            "previous_mark": market.previous_ticks,
        }  # fmt: skip
        return known[market.rules.adl_price] or market.mark_ticks

    def rank(self, market: int, of_longs: bool) -> list[Position]:
        """Positions of one side whose units have equity, highest score first, ties by account."""
        entry = self.clearing.markets[market]
        if callable(entry.rules.adl):
            return self.rank_by_function(entry, of_longs)
        unit_atoms = 10 ** self.clearing.assets[entry.asset].decimals
        scores = {}
        for position in self.clearing.positions:
            if position.market != market or not position.size or (position.size > 0) != of_longs:
                continue
            name = self.clearing.unit_name(position)
            unit = self.clearing.unit(name)
            if unit.equity() <= 0:
                continue
            if entry.rules.adl in SHARED:
                scores[position.number] = -position.number
                continue
            if entry.rules.adl == "random":
                seed = self.engine.seed + self.engine.clock
                scores[position.number] = Fraction(shuffled(position.account, seed))
                continue
            scores[position.number] = score(
                entry.rules.adl, position.size,
                entry.contract.value(position.size, entry.mark_ticks), position.entry,
                unit.equity(), unit.maintenance(), self.clearing.collateral(name), unit_atoms,
                position.leverage,
            )  # fmt: skip
        found = [self.clearing.positions[number] for number in scores]
        return sorted(found, key=lambda p: (-scores[p.number], p.account))

    def rank_by_function(self, entry, of_longs: bool) -> list[Position]:
        """The same by numbers that a function gives for columns."""
        rows = []
        for p in self.clearing.positions:
            name = self.clearing.unit_name(p)
            unit = self.clearing.unit(name)
            on_side = p.market == entry.number and p.size and (p.size > 0) == of_longs
            if on_side and unit.equity() > 0:
                value = entry.contract.value(p.size, entry.mark_ticks)
                rows.append((
                    p, p.account, p.size, p.entry, value, unit.equity(), unit.maintenance(),
                    self.clearing.collateral(name), p.leverage,
                ))  # fmt: skip
        if not rows:
            return []
        found, *columns = zip(*rows, strict=True)
        names = ("account", "size", "entry_value", "mark_value", "equity", "maintenance",
                 "collateral", "leverage")  # fmt: skip
        given = entry.rules.adl(
            SimpleNamespace(**{n: np.array(c) for n, c in zip(names, columns, strict=True)})
        )
        scores = {
            p.number: score for p, score in zip(found, np.asarray(given).tolist(), strict=True)
        }
        return sorted(found, key=lambda p: (-scores[p.number], p.account))

    def queue(self, market: int, of_longs: bool, wave: int) -> list[Position]:
        """The ranking that serves a wave: made once, and again for a later wave."""
        known = self.ranked.get((market, of_longs))
        if known is None or wave > known[0]:
            self.ranked[market, of_longs] = known = (wave, self.rank(market, of_longs))
        return known[1]

    def solvent_at(self, position: Position, tick: int) -> bool:
        """Would the unit's equity be zero or more with this position closed whole at a tick?"""
        contract = self.clearing.markets[position.market].contract
        unit = self.clearing.unit(self.clearing.unit_name(position))
        mark = self.clearing.markets[position.market].mark_ticks
        moved = contract.exact(position.size, tick) - contract.exact(position.size, mark)
        return unit.equity() > 0 and unit.equity() + moved >= 0

    def close(self, position: Position, lots: int, bankruptcy: int, liquidation: int) -> int:
        """Close lots of a liquidated position against winners; the lots nobody stood against."""
        entry = self.clearing.markets[position.market]
        tick = self.price(entry, bankruptcy)
        longs = position.size < 0
        queue = self.queue(position.market, longs, self.log.wave(liquidation))
        if entry.rules.adl == "integer_min_max":
            return self.min_max(position, queue, lots, tick, liquidation)
        if entry.rules.adl in SHARED:
            return self.share_out(position, queue, lots, tick, liquidation)
        for winner in list(queue):
            if lots == 0:
                break
            if winner.account == position.account:
                continue
            able = winner.size and (winner.size > 0) == longs and self.solvent_at(winner, tick)
            if not able:
                queue.remove(winner)
                continue
            closed = min(lots, abs(winner.size))
            self.trade(position, winner, closed, tick, liquidation)
            lots -= closed
            if not winner.size:
                queue.remove(winner)
        return lots

    def share_out(self, position: Position, side: list, lots: int, tick: int, cause: int) -> int:
        """Lots in proportion to a weight, in rounds; each closes what he has at the most."""
        entry = self.clearing.markets[position.market]

        def profit(p: Position) -> int:
            return entry.contract.value(p.size, entry.mark_ticks) - p.entry

        if entry.rules.adl == "pro_rata_quantity":
            weights = [lambda p: abs(p.size)]
        elif entry.rules.adl == "pro_rata_pnl":
            weights = [lambda p: max(profit(p), 0)]
        elif entry.rules.adl == "pro_rata_pnl_risk":
            weights = [lambda p: self.risk(p, profit(p))]
        else:
            weights = [
                lambda p: abs(p.size) if profit(p) > 0 else 0,
                lambda p: abs(p.size) if profit(p) <= 0 else 0,
            ]
        for weight in weights:
            while lots:
                able = [
                    (p, weight(p)) for p in side
                    if p.account != position.account and p.size and weight(p) > 0
                    and (p.size > 0) == (position.size < 0) and self.solvent_at(p, tick)
                ]  # fmt: skip
                whole = sum(w for _, w in able)
                by_lots = entry.rules.adl in ("pro_rata_quantity", "contract_pro_rata")
                owed = min(lots, whole) if by_lots else lots
                seen, closed = 0, 0
                for winner, w in able:
                    before, seen = seen, seen + w
                    due = floor(Fraction(owed * seen, whole)) - floor(
                        Fraction(owed * before, whole)
                    )
                    due = min(due, abs(winner.size))
                    if due:
                        self.trade(position, winner, due, tick, cause)
                        closed += due
                lots -= closed
                if not closed:
                    break
        return lots

    def risk(self, position: Position, profit: int) -> int:
        """Profit times leverage in effect, whole atoms down, for who has a profit."""
        entry = self.clearing.markets[position.market]
        value = entry.contract.value(position.size, entry.mark_ticks)
        equity = limited(self.clearing.unit(self.clearing.unit_name(position)).equity())
        return limited(max(profit, 0) * abs(value) // equity) if equity > 0 else 0

    def min_max(self, position: Position, side: list, lots: int, tick: int, cause: int) -> int:
        """A lot at a time where the share after it is smallest, ties to the lower account."""
        able = [
            p for p in side
            if p.account != position.account and p.size
            and (p.size > 0) == (position.size < 0) and self.solvent_at(p, tick)
        ]  # fmt: skip
        owed = min(lots, sum(abs(p.size) for p in able))
        given = [0] * len(able)
        shares = [(Fraction(1, abs(p.size)), p.account, k) for k, p in enumerate(able)]
        heapify(shares)
        for _ in range(owed):
            _, account, k = shares[0]
            given[k] += 1
            heapreplace(shares, (Fraction(given[k] + 1, abs(able[k].size)), account, k))
        for winner, due in zip(able, given, strict=True):
            if due:
                self.trade(position, winner, due, tick, cause)
        return lots - owed

    def trade(
        self, position: Position, winner: Position, lots: int, tick: int, liquidation: int
    ) -> None:
        value = self.clearing.markets[position.market].contract.value(lots, tick)
        sign = -1 if position.size > 0 else 1
        self.log.add(
            events.ADL,
            cause=liquidation,
            quantity=lots,
            price=tick,
            money=abs(value),
            account=position.account,
            counterparty=winner.account,
            market=position.market,
            side=BUY if sign > 0 else SELL,
        )
        for side, direction in ((position, sign), (winner, -sign)):
            self.clearing.book_trade(
                side.account, side.market, side.leg, direction * lots, direction * value
            )
        self.lots += lots
