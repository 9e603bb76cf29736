"""Depth from outside that trades took from a book, remembered until a halt brings some of it back.

What trades take at one time, side and price one after the other is one entry of a ring, so that a sweep
through the book leaves an entry a level. A halt sums it up by price; nothing looks at it before.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free, malloc, qsort
from libc.string cimport memset

from cascade._arithmetic cimport divide_toward_zero, int128
from cascade._book cimport Message, Submitted, book_enter, book_take_id
from cascade._halt cimport PHASE_CANCEL_ONLY, Breaker, Consumed, ConsumedDepth, consumed_at
from cascade._price_window cimport grow_ring
from cascade._state cimport FAILURE_MEMORY, RATE_DENOMINATOR, Market, State
from cascade._types cimport BUY, GTC, MAX_SIZE, MESSAGE_LIMIT, NO_ACCOUNT


cdef int reserve_consumed(ConsumedDepth* ring, int64_t wanted) noexcept nogil:
    return grow_ring(<void**>&ring.entries, sizeof(Consumed), &ring.first, ring.count, &ring.capacity, wanted)


cdef void note_consumed(State* state, Market* market, uint8_t side, int32_t price, int64_t lots) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef Consumed* last
    if b.replenish <= 0 or b.phase >= PHASE_CANCEL_ONLY:
        return
    if b.consumed.count:
        last = consumed_at(&b.consumed, b.consumed.count - 1)
        if last.time == state.clock and last.price == price and last.side == side:
            last.lots += lots
            return
    if reserve_consumed(&b.consumed, b.consumed.count + 1):
        state.failed = FAILURE_MEMORY
        return
    last = consumed_at(&b.consumed, b.consumed.count)
    last.time = state.clock
    last.lots = lots
    last.price = price
    last.side = side
    b.consumed.count += 1


cdef void forget_consumed(const State* state, Market* market) noexcept nogil:
    # a halt keeps what was taken before it, however long it is
    cdef Breaker* b = market.breaker
    cdef int64_t before = state.clock - b.window
    if b.window == 0 or b.phase >= PHASE_CANCEL_ONLY:
        return
    while b.consumed.count and consumed_at(&b.consumed, 0).time <= before:
        b.consumed.first = (b.consumed.first + 1) & (b.consumed.capacity - 1)
        b.consumed.count -= 1


cdef void forget_all_consumed(Breaker* b) noexcept nogil:
    b.consumed.count = 0


cdef int64_t consumed_lots(const Breaker* b) noexcept nogil:
    cdef int64_t k, lots = 0
    for k in range(b.consumed.count):
        lots += consumed_at(&b.consumed, k).lots
    return lots


cdef int _compare(const void* left, const void* right) noexcept nogil:
    # bids from the best down, then asks from the best up
    cdef const Consumed* a = <const Consumed*>left
    cdef const Consumed* b = <const Consumed*>right
    if a.side != b.side:
        return -1 if a.side == BUY else 1
    if a.price == b.price:
        return 0
    return -1 if (a.price > b.price) == (a.side == BUY) else 1


cdef void _enter(Market* market, uint8_t side, int32_t price, int64_t lots) noexcept nogil:
    cdef Message message
    cdef Submitted out
    memset(&message, 0, sizeof(Message))
    message.kind = MESSAGE_LIMIT
    message.side = side
    message.time_in_force = GTC
    message.account = NO_ACCOUNT
    message.price = price
    message.size = lots if lots < MAX_SIZE else MAX_SIZE
    book_enter(&market.book, book_take_id(&market.book), &message, 0, &out)


cdef void restore_depth(State* state, Market* market) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef int64_t k, count = b.consumed.count, share
    cdef int128 lots = 0
    cdef Consumed* taken
    if count == 0:
        return
    taken = <Consumed*>malloc(<size_t>count * sizeof(Consumed))
    if taken == NULL:
        state.failed = FAILURE_MEMORY
        return
    for k in range(count):
        taken[k] = consumed_at(&b.consumed, k)[0]
    qsort(taken, <size_t>count, sizeof(Consumed), _compare)
    for k in range(count):
        lots += taken[k].lots
        if k + 1 < count and taken[k + 1].side == taken[k].side and taken[k + 1].price == taken[k].price:
            continue
        lots = divide_toward_zero(lots * b.replenish, RATE_DENOMINATOR)
        share = <int64_t>lots if lots < MAX_SIZE else MAX_SIZE
        lots = 0
        if share:
            _enter(market, taken[k].side, taken[k].price, share)
    free(taken)
    forget_all_consumed(b)
    if market.book.out_of_memory:
        state.failed = FAILURE_MEMORY
