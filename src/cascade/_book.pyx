"""The price-time-priority book of docs/book.md: admission, matching, stops, modify and cancel.

Orders are 32-byte records in one pool, linked by slot number into the queue of their level. The
levels of a side are an array over a window of ticks; a bitmap finds the next occupied one. A level that is
swept is given back to the free list as one chain. Plain orders (see `_levels.pxd`) take
a short path; anything with an account, a flag or hidden size is met one at a time. Numbers in
comments are the steps of docs/book.md.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from cascade._bitmap cimport bitmap_down, bitmap_up, likely, unlikely
from cascade._growth cimport (
    BELOW_ACCOUNTS, account_ready, accounts_grow, icebergs_grow, ids_grow, levels_allocate,
    levels_free, levels_move, no_memory, orders_grow, stops_grow, window_cover,
)
from cascade._heap cimport heap_build, heap_copy, heap_free, heap_init, heap_pop, heap_set
from cascade._invariants cimport first_broken
from cascade._levels cimport (
    __builtin_prefetch, account_link, fill_write, fills_grow, hidden_lots, in_window, level_append,
    level_at, level_emptied, level_unlink, order_forget, order_remove, slot_take, stop_heap, tag_at,
)
from cascade._memory cimport memory_allocate, memory_release, memory_resize, memory_touch
from cascade._types cimport (
    BUY, CODE_AUCTION, CODE_BAD_MESSAGE, CODE_BAD_PRICE, CODE_BAD_SIZE, CODE_LEVEL_FULL,
    CODE_NOT_FILLABLE, CODE_OK, CODE_REDUCE_ONLY, CODE_SELF_TRADE_CANCELLED, CODE_STOP_WAITING,
    CODE_UNKNOWN_ORDER, CODE_WINDOW, CODE_WOULD_TRADE, FLAG_ICEBERG, FLAG_LONG_LEG,
    FLAG_POST_ONLY, FLAG_POST_ONLY_SLIDE, FLAG_REDUCE_ONLY, FLAG_SHORT_LEG, FLAG_STOP_ON_MARK, FOK,
    GTC, HOUSE_ACCOUNT, IOC, MAX_PRICE, MAX_SIZE, MESSAGE_CANCEL, MESSAGE_CANCEL_ALL,
    MESSAGE_LIMIT, MESSAGE_MARKET, MESSAGE_MODIFY, MESSAGE_STOP, MESSAGE_STOP_LIMIT, NO_ACCOUNT,
    SELF_TRADE_ALLOW, SELF_TRADE_CANCEL_BOTH, SELF_TRADE_CANCEL_NEWEST, SELF_TRADE_CANCEL_OLDEST,
    SELF_TRADE_DECREMENT, SELL,
)

cdef enum:
    ANY_POST_ONLY = 3            # both post-only flags
    BOTH_LEGS = 96
    DEFINED_FLAGS = 127
    # first four bytes of a message, as the little-endian word they make
    PLAIN_LIMIT = 0x0000
    PLAIN_MARKET = 0x0002
    SIDE_BIT = 0x0100
    PREFETCH_ORDERS = 16384      # live orders from which the book is larger than a core's cache
    PREFETCH_IDS_AHEAD = 24      # messages
    PREFETCH_ORDERS_AHEAD = 10
    NOT_STOPPED = 0
    STOPPED_BY_PREVENTION = 1
    STOPPED_WITHOUT_MEMORY = 2

cdef extern from *:
    """
    #define CASCADE_MAX_LEVEL (((int64_t)1) << 62)
    """
    const int64_t MAX_LEVEL "CASCADE_MAX_LEVEL"     # lots

cdef struct Taker:
    int64_t order
    int64_t left
    int32_t account
    int32_t limit             # worst price it trades at
    uint32_t index
    uint8_t side
    uint8_t policy            # SelfTrade, SELF_TRADE_ALLOW for the anonymous account
    uint8_t stopped


# --- life of a book ----------------------------------------------------------------------------

cdef int book_init(Book* book, int64_t min_size, int64_t max_size,
                   int32_t min_price, int32_t max_price) noexcept nogil:
    cdef int heap
    memset(book, 0, sizeof(Book))
    book.min_size = min_size if min_size > 1 else 1
    book.max_size = max_size if max_size < MAX_SIZE else MAX_SIZE
    book.min_price = min_price if min_price > 1 else 1
    book.max_price = max_price if max_price < MAX_PRICE else MAX_PRICE
    book.next_id = 1
    book.first_id = 1
    book.order_top = 1
    book.iceberg_top = 1
    for heap in range(STOP_HEAPS):
        heap_init(&book.stops[heap])
    if orders_grow(book, 2) or ids_grow(book, 1) or accounts_grow(book, 0):
        book_free(book)
        return -1
    return 0


cdef void book_free(Book* book) noexcept nogil:
    cdef int heap
    memory_release(book.orders, <size_t>book.order_capacity * sizeof(Order))
    memory_release(book.extras, <size_t>book.order_capacity * sizeof(OrderExtra))
    memory_release(book.icebergs, <size_t>book.iceberg_capacity * sizeof(Iceberg))
    memory_release(book.slot_of_id, <size_t>book.id_capacity * sizeof(uint32_t))
    memory_release(book.fills, <size_t>book.fill_capacity * sizeof(Fill))
    if book.account_head != NULL:
        memory_release(book.account_head - BELOW_ACCOUNTS,
                       <size_t>(book.account_capacity + BELOW_ACCOUNTS) * sizeof(uint32_t))
    levels_free(book.levels, book.occupied, book.window)
    for heap in range(STOP_HEAPS):
        heap_free(&book.stops[heap])
    memset(book, 0, sizeof(Book))


cdef void* copied(const void* block, size_t capacity, size_t used) noexcept nogil:
    cdef void* copy = memory_allocate(capacity, 1)
    if copy != NULL and used > 0:
        memcpy(copy, block, used)
    return copy


cdef int book_copy(Book* target, const Book* source) noexcept nogil:
    """Same state in own memory; fills, busy flag and callbacks are not part of it."""
    cdef int heap
    cdef bint failed = False
    cdef uint32_t* heads
    memcpy(target, source, sizeof(Book))
    target.fills = NULL
    target.fill_count = 0
    target.fill_capacity = 0
    target.busy = 0
    target.allow = NULL
    target.removed = NULL
    target.context = NULL
    target.orders = <Order*>copied(source.orders, <size_t>source.order_capacity * sizeof(Order),
                                   <size_t>source.order_top * sizeof(Order))
    target.extras = <OrderExtra*>copied(source.extras,
                                        <size_t>source.order_capacity * sizeof(OrderExtra),
                                        <size_t>source.order_top * sizeof(OrderExtra))
    target.icebergs = <Iceberg*>copied(source.icebergs,
                                       <size_t>source.iceberg_capacity * sizeof(Iceberg),
                                       <size_t>source.iceberg_capacity * sizeof(Iceberg))
    target.slot_of_id = <uint32_t*>copied(
        source.slot_of_id, <size_t>source.id_capacity * sizeof(uint32_t),
        <size_t>(source.next_id - source.first_id) * sizeof(uint32_t))
    heads = <uint32_t*>copied(source.account_head - BELOW_ACCOUNTS,
                              <size_t>(source.account_capacity + BELOW_ACCOUNTS) * sizeof(uint32_t),
                              <size_t>(source.account_capacity + BELOW_ACCOUNTS) * sizeof(uint32_t))
    target.account_head = heads + BELOW_ACCOUNTS if heads != NULL else NULL
    memset(target.occupied, 0, sizeof(target.occupied))
    target.levels[0] = NULL
    target.levels[1] = NULL
    if source.window > 0:
        if levels_allocate(target.levels, target.occupied, source.window):
            failed = True
        else:
            levels_move(<Book*>source, target.levels, target.occupied, source.base)
    for heap in range(STOP_HEAPS):
        heap_init(&target.stops[heap])
        failed |= heap_copy(&target.stops[heap], &source.stops[heap]) != 0
    if (failed or target.orders == NULL or target.extras == NULL or target.icebergs == NULL
            or target.slot_of_id == NULL or target.account_head == NULL):
        book_free(target)
        return -1
    return 0


cdef int book_reserve(Book* book, int64_t orders, int64_t fills, int64_t ids) noexcept nogil:
    cdef void* grown
    if book.order_top + orders > book.order_capacity and orders_grow(book, book.order_top + orders):
        return -1
    if (book.next_id - book.first_id + ids > book.id_capacity) and ids_grow(book, ids):
        return -1
    if book.fill_count + fills > book.fill_capacity:
        grown = memory_resize(book.fills, <size_t>book.fill_capacity * sizeof(Fill),
                              <size_t>(book.fill_count + fills) * sizeof(Fill), 1)
        if grown == NULL:
            return no_memory(book)
        book.fills = <Fill*>grown
        book.fill_capacity = book.fill_count + fills
    return 0


cdef void book_touch(Book* book) noexcept nogil:
    memory_touch(book.orders, 0, <size_t>book.order_capacity * sizeof(Order))
    memory_touch(book.extras, 0, <size_t>book.order_capacity * sizeof(OrderExtra))
    memory_touch(book.slot_of_id, 0, <size_t>book.id_capacity * sizeof(uint32_t))
    memory_touch(book.fills, 0, <size_t>book.fill_capacity * sizeof(Fill))


cdef void book_clear_fills(Book* book) noexcept nogil:
    book.fill_count = 0


cdef int64_t book_take_id(Book* book) noexcept nogil:
    cdef int64_t order_id = book.next_id
    if unlikely(order_id - book.first_id >= book.id_capacity) and ids_grow(book, 1):
        return order_id
    book.next_id = order_id + 1
    return order_id


cdef uint32_t book_find(const Book* book, int64_t order_id) noexcept nogil:
    if order_id < book.first_id or order_id >= book.next_id:
        return 0
    return tag_at(book, order_id)[0] & SLOT_MASK


cdef int book_validate(const Book* book) noexcept nogil:
    return first_broken(book)


# --- steps 1 and 2 -----------------------------------------------------------------------------

cdef inline bint well_formed(const Message* message) noexcept nogil:
    cdef uint8_t flags = message.flags, kind = message.kind
    cdef uint8_t time_in_force = message.time_in_force & 15
    cdef bint is_stop = kind == MESSAGE_STOP or kind == MESSAGE_STOP_LIMIT
    cdef bint has_limit = kind == MESSAGE_LIMIT or kind == MESSAGE_STOP_LIMIT
    if not (is_stop or has_limit or kind == MESSAGE_MARKET):
        return False
    if (message.side > SELL or time_in_force > FOK or flags > DEFINED_FLAGS
            or (message.time_in_force >> 4) > SELF_TRADE_DECREMENT
            or message.account < HOUSE_ACCOUNT):
        return False
    if (flags & BOTH_LEGS) == BOTH_LEGS or (flags & ANY_POST_ONLY) == ANY_POST_ONLY:
        return False
    if flags & ANY_POST_ONLY and (time_in_force != GTC or not has_limit):
        return False
    if flags & FLAG_ICEBERG and (time_in_force != GTC or kind != MESSAGE_LIMIT):
        return False
    if is_stop:
        return time_in_force == GTC
    return not flags & FLAG_STOP_ON_MARK


cdef uint8_t book_check(const Book* book, const Message* message) noexcept nogil:
    if message.kind == MESSAGE_CANCEL or message.kind == MESSAGE_CANCEL_ALL:
        return CODE_OK
    if message.kind != MESSAGE_MODIFY and not well_formed(message):
        return CODE_BAD_MESSAGE
    if message.size < book.min_size or message.size > book.max_size:
        return CODE_BAD_SIZE
    if message.kind != MESSAGE_MARKET and message.kind != MESSAGE_STOP:
        if message.price < book.min_price or message.price > book.max_price:
            return CODE_BAD_PRICE
    if message.kind == MESSAGE_MODIFY:
        return CODE_OK
    if message.kind == MESSAGE_STOP or message.kind == MESSAGE_STOP_LIMIT:
        if message.extra < 1 or message.extra > MAX_PRICE:
            return CODE_BAD_PRICE
    elif message.flags & FLAG_ICEBERG and (message.extra < 1 or message.extra > message.size):
        return CODE_BAD_SIZE
    if message.flags & FLAG_REDUCE_ONLY and book.allow == NULL:
        return CODE_REDUCE_ONLY
    return CODE_OK


# --- steps 5 to 9 ------------------------------------------------------------------------------

cdef inline bint crosses(const Book* book, uint8_t side, int32_t limit) noexcept nogil:
    """Does the best opposite price trade at `limit`? No best price is 0."""
    if side == BUY:
        return <uint32_t>(book.best_ask - 1) < <uint32_t>limit
    return book.best_bid >= limit


cdef inline int32_t limit_of(const Message* message) noexcept nogil:
    if message.kind == MESSAGE_LIMIT:
        return message.price
    return MAX_PRICE if message.side == BUY else 1


cdef inline uint8_t policy_of(const Message* message) noexcept nogil:
    return SELF_TRADE_ALLOW if message.account == NO_ACCOUNT else message.time_in_force >> 4


cdef inline bint slots_ready(const Book* book) noexcept nogil:
    return book.order_free != 0 or book.order_top < book.order_capacity


cdef int room_to_rest(Book* book, const Message* message, int32_t price) noexcept nogil:
    """Everything an order that may rest can need, so that nothing fails half-way."""
    if not in_window(book, price) and window_cover(book, price):
        return -1
    if not slots_ready(book) and orders_grow(book, <int64_t>book.order_top + 1):
        return -1
    if not account_ready(book, message.account) and accounts_grow(book, message.account):
        return -1
    if (message.flags & FLAG_ICEBERG and book.iceberg_free == 0
            and book.iceberg_top >= book.iceberg_capacity):
        return icebergs_grow(book)
    return 0


cdef uint8_t admit(Book* book, const Message* message, uint32_t leaving,
                   int32_t* price) noexcept nogil:
    """Steps 5 and 6: the refusal or CODE_OK, and the price after sliding. `leaving` is the
    slot of the order that a modify is about to take out, 0: none."""
    cdef uint8_t side = message.side
    cdef bint rests = message.kind == MESSAGE_LIMIT and (message.time_in_force & 15) == GTC
    cdef bint trades = not book.auction and crosses(book, side, limit_of(message))
    cdef int64_t shown = message.size, level_size
    price[0] = message.price
    if trades and message.flags & FLAG_POST_ONLY:
        return CODE_WOULD_TRADE
    if trades and message.flags & FLAG_POST_ONLY_SLIDE:
        price[0] = book.best_ask - 1 if side == BUY else book.best_bid + 1
        if price[0] < book.min_price or price[0] > book.max_price:
            price[0] = message.price
            return CODE_BAD_PRICE
        trades = False
    if rests:
        if room_to_rest(book, message, price[0]):
            return CODE_WINDOW
        if message.flags & FLAG_ICEBERG and message.extra < shown:
            shown = message.extra
        level_size = level_at(book, side, price[0]).size
        if leaving != 0 and book.orders[leaving].price == price[0]:
            level_size -= book.orders[leaving].size
        # a level that trades at once is empty on this side
        if not trades and level_size > MAX_LEVEL - shown:
            return CODE_LEVEL_FULL
    elif (message.time_in_force & 15) == FOK:
        if book_available(book, side, limit_of(message), message.size, message.account,
                          policy_of(message)) < message.size:
            return CODE_NOT_FILLABLE
    return CODE_OK


cdef void place(Book* book, int64_t order_id, const Message* message, int32_t price,
                int64_t size) noexcept nogil:
    """Step 9: rest `size` lots; `room_to_rest` has made room."""
    cdef uint32_t slot = slot_take(book), iceberg = 0
    cdef Order* order = &book.orders[slot]
    cdef OrderExtra* extra = &book.extras[slot]
    cdef uint8_t side = message.side, flags = message.flags
    order.id = order_id
    order.price = price
    order.account = message.account
    order.size = size
    if flags & FLAG_ICEBERG:
        iceberg = book.iceberg_free
        if iceberg != 0:
            book.iceberg_free = <uint32_t>book.icebergs[iceberg].display
        else:
            iceberg = book.iceberg_top
            book.iceberg_top += 1
        order.size = message.extra if message.extra < size else size
        book.icebergs[iceberg].display = message.extra
        book.icebergs[iceberg].hidden = size - order.size
    extra.iceberg = iceberg
    extra.side = side
    extra.flags = flags
    extra.waiting = 0
    extra.self_trade = message.time_in_force >> 4
    tag_at(book, order_id)[0] = (slot | (TAG_SIDE if side == SELL else 0)
                                 | (TAG_SPECIAL if flags or order.account != NO_ACCOUNT else 0))
    if order.account != NO_ACCOUNT:
        account_link(book, slot)
    level_append(book, side, slot)
    book.live_orders += 1


cdef inline void removed_lots(Book* book, uint32_t slot, int64_t lots) noexcept nogil:
    if book.removed != NULL:
        book.removed(book.context, &book.orders[slot], &book.extras[slot], lots)


cdef void expel(Book* book, uint32_t slot) noexcept nogil:
    """Remove an order or waiting stop without a fill."""
    removed_lots(book, slot, book.orders[slot].size + hidden_lots(book, slot))
    order_remove(book, slot)


cdef void book_reduce(Book* book, uint32_t slot, int64_t lots) noexcept nogil:
    cdef Order* order = &book.orders[slot]
    cdef OrderExtra* extra = &book.extras[slot]
    cdef int64_t hidden = hidden_lots(book, slot), shown
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
        level_at(book, extra.side, order.price).size -= lots


cdef void prevent(Book* book, Taker* taker, uint32_t slot) noexcept nogil:
    """Step 8: the maker next in line is the taker's own."""
    cdef int64_t open_lots = book.orders[slot].size + hidden_lots(book, slot)
    cdef int64_t lots
    if taker.policy == SELF_TRADE_DECREMENT:
        lots = taker.left if taker.left < open_lots else open_lots
        book_reduce(book, slot, lots)
        taker.left -= lots
        if taker.left == 0:
            taker.stopped = STOPPED_BY_PREVENTION
        return
    if taker.policy != SELF_TRADE_CANCEL_NEWEST:
        expel(book, slot)
    if taker.policy != SELF_TRADE_CANCEL_OLDEST:
        taker.stopped = STOPPED_BY_PREVENTION


cdef bint may_trade(Book* book, uint32_t slot) noexcept nogil:
    """Cut a reduce-only maker to what its account may still close; False: it is gone."""
    cdef int64_t open_lots = book.orders[slot].size + hidden_lots(book, slot)
    cdef int64_t lots = book.allow(book.context, &book.orders[slot], &book.extras[slot])
    if lots < open_lots:
        book_reduce(book, slot, open_lots - lots if lots > 0 else open_lots)
    return lots > 0


cdef void meet(Book* book, Taker* taker, uint32_t slot) noexcept nogil:
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
        level_at(book, extra.side, order.price).size -= lots
        return
    level_unlink(book, extra.side, slot)
    iceberg = &book.icebergs[extra.iceberg]
    if extra.iceberg == 0 or iceberg.hidden == 0:
        order_forget(book, slot)
        return
    order.size = iceberg.display if iceberg.display < iceberg.hidden else iceberg.hidden
    iceberg.hidden -= order.size
    level_append(book, extra.side, slot)


cdef inline void match_side(Book* book, Taker* taker, uint8_t side) noexcept nogil:
    """Step 7 for a taker of `side`, a constant where this is inlined."""
    cdef Order* orders = book.orders
    cdef uint32_t* tags = book.slot_of_id - book.first_id
    cdef Fill* fill = book.fills + book.fill_count
    cdef Fill* fill_end = book.fills + book.fill_capacity
    cdef int64_t before = book.fill_count, left = taker.left, level_size, size
    cdef int64_t gone = 0
    cdef int32_t price, found
    cdef Level* level
    cdef Order* order
    cdef uint32_t slot, first, last, following
    while left > 0:
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
        slot = first
        last = 0
        level_size = level.size
        while True:
            order = &orders[slot]
            if unlikely(tags[order.id] & TAG_SPECIAL) or unlikely(fill == fill_end):
                break
            size = order.size
            if left < size:
                fill_write(fill, order, taker.order, taker.account, left, price, taker.index,
                           side, 0)
                fill += 1
                order.size = size - left
                level_size -= left
                left = 0
                break
            following = order.next
            __builtin_prefetch(&orders[following])
            fill_write(fill, order, taker.order, taker.account, size, price, taker.index, side, 0)
            fill += 1
            left -= size
            level_size -= size
            tags[order.id] = 0
            order.id = 0
            gone += 1
            last = slot
            slot = following
            if slot == 0 or left == 0:
                break
        level.size = level_size
        if last != 0:
            # the filled orders are still chained: give them back at once
            orders[last].next = book.order_free
            book.order_free = first
            level.head = slot
            if slot == 0:
                level.tail = 0
                level_emptied(book, 1 - side, price)
                continue
            orders[slot].previous = 0
        if left == 0:
            break
        book.fill_count = fill - book.fills
        if fill == fill_end and fills_grow(book):
            taker.stopped = STOPPED_WITHOUT_MEMORY
            break
        taker.left = left
        meet(book, taker, slot)
        left = taker.left
        fill = book.fills + book.fill_count
        fill_end = book.fills + book.fill_capacity
        if taker.stopped:
            break
    taker.left = left
    book.live_orders -= gone
    book.fill_count = fill - book.fills
    if book.fill_count > before:
        book.last = book.fills[book.fill_count - 1].price


cdef void match_buy(Book* book, Taker* taker) noexcept nogil:
    match_side(book, taker, BUY)


cdef void match_sell(Book* book, Taker* taker) noexcept nogil:
    match_side(book, taker, SELL)


cdef void book_enter(Book* book, int64_t order_id, const Message* message, uint32_t index,
                     Submitted* out) noexcept nogil:
    """Steps 5-9 under an id that is taken already."""
    cdef int32_t price = 0
    cdef uint8_t code
    cdef bint rests = message.kind == MESSAGE_LIMIT and (message.time_in_force & 15) == GTC
    cdef Taker taker
    cdef int64_t before = book.fill_count, fill
    out.order = order_id
    out.filled = 0
    out.resting = 0
    code = CODE_AUCTION if book.auction and not rests else admit(book, message, 0, &price)
    out.code = code
    out.price = price
    if code != CODE_OK:
        return
    taker.order = order_id
    taker.left = message.size
    taker.account = message.account
    taker.limit = price if message.kind == MESSAGE_LIMIT else limit_of(message)
    taker.index = index
    taker.side = message.side
    taker.policy = policy_of(message)
    taker.stopped = NOT_STOPPED
    if not book.auction and crosses(book, taker.side, taker.limit):
        if taker.side == BUY:
            match_buy(book, &taker)
        else:
            match_sell(book, &taker)
        # prevention may have taken lots off that were not traded
        for fill in range(before, book.fill_count):
            out.filled += book.fills[fill].size
    if taker.stopped:
        out.code = (CODE_SELF_TRADE_CANCELLED if taker.stopped == STOPPED_BY_PREVENTION
                    else CODE_WINDOW)
    elif rests and taker.left > 0:
        place(book, order_id, message, price, taker.left)
        out.resting = taker.left


cdef int64_t book_available(const Book* book, uint8_t side, int32_t limit, int64_t wanted,
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
                slot = book.orders[slot].next
            available += displayed + hidden
        price = next_price(book, opposite, price)
    return available if available < wanted else wanted


cdef void count_maker(const Book* book, uint32_t slot, int64_t* displayed,
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


cdef inline int32_t next_price(const Book* book, uint8_t side, int32_t price) noexcept nogil:
    """Next occupied price of a side, away from its best; 0: none."""
    cdef int32_t tick
    if side == BUY:
        tick = bitmap_down(&book.occupied[<int>BUY], price - book.base - 1)
    else:
        tick = bitmap_up(&book.occupied[<int>SELL], price - book.base + 1)
    return 0 if tick < 0 else tick + book.base


# --- stops -------------------------------------------------------------------------------------

cdef inline bint reached(const Book* book, uint8_t side, uint8_t flags,
                         int32_t trigger) noexcept nogil:
    cdef int32_t watched = book.mark if flags & FLAG_STOP_ON_MARK else book.last
    if watched == 0:
        return False
    return watched >= trigger if side == BUY else watched <= trigger


cdef inline int64_t stop_key(uint8_t side, int32_t trigger, uint32_t sequence) noexcept nogil:
    """Buys from the lowest trigger up, sells from the highest down, then by id."""
    cdef int64_t rank = trigger if side == BUY else MAX_PRICE - trigger
    return (rank << 32) | sequence


cdef void renumber_stops(Book* book) noexcept nogil:
    """Sequence numbers from 1 again, in order of id, before the counter runs out."""
    cdef int64_t order_id
    cdef uint32_t slot
    cdef int heap
    for heap in range(STOP_HEAPS):
        book.stops[heap].count = 0
    book.stop_sequence = 0
    for order_id in range(book.first_id, book.next_id):
        slot = book_find(book, order_id)
        if slot != 0 and book.extras[slot].waiting:
            stop_append(book, slot)
    for heap in range(STOP_HEAPS):
        heap_build(&book.stops[heap])


cdef void stop_append(Book* book, uint32_t slot) noexcept nogil:
    cdef OrderExtra* extra = &book.extras[slot]
    cdef Heap* heap = stop_heap(book, extra.side, extra.flags)
    book.stop_sequence += 1
    heap.nodes[heap.count].key = stop_key(extra.side, <int32_t>book.orders[slot].next,
                                          book.stop_sequence)
    heap.nodes[heap.count].item = slot
    heap.place[slot] = heap.count
    heap.count += 1


cdef void wait_for_trigger(Book* book, int64_t order_id, const Message* message,
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


cdef int64_t book_next_stop(Book* book, Message* message) noexcept nogil:
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


cdef void book_fire_stops(Book* book, uint32_t index) noexcept nogil:
    cdef Message message
    cdef Submitted ignored
    cdef int64_t order_id
    while not book.out_of_memory:
        order_id = book_next_stop(book, &message)
        if order_id == 0:
            return
        book_enter(book, order_id, &message, index, &ignored)


cdef void book_set_mark(Book* book, int32_t price) noexcept nogil:
    book.mark = price


# --- modify and cancel -------------------------------------------------------------------------

cdef uint8_t book_cancel(Book* book, int64_t order_id) noexcept nogil:
    cdef uint32_t slot = book_find(book, order_id)
    if slot == 0:
        return CODE_UNKNOWN_ORDER
    expel(book, slot)
    return CODE_OK


cdef int64_t book_cancel_all(Book* book, int32_t account) noexcept nogil:
    cdef int64_t count = 0, order_id
    cdef uint32_t slot, before
    if account == NO_ACCOUNT:
        # anonymous depth is in no list
        for order_id in range(book.first_id, book.next_id):
            slot = book_find(book, order_id)
            if slot != 0 and book.orders[slot].account == NO_ACCOUNT:
                expel(book, slot)
                count += 1
        return count
    if account < HOUSE_ACCOUNT or account >= <int64_t>book.account_capacity:
        return 0
    slot = book.account_head[account]
    while slot != 0 and book.extras[slot].account_next != 0:
        slot = book.extras[slot].account_next
    while slot != 0:
        before = book.extras[slot].account_previous
        expel(book, slot)
        count += 1
        slot = before
    return count


cdef void modify(Book* book, const Message* message, uint32_t index, Submitted* out) noexcept nogil:
    cdef uint32_t slot = book_find(book, message.order)
    cdef Order* order = &book.orders[slot]
    cdef OrderExtra* extra = &book.extras[slot]
    cdef int64_t open_lots, display
    cdef int32_t price
    cdef Message entered
    out.order = message.order
    out.filled = 0
    out.resting = 0
    out.price = 0
    if slot == 0 or extra.waiting:
        out.code = CODE_UNKNOWN_ORDER
        return
    out.code = book_check(book, message)
    if out.code != CODE_OK:
        return
    open_lots = order.size + hidden_lots(book, slot)
    if message.price == order.price and message.size <= open_lots:
        if message.size < open_lots:
            book_reduce(book, slot, open_lots - message.size)
        out.resting = message.size
        out.price = message.price
        return
    memset(&entered, 0, sizeof(Message))
    entered.kind = MESSAGE_LIMIT
    entered.side = extra.side
    entered.time_in_force = GTC | (extra.self_trade << 4)
    entered.flags = extra.flags
    entered.account = order.account
    entered.price = message.price
    entered.size = message.size
    if extra.iceberg != 0:
        display = book.icebergs[extra.iceberg].display
        entered.extra = <int32_t>(display if display < message.size else message.size)
    out.code = admit(book, &entered, slot, &price)
    if out.code != CODE_OK:
        return
    # admission may have grown the pools; the order itself is where it was
    expel(book, slot)
    book_enter(book, message.order, &entered, index, out)


# --- one message -------------------------------------------------------------------------------

cdef void submit_any(Book* book, const Message* original, uint32_t index,
                     Submitted* out) noexcept nogil:
    """Any message, by the book of rules. It is copied first: a batch is the caller's memory."""
    cdef Message message
    cdef int64_t order_id
    cdef uint8_t flags
    memcpy(&message, original, sizeof(Message))
    out.filled = 0
    out.resting = 0
    out.price = 0
    if message.kind == MESSAGE_CANCEL:
        out.order = message.order
        out.code = book_cancel(book, message.order)
        return
    if message.kind == MESSAGE_CANCEL_ALL:
        out.order = 0
        out.code = CODE_OK
        book_cancel_all(book, message.account)
        return
    if message.kind == MESSAGE_MODIFY:
        modify(book, &message, index, out)
        return
    order_id = book_take_id(book)
    out.order = order_id
    out.price = message.price
    out.code = book_check(book, &message)
    if out.code != CODE_OK or book.out_of_memory:
        return
    if message.kind == MESSAGE_STOP or message.kind == MESSAGE_STOP_LIMIT:
        if not reached(book, message.side, message.flags, message.extra):
            wait_for_trigger(book, order_id, &message, out)
            return
        if message.kind == MESSAGE_STOP:
            message.kind = MESSAGE_MARKET
            message.time_in_force = IOC | (message.time_in_force & 0xF0)
            message.price = 0
        else:
            message.kind = MESSAGE_LIMIT
    flags = message.flags
    if book.auction and (message.kind != MESSAGE_LIMIT or (message.time_in_force & 15) != GTC
                         or flags & ANY_POST_ONLY):
        out.code = CODE_AUCTION
        return
    book_enter(book, order_id, &message, index, out)


cdef inline void cancel_plain(Book* book, int64_t order_id, Submitted* out) noexcept nogil:
    cdef uint32_t* tag
    cdef uint32_t slot
    out.order = order_id
    out.filled = 0
    out.resting = 0
    out.price = 0
    if unlikely(order_id < book.first_id or order_id >= book.next_id):
        out.code = CODE_UNKNOWN_ORDER
        return
    tag = tag_at(book, order_id)
    slot = tag[0]
    if unlikely(slot == 0):
        out.code = CODE_UNKNOWN_ORDER
        return
    out.code = CODE_OK
    if unlikely(slot & TAG_SPECIAL) or unlikely(book.removed != NULL):
        expel(book, slot & SLOT_MASK)
        return
    tag[0] = 0
    level_unlink(book, SELL if slot & TAG_SIDE else BUY, slot & SLOT_MASK)
    slot &= SLOT_MASK
    book.orders[slot].id = 0
    book.orders[slot].next = book.order_free
    book.order_free = slot
    book.live_orders -= 1


cdef inline void order_plain(Book* book, const Message* message, uint32_t index, uint8_t side,
                             bint is_limit, Submitted* out) noexcept nogil:
    """A GTC limit or market order of the anonymous account without flags."""
    cdef int64_t size = message.size, order_id = book.next_id
    cdef int32_t price = message.price
    cdef uint32_t slot
    cdef Order* order
    cdef Taker taker
    if not is_limit:
        price = MAX_PRICE if side == BUY else 1
    if unlikely(size < book.min_size or size > book.max_size or book.auction
                or message.account != NO_ACCOUNT
                or order_id - book.first_id >= book.id_capacity
                or (is_limit and (price < book.min_price or price > book.max_price
                                  or not in_window(book, price) or not slots_ready(book)))):
        submit_any(book, message, index, out)
        return
    book.next_id = order_id + 1
    out.order = order_id
    out.price = price if is_limit else 0
    out.code = CODE_OK
    taker.left = size
    if crosses(book, side, price):
        taker.order = order_id
        taker.account = NO_ACCOUNT
        taker.limit = price
        taker.index = index
        taker.side = side
        taker.policy = SELF_TRADE_ALLOW
        taker.stopped = NOT_STOPPED
        if side == BUY:
            match_buy(book, &taker)
        else:
            match_sell(book, &taker)
        if unlikely(taker.stopped):
            out.code = CODE_WINDOW
            out.filled = size - taker.left
            out.resting = 0
            return
    out.filled = size - taker.left
    if not is_limit or taker.left == 0:
        out.resting = 0
        return
    out.resting = taker.left
    if unlikely(level_at(book, side, price).size > MAX_LEVEL - taker.left):
        out.code = CODE_LEVEL_FULL
        out.resting = 0
        return
    slot = slot_take(book)
    order = &book.orders[slot]
    order.id = order_id
    order.size = taker.left
    order.price = price
    order.account = NO_ACCOUNT
    (<uint64_t*>&book.extras[slot].iceberg)[0] = <uint64_t>side << 32
    tag_at(book, order_id)[0] = slot | (<uint32_t>side << 30)
    level_append(book, side, slot)
    book.live_orders += 1


cdef inline void submit(Book* book, const Message* message, uint32_t index,
                        Submitted* out) noexcept nogil:
    cdef uint32_t head
    memcpy(&head, message, 4)
    if (head & 0xFF) == MESSAGE_CANCEL:
        cancel_plain(book, message.order, out)
    elif head & ~<uint32_t>SIDE_BIT == PLAIN_LIMIT:
        if head & SIDE_BIT:
            order_plain(book, message, index, SELL, True, out)
        else:
            order_plain(book, message, index, BUY, True, out)
    elif head & ~<uint32_t>SIDE_BIT == PLAIN_MARKET:
        order_plain(book, message, index, SELL if head & SIDE_BIT else BUY, False, out)
    else:
        submit_any(book, message, index, out)


cdef void book_submit(Book* book, const Message* message, uint32_t index,
                      Submitted* out) noexcept nogil:
    submit(book, message, index, out)


cdef void book_process(Book* book, const Message* message, uint32_t index,
                       Submitted* out) noexcept nogil:
    submit(book, message, index, out)
    if out.filled > 0:
        book_fire_stops(book, index)


cdef int64_t book_process_many(Book* book, const Message* messages, int64_t count, uint8_t* codes,
                               int64_t* filled, int64_t* order_ids) noexcept nogil:
    cdef int64_t at
    cdef Submitted out
    for at in range(count):
        submit(book, &messages[at], <uint32_t>at, &out)
        if out.filled > 0:
            book_fire_stops(book, <uint32_t>at)
        codes[at] = out.code
        filled[at] = out.filled
        order_ids[at] = out.order
        if unlikely(book.out_of_memory):
            return at
    return count


# --- putting a stored book back ----------------------------------------------------------------

cdef inline bint storable(const Book* book, const Order* order, const OrderExtra* extra,
                          int64_t hidden, int64_t display) noexcept nogil:
    """Could this record be a resting order? A remainder may be smaller than the minimum size."""
    if (extra.side > SELL or extra.flags > DEFINED_FLAGS or extra.self_trade > SELF_TRADE_DECREMENT
            or order.account < HOUSE_ACCOUNT or (extra.flags & ANY_POST_ONLY) == ANY_POST_ONLY
            or (extra.flags & BOTH_LEGS) == BOTH_LEGS):
        return False
    if (order.size < 1 or order.size > MAX_SIZE or hidden < 0 or hidden > MAX_SIZE - order.size
            or order.price < book.min_price or order.price > book.max_price):
        return False
    if extra.flags & FLAG_ICEBERG:
        return order.size <= display <= MAX_PRICE + 1
    return hidden == 0 and display == 0


cdef uint8_t book_restore(Book* book, const Order* order, const OrderExtra* extra,
                          int64_t hidden, int64_t display, int32_t trigger) noexcept nogil:
    """The caller has set `next_id` and checked that the id is free and has a place in the table."""
    cdef Message message
    cdef Submitted out
    cdef uint32_t slot
    cdef uint8_t code
    memset(&message, 0, sizeof(Message))
    message.kind = MESSAGE_LIMIT
    message.side = extra.side
    message.flags = extra.flags
    message.account = order.account
    message.time_in_force = GTC | (extra.self_trade << 4)
    message.price = order.price
    message.size = order.size
    if extra.waiting:
        message.kind = MESSAGE_STOP_LIMIT if order.price != 0 else MESSAGE_STOP
        message.extra = trigger
        code = book_check(book, &message)
        if code == CODE_OK and (hidden != 0 or display != 0 or extra.self_trade > 4):
            code = CODE_BAD_MESSAGE
        if code == CODE_OK:
            wait_for_trigger(book, order.id, &message, &out)
            code = CODE_OK if out.code == CODE_STOP_WAITING else out.code
        return code
    if trigger != 0 or not storable(book, order, extra, hidden, display):
        return CODE_BAD_MESSAGE
    message.extra = <int32_t>display
    message.size = order.size + hidden
    if room_to_rest(book, &message, order.price):
        return CODE_WINDOW
    if level_at(book, extra.side, order.price).size > MAX_LEVEL - message.size:
        return CODE_LEVEL_FULL
    place(book, order.id, &message, order.price, message.size)
    slot = book_find(book, order.id)
    # an iceberg may have been stored with its displayed part partly used
    level_at(book, extra.side, order.price).size -= book.orders[slot].size - order.size
    book.orders[slot].size = order.size
    if book.extras[slot].iceberg != 0:
        book.icebergs[book.extras[slot].iceberg].hidden = hidden
    return CODE_OK
