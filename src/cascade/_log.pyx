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
    free(log.moments)
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


cdef int log_clear(Log* log, int64_t since) noexcept nogil:
    cdef int64_t first = log.count, kept = 0, count = 0, last = -1, k
    cdef Moment* moments
    while first and log.events[first - 1].time > since:
        first -= 1
        count += log.events[first].time != last
        last = log.events[first].time
    for k in range(log.moment_count):
        kept += log.moments[k].time > since
    moments = <Moment*>malloc(<size_t>(kept + count + 1) * sizeof(Moment))
    if moments == NULL:
        return -1
    if kept:
        memcpy(moments, log.moments + log.moment_count - kept, <size_t>kept * sizeof(Moment))
    last = -1
    for k in range(first, log.count):
        if log.events[k].time != last:
            last = log.events[k].time
            moments[kept].event = log.first + k
            moments[kept].time = last
            kept += 1
    free(log.moments)
    log.moments = moments
    log.moment_count = kept
    log.first += log.count
    log.count = 0
    return 0


cdef int log_keep(Log* log, int64_t count) noexcept nogil:
    cdef Moment* moments = <Moment*>malloc(<size_t>(count + 1) * sizeof(Moment))
    if moments == NULL:
        return -1
    free(log.moments)
    log.moments = moments
    log.moment_count = count
    return 0


cdef int64_t log_time(const Log* log, int64_t event) noexcept nogil:
    cdef int64_t low = 0, high = log.moment_count, middle
    if event >= log.first:
        return log.events[event - log.first].time if event < log.first + log.count else -1
    while low < high:
        middle = (low + high) // 2
        if log.moments[middle].event <= event:
            low = middle + 1
        else:
            high = middle
    return log.moments[low - 1].time if low and event >= 0 else -1


cdef object log_view(Log* log, EventBuffer owner, int64_t start, int64_t stop):
    # `owner` holds log.events; records before `count` never change once written
    owner.count = log.count
    return np.frombuffer(owner, dtype=EVENT_DTYPE, count=log.count)[start:stop]
