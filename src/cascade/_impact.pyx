"""The impact venue: price = reference - displacement(net lots sold), for closed-form market models.

The displacement is computed from the cumulative net quantity, never accumulated, so that the price
after a set of trades does not depend on their order or their splitting. The linear law is exact in
integers; the others go through doubles and are rounded to a tick, a function of integers alone.
Sources: linear permanent impact, Kyle (1985); square root of the metaorder, ../shared/rules/laws.md
L16; exponential fire-sale impact, Cifuentes, Ferrucci & Shin (2005); depth functions, L23 and L24.
"""

from libc.math cimport exp, floor, log, log1p, round as round_half_away, sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from cascade._arithmetic cimport floor_divide, int128
from cascade._types cimport BUY, MAX_PRICE


cdef int64_t LARGEST_NET = <int64_t>1 << 60


cdef void impact_init(Impact* impact) noexcept nogil:
    memset(impact, 0, sizeof(Impact))
    impact.denominator = 1
    impact.permanent = 1.0


cdef void impact_free(Impact* impact) noexcept nogil:
    free(impact.distances)
    free(impact.depths)
    impact_init(impact)


cdef int impact_copy(Impact* target, const Impact* source) noexcept nogil:
    cdef size_t size = <size_t>source.table_count * sizeof(double)
    target[0] = source[0]
    target.distances = NULL
    target.depths = NULL
    if source.table_count:
        target.distances = <double*>malloc(size)
        target.depths = <double*>malloc(size)
        if target.distances == NULL or target.depths == NULL:
            return -1
        memcpy(target.distances, source.distances, size)
        memcpy(target.depths, source.depths, size)
    return 0


cdef double _table_distance(const Impact* impact, double lots) noexcept nogil:
    # beyond the table the depth is used up: the price goes as far as it can
    cdef int32_t low = 0, high = impact.table_count - 1, middle
    if lots >= impact.depths[high]:
        return impact.distances[high] if lots == impact.depths[high] else <double>MAX_PRICE
    while high - low > 1:
        middle = (low + high) >> 1
        if impact.depths[middle] <= lots:
            low = middle
        else:
            high = middle
    return impact.distances[low] + (impact.distances[high] - impact.distances[low]) * (
        (lots - impact.depths[low]) / (impact.depths[high] - impact.depths[low]))


cdef double _distance(const Impact* impact, double lots) noexcept nogil:
    cdef double left
    if impact.kind == IMPACT_SQUARE_ROOT:
        return impact.a * sqrt(lots)
    if impact.kind == IMPACT_LOG:
        return impact.a * log1p(lots / impact.b)
    if impact.kind == IMPACT_DEPTH_LINEAR:
        return impact.b * (sqrt(1.0 + 2.0 * lots / (impact.a * impact.b)) - 1.0)
    if impact.kind == IMPACT_DEPTH_EXPONENTIAL:
        left = 1.0 - lots / (impact.a * impact.b)
        return -impact.b * log(left) if left > 0 else <double>MAX_PRICE
    return _table_distance(impact, lots)


cdef int32_t impact_price(const Impact* impact, int64_t extra_lots_sold) noexcept nogil:
    cdef int64_t lots = impact.permanent_lots + impact.transient_lots + extra_lots_sold
    cdef int64_t magnitude = lots if lots >= 0 else -lots
    cdef int128 ticks
    cdef double distance
    if impact.kind == IMPACT_LINEAR:
        # half away from zero
        ticks = floor_divide(2 * <int128>magnitude * impact.numerator + impact.denominator,
                             2 * <int128>impact.denominator)
    elif impact.kind == IMPACT_EXPONENTIAL:
        distance = <double>impact.reference * (exp(-<double>lots / impact.b) - 1.0)
        distance = round_half_away(distance)
        ticks = MAX_PRICE if distance > MAX_PRICE else <int128>(<int64_t>distance)
        ticks = -ticks if lots >= 0 else ticks
    else:
        distance = round_half_away(_distance(impact, <double>magnitude))
        ticks = MAX_PRICE if distance > MAX_PRICE else <int128>(<int64_t>distance)
    ticks = impact.reference - ticks if lots >= 0 else impact.reference + ticks
    if ticks < 1:
        return 1
    return MAX_PRICE if ticks > MAX_PRICE else <int32_t>ticks


cdef inline int32_t _price_of_trade(const Impact* impact, uint8_t side, int32_t before,
                                    int32_t after) noexcept nogil:
    if impact.fill_price == FILL_AFTER:
        return after
    if impact.fill_price == FILL_BEFORE:
        return before
    # a seller's average is rounded down, a buyer's up: against the aggressor
    return <int32_t>((<int64_t>before + after + (1 if side == BUY else 0)) >> 1)


cdef inline bint _within(const Impact* impact, uint8_t side, int64_t lots, int32_t limit,
                         int32_t before) noexcept nogil:
    cdef int32_t after = impact_price(impact, -lots if side == BUY else lots)
    cdef int32_t price = _price_of_trade(impact, side, before, after)
    return price <= limit if side == BUY else price >= limit


cdef int64_t _available(const Impact* impact, uint8_t side, int64_t lots) noexcept nogil:
    # depth that ends: what is left of it
    cdef double total
    cdef int64_t sold = impact.permanent_lots + impact.transient_lots, left
    if impact.kind == IMPACT_DEPTH_EXPONENTIAL:
        total = floor(impact.a * impact.b)
    elif impact.kind == IMPACT_DEPTH_TABLE:
        total = floor(impact.depths[impact.table_count - 1])
    else:
        return lots
    if total > 4e18:
        return lots
    left = <int64_t>total + sold if side == BUY else <int64_t>total - sold
    if left < 0:
        left = 0
    return lots if lots < left else left


cdef int64_t impact_execute(Impact* impact, uint8_t side, int64_t lots, int32_t limit,
                            int32_t* fill_price) noexcept nogil:
    cdef int32_t before = impact_price(impact, 0)
    cdef int64_t low = 0, high, middle, permanent
    if impact.reference == 0:
        return 0
    high = _available(impact, side, lots)
    if high == 0:
        return 0
    if limit and not _within(impact, side, high, limit, before):
        # the trade's price is monotone in its size: bisect for the largest size within the limit
        while high - low > 1:
            middle = (low + high) >> 1
            if _within(impact, side, middle, limit, before):
                low = middle
            else:
                high = middle
        high = low
        if high == 0:
            return 0
    fill_price[0] = _price_of_trade(impact, side, before,
                                    impact_price(impact, -high if side == BUY else high))
    permanent = high
    if impact.permanent < 1.0:
        permanent = <int64_t>round_half_away(<double>high * impact.permanent)
    if side == BUY:
        impact.permanent_lots -= permanent
        impact.transient_lots -= high - permanent
    else:
        impact.permanent_lots += permanent
        impact.transient_lots += high - permanent
    impact.last = impact_price(impact, 0)
    return high


cdef bint impact_fits(const Impact* impact, int64_t lots) noexcept nogil:
    cdef int64_t net = impact.permanent_lots + impact.transient_lots
    return (net if net >= 0 else -net) <= LARGEST_NET - lots


cdef void impact_set_reference(Impact* impact, int32_t reference) noexcept nogil:
    impact.reference = reference
    impact.last = impact_price(impact, 0)


cdef void impact_decay(Impact* impact, int64_t nanoseconds) noexcept nogil:
    if impact.transient_lots == 0 or impact.decay_rate == 0.0:
        return
    impact.transient_lots = <int64_t>round_half_away(
        <double>impact.transient_lots * exp(-impact.decay_rate * <double>nanoseconds * 1e-9))
    impact.last = impact_price(impact, 0)
