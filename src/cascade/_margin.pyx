"""Margin arithmetic in integers: no float, no search over prices.

A marginal table makes maintenance the largest of its tiers' straight lines, so the tick at which a
surplus is used up is found by solving one line, looking which tier holds there, and solving that
one (Newton's method on a convex polygon: it ends at the exact tick after a step or two).
"""

from libc.stdint cimport int32_t, int64_t

from cascade._arithmetic cimport ceil_divide, floor_divide, int128, saturate
from cascade._types cimport MAX_PRICE


cdef int128 position_value_wide(const TierTable* table, int64_t size, int32_t price) noexcept nogil:
    if table.inverse:
        return floor_divide(-(<int128>size * table.unit), price)
    return <int128>size * table.unit * price


cdef int64_t position_value(const TierTable* table, int64_t size, int32_t price) noexcept nogil:
    # admission keeps size * unit * price below 2**62
    if table.inverse:
        return <int64_t>floor_divide(-(<int128>size * table.unit), price)
    return size * table.unit * price


cdef inline int32_t _tier_of(const TierTable* table, int128 notional) noexcept nogil:
    cdef int32_t k = table.count - 1
    while k > 0 and notional < table.tiers[k].floor:
        k -= 1
    return k


cdef int64_t maintenance(const TierTable* table, int64_t value, int64_t entry_value) noexcept nogil:
    cdef int64_t notional = entry_value if table.on_entry else value
    cdef const Tier* tier
    cdef int128 numerator
    if notional < 0:
        notional = -notional
    tier = &table.tiers[_tier_of(table, notional)]
    numerator = <int128>notional * tier.rate - tier.deduction
    if numerator <= 0:
        return 0
    return saturate(ceil_divide(numerator, table.denominator))


cdef int64_t initial_margin(const TierTable* table, int64_t notional,
                            int64_t leverage_hundredths) noexcept nogil:
    cdef const Tier* tier = &table.tiers[_tier_of(table, notional)]
    cdef int128 by_leverage = ceil_divide(<int128>notional * 100, leverage_hundredths)
    cdef int128 by_tier = ceil_divide(<int128>notional * tier.initial, table.denominator)
    return saturate(by_leverage if by_leverage > by_tier else by_tier)


cdef inline int128 _threshold(const TierTable* table, int128 rate, int128 deduction,
                              int128 bound, bint value_positive) noexcept nogil:
    # V >= 0: largest V with V - M < bound on this tier's line; V < 0: smallest |V|.
    cdef int128 denominator = table.denominator
    if value_positive:
        if rate >= denominator:
            # maintenance grows as fast as value: the line is due everywhere or nowhere
            return (<int128>1 << 100) if denominator * bound - deduction > 0 else -1
        return ceil_divide(denominator * bound - deduction, denominator - rate) - 1
    return floor_divide(deduction - denominator * bound, denominator + rate) + 1


cdef inline int32_t _clamp_tick(int128 tick) noexcept nogil:
    if tick < NEVER_BELOW:
        return NEVER_BELOW
    if tick > NEVER_ABOVE:
        return NEVER_ABOVE
    return <int32_t>tick


cdef inline int32_t _tick_of_threshold(const TierTable* table, int64_t size,
                                       int128 threshold) noexcept nogil:
    # Long: highest tick at which the threshold is met; short: lowest.
    cdef int128 scale = <int128>(size if size > 0 else -size) * table.unit
    if not table.inverse:
        if size > 0:
            return NEVER_BELOW if threshold < 0 else _clamp_tick(floor_divide(threshold, scale))
        return 1 if threshold <= scale else _clamp_tick(ceil_divide(threshold, scale))
    if size > 0:
        # V = -ceil(scale / p): met when ceil(scale / p) >= threshold
        if threshold <= 1:
            return MAX_PRICE
        return _clamp_tick(ceil_divide(scale, threshold - 1) - 1)
    # V = floor(scale / p): met when floor(scale / p) <= threshold
    if threshold < 0:
        return NEVER_ABOVE
    return _clamp_tick(floor_divide(scale, threshold + 1) + 1)


cdef int32_t surplus_tick(const TierTable* table, int64_t size, int64_t entry_value,
                          int128 bound, int64_t value_now) noexcept nogil:
    cdef bint value_positive = (size > 0) != table.inverse
    cdef int128 threshold, candidate
    cdef int32_t k, found, _attempt
    cdef const Tier* tier
    if table.on_entry:
        threshold = <int128>maintenance(table, value_now, entry_value) * table.denominator
        threshold = _threshold(table, 0, -threshold, bound, value_positive)
        return _tick_of_threshold(table, size, threshold)
    k = _tier_of(table, value_now if value_now >= 0 else -<int128>value_now)
    tier = &table.tiers[k]
    threshold = _threshold(table, tier.rate, tier.deduction, bound, value_positive)
    if not table.whole:
        for _attempt in range(table.count):
            found = _tier_of(table, threshold if threshold > 0 else 0)
            if found == k:
                break
            k = found
            tier = &table.tiers[k]
            candidate = _threshold(table, tier.rate, tier.deduction, bound, value_positive)
            # each line alone is a bound on the convex maximum: keep the stricter
            if value_positive:
                if candidate <= threshold:
                    break
            elif candidate >= threshold:
                break
            threshold = candidate
    return _tick_of_threshold(table, size, threshold)


cdef void tier_edges(const TierTable* table, int64_t size, int64_t value_now,
                     int32_t* below, int32_t* above) noexcept nogil:
    cdef int128 scale = <int128>(size if size > 0 else -size) * table.unit
    cdef int128 notional = value_now if value_now >= 0 else -<int128>value_now
    cdef int32_t k = _tier_of(table, notional)
    cdef int128 floor = table.tiers[k].floor
    cdef int128 ceiling = table.tiers[k + 1].floor if k + 1 < table.count else -1
    below[0] = NEVER_BELOW
    above[0] = NEVER_ABOVE
    if not table.inverse:
        if k > 0:
            below[0] = _clamp_tick(ceil_divide(floor, scale) - 1)
        if ceiling >= 0:
            above[0] = _clamp_tick(ceil_divide(ceiling, scale))
        return
    if size > 0:
        # notional = ceil(scale / p) falls as the price rises
        if k > 0 and floor > 1:
            above[0] = _clamp_tick(ceil_divide(scale, floor - 1))
        if ceiling > 1:
            below[0] = _clamp_tick(ceil_divide(scale, ceiling - 1) - 1)
        return
    if k > 0:
        above[0] = _clamp_tick(floor_divide(scale, floor) + 1)
    if ceiling >= 0:
        below[0] = _clamp_tick(floor_divide(scale, ceiling))


cdef int32_t value_tick(const TierTable* table, int64_t size, int128 value) noexcept nogil:
    cdef int128 scale = <int128>(size if size > 0 else -size) * table.unit
    cdef int128 tick
    if not table.inverse:
        tick = ceil_divide(value, scale) if size > 0 else floor_divide(-value, scale)
    elif size > 0:
        tick = MAX_PRICE if value >= 0 else ceil_divide(scale, -value)
    else:
        tick = MAX_PRICE if value <= 0 else floor_divide(scale, value)
    if tick < 1:
        return 1
    return MAX_PRICE if tick > MAX_PRICE else <int32_t>tick
