"""Opening accounts from columns: one pass that checks, one that writes.

The counterparty is the world outside, so sizes sum to zero and no order book is needed to populate
a market. A million accounts cost well under a second.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from cascade._accrual cimport accrual_resized, settle_touched
from cascade._arithmetic cimport ceil_divide, fits, int128
from cascade._clearing cimport (
    claim_position, collateral_of, find_position, reserve_accounts, reserve_positions,
    trade_outside,
)
from cascade._conservation cimport gross_lots, note_change
from cascade._log cimport Event, log_append
from cascade._margin cimport position_value_wide
from cascade._queue cimport queue_open, queue_reserve, queue_traded, queue_unit
from cascade._settlement cimport has_orders, lots_fit
from cascade._state cimport (
    ACCOUNT_HEDGE, ACCOUNT_LENDING, NO_POSITION, POSITION_ISOLATED, POSITION_LADDER, POSITION_LONG_LEG,
    POSITION_SHORT_LEG, Account, Market, Position, State,
)
from cascade._types cimport EVENT_OPEN, MAX_PRICE, MAX_SIZE


cdef inline uint8_t _leg(const OpenRequest* request, int64_t row) noexcept nogil:
    if not request.hedge:
        return 0
    return POSITION_LONG_LEG if request.sizes[row] > 0 else POSITION_SHORT_LEG


cdef inline int128 _entry_value(const Market* market, const OpenRequest* request,
                                int64_t row) noexcept nogil:
    # what a trade at the price is worth; a ladder position is worth nothing at its bankruptcy price
    cdef int64_t size = request.sizes[row], price = request.prices[row]
    if size >= 0 or request.triggers != NULL:
        return position_value_wide(&market.rules.table, size, <int32_t>price)
    return -position_value_wide(&market.rules.table, -size, <int32_t>price)


cdef inline int128 _margin(const OpenRequest* request, int64_t row, int128 value) noexcept nogil:
    if request.triggers != NULL:
        return 0
    if request.margins != NULL:
        return request.margins[row]
    return ceil_divide((-value if value < 0 else value) * 100, request.leverages[row])


cdef int _check_row(State* state, Market* market, const OpenRequest* request, int64_t row,
                    int128 value, int128 margin) noexcept nogil:
    cdef int64_t size = request.sizes[row], trigger
    cdef int64_t magnitude = -size if size < 0 else size
    cdef uint32_t position
    cdef Position* p
    if request.margins != NULL and request.margins[row] < 0:
        return OPEN_MARGIN
    if request.triggers != NULL:
        trigger = request.triggers[row]
        if trigger < 1 or trigger > MAX_PRICE:
            return OPEN_PRICE
        if request.prices[row] > trigger if size > 0 else request.prices[row] < trigger:
            return OPEN_BANKRUPTCY
    if not fits(value * 4) or not fits(margin * 4) or not lots_fit(
            market, magnitude, <int32_t>request.prices[row]):
        return OPEN_OVERFLOW
    if request.accounts == NULL:
        return OPEN_OK
    if request.accounts[row] < 0 or request.accounts[row] >= state.account_count:
        return OPEN_ACCOUNT
    if (state.accounts[request.accounts[row]].asset != market.asset
            or state.accounts[request.accounts[row]].flags & ACCOUNT_LENDING):
        return OPEN_ASSET
    if (state.accounts[request.accounts[row]].flags & ACCOUNT_HEDGE != 0) != request.hedge:
        return OPEN_LEG
    position = find_position(state, <int32_t>request.accounts[row], market.number, _leg(request, row))
    if position == NO_POSITION:
        return OPEN_OK
    p = &state.positions[position]
    if p.size or has_orders(state, position):
        if p.size and (p.size > 0) != (size > 0) or p.flags & POSITION_LADDER:
            return OPEN_OPPOSITE
        if (p.flags & POSITION_ISOLATED != 0) != request.isolated or request.triggers != NULL:
            return OPEN_OPPOSITE
        if not lots_fit(market, magnitude + (p.size if p.size > 0 else -p.size),
                        <int32_t>request.prices[row]):
            return OPEN_OVERFLOW
    return OPEN_OK


cdef int open_check(State* state, Market* market, const OpenRequest* request, int64_t* row) noexcept nogil:
    cdef int64_t k, size
    cdef int128 lots = 0, net = 0, values = 0, margins = 0, value, margin
    cdef int64_t highest = market.ceiling
    cdef int code
    for k in range(request.count):
        row[0] = k
        size = request.sizes[k]
        if size == 0 or size > MAX_SIZE or size < -MAX_SIZE:
            return OPEN_SIZE
        if request.prices[k] < 1 or request.prices[k] > MAX_PRICE:
            return OPEN_PRICE
        if request.margins == NULL and request.triggers == NULL and request.leverages[k] < 1:
            return OPEN_LEVERAGE
        if request.prices[k] > highest:
            highest = request.prices[k]
        value = _entry_value(market, request, k)
        margin = _margin(request, k, value)
        code = _check_row(state, market, request, k, value, margin)
        if code:
            return code
        lots += -size if size < 0 else size
        net += size
        values += value
        margins += margin
    row[0] = request.count
    lots += gross_lots(market) + (net if net >= 0 else -net)
    lots += market.outside_size if market.outside_size >= 0 else -market.outside_size
    if not fits(lots * 4) or not lots_fit(market, <int64_t>lots, <int32_t>highest):
        return OPEN_OVERFLOW
    values -= market.outside_entry
    margins += state.assets[market.asset].net_deposits
    if not fits(values * 2) or not fits(margins * 2):
        return OPEN_OVERFLOW
    market.ceiling = <int32_t>highest
    row[0] = -1
    return OPEN_OK


cdef int create_accounts(State* state, int64_t count, uint32_t asset, int64_t balance, bint hedge) noexcept nogil:
    cdef int64_t k, wanted = <int64_t>state.account_count + count
    cdef Account* account
    if wanted > state.account_capacity:
        # a bulk request gets exactly what it asks for, single accounts double
        if reserve_accounts(state, wanted if count > state.account_count
                            else 2 * <int64_t>state.account_count):
            return -1
    for k in range(state.account_count, wanted):
        account = &state.accounts[k]
        memset(account, 0, sizeof(Account))
        account.balance = balance
        account.first = NO_POSITION
        account.asset = asset
        account.flags = ACCOUNT_HEDGE if hedge else 0
    state.account_count = <uint32_t>wanted
    state.assets[asset].held += <uint64_t>count * <uint64_t>balance
    return 0


cdef bint _write_row(State* state, Market* market, const OpenRequest* request, int64_t row,
                     int32_t account, uint32_t position) noexcept nogil:
    # has the account's balance paid or received funding?
    cdef bint settled
    cdef Position* p = &state.positions[position]
    cdef int64_t size = request.sizes[row]
    cdef int128 value = _entry_value(market, request, row)
    cdef int64_t margin = <int64_t>_margin(request, row, value)
    if request.isolated:
        p.flags |= POSITION_ISOLATED
    else:
        p.flags &= ~POSITION_ISOLATED
    if request.triggers != NULL:
        p.flags |= POSITION_LADDER
        p.trigger = <int32_t>request.triggers[row]
    if request.leverages != NULL:
        p.leverage = <uint32_t>request.leverages[row]
    settled = settle_touched(state, position)
    p.size += size
    accrual_resized(state, position, size)
    p.entry_value += <int64_t>value
    collateral_of(state, position)[0] += margin
    note_change(market, <int64_t>value, margin)
    state.assets[market.asset].net_deposits += margin
    market.net += size
    market.long_lots += size if size > 0 else 0
    trade_outside(state, market, -size, -<int64_t>value)
    return settled


cdef int open_commit(State* state, Market* market, const OpenRequest* request) noexcept nogil:
    cdef int64_t k, deposits = state.assets[market.asset].net_deposits, wanted
    cdef uint32_t first = state.account_count, position
    cdef bint exact, settled
    cdef int32_t account
    cdef Event* event
    wanted = <int64_t>state.position_count + request.count
    if wanted > state.position_capacity and reserve_positions(
            state, wanted if request.count > state.position_count
            else 2 * <int64_t>state.position_count):
        return OPEN_MEMORY
    if request.accounts == NULL and create_accounts(state, request.count, market.asset, 0, request.hedge):
        return OPEN_MEMORY
    # units of new accounts have one position
    exact = request.accounts == NULL and (market.rules.table.whole == 0 or market.rules.table.on_entry
                                          or request.triggers != NULL)
    exact = exact and (not market.rules.accrues or request.triggers != NULL)
    if exact:
        queue_reserve(state, market, request.count)
    for k in range(request.count):
        account = <int32_t>(first + k) if request.accounts == NULL else <int32_t>request.accounts[k]
        position = claim_position(state, account, market.number, _leg(request, k))
        settled = _write_row(state, market, request, k, account, position)
        if exact:
            queue_open(state, position)
        elif settled:
            queue_traded(state, position)
        else:
            queue_unit(state, position)
    for k in range(state.market_count):
        queue_reserve(state, state.markets[k], 0)
    event = log_append(&state.log, EVENT_OPEN, market.number, -1, 0)
    event.quantity = request.count
    event.money = state.assets[market.asset].net_deposits - deposits
    event.account = <int32_t>first if request.accounts == NULL else (
        <int32_t>request.accounts[0] if request.count else -1)
    return OPEN_MEMORY if state.failed else OPEN_OK
