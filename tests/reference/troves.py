"""Stability pool and troves in fractions: every depositor and every trove is updated each time.

What the whole of debt and collateral is shared out by is written down plainly: deposits by their size,
redistributions by the collateral that a trove has at that moment. Nothing is rounded. From
docs/protocols/liquity_v1.md.
"""

from fractions import Fraction


class FairPool:
    """Deposits and gains, all of them changed by every offset."""

    def __init__(self, least_left=1):
        self.least_left = Fraction(least_left)
        self.deposits = {}
        self.gains = {}

    @property
    def total(self):
        return sum(self.deposits.values(), Fraction(0))

    @property
    def free(self):
        return max(self.total - self.least_left, Fraction(0))

    def deposit(self, name, size):
        self.deposits[name] = self.deposits.get(name, Fraction(0)) + size
        self.gains[name] = Fraction(0)

    def withdraw(self, name, size):
        taken = min(size, self.deposits[name])
        self.deposits[name] -= taken
        gained, self.gains[name] = self.gains[name], Fraction(0)
        return taken, gained

    def offset(self, debt, collateral):
        total = self.total
        for name, own in self.deposits.items():
            self.gains[name] += collateral * own / total
            self.deposits[name] = own - debt * own / total


class FairTroves:
    """Troves as pairs of collateral and debt."""

    def __init__(self, price):
        self.price = Fraction(price)
        self.troves = {}
        self.pool = FairPool()
        self.surplus = {}
        self.to_liquidators = Fraction(0)

    def ratio(self, name):
        collateral, debt = self.troves[name]
        return collateral * self.price / debt

    def open(self, name, collateral, debt):
        self.troves[name] = [Fraction(collateral), Fraction(debt)]

    def add_collateral(self, name, collateral):
        self.troves[name][0] += collateral

    def close(self, name):
        del self.troves[name]

    def liquidate(self, names):
        """Branches follow the system as it is after every trove; shares go out at the end."""
        collateral, debt = (sum(trove[k] for trove in self.troves.values()) for k in (0, 1))
        recovery = collateral * self.price < debt * Fraction(3, 2)
        free = self.pool.free
        gone, offsets, shared = [], [Fraction(0)] * 2, [Fraction(0)] * 2
        for name in dict.fromkeys(names):
            if name not in self.troves:
                continue
            parts = self._parts(name, free, recovery, collateral * self.price / debt)
            if parts is None:
                continue
            if len(gone) + 1 == len(self.troves):
                if recovery:
                    continue
                raise ValueError("last trove")
            gone.append(name)
            cancelled, to_pool, rest, rest_collateral, left, fee = parts
            free -= cancelled
            offsets = [offsets[0] + cancelled, offsets[1] + to_pool]
            shared = [shared[0] + rest_collateral, shared[1] + rest]
            self.to_liquidators += fee
            if left:
                self.surplus[name] = self.surplus.get(name, Fraction(0)) + left
            debt -= cancelled
            collateral -= to_pool + left + fee
            recovery = recovery and collateral * self.price < debt * Fraction(3, 2)
        for name in gone:
            del self.troves[name]
        if offsets[0]:
            self.pool.offset(*offsets)
        there = sum((trove[0] for trove in self.troves.values()), Fraction(0))
        for trove in self.troves.values():
            share = trove[0] / there
            trove[0] += shared[0] * share
            trove[1] += shared[1] * share
        return gone

    def _parts(self, name, free, recovery, system_ratio):
        collateral, debt = self.troves[name]
        ratio = self.ratio(name)
        fee = collateral / 200
        if recovery and ratio <= 1:
            return 0, 0, debt, collateral - fee, 0, fee
        if ratio < Fraction(11, 10):
            cancelled = min(debt, free)
            to_pool = (collateral - fee) * cancelled / debt
            return cancelled, to_pool, debt - cancelled, collateral - fee - to_pool, 0, fee
        if recovery and ratio < system_ratio and debt <= free:
            capped = debt * Fraction(11, 10) / self.price
            return debt, capped * 199 / 200, 0, 0, collateral - capped, capped / 200
        return None
