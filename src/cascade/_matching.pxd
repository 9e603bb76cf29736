"""Matching and self-trade prevention: steps 6 to 8 of docs/book.md.

A taker walks the best levels. Plain makers are filled in a short loop, and the chain of those that are
gone goes back to the free list in one splice; every other maker is met one at a time.
Reducing and expelling orders stands here too, because prevention does both.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from cascade._bitmap cimport bitmap_down, bitmap_up, unlikely
from cascade._book cimport LEVEL_MIXED, TAG_SPECIAL, Book, Fill, Iceberg, Level, Order, OrderExtra
from cascade._levels cimport (
    __builtin_prefetch, fill_write, fill_write_plain, fills_grow, hidden_lots, level_append,
    level_at, level_emptied, level_unlink, order_forget, order_remove, side_of_slot,
)
from cascade._types cimport (
    BUY, FLAG_REDUCE_ONLY, NO_ACCOUNT, SELF_TRADE_ALLOW, SELF_TRADE_CANCEL_BOTH,
    SELF_TRADE_CANCEL_NEWEST, SELF_TRADE_CANCEL_OLDEST, SELF_TRADE_DECREMENT, SELL,
)

cdef enum:
    NOT_STOPPED = 0
    STOPPED_BY_PREVENTION = 1
    STOPPED_WITHOUT_MEMORY = 2
    FILLS_AHEAD = 16          # fills whose memory is fetched before they are written

cdef struct Taker:
    int64_t order
    int64_t left
    int32_t account
    int32_t limit             # worst price it trades at
    uint32_t index
    uint8_t side
    uint8_t policy            # SelfTrade, SELF_TRADE_ALLOW for the anonymous account
    uint8_t stopped


cdef inline void removed_lots(Book* book, uint32_t slot, int64_t lots) noexcept nogil:
    if book.removed != NULL:
        book.extras[slot].side = side_of_slot(book, slot)
        book.removed(book.context, &book.orders[slot], &book.extras[slot], lots)


cdef inline void expel(Book* book, uint32_t slot) noexcept nogil:
    """Remove an order or waiting stop without a fill."""
    removed_lots(book, slot, book.orders[slot].size + hidden_lots(book, slot))
    order_remove(book, slot)


cdef inline void order_reduce(Book* book, uint32_t slot, int64_t lots) noexcept nogil:
    cdef Order* order = &book.orders[slot]
    cdef OrderExtra* extra = &book.extras[slot]
    cdef int64_t hidden = hidden_lots(book, slot)
    if lots >= order.size + hidden:
        expel(book, slot)
        return
    removed_lots(book, slot, lots)
    if hidden > 0:
        hidden = lots if lots < hidden else hidden
        book.icebergs[extra.iceberg].hidden -= hidden
        lots -= hidden
    order.size -= lots
    if not extra.waiting:
        level_at(book, side_of_slot(book, slot), order.price).size -= lots


cdef inline void prevent(Book* book, Taker* taker, uint32_t slot) noexcept nogil:
    """Step 8: the maker next in line is the taker's own."""
    cdef int64_t open_lots = book.orders[slot].size + hidden_lots(book, slot)
    cdef int64_t lots
    if taker.policy == SELF_TRADE_DECREMENT:
        lots = taker.left if taker.left < open_lots else open_lots
        order_reduce(book, slot, lots)
        taker.left -= lots
        if taker.left == 0:
            taker.stopped = STOPPED_BY_PREVENTION
        return
    if taker.policy != SELF_TRADE_CANCEL_NEWEST:
        expel(book, slot)
    if taker.policy != SELF_TRADE_CANCEL_OLDEST:
        taker.stopped = STOPPED_BY_PREVENTION


cdef inline bint may_trade(Book* book, uint32_t slot) noexcept nogil:
    """Cut a reduce-only maker to what its account may still close; False: it is gone."""
    cdef int64_t open_lots = book.orders[slot].size + hidden_lots(book, slot)
    cdef int64_t lots = book.allow(book.context, &book.orders[slot], &book.extras[slot])
    if lots < open_lots:
        order_reduce(book, slot, open_lots - lots if lots > 0 else open_lots)
    return lots > 0


cdef inline void meet(Book* book, Taker* taker, uint32_t slot) noexcept nogil:
    """One encounter with the order at the head of the best level, whatever it is."""
    cdef Order* order = &book.orders[slot]
    cdef OrderExtra* extra = &book.extras[slot]
    cdef Iceberg* iceberg
    cdef int64_t lots
    if taker.policy != SELF_TRADE_ALLOW and order.account == taker.account:
        prevent(book, taker, slot)
        return
    if extra.flags & FLAG_REDUCE_ONLY and book.allow != NULL and not may_trade(book, slot):
        return
    if book.fill_count >= book.fill_capacity and fills_grow(book):
        taker.stopped = STOPPED_WITHOUT_MEMORY
        return
    lots = taker.left if taker.left < order.size else order.size
    fill_write(&book.fills[book.fill_count], order, taker.order, taker.account, lots, order.price,
               taker.index, taker.side, extra.flags)
    book.fill_count += 1
    taker.left -= lots
    if lots < order.size:
        order.size -= lots
        level_at(book, 1 - taker.side, order.price).size -= lots
        return
    level_unlink(book, 1 - taker.side, slot)
    iceberg = &book.icebergs[extra.iceberg]
    if extra.iceberg == 0 or iceberg.hidden == 0:
        order_forget(book, slot)
        return
    order.size = iceberg.display if iceberg.display < iceberg.hidden else iceberg.hidden
    iceberg.hidden -= order.size
    level_append(book, 1 - taker.side, order.price, slot, order.size, LEVEL_MIXED)


cdef struct Sweep:            # a taker in the plain part of a level; lives in registers
    Fill* fill                # next to be written
    Fill* fill_end
    int64_t left              # lots of the taker
    int64_t level_size
    int64_t gone              # makers filled whole
    uint32_t slot             # next maker, 0: none
    uint32_t last             # last maker filled whole, 0: none
    int64_t taker
    uint64_t taker_words      # its account and message, as a fill holds them


cdef inline void take_level(Order* orders, uint32_t* tags, Sweep* sweep, int32_t price,
                            uint8_t side) noexcept nogil:
    """Fill a level that is wanted whole: no lots to compare, and all its makers are anonymous."""
    cdef int64_t size = 0
    cdef uint64_t prices = <uint32_t>price | (<uint64_t><uint32_t>NO_ACCOUNT << 32)
    cdef Order* order
    cdef uint32_t following
    while sweep.fill != sweep.fill_end:
        order = &orders[sweep.slot]
        following = order.next
        __builtin_prefetch(&orders[following])
        __builtin_prefetch(sweep.fill + FILLS_AHEAD)
        size += order.size
        fill_write_plain(sweep.fill, order, sweep.taker, prices, sweep.taker_words, side)
        sweep.fill += 1
        tags[order.id] = 0
        order.id = 0
        sweep.gone += 1
        sweep.last = sweep.slot
        sweep.slot = following
        if following == 0:
            break
    sweep.left -= size
    sweep.level_size -= size


cdef inline void take_makers(Order* orders, uint32_t* tags, const Taker* taker, Sweep* sweep,
                             int32_t price, uint8_t side, uint32_t mixed) noexcept nogil:
    """Fill plain makers in turn, up to one that is not, or until lots, makers or room run out."""
    cdef int64_t size
    cdef Order* order
    cdef uint32_t following
    while sweep.slot != 0:
        order = &orders[sweep.slot]
        if unlikely(sweep.fill == sweep.fill_end) or (mixed and tags[order.id] & TAG_SPECIAL):
            break
        size = order.size
        if sweep.left < size:
            fill_write(sweep.fill, order, taker.order, taker.account, sweep.left, price,
                       taker.index, side, 0)
            sweep.fill += 1
            order.size = size - sweep.left
            sweep.level_size -= sweep.left
            sweep.left = 0
            break
        following = order.next
        __builtin_prefetch(&orders[following])
        __builtin_prefetch(sweep.fill + FILLS_AHEAD)
        fill_write(sweep.fill, order, taker.order, taker.account, size, price, taker.index, side,
                   0)
        sweep.fill += 1
        sweep.left -= size
        sweep.level_size -= size
        tags[order.id] = 0
        order.id = 0
        sweep.gone += 1
        sweep.last = sweep.slot
        sweep.slot = following
        if following == 0 or sweep.left == 0:
            break


cdef inline void go_on(Book* book, Taker* taker, Sweep* sweep) noexcept nogil:
    """What ended the plain part: no room for fills, or a maker that is met one at a time."""
    book.fill_count = sweep.fill - book.fills
    if sweep.fill == sweep.fill_end:
        if fills_grow(book):
            taker.stopped = STOPPED_WITHOUT_MEMORY
            return
    else:
        taker.left = sweep.left
        meet(book, taker, sweep.slot)
        sweep.left = taker.left
    sweep.fill = book.fills + book.fill_count
    sweep.fill_end = book.fills + book.fill_capacity


cdef inline void match_side(Book* book, Taker* taker, uint8_t side) noexcept nogil:
    """Step 7 for a taker of `side`, a constant where this is inlined."""
    cdef Order* orders = book.orders
    cdef uint32_t* tags = book.slot_of_id - book.first_id
    cdef int64_t before = book.fill_count
    cdef int32_t price
    cdef Level* level
    cdef uint32_t first, mixed
    cdef Sweep sweep
    sweep.fill = book.fills + book.fill_count
    sweep.fill_end = book.fills + book.fill_capacity
    sweep.left = taker.left
    sweep.gone = 0
    sweep.taker = taker.order
    sweep.taker_words = <uint32_t>taker.account | (<uint64_t>taker.index << 32)
    while sweep.left > 0:
        if side == BUY:
            price = book.best_ask
            if <uint32_t>(price - 1) >= <uint32_t>taker.limit:
                break
        else:
            price = book.best_bid
            if price < taker.limit:
                break
        level = level_at(book, 1 - side, price)
        first = level.head
        sweep.slot = first
        sweep.last = 0
        sweep.level_size = level.size
        mixed = level.tail & LEVEL_MIXED
        if mixed == 0 and sweep.left >= sweep.level_size:
            take_level(orders, tags, &sweep, price, side)
        take_makers(orders, tags, taker, &sweep, price, side, mixed)
        level.size = sweep.level_size
        if sweep.last != 0:
            # the filled orders are still chained: give them back at once
            orders[sweep.last].next = book.order_free
            book.order_free = first
            level.head = sweep.slot
            if sweep.slot == 0:
                level.tail = 0
                level_emptied(book, 1 - side, price)
                continue
            orders[sweep.slot].previous = 0
        if sweep.left == 0:
            break
        go_on(book, taker, &sweep)
        if taker.stopped:
            break
    taker.left = sweep.left
    book.live_orders -= sweep.gone
    book.fill_count = sweep.fill - book.fills
    if book.fill_count > before:
        book.last = book.fills[book.fill_count - 1].price


cdef inline int32_t next_price(const Book* book, uint8_t side, int32_t price) noexcept nogil:
    """Next occupied price of a side, away from its best; 0: none."""
    cdef int32_t tick
    if side == BUY:
        tick = bitmap_down(&book.occupied[<int>BUY], price - book.base - 1)
    else:
        tick = bitmap_up(&book.occupied[<int>SELL], price - book.base + 1)
    return 0 if tick < 0 else tick + book.base


cdef inline void count_maker(const Book* book, uint32_t slot, int64_t* displayed,
                             int64_t* hidden) noexcept nogil:
    cdef const Order* order = &book.orders[slot]
    cdef const OrderExtra* extra = &book.extras[slot]
    cdef int64_t lots = order.size + hidden_lots(book, slot), allowed = lots
    if extra.flags & FLAG_REDUCE_ONLY and book.allow != NULL:
        allowed = book.allow(book.context, order, extra)
        allowed = 0 if allowed < 0 else lots if allowed > lots else allowed
    lots = order.size if order.size < allowed else allowed
    displayed[0] += lots
    hidden[0] += allowed - lots


cdef inline int64_t available_lots(const Book* book, uint8_t side, int32_t limit, int64_t wanted,
                                   int32_t account, uint8_t self_trade) noexcept nogil:
    """Walks the levels a taker would walk; order by order only where hidden size or an own order
    can matter."""
    cdef uint8_t opposite = 1 - side
    cdef bint own_matters = self_trade != SELF_TRADE_ALLOW and account != NO_ACCOUNT
    cdef bint stops_at_own = (self_trade == SELF_TRADE_CANCEL_NEWEST
                              or self_trade == SELF_TRADE_CANCEL_BOTH)
    cdef bint by_order = own_matters or book.iceberg_top > 1 or book.allow != NULL
    cdef int32_t price = book.best_ask if side == BUY else book.best_bid
    cdef int64_t available = 0, displayed, hidden
    cdef uint32_t slot
    while price != 0 and available < wanted:
        if price > limit if side == BUY else price < limit:
            break
        if not by_order:
            available += level_at(book, opposite, price).size
        else:
            displayed = 0
            hidden = 0
            slot = level_at(book, opposite, price).head
            while slot != 0 and available + displayed < wanted:
                if own_matters and book.orders[slot].account == account:
                    if stops_at_own:
                        return available + displayed
                else:
                    count_maker(book, slot, &displayed, &hidden)
                    # the hidden lots of 2**15 large icebergs do not fit in 64 bits
                    if hidden > wanted:
                        hidden = wanted
                slot = book.orders[slot].next
            available += displayed + hidden
        price = next_price(book, opposite, price)
    return available if available < wanted else wanted
