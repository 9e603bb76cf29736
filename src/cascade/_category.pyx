"""Categories: accounts that owe only assets that move together have other terms for their collateral.

docs/lending-market.md. A reserve has a further supplied side for each category that counts it as collateral;
an account of the category has its deposits there, so that nothing else needs to know of categories.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport realloc
from libc.string cimport memset

from cascade._clearing cimport claim_position, find_position
from cascade._reserve cimport Reserve
from cascade._seizure cimport move_scaled
from cascade._state cimport ACCOUNT_LENDING_SHIFT, FAILURE_MEMORY, NO_POSITION, Market, State

cdef int64_t BASIS_POINT = 100_000        # parts of a rate


cdef void state_terms(State* state, uint32_t number, int64_t side, int64_t threshold, int64_t loan_to_value,
                      int64_t bonus) noexcept nogil:
    cdef Market* market = state.markets[side]
    market.reserve = <uint16_t>(number + 1)
    market.threshold = market.sure_threshold = threshold
    if state.lendings[state.reserves[number].lending].average and threshold:
        market.sure_threshold -= BASIS_POINT
    market.loan_to_value = loan_to_value
    market.bonus = bonus


cdef uint16_t deposit_side(const State* state, const Reserve* reserve, uint8_t category) noexcept nogil:
    # where accounts of a category, 0: of none, have their deposits
    cdef uint16_t side
    if category == 0:
        return reserve.supplied_side
    side = state.markets[reserve.supplied_side].next_side
    while side:
        if state.markets[side - 1].category == category:
            return side - 1
        side = state.markets[side - 1].next_side
    return reserve.supplied_side


cdef int make_room(State* state) noexcept nogil:
    # before the first account has a category, and when there are more accounts since; -1: no memory
    cdef uint8_t* grown
    if state.category_room >= state.account_count:
        return 0
    grown = <uint8_t*>realloc(state.categories, state.account_capacity)
    if grown == NULL:
        state.failed = FAILURE_MEMORY
        return -1
    memset(grown + state.category_room, 0, state.account_capacity - state.category_room)
    state.categories = grown
    state.category_room = state.account_capacity
    return 0


cdef void change_category(State* state, int64_t account, uint8_t category) noexcept nogil:
    # its deposits go from side to side; room for its category was made
    cdef uint32_t lending = state.accounts[account].flags >> ACCOUNT_LENDING_SHIFT, k, held, position
    cdef uint8_t before = account_category(state, account)
    cdef const Reserve* reserve
    cdef uint16_t one, two
    cdef int64_t scaled
    for k in range(state.reserve_count):
        reserve = &state.reserves[k]
        if reserve.lending != lending:
            continue
        one, two = deposit_side(state, reserve, before), deposit_side(state, reserve, category)
        held = find_position(state, <int32_t>account, one, 0)
        if one == two or held == NO_POSITION or state.positions[held].size == 0:
            continue
        position = claim_position(state, <int32_t>account, two, 0)
        if position == NO_POSITION:
            return
        scaled = state.positions[held].size
        move_scaled(state, held, -scaled)
        move_scaled(state, position, scaled)
    if account < state.category_room:
        state.categories[account] = category
