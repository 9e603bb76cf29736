"""Short paths of a batch: cancels, and anonymous limit and market orders without a flag.

A batch keeps what these paths cannot change, the bounds and the tables, beside it and takes it anew
after each message that goes the long way, by the book of rules.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from cascade._bitmap cimport unlikely
from cascade._book cimport SLOT_MASK, TAG_SPECIAL, Book, Level, Message, Order
from cascade._levels cimport (
    MAX_LEVEL, in_window, level_at, level_join, level_unlink, slot_release, slot_take, tag_at,
)
from cascade._matching cimport NOT_STOPPED, Taker, expel, match_side
from cascade._types cimport (
    BUY, CODE_OK, CODE_UNKNOWN_ORDER, MAX_PRICE, NO_ACCOUNT, SELF_TRADE_ALLOW, SELL,
)

cdef enum:
    CACHED_ORDERS = 0x10000      # slots that fit the caches near a core

cdef struct Kept:             # what a batch remembers of the book between long paths
    uint64_t least_size
    uint64_t sizes            # how many sizes from there on; 0 in an auction
    uint32_t lowest           # price
    uint32_t prices           # how many prices from there on: within bounds and window
    uint32_t base
    uint32_t window
    uint32_t cached_orders    # with more slots than this, prefetch more
    uint64_t first_id
    uint64_t id_capacity
    uint32_t* tags            # table of ids
    Order* orders
    Level* levels[2]


cdef inline uint8_t cancel_quickly(Book* book, int64_t order_id) noexcept nogil:
    cdef uint32_t* tag
    cdef uint32_t slot
    if unlikely(<uint64_t>order_id - <uint64_t>book.first_id
                >= <uint64_t>(book.next_id - book.first_id)):
        return CODE_UNKNOWN_ORDER
    tag = tag_at(book, order_id)
    slot = tag[0]
    if unlikely(slot == 0):
        return CODE_UNKNOWN_ORDER
    if unlikely(slot & TAG_SPECIAL) or unlikely(book.removed != NULL):
        expel(book, slot & SLOT_MASK)
        return CODE_OK
    tag[0] = 0
    level_unlink(book, (slot >> 30) & 1, slot & SLOT_MASK)
    slot_release(book, slot & SLOT_MASK)
    book.live_orders -= 1
    return CODE_OK


cdef inline bint is_quick(const Book* book, const Message* message) noexcept nogil:
    """A limit order for the short path: anonymous, without flags, and in bounds."""
    return (message.account == NO_ACCOUNT and not book.auction
            and message.size >= book.min_size and message.size <= book.max_size
            and message.price >= book.min_price and message.price <= book.max_price
            and in_window(book, message.price))


cdef inline void keep(const Book* book, Kept* kept) noexcept nogil:
    """Short paths never move a pool, widen the window or change bounds; only long ones do."""
    cdef int64_t low = book.base, high = <int64_t>book.base + book.window - 1
    kept.least_size = <uint64_t>book.min_size
    kept.sizes = 0 if book.auction else <uint64_t>(book.max_size - book.min_size + 1)
    low = low if low > book.min_price else book.min_price
    high = high if high < book.max_price else book.max_price
    kept.lowest = <uint32_t>low
    kept.prices = <uint32_t>(high - low + 1) if high >= low else 0
    kept.base = <uint32_t>book.base
    kept.window = <uint32_t>book.window
    # waiting stops alone open no window: then there is no level to look at
    kept.cached_orders = CACHED_ORDERS if book.window > 0 else 0xFFFFFFFF
    kept.first_id = <uint64_t>book.first_id
    kept.id_capacity = <uint64_t>book.id_capacity
    kept.tags = book.slot_of_id
    kept.orders = book.orders
    kept.levels[0] = book.levels[0]
    kept.levels[1] = book.levels[1]


# most books have no stop: asking here is cheaper than a call after every trade
cdef inline bint no_stops(const Book* book) noexcept nogil:
    return (book.stops[0].count | book.stops[1].count | book.stops[2].count
            | book.stops[3].count) == 0


cdef inline int64_t trade_quickly(Book* book, int64_t order_id, int64_t size, int32_t limit,
                                  uint32_t index, uint8_t side) noexcept nogil:
    """Match an anonymous order; the lots left, none when memory ran out."""
    cdef Taker taker
    taker.order = order_id
    taker.left = size
    taker.account = NO_ACCOUNT
    taker.limit = limit
    taker.index = index
    taker.side = side
    taker.policy = SELF_TRADE_ALLOW
    taker.stopped = NOT_STOPPED
    if side == BUY:
        match_side(book, &taker, BUY)
    else:
        match_side(book, &taker, SELL)
    return taker.left


cdef inline void rest_quickly(Book* book, Level* level, int64_t order_id, int64_t size,
                              int32_t price, uint8_t side) noexcept nogil:
    cdef uint32_t slot = slot_take(book)
    cdef Order* order = &book.orders[slot]
    order.id = order_id
    order.size = size
    order.price = price
    order.account = NO_ACCOUNT
    tag_at(book, order_id)[0] = slot | (<uint32_t>side << 30)
    level_join(book, level, side, price, slot, size, 0)
    book.live_orders += 1


cdef inline bint crosses_either(const Book* book, uint8_t side, int32_t price) noexcept nogil:
    """`crosses` without a branch on the side, which nobody can foresee."""
    cdef bint buy_trades = <uint32_t>(book.best_ask - 1) < <uint32_t>price
    cdef bint sell_trades = book.best_bid >= price
    return (buy_trades & (side ^ 1)) | (sell_trades & side)


cdef inline int64_t limit_quickly(Book* book, const Message* message, uint32_t index,
                                  uint8_t side) noexcept nogil:
    """GTC limit for which `is_quick` holds and a slot and an id are free; the lots traded, or -1
    when nothing was done because the level is full."""
    cdef int64_t size = message.size, left = size, order_id = book.next_id
    cdef int32_t price = message.price
    cdef Level* level = level_at(book, side, price)
    if unlikely(level.size > MAX_LEVEL - size):
        return -1
    book.next_id = order_id + 1
    if unlikely(crosses_either(book, side, price)):
        left = trade_quickly(book, order_id, size, price, index, side)
        if left == 0 or book.out_of_memory:
            return size - left
    rest_quickly(book, level, order_id, left, price, side)
    return size - left


cdef inline int64_t market_quickly(Book* book, const Message* message, uint32_t index,
                                   uint8_t side) noexcept nogil:
    cdef int64_t order_id = book.next_id
    book.next_id = order_id + 1
    if book.best_ask == 0 if side == BUY else book.best_bid == 0:
        return 0
    return message.size - trade_quickly(book, order_id, message.size,
                                        MAX_PRICE if side == BUY else 1, index, side)
