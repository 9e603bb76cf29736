"""Interface of the liquidation queue: triggers and guards."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._clearing cimport Unit
from cascade._state cimport Market, State, Taken

cdef enum:
    NEXT_GUARDS = 10          # first nodes of a heap whose units are fetched: an account's positions
    MOTION_UNIT = 1 << 30     # of a relative move

# Sets the triggers of a position's unit after anything about the unit changed.
cdef void queue_unit(State* state, uint32_t position) noexcept nogil
# The same after a trade, which may move the balance behind the account's other unit.
cdef void queue_traded(State* state, uint32_t position) noexcept nogil
# The same of a unit whose round is over: still due, it keeps the cause and the wave it was taken with.
cdef void queue_again(State* state, const Taken* taken, uint32_t position) noexcept nogil
# For a unit with one position whose trigger is exact and that was never queued.
cdef void queue_open(State* state, uint32_t position) noexcept nogil
# Room for what is queued in a market and so many more, so that steps ask for no memory.
cdef void queue_reserve(State* state, Market* market, int64_t more) noexcept nogil
# A unit behind guards that a move made due: into the due queue, keyed by one of its positions.
cdef void queue_fall(State* state, uint32_t position, int32_t trigger, int64_t cause,
                     int32_t wave) noexcept nogil
# A unit behind guards that is not due: guards from here.
cdef void queue_watch(State* state, uint32_t position, const Unit* unit) noexcept nogil
# Takes the most overdue entry out; 0 when nothing is due. What is due in a market that collects for an
# auction waits for its reopening.
cdef bint queue_take(State* state, Taken* taken) noexcept nogil
cdef bint queue_has_due(State* state) noexcept nogil
# Ends a unit's time out of the queue: as it was, or tested again when it changed meanwhile.
cdef void queue_return(State* state, const Taken* taken) noexcept nogil
# Forgets a unit: no trigger, no guard.
cdef void queue_drop_unit(State* state, uint32_t position) noexcept nogil
# Tick at which a unit with this one position falls below its market's warning level; and the place among
# those that wait for a margin call, unless it had one there already.
cdef int32_t warning_trigger(State* state, uint32_t position) noexcept nogil
cdef void await_call(State* state, uint32_t position) noexcept nogil
cdef int32_t exact_trigger(State* state, uint32_t position) noexcept nogil
cdef int64_t queue_pending(State* state) noexcept nogil
