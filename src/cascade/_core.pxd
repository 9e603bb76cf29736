"""Interface of the engine: its memory, its lock, and the phases of a step."""

from libc.stdint cimport int32_t, int64_t

from cascade._book cimport Message, Submitted
from cascade._log cimport EventBuffer
from cascade._state cimport Market, State


cdef class StepResult


cdef class EngineCore:
    cdef State state
    cdef EventBuffer event_owner      # of the buffer that views share, None: not shared
    cdef bint busy

    cdef int begin(self) except -1
    cdef int end(self) except -1
    cdef void release(self) noexcept          # after a read
    cdef Market* market_at(self, int64_t number) except NULL
    cdef int check_index(self, const int32_t* prices) except -1
    cdef object view_events(self, int64_t start, int64_t stop)
    cdef StepResult finish_step(self, StepResult result)
    cdef int submit_message(self, Market* market, const Message* message, Submitted* out) except -1


cdef class StepResult:
    cdef readonly EngineCore engine
    cdef readonly int64_t time_ns
    cdef readonly int64_t liquidated
    cdef readonly int64_t notional_atoms
    cdef readonly int64_t fund_received_atoms
    cdef readonly int64_t fund_paid_atoms
    cdef readonly int64_t bad_debt_atoms
    cdef readonly int64_t fills
    cdef readonly int64_t volume_lots
    cdef readonly int64_t orders
    cdef readonly int64_t resolved
    cdef readonly int64_t waves
    cdef readonly int64_t adl_lots
    cdef readonly int64_t first_event
    cdef readonly int64_t end_event
    cdef readonly bytes mark_bytes            # int32 ticks by market
    cdef readonly bytes dislocation_bytes     # DISLOCATION_DTYPE by market
    cdef object held_events
