"""The book of a market inside an engine: the calls of an order book, through the clearing house.

Orders of accounts are checked for margin, fills move positions, the mark is formed and stops fire
after each message, all of it in the engine's log.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memset

from cascade._auction cimport Indicative
from cascade._book cimport Message, Submitted
from cascade._bookview cimport BookView
from cascade._consumed_depth cimport forget_all_consumed
from cascade._core cimport EngineCore
from cascade._grid cimport Grid
from cascade._halt cimport PHASE_CANCEL_ONLY
from cascade._orderentry cimport OrderEntry
from cascade._feed cimport refresh_mark
from cascade._orders cimport fire_stops, submit_order
from cascade._results cimport BatchResult, OrderResult, order_result
from cascade._settlement cimport admit_price, uncross_market
from cascade._types cimport EVENT_FILL


cdef class MarketBook(OrderEntry):
    """Order entry and reading of one market's book.

    Each call is one message of a driver; what it did is in the engine's log, and the `fills` of a
    batch are the log's FILL events. Depth that is loaded belongs to nobody and needs no margin.
    """

    cdef int check_bound(self) except -1:
        if self.book == NULL:
            raise ValueError("the book is closed")
        return 0

    cdef int begin(self) except -1:
        self.check_bound()
        return self.engine.begin()

    cdef void end(self) noexcept:
        self.engine.release()

    @property
    def mark(self):
        """Mark price in ticks that stops on mark watch, 0 without one; the market's feed forms it."""
        return BookView.mark.__get__(self)

    cdef int begin_call(self) except -1:
        self.check_bound()
        if self.market_state.impact_venue:
            raise ValueError("the market's venue is an impact curve: it has no depth and no auction")
        self.engine.begin()
        # what leaves the book in this call leaves it at the driver's wish
        self.engine.state.cause = -1
        self.engine.state.wave = 0
        return 0

    cdef int end_call(self) except -1:
        # depth or an auction changed the venue: no order is the cause of the mark
        refresh_mark(&self.engine.state, self.market_state, -1, 0)
        fire_stops(&self.engine.state, self.market_state)
        return self.engine.end()

    cdef int end_opening(self) except -1:
        # no mark is formed, and no breaker looks
        return self.engine.end()

    cdef int check_auction(self) except -1:
        if self.market_state.impact_venue:
            raise ValueError("an impact venue holds no auctions")
        if self.market_state.breaker != NULL and self.market_state.breaker.phase >= PHASE_CANCEL_ONLY:
            raise ValueError("the market is halted: its breaker reopens it, or market.resume()")
        return 0

    cdef int cross(self, Indicative* found) except -1:
        # the mark is formed and stops fire when the call ends
        uncross_market(&self.engine.state, self.market_state, found, -1)
        return 0

    cdef OrderResult send(self, Message* message):
        cdef Submitted out
        self.check_bound()
        self.engine.submit_message(self.market_state, message, &out)
        return order_result(&out)

    cdef void depth_replaced(self) noexcept:
        if self.market_state.breaker != NULL:
            forget_all_consumed(self.market_state.breaker)

    cdef int check_ceiling(self, int32_t price) except -1:
        if admit_price(&self.engine.state, self.market_state, price):
            raise OverflowError(f"price of {price} ticks: open positions there do not fit in 64 bits")
        return 0

    cdef int send_many(self, const Message* messages, int64_t count, BatchResult result) except -1:
        cdef uint8_t[::1] codes = result.codes
        cdef int64_t[::1] filled = result.filled
        cdef Submitted out
        cdef int64_t k, first
        self.check_bound()
        first = self.engine.event_count
        self.engine.begin()
        result.first_id = self.book.next_id
        memset(&self.engine.state.counters, 0, sizeof(self.engine.state.counters))
        with nogil:
            for k in range(count):
                submit_order(&self.engine.state, self.market_state, &messages[k], &out)
                codes[k] = out.code
                filled[k] = out.filled
                if self.engine.state.failed:
                    break
        self.engine.end()
        events = self.engine.events_between(first, self.engine.event_count)
        result.fills = events[events["kind"] == EVENT_FILL]
        return 0


def market_book(EngineCore engine, int64_t number, Grid ticks, Grid lots):
    """The MarketBook of a market."""
    cdef MarketBook book = MarketBook.__new__(MarketBook)
    book.engine = engine
    book.owner = engine
    book.number = number
    book.market_state = engine.market_at(number)
    book.book = &book.market_state.book
    book.ticks = ticks
    book.lots = lots
    return book
