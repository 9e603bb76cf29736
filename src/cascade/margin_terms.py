"""Margin that a notional needs: tiers with their deductions, rates and initial margin, exactly.

Maintenance is a piecewise straight line in notional, ``rate * notional - deduction`` in each tier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from cascade.contract_value import one_of, positive
from cascade.exact_numbers import Rate, exact
from cascade.ruleset import Rules

__all__ = [
    "BASES",
    "CLOSE_FEE_BASES",
    "TIER_MODES",
    "MarginTerms",
    "deductions",
    "initial_margin",
    "maintenance",
    "size_linear_rate",
    "sliced_margin",
]

Line = tuple[Fraction, Fraction, Fraction]

TIER_MODES = ("marginal", "whole")
BASES = ("mark", "entry")
CLOSE_FEE_BASES = ("mark", "bankruptcy")


def deductions(floors: Sequence[Rate], rates: Sequence[Rate], first: Rate = 0) -> list[Fraction]:
    """Amounts that make a table of marginal tiers one line per tier.

    Parameters
    ----------
    floors : sequence of number
        Lowest notional of each tier, ascending, in the units of notional.
    rates : sequence of number
        Maintenance rate of each tier, a share of the notional.
    first : number, default 0
        Deduction of the first of them, in the units of notional.

    Returns
    -------
    list of Fraction
        ``d[k] = d[k-1] + floors[k] * (rates[k] - rates[k-1])``: maintenance in tier k is
        ``rates[k] * notional - d[k]``, in the units of notional.

    Raises
    ------
    TypeError
        A value is no number.
    ValueError
        The two columns differ in length, or the floors do not ascend.

    Notes
    -----
    Venues call the amount *maintenance amount* or *cum* (Binance, "Leverage and margin of
    USD-M futures").

    Examples
    --------
    >>> deductions([0, 50], ["0.025", "0.05"], first="0.56")[-1]
    Fraction(181, 100)
    """
    edges = [exact(floor, "floors") for floor in floors]
    steps = [exact(rate, "rates") for rate in rates]
    if len(edges) != len(steps):
        raise ValueError(f"floors and rates differ in length: {len(edges)} and {len(steps)}")
    if any(b <= a for a, b in pairwise(edges)):
        raise ValueError("floors must ascend")
    amounts = [exact(first, "first")]
    for floor, (low, high) in zip(edges[1:], pairwise(steps), strict=True):
        amounts.append(amounts[-1] + floor * (high - low))
    return amounts[: len(edges)]


@dataclass(frozen=True)
class MarginTerms:
    """What maintenance is taken of, and how much.

    Parameters
    ----------
    tiers : sequence of (floor, rate)
        Maintenance rates by notional, floors ascending from 0.
    tier_mode : {"marginal", "whole"}, default "marginal"
        Each slice at its own rate, or the whole position at the rate of its tier.
    deduction : number, default 0
        Amount taken off in the first tier; with one tier, the deduction of the tier that a
        position is known to be in.
    basis : {"mark", "entry"}, default "mark"
        Notional at the mark, or at entry.
    close_fee : number, default 0
        Rate of the fee for closing that counts as maintenance.
    close_fee_basis : {"mark", "bankruptcy"}, default "mark"
        Notional that the closing fee is taken of.

    Raises
    ------
    TypeError, ValueError
        A value is no number, or a choice is unknown, or the floors do not ascend from 0.

    Notes
    -----
    Tiers and deduction: Binance, "Leverage and margin of USD-M futures". Maintenance on entry and
    the closing fee at the bankruptcy price: Bybit, "Liquidation price calculation".

    Examples
    --------
    >>> MarginTerms.flat("0.01").maintenance(250)
    Fraction(5, 2)
    """

    tiers: Sequence[Sequence[Rate]] = ((0, "0.005"),)
    tier_mode: Literal["marginal", "whole"] = "marginal"
    deduction: Rate = 0
    basis: Literal["mark", "entry"] = "mark"
    close_fee: Rate = 0
    close_fee_basis: Literal["mark", "bankruptcy"] = "mark"

    def __post_init__(self) -> None:
        one_of(self.tier_mode, "tier_mode", TIER_MODES)
        one_of(self.basis, "basis", BASES)
        one_of(self.close_fee_basis, "close_fee_basis", CLOSE_FEE_BASES)
        if not self.tiers or exact(self.tiers[0][0], "tiers[0]") != 0:
            raise ValueError("tiers must have a first row whose floor is 0")
        self.lines()

    @classmethod
    def flat(
        cls,
        rate: Rate,
        deduction: Rate = 0,
        *,
        basis: Literal["mark", "entry"] = "mark",
        close_fee: Rate = 0,
        close_fee_basis: Literal["mark", "bankruptcy"] = "mark",
    ) -> MarginTerms:
        """One rate and its deduction, whatever the notional.

        Parameters
        ----------
        rate : number
            Share of the notional.
        deduction : number, default 0
            In the units of notional.
        basis, close_fee, close_fee_basis
            As in `MarginTerms`.

        Returns
        -------
        MarginTerms

        Raises
        ------
        TypeError, ValueError
            As `MarginTerms`.
        """
        return cls(
            ((0, rate),),
            deduction=deduction,
            basis=basis,
            close_fee=close_fee,
            close_fee_basis=close_fee_basis,
        )

    @classmethod
    def of(cls, rules: Rules) -> MarginTerms:
        """The terms in a market's rules.

        Parameters
        ----------
        rules : Rules

        Returns
        -------
        MarginTerms
            Its closing fee is the taker's, where it counts as maintenance, on the mark.
        """
        return cls(
            tuple((floor, rate) for floor, rate, _ in rules.rows()),
            rules.tier_mode,
            basis=rules.basis,
            close_fee=rules.taker_fee if rules.close_fee else 0,
        )

    def lines(self) -> list[Line]:
        """Straight lines that maintenance consists of.

        Returns
        -------
        list of (floor, rate, deduction)
            Fractions, one row a tier; the closing fee on the mark is in the rates.

        Raises
        ------
        TypeError, ValueError
            A value is no finite number, or the floors do not ascend.
        """
        floors = [exact(row[0], "tiers") for row in self.tiers]
        rates = [exact(row[1], "tiers") for row in self.tiers]
        first = exact(self.deduction, "deduction")
        amounts = deductions(floors, rates, first)
        if self.tier_mode == "whole":
            amounts = [first] * len(floors)
        fee = exact(self.close_fee, "close_fee") if self.close_fee_basis == "mark" else Fraction(0)
        return [(f, r + fee, d) for f, r, d in zip(floors, rates, amounts, strict=True)]

    def maintenance(self, notional: Rate) -> Fraction:
        """Maintenance margin of a notional, see `cascade.margin.maintenance`.

        Parameters
        ----------
        notional : number
            In the units of the tiers; its sign does not matter.

        Returns
        -------
        Fraction
            In the same units; a fee taken at the bankruptcy price is not included.

        Raises
        ------
        TypeError, ValueError
            `notional` is no finite number.
        """
        amount = abs(exact(notional, "notional"))
        _, rate, deduction = [line for line in self.lines() if line[0] <= amount][-1]
        return max(Fraction(0), rate * amount - deduction)


def terms_of(terms: MarginTerms | Rules) -> MarginTerms:
    return MarginTerms.of(terms) if isinstance(terms, Rules) else terms


def initial_margin(amount: Rate, leverage: Rate = 1, rate: Rate = 0) -> Fraction:
    """Margin to open a notional: the larger of ``amount / leverage`` and ``amount * rate``.

    Parameters
    ----------
    amount : number
        Notional in money or coins; its sign does not matter.
    leverage : number, default 1
        Above zero.
    rate : number, default 0
        Least initial rate of the tier, a share of the notional.

    Returns
    -------
    Fraction
        In the units of `amount`.

    Raises
    ------
    TypeError
        An argument is no number.
    ValueError
        `leverage` is not above zero, or a number is not finite.

    Notes
    -----
    ``docs/margin.md``, "Orders and initial margin".

    Examples
    --------
    >>> initial_margin(1000, 20, "0.1")
    Fraction(100, 1)
    """
    value = abs(exact(amount, "amount"))
    return max(value / positive(leverage, "leverage"), value * exact(rate, "rate"))


def maintenance(amount: Rate, terms: MarginTerms | Rules) -> Fraction:
    """Maintenance margin of a notional: ``max(0, rate * notional - deduction)`` of its tier.

    Parameters
    ----------
    amount : number
        Notional in the units of the tiers; its sign does not matter.
    terms : MarginTerms or Rules
        Tiers and closing fee.

    Returns
    -------
    Fraction
        In the units of `amount`; a fee taken at the bankruptcy price is not included.

    Raises
    ------
    TypeError, ValueError
        `amount` is no finite number.

    Notes
    -----
    Binance, "Leverage and margin of USD-M futures"; ``docs/margin.md``.

    Examples
    --------
    >>> maintenance(390_000, MarginTerms(((0, "0.05"), (50_000, "0.07"), (100_000, "0.08"))))
    Fraction(29200, 1)
    """
    return terms_of(terms).maintenance(amount)


def sliced_margin(amount: Rate, tiers: Sequence[Sequence[Rate]]) -> Fraction:
    """Margin of a notional as the sum of its slices, each at the rate of its tier.

    The same number as `maintenance` of a marginal table, by the definition instead of by the
    deduction.

    Parameters
    ----------
    amount : number
        Notional; its sign does not matter.
    tiers : sequence of (floor, rate)
        Floors in the units of `amount`, ascending from 0, and shares of each slice.

    Returns
    -------
    Fraction
        In the units of `amount`.

    Raises
    ------
    TypeError, ValueError
        A number is none or not finite.

    Notes
    -----
    Binance, "Leverage and margin of USD-M futures", whose deduction makes the two agree.

    Examples
    --------
    >>> sliced_margin(150, [(0, "0.1"), (100, "0.2")])
    Fraction(20, 1)
    """
    value = abs(exact(amount, "amount"))
    rows = [(exact(row[0], "tiers"), exact(row[1], "tiers")) for row in tiers]
    tops = [floor for floor, _ in rows[1:]] + [max(value, rows[-1][0])]
    return sum(
        ((min(value, top) - floor) * rate for (floor, rate), top in zip(rows, tops, strict=True)
         if value > floor),
        Fraction(0),
    )  # fmt: skip


def size_linear_rate(base: Rate, slope: Rate, size: Rate) -> Fraction:
    """Margin rate that grows with the whole position: ``base + slope * |size|``.

    Parameters
    ----------
    base : number
        Rate of the smallest position, a share of the notional.
    slope : number
        Rate that each unit of size adds.
    size : number
        Of the position; its sign does not matter.

    Returns
    -------
    Fraction
        Share of the notional.

    Raises
    ------
    TypeError, ValueError
        A number is none or not finite.

    Notes
    -----
    The margin rule of Deribit's futures.

    Examples
    --------
    >>> size_linear_rate("0.02", "0.00005", -100)
    Fraction(1, 40)
    """
    return exact(base, "base") + exact(slope, "slope") * abs(exact(size, "size"))
