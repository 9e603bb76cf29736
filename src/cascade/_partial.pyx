"""How many lots of a due position to close, and when a backstop takes its unit: docs/step.md.

Every rule keeps the most lots that it allows, found by halving, as what it asks of them only grows
with them.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._arithmetic cimport ceil_divide, floor_divide, int128, magnitude
from cascade._clearing cimport (
    Unit, required_margin, unit_evaluate, unit_first, unit_next,
)
from cascade._margin cimport TierTable, position_value
from cascade._state cimport (
    NO_POSITION, POSITION_LADDER, RATE_DENOMINATOR, Market, Position, State,
)


cdef bint _covered(const Market* market, const Position* p, int64_t lots, const Unit* unit) noexcept nogil:
    cdef int64_t value = position_value(&market.rules.table, lots if p.size > 0 else -lots, market.mark)
    return <int128>magnitude(value) * market.rules.partial_rate <= unit.equity * RATE_DENOMINATOR


cdef bint _below(const Market* market, const Position* p, int64_t lots, int64_t floor) noexcept nogil:
    # would the notional of `lots` that stay be below a tier's floor?
    cdef int64_t held = magnitude(p.size), value
    if market.rules.table.on_entry:
        value = p.entry_value - <int64_t>floor_divide(<int128>p.entry_value * (held - lots), held)
    else:
        value = position_value(&market.rules.table, lots if p.size > 0 else -lots, market.mark)
    return magnitude(value) < floor


cdef int64_t _lower_floor(const Market* market, const Position* p) noexcept nogil:
    # floor that the notional must come below, 0 in the lowest tier
    cdef const TierTable* table = &market.rules.table
    cdef int32_t tier = table.count - 1
    while tier > 0 and _below(market, p, magnitude(p.size), table.tiers[tier].floor):
        tier -= 1
    if tier == 0:
        return 0
    tier -= market.rules.partial_tiers
    return table.tiers[tier + 1 if tier > 0 else 1].floor


cdef int64_t lots_to_close(State* state, uint32_t position, const Unit* unit) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t held = magnitude(p.size), low = 0, high, middle, floor = 0
    if market.rules.partial == PARTIAL_NONE or p.flags & POSITION_LADDER or unit.equity <= 0:
        return held
    if market.rules.partial == PARTIAL_FRACTION:
        if (state.accounts[p.account].whole_until > state.clock
                or magnitude(position_value(&market.rules.table, p.size, market.mark))
                <= market.rules.partial_notional):
            return held
        return <int64_t>ceil_divide(<int128>held * market.rules.partial_rate, RATE_DENOMINATOR)
    if market.rules.partial == PARTIAL_TIER_STEP:
        floor = _lower_floor(market, p)
        if floor == 0:
            return held
    high = held                   # too many to keep: the unit is due, or its tier too high
    while high - low > 1:
        middle = (low + high) >> 1
        if (_below(market, p, middle, floor) if market.rules.partial == PARTIAL_TIER_STEP
                else _covered(market, p, middle, unit)):
            low = middle
        else:
            high = middle
    return held - low


cdef void note_partial(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    if market.rules.partial == PARTIAL_FRACTION:
        state.accounts[p.account].whole_until = state.clock + market.rules.partial_cooldown


cdef bint backstop_due(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    cdef int128 needed = 0
    cdef Market* market
    cdef Unit unit
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        if market.rules.backstop:
            needed += ceil_divide(
                <int128>required_margin(
                    market, &state.positions[i],
                    position_value(&market.rules.table, state.positions[i].size, market.mark))
                * market.rules.backstop, market.rules.backstop_denominator)
        i = unit_next(state, i)
    if needed == 0:
        return False
    unit_evaluate(state, position, &unit)
    return unit.equity < needed
