"""The waterfall after the book: limits of the fund, socialised losses, haircut of profits, bad debt.

A deficit is paid by the fund at once, as far as its limits go. What is left waits until the cascade of the
step is over, so that sharing it costs one pass over the accounts a step, not one a deficit.
docs/waterfall.md gives the stages and their roundings.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport realloc

from cascade._arithmetic cimport add_into, floor_divide, int128, magnitude, saturate
from cascade._clearing cimport (
    Unit, collateral_of, unit_evaluate, unit_first, unit_next,
)
from cascade._conservation cimport (
    STAGE_BAD_DEBT, STAGE_HAIRCUT, STAGE_SOCIALISED, check_money, note_change,
)
from cascade._drawdown cimport highest_fund, note_peak
from cascade._log cimport Event, log_append
from cascade._margin cimport position_value
from cascade._queue cimport queue_traded
from cascade._state cimport (
    ADL_ALWAYS, ADL_ON_DRAWDOWN, ADL_WHEN_SPENT, FAILURE_MEMORY, FAILURE_OVERFLOW, NO_POSITION,
    POSITION_ISOLATED, RATE_DENOMINATOR, SOCIALISED_CONTRACTS, SOCIALISED_GAINS, SOCIALISED_NOT,
    SOCIALISED_OPPOSITE, Asset, Deficit, Market, Position, State,
)
from cascade._types cimport (
    EVENT_BAD_DEBT, EVENT_FUND, EVENT_HAIRCUT, EVENT_SOCIALISED, SELL,
)

cdef enum Basis:                  # what a unit's part of a shared loss is in proportion to
    BASIS_GAINS = 0               # unrealised profit in the market
    BASIS_LOTS = 1
    BASIS_LONG_LOTS = 2
    BASIS_SHORT_LOTS = 3
    BASIS_PROFITS = 4             # unrealised profit in all markets

cdef struct Levy:                 # one loss shared by many
    int64_t owed
    int128 whole                  # sum of the parts
    int128 carried                # remainder of the division so far
    int64_t collected
    int64_t cause
    int32_t wave
    uint16_t market
    uint8_t basis
    uint8_t kind                  # EventKind


# ---------------------------------------------------------------- the fund

cdef inline int64_t _block_paid(const State* state, const Market* market) noexcept nogil:
    if market.rules.fund_window and state.clock // market.rules.fund_window != market.block:
        return 0
    return market.block_paid


cdef int64_t _can_pay(const State* state, const Market* market) noexcept nogil:
    # for units of the market now, the limit a unit apart
    cdef int64_t fund = state.assets[market.asset].fund, left
    if fund < 0:
        fund = 0
    if market.rules.fund_block < 0:
        return fund
    left = market.rules.fund_block - _block_paid(state, market)
    return left if left < fund else fund


cdef void waterfall_begin(State* state) noexcept nogil:
    cdef uint32_t m
    cdef Market* market
    for m in range(state.market_count):
        market = state.markets[m]
        if market.rules.fund_window == 0:
            market.block_paid = 0
        if market.rules.adl_trigger == ADL_ON_DRAWDOWN:
            if note_peak(market, state.clock, state.assets[market.asset].fund):
                state.failed = FAILURE_MEMORY


cdef int128 _fund_at_mark(const State* state, uint16_t asset) noexcept nogil:
    # with what the house took over valued at the marks, markets without one aside
    cdef int128 worth = state.assets[asset].fund
    cdef uint32_t m
    cdef const Market* market
    for m in range(state.market_count):
        market = state.markets[m]
        if market.asset == asset and market.mark and market.house_size:
            worth += position_value(&market.rules.table, market.house_size, market.mark)
            worth -= market.house_entry
    return worth


cdef bint adl_triggered(const State* state, const Market* market) noexcept nogil:
    cdef int64_t peak
    if market.rules.adl_trigger == ADL_ALWAYS or _can_pay(state, market) <= 0:
        return True
    if market.rules.adl_trigger == ADL_WHEN_SPENT:
        return _fund_at_mark(state, market.asset) <= 0
    if market.rules.adl_trigger != ADL_ON_DRAWDOWN:
        return False
    peak = highest_fund(market)
    return (<int128>(peak - state.assets[market.asset].fund) * RATE_DENOMINATOR
            >= <int128>market.rules.drawdown * peak)


cdef void _give_up(State* state, const Deficit* deficit) noexcept nogil:
    cdef Event* event
    if add_into(&state.assets[state.markets[deficit.market].asset].bad_debt, deficit.left):
        state.failed = FAILURE_OVERFLOW
    event = log_append(&state.log, EVENT_BAD_DEBT, deficit.market, deficit.cause, deficit.wave)
    event.account = deficit.account
    event.money = deficit.left
    state.counters.bad_debt += deficit.left


cdef int _wait(State* state, const Deficit* deficit) noexcept nogil:
    cdef int64_t capacity
    cdef void* grown
    if state.deficit_count == state.deficit_capacity:
        capacity = state.deficit_capacity * 2 if state.deficit_capacity else 64
        grown = realloc(state.deficits, <size_t>capacity * sizeof(Deficit))
        if grown == NULL:
            state.failed = FAILURE_MEMORY
            return -1
        state.deficits = <Deficit*>grown
        state.deficit_capacity = capacity
    state.deficits[state.deficit_count] = deficit[0]
    state.deficit_count += 1
    note_change(state.markets[deficit.market], deficit.left, 0)
    return 0


cdef void cover_deficit(State* state, Market* market, int32_t account, int64_t deficit) noexcept nogil:
    cdef int64_t paid = _can_pay(state, market)
    cdef Asset* money = &state.assets[market.asset]
    cdef Deficit rest
    cdef Event* event
    if deficit < paid:
        paid = deficit
    if 0 <= market.rules.fund_limit < paid:
        paid = market.rules.fund_limit
    if paid > 0:
        money.fund -= paid
        state.counters.fund_paid += paid
        event = log_append(&state.log, EVENT_FUND, market.number, state.cause, state.wave)
        event.account = account
        event.money = -paid
        if market.rules.fund_block >= 0:
            market.block_paid = _block_paid(state, market) + paid
            if market.rules.fund_window:
                market.block = state.clock // market.rules.fund_window
        deficit -= paid
    if deficit == 0:
        return
    rest.left = deficit
    rest.cause = state.cause
    rest.wave = state.wave
    rest.account = account
    rest.market = market.number
    rest.long_side = state.log.events[state.cause - state.log.first].side == SELL
    if market.rules.socialised == SOCIALISED_NOT and not market.rules.haircut or _wait(state, &rest):
        _give_up(state, &rest)


# ---------------------------------------------------------------- sharing a loss

cdef int64_t _part(State* state, uint32_t position, const Levy* levy, int64_t* equity) noexcept nogil:
    # what a unit's share is in proportion to, 0: it pays nothing; its first position names it
    cdef bint profits = levy.basis == BASIS_GAINS or levy.basis == BASIS_PROFITS
    cdef int128 part = 0
    cdef uint32_t i = unit_first(state, position)
    cdef Position* p
    cdef Market* market
    cdef Unit unit
    while i != NO_POSITION:
        p = &state.positions[i]
        market = state.markets[p.market]
        if market.mark == 0:
            return 0
        if levy.basis == BASIS_PROFITS or p.market == levy.market:
            if profits:
                part += (<int128>position_value(&market.rules.table, p.size, market.mark)
                         - p.entry_value)
            elif levy.basis == BASIS_LOTS or (p.size > 0) == (levy.basis == BASIS_LONG_LOTS):
                part += magnitude(p.size)
        i = unit_next(state, i)
    if part <= 0:
        return 0
    unit_evaluate(state, position, &unit)
    if unit.equity <= 0:
        return 0
    equity[0] = saturate(unit.equity)
    if profits and unit.equity < part:
        part = unit.equity
    return saturate(part)


cdef void _pay(State* state, uint32_t position, Levy* levy) noexcept nogil:
    # Rounding what all have paid so far down, and taking the difference, gives everybody his share
    # to the atom above or below, and the sum exactly.
    cdef int64_t equity = 0, part = _part(state, position, levy, &equity), due
    cdef int128 product
    cdef Event* event
    if part == 0:
        return
    product = <int128>levy.owed * part + levy.carried
    due = <int64_t>floor_divide(product, levy.whole)
    levy.carried = product - <int128>due * levy.whole
    if due > equity:
        due = equity
    if due == 0:
        return
    collateral_of(state, position)[0] -= due
    note_change(state.markets[levy.market], due, 0)
    event = log_append(&state.log, levy.kind, levy.market, levy.cause, levy.wave)
    event.account = state.positions[position].account
    event.money = due
    levy.collected += due
    queue_traded(state, position)


cdef void _each_unit(State* state, Levy* levy, bint paying) noexcept nogil:
    # by account, its cross unit first, then its isolated positions by market and leg
    cdef uint32_t a, i, cross
    cdef int64_t equity = 0
    cdef uint16_t asset = state.markets[levy.market].asset
    for a in range(state.account_count):
        if state.accounts[a].asset != asset:
            continue
        cross = i = state.accounts[a].first
        while cross != NO_POSITION and (state.positions[cross].flags & POSITION_ISOLATED
                                        or state.positions[cross].size == 0):
            cross = state.positions[cross].next
        if cross != NO_POSITION:
            if paying:
                _pay(state, cross, levy)
            else:
                levy.whole += _part(state, cross, levy, &equity)
        while i != NO_POSITION:
            if state.positions[i].size and state.positions[i].flags & POSITION_ISOLATED:
                if paying:
                    _pay(state, i, levy)
                else:
                    levy.whole += _part(state, i, levy, &equity)
            i = state.positions[i].next


cdef inline bint _belongs(const State* state, const Deficit* deficit, const Levy* levy) noexcept nogil:
    cdef const Market* market = state.markets[deficit.market]
    if deficit.left == 0:
        return False
    if levy.basis == BASIS_PROFITS:
        return market.rules.haircut != 0 and market.asset == state.markets[levy.market].asset
    if deficit.market != levy.market:
        return False
    if levy.basis == BASIS_LONG_LOTS or levy.basis == BASIS_SHORT_LOTS:
        return deficit.long_side == (levy.basis == BASIS_SHORT_LOTS)
    return True


cdef void _share(State* state, uint16_t market, uint8_t basis, uint8_t kind) noexcept nogil:
    cdef Levy levy
    cdef Deficit* deficit
    cdef int64_t k, paid
    levy.owed = levy.collected = 0
    levy.whole = levy.carried = 0
    levy.market = market
    levy.basis = basis
    levy.kind = kind
    for k in range(state.deficit_count):
        deficit = &state.deficits[k]
        if _belongs(state, deficit, &levy):
            if add_into(&levy.owed, deficit.left):
                state.failed = FAILURE_OVERFLOW
                return
            levy.cause = deficit.cause
            levy.wave = deficit.wave
            if basis == BASIS_PROFITS:
                levy.market = deficit.market
    if levy.owed == 0:
        return
    _each_unit(state, &levy, False)
    if levy.whole == 0:
        return
    if (basis == BASIS_GAINS or basis == BASIS_PROFITS) and levy.whole < levy.owed:
        levy.owed = <int64_t>levy.whole
    _each_unit(state, &levy, True)
    for k in range(state.deficit_count):
        deficit = &state.deficits[k]
        if _belongs(state, deficit, &levy):
            paid = deficit.left if deficit.left < levy.collected else levy.collected
            deficit.left -= paid
            levy.collected -= paid
            note_change(state.markets[market], 0, paid)
    check_money(state, state.markets[market], -1,
                STAGE_HAIRCUT if kind == EVENT_HAIRCUT else STAGE_SOCIALISED)


cdef void _haircuts(State* state) noexcept nogil:
    # by asset: a market that names it
    cdef uint16_t asset
    cdef uint32_t m
    for asset in range(state.asset_count):
        for m in range(state.market_count):
            if state.markets[m].rules.haircut and state.markets[m].asset == asset:
                _share(state, <uint16_t>m, BASIS_PROFITS, EVENT_HAIRCUT)
                break


cdef void share_deficits(State* state) noexcept nogil:
    cdef uint32_t m
    cdef Deficit* deficit
    cdef int64_t k
    cdef uint8_t rule
    for m in range(state.market_count):
        rule = state.markets[m].rules.socialised
        if rule == SOCIALISED_GAINS:
            _share(state, <uint16_t>m, BASIS_GAINS, EVENT_SOCIALISED)
        elif rule == SOCIALISED_CONTRACTS:
            _share(state, <uint16_t>m, BASIS_LOTS, EVENT_SOCIALISED)
        elif rule == SOCIALISED_OPPOSITE:
            # deficits of longs to the shorts, then those of shorts to the longs
            _share(state, <uint16_t>m, BASIS_SHORT_LOTS, EVENT_SOCIALISED)
            _share(state, <uint16_t>m, BASIS_LONG_LOTS, EVENT_SOCIALISED)
    _haircuts(state)
    for k in range(state.deficit_count):
        deficit = &state.deficits[k]
        if deficit.left:
            note_change(state.markets[deficit.market], 0, deficit.left)
            _give_up(state, deficit)
            check_money(state, state.markets[deficit.market], deficit.account, STAGE_BAD_DEBT)
    state.deficit_count = 0
