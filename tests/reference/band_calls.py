"""Calls on loans in the twin's band markets: docs/bands-market.md, *In the step*, every liquidator asked."""

from . import log as events
from .band_curve import up
from .lending_reserves import PARTS
from .lending_rules import Liquidator
from .records import SELL
from .seizure import Seizure


class BandCalls:
    """What a band market does with loans that are due."""

    def next_due(self) -> int | None:
        """The loan whose health was the lowest when last looked at, of equals the first."""
        found = [
            (loan.health, number)
            for number, loan in enumerate(self.loans)
            if loan.cause != -2 and number not in self.aside
        ]
        return min(found)[1] if found else None

    def removed(self, fraction: int) -> int:
        """Share of the bands for a share of the debt: `removed_fraction`, in parts."""
        h = self.liquidation_discount
        if fraction == PARTS or not h:
            return fraction
        kept = (PARTS + h // 2) * (PARTS - fraction) // (PARTS + h)
        return (kept + fraction) * fraction // PARTS

    def offer(self, cascade, loan, liquidator: Liquidator):
        """The largest share of a loan, down by halves, that pays: (profit, fraction, share), or None."""
        capital = liquidator.capital
        gas, least = self.to_atoms(liquidator.gas), self.to_atoms(liquidator.min_profit)
        for attempt in range(liquidator.halvings + 1):
            fraction = PARTS >> attempt
            share = self.removed(fraction)
            cancelled = up(self.debt(loan) * fraction, PARTS)
            claims = [self.band(n).claim(s * share // PARTS) for n, s in loan.bands()]
            x, parts = sum(c[0] for c in claims), sum(c[1] for c in claims)
            lots = parts // self.grid.parts
            cost = cancelled - x
            if not x and not lots:
                return None
            if capital is not None and cost > self.to_atoms(capital) + liquidator.cash:
                continue
            sale = Seizure(cascade).quote(self.collateral, SELL, lots) if lots else 0
            if sale is not None and sale - cost - gas >= least:
                return sale - cost - gas, fraction, share
        return None

    def choose(self, cascade, loan):
        """(number, (fraction, share)) of who makes a call, or None."""
        if not self.engine.liquidators:
            found = self.offer(cascade, loan, Liquidator())
            return None if found is None else (-1, found[1:])
        seizure, offers = Seizure(cascade), []
        for who, liquidator in enumerate(self.engine.liquidators):
            if not seizure.waits(liquidator, loan.cause):
                found = self.offer(cascade, loan, liquidator)
                if found is not None:
                    offers.append((who, found[0], found[1:]))
        return self.engine.liquidators.chosen(offers)

    def liquidate(self, cascade, number: int) -> bool:
        """One call on a loan that is still due, or it waits for the next step."""
        loan = self.loans[number]
        self.look(loan)
        if loan.cause == -2:
            return False
        chosen = self.choose(cascade, loan) if self.usable() else None
        if chosen is None:
            self.aside.add(number)
            return False
        who, offer = chosen
        liquidator = Liquidator() if who < 0 else self.engine.liquidators[who]
        self.execute(cascade, number, liquidator, who, *offer)
        if liquidator.calls == "single" and loan.cause != -2:
            self.aside.add(number)
        return True

    def execute(self, cascade, number, liquidator, who: int, fraction: int, share: int) -> None:
        loan, log = self.loans[number], self.engine.log
        before, backing, debt = self.health_of(loan), self.backing(loan), self.debt(loan)
        cancelled = up(debt * fraction, PARTS)
        self.cancel(loan, cancelled)
        stable, parts = self.take(loan, share)
        lots = self.pay_out(stable, parts)
        if not loan.debt:
            loan.shares = []
        side = self.collateral.supplied_side.number
        about = {"account": loan.account, "market": side}
        event = log.add(
            events.LIQUIDATION, cause=loan.cause, wave=log.wave(loan.cause) + 1, side=SELL,
            price=self.collateral.price_ticks, quantity=lots, money=backing - debt, **about,
        )  # fmt: skip
        log.add(events.SEIZE, cause=event, counterparty=who, quantity=lots, money=stable, **about)
        log.add(
            events.REPAY, cause=event, account=loan.account, counterparty=who, quantity=cancelled,
            money=cancelled, market=self.money.borrowed_side.number,
        )  # fmt: skip
        sale = Seizure(cascade).trade(self.collateral, SELL, lots, event) if lots else 0
        gas = self.to_atoms(liquidator.gas)
        liquidator.cash += sale + stable - cancelled - gas
        liquidator.spent += gas
        liquidator.done += 1
        cascade.units += 1
        cascade.notional += cancelled
        after = self.health_of(loan)
        log.add(
            events.HEALTH, cause=event, order=before, quantity=after, side=int(after < before),
            **about,
        )  # fmt: skip
        self.change(event)
        self.look(loan)
