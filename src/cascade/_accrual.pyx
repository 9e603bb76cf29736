"""Funding accrued through an index: what a position owes, and when it pays.

docs/funding.md gives the argument. A position remembers the index it was settled at and owes its size
times what the index moved since. What it pays goes into a pool, out of which receivers are paid.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memset

from cascade._arithmetic cimport add_into, fits, int128, magnitude
from cascade._log cimport Event, log_append
from cascade._memory cimport memory_resize
from cascade._state cimport (
    FAILURE_MEMORY, FAILURE_OVERFLOW, NO_POSITION, POSITION_ISOLATED, Market, Position, State,
)
from cascade._types cimport BUY, EVENT_FUNDING, SELL


cdef int accrual_reserve(State* state, int64_t positions) noexcept nogil:
    # what is new was never settled and is in no queue
    cdef size_t count = <size_t>positions, before = state.funding_capacity
    cdef void* grown
    if count <= before:
        return 0
    grown = memory_resize(state.funding_at, before * sizeof(int64_t), count * sizeof(int64_t), 1)
    if grown == NULL:
        state.failed = FAILURE_MEMORY
        return -1
    state.funding_at = <int64_t*>grown
    grown = memory_resize(state.funding_place, before * sizeof(uint32_t), count * sizeof(uint32_t), 1)
    if grown == NULL:
        state.failed = FAILURE_MEMORY
        return -1
    state.funding_place = <uint32_t*>grown
    memset(state.funding_at + before, 0, (count - before) * sizeof(int64_t))
    memset(state.funding_place + before, 0xFF, (count - before) * sizeof(uint32_t))
    state.funding_capacity = <uint32_t>positions
    return 0


cdef bint _settle(State* state, uint32_t position) noexcept nogil:
    # has money moved?
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t* collateral = &p.margin
    cdef int128 due
    cdef Event* event
    if not market.rules.accrues or p.size == 0:
        return False
    if not p.flags & POSITION_ISOLATED:
        collateral = &state.accounts[p.account].balance
    due = owed_funding(state, position)
    market.funding_weight += <int128>p.size * (<int128>market.funding_index - state.funding_at[position])
    state.funding_at[position] = market.funding_index
    if due == 0:
        return False
    if not fits(due) or add_into(collateral, -<int64_t>due) or (
            add_into(&market.funding_pool, <int64_t>due)):
        state.failed = FAILURE_OVERFLOW
        return False
    event = log_append(&state.log, EVENT_FUNDING, market.number, -1, 0)
    event.order = market.funding_index
    event.quantity = magnitude(p.size)
    event.money = <int64_t>due
    event.account = p.account
    event.side = BUY if p.size > 0 else SELL
    return True


cdef bint settle_balance(State* state, int32_t account) noexcept nogil:
    # has the balance paid or received?
    cdef bint moved = False
    cdef uint32_t i
    if not state.accrues:
        return False
    i = state.accounts[account].first
    while i != NO_POSITION:
        if not state.positions[i].flags & POSITION_ISOLATED:
            moved |= _settle(state, i)
        i = state.positions[i].next
    return moved


cdef bint settle_touched(State* state, uint32_t position) noexcept nogil:
    # has the balance paid or received?
    cdef Position* p = &state.positions[position]
    cdef bint moved
    if not state.accrues:
        return False
    if p.flags & POSITION_ISOLATED:
        _settle(state, position)
    moved = settle_balance(state, p.account)
    if state.markets[p.market].rules.accrues:
        # without size nothing was owed, and what is opened now begins here
        state.funding_at[position] = state.markets[p.market].funding_index
    return moved


cdef int128 available_balance(const State* state, int32_t account) noexcept nogil:
    cdef int128 total = state.accounts[account].balance
    cdef uint32_t i = state.accounts[account].first
    while i != NO_POSITION:
        if not state.positions[i].flags & POSITION_ISOLATED:
            total -= owed_funding(state, i)
        i = state.positions[i].next
    return total


cdef void accrual_resized(State* state, uint32_t position, int64_t lots) noexcept nogil:
    cdef Market* market = state.markets[state.positions[position].market]
    if market.rules.accrues:
        market.funding_weight += <int128>lots * market.funding_index
