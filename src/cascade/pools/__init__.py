"""Liquidity pools in exact integers: constant product, concentrated liquidity, stableswap.

Formulas and whole pools as the published contracts compute them, to the unit and for amounts of any
width. docs/pools.md has formulas, roundings and sources.
"""

from cascade.pools.concentrated import ConcentratedPool, PoolSwap, PositionInfo, TickInfo
from cascade.pools.constant_product import (
    ConstantProductPool,
    exact_output,
    first_shares,
    input_amount,
    output_amount,
    swap_allowed,
)
from cascade.pools.sqrt_price import (
    SwapStep,
    amount0_between,
    amount1_between,
    sqrt_price_after_input,
    sqrt_price_after_output,
    swap_step,
)
from cascade.pools.stableswap import StableswapPool, stableswap_balance, stableswap_invariant
from cascade.pools.ticks import (
    MAX_SQRT_PRICE,
    MAX_TICK,
    MIN_SQRT_PRICE,
    MIN_TICK,
    most_liquidity_at_tick,
    price_of_sqrt,
    sqrt_price_at_tick,
    sqrt_price_of,
    tick_at_sqrt_price,
)
from cascade.pools.venue import Pool, Swap

__all__ = [
    "MAX_SQRT_PRICE",
    "MAX_TICK",
    "MIN_SQRT_PRICE",
    "MIN_TICK",
    "ConcentratedPool",
    "ConstantProductPool",
    "Pool",
    "PoolSwap",
    "PositionInfo",
    "StableswapPool",
    "Swap",
    "SwapStep",
    "TickInfo",
    "amount0_between",
    "amount1_between",
    "exact_output",
    "first_shares",
    "input_amount",
    "most_liquidity_at_tick",
    "output_amount",
    "price_of_sqrt",
    "sqrt_price_after_input",
    "sqrt_price_after_output",
    "sqrt_price_at_tick",
    "sqrt_price_of",
    "stableswap_balance",
    "stableswap_invariant",
    "swap_allowed",
    "swap_step",
    "tick_at_sqrt_price",
]
