"""Natural logarithm and exponential of numbers with 18 decimals, rounded down.

The contracts approximate both within one unit of the last digit; here the exact value is rounded down,
worked out with as many digits as that needs.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Context, Decimal

from cascade.lending.wad import WAD, amount

# 2**255 has 77 digits, the quotient 18 more behind the point
_CONTEXT = Context(prec=120, rounding=ROUND_FLOOR)
#: The contracts refuse exponents from here on, and answer 0 at the other end.
LARGEST_EXPONENT = 135_305_999_368_893_231_589
SMALLEST_EXPONENT = -41_446_531_673_892_822_313


def _floor(number: Decimal) -> int:
    return int(_CONTEXT.multiply(number, Decimal(WAD)).to_integral_value(ROUND_FLOOR))


def wad_ln(value_wad: int) -> int:
    """Natural logarithm, a wad, rounded down; `value_wad` is at least 1.

    Examples
    --------
    >>> wad_ln(WAD), wad_ln(100 * WAD // 99)
    (0, 10050335853501441)
    """
    value = Decimal(amount(value_wad, "value_wad", 1))
    return _floor(_CONTEXT.ln(_CONTEXT.divide(value, Decimal(WAD))))


def wad_exp(exponent_wad: int) -> int:
    """Exponential, a wad, rounded down; 0 where it is below 1e-18.

    Raises
    ------
    ValueError
        The exponent is 135.3 or more, which the contracts refuse.

    Examples
    --------
    >>> wad_exp(0) == WAD, wad_exp(-50 * WAD)
    (True, 0)
    """
    exponent = amount(exponent_wad, "exponent_wad", -(2**255), LARGEST_EXPONENT - 1)
    if exponent <= SMALLEST_EXPONENT:
        return 0
    return _floor(_CONTEXT.exp(_CONTEXT.divide(Decimal(exponent), Decimal(WAD))))
