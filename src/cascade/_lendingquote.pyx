"""Lending markets as drivers read them: what could be borrowed, what venues would pay, columns of accounts.

Functions on an engine core; nothing changes.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

import numpy as np

from cascade._accountterms cimport most_by_terms
from cascade._arithmetic cimport ceil_divide, floor_divide, int128
from cascade._borrower cimport borrowed_lots, gives_no_price, reserve_of, side_value, side_weight
from cascade._category cimport account_category, lent_in
from cascade._clearing cimport Unit, find_position, unit_evaluate, unit_first, unit_next
from cascade._core cimport EngineCore
from cascade._deal cimport asset_quote
from cascade._lendingentry cimport check_borrower, reserve_at
from cascade._reserve cimport INDEX_ONE, LARGEST_LOTS, LARGEST_VALUE, ZERO_REFUSED, Reserve
from cascade._state cimport (
    ACCOUNT_LENDING, ACCOUNT_LENDING_SHIFT, NO_POSITION, RATE_DENOMINATOR, Market, Position, State,
)


cdef int64_t scaled_more(const Reserve* r, int64_t lots, bint borrowed) noexcept nogil:
    if borrowed:
        return <int64_t>ceil_divide(<int128>lots * INDEX_ONE, r.borrow_index)
    return <int64_t>floor_divide(<int128>lots * INDEX_ONE, r.supply_index)


cdef int128 borne_at_ratio(State* state, uint32_t position) noexcept nogil:
    # surplus with the loan-to-value ratios in place of the thresholds
    cdef uint32_t i = unit_first(state, position)
    cdef int128 total = 0
    cdef const Position* p
    cdef const Market* market
    while i != NO_POSITION:
        p = &state.positions[i]
        market = state.markets[p.market]
        if p.size > 0:
            total += floor_divide(side_value(state, market, p.size, market.mark)
                                  * market.loan_to_value, RATE_DENOMINATOR)
        else:
            total += side_weight(state, market, p.size, market.mark)
        i = unit_next(state, i)
    return total


cdef bint price_refused(State* state, int64_t account, const Reserve* r, bint borrows) noexcept nogil:
    # without debts only some protocols ask
    cdef uint32_t i = state.accounts[account].first
    cdef uint16_t lending = state.accounts[account].flags >> ACCOUNT_LENDING_SHIFT
    cdef bint asked = borrows or state.lendings[lending].zero_price == ZERO_REFUSED
    cdef bint vain = r != NULL and gives_no_price(state, r)
    while i != NO_POSITION:
        asked |= state.positions[i].size < 0
        vain |= state.positions[i].size != 0 and gives_no_price(state, reserve_of(state, i))
        i = state.positions[i].next
    return asked and vain


def borrowable_lots(EngineCore core, int64_t lending, int64_t account, int64_t number):
    """Most lots of a reserve that an account may borrow now; nothing changes."""
    cdef State* state = &core.state
    cdef Reserve* r = reserve_at(core, number)
    cdef const Market* side = state.markets[r.borrowed_side]
    cdef int64_t low = 0, high = r.cash, middle, held = 0
    cdef int128 others
    cdef uint32_t first, position
    check_borrower(core, lending, account)
    first = state.accounts[account].first
    if not r.borrowable or first == NO_POSITION or not lent_in(r, account_category(state, account)):
        return 0
    if price_refused(state, account, r, True):
        return 0
    if r.borrow_cap >= 0:
        middle = r.borrow_cap - borrowed_lots(state, number, r.borrowed)
        high = middle if middle < high else high
    if r.price:
        middle = <int64_t>floor_divide(LARGEST_VALUE, <int128>r.unit * r.price)
        high = middle if middle < high else high
    high = most_by_terms(state, account, r, high)
    position = find_position(state, <int32_t>account, r.borrowed_side, 0)
    if position != NO_POSITION:
        held = state.positions[position].size
    others = borne_at_ratio(state, first) - side_weight(state, side, held, side.mark)
    while low < high:
        middle = low + (high - low + 1) // 2
        if others + side_weight(state, side, held - scaled_more(r, middle, True), side.mark) >= 0:
            low = middle
        else:
            high = middle - 1
    return low


def quote_lots(EngineCore core, int64_t number, int side, int64_t lots):
    """Atoms that market orders would trade for at a reserve's venues, -1: they do not take so many."""
    cdef Reserve* r = reserve_at(core, number)
    if not 0 <= lots <= LARGEST_LOTS:
        raise ValueError(f"lots {lots} are outside 0 ... {LARGEST_LOTS}")
    core.begin()
    lots = asset_quote(&core.state, r.number, side, lots)
    core.release()
    return lots


def borrower_columns(EngineCore core, int64_t lending):
    """Of each account of the engine: does it belong to the lending market, what its collateral bears, what it
    owes (both weighted), and both unweighted; bool and four int64 columns, atoms."""
    cdef State* state = &core.state
    cdef int64_t k, count = state.account_count
    cdef uint32_t i
    cdef Unit unit
    cdef const Market* market
    cdef const Position* p
    cdef int128 value
    mine_array = np.zeros(count, np.uint8)
    columns = np.zeros((4, count), np.int64)
    if count == 0:
        return mine_array.view(bool), *columns
    cdef uint8_t[::1] mine = mine_array
    cdef int64_t[:, ::1] out = columns
    core.begin()
    with nogil:
        for k in range(count):
            if (not state.accounts[k].flags & ACCOUNT_LENDING
                    or state.accounts[k].flags >> ACCOUNT_LENDING_SHIFT != lending):
                continue
            mine[k] = 1
            i = state.accounts[k].first
            if i != NO_POSITION:
                i = unit_first(state, i)
            if i == NO_POSITION:
                continue
            unit_evaluate(state, i, &unit)
            out[0, k] = <int64_t>unit.collateral
            out[1, k] = <int64_t>(unit.collateral - unit.equity)
            while i != NO_POSITION:
                p = &state.positions[i]
                market = state.markets[p.market]
                value = side_value(state, market, p.size, market.mark - p.trigger)
                if p.size > 0:
                    out[2, k] += <int64_t>value
                else:
                    out[3, k] -= <int64_t>value
                i = unit_next(state, i)
    core.end()
    return mine_array.view(bool), *columns
