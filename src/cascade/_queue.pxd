"""Interface of the liquidation queue: triggers and guards."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._state cimport Market, State, Taken

# Sets the triggers of a position's unit after anything about the unit changed.
cdef void queue_unit(State* state, uint32_t position) noexcept nogil
# The same after a trade, which may move the balance behind the account's other unit.
cdef void queue_traded(State* state, uint32_t position) noexcept nogil
# For a unit with one position whose trigger is exact and that was never queued.
cdef void queue_open(State* state, uint32_t position) noexcept nogil
# Room beside what is queued, so that steps ask for no memory.
cdef void queue_reserve(State* state) noexcept nogil
# A new mark: remembers which event made it.
cdef void queue_move(State* state, Market* market, int32_t old, int64_t event, int32_t wave) noexcept nogil
# Once all marks of a moment are formed: looks at the units whose guards they crossed.
cdef void queue_test_moved(State* state) noexcept nogil
# Takes the most overdue entry out; 0 when nothing is due. What is due in a market that collects for an
# auction waits for its reopening.
cdef bint queue_take(State* state, Taken* taken) noexcept nogil
cdef bint queue_has_due(State* state) noexcept nogil
# Ends a unit's time out of the queue: as it was, or tested again when it changed meanwhile.
cdef void queue_return(State* state, const Taken* taken) noexcept nogil
# Forgets a unit: no trigger, no guard.
cdef void queue_drop_unit(State* state, uint32_t position) noexcept nogil
cdef int32_t exact_trigger(State* state, uint32_t position) noexcept nogil
cdef int64_t queue_pending(State* state) noexcept nogil
