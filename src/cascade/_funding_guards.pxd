"""Interface of guards on funding indexes, docs/funding.md and docs/queue.md.

An index that funding accrues through is one more price that a unit depends on.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._state cimport POSITION_LADDER, UP, Market, Position, State

cdef enum:
    FUNDING_SHARE = 8         # of a unit's slack one part is for funding, the others for prices


cdef inline bint accrues_funding(const State* state, const Position* p) noexcept nogil:
    """Can funding make its unit due while no mark moves? Not where the trigger is given."""
    return state.markets[p.market].rules.accrues and not p.flags & POSITION_LADDER


cdef inline int64_t index_key(const Market* market, uint8_t direction) noexcept nogil:
    """The index as keys are written: a long's guards wait for it to rise, a short's for it to fall."""
    return market.funding_index if direction == UP else -market.funding_index


# Guards of a unit that is not due, on the indexes of its markets; gives the slack they spend. With `warning`:
# of one that is not below its warning level, docs/residents.md.
cdef int128 guard_funding(State* state, uint32_t position, int128 slack, bint warning) noexcept nogil
cdef void drop_funding_guard(State* state, uint32_t position, bint warning) noexcept nogil
