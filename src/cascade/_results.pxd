"""Interface of what a book hands back: one answer, the answers to a batch, and memory of fills."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._book cimport Book, Fill, Submitted


cdef class OrderResult:
    cdef readonly int64_t order
    cdef readonly int64_t filled
    cdef readonly int64_t resting
    cdef readonly int32_t price
    cdef uint8_t code_number

cdef OrderResult order_result(const Submitted* submitted)

# One block of fill memory on its way back to the book that will write into it again.
cdef class FillStore:
    cdef Fill* fills
    cdef int64_t capacity

# Fills that have left their book; a book goes on writing elsewhere, so that views stay true.
cdef class FillBuffer:
    cdef Fill* fills
    cdef int64_t capacity
    cdef int64_t count
    cdef FillStore home

cdef class BatchResult:
    cdef readonly object codes
    cdef readonly object filled
    cdef readonly object fills
    cdef object messages          # what was applied, until `orders` is asked for
    cdef object order_ids
    cdef int64_t first_id

# Take the fills out of a book, and give it memory to go on.
cdef object fills_taken(Book* book, FillStore store)
cdef object fills_copied(const Book* book)
