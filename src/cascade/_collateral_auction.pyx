"""Collateral auctions: accounts that are due are barked, and lots are taken at a price that falls with time.

MakerDAO Liquidations 2.0 (makerdao/dss src/dog.sol, clip.sol) in an engine; docs/collateral-auctions.md has the
order of events and where each amount is rounded.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._arithmetic cimport add_into, ceil_divide, floor_divide, int128, saturate
from cascade._auctionterms cimport AuctionTerms
from cascade._borrower cimport (
    borrowed_lots, gives_no_price, may_be_seized, reserve_of, supplied_lots,
)
from cascade._category cimport account_category, deposit_side
from cascade._clearing cimport Unit, claim_position, unit_first, unit_next
from cascade._deal cimport asset_quote
from cascade._flows cimport note_flow, note_rounding, reserve_sound
from cascade._keeper cimport Keeper, find_keeper, reward_keeper, sees
from cascade._liquidator cimport NOBODY, Bids, no_bids, nobody, outbids, pay_bid, pay_liquidator
from cascade._log cimport Event, log_append
from cascade._queue cimport queue_unit
from cascade._reserve cimport FLOW_REPAID, FLOW_SEIZED, INDEX_ONE, Lending, Liquidator, Reserve
from cascade._sale cimport (
    NO_SALE, STOP_KICK, STOP_REDO, STOP_TAKE, Auctioneer, Sale, is_stale, price_factor, price_of, sale_add,
    sale_drop,
)
from cascade._seizure cimport move_scaled, note_health, strike_debt, trade_asset
from cascade._settlement cimport last_event
from cascade._state cimport (
    FAILURE_MEMORY, FAILURE_OVERFLOW, FAILURE_RESERVE, NO_POSITION, RATE_DENOMINATOR, Position, State, Taken,
)
from cascade._types cimport (
    BUY, EVENT_BAD_DEBT, EVENT_KICK, EVENT_LIQUIDATION, EVENT_REDO, EVENT_REPAY,
    EVENT_RETURNED, EVENT_SEIZE, EVENT_TAKE, HOUSE_ACCOUNT, MAX_PRICE, SELL,
)

cdef int128 SMALL = <int128>1 << 64      # times a debt it fits


cdef struct Plan:             # of a bark
    uint32_t collateral       # positions
    uint32_t debt
    int64_t lot               # lots of collateral
    int64_t taken             # lots of debt
    int64_t tab
    int64_t incentive


cdef struct Bid:
    int64_t lots
    int64_t paid              # lots of the base
    int64_t profit            # atoms


cdef inline int128 _worth(const Reserve* reserve) noexcept nogil:
    # atoms of a lot
    return <int128>reserve.unit * reserve.price


cdef inline Reserve* _base(State* state, const Lending* rules) noexcept nogil:
    return &state.reserves[rules.base - 1]


cdef Event* _note(State* state, uint8_t kind, uint16_t side, int32_t account, int64_t lots) noexcept nogil:
    cdef Event* event = log_append(&state.log, kind, side, state.cause, state.wave)
    event.account = account
    event.quantity = lots
    return event


# ---------------------------------------------------------------- what is barked

cdef int64_t _room(int64_t hole, int64_t tabs, int64_t over, int128 worth, int64_t debt) noexcept nogil:
    # lots of a debt whose tab fits under a limit, down; no more than the debt
    cdef int128 room
    if hole < 0:
        return debt
    room = hole - tabs * worth
    if room <= 0:
        return 0
    room = floor_divide(floor_divide(room * RATE_DENOMINATOR, over), worth)
    return debt if room > debt else <int64_t>room


cdef int64_t _part(const Auctioneer* house, const Reserve* collateral, const Reserve* base,
                   int64_t debt) noexcept nogil:
    # lots of a debt for which there is room, by the rules of dust; 0: none
    cdef int64_t over = RATE_DENOMINATOR + collateral.auction.penalty
    cdef int64_t part = _room(house.hole, house.tabs, over, _worth(base), debt)
    cdef int64_t own = _room(collateral.auction.hole, collateral.tabs, over, _worth(base), debt)
    cdef int128 least = ceil_divide(collateral.auction.dust, _worth(base))
    if own < part:
        part = own
    if part == 0 or part == debt:
        return part
    if debt - part < least:
        return debt
    return 0 if part < least else part


cdef int64_t _incentive(const AuctionTerms* terms, const Reserve* base, int64_t tab) noexcept nogil:
    return saturate(floor_divide(terms.tip, _worth(base))
                    + floor_divide(<int128>tab * terms.chip, RATE_DENOMINATOR))


cdef int64_t _share(int64_t debt, int128 part, int128 whole) noexcept nogil:
    # debt * part / whole, down; values of collateral may be too large for a product, then bit by bit
    cdef int128 rest = 0
    cdef int64_t share = 0, bit
    if whole < SMALL:
        return <int64_t>floor_divide(debt * part, whole)
    for bit in range(62, -1, -1):
        share <<= 1
        rest <<= 1
        if debt >> bit & 1:
            rest += part
        while rest >= whole:
            rest -= whole
            share += 1
    return share


cdef bint _plan(State* state, uint32_t first, const Auctioneer* house, Plan* plan) noexcept nogil:
    # The collateral of the largest value, with its share of the debt by value.
    cdef uint32_t i = first
    cdef const Reserve* reserve
    cdef const Reserve* base
    cdef int128 value, most = 0, total = 0
    cdef int64_t debt
    plan.collateral = plan.debt = NO_POSITION
    while i != NO_POSITION:
        reserve = reserve_of(state, i)
        if state.positions[i].size < 0:
            plan.debt = i
        else:
            value = supplied_lots(state, reserve.number, state.positions[i].size) * _worth(reserve)
            total += value
            if may_be_seized(state, reserve) and value > most:
                most = value
                plan.collateral = i
        i = unit_next(state, i)
    if house.stage >= STOP_KICK or plan.debt == NO_POSITION or plan.collateral == NO_POSITION:
        return False
    base = reserve_of(state, plan.debt)
    if not may_be_seized(state, base):
        return False
    reserve = reserve_of(state, plan.collateral)
    debt = _share(borrowed_lots(state, base.number, -state.positions[plan.debt].size), most, total)
    plan.taken = _part(house, reserve, base, debt)
    if plan.taken == 0:
        return False
    plan.lot = <int64_t>floor_divide(
        <int128>supplied_lots(state, reserve.number, state.positions[plan.collateral].size) * plan.taken, debt)
    plan.tab = saturate(
        plan.taken + floor_divide(<int128>plan.taken * reserve.auction.penalty, RATE_DENOMINATOR))
    plan.incentive = _incentive(&reserve.auction, base, plan.tab)
    return plan.lot > 0


# ---------------------------------------------------------------- bark

cdef void _move_claims(State* state, const Plan* plan) noexcept nogil:
    # scaled collateral taken up, scaled debt given back down: the account bears the rounding
    cdef Reserve* collateral = reserve_of(state, plan.collateral)
    cdef Reserve* base = reserve_of(state, plan.debt)
    cdef int64_t held = state.positions[plan.collateral].size, owed = -state.positions[plan.debt].size
    cdef int64_t scaled = held, back = owed, exact
    if plan.lot != supplied_lots(state, collateral.number, held):
        exact = saturate(ceil_divide(<int128>plan.lot * INDEX_ONE, collateral.supply_index))
        scaled = exact if exact < held else held
    if plan.taken != borrowed_lots(state, base.number, owed):
        back = <int64_t>floor_divide(<int128>plan.taken * INDEX_ONE, base.borrow_index)
    move_scaled(state, plan.collateral, -scaled)
    move_scaled(state, plan.debt, back)
    note_rounding(collateral, 1)
    note_rounding(base, 1)
    if (add_into(&collateral.treasury, plan.lot) | add_into(&collateral.auctioned, plan.lot)
            | add_into(&base.awaited, plan.taken) | add_into(&collateral.tabs, plan.tab)):
        state.failed = FAILURE_OVERFLOW
    elif not reserve_sound(collateral) or not reserve_sound(base):
        state.failed = FAILURE_RESERVE


cdef void _record(State* state, const Taken* taken, const Unit* unit, const Plan* plan) noexcept nogil:
    cdef const Reserve* collateral = reserve_of(state, plan.collateral)
    cdef const Reserve* base = reserve_of(state, plan.debt)
    cdef int32_t account = state.positions[plan.collateral].account
    cdef uint16_t side = state.positions[plan.collateral].market
    cdef int64_t value = saturate(plan.taken * _worth(base))
    cdef Event* event
    state.cause = taken.cause
    state.wave = taken.wave
    event = _note(state, EVENT_LIQUIDATION, side, account, plan.lot)
    event.side = SELL
    event.price = collateral.price
    event.money = saturate(unit.equity)
    state.cause = last_event(state)
    event = _note(state, EVENT_SEIZE, side, account, plan.lot)
    event.counterparty = HOUSE_ACCOUNT
    event = _note(state, EVENT_REPAY, base.borrowed_side, account, plan.taken)
    event.counterparty = HOUSE_ACCOUNT
    event.money = value
    state.counters.liquidated += 1
    state.counters.notional += value
    if taken.wave > state.counters.waves:
        state.counters.waves = taken.wave


cdef uint32_t _kick(State* state, Auctioneer* house, const Plan* plan, int32_t who) noexcept nogil:
    # the place of the new auction, NO_SALE without memory
    cdef const Reserve* collateral = reserve_of(state, plan.collateral)
    cdef const Position* p = &state.positions[plan.collateral]
    cdef uint32_t place = sale_add(house)
    cdef Sale* sale
    cdef Event* event
    if place == NO_SALE or add_into(&house.tabs, plan.tab):
        state.failed = FAILURE_MEMORY if place == NO_SALE else FAILURE_OVERFLOW
        return NO_SALE
    house.count += 1
    event = _note(state, EVENT_KICK, p.market, p.account, plan.lot)
    event.order = house.count
    event.counterparty = who
    event.price = collateral.price
    event.money = plan.tab
    sale = &house.sales[place]
    sale.number = house.count
    sale.account = event.account
    sale.lot = plan.lot
    sale.tab = plan.tab
    sale.due = plan.taken
    sale.price = collateral.price
    sale.started = state.clock
    sale.event = last_event(state)
    sale.wave = state.wave
    sale.reserve = collateral.number
    return place


cdef int bark_unit(State* state, const Taken* taken, const Unit* unit) noexcept nogil:
    cdef uint32_t first = unit_first(state, taken.position), place
    cdef const Lending* rules = &state.lendings[reserve_of(state, first).lending]
    cdef Auctioneer* house = rules.auctioneer
    cdef Plan plan
    cdef Keeper keeper
    cdef Unit after
    if rules.base == 0 or not _plan(state, first, house, &plan):
        return 0
    if not find_keeper(state, _base(state, rules), plan.incentive, taken.cause, NULL, &keeper):
        return 0
    after.open_positions = 0
    _record(state, taken, unit, &plan)
    _move_claims(state, &plan)
    place = _kick(state, house, &plan, keeper.who)
    if place == NO_SALE:
        return 1
    note_health(state, unit, plan.collateral, &after)
    reward_keeper(state, _base(state, rules), &house.sales[place], &keeper)
    _offer(state, rules, place)
    return 1


# ---------------------------------------------------------------- what is taken

cdef int64_t _least_tab(const AuctionTerms* terms, const Reserve* base) noexcept nogil:
    # what a take leaves of a tab, unless nothing
    return saturate(ceil_divide(
        floor_divide(<int128>terms.dust * (RATE_DENOMINATOR + terms.penalty), RATE_DENOMINATOR), _worth(base)))


cdef bint _amounts(const Sale* sale, int128 price, int128 worth, int64_t least, int64_t most,
                   Bid* bid) noexcept nogil:
    # Of a take of at most so many lots. What is paid is rounded up and never above the tab, what a part of the
    # tab buys down. False: not allowed.
    cdef int128 unit = worth * RATE_DENOMINATOR, paid
    bid.lots = most
    paid = ceil_divide(most * price, unit)
    if paid > sale.tab:
        paid = sale.tab
        bid.lots = <int64_t>floor_divide(paid * unit, price)
    elif paid < sale.tab and most < sale.lot and sale.tab - paid < least:
        if sale.tab <= least:
            return False
        paid = sale.tab - least
        bid.lots = <int64_t>floor_divide(paid * unit, price)
    bid.paid = <int64_t>paid
    return bid.lots > 0


cdef bint _gains(const State* state, const Reserve* reserve, const Reserve* base, const Liquidator* liquidator,
                 Bid* bid) noexcept nogil:
    cdef int64_t gains = asset_quote(state, reserve.number, SELL, bid.lots), cost = 0
    if gains < 0:
        return False
    if bid.paid:
        cost = asset_quote(state, base.number, BUY, bid.paid)
    if cost < 0 or (liquidator.capital >= 0 and cost > <int128>liquidator.capital + liquidator.cash):
        return False
    bid.profit = saturate(<int128>gains - cost - liquidator.gas)
    return bid.profit >= liquidator.min_profit


cdef bint _find_bid(const State* state, const Lending* rules, const Sale* sale, int128 price,
                    const Liquidator* liquidator, Bid* bid) noexcept nogil:
    # the largest take that pays, down by halves
    cdef const Reserve* reserve = &state.reserves[sale.reserve]
    cdef const Reserve* base = &state.reserves[rules.base - 1]
    cdef int64_t least = _least_tab(&reserve.auction, base), most = sale.lot
    cdef int32_t _attempt
    for _attempt in range(liquidator.halvings + 1):
        if most == 0:
            return False
        if (_amounts(sale, price, _worth(base), least, most, bid)
                and _gains(state, reserve, base, liquidator, bid)):
            return True
        most >>= 1
    return False


cdef int _highest_bidder(State* state, const Lending* rules, const Sale* sale, int128 price,
                         Bid* bid) noexcept nogil:
    cdef Bids bids = no_bids()
    cdef uint16_t k
    cdef Bid offer
    for k in range(state.liquidator_count):
        if (sees(state, &state.liquidators[k], -1, sale)
                and _find_bid(state, rules, sale, price, &state.liquidators[k], &offer)
                and outbids(&bids, k, offer.profit)):
            bid[0] = offer
    return pay_bid(state, &bids)


cdef int _first_of_all(State* state, const Lending* rules, const Sale* sale, int128 price,
                       Bid* bid) noexcept nogil:
    cdef uint16_t k
    for k in range(state.liquidator_count):
        if (sees(state, &state.liquidators[k], -1, sale)
                and _find_bid(state, rules, sale, price, &state.liquidators[k], bid)):
            return k
    return NOBODY


cdef void _note_take(State* state, const Sale* sale, const Bid* bid, int128 price, int32_t who) noexcept nogil:
    cdef const Reserve* reserve = &state.reserves[sale.reserve]
    cdef int128 ticks = floor_divide(price, <int128>RATE_DENOMINATOR * reserve.unit)
    cdef Event* event
    state.cause = sale.event
    state.wave = sale.wave
    event = _note(state, EVENT_TAKE, reserve.supplied_side, sale.account, bid.lots)
    event.order = sale.number
    event.counterparty = who
    event.money = bid.paid
    event.price = MAX_PRICE if ticks > MAX_PRICE else <int32_t>ticks
    state.cause = last_event(state)


cdef void _take(State* state, const Lending* rules, uint32_t place, const Bid* bid, int128 price,
                Liquidator* liquidator, int32_t who) noexcept nogil:
    cdef Auctioneer* house = rules.auctioneer
    cdef Sale* sale = &house.sales[place]
    cdef Reserve* reserve = &state.reserves[sale.reserve]
    cdef Reserve* base = _base(state, rules)
    cdef int64_t healed = bid.paid if bid.paid < sale.due else sale.due, gains, cost = 0
    _note_take(state, sale, bid, price, who)
    reserve.cash -= bid.lots
    reserve.treasury -= bid.lots
    reserve.auctioned -= bid.lots
    reserve.tabs -= bid.paid
    house.tabs -= bid.paid
    base.awaited -= healed
    sale.lot -= bid.lots
    sale.tab -= bid.paid
    sale.due -= healed
    if (add_into(&base.cash, bid.paid) | add_into(&base.treasury, bid.paid - healed)
            | note_flow(reserve, FLOW_SEIZED, bid.lots) | note_flow(base, FLOW_REPAID, bid.paid)):
        state.failed = FAILURE_OVERFLOW
    elif not reserve_sound(reserve) or not reserve_sound(base):
        state.failed = FAILURE_RESERVE
    gains = trade_asset(state, reserve.number, SELL, bid.lots)
    if bid.paid:
        cost = trade_asset(state, base.number, BUY, bid.paid)
    pay_liquidator(state, liquidator, gains, cost)
    sale.resting = liquidator.single
    if sale.lot == 0 or sale.tab == 0:
        _close(state, rules, place)


cdef void _return_lot(State* state, const Sale* sale, Reserve* reserve) noexcept nogil:
    cdef uint16_t side = deposit_side(state, reserve, account_category(state, sale.account))
    cdef uint32_t position = claim_position(state, sale.account, side, 0)
    cdef Event* event
    if position == NO_POSITION:
        return
    reserve.treasury -= sale.lot
    reserve.auctioned -= sale.lot
    note_rounding(reserve, 1)
    move_scaled(state, position, saturate(floor_divide(<int128>sale.lot * INDEX_ONE, reserve.supply_index)))
    event = _note(state, EVENT_RETURNED, side, sale.account, sale.lot)
    event.order = sale.number
    queue_unit(state, position)


cdef void _close(State* state, const Lending* rules, uint32_t place) noexcept nogil:
    # The tab is paid: the rest goes back. The lot is gone: what is missing is a shortfall.
    cdef Auctioneer* house = rules.auctioneer
    cdef Sale sale = house.sales[place]
    cdef Reserve* reserve = &state.reserves[sale.reserve]
    cdef Reserve* base = _base(state, rules)
    cdef Event* event
    sale_drop(house, place)
    house.tabs -= sale.tab
    reserve.tabs -= sale.tab
    if sale.lot:
        _return_lot(state, &sale, reserve)
    if sale.due:
        base.awaited -= sale.due
        event = _note(state, EVENT_BAD_DEBT, base.borrowed_side, sale.account, sale.due)
        event.order = sale.number
        event.money = saturate(sale.due * _worth(base))
        state.counters.bad_debt += event.money
        strike_debt(state, base, sale.due)


# ---------------------------------------------------------------- offers

cdef bint _redo(State* state, const Lending* rules, Sale* sale) noexcept nogil:
    # begin anew at the price believed now, if somebody does it
    cdef Reserve* base = _base(state, rules)
    cdef const Reserve* reserve = &state.reserves[sale.reserve]
    cdef int64_t least = _least_tab(&reserve.auction, base), incentive = 0
    cdef Keeper keeper
    cdef Event* event
    if rules.auctioneer.stage >= STOP_REDO or reserve.price == 0 or gives_no_price(state, reserve):
        return False
    # otherwise dust could be reset for ever
    if sale.tab >= least and floor_divide(sale.lot * _worth(reserve), _worth(base)) >= least:
        incentive = _incentive(&reserve.auction, base, sale.tab)
    if not find_keeper(state, base, incentive, -1, sale, &keeper):
        return False
    state.cause = sale.event
    state.wave = sale.wave
    sale.price = reserve.price
    sale.started = state.clock
    event = _note(state, EVENT_REDO, reserve.supplied_side, sale.account, sale.lot)
    event.order = sale.number
    event.counterparty = keeper.who
    event.price = sale.price
    event.money = sale.tab
    sale.event = last_event(state)
    reward_keeper(state, base, sale, &keeper)
    return True


cdef bint _take_once(State* state, const Lending* rules, uint32_t place, int128 price) noexcept nogil:
    cdef const Sale* sale = &rules.auctioneer.sales[place]
    cdef Liquidator anybody
    cdef Bid bid
    cdef int who
    if state.liquidator_count == 0:
        anybody = nobody()
        if not _find_bid(state, rules, sale, price, &anybody, &bid):
            return False
        _take(state, rules, place, &bid, price, &anybody, NOBODY)
        return True
    if state.bidding:
        who = _highest_bidder(state, rules, sale, price, &bid)
    else:
        who = _first_of_all(state, rules, sale, price, &bid)
    if who == NOBODY:
        return False
    _take(state, rules, place, &bid, price, &state.liquidators[who], who)
    return True


cdef bint _offer(State* state, const Lending* rules, uint32_t place) noexcept nogil:
    # Reset an auction that needs it, and let it be taken as long as that pays somebody.
    cdef Sale* sale = &rules.auctioneer.sales[place]
    cdef const Reserve* reserve = &state.reserves[sale.reserve]
    cdef int64_t cause = state.cause, factor
    cdef int32_t wave = state.wave
    cdef int128 price
    cdef bint taken = False
    if (reserve.paused or _base(state, rules).paused or _base(state, rules).price == 0
            or gives_no_price(state, _base(state, rules))):
        return False
    factor = price_factor(&reserve.auction, state.clock - sale.started)
    if is_stale(&reserve.auction, state.clock - sale.started, factor):
        if not _redo(state, rules, sale):
            return False
        factor = price_factor(&reserve.auction, 0)
    price = price_of(&reserve.auction, <int128>reserve.unit * sale.price, factor)
    while not (state.failed or sale.lot == 0 or sale.resting or rules.auctioneer.stage >= STOP_TAKE):
        if not _take_once(state, rules, place, price):
            break
        taken = True
    state.cause = cause
    state.wave = wave
    return taken


cdef bint offer_auctions(State* state) noexcept nogil:
    cdef uint32_t k, place, following
    cdef const Auctioneer* house
    cdef bint taken = False
    for k in range(state.lending_count):
        house = state.lendings[k].auctioneer
        place = NO_SALE if house == NULL else house.first
        while place != NO_SALE and not state.failed:
            following = house.sales[place].next
            taken |= _offer(state, &state.lendings[k], place)
            place = following
    return taken


cdef bint begin_auctions(State* state) noexcept nogil:
    # what rested is offered, too
    cdef uint32_t k, place
    cdef Auctioneer* house
    for k in range(state.lending_count):
        house = state.lendings[k].auctioneer
        place = NO_SALE if house == NULL else house.first
        while place != NO_SALE:
            house.sales[place].resting = False
            place = house.sales[place].next
    return offer_auctions(state)
