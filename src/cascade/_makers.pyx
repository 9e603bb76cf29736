"""Market makers: a depth profile round the index that is refilled at a rate and steps back.

docs/residents.md has the arithmetic. A turn first decides every quote, then cancels those that
change and places them anew, so that a maker never meets its own orders.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport abs as magnitude_of

from cascade._arithmetic cimport divide_toward_zero, floor_divide, int128
from cascade._band cimport within_band
from cascade._book cimport Submitted
from cascade._resident cimport MOVEMENT_PARTS, SECOND_PARTS, Resident, Rung
from cascade._state cimport RATE_DENOMINATOR, Market, State
from cascade._trading cimport (
    account_equity, affordable_lots, faded, held_lots, open_order, send_cancel, send_order,
)
from cascade._types cimport BUY, FLAG_POST_ONLY_SLIDE, GTC


cdef int64_t _moved(int64_t price, int64_t seen) noexcept nogil:
    if price == 0 or seen == 0:
        return 0
    return price - seen if price > seen else seen - price


cdef int64_t _movement(const Resident* maker) noexcept nogil:
    # of the price that moved more: one follows the other, and no move counts twice
    return maker.movement if maker.movement > maker.index_movement else maker.index_movement


cdef void _look(Resident* maker, const Market* market, int64_t elapsed) noexcept nogil:
    # recent movement, and credit to refill with
    cdef int64_t parts = <int64_t>SECOND_PARTS * RATE_DENOMINATOR
    cdef int128 credit
    maker.movement = faded(maker.movement, maker.movement_time, elapsed,
                           _moved(market.book.last, maker.price_seen))
    maker.index_movement = faded(maker.index_movement, maker.movement_time, elapsed,
                                 _moved(market.index, maker.index_seen))
    maker.price_seen = market.book.last
    maker.index_seen = market.index
    if maker.refill < 0:
        return
    credit = <int128>maker.refill * elapsed + maker.credit_rest
    if maker.credit + credit // parts >= maker.capacity:
        maker.credit = maker.capacity
        maker.credit_rest = 0
    else:
        maker.credit += <int64_t>(credit // parts)
        maker.credit_rest = <int64_t>(credit % parts)


cdef bint _quotes(State* state, const Resident* maker, const Market* market) noexcept nogil:
    if market.index == 0:
        return False
    if maker.movement_limit and _movement(maker) >= maker.movement_limit:
        return False
    return <int128>maker.deposit - account_equity(state, maker.account) < maker.loss_limit


cdef int64_t _target(const Resident* maker, Market* market, const Rung* rung, uint8_t side,
                     int64_t inventory, int32_t* price) noexcept nogil:
    # what it wants at a rung: lots, and their price
    cdef int64_t lots = rung.lots, centre = market.index, away = rung.distance, towards
    cdef int64_t limit = maker.inventory_limit, movement = _movement(maker)
    price[0] = 0
    if limit:
        centre -= <int64_t>divide_toward_zero(<int128>inventory * maker.skew, limit)
    away += <int64_t>floor_divide(<int128>movement * maker.widening,
                                  <int128>RATE_DENOMINATOR * MOVEMENT_PARTS)
    centre += -away if side == BUY else away
    if centre < market.book.min_price or centre > market.book.max_price:
        return 0
    if not within_band(market, <int32_t>centre):
        return 0
    price[0] = <int32_t>centre
    if maker.movement_limit:
        lots = <int64_t>floor_divide(
            <int128>lots * (maker.movement_limit - movement), maker.movement_limit)
    towards = inventory if side == BUY else -inventory
    if limit and towards > 0:
        lots = <int64_t>floor_divide(
            <int128>lots * (limit - towards if limit > towards else 0), limit)
    return lots


cdef void _decide(State* state, Resident* maker, Market* market) noexcept nogil:
    cdef bint quoting = _quotes(state, maker, market)
    cdef int64_t inventory = held_lots(state, maker), target, have, kept, grown, k
    cdef int32_t price = 0, at = 0
    cdef uint8_t side
    cdef Rung* rung
    for k in range(maker.rung_count):
        rung = &maker.rungs[k]
        for side in range(2):
            target = _target(maker, market, rung, side, inventory, &price) if quoting else 0
            have = open_order(market, rung.orders[side], &at)
            kept = have if have < target else target
            grown = target - kept
            if maker.refill >= 0 and grown > maker.credit:
                grown = maker.credit
            if kept + grown < market.book.min_size:
                kept = grown = 0
            if maker.refill >= 0:
                maker.credit -= grown
            rung.wanted[side] = kept + grown
            rung.prices[side] = price
            rung.changed[side] = kept + grown != have or (
                have != 0 and magnitude_of(at - price) > maker.tolerance)


cdef void make_market(State* state, Resident* maker, int64_t elapsed) noexcept nogil:
    cdef Market* market = state.markets[maker.market]
    cdef int64_t k, lots
    cdef int32_t at = 0
    cdef uint8_t side
    cdef Rung* rung
    cdef Submitted out
    if market.book.auction:
        return
    _look(maker, market, elapsed)
    _decide(state, maker, market)
    for k in range(maker.rung_count):
        rung = &maker.rungs[k]
        for side in range(2):
            if rung.changed[side]:
                if open_order(market, rung.orders[side], &at) and not state.failed:
                    send_cancel(state, maker, rung.orders[side])
                rung.orders[side] = 0
    for k in range(maker.rung_count):
        rung = &maker.rungs[k]
        for side in range(2):
            if not rung.changed[side] or state.failed:
                continue
            lots = affordable_lots(state, maker, side, rung.wanted[side], rung.prices[side])
            if lots < 1 or lots < market.book.min_size:
                continue
            send_order(state, maker, side, rung.prices[side], lots, GTC, FLAG_POST_ONLY_SLIDE, &out)
            rung.orders[side] = out.order if out.resting > 0 else 0
