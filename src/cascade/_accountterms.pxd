"""Terms that hold for accounts of lending markets: isolated collateral, siloed debts, caps, the sentinel."""

from libc.stdint cimport int64_t, uint32_t

from cascade._clearing cimport Unit
from cascade._core cimport EngineCore
from cascade._reserve cimport Reserve
from cascade._state cimport State

cdef int64_t hundredths_of(const Reserve* debt, int64_t lots) noexcept nogil
cdef Reserve* isolating(State* state, int64_t account) noexcept nogil
cdef void raise_isolated(State* state, int64_t account, const Reserve* debt, int64_t lots) noexcept nogil
cdef void lower_isolated(State* state, int64_t account, const Reserve* debt, int64_t lots) noexcept nogil
cdef bint siloed_away(State* state, int64_t account, const Reserve* debt) noexcept nogil
cdef bint sequencer_shut(const State* state, uint32_t lending) noexcept nogil
cdef bint spared(const State* state, uint32_t lending, const Unit* unit) noexcept nogil
cdef int64_t exposure_left(const State* state, const Reserve* r, bint borrowed) noexcept nogil
cdef int64_t most_by_terms(State* state, int64_t account, const Reserve* debt, int64_t most) noexcept nogil
cdef int check_exposure(EngineCore core, const Reserve* r, bint borrowed, int64_t lots) except -1
cdef int check_deposit(EngineCore core, const Reserve* r, int64_t account, int64_t held, int64_t lots) except -1
cdef int check_borrow(EngineCore core, const Reserve* r, int64_t account, int64_t lots) except -1
cdef list check_rows(EngineCore core, int64_t lending, columns)
cdef int check_dust(EngineCore core, const Reserve* r, int64_t account, int64_t lots) except -1
