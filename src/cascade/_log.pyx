"""The event log: a growing buffer of fixed-width records that NumPy reads without a copy.

Views must survive growth. A buffer that was handed out belongs to an `EventBuffer` object, which
every view keeps alive; growing then copies into a new buffer and leaves the old one to its views.
"""

from cpython.buffer cimport Py_buffer
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from cascade._arithmetic cimport prefetch
from cascade._memory cimport memory_touch

import numpy as np

cdef enum:
    EVENTS_AHEAD = 12         # records whose memory is fetched before they are written

EVENT_DTYPE = np.dtype([
    ("time", "<i8"), ("order", "<i8"), ("quantity", "<i8"), ("money", "<i8"), ("cause", "<i8"),
    ("price", "<i4"), ("account", "<i4"), ("counterparty", "<i4"), ("wave", "<i4"),
    ("market", "<u2"), ("kind", "u1"), ("side", "u1"), ("code", "<i4"),
])
assert EVENT_DTYPE.itemsize == sizeof(Event) == 64


cdef class EventBuffer:
    def __dealloc__(self):
        free(self.events)

    def __getbuffer__(self, Py_buffer* buffer, int flags):
        buffer.buf = self.events
        buffer.obj = self
        buffer.len = self.count * sizeof(Event)
        buffer.itemsize = 1
        buffer.readonly = 1
        buffer.ndim = 1
        buffer.format = NULL
        buffer.shape = NULL
        buffer.strides = NULL
        buffer.suboffsets = NULL
        buffer.internal = NULL

    def __releasebuffer__(self, Py_buffer* buffer):
        pass


cdef int log_reserve(Log* log, int64_t capacity) noexcept nogil:
    cdef Event* grown
    if capacity <= log.capacity:
        return 0
    if log.shared:
        grown = <Event*>malloc(<size_t>capacity * sizeof(Event))
        if grown != NULL:
            memcpy(grown, log.events, <size_t>log.count * sizeof(Event))
    else:
        grown = <Event*>realloc(log.events, <size_t>capacity * sizeof(Event))
    if grown == NULL:
        log.failed = True
        return -1
    log.events = grown
    log.capacity = capacity
    log.shared = False
    return 0


cdef void log_touch(Log* log) noexcept nogil:
    memory_touch(log.events, <size_t>log.count * sizeof(Event), <size_t>log.capacity * sizeof(Event))


cdef void log_free(Log* log) noexcept nogil:
    if not log.shared:
        free(log.events)
    memset(log, 0, sizeof(Log))


cdef Event* log_append(Log* log, uint8_t kind, uint16_t market, int64_t cause,
                       int32_t wave) noexcept nogil:
    cdef Event* event
    if log.count == log.capacity:
        if log_reserve(log, log.capacity * 2 if log.capacity else 1024):
            # the last record is overwritten; the failure is raised at the end of the call
            log.count -= 1
    event = &log.events[log.count]
    prefetch(event + EVENTS_AHEAD)
    log.count += 1
    event.time = log.time
    event.order = 0
    event.quantity = 0
    event.money = 0
    event.cause = cause
    event.price = 0
    event.account = -1
    event.counterparty = -1
    event.wave = wave
    event.market = market
    event.kind = kind
    event.side = 0
    event.code = 0
    return event


cdef object log_view(Log* log, EventBuffer owner, int64_t start, int64_t stop):
    # `owner` holds log.events; records before `count` never change once written
    owner.count = log.count
    return np.frombuffer(owner, dtype=EVENT_DTYPE, count=log.count)[start:stop]
