"""Liquidation of a loan in bands: a liquidator cancels debt for the money and the collateral of its bands.

docs/bands-market.md. The whole debt is tried first, then half of it and so on; a loan that nobody gains by
waits for the next step.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._arithmetic cimport add_into, ceil_divide, floor_divide, int128, saturate
from cascade._bandloans cimport backing_of, band_at, claim_of, debt_of, forget_loan, health_of, take_claims
from cascade._bands cimport LOAN_DUE, BandMarket, Loan
from cascade._bandwatch cimport note_change, put_aside, test_bands, test_loan
from cascade._borrower cimport gives_no_price, may_be_seized
from cascade._deal cimport asset_quote
from cascade._liquidator cimport (
    NOBODY, Bids, has_not_seen, no_bids, nobody, outbids, pay_bid, pay_liquidator,
)
from cascade._log cimport Event, log_append
from cascade._reserve cimport INDEX_ONE, Liquidator, Reserve
from cascade._seizure cimport trade_asset
from cascade._settlement cimport last_event
from cascade._state cimport FAILURE_OVERFLOW, RATE_DENOMINATOR, State
from cascade._types cimport (
    EVENT_HEALTH, EVENT_LIQUIDATION, EVENT_REPAY, EVENT_SEIZE, SELL,
)

cdef struct Offer:
    int64_t fraction          # of the debt, parts of 10**9
    int64_t share             # of the bands
    int64_t profit            # atoms that the liquidator expects


cdef bint bands_due(const State* state, uint32_t number) noexcept nogil:
    return state.bands[number].due.count > 0


# ---------------------------------------------------------------- what pays

cdef int64_t _removed(const BandMarket* market, int64_t fraction) noexcept nogil:
    # share of the bands for a share of the debt: ((1 + h / 2) / (1 + h) * (1 - f) + f) * f
    cdef int64_t h = market.liquidation_discount, kept
    if fraction == RATE_DENOMINATOR or h == 0:
        return fraction
    kept = <int64_t>floor_divide(<int128>(RATE_DENOMINATOR + h // 2) * (RATE_DENOMINATOR - fraction),
                                 RATE_DENOMINATOR + h)
    return <int64_t>floor_divide(<int128>(kept + fraction) * fraction, RATE_DENOMINATOR)


cdef void _claims(const BandMarket* market, const Loan* loan, int64_t share, int64_t* stable,
                  int64_t* parts) noexcept nogil:
    cdef int32_t k
    cdef int64_t x, y, taken
    stable[0] = parts[0] = 0
    for k in range(loan.bands):
        taken = <int64_t>floor_divide(<int128>market.entries[loan.at + k].shares * share, RATE_DENOMINATOR)
        claim_of(band_at(market, loan.first + k), taken, &x, &y)
        stable[0] += x
        parts[0] += y


cdef bint _find(State* state, const BandMarket* market, const Loan* loan, const Liquidator* liquidator,
                Offer* offer) noexcept nogil:
    # the largest share of the debt, down by halves, that the liquidator gains by
    cdef int64_t debt = debt_of(market, loan.debt), stable, parts, lots, cost, sale
    cdef int32_t attempt
    for attempt in range(liquidator.halvings + 1):
        offer.fraction = RATE_DENOMINATOR >> attempt
        offer.share = _removed(market, offer.fraction)
        _claims(market, loan, offer.share, &stable, &parts)
        lots = parts // market.parts
        if stable == 0 and lots == 0:
            return False
        cost = <int64_t>ceil_divide(<int128>debt * offer.fraction, RATE_DENOMINATOR) - stable
        if liquidator.capital >= 0 and cost > <int128>liquidator.capital + liquidator.cash:
            continue
        sale = asset_quote(state, market.reserve, SELL, lots) if lots else 0
        offer.profit = saturate(<int128>sale - cost - liquidator.gas)
        if sale >= 0 and offer.profit >= liquidator.min_profit:
            return True
    return False


# ---------------------------------------------------------------- doing it

cdef Event* _note(State* state, uint8_t kind, uint16_t side, const Loan* loan, int64_t quantity) noexcept nogil:
    cdef Event* event = log_append(&state.log, kind, side, state.cause, state.wave)
    event.account = loan.account
    event.quantity = quantity
    return event


cdef int64_t _cancel(State* state, BandMarket* market, Loan* loan, int64_t fraction) noexcept nogil:
    # atoms of debt; the scaled part is rounded down, all of it leaves nothing
    cdef int64_t debt = debt_of(market, loan.debt), scaled = loan.debt
    cdef int64_t cancelled = <int64_t>ceil_divide(<int128>debt * fraction, RATE_DENOMINATOR)
    if cancelled != debt:
        scaled = <int64_t>floor_divide(<int128>cancelled * INDEX_ONE, market.index)
    loan.debt -= scaled
    market.scaled -= scaled
    if add_into(&market.sums.cancelled, cancelled) | add_into(&market.sums.roundings, 1):
        state.failed = FAILURE_OVERFLOW
    return cancelled


cdef void _record(State* state, BandMarket* market, const Loan* loan, int64_t short_by, int64_t lots,
                  int64_t stable, int64_t cancelled, int32_t who) noexcept nogil:
    cdef const Reserve* reserve = &state.reserves[market.reserve]
    cdef Event* event
    state.cause = loan.cause
    state.wave = loan.wave + 1
    event = _note(state, EVENT_LIQUIDATION, reserve.supplied_side, loan, lots)
    event.side = SELL
    event.price = reserve.price
    event.money = short_by
    state.cause = last_event(state)
    event = _note(state, EVENT_SEIZE, reserve.supplied_side, loan, lots)
    event.counterparty = who
    event.money = stable
    event = _note(state, EVENT_REPAY, state.reserves[market.money].borrowed_side, loan, cancelled)
    event.counterparty = who
    event.money = cancelled
    state.counters.liquidated += 1
    state.counters.notional += cancelled
    if state.wave > state.counters.waves:
        state.counters.waves = state.wave


cdef int64_t _pay_out(State* state, BandMarket* market, int64_t stable, int64_t parts) noexcept nogil:
    cdef int64_t lots = parts // market.parts
    if (add_into(&market.sums.dust_parts, parts - lots * market.parts) | add_into(&market.sums.lots_out, lots)
            | add_into(&market.sums.stable_out, stable)):
        state.failed = FAILURE_OVERFLOW
    return lots


cdef void _execute(State* state, BandMarket* market, uint32_t number, Liquidator* liquidator, int32_t who,
                   const Offer* offer) noexcept nogil:
    cdef Loan* loan = &market.loans[number]
    cdef int64_t settled, before = health_of(state, market, loan), after, stable, parts, lots, cancelled, sale = 0
    cdef int64_t short_by = backing_of(state, market, loan, &settled) - debt_of(market, loan.debt), event
    cdef int32_t wave, last = loan.first + loan.bands - 1
    cdef Event* record
    cancelled = _cancel(state, market, loan, offer.fraction)
    take_claims(market, number, offer.share, &stable, &parts)
    lots = _pay_out(state, market, stable, parts)
    _record(state, market, loan, short_by, lots, stable, cancelled, who)
    event = state.cause
    wave = state.wave
    if loan.debt == 0:
        forget_loan(market, number)
    if lots:
        sale = trade_asset(state, market.reserve, SELL, lots)
    pay_liquidator(state, liquidator, sale + stable, cancelled)
    after = health_of(state, market, loan)
    record = _note(state, EVENT_HEALTH, state.reserves[market.reserve].supplied_side, loan, after)
    record.order = before
    record.side = after < before
    note_change(state, market, event, wave)
    test_bands(state, market, loan.first, last)
    test_loan(state, market, number)


# ---------------------------------------------------------------- who acts

cdef int _bidder(State* state, BandMarket* market, uint32_t number, Offer* offer) noexcept nogil:
    # the first who gains; of bidders the one who gains most
    cdef const Loan* loan = &market.loans[number]
    cdef Bids bids = no_bids()
    cdef Offer found
    cdef uint16_t k
    for k in range(state.liquidator_count):
        if (has_not_seen(state, &state.liquidators[k], loan.cause)
                or not _find(state, market, loan, &state.liquidators[k], &found)
                or not outbids(&bids, k, found.profit)):
            continue
        offer[0] = found
        if not state.bidding:
            break
    return pay_bid(state, &bids)


cdef bint _call(State* state, BandMarket* market, uint32_t number) noexcept nogil:
    cdef Liquidator anybody
    cdef Offer offer
    cdef int who
    if state.liquidator_count == 0:
        anybody = nobody()
        if not _find(state, market, &market.loans[number], &anybody, &offer):
            return False
        _execute(state, market, number, &anybody, NOBODY, &offer)
        return True
    who = _bidder(state, market, number, &offer)
    if who == NOBODY:
        return False
    _execute(state, market, number, &state.liquidators[who], who, &offer)
    if state.liquidators[who].single and market.loans[number].flags & LOAN_DUE:
        put_aside(market, number)
    return True


cdef bint liquidate_loan(State* state, uint32_t at) noexcept nogil:
    cdef BandMarket* market = state.bands[at]
    cdef uint32_t number = market.due.nodes[0].item
    cdef const Reserve* reserve = &state.reserves[market.reserve]
    test_loan(state, market, number)
    if not market.loans[number].flags & LOAN_DUE:
        return False
    if (may_be_seized(state, reserve) and not gives_no_price(state, reserve)
            and _call(state, market, number)):
        return True
    put_aside(market, number)
    return False
