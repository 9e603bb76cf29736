"""The price-time-priority book of docs/book.md: admission, matching, stops, modify and cancel.

Orders are 32-byte records in one pool, linked by slot number into the queue of their level. The
levels of a side are an array over a window of ticks; a bitmap finds the next occupied one. A level that is
swept is given back to the free list as one chain. Plain orders (see `_levels.pxd`) take
a short path; anything with an account, a flag or hidden size is met one at a time. Numbers in
comments are the steps of docs/book.md.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from cascade._admission cimport admit, place, room_to_rest
from cascade._bitmap cimport likely, unlikely
from cascade._growth cimport (
    BELOW_ACCOUNTS, accounts_grow, ids_grow, levels_allocate, levels_free, levels_move, no_memory,
    orders_grow, window_cover,
)
from cascade._heap cimport heap_copy, heap_free, heap_init
from cascade._invariants cimport first_broken
from cascade._levels cimport (
    MAX_LEVEL, __builtin_prefetch, hidden_lots, level_at, side_of_slot, slot_of, slots_ready,
)
from cascade._matching cimport (
    NOT_STOPPED, STOPPED_BY_PREVENTION, Taker, available_lots, expel, match_side, order_reduce,
)
from cascade._memory cimport memory_allocate, memory_release, memory_resize, memory_touch
from cascade._rules cimport (
    ANY_POST_ONLY, crosses, limit_of, message_refusal, policy_of, reached, storable,
)
from cascade._shortpath cimport (
    Kept, cancel_quickly, is_quick, keep, limit_quickly, market_quickly, no_stops,
)
from cascade._stops cimport stop_take, wait_for_trigger
from cascade._types cimport (
    BUY, CODE_AUCTION, CODE_BAD_MESSAGE, CODE_LEVEL_FULL, CODE_OK, CODE_SELF_TRADE_CANCELLED,
    CODE_STOP_WAITING, CODE_UNKNOWN_ORDER, CODE_WINDOW, GTC, HOUSE_ACCOUNT, IOC, MAX_PRICE,
    MAX_SIZE, MESSAGE_CANCEL, MESSAGE_CANCEL_ALL, MESSAGE_LIMIT, MESSAGE_MARKET, MESSAGE_MODIFY,
    MESSAGE_STOP, MESSAGE_STOP_LIMIT, NO_ACCOUNT, SELL,
)

cdef extern from *:
    """
    #define CASCADE_ANONYMOUS_LIMIT 0xFFFFFFFF00000000ull
    #define CASCADE_ANONYMOUS_MARKET 0xFFFFFFFF00000002ull
    """
    # first eight bytes of a message with neither flags nor account, as a little-endian word
    const uint64_t ANONYMOUS_LIMIT "CASCADE_ANONYMOUS_LIMIT"
    const uint64_t ANONYMOUS_MARKET "CASCADE_ANONYMOUS_MARKET"

cdef enum:
    PLAIN_LIMIT = 0x0000         # first four bytes of a message, as a little-endian word
    SIDE_BIT = 0x0100
    PREFETCH_MESSAGES_AHEAD = 64
    PREFETCH_IDS_AHEAD = 28      # messages
    PREFETCH_ORDERS_AHEAD = 12
    PREFETCH_NEIGHBOURS_AHEAD = 5

# --- life of a book ----------------------------------------------------------------------------

cdef int book_init(Book* book, int64_t min_size, int64_t max_size,
                   int32_t min_price, int32_t max_price) noexcept nogil:
    cdef int heap
    memset(book, 0, sizeof(Book))
    book.min_size = min_size if min_size > 1 else 1
    book.max_size = max_size if max_size < MAX_SIZE else MAX_SIZE
    book.min_price = min_price if min_price > 1 else 1
    book.max_price = max_price if max_price < MAX_PRICE else MAX_PRICE
    book.market_limit[BUY] = MAX_PRICE
    book.market_limit[SELL] = 1
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
        if source.stops[heap].item_capacity > 0:
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


cdef int book_reserve_prices(Book* book, int32_t low, int32_t high) noexcept nogil:
    cdef int side
    if window_cover(book, low) or window_cover(book, high):
        return -1
    for side in range(2):
        memory_touch(book.levels[side], <size_t>(low - book.base) * sizeof(Level),
                     <size_t>(high - book.base + 1) * sizeof(Level))
    return 0


cdef void book_clear_fills(Book* book) noexcept nogil:
    book.fill_count = 0


cdef int64_t book_take_id(Book* book) noexcept nogil:
    cdef int64_t order_id = book.next_id
    if unlikely(order_id - book.first_id >= book.id_capacity) and ids_grow(book, 1):
        return order_id
    book.next_id = order_id + 1
    return order_id


cdef uint32_t book_find(const Book* book, int64_t order_id) noexcept nogil:
    return slot_of(book, order_id)


cdef uint8_t book_side(const Book* book, uint32_t slot) noexcept nogil:
    return side_of_slot(book, slot)


cdef int book_validate(const Book* book) noexcept nogil:
    return first_broken(book)


cdef uint8_t book_check(const Book* book, const Message* message) noexcept nogil:
    return message_refusal(book, message)


cdef void book_reduce(Book* book, uint32_t slot, int64_t lots) noexcept nogil:
    order_reduce(book, slot, lots)


cdef int64_t book_available(const Book* book, uint8_t side, int32_t limit, int64_t wanted,
                            int32_t account, uint8_t self_trade) noexcept nogil:
    return available_lots(book, side, limit, wanted, account, self_trade)


cdef int64_t book_next_stop(Book* book, Message* message) noexcept nogil:
    return stop_take(book, message)


# --- steps 5 to 9 ------------------------------------------------------------------------------

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
    taker.limit = price if message.kind == MESSAGE_LIMIT else limit_of(book, message)
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


# --- stops -------------------------------------------------------------------------------------

cdef void book_fire_stops(Book* book, uint32_t index) noexcept nogil:
    cdef Message message
    cdef Submitted ignored
    cdef int64_t order_id
    while not book.out_of_memory:
        order_id = stop_take(book, &message)
        if order_id == 0:
            return
        book_enter(book, order_id, &message, index, &ignored)


cdef void book_set_mark(Book* book, int32_t price) noexcept nogil:
    book.mark = price


# --- modify and cancel -------------------------------------------------------------------------

cdef uint8_t book_cancel(Book* book, int64_t order_id) noexcept nogil:
    cdef uint32_t slot = slot_of(book, order_id)
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
            slot = slot_of(book, order_id)
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
    cdef uint32_t slot = slot_of(book, message.order)
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
    out.code = message_refusal(book, message)
    if out.code != CODE_OK:
        return
    open_lots = order.size + hidden_lots(book, slot)
    if message.price == order.price and message.size <= open_lots:
        if message.size < open_lots:
            order_reduce(book, slot, open_lots - message.size)
        out.resting = message.size
        out.price = message.price
        return
    memset(&entered, 0, sizeof(Message))
    entered.kind = MESSAGE_LIMIT
    entered.side = side_of_slot(book, slot)
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
    out.code = message_refusal(book, &message)
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


cdef inline void submit(Book* book, const Message* message, uint32_t index,
                        Submitted* out) noexcept nogil:
    cdef uint32_t head
    cdef int64_t traded
    memcpy(&head, message, 4)
    if (head & 0xFF) == MESSAGE_CANCEL:
        out.order = message.order
        out.filled = 0
        out.resting = 0
        out.price = 0
        out.code = cancel_quickly(book, message.order)
        return
    if (head & ~<uint32_t>SIDE_BIT == PLAIN_LIMIT and is_quick(book, message)
            and slots_ready(book) and book.next_id - book.first_id < book.id_capacity):
        out.order = book.next_id
        traded = limit_quickly(book, message, index, (head >> 8) & 1)
        if likely(traded >= 0):
            out.filled = traded
            out.resting = message.size - traded
            out.price = message.price
            out.code = CODE_OK
            return
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
                               int64_t* filled) noexcept nogil:
    cdef int64_t at, traded
    cdef uint64_t head
    cdef int64_t ahead = count - PREFETCH_IDS_AHEAD
    cdef const Message* message
    cdef const Message* later
    cdef const Order* order
    cdef uint64_t id_at
    cdef uint32_t tick
    cdef uint8_t side
    cdef Kept kept
    cdef Submitted out
    keep(book, &kept)
    for at in range(count):
        message = &messages[at]
        if likely(at < ahead):
            # Columns that are read and written in order: not every machine fetches them itself.
            __builtin_prefetch(message + PREFETCH_MESSAGES_AHEAD)
            __builtin_prefetch(&filled[at + PREFETCH_MESSAGES_AHEAD])
            # The lines of the order that will be cancelled and of the level that will be joined,
            # without a branch on what the message is. It stands here and not in a function,
            # because gcc takes one that only prefetches for pure and drops the call.
            later = message + PREFETCH_IDS_AHEAD
            id_at = <uint64_t>later.order - kept.first_id
            id_at &= -<uint64_t>(id_at < kept.id_capacity)
            __builtin_prefetch(&kept.tags[id_at])
            tick = <uint32_t>later.price - kept.base
            tick &= -<uint32_t>(tick < kept.window)
            __builtin_prefetch(&kept.levels[later.side & 1][tick])
            later = message + PREFETCH_ORDERS_AHEAD
            id_at = <uint64_t>later.order - kept.first_id
            id_at &= -<uint64_t>(id_at < kept.id_capacity)
            __builtin_prefetch(&kept.orders[kept.tags[id_at] & SLOT_MASK])
            if book.order_top > kept.cached_orders:
                # also the last order of that level, and the neighbours of the cancelled order
                tick = <uint32_t>later.price - kept.base
                tick &= -<uint32_t>(tick < kept.window)
                __builtin_prefetch(
                    &kept.orders[kept.levels[later.side & 1][tick].tail & SLOT_MASK])
                later = message + PREFETCH_NEIGHBOURS_AHEAD
                id_at = <uint64_t>later.order - kept.first_id
                id_at &= -<uint64_t>(id_at < kept.id_capacity)
                order = &kept.orders[kept.tags[id_at] & SLOT_MASK
                                     & -<uint32_t>(later.kind == MESSAGE_CANCEL)]
                __builtin_prefetch(&kept.orders[order.next])
                __builtin_prefetch(&kept.orders[order.previous])
                tick = <uint32_t>order.price - kept.base
                tick &= -<uint32_t>(tick < kept.window)
                __builtin_prefetch(&kept.levels[(kept.tags[id_at] >> 30) & 1][tick])
        memcpy(&head, message, 8)
        if <uint8_t>head == MESSAGE_CANCEL:
            codes[at] = cancel_quickly(book, message.order)
            filled[at] = 0
            continue
        side = (head >> 8) & 1
        head &= ~<uint64_t>SIDE_BIT
        traded = -1
        if likely(<uint64_t>message.size - kept.least_size < kept.sizes):
            if likely(head == ANONYMOUS_LIMIT):
                if likely(<uint32_t>message.price - kept.lowest < kept.prices):
                    traded = limit_quickly(book, message, <uint32_t>at, side)
            elif head == ANONYMOUS_MARKET:
                traded = market_quickly(book, message, <uint32_t>at, side)
        codes[at] = CODE_OK
        if unlikely(traded < 0):
            submit_any(book, message, <uint32_t>at, &out)
            traded = out.filled
            codes[at] = out.code
            keep(book, &kept)
        filled[at] = traded
        if traded > 0 and not no_stops(book):
            book_fire_stops(book, <uint32_t>at)
            keep(book, &kept)
        if unlikely(book.out_of_memory):
            return at
    return count


# --- putting a stored book back ----------------------------------------------------------------

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
        code = message_refusal(book, &message)
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
    slot = slot_of(book, order.id)
    # an iceberg may have been stored with its displayed part partly used
    level_at(book, extra.side, order.price).size -= book.orders[slot].size - order.size
    book.orders[slot].size = order.size
    if book.extras[slot].iceberg != 0:
        book.icebergs[book.extras[slot].iceberg].hidden = hidden
    return CODE_OK
