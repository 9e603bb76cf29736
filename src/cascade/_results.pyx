"""What a book hands back: one answer, the answers to a batch, and memory of fills.

The fills of a batch are not copied: their block leaves the book with the result, and comes back for
reuse when the last array that looks at it is gone. A book writes into another block meanwhile.
"""

import numpy as np

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_FillInfo
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from cascade._book cimport Book, Fill, Submitted
from cascade._memory cimport memory_release
from cascade._types cimport MESSAGE_CANCEL, MESSAGE_CANCEL_ALL, MESSAGE_MODIFY
from cascade.codes import Code
from cascade.dtypes import FILL_DTYPE

cdef tuple CODES = tuple(
    Code(number) if number in Code._value2member_map_ else number for number in range(256))

assert FILL_DTYPE.itemsize == sizeof(Fill)


cdef class OrderResult:
    """Answer to one message.

    Attributes
    ----------
    order : int
        Id of the order, given also to a refused one; 0 for a cancel-all.
    code : Code
        What became of the message.
    filled : int
        Lots that it traded as a taker; those of stops that it fired are not counted.
    resting : int
        Lots of it that are in the book, hidden ones included.
    price : int
        Limit price in ticks, after sliding; 0 without one.
    """

    @property
    def code(self):
        return CODES[self.code_number]

    @property
    def ok(self):
        """True when the message was not refused."""
        return self.code_number < 10

    def __repr__(self):
        name = getattr(self.code, "name", self.code)
        return (f"OrderResult(order={self.order}, code={name}, filled={self.filled}, "
                f"resting={self.resting}, price={self.price})")

    def __eq__(self, other):
        cdef OrderResult right
        if not isinstance(other, OrderResult):
            return NotImplemented
        right = <OrderResult>other
        return (self.order == right.order and self.code_number == right.code_number
                and self.filled == right.filled and self.resting == right.resting
                and self.price == right.price)

    __hash__ = None


cdef OrderResult order_result(const Submitted* submitted):
    cdef OrderResult result = OrderResult.__new__(OrderResult)
    result.order = submitted.order
    result.filled = submitted.filled
    result.resting = submitted.resting
    result.price = submitted.price
    result.code_number = submitted.code
    return result


cdef class FillStore:
    """One spare block of fill memory."""

    def __cinit__(self):
        self.fills = NULL
        self.capacity = 0

    def __dealloc__(self):
        memory_release(self.fills, <size_t>self.capacity * sizeof(Fill))


cdef class FillBuffer:
    """Read-only memory of fills."""

    def __getbuffer__(self, Py_buffer* view, int flags):
        if flags & PyBUF_WRITABLE:
            raise BufferError("fills are read-only")
        PyBuffer_FillInfo(view, self, <void*>self.fills, self.count * <int64_t>sizeof(Fill), 1,
                          flags)

    def __releasebuffer__(self, Py_buffer* view):
        pass

    def __dealloc__(self):
        if self.home is not None and self.home.fills == NULL:
            self.home.fills = self.fills
            self.home.capacity = self.capacity
        else:
            memory_release(self.fills, <size_t>self.capacity * sizeof(Fill))


cdef class BatchResult:
    """Answers to a batch of messages, one entry a message.

    Attributes
    ----------
    codes : numpy.ndarray of uint8
        `cascade.codes.Code` of each message.
    filled : numpy.ndarray of int64
        Lots that each message traded as a taker.
    fills : numpy.ndarray of FILL_DTYPE
        All fills in order, read-only; `message` is the index into the batch.
    """

    def __init__(self):
        raise TypeError("BatchResult is made by OrderBook.apply")

    @property
    def orders(self):
        """Id of the order that each message made or meant, 0 for a cancel-all; int64. It is worked
        out from the messages when it is first asked for: do that before changing them."""
        if self.order_ids is None:
            kinds = self.messages["kind"]
            meant = (kinds == MESSAGE_CANCEL) | (kinds == MESSAGE_MODIFY)
            numbered = ~(meant | (kinds == MESSAGE_CANCEL_ALL))
            ids = np.cumsum(numbered, dtype=np.int64)
            ids += self.first_id - 1
            self.order_ids = np.where(numbered, ids, np.where(meant, self.messages["order"], 0))
            self.messages = None
        return self.order_ids

    def __len__(self):
        return len(self.codes)

    def __repr__(self):
        return f"BatchResult({len(self.codes)} messages, {len(self.fills)} fills)"


cdef object fills_taken(Book* book, FillStore store):
    cdef FillBuffer buffer
    if book.fill_count == 0:
        return np.empty(0, dtype=FILL_DTYPE)
    buffer = FillBuffer.__new__(FillBuffer)
    buffer.fills = book.fills
    buffer.capacity = book.fill_capacity
    buffer.count = book.fill_count
    buffer.home = store
    book.fills = store.fills
    book.fill_capacity = store.capacity
    book.fill_count = 0
    store.fills = NULL
    store.capacity = 0
    return np.frombuffer(buffer, dtype=FILL_DTYPE)


cdef object fills_copied(const Book* book):
    cdef object fills = np.empty(book.fill_count, dtype=FILL_DTYPE)
    cdef unsigned char[::1] data
    if book.fill_count > 0:
        data = fills.view(np.uint8)
        memcpy(&data[0], book.fills, <size_t>book.fill_count * sizeof(Fill))
    return fills
