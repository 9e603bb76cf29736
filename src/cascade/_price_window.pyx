"""A breaker's moving window: sum and count of its trades, its lowest and highest price.

Trades of one instant are one entry, and an instant leaves at most one entry in each monotone deque, so
that rings need room for one more only when the clock moves; within a step they never grow. An entry
comes and goes once: a trade costs a constant on average.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport realloc
from libc.string cimport memmove

from cascade._halt cimport (
    REFERENCE_MEAN, REFERENCE_PREMIUM, REFERENCE_WINDOW, Breaker, Deque, Extreme, Instant, Instants,
    extreme_at, instant_at,
)
from cascade._state cimport FAILURE_MEMORY, Market, State

cdef enum:
    FIRST_ENTRIES = 16        # a power of two


# ---------------------------------------------------------------- room

cdef int grow_ring(void** entries, size_t size, int64_t* first, int64_t count, int64_t* capacity,
                   int64_t wanted) noexcept nogil:
    # what stands from the first to the end of the old ring moves to the new end, if it goes on in front
    cdef int64_t before = capacity[0], grown = before if before else FIRST_ENTRIES, tail
    cdef char* memory
    while grown < wanted:
        grown *= 2
    if grown == before:
        return 0
    memory = <char*>realloc(entries[0], <size_t>grown * size)
    if memory == NULL:
        return -1
    if first[0] + count > before:
        tail = before - first[0]
        memmove(memory + <size_t>(grown - tail) * size, memory + <size_t>first[0] * size, <size_t>tail * size)
        first[0] = grown - tail
    entries[0] = memory
    capacity[0] = grown
    return 0


cdef int reserve_instants(Instants* ring, int64_t wanted) noexcept nogil:
    return grow_ring(<void**>&ring.entries, sizeof(Instant), &ring.first, ring.count, &ring.capacity, wanted)


cdef int reserve_deque(Deque* deque, int64_t wanted) noexcept nogil:
    return grow_ring(<void**>&deque.entries, sizeof(Extreme), &deque.first, deque.count, &deque.capacity,
                     wanted)


cdef void reserve_window(State* state, Market* market) noexcept nogil:
    cdef Breaker* b = market.breaker
    if b.window == 0:
        return
    forget_old(state, market)
    if b.kind == REFERENCE_WINDOW:
        if reserve_deque(&b.lows, b.lows.count + 1) or reserve_deque(&b.highs, b.highs.count + 1):
            state.failed = FAILURE_MEMORY
    elif reserve_instants(&b.trades, b.trades.count + 1):
        state.failed = FAILURE_MEMORY


# ---------------------------------------------------------------- what lies within

cdef void _drop_extremes(Deque* deque, int64_t before) noexcept nogil:
    while deque.count and extreme_at(deque, 0).time <= before:
        deque.first = (deque.first + 1) & (deque.capacity - 1)
        deque.count -= 1


cdef void _push_extreme(Deque* deque, int64_t time, int32_t price, int sign) noexcept nogil:
    # sign 1: the window's lowest in front, -1: its highest
    cdef Extreme* last
    while deque.count:
        last = extreme_at(deque, deque.count - 1)
        if sign * <int64_t>last.price < sign * <int64_t>price:
            if last.time == time:
                return            # leaves the window together with one that is more extreme
            break
        deque.count -= 1
    last = extreme_at(deque, deque.count)
    last.time = time
    last.price = price
    deque.count += 1


cdef void forget_old(const State* state, Market* market) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef int64_t before = state.clock - b.window
    cdef Instant* oldest
    if b.window == 0:
        return
    _drop_extremes(&b.lows, before)
    _drop_extremes(&b.highs, before)
    while b.trades.count:
        oldest = instant_at(&b.trades, 0)
        if oldest.time > before:
            break
        b.trade_sum -= oldest.sum
        b.trade_count -= oldest.count
        b.trades.first = (b.trades.first + 1) & (b.trades.capacity - 1)
        b.trades.count -= 1


cdef void forget_all(Breaker* b) noexcept nogil:
    b.lows.count = b.highs.count = b.trades.count = 0
    b.trade_sum = b.trade_count = 0


cdef void observe_price(const State* state, Breaker* b, int32_t price) noexcept nogil:
    _push_extreme(&b.lows, state.clock, price, 1)
    _push_extreme(&b.highs, state.clock, price, -1)


cdef void breaker_trade(const State* state, Market* market, int32_t price) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef Instant* last
    cdef int64_t value = price
    if b.kind == REFERENCE_WINDOW:
        observe_price(state, b, price)
        return
    if b.kind == REFERENCE_PREMIUM:
        if market.index == 0:
            return
        value -= market.index
    elif b.kind != REFERENCE_MEAN:
        return
    if b.trades.count == 0 or instant_at(&b.trades, b.trades.count - 1).time != state.clock:
        last = instant_at(&b.trades, b.trades.count)
        b.trades.count += 1
        last.time = state.clock
        last.sum = 0
        last.count = 0
    last = instant_at(&b.trades, b.trades.count - 1)
    last.sum += value
    last.count += 1
    b.trade_sum += value
    b.trade_count += 1
