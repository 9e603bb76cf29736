"""What makes a message well formed, and when prices meet: steps 1 to 3 of docs/book.md.

Nothing here changes a book.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._book cimport Book, Message, Order, OrderExtra
from cascade._types cimport (
    BUY, CODE_BAD_MESSAGE, CODE_BAD_PRICE, CODE_BAD_SIZE, CODE_OK, CODE_REDUCE_ONLY, FLAG_ICEBERG,
    FLAG_REDUCE_ONLY, FLAG_STOP_ON_MARK, FOK, GTC, HOUSE_ACCOUNT, MAX_PRICE, MAX_SIZE,
    MESSAGE_CANCEL, MESSAGE_CANCEL_ALL, MESSAGE_LIMIT, MESSAGE_MARKET, MESSAGE_MODIFY,
    MESSAGE_STOP, MESSAGE_STOP_LIMIT, NO_ACCOUNT, SELF_TRADE_ALLOW, SELF_TRADE_DECREMENT, SELL,
)

cdef enum:
    ANY_POST_ONLY = 3            # both post-only flags
    BOTH_LEGS = 96
    DEFINED_FLAGS = 127


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


cdef inline uint8_t message_refusal(const Book* book, const Message* message) noexcept nogil:
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


cdef inline bint crosses(const Book* book, uint8_t side, int32_t limit) noexcept nogil:
    """Does the best opposite price trade at `limit`? No best price is 0."""
    if side == BUY:
        return <uint32_t>(book.best_ask - 1) < <uint32_t>limit
    return book.best_bid >= limit


cdef inline int32_t limit_of(const Book* book, const Message* message) noexcept nogil:
    if message.kind == MESSAGE_LIMIT:
        return message.price
    return book.market_limit[message.side]


cdef inline uint8_t policy_of(const Message* message) noexcept nogil:
    return SELF_TRADE_ALLOW if message.account == NO_ACCOUNT else message.time_in_force >> 4


cdef inline bint reached(const Book* book, uint8_t side, uint8_t flags,
                         int32_t trigger) noexcept nogil:
    cdef int32_t watched = book.mark if flags & FLAG_STOP_ON_MARK else book.last
    if watched == 0:
        return False
    return watched >= trigger if side == BUY else watched <= trigger


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
