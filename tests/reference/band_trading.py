"""Trades with the bands of the twin's band markets: docs/bands-market.md, *In the step*, from band to band.

Whoever trades sells at a venue what it buys of the bands, or the other way round, as far as the last lot
earns something.
"""

from dataclasses import dataclass, field

from . import log as events
from .lending_rules import Liquidator
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

    def size(self, cascade, liquidator, buy: bool) -> int:
        """Lots up to which the last one still earns something, by powers of two."""

        def earns(lots: int) -> bool:
            now = self.gain(cascade, liquidator, buy, lots)
            before = self.gain(cascade, liquidator, buy, lots - 1)
            return now is not None and before is not None and now > before

        most = self.walk(buy, 1 << 60).lots_parts // self.grid.parts
        if not most or not earns(1):
            return 0
        lots, step = 0, 1 << (most.bit_length() - 1)
        while step:
            if lots + step <= most and earns(lots + step):
                lots += step
            step >>= 1
        return lots

    def arbitrage(self, cascade) -> bool:
        """Each liquidator in turn trades as far as it pays; has anybody?"""
        acted = False
        if not self.usable():
            return False
        for who, liquidator in enumerate(self.engine.liquidators or [Liquidator()]):
            for buy in (True, False):
                lots = self.size(cascade, liquidator, buy)
                if not lots:
                    continue
                gain = self.gain(cascade, liquidator, buy, lots)
                gas, least = self.to_atoms(liquidator.gas), self.to_atoms(liquidator.min_profit)
                if gain - gas < max(least, 1):
                    continue
                number = who if self.engine.liquidators else -1
                self.trade(cascade, liquidator, number, buy, lots)
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
        self.change(event)
