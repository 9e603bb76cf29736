"""Interface of the Python classes over a book: a view of any book, and a book of one's own."""

from libc.stdint cimport int32_t, int64_t

from cascade._book cimport Book, Message, Submitted
from cascade._grid cimport Grid
from cascade._results cimport BatchResult, FillStore, OrderResult


cdef class BookView:
    cdef Book* book               # NULL: closed
    cdef object owner             # keeps the book's memory alive
    cdef readonly Grid ticks
    cdef readonly Grid lots

    # Between these two no other thread may use the book.
    cdef int begin(self) except -1
    cdef void end(self) noexcept
    cdef object orders_array(self)

cdef class OrderEntry(BookView):
    cdef object batch_fills       # of the last call when it was a batch

    cdef OrderResult send(self, Message* message)
    cdef int send_many(self, const Message* messages, int64_t count, BatchResult result) except -1
    cdef int begin_call(self) except -1
    cdef int end_call(self) except -1
    cdef int check_ceiling(self, int32_t price) except -1

cdef class OrderBook(OrderEntry):
    cdef Book own
    cdef FillStore store
    cdef readonly object tick_size
    cdef readonly object lot_size

cdef int restore_into(BookView book, orders, list state) except -1

# The view of a book inside another object.
cdef BookView book_view(Book* book, object owner, Grid ticks, Grid lots)
