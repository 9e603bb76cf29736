"""Assets and accounts of a lending market: what the rules read, as values that nobody changes.

Amounts are whole atoms of the asset, prices whole units of the base currency for `unit` atoms. Thresholds, bonuses
and shares are in the parts of the protocol's rule: basis points at Aave, 10**18 at Compound and Morpho.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cascade.lending.fixed_point import WAD

__all__ = ["Account", "EMode", "ReserveTerms"]


@dataclass(frozen=True)
class ReserveTerms:
    """One asset of a market.

    Parameters
    ----------
    price : int
        Base-currency units for `unit` atoms; 0 where the oracle says so.
    unit : int, default 10**18
        Atoms in one whole unit of the asset.
    liquidation_threshold, ltv : int, default 0
        Share of its value that counts towards liquidation and towards borrowing.
    bonus : int, default 0
        Multiplier of what a liquidator receives, one included: 10500 of 10**4 is 5 %.
    protocol_fee : int, default 0
        Share of the bonus that the protocol keeps (Aave).
    borrow_factor : int, optional
        Divisor of a debt's value (Euler v1); none counts debt as it is.
    exchange_rate : int, default 10**18
        Underlying atoms a deposit token is worth, times 10**18 (Compound v2).
    cash : int, optional
        Atoms that can be paid out; none does not ask.
    reserve_factor : int, default 0
        Share of interest that the protocol keeps.
    supply_cap, borrow_cap, debt_ceiling : int, default 0
        Whole units, and hundredths of the base unit; 0 is none.
    is_active, is_paused, is_frozen : bool
        Inactive and paused assets are not liquidated; frozen ones are.
    is_deprecated : bool, default False
        All of a debt may be repaid without a shortfall (Compound v2).
    is_accrued : bool, default True
        Interest was accrued in this block (Compound v2).
    grace_until : int, default 0
        Second before which the asset is not liquidated.
    e_mode : int, default 0
        Category of the asset; 0 is none.
    symbol : str, default ""
        Name of the asset.

    Raises
    ------
    ValueError
        A number is negative, or `unit` or `exchange_rate` is not above 0.
    """

    price: int
    unit: int = WAD
    liquidation_threshold: int = 0
    ltv: int = 0
    bonus: int = 0
    protocol_fee: int = 0
    borrow_factor: int | None = None
    exchange_rate: int = WAD
    cash: int | None = None
    reserve_factor: int = 0
    supply_cap: int = 0
    borrow_cap: int = 0
    debt_ceiling: int = 0
    is_active: bool = True
    is_paused: bool = False
    is_frozen: bool = False
    is_deprecated: bool = False
    is_accrued: bool = True
    grace_until: int = 0
    e_mode: int = 0
    symbol: str = ""

    def __post_init__(self) -> None:
        for name in (
            "price", "liquidation_threshold", "ltv", "bonus", "protocol_fee", "borrow_factor", "cash",
            "reserve_factor", "supply_cap", "borrow_cap", "debt_ceiling", "grace_until", "e_mode",
        ):  # fmt: skip
            if (getattr(self, name) or 0) < 0:
                raise ValueError(f"{name} {getattr(self, name)!r} is negative")
        for name in ("unit", "exchange_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} {getattr(self, name)!r} is not above 0")


@dataclass(frozen=True)
class EMode:
    """Category of correlated assets that replaces threshold, loan-to-value and bonus of its collaterals.

    Parameters
    ----------
    category : int
        Its number; assets of the same `ReserveTerms.e_mode` belong to it.
    liquidation_threshold, ltv, bonus : int
        As in `ReserveTerms`.
    label : str, default ""
        Its name.
    """

    category: int
    liquidation_threshold: int
    ltv: int
    bonus: int
    label: str = ""


def _amounts(given: Mapping[str, int], name: str) -> Mapping[str, int]:
    for asset, amount in given.items():
        if amount < 0:
            raise ValueError(f"{name} of {asset} {amount!r} is negative")
    return MappingProxyType(dict(given))


@dataclass(frozen=True)
class Account:
    """What an account holds as collateral and owes.

    Parameters
    ----------
    collateral, debts : mapping of str to int
        Atoms by asset; deposit tokens where the protocol has an exchange rate.
    e_mode : EMode, optional
        Category the account is in.
    disabled : iterable of str, default ()
        Deposits that do not count as collateral.

    Raises
    ------
    ValueError
        An amount is negative.
    """

    collateral: Mapping[str, int] = field(default_factory=dict)
    debts: Mapping[str, int] = field(default_factory=dict)
    e_mode: EMode | None = None
    disabled: Iterable[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "collateral", _amounts(self.collateral, "collateral"))
        object.__setattr__(self, "debts", _amounts(self.debts, "debt"))
        object.__setattr__(self, "disabled", frozenset(self.disabled))

    def in_e_mode(self, reserve: ReserveTerms) -> bool:
        """Whether the account's category replaces the terms of that asset."""
        return self.e_mode is not None and self.e_mode.category == reserve.e_mode != 0

    def threshold(self, reserve: ReserveTerms) -> int:
        """Liquidation threshold of an asset for this account."""
        if self.e_mode is not None and self.in_e_mode(reserve):
            return self.e_mode.liquidation_threshold
        return reserve.liquidation_threshold

    def bonus(self, reserve: ReserveTerms) -> int:
        """Liquidation multiplier of an asset for this account."""
        if self.e_mode is not None and self.in_e_mode(reserve):
            return self.e_mode.bonus
        return reserve.bonus

    def moved(self, collateral: Mapping[str, int], debts: Mapping[str, int]) -> Account:
        """The account after amounts are added (taken where negative).

        Parameters
        ----------
        collateral, debts : mapping of str to int
            Changes by asset.

        Returns
        -------
        Account

        Raises
        ------
        ValueError
            An amount would become negative.
        """
        held, owed = dict(self.collateral), dict(self.debts)
        for balances, changes in ((held, collateral), (owed, debts)):
            for asset, change in changes.items():
                balances[asset] = balances.get(asset, 0) + change
        return Account(held, owed, self.e_mode, self.disabled)
