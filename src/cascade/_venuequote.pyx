"""Quotes: what a market order of some lots would trade for at a venue as it stands.

Asked before a liquidator acts. A book is walked level by level, which is what the order would do; a curve
is moved in a copy.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._arithmetic cimport fits, int128
from cascade._bitmap cimport bitmap_down, bitmap_up
from cascade._impact cimport Impact, impact_execute, impact_fits
from cascade._levels cimport level_at
from cascade._margin cimport position_value_wide
from cascade._pool cimport pool_plan
from cascade._state cimport Market
from cascade._types cimport BUY, SELL


cdef int64_t _curve_quote(const Market* market, uint8_t side, int64_t lots) noexcept nogil:
    # tables of the curve are shared with the copy, and not written
    cdef Impact copied = market.impact
    cdef int32_t price = 0
    cdef int128 value
    if not impact_fits(&copied, lots) or impact_execute(&copied, side, lots, 0, &price) < lots:
        return -1
    value = position_value_wide(&market.rules.table, lots, price)
    return <int64_t>value if fits(value) else -1


cdef int64_t _pool_quote(Market* market, uint8_t side, int64_t lots) noexcept nogil:
    # a plan changes nothing that decides a trade
    cdef int32_t price = 0
    if pool_plan(&market.pool, side, lots, 0, &price) < lots:
        return -1
    return market.pool.value if market.pool.value >= 0 else -market.pool.value


cdef int64_t _book_quote(const Market* market, uint8_t side, int64_t lots) noexcept nogil:
    cdef uint8_t other = BUY if side == SELL else SELL
    cdef int32_t price = market.book.best_bid if side == SELL else market.book.best_ask, found
    cdef int64_t size
    cdef int128 value = 0
    while price:
        size = level_at(&market.book, other, price).size
        if size >= lots:
            value += position_value_wide(&market.rules.table, lots, price)
            return <int64_t>value if fits(value) else -1
        value += position_value_wide(&market.rules.table, size, price)
        lots -= size
        if side == SELL:
            found = bitmap_down(&market.book.occupied[<int>BUY], price - 1 - market.book.base)
        else:
            found = bitmap_up(&market.book.occupied[<int>SELL], price + 1 - market.book.base)
        price = 0 if found < 0 else found + market.book.base
    return -1


cdef int64_t venue_quote(Market* market, uint8_t side, int64_t lots) noexcept nogil:
    if lots == 0:
        return 0
    if market.book.auction or market.throttled:
        return -1
    if market.pool.kind:
        return _pool_quote(market, side, lots)
    if market.impact_venue:
        return _curve_quote(market, side, lots)
    return _book_quote(market, side, lots)
