"""Liquidation of a loan as a whole: a part to the liquidator, the debt against the stability pool, the rest
of debt and collateral onto all other loans, what is beyond the penalties to the owner. docs/troves.md.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._arithmetic cimport add_into, compare_ratios, floor_divide, int128, saturate
from cascade._borrower cimport may_be_seized, reserve_of
from cascade._clearing cimport Unit, find_position, unit_first
from cascade._deal cimport asset_quote
from cascade._flows cimport note_flow, note_rounding, reserve_sound
from cascade._liquidator cimport has_not_seen, nobody
from cascade._log cimport Event, log_append
from cascade._redistribution cimport (
    form_troves, settle_trove, share_out, shares_fit, system_below, system_of, trove_of,
)
from cascade._reserve cimport FLOW_REPAID, FLOW_SEIZED, Lending, Liquidator, Owner, Reserve
from cascade._seizure cimport move_scaled, trade_asset
from cascade._settlement cimport last_event
from cascade._stability cimport pool_free, pool_offset
from cascade._state cimport (
    FAILURE_MEMORY, FAILURE_OVERFLOW, FAILURE_RESERVE, NO_POSITION, RATE_DENOMINATOR, State, Taken,
)
from cascade._troveinterest cimport owner_of
from cascade._types cimport (
    EVENT_HEALTH, EVENT_LIQUIDATION, EVENT_OFFSET, EVENT_REDISTRIBUTE, EVENT_RETURNED, EVENT_SEIZE, SELL,
)

cdef int64_t INFINITE = <int64_t>1 << 62        # health factor without debt

cdef struct Parts:            # where the debt, atoms, and the collateral, lots, of a loan go
    int64_t offset            # cancelled against the pool
    int64_t to_pool
    int64_t shared            # debt onto the others
    int64_t shared_lots
    int64_t surplus           # the owner's
    int64_t gas               # the liquidator's


# ---------------------------------------------------------------- what goes where

cdef int64_t _gas(const Lending* rules, int64_t lots) noexcept nogil:
    cdef int64_t gas = <int64_t>floor_divide(<int128>lots * rules.gas_share, RATE_DENOMINATOR)
    return rules.gas_cap if 0 <= rules.gas_cap < gas else gas


cdef int64_t _with_penalty(int64_t debt, int64_t penalty, int128 worth) noexcept nogil:
    return saturate(floor_divide(<int128>debt * (RATE_DENOMINATOR + penalty), RATE_DENOMINATOR * worth))


cdef void _share_by_debt(const Lending* rules, int64_t lots, int64_t debt, int64_t offset,
                         Parts* parts) noexcept nogil:
    parts.gas = _gas(rules, lots)
    parts.to_pool = <int64_t>floor_divide(<int128>(lots - parts.gas) * offset, debt)
    parts.shared_lots = lots - parts.gas - parts.to_pool
    parts.surplus = 0


cdef void _share_up_to_penalties(const Lending* rules, int64_t lots, int64_t debt, int64_t offset, int128 worth,
                                 Parts* parts) noexcept nogil:
    cdef int64_t portion = <int64_t>floor_divide(<int128>lots * offset, debt), most, left
    parts.gas = _gas(rules, portion)
    left = portion - parts.gas
    most = _with_penalty(offset, rules.offset_penalty, worth)
    parts.to_pool = most if most < left else left
    parts.surplus = left - parts.to_pool
    parts.shared_lots = 0
    if debt > offset and lots > portion:
        left = lots - portion + parts.surplus
        most = _with_penalty(debt - offset, rules.redistribution_penalty, worth)
        parts.shared_lots = most if most < left else left
        parts.surplus = left - parts.shared_lots


cdef bint _split(const State* state, const Lending* rules, int64_t lots, int64_t debt,
                 Parts* parts) noexcept nogil:
    # false: the rules let the loan alone
    cdef const Reserve* collateral = &state.reserves[rules.trove_collateral - 1]
    cdef int128 worth = <int128>collateral.unit * collateral.price, value = lots * worth
    cdef int128 all_value, all_debts
    cdef int64_t free = pool_free(rules)
    cdef bint recovery = (rules.recovery and rules.critical_ratio
                          and system_below(state, rules, rules.critical_ratio))
    system_of(state, rules, &all_value, &all_debts)
    parts.offset = 0
    if not (recovery and value <= debt):
        if value * RATE_DENOMINATOR < <int128>rules.minimum_ratio * debt:
            parts.offset = debt if debt < free else free
        elif recovery and debt <= free and compare_ratios(value, debt, all_value, all_debts) < 0:
            return _split_capped(rules, lots, debt, worth, parts)
        else:
            return False
    parts.shared = debt - parts.offset
    if rules.offset_penalty < 0:
        _share_by_debt(rules, lots, debt, parts.offset, parts)
    else:
        _share_up_to_penalties(rules, lots, debt, parts.offset, worth, parts)
    return True


cdef bint _split_capped(const Lending* rules, int64_t lots, int64_t debt, int128 worth,
                        Parts* parts) noexcept nogil:
    # above the minimum ratio the pool gets no more than that of the debt
    cdef int64_t capped = <int64_t>floor_divide(
        <int128>debt * rules.minimum_ratio, RATE_DENOMINATOR * worth)
    parts.offset = debt
    parts.gas = _gas(rules, capped)
    parts.to_pool = capped - parts.gas
    parts.shared = parts.shared_lots = 0
    parts.surplus = lots - capped
    return True


# ---------------------------------------------------------------- who acts

cdef bint _gains(const State* state, const Lending* rules, const Liquidator* liquidator, const Parts* parts,
                 int64_t* profit) noexcept nogil:
    cdef uint32_t collateral = rules.trove_collateral - 1
    cdef int64_t sold = parts.gas + (parts.to_pool if rules.pool_sells else 0), gains = 0
    if sold and asset_quote(state, collateral, SELL, sold) < 0:
        return False
    if parts.gas:
        gains = asset_quote(state, collateral, SELL, parts.gas)
    profit[0] = saturate(<int128>gains + rules.gas_reserve - liquidator.gas)
    return profit[0] >= liquidator.min_profit


cdef int _chosen(State* state, const Lending* rules, const Parts* parts, int64_t cause) noexcept nogil:
    # number of the liquidator who acts, -1: nobody does
    cdef int best = -1
    cdef int64_t profit = 0, most = 0, bid = 0
    cdef uint16_t k
    for k in range(state.liquidator_count):
        if (has_not_seen(state, &state.liquidators[k], cause)
                or not _gains(state, rules, &state.liquidators[k], parts, &profit)):
            continue
        if not state.bidding:
            return k
        if best < 0 or profit > most:
            bid = bid if best < 0 or most < bid else most
            best = k
            most = profit
        elif profit > bid:
            bid = profit
    if best >= 0:
        state.liquidators[best].cash -= bid
        state.liquidators[best].bids += bid
    return best


# ---------------------------------------------------------------- carrying out

cdef Event* _note(State* state, uint8_t kind, uint16_t side, int32_t account, int64_t quantity,
                  int64_t money) noexcept nogil:
    cdef Event* event = log_append(&state.log, kind, side, state.cause, state.wave)
    event.account = account
    event.quantity = quantity
    event.money = money
    return event


cdef void _begin(State* state, const Taken* taken, const Unit* unit, const Reserve* collateral,
                 int32_t account, int64_t lots) noexcept nogil:
    cdef Event* event
    state.cause = taken.cause
    state.wave = taken.wave
    event = _note(state, EVENT_LIQUIDATION, collateral.supplied_side, account, lots, saturate(unit.equity))
    event.side = SELL
    event.price = collateral.price
    state.cause = last_event(state)
    state.counters.liquidated += 1
    if taken.wave > state.counters.waves:
        state.counters.waves = taken.wave


cdef void _take_all(State* state, const Lending* rules, uint32_t lending, int32_t account) noexcept nogil:
    cdef uint32_t position
    settle_trove(state, lending, account)
    position = find_position(state, account, state.reserves[rules.trove_collateral - 1].supplied_side, 0)
    move_scaled(state, position, -state.positions[position].size)
    position = find_position(state, account, state.reserves[rules.trove_debt - 1].borrowed_side, 0)
    if position != NO_POSITION:
        move_scaled(state, position, -state.positions[position].size)
    settle_trove(state, lending, account)


cdef void _keep_surplus(State* state, Lending* rules, Reserve* collateral, int32_t account,
                        int64_t lots) noexcept nogil:
    # in the reserve, until the owner claims it
    cdef Owner* owner = owner_of(rules, account)
    if owner == NULL:
        state.failed = FAILURE_MEMORY
    elif (add_into(&owner.surplus, lots) | add_into(&rules.surplus_lots, lots)
            | add_into(&collateral.treasury, lots)):
        state.failed = FAILURE_OVERFLOW
    _note(state, EVENT_RETURNED, collateral.supplied_side, account, lots, 0)


cdef void _move_money(State* state, Lending* rules, int32_t account, const Parts* parts) noexcept nogil:
    cdef Reserve* collateral = &state.reserves[rules.trove_collateral - 1]
    cdef Reserve* debt = &state.reserves[rules.trove_debt - 1]
    cdef int64_t gone = parts.gas + parts.to_pool
    note_rounding(collateral, 1)
    collateral.cash -= gone
    if note_flow(collateral, FLOW_SEIZED, gone):
        state.failed = FAILURE_OVERFLOW
    if parts.offset:
        if add_into(&debt.cash, parts.offset) | note_flow(debt, FLOW_REPAID, parts.offset):
            state.failed = FAILURE_OVERFLOW
        _note(state, EVENT_OFFSET, debt.borrowed_side, account, parts.offset, parts.to_pool)
    if parts.shared:
        share_out(state, rules, parts.shared, parts.shared_lots)
        _note(state, EVENT_REDISTRIBUTE, collateral.borrowed_side, account, parts.shared, parts.shared_lots)
    if parts.surplus:
        _keep_surplus(state, rules, collateral, account, parts.surplus)
    if not state.failed and not (reserve_sound(collateral) and reserve_sound(debt)):
        state.failed = FAILURE_RESERVE


cdef void _pay(State* state, Lending* rules, const Parts* parts, Liquidator* liquidator) noexcept nogil:
    cdef uint32_t collateral = rules.trove_collateral - 1
    cdef int64_t gains = trade_asset(state, collateral, SELL, parts.gas) if parts.gas else 0
    if (add_into(&liquidator.cash, gains) | add_into(&liquidator.cash, rules.gas_reserve)
            | add_into(&liquidator.cash, -liquidator.gas) | add_into(&liquidator.spent, liquidator.gas)):
        state.failed = FAILURE_OVERFLOW
    liquidator.done += 1
    if parts.offset == 0:
        return
    gains = parts.to_pool
    if rules.pool_sells and gains:
        gains = trade_asset(state, collateral, SELL, gains)
    if pool_offset(rules, parts.offset, gains):
        state.failed = FAILURE_MEMORY


cdef void _close(State* state, const Taken* taken, const Unit* unit, uint32_t lending, int32_t account,
                 int64_t lots, int64_t debt, const Parts* parts, Liquidator* liquidator,
                 int32_t who) noexcept nogil:
    cdef Lending* rules = &state.lendings[lending]
    cdef const Reserve* collateral = &state.reserves[rules.trove_collateral - 1]
    cdef Event* event
    _begin(state, taken, unit, collateral, account, lots)
    state.counters.notional += debt
    event = _note(state, EVENT_SEIZE, collateral.supplied_side, account, parts.gas, 0)
    event.counterparty = who
    _take_all(state, rules, lending, account)
    _move_money(state, rules, account, parts)
    if state.failed:
        return
    _pay(state, rules, parts, liquidator)
    event = _note(state, EVENT_HEALTH, collateral.supplied_side, account, INFINITE, 0)
    event.order = saturate(floor_divide(unit.collateral * RATE_DENOMINATOR, unit.collateral - unit.equity))
    form_troves(state, lending, state.cause, state.wave)


cdef int close_trove(State* state, const Taken* taken, const Unit* unit) noexcept nogil:
    cdef uint32_t first = unit_first(state, taken.position)
    cdef uint32_t lending = reserve_of(state, first).lending
    cdef Lending* rules = &state.lendings[lending]
    cdef int32_t account = state.positions[first].account
    cdef const Reserve* collateral
    cdef int64_t lots, debt, profit
    cdef Parts parts
    cdef Liquidator anybody
    cdef int who
    if rules.trove_collateral == 0 or rules.trove_debt == 0:
        return 0
    collateral = &state.reserves[rules.trove_collateral - 1]
    # the last loan has nobody to take it over
    if (not may_be_seized(state, collateral) or not may_be_seized(state, &state.reserves[rules.trove_debt - 1])
            or collateral.supplied <= state.positions[first].size):
        return 0
    trove_of(state, rules, account, &lots, &debt)
    if not _split(state, rules, lots, debt, &parts) or not shares_fit(
            state, rules, collateral.supplied - state.positions[first].size, parts.shared, parts.shared_lots):
        return 0
    if state.liquidator_count == 0:
        anybody = nobody()
        if not _gains(state, rules, &anybody, &parts, &profit):
            return 0
        _close(state, taken, unit, lending, account, lots, debt, &parts, &anybody, -1)
        return 1
    who = _chosen(state, rules, &parts, taken.cause)
    if who < 0:
        return 0
    _close(state, taken, unit, lending, account, lots, debt, &parts, &state.liquidators[who], who)
    return 1
