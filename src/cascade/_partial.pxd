"""Interface of the partial rules: how many lots of a due position to close, and the backstop."""

from libc.stdint cimport int64_t, uint32_t

from cascade._clearing cimport Unit
from cascade._state cimport PARTIAL_CAP, Market, State

cdef struct Round:            # one taking of a unit, in which each of its positions has a turn
    int64_t used              # atoms, at the mark: the lots sent so far
    bint ruled                # some position's market has a partial rule
    bint waits                # the account was in its cool-down when the unit was taken
    bint once                 # a position's rule closes at most once a step
    bint ramped               # some position's rule has a ramp, with
    int64_t missing           # atoms: the shortage that the round began with
    int64_t freed             # before it
    int64_t elapsed           # ns since the liquidation began

# When the unit of this position is taken.
cdef void round_begin(State* state, uint32_t position, Round* taken) noexcept nogil
# What may stay of a position is the most lots that its market's rule allows its unit, which is at the
# current marks; 0: the rule leaves it alone.
cdef int64_t lots_to_close(State* state, uint32_t position, const Unit* unit,
                           const Round* taken) noexcept nogil
# `lots` of it were sent.
cdef void round_use(const Market* market, int64_t size, int64_t lots, Round* taken) noexcept nogil
# Lots of it were closed and some stay: starts the cool-down of the rule that has one.
cdef void note_partial(State* state, uint32_t position) noexcept nogil
# Do the rules leave every position of the unit of this one alone in this step?
cdef bint round_waits(State* state, uint32_t position, const Round* taken) noexcept nogil
# When the unit's positions had their turns, some under a ramp.
cdef void round_end(State* state, uint32_t position, const Round* taken) noexcept nogil
# Does the rule close a position at most once a step?
cdef inline bint once_a_step(const Market* market) noexcept nogil:
    return market.rules.partial >= PARTIAL_CAP or market.rules.ramp
# Does a backstop take the unit of this position whole?
cdef bint backstop_due(State* state, uint32_t position) noexcept nogil
