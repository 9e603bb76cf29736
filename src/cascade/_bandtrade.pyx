"""Who trades with bands: liquidators sell what they buy there at the venue, and the other way round.

docs/bands-market.md. A size is found by the gain of its last lot, and nothing is traded below what gas and
the least profit ask for; the venue's part is a real order, whose fills are events.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._arithmetic cimport add_into, int128
from cascade._bandcurve cimport purchase_cost, sale_proceeds, trades_no_further
from cascade._bandloans cimport band_at, begin_occasion
from cascade._bands cimport MOST_BANDS, Band, BandMarket
from cascade._bandwatch cimport note_change, test_traded
from cascade._borrower cimport gives_no_price, may_be_seized
from cascade._deal cimport asset_quote
from cascade._liquidator cimport Bids, no_bids, nobody, outbids, pay_bid, pay_liquidator
from cascade._log cimport Event, log_append
from cascade._reserve cimport Liquidator, Reserve
from cascade._seizure cimport trade_asset
from cascade._settlement cimport last_event
from cascade._state cimport FAILURE_OVERFLOW, State
from cascade._types cimport BUY, EVENT_DE_LIQUIDATION, EVENT_SOFT_LIQUIDATION, NO_ACCOUNT, SELL

cdef int64_t ANY = <int64_t>1 << 60
cdef int64_t NOT_TO_BE_HAD = -0x7FFFFFFFFFFFFFFF
cdef int128 LARGEST = <int128>1 << 60


# ---------------------------------------------------------------- through the bands

cdef int _in_band(BandMarket* market, Band* band, bint buy, int64_t left, bint write, int64_t* taken,
                  int64_t* atoms) noexcept nogil:
    # 1: the trade ends in this band, 0: it goes on, -1: does not fit
    cdef int ends = 0
    taken[0] = atoms[0] = 0
    if buy and band.collateral:
        taken[0] = band.collateral if band.collateral < left else left
        atoms[0] = purchase_cost(market, band, taken[0])
        if atoms[0] < 0:
            return -1
        ends = taken[0] == left
        if write:
            band.stable += atoms[0]
            band.collateral -= taken[0]
    elif not buy and band.stable:
        ends = sale_proceeds(market, band, left, taken, atoms)
        if ends < 0:
            return -1
        ends = ends or taken[0] == left
        if write:
            band.stable -= atoms[0]
            band.collateral += taken[0]
    return ends


cdef int walk_bands(BandMarket* market, bint buy, int64_t parts, bint write, Swap* swap) noexcept nogil:
    cdef int32_t n = market.active, end = market.high if buy else market.low, traded = 0
    cdef int64_t taken, atoms
    cdef int128 total = 0
    cdef int ends
    cdef Band* band
    swap.parts = swap.atoms = 0
    while True:
        band = band_at(market, n)
        if band.stable or band.collateral or traded:
            traded += 1
        ends = _in_band(market, band, buy, parts - swap.parts, write, &taken, &atoms)
        swap.parts += taken
        total += atoms
        if ends < 0 or total > LARGEST or swap.parts > ANY:
            return -1
        swap.active = n
        if ends or n == end or traded == MOST_BANDS or trades_no_further(market, band, buy):
            swap.atoms = <int64_t>total
            return 0
        n += 1 if buy else -1


# ---------------------------------------------------------------- what it earns

cdef int64_t _gain(State* state, BandMarket* market, const Liquidator* liquidator, bint buy,
                   int64_t lots) noexcept nogil:
    # atoms of a round trip through bands and venue
    cdef Swap swap
    cdef int64_t other, cost
    if lots == 0:
        return 0
    if walk_bands(market, buy, lots * market.parts, False, &swap):
        state.failed = FAILURE_OVERFLOW
        return NOT_TO_BE_HAD
    if swap.parts != lots * market.parts:
        return NOT_TO_BE_HAD
    other = asset_quote(state, market.reserve, SELL if buy else BUY, lots)
    if other < 0:
        return NOT_TO_BE_HAD
    cost = swap.atoms if buy else other
    if liquidator.capital >= 0 and cost > <int128>liquidator.capital + liquidator.cash:
        return NOT_TO_BE_HAD
    return other - swap.atoms if buy else swap.atoms - other


cdef bint _earns(State* state, BandMarket* market, const Liquidator* liquidator, bint buy,
                 int64_t lots) noexcept nogil:
    # does the last lot earn anything?
    cdef int64_t now = _gain(state, market, liquidator, buy, lots), before
    if now == NOT_TO_BE_HAD:
        return False
    before = _gain(state, market, liquidator, buy, lots - 1)
    return before != NOT_TO_BE_HAD and now > before


cdef int64_t _size(State* state, BandMarket* market, const Liquidator* liquidator, bint buy) noexcept nogil:
    # lots up to which the last one earns something, by powers of two
    cdef Swap swap
    cdef int64_t most, lots = 0, step = 1
    if walk_bands(market, buy, ANY, False, &swap):
        state.failed = FAILURE_OVERFLOW
        return 0
    most = swap.parts // market.parts
    if most == 0 or not _earns(state, market, liquidator, buy, 1):
        return 0
    while step <= most // 2:
        step *= 2
    while step and not state.failed:
        if lots + step <= most and _earns(state, market, liquidator, buy, lots + step):
            lots += step
        step >>= 1
    return lots


# ---------------------------------------------------------------- doing it

cdef void _commit(State* state, BandMarket* market, bint buy, int64_t lots, Swap* swap) noexcept nogil:
    cdef bint failed
    if walk_bands(market, buy, lots * market.parts, True, swap):
        state.failed = FAILURE_OVERFLOW
    market.active = swap.active
    market.last_price = market.oracle
    market.last_fee = market.oracle_fee
    market.last_time = state.clock
    begin_occasion(market)
    if buy:
        failed = add_into(&market.sums.lots_out, lots) | add_into(&market.sums.stable_in, swap.atoms)
        failed |= add_into(&market.sums.sold, lots)
    else:
        failed = add_into(&market.sums.lots_in, lots) | add_into(&market.sums.stable_out, swap.atoms)
        failed |= add_into(&market.sums.bought, lots)
    if failed:
        state.failed = FAILURE_OVERFLOW


cdef void _trade(State* state, BandMarket* market, Liquidator* liquidator, int32_t who, bint buy,
                 int64_t lots) noexcept nogil:
    cdef const Reserve* reserve = &state.reserves[market.reserve]
    cdef int32_t low = market.active, high = low
    cdef uint8_t kind = EVENT_SOFT_LIQUIDATION if buy else EVENT_DE_LIQUIDATION
    cdef int64_t other, caused
    cdef Swap swap
    cdef Event* event
    _commit(state, market, buy, lots, &swap)
    if swap.active < low:
        low = swap.active
    else:
        high = swap.active
    event = log_append(&state.log, kind, reserve.supplied_side, market.changed, market.changed_wave)
    event.account = NO_ACCOUNT
    event.counterparty = who
    event.side = SELL if buy else BUY
    event.quantity = lots
    event.money = swap.atoms
    event.price = reserve.price
    event.order = market.active
    state.cause = last_event(state)
    state.wave = market.changed_wave
    caused = state.cause
    other = trade_asset(state, market.reserve, SELL if buy else BUY, lots)
    note_change(state, market, caused, market.changed_wave)
    test_traded(state, market, low, high)
    if buy:
        pay_liquidator(state, liquidator, other, swap.atoms)
    else:
        pay_liquidator(state, liquidator, swap.atoms, other)
    _look_at_venue(state, market)


# ---------------------------------------------------------------- who does

cdef void _look_at_venue(State* state, BandMarket* market) noexcept nogil:
    # since when a lot earns something without gas and capital, by side
    cdef Liquidator anybody = nobody()
    cdef int side
    for side in range(2):
        if not _earns(state, market, &anybody, side == 0, 1):
            market.apart_since[side] = -1
        elif market.apart_since[side] < 0:
            market.apart_since[side] = state.clock


cdef int64_t _find(State* state, BandMarket* market, const Liquidator* liquidator, int side,
                   int64_t* profit) noexcept nogil:
    # lots that pay a liquidator who has seen that they would, 0: none
    cdef int64_t since = market.apart_since[side], lots
    if since < 0 or state.clock - since < liquidator.latency:
        return 0
    lots = _size(state, market, liquidator, side == 0)
    if lots == 0:
        return 0
    profit[0] = _gain(state, market, liquidator, side == 0, lots) - liquidator.gas
    if profit[0] < 1 or profit[0] < liquidator.min_profit:
        return 0
    return lots


cdef bint _turn(State* state, BandMarket* market, Liquidator* liquidator, int32_t who) noexcept nogil:
    cdef bint acted = False
    cdef int side
    cdef int64_t lots, profit
    for side in range(2):
        lots = _find(state, market, liquidator, side, &profit)
        if lots:
            _trade(state, market, liquidator, who, side == 0, lots)
            acted = True
    return acted


cdef bint _by_bids(State* state, BandMarket* market) noexcept nogil:
    cdef bint acted = False
    cdef int side, who
    cdef uint16_t k
    cdef int64_t lots, profit, best
    cdef Bids bids
    for side in range(2):
        bids = no_bids()
        best = 0
        for k in range(state.liquidator_count):
            lots = _find(state, market, &state.liquidators[k], side, &profit)
            if lots and outbids(&bids, k, profit):
                best = lots
        if best:
            who = pay_bid(state, &bids)
            _trade(state, market, &state.liquidators[who], who, side == 0, best)
            acted = True
    return acted


cdef bint trade_with_bands(State* state, uint32_t number) noexcept nogil:
    cdef BandMarket* market = state.bands[number]
    cdef Liquidator anybody
    cdef bint acted = False
    cdef uint16_t k
    cdef const Reserve* reserve = &state.reserves[market.reserve]
    if not may_be_seized(state, reserve) or gives_no_price(state, reserve):
        return False
    _look_at_venue(state, market)
    if state.liquidator_count == 0:
        anybody = nobody()
        return _turn(state, market, &anybody, -1)
    if state.bidding:
        return _by_bids(state, market)
    for k in range(state.liquidator_count):
        acted |= _turn(state, market, &state.liquidators[k], k)
    return acted
