"""Interface of the writing half of a book, whoever owns it."""

from libc.stdint cimport int32_t, int64_t

from cascade._auction cimport Indicative
from cascade._book cimport Message
from cascade._bookview cimport BookView
from cascade._results cimport BatchResult, OrderResult


cdef class OrderEntry(BookView):
    cdef object batch_fills       # of the last call when it was a batch

    # What the owner does with a message, and around a change of the book that is none.
    cdef OrderResult send(self, Message* message)
    cdef int send_many(self, const Message* messages, int64_t count, BatchResult result) except -1
    cdef int begin_call(self) except -1
    cdef int end_call(self) except -1
    # Ends a call that changed no price: an auction begins.
    cdef int end_opening(self) except -1
    # Raises where no auctions are held.
    cdef int check_auction(self) except -1
    # What happens between `begin_call` and `end_call` of an uncross.
    cdef int cross(self, Indicative* found) except -1
    # Raises when prices up to this one may not enter.
    cdef int check_ceiling(self, int32_t price) except -1
    cdef void depth_replaced(self) noexcept
