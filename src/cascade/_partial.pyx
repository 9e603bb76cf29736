"""How many lots of a due position to close, and when a backstop takes its unit: docs/step.md.

Every rule keeps the most lots that it allows, found by halving, as what it asks of them only grows
with them.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from cascade._arithmetic cimport (
    add_into, ceil_divide, floor_divide, int128, magnitude, saturate,
)
from cascade._clearing cimport (
    Unit, asked, asked_by_unit, required_margin, unit_evaluate, unit_first, unit_next,
)
from cascade._margin cimport TierTable, position_value
from cascade._ramp cimport ramp_of
from cascade._state cimport (
    FAILURE_OVERFLOW, NO_POSITION, PARTIAL_CAP, PARTIAL_FRACTION, PARTIAL_NONE, PARTIAL_SLICES,
    PARTIAL_TIER_STEP, POSITION_LADDER, RATE_DENOMINATOR, Market, Position, Ramp, State,
)


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


# ---------------------------------------------------------------- a shortage freed bit by bit

cdef int64_t _stays_missing(const Market* market, const Round* taken) noexcept nogil:
    # atoms of the shortage that a turn leaves: the share grows with time, what was freed counts
    cdef int128 parts = RATE_DENOMINATOR, now
    if not market.rules.ramp or taken.missing < market.rules.ramp_small:
        return 0
    if market.rules.ramp_duration:
        parts = market.rules.ramp_initial + floor_divide(
            <int128>taken.elapsed * RATE_DENOMINATOR, market.rules.ramp_duration)
    if parts >= RATE_DENOMINATOR:
        return 0
    now = ceil_divide((<int128>taken.missing + taken.freed) * parts, RATE_DENOMINATOR) - taken.freed
    return taken.missing if now <= 0 else taken.missing - <int64_t>now


cdef int64_t _shortage(State* state, uint32_t position) noexcept nogil:
    # atoms that the unit's equity lacks to what its positions ask, rounded up
    cdef int128 missing = asked_by_unit(state, position, NO_POSITION)
    cdef Unit unit
    unit_evaluate(state, position, &unit)
    missing -= unit.equity * RATE_DENOMINATOR
    return 0 if missing <= 0 else saturate(ceil_divide(missing, RATE_DENOMINATOR))


# ---------------------------------------------------------------- caps and random slices

cdef inline int64_t _worth(const Market* market, const Position* p, int64_t lots) noexcept nogil:
    return magnitude(
        position_value(&market.rules.table, lots if p.size > 0 else -lots, market.mark))


cdef int64_t _most_within(const Market* market, const Position* p, int64_t notional) noexcept nogil:
    # lots worth no more than that; below all of them
    cdef int64_t low = 0, high = magnitude(p.size), middle
    while high - low > 1:
        middle = (low + high) >> 1
        if _worth(market, p, middle) <= notional:
            low = middle
        else:
            high = middle
    return low


cdef inline uint64_t _mixed(uint64_t x) noexcept nogil:
    # splitmix64: one step from x
    x += <uint64_t>0x9E3779B97F4A7C15
    x = (x ^ (x >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    x = (x ^ (x >> 27)) * <uint64_t>0x94D049BB133111EB
    return x ^ (x >> 31)


cdef uint64_t _draw(const State* state, const Position* p) noexcept nogil:
    # of seed, time, account and market alone, so that nothing has to be kept
    cdef uint64_t who = (<uint64_t>p.account << 16) | p.market
    return _mixed(_mixed(_mixed(<uint64_t>state.seed) ^ <uint64_t>state.clock) ^ who)


cdef bint _slice_waits(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    if market.rules.partial != PARTIAL_SLICES or p.flags & POSITION_LADDER:
        return False
    return (<int128>(_draw(state, p) >> 1) * RATE_DENOMINATOR
            >= <int128>market.rules.partial_chance << 63)


cdef int64_t _slice(const State* state, const Market* market, const Position* p) noexcept nogil:
    # the share times 1/2 ... 3/2, at least what is worth the notional
    cdef int64_t held = magnitude(p.size), least, lots
    cdef int64_t factor = (<int64_t>1 << 31) + <int64_t>(_mixed(_draw(state, p)) >> 32)
    if _worth(market, p, held) <= market.rules.partial_notional:
        return held
    lots = <int64_t>ceil_divide(<int128>held * market.rules.partial_rate * factor,
                                <int128>RATE_DENOMINATOR << 32)
    least = _most_within(market, p, market.rules.partial_notional - 1) + 1
    lots = least if lots < least else lots
    return held if lots > held else lots


cdef int64_t _capped(const Market* market, const Position* p, int64_t left, bint fresh) noexcept nogil:
    # what is `left` of the cap's notional; a lot at least while nothing of it is used
    cdef int64_t lots
    if _worth(market, p, magnitude(p.size)) <= left:
        return magnitude(p.size)
    lots = _most_within(market, p, left)
    return 1 if fresh and lots == 0 else lots


cdef int64_t lots_to_close(State* state, uint32_t position, const Unit* unit,
                           const Round* taken) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t held = magnitude(p.size), low = 0, high, middle, floor = 0
    cdef int128 allowed = 0
    if _slice_waits(state, position):
        return 0
    if market.rules.partial == PARTIAL_NONE or p.flags & POSITION_LADDER or unit.equity <= 0:
        return held
    if market.rules.partial == PARTIAL_FRACTION:
        if taken.waits or _worth(market, p, held) <= market.rules.partial_notional:
            return held
        return <int64_t>ceil_divide(<int128>held * market.rules.partial_rate, RATE_DENOMINATOR)
    if market.rules.partial == PARTIAL_CAP:
        return _capped(market, p, market.rules.partial_notional - taken.used, taken.used == 0)
    if market.rules.partial == PARTIAL_SLICES:
        return _slice(state, market, p)
    if market.rules.partial == PARTIAL_TIER_STEP:
        floor = _lower_floor(market, p)
        if floor == 0:
            return held
    else:
        allowed = (unit.equity + _stays_missing(market, taken)) * RATE_DENOMINATOR
        if unit.open_positions > 1:
            allowed -= asked_by_unit(state, position, position)
        if market.rules.ramp and asked(market, p, held) <= allowed:
            return 0
    # all of them are too many to keep: the unit is due, the tier too high, or the target too low
    high = held
    while high - low > 1:
        middle = (low + high) >> 1
        if (_below(market, p, middle, floor) if market.rules.partial == PARTIAL_TIER_STEP
                else asked(market, p, middle) <= allowed):
            low = middle
        else:
            high = middle
    return held - low


# ---------------------------------------------------------------- a unit's round

cdef void round_begin(State* state, uint32_t position, Round* taken) noexcept nogil:
    cdef uint32_t i
    cdef Market* market
    cdef Ramp* ramp
    taken.used = 0
    taken.once = False
    taken.ruled = False
    taken.waits = False
    taken.ramped = False
    if state.positions[position].flags & POSITION_LADDER:
        return
    taken.waits = state.accounts[state.positions[position].account].whole_until > state.clock
    i = unit_first(state, position)
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        taken.ruled |= market.rules.partial != PARTIAL_NONE
        taken.ramped |= market.rules.ramp
        i = unit_next(state, i)
    if taken.ramped:
        ramp = ramp_of(state, position)
        if ramp.since == 0:
            ramp.since = state.clock + 1
            ramp.freed = 0
        taken.elapsed = state.clock + 1 - ramp.since
        taken.freed = ramp.freed
        taken.missing = _shortage(state, position)


cdef void round_end(State* state, uint32_t position, const Round* taken) noexcept nogil:
    # a fill of the unit's own may have ended its liquidation in between: it is ended when it is queued
    cdef Ramp* ramp = ramp_of(state, position)
    cdef int64_t missing = _shortage(state, position)
    ramp.since = state.clock + 1 - taken.elapsed
    ramp.freed = taken.freed
    if missing < taken.missing and add_into(&ramp.freed, taken.missing - missing):
        state.failed = FAILURE_OVERFLOW


cdef void round_use(const Market* market, int64_t size, int64_t lots, Round* taken) noexcept nogil:
    taken.used += magnitude(
        position_value(&market.rules.table, lots if size > 0 else -lots, market.mark))


cdef bint round_waits(State* state, uint32_t position, const Round* taken) noexcept nogil:
    # only a draw or a ramp leaves a position alone before another had its turn
    cdef uint32_t i = unit_first(state, position)
    cdef Market* market
    cdef Unit unit
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        if market.rules.ramp and not (market.book.auction or market.throttled):
            unit_evaluate(state, position, &unit)
            if lots_to_close(state, i, &unit, taken):
                return False
        elif not (market.book.auction or market.throttled or _slice_waits(state, i)):
            return False
        i = unit_next(state, i)
    return True


cdef void note_partial(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t until = state.clock + market.rules.partial_cooldown
    if market.rules.partial == PARTIAL_FRACTION and until > state.accounts[p.account].whole_until:
        state.accounts[p.account].whole_until = until


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
