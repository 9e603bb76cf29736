"""Interface of the stand-alone order book; `BookView` and `book_view` are those of `_bookview`."""

from libc.stdint cimport int64_t

from cascade._book cimport Book, Message, Submitted
from cascade._bookview cimport BookView, book_view
from cascade._grid cimport Grid
from cascade._results cimport FillStore, OrderResult


cdef class OrderBook(BookView):
    cdef Book own
    cdef FillStore store
    cdef object batch_fills       # of the last call when it was a batch
    cdef readonly object tick_size
    cdef readonly object lot_size

    cdef OrderResult send(self, const Message* message)
    cdef int begin_call(self) except -1
    cdef int end_call(self) except -1
