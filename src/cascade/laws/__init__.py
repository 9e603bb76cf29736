"""Closed forms of liquidation cascades, to check a market against.

One number organises them: the branching ratio ``R = lambda * g``, price impact per unit sold times
the units whose trigger lies in a unit of price. Below one any shock is multiplied by
``1 / (1 - R)``; above one the ladder empties. The derivations assume a continuum of small positions, permanent
impact, no fees and a mark that is the last price; ``docs/laws.md`` says how closely the engine
meets each. Unless a function names a source, the formula follows from that loop by summing
generations ``D0 * (1 + R + R**2 + ...)`` or by solving "sold = triggered".

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
from cascade.laws.curved import (
    critical_sale,
    depth_exponential_drop,
    depth_linear_drop,
    square_root_drop,
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

__all__ = [
    "amplification",
    "book_depth",
    "branching_ratio",
    "break_even_size",
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
    "extinction_root",
    "gap_losses",
    "generalised_poisson_moments",
    "generalised_poisson_pmf",
    "generation_drops",
    "halted_drop",
    "kyle_impact",
    "ladder_density",
    "ladder_drop",
    "latency_losses",
    "local_branching_ratio",
    "partial_ladder_drop",
    "partial_staircase",
    "ratio_before_absorption",
    "rungs_liquidated",
    "spectral_radius",
    "square_root_drop",
    "stop_probability",
    "trigger_scale",
]
