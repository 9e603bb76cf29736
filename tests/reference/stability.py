"""A stability pool of the twin: deposits that cancel debts, and what their providers get for it.

docs/troves.md. What a unit of deposit has become is a product, what it has gained a sum, as Liquity v1 has
them: the loss of a unit is rounded up, its gain down, and what rounding took is taken off the next time.
"""

from dataclasses import dataclass
from fractions import Fraction

from . import log as events
from .grid import whole
from .lending_rules import ONE

SCALE = 10**9


@dataclass
class Provision:
    """A deposit when its provider last touched it, and the product, the sum and the scale then."""

    initial: int
    product: int
    total: int
    scale: int
    rewards: int


class StabilityPool:
    """Atoms that providers put in; gains in lots of the collateral, or in atoms where it is sold."""

    def __init__(self, lending, terms) -> None:
        self.lending, self.engine = lending, lending.engine
        self.least = self.engine.to_atoms(terms.least_left, lending.asset)
        self.providers: dict[str, Provision] = {}
        self.product, self.scale = ONE, 0
        self.sums = [0]
        self.rewards = [0]  # the same sums of interest
        self.loss_error = self.gain_error = self.reward_error = 0
        self.deposits = self.gains = 0
        self.provided = self.withdrawn = self.burned = self.received = self.paid = 0
        self.interest = self.interest_received = self.interest_paid = 0

    @property
    def lot_size(self):
        return Fraction(1, 10 ** self.engine.clearing.assets[self.lending.asset].decimals)

    def free(self) -> int:
        """The most that can be cancelled now."""
        return max(self.deposits - self.least, 0)

    def offset(self, debt: int, gain: int) -> None:
        """Cancel debt against the deposits, which share the gain."""
        gained = gain * ONE + self.gain_error
        self.gain_error = gained % self.deposits
        lost = max(debt * ONE - self.loss_error, 0)
        loss = lost // self.deposits + 1
        self.loss_error = loss * self.deposits - lost
        self.sums[-1] += gained // self.deposits * self.product
        product = self.product * (ONE - loss)
        steps = 0
        while product * SCALE**steps // ONE < SCALE and steps < 2:
            steps += 1
        self.product = product * SCALE**steps // ONE
        self.scale += steps
        self.sums += [0] * steps
        self.rewards += [0] * steps
        self.deposits -= debt
        self.burned += debt
        self.gains += gain
        self.received += gain

    def earn(self, atoms: int) -> None:
        """Share interest among the deposits."""
        earned = atoms * ONE + self.reward_error
        self.reward_error = earned % self.deposits
        self.rewards[-1] += earned // self.deposits * self.product
        self.interest += atoms
        self.interest_received += atoms

    def left(self, name: str) -> int:
        """What is left of a deposit; less than a billionth is nothing."""
        own = self.providers.get(name)
        if own is None or self.scale - own.scale > 1:
            return 0
        left = own.initial * self.product // own.product // SCALE ** (self.scale - own.scale)
        return 0 if left < own.initial // SCALE else left

    def gain(self, name: str) -> int:
        own = self.providers.get(name)
        return 0 if own is None else self.since(own, self.sums, own.total)

    def reward(self, name: str) -> int:
        """Atoms of interest that a provider has earned and not been paid."""
        own = self.providers.get(name)
        return 0 if own is None else self.since(own, self.rewards, own.rewards)

    @staticmethod
    def since(own: Provision, sums: list, total: int) -> int:
        found = sums[own.scale] - total
        if own.scale + 1 < len(sums):
            found += sums[own.scale + 1] // SCALE
        return own.initial * found // own.product // ONE

    def change(self, name: str, left: int, more: int, gain: int, reward: int) -> None:
        """The deposit is `left` now, by `more` atoms more or less; gain and interest are paid."""
        self.gains -= gain
        self.paid += gain
        self.interest -= reward
        self.interest_paid += reward
        self.providers.pop(name, None)
        if left:
            now = self.product, self.sums[-1], self.scale, self.rewards[-1]
            self.providers[name] = Provision(left, *now)
        self.deposits += more
        side = events.NO_MARKET
        if self.lending.troves is not None:
            side = self.lending.debt_reserve.borrowed_side.number
        self.engine.log.add(events.PROVIDE, quantity=more, money=gain, order=reward, market=side)
        if self.lending.troves is not None:
            self.lending.troves.form_marks()

    def row(self) -> dict:
        return self.totals()

    def to_pay(self, name: str) -> tuple[int, int]:
        gain, reward = self.gain(name), self.reward(name)
        if gain > self.gains or reward > self.interest:
            raise ValueError(f"a gain of {gain} or interest of {reward} is more than the pool has")
        return gain, reward

    def provide(self, amount, provider: str = "provider") -> None:
        atoms = whole("amount", amount, self.lot_size)
        if atoms <= 0:
            raise ValueError(f"amount {amount!r} must be above zero")
        paid = self.to_pay(provider)
        self.provided += atoms
        self.change(provider, self.left(provider) + atoms, atoms, *paid)

    def withdraw(self, amount=None, provider: str = "provider") -> None:
        if provider not in self.providers:
            raise ValueError(f"{provider!r} has provided nothing")
        left = self.left(provider)
        wanted = left
        if amount is not None:
            wanted = min(left, whole("amount", amount, self.lot_size))
        if wanted < 0:
            raise ValueError(f"amount {amount!r} is below zero")
        if wanted and self.deposits - wanted < self.least:
            raise ValueError(f"amount {amount!r} leaves less than {self.least} atoms in the pool")
        troves = self.lending.troves
        if wanted and troves is not None and troves.any_below_minimum():
            raise ValueError("a loan is below the minimum ratio")
        paid = self.to_pay(provider)
        self.withdrawn += wanted
        self.change(provider, left - wanted, -wanted, *paid)

    def totals(self) -> dict:
        names = ("deposits", "provided", "withdrawn", "burned", "gains", "received", "paid")
        names += ("interest", "interest_received", "interest_paid")
        return {name: getattr(self, name) for name in names}

    def rows(self) -> list[list[int]]:
        """What a hash has of the pool: large numbers in parts of 62 bits."""
        rows = [list(self.totals().values())]
        rows.append([*limbs(self.product), self.scale, *limbs(self.loss_error)])
        rows.append([*limbs(self.gain_error), *(x for s in self.sums[-2:] for x in limbs(s))])
        rows.append([*limbs(self.reward_error), *(x for s in self.rewards[-2:] for x in limbs(s))])
        for name in sorted(self.providers):
            own = self.providers[name]
            rows.append([*name.encode(), own.initial, *limbs(own.product)])
            rows.append([*limbs(own.total), own.scale, *limbs(self.gain(name))])
            rows.append([*limbs(own.rewards), *limbs(self.reward(name))])
        return rows


def limbs(number: int) -> list[int]:
    """A number below 2**310 in five parts of 62 bits, the lowest first."""
    return [number >> 62 * k & 2**62 - 1 for k in range(5)]


def check_pool(pool: StabilityPool) -> None:
    """Raise AssertionError if deposits and gains are not what came less what went."""
    assert pool.deposits == pool.provided - pool.withdrawn - pool.burned >= 0, pool.totals()
    assert pool.gains == pool.received - pool.paid >= 0, pool.totals()
    assert pool.interest == pool.interest_received - pool.interest_paid >= 0, pool.totals()
