"""Interface of the phases of a step, and the record of what a step did."""

from libc.stdint cimport int32_t, int64_t

from cascade._state cimport Market, State

cdef packed struct StepRecord:  # STEP_DTYPE
    int64_t time
    int64_t liquidated
    int64_t notional
    int64_t fund_received
    int64_t fund_paid
    int64_t bad_debt
    int64_t fills
    int64_t volume
    int64_t orders
    int64_t resolved
    int64_t waves
    int64_t pending
    int64_t adl_lots

cdef packed struct DislocationRecord:   # DISLOCATION_DTYPE
    int32_t ticks
    int32_t index
    int64_t time

# Phases 1 to 3: clock, funding, averages, interest; outside prices, one a market (0: unchanged) or NULL, and
# what oracles read; halts that are over.
cdef void begin_step(State* state, int64_t elapsed, const int32_t* prices) noexcept nogil
# The outside price of one market, without firing stops.
cdef void set_index(State* state, Market* market, int32_t price) noexcept nogil
cdef void write_step(State* state, StepRecord* record) noexcept nogil
cdef void write_dislocation(const Market* market, DislocationRecord* record) noexcept nogil
