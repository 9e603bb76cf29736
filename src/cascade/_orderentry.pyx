"""`OrderEntry`, the writing half of a book: calls of one message, batches, auctions and depth.

Prices go in as quotes on the tick grid, sizes likewise as lots. Misuse raises before anything changes;
refusals of the book are codes in the result. Who owns the book says what becomes of a message.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from cascade._arguments cimport account_of, id_of
from cascade._auction cimport Indicative, auction_indicative, auction_open, auction_uncross
from cascade._book cimport (
    Message, Submitted, book_cancel, book_find, book_fire_stops, book_process, book_reserve,
    book_reserve_prices, book_set_mark, book_touch,
)
from cascade._bookview cimport BookView, choice, side_of
from cascade._growth cimport window_cover
from cascade._levels cimport hidden_lots, in_window, level_at
from cascade._results cimport BatchResult, OrderResult, fills_copied
from cascade._types cimport (
    BUY, FLAG_ICEBERG, FLAG_LONG_LEG, FLAG_POST_ONLY, FLAG_POST_ONLY_SLIDE, FLAG_REDUCE_ONLY,
    FLAG_SHORT_LEG, FLAG_STOP_ON_MARK, FOK, GTC, IOC, MAX_PRICE, MESSAGE_CANCEL,
    MESSAGE_CANCEL_ALL, MESSAGE_LIMIT, MESSAGE_MARKET, MESSAGE_MODIFY, MESSAGE_STOP,
    MESSAGE_STOP_LIMIT, NO_ACCOUNT, SELL,
)

import numpy as np

from cascade.dtypes import MESSAGE_DTYPE
from cascade.exact_numbers import whole

cdef dict TIMES_IN_FORCE = {"gtc": GTC, "ioc": IOC, "fok": FOK}
cdef dict POST_ONLY = {None: 0, "reject": FLAG_POST_ONLY, "slide": FLAG_POST_ONLY_SLIDE}
cdef dict SELF_TRADES = {"allow": 0, "newest": 1, "oldest": 2, "both": 3, "decrement": 4}
cdef dict LEGS = {None: 0, "long": FLAG_LONG_LEG, "short": FLAG_SHORT_LEG}
cdef dict WATCHED = {"last": 0, "mark": FLAG_STOP_ON_MARK}
cdef object GTC_NAME = "gtc"
cdef object ALLOW_NAME = "allow"


cdef int position_flags(object reduce_only, object leg) except -1:
    return choice("leg", leg, LEGS) | (FLAG_REDUCE_ONLY if reduce_only else 0)


cdef class OrderEntry(BookView):
    """Writing half of a book: one call a message, batches, auctions, depth.

    What a call does between taking and giving back the book is the owner's: a stand-alone book
    processes a message itself, a market's book sends it through the clearing house.
    """

    cdef int begin_call(self) except -1:
        raise NotImplementedError

    cdef int end_call(self) except -1:
        raise NotImplementedError

    cdef int end_opening(self) except -1:
        return self.end_call()

    cdef OrderResult send(self, Message* message):
        raise NotImplementedError

    cdef int check_auction(self) except -1:
        return 0

    cdef int cross(self, Indicative* found) except -1:
        auction_uncross(self.book, found)
        book_fire_stops(self.book, 0)
        return 0

    cdef void depth_replaced(self) noexcept:
        """The depth from outside was stated anew."""

    cdef int check_ceiling(self, int32_t price) except -1:
        # may prices up to this one enter?
        return 0

    cdef int send_many(self, const Message* messages, int64_t count, BatchResult result) except -1:
        raise NotImplementedError

    # --- one message a call --------------------------------------------------------------------

    def limit(self, side, price, size, *, account=-1, time_in_force="gtc", post_only=None,
              display=None, self_trade="allow", reduce_only=False, leg=None):
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
        reduce_only : bool, default False
            Only close; refused by a book that knows no positions.
        leg : {None, "long", "short"}, optional
            Position of a hedge-mode account that the order belongs to.

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
        if reduce_only is not False or leg is not None:
            message.flags |= position_flags(reduce_only, leg)
        return self.send(&message)

    def market(self, side, size, *, account=-1, time_in_force="ioc", self_trade="allow",
               reduce_only=False, leg=None):
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
        reduce_only, leg
            As in `limit`.

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
        message.flags = position_flags(reduce_only, leg)
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
             self_trade="allow", reduce_only=False, leg=None):
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
        reduce_only, leg
            As in `limit`.

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
                                  | choice("post_only", post_only, POST_ONLY)
                                  | position_flags(reduce_only, leg))
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
        slot = book_find(self.book, message.order)
        if slot != 0:
            if price is None:
                message.price = self.book.orders[slot].price
            if size is None:
                message.size = self.book.orders[slot].size + hidden_lots(self.book, slot)
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
        book_set_mark(self.book, ticks)
        book_fire_stops(self.book, 0)
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
        cdef int64_t count
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
        PyObject_GetBuffer(messages, &view, PyBUF_SIMPLE)
        try:
            self.send_many(<const Message*>view.buf, count, result)
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
            A number is none, negative or above 2**32, or the prices are not two, off the grid or
            out of bounds.
        MemoryError
            There is no such memory; the book is as it was.
        """
        cdef int32_t low = 0, high = 0
        for name, value in (("orders", orders), ("fills", fills), ("ids", ids)):
            if not 0 <= whole(value, name) <= 2**32:
                raise ValueError(f"{name} {value!r} is outside 0 ... {2**32}")
        if prices is not None:
            try:
                lowest, highest = prices
            except (TypeError, ValueError):
                raise ValueError(f"prices must be (low, high), got {prices!r}") from None
            low = self.ticks.to_steps32(lowest, "lowest price")
            high = self.ticks.to_steps32(highest, "highest price")
            if not self.book.min_price <= low <= high <= self.book.max_price:
                raise ValueError(f"prices {prices!r} are outside {self.book.min_price} ... "
                                 f"{self.book.max_price} ticks or not in order")
        cdef int64_t order_count = orders, fill_count = fills, id_count = ids
        self.begin_call()
        if book_reserve(self.book, order_count, fill_count, id_count) == 0:
            book_touch(self.book)
            if low > 0:
                book_reserve_prices(self.book, low, high)
        self.end_call()

    @property
    def fills(self):
        """Fills of the last call, an array of FILL_DTYPE; single calls give a copy, a batch a
        read-only view that stays true."""
        if self.batch_fills is not None:
            return self.batch_fills
        self.begin()
        try:
            return fills_copied(self.book)
        finally:
            self.end()

    # --- call auction --------------------------------------------------------------------------

    def open_auction(self):
        """Stop trading and collect orders for a call auction.

        Raises
        ------
        ValueError
            The market's venue is an impact curve.
        """
        self.check_auction()
        self.begin_call()
        auction_open(self.book)
        self.end_opening()

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
        auction_indicative(self.book, &found)
        self.end()
        return (found.price, found.volume, found.imbalance) if found.volume > 0 else None

    def uncross(self):
        """Trade everything that can trade at the indicative price, reopen, and fire stops.

        Returns
        -------
        tuple of int or None
            As `indicative` just before.

        Raises
        ------
        ValueError
            The market's venue is an impact curve.
        """
        cdef Indicative found
        self.check_auction()
        self.begin_call()
        self.cross(&found)
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
        if book_reserve(self.book, len(levels), 0, len(levels)) == 0:
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
            if price < self.book.min_price or price > self.book.max_price:
                raise ValueError(f"{name} price {quote!r} is outside {self.book.min_price} ... "
                                 f"{self.book.max_price} ticks")
            if size < self.book.min_size or size > self.book.max_size:
                raise ValueError(f"{name} size {quantity!r} is outside {self.book.min_size} ... "
                                 f"{self.book.max_size} lots")
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
            bid = self.book.best_bid
            ask = self.book.best_ask
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
            if not replace and in_window(self.book, price):
                if level_at(self.book, <uint8_t>side, price).size > (1 << 62) - size:
                    raise ValueError(f"the level at {price} ticks would hold more than 2**62 lots")
        if levels:
            self.check_ceiling(max(price for _, price, _ in levels))
        if bid and ask and bid >= ask and not self.book.auction:
            raise ValueError(f"the depth is crossed: bid {bid} ticks, ask {ask} ticks")

    def _place_depth(self, list levels, bint replace):
        cdef Message message
        cdef Submitted out
        cdef int64_t order_id
        cdef uint32_t slot
        for _, price, _ in levels:
            if window_cover(self.book, price):
                return
        if replace:
            for order_id in range(self.book.first_id, self.book.next_id):
                slot = book_find(self.book, order_id)
                if (slot != 0 and self.book.orders[slot].account == NO_ACCOUNT
                        and not self.book.extras[slot].waiting):
                    book_cancel(self.book, order_id)
            self.depth_replaced()
        memset(&message, 0, sizeof(Message))
        message.account = NO_ACCOUNT
        for side, price, size in levels:
            message.side = side
            message.price = price
            message.size = size
            book_process(self.book, &message, 0, &out)
