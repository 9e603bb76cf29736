"""`BandRules`: what a person states about a soft liquidation market."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from cascade.exact_numbers import Rate, exact, rate_parts, whole

__all__ = ["BandRules"]


@dataclass(frozen=True)
class BandRules:
    """Terms of a market whose loans are liquidated softly, in bands of prices.

    Parameters
    ----------
    amplification : int, default 100
        A: a band is one part in A wide; 20 ... 1000.
    fee : number, default 0.006
        Of trades with the bands, which keep it; 0 ... 0.5.
    loan_discount : number, default 0.09
        What a new loan keeps below the value of its collateral.
    liquidation_discount : number, default 0.06
        What backs a debt counts so much less; below `loan_discount`.
    source : str
        Where the numbers are from.

    Notes
    -----
    The defaults are those of the tests of curvefi/curve-stablecoin; `cascade.rules.crvusd` has more.
    """

    amplification: int = 100
    fee: Rate = "0.006"
    loan_discount: Rate = "0.09"
    liquidation_discount: Rate = "0.06"
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        self.numbers()

    def numbers(self) -> dict[str, int]:
        """Checked whole numbers: rates in parts of 10**9.

        Raises
        ------
        TypeError, ValueError
            A field is wrong; the message names it.
        """
        amplification = whole(self.amplification, "amplification")
        if not 20 <= amplification <= 1000:
            raise ValueError(f"amplification {amplification} is outside 20 ... 1000")
        loan = rate_parts(self.loan_discount, "loan_discount", 0, 1)
        liquidation = rate_parts(self.liquidation_discount, "liquidation_discount", 0, 1)
        if not liquidation < loan < 10**9:
            raise ValueError(
                f"loan_discount {self.loan_discount!r} is not between liquidation_discount "
                f"{self.liquidation_discount!r} and 1"
            )
        if not 0 <= exact(self.fee, "fee") <= Fraction(1, 2):
            raise ValueError(f"fee {self.fee!r} is outside 0 ... 0.5")
        fee = rate_parts(self.fee, "fee", 0, 1)
        return {
            "amplification": amplification,
            "fee": fee,
            "loan_discount": loan,
            "liquidation_discount": liquidation,
        }
