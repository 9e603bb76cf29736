"""How far a venue's price is from the index: the furthest in a step, and for how long it is too far.

The venue's price is that of its last trade (an impact venue's is its curve's). It is read when a step
begins, at each index and at each fill, so that the furthest point within a cascade counts.
"""

from libc.stdint cimport int32_t, int64_t

from cascade._state cimport RATE_DENOMINATOR, Market


cdef inline int32_t traded_price(const Market* market) noexcept nogil:
    return market.impact.last if market.impact_venue else market.book.last


cdef inline void note_dislocation(Market* market, int32_t price) noexcept nogil:
    cdef int32_t away, most
    if price == 0 or market.index == 0:
        return
    away = price - market.index
    most = market.away if market.away >= 0 else -market.away
    if away > most or -away > most:
        market.away = away
        market.away_index = market.index


cdef inline void begin_dislocation(Market* market, int64_t elapsed) noexcept nogil:
    # the clock has not moved yet: the last step's price and index hold until it has
    cdef int64_t away = <int64_t>traded_price(market) - market.index
    market.away = market.away_index = 0
    market.away_time = 0
    if market.index == 0 or traded_price(market) == 0:
        return
    note_dislocation(market, traded_price(market))
    if away < 0:
        away = -away
    if away * RATE_DENOMINATOR > market.index * market.away_threshold:
        market.away_time = elapsed
