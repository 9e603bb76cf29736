"""Bands of crvUSD's LLAMMA: their prices, the curve inside one, fees and the limit on the oracle.

Integers of 18 decimals, divisions rounded down in the order of curvefi/curve-stablecoin
curve_stablecoin/AMM.vy. Band n is between the oracle prices ``base * ((A - 1) / A) ** n`` and the same of n + 1;
its own price moves against it, ``oracle ** 3 / band price ** 2``, so that it sells collateral as the price falls.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import isqrt

from cascade.lending.wad import WAD, RefusalError, amount
from cascade.lending.wad_logarithm import wad_exp, wad_ln

ORACLE_MEMORY_SECONDS = 120
LARGEST_ORACLE_STEP = 12_500 * 10**14
LARGEST_BANDS = 50
LEAST_BANDS = 4
LARGEST_SKIP = 1024
_LARGEST_FEE = WAD - 1


@lru_cache(maxsize=64)
def log_band_ratio(amplification: int) -> int:
    """``ln(A / (A - 1))``, a wad."""
    a = amount(amplification, "amplification", 2, 10_000)
    return wad_ln(a * WAD // (a - 1))


@lru_cache(maxsize=64)
def sqrt_band_ratio(amplification: int) -> int:
    """``sqrt(A / (A - 1))``, a wad, rounded down."""
    a = amount(amplification, "amplification", 2, 10_000)
    return isqrt(a * 10**36 // (a - 1))


@lru_cache(maxsize=64)
def largest_deviation(amplification: int) -> int:
    """``(A / (A - 1)) ** 50``, a wad: no trade goes on in bands further from the oracle."""
    a = amount(amplification, "amplification", 2, 10_000)
    power = WAD
    for _ in range(50):
        power = power * a // (a - 1)
    return power


def band_price(number: int, base_price_wad: int, amplification: int) -> int:
    """Upper price of a band, a wad; that of the next band is its lower one.

    Parameters
    ----------
    number : int
        Of the band; below 0 above the base price.
    base_price_wad : int
        Price of band 0.
    amplification : int
        A: a band is one part in A wide.

    Raises
    ------
    RefusalError
        ``"band-too-deep"``: the factor has fewer than three digits left.

    Examples
    --------
    >>> band_price(1, 3000 * WAD, 100)
    2970000000000000000000
    """
    factor = wad_exp(-amount(number, "number", -(2**127), 2**127) * log_band_ratio(amplification))
    if factor <= 1000:
        raise RefusalError("band-too-deep", f"number {number} has a factor of {factor}")
    return amount(base_price_wad, "base_price_wad") * factor // WAD


def current_price(number: int, oracle_wad: int, base_price_wad: int, amplification: int) -> int:
    """Price inside the pool at which a band is all collateral: ``oracle ** 3 / band price ** 2``.

    Of the next band it is the price at which this one is all stablecoin.

    Examples
    --------
    The oracle in the band is met by the band's own price; 1 % higher it is 3 % higher:

    >>> current_price(0, 3000 * WAD, 3000 * WAD, 100) == 3000 * WAD
    True
    >>> current_price(0, 3030 * WAD, 3000 * WAD, 100)
    3090903000000000000000
    """
    edge = band_price(number, base_price_wad, amplification)
    oracle = amount(oracle_wad, "oracle_wad")
    return oracle**2 // edge * oracle // edge


def limited_oracle(
    price_wad: int, last_price_wad: int, last_fee_wad: int, elapsed_seconds: int
) -> tuple[int, int]:
    """Oracle price after the limit on its step, and the fee that a step asks for.

    Parameters
    ----------
    price_wad : int
        What the oracle says.
    last_price_wad, last_fee_wad : int
        What this answered at the last trade.
    elapsed_seconds : int
        Since then; from 120 on there is neither limit nor fee.

    Returns
    -------
    price_wad, fee_wad : int
        At most a factor 1.25 from the last; the fee is ``last fee + 1 - ratio ** 3``, falling to nothing
        in 120 seconds.

    Examples
    --------
    >>> price, fee = limited_oracle(1000 * WAD, 2000 * WAD, 0, 0)
    >>> price // WAD, fee * 1000 // WAD
    (1600, 488)
    """
    price, last = amount(price_wad, "price_wad", 1), amount(last_price_wad, "last_price_wad", 1)
    left = ORACLE_MEMORY_SECONDS - min(
        ORACLE_MEMORY_SECONDS, amount(elapsed_seconds, "elapsed_seconds")
    )
    if left == 0:
        return price, 0
    least = 10**36 // LARGEST_ORACLE_STEP
    ratio = last * WAD // price if price > last else price * WAD // last
    if ratio < least:
        rising = price > last
        price = last * LARGEST_ORACLE_STEP // WAD if rising else last * WAD // LARGEST_ORACLE_STEP
        ratio = least
    fee = (WAD + amount(last_fee_wad, "last_fee_wad") - ratio**3 // 10**36) * left
    return price, min(fee // ORACLE_MEMORY_SECONDS, _LARGEST_FEE)


def dynamic_fee(oracle_wad: int, band_price_wad: int, amplification: int) -> int:
    """A quarter of how far the oracle is outside of a band's own prices, a wad; 0 inside."""
    oracle, edge = oracle_wad, band_price_wad
    down = oracle**2 // edge * oracle // edge
    up = down * amplification // (amplification - 1) * amplification // (amplification - 1)
    if oracle < down:
        return (down - oracle) * (WAD // 4) // down
    if oracle > up:
        return (oracle - up) * (WAD // 4) // oracle
    return 0


def initial_collateral(
    stable_wad: int, collateral_wad: int, oracle_wad: int, band_price_wad: int, amplification: int
) -> int:
    """y0 of a band: its collateral if it had no stablecoin and oracle and band price were equal.

    The positive root of ``p A y0**2 - y0 (p_band / p (A - 1) x + p**2 / p_band A y) - x y = 0``.
    """
    a, x, y = amplification, stable_wad, collateral_wad
    oracle = amount(oracle_wad, "oracle_wad", 1)
    linear = band_price_wad * (a - 1) * x // oracle
    linear += a * oracle**2 // band_price_wad * y // WAD
    if x and y:
        root = isqrt(linear**2 + 4 * a * oracle * y // WAD * x)
        return (linear + root) * WAD // (2 * a * oracle)
    return linear * WAD // (a * oracle)


@dataclass(frozen=True)
class BandCurve:
    """Curve ``(f + x) (g + y) = constant`` of a band at an oracle price.

    Parameters
    ----------
    stable_wad, collateral_wad : int
        x and y.
    virtual_stable, virtual_collateral : int
        f and g.
    constant : int
    """

    stable_wad: int
    collateral_wad: int
    virtual_stable: int
    virtual_collateral: int
    constant: int

    @property
    def price_wad(self) -> int:
        """Price inside the band, rounded down."""
        stable = (self.virtual_stable + self.stable_wad) * WAD
        return stable // (self.virtual_collateral + self.collateral_wad)


def band_curve(
    stable_wad: int, collateral_wad: int, oracle_wad: int, band_price_wad: int, amplification: int
) -> BandCurve:
    """The curve of a band that is not empty.

    Examples
    --------
    >>> curve = band_curve(0, WAD, 3000 * WAD, 3000 * WAD, 100)
    >>> curve.price_wad == 3000 * WAD
    True
    """
    start = initial_collateral(
        stable_wad, collateral_wad, oracle_wad, band_price_wad, amplification
    )
    f = amplification * start * oracle_wad // band_price_wad * oracle_wad // WAD
    g = (amplification - 1) * start * band_price_wad // oracle_wad
    constant = (f + stable_wad) * (g + collateral_wad)
    return BandCurve(stable_wad, collateral_wad, f, g, constant)
