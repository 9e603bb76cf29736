"""`OrderBook`, the stand-alone book: its memory, copies and files.

A book may be used by one thread at a time; a batch runs without the interpreter lock.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memset

from cascade._book cimport (
    Book, Message, Order, OrderExtra, Submitted, book_copy, book_find, book_fire_stops, book_free,
    book_init, book_process, book_process_many, book_reserve, book_restore, book_validate,
)
from cascade._bookview cimport BookView, OrderRecord, broken_promise
from cascade._grid cimport Grid
from cascade._growth cimport ids_grow
from cascade._orderentry cimport OrderEntry
from cascade._results cimport BatchResult, FillStore, OrderResult, fills_taken, order_result
from cascade._types cimport CODE_OK, MAX_PRICE, MAX_SIZE

import numpy as np

from cascade.archive import read_archive, write_archive
from cascade.bounds import order_bounds
from cascade.dtypes import ORDER_DTYPE

cdef int ARCHIVE_VERSION = 3
cdef int64_t LONGEST_ID_TABLE = 1 << 27   # ids from the oldest live order on; 4 bytes each


cdef class OrderBook(OrderEntry):
    """Price-time-priority order book on integer ticks and lots.

    Parameters
    ----------
    tick_size, lot_size : int, float, str, Decimal or Fraction, default 1
        Steps of prices and sizes. A float means the decimal number that is printed for it.
    min_size, max_size : number, optional
        Bounds of an order's size; by default one lot and 2**48 lots.
    min_price, max_price : number, optional
        Bounds of a limit price; by default 1 and 2,147,483,646 ticks.

    Raises
    ------
    TypeError
        An argument is no number.
    ValueError
        A bound is not on the grid, below one step of it or above the largest one, or a lower bound
        is above its upper one.

    Notes
    -----
    The rules are those of ``docs/book.md``. What a venue would refuse is a code in the result;
    what no caller can mean (a price off the grid, NaN, an unknown side) raises and changes
    nothing. A book may be used by one thread at a time.

    Examples
    --------
    >>> import cascade
    >>> book = cascade.OrderBook(tick_size=0.5)
    >>> book.limit("sell", 100.5, 3).order
    1
    >>> book.market("buy", 2).filled
    2
    >>> book.asks()
    [(201, 1, 1)]

    """

    def __cinit__(self):
        memset(&self.own, 0, sizeof(Book))
        self.store = FillStore.__new__(FillStore)

    def __init__(self, tick_size=1, lot_size=1, *, min_size=None, max_size=None, min_price=None,
                 max_price=None):
        if self.book != NULL:
            raise RuntimeError("the book exists already")
        self.tick_size = tick_size
        self.lot_size = lot_size
        self.ticks = Grid(tick_size, "tick_size")
        self.lots = Grid(lot_size, "lot_size")
        bounds = order_bounds(self.ticks, self.lots, min_size, max_size, min_price, max_price)
        if book_init(&self.own, bounds["min_size"], bounds["max_size"], bounds["min_price"],
                     bounds["max_price"]):
            raise MemoryError("no memory for an order book")
        self.book = &self.own

    def __dealloc__(self):
        if self.book != NULL:
            book_free(&self.own)

    cdef int begin_call(self) except -1:
        self.begin()
        self.batch_fills = None
        self.book.fill_count = 0
        return 0

    cdef int end_call(self) except -1:
        cdef bint failed = self.book.out_of_memory
        self.book.out_of_memory = 0
        self.end()
        if failed:
            raise MemoryError("the order book has no memory to grow; the message was cut short")
        return 0

    cdef OrderResult send(self, Message* message):
        cdef Submitted out
        self.begin_call()
        book_process(self.book, message, 0, &out)
        self.end_call()
        return order_result(&out)

    cdef int send_many(self, const Message* messages, int64_t count, BatchResult result) except -1:
        cdef uint8_t[::1] codes = result.codes
        cdef int64_t[::1] filled = result.filled
        cdef int64_t done
        self.begin_call()
        result.first_id = self.own.next_id
        if count > 0:
            with nogil:
                # room is made before, so that the loop allocates nothing
                done = book_reserve(&self.own, count, count, count)
                if done == 0:
                    done = book_process_many(&self.own, messages, count, &codes[0], &filled[0])
        self.batch_fills = result.fills = fills_taken(&self.own, self.store)
        return self.end_call()

    # --- copies and files ----------------------------------------------------------------------

    def copy(self):
        """Independent book of the same state; the fills of the last call are not copied.

        Returns
        -------
        OrderBook
        """
        cdef OrderBook other = OrderBook.__new__(OrderBook)
        cdef int failed
        other.tick_size = self.tick_size
        other.lot_size = self.lot_size
        other.ticks = self.ticks
        other.lots = self.lots
        self.begin()
        failed = book_copy(&other.own, &self.own)
        self.end()
        if failed:
            raise MemoryError("no memory for a copy of the order book")
        other.book = &other.own
        return other

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        raise TypeError("an OrderBook cannot be pickled; use copy(), save() and load()")

    def save(self, path):
        """Write the state to an uncompressed ``.npz`` file.

        Parameters
        ----------
        path : path-like
            Name of the file; an existing one is replaced.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        self.begin()
        try:
            orders = self.orders_array()
            state = np.array(
                [ARCHIVE_VERSION, self.own.next_id, self.own.last, self.own.mark, self.own.auction,
                 self.own.min_size, self.own.max_size, self.own.min_price, self.own.max_price,
                 self.ticks.numerator, self.ticks.denominator, self.lots.numerator,
                 self.lots.denominator], dtype="<i8")
        finally:
            self.end()
        write_archive(path, {"orders": orders, "state": state, "owners": owners_of(orders)})

    @staticmethod
    def load(path):
        """Read a file that `save` wrote; everything in it is checked.

        Parameters
        ----------
        path : path-like

        Returns
        -------
        OrderBook

        Raises
        ------
        OSError
            The file cannot be opened.
        ValueError
            The file is damaged, or what it holds is not the state of a book.
        """
        arrays = read_archive(
            path, {"orders": ORDER_DTYPE, "state": np.dtype("<i8"), "owners": np.dtype("u1")})
        try:
            return restored(arrays["orders"], arrays["state"].tolist(), arrays["owners"])
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise ValueError(f"{str(path)!r} holds no order book: {error}") from error


cdef OrderBook restored(orders, list state, owners):
    """A book from its stored columns; raises ValueError when they are not those of a book."""
    from fractions import Fraction

    cdef OrderBook book
    if len(state) != 13 or state[0] != ARCHIVE_VERSION:
        raise ValueError(f"the state has {len(state)} entries of version {state[:1]}")
    _, next_id, last, mark, auction, low_size, high_size, low_price, high_price = state[:9]
    book = OrderBook(Fraction(state[9], state[10]), Fraction(state[11], state[12]))
    if not (1 <= low_size <= high_size <= MAX_SIZE and 1 <= low_price <= high_price <= MAX_PRICE):
        raise ValueError("the bounds of sizes or prices are impossible")
    book.own.min_size = low_size
    book.own.max_size = high_size
    book.own.min_price = low_price
    book.own.max_price = high_price
    # room for accounts is made after the file has shown a bit of its own for each
    restore_into(book, orders, [next_id, last, mark, auction], 8 * len(owners))
    if not np.array_equal(owners, owners_of(orders)):
        raise ValueError(f"the {len(owners)} bytes of owners are not those of the orders' accounts")
    if not auction:
        check_no_stop_is_due(book)
    return book


cdef accounts_in(orders):
    """One more than the highest account that has an order."""
    return max(int(orders["account"].max()) + 1, 0) if len(orders) else 0


cdef owners_of(orders):
    """A bit for each account up to the highest that has an order, eight a byte: which of them have one."""
    bits = np.zeros(accounts_in(orders), np.uint8)
    bits[orders["account"][orders["account"] >= 0]] = 1
    return np.packbits(bits)


cdef int restore_into(BookView book, orders, list state, int64_t accounts) except -1:
    """Fill an empty book from its canonical orders and [next id, last, mark, auction]."""
    next_id, last, mark, auction = state
    # before room is made for them
    if accounts_in(orders) > accounts:
        worst = int(np.argmax(orders["account"]))
        raise ValueError(f"order {orders['id'][worst]}: account {orders['account'][worst]} is outside "
                         f"-1 ... {accounts - 1}")
    if not (0 <= last <= MAX_PRICE and 0 <= mark <= MAX_PRICE and 0 <= auction <= 1):
        raise ValueError("the last price, mark or auction flag is impossible")
    oldest = int(orders["id"].min()) if len(orders) else next_id
    if not 1 <= oldest <= next_id <= 2**62 or next_id - oldest > LONGEST_ID_TABLE:
        raise ValueError("the order ids are impossible")
    book.book.first_id = oldest
    book.book.next_id = oldest
    if (ids_grow(book.book, next_id - oldest + 1)
            or book_reserve(book.book, len(orders), 0, 0)):
        raise MemoryError("no memory for the order book")
    book.book.next_id = next_id
    restore_orders(book, orders)
    book.book.last = last
    book.book.mark = mark
    book.book.auction = auction
    if book_validate(book.book):
        raise ValueError(f"{broken_promise(book_validate(book.book))}")
    if not np.array_equal(book.orders_array(), orders):
        raise ValueError("the orders are not in canonical order")
    return 0


cdef int restore_orders(BookView book, orders) except -1:
    cdef const unsigned char[::1] data
    cdef const OrderRecord* records
    cdef Order order
    cdef OrderExtra extra
    cdef int64_t at
    cdef uint8_t code
    if len(orders) == 0:
        return 0
    data = orders.view(np.uint8)
    records = <const OrderRecord*>&data[0]
    for at in range(len(orders)):
        if records[at].id >= book.book.next_id or book_find(book.book, records[at].id) != 0:
            raise ValueError(f"order id {records[at].id} is used twice or not used yet")
        if records[at].waiting > 1:
            raise ValueError(f"order {records[at].id} has waiting {records[at].waiting}")
        memset(&order, 0, sizeof(Order))
        memset(&extra, 0, sizeof(OrderExtra))
        order.id = records[at].id
        order.size = records[at].size
        order.price = records[at].price
        order.account = records[at].account
        extra.side = records[at].side
        extra.flags = records[at].flags
        extra.waiting = records[at].waiting
        extra.self_trade = records[at].self_trade
        code = book_restore(book.book, &order, &extra, records[at].hidden, records[at].display,
                            records[at].trigger)
        if book.book.out_of_memory:
            raise MemoryError("no memory for the order book")
        if code != CODE_OK:
            raise ValueError(f"order {records[at].id} is refused with code {code}")
    return 0


cdef int check_no_stop_is_due(OrderBook book) except -1:
    # between two messages no stop is due: firing on a copy must change nothing
    cdef OrderBook trial = book.copy()
    book_fire_stops(&trial.own, 0)
    if trial.own.live_orders != book.own.live_orders or trial.own.fill_count != 0:
        raise ValueError("a stop should have fired")
    return 0
