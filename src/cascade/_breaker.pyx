"""Circuit breakers: reference prices, bands, limit states, levels and windows (docs/breakers.md).

A breaker looks where a mark is formed anew: after a message, a stop, a forced order, a batch, an
outside price. A halt it begins takes effect there and then: the book collects for an auction, so that
nothing trades, no stop fires and the queue gives out no unit of that market.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport ceil_divide, floor_divide, int128, saturate
from cascade._book cimport Message
from cascade._halt cimport (
    BEYOND_EXPIRE, BEYOND_REFUSE, NO_CEILING, NO_END, PHASE_CANCEL_ONLY, PHASE_LIMIT, PHASE_OPEN,
    PHASE_PAUSE, REASON_BAND, REFERENCE_FIXED, REFERENCE_INDEX, REFERENCE_LAST, REFERENCE_MEAN,
    REFERENCE_PREMIUM, REFERENCE_WINDOW, Breaker, extreme_at,
)
from cascade._log cimport Event, log_append
from cascade._price_window cimport forget_all, forget_old, observe_price
from cascade._state cimport RATE_DENOMINATOR, Market, State
from cascade._types cimport (
    BUY, CODE_BAD_PRICE, CODE_HALTED, CODE_OK, EVENT_HALT, FLAG_ICEBERG, FLAG_POST_ONLY,
    FLAG_POST_ONLY_SLIDE, GTC, IOC, MAX_PRICE, MESSAGE_LIMIT, MESSAGE_MODIFY, MESSAGE_STOP_LIMIT,
    SELL,
)

cdef enum:
    RESTING_FLAGS = FLAG_POST_ONLY | FLAG_POST_ONLY_SLIDE | FLAG_ICEBERG


cdef int32_t venue_price(const Market* market) noexcept nogil:
    return market.impact.last if market.impact_venue else market.book.last


# ---------------------------------------------------------------- reference and edges

cdef void anchor_reference(const State* state, Market* market, int32_t price) noexcept nogil:
    # a first price, or that of a reopening: what went before is forgotten
    cdef Breaker* b = market.breaker
    if price and b.kind in (REFERENCE_FIXED, REFERENCE_LAST, REFERENCE_MEAN):
        b.reference = price
        b.reference_time = state.clock
    forget_all(b)


cdef void _follow(const State* state, Market* market, int32_t price) noexcept nogil:
    # the reference moves after the price was held against the one before
    cdef Breaker* b = market.breaker
    cdef int128 difference
    if b.reference == 0:
        if price:
            b.reference = price
            b.reference_time = state.clock
        return
    if b.kind == REFERENCE_LAST:
        if price:
            b.reference = price
            b.reference_time = state.clock
        return
    if (b.kind != REFERENCE_MEAN or b.trade_count == 0
            or state.clock - b.reference_time < b.min_age):
        return
    difference = <int128>b.trade_sum - <int128>b.reference * b.trade_count
    if difference < 0:
        difference = -difference
    if difference * RATE_DENOMINATOR >= <int128>b.min_change * b.reference * b.trade_count:
        # halves up
        b.reference = <int32_t>floor_divide(
            2 * <int128>b.trade_sum + b.trade_count, 2 * <int128>b.trade_count)
        b.reference_time = state.clock


cdef inline int32_t _rounded(const Breaker* b, int128 parts, bint up) noexcept nogil:
    # parts of a tick in 10**9: inward, or to the nearest with halves up; 0: no edge
    cdef int128 ticks
    if b.nearest:
        ticks = floor_divide(2 * parts + RATE_DENOMINATOR, 2 * <int128>RATE_DENOMINATOR)
    elif up:
        ticks = ceil_divide(parts, RATE_DENOMINATOR)
    else:
        ticks = floor_divide(parts, RATE_DENOMINATOR)
    return 0 if ticks < 1 or ticks > MAX_PRICE else <int32_t>ticks


cdef int64_t _factor(const Market* market) noexcept nogil:
    # how many times as wide the band is at the clock; of spans that overlap the first counts
    cdef const Breaker* b = market.breaker
    cdef int64_t now = market.state.clock
    cdef uint8_t k
    for k in range(b.widened_count):
        if b.widened_from[k] <= now < b.widened_until[k]:
            return b.widened_times[k]
    return 1


cdef inline int64_t _lower_share(const Market* market) noexcept nogil:
    cdef int64_t share = market.breaker.lower * _factor(market)
    return share if share < RATE_DENOMINATOR else RATE_DENOMINATOR


cdef int32_t _lower_edge(const Breaker* b, int64_t above, int64_t base, int64_t share) noexcept nogil:
    cdef int32_t edge = _rounded(b, <int128>above * RATE_DENOMINATOR - <int128>base * share, True)
    # a band is at least a tick wide
    return edge if edge < above else <int32_t>(above - 1)


cdef int32_t _upper_edge(const Breaker* b, int64_t below, int64_t base, int64_t share) noexcept nogil:
    cdef int32_t edge = _rounded(b, <int128>below * RATE_DENOMINATOR + <int128>base * share, False)
    return edge if edge == 0 or edge > below else <int32_t>(below + 1 if below < MAX_PRICE else 0)


cdef void _premium_edges(Market* market) noexcept nogil:
    # the narrow band moved by the average premium, but not past the index or the outer band
    cdef Breaker* b = market.breaker
    cdef int64_t index = market.index
    cdef int128 narrow, wide, count = b.trade_count if b.trade_count else 1
    b.lower_edge = b.upper_edge = 0
    if index == 0:
        return
    if b.upper >= 0:
        narrow = floor_divide(<int128>index * (RATE_DENOMINATOR + b.upper * _factor(market)) * count
                              + <int128>b.trade_sum * RATE_DENOMINATOR, count * RATE_DENOMINATOR)
        wide = floor_divide(<int128>index * (RATE_DENOMINATOR + b.outer), RATE_DENOMINATOR)
        narrow = narrow if narrow > index else index
        narrow = narrow if narrow < wide else wide
        b.upper_edge = <int32_t>narrow if narrow <= MAX_PRICE else 0
    if b.lower >= 0:
        narrow = ceil_divide(<int128>index * (RATE_DENOMINATOR - _lower_share(market)) * count
                             + <int128>b.trade_sum * RATE_DENOMINATOR, count * RATE_DENOMINATOR)
        wide = ceil_divide(<int128>index * (RATE_DENOMINATOR - b.outer), RATE_DENOMINATOR)
        narrow = narrow if narrow < index else index
        narrow = narrow if narrow > wide else wide
        b.lower_edge = <int32_t>narrow if narrow >= 1 else 0


cdef void form_edges(Market* market) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef int64_t above = b.reference, below = b.reference
    cdef int32_t edge
    if b.kind == REFERENCE_PREMIUM:
        _premium_edges(market)
    else:
        if b.kind == REFERENCE_INDEX:
            above = below = market.index
        elif b.kind == REFERENCE_WINDOW:
            above = extreme_at(&b.highs, 0).price if b.highs.count else 0
            below = extreme_at(&b.lows, 0).price if b.lows.count else 0
        b.lower_edge = b.upper_edge = 0
        if above and b.lower >= 0:
            b.lower_edge = _lower_edge(b, above, b.close if b.of_close else above,
                                       _lower_share(market))
        if below and b.upper >= 0:
            b.upper_edge = _upper_edge(b, below, b.close if b.of_close else below,
                                       b.upper * _factor(market))
    b.hard_lower = b.lower_edge if b.hard else 0
    b.hard_upper = b.upper_edge if b.hard else 0
    if b.close and b.floor >= 0:
        edge = <int32_t>ceil_divide(<int128>b.close * (RATE_DENOMINATOR - b.floor), RATE_DENOMINATOR)
        b.hard_lower = edge if edge > b.hard_lower else b.hard_lower
    if b.close and b.ceiling > NO_CEILING:
        edge = _rounded(b, <int128>b.close * (RATE_DENOMINATOR + b.ceiling), False)
        if edge and (b.hard_upper == 0 or edge < b.hard_upper):
            b.hard_upper = edge


# ---------------------------------------------------------------- halts

cdef int64_t halt_event(State* state, const Market* market, int32_t price, int64_t cause,
                        int32_t wave) noexcept nogil:
    cdef const Breaker* b = market.breaker
    cdef Event* event = log_append(&state.log, EVENT_HALT, market.number, cause, wave)
    event.order = -1 if b.until == NO_END else b.until
    event.quantity = b.reason
    event.price = price
    event.side = b.side
    event.code = b.phase
    return state.log.first + state.log.count - 1


cdef void begin_halt(State* state, Market* market, int64_t reason, uint8_t side, int64_t start,
                     int64_t pause, int32_t price, int64_t cause, int32_t wave) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef int64_t end = NO_END
    if pause < NO_END - start:
        end = start + pause
    if b.phase >= PHASE_CANCEL_ONLY:
        # halted already: the later end holds
        if end > b.until:
            b.until = end
            halt_event(state, market, price, cause, wave)
        return
    b.phase = PHASE_CANCEL_ONLY if b.cancel_only > 0 else PHASE_PAUSE
    b.calls_at = start + b.cancel_only if b.cancel_only < end - start else end
    b.until = end
    b.side = side
    b.reason = reason
    b.held = 0
    b.extended = b.replenished = 0
    market.book.auction = 1
    b.event = halt_event(state, market, price, cause, wave)


cdef void _halt_linked(State* state, Market* market, int64_t reason, uint8_t side, int64_t start,
                       int64_t pause, int32_t price, int32_t wave) noexcept nogil:
    cdef uint32_t m
    cdef Market* other
    for m in range(state.market_count):
        other = state.markets[m]
        if other != market and other.breaker != NULL and other.breaker.linked:
            begin_halt(state, other, reason, side, start, pause, price, market.breaker.event, wave)


cdef void begin_by_band(State* state, Market* market, uint8_t side, int64_t start, int32_t price,
                        int64_t cause, int32_t wave) noexcept nogil:
    cdef Breaker* b = market.breaker
    begin_halt(state, market, REASON_BAND, side, start, b.pause, price, cause, wave)
    if b.leads:
        _halt_linked(state, market, REASON_BAND, side, start, b.pause, price, wave)


cdef void _look_at_levels(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef int32_t price = market.index if b.levels_on_index else venue_price(market)
    cdef int64_t pause, level
    cdef uint8_t before = b.levels_reached
    if price == 0 or b.close == 0:
        return
    while b.levels_reached < b.level_count:
        # published levels are cut off
        level = <int64_t>floor_divide(
            <int128>b.close * (RATE_DENOMINATOR - b.level_shares[b.levels_reached]), RATE_DENOMINATOR)
        if price > level:
            break
        b.levels_reached += 1
    if b.levels_reached == before:
        return
    level = b.levels_reached
    pause = b.level_pauses[level - 1]
    if pause == 0:
        return
    begin_halt(state, market, level, SELL, state.clock, pause, price, cause, wave)
    if b.linked:
        _halt_linked(state, market, level, SELL, state.clock, pause, price, wave)


cdef bint _stands_at(Market* market, uint8_t side, int32_t price) noexcept nogil:
    """Is the market at the edge of its band that it would pass by trading on `side`?"""
    cdef Breaker* b = market.breaker
    cdef int32_t edge = b.lower_edge if side == SELL else b.upper_edge, near, far
    if edge == 0:
        return False
    if market.impact_venue or b.limit_state == 0:
        # a trade at the edge
        if price and (price <= edge if side == SELL else price >= edge):
            return True
    if market.impact_venue:
        return b.held == 1 + side
    # the side that presses, and the side it would trade with
    near = market.book.best_ask if side == SELL else market.book.best_bid
    far = market.book.best_bid if side == SELL else market.book.best_ask
    if near and (near <= edge if side == SELL else near >= edge):
        return True
    if b.held != 1 + side:
        return False
    if far == 0 or (far < edge if side == SELL else far > edge):
        return True
    b.held = 0
    return False


cdef void _press(State* state, Market* market, uint8_t side, int32_t price, int64_t cause,
                 int32_t wave) noexcept nogil:
    cdef Breaker* b = market.breaker
    if b.limit_state == 0:
        begin_by_band(state, market, side, state.clock, price, cause, wave)
    elif b.phase == PHASE_OPEN or b.side != side:
        b.phase = PHASE_LIMIT
        b.side = side
        b.reason = REASON_BAND
        b.until = state.clock + b.limit_state
        b.event = halt_event(state, market, price, cause, wave)


cdef void breaker_look(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef int32_t price = venue_price(market)
    if b.level_count:
        _look_at_levels(state, market, cause, wave)
    if market.book.auction:
        return
    forget_old(state, market)
    if b.kind == REFERENCE_WINDOW and market.impact_venue and price:
        # of a book the trades count, of a curve the price at every look
        observe_price(state, b, price)
    if b.kind in (REFERENCE_INDEX, REFERENCE_PREMIUM, REFERENCE_WINDOW):
        form_edges(market)
    if b.pause:
        if _stands_at(market, SELL, price):
            _press(state, market, SELL, price, cause, wave)
        elif _stands_at(market, BUY, price):
            _press(state, market, BUY, price, cause, wave)
        elif b.phase == PHASE_LIMIT:
            b.phase = PHASE_OPEN
            b.until = 0
            halt_event(state, market, price, cause, wave)
    if b.phase == PHASE_OPEN:
        _follow(state, market, price)
        form_edges(market)


# ---------------------------------------------------------------- orders

cdef uint8_t breaker_admit(const State* state, const Market* market, Message* message) noexcept nogil:
    cdef const Breaker* b = market.breaker
    cdef int32_t edge
    if b.phase == PHASE_CANCEL_ONLY or (b.phase == PHASE_PAUSE and market.impact_venue):
        return CODE_HALTED
    if market.book.auction:
        return CODE_OK
    if (message.kind != MESSAGE_LIMIT and message.kind != MESSAGE_STOP_LIMIT
            and message.kind != MESSAGE_MODIFY):
        return CODE_OK
    edge = b.hard_upper if message.side == BUY else b.hard_lower
    if edge == 0 or (message.price <= edge if message.side == BUY else message.price >= edge):
        return CODE_OK
    if b.beyond == BEYOND_REFUSE or message.kind == MESSAGE_STOP_LIMIT:
        return CODE_BAD_PRICE
    if b.beyond == BEYOND_EXPIRE:
        if message.kind == MESSAGE_MODIFY or message.flags & RESTING_FLAGS:
            return CODE_BAD_PRICE
        if message.time_in_force & 15 == GTC:
            message.time_in_force = IOC | (message.time_in_force & 0xF0)
    message.price = edge
    return CODE_OK


cdef bint breaker_holds(Market* market, uint8_t side, int32_t own_limit) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef int32_t edge = b.hard_lower if side == SELL else b.hard_upper
    if edge == 0:
        return False
    if own_limit and (own_limit > edge if side == SELL else own_limit < edge):
        return False
    if edge == (b.lower_edge if side == SELL else b.upper_edge):
        b.held = 1 + side
    return b.waits


cdef void breaker_throttle(const State* state, Market* market, int64_t lots,
                           int64_t value) noexcept nogil:
    cdef Breaker* b = market.breaker
    if b.throttle_window == 0:
        return
    if state.clock >= b.throttle_until:
        b.throttle_until = state.clock + b.throttle_window
        b.throttled_lots = b.throttled_notional = 0
    b.throttled_lots = saturate(<int128>b.throttled_lots + lots)
    b.throttled_notional = saturate(<int128>b.throttled_notional + (-value if value < 0 else value))
    if (0 <= b.throttle_lots <= b.throttled_lots
            or 0 <= b.throttle_notional <= b.throttled_notional):
        market.throttled = 1
