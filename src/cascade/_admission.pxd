"""Admission of an order and its resting: steps 5, 6 and 9 of docs/book.md.

Everything that can fail is asked for here, so that a message does all it should or nothing.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._book cimport LEVEL_MIXED, TAG_SIDE, TAG_SPECIAL, Book, Message, Order, OrderExtra
from cascade._growth cimport account_ready, accounts_grow, icebergs_grow, orders_grow, window_cover
from cascade._levels cimport (
    MAX_LEVEL, account_link, in_window, level_append, level_at, slot_take, slots_ready, tag_at,
)
from cascade._matching cimport available_lots
from cascade._rules cimport crosses, limit_of, policy_of
from cascade._types cimport (
    BUY, CODE_BAD_PRICE, CODE_LEVEL_FULL, CODE_NOT_FILLABLE, CODE_OK, CODE_WINDOW,
    CODE_WOULD_TRADE, FLAG_ICEBERG, FLAG_POST_ONLY, FLAG_POST_ONLY_SLIDE, FOK, GTC, MESSAGE_LIMIT,
    NO_ACCOUNT, SELL,
)


cdef inline int room_to_rest(Book* book, const Message* message, int32_t price) noexcept nogil:
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


cdef inline uint8_t admit(Book* book, const Message* message, uint32_t leaving,
                          int32_t* price) noexcept nogil:
    """Steps 5 and 6: the refusal or CODE_OK, and the price after sliding. `leaving` is the
    slot of the order that a modify is about to take out, 0: none."""
    cdef uint8_t side = message.side
    cdef bint rests = message.kind == MESSAGE_LIMIT and (message.time_in_force & 15) == GTC
    cdef bint trades = not book.auction and crosses(book, side, limit_of(book, message))
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
        if available_lots(book, side, limit_of(book, message), message.size, message.account,
                          policy_of(message)) < message.size:
            return CODE_NOT_FILLABLE
    return CODE_OK


cdef inline void place(Book* book, int64_t order_id, const Message* message, int32_t price,
                       int64_t size) noexcept nogil:
    """Step 9: rest `size` lots; `room_to_rest` has made room."""
    cdef uint32_t slot = slot_take(book), iceberg = 0
    cdef Order* order = &book.orders[slot]
    cdef OrderExtra* extra = &book.extras[slot]
    cdef uint8_t side = message.side, flags = message.flags
    cdef bint special
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
    special = flags != 0 or order.account != NO_ACCOUNT or message.time_in_force >> 4 != 0
    tag_at(book, order_id)[0] = (slot | (TAG_SIDE if side == SELL else 0)
                                 | (TAG_SPECIAL if special else 0))
    if special:
        extra.iceberg = iceberg
        extra.side = side
        extra.flags = flags
        extra.self_trade = message.time_in_force >> 4
    if order.account != NO_ACCOUNT:
        account_link(book, slot)
    level_append(book, side, price, slot, order.size, LEVEL_MIXED if special else 0)
    book.live_orders += 1
