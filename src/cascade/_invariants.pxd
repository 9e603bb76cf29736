"""What must hold of a book between two messages, each promise with its own number.

The walk visits every level, order, list and heap once and trusts no link: counters bound every
loop, so that a broken book is reported and never followed for ever.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._bitmap cimport Bitmap, bitmap_down, bitmap_up
from cascade._book cimport (
    LEVEL_MIXED, SLOT_MASK, STOP_HEAPS, TAG_SIDE, TAG_SPECIAL, Book, Level, Order, OrderExtra,
)
from cascade._heap cimport heap_validate
from cascade._levels cimport stop_heap, tag_at
from cascade._types cimport BUY, FLAG_ICEBERG, NO_ACCOUNT, SELL

cdef enum Invariant:
    BROKEN_NOTHING = 0
    BROKEN_BEST = 1              # a best price is not the best occupied one
    BROKEN_CROSSED = 2           # best bid at or above best ask outside an auction
    BROKEN_EMPTY_LEVEL = 3       # a level marked as occupied holds no order
    BROKEN_LINKS = 4             # a queue's links, head or tail disagree
    BROKEN_LEVEL_SIZE = 5        # a level's size is not the sum of its orders
    BROKEN_ORDER = 6             # an order's price, size, side or id is impossible
    BROKEN_ID = 7                # the id table does not lead to the order
    BROKEN_ICEBERG = 8           # hidden size without the flag, or a wrong iceberg record
    BROKEN_STOP = 9              # a heap is out of order or holds what does not wait
    BROKEN_ACCOUNT = 10          # an account's list does not hold its orders by id
    BROKEN_COUNT = 11            # live, free and used slots do not add up


cdef inline int broken_order(const Book* book, uint32_t slot, uint8_t side,
                             uint8_t waiting) noexcept nogil:
    cdef const Order* order = &book.orders[slot]
    cdef const OrderExtra* extra = &book.extras[slot]
    cdef uint32_t tag
    cdef bint special
    if order.id < book.first_id or order.id >= book.next_id:
        return BROKEN_ID
    tag = tag_at(book, order.id)[0]
    special = waiting or extra.flags or extra.self_trade or order.account != NO_ACCOUNT
    if ((tag & SLOT_MASK) != slot or ((tag & TAG_SIDE) != 0) != (side == SELL)
            or ((tag & TAG_SPECIAL) != 0) != special):
        return BROKEN_ID
    if order.size < 1 or (special and extra.side != side) or extra.waiting != waiting:
        return BROKEN_ORDER
    if (extra.iceberg != 0) != (not waiting and (extra.flags & FLAG_ICEBERG) != 0):
        return BROKEN_ICEBERG
    if extra.iceberg != 0:
        if (extra.iceberg >= book.iceberg_top or book.icebergs[extra.iceberg].hidden < 0
                or order.size > book.icebergs[extra.iceberg].display):
            return BROKEN_ICEBERG
    return BROKEN_NOTHING


cdef inline int broken_level(const Book* book, uint8_t side, int32_t price,
                             int64_t* seen) noexcept nogil:
    cdef const Level* level = &book.levels[side][price - book.base]
    cdef uint32_t slot = level.head, previous = 0
    cdef int64_t size = 0
    cdef int broken
    cdef bint mixed = False
    if slot == 0:
        return BROKEN_EMPTY_LEVEL
    while slot != 0:
        if slot >= book.order_top or seen[0] >= book.live_orders:
            return BROKEN_LINKS
        broken = broken_order(book, slot, side, 0)
        if broken:
            return broken
        if book.orders[slot].previous != previous:
            return BROKEN_LINKS
        if book.orders[slot].price != price:
            return BROKEN_ORDER
        mixed = mixed or (tag_at(book, book.orders[slot].id)[0] & TAG_SPECIAL) != 0
        size += book.orders[slot].size
        seen[0] += 1
        previous = slot
        slot = book.orders[slot].next
    if (level.tail & SLOT_MASK) != previous or (mixed and not level.tail & LEVEL_MIXED):
        return BROKEN_LINKS
    return BROKEN_NOTHING if size == level.size else BROKEN_LEVEL_SIZE


cdef inline int broken_side(const Book* book, uint8_t side, int64_t* seen) noexcept nogil:
    cdef const Bitmap* occupied = &book.occupied[side]
    cdef int32_t tick, best = book.best_bid if side == BUY else book.best_ask
    cdef int broken
    if book.window == 0:
        return BROKEN_NOTHING if best == 0 else BROKEN_BEST
    tick = bitmap_down(occupied, book.window - 1) if side == BUY else bitmap_up(occupied, 0)
    if best != (0 if tick < 0 else tick + book.base):
        return BROKEN_BEST
    tick = bitmap_up(occupied, 0)
    while tick >= 0:
        broken = broken_level(book, side, tick + book.base, seen)
        if broken:
            return broken
        tick = bitmap_up(occupied, tick + 1)
    return BROKEN_NOTHING


cdef inline int broken_stops(const Book* book, int64_t* seen) noexcept nogil:
    cdef int at, broken
    cdef uint32_t node, slot
    for at in range(STOP_HEAPS):
        if heap_validate(&book.stops[at]):
            return BROKEN_STOP
        for node in range(book.stops[at].count):
            slot = book.stops[at].nodes[node].item
            if slot == 0 or slot >= book.order_top:
                return BROKEN_STOP
            broken = broken_order(book, slot, BUY if at & 1 else SELL, 1)
            if broken:
                return broken
            if stop_heap(book, book.extras[slot].side, book.extras[slot].flags) != &book.stops[at]:
                return BROKEN_STOP
            seen[0] += 1
    return BROKEN_NOTHING


cdef inline int broken_accounts(const Book* book) noexcept nogil:
    cdef int64_t account, listed = 0, of_accounts = 0, last_id
    cdef uint32_t slot, previous
    for slot in range(1, book.order_top):
        if book.orders[slot].id != 0 and book.orders[slot].account != NO_ACCOUNT:
            of_accounts += 1
    for account in range(-2, book.account_capacity):
        slot = book.account_head[account]
        previous = 0
        last_id = book.next_id
        while slot != 0:
            if (slot >= book.order_top or book.orders[slot].id >= last_id
                    or book.orders[slot].id == 0 or book.orders[slot].account != account
                    or book.extras[slot].account_previous != previous):
                return BROKEN_ACCOUNT
            last_id = book.orders[slot].id
            listed += 1
            previous = slot
            slot = book.extras[slot].account_next
    return BROKEN_NOTHING if listed == of_accounts else BROKEN_ACCOUNT


cdef inline int broken_counts(const Book* book, int64_t seen) noexcept nogil:
    cdef int64_t unused = 0, ids = 0, at
    cdef uint32_t slot = book.order_free
    while slot != 0:
        if slot >= book.order_top or book.orders[slot].id != 0 or unused >= book.order_top:
            return BROKEN_COUNT
        unused += 1
        slot = book.orders[slot].next
    for at in range(book.next_id - book.first_id):
        ids += book.slot_of_id[at] != 0
    if seen != book.live_orders or ids != seen or seen + unused + 1 != book.order_top:
        return BROKEN_COUNT
    return BROKEN_NOTHING


cdef inline int first_broken(const Book* book) noexcept nogil:
    """The first promise that does not hold, BROKEN_NOTHING when all do."""
    cdef int64_t seen = 0
    cdef uint8_t side
    cdef int broken
    for side in range(2):
        broken = broken_side(book, side, &seen)
        if broken:
            return broken
    if not book.auction and book.best_ask != 0 and book.best_bid >= book.best_ask:
        return BROKEN_CROSSED
    broken = broken_stops(book, &seen)
    if broken == BROKEN_NOTHING:
        broken = broken_accounts(book)
    return broken if broken else broken_counts(book, seen)
