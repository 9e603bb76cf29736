"""Fixed-point products and quotients of lending protocols, on Python integers of any width.

Three scales: basis points (10**4), WAD (10**18) and RAY (10**27). Every name carries its rounding:
``half_up`` adds half the divisor before the division, ``floor`` cuts off, ``ceil`` rounds up. Amounts
are not negative; a negative one is refused, because the protocols' types are unsigned.
"""

from __future__ import annotations

__all__ = [
    "BASIS_POINTS",
    "RAY",
    "WAD",
    "mul_div_ceil",
    "mul_div_floor",
    "mul_div_half_up",
    "percent_div_ceil",
    "percent_div_floor",
    "percent_div_half_up",
    "percent_mul_ceil",
    "percent_mul_floor",
    "percent_mul_half_up",
    "ray_div_ceil",
    "ray_div_floor",
    "ray_div_half_up",
    "ray_mul_ceil",
    "ray_mul_floor",
    "ray_mul_half_up",
    "wad_div_ceil",
    "wad_div_floor",
    "wad_div_half_up",
    "wad_mul_ceil",
    "wad_mul_floor",
    "wad_mul_half_up",
]

#: A whole, in basis points.
BASIS_POINTS: int = 10**4
#: A whole, in WAD.
WAD: int = 10**18
#: A whole, in RAY.
RAY: int = 10**27


def _checked(first: int, second: int, divisor: int) -> int:
    if first < 0 or second < 0:
        raise ValueError(f"factors must not be negative, got {first!r} and {second!r}")
    if divisor <= 0:
        raise ZeroDivisionError(f"divisor {divisor!r} is not above 0")
    return first * second


def mul_div_floor(first: int, second: int, divisor: int) -> int:
    """``first * second / divisor``, cut off.

    Raises
    ------
    ValueError
        A factor is negative.
    ZeroDivisionError
        `divisor` is not above 0.
    """
    return _checked(first, second, divisor) // divisor


def mul_div_ceil(first: int, second: int, divisor: int) -> int:
    """``first * second / divisor``, rounded up.

    Raises
    ------
    ValueError
        A factor is negative.
    ZeroDivisionError
        `divisor` is not above 0.
    """
    return -(-_checked(first, second, divisor) // divisor)


def mul_div_half_up(first: int, second: int, divisor: int) -> int:
    """``(first * second + divisor / 2) / divisor``, both divisions cut off: half up.

    Raises
    ------
    ValueError
        A factor is negative.
    ZeroDivisionError
        `divisor` is not above 0.

    Notes
    -----
    Aave PercentageMath and WadRayMath add ``divisor / 2`` cut off, so an odd divisor rounds its lower half
    point down.
    """
    return (_checked(first, second, divisor) + divisor // 2) // divisor


def percent_mul_half_up(value: int, factor: int) -> int:
    """`value` times a factor in basis points, half up (Aave PercentageMath)."""
    return mul_div_half_up(value, factor, BASIS_POINTS)


def percent_div_half_up(value: int, divisor: int) -> int:
    """`value` over a divisor in basis points, half up (Aave PercentageMath)."""
    return mul_div_half_up(value, BASIS_POINTS, divisor)


def percent_mul_floor(value: int, factor: int) -> int:
    """`value` times a factor in basis points, cut off (Aave PercentageMath)."""
    return mul_div_floor(value, factor, BASIS_POINTS)


def percent_div_floor(value: int, divisor: int) -> int:
    """`value` over a divisor in basis points, cut off (Aave PercentageMath)."""
    return mul_div_floor(value, BASIS_POINTS, divisor)


def percent_mul_ceil(value: int, factor: int) -> int:
    """`value` times a factor in basis points, rounded up (Aave PercentageMath)."""
    return mul_div_ceil(value, factor, BASIS_POINTS)


def percent_div_ceil(value: int, divisor: int) -> int:
    """`value` over a divisor in basis points, rounded up (Aave PercentageMath)."""
    return mul_div_ceil(value, BASIS_POINTS, divisor)


def wad_mul_half_up(value: int, factor: int) -> int:
    """`value` times a factor in WAD, half up (Aave WadRayMath, Morpho MathLib, Compound ExponentialNoError)."""
    return mul_div_half_up(value, factor, WAD)


def wad_div_half_up(value: int, divisor: int) -> int:
    """`value` over a divisor in WAD, half up (Aave WadRayMath, Morpho MathLib, Compound ExponentialNoError)."""
    return mul_div_half_up(value, WAD, divisor)


def wad_mul_floor(value: int, factor: int) -> int:
    """`value` times a factor in WAD, cut off (Aave WadRayMath, Morpho MathLib, Compound ExponentialNoError)."""
    return mul_div_floor(value, factor, WAD)


def wad_div_floor(value: int, divisor: int) -> int:
    """`value` over a divisor in WAD, cut off (Aave WadRayMath, Morpho MathLib, Compound ExponentialNoError)."""
    return mul_div_floor(value, WAD, divisor)


def wad_mul_ceil(value: int, factor: int) -> int:
    """`value` times a factor in WAD, rounded up (Aave WadRayMath, Morpho MathLib, Compound ExponentialNoError)."""
    return mul_div_ceil(value, factor, WAD)


def wad_div_ceil(value: int, divisor: int) -> int:
    """`value` over a divisor in WAD, rounded up (Aave WadRayMath, Morpho MathLib, Compound ExponentialNoError)."""
    return mul_div_ceil(value, WAD, divisor)


def ray_mul_half_up(value: int, factor: int) -> int:
    """`value` times a factor in RAY, half up (Aave WadRayMath)."""
    return mul_div_half_up(value, factor, RAY)


def ray_div_half_up(value: int, divisor: int) -> int:
    """`value` over a divisor in RAY, half up (Aave WadRayMath)."""
    return mul_div_half_up(value, RAY, divisor)


def ray_mul_floor(value: int, factor: int) -> int:
    """`value` times a factor in RAY, cut off (Aave WadRayMath)."""
    return mul_div_floor(value, factor, RAY)


def ray_div_floor(value: int, divisor: int) -> int:
    """`value` over a divisor in RAY, cut off (Aave WadRayMath)."""
    return mul_div_floor(value, RAY, divisor)


def ray_mul_ceil(value: int, factor: int) -> int:
    """`value` times a factor in RAY, rounded up (Aave WadRayMath)."""
    return mul_div_ceil(value, factor, RAY)


def ray_div_ceil(value: int, divisor: int) -> int:
    """`value` over a divisor in RAY, rounded up (Aave WadRayMath)."""
    return mul_div_ceil(value, RAY, divisor)
