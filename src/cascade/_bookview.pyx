"""`BookView`, the reading half that every book shares, and how names and sides are read.

Prices come out as whole ticks and sizes as whole lots. A flag in the book refuses a second thread, because a
batch runs without the interpreter lock.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._bitmap cimport bitmap_down, bitmap_up
from cascade._book cimport Book, Order, OrderExtra, book_find, book_validate
from cascade._grid cimport Grid
from cascade._invariants cimport BROKEN_CROSSED
from cascade._levels cimport hidden_lots, in_window, level_at, side_of_slot
from cascade._types cimport BUY, SELL

import hashlib

import numpy as np

from cascade.dtypes import ORDER_DTYPE
from cascade.errors import CrossedBookError, InvariantError
from cascade.exact_numbers import whole

cdef extern from *:
    """
    #define cascade_acquire(flag) __atomic_exchange_n((flag), (uint8_t)1, __ATOMIC_ACQUIRE)
    #define cascade_give_back(flag) __atomic_store_n((flag), (uint8_t)0, __ATOMIC_RELEASE)
    """
    uint8_t acquire "cascade_acquire"(uint8_t* flag) noexcept nogil
    void give_back "cascade_give_back"(uint8_t* flag) noexcept nogil

assert ORDER_DTYPE.itemsize == sizeof(OrderRecord)

cdef dict SIDES = {"buy": BUY, "sell": SELL, 0: BUY, 1: SELL}
cdef object BUY_NAME = "buy"
cdef object SELL_NAME = "sell"

cdef Grid UNITS = Grid(1)            # of a view that nobody has bound to a book

cdef tuple BROKEN = (
    "", "a best price is not the best occupied one", "best bid at or above best ask",
    "an occupied level holds no order", "the links of a queue disagree",
    "a level's size is not the sum of its orders", "an order is impossible",
    "the id table does not lead to an order", "an iceberg's record is wrong",
    "a heap of stops is wrong", "an account's list is wrong", "the slots do not add up",
)


cdef int choice(str field, object value, dict choices) except -1:
    """Number of a named choice."""
    try:
        return choices[value]
    except (KeyError, TypeError):
        names = ", ".join(repr(name) for name in choices)
        raise ValueError(f"{field} must be one of {names}, got {value!r}") from None


cdef int side_of(object side) except -1:
    if side is BUY_NAME:
        return BUY
    if side is SELL_NAME:
        return SELL
    return choice("side", side, SIDES)


cdef str broken_promise(int number):
    return BROKEN[number]


cdef void write_record(const Book* book, uint32_t slot, OrderRecord* record) noexcept nogil:
    cdef const Order* order = &book.orders[slot]
    cdef const OrderExtra* extra = &book.extras[slot]
    record.id = order.id
    record.size = order.size
    record.hidden = hidden_lots(book, slot)
    record.display = book.icebergs[extra.iceberg].display if extra.iceberg != 0 else 0
    record.price = order.price
    record.account = order.account
    record.trigger = <int32_t>order.next if extra.waiting else 0
    record.side = side_of_slot(book, slot)
    record.flags = extra.flags
    record.waiting = extra.waiting
    record.self_trade = extra.self_trade


cdef int32_t next_tick(const Book* book, uint8_t side, int32_t tick) noexcept nogil:
    """Next occupied tick of the window from the best outwards; start with -1, ends with -1."""
    if book.window == 0:
        return -1
    if side == BUY:
        return bitmap_down(&book.occupied[<int>BUY], book.window - 1 if tick < 0 else tick - 1)
    return bitmap_up(&book.occupied[<int>SELL], tick + 1)


cdef void write_orders(const Book* book, OrderRecord* records) noexcept nogil:
    """Bids, asks, then waiting stops by id."""
    cdef int64_t at = 0, order_id
    cdef int32_t tick
    cdef uint32_t slot
    cdef uint8_t side
    for side in range(2):
        tick = next_tick(book, side, -1)
        while tick >= 0:
            slot = book.levels[side][tick].head
            while slot != 0:
                write_record(book, slot, &records[at])
                at += 1
                slot = book.orders[slot].next
            tick = next_tick(book, side, tick)
    if at == book.live_orders:
        return
    for order_id in range(book.first_id, book.next_id):
        slot = book_find(book, order_id)
        if slot != 0 and book.extras[slot].waiting:
            write_record(book, slot, &records[at])
            at += 1


cdef class BookView:
    """Reading half of a book: prices, levels, queues, orders.

    Views are made by the object that owns the book. All prices that come out are whole ticks and
    all sizes whole lots; `ticks` and `lots` convert.

    Attributes
    ----------
    ticks, lots : Grid
        Conversion between quotes and whole steps.
    """

    def __cinit__(self, *args, **kwargs):
        self.ticks = self.lots = UNITS

    def __init__(self, *args, **kwargs):
        raise TypeError("a BookView is made by the object that owns the book")

    cdef int begin(self) except -1:
        if self.book == NULL:
            raise ValueError("the book is closed")
        if acquire(&self.book.busy):
            raise RuntimeError("the book is in use by another thread")
        return 0

    cdef void end(self) noexcept:
        give_back(&self.book.busy)

    @property
    def best_bid(self):
        """Highest buy price in ticks, 0 without one."""
        self.begin()
        cdef int32_t price = self.book.best_bid
        self.end()
        return price

    @property
    def best_ask(self):
        """Lowest sell price in ticks, 0 without one."""
        self.begin()
        cdef int32_t price = self.book.best_ask
        self.end()
        return price

    @property
    def last(self):
        """Price of the last trade in ticks, 0 before the first."""
        self.begin()
        cdef int32_t price = self.book.last
        self.end()
        return price

    @property
    def mark(self):
        """Mark price in ticks that stops on mark watch, 0 without one."""
        self.begin()
        cdef int32_t price = self.book.mark
        self.end()
        return price

    @property
    def auction(self):
        """True while the book collects for a call auction."""
        self.begin()
        cdef bint collecting = self.book.auction
        self.end()
        return collecting

    @property
    def next_id(self):
        """Id that the next order message gets."""
        self.begin()
        cdef int64_t order_id = self.book.next_id
        self.end()
        return order_id

    def __len__(self):
        self.begin()
        cdef int64_t count = self.book.live_orders
        self.end()
        return count

    def l1(self):
        """Best prices and displayed sizes.

        Returns
        -------
        tuple of int
            Bid price in ticks, bid size in lots, ask price, ask size; zeros on an empty side.
        """
        cdef int64_t bid_size = 0, ask_size = 0
        self.begin()
        if self.book.best_bid != 0:
            bid_size = level_at(self.book, BUY, self.book.best_bid).size
        if self.book.best_ask != 0:
            ask_size = level_at(self.book, SELL, self.book.best_ask).size
        touch = (self.book.best_bid, bid_size, self.book.best_ask, ask_size)
        self.end()
        return touch

    def bids(self, n=None):
        """Buy levels, best first.

        Parameters
        ----------
        n : int, optional
            At most so many levels; all by default.

        Returns
        -------
        list of tuple
            Price in ticks, displayed size in lots, count of orders.
        """
        return self._levels(BUY, n)

    def asks(self, n=None):
        """Sell levels, best first; see `bids`."""
        return self._levels(SELL, n)

    def _levels(self, uint8_t side, n):
        cdef int32_t tick
        cdef int64_t count, wanted = -1
        cdef uint32_t slot
        if n is not None:
            wanted = whole(n, "n")
            if wanted < 0:
                raise ValueError(f"n {n!r} must not be negative")
        self.begin()
        try:
            levels = []
            tick = next_tick(self.book, side, -1)
            while tick >= 0 and wanted != 0:
                count = 0
                slot = self.book.levels[side][tick].head
                while slot != 0:
                    count += 1
                    slot = self.book.orders[slot].next
                levels.append((tick + self.book.base, self.book.levels[side][tick].size, count))
                wanted -= 1
                tick = next_tick(self.book, side, tick)
            return levels
        finally:
            self.end()

    def queue(self, side, price):
        """Orders of one level in priority order.

        Parameters
        ----------
        side : {"buy", "sell"}
        price : number
            Quote on the tick grid.

        Returns
        -------
        list of tuple
            Id, account, displayed size and hidden size in lots.
        """
        cdef int which = side_of(side)
        cdef int32_t ticks = self.ticks.to_steps32(price, "price")
        cdef uint32_t slot = 0
        self.begin()
        try:
            if self.book.window > 0 and in_window(self.book, ticks):
                slot = level_at(self.book, <uint8_t>which, ticks).head
            orders = []
            while slot != 0:
                orders.append((self.book.orders[slot].id, self.book.orders[slot].account,
                               self.book.orders[slot].size, hidden_lots(self.book, slot)))
                slot = self.book.orders[slot].next
            return orders
        finally:
            self.end()

    @property
    def orders(self):
        """Copy of every order: bids, then asks, best first and in priority order, then waiting
        stops by id; an array of ORDER_DTYPE."""
        self.begin()
        try:
            return self.orders_array()
        finally:
            self.end()

    cdef object orders_array(self):
        cdef object orders = np.empty(self.book.live_orders, dtype=ORDER_DTYPE)
        cdef unsigned char[::1] data
        if self.book.live_orders > 0:
            data = orders.view(np.uint8)
            write_orders(self.book, <OrderRecord*>&data[0])
        return orders

    def state_hash(self):
        """Hash of the state that does not depend on how the book got there or is stored.

        Returns
        -------
        str
            Hexadecimal BLAKE2b-16 over `orders` and the int64 values next id, last, mark and
            auction, little-endian.
        """
        self.begin()
        try:
            orders = self.orders_array()
            state = np.array([self.book.next_id, self.book.last, self.book.mark,
                              self.book.auction], dtype="<i8")
        finally:
            self.end()
        return hashlib.blake2b(orders.tobytes() + state.tobytes(), digest_size=16).hexdigest()

    def validate(self):
        """Walk everything and check every promise.

        Raises
        ------
        CrossedBookError
            The best bid is at or above the best offer outside an auction.
        InvariantError
            Another promise does not hold; the message says which.
        """
        self.begin()
        cdef int broken = book_validate(self.book)
        self.end()
        if broken:
            error = CrossedBookError if broken == BROKEN_CROSSED else InvariantError
            raise error(f"order book: {BROKEN[broken]} (invariant {broken})")


cdef BookView book_view(Book* book, object owner, Grid ticks, Grid lots):
    cdef BookView view = BookView.__new__(BookView)
    view.book = book
    view.owner = owner
    view.ticks = ticks
    view.lots = lots
    return view
