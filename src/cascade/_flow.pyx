"""Noise and momentum flow: orders that arrive at random times, with or against nobody's wish.

docs/residents.md has both. Arrivals are a Poisson process on the clock, so how a span of time is cut
into steps does not change when orders arrive, only in which step they are sent.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._arithmetic cimport int128
from cascade._book cimport Submitted
from cascade._random cimport draw_below, draw_gap
from cascade._resident cimport MOVEMENT_PARTS, Resident
from cascade._signals cimport signal_waits
from cascade._state cimport FAILURE_INTERRUPT, RATE_DENOMINATOR, Market, State
from cascade._trading cimport (
    affordable_lots, faded, held_lots, last_price, open_order, send_cancel, send_order,
)
from cascade._types cimport BUY, GTC, SELL

cdef enum:
    ARRIVALS_BETWEEN_SIGNALS = 4096

cdef int64_t NEVER = <int64_t>1 << 62


cdef void _await_next(Resident* resident, int64_t now) noexcept nogil:
    resident.next = now + draw_gap(&resident.stream, resident.rate)
    if resident.next > NEVER:
        resident.next = NEVER


cdef void begin_flow(const State* state, Resident* resident) noexcept nogil:
    resident.next = NEVER
    if resident.rate:
        _await_next(resident, state.clock)


cdef void _place(State* state, Resident* resident, uint8_t side, int64_t lots,
                 int64_t offset) noexcept nogil:
    # a limit order beside the middle; beyond `open_capacity` of them the oldest leaves
    cdef Market* market = state.markets[resident.market]
    cdef int64_t price = 0
    cdef int32_t at = 0
    cdef Submitted out
    cdef int64_t* oldest = &resident.open_orders[resident.open_next]
    if market.book.best_bid and market.book.best_ask:
        price = (<int64_t>market.book.best_bid + market.book.best_ask) >> 1
    if price == 0:
        price = market.book.last if market.book.last else market.index
    if price == 0:
        return
    price += -offset if side == BUY else offset
    if price < market.book.min_price or price > market.book.max_price:
        return
    if open_order(market, oldest[0], &at):
        send_cancel(state, resident, oldest[0])
    oldest[0] = 0
    lots = affordable_lots(state, resident, side, lots, <int32_t>price)
    if lots >= market.book.min_size:
        send_order(state, resident, side, <int32_t>price, lots, GTC, 0, &out)
        oldest[0] = out.order if out.resting > 0 else 0
    resident.open_next = (resident.open_next + 1) % resident.open_capacity


cdef void _noise_order(State* state, Resident* resident) noexcept nogil:
    # every order takes the same number of draws
    cdef bint at_market = draw_below(&resident.stream, RATE_DENOMINATOR) < resident.market_share
    cdef uint8_t side = <uint8_t>draw_below(&resident.stream, 2)
    cdef int64_t lots = resident.low + draw_below(&resident.stream, resident.high - resident.low + 1)
    cdef int64_t offset = 1 + draw_below(&resident.stream, resident.reach)
    cdef Submitted out
    if state.markets[resident.market].book.auction:
        return
    if not at_market:
        _place(state, resident, side, lots, offset)
        return
    lots = affordable_lots(state, resident, side, lots, 0)
    if lots >= state.markets[resident.market].book.min_size:
        send_order(state, resident, side, 0, lots, GTC, 0, &out)


cdef void _momentum_order(State* state, Resident* resident) noexcept nogil:
    cdef Market* market = state.markets[resident.market]
    cdef int64_t lots = resident.low + draw_below(&resident.stream, resident.high - resident.low + 1)
    cdef int64_t trend = resident.movement, held
    cdef uint8_t side = BUY if trend > 0 else SELL
    cdef Submitted out
    if trend < 0:
        trend = -trend
    if (market.book.auction or trend == 0 or <int128>trend * RATE_DENOMINATOR
            < <int128>resident.price_seen * resident.threshold * MOVEMENT_PARTS):
        return
    if resident.limit and resident.account >= 0:
        held = held_lots(state, resident)
        held = resident.limit - (held if side == BUY else -held)
        lots = held if held < lots else lots
    if lots < 1:
        return
    lots = affordable_lots(state, resident, side, lots, 0)
    if lots >= market.book.min_size:
        send_order(state, resident, side, 0, lots, GTC, 0, &out)


cdef bint _interrupted(State* state, int64_t arrivals) noexcept nogil:
    if arrivals % ARRIVALS_BETWEEN_SIGNALS == 0 and signal_waits():
        state.failed = FAILURE_INTERRUPT
    return state.failed != 0


cdef void noise(State* state, Resident* resident) noexcept nogil:
    cdef int64_t arrivals = 0
    while resident.next <= state.clock:
        _noise_order(state, resident)
        _await_next(resident, resident.next)
        arrivals += 1
        if _interrupted(state, arrivals):
            return


cdef void momentum(State* state, Resident* resident, int64_t elapsed) noexcept nogil:
    cdef int64_t arrivals = 0, price = last_price(state.markets[resident.market]), moved = 0
    if price and resident.price_seen:
        moved = price - resident.price_seen
    resident.movement = faded(resident.movement, resident.movement_time, elapsed, moved)
    resident.price_seen = price
    while resident.next <= state.clock:
        _momentum_order(state, resident)
        _await_next(resident, resident.next)
        arrivals += 1
        if _interrupted(state, arrivals):
            return
