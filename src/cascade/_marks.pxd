"""Interface of the stacks of marks that tell which event moved the price to a trigger."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._state cimport DOWN, MarkStack, State, Taken


cdef inline int64_t trigger_key(uint8_t direction, int32_t trigger) noexcept nogil:
    """Smaller is more overdue."""
    return -<int64_t>trigger if direction == DOWN else trigger


# A mark and the event that made it.
cdef void push_mark(State* state, MarkStack* stack, uint8_t direction, int32_t mark, int64_t event,
                    int32_t wave) noexcept nogil
# The record a stored history ends with; the stack must stay monotone.
cdef void push_mark_record(State* state, MarkStack* stack, int32_t mark, int64_t event,
                           int32_t wave) noexcept nogil
# Cause and wave of a unit taken at this trigger.
cdef void cause_of_trigger(MarkStack* stack, uint8_t direction, int32_t trigger,
                           Taken* taken) noexcept nogil
