"""Stability pool of Liquity v1: debt cancelled against deposits, collateral shared out, in constant time.

A product P follows what a unit of deposit has become, a sum S what it has gained, and an offset touches
these two alone. Losses a unit are rounded up and gains down, and what rounding took is fed back
into the next offset, so that what the pool owes and what it holds stay together.

Source: liquity/dev packages/contracts/contracts/StabilityPool.sol, in which at least `least_left_wad`
stays in the pool at all times.
"""

from __future__ import annotations

from dataclasses import dataclass

from cascade.errors import ConservationError
from cascade.lending.wad import WAD, RefusalError, amount

SCALE_FACTOR = 10**9


@dataclass(frozen=True)
class Deposit:
    """A deposit when its owner last touched it, and P, S, scale and the sum of interest then."""

    initial_wad: int
    product: int
    total: int
    scale: int
    rewards: int = 0


class StabilityPool:
    """Deposits that absorb debt and gain collateral.

    Parameters
    ----------
    least_left_wad : int, default one wad
        What offsets and withdrawals leave in the pool; at least 1.

    Attributes
    ----------
    deposits : dict of str to Deposit
    total_wad : int
        Deposits that the pool holds.
    collateral_wad : int
        Collateral that it holds and has not paid out.
    product, scale : int
        P, and how often it was multiplied by 10**9 to keep its digits.
    sums : dict of int to int
        S by scale.
    rewards : dict of int to int
        The same of interest, Liquity v2's B.
    interest_wad : int
        Interest that it holds and has not paid out.

    largest_wad, received_wad : int
        The most deposits it ever held, and all collateral it ever got: what `check` measures drift by.

    Notes
    -----
    A withdrawal or gain that the pool does not hold is refused, so it never pays more than it has. What
    it owes may drift from that, as in the contract: the loss fed back was a part of a larger pool. The
    compounded deposits add up to at most `total_wad` and one for every whole unit of `largest_wad`
    (`drift_wad`); gains to at most `collateral_wad` and that drift's share of what was received. Per offset
    a single deposit is off by less than a part in P of what is left of it: P keeps 9 digits at the
    least, and has 18 at first.

    Examples
    --------
    >>> pool = StabilityPool()
    >>> for name in "ABC":
    ...     pool.deposit(name, 10_000 * WAD)
    0
    0
    0
    >>> pool.offset(15_000 * WAD, 99 * WAD)
    >>> pool.compounded("A"), pool.gain("A")
    (4999999999999999990000, 33000000000000000000)
    """

    least_left_wad: int
    total_wad: int
    collateral_wad: int
    largest_wad: int
    received_wad: int
    product: int
    scale: int

    def __init__(self, least_left_wad: int = WAD) -> None:
        self.least_left_wad = amount(least_left_wad, "least_left_wad", 1)
        self.deposits: dict[str, Deposit] = {}
        self.total_wad = self.collateral_wad = 0
        self.largest_wad = self.received_wad = 0
        self.product = WAD
        self.scale = 0
        self.sums: dict[int, int] = {0: 0}
        self.rewards: dict[int, int] = {0: 0}
        self.interest_wad: int = 0
        self._loss_error = self._gain_error = self._reward_error = 0

    @property
    def drift_wad(self) -> int:
        """The most by which deposits may add up to more than the pool holds."""
        return self.largest_wad // WAD + 1

    def check(self) -> None:
        """Deposits and gains are what the pool holds, within the drift that the notes state.

        Raises
        ------
        ConservationError
            They are not.
        """
        deposits = sum(map(self.compounded, self.deposits))
        if deposits > self.total_wad + self.drift_wad:
            raise ConservationError(f"deposits of {deposits} are owed of {self.total_wad}")
        gains = sum(map(self.gain, self.deposits))
        drift = self.received_wad * self.drift_wad // self.least_left_wad + 1
        if gains > self.collateral_wad + drift:
            raise ConservationError(f"gains of {gains} are owed of {self.collateral_wad}")

    def max_offset(self) -> int:
        """The most debt that can be offset now."""
        free = self.total_wad - min(self.least_left_wad, self.total_wad)
        # below the error that is fed back an offset would be negative
        return 0 if free * WAD <= self._loss_error else free

    def offset(self, debt_wad: int, collateral_wad: int) -> None:
        """Cancel debt against the deposits, which share the collateral.

        Parameters
        ----------
        debt_wad : int
            0 ... what leaves `least_left_wad`; 0 does nothing, nor does an empty pool.
        collateral_wad : int

        Raises
        ------
        RefusalError
            ``"pool-minimum"``: less than `least_left_wad` would stay.
        """
        debt = amount(debt_wad, "debt_wad")
        collateral = amount(collateral_wad, "collateral_wad")
        if self.total_wad == 0 or debt == 0:
            return
        if self.total_wad - debt < self.least_left_wad:
            raise RefusalError(
                "pool-minimum",
                f"debt_wad {debt} leaves less than {self.least_left_wad} of {self.total_wad}",
            )
        gain_part = collateral * WAD + self._gain_error
        gain = gain_part // self.total_wad
        self._gain_error = gain_part - gain * self.total_wad
        loss_part = max(debt * WAD - self._loss_error, 0)
        loss = loss_part // self.total_wad + 1
        self._loss_error = loss * self.total_wad - loss_part
        self.sums[self.scale] += gain * self.product
        self._shrink(WAD - loss)
        self.total_wad -= debt
        self.collateral_wad += collateral
        self.received_wad += collateral

    def earn(self, interest_wad: int) -> None:
        """Share interest among the deposits, rounded down; the rest waits for the next.

        Raises
        ------
        RefusalError
            ``"pool-minimum"``: the pool has less than `least_left_wad`.
        """
        earned = amount(interest_wad, "interest_wad")
        if self.total_wad < self.least_left_wad:
            raise RefusalError("pool-minimum", f"the pool has {self.total_wad}")
        part = earned * WAD + self._reward_error
        reward = part // self.total_wad
        self._reward_error = part - reward * self.total_wad
        self.rewards[self.scale] += reward * self.product
        self.interest_wad += earned

    def _shrink(self, factor: int) -> None:
        product = self.product * factor
        if product // WAD >= SCALE_FACTOR:
            self.product = product // WAD
            return
        steps = 1 if product * SCALE_FACTOR // WAD >= SCALE_FACTOR else 2
        self.product = product * SCALE_FACTOR**steps // WAD
        for _ in range(steps):
            self.scale += 1
            self.sums[self.scale] = self.rewards[self.scale] = 0

    def compounded(self, name: str) -> int:
        """What is left of a deposit, rounded down; 0 without one or after two changes of scale.

        A deposit of which less than a billionth is left is 0.
        """
        if name not in self.deposits:
            return 0
        own = self.deposits[name]
        steps = self.scale - own.scale
        if steps > 1:
            return 0
        left = own.initial_wad * self.product // own.product
        if steps == 1:
            left //= SCALE_FACTOR
        return 0 if left < own.initial_wad // 10**9 else left

    def gain(self, name: str) -> int:
        """Collateral that a deposit has gained and not been paid, rounded down."""
        if name not in self.deposits:
            return 0
        own = self.deposits[name]
        return self._since(own, self.sums, own.total)

    def interest(self, name: str) -> int:
        """Interest that a deposit has earned and not been paid, rounded down."""
        if name not in self.deposits:
            return 0
        own = self.deposits[name]
        return self._since(own, self.rewards, own.rewards)

    @staticmethod
    def _since(own: Deposit, sums: dict[int, int], total: int) -> int:
        first = sums[own.scale] - total
        second = sums.get(own.scale + 1, 0) // SCALE_FACTOR
        return own.initial_wad * (first + second) // own.product // WAD

    def deposit(self, name: str, amount_wad: int) -> int:
        """Add to a deposit; the gain so far is paid out.

        Returns
        -------
        int
            Collateral paid out.

        Raises
        ------
        RefusalError
            ``"collateral-short"``: the gain is more than the pool holds, by drift.
        """
        added = amount(amount_wad, "amount_wad", 1)
        paid = self._pay(name, self.compounded(name) + added)
        self.total_wad += added
        self.largest_wad = max(self.largest_wad, self.total_wad)
        return paid

    def withdraw(self, name: str, amount_wad: int | None = None) -> tuple[int, int]:
        """Take out of a deposit; the gain so far is paid out.

        Parameters
        ----------
        name : str
        amount_wad : int, optional
            What is above the deposit is cut to it. Default all; 0 takes the gain alone.

        Returns
        -------
        withdrawn_wad, collateral_wad : int

        Raises
        ------
        ValueError
            There is no such deposit.
        RefusalError
            ``"pool-minimum"``: less than `least_left_wad` would stay in the pool; ``"collateral-short"``: the gain
            is more than it holds, by drift.
        """
        if name not in self.deposits:
            raise ValueError(f"name {name!r} has no deposit")
        left = self.compounded(name)
        wanted = left if amount_wad is None else min(left, amount(amount_wad, "amount_wad"))
        if wanted and self.total_wad - wanted < self.least_left_wad:
            raise RefusalError(
                "pool-minimum",
                f"amount_wad {wanted} leaves less than {self.least_left_wad} of {self.total_wad}",
            )
        paid = self._pay(name, left - wanted)
        self.total_wad -= wanted
        return wanted, paid

    def _pay(self, name: str, new_wad: int) -> int:
        paid, reward = self.gain(name), self.interest(name)
        if paid > self.collateral_wad:
            raise RefusalError(
                "collateral-short", f"gain {paid} of {name!r} is above {self.collateral_wad}"
            )
        if reward > self.interest_wad:
            raise RefusalError(
                "interest-short", f"interest {reward} of {name!r} is above {self.interest_wad}"
            )
        self.collateral_wad -= paid
        self.interest_wad -= reward
        if new_wad:
            now = self.product, self.sums[self.scale], self.scale, self.rewards[self.scale]
            self.deposits[name] = Deposit(new_wad, *now)
        else:
            self.deposits.pop(name, None)
        return paid
