"""The end of a halt: liquidity that came or went meanwhile, the call auction, its extension.

docs/breakers.md. Phases follow each other without gaps, however long a step is: each is counted from
the time at which the one before was due to end.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport divide_toward_zero, int128
from cascade._auction cimport Indicative, auction_indicative
from cascade._book cimport Book, book_reduce
from cascade._breaker cimport (
    anchor_reference, begin_by_band, breaker_look, form_edges, halt_event, venue_price,
)
from cascade._consumed_depth cimport restore_depth
from cascade._feed cimport refresh_mark
from cascade._halt cimport (
    PHASE_CANCEL_ONLY, PHASE_LIMIT, PHASE_OPEN, PHASE_PAUSE, REFERENCE_INDEX, REFERENCE_PREMIUM,
    REFERENCE_WINDOW, Breaker,
)
from cascade._impact cimport impact_fits
from cascade._levels cimport hidden_lots, slot_of
from cascade._log cimport Event, log_append
from cascade._orders cimport fire_stops
from cascade._price_window cimport breaker_trade
from cascade._settlement cimport last_event, uncross_market
from cascade._state cimport RATE_DENOMINATOR, Market, State
from cascade._types cimport EVENT_AUCTION, NO_ACCOUNT


# ---------------------------------------------------------------- liquidity during the halt

cdef int64_t _share_of(int64_t lots, int64_t share) noexcept nogil:
    return <int64_t>divide_toward_zero(<int128>lots * share, RATE_DENOMINATOR)


cdef void _replenish_curve(Market* market) noexcept nogil:
    # a share of the displacement comes back (or is added); no trade shows it yet
    cdef int64_t permanent = _share_of(market.impact.permanent_lots, market.breaker.replenish)
    cdef int64_t transient = _share_of(market.impact.transient_lots, market.breaker.replenish)
    cdef int64_t moved = permanent + transient
    if market.pool.kind:
        return
    if not impact_fits(&market.impact, moved if moved >= 0 else -moved):
        return
    market.impact.permanent_lots -= permanent
    market.impact.transient_lots -= transient


cdef void _withdraw_depth(State* state, Market* market) noexcept nogil:
    # every order from outside gives up the share, oldest first, each with its CANCEL
    cdef Book* book = &market.book
    cdef int64_t order_id, last = book.next_id, lots
    cdef uint32_t slot
    state.cause = market.breaker.event
    state.wave = 0
    for order_id in range(book.first_id, last):
        slot = slot_of(book, order_id)
        if slot == 0 or book.extras[slot].waiting or book.orders[slot].account != NO_ACCOUNT:
            continue
        lots = -_share_of(book.orders[slot].size + hidden_lots(book, slot), market.breaker.replenish)
        if lots > 0:
            book_reduce(book, slot, lots)


cdef void _replenish(State* state, Market* market) noexcept nogil:
    market.breaker.replenished = 1
    if market.breaker.replenish == 0:
        return
    if market.impact_venue:
        _replenish_curve(market)
    elif market.breaker.replenish > 0:
        restore_depth(state, market)
    else:
        _withdraw_depth(state, market)


# ---------------------------------------------------------------- the auction

cdef void _auction_event(State* state, Market* market, const Indicative* found,
                         uint8_t extended) noexcept nogil:
    cdef Event* event = log_append(&state.log, EVENT_AUCTION, market.number, market.breaker.event, 0)
    event.price = found.price
    event.quantity = found.volume
    event.money = found.imbalance
    event.code = extended


cdef bint _extend(State* state, Market* market) noexcept nogil:
    # too far from the reference that was in force at the halt: collect for longer
    cdef Breaker* b = market.breaker
    cdef Indicative found
    cdef int64_t reference = b.reference, distance
    if market.impact_venue or b.extension == 0 or b.extended >= b.extensions:
        return False
    if b.kind == REFERENCE_WINDOW:
        reference = market.book.last
    elif b.kind == REFERENCE_INDEX or b.kind == REFERENCE_PREMIUM:
        reference = market.index
    auction_indicative(&market.book, &found)
    if found.volume == 0 or reference == 0:
        return False
    distance = found.price - reference
    distance = -distance if distance < 0 else distance
    if <int128>distance * RATE_DENOMINATOR <= <int128>reference * b.extension_band:
        return False
    b.extended += 1
    b.until += b.extension
    _auction_event(state, market, &found, b.extended)
    return True


cdef void reopen(State* state, Market* market) noexcept nogil:
    cdef Breaker* b = market.breaker
    cdef Indicative found
    cdef int64_t cause = -1
    cdef int32_t price
    if not b.replenished:
        _replenish(state, market)
    found.volume = 0
    found.price = 0
    if market.impact_venue:
        market.book.auction = 0
    else:
        auction_indicative(&market.book, &found)
        _auction_event(state, market, &found, 0)
        cause = last_event(state)
        uncross_market(state, market, &found, cause)
    b.phase = PHASE_OPEN
    b.until = b.calls_at = 0
    b.held = 0
    price = found.price if found.volume else venue_price(market)
    anchor_reference(state, market, price)
    if found.volume:
        breaker_trade(state, market, price)
    form_edges(market)
    halt_event(state, market, price, b.event, 0)
    refresh_mark(state, market, cause, 0)
    fire_stops(state, market)


# ---------------------------------------------------------------- time

cdef void _pass_market(State* state, Market* market) noexcept nogil:
    cdef Breaker* b = market.breaker
    if market.throttled and state.clock >= b.throttle_until:
        market.throttled = 0
    if b.phase == PHASE_LIMIT and state.clock >= b.until:
        begin_by_band(state, market, b.side, b.until, venue_price(market), b.event, 0)
    if b.phase == PHASE_CANCEL_ONLY and state.clock >= b.calls_at:
        b.phase = PHASE_PAUSE
        if b.calls_at < b.until:
            halt_event(state, market, venue_price(market), b.event, 0)
    if b.phase == PHASE_PAUSE and state.clock >= b.until:
        if not b.replenished:
            _replenish(state, market)
        while state.clock >= b.until and _extend(state, market):
            pass
        if state.clock >= b.until:
            reopen(state, market)
    elif b.phase < PHASE_CANCEL_ONLY:
        breaker_look(state, market, -1, 0)


cdef void pass_halts(State* state) noexcept nogil:
    cdef uint32_t m
    for m in range(state.market_count):
        if state.markets[m].breaker != NULL:
            _pass_market(state, state.markets[m])
