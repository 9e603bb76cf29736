"""Closed forms of liquidation cascades, to check a market against.

One number organises them: the branching ratio ``R = lambda * g``, price impact per unit sold times
the units whose trigger lies in a unit of price. Below one any shock is multiplied by
``1 / (1 - R)``; above one the ladder empties. The derivations assume a continuum of small positions, permanent
impact, no fees and a mark that is the last price; ``docs/laws.md`` says how closely the engine
meets each. Unless a function names a source, the formula follows from that loop by summing
generations ``D0 * (1 + R + R**2 + ...)`` or by solving "sold = triggered".

Further laws are of models with balance sheets, funds or schedules of their own: fire sales, leverage rules,
execution, self-exciting processes, liquidations of loans and attacks on the oracle that measures them.

Prices and sizes are in any units, as long as they agree; results are floats or arrays of float64.
"""

from cascade.laws.branching import (
    amplification,
    book_depth,
    branching_ratio,
    cross_margin_drops,
    cross_margin_matrix,
    effective_ratio,
    ladder_density,
    local_branching_ratio,
    ratio_before_absorption,
    spectral_radius,
)
from cascade.laws.chance import (
    critical_tail_limit,
    extinction_root,
    generalised_poisson_moments,
    generalised_poisson_pmf,
    stop_probability,
)
from cascade.laws.collateral import (
    coin_collateral_price,
)
from cascade.laws.curved import (
    critical_sale,
    depth_exponential_drop,
    depth_linear_drop,
    square_root_drop,
)
from cascade.laws.execution import (
    Schedule,
    aggregate_horizons,
    liquidity_adjusted_value_at_risk,
    liquidity_horizon,
    resilient_book_schedule,
    risk_averse_schedule,
    schedule_cost,
    volume_feedback,
)
from cascade.laws.fire_sales import (
    Spillovers,
    Threshold,
    ThresholdRound,
    exponential_price,
    sensitivity_for_loss,
    spillovers,
    threshold_sales,
)
from cascade.laws.fund_flows import (
    FundMarket,
    FundRun,
    hill_exponent,
    levered_fund_run,
    return_tail,
)
from cascade.laws.lending_liquidations import (
    Spiral,
    critical_depth,
    gap_bad_debt,
    health_change,
    health_linked_critical_depth,
    liquidation_spiral,
    loss_frontier,
    margin_after_liquidation,
    price_at_loan_to_value,
    toxic_loan_to_value,
)
from cascade.laws.leverage import (
    basel_leverage,
    constant_leverage_path,
    margin_spiral,
    margin_spiral_move,
    value_at_risk_leverage,
    value_at_risk_multiplier,
)
from cascade.laws.leverage_cycle import (
    leverage_cycle,
)
from cascade.laws.levered_funds import (
    FundStep,
    levered_fund_path,
    noise_path,
)
from cascade.laws.linear import (
    break_even_size,
    critical_open_interest,
    critical_replenishment,
    crowd_density,
    decaying_drops,
    generation_drops,
    halted_drop,
    kyle_impact,
    ladder_drop,
    partial_ladder_drop,
    partial_staircase,
    rungs_liquidated,
    trigger_scale,
)
from cascade.laws.losses import diffusion_deviation, gap_losses, latency_losses
from cascade.laws.oracle_attacks import (
    AttackedLoan,
    attack_profit,
    best_attack_profit,
    break_even_attack_fee,
    feasible_attack,
    limit_attack_profit,
    micro_liquidation_profit,
    unbound_liquidation,
)
from cascade.laws.pool_sales import (
    PoolLiquidation,
    pool_ladder_drop,
    pool_liquidation,
)
from cascade.laws.self_exciting import (
    branching_from_counts,
    hawkes_moments,
)

__all__ = [
    "AttackedLoan",
    "FundMarket",
    "FundRun",
    "FundStep",
    "PoolLiquidation",
    "Schedule",
    "Spillovers",
    "Spiral",
    "Threshold",
    "ThresholdRound",
    "aggregate_horizons",
    "amplification",
    "attack_profit",
    "basel_leverage",
    "best_attack_profit",
    "book_depth",
    "branching_from_counts",
    "branching_ratio",
    "break_even_attack_fee",
    "break_even_size",
    "coin_collateral_price",
    "constant_leverage_path",
    "critical_depth",
    "critical_open_interest",
    "critical_replenishment",
    "critical_sale",
    "critical_tail_limit",
    "cross_margin_drops",
    "cross_margin_matrix",
    "crowd_density",
    "decaying_drops",
    "depth_exponential_drop",
    "depth_linear_drop",
    "diffusion_deviation",
    "effective_ratio",
    "exponential_price",
    "extinction_root",
    "feasible_attack",
    "gap_bad_debt",
    "gap_losses",
    "generalised_poisson_moments",
    "generalised_poisson_pmf",
    "generation_drops",
    "halted_drop",
    "hawkes_moments",
    "health_change",
    "health_linked_critical_depth",
    "hill_exponent",
    "kyle_impact",
    "ladder_density",
    "ladder_drop",
    "latency_losses",
    "leverage_cycle",
    "levered_fund_path",
    "levered_fund_run",
    "limit_attack_profit",
    "liquidation_spiral",
    "liquidity_adjusted_value_at_risk",
    "liquidity_horizon",
    "local_branching_ratio",
    "loss_frontier",
    "margin_after_liquidation",
    "margin_spiral",
    "margin_spiral_move",
    "micro_liquidation_profit",
    "noise_path",
    "partial_ladder_drop",
    "partial_staircase",
    "pool_ladder_drop",
    "pool_liquidation",
    "price_at_loan_to_value",
    "ratio_before_absorption",
    "resilient_book_schedule",
    "return_tail",
    "risk_averse_schedule",
    "rungs_liquidated",
    "schedule_cost",
    "sensitivity_for_loss",
    "spectral_radius",
    "spillovers",
    "square_root_drop",
    "stop_probability",
    "threshold_sales",
    "toxic_loan_to_value",
    "trigger_scale",
    "unbound_liquidation",
    "value_at_risk_leverage",
    "value_at_risk_multiplier",
    "volume_feedback",
]
