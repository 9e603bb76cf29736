"""Prices from outside: an index that is believed later, samples of the basis, the impact premium.

docs/marks.md and docs/funding.md. Prices on their way wait in a ring that doubles when it is full; samples
are in a ring of fixed length. Both are touched once a step and market, not by orders.
"""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from cascade._arithmetic cimport ceil_divide, divide_toward_zero, floor_divide, int128
from cascade._bitmap cimport bitmap_down, bitmap_up
from cascade._feed cimport index_is_stale, touch_middle
from cascade._levels cimport level_at
from cascade._state cimport (
    AVERAGE_OF_LAST, AVERAGE_PARTS, FAILURE_MEMORY, RATE_DENOMINATOR, Delayed, Market, State,
)
from cascade._types cimport BUY, SELL


# ---------------------------------------------------------------- an index on its way

cdef int delayed_reserve(Market* market) noexcept nogil:
    cdef int64_t capacity = market.delayed_capacity * 2 if market.delayed_capacity else 16
    cdef int64_t k
    cdef Delayed* grown
    if market.delayed_count < market.delayed_capacity:
        return 0
    grown = <Delayed*>malloc(<size_t>capacity * sizeof(Delayed))
    if grown == NULL:
        return -1
    for k in range(market.delayed_count):
        grown[k] = market.delayed[(market.delayed_first + k) % market.delayed_capacity]
    free(market.delayed)
    market.delayed = grown
    market.delayed_first = 0
    market.delayed_capacity = capacity
    return 0


cdef void delayed_append(Market* market, int64_t due, int32_t price) noexcept nogil:
    cdef int64_t at = (market.delayed_first + market.delayed_count) % market.delayed_capacity
    market.delayed[at].due = due
    market.delayed[at].price = price
    market.delayed_count += 1


cdef int32_t believed_index(State* state, Market* market, int32_t given) noexcept nogil:
    cdef int32_t price = 0
    cdef int64_t due = state.clock + market.rules.index_delay, last
    if given:
        last = -1
        if market.delayed_count:
            last = (market.delayed_first + market.delayed_count - 1) % market.delayed_capacity
        if last >= 0 and market.delayed[last].due == due:
            market.delayed[last].price = given
        elif delayed_reserve(market):
            state.failed = FAILURE_MEMORY
        else:
            delayed_append(market, due, given)
    while market.delayed_count and market.delayed[market.delayed_first].due <= state.clock:
        price = market.delayed[market.delayed_first].price
        market.delayed_first = (market.delayed_first + 1) % market.delayed_capacity
        market.delayed_count -= 1
    return price


# ---------------------------------------------------------------- samples of the basis

cdef void keep_sample(Market* market, int64_t basis) noexcept nogil:
    cdef int64_t count = market.rules.sample_count
    if market.samples_held == count:
        market.samples_sum -= market.samples[market.samples_next]
    else:
        market.samples_held += 1
    market.samples[market.samples_next] = <int32_t>basis
    market.samples_sum += basis
    market.samples_next = (market.samples_next + 1) % count


cdef void average_samples(Market* market) noexcept nogil:
    if market.samples_held:
        market.average = <int64_t>divide_toward_zero(
            <int128>market.samples_sum * AVERAGE_PARTS, market.samples_held)


cdef void sample_basis(State* state, Market* market, int64_t elapsed) noexcept nogil:
    cdef int64_t every = market.rules.sample_every, price
    cdef int64_t count = (state.clock + elapsed) // every - state.clock // every
    if count == 0 or market.index == 0 or index_is_stale(state, market):
        return
    price = (market.impact.last if market.impact_venue else market.book.last) \
        if market.rules.average_of == AVERAGE_OF_LAST else touch_middle(market)
    if price == 0:
        return
    if count > market.rules.sample_count:
        count = market.rules.sample_count
    while count:
        keep_sample(market, price - market.index)
        count -= 1
    average_samples(market)


# ---------------------------------------------------------------- impact prices

cdef int64_t _impact_parts(const Market* market, int side) noexcept nogil:
    # average price at which the side's displayed orders fill the notional, in AVERAGE_PARTS a tick,
    # rounded away from a taker; 0: they hold less
    cdef int32_t price = market.book.best_bid if side == BUY else market.book.best_ask, found
    cdef int64_t wanted = market.rules.impact_notional, unit = market.rules.table.unit, lots = 0, size
    cdef int128 filled = 0, over, under
    while price:
        size = level_at(&market.book, side, price).size
        # compared in lots, because a level's value may not fit
        if size >= ceil_divide(wanted - filled, <int128>unit * price):
            # notional * price over the lots that it takes, times their price
            over = <int128>wanted * price * AVERAGE_PARTS
            under = <int128>unit * price * lots + wanted - filled
            if side == BUY:
                return <int64_t>floor_divide(over, under)
            return <int64_t>ceil_divide(over, under)
        lots += size
        filled += <int128>unit * price * size
        if side == BUY:
            found = bitmap_down(&market.book.occupied[<int>BUY], price - 1 - market.book.base)
        else:
            found = bitmap_up(&market.book.occupied[<int>SELL], price + 1 - market.book.base)
        price = 0 if found < 0 else found + market.book.base
    return 0


cdef int64_t impact_premium(const Market* market) noexcept nogil:
    cdef int64_t index = <int64_t>market.index * AVERAGE_PARTS, gap = 0, bid, ask
    cdef int128 parts
    if market.impact_venue:
        # its price is bid and ask for any size
        bid = ask = <int64_t>market.impact.last * AVERAGE_PARTS
    else:
        bid = _impact_parts(market, BUY)
        ask = _impact_parts(market, SELL)
    if bid > index:
        gap += bid - index
    if ask and ask < index:
        gap -= index - ask
    parts = divide_toward_zero(<int128>gap * RATE_DENOMINATOR, index)
    if parts > RATE_DENOMINATOR:
        return RATE_DENOMINATOR
    return -RATE_DENOMINATOR if parts < -RATE_DENOMINATOR else <int64_t>parts
