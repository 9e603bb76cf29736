"""Troves, stability pool and redistribution together, over whole histories: Liquity v1.

A liquidation is planned without changing anything, then done, so that a refused one leaves everything as it was.
Left out: redemptions, and with them changes of the base rate; drawing and repaying parts of a debt.

Source: liquity/dev packages/contracts/contracts, TroveManager.sol and BorrowerOperations.sol.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cascade.errors import ConservationError
from cascade.lending.redistribution import Redistribution
from cascade.lending.stability_pool import StabilityPool
from cascade.lending.trove_liquidation import (
    CRITICAL_RATIO,
    LEAST_NET_DEBT,
    LIQUIDATION_RESERVE,
    MINIMUM_RATIO,
    TroveLiquidation,
    borrowing_rate,
    capped_offset,
    collateral_ratio,
    composite_debt,
    liquidation_branch,
    offset_and_redistribute,
)
from cascade.lending.wad import WAD, RefusalError, amount


@dataclass(frozen=True)
class Trove:
    """Collateral and debt of a trove, without what redistributions have given it since."""

    collateral_wad: int
    debt_wad: int


@dataclass(frozen=True)
class LiquidationResult:
    """What one call liquidated.

    Parameters
    ----------
    troves : dict of str to TroveLiquidation
        In the order they were liquidated.
    reserve_wad : int
        Liquidation reserves to the liquidator, besides the gas compensations in collateral.
    """

    troves: dict[str, TroveLiquidation]
    reserve_wad: int

    def total(self, name: str) -> int:
        """Sum of a field of `TroveLiquidation`, such as ``"offset_debt_wad"``."""
        return sum(int(getattr(parts, name)) for parts in self.troves.values())


class TroveSystem:
    """Troves of one collateral with a stability pool.

    Parameters
    ----------
    price_wad : int
        Price of a unit of collateral, at least 1.
    base_rate_wad : int, default 0
        For the fee of drawing debt, see `borrowing_rate`.
    least_net_debt_wad : int, default 1800 wad
        The least drawn debt of a trove.
    reserve_wad : int, default 200 wad
        Liquidation reserve that every trove owes besides.

    Attributes
    ----------
    troves : dict of str to Trove
    pool : StabilityPool
    shares : Redistribution
    surplus : dict of str to int
        Collateral that owners of liquidated troves may claim.
    active_collateral_wad, active_debt_wad : int
        Of troves, as far as it is applied to them.
    shared_collateral_wad, shared_debt_wad : int
        Redistributed and not yet applied.
    deposited_wad, withdrawn_wad, gas_wad : int
        Collateral that came in, that went out to owners and depositors, and to liquidators.
    issued_wad, cancelled_wad : int
        Debt made, and debt repaid or offset.

    Examples
    --------
    >>> system = TroveSystem(price_wad=200 * WAD)
    >>> system.open("ada", 20 * WAD, 2000 * WAD)
    10000000000000000000
    >>> _ = system.open("bob", 100 * WAD, 4000 * WAD)
    >>> system.set_price(119 * WAD)
    >>> system.ratio("ada") * 1000 // WAD, system.is_recovery
    (1076, False)
    >>> parts = system.liquidate(["ada"]).troves["ada"]
    >>> parts.redistributed_collateral_wad, parts.gas_compensation_wad
    (19900000000000000000, 100000000000000000)
    >>> [value // 10**15 for value in system.entire("bob")]
    [119900, 6430000]
    """

    price_wad: int
    base_rate_wad: int
    least_net_debt_wad: int
    reserve_wad: int
    pool: StabilityPool
    shares: Redistribution
    active_collateral_wad: int
    active_debt_wad: int
    shared_collateral_wad: int
    shared_debt_wad: int
    deposited_wad: int
    withdrawn_wad: int
    gas_wad: int
    issued_wad: int
    cancelled_wad: int

    def __init__(
        self,
        price_wad: int,
        *,
        base_rate_wad: int = 0,
        least_net_debt_wad: int = LEAST_NET_DEBT,
        reserve_wad: int = LIQUIDATION_RESERVE,
    ) -> None:
        self.price_wad = amount(price_wad, "price_wad", 1)
        self.base_rate_wad = amount(base_rate_wad, "base_rate_wad", 0, WAD)
        self.least_net_debt_wad = amount(least_net_debt_wad, "least_net_debt_wad")
        self.reserve_wad = amount(reserve_wad, "reserve_wad")
        self.troves: dict[str, Trove] = {}
        self.pool = StabilityPool()
        self.shares = Redistribution()
        self.surplus: dict[str, int] = {}
        self.active_collateral_wad = self.active_debt_wad = 0
        self.shared_collateral_wad = self.shared_debt_wad = 0
        self.deposited_wad = self.withdrawn_wad = self.gas_wad = 0
        self.issued_wad = self.cancelled_wad = 0

    # ------------------------------------------------------------ what is known

    def _trove(self, name: str) -> Trove:
        if name not in self.troves:
            raise ValueError(f"name {name!r} has no trove")
        return self.troves[name]

    def entire(self, name: str) -> tuple[int, int]:
        """Collateral and debt of a trove with what redistributions gave it.

        Raises
        ------
        ValueError
            There is no such trove.
        """
        trove = self._trove(name)
        collateral, debt = self.shares.pending(name)
        return trove.collateral_wad + collateral, trove.debt_wad + debt

    def ratio(self, name: str) -> int:
        """Collateral ratio of a trove, a wad."""
        return collateral_ratio(*self.entire(name), self.price_wad)

    @property
    def system_ratio(self) -> int:
        """Collateral ratio of all troves together, a wad."""
        return collateral_ratio(*self._totals(), self.price_wad)

    @property
    def is_recovery(self) -> bool:
        """The system's ratio is below 150 %."""
        return self.system_ratio < CRITICAL_RATIO

    def _totals(self) -> tuple[int, int]:
        return (
            self.active_collateral_wad + self.shared_collateral_wad,
            self.active_debt_wad + self.shared_debt_wad,
        )

    # ------------------------------------------------------------ owners and depositors

    def set_price(self, price_wad: int) -> None:
        """Another price of the collateral."""
        self.price_wad = amount(price_wad, "price_wad", 1)

    def open(self, name: str, collateral_wad: int, drawn_wad: int) -> int:
        """Open a trove; the fee, which its debt includes, is returned.

        Raises
        ------
        ValueError
            The name has a trove.
        RefusalError
            ``"net-debt"``, ``"below-minimum-ratio"``, ``"below-critical-ratio"`` (in recovery mode), or
            ``"system-below-critical-ratio"``: the system would enter recovery mode.
        """
        if name in self.troves:
            raise ValueError(f"name {name!r} has a trove")
        collateral = amount(collateral_wad, "collateral_wad", 1)
        drawn = amount(drawn_wad, "drawn_wad", 1)
        recovery = self.is_recovery
        fee = drawn * borrowing_rate(self.base_rate_wad, recovery) // WAD
        if drawn + fee < self.least_net_debt_wad:
            raise RefusalError(
                "net-debt", f"drawn_wad {drawn} and fee are below {self.least_net_debt_wad}"
            )
        debt = composite_debt(drawn + fee, self.reserve_wad)
        ratio = collateral_ratio(collateral, debt, self.price_wad)
        least, reason = (
            (CRITICAL_RATIO, "below-critical-ratio")
            if recovery
            else (MINIMUM_RATIO, "below-minimum-ratio")
        )
        if ratio < least:
            raise RefusalError(reason, f"ratio {ratio} is below {least}")
        total, total_debt = self._totals()
        after = collateral_ratio(total + collateral, total_debt + debt, self.price_wad)
        if not recovery and after < CRITICAL_RATIO:
            raise RefusalError(
                "system-below-critical-ratio", f"system ratio {after} is below {CRITICAL_RATIO}"
            )
        self.troves[name] = Trove(collateral, debt)
        self.shares.set_stake(name, collateral)
        self.active_collateral_wad += collateral
        self.active_debt_wad += debt
        self.deposited_wad += collateral
        self.issued_wad += debt
        return fee

    def add_collateral(self, name: str, collateral_wad: int) -> None:
        """Put collateral into a trove; what redistributions gave it is applied first.

        Raises
        ------
        RefusalError
            In normal mode ``"below-minimum-ratio"``: the trove stays below 110 %.
        """
        added = amount(collateral_wad, "collateral_wad", 1)
        collateral, debt = self.entire(name)
        ratio = collateral_ratio(collateral + added, debt, self.price_wad)
        if not self.is_recovery and ratio < MINIMUM_RATIO:
            raise RefusalError("below-minimum-ratio", f"ratio {ratio} is below {MINIMUM_RATIO}")
        self._apply(name)
        trove = self.troves[name]
        self.troves[name] = Trove(trove.collateral_wad + added, trove.debt_wad)
        self.shares.set_stake(name, trove.collateral_wad + added)
        self.active_collateral_wad += added
        self.deposited_wad += added

    def remove_collateral(self, name: str, collateral_wad: int) -> None:
        """Take collateral out of a trove; what redistributions gave it is applied first.

        Raises
        ------
        RefusalError
            ``"recovery-mode"``; ``"below-minimum-ratio"``; ``"system-below-critical-ratio"``: the system would
            enter recovery mode.
        ValueError
            The trove has less.
        """
        collateral, debt = self.entire(name)
        taken = amount(collateral_wad, "collateral_wad", 1, collateral)
        if self.is_recovery:
            raise RefusalError("recovery-mode", f"system ratio {self.system_ratio} is below 150 %")
        ratio = collateral_ratio(collateral - taken, debt, self.price_wad)
        if ratio < MINIMUM_RATIO:
            raise RefusalError("below-minimum-ratio", f"ratio {ratio} is below {MINIMUM_RATIO}")
        self._require_normal_without(taken, 0)
        self._apply(name)
        self.troves[name] = Trove(collateral - taken, debt)
        self.shares.set_stake(name, collateral - taken)
        self.active_collateral_wad -= taken
        self.withdrawn_wad += taken

    def _require_normal_without(self, collateral_wad: int, debt_wad: int) -> None:
        total, total_debt = self._totals()
        after = collateral_ratio(total - collateral_wad, total_debt - debt_wad, self.price_wad)
        if after < CRITICAL_RATIO:
            raise RefusalError(
                "system-below-critical-ratio", f"system ratio {after} is below {CRITICAL_RATIO}"
            )

    def close(self, name: str) -> tuple[int, int]:
        """Repay a trove and take its collateral.

        Returns
        -------
        repaid_wad, collateral_wad : int
            The reserve is part of the debt and pays itself.

        Raises
        ------
        RefusalError
            ``"recovery-mode"``; ``"last-trove"``; ``"system-below-critical-ratio"``: the system would enter
            recovery mode.
        """
        collateral, debt = self.entire(name)
        if len(self.troves) == 1:
            raise RefusalError("last-trove", f"name {name!r} is the only trove")
        if self.is_recovery:
            raise RefusalError("recovery-mode", f"system ratio {self.system_ratio} is below 150 %")
        self._require_normal_without(collateral, debt)
        self._apply(name)
        self.active_collateral_wad -= collateral
        self.active_debt_wad -= debt
        self.cancelled_wad += debt
        self.withdrawn_wad += collateral
        self.shares.remove(name)
        del self.troves[name]
        return debt - self.reserve_wad, collateral

    def deposit(self, name: str, amount_wad: int) -> int:
        """Into the stability pool; the gain paid out, see `StabilityPool.deposit`."""
        paid = self.pool.deposit(name, amount_wad)
        self.withdrawn_wad += paid
        return paid

    def withdraw(self, name: str, amount_wad: int | None = None) -> tuple[int, int]:
        """Out of the stability pool, see `StabilityPool.withdraw`.

        Raises
        ------
        RefusalError
            ``"undercollateralised-troves"``: a trove is below 110 %, and more than the gain is asked for.
        """
        if amount_wad != 0 and any(self.ratio(trove) < MINIMUM_RATIO for trove in self.troves):
            raise RefusalError(
                "undercollateralised-troves", f"name {name!r} must wait until they are liquidated"
            )
        withdrawn, paid = self.pool.withdraw(name, amount_wad)
        self.withdrawn_wad += paid
        return withdrawn, paid

    def claim_surplus(self, name: str) -> int:
        """Collateral that a capped liquidation left to its owner.

        Raises
        ------
        ValueError
            There is none.
        """
        if name not in self.surplus:
            raise ValueError(f"name {name!r} has no surplus to claim")
        claimed = self.surplus.pop(name)
        self.withdrawn_wad += claimed
        return claimed

    def _apply(self, name: str) -> None:
        trove = self._trove(name)
        own_collateral, own_debt = self.shares.apply(name)
        self.troves[name] = Trove(trove.collateral_wad + own_collateral, trove.debt_wad + own_debt)
        self.shared_collateral_wad -= own_collateral
        self.shared_debt_wad -= own_debt
        self.active_collateral_wad += own_collateral
        self.active_debt_wad += own_debt

    # ------------------------------------------------------------ liquidation

    def liquidate(self, names: Iterable[str]) -> LiquidationResult:
        """Liquidate those of `names` that the rules let, in that order, in one call.

        Parameters
        ----------
        names : iterable of str
            Those without a trove are passed over.

        Returns
        -------
        LiquidationResult

        Raises
        ------
        RefusalError
            ``"nothing-to-liquidate"``; ``"last-trove"``: in normal mode the last trove is among them.

        Notes
        -----
        The stability pool and the mode are followed from trove to trove; offset and redistribution
        are done once, at the end, so troves of one call do not share in each other's debt.
        """
        planned = self._plan(names)
        if not planned:
            raise RefusalError("nothing-to-liquidate", "names has no trove that may be liquidated")
        result = LiquidationResult(planned, self.reserve_wad * len(planned))
        for name, parts in planned.items():
            self._apply(name)
            self.shares.remove(name)
            del self.troves[name]
            if parts.surplus_wad:
                self.surplus[name] = self.surplus.get(name, 0) + parts.surplus_wad
        offset, to_pool = result.total("offset_debt_wad"), result.total("offset_collateral_wad")
        shared = result.total("redistributed_collateral_wad")
        shared_debt = result.total("redistributed_debt_wad")
        fee = result.total("gas_compensation_wad")
        self.pool.offset(offset, to_pool)
        self.shares.share_out(shared, shared_debt)
        self.active_collateral_wad -= to_pool + shared + fee + result.total("surplus_wad")
        self.active_debt_wad -= offset + shared_debt
        self.shared_collateral_wad += shared
        self.shared_debt_wad += shared_debt
        self.cancelled_wad += offset
        self.gas_wad += fee
        self.shares.remember(self._totals()[0])
        return result

    def liquidate_lowest(self, count: int) -> LiquidationResult:
        """Liquidate up to `count` troves from the lowest ratio up.

        In recovery mode the trove of the highest ratio is never among them. Raises as `liquidate`.
        """
        order = sorted(self.troves, key=self.ratio)
        if self.is_recovery:
            order = order[:-1]
        return self.liquidate(order[: amount(count, "count", 1)])

    def _plan(self, names: Iterable[str]) -> dict[str, TroveLiquidation]:
        planned: dict[str, TroveLiquidation] = {}
        pool = self.pool.max_offset()
        collateral, debt = self._totals()
        recovery = self.is_recovery
        for name in names:
            if name not in self.troves or name in planned:
                continue
            # out of recovery mode nothing depends on the ratio of the system any more
            ratio = collateral_ratio(collateral, debt, self.price_wad)
            parts = self._parts(name, pool, ratio if recovery else CRITICAL_RATIO)
            if parts is None:
                continue
            if len(planned) + 1 == len(self.troves):
                if recovery:
                    continue
                raise RefusalError("last-trove", f"name {name!r} is the only trove left")
            planned[name] = parts
            pool -= parts.offset_debt_wad
            debt -= parts.offset_debt_wad
            collateral -= (
                parts.offset_collateral_wad + parts.gas_compensation_wad + parts.surplus_wad
            )
            after = collateral_ratio(collateral, debt, self.price_wad)
            recovery = recovery and after < CRITICAL_RATIO
        return planned

    def _parts(self, name: str, pool_wad: int, system_ratio: int) -> TroveLiquidation | None:
        collateral, debt = self.entire(name)
        branch = liquidation_branch(self.ratio(name), system_ratio, debt, pool_wad)
        if branch == "nothing":
            return None
        if branch == "capped offset":
            return capped_offset(collateral, debt, self.price_wad)
        pool = 0 if branch == "redistribute" else pool_wad
        return offset_and_redistribute(collateral, debt, pool)

    # ------------------------------------------------------------ conservation

    def check(self) -> None:
        """Collateral and debt are all accounted for, and nobody is owed more than there is.

        Raises
        ------
        ConservationError
            They are not.
        """
        held = (
            self.active_collateral_wad + self.shared_collateral_wad + self.pool.collateral_wad
            + sum(self.surplus.values())
        )  # fmt: skip
        if held + self.withdrawn_wad + self.gas_wad != self.deposited_wad:
            raise ConservationError(f"collateral {held} in the system is not what came in")
        owed = self.active_debt_wad + self.shared_debt_wad
        if owed + self.cancelled_wad != self.issued_wad:
            raise ConservationError(f"debt {owed} in the system is not what was issued")
        pending = [self.shares.pending(name) for name in self.troves]
        limits = (
            ("shared collateral", sum(one for one, _ in pending), self.shared_collateral_wad),
            ("shared debt", sum(two for _, two in pending), self.shared_debt_wad),
        )
        for name, claimed, there in limits:
            if claimed > there:
                raise ConservationError(f"{name}: {claimed} is claimed of {there}")
        self.pool.check()
