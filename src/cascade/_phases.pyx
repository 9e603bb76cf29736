"""The phases of a step that need no driver's orders: clock, funding, outside prices, the record.

docs/step.md gives their order; `_core` calls them and the cascade between them.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memset

from cascade._bandwatch cimport loans_due
from cascade._consumed_depth cimport forget_consumed
from cascade._dislocation cimport begin_dislocation, note_dislocation
from cascade._feed cimport believe_index, follow_venue, form_mark
from cascade._funding cimport pay_due_funding
from cascade._impact cimport impact_decay
from cascade._moves cimport test_moved
from cascade._oracle cimport pass_lending, read_again
from cascade._orders cimport fire_stops
from cascade._outside cimport believed_index, sample_basis
from cascade._price_window cimport reserve_window
from cascade._queue cimport queue_pending
from cascade._reopening cimport pass_halts
from cascade._state cimport FEED_EMA, Market, State


cdef void _pass_time(State* state, int64_t elapsed) noexcept nogil:
    cdef uint32_t m
    cdef Market* market
    cdef bint decays
    cdef int32_t shown
    memset(&state.counters, 0, sizeof(state.counters))
    for m in range(state.market_count):
        begin_dislocation(state.markets[m], elapsed)
    pay_due_funding(state, state.clock + elapsed)
    if elapsed:
        for m in range(state.market_count):
            market = state.markets[m]
            if market.rules.sample_count:
                sample_basis(state, market, elapsed)
            elif market.rules.feed >= FEED_EMA:
                follow_venue(state, market, elapsed)
    state.clock += elapsed
    state.log.time = state.clock
    for m in range(state.market_count):
        if state.markets[m].breaker != NULL:
            reserve_window(state, state.markets[m])
            forget_consumed(state, state.markets[m])
    for m in range(state.market_count):
        market = state.markets[m]
        decays = market.impact_venue != 0 and market.impact.transient_lots != 0
        if decays:
            shown = market.impact.last
            impact_decay(&market.impact, elapsed)
            if market.book.auction:
                # no trade shows what a halted market would pay
                market.impact.last = shown
            note_dislocation(market, market.impact.last)
        if decays or (elapsed and market.rules.feed >= FEED_EMA):
            form_mark(state, market, -1, 0)
    test_moved(state)
    if elapsed:
        for m in range(state.market_count):
            # the decay of an impact venue may have moved those that follow it
            if state.markets[m].rules.feed >= FEED_EMA or state.markets[m].follower_count:
                fire_stops(state, state.markets[m])


cdef void set_index(State* state, Market* market, int32_t price) noexcept nogil:
    believe_index(state, market, price, -1, 0)
    test_moved(state)


cdef void _set_indices(State* state, const int32_t* prices) noexcept nogil:
    # one price a market, 0: unchanged
    cdef uint32_t m
    cdef int32_t price
    cdef Market* market
    for m in range(state.market_count):
        market = state.markets[m]
        price = prices[m] if prices != NULL else 0
        if market.rules.index_delay:
            price = believed_index(state, market, price)
        market.believed = price != 0
        if price:
            believe_index(state, market, price, -1, 0)
    test_moved(state)
    for m in range(state.market_count):
        if state.markets[m].believed:
            fire_stops(state, state.markets[m])


cdef void begin_step(State* state, int64_t elapsed, const int32_t* prices) noexcept nogil:
    _pass_time(state, elapsed)
    if state.reserve_count:
        pass_lending(state, elapsed)
    if prices != NULL or state.delays:
        _set_indices(state, prices)
    if state.reserve_count:
        read_again(state)
    pass_halts(state)


cdef void write_step(State* state, StepRecord* record) noexcept nogil:
    record.time = state.clock
    record.liquidated = state.counters.liquidated
    record.notional = state.counters.notional
    record.fund_received = state.counters.fund_received
    record.fund_paid = state.counters.fund_paid
    record.bad_debt = state.counters.bad_debt
    record.fills = state.counters.fills
    record.volume = state.counters.volume
    record.orders = state.counters.orders
    record.resolved = state.counters.resolved
    record.waves = state.counters.waves
    record.pending = queue_pending(state) + loans_due(state)
    record.adl_lots = state.counters.adl_lots


cdef void write_dislocation(const Market* market, DislocationRecord* record) noexcept nogil:
    record.ticks = market.away
    record.index = market.away_index
    record.time = market.away_time
