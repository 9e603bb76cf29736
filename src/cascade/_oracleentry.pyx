"""Oracles as drivers make them fail, in whole numbers; docs/lending-market.md."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from cascade._core cimport EngineCore
from cascade._oracle cimport fail_oracle


def fail_reserve_oracle(EngineCore core, int64_t number, int failure):
    """A reserve's oracle fails (0: it works again), and everything that follows from its answer."""
    if not 0 <= number < core.state.reserve_count:
        raise ValueError(f"reserve {number} is outside 0 ... {<int64_t>core.state.reserve_count - 1}")
    if not 0 <= failure <= 3:
        raise ValueError(f"failure {failure} is outside 0 ... 3")
    core.begin()
    fail_oracle(&core.state, <uint32_t>number, <uint8_t>failure)
    core.end()
