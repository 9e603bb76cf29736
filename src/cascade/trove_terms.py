"""`Troves`: what is stated about loans that are closed whole, against a stability pool and the other loans."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from cascade.exact_numbers import RATE_DENOMINATOR, Rate, exact, flag, rate_parts

__all__ = ["Troves"]

MOST = 2**60
MOST_A_YEAR = 4
YEAR = 365 * 86_400  # seconds


@dataclass(frozen=True)
class Troves:
    """Terms of loans of one asset that are closed whole.

    Parameters
    ----------
    minimum_ratio : number, default 1.1
        Value of its collateral over its debt below which a loan is closed, 1 ... 10.
    critical_ratio : number, optional
        Ratio of all loans together that borrowing and withdrawing must leave; None: any.
    shutdown_ratio : number, optional
        Ratio of all loans together below which nothing is lent or deposited any more.
    gas_share : number, default 0.005
        Share of the collateral that the liquidator gets.
    gas_cap : number, optional
        The most collateral it gets.
    gas_reserve : number, default 0
        Money it gets besides, which the borrower put by when it borrowed.
    offset_penalty, redistribution_penalty : number, optional
        Pool and other loans get collateral worth the debt they take over and this share of it, at most;
        the owner gets the rest, and the liquidator its share of the pool's part alone. None, both: they
        get all.
    least_left : number, default 1
        Money that stays in the pool.
    sells : bool, default False
        The pool sells what it gets at the collateral's venue, at once.
    recovery : bool, default True
        While all loans together are below `critical_ratio`, loans below the ratio of all are closed too,
        if the pool has their whole debt.
    interest : tuple of 2 numbers, optional
        Least and largest yearly rate that an owner may set for a loan, 0 ... 4; interest is simple on the
        debt at the last change of the loan. None: debts bear none.
    pool_share : number, default 0
        Share of interest and fees that the stability pool gets; the treasury gets the rest.
    borrowing_fee : number, default 0
        Share of what is borrowed that is added to the debt.
    upfront_time : seconds, default 0
        So many seconds of the mean rate of all debts are added, too, of what is borrowed.
    least_debt : number, default 0
        Borrowing and repaying leave no debt that is smaller, but for none.

    Raises
    ------
    TypeError, ValueError
        A field is wrong; the message names it.

    Notes
    -----
    ``docs/troves.md`` gives the formulas.
    """

    minimum_ratio: Rate = "1.1"
    critical_ratio: Rate | None = None
    shutdown_ratio: Rate | None = None
    gas_share: Rate = "0.005"
    gas_cap: Any = None
    gas_reserve: Any = 0
    offset_penalty: Rate | None = None
    redistribution_penalty: Rate | None = None
    least_left: Any = 1
    sells: bool = False
    recovery: bool = True
    interest: tuple[Rate, Rate] | None = None
    pool_share: Rate = 0
    borrowing_fee: Rate = 0
    upfront_time: Any = 0
    least_debt: Any = 0

    def __post_init__(self) -> None:
        self.numbers(1)
        least = rate_parts(self.minimum_ratio, "minimum_ratio", 1, 10)
        if self.critical_ratio is not None and self._ratio("critical_ratio") < least:
            raise ValueError(
                f"critical_ratio {self.critical_ratio!r} is below minimum_ratio {self.minimum_ratio!r}"
            )
        if (self.offset_penalty is None) != (self.redistribution_penalty is None):
            raise ValueError(
                f"offset_penalty {self.offset_penalty!r} and redistribution_penalty "
                f"{self.redistribution_penalty!r} are stated both or neither"
            )
        if exact(self.upfront_time, "upfront_time") and self.interest is None:
            raise ValueError(
                f"upfront_time {self.upfront_time!r}: there is no interest to pay ahead"
            )
        if self.gas_cap is not None and exact(self.gas_cap, "gas_cap") < 0:
            raise ValueError(f"gas_cap {self.gas_cap!r} is below 0")

    @property
    def threshold(self) -> Fraction:
        """Share of its value that collateral bears: one over the minimum ratio, up to a part of 10**9."""
        least = rate_parts(self.minimum_ratio, "minimum_ratio", 1, 10)
        return Fraction(ceil(Fraction(RATE_DENOMINATOR**2, least)), RATE_DENOMINATOR)

    def numbers(self, atoms: int) -> dict[str, int]:
        """Whole numbers for the core; `atoms` in one unit of money."""
        return {
            "minimum_ratio": rate_parts(self.minimum_ratio, "minimum_ratio", 1, 10),
            "critical_ratio": self._ratio("critical_ratio"),
            "shutdown_ratio": self._ratio("shutdown_ratio"),
            "gas_share": rate_parts(self.gas_share, "gas_share", 0, 1),
            "gas_reserve": self._money("gas_reserve", atoms),
            "offset_penalty": self._penalty("offset_penalty"),
            "redistribution_penalty": self._penalty("redistribution_penalty"),
            "pool_least": self._money("least_left", atoms),
            "pool_sells": flag(self.sells, "sells"),
            "recovery": flag(self.recovery, "recovery"),
            **self._rates(),
            "pool_share": rate_parts(self.pool_share, "pool_share", 0, 1),
            "borrowing_fee": rate_parts(self.borrowing_fee, "borrowing_fee", 0, 1),
            "upfront_time": self._seconds(),
            "least_debt": self._money("least_debt", atoms),
        }

    def _rates(self) -> dict[str, int]:
        if self.interest is None:
            return {"rate_least": 0, "rate_largest": 0}
        if not isinstance(self.interest, (tuple, list)) or len(self.interest) != 2:
            raise TypeError(f"interest must be two numbers or None, got {self.interest!r}")
        low, high = (rate_parts(rate, "interest", 0, MOST_A_YEAR) for rate in self.interest)
        if not low <= high or high == 0:
            raise ValueError(
                f"interest {self.interest!r}: the largest rate is 0 or below the least"
            )
        return {"rate_least": low, "rate_largest": high}

    def _seconds(self) -> int:
        seconds = exact(self.upfront_time, "upfront_time")
        if not 0 <= seconds <= YEAR or seconds.denominator != 1:
            raise ValueError(
                f"upfront_time {self.upfront_time!r} is no whole number of seconds in 0 ... {YEAR}"
            )
        return int(seconds)

    def _ratio(self, name: str) -> int:
        value = getattr(self, name)
        return 0 if value is None else rate_parts(value, name, 1, 10)

    def _penalty(self, name: str) -> int:
        value = getattr(self, name)
        return -1 if value is None else rate_parts(value, name, 0, 1)

    def _money(self, name: str, atoms: int) -> int:
        value = getattr(self, name)
        number = exact(value, name) * atoms
        least = 1 if name == "least_left" else 0
        if not least <= number < MOST:
            raise ValueError(f"{name} {value!r} is outside {least} atoms ... {MOST / atoms:g}")
        if atoms > 1 and Fraction(number).denominator != 1:
            raise ValueError(f"{name} {value!r} is finer than an atom of 1/{atoms}")
        return int(number)
