"""The feed: from a venue and prices outside to the mark that margin is measured at.

A mark that changes is an event, goes to the queue, and may reach stops; the stack of marks tells which
event took the price through a trigger.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t

from cascade._arithmetic cimport divide_toward_zero, floor_divide, int128
from cascade._breaker cimport breaker_look
from cascade._dislocation cimport note_dislocation, traded_price
from cascade._impact cimport impact_set_reference
from cascade._log cimport Event, log_append
from cascade._moves cimport note_move, test_moved
from cascade._oracle cimport offer_price
from cascade._settlement cimport admit_price, last_event
from cascade._state cimport (
    AVERAGE_OF_INDEX, AVERAGE_OF_LAST, AVERAGE_PARTS, FEED_EMA, FEED_INDEX, FEED_INDEX_PREMIUM, FEED_LAST,
    FEED_MEDIAN, FEED_MID, FEED_TWAP, RATE_DENOMINATOR, Market, MarkStack, State,
)
from cascade._types cimport EVENT_INDEX, EVENT_MARK, MAX_PRICE, SELL
from cascade._window_mean cimport begin_window, median_price, pass_window


cdef inline int32_t _venue_last(const Market* market) noexcept nogil:
    return market.impact.last if market.impact_venue else market.book.last


cdef inline int32_t _touch_middle(const Market* market) noexcept nogil:
    if market.impact_venue:
        return market.impact.last
    if market.book.best_bid == 0 or market.book.best_ask == 0:
        return 0
    return <int32_t>((<int64_t>market.book.best_bid + market.book.best_ask) >> 1)


cdef int32_t touch_middle(const Market* market) noexcept nogil:
    return _touch_middle(market)


cdef inline int32_t _feed_last(const Market* market) noexcept nogil:
    cdef int32_t price = _venue_last(market)
    if price == 0:
        price = _touch_middle(market)
    if price == 0:
        price = market.index
    return price if price else market.mark


cdef int32_t _median(int32_t a, int32_t b, int32_t c) noexcept nogil:
    # of those that exist; of two the lower
    cdef int32_t low, high
    if a == 0 or b == 0 or c == 0:
        if a == 0:
            a, c = c, 0
        if b == 0:
            b = c
        if a == 0 or b == 0:
            return a if a else b
        return a if a < b else b
    low = a if a < b else b
    high = b if a < b else a
    return low if c < low else (high if c > high else c)


cdef bint index_is_stale(const State* state, const Market* market) noexcept nogil:
    return (market.rules.stale_after >= 0 and market.index != 0
            and state.clock - market.index_time > market.rules.stale_after)


# ---------------------------------------------------------------- averages

cdef inline int32_t _followed(const Market* market) noexcept nogil:
    if market.rules.average_of == AVERAGE_OF_INDEX:
        return market.index
    return _venue_last(market) if market.rules.average_of == AVERAGE_OF_LAST else touch_middle(market)


cdef void follow_venue(State* state, Market* market, int64_t elapsed) noexcept nogil:
    # toward what the last step left, by elapsed / (average time + elapsed), rounded toward zero
    cdef int64_t target = _followed(market)
    cdef int128 change
    cdef bint unread = target == 0 or index_is_stale(state, market)
    if market.rules.feed == FEED_TWAP:
        pass_window(&market.observations, 0 if unread else <int32_t>target, state.clock,
                    state.clock + elapsed, market.rules.average_time)
        return
    if unread:
        return
    if market.rules.feed == FEED_INDEX_PREMIUM:
        if market.index == 0:
            return
        target -= market.index
    elif market.average == 0:
        return
    change = <int128>(target * AVERAGE_PARTS - market.average) * elapsed
    market.average += <int64_t>divide_toward_zero(
        change, <int128>market.rules.average_time + elapsed)


cdef inline int64_t _nearest_tick(int64_t average) noexcept nogil:
    # halves up
    return <int64_t>floor_divide(average + AVERAGE_PARTS // 2, AVERAGE_PARTS)


cdef int32_t _averaged_price(Market* market) noexcept nogil:
    # ema: begins at the first price there is
    if market.average == 0:
        market.average = <int64_t>_followed(market) * AVERAGE_PARTS
        if market.average == 0:
            return _feed_last(market)
    return <int32_t>_nearest_tick(market.average)


cdef int32_t _window_price(const State* state, Market* market) noexcept nogil:
    # twap: formed when time passes; begins at the first price there is
    cdef int32_t price
    if market.observations.count == 0:
        price = _followed(market)
        if price == 0:
            return _feed_last(market)
        begin_window(&market.observations, price, state.clock)
    return market.observations.mean


cdef int32_t _premium_price(State* state, Market* market) noexcept nogil:
    # index and clamped average premium; a mark that no order stated must fit the positions too
    cdef int64_t limit, premium, price
    if market.index == 0:
        return _feed_last(market)
    limit = <int64_t>floor_divide(<int128>market.index * market.rules.premium_cap, RATE_DENOMINATOR)
    premium = _nearest_tick(market.average)
    price = market.index + (limit if premium > limit else -limit if premium < -limit else premium)
    if price < 1:
        return 1
    if price > MAX_PRICE:
        price = MAX_PRICE
    return market.ceiling if admit_price(state, market, <int32_t>price) else <int32_t>price


# ---------------------------------------------------------------- the mark

cdef int32_t _feed_price(State* state, Market* market) noexcept nogil:
    cdef int32_t middle, price
    if market.rules.feed == FEED_LAST:
        return _feed_last(market)
    middle = _touch_middle(market)
    if market.rules.feed == FEED_MID:
        if middle:
            market.touch_seen = True
            return middle
        return market.mark if market.touch_seen and market.mark else _feed_last(market)
    if market.rules.feed == FEED_INDEX:
        return market.index if market.index else _feed_last(market)
    if market.rules.feed == FEED_MEDIAN:
        price = _median(market.index, middle, _venue_last(market))
        return price if price else market.mark
    if market.rules.feed == FEED_EMA:
        return _averaged_price(market)
    if market.rules.feed == FEED_TWAP:
        return _window_price(state, market)
    return _premium_price(state, market)


cdef void form_mark(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil:
    _change_mark(state, market, cause, wave)
    if market.breaker != NULL:
        breaker_look(state, market, cause, wave)


cdef inline void _change_mark(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil:
    cdef int32_t price, old = market.mark
    cdef int64_t moved
    cdef Event* event
    if market.rules.stale_after >= 0 and index_is_stale(state, market):
        return
    price = _feed_price(state, market)
    if price == old:
        return
    market.previous_mark = old
    market.mark = price
    market.book.mark = price
    event = log_append(&state.log, EVENT_MARK, market.number, cause, wave)
    event.price = price
    event.money = old
    moved = last_event(state)
    note_move(state, market, old, moved, wave)
    if market.readers:
        offer_price(state, market, moved, wave)
    if market.follower_count:
        _lead_followers(state, market, moved, wave)


# ---------------------------------------------------------------- the index

cdef void believe_index(State* state, Market* market, int32_t price, int64_t cause, int32_t wave) noexcept nogil:
    cdef Event* event
    market.index = price
    market.index_time = state.clock
    event = log_append(&state.log, EVENT_INDEX, market.number, cause, wave)
    event.price = price
    if market.impact_venue and not market.pool.kind:
        impact_set_reference(&market.impact, price)
    note_dislocation(market, traded_price(market))
    form_mark(state, market, last_event(state), wave)


cdef void _lead_followers(State* state, const Market* source, int64_t cause, int32_t wave) noexcept nogil:
    # a market is made after those that it follows, so that this ends
    cdef uint16_t k
    cdef int32_t price
    cdef Market* market
    for k in range(source.follower_count):
        market = state.markets[source.followers[k]]
        price = followed_price(state, market)
        if price != market.index:
            believe_index(state, market, price, cause, wave)


cdef int32_t followed_price(State* state, Market* market) noexcept nogil:
    cdef int32_t price = state.markets[market.sources[0]].mark
    if market.source_count > 1:
        price = median_price(state, market)
    # where positions do not fit at this price, the highest one that entered
    return market.ceiling if price and admit_price(state, market, price) else price


cdef void refresh_mark(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil:
    form_mark(state, market, cause, wave)
    if state.moved_count:
        test_moved(state)


cdef void cause_of_mark_stop(const Market* market, uint8_t side, int32_t trigger, int64_t* cause,
                             int32_t* wave) noexcept nogil:
    # the first mark since which every mark has been at or beyond the trigger: binary search
    cdef const MarkStack* stack = &market.marks[0 if side == SELL else 1]
    cdef int64_t low = 0, high = stack.count, middle
    cdef bint beyond
    while low < high:
        middle = (low + high) >> 1
        if side == SELL:
            beyond = stack.records[middle].mark <= trigger
        else:
            beyond = stack.records[middle].mark >= trigger
        if beyond:
            high = middle
        else:
            low = middle + 1
    if low == stack.count:
        cause[0] = -1
        wave[0] = 1
    else:
        cause[0] = stack.records[low].event
        wave[0] = stack.records[low].wave + 1
