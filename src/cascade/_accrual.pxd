"""Interface of what positions owe of funding that is accrued through an index, docs/funding.md."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._arithmetic cimport ceil_divide, int128
from cascade._state cimport RATE_DENOMINATOR, Market, Position, State


cdef inline int128 owed_funding(const State* state, uint32_t position) noexcept nogil:
    """Atoms a position has to pay, rounded up; below zero it receives."""
    cdef const Position* p = &state.positions[position]
    cdef const Market* market = state.markets[p.market]
    if not market.rules.accrues or p.size == 0:
        return 0
    return ceil_divide(<int128>p.size * (<int128>market.funding_index - state.funding_at[position]),
                       RATE_DENOMINATOR)


# Room for so many positions, once a market accrues.
cdef int accrual_reserve(State* state, int64_t positions) noexcept nogil
# Pays what a position's unit and, behind an isolated one, the account's cross unit owe; true: the balance moved.
cdef bint settle_touched(State* state, uint32_t position) noexcept nogil
# The same for the cross unit of an account.
cdef bint settle_balance(State* state, int32_t account) noexcept nogil
# The account's balance without what its cross positions owe.
cdef int128 available_balance(const State* state, int32_t account) noexcept nogil
# A position that is settled grew or shrank by so many signed lots.
cdef void accrual_resized(State* state, uint32_t position, int64_t lots) noexcept nogil
