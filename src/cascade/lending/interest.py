"""Interest-rate models and accrual of lending protocols, in integers.

Rates are a year's in RAY (Aave), a block's in WAD (Compound v2), a second's in WAD (Comet, Morpho). Comet's and
Compound's curves are linear, so the same functions take a year's rates where truncation does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from cascade.lending.fixed_point import (
    BASIS_POINTS,
    RAY,
    WAD,
    mul_div_floor,
    percent_mul_half_up,
    ray_div_half_up,
    ray_mul_half_up,
    wad_div_floor,
    wad_mul_floor,
)

__all__ = [
    "BLOCKS_PER_YEAR",
    "LARGEST_RATE_PER_BLOCK",
    "SECONDS_PER_YEAR",
    "Accrual",
    "KinkRates",
    "KinkStrategy",
    "accrue_simple",
    "balance_at_index",
    "comet_rates",
    "comet_utilization",
    "compound_interest",
    "exchange_rate",
    "flash_loan_premium",
    "index_after_premium",
    "jump_rate_v1",
    "jump_rate_v2",
    "kink_rate",
    "kink_rates",
    "linear_interest",
    "overall_borrow_rate",
    "present_value_borrow",
    "present_value_supply",
    "principal_value_borrow",
    "principal_value_supply",
    "supply_rate",
    "taylor_compounded",
]

#: Seconds in the protocols' year.
SECONDS_PER_YEAR: int = 31_536_000
#: Blocks in Compound v2's year.
BLOCKS_PER_YEAR: int = 2_102_400
#: Largest borrow rate a block that Compound v2 accrues, WAD: 0.0005 %.
LARGEST_RATE_PER_BLOCK: int = 5 * 10**12
#: Scale of Comet's indices.
COMET_INDEX: int = 10**15


@dataclass(frozen=True)
class KinkStrategy:
    """Aave's rate strategy, all in RAY.

    Parameters
    ----------
    optimal : int
        Utilisation of the kink.
    base, slope1, slope2 : int
        Rate at zero, rise up to the kink, rise from it to full use.
    """

    optimal: int
    base: int
    slope1: int
    slope2: int

    def __post_init__(self) -> None:
        if not 0 <= self.optimal <= RAY:
            raise ValueError(f"optimal {self.optimal!r} is outside 0 ... {RAY}")
        for name in ("base", "slope1", "slope2"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} {getattr(self, name)!r} is negative")


@dataclass(frozen=True)
class KinkRates:
    """Rates of a reserve in RAY: its two utilisations, what borrowers pay and what suppliers get."""

    borrow_utilization: int
    supply_utilization: int
    borrow_rate: int
    supply_rate: int


def kink_rate(strategy: KinkStrategy, utilization: int) -> int:
    """Borrow rate at a utilisation, RAY.

    Parameters
    ----------
    strategy : KinkStrategy
    utilization : int
        RAY.

    Returns
    -------
    int

    Notes
    -----
    Aave v2 and v3, DefaultReserveInterestRateStrategy: products and quotients half up.
    """
    if utilization > strategy.optimal:
        excess = ray_div_half_up(utilization - strategy.optimal, RAY - strategy.optimal)
        return strategy.base + strategy.slope1 + ray_mul_half_up(strategy.slope2, excess)
    if strategy.optimal == 0:
        return strategy.base
    return strategy.base + ray_div_half_up(
        ray_mul_half_up(strategy.slope1, utilization), strategy.optimal
    )


def supply_rate(borrow_rate: int, utilization: int, reserve_factor: int) -> int:
    """What suppliers get of a borrow rate, RAY; the reserve factor is in basis points."""
    gross = ray_mul_half_up(borrow_rate, utilization)
    return percent_mul_half_up(gross, BASIS_POINTS - reserve_factor)


def kink_rates(
    strategy: KinkStrategy,
    available: int,
    debt: int,
    reserve_factor: int,
    *,
    unbacked: int = 0,
) -> KinkRates:
    """Rates of a reserve.

    Parameters
    ----------
    strategy : KinkStrategy
    available, debt : int
        Atoms that can be borrowed and that are.
    reserve_factor : int
        Basis points.
    unbacked : int, default 0
        Unbacked supply, or since v3.3 the deficit: it counts on the supply side only.

    Returns
    -------
    KinkRates

    Notes
    -----
    aave-v3-origin, DefaultReserveInterestRateStrategyV2.calculateInterestRates.
    """
    if debt == 0:
        return KinkRates(0, 0, strategy.base, 0)
    borrowed = ray_div_half_up(debt, available + debt)
    supplied = ray_div_half_up(debt, available + debt + unbacked)
    rate = kink_rate(strategy, borrowed)
    return KinkRates(borrowed, supplied, rate, supply_rate(rate, supplied, reserve_factor))


def overall_borrow_rate(
    variable_debt: int, variable_rate: int, stable_debt: int, stable_rate: int
) -> int:
    """Mean borrow rate of variable and stable debt, weighted by debt, RAY; 0 without debt.

    Notes
    -----
    Aave v2, DefaultReserveInterestRateStrategy._getOverallBorrowRate, for amounts in WAD.
    """
    total = variable_debt + stable_debt
    if total == 0:
        return 0
    # amounts go from WAD to RAY, products are half up
    paid = sum(
        ray_mul_half_up(debt * 10**9, rate)
        for debt, rate in ((variable_debt, variable_rate), (stable_debt, stable_rate))
    )
    return ray_div_half_up(paid, total * 10**9)


def linear_interest(rate: int, seconds: int) -> int:
    """Growth of a supply index, RAY: ``1 + rate * seconds / year``, cut off (Aave MathUtils)."""
    return RAY + rate * seconds // SECONDS_PER_YEAR


def compound_interest(rate: int, seconds: int) -> int:
    """Growth of a borrow index, RAY: three terms of the binomial series.

    Parameters
    ----------
    rate : int
        A year's, RAY.
    seconds : int

    Returns
    -------
    int
        A little below the exponential.

    Notes
    -----
    aave-v3-core, MathUtils.calculateCompoundedInterest.
    """
    if seconds == 0:
        return RAY
    second = ray_mul_half_up(rate, rate) // SECONDS_PER_YEAR**2
    third = ray_mul_half_up(second, rate) // SECONDS_PER_YEAR
    less = max(seconds - 2, 0)
    first_term = rate * seconds // SECONDS_PER_YEAR
    second_term = seconds * (seconds - 1) * second // 2
    third_term = seconds * (seconds - 1) * less * third // 6
    return RAY + first_term + second_term + third_term


def flash_loan_premium(amount: int, premium: int) -> int:
    """Fee of a flash loan in basis points of the amount: cut off in Aave v2, where it is 9.

    Notes
    -----
    aave/protocol-v2, LendingPool.flashLoan; v3 rounds half up (`percent_mul_half_up`), v3.5+ up.
    """
    return mul_div_floor(amount, premium, BASIS_POINTS)


def index_after_premium(index: int, premium: int, liquidity: int) -> int:
    """Liquidity index (RAY) after a premium is added to all suppliers.

    Parameters
    ----------
    index : int
    premium, liquidity : int
        Atoms; `liquidity` is what suppliers own before.

    Returns
    -------
    int

    Notes
    -----
    Aave v2, ReserveLogic.cumulateToLiquidityIndex.
    """
    return ray_mul_half_up(ray_div_half_up(premium, liquidity) + RAY, index)


def jump_rate_v1(
    utilization: int, base: int, slope: int, jump: int, kink: int, blocks: int = BLOCKS_PER_YEAR
) -> int:
    """Compound v2 JumpRateModel: borrow rate a block, WAD.

    Parameters
    ----------
    utilization : int
        WAD.
    base, slope, jump : int
        A year's rate at zero, and its slopes below and above the kink for each unit of utilisation, WAD.
    kink : int
        WAD.
    blocks : int, default 2102400
        In a year.

    Returns
    -------
    int

    Notes
    -----
    compound-protocol, JumpRateModel.sol: a year's parameters are cut off to a block's first.
    """
    return _jump(utilization, base // blocks, slope // blocks, jump // blocks, kink)


def jump_rate_v2(
    utilization: int, base: int, slope: int, jump: int, kink: int, blocks: int = BLOCKS_PER_YEAR
) -> int:
    """Compound v2 JumpRateModelV2: as `jump_rate_v1`, but `slope` is the rise up to the kink.

    Raises
    ------
    ZeroDivisionError
        `kink` is 0.

    Notes
    -----
    compound-protocol, BaseJumpRateModelV2.sol.
    """
    return _jump(
        utilization, base // blocks, mul_div_floor(slope, WAD, blocks * kink), jump // blocks, kink
    )


def _jump(utilization: int, base: int, slope: int, jump: int, kink: int) -> int:
    if utilization <= kink:
        return wad_mul_floor(utilization, slope) + base
    return wad_mul_floor(utilization - kink, jump) + wad_mul_floor(kink, slope) + base


@dataclass(frozen=True)
class Accrual:
    """A market after an accrual: borrow index (WAD), borrows, reserves, and the interest of it."""

    index: int
    borrows: int
    reserves: int
    interest: int


def accrue_simple(
    index: int, borrows: int, reserves: int, rate: int, blocks: int, reserve_factor: int = 0
) -> Accrual:
    """Compound v2: simple interest from accrual to accrual.

    Parameters
    ----------
    index : int
        WAD.
    borrows, reserves : int
        Atoms.
    rate : int
        A block's, WAD; at most 0.0005 %, or 5 * 10**12.
    blocks : int
        Since the last accrual.
    reserve_factor : int, default 0
        WAD.

    Returns
    -------
    Accrual

    Raises
    ------
    ValueError
        `rate` is above the cap ("borrow rate is absurdly high").

    Notes
    -----
    compound-protocol, CToken.accrueInterest; every product is cut off.
    """
    if rate > LARGEST_RATE_PER_BLOCK:
        raise ValueError(f"rate {rate!r} is above {LARGEST_RATE_PER_BLOCK} a block")
    factor = rate * blocks
    interest = wad_mul_floor(factor, borrows)
    kept = wad_mul_floor(reserve_factor, interest)
    return Accrual(
        wad_mul_floor(factor, index) + index, borrows + interest, reserves + kept, interest
    )


def balance_at_index(principal: int, index_then: int, index_now: int) -> int:
    """Debt of a borrower: principal at the index it was written at, cut off (Compound v2)."""
    return mul_div_floor(principal, index_now, index_then)


def exchange_rate(
    cash: int, borrows: int, reserves: int, supply: int, initial: int = 2 * 10**26
) -> int:
    """Compound v2: underlying a deposit token is worth, mantissa of 10**18, cut off.

    Parameters
    ----------
    cash, borrows, reserves : int
        Atoms of the underlying.
    supply : int
        Deposit tokens.
    initial : int, default 2 * 10**26
        Rate without any token.

    Returns
    -------
    int
    """
    if supply == 0:
        return initial
    return wad_div_floor(cash + borrows - reserves, supply)


def comet_utilization(
    supply_principal: int, borrow_principal: int, supply_index: int, borrow_index: int
) -> int:
    """Comet: borrowed over supplied in present values, WAD, cut off; 0 without supply.

    Parameters
    ----------
    supply_principal, borrow_principal : int
        Atoms.
    supply_index, borrow_index : int
        Of 10**15.

    Returns
    -------
    int
    """
    supplied = present_value_supply(supply_principal, supply_index)
    if supplied == 0:
        return 0
    return wad_div_floor(present_value_borrow(borrow_principal, borrow_index), supplied)


def comet_rates(utilization: int, base: int, low: int, high: int, kink: int) -> int:
    """Comet: rate of one side's own kinked curve, WAD, each product cut off.

    Parameters
    ----------
    utilization : int
        WAD; may be above one.
    base, low, high, kink : int
        Rate at zero, slopes below and above the kink, and the kink, WAD.

    Returns
    -------
    int
        For the time that the rates are given for: Comet's are a second's.

    Notes
    -----
    compound-finance/comet, getSupplyRate and getBorrowRate.
    """
    return _jump(utilization, base, low, high, kink)


def present_value_supply(principal: int, index: int) -> int:
    """Comet: supplied principal with interest, cut off; the index is of 10**15."""
    return mul_div_floor(principal, index, COMET_INDEX)


def present_value_borrow(principal: int, index: int) -> int:
    """Comet: borrowed principal with interest, cut off; the index is of 10**15."""
    return mul_div_floor(principal, index, COMET_INDEX)


def principal_value_supply(present: int, index: int) -> int:
    """Comet: principal of a supplied amount, cut off; the index is of 10**15."""
    return mul_div_floor(present, COMET_INDEX, index)


def principal_value_borrow(present: int, index: int) -> int:
    """Comet: principal of a borrowed amount, rounded up; the index is of 10**15."""
    return -(-present * COMET_INDEX // index)


def taylor_compounded(rate: int, seconds: int) -> int:
    """Morpho Blue: ``e**(rate * seconds) - 1`` by three terms, WAD, each cut off.

    Parameters
    ----------
    rate : int
        A second's, WAD.
    seconds : int

    Returns
    -------
    int
    """
    first = rate * seconds
    second = mul_div_floor(first, first, 2 * WAD)
    return first + second + mul_div_floor(second, first, 3 * WAD)
