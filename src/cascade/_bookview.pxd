"""Interface of the view of a book, whoever owns it."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._book cimport Book
from cascade._grid cimport Grid

cdef packed struct OrderRecord:           # ORDER_DTYPE
    int64_t id
    int64_t size
    int64_t hidden
    int64_t display
    int32_t price
    int32_t account
    int32_t trigger
    uint8_t side
    uint8_t flags
    uint8_t waiting
    uint8_t self_trade


cdef class BookView:
    cdef Book* book               # NULL: closed
    cdef object owner             # keeps the book's memory alive
    cdef readonly Grid ticks
    cdef readonly Grid lots

    # Between these two no other thread may use the book.
    cdef int begin(self) except -1
    cdef void end(self) noexcept
    cdef object orders_array(self)

# The view of a book inside another object.
cdef BookView book_view(Book* book, object owner, Grid ticks, Grid lots)

cdef int choice(str field, object value, dict choices) except -1
cdef int side_of(object side) except -1
cdef str broken_promise(int number)          # of an Invariant
