"""Pools and queues of the book: slots, levels, icebergs, account lists and the id table.

A level is a doubly linked list of slots, oldest first. Free slots form a last-in-first-out list, so that
the next order reuses memory that is still in the cache. An order that is neither
waiting nor flagged nor of an account nor with a self-trade policy is *plain*: its OrderExtra stays all
zero (but for `side`) and is neither written nor read on the short path, because the tag beside its
slot in the id table says all there is to say. So `side_of_slot` asks the tag.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from cascade._bitmap cimport bitmap_clear, bitmap_down, bitmap_set, bitmap_up, unlikely
from cascade._book cimport LEVEL_MIXED, SLOT_MASK, TAG_SIDE, Book, Fill, Level, Order, OrderExtra
from cascade._heap cimport Heap, heap_remove
from cascade._memory cimport memory_resize
from cascade._types cimport BUY, FLAG_STOP_ON_MARK, NO_ACCOUNT, SELL

cdef extern from *:
    void __builtin_prefetch(const void* address) noexcept nogil

cdef extern from *:
    """
    #define CASCADE_MAX_LEVEL (((int64_t)1) << 62)
    """
    const int64_t MAX_LEVEL "CASCADE_MAX_LEVEL"     # lots

cdef enum:
    MAX_SLOTS = 0x3FFFFFFF


cdef inline Level* level_at(const Book* book, uint8_t side, int32_t price) noexcept nogil:
    return &book.levels[side][price - book.base]


cdef inline bint in_window(const Book* book, int32_t price) noexcept nogil:
    return <uint32_t>(price - book.base) < <uint32_t>book.window


cdef inline Heap* stop_heap(const Book* book, uint8_t side, uint8_t flags) noexcept nogil:
    """Sell and buy stops on last, then sell and buy stops on mark: the order in which they fire."""
    return <Heap*>&book.stops[(2 if flags & FLAG_STOP_ON_MARK else 0) + (side == BUY)]


cdef inline uint32_t* tag_at(const Book* book, int64_t order_id) noexcept nogil:
    return &book.slot_of_id[order_id - book.first_id]


cdef inline uint32_t slot_of(const Book* book, int64_t order_id) noexcept nogil:
    """Slot of a live order, 0 for every other id."""
    if order_id < book.first_id or order_id >= book.next_id:
        return 0
    return tag_at(book, order_id)[0] & SLOT_MASK


# --- slots -------------------------------------------------------------------------------------

cdef inline uint32_t slot_take(Book* book) noexcept nogil:
    """A free slot; there must be one (`orders_ready`)."""
    cdef uint32_t slot = book.order_free
    if unlikely(slot == 0):
        slot = book.order_top
        book.order_top += 1
        return slot
    book.order_free = book.orders[slot].next
    __builtin_prefetch(&book.orders[book.order_free])
    return slot


cdef inline void slot_release(Book* book, uint32_t slot) noexcept nogil:
    book.orders[slot].id = 0
    book.orders[slot].next = book.order_free
    book.order_free = slot


cdef inline bint slots_ready(const Book* book) noexcept nogil:
    return book.order_free != 0 or book.order_top < book.order_capacity


# --- levels ------------------------------------------------------------------------------------

cdef inline void level_append(Book* book, uint8_t side, int32_t price, uint32_t slot,
                              int64_t size, uint32_t mixed) noexcept nogil:
    """Put an order of this price and displayed size at the back of its level in the window.
    `mixed` is LEVEL_MIXED for an order that is not plain, else 0."""
    level_join(book, level_at(book, side, price), side, price, slot, size, mixed)


cdef inline void level_join(Book* book, Level* level, uint8_t side, int32_t price, uint32_t slot,
                            int64_t size, uint32_t mixed) noexcept nogil:
    """`level_append` where the level is known.

    Links from and to slot 0 are written and never read: a store costs less than a branch
    that cannot be foreseen."""
    cdef Order* orders = book.orders
    cdef uint32_t marked = level.tail, tail = marked & SLOT_MASK
    orders[slot].next = 0
    orders[slot].previous = tail
    orders[tail].next = slot
    level.tail = slot | (marked & LEVEL_MIXED) | mixed
    level.size += size
    if tail == 0:
        level_begun(book, side, price, level, slot)


cdef inline void level_begun(Book* book, uint8_t side, int32_t price, Level* level,
                             uint32_t slot) noexcept nogil:
    """The level has its first order."""
    cdef int32_t bid = book.best_bid, ask = book.best_ask
    level.head = slot
    bitmap_set(&book.occupied[side], price - book.base)
    # no ask is 0, and 0 - 1 is above every price
    book.best_bid = price if side == BUY and price > bid else bid
    book.best_ask = (price if side == SELL and <uint32_t>(price - 1) < <uint32_t>(ask - 1)
                     else ask)


cdef inline void level_emptied(Book* book, uint8_t side, int32_t price) noexcept nogil:
    cdef int32_t found
    bitmap_clear(&book.occupied[side], price - book.base)
    if side == BUY:
        if price == book.best_bid:
            found = bitmap_down(&book.occupied[<int>BUY], price - book.base)
            book.best_bid = 0 if found < 0 else found + book.base
    elif price == book.best_ask:
        found = bitmap_up(&book.occupied[<int>SELL], price - book.base)
        book.best_ask = 0 if found < 0 else found + book.base


cdef inline void level_unlink(Book* book, uint8_t side, uint32_t slot) noexcept nogil:
    cdef Order* order = &book.orders[slot]
    cdef Level* level = level_at(book, side, order.price)
    cdef uint32_t following = order.next, previous = order.previous
    cdef uint32_t head = level.head, tail = level.tail & SLOT_MASK, mixed = level.tail & LEVEL_MIXED
    book.orders[previous].next = following
    book.orders[following].previous = previous
    # selected by masks: compilers make branches of conditional expressions here
    head ^= (head ^ following) & -<uint32_t>(head == slot)
    tail ^= (tail ^ previous) & -<uint32_t>(tail == slot)
    level.head = head
    level.tail = tail | mixed
    level.size -= order.size
    if head == 0:
        level.tail = 0
        level_emptied(book, side, order.price)


# --- lists of an account -----------------------------------------------------------------------

cdef inline void account_link(Book* book, uint32_t slot) noexcept nogil:
    """Into the account's list, newest id first; only a stop that fired has to look for its place."""
    cdef uint32_t* head = &book.account_head[book.orders[slot].account]
    cdef uint32_t before = 0, after = head[0]
    cdef int64_t order_id = book.orders[slot].id
    while after != 0 and book.orders[after].id > order_id:
        before = after
        after = book.extras[after].account_next
    book.extras[slot].account_next = after
    book.extras[slot].account_previous = before
    if after != 0:
        book.extras[after].account_previous = slot
    if before != 0:
        book.extras[before].account_next = slot
    else:
        head[0] = slot


cdef inline void account_unlink(Book* book, uint32_t slot) noexcept nogil:
    cdef uint32_t after = book.extras[slot].account_next
    cdef uint32_t before = book.extras[slot].account_previous
    if after != 0:
        book.extras[after].account_previous = before
    if before != 0:
        book.extras[before].account_next = after
    else:
        book.account_head[book.orders[slot].account] = after


# --- orders ------------------------------------------------------------------------------------

cdef inline int64_t hidden_lots(const Book* book, uint32_t slot) noexcept nogil:
    cdef uint32_t iceberg = book.extras[slot].iceberg
    return book.icebergs[iceberg].hidden if iceberg != 0 else 0


cdef inline uint8_t side_of_slot(const Book* book, uint32_t slot) noexcept nogil:
    return SELL if tag_at(book, book.orders[slot].id)[0] & TAG_SIDE else BUY


cdef inline void order_forget(Book* book, uint32_t slot) noexcept nogil:
    """An order that is in no level or heap any more leaves every other list."""
    cdef Order* order = &book.orders[slot]
    cdef uint32_t iceberg = book.extras[slot].iceberg
    tag_at(book, order.id)[0] = 0
    if order.account != NO_ACCOUNT:
        account_unlink(book, slot)
    if iceberg != 0:
        book.icebergs[iceberg].display = book.iceberg_free
        book.iceberg_free = iceberg
    book.live_orders -= 1
    memset(&book.extras[slot], 0, sizeof(OrderExtra))
    slot_release(book, slot)


cdef inline void order_remove(Book* book, uint32_t slot) noexcept nogil:
    """Take any order or waiting stop out of the book."""
    cdef OrderExtra* extra = &book.extras[slot]
    if extra.waiting:
        heap_remove(stop_heap(book, extra.side, extra.flags), slot)
    else:
        level_unlink(book, side_of_slot(book, slot), slot)
    order_forget(book, slot)


# --- fills -------------------------------------------------------------------------------------

cdef inline int fills_grow(Book* book) noexcept nogil:
    """Twice the room for fills; -1 (and the sticky flag) without memory."""
    cdef int64_t wanted = 2 * book.fill_capacity if book.fill_capacity > 0 else 64
    cdef void* grown = memory_resize(book.fills, <size_t>book.fill_capacity * sizeof(Fill),
                                     <size_t>wanted * sizeof(Fill), 1)
    if grown == NULL:
        book.out_of_memory = 1
        return -1
    book.fills = <Fill*>grown
    book.fill_capacity = wanted
    return 0


cdef inline void fill_write(Fill* fill, const Order* maker, int64_t taker, int32_t taker_account,
                            int64_t size, int32_t price, uint32_t index,
                            uint8_t side, uint8_t maker_flags) noexcept nogil:
    fill.maker = maker.id
    fill.taker = taker
    fill.size = size
    fill.price = price
    fill.maker_account = maker.account
    fill.taker_account = taker_account
    fill.message = index
    # side, flags and padding in one store
    (<uint64_t*>&fill.side)[0] = <uint64_t>side | (<uint64_t>maker_flags << 8)


cdef inline void fill_write_plain(Fill* fill, const Order* maker, int64_t taker, uint64_t prices,
                                  uint64_t taker_words, uint8_t side) noexcept nogil:
    """The whole of an order of a plain maker. `prices` is the price and the maker's account,
    `taker_words` the taker's account and the index of the message, as little-endian words."""
    fill.maker = maker.id
    fill.taker = taker
    fill.size = maker.size
    (<uint64_t*>&fill.price)[0] = prices
    (<uint64_t*>&fill.taker_account)[0] = taker_words
    (<uint64_t*>&fill.side)[0] = side
