"""Interface of the partial rules: how many lots of a due position to close, and the backstop."""

from libc.stdint cimport int64_t, uint32_t

from cascade._clearing cimport Unit
from cascade._state cimport State

cdef enum PartialKind:
    PARTIAL_NONE = 0
    PARTIAL_TARGET = 1        # lift equity to a share of the notional that stays
    PARTIAL_FRACTION = 2      # a share of the position, then the whole within a cool-down
    PARTIAL_TIER_STEP = 3     # down to a lower tier

# Of the only position of a unit; `unit` is at the current marks.
cdef int64_t lots_to_close(State* state, uint32_t position, const Unit* unit) noexcept nogil
# Lots of it were closed and some stay: starts the cool-down of the rule that has one.
cdef void note_partial(State* state, uint32_t position) noexcept nogil
# Does a backstop take the unit of this position whole?
cdef bint backstop_due(State* state, uint32_t position) noexcept nogil
