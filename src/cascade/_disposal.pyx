"""Disposal: the house sells what it took over, by time and by a share of the book; docs/closing.md.

Once an interval and market, so that walking the levels of one side is no hot path.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport ceil_divide, floor_divide, int128, magnitude
from cascade._bitmap cimport bitmap_down, bitmap_up
from cascade._feed cimport refresh_mark
from cascade._levels cimport level_at
from cascade._log cimport Event, log_append
from cascade._orders cimport fire_stops
from cascade._settlement cimport execute_house, last_event
from cascade._state cimport RATE_DENOMINATOR, Market, State
from cascade._types cimport BUY, EVENT_ORDER, HOUSE_ACCOUNT, SELL


cdef int128 _displayed(const Market* market, int side) noexcept nogil:
    cdef int32_t price = market.book.best_bid if side == BUY else market.book.best_ask, found
    cdef int128 total = 0
    while price:
        total += level_at(&market.book, side, price).size
        if side == BUY:
            found = bitmap_down(&market.book.occupied[<int>BUY], price - 1 - market.book.base)
        else:
            found = bitmap_up(&market.book.occupied[<int>SELL], price + 1 - market.book.base)
        price = 0 if found < 0 else found + market.book.base
    return total


cdef int64_t _lots(const Market* market) noexcept nogil:
    cdef int64_t held = magnitude(market.house_size), lots = held
    cdef int128 most
    if held > market.rules.disposal_full:
        lots = <int64_t>ceil_divide(<int128>held * market.rules.disposal_fraction, RATE_DENOMINATOR)
    if not market.impact_venue:
        most = floor_divide(_displayed(market, BUY if market.house_size > 0 else SELL)
                            * market.rules.disposal_share, RATE_DENOMINATOR)
        if lots > most:
            lots = <int64_t>most
    return lots


cdef int64_t _sell(State* state, Market* market, int64_t lots) noexcept nogil:
    cdef uint8_t side = SELL if market.house_size > 0 else BUY
    cdef int64_t filled
    cdef Event* event = log_append(&state.log, EVENT_ORDER, market.number, -1, 0)
    event.account = HOUSE_ACCOUNT
    event.quantity = lots
    event.side = side
    state.counters.orders += 1
    state.cause = last_event(state)
    state.wave = 0
    filled = execute_house(state, market, side, lots)
    refresh_mark(state, market, state.cause, 0)
    fire_stops(state, market)
    return filled


cdef void dispose_houses(State* state, int64_t elapsed) noexcept nogil:
    cdef uint32_t m
    cdef int64_t times, lots, every
    cdef Market* market
    for m in range(state.market_count):
        market = state.markets[m]
        every = market.rules.disposal_every
        if every == 0 or market.house_size == 0 or market.book.auction:
            continue
        if market.impact_venue and market.impact.last == 0:
            continue
        times = state.clock // every - (state.clock - elapsed) // every
        while times > 0 and market.house_size and not state.failed:
            lots = _lots(market)
            if lots == 0 or _sell(state, market, lots) == 0:
                break
            times -= 1
