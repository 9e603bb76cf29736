"""Redistribution of Liquity: debt and collateral of a liquidated trove shared out by stake, in constant time.

Two sums a unit of stake, rounded down, with the remainder fed back. A stake is the collateral as it was
before redistributions: later troves get theirs scaled by stakes over collateral at the last
liquidation, so that collateral from redistributions earns no share of its own.

Source: liquity/dev packages/contracts/contracts/TroveManager.sol.
"""

from __future__ import annotations

from dataclasses import dataclass

from cascade.lending.wad import WAD, RefusalError, amount


@dataclass(frozen=True)
class Stake:
    """A trove's stake and the two sums when they were last applied to it."""

    stake: int
    collateral_sum: int
    debt_sum: int


class Redistribution:
    """Stakes, and what was shared out among them.

    Attributes
    ----------
    stakes : dict of str to Stake
    total_stakes : int
    collateral_per_stake, debt_per_stake : int
        Sums, parts of 10**18 a unit of stake; Liquity's ``L_ETH`` and ``L_LUSDDebt``.

    Notes
    -----
    What the stakes have coming is at most what was shared out; the difference is below one unit a
    stake and redistribution.

    Examples
    --------
    >>> shares = Redistribution()
    >>> shares.set_stake("B", 2 * WAD)
    >>> shares.set_stake("C", WAD)
    >>> shares.share_out(3 * WAD, 600 * WAD)
    >>> shares.pending("B"), shares.pending("C")
    ((2000000000000000000, 400000000000000000000), (1000000000000000000, 200000000000000000000))
    """

    total_stakes: int
    collateral_per_stake: int
    debt_per_stake: int

    def __init__(self) -> None:
        self.stakes: dict[str, Stake] = {}
        self.total_stakes = 0
        self.collateral_per_stake = self.debt_per_stake = 0
        self._collateral_error = self._debt_error = 0
        self._stakes_then = self._collateral_then = 0

    def new_stake(self, collateral_wad: int) -> int:
        """Stake of so much collateral now, rounded down."""
        collateral = amount(collateral_wad, "collateral_wad")
        if self._collateral_then == 0:
            return collateral
        return collateral * self._stakes_then // self._collateral_then

    def set_stake(self, name: str, collateral_wad: int) -> None:
        """Give a trove the stake of its collateral; what it had coming counts as applied."""
        stake = self.new_stake(collateral_wad)
        self.remove(name)
        self.total_stakes += stake
        self.stakes[name] = Stake(stake, self.collateral_per_stake, self.debt_per_stake)

    def apply(self, name: str) -> tuple[int, int]:
        """Count what a trove has coming as applied, and say how much it was; its stake stays."""
        pending = self.pending(name)
        stake = self.stakes[name].stake
        self.stakes[name] = Stake(stake, self.collateral_per_stake, self.debt_per_stake)
        return pending

    def remove(self, name: str) -> None:
        """Take a trove's stake away."""
        if name in self.stakes:
            self.total_stakes -= self.stakes.pop(name).stake

    def pending(self, name: str) -> tuple[int, int]:
        """Collateral and debt that a trove has coming, both rounded down."""
        if name not in self.stakes:
            return 0, 0
        own = self.stakes[name]
        return (
            own.stake * (self.collateral_per_stake - own.collateral_sum) // WAD,
            own.stake * (self.debt_per_stake - own.debt_sum) // WAD,
        )

    def share_out(self, collateral_wad: int, debt_wad: int) -> None:
        """Share debt and its collateral out among the stakes; nothing without debt.

        Raises
        ------
        RefusalError
            ``"no-stakes"``: there is nobody to take it.
        """
        collateral = amount(collateral_wad, "collateral_wad")
        debt = amount(debt_wad, "debt_wad")
        if debt == 0:
            return
        if self.total_stakes == 0:
            raise RefusalError("no-stakes", f"total_stakes 0 cannot take debt_wad {debt}")
        collateral_part = collateral * WAD + self._collateral_error
        debt_part = debt * WAD + self._debt_error
        per_stake, self._collateral_error = divmod(collateral_part, self.total_stakes)
        self.collateral_per_stake += per_stake
        per_stake, self._debt_error = divmod(debt_part, self.total_stakes)
        self.debt_per_stake += per_stake

    def remember(self, system_collateral_wad: int) -> None:
        """Fix stakes and collateral of the system after a liquidation, for stakes given later."""
        self._collateral_then = amount(system_collateral_wad, "system_collateral_wad")
        self._stakes_then = self.total_stakes
