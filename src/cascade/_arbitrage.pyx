"""Arbitrageurs: they tie a venue's price to the index, late and with what capital they have.

docs/residents.md has the rule. An index becomes known `delay` after it was given; orders are
immediate-or-cancel at the worst price that still pays. The other leg, if there is one, is held on the wider
market at the index.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._accrual cimport settle_balance
from cascade._arithmetic cimport add_into, int128
from cascade._band cimport held_limit
from cascade._book cimport Submitted
from cascade._clearing cimport find_position, signed_value
from cascade._conservation cimport note_change
from cascade._log cimport Event, log_append
from cascade._queue cimport queue_traded
from cascade._resident cimport SEEN_AT_MOST, Resident, SeenIndex
from cascade._state cimport (
    FAILURE_OVERFLOW, NO_MARKET, NO_POSITION, RATE_DENOMINATOR, Market, State,
)
from cascade._trading cimport affordable_lots, held_lots, send_order
from cascade._types cimport (
    BUY, EVENT_DEPOSIT, EVENT_WITHDRAWAL, FLAG_REDUCE_ONLY, IOC, MAX_PRICE, SELL,
)


cdef int64_t _known_index(const State* state, Resident* resident, int64_t index) noexcept nogil:
    # notes a new index; gives the latest that is old enough, 0: none
    cdef int64_t until = state.clock - resident.delay, last
    cdef SeenIndex* seen = resident.seen
    last = (resident.seen_first + resident.seen_count - 1) % SEEN_AT_MOST
    if index and (resident.seen_count == 0 or seen[last].index != index):
        if resident.seen_count == SEEN_AT_MOST:
            resident.seen_first = (resident.seen_first + 1) % SEEN_AT_MOST
            resident.seen_count -= 1
        last = (resident.seen_first + resident.seen_count) % SEEN_AT_MOST
        seen[last].time = state.clock
        seen[last].index = index
        resident.seen_count += 1
    while resident.seen_count > 1 and seen[(resident.seen_first + 1) % SEEN_AT_MOST].time <= until:
        resident.seen_first = (resident.seen_first + 1) % SEEN_AT_MOST
        resident.seen_count -= 1
    if resident.seen_count and seen[resident.seen_first].time <= until:
        return seen[resident.seen_first].index
    return 0


cdef void _enter(State* state, const Resident* resident, uint8_t side, int64_t price,
                 int64_t held) noexcept nogil:
    # `held` lots already on this side, negative: on the other
    cdef int64_t lots = resident.high
    cdef Submitted out
    if resident.limit and lots > resident.limit - held:
        lots = resident.limit - held
    if lots < 1 or price < 1 or price > MAX_PRICE:
        return
    price = held_limit(state.markets[resident.market], side, <int32_t>price)
    lots = affordable_lots(state, resident, side, lots, <int32_t>price)
    if lots >= state.markets[resident.market].book.min_size:
        send_order(state, resident, side, <int32_t>price, lots, IOC, 0, &out)


cdef void _leave(State* state, const Resident* resident, uint8_t side, int64_t price,
                 int64_t held) noexcept nogil:
    cdef int64_t lots = held if held < resident.high else resident.high
    cdef Submitted out
    price = held_limit(state.markets[resident.market], side, <int32_t>price)
    if lots >= state.markets[resident.market].book.min_size:
        send_order(state, resident, side, <int32_t>price, lots, IOC, FLAG_REDUCE_ONLY, &out)


# ---------------------------------------------------------------- the other leg

cdef void _settle_hedge(State* state, Resident* resident) noexcept nogil:
    # what the index moved is paid in and out by the wider market
    cdef Market* market = state.markets[resident.market]
    cdef int64_t gain
    cdef uint32_t position
    cdef Event* event
    if resident.hedge == 0:
        return
    gain = signed_value(market, resident.hedge, market.index) - (
        signed_value(market, resident.hedge, <int32_t>resident.hedge_index))
    if gain == 0:
        return
    settle_balance(state, resident.account)
    if add_into(&state.accounts[resident.account].balance, gain) or (
            add_into(&state.assets[market.asset].net_deposits, gain)):
        state.failed = FAILURE_OVERFLOW
        return
    note_change(market, 0, gain)
    event = log_append(&state.log, EVENT_DEPOSIT if gain > 0 else EVENT_WITHDRAWAL, NO_MARKET, -1, 0)
    event.account = resident.account
    event.money = gain if gain > 0 else -gain
    position = find_position(state, resident.account, resident.market, 0)
    if position != NO_POSITION:
        queue_traded(state, position)


cdef void arbitrage(State* state, Resident* resident) noexcept nogil:
    cdef int64_t index = state.markets[resident.market].index if resident.hedged else 0
    if index:
        _settle_hedge(state, resident)
    _trade(state, resident)
    if index:
        resident.hedge = -held_lots(state, resident)
        resident.hedge_index = index


# ---------------------------------------------------------------- the venue

cdef void _trade(State* state, Resident* resident) noexcept nogil:
    cdef Market* market = state.markets[resident.market]
    cdef int64_t index = _known_index(state, resident, market.index), beyond, held
    cdef int64_t bid = market.book.best_bid, ask = market.book.best_ask
    if index == 0 or market.book.auction:
        return
    if market.impact_venue:
        bid = ask = market.impact.last
    held = held_lots(state, resident)
    beyond = <int64_t>(<int128>index * resident.threshold // RATE_DENOMINATOR) + 1
    if ask and ask <= index - beyond:
        _enter(state, resident, BUY, index - beyond, held)
    elif bid and bid >= index + beyond:
        _enter(state, resident, SELL, index + beyond, -held)
    elif held > 0 and bid >= index:
        _leave(state, resident, SELL, index, held)
    elif held < 0 and ask and ask <= index:
        _leave(state, resident, BUY, index, -held)
