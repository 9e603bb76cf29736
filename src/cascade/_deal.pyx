"""Deals: what a liquidator may repay, what it gets for it, and whether that pays.

docs/lending-market.md gives the formulas. Pairs of collateral and debt are tried in the liquidator's order
and each from the largest size down by halves, with the price that the sale itself would make.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport ceil_divide, floor_divide, int128, saturate
from cascade._borrower cimport (
    borrowed_lots, may_be_asked, may_be_seized, may_be_taken, reserve_of, side_value, supplied_lots,
)
from cascade._clearing cimport Unit, unit_first, unit_next
from cascade._reserve cimport (
    BONUS_COVERED, BONUS_DISCOUNT, BONUS_HEALTH, CHOICE_WORST, CLOSE_FRACTION, CLOSE_TARGET,
    CLOSE_THRESHOLD, CLOSE_WHOLE, HALT_LEVEL, HALT_NEVER, Lending, Liquidator, Reserve,
)
from cascade._route cimport route_quote
from cascade._state cimport NO_MARKET, NO_POSITION, RATE_DENOMINATOR, Market, State
from cascade._types cimport BUY, SELL
from cascade._venuequote cimport venue_quote


cdef inline int64_t _worth(const Reserve* reserve) noexcept nogil:
    # atoms of a lot
    return reserve.unit * reserve.price


# ---------------------------------------------------------------- order of the legs

cdef bint _before(const int64_t* a, const int128* a_value, const int64_t* b, const int128* b_value) noexcept nogil:
    # (bonus key, value key, place) of two legs
    if a[0] != b[0]:
        return a[0] < b[0]
    if a_value[0] != b_value[0]:
        return a_value[0] < b_value[0]
    return a[1] < b[1]


cdef uint32_t _next_leg(State* state, uint32_t position, uint32_t after, bint debts, bint worst) noexcept nogil:
    # the leg that follows `after` in the liquidator's order; NO_POSITION: before the first, after the last
    cdef uint32_t i = unit_first(state, position), found = NO_POSITION
    cdef int64_t[2] key, best, last
    cdef int128 value, best_value = 0, last_value = 0
    cdef int64_t place = 0
    cdef const Reserve* reserve
    cdef const Market* market
    last[0] = last[1] = 0
    if after != NO_POSITION:
        _leg_key(state, position, after, debts, worst, last, &last_value)
    while i != NO_POSITION:
        reserve = reserve_of(state, i)
        market = state.markets[state.positions[i].market]
        if ((state.positions[i].size < 0) == debts and may_be_seized(state, reserve)
                and may_be_asked(state, reserve, not debts) and (debts or may_be_taken(state, reserve, market))):
            value = side_value(state, market, state.positions[i].size, market.mark)
            key[0] = 0 if debts else market.bonus if worst else -market.bonus
            key[1] = place
            if not debts and not worst:
                value = -value
            if (after == NO_POSITION or _before(last, &last_value, key, &value)) and (
                    found == NO_POSITION or _before(key, &value, best, &best_value)):
                found = i
                best = key
                best_value = value
        place += 1
        i = unit_next(state, i)
    return found


cdef void _leg_key(State* state, uint32_t position, uint32_t leg, bint debts, bint worst, int64_t* key,
                   int128* value) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    cdef const Market* market = state.markets[state.positions[leg].market]
    key[0] = 0 if debts else market.bonus if worst else -market.bonus
    key[1] = 0
    while i != leg:
        key[1] += 1
        i = unit_next(state, i)
    value[0] = side_value(state, market, state.positions[leg].size, market.mark)
    if not debts and not worst:
        value[0] = -value[0]


# ---------------------------------------------------------------- what may be repaid

cdef struct Values:           # of an account, at the marks, not weighted
    int128 collateral
    int128 debt


cdef void _gather_values(State* state, uint32_t position, Values* values) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    cdef const Market* market
    cdef int128 value
    values.collateral = values.debt = 0
    while i != NO_POSITION:
        market = state.markets[state.positions[i].market]
        value = side_value(state, market, state.positions[i].size, market.mark)
        if value < 0:
            values.debt -= value
        else:
            values.collateral += value
        i = unit_next(state, i)


cdef bint _halted(const Lending* rules, const Values* values, int64_t bonus) noexcept nogil:
    # debts above a share of the collateral, or where a call takes more than its part of the collateral
    if rules.halt == HALT_NEVER:
        return False
    if rules.halt == HALT_LEVEL:
        return values.debt * RATE_DENOMINATOR > values.collateral * rules.halt_level
    return values.debt * (RATE_DENOMINATOR + bonus) > values.collateral * RATE_DENOMINATOR


cdef int64_t _bonus(const Lending* rules, const Market* side, const Unit* unit,
                    const Values* values) noexcept nogil:
    cdef int128 owed = unit.collateral - unit.equity, lacks
    cdef int64_t discount
    if rules.bonus == BONUS_COVERED:
        lacks = 0
        if values.debt < values.collateral:
            lacks = floor_divide((values.collateral - values.debt) * RATE_DENOMINATOR, values.debt)
        return side.bonus if lacks > side.bonus else <int64_t>lacks
    if rules.bonus != BONUS_HEALTH and rules.bonus != BONUS_DISCOUNT:
        return side.bonus
    lacks = rules.bonus_base + floor_divide(-unit.equity * RATE_DENOMINATOR, owed)
    if rules.bonus == BONUS_HEALTH:
        return rules.bonus_cap if lacks > rules.bonus_cap else <int64_t>lacks
    discount = rules.bonus_cap if lacks > rules.bonus_cap else <int64_t>lacks
    return <int64_t>floor_divide(<int128>discount * RATE_DENOMINATOR, RATE_DENOMINATOR - discount)


cdef int64_t _to_target(const Lending* rules, const Unit* unit, const Market* side,
                        const Reserve* debt, int64_t owed_lots, int64_t bonus) noexcept nogil:
    cdef int128 owed = unit.collateral - unit.equity, value
    cdef int64_t taken = <int64_t>floor_divide(
        <int128>side.threshold * (RATE_DENOMINATOR + bonus), RATE_DENOMINATOR)
    cdef int64_t left = <int64_t>floor_divide(
        <int128>rules.close_health * RATE_DENOMINATOR, debt.borrow_factor) - taken
    if left <= 0:
        return owed_lots
    value = ceil_divide(rules.close_health * owed - RATE_DENOMINATOR * unit.collateral, left)
    value = ceil_divide(value, _worth(debt))
    return owed_lots if value > owed_lots else <int64_t>value


cdef int128 _whole_debt(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    cdef int128 total = 0
    cdef const Reserve* reserve
    while i != NO_POSITION:
        if state.positions[i].size < 0:
            reserve = reserve_of(state, i)
            total += <int128>borrowed_lots(state, reserve.number, -state.positions[i].size) * _worth(reserve)
        i = unit_next(state, i)
    return total


cdef int64_t _most(State* state, uint32_t position, const Unit* unit, const Deal* deal, const Reserve* collateral,
                   int64_t have, const Reserve* debt, int64_t owed_lots, int64_t bonus) noexcept nogil:
    cdef const Lending* rules = &state.lendings[collateral.lending]
    cdef const Market* side = state.markets[state.positions[deal.collateral].market]
    cdef int128 owed = unit.collateral - unit.equity, part
    if rules.close_factor == CLOSE_WHOLE:
        return owed_lots
    part = floor_divide(<int128>owed_lots * rules.close_fraction, RATE_DENOMINATOR)
    if rules.close_factor == CLOSE_FRACTION:
        return <int64_t>part
    if rules.close_factor == CLOSE_TARGET:
        return _to_target(rules, unit, side, debt, owed_lots, bonus)
    if unit.collateral * RATE_DENOMINATOR <= rules.close_health * owed:
        return owed_lots
    if rules.close_factor == CLOSE_THRESHOLD:
        return <int64_t>part
    if (<int128>owed_lots * _worth(debt) < rules.close_value
            or <int128>have * _worth(collateral) < rules.close_value):
        return owed_lots
    part = floor_divide(_whole_debt(state, position) * rules.close_fraction, RATE_DENOMINATOR)
    part = floor_divide(part, _worth(debt))
    return owed_lots if part > owed_lots else <int64_t>part


cdef bint _amounts(State* state, const Reserve* collateral, int64_t have, const Reserve* debt,
                   int64_t owed_lots, int64_t repaid, int64_t bonus, Deal* deal) noexcept nogil:
    # false: nothing is seized, or what is left of both would be dust
    cdef const Lending* rules = &state.lendings[collateral.lending]
    cdef int64_t earned
    cdef int128 over = <int128>_worth(debt) * (RATE_DENOMINATOR + bonus)
    cdef int128 under = <int128>_worth(collateral) * RATE_DENOMINATOR
    cdef int64_t limit = have if have < collateral.cash else collateral.cash, cut
    cdef int128 left_debt, left_collateral
    deal.seized = saturate(floor_divide(repaid * over, under))
    if deal.seized > limit:
        deal.seized = limit
        cut = saturate(ceil_divide(deal.seized * under, over))
        repaid = cut if cut < repaid else repaid
    deal.repaid = repaid
    deal.fee = deal.extra = 0
    if deal.seized <= 0 or repaid <= 0:
        return False
    left_debt = (<int128>owed_lots - repaid) * _worth(debt)
    left_collateral = (<int128>have - deal.seized) * _worth(collateral)
    if left_debt and left_collateral and (
            left_debt < rules.min_leftover or left_collateral < rules.min_leftover):
        return False
    if rules.fee_on_repay:
        deal.extra = <int64_t>floor_divide(<int128>repaid * rules.fee, RATE_DENOMINATOR)
        return True
    earned = deal.seized - <int64_t>ceil_divide(
        <int128>deal.seized * RATE_DENOMINATOR, RATE_DENOMINATOR + bonus)
    deal.fee = <int64_t>floor_divide(<int128>earned * collateral.fee, RATE_DENOMINATOR)
    return True


# ---------------------------------------------------------------- what it brings

cdef int64_t asset_quote(const State* state, uint32_t number, int side, int64_t lots) noexcept nogil:
    cdef const Reserve* reserve = &state.reserves[number]
    if reserve.source == NO_MARKET:
        return saturate(<int128>lots * reserve.unit)
    if reserve.venue == NO_MARKET:
        return saturate(<int128>lots * reserve.unit * state.markets[reserve.source].mark)
    if reserve.venue_count > 1:
        return route_quote(state, reserve.venues, reserve.venue_count, <uint8_t>side, lots)
    return venue_quote(state.markets[reserve.venue], side, lots)


cdef bint _pays(const State* state, const Reserve* collateral, const Reserve* debt, Deal* deal,
                const Liquidator* liquidator) noexcept nogil:
    cdef int64_t gains = asset_quote(state, collateral.number, SELL, deal.seized - deal.fee), cost
    if gains < 0:
        return False
    cost = asset_quote(state, debt.number, BUY, deal.repaid + deal.extra)
    if cost < 0 or (liquidator.capital >= 0 and cost > <int128>liquidator.capital + liquidator.cash):
        return False
    deal.profit = saturate(<int128>gains - cost - liquidator.gas)
    return deal.profit >= liquidator.min_profit


cdef int64_t _told(const Liquidator* liquidator, const Reserve* debt, int64_t lots) noexcept nogil:
    # no more than the liquidator is told to repay, by value, down
    cdef int64_t most = liquidator.max_repay, left
    if liquidator.step_budget >= 0:
        left = liquidator.step_budget - liquidator.step_repaid
        left = left if left > 0 else 0
        most = left if most < 0 or left < most else most
    if most < 0 or debt.price == 0:
        return lots
    most //= _worth(debt)
    return most if most < lots else lots


cdef bint _find_size(State* state, uint32_t position, const Unit* unit, const Values* values,
                     const Liquidator* liquidator, Deal* deal) noexcept nogil:
    cdef const Reserve* collateral = reserve_of(state, deal.collateral)
    cdef const Reserve* debt = reserve_of(state, deal.debt)
    cdef int64_t have = supplied_lots(state, collateral.number, state.positions[deal.collateral].size)
    cdef int64_t owed_lots = borrowed_lots(state, debt.number, -state.positions[deal.debt].size)
    cdef int64_t bonus = _bonus(&state.lendings[collateral.lending],
                                state.markets[state.positions[deal.collateral].market], unit, values)
    cdef int64_t lots
    cdef int32_t _attempt
    if _halted(&state.lendings[collateral.lending], values, bonus):
        return False
    if collateral.price == 0:
        # worth nothing: all of it for nothing
        deal.repaid = deal.fee = deal.extra = 0
        deal.seized = have if have < collateral.cash else collateral.cash
        return deal.seized > 0 and _pays(state, collateral, debt, deal, liquidator)
    lots = _told(liquidator, debt,
                 _most(state, position, unit, deal, collateral, have, debt, owed_lots, bonus))
    for _attempt in range(liquidator.halvings + 1):
        if lots == 0:
            return False
        if (_amounts(state, collateral, have, debt, owed_lots, lots, bonus, deal)
                and _pays(state, collateral, debt, deal, liquidator)):
            return True
        lots >>= 1
    return False


cdef bint find_deal(State* state, uint32_t position, const Unit* unit, const Liquidator* liquidator,
                    Deal* deal) noexcept nogil:
    cdef bint worst = liquidator.choice == CHOICE_WORST
    cdef Values values
    _gather_values(state, position, &values)
    deal.collateral = _next_leg(state, position, NO_POSITION, False, worst)
    while deal.collateral != NO_POSITION:
        deal.debt = _next_leg(state, position, NO_POSITION, True, worst)
        while deal.debt != NO_POSITION:
            if _find_size(state, position, unit, &values, liquidator, deal):
                return True
            deal.debt = _next_leg(state, position, deal.debt, True, worst)
        deal.collateral = _next_leg(state, position, deal.collateral, False, worst)
    return False
