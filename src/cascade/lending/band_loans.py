"""Loans against the bands of a `BandPool`: opening, health, repayment and liquidation (crvUSD's controller).

Sources: curvefi/curve-stablecoin curve_stablecoin/controller.vy. Left out: interest, changes of a loan but for
repayment in full, and discounts that differ by owner.
"""

from __future__ import annotations

from dataclasses import dataclass

from cascade.errors import ConservationError
from cascade.lending.band_pool import BandPool
from cascade.lending.soft_liquidation import (
    first_band,
    health,
    max_loan_debt,
    removed_fraction,
    tokens_to_liquidate,
)
from cascade.lending.wad import WAD, RefusalError, amount


@dataclass(frozen=True)
class LoanLiquidation:
    """What a liquidation cancelled, cost and gave.

    Parameters
    ----------
    debt_wad : int
        Debt cancelled.
    paid_wad : int
        Stablecoin that the liquidator brought.
    stable_wad : int
        Stablecoin to the liquidator: what the bands held beyond the debt.
    collateral_wad : int
        Collateral to the liquidator.
    """

    debt_wad: int
    paid_wad: int
    stable_wad: int
    collateral_wad: int


class BandLoans:
    """Loans whose collateral lies in the bands of a pool.

    Parameters
    ----------
    pool : BandPool
    loan_discount_wad, liquidation_discount_wad : int
        What a new loan keeps below its collateral's value, and below which it is liquidated; the first is
        the larger.

    Attributes
    ----------
    debts : dict of str to int
        By owner.
    issued_wad, cancelled_wad : int
        Debt made, and debt repaid or liquidated.

    Examples
    --------
    >>> loans = BandLoans(BandPool(3000 * WAD), 9 * WAD // 100, 6 * WAD // 100)
    >>> loans.open("ada", WAD, 2500 * WAD, 10)
    (3, 12)
    >>> loans.health("ada") * 10_000 // WAD
    412
    """

    pool: BandPool
    loan_discount_wad: int
    liquidation_discount_wad: int
    debts: dict[str, int]
    issued_wad: int
    cancelled_wad: int

    def __init__(
        self, pool: BandPool, loan_discount_wad: int, liquidation_discount_wad: int
    ) -> None:
        self.pool = pool
        self.loan_discount_wad = amount(loan_discount_wad, "loan_discount_wad", 0, WAD)
        self.liquidation_discount_wad = amount(
            liquidation_discount_wad, "liquidation_discount_wad", 0, self.loan_discount_wad
        )
        self.debts = {}
        self.issued_wad = self.cancelled_wad = 0

    def _debt(self, name: str) -> int:
        if name not in self.debts:
            raise ValueError(f"name {name!r} has no loan")
        return self.debts[name]

    def max_debt(self, collateral_wad: int, bands: int) -> int:
        """The most debt that collateral in so many bands carries now."""
        pool = self.pool
        return max_loan_debt(
            collateral_wad, bands, oracle_wad=pool.oracle[0], base_price_wad=pool.base_price_wad,
            loan_discount_wad=self.loan_discount_wad, amplification=pool.amplification,
            active_band=pool.highest_free_band - 1,
        )  # fmt: skip

    def open(self, name: str, collateral_wad: int, debt_wad: int, bands: int) -> tuple[int, int]:
        """Put collateral into bands and draw debt.

        Returns
        -------
        first, last : int
            The bands.

        Raises
        ------
        ValueError
            The name has a loan, or the bands are not 4 ... 50.
        RefusalError
            ``"debt-too-high"``, ``"amount-too-low"``, as `first_band` and `BandPool.deposit`.
        """
        if name in self.debts:
            raise ValueError(f"name {name!r} has a loan")
        pool = self.pool
        first = first_band(
            collateral_wad, debt_wad, bands, oracle_wad=pool.oracle[0],
            base_price_wad=pool.base_price_wad, loan_discount_wad=self.loan_discount_wad,
            amplification=pool.amplification, active_band=pool.active_band,
            lowest_free_band=pool.highest_free_band,
        )  # fmt: skip
        pool.deposit(name, collateral_wad, first, first + bands - 1)
        self.debts[name] = debt_wad
        self.issued_wad += debt_wad
        return first, first + bands - 1

    def health(self, name: str, *, full: bool = False) -> int:
        """Health of a loan, a wad; liquidatable when the full one is below 0.

        Parameters
        ----------
        name : str
        full : bool, default False
            Counts how far the oracle is above the first band, as long as that is not trading.
        """
        debt, pool = self._debt(name), self.pool
        answer = health(pool.stable_going_down(name), debt, self.liquidation_discount_wad)
        first = pool.deposits[name].first
        upper, oracle = pool.band_price(first), pool.oracle[0]
        if full and first > pool.active_band and oracle > upper:
            answer += (oracle - upper) * pool.holding(name)[1] // debt
        return answer

    def tokens_to_liquidate(self, name: str, fraction_wad: int = WAD) -> int:
        """Stablecoin that a liquidator brings for a share of the debt."""
        held = self.pool.holding(name)[0]
        return tokens_to_liquidate(
            self._debt(name), held, fraction_wad, self.liquidation_discount_wad
        )

    def liquidate(self, name: str, fraction_wad: int = WAD) -> LoanLiquidation:
        """Cancel a share of an unhealthy loan's debt for its part of the bands.

        Parameters
        ----------
        name : str
        fraction_wad : int, default one wad
            Of the debt, above 0; rounded up.

        Raises
        ------
        RefusalError
            ``"healthy"``: the full health is 0 or more.
        """
        debt = self._debt(name)
        fraction = amount(fraction_wad, "fraction_wad", 1, WAD)
        now = self.health(name, full=True)
        if now >= 0:
            raise RefusalError("healthy", f"health {now} of {name!r} is not below 0")
        share = removed_fraction(fraction, self.liquidation_discount_wad)
        return self._close(name, -(-debt * fraction // WAD), share)

    def repay(self, name: str) -> LoanLiquidation:
        """Cancel a whole loan for its owner, with what the bands hold and what is missing from it."""
        return self._close(name, self._debt(name), WAD)

    def _close(self, name: str, cancelled: int, share: int) -> LoanLiquidation:
        left = self.debts[name] - cancelled
        stable, collateral = self.pool.withdraw(name, WAD if left == 0 else share)
        self.cancelled_wad += cancelled
        if left:
            self.debts[name] = left
        else:
            del self.debts[name]
        missing = cancelled - stable
        return LoanLiquidation(cancelled, max(missing, 0), max(-missing, 0), collateral)

    def check(self) -> None:
        """Debts are what was issued less what was cancelled, and the pool's own sums hold.

        Raises
        ------
        ConservationError
            They do not.
        """
        owed = sum(self.debts.values())
        if owed != self.issued_wad - self.cancelled_wad:
            raise ConservationError(f"debts {owed} are not {self.issued_wad} issued less repaid")
        self.pool.check()
