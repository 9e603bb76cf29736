"""Redistribution: collateral and debt of a closed loan onto all other loans, without looking at one.

docs/troves.md. A stake is scaled collateral, so that the supply index shares collateral out. Debt is shared out
by the mark of the collateral's other side, which is the debt assigned to one scaled lot: an account owes what it
has risen by since the account was settled.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._arithmetic cimport add_into, ceil_divide, fits, floor_divide, int128, saturate
from cascade._borrower cimport borrowed_lots, supplied_lots
from cascade._clearing cimport claim_position, find_position, trade_outside, trade_position
from cascade._flows cimport note_rounding
from cascade._moves cimport test_moved
from cascade._oracle cimport form_sides
from cascade._reserve cimport INDEX_ONE, Lending, Reserve
from cascade._seizure cimport move_scaled
from cascade._stability cimport pool_free
from cascade._state cimport FAILURE_OVERFLOW, NO_MARKET, NO_POSITION, RATE_DENOMINATOR, Position, State
from cascade._troveinterest cimport pending_interest, settle_interest, weigh_debt
from cascade._types cimport MAX_PRICE

cdef int64_t SECOND = 1_000_000_000

cdef enum:
    STAKE = 1000              # scaled lots of one lot at first: the index can grow 4,600-fold


cdef void join_troves(State* state, Reserve* reserve) noexcept nogil:
    cdef Lending* rules = &state.lendings[reserve.lending]
    if reserve.source == NO_MARKET:
        rules.trove_debt = reserve.number + 1
        if rules.rate_largest:
            reserve.interest_mark = <int32_t>(1 + state.clock // SECOND)
        return
    rules.trove_collateral = reserve.number + 1
    reserve.supply_index = INDEX_ONE // STAKE
    reserve.assigned_mark = 1


# ---------------------------------------------------------------- all loans together

cdef void system_of(const State* state, const Lending* rules, int128* value, int128* debt) noexcept nogil:
    cdef const Reserve* collateral
    value[0] = debt[0] = 0
    if rules.trove_collateral == 0 or rules.trove_debt == 0:
        return
    collateral = &state.reserves[rules.trove_collateral - 1]
    value[0] = supplied_lots(state, collateral.number, collateral.supplied)
    value[0] *= collateral.unit * collateral.price
    debt[0] = borrowed_lots(state, rules.trove_debt - 1, state.reserves[rules.trove_debt - 1].borrowed)


cdef bint system_below(const State* state, const Lending* rules, int64_t ratio) noexcept nogil:
    cdef int128 value, debt
    system_of(state, rules, &value, &debt)
    return value * RATE_DENOMINATOR < ratio * debt


cdef int128 recovery_mark(const State* state, uint32_t number, int128 mark) noexcept nogil:
    # A loan is below the system's ratio when its value at the system's debt a lot is below its debt. One
    # part is added for what the value is rounded down by.
    cdef const Reserve* reserve = &state.reserves[number]
    cdef const Lending* rules = &state.lendings[reserve.lending]
    cdef int128 value, debt, system
    if not rules.recovery or rules.critical_ratio == 0 or pool_free(rules) == 0 or reserve.supplied == 0:
        return mark
    if not system_below(state, rules, rules.critical_ratio):
        return mark
    system_of(state, rules, &value, &debt)
    system = <int128>reserve.supplied * reserve.unit * state.markets[reserve.supplied_side].threshold
    system = 1 + ceil_divide(debt * reserve.refine * RATE_DENOMINATOR, system)
    return system if system < mark else mark


cdef void watch_shutdown(State* state, uint32_t number) noexcept nogil:
    cdef Lending* rules = &state.lendings[state.reserves[number].lending]
    if rules.shutdown_ratio and system_below(state, rules, rules.shutdown_ratio):
        rules.is_shut = True
        state.reserves[number].frozen = state.reserves[rules.trove_debt - 1].frozen = True


cdef void form_troves(State* state, int64_t lending, int64_t cause, int32_t wave) noexcept nogil:
    if state.lendings[lending].trove_collateral:
        form_sides(state, state.lendings[lending].trove_collateral - 1, cause, wave)
        test_moved(state)


# ---------------------------------------------------------------- one account

cdef int64_t pending_debt(const State* state, uint32_t assigned, int64_t* rest) noexcept nogil:
    cdef const Position* p = &state.positions[assigned]
    cdef const Reserve* reserve = &state.reserves[state.markets[p.market].reserve - 1]
    cdef int128 parts = -<int128>p.size * reserve.unit * (reserve.assigned_mark - p.trigger)
    cdef int64_t atoms = saturate(floor_divide(parts, reserve.refine))
    rest[0] = <int64_t>(parts - <int128>atoms * reserve.refine)
    return atoms


cdef void trove_of(State* state, const Lending* rules, int32_t account, int64_t* lots,
                   int64_t* debt) noexcept nogil:
    cdef const Reserve* collateral = &state.reserves[rules.trove_collateral - 1]
    cdef uint32_t held = find_position(state, account, collateral.supplied_side, 0)
    cdef uint32_t assigned = find_position(state, account, collateral.borrowed_side, 0)
    cdef uint32_t owed = find_position(state, account, state.reserves[rules.trove_debt - 1].borrowed_side, 0)
    cdef int64_t rest
    lots[0] = debt[0] = 0
    if held != NO_POSITION:
        lots[0] = supplied_lots(state, collateral.number, state.positions[held].size)
    if owed != NO_POSITION:
        debt[0] = -state.positions[owed].size
    if assigned != NO_POSITION:
        debt[0] += pending_debt(state, assigned, &rest)
    debt[0] += pending_interest(state, rules, account, &rest)


cdef void _settle_debt(State* state, Lending* rules, int32_t account, uint32_t assigned) noexcept nogil:
    cdef int64_t rest, atoms = pending_debt(state, assigned, &rest)
    cdef Reserve* reserve
    cdef uint32_t owed
    if add_into(&rules.waiting, rest):
        state.failed = FAILURE_OVERFLOW
    if atoms == 0:
        return
    reserve = &state.reserves[rules.trove_debt - 1]
    owed = claim_position(state, account, reserve.borrowed_side, 0)
    if owed == NO_POSITION:
        return
    move_scaled(state, owed, -atoms)
    reserve.borrowed -= atoms     # was counted when it was shared out
    rules.unsettled -= atoms


cdef void weigh(State* state, uint32_t position, int64_t weight, int32_t mark) noexcept nogil:
    cdef int64_t moved = -weight - state.positions[position].size
    trade_position(state, position, moved, 0)
    trade_outside(state, state.markets[state.positions[position].market], -moved, 0)
    state.positions[position].trigger = mark if weight else 0


cdef void settle_trove(State* state, int64_t lending, int64_t account) noexcept nogil:
    cdef Lending* rules = &state.lendings[lending]
    if rules.trove_collateral == 0:
        return
    if rules.trove_debt:
        settle_interest(state, rules, <int32_t>account)
    _settle_stake(state, rules, account)
    if rules.trove_debt:
        weigh_debt(state, rules, <int32_t>account)


cdef void _settle_stake(State* state, Lending* rules, int64_t account) noexcept nogil:
    cdef const Reserve* reserve = &state.reserves[rules.trove_collateral - 1]
    cdef uint32_t held, assigned
    cdef int64_t stake = 0
    held = find_position(state, <int32_t>account, reserve.supplied_side, 0)
    assigned = find_position(state, <int32_t>account, reserve.borrowed_side, 0)
    if held != NO_POSITION:
        stake = state.positions[held].size
    if assigned != NO_POSITION:
        _settle_debt(state, rules, <int32_t>account, assigned)
    elif stake:
        assigned = claim_position(state, <int32_t>account, reserve.borrowed_side, 0)
    if assigned == NO_POSITION:
        return
    weigh(state, assigned, stake, reserve.assigned_mark)


# ---------------------------------------------------------------- all others

cdef bint shares_fit(const State* state, const Lending* rules, int64_t stakes, int64_t atoms,
                     int64_t lots) noexcept nogil:
    # with one atom more than waits now, because the loan that is closed is settled before
    cdef const Reserve* reserve = &state.reserves[rules.trove_collateral - 1]
    cdef int128 index = reserve.supply_index + floor_divide(<int128>lots * INDEX_ONE, stakes)
    cdef int128 under = <int128>stakes * reserve.unit
    cdef int128 risen = floor_divide((<int128>atoms + 1) * reserve.refine + rules.waiting, under)
    if floor_divide(<int128>reserve.price * reserve.refine * index, INDEX_ONE) > MAX_PRICE:
        return False
    return fits(index * 2) and fits(under * 2) and reserve.assigned_mark + risen <= MAX_PRICE


cdef void share_out(State* state, Lending* rules, int64_t atoms, int64_t lots) noexcept nogil:
    # what divisions of the debt leave waits for the next; of the collateral the reserve keeps it
    cdef Reserve* reserve = &state.reserves[rules.trove_collateral - 1]
    cdef int128 stakes = <int128>reserve.supplied * reserve.unit
    cdef int128 parts = <int128>atoms * reserve.refine + rules.waiting
    cdef int128 risen = floor_divide(parts, stakes)
    if (add_into(&rules.unsettled, atoms)
            | add_into(&state.reserves[rules.trove_debt - 1].borrowed, atoms)):
        state.failed = FAILURE_OVERFLOW
    reserve.supply_index += <int64_t>floor_divide(<int128>lots * INDEX_ONE, reserve.supplied)
    reserve.assigned_mark += <int32_t>risen
    rules.waiting = <int64_t>(parts - risen * stakes)
    note_rounding(reserve, 1)
