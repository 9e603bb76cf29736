"""The fund's highest balance within a window: a ring of those that no later balance reached.

Balances are noted once a step and fall from the oldest to the latest, so that the oldest is the peak; each
comes in once and goes out once (docs/waterfall.md).
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport realloc

from cascade._state cimport Market, Peak


cdef inline Peak* peak_at(const Market* market, int64_t place) noexcept nogil:
    # 0: the oldest; the capacity is a power of two
    return &market.peaks[(market.peaks_first + place) & (market.peaks_capacity - 1)]


cdef inline int reserve_peak(Market* market) noexcept nogil:
    # room for one more; -1: no memory
    cdef int64_t capacity = market.peaks_capacity, k
    cdef Peak* grown
    if market.peaks_count < capacity:
        return 0
    grown = <Peak*>realloc(market.peaks, <size_t>(capacity * 2 if capacity else 64) * sizeof(Peak))
    if grown == NULL:
        return -1
    # what had wrapped round goes on behind
    for k in range(market.peaks_first):
        grown[capacity + k] = grown[k]
    market.peaks = grown
    market.peaks_capacity = capacity * 2 if capacity else 64
    return 0


cdef inline int note_peak(Market* market, int64_t time, int64_t fund) noexcept nogil:
    # a balance of now; -1: no memory
    cdef int64_t since = time - market.rules.drawdown_window
    cdef Peak* last
    while market.peaks_count and peak_at(market, market.peaks_count - 1).fund <= fund:
        market.peaks_count -= 1
    while market.peaks_count and peak_at(market, 0).time < since:
        market.peaks_first = (market.peaks_first + 1) & (market.peaks_capacity - 1)
        market.peaks_count -= 1
    if reserve_peak(market):
        return -1
    last = peak_at(market, market.peaks_count)
    last.time = time
    last.fund = fund
    market.peaks_count += 1
    return 0


cdef inline int64_t highest_fund(const Market* market) noexcept nogil:
    return peak_at(market, 0).fund if market.peaks_count else 0
