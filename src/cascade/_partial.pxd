"""Interface of the partial rules: how many lots of a due position to close, and the backstop."""

from libc.stdint cimport int64_t, uint32_t

from cascade._clearing cimport Unit
from cascade._state cimport Market, State

cdef enum PartialKind:
    PARTIAL_NONE = 0
    PARTIAL_TARGET = 1        # lift equity to a share of the notional that stays
    PARTIAL_FRACTION = 2      # a share of the position, then the whole within a cool-down
    PARTIAL_TIER_STEP = 3     # down to a lower tier
    PARTIAL_SHORTAGE = 4      # restore maintenance and a buffer
    PARTIAL_CAP = 5           # up to a notional, once a step
    PARTIAL_SLICES = 6        # a random share by chance, once a step

# Of the only position of a unit; `unit` is at the current marks.
cdef int64_t lots_to_close(State* state, uint32_t position, const Unit* unit) noexcept nogil
# Lots of it were closed and some stay: starts the cool-down of the rule that has one.
cdef void note_partial(State* state, uint32_t position) noexcept nogil
# Does the rule's draw leave the unit of this position alone in this step?
cdef bint slice_waits(State* state, uint32_t position) noexcept nogil
# Does the rule close at most once a step?
cdef inline bint once_a_step(const Market* market) noexcept nogil:
    return market.rules.partial >= PARTIAL_CAP
# Does a backstop take the unit of this position whole?
cdef bint backstop_due(State* state, uint32_t position) noexcept nogil
