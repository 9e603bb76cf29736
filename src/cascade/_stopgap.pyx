"""Stop-gaps: a stability pool, or a capital that may be lost, makes the call that no liquidator gains by.

docs/lending-market.md, *Stop-gaps*. Both are liquidators without a least gain, whose size is bounded by what
they have; the pool's costs are its providers', as are its proceeds.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._borrower cimport reserve_of
from cascade._clearing cimport Unit
from cascade._deal cimport Deal, asset_quote, find_deal
from cascade._liquidator cimport has_not_seen, nobody
from cascade._log cimport Event, log_append
from cascade._reserve cimport (
    STOP_GAP_BACKSTOP, STOP_GAP_NONE, STOP_GAP_POOL, Lending, Liquidator,
)
from cascade._seizure cimport carry_out
from cascade._stability cimport pool_free, pool_offset
from cascade._state cimport FAILURE_MEMORY, State, Taken
from cascade._types cimport BUY, EVENT_OFFSET

cdef enum:
    HALVINGS = 62             # down to one lot
    POOL_ACCOUNT = -4         # counterparties of SEIZE and REPAY
    BACKSTOP_ACCOUNT = -5

cdef int64_t ANY_LOSS = -(<int64_t>1 << 62)


cdef Liquidator _stand_in(int64_t capital, int64_t cash) noexcept nogil:
    cdef Liquidator made = nobody()
    made.capital = capital
    made.cash = cash
    made.min_profit = ANY_LOSS
    made.halvings = HALVINGS
    return made


cdef bint _by_pool(State* state, const Taken* taken, uint32_t first, const Unit* unit,
                   Lending* rules) noexcept nogil:
    cdef Liquidator pool = _stand_in(pool_free(rules), 0)
    cdef Deal deal
    cdef Event* event
    cdef int32_t account = state.positions[first].account
    cdef uint16_t side
    cdef int64_t burned, gain
    if pool.capital == 0 or not find_deal(state, first, unit, &pool, &deal):
        return False
    side = reserve_of(state, deal.debt).borrowed_side
    if asset_quote(state, reserve_of(state, deal.debt).number, BUY, deal.repaid + deal.extra) <= 0:
        return False
    carry_out(state, taken, unit, &deal, &pool, POOL_ACCOUNT)
    event = log_append(&state.log, EVENT_OFFSET, side, state.cause, state.wave)
    event.account = account
    # a purchase that a price band stopped may cost more than was quoted
    burned = deal.cost if deal.cost < pool.capital else pool.capital
    gain = deal.gains - (deal.cost - burned)
    gain = 0 if gain < 0 else gain
    event.quantity = burned
    event.money = gain
    if pool_offset(rules, burned, gain):
        state.failed = FAILURE_MEMORY
    return True


cdef bint _by_backstop(State* state, const Taken* taken, uint32_t first, const Unit* unit,
                       Lending* rules) noexcept nogil:
    cdef Liquidator backstop = _stand_in(rules.backstop_capital, rules.backstop_cash)
    cdef Deal deal
    if not find_deal(state, first, unit, &backstop, &deal):
        return False
    carry_out(state, taken, unit, &deal, &backstop, BACKSTOP_ACCOUNT)
    rules.backstop_cash = backstop.cash
    rules.backstop_done += 1
    return True


cdef int fill_gap(State* state, const Taken* taken, uint32_t first, const Unit* unit) noexcept nogil:
    # not before every liquidator has seen that the account is due
    cdef Lending* rules = &state.lendings[reserve_of(state, first).lending]
    cdef uint16_t k
    cdef uint8_t stage
    if rules.stop_gaps[0] == STOP_GAP_NONE:
        return 0
    for k in range(state.liquidator_count):
        if has_not_seen(state, &state.liquidators[k], taken.cause):
            return 0
    for k in range(2):
        stage = rules.stop_gaps[k]
        if stage == STOP_GAP_POOL and _by_pool(state, taken, first, unit, rules):
            return 1
        if stage == STOP_GAP_BACKSTOP and _by_backstop(state, taken, first, unit, rules):
            return 1
    return 0
