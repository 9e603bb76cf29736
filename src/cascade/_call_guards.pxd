"""Interface of the guards of margin calls: units whose warning level no single tick states."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._clearing cimport Unit
from cascade._margin cimport TierTable
from cascade._state cimport Market, State


cdef inline int64_t call_untested() noexcept nogil:
    """Key of a unit that the next turn looks at: before every tick."""
    return -(<int64_t>1 << 62)


cdef inline const TierTable* warning_table(const Market* market) noexcept nogil:
    """A market without margin calls warns at maintenance itself."""
    return &market.warning if market.calls_on else &market.rules.table


# After anything about a unit changed: it is looked at in the next turn. No effect on units that have an
# exact trigger or get no calls.
cdef void call_later(State* state, uint32_t position) noexcept nogil
# The same for all units behind guards that are crossed, in all markets.
cdef void call_crossed(State* state) noexcept nogil
# Sum of maintenance at the warning level of each market.
cdef int128 warning_level(State* state, uint32_t position) noexcept nogil
# Guards from here, of a unit that is not below its level by `slack`, or has a market without a mark.
cdef void call_watch(State* state, uint32_t position, const Unit* unit, int128 slack) noexcept nogil
# Tick of the level in this position's price, the unit's other positions at their entry.
cdef int32_t level_tick(State* state, uint32_t position) noexcept nogil
# Remembers a call in all its positions.
cdef void call_remember(State* state, uint32_t position) noexcept nogil
# The position with most maintenance at the warning level, the first of equal ones.
cdef uint32_t call_heaviest(State* state, uint32_t position) noexcept nogil
# Does a unit wait behind guards for its call?
cdef bint call_guarded(State* state, uint32_t position) noexcept nogil
