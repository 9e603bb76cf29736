"""Loans against crvUSD's bands: which bands, how much debt, health, and what a liquidator pays.

Integers of 18 decimals, divisions rounded down in the order of curvefi/curve-stablecoin
curve_stablecoin/controller.vy and ControllerView.vy. Logarithm and exponential are exact values rounded
down (`cascade.lending.wad_logarithm`), where the contract's may be off by one in the last digit. `BandPool` is the
market the bands trade in.
"""

from __future__ import annotations

from fractions import Fraction

from cascade.exact_numbers import Rate, exact
from cascade.lending.band_curve import (
    LARGEST_BANDS,
    LARGEST_SKIP,
    LEAST_BANDS,
    band_price,
    log_band_ratio,
    sqrt_band_ratio,
)
from cascade.lending.wad import WAD, RefusalError, amount
from cascade.lending.wad_logarithm import wad_ln

#: Shares that nobody owns in every band; they keep rounding on the pool's side.
DEAD_SHARES = 1000
#: Most interest a second, a wad: 300 % a year compounded.
LARGEST_RATE = 43_959_106_799
_KEPT = WAD - 10**14


def effective_collateral(
    collateral_wad: int, bands: int, discount_wad: int, amplification: int
) -> int:
    """Collateral times the share of the upper band's price that selling it through the bands earns.

    ``collateral * (1 - discount) / (sqrt(A / (A - 1)) * N) * sum of ((A - 1) / A) ** k`` for k below N, and a
    little less for `DEAD_SHARES`.

    Parameters
    ----------
    collateral_wad : int
    bands : int
        N, 1 ... 50.
    discount_wad : int
        0 ... one wad.
    amplification : int
        A.
    """
    collateral = amount(collateral_wad, "collateral_wad")
    number = amount(bands, "bands", 1, LARGEST_BANDS)
    discount = amount(discount_wad, "discount_wad", 0, WAD)
    discount += DEAD_SHARES * WAD // max(collateral // number, DEAD_SHARES)
    part = collateral * (WAD - min(discount, WAD)) // (sqrt_band_ratio(amplification) * number)
    total = part
    for _ in range(1, number):
        part = part * (amplification - 1) // amplification
        total += part
    return total


def _loan_bands(bands: int) -> int:
    return amount(bands, "bands", LEAST_BANDS, LARGEST_BANDS)


def highest_loan_price(
    oracle_wad: int, base_price_wad: int, active_band: int, amplification: int
) -> int:
    """Upper price of the highest band that a loan may begin in, a wad.

    That is the first band below `active_band` whose price is not above the oracle's.
    """
    oracle = amount(oracle_wad, "oracle_wad", 1)
    base = amount(base_price_wad, "base_price_wad", 1)
    number = wad_ln(max(base * WAD // oracle, 1)) // log_band_ratio(amplification)
    number = max(number, active_band + 1)
    while band_price(number, base, amplification) > oracle:
        number += 1
    while number - 1 > active_band and band_price(number - 1, base, amplification) <= oracle:
        number -= 1
    return band_price(number, base, amplification)


def max_loan_debt(
    collateral_wad: int,
    bands: int,
    *,
    oracle_wad: int,
    base_price_wad: int,
    loan_discount_wad: int,
    amplification: int,
    active_band: int = 0,
) -> int:
    """The most debt that collateral in so many bands carries, one part in ten thousand below the edge.

    Parameters
    ----------
    collateral_wad : int
    bands : int
        4 ... 50.
    oracle_wad, base_price_wad : int
        Oracle price, and price of band 0.
    loan_discount_wad : int
        Kept below the value of the collateral.
    amplification : int
        A.
    active_band : int, default 0
        The lowest band that holds stablecoin; loans begin below it.

    Examples
    --------
    >>> max_loan_debt(WAD, 5, oracle_wad=3000 * WAD, base_price_wad=3000 * WAD,
    ...               loan_discount_wad=WAD // 20, amplification=100) // 10**15
    2751493
    """
    value = effective_collateral(
        collateral_wad, _loan_bands(bands), loan_discount_wad, amplification
    )
    price = highest_loan_price(oracle_wad, base_price_wad, active_band, amplification)
    return max(value * price // WAD - 1, 0) * _KEPT // WAD


def min_loan_collateral(
    debt_wad: int,
    bands: int,
    *,
    oracle_wad: int,
    base_price_wad: int,
    loan_discount_wad: int,
    amplification: int,
    active_band: int = 0,
) -> int:
    """The least collateral that carries a debt; parameters as of `max_loan_debt`."""
    number = _loan_bands(bands)
    price = highest_loan_price(oracle_wad, base_price_wad, active_band, amplification)
    a_unit = effective_collateral(WAD, number, loan_discount_wad, amplification)
    least = amount(debt_wad, "debt_wad") * WAD // price * WAD // a_unit
    return (least + number * (number + 2 * DEAD_SHARES)) * WAD // _KEPT


def first_band(
    collateral_wad: int,
    debt_wad: int,
    bands: int,
    *,
    oracle_wad: int,
    base_price_wad: int,
    loan_discount_wad: int,
    amplification: int,
    active_band: int = 0,
    lowest_free_band: int | None = None,
) -> int:
    """Upper band n1 of a loan; the last is ``n1 + bands - 1``.

    Parameters
    ----------
    lowest_free_band : int, optional
        From which on bands hold no stablecoin and can be skipped; default the one after `active_band`.

    Raises
    ------
    RefusalError
        ``"debt-too-high"``, or ``"amount-too-low"``: the collateral is too small to count.

    Notes
    -----
    ``floor(ln(effective collateral * price of the active band / debt) / ln(A / (A - 1)))`` and the active band;
    other parameters as of `max_loan_debt`.

    Examples
    --------
    >>> first_band(WAD // 2, 1000 * WAD, 5, oracle_wad=3000 * WAD, base_price_wad=3000 * WAD,
    ...            loan_discount_wad=WAD // 20, amplification=100)
    32
    """
    number = _loan_bands(bands)
    debt = amount(debt_wad, "debt_wad", 1)
    value = effective_collateral(collateral_wad, number, loan_discount_wad, amplification)
    ratio = value * band_price(active_band, base_price_wad, amplification) // (debt + 1)
    if ratio == 0:
        raise RefusalError("amount-too-low", f"collateral_wad {collateral_wad} for {debt}")
    # Python's division is the floor that the contract builds by hand
    first = wad_ln(ratio) // log_band_ratio(amplification)
    first = min(first, LARGEST_SKIP - number) + active_band
    least = active_band + 1 if lowest_free_band is None else lowest_free_band
    if first < least or band_price(first, base_price_wad, amplification) > oracle_wad:
        raise RefusalError(
            "debt-too-high", f"debt_wad {debt} needs band {first}, the highest free is {least}"
        )
    return first


def health(value_wad: int, debt_wad: int, discount_wad: int) -> int:
    """``value * (1 - discount) / debt - 1``, a wad, rounded towards zero first; below 0 is liquidatable.

    Parameters
    ----------
    value_wad : int
        Stablecoin that the bands become when the price falls slowly through them.
    debt_wad : int
        At least 1.
    discount_wad : int
        The liquidation discount.
    """
    value = amount(value_wad, "value_wad") * (WAD - amount(discount_wad, "discount_wad", 0, WAD))
    return value // amount(debt_wad, "debt_wad", 1) - WAD


def loan_health(
    collateral_wad: int,
    debt_wad: int,
    bands: int,
    band: int,
    *,
    oracle_wad: int,
    base_price_wad: int,
    liquidation_discount_wad: int,
    amplification: int,
    full: bool = False,
) -> int:
    """Health of a loan whose bands are all collateral.

    Parameters
    ----------
    band : int
        Its first.
    full : bool, default False
        Counts how far the oracle is above the first band too, for all of the collateral.

    Returns
    -------
    int
        A wad; other parameters as of `max_loan_debt` and `health`.
    """
    upper = band_price(band, base_price_wad, amplification)
    value = effective_collateral(collateral_wad, bands, 0, amplification) * upper // WAD
    answer = health(value, debt_wad, liquidation_discount_wad)
    if full and oracle_wad > upper:
        answer += (oracle_wad - upper) * collateral_wad // debt_wad
    return answer


def removed_fraction(fraction_wad: int, health_limit_wad: int) -> int:
    """Share of the bands that a liquidator gets for a share of the debt, a wad.

    ``((1 + h / 2) / (1 + h) * (1 - f) + f) * f``: less than the share of the debt, so that a partial
    liquidation leaves the rest healthier. A limit of 0 is the owner's own, without that cut.

    Parameters
    ----------
    fraction_wad : int
        f, 0 ... one wad.
    health_limit_wad : int
        h, the liquidation discount of the loan.

    Examples
    --------
    >>> removed_fraction(WAD // 2, WAD // 10)
    488636363636363636
    """
    fraction = amount(fraction_wad, "fraction_wad", 0, WAD)
    limit = amount(health_limit_wad, "health_limit_wad", 0, WAD)
    if limit == 0 or fraction == WAD:
        return fraction
    kept = (WAD + limit // 2) * (WAD - fraction) // (WAD + limit)
    return (kept + fraction) * fraction // WAD


def tokens_to_liquidate(
    debt_wad: int, stable_wad: int, fraction_wad: int = WAD, health_limit_wad: int = 0
) -> int:
    """Stablecoin that a liquidator brings: the debt, rounded up, less what the bands hold already.

    Parameters
    ----------
    debt_wad : int
    stable_wad : int
        Stablecoin in the loan's bands.
    fraction_wad, health_limit_wad : int
        See `removed_fraction`.
    """
    fraction = amount(fraction_wad, "fraction_wad", 0, WAD)
    share = removed_fraction(fraction, health_limit_wad)
    there = amount(stable_wad, "stable_wad") * share // WAD
    return max(-(-amount(debt_wad, "debt_wad") * fraction // WAD) - there, 0)


def soft_liquidation_loss(deposited: Rate, current: Rate) -> tuple[Fraction, Fraction]:
    """What trading in the bands has cost, and as a share of the collateral put in.

    Parameters
    ----------
    deposited : number
        Collateral that was put in, above 0.
    current : number
        What the bands would become on the way up, see `BandPool.collateral_going_up`.

    Returns
    -------
    loss, share : Fraction

    Examples
    --------
    >>> soft_liquidation_loss(200, 190)
    (Fraction(10, 1), Fraction(1, 20))
    """
    put_in = exact(deposited, "deposited")
    if put_in <= 0:
        raise ValueError(f"deposited {deposited!r} is not above 0")
    loss = put_in - exact(current, "current")
    return loss, loss / put_in


def approximate_max_ltv(loan_discount: Rate, bands: int, amplification: int) -> Fraction:
    """``1 - discount - N / (2 A)``: the documents' approximation, good for N far below A."""
    width = Fraction(amount(bands, "bands", 1), 2 * amount(amplification, "amplification", 2))
    return 1 - exact(loan_discount, "loan_discount") - width
