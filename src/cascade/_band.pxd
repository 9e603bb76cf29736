"""Price band of a market: the ticks that may trade, from a reference that is read at every order.

docs/bands.md, "In the engine".
"""

from libc.stdint cimport int32_t, int64_t

from cascade._state cimport RATE_DENOMINATOR, Market
from cascade._types cimport BUY, MAX_PRICE, SELL


cdef inline void read_band(const Market* market, int32_t* lower, int32_t* upper) noexcept nogil:
    # the lower edge is rounded up and the upper one down: neither is passed
    cdef int64_t reference, share = market.rules.price_band
    lower[0] = 1
    upper[0] = MAX_PRICE
    if not market.rules.band_on_last:
        reference = market.index
    elif market.impact_venue:
        reference = market.impact.last
    else:
        reference = market.book.last
    if reference == 0:
        return
    if share < RATE_DENOMINATOR:
        lower[0] = <int32_t>((reference * (RATE_DENOMINATOR - share) + RATE_DENOMINATOR - 1)
                             // RATE_DENOMINATOR)
    share = reference * (RATE_DENOMINATOR + share) // RATE_DENOMINATOR
    if share < MAX_PRICE:
        upper[0] = <int32_t>share


cdef inline bint within_band(Market* market, int32_t price) noexcept nogil:
    # `price` 0: an order without a limit. The edges bound what such orders fill from now on; those of
    # a breaker refuse nothing here, see breaker_admit.
    cdef int32_t lower = 1, upper = MAX_PRICE
    cdef bint within
    if market.rules.price_band < 0 and market.breaker == NULL:
        return True
    if market.rules.price_band >= 0:
        read_band(market, &lower, &upper)
    within = price == 0 or lower <= price <= upper
    if market.breaker != NULL:
        if market.breaker.hard_upper and market.breaker.hard_upper < upper:
            upper = market.breaker.hard_upper
        if market.breaker.hard_lower > lower:
            lower = market.breaker.hard_lower
    market.book.market_limit[BUY] = upper
    market.book.market_limit[SELL] = lower
    return within


cdef inline int32_t held_limit(Market* market, int side, int32_t limit) noexcept nogil:
    # the engine's own order: its limit, 0 for none, held within the band
    if (market.rules.price_band < 0 and market.breaker == NULL) or not within_band(market, 0):
        return limit
    if side == BUY:
        return market.book.market_limit[BUY] if limit == 0 else min(limit, market.book.market_limit[BUY])
    return max(limit, market.book.market_limit[SELL])
