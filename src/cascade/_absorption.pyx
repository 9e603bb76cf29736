"""Accounts that a protocol takes over itself, and the storefront where it sells what it took.

docs/protocols/compound_v3.md: everything of the account is taken, its debt is borne by the reserves, and
what the collateral at its liquidation factor is worth beyond it becomes base supply.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._arithmetic cimport add_into, floor_divide, int128, saturate
from cascade._borrower cimport (
    borrowed_lots, gives_no_price, may_be_seized, reserve_of, supplied_lots,
)
from cascade._category cimport account_category, deposit_side
from cascade._clearing cimport Unit, claim_position, unit_first, unit_next
from cascade._deal cimport asset_quote
from cascade._flows cimport note_flow, note_rounding, reserve_sound
from cascade._liquidator cimport Bids, NOBODY, no_bids, nobody, outbids, pay_bid, pay_liquidator
from cascade._log cimport Event, log_append
from cascade._reserve cimport (
    CLOSE_ABSORB, FLOW_REPAID, FLOW_SEIZED, INDEX_ONE, Lending, Liquidator, Reserve,
)
from cascade._seizure cimport move_scaled, trade_asset
from cascade._settlement cimport last_event
from cascade._state cimport (
    FAILURE_OVERFLOW, FAILURE_RESERVE, NO_POSITION, RATE_DENOMINATOR, Position, State, Taken,
)
from cascade._types cimport (
    BUY, EVENT_BAD_DEBT, EVENT_HEALTH, EVENT_LIQUIDATION, EVENT_REPAY, EVENT_SEIZE, EVENT_SUPPLY,
    HOUSE_ACCOUNT, NO_ACCOUNT, SELL,
)

cdef int64_t INFINITE = <int64_t>1 << 62        # health factor without debt


cdef inline int128 _worth(const Reserve* reserve) noexcept nogil:
    # atoms of a lot
    return <int128>reserve.unit * reserve.price


cdef Event* _note(State* state, uint8_t kind, uint16_t side, int32_t account, int64_t lots) noexcept nogil:
    cdef Event* event = log_append(&state.log, kind, side, state.cause, state.wave)
    event.account = account
    event.quantity = lots
    return event


# ---------------------------------------------------------------- taking over

cdef void _take_collateral(State* state, uint32_t position, const Reserve* base) noexcept nogil:
    cdef Reserve* reserve = reserve_of(state, position)
    cdef int64_t lots = supplied_lots(state, reserve.number, state.positions[position].size)
    cdef Event* event
    move_scaled(state, position, -state.positions[position].size)
    if add_into(&reserve.treasury, lots):
        state.failed = FAILURE_OVERFLOW
    if reserve.number != base.number:
        if reserve.absorbed == 0 and lots:
            reserve.offered = state.clock
        if add_into(&reserve.absorbed, lots):
            state.failed = FAILURE_OVERFLOW
    note_rounding(reserve, 1)
    event = _note(state, EVENT_SEIZE, state.positions[position].market, state.positions[position].account, lots)
    event.counterparty = HOUSE_ACCOUNT


cdef void _take_debt(State* state, uint32_t position, Reserve* base, int64_t owed, int64_t balance) noexcept nogil:
    cdef int32_t account = state.positions[position].account
    cdef uint32_t credited
    cdef uint16_t side
    cdef Event* event
    move_scaled(state, position, -state.positions[position].size)
    if add_into(&base.treasury, -owed) | add_into(&base.treasury, -balance if balance > 0 else 0):
        state.failed = FAILURE_OVERFLOW
    note_rounding(base, 2)
    event = _note(state, EVENT_REPAY, base.borrowed_side, account, owed)
    event.counterparty = HOUSE_ACCOUNT
    event.money = saturate(owed * _worth(base))
    if balance > 0:
        side = deposit_side(state, base, account_category(state, account))
        credited = claim_position(state, account, side, 0)
        if credited == NO_POSITION:
            return
        move_scaled(state, credited, saturate(floor_divide(<int128>balance * INDEX_ONE, base.supply_index)))
        _note(state, EVENT_SUPPLY, side, account, balance)
    elif balance < 0:
        event = _note(state, EVENT_BAD_DEBT, base.borrowed_side, account, -balance)
        event.money = saturate(-balance * _worth(base))
        state.counters.bad_debt += event.money


cdef int64_t _credited(State* state, uint32_t first) noexcept nogil:
    # atoms for the collateral at its liquidation factors
    cdef uint32_t i = first
    cdef int128 total = 0, value
    cdef const Reserve* reserve
    while i != NO_POSITION:
        if state.positions[i].size > 0:
            reserve = reserve_of(state, i)
            value = supplied_lots(state, reserve.number, state.positions[i].size) * _worth(reserve)
            total += floor_divide(value * reserve.liquidation_factor, RATE_DENOMINATOR)
        i = unit_next(state, i)
    return saturate(total)


cdef void _begin(State* state, const Taken* taken, const Unit* unit, uint32_t collateral) noexcept nogil:
    cdef const Reserve* first = reserve_of(state, collateral)
    cdef const Position* p = &state.positions[collateral]
    cdef Event* event
    state.cause = taken.cause
    state.wave = taken.wave
    event = _note(state, EVENT_LIQUIDATION, p.market, p.account, supplied_lots(state, first.number, p.size))
    event.side = SELL
    event.price = first.price
    event.money = saturate(unit.equity)
    state.cause = last_event(state)
    state.counters.liquidated += 1
    if taken.wave > state.counters.waves:
        state.counters.waves = taken.wave


cdef void _absorb(State* state, const Taken* taken, const Unit* unit, uint32_t collateral,
                  uint32_t debt) noexcept nogil:
    cdef Reserve* base = reserve_of(state, debt)
    cdef uint32_t i = unit_first(state, debt), following
    cdef int64_t owed = borrowed_lots(state, base.number, -state.positions[debt].size), balance
    cdef uint16_t side = state.positions[collateral].market
    cdef int32_t account = state.positions[debt].account
    cdef Event* event
    balance = saturate(floor_divide(_credited(state, i), _worth(base)) - owed)
    _begin(state, taken, unit, collateral)
    state.counters.notional += saturate(owed * _worth(base))
    while i != NO_POSITION:
        following = unit_next(state, i)
        if state.positions[i].size > 0:
            _take_collateral(state, i, base)
        i = following
    _take_debt(state, debt, base, owed, balance)
    event = _note(state, EVENT_HEALTH, side, account, INFINITE)
    event.order = saturate(floor_divide(unit.collateral * RATE_DENOMINATOR, unit.collateral - unit.equity))


cdef int absorb_unit(State* state, const Taken* taken, const Unit* unit) noexcept nogil:
    cdef uint32_t i = unit_first(state, taken.position), collateral = NO_POSITION, debt = NO_POSITION
    while i != NO_POSITION:
        if not may_be_seized(state, reserve_of(state, i)):
            return 0
        if state.positions[i].size < 0:
            debt = i
        elif collateral == NO_POSITION:
            collateral = i
        i = unit_next(state, i)
    if debt == NO_POSITION or collateral == NO_POSITION:
        return 0
    i = reserve_of(state, debt).lending
    _absorb(state, taken, unit, collateral, debt)
    _sell(state, i)
    return 1


# ---------------------------------------------------------------- the storefront

cdef struct Purchase:
    int64_t got               # lots of collateral
    int64_t paid              # lots of the base
    int64_t profit            # atoms that the liquidator expects


cdef bint _gains(const State* state, const Reserve* reserve, const Reserve* base, const Liquidator* liquidator,
                 Purchase* purchase) noexcept nogil:
    cdef int64_t gains = asset_quote(state, reserve.number, SELL, purchase.got), cost
    if gains < 0:
        return False
    cost = asset_quote(state, base.number, BUY, purchase.paid)
    if cost < 0 or (liquidator.capital >= 0 and cost > <int128>liquidator.capital + liquidator.cash):
        return False
    purchase.profit = saturate(<int128>gains - cost - liquidator.gas)
    return purchase.profit >= liquidator.min_profit


cdef void _buy(State* state, Reserve* reserve, Reserve* base, Liquidator* liquidator, int32_t who,
               int64_t got, int64_t paid) noexcept nogil:
    cdef int64_t before = state.cause, gains, cost
    cdef Event* event = _note(state, EVENT_SEIZE, reserve.supplied_side, NO_ACCOUNT, got)
    event.counterparty = who
    state.cause = last_event(state)
    event = _note(state, EVENT_REPAY, base.borrowed_side, NO_ACCOUNT, paid)
    event.counterparty = who
    event.money = saturate(paid * _worth(base))
    reserve.cash -= got
    reserve.treasury -= got
    reserve.absorbed -= got
    if reserve.absorbed == 0:
        reserve.offered = 0
    if (add_into(&base.cash, paid) | add_into(&base.treasury, paid) | note_flow(reserve, FLOW_SEIZED, got)
            | note_flow(base, FLOW_REPAID, paid)):
        state.failed = FAILURE_OVERFLOW
    elif not reserve_sound(reserve) or not reserve_sound(base):
        state.failed = FAILURE_RESERVE
    gains = trade_asset(state, reserve.number, SELL, got)
    cost = trade_asset(state, base.number, BUY, paid)
    pay_liquidator(state, liquidator, gains, cost)
    state.cause = before


cdef bint _find_purchase(const State* state, const Reserve* reserve, const Reserve* base, int128 ask,
                         const Liquidator* liquidator, Purchase* purchase) noexcept nogil:
    # the largest amount that the liquidator gains by, down by halves
    cdef int64_t most = reserve.absorbed if reserve.absorbed < reserve.cash else reserve.cash
    cdef int32_t _attempt
    for _attempt in range(liquidator.halvings + 1):
        purchase.paid = saturate(floor_divide(most * ask, _worth(base)))
        if purchase.paid == 0:
            return False
        purchase.got = saturate(floor_divide(purchase.paid * _worth(base), ask))
        if purchase.got and _gains(state, reserve, base, liquidator, purchase):
            return True
        most >>= 1
    return False


cdef inline bint _waits(const State* state, const Liquidator* liquidator, const Reserve* reserve) noexcept nogil:
    # bought in this step already, or has not seen the offer yet
    return (liquidator.single and liquidator.bought) or state.clock - reserve.offered < liquidator.latency


cdef int _buyer(State* state, const Reserve* reserve, const Reserve* base, int128 ask,
                Purchase* purchase) noexcept nogil:
    # the first who gains; of bidders the one who gains most
    cdef Bids bids = no_bids()
    cdef uint16_t k
    cdef Purchase offer
    for k in range(state.liquidator_count):
        if (_waits(state, &state.liquidators[k], reserve)
                or not _find_purchase(state, reserve, base, ask, &state.liquidators[k], &offer)
                or not outbids(&bids, k, offer.profit)):
            continue
        purchase[0] = offer
        if not state.bidding:
            break
    return pay_bid(state, &bids)


cdef bint _sell_some(State* state, Reserve* reserve, Reserve* base, const Lending* rules) noexcept nogil:
    cdef Liquidator anybody
    cdef Purchase purchase
    cdef int64_t discount
    cdef int128 ask
    cdef int who
    if reserve.paused or base.paused or reserve.price == 0 or base.price == 0:
        return False
    if gives_no_price(state, reserve) or gives_no_price(state, base):
        return False
    if base.treasury >= rules.close_value:
        return False
    discount = <int64_t>floor_divide(
        <int128>rules.close_fraction * (RATE_DENOMINATOR - reserve.liquidation_factor), RATE_DENOMINATOR)
    ask = floor_divide(_worth(reserve) * (RATE_DENOMINATOR - discount), RATE_DENOMINATOR)
    if ask == 0:
        return False
    if state.liquidator_count == 0:
        anybody = nobody()
        if not _find_purchase(state, reserve, base, ask, &anybody, &purchase):
            return False
        _buy(state, reserve, base, &anybody, NOBODY, purchase.got, purchase.paid)
        return True
    who = _buyer(state, reserve, base, ask, &purchase)
    if who == NOBODY:
        return False
    state.liquidators[who].bought = True
    _buy(state, reserve, base, &state.liquidators[who], who, purchase.got, purchase.paid)
    return True


cdef void _sell(State* state, uint32_t lending) noexcept nogil:
    # as long as a liquidator gains by it and reserves are short
    cdef const Lending* rules = &state.lendings[lending]
    cdef Reserve* reserve
    cdef uint32_t k
    if rules.base == 0:
        return
    for k in range(state.reserve_count):
        reserve = &state.reserves[k]
        if reserve.lending != lending:
            continue
        while (reserve.absorbed and not state.failed
               and _sell_some(state, reserve, &state.reserves[rules.base - 1], rules)):
            pass


cdef void open_storefronts(State* state) noexcept nogil:
    cdef uint32_t k
    for k in range(state.liquidator_count):
        state.liquidators[k].bought = False
        state.liquidators[k].step_repaid = 0
    state.cause = -1
    state.wave = 0
    for k in range(state.lending_count):
        if state.lendings[k].close_factor == CLOSE_ABSORB:
            _sell(state, k)
