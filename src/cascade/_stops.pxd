"""Waiting stops: four heaps by trigger and arrival, step 10 of docs/book.md.

The key of a stop is its trigger (counted down for sells) and a sequence number, so that equal
triggers fire in order of id whatever happened to the heap before.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from cascade._book cimport (
    STOP_HEAPS, TAG_SIDE, TAG_SPECIAL, Book, Message, Order, OrderExtra, Submitted,
)
from cascade._growth cimport account_ready, accounts_grow, orders_grow, stops_grow
from cascade._heap cimport Heap, heap_build, heap_pop, heap_set
from cascade._levels cimport (
    account_link, order_forget, slot_of, slot_take, slots_ready, stop_heap, tag_at,
)
from cascade._rules cimport reached
from cascade._types cimport (
    BUY, CODE_STOP_WAITING, CODE_WINDOW, FLAG_STOP_ON_MARK, GTC, IOC, MAX_PRICE, MESSAGE_LIMIT,
    MESSAGE_MARKET, MESSAGE_STOP_LIMIT, NO_ACCOUNT, SELL,
)


cdef inline int64_t stop_key(uint8_t side, int32_t trigger, uint32_t sequence) noexcept nogil:
    """Buys from the lowest trigger up, sells from the highest down, then by id."""
    cdef int64_t rank = trigger if side == BUY else MAX_PRICE - trigger
    return (rank << 32) | sequence


cdef inline void stop_append(Book* book, uint32_t slot) noexcept nogil:
    cdef OrderExtra* extra = &book.extras[slot]
    cdef Heap* heap = stop_heap(book, extra.side, extra.flags)
    book.stop_sequence += 1
    heap.nodes[heap.count].key = stop_key(extra.side, <int32_t>book.orders[slot].next,
                                          book.stop_sequence)
    heap.nodes[heap.count].item = slot
    heap.place[slot] = heap.count
    heap.count += 1


cdef inline void renumber_stops(Book* book) noexcept nogil:
    """Sequence numbers from 1 again, in order of id, before the counter runs out."""
    cdef int64_t order_id
    cdef uint32_t slot
    cdef int heap
    for heap in range(STOP_HEAPS):
        book.stops[heap].count = 0
    book.stop_sequence = 0
    for order_id in range(book.first_id, book.next_id):
        slot = slot_of(book, order_id)
        if slot != 0 and book.extras[slot].waiting:
            stop_append(book, slot)
    for heap in range(STOP_HEAPS):
        heap_build(&book.stops[heap])


cdef inline void wait_for_trigger(Book* book, int64_t order_id, const Message* message,
                                  Submitted* out) noexcept nogil:
    """Step 3 for a stop that is not due: it waits in its heap, outside the levels."""
    cdef Heap* heap = stop_heap(book, message.side, message.flags)
    cdef uint32_t slot
    cdef Order* order
    cdef OrderExtra* extra
    if ((not slots_ready(book) and orders_grow(book, <int64_t>book.order_top + 1))
            or (not account_ready(book, message.account) and accounts_grow(book, message.account))
            or stops_grow(book, heap)):
        out.code = CODE_WINDOW
        return
    slot = slot_take(book)
    order = &book.orders[slot]
    extra = &book.extras[slot]
    order.id = order_id
    order.size = message.size
    order.price = message.price if message.kind == MESSAGE_STOP_LIMIT else 0
    order.account = message.account
    order.next = <uint32_t>message.extra
    order.previous = 0
    extra.iceberg = 0
    extra.side = message.side
    extra.flags = message.flags
    extra.waiting = 1
    extra.self_trade = message.time_in_force >> 4
    tag_at(book, order_id)[0] = slot | (TAG_SIDE if message.side == SELL else 0) | TAG_SPECIAL
    if order.account != NO_ACCOUNT:
        account_link(book, slot)
    book.live_orders += 1
    if book.stop_sequence == <uint32_t>0xFFFFFFFF:
        renumber_stops(book)
    else:
        book.stop_sequence += 1
        heap_set(heap, slot, stop_key(message.side, message.extra, book.stop_sequence))
    out.code = CODE_STOP_WAITING
    out.resting = message.size
    out.price = order.price


cdef inline int64_t stop_take(Book* book, Message* message) noexcept nogil:
    cdef int at
    cdef uint8_t side, flags
    cdef Heap* heap
    cdef uint32_t slot
    cdef Order* order
    cdef int64_t order_id
    if book.auction:
        return 0
    for at in range(STOP_HEAPS):
        heap = &book.stops[at]
        if heap.count == 0:
            continue
        side = BUY if at & 1 else SELL
        flags = FLAG_STOP_ON_MARK if at >= 2 else 0
        slot = heap.nodes[0].item
        order = &book.orders[slot]
        if not reached(book, side, flags, <int32_t>order.next):
            continue
        heap_pop(heap)
        memset(message, 0, sizeof(Message))
        message.kind = MESSAGE_LIMIT if order.price != 0 else MESSAGE_MARKET
        message.side = side
        message.time_in_force = ((GTC if order.price != 0 else IOC)
                                 | (book.extras[slot].self_trade << 4))
        message.flags = book.extras[slot].flags
        message.account = order.account
        message.extra = <int32_t>order.next    # the trigger, for who logs it
        message.price = order.price
        message.size = order.size
        order_id = order.id
        order_forget(book, slot)
        return order_id
    return 0
