"""`OrderBook`, the stand-alone book: calls, batches, auctions, depth, copies and files.

Prices go in as quotes on the tick grid and come out as whole ticks, sizes likewise as lots. Misuse
raises before anything changes; refusals of the book are codes in the result.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from cascade._auction cimport Indicative, auction_indicative, auction_open, auction_uncross
from cascade._book cimport (
    Book, Message, Order, OrderExtra, Submitted, book_cancel, book_copy, book_find,
    book_fire_stops, book_free, book_init, book_process, book_process_many, book_reserve,
    book_reserve_prices, book_restore, book_set_mark, book_touch, book_validate,
)
from cascade._bookview cimport BookView, OrderRecord, broken_promise, choice, side_of
from cascade._grid cimport Grid
from cascade._growth cimport ids_grow, window_cover
from cascade._levels cimport hidden_lots, in_window, level_at
from cascade._results cimport (
    BatchResult, FillStore, OrderResult, fills_copied, fills_taken, order_result,
)
from cascade._types cimport (
    BUY, CODE_OK, FLAG_ICEBERG, FLAG_POST_ONLY, FLAG_POST_ONLY_SLIDE, FLAG_STOP_ON_MARK, FOK, GTC,
    IOC, MAX_PRICE, MAX_SIZE, MESSAGE_CANCEL, MESSAGE_CANCEL_ALL, MESSAGE_LIMIT, MESSAGE_MARKET,
    MESSAGE_MODIFY, MESSAGE_STOP, MESSAGE_STOP_LIMIT, NO_ACCOUNT, SELL,
)

import numpy as np

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer

from cascade.archive import read_archive, write_archive
from cascade.dtypes import MESSAGE_DTYPE, ORDER_DTYPE

assert MESSAGE_DTYPE.itemsize == sizeof(Message)

cdef dict TIMES_IN_FORCE = {"gtc": GTC, "ioc": IOC, "fok": FOK}
cdef dict POST_ONLY = {None: 0, "reject": FLAG_POST_ONLY, "slide": FLAG_POST_ONLY_SLIDE}
cdef dict SELF_TRADES = {"allow": 0, "newest": 1, "oldest": 2, "both": 3, "decrement": 4}
cdef dict WATCHED = {"last": 0, "mark": FLAG_STOP_ON_MARK}
cdef object GTC_NAME = "gtc"
cdef object ALLOW_NAME = "allow"
cdef int ARCHIVE_VERSION = 1
cdef int64_t LONGEST_ID_TABLE = 1 << 34


cdef int32_t account_of(object account) except? -77:
    cdef object number
    try:
        number = account.__index__()
    except AttributeError:
        raise TypeError(f"account must be an integer, got {account!r}") from None
    if not -2**31 <= number < 2**31:
        raise ValueError(f"account {account!r} is outside -2 ... {2**31 - 1}")
    return number


cdef int64_t id_of(object order) except? -77:
    cdef object number
    try:
        number = order.__index__()
    except AttributeError:
        raise TypeError(f"order must be an integer id, got {order!r}") from None
    if not -2**63 <= number < 2**63:
        raise ValueError(f"order {order!r} is outside 1 ... {2**63 - 1}")
    return number


cdef class OrderBook(BookView):
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
        A bound is not on the grid, or a lower bound is above its upper one.

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
        cdef int64_t smallest = 1, largest = MAX_SIZE
        cdef int32_t lowest = 1, highest = MAX_PRICE
        if self.book != NULL:
            raise RuntimeError("the book exists already")
        self.tick_size = tick_size
        self.lot_size = lot_size
        self.ticks = Grid(tick_size, "tick_size")
        self.lots = Grid(lot_size, "lot_size")
        if min_size is not None:
            smallest = max(1, self.lots.to_steps(min_size, "min_size"))
        if max_size is not None:
            largest = min(MAX_SIZE, self.lots.to_steps(max_size, "max_size"))
        if min_price is not None:
            lowest = max(1, self.ticks.to_steps32(min_price, "min_price"))
        if max_price is not None:
            highest = min(MAX_PRICE, self.ticks.to_steps32(max_price, "max_price"))
        if smallest > largest:
            raise ValueError(f"min_size {min_size!r} is above max_size {max_size!r}")
        if lowest > highest:
            raise ValueError(f"min_price {min_price!r} is above max_price {max_price!r}")
        if book_init(&self.own, smallest, largest, lowest, highest):
            raise MemoryError("no memory for an order book")
        self.book = &self.own

    def __dealloc__(self):
        if self.book != NULL:
            book_free(&self.own)

    # --- one message a call --------------------------------------------------------------------

    cdef int begin_call(self) except -1:
        self.begin()
        self.batch_fills = None
        self.own.fill_count = 0
        return 0

    cdef int end_call(self) except -1:
        cdef bint failed = self.own.out_of_memory
        self.own.out_of_memory = 0
        self.end()
        if failed:
            raise MemoryError("the order book has no memory to grow; the message was cut short")
        return 0

    cdef OrderResult send(self, const Message* message):
        cdef Submitted out
        self.begin_call()
        book_process(&self.own, message, 0, &out)
        self.end_call()
        return order_result(&out)

    def limit(self, side, price, size, *, account=-1, time_in_force="gtc", post_only=None,
              display=None, self_trade="allow"):
        """Send a limit order.

        Parameters
        ----------
        side : {"buy", "sell"}
        price : number
            Quote on the tick grid.
        size : number
            Size on the lot grid.
        account : int, default -1
            Who sends it; -1 is the anonymous account, which self-trade prevention ignores.
        time_in_force : {"gtc", "ioc", "fok"}, default "gtc"
            What becomes of lots that do not trade at once.
        post_only : {None, "reject", "slide"}, optional
            What to do instead of trading at once: refuse, or rest one tick behind the touch.
        display : number, optional
            Displayed size of an iceberg.
        self_trade : {"allow", "newest", "oldest", "both", "decrement"}, default "allow"
            Self-trade prevention when this order is the taker.

        Returns
        -------
        OrderResult

        Raises
        ------
        TypeError
            A number is of another type.
        ValueError
            A number is not finite or not on the grid, or a name is unknown.
        """
        cdef Message message
        message.kind = MESSAGE_LIMIT
        message.side = <uint8_t>side_of(side)
        message.time_in_force = GTC
        message.flags = 0
        message.account = NO_ACCOUNT
        message.extra = 0
        message.order = 0
        message.price = self.ticks.to_steps32(price, "price")
        message.size = self.lots.to_steps(size, "size")
        if time_in_force is not GTC_NAME:
            message.time_in_force = <uint8_t>choice("time_in_force", time_in_force, TIMES_IN_FORCE)
        if self_trade is not ALLOW_NAME:
            message.time_in_force |= <uint8_t>(choice("self_trade", self_trade, SELF_TRADES) << 4)
        if account is not None:
            message.account = account_of(account)
        if post_only is not None:
            message.flags |= <uint8_t>choice("post_only", post_only, POST_ONLY)
        if display is not None:
            message.flags |= FLAG_ICEBERG
            message.extra = self.lots.to_steps32(display, "display")
        return self.send(&message)

    def market(self, side, size, *, account=-1, time_in_force="ioc", self_trade="allow"):
        """Send a market order, which drops what it cannot fill.

        Parameters
        ----------
        side : {"buy", "sell"}
        size : number
            Size on the lot grid.
        account : int, default -1
        time_in_force : {"ioc", "fok"}, default "ioc"
            "fok" fills whole or not at all.
        self_trade : {"allow", "newest", "oldest", "both", "decrement"}, default "allow"

        Returns
        -------
        OrderResult

        Raises
        ------
        TypeError, ValueError
            As `limit`.
        """
        cdef Message message
        memset(&message, 0, sizeof(Message))
        message.kind = MESSAGE_MARKET
        message.side = <uint8_t>side_of(side)
        message.time_in_force = <uint8_t>(
            choice("time_in_force", time_in_force, TIMES_IN_FORCE)
            | choice("self_trade", self_trade, SELF_TRADES) << 4)
        if message.time_in_force & 15 == IOC:
            # market orders drop their remainder anyway
            message.time_in_force &= 0xF0
        message.account = account_of(account)
        message.size = self.lots.to_steps(size, "size")
        return self.send(&message)

    def stop(self, side, trigger, size, *, price=None, on="last", account=-1, post_only=None,
             self_trade="allow"):
        """Send a stop, which becomes a market or limit order at its trigger.

        Parameters
        ----------
        side : {"buy", "sell"}
        trigger : number
            Quote on the tick grid. A buy stop is reached at or above it, a sell stop at or below.
        size : number
            Size on the lot grid.
        price : number, optional
            Limit price; without one the stop becomes a market order.
        on : {"last", "mark"}, default "last"
            Price that is watched.
        account : int, default -1
        post_only : {None, "reject", "slide"}, optional
            As in `limit`; only with a limit price.
        self_trade : {"allow", "newest", "oldest", "both", "decrement"}, default "allow"

        Returns
        -------
        OrderResult

        Raises
        ------
        TypeError, ValueError
            As `limit`.
        """
        cdef Message message
        memset(&message, 0, sizeof(Message))
        message.kind = MESSAGE_STOP if price is None else MESSAGE_STOP_LIMIT
        message.side = <uint8_t>side_of(side)
        message.time_in_force = <uint8_t>(choice("self_trade", self_trade, SELF_TRADES) << 4)
        message.flags = <uint8_t>(choice("on", on, WATCHED)
                                  | choice("post_only", post_only, POST_ONLY))
        message.account = account_of(account)
        message.extra = self.ticks.to_steps32(trigger, "trigger")
        if price is not None:
            message.price = self.ticks.to_steps32(price, "price")
        message.size = self.lots.to_steps(size, "size")
        return self.send(&message)

    def cancel(self, order):
        """Cancel an order or a waiting stop.

        Parameters
        ----------
        order : int
            Its id.

        Returns
        -------
        OrderResult
            Code OK or UNKNOWN_ORDER.

        Raises
        ------
        TypeError
            `order` is no integer.
        ValueError
            `order` does not fit in 64 bits.
        """
        cdef Message message
        memset(&message, 0, sizeof(Message))
        message.kind = MESSAGE_CANCEL
        message.order = id_of(order)
        return self.send(&message)

    def cancel_all(self, account):
        """Cancel all orders and waiting stops of an account, oldest id first.

        Parameters
        ----------
        account : int
            -1 stands for the anonymous account, whose orders are in no list: that walks the
            table of ids.

        Returns
        -------
        OrderResult
        """
        cdef Message message
        memset(&message, 0, sizeof(Message))
        message.kind = MESSAGE_CANCEL_ALL
        message.account = account_of(account)
        return self.send(&message)

    def modify(self, order, price=None, size=None):
        """Change price or open size of a resting order.

        The same price and a size that is not above the open one keep the place in the queue.
        Anything else enters the order again at the back, where it may trade.

        Parameters
        ----------
        order : int
            Its id.
        price : number, optional
            New limit price; by default the old one.
        size : number, optional
            New open size, hidden lots included; by default the old one.

        Returns
        -------
        OrderResult
            A refused modify leaves the order as it was.

        Raises
        ------
        TypeError, ValueError
            As `limit`.
        """
        cdef Message message
        cdef uint32_t slot
        memset(&message, 0, sizeof(Message))
        message.kind = MESSAGE_MODIFY
        message.order = id_of(order)
        if price is not None:
            message.price = self.ticks.to_steps32(price, "price")
        if size is not None:
            message.size = self.lots.to_steps(size, "size")
        self.begin()
        slot = book_find(&self.own, message.order)
        if slot != 0:
            if price is None:
                message.price = self.own.orders[slot].price
            if size is None:
                message.size = self.own.orders[slot].size + hidden_lots(&self.own, slot)
        self.end()
        return self.send(&message)

    @property
    def mark(self):
        """Mark price in ticks that stops on mark watch, 0 without one. Setting it takes a quote
        and fires the stops that are reached."""
        return BookView.mark.__get__(self)

    @mark.setter
    def mark(self, price):
        cdef int32_t ticks = self.ticks.to_steps32(price, "mark")
        if ticks < 1 or ticks > MAX_PRICE:
            raise ValueError(f"mark {price!r} is outside 1 ... {MAX_PRICE} ticks")
        self.begin_call()
        book_set_mark(&self.own, ticks)
        book_fire_stops(&self.own, 0)
        self.end_call()

    # --- many messages a call ------------------------------------------------------------------

    def apply(self, messages):
        """Process a batch of messages in its order.

        Parameters
        ----------
        messages : numpy.ndarray of MESSAGE_DTYPE
            One-dimensional and contiguous; prices in ticks, sizes in lots. It is only read.

        Returns
        -------
        BatchResult

        Raises
        ------
        TypeError
            `messages` is no array of MESSAGE_DTYPE.
        ValueError
            `messages` is not one-dimensional or not contiguous.
        RuntimeError
            Another thread uses the book.
        MemoryError
            The book could not grow; the messages before are done.
        """
        cdef Py_buffer view
        cdef int64_t count, done
        cdef uint8_t[::1] codes
        cdef int64_t[::1] filled
        cdef const Message* records
        cdef BatchResult result
        if not isinstance(messages, np.ndarray):
            raise TypeError(
                f"messages must be a numpy.ndarray of MESSAGE_DTYPE, got {type(messages).__name__}")
        if messages.dtype is not MESSAGE_DTYPE and messages.dtype != MESSAGE_DTYPE:
            raise TypeError(f"messages must have MESSAGE_DTYPE, got {messages.dtype}")
        if messages.ndim != 1:
            raise ValueError(f"messages must have one dimension, got {messages.ndim}")
        if not messages.flags.c_contiguous:
            raise ValueError("messages must be contiguous: pass numpy.ascontiguousarray(messages)")
        count = messages.shape[0]
        if count > <int64_t>0xFFFFFFFF:
            raise ValueError(f"messages must have at most 2**32 - 1 rows, got {count}")
        result = BatchResult.__new__(BatchResult)
        result.codes = np.empty(count, dtype=np.uint8)
        result.filled = np.empty(count, dtype=np.int64)
        result.messages = messages
        codes = result.codes
        filled = result.filled
        PyObject_GetBuffer(messages, &view, PyBUF_SIMPLE)
        try:
            records = <const Message*>view.buf
            self.begin_call()
            result.first_id = self.own.next_id
            if count > 0:
                with nogil:
                    # room is made before, so that the loop allocates nothing
                    done = book_reserve(&self.own, count, count, count)
                    if done == 0:
                        done = book_process_many(&self.own, records, count, &codes[0], &filled[0])
            self.batch_fills = result.fills = fills_taken(&self.own, self.store)
            self.end_call()
        finally:
            PyBuffer_Release(&view)
        return result

    def reserve(self, orders=0, fills=0, ids=0, *, prices=None):
        """Make room and touch the memory now, so that later calls neither grow nor page-fault.

        Parameters
        ----------
        orders, fills, ids : int, default 0
            So many more resting orders, fills in one call, and order ids.
        prices : (low, high), optional
            Quotes between which orders will rest; 32 bytes a tick.

        Raises
        ------
        TypeError, ValueError
            A number is negative or above 2**32, or a price is off the grid or out of bounds.
        MemoryError
            There is no such memory; the book is as it was.
        """
        cdef int32_t low = 0, high = 0
        for name, value in (("orders", orders), ("fills", fills), ("ids", ids)):
            if not 0 <= value <= 2**32:
                raise ValueError(f"{name} {value!r} is outside 0 ... {2**32}")
        if prices is not None:
            low = self.ticks.to_steps32(prices[0], "lowest price")
            high = self.ticks.to_steps32(prices[1], "highest price")
            if not self.own.min_price <= low <= high <= self.own.max_price:
                raise ValueError(f"prices {prices!r} are outside {self.own.min_price} ... "
                                 f"{self.own.max_price} ticks or not in order")
        cdef int64_t order_count = orders, fill_count = fills, id_count = ids
        self.begin_call()
        if book_reserve(&self.own, order_count, fill_count, id_count) == 0:
            book_touch(&self.own)
            if low > 0:
                book_reserve_prices(&self.own, low, high)
        self.end_call()

    @property
    def fills(self):
        """Fills of the last call, an array of FILL_DTYPE; single calls give a copy, a batch a
        read-only view that stays true."""
        if self.batch_fills is not None:
            return self.batch_fills
        self.begin()
        try:
            return fills_copied(&self.own)
        finally:
            self.end()

    # --- call auction --------------------------------------------------------------------------

    def open_auction(self):
        """Stop trading and collect orders for a call auction."""
        self.begin_call()
        auction_open(&self.own)
        self.end_call()

    def indicative(self):
        """Outcome of the uncross that would happen now.

        Returns
        -------
        tuple of int or None
            Price in ticks, volume in lots, and buys minus sells executable at the price; None
            when nothing can trade.
        """
        cdef Indicative found
        self.begin()
        auction_indicative(&self.own, &found)
        self.end()
        return (found.price, found.volume, found.imbalance) if found.volume > 0 else None

    def uncross(self):
        """Trade everything that can trade at the indicative price, reopen, and fire stops.

        Returns
        -------
        tuple of int or None
            As `indicative` just before.
        """
        cdef Indicative found
        self.begin_call()
        auction_uncross(&self.own, &found)
        book_fire_stops(&self.own, 0)
        self.end_call()
        return (found.price, found.volume, found.imbalance) if found.volume > 0 else None

    # --- depth from outside --------------------------------------------------------------------

    def load_depth(self, bids, asks, *, replace=False):
        """Add one anonymous order a level; a bad depth is refused whole.

        Parameters
        ----------
        bids, asks : sequence of (price, size) or array of two columns
            Quotes on the tick grid, best first, and sizes on the lot grid.
        replace : bool, default False
            Remove all anonymous orders first (waiting stops stay).

        Raises
        ------
        TypeError
            A price or size is no number.
        ValueError
            A price or size is off the grid, not finite or outside the book's bounds; prices are
            not strictly best first; or the book would be crossed.
        """
        cdef list levels = []
        self.begin()
        try:
            for side, name, rows in ((BUY, "bids", bids), (SELL, "asks", asks)):
                levels += self._depth_levels(side, name, rows)
            self._check_depth(levels, bool(replace))
        finally:
            self.end()
        self.begin_call()
        if book_reserve(&self.own, len(levels), 0, len(levels)) == 0:
            self._place_depth(levels, bool(replace))
        self.end_call()

    def _depth_levels(self, int side, str name, rows):
        """(side, ticks, lots) of each row, checked against grid, bounds and order."""
        cdef int32_t price
        cdef int64_t size, previous = 0
        cdef list levels = []
        if isinstance(rows, np.ndarray):
            if rows.size and (rows.ndim != 2 or rows.shape[1] != 2):
                raise ValueError(f"{name} must have two columns, got shape {rows.shape}")
            rows = rows.tolist()
        for row in rows:
            try:
                quote, quantity = row
            except (TypeError, ValueError):
                raise ValueError(f"{name}: a row must be (price, size), got {row!r}") from None
            price = self.ticks.to_steps32(quote, f"{name} price")
            size = self.lots.to_steps(quantity, f"{name} size")
            if price < self.own.min_price or price > self.own.max_price:
                raise ValueError(f"{name} price {quote!r} is outside {self.own.min_price} ... "
                                 f"{self.own.max_price} ticks")
            if size < self.own.min_size or size > self.own.max_size:
                raise ValueError(f"{name} size {quantity!r} is outside {self.own.min_size} ... "
                                 f"{self.own.max_size} lots")
            if previous and (price >= previous if side == BUY else price <= previous):
                raise ValueError(f"{name} price {quote!r} does not come after the one before it: "
                                 "prices must be strictly best first")
            previous = price
            levels.append((side, price, size))
        return levels

    def _check_depth(self, list levels, bint replace):
        """Would these levels cross each other or what stays in the book, or overfill a level?"""
        cdef int32_t bid = 0, ask = 0, price
        cdef int64_t size
        cdef int side
        if not replace:
            bid = self.own.best_bid
            ask = self.own.best_ask
        else:
            kept = self.orders_array()
            kept = kept[(kept["account"] != NO_ACCOUNT) & (kept["waiting"] == 0)]
            bid = max(kept["price"][kept["side"] == BUY].tolist(), default=0)
            ask = min(kept["price"][kept["side"] == SELL].tolist(), default=0)
        for side, price, size in levels:
            if side == BUY:
                bid = max(bid, price)
            else:
                ask = price if ask == 0 else min(ask, price)
            if not replace and in_window(&self.own, price):
                if level_at(&self.own, <uint8_t>side, price).size > (1 << 62) - size:
                    raise ValueError(f"the level at {price} ticks would hold more than 2**62 lots")
        if bid and ask and bid >= ask and not self.own.auction:
            raise ValueError(f"the depth is crossed: bid {bid} ticks, ask {ask} ticks")

    def _place_depth(self, list levels, bint replace):
        cdef Message message
        cdef Submitted out
        cdef int64_t order_id
        cdef uint32_t slot
        for _, price, _ in levels:
            if window_cover(&self.own, price):
                return
        if replace:
            for order_id in range(self.own.first_id, self.own.next_id):
                slot = book_find(&self.own, order_id)
                if (slot != 0 and self.own.orders[slot].account == NO_ACCOUNT
                        and not self.own.extras[slot].waiting):
                    book_cancel(&self.own, order_id)
        memset(&message, 0, sizeof(Message))
        message.account = NO_ACCOUNT
        for side, price, size in levels:
            message.side = side
            message.price = price
            message.size = size
            book_process(&self.own, &message, 0, &out)

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
        write_archive(path, {"orders": orders, "state": state})

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
        arrays = read_archive(path, {"orders": ORDER_DTYPE, "state": np.dtype("<i8")})
        try:
            return restored(arrays["orders"], arrays["state"].tolist())
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise ValueError(f"{str(path)!r} holds no order book: {error}") from error


cdef OrderBook restored(orders, list state):
    """A book from its stored columns; raises ValueError when they are not those of a book."""
    from fractions import Fraction

    cdef OrderBook book
    if len(state) != 13 or state[0] != ARCHIVE_VERSION:
        raise ValueError(f"the state has {len(state)} entries of version {state[:1]}")
    _, next_id, last, mark, auction, low_size, high_size, low_price, high_price = state[:9]
    book = OrderBook(Fraction(state[9], state[10]), Fraction(state[11], state[12]))
    if not (1 <= low_size <= high_size <= MAX_SIZE and 1 <= low_price <= high_price <= MAX_PRICE):
        raise ValueError("the bounds of sizes or prices are impossible")
    if not (0 <= last <= MAX_PRICE and 0 <= mark <= MAX_PRICE and 0 <= auction <= 1):
        raise ValueError("the last price, mark or auction flag is impossible")
    oldest = int(orders["id"].min()) if len(orders) else next_id
    if not 1 <= oldest <= next_id <= 2**62 or next_id - oldest > LONGEST_ID_TABLE:
        raise ValueError("the order ids are impossible")
    book.own.min_size = low_size
    book.own.max_size = high_size
    book.own.min_price = low_price
    book.own.max_price = high_price
    book.own.first_id = oldest
    book.own.next_id = oldest
    if (ids_grow(&book.own, next_id - oldest + 1)
            or book_reserve(&book.own, len(orders), 0, 0)):
        raise MemoryError("no memory for the order book")
    book.own.next_id = next_id
    restore_orders(book, orders)
    book.own.last = last
    book.own.mark = mark
    book.own.auction = auction
    check_restored(book, orders)
    return book


cdef int restore_orders(OrderBook book, orders) except -1:
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
        if records[at].id >= book.own.next_id or book_find(&book.own, records[at].id) != 0:
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
        code = book_restore(&book.own, &order, &extra, records[at].hidden, records[at].display,
                            records[at].trigger)
        if book.own.out_of_memory:
            raise MemoryError("no memory for the order book")
        if code != CODE_OK:
            raise ValueError(f"order {records[at].id} is refused with code {code}")
    return 0


cdef int check_restored(OrderBook book, orders) except -1:
    cdef OrderBook trial
    if book_validate(&book.own):
        raise ValueError(f"{broken_promise(book_validate(&book.own))}")
    if not np.array_equal(book.orders_array(), orders):
        raise ValueError("the orders are not in canonical order")
    if not book.own.auction:
        # between two messages no stop is due: firing on a copy must change nothing
        trial = book.copy()
        book_fire_stops(&trial.own, 0)
        if trial.own.live_orders != book.own.live_orders or trial.own.fill_count != 0:
            raise ValueError("a stop should have fired")
    return 0
