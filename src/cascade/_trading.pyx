"""What residents have in common: orders through the driver's path, means, recent movement.

A resident's order passes every check that a driver's order passes, and is logged the same way, so
that its money is conserved and its losses are real.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from cascade._accrual cimport owed_funding
from cascade._arithmetic cimport divide_toward_zero, int128, saturate
from cascade._book cimport Message, Submitted, book_find
from cascade._clearing cimport exposure_lots, find_position, free_collateral
from cascade._margin cimport position_value
from cascade._orders cimport submit_order
from cascade._resident cimport MOVEMENT_PARTS, Resident
from cascade._settlement cimport lots_fit
from cascade._state cimport NO_POSITION, Market, Position, State
from cascade._types cimport BUY, MESSAGE_CANCEL, MESSAGE_LIMIT, MESSAGE_MARKET

cdef int64_t LARGEST_MOVEMENT = <int64_t>1 << 60


cdef int32_t last_price(const Market* market) noexcept nogil:
    return market.impact.last if market.impact_venue else market.book.last


cdef void send_order(State* state, const Resident* resident, uint8_t side, int32_t price, int64_t lots,
                     uint8_t time_in_force, uint8_t flags, Submitted* out) noexcept nogil:
    cdef Message message
    memset(&message, 0, sizeof(Message))
    message.kind = MESSAGE_LIMIT if price else MESSAGE_MARKET
    message.side = side
    message.time_in_force = time_in_force
    message.flags = flags
    message.account = resident.account
    message.price = price
    message.size = lots
    submit_order(state, state.markets[resident.market], &message, out)


cdef void send_cancel(State* state, const Resident* resident, int64_t order_id) noexcept nogil:
    cdef Message message
    cdef Submitted out
    memset(&message, 0, sizeof(Message))
    message.kind = MESSAGE_CANCEL
    message.account = resident.account
    message.order = order_id
    submit_order(state, state.markets[resident.market], &message, &out)


cdef int64_t open_order(const Market* market, int64_t order_id, int32_t* price) noexcept nogil:
    cdef uint32_t slot = book_find(&market.book, order_id) if order_id else 0
    cdef uint32_t iceberg
    price[0] = 0
    if slot == 0:
        return 0
    price[0] = market.book.orders[slot].price
    iceberg = market.book.extras[slot].iceberg
    return market.book.orders[slot].size + (market.book.icebergs[iceberg].hidden if iceberg else 0)


cdef int64_t held_lots(State* state, const Resident* resident) noexcept nogil:
    cdef uint32_t i
    if resident.account < 0:
        return 0
    i = find_position(state, resident.account, resident.market, 0)
    return 0 if i == NO_POSITION else state.positions[i].size


cdef bint _affords(State* state, const Resident* resident, uint32_t position, uint8_t side,
                   int64_t lots, int32_t price, int32_t reference) noexcept nogil:
    # what the order path will ask of an order of so many lots
    cdef Market* market = state.markets[resident.market]
    cdef int64_t buys = lots if side == BUY else 0, sells = lots - buys
    cdef int64_t exposure = exposure_lots(state, position, buys, sells)
    if not lots_fit(market, exposure + lots, price):
        return False
    if exposure <= exposure_lots(state, position, 0, 0):
        return True
    if reference == 0 and market.mark == 0:
        return True
    return free_collateral(state, resident.account, position, buys, sells, reference) >= 0


cdef int64_t affordable_lots(State* state, const Resident* resident, uint8_t side, int64_t lots,
                             int32_t price) noexcept nogil:
    cdef Market* market = state.markets[resident.market]
    cdef int64_t low = 0, high = lots, middle
    cdef int32_t reference = price
    cdef uint32_t position
    if resident.account < 0:
        return lots
    position = find_position(state, resident.account, resident.market, 0)
    if position == NO_POSITION:
        return lots
    if reference == 0:
        reference = market.book.best_ask if side == BUY else market.book.best_bid
        if market.impact_venue:
            reference = market.impact.last
    while low < high:
        middle = low + (high - low + 1) // 2
        if _affords(state, resident, position, side, middle, price, reference):
            low = middle
        else:
            high = middle - 1
    return low


cdef int64_t account_equity(State* state, int32_t account) noexcept nogil:
    cdef uint32_t i = state.accounts[account].first
    cdef int128 total = state.accounts[account].balance
    cdef Position* p
    cdef Market* market
    while i != NO_POSITION:
        p = &state.positions[i]
        market = state.markets[p.market]
        total += p.margin
        if p.size and market.mark:
            total += position_value(&market.rules.table, p.size, market.mark)
            total -= p.entry_value
        total -= owed_funding(state, i)
        i = p.next
    return saturate(total)


cdef int64_t faded(int64_t movement, int64_t time, int64_t elapsed, int64_t moved) noexcept nogil:
    movement -= <int64_t>divide_toward_zero(<int128>movement * elapsed, <int128>time + elapsed)
    movement += moved * MOVEMENT_PARTS
    if movement > LARGEST_MOVEMENT:
        return LARGEST_MOVEMENT
    return -LARGEST_MOVEMENT if movement < -LARGEST_MOVEMENT else movement
