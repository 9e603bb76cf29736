"""Interface of when loans in bands are looked at."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._bands cimport BandMarket
from cascade._state cimport State

# Works a loan's health out: is it due, and if not, what must happen before it may be.
cdef void test_loan(State* state, BandMarket* market, uint32_t number) noexcept nogil
# Something that health depends on changed by an event; the loans that it may have made due are tested.
cdef void note_change(State* state, BandMarket* market, int64_t event, int32_t wave) noexcept nogil
cdef void test_loans(State* state, BandMarket* market) noexcept nogil
# What some bands hold changed, after `note_change` or `test_loans` and in the same occasion.
cdef void test_bands(State* state, BandMarket* market, int32_t first, int32_t last) noexcept nogil
# A trade went from band to band.
cdef void test_traded(State* state, BandMarket* market, int32_t low, int32_t high) noexcept nogil
# Nobody gained by a loan: it waits for the next step.
cdef void put_aside(BandMarket* market, uint32_t number) noexcept nogil
# A cascade begins or ends: loans that are due are tested, those put aside too.
cdef void look_at_due(State* state, BandMarket* market) noexcept nogil
# Loans of all markets that are due, between cascades.
cdef int64_t loans_due(const State* state) noexcept nogil
cdef void believe_in_bands(State* state, uint32_t number, int64_t event, int32_t wave) noexcept nogil
cdef void accrue_bands(State* state, int64_t elapsed) noexcept nogil
