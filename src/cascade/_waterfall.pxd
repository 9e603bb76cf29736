"""Interface of the stages after the book: what the fund may pay, and who shares what it does not."""

from libc.stdint cimport int32_t, int64_t

from cascade._state cimport Market, State

# A cascade begins: blocks of a step are new, balances of the fund are noted.
cdef void waterfall_begin(State* state) noexcept nogil
# Does a market deleverage now?
cdef bint adl_triggered(const State* state, const Market* market) noexcept nogil
# What a unit owes after its last LIQUIDATION, `state.cause`: the fund's part now, the rest later.
cdef void cover_deficit(State* state, Market* market, int32_t account, int64_t deficit) noexcept nogil
# The cascade is over: who shares the deficits, and what stays as bad debt.
cdef void share_deficits(State* state) noexcept nogil
