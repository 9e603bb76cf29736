"""Stacks of marks: for every trigger the event since which the price has been at or beyond it.

One stack a market and direction. It is monotone, so a mark that comes back takes records off its end,
and holds no more records than ticks between the highest and the lowest mark.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport realloc

from cascade._state cimport FAILURE_MEMORY, MarkRecord, MarkStack, State, Taken


cdef void push_mark(State* state, MarkStack* stack, uint8_t direction, int32_t mark, int64_t event,
                    int32_t wave) noexcept nogil:
    # Monotone stack: record k is the first event since which every mark has been at or beyond
    # records[k].mark. A mark that comes back takes over the oldest record it undoes.
    cdef int64_t key = trigger_key(direction, mark), n = stack.count
    while n > 0 and trigger_key(direction, stack.records[n - 1].mark) > key:
        n -= 1
    if n > 0 and stack.records[n - 1].mark == mark:
        stack.count = n
        return
    if n < stack.count:
        # the oldest of the undone records reached this far, and stays true for this mark
        stack.records[n].mark = mark
        stack.count = n + 1
        return
    push_mark_record(state, stack, mark, event, wave)


cdef void push_mark_record(State* state, MarkStack* stack, int32_t mark, int64_t event,
                           int32_t wave) noexcept nogil:
    cdef int64_t n
    cdef MarkRecord* record
    cdef void* grown
    if stack.count == stack.capacity:
        n = stack.capacity * 2 if stack.capacity else 256
        grown = realloc(stack.records, <size_t>n * sizeof(MarkRecord))
        if grown == NULL:
            state.failed = FAILURE_MEMORY
            return
        stack.records = <MarkRecord*>grown
        stack.capacity = n
    record = &stack.records[stack.count]
    record.mark = mark
    record.event = event
    record.wave = wave
    stack.count += 1


cdef void cause_of_trigger(MarkStack* stack, uint8_t direction, int32_t trigger,
                           Taken* taken) noexcept nogil:
    # first record whose mark is at or beyond the trigger; triggers come in order, so the cursor is near
    cdef int64_t at = stack.cursor, key = trigger_key(direction, trigger)
    taken.cause = -1
    taken.wave = 1
    if stack.count == 0:
        return
    if at >= stack.count:
        at = stack.count - 1
    while at > 0 and trigger_key(direction, stack.records[at - 1].mark) >= key:
        at -= 1
    while at < stack.count - 1 and trigger_key(direction, stack.records[at].mark) < key:
        at += 1
    stack.cursor = at
    taken.cause = stack.records[at].event
    taken.wave = stack.records[at].wave + 1
