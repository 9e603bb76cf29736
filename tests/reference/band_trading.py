"""Trades with the bands of the twin's band markets: docs/bands-market.md, *In the step*, from band to band.

Whoever trades sells at a venue what it buys of the bands, or the other way round, as far as the last lot
earns something.
"""

from dataclasses import dataclass, field

from . import log as events
from .lending_rules import Liquidator
from .margin import rate_of
from .records import BUY, SELL
from .seizure import Seizure

BANDS = (4, 50)


@dataclass
class Swap:
    """What a walk through the bands comes to; `bands` what it leaves in those it traded in."""

    lots_parts: int
    atoms: int
    active: int
    bands: dict = field(default_factory=dict)


class BandTrading:
    """What a band market does when somebody trades with it."""

    def walk(self, buy: bool, parts: int) -> Swap:
        """Buy or sell collateral as far as the bands go, from the active one on; nothing changes."""
        oracle, fee = max(self.oracle[0], 1), self.oracle[1]
        fee = max(fee, self.fee)
        done = Swap(0, 0, self.active)
        n, traded = self.active, 0
        while True:
            band = self.band(n)
            x, y = band.stable, band.collateral
            if x or y or traded:
                traded += 1
            left = parts - done.lots_parts
            if buy and y:
                taken = min(y, left)
                paid = self.grid.purchase(n, x, y, taken, oracle, fee)
                done.bands[n] = (x + paid, y - taken)
                done.lots_parts += taken
                done.atoms += paid
                ends = taken == left
            elif not buy and x:
                taken, got, ends = self.grid.sale(n, x, y, left, oracle, fee)
                done.bands[n] = (x - got, y + taken)
                done.lots_parts += taken
                done.atoms += got
                ends = ends or taken == left
            else:
                ends = False
            done.active = n
            last = n == (self.high if buy else self.low) or traded == BANDS[1]
            if ends or last or self.grid.beyond(n, oracle, buy):
                return done
            n += 1 if buy else -1

    def quote(self, buy: bool, lots: int) -> int | None:
        """Atoms for so many lots; None: the bands do not take or have them."""
        swap = self.walk(buy, lots * self.grid.parts)
        return swap.atoms if swap.lots_parts == lots * self.grid.parts else None

    def gain(self, cascade, liquidator: Liquidator, buy: bool, lots: int) -> int | None:
        """Atoms that a round trip through bands and venue earns; None where one of them has not so many."""
        if not lots:
            return 0
        mine = self.quote(buy, lots)
        other = Seizure(cascade).quote(self.collateral, SELL if buy else BUY, lots)
        if mine is None or other is None:
            return None
        capital = liquidator.capital
        cost = mine if buy else other
        if capital is not None and cost > self.to_atoms(capital) + liquidator.cash:
            return None
        return other - mine if buy else mine - other

    def to_atoms(self, amount) -> int:
        return self.engine.to_atoms(amount, self.lending.asset)

    def earns(self, cascade, liquidator: Liquidator, buy: bool, lots: int) -> bool:
        """Does the last of some lots earn something?"""
        now = self.gain(cascade, liquidator, buy, lots)
        before = self.gain(cascade, liquidator, buy, lots - 1)
        return now is not None and before is not None and now > before

    def look_at_venue(self, cascade) -> None:
        """Since when bands and venue are apart: one lot earns something without gas and capital."""
        for buy in (True, False):
            if not self.earns(cascade, Liquidator(), buy, 1):
                self.apart_since[buy] = -1
            elif self.apart_since[buy] < 0:
                self.apart_since[buy] = self.engine.clock

    def size(self, cascade, liquidator, buy: bool) -> int:
        """Lots up to which the last one still earns something, by powers of two."""
        most = self.walk(buy, 1 << 60).lots_parts // self.grid.parts
        if not most or not self.earns(cascade, liquidator, buy, 1):
            return 0
        lots, step = 0, 1 << (most.bit_length() - 1)
        while step:
            if lots + step <= most and self.earns(cascade, liquidator, buy, lots + step):
                lots += step
            step >>= 1
        return lots

    def find_trade(self, cascade, liquidator: Liquidator, buy: bool):
        """(profit after gas, lots) of a trade that pays a liquidator who has seen that it would, or None."""
        since = self.apart_since[buy]
        latency = round(rate_of(liquidator.latency) * 10**9)
        if since < 0 or self.engine.clock - since < latency:
            return None
        lots = self.size(cascade, liquidator, buy)
        if not lots:
            return None
        profit = self.gain(cascade, liquidator, buy, lots) - self.to_atoms(liquidator.gas)
        least = self.to_atoms(liquidator.min_profit)
        return (profit, lots) if profit >= max(least, 1) else None

    def arbitrage(self, cascade) -> bool:
        """Liquidators trade as far as it pays, each in turn or the highest bidder; has anybody?"""
        if not self.usable():
            return False
        liquidators, acted = self.engine.liquidators, False
        self.look_at_venue(cascade)
        if liquidators and liquidators.compete == "bids":
            return self.trade_by_bids(cascade)
        for who, liquidator in enumerate(liquidators or [Liquidator()]):
            for buy in (True, False):
                found = self.find_trade(cascade, liquidator, buy)
                if found is not None:
                    number = who if liquidators else -1
                    self.trade(cascade, liquidator, number, buy, found[1])
                    acted = True
        return acted

    def trade_by_bids(self, cascade) -> bool:
        liquidators, acted = self.engine.liquidators, False
        for buy in (True, False):
            found = [self.find_trade(cascade, each, buy) for each in liquidators]
            offers = [(who, *offer) for who, offer in enumerate(found) if offer is not None]
            chosen = liquidators.chosen(offers)
            if chosen is not None:
                who, lots = chosen
                self.trade(cascade, liquidators[who], who, buy, lots)
                acted = True
        return acted

    def trade(self, cascade, liquidator, who: int, buy: bool, lots: int) -> None:
        oracle = self.oracle
        swap = self.walk(buy, lots * self.grid.parts)
        for n, (x, y) in swap.bands.items():
            self.bands[n].stable, self.bands[n].collateral = x, y
        self.active = swap.active
        self.last_price, self.last_fee, self.last_time = *oracle, self.engine.clock
        sums = self.sums
        sums["lots_out" if buy else "lots_in"] += lots
        sums["stable_in" if buy else "stable_out"] += swap.atoms
        sums["sold" if buy else "bought"] += lots
        event = self.engine.log.add(
            events.SOFT_LIQUIDATION if buy else events.DE_LIQUIDATION, cause=self.changed,
            account=-1, counterparty=who, side=SELL if buy else BUY, quantity=lots,
            money=swap.atoms, price=self.collateral.price_ticks, order=self.active,
            market=self.collateral.supplied_side.number,
        )  # fmt: skip
        other = Seizure(cascade).trade(self.collateral, SELL if buy else BUY, lots, event)
        gas = self.to_atoms(liquidator.gas)
        liquidator.cash += (other - swap.atoms if buy else swap.atoms - other) - gas
        liquidator.spent += gas
        liquidator.done += 1
        self.change(event)
        self.look_at_venue(cascade)
