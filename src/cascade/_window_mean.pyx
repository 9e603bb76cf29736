"""The mean of a price over a window of time, and the median of several markets.

docs/marks.md. The sum of price times time grows by each price that was in force; two sums a window apart
give the mean, exactly, because an observation is kept wherever the price changed. The ring has a fixed
capacity and is searched once a step; trades do not touch it.
"""

from libc.stdint cimport int32_t, int64_t, uint16_t

from cascade._arithmetic cimport floor_divide, int128
from cascade._state cimport Market, Observation, Observations, State


# ---------------------------------------------------------------- a window

cdef Observation* observation_at(const Observations* kept, int64_t k) noexcept nogil:
    k += kept.first
    return &kept.entries[k - kept.capacity if k >= kept.capacity else k]


cdef inline int128 _sum_until(const Observation* last, int64_t time) noexcept nogil:
    return last.cumulative + <int128>last.price * (time - last.time)


cdef void begin_window(Observations* kept, int32_t price, int64_t now) noexcept nogil:
    kept.count = 0
    observe_price(kept, price, now)
    kept.mean = price


cdef void observe_price(Observations* kept, int32_t price, int64_t time) noexcept nogil:
    cdef int128 cumulative = 0
    cdef Observation* one
    if kept.count:
        one = observation_at(kept, kept.count - 1)
        if one.time == time:
            one.price = price         # one observation a time
            return
        cumulative = _sum_until(one, time)
    if kept.count == kept.capacity:
        kept.first = kept.first + 1 if kept.first + 1 < kept.capacity else 0
        kept.count -= 1
    one = observation_at(kept, kept.count)
    one.cumulative = cumulative
    one.time = time
    one.price = price
    kept.count += 1


cdef void pass_window(Observations* kept, int32_t price, int64_t now, int64_t later,
                      int64_t window) noexcept nogil:
    if kept.count == 0:
        return
    if price and price != observation_at(kept, kept.count - 1).price:
        observe_price(kept, price, now)
    kept.mean = mean_price(kept, window, later)


cdef int32_t mean_price(const Observations* kept, int64_t window, int64_t now) noexcept nogil:
    cdef const Observation* last = observation_at(kept, kept.count - 1)
    cdef const Observation* one
    cdef int64_t since = now - window, low = 0, high = kept.count, middle
    if since < observation_at(kept, 0).time:
        since = observation_at(kept, 0).time
    if since >= last.time:
        return last.price
    # the last observation at or before the window's beginning
    while high - low > 1:
        middle = (low + high) >> 1
        if observation_at(kept, middle).time <= since:
            low = middle
        else:
            high = middle
    one = observation_at(kept, low)
    return <int32_t>floor_divide(_sum_until(last, now) - _sum_until(one, since), now - since)


# ---------------------------------------------------------------- a median of markets

cdef int32_t median_price(const State* state, const Market* market) noexcept nogil:
    # insertion, because sources are few
    cdef int32_t[MOST_SOURCES] prices
    cdef int32_t price
    cdef int count = 0, at
    cdef uint16_t k
    for k in range(market.source_count):
        price = state.markets[market.sources[k]].mark
        if price == 0:
            continue
        at = count
        while at > 0 and prices[at - 1] > price:
            prices[at] = prices[at - 1]
            at -= 1
        prices[at] = price
        count += 1
    if count == 0:
        return 0
    return <int32_t>((<int64_t>prices[(count - 1) >> 1] + prices[count >> 1]) >> 1)
