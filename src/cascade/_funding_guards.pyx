"""Guards on funding indexes: a unit is looked at when an index passes what it was found to afford.

What a position owes depends on its size and the index alone, so a guard on the index is exact to the
atom, whatever the contract and the tier table.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from cascade._accrual cimport owed_funding
from cascade._arithmetic cimport floor_divide, int128, magnitude
from cascade._clearing cimport unit_first, unit_next
from cascade._state cimport (
    DOWN, FAILURE_MEMORY, NO_POSITION, RATE_DENOMINATOR, UP, Market, Position, State,
)
from cascade._triggers cimport Triggers, queue_holds, triggers_remove, triggers_set

cdef int64_t LARGEST_INDEX = <int64_t>1 << 62


cdef inline Triggers* _heap(Market* market, uint8_t direction, bint warning) noexcept nogil:
    return &market.call_accruing[direction] if warning else &market.accruing[direction]


cdef void drop_funding_guard(State* state, uint32_t position, bint warning) noexcept nogil:
    cdef Market* market = state.markets[state.positions[position].market]
    cdef uint8_t direction
    if not market.rules.accrues:
        return
    for direction in range(2):
        if queue_holds(_heap(market, direction, warning), position):
            triggers_remove(_heap(market, direction, warning), position)
            return


cdef void _guard(State* state, uint32_t position, int128 part, bint warning) noexcept nogil:
    # keyed by the first index at which more is owed than now and `part` together
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef uint8_t direction = UP if p.size > 0 else DOWN
    cdef int128 at = state.funding_at[position], key
    key = floor_divide((owed_funding(state, position) + part) * RATE_DENOMINATOR, magnitude(p.size)) + 1
    key += at if direction == UP else -at
    drop_funding_guard(state, position, warning)
    if key > LARGEST_INDEX:
        return                    # an index never gets there
    if triggers_set(_heap(market, direction, warning), position, <int64_t>key):
        state.failed = FAILURE_MEMORY


cdef int128 guard_funding(State* state, uint32_t position, int128 slack, bint warning) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    cdef int64_t count = 0
    cdef int128 part
    if not state.accrues:
        return 0
    while i != NO_POSITION:
        count += accrues_funding(state, &state.positions[i])
        i = unit_next(state, i)
    if count == 0:
        return 0
    part = floor_divide(slack, FUNDING_SHARE * count)
    i = unit_first(state, position)
    while i != NO_POSITION:
        if accrues_funding(state, &state.positions[i]):
            _guard(state, i, part, warning)
        i = unit_next(state, i)
    return part * count
