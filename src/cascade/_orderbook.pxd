"""Interface of the Python classes over a book: a view of any book, and a book of one's own."""

from libc.stdint cimport int64_t

from cascade._book cimport Book, Message, Submitted
from cascade._grid cimport Grid
from cascade._results cimport FillStore, OrderResult


cdef class BookView:
    cdef Book* book               # NULL: closed
    cdef object owner             # keeps the book's memory alive
    cdef readonly Grid ticks
    cdef readonly Grid lots

    # Between these two no other thread may use the book.
    cdef int begin(self) except -1
    cdef void end(self) noexcept
    cdef object orders_array(self)

cdef class OrderBook(BookView):
    cdef Book own
    cdef FillStore store
    cdef object batch_fills       # of the last call when it was a batch
    cdef readonly object tick_size
    cdef readonly object lot_size

    cdef OrderResult send(self, const Message* message)
    cdef int begin_call(self) except -1
    cdef int end_call(self) except -1

# The view of a book inside another object.
cdef BookView book_view(Book* book, object owner, Grid ticks, Grid lots)
