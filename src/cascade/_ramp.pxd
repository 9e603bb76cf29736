"""Interface of the ramps: units whose liquidation frees their shortage bit by bit, docs/step.md."""

from libc.stdint cimport uint32_t

from cascade._state cimport POSITION_ISOLATED, Ramp, State

# Where the market's rules have a ramp (`state.ramps`): the state of a position's unit.
cdef inline Ramp* ramp_of(State* state, uint32_t position) noexcept nogil:
    if state.positions[position].flags & POSITION_ISOLATED:
        return &state.position_ramps[position]
    return &state.account_ramps[state.positions[position].account]
