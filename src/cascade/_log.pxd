"""Interface of the event log: one 64-byte record an event, appended in the order things happen."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t

cdef struct Event:            # 64 bytes, EVENT_DTYPE
    int64_t time              # ns
    int64_t order
    int64_t quantity          # lots
    int64_t money             # atoms
    int64_t cause             # index of an event since the engine began, -1: outside
    int32_t price             # ticks
    int32_t account
    int32_t counterparty
    int32_t wave
    uint16_t market
    uint8_t kind              # EventKind
    uint8_t side
    int32_t code

cdef struct Moment:           # of cleared events: the first of a time
    int64_t event
    int64_t time

cdef struct Log:
    Event* events
    int64_t count             # events held
    int64_t capacity
    int64_t first             # index of events[0]: those before were cleared
    int64_t time              # stamped on new events
    bint shared               # a view was handed out: the buffer has another owner
    bint failed               # out of memory; sticky
    Moment* moments           # times of cleared events that somebody may still wait for
    int64_t moment_count

cdef class EventBuffer:
    """Owns a buffer that NumPy views may outlive the engine's use of."""
    cdef Event* events
    cdef int64_t count

cdef int log_reserve(Log* log, int64_t capacity) noexcept nogil
# takes the page faults of the free records now
cdef void log_touch(Log* log) noexcept nogil
cdef void log_free(Log* log) noexcept nogil
# The next free record, zeroed with its time set, already counted; grows when full.
cdef Event* log_append(Log* log, uint8_t kind, uint16_t market, int64_t cause, int32_t wave) noexcept nogil
# Clears the events; their times are known on for those after `since`. -1 without memory: nothing is cleared.
cdef int log_clear(Log* log, int64_t since) noexcept nogil
# Room for so many times of cleared events in place of those known; -1 without memory.
cdef int log_keep(Log* log, int64_t count) noexcept nogil
# When an event happened; -1 if that is forgotten, or of no event.
cdef int64_t log_time(const Log* log, int64_t event) noexcept nogil
cdef object log_view(Log* log, EventBuffer owner, int64_t start, int64_t stop)
