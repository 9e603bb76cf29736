"""Interface of the stand-alone order book, and of filling any book from stored orders."""

from libc.stdint cimport int64_t

from cascade._book cimport Book
from cascade._bookview cimport BookView
from cascade._orderentry cimport OrderEntry
from cascade._results cimport FillStore


cdef class OrderBook(OrderEntry):
    cdef Book own
    cdef FillStore store
    cdef readonly object tick_size
    cdef readonly object lot_size

# Fill an empty book from its canonical orders and [next id, last, mark, auction]; ValueError, also for an order of
# an account that is not one of so many.
cdef int restore_into(BookView book, orders, list state, int64_t accounts) except -1
