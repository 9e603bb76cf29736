"""Liquidation in lending markets: a call repays debt and seizes collateral, which is sold at once.

docs/lending-market.md gives the order of events. A debt that is left without collateral is written off by
the protocol's rule; what nobody finds worth while waits for another step.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._absorption cimport absorb_unit
from cascade._accountterms cimport lower_isolated, spared
from cascade._arithmetic cimport (
    add_into, ceil_divide, compare_ratios, floor_divide, int128, saturate,
)
from cascade._borrower cimport (
    asks_in_vain, borrowed_lots, may_be_asked, may_be_taken, reserve_of, supplied_lots,
)
from cascade._clearing cimport (
    Unit, trade_outside, trade_position, unit_evaluate, unit_first, unit_next,
)
from cascade._collateral_auction cimport bark_unit
from cascade._deal cimport Deal, asset_quote, find_deal
from cascade._flows cimport note_flow, note_rounding, reserve_sound
from cascade._liquidator cimport (
    NOBODY, Bids, has_not_seen, no_bids, nobody, outbids, pay_bid, pay_liquidator,
)
from cascade._log cimport Event, log_append
from cascade._moves cimport test_moved
from cascade._oracle cimport form_sides
from cascade._reserve cimport (
    BAD_DEBT_DEFICIT, BAD_DEBT_RESERVES, BAD_DEBT_SHORTFALL, BAD_DEBT_STAYS, BAD_DEBT_SUPPLIERS,
    CLOSE_ABSORB, CLOSE_AUCTION, CLOSE_TROVE, FLOW_REPAID, FLOW_SEIZED, INDEX_ONE, Liquidator, Reserve,
)
from cascade._route cimport Route, plan_route
from cascade._settlement cimport execute_spot, last_event
from cascade._state cimport (
    FAILURE_OVERFLOW, FAILURE_RESERVE, NO_MARKET, NO_POSITION, RATE_DENOMINATOR, Market, State, Taken,
)
from cascade._stopgap cimport fill_gap
from cascade._trovecall cimport close_trove
from cascade._types cimport (
    BUY, EVENT_BAD_DEBT, EVENT_HEALTH, EVENT_LIQUIDATION, EVENT_REPAY, EVENT_SEIZE, SELL,
)

cdef int64_t INFINITE = <int64_t>1 << 62        # health factor without debt


cdef void move_scaled(State* state, uint32_t position, int64_t scaled) noexcept nogil:
    # signed: more collateral or less debt is positive
    cdef Market* market = state.markets[state.positions[position].market]
    cdef Reserve* reserve = &state.reserves[market.reserve - 1]
    cdef bint failed
    trade_position(state, position, scaled, 0)
    trade_outside(state, market, -scaled, 0)
    if market.number != reserve.borrowed_side:
        failed = add_into(&reserve.supplied, scaled)
    else:
        failed = add_into(&reserve.borrowed, -scaled)
    if failed:
        state.failed = FAILURE_OVERFLOW


# ---------------------------------------------------------------- one call

cdef void _record(State* state, const Taken* taken, const Unit* unit, const Deal* deal,
                  int32_t who) noexcept nogil:
    cdef const Reserve* collateral = reserve_of(state, deal.collateral)
    cdef const Reserve* debt = reserve_of(state, deal.debt)
    cdef int32_t account = state.positions[deal.collateral].account
    cdef uint16_t side = state.positions[deal.collateral].market
    cdef int64_t value = saturate(<int128>deal.repaid * debt.unit * debt.price)
    cdef Event* event = log_append(&state.log, EVENT_LIQUIDATION, side, taken.cause,
                                   taken.wave)
    event.account = account
    event.side = SELL
    event.price = collateral.price
    event.quantity = deal.seized
    event.money = saturate(unit.equity)
    state.cause = last_event(state)
    state.wave = taken.wave
    event = log_append(&state.log, EVENT_SEIZE, side, state.cause, state.wave)
    event.account = account
    event.counterparty = who
    event.quantity = deal.seized
    event.money = deal.fee
    event = log_append(&state.log, EVENT_REPAY, debt.borrowed_side, state.cause, state.wave)
    event.account = account
    event.counterparty = who
    event.quantity = deal.repaid
    event.order = deal.extra
    event.money = value
    state.counters.liquidated += 1
    state.counters.notional += value
    if taken.wave > state.counters.waves:
        state.counters.waves = taken.wave


cdef void _move_claims(State* state, const Deal* deal) noexcept nogil:
    # scaled collateral taken up, scaled debt given back down: the account bears the rounding
    cdef Reserve* collateral = reserve_of(state, deal.collateral)
    cdef Reserve* debt = reserve_of(state, deal.debt)
    cdef int64_t held = state.positions[deal.collateral].size, owed = -state.positions[deal.debt].size
    cdef int64_t taken = held, back = owed, exact
    if deal.seized != supplied_lots(state, collateral.number, held):
        exact = <int64_t>ceil_divide(<int128>deal.seized * INDEX_ONE, collateral.supply_index)
        taken = exact if exact < held else held
    if deal.repaid != borrowed_lots(state, debt.number, owed):
        back = <int64_t>floor_divide(<int128>deal.repaid * INDEX_ONE, debt.borrow_index)
    lower_isolated(state, state.positions[deal.debt].account, debt, deal.repaid)
    move_scaled(state, deal.collateral, -taken)
    move_scaled(state, deal.debt, back)
    collateral.cash -= deal.seized - deal.fee
    if (add_into(&collateral.treasury, deal.fee) | add_into(&debt.cash, deal.repaid + deal.extra)
            | add_into(&debt.treasury, deal.extra)
            | note_flow(collateral, FLOW_SEIZED, deal.seized - deal.fee)
            | note_flow(debt, FLOW_REPAID, deal.repaid + deal.extra)):
        state.failed = FAILURE_OVERFLOW
    elif not reserve_sound(collateral) or not reserve_sound(debt):
        state.failed = FAILURE_RESERVE


cdef int64_t _trade_at(State* state, uint16_t venue, uint8_t side, int64_t lots, int64_t* value) noexcept nogil:
    # lots filled; adds their atoms
    cdef Market* market = state.markets[venue]
    cdef int64_t atoms = 0, filled = execute_spot(state, market, side, lots, &atoms)
    if not market.touched:
        market.touched = True
        state.touched[state.touched_count] = market.number
        state.touched_count += 1
    if filled:
        market.last_liquidation = state.cause
    if add_into(value, atoms):
        state.failed = FAILURE_OVERFLOW
    return filled


cdef int64_t _trade_route(State* state, const Reserve* reserve, uint8_t side, int64_t lots,
                          int64_t* value) noexcept nogil:
    # the same over several venues, in their order
    cdef Route route
    cdef int64_t filled = 0
    cdef int k
    plan_route(state, reserve.venues, reserve.venue_count, side, lots, &route)
    for k in range(reserve.venue_count):
        if route.lots[k]:
            filled += _trade_at(state, reserve.venues[k], side, route.lots[k], value)
    return filled


cdef int64_t trade_asset(State* state, uint32_t number, uint8_t side, int64_t lots) noexcept nogil:
    # atoms; what the venues do not take is bought at the mark, or kept
    cdef Reserve* reserve = &state.reserves[number]
    cdef int64_t value = 0, filled
    if reserve.source == NO_MARKET or reserve.venue == NO_MARKET:
        return asset_quote(state, number, side, lots)
    if reserve.venue_count > 1:
        filled = _trade_route(state, reserve, side, lots, &value)
    else:
        filled = _trade_at(state, reserve.venue, side, lots, &value)
    if lots > filled:
        if side == SELL:
            reserve.kept += lots - filled
        else:
            value += saturate(<int128>(lots - filled) * reserve.unit * state.markets[reserve.source].mark)
    return value


cdef void note_health(State* state, const Unit* before, uint32_t position, Unit* after) noexcept nogil:
    # of the account before and after the call, at the same prices
    cdef uint32_t first = unit_first(state, position)
    cdef int128 owed = before.collateral - before.equity, owed_after = 0
    cdef Event* event
    if first != NO_POSITION:
        unit_evaluate(state, first, after)
        owed_after = after.collateral - after.equity
    event = log_append(&state.log, EVENT_HEALTH, state.positions[position].market, state.cause, state.wave)
    event.account = state.positions[position].account
    event.order = saturate(floor_divide(before.collateral * RATE_DENOMINATOR, owed))
    event.quantity = INFINITE
    if owed_after > 0:
        event.quantity = saturate(floor_divide(after.collateral * RATE_DENOMINATOR, owed_after))
        event.side = compare_ratios(after.collateral, owed_after, before.collateral, owed) < 0


cdef void carry_out(State* state, const Taken* taken, const Unit* unit, Deal* deal, Liquidator* liquidator,
                    int32_t who) noexcept nogil:
    cdef uint32_t collateral = reserve_of(state, deal.collateral).number
    cdef uint32_t debt = reserve_of(state, deal.debt).number
    cdef Unit after
    cdef int64_t gains, cost
    after.open_positions = 0
    _record(state, taken, unit, deal, who)
    _move_claims(state, deal)
    gains = trade_asset(state, collateral, SELL, deal.seized - deal.fee)
    cost = 0
    if deal.repaid:
        cost = trade_asset(state, debt, BUY, deal.repaid + deal.extra)
    deal.gains = gains
    deal.cost = cost
    pay_liquidator(state, liquidator, gains, cost)
    add_into(&liquidator.step_repaid, saturate(
        <int128>deal.repaid * state.reserves[debt].unit * state.reserves[debt].price))
    note_health(state, unit, deal.collateral, &after)
    if after.open_positions and not _holds_collateral(state, deal.debt):
        _write_off(state, deal.debt)


# ---------------------------------------------------------------- debts without collateral

cdef bint _holds_collateral(State* state, uint32_t position) noexcept nogil:
    # what is worth nothing, or counts nothing, is none where calls pass it over
    cdef uint32_t i = unit_first(state, position)
    cdef const Reserve* reserve
    while i != NO_POSITION:
        reserve = reserve_of(state, i)
        if (state.positions[i].size > 0 and may_be_asked(state, reserve, True)
                and may_be_taken(state, reserve, state.markets[state.positions[i].market])):
            return True
        i = unit_next(state, i)
    return False


cdef void _write_off(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position), following
    while i != NO_POSITION:
        following = unit_next(state, i)
        if state.positions[i].size < 0:
            _write_off_debt(state, i)
        i = following


cdef void _lower_supply(State* state, Reserve* reserve, int64_t lots) noexcept nogil:
    # what is more than all suppliers have is a deficit
    cdef int64_t before = supplied_lots(state, reserve.number, reserve.supplied)
    cdef int64_t borne = reserve.supply_index
    if reserve.supplied:
        borne = saturate(ceil_divide(<int128>lots * INDEX_ONE, reserve.supplied))
    reserve.supply_index -= borne if borne < reserve.supply_index else reserve.supply_index
    if lots > before and add_into(&reserve.deficit, lots - before):
        state.failed = FAILURE_OVERFLOW


cdef void _write_off_debt(State* state, uint32_t position) noexcept nogil:
    cdef Reserve* reserve = reserve_of(state, position)
    cdef uint8_t rule = state.lendings[reserve.lending].bad_debt
    cdef int64_t scaled = -state.positions[position].size
    cdef int64_t lots = borrowed_lots(state, reserve.number, scaled)
    cdef Event* event = log_append(&state.log, EVENT_BAD_DEBT, reserve.borrowed_side, state.cause, state.wave)
    event.account = state.positions[position].account
    event.quantity = lots
    event.money = saturate(<int128>lots * reserve.unit * reserve.price)
    state.counters.bad_debt += event.money
    if rule == BAD_DEBT_STAYS:
        return
    move_scaled(state, position, scaled)
    strike_debt(state, reserve, lots)


cdef bint cover_loss(Reserve* reserve, int64_t lots) noexcept nogil:
    # 1 when the deficit does not fit
    cdef int64_t covered = reserve.treasury if reserve.treasury < lots else lots
    if covered < 0:
        covered = 0
    reserve.treasury -= covered
    return add_into(&reserve.deficit, lots - covered)


cdef void strike_debt(State* state, Reserve* reserve, int64_t lots) noexcept nogil:
    cdef uint8_t rule = state.lendings[reserve.lending].bad_debt
    note_rounding(reserve, 1)
    if rule == BAD_DEBT_SHORTFALL:
        if cover_loss(reserve, lots):
            state.failed = FAILURE_OVERFLOW
    elif rule == BAD_DEBT_DEFICIT:
        reserve.deficit += lots
    elif rule == BAD_DEBT_RESERVES:
        reserve.treasury -= lots
    elif rule == BAD_DEBT_SUPPLIERS:
        _lower_supply(state, reserve, lots)
        form_sides(state, reserve.number, state.cause, state.wave)
        test_moved(state)


# ---------------------------------------------------------------- who acts

cdef int _first_of_all(State* state, const Taken* taken, uint32_t first, const Unit* unit,
                       Deal* deal) noexcept nogil:
    # number of the first liquidator who gains, -1: nobody does
    cdef uint16_t k
    for k in range(state.liquidator_count):
        if (not has_not_seen(state, &state.liquidators[k], taken.cause)
                and find_deal(state, first, unit, &state.liquidators[k], deal)):
            return k
    return NOBODY


cdef int _highest_bidder(State* state, const Taken* taken, uint32_t first, const Unit* unit,
                         Deal* deal) noexcept nogil:
    cdef Bids bids = no_bids()
    cdef uint16_t k
    cdef Deal offer
    for k in range(state.liquidator_count):
        if (not has_not_seen(state, &state.liquidators[k], taken.cause)
                and find_deal(state, first, unit, &state.liquidators[k], &offer)
                and outbids(&bids, k, offer.profit)):
            deal[0] = offer
    return pay_bid(state, &bids)


cdef int seize_unit(State* state, const Taken* taken) noexcept nogil:
    cdef uint32_t first = unit_first(state, taken.position)
    cdef Liquidator anybody
    cdef Unit unit
    cdef Deal deal
    cdef int who
    if asks_in_vain(state, first):
        return 0
    unit_evaluate(state, first, &unit)
    if spared(state, reserve_of(state, first).lending, &unit):
        return 0
    if state.lendings[reserve_of(state, first).lending].close_factor == CLOSE_ABSORB:
        return absorb_unit(state, taken, &unit)
    if state.lendings[reserve_of(state, first).lending].close_factor == CLOSE_AUCTION:
        return bark_unit(state, taken, &unit)
    if state.lendings[reserve_of(state, first).lending].close_factor == CLOSE_TROVE:
        return close_trove(state, taken, &unit)
    if state.liquidator_count == 0:
        anybody = nobody()
        if not find_deal(state, first, &unit, &anybody, &deal):
            return fill_gap(state, taken, first, &unit)
        carry_out(state, taken, &unit, &deal, &anybody, NOBODY)
        return 1
    if state.bidding:
        who = _highest_bidder(state, taken, first, &unit, &deal)
    else:
        who = _first_of_all(state, taken, first, &unit, &deal)
    if who == NOBODY:
        return fill_gap(state, taken, first, &unit)
    carry_out(state, taken, &unit, &deal, &state.liquidators[who], who)
    return 2 if state.liquidators[who].single else 1
