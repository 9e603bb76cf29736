"""The clearing house: who holds what, what it is worth, and what a trade does to it.

docs/margin.md defines every rule. Sums of a unit are kept in 128 bits, so testing an account cannot
overflow; amounts that are stored are checked when they change (`state.failed`).
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport realloc
from libc.string cimport memset

from cascade._accrual cimport accrual_reserve, accrual_resized, owed_funding, settle_touched
from cascade._arithmetic cimport (
    add_into, ceil_divide, floor_divide, int128, magnitude, magnitude_wide, saturate,
)
from cascade._borrower cimport borrower_evaluate
from cascade._conservation cimport note_change
from cascade._heap cimport Heap
from cascade._log cimport Event, log_append
from cascade._margin cimport (
    TierTable, initial_margin, maintenance, position_value, position_value_wide,
)
from cascade._memory cimport memory_resize
from cascade._ramp cimport ramp_of
from cascade._state cimport (
    FAILURE_MEMORY, FAILURE_OVERFLOW, NO_POSITION, PARTIAL_SHORTAGE, PARTIAL_TARGET,
    POSITION_ISOLATED, POSITION_LADDER, POSITION_LONG_LEG, POSITION_SHORT_LEG, RATE_DENOMINATOR,
    Account, Asset, Market, Position, Ramp, State, Working,
)
from cascade._types cimport EVENT_BAD_DEBT, EVENT_FUND, HOUSE_ACCOUNT

cdef enum:
    DEFAULT_LEVERAGE = 100       # hundredths: 1x


# ---------------------------------------------------------------- units

cdef uint32_t unit_first(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef uint32_t i
    if p.flags & POSITION_ISOLATED:
        return position if p.size else NO_POSITION
    i = state.accounts[p.account].first
    while i != NO_POSITION:
        if state.positions[i].size and not (state.positions[i].flags & POSITION_ISOLATED):
            return i
        i = state.positions[i].next
    return NO_POSITION


cdef uint32_t unit_next(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i
    if state.positions[position].flags & POSITION_ISOLATED:
        return NO_POSITION
    i = state.positions[position].next
    while i != NO_POSITION:
        if state.positions[i].size and not (state.positions[i].flags & POSITION_ISOLATED):
            return i
        i = state.positions[i].next
    return NO_POSITION


cdef int64_t* collateral_of(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    if p.flags & POSITION_ISOLATED:
        return &p.margin
    return &state.accounts[p.account].balance


cdef void unit_evaluate(State* state, uint32_t position, Unit* unit) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    cdef Position* p
    cdef Market* market
    cdef int64_t value
    cdef int128 profit = 0
    if i != NO_POSITION and state.markets[state.positions[i].market].reserve:
        borrower_evaluate(state, i, unit)
        return
    unit.collateral = collateral_of(state, position)[0]
    unit.maintenance = 0
    unit.open_positions = 0
    unit.priced = True
    unit.exact = True
    unit.inclusive = False
    unit.seizable = True
    unit.doubtful = 0
    while i != NO_POSITION:
        p = &state.positions[i]
        market = state.markets[p.market]
        unit.open_positions += 1
        unit.inclusive |= market.rules.inclusive
        if market.rules.accrues:
            unit.collateral -= owed_funding(state, i)
            unit.exact = (p.flags & POSITION_LADDER) != 0
        if market.rules.table.whole and not market.rules.table.on_entry:
            unit.exact = (p.flags & POSITION_LADDER) != 0
        if market.mark == 0:
            unit.priced = False
        else:
            value = position_value(&market.rules.table, p.size, market.mark)
            profit += value - <int128>p.entry_value
            unit.maintenance += required_margin(market, p, value)
        i = unit_next(state, i)
    unit.equity = unit.collateral + profit
    if unit.open_positions > 1:
        unit.exact = False
    unit.owing = False
    if state.ramps:
        unit.owing = _owes(state, position, unit)


cdef inline bint _below(const Unit* unit) noexcept nogil:
    if unit.inclusive:
        return unit.equity <= unit.maintenance
    return unit.equity < unit.maintenance


cdef bint _owes(State* state, uint32_t position, const Unit* unit) noexcept nogil:
    if ramp_of(state, position).since == 0 or unit.open_positions == 0 or not unit.priced:
        return False
    return (_below(unit) or unit.equity * RATE_DENOMINATOR
            < asked_by_unit(state, position, NO_POSITION))


cdef bint unit_due(State* state, uint32_t position, const Unit* unit) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef int32_t mark
    if unit.open_positions == 0 or not unit.priced or not unit.seizable:
        return False
    if p.flags & POSITION_LADDER:
        mark = state.markets[p.market].mark
        return mark <= p.trigger if p.size > 0 else mark >= p.trigger
    return unit.owing or _below(unit)


cdef int64_t required_margin(const Market* market, const Position* p, int64_t value) noexcept nogil:
    # a ladder position has no table: its trigger is given
    if p.flags & POSITION_LADDER:
        return 0
    return maintenance(&market.rules.table, value, p.entry_value)


cdef int128 asked(const Market* market, const Position* p, int64_t lots) noexcept nogil:
    # Under "target" that margin, under "shortage" maintenance and the buffer, of which a loss is counted
    # whole; under any other rule maintenance.
    cdef const TierTable* table = &market.rules.table
    cdef int64_t held = magnitude(p.size), entry, profit
    cdef int64_t value = position_value(table, lots if p.size > 0 else -lots, market.mark)
    cdef int128 needed
    if market.rules.partial == PARTIAL_TARGET:
        return <int128>magnitude(value) * market.rules.partial_rate
    entry = p.entry_value - <int64_t>floor_divide(<int128>p.entry_value * (held - lots), held)
    needed = <int128>maintenance(table, value, entry) * RATE_DENOMINATOR
    if market.rules.partial == PARTIAL_SHORTAGE:
        needed += <int128>magnitude(value) * market.rules.partial_rate
        profit = position_value(table, p.size, market.mark) - p.entry_value
        if profit < 0:
            needed -= <int128>profit * market.rules.partial_rate
    return needed


cdef int128 asked_by_unit(State* state, uint32_t position, uint32_t except_for) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    cdef int128 needed = 0
    cdef Position* p
    while i != NO_POSITION:
        if i != except_for:
            p = &state.positions[i]
            needed += asked(state.markets[p.market], p, magnitude(p.size))
        i = unit_next(state, i)
    return needed


# ---------------------------------------------------------------- trades

cdef int64_t signed_value(const Market* market, int64_t lots, int32_t price) noexcept nogil:
    # the buyer's value, and minus it for the seller
    if lots >= 0:
        return position_value(&market.rules.table, lots, price)
    return -position_value(&market.rules.table, -lots, price)


cdef int64_t rate_up(int64_t amount, int64_t rate) noexcept nogil:
    # a fee is rounded up for the receiver, a rebate (negative rate) down for the payer
    return saturate(ceil_divide(<int128>amount * rate, RATE_DENOMINATOR))


cdef inline int64_t _realise(int64_t* size, int64_t* entry_value, int64_t* lots,
                             int64_t* value) noexcept nogil:
    # Closes what it can of `size`; leaves in lots and value what opens. Returns realised PnL.
    cdef int64_t held = size[0], traded = lots[0], closing, closed_value, released
    if held == 0 or (held > 0) == (traded > 0):
        return 0
    # closing has the sign of the position and |closing| = min(|traded|, |held|)
    closing = -traded if magnitude(traded) <= magnitude(held) else held
    if closing == -traded:
        closed_value = value[0]
    else:
        closed_value = <int64_t>floor_divide(<int128>value[0] * magnitude(closing), magnitude(traded))
    if closing == held:
        released = entry_value[0]
    else:
        released = <int64_t>floor_divide(<int128>entry_value[0] * magnitude(closing), magnitude(held))
    size[0] -= closing
    entry_value[0] -= released
    lots[0] += closing
    value[0] -= closed_value
    return -closed_value - released


cdef void trade_position(State* state, uint32_t position, int64_t lots, int64_t value) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef Account* account = &state.accounts[p.account]
    cdef int64_t* collateral = collateral_of(state, position)
    cdef int64_t before = p.size, moved, realised, had, cost = p.entry_value
    cdef bint failed
    if state.accrues:
        settle_touched(state, position)
    had = collateral[0]
    realised = _realise(&p.size, &p.entry_value, &lots, &value)
    failed = add_into(collateral, realised)
    had = collateral[0] - had
    if lots:
        release_margin(state, position)
        failed |= add_into(&p.size, lots)
        failed |= add_into(&p.entry_value, value)
        if p.flags & POSITION_ISOLATED and account.balance > 0:
            moved = saturate(ceil_divide(<int128>magnitude(value) * 100, p.leverage))
            moved = moved if moved < account.balance else account.balance
            account.balance -= moved
            failed |= add_into(&p.margin, moved)
    note_change(market, p.entry_value, cost + had)
    market.net += p.size - before
    if state.accrues:
        accrual_resized(state, position, p.size - before)
    market.long_lots += (p.size if p.size > 0 else 0) - (before if before > 0 else 0)
    if failed:
        state.failed = FAILURE_OVERFLOW


cdef void release_margin(State* state, uint32_t position) noexcept nogil:
    # an isolated position that is closed returns what is left of its margin
    cdef Position* p = &state.positions[position]
    if p.size == 0 and p.flags & POSITION_LADDER:
        p.flags &= ~POSITION_LADDER
        p.trigger = 0
    if p.flags & POSITION_ISOLATED and p.size == 0 and p.margin != 0:
        if add_into(&state.accounts[p.account].balance, p.margin):
            state.failed = FAILURE_OVERFLOW
        p.margin = 0


cdef void trade_outside(State* state, Market* market, int64_t lots, int64_t value) noexcept nogil:
    cdef int64_t cost = market.outside_entry
    if add_into(&market.outside_size, lots) | add_into(&market.outside_entry, value):
        state.failed = FAILURE_OVERFLOW
    note_change(market, market.outside_entry, cost)


cdef void trade_spot(State* state, Market* market, int64_t lots, int64_t value) noexcept nogil:
    cdef int64_t cost = market.spot_entry
    if add_into(&market.spot_size, lots) | add_into(&market.spot_entry, value):
        state.failed = FAILURE_OVERFLOW
    note_change(market, market.spot_entry, cost)


cdef void trade_house(State* state, Market* market, int64_t lots, int64_t value) noexcept nogil:
    cdef int64_t cost = market.house_entry
    cdef int64_t realised = _realise(&market.house_size, &market.house_entry, &lots, &value)
    if add_into(&market.house_size, lots) | add_into(&market.house_entry, value):
        state.failed = FAILURE_OVERFLOW
    note_change(market, market.house_entry, cost)
    if realised:
        pay_fund(state, market, HOUSE_ACCOUNT, realised, state.cause, state.wave)


cdef void pay_fund(State* state, const Market* market, int32_t account, int64_t amount,
                   int64_t cause, int32_t wave) noexcept nogil:
    # positive: into the fund; negative: out of it as far as it goes, the rest is bad debt
    cdef Asset* money = &state.assets[market.asset]
    cdef int64_t paid = amount, missing = 0
    cdef Event* event
    if amount < 0 and -amount > money.fund:
        paid = -money.fund
        missing = paid - amount
    if paid:
        if add_into(&money.fund, paid):
            state.failed = FAILURE_OVERFLOW
        event = log_append(&state.log, EVENT_FUND, market.number, cause, wave)
        event.account = account
        event.money = paid
        if paid > 0:
            state.counters.fund_received += paid
        else:
            state.counters.fund_paid -= paid
    if missing:
        if add_into(&money.bad_debt, missing):
            state.failed = FAILURE_OVERFLOW
        event = log_append(&state.log, EVENT_BAD_DEBT, market.number, cause, wave)
        event.account = account
        event.money = missing
        state.counters.bad_debt += missing


# ---------------------------------------------------------------- positions

cdef uint32_t find_position(State* state, int32_t account, uint32_t market, uint8_t leg) noexcept nogil:
    cdef uint32_t i = state.accounts[account].first
    cdef Position* p
    while i != NO_POSITION:
        p = &state.positions[i]
        if p.market == market and (p.flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG)) == leg:
            return i
        i = p.next
    return NO_POSITION


cdef uint32_t claim_position(State* state, int32_t account, uint32_t market, uint8_t leg) noexcept nogil:
    # an account's list is ordered by (market, leg), so that iteration does not depend on history
    cdef uint32_t i = find_position(state, account, market, leg), n
    cdef uint32_t* link
    cdef Position* p
    if i != NO_POSITION:
        return i
    if state.position_count == state.position_capacity:
        n = state.position_capacity * 2 if state.position_capacity else 64
        if reserve_positions(state, n):
            return NO_POSITION
    i = state.position_count
    state.position_count += 1
    p = &state.positions[i]
    memset(p, 0, sizeof(Position))
    p.account = account
    p.market = market
    p.flags = leg
    p.leverage = DEFAULT_LEVERAGE
    link = &state.accounts[account].first
    while link[0] != NO_POSITION and (
            state.positions[link[0]].market < market
            or (state.positions[link[0]].market == market
                and state.positions[link[0]].flags & (POSITION_LONG_LEG | POSITION_SHORT_LEG) < leg)):
        link = &state.positions[link[0]].next
    p.next = link[0]
    link[0] = i
    return i


cdef void unclaim_position(State* state) noexcept nogil:
    cdef uint32_t i = state.position_count - 1
    cdef uint32_t* link = &state.accounts[state.positions[i].account].first
    while link[0] != i:
        link = &state.positions[link[0]].next
    link[0] = state.positions[i].next
    state.position_count = i


cdef uint32_t claim_working(State* state, uint32_t position) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef void* grown
    cdef uint32_t n
    if p.working:
        return p.working
    if state.working_count + 1 >= state.working_capacity:
        n = state.working_capacity * 2 if state.working_capacity else 64
        grown = realloc(state.workings, <size_t>n * sizeof(Working))
        if grown == NULL:
            state.failed = FAILURE_MEMORY
            return 0
        state.workings = <Working*>grown
        memset(state.workings + state.working_capacity, 0,
               <size_t>(n - state.working_capacity) * sizeof(Working))
        state.working_capacity = n
    state.working_count += 1
    p.working = state.working_count
    return p.working


cdef int reserve_accounts(State* state, int64_t accounts) noexcept nogil:
    cdef void* grown
    if accounts <= state.account_capacity:
        return 0
    grown = memory_resize(state.accounts, <size_t>state.account_capacity * sizeof(Account),
                          <size_t>accounts * sizeof(Account), 1)
    if grown == NULL:
        state.failed = FAILURE_MEMORY
        return -1
    state.accounts = <Account*>grown
    if state.ramps:
        grown = memory_resize(state.account_ramps, <size_t>state.account_capacity * sizeof(Ramp),
                              <size_t>accounts * sizeof(Ramp), 0)
        if grown == NULL:
            state.failed = FAILURE_MEMORY
            return -1
        state.account_ramps = <Ramp*>grown
    state.account_capacity = <uint32_t>accounts
    return 0


cdef int reserve_positions(State* state, int64_t positions) noexcept nogil:
    # `place` arrays are shared by the heaps of all markets, because a position is in one market
    cdef void* grown
    cdef uint32_t** place
    cdef uint32_t** places[7]      # those of margin calls last
    cdef uint32_t k, m, d
    cdef size_t added
    cdef Market* market
    if positions <= state.position_capacity:
        return 0
    grown = memory_resize(state.positions, <size_t>state.position_capacity * sizeof(Position),
                          <size_t>positions * sizeof(Position), 1)
    if grown == NULL:
        state.failed = FAILURE_MEMORY
        return -1
    state.positions = <Position*>grown
    if state.ramps:
        grown = memory_resize(state.position_ramps, <size_t>state.position_capacity * sizeof(Ramp),
                              <size_t>positions * sizeof(Ramp), 0)
        if grown == NULL:
            state.failed = FAILURE_MEMORY
            return -1
        state.position_ramps = <Ramp*>grown
    added = <size_t>(positions - state.position_capacity) * sizeof(uint32_t)
    for k in range(2):
        places[k] = &state.guard_place[k]
        places[4 + k] = &state.call_guard_place[k]
    places[2] = &state.place
    places[3] = &state.call_place
    places[6] = &state.call_funding_place
    for k in range(7 if state.call_place != NULL else 3):
        place = places[k]
        grown = memory_resize(place[0], <size_t>state.position_capacity * sizeof(uint32_t),
                              <size_t>positions * sizeof(uint32_t), 1)
        if grown == NULL:
            state.failed = FAILURE_MEMORY
            return -1
        place[0] = <uint32_t*>grown
        memset(place[0] + state.position_capacity, 0xFF, added)
    if state.accrues and accrual_reserve(state, positions):
        return -1
    state.position_capacity = <uint32_t>positions
    for m in range(state.market_count):
        market = state.markets[m]
        for d in range(2):
            share_places(state, market, d)
    return 0


cdef void share_places(State* state, Market* market, int direction) noexcept nogil:
    cdef Heap* exact = &market.exact[direction].near
    cdef Heap* due = &market.due[direction].near
    cdef Heap* guards = &market.guards[direction].near
    cdef Heap* calls = &market.calls[direction].near
    cdef Heap* call_guards = &market.call_guards[direction].near
    cdef Heap* accruing = &market.accruing[direction].near
    cdef Heap* call_accruing = &market.call_accruing[direction].near
    exact.place = due.place = state.place
    guards.place = state.guard_place[direction]
    calls.place = state.call_place
    exact.item_capacity = due.item_capacity = guards.item_capacity = state.position_capacity
    call_guards.place = state.call_guard_place[direction]
    call_accruing.place = state.call_funding_place
    calls.item_capacity = call_guards.item_capacity = call_accruing.item_capacity = state.position_capacity
    accruing.place = state.funding_place
    accruing.item_capacity = state.funding_capacity


# ---------------------------------------------------------------- initial margin

cdef int64_t exposure_lots(State* state, uint32_t position, int64_t extra_buys,
                           int64_t extra_sells) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef int64_t buys = extra_buys, sells = extra_sells, most = magnitude(p.size)
    if p.working:
        buys += state.workings[p.working].buys
        sells += state.workings[p.working].sells
    if p.size + buys > most:
        most = p.size + buys
    if sells - p.size > most:
        most = sells - p.size
    return most


cdef int64_t initial_of(State* state, uint32_t position, int64_t extra_buys, int64_t extra_sells,
                        int32_t reference) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef int64_t lots = exposure_lots(state, position, extra_buys, extra_sells)
    cdef int32_t price = market.mark if market.mark else reference
    cdef int128 value
    if lots == 0 or price == 0 or p.flags & POSITION_LADDER:
        return 0
    value = position_value_wide(&market.rules.table, lots, price)
    return initial_margin(&market.rules.table, saturate(magnitude_wide(value)), p.leverage)


cdef int128 free_collateral(State* state, int32_t account, uint32_t position, int64_t extra_buys,
                            int64_t extra_sells, int32_t reference) noexcept nogil:
    # `position` is the one the extra lots belong to; NO_POSITION for none
    cdef uint32_t i = state.accounts[account].first
    cdef int128 free = state.accounts[account].balance
    cdef Position* p
    cdef Market* market
    cdef int64_t needed
    cdef int128 margin
    while i != NO_POSITION:
        p = &state.positions[i]
        market = state.markets[p.market]
        if i == position:
            needed = initial_of(state, i, extra_buys, extra_sells, reference)
        else:
            needed = initial_of(state, i, 0, 0, 0)
        if p.flags & POSITION_ISOLATED:
            margin = p.margin - owed_funding(state, i)
            if needed > margin:
                free -= needed - margin
        else:
            if p.size and market.mark:
                free += position_value(&market.rules.table, p.size, market.mark)
                free -= p.entry_value
            free -= needed + owed_funding(state, i)
        i = p.next
    return free
