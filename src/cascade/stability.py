"""`LendingStabilityPool`: deposits that cancel debts of a lending market, and what their providers get."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from cascade import _troveentry
from cascade._grid import Grid
from cascade.errors import ConservationError
from cascade.exact_numbers import whole
from cascade.lending.stability_pool import Deposit, StabilityPool

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket
    from cascade.reserve import Reserve

__all__ = ["LendingStabilityPool"]

LIMB = 2**62 - 1
LIMBS = 5
BILLION = 10**9


class LendingStabilityPool:
    """Stability pool of a lending market; `LendingMarket.stability_pool`.

    Notes
    -----
    What a provider has follows from the offsets since it came, by Liquity's product and sum
    (`cascade.lending.StabilityPool`, whose integers are atoms and lots here).
    """

    def __init__(self, lending: LendingMarket, least_atoms: int) -> None:
        self._lending = lending
        self._shares = StabilityPool(least_atoms)

    def __repr__(self) -> str:
        return (
            f"<LendingStabilityPool: {self.deposits:g} of {len(self._read().deposits)} providers>"
        )

    def _read(self) -> StabilityPool:
        # offsets that were made since somebody looked
        lending = self._lending
        for debt, gain in _troveentry.take_offsets(lending.engine, lending.number):
            if debt < 0:
                self._shares.earn(-debt)
            else:
                self._shares.offset(debt, gain)
        return self._shares

    def _reserve(self, priced: bool) -> Reserve:
        for reserve in self._lending.reserves.values():
            if (reserve.source is not None) == priced:
                return reserve
        raise ValueError(
            f"lending market {self._lending.name!r} has not both of its reserves yet, collateral and money"
        )

    @property
    def _money(self) -> Grid:
        lending = self._lending
        if lending.rules.troves is not None:
            return self._reserve(False).lots
        return Grid(Fraction(1, lending.engine.scale_of(lending.asset)), "amount")

    def row(self) -> dict[str, int]:
        """Whole numbers: atoms in the pool, provided, withdrawn and burned since the beginning; gains that
        are not paid yet, received and paid, in lots of the collateral, or atoms where they are sold; and
        atoms of interest likewise."""
        return _troveentry.pool_row(self._lending.engine, self._lending.number)

    @property
    def deposits(self) -> float:
        """Money in the pool."""
        return self._money.number(self.row()["deposits"])

    @property
    def providers(self) -> tuple[str, ...]:
        """Who has a deposit or a gain, sorted."""
        return tuple(sorted(self._read().deposits))

    def provided(self, provider: str = "provider") -> float:
        """What is left of a provider's deposit."""
        return self._money.number(self._read().compounded(provider))

    def gain(self, provider: str = "provider") -> float:
        """Collateral that a provider has gained and not been paid; money where the pool sells it."""
        troves = self._lending.rules.troves
        grid = self._money if troves is None or troves.sells else self._reserve(True).lots
        return grid.number(self._read().gain(provider))

    def interest(self, provider: str = "provider") -> float:
        """Money from interest and fees that a provider has earned and not been paid."""
        return self._money.number(self._read().interest(provider))

    def provide(self, amount: Any, provider: str = "provider") -> None:
        """Put money in; gain and interest so far are paid out.

        Raises
        ------
        TypeError, ValueError, OverflowError
            The amount is not above zero, off the grid or too large.
        """
        atoms = self._money.steps(amount, "amount")
        if atoms <= 0:
            raise ValueError(f"amount {amount!r} is below {self._money.number(1):g}, one atom")
        self._change(self._named(provider), atoms)

    def withdraw(self, amount: Any = None, provider: str = "provider") -> None:
        """Take money out; gain and interest so far are paid out.

        Parameters
        ----------
        amount : number, optional
            What is above the deposit is cut to it. Default all; 0 takes the gain alone.
        provider : str

        Raises
        ------
        ValueError
            The provider has nothing there; less than the pool's least would stay; or a loan is below
            the minimum ratio and more than the gain is asked for.
        """
        shares = self._read()
        if self._named(provider) not in shares.deposits:
            known = ", ".join(map(repr, self.providers)) or "nobody"
            raise ValueError(f"provider {provider!r} has provided nothing; who has: {known}")
        atoms = left = shares.compounded(provider)
        if amount is not None:
            atoms = min(left, self._money.steps(amount, "amount"))
        if atoms < 0:
            raise ValueError(f"amount {amount!r} is below zero")
        if atoms and shares.total_wad - atoms < shares.least_left_wad:
            least, there = (
                self._money.number(n) for n in (shares.least_left_wad, shares.total_wad)
            )
            raise ValueError(
                f"amount {amount!r} leaves less than {least:g} of the {there:g} in the pool: it is outside 0 ... "
                f"{max(there - least, 0):g}"
            )
        lending = self._lending
        if atoms and _troveentry.any_below_minimum(lending.engine, lending.number):
            raise ValueError(
                f"amount {amount!r}: while a loan is below the minimum ratio it can only be 0, the gain alone"
            )
        self._change(provider, -atoms)

    @staticmethod
    def _named(provider: str) -> str:
        if not isinstance(provider, str) or not provider:
            raise TypeError(f"provider must be a text that is not empty, got {provider!r}")
        return provider

    def _change(self, provider: str, more: int) -> None:
        shares = self._read()
        gain, interest = shares.gain(provider), shares.interest(provider)
        if gain > shares.collateral_wad or interest > shares.interest_wad:
            raise ValueError(
                f"gain or interest of {provider!r} is more than the pool has, by rounding"
            )
        _troveentry.change_pool(self._lending.engine, self._lending.number, more, gain, interest)
        if more > 0:
            shares.deposit(provider, more)
        else:
            shares.withdraw(provider, -more)

    # --- snapshots -----------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What providers have, for JSON: whole numbers as text."""
        shares = self._read()
        return {
            "numbers": {name: str(getattr(shares, name)) for name in NUMBERS},
            "sums": {str(scale): str(total) for scale, total in shares.sums.items()},
            "rewards": {str(scale): str(total) for scale, total in shares.rewards.items()},
            "deposits": {
                name: [
                    str(own.initial_wad), str(own.product), str(own.total), str(own.scale),
                    str(own.rewards),
                ]
                for name, own in shares.deposits.items()
            },
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Back from `state`, into an engine whose numbers are restored.

        Raises
        ------
        ValueError
            It is no state of such a pool, or not of this one.
        """
        shares = StabilityPool(self._shares.least_left_wad)
        for name in NUMBERS:
            setattr(shares, name, _natural(state["numbers"][name], name))
        shares.sums = {int(k): _natural(total, "sums") for k, total in state["sums"].items()}
        shares.rewards = {
            int(k): _natural(total, "rewards") for k, total in state["rewards"].items()
        }
        scales = list(range(shares.scale + 1))
        if [sorted(shares.sums), sorted(shares.rewards)] != [scales] * 2 or not shares.product:
            raise ValueError("stability pool: sums and scale do not fit")
        for name, numbers in state["deposits"].items():
            if len(numbers) != 5:
                raise ValueError(f"stability pool: deposit of {name!r}")
            own = Deposit(*(_natural(number, name) for number in numbers))
            if not own.initial_wad or not own.product or own.scale > shares.scale:
                raise ValueError(f"stability pool: deposit of {name!r}")
            shares.deposits[self._named(name)] = own
        row = self.row()
        has = shares.total_wad, shares.collateral_wad, shares.interest_wad
        if has != (row["deposits"], row["gains"], row["interest"]):
            raise ValueError("stability pool: deposits and gains are not those of the providers")
        try:
            shares.check()
        except ConservationError as error:
            raise ValueError(f"stability pool: {error}") from error
        self._shares = shares

    def hash_rows(self) -> list[list[int]]:
        """What a hash has of the pool; large numbers in five parts of 62 bits, the lowest first."""
        shares = self._read()
        rows = [list(self.row().values())]
        rows.append([*_limbs(shares.product), shares.scale, *_limbs(shares._loss_error)])
        sums = [shares.sums[k] for k in sorted(shares.sums)[-2:]]
        rows.append([*_limbs(shares._gain_error), *(part for s in sums for part in _limbs(s))])
        sums = [shares.rewards[k] for k in sorted(shares.rewards)[-2:]]
        rows.append([*_limbs(shares._reward_error), *(part for s in sums for part in _limbs(s))])
        for name in sorted(shares.deposits):
            own = shares.deposits[name]
            rows.append([*name.encode(), own.initial_wad, *_limbs(own.product)])
            rows.append([*_limbs(own.total), own.scale, *_limbs(shares.gain(name))])
            rows.append([*_limbs(own.rewards), *_limbs(shares.interest(name))])
        return rows


NUMBERS = (
    "total_wad", "collateral_wad", "largest_wad", "received_wad", "product", "scale", "_loss_error",
    "_gain_error", "_reward_error", "interest_wad",
)  # fmt: skip


def _natural(text: str, name: str) -> int:
    number = whole(int(text), name)
    if number < 0:
        raise ValueError(f"stability pool: {name} {text} is below 0")
    return number


def _limbs(number: int) -> list[int]:
    return [number >> 62 * k & LIMB for k in range(LIMBS)]
