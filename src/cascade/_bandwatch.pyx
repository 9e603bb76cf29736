"""When a loan in bands is looked at: guards on what its bands become, on the oracle, on the rate index.

docs/bands-market.md, *Who is looked at*. A loan that is not due has slack, which is split over everything
that could use it up; it is tested once one of these has used its part, and by nothing else.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._arithmetic cimport add_into, ceil_divide, fits, floor_divide, int128, saturate
from cascade._bandcurve cimport price_parts
from cascade._bandguards cimport remove_guard, set_guard
from cascade._bandloans cimport (
    backing_of, band_at, begin_occasion, cool_loan, debt_of, down_of, holding_of, unwatch_loan,
)
from cascade._bands cimport (
    LARGEST_UNIT_BITS, LOAN_ASIDE, LOAN_DUE, RATIO_BITS, UNIT_BITS, VALUE_BITS, Band, BandMarket, Loan,
)
from cascade._heap cimport heap_remove, heap_set
from cascade._log cimport Event, log_append
from cascade._reserve cimport INDEX_ONE, Reserve
from cascade._state cimport FAILURE_OVERFLOW, RATE_DENOMINATOR, State
from cascade._types cimport EVENT_INTEREST

cdef int64_t LARGEST_UNIT = <int64_t>1 << LARGEST_UNIT_BITS
cdef int64_t MEMORY = <int64_t>120 * 1000000000
cdef int64_t ONE = <int64_t>1 << 40
cdef int64_t YEAR = <int64_t>365 * 86400 * 1000000000
cdef int64_t LARGEST_FEE = (<int64_t>1 << 40) // 16 * 15


# ---------------------------------------------------------------- what must happen before a loan is due

cdef inline int64_t _unit(State* state, BandMarket* market, int32_t number) noexcept nogil:
    # what a share of a band becomes as the price falls through it
    down_of(state, market, number)
    return band_at(market, number).unit


cdef int64_t _rounding(State* state, BandMarket* market, const Loan* loan) noexcept nogil:
    # atoms by which its bands may become less while no unit does; -1: a unit is beyond what is kept
    cdef int64_t total = 0
    cdef int32_t k
    for k in range(loan.bands):
        if _unit(state, market, loan.first + k) == LARGEST_UNIT:
            return -1
        total += (market.entries[loan.at + k].shares >> UNIT_BITS) + 2
    return total


cdef void _guard_bands(State* state, BandMarket* market, const Loan* loan, int64_t part) noexcept nogil:
    # each band may become less by `part` atoms
    cdef int32_t k
    cdef int64_t shares
    cdef int128 drop
    for k in range(loan.bands):
        shares = market.entries[loan.at + k].shares
        if shares == 0:
            remove_guard(market, band_at(market, loan.first + k), loan.at + k)
            continue
        drop = floor_divide(<int128>part << UNIT_BITS, shares)
        set_guard(market, band_at(market, loan.first + k), loan.at + k,
                  saturate(_unit(state, market, loan.first + k) - drop))


cdef void _guard_index(BandMarket* market, uint32_t number, int64_t most) noexcept nogil:
    # the debt may rise to `most` atoms
    if market.rate:
        heap_set(&market.guards, number,
                 saturate(floor_divide(<int128>most * INDEX_ONE, market.loans[number].debt)))


cdef void _heat(BandMarket* market, uint32_t number) noexcept nogil:
    unwatch_loan(market, number)
    market.loans[number].hot_at = <uint32_t>market.hot_count
    market.hot[market.hot_count] = number
    market.hot_count += 1


cdef bint _guard_settled(State* state, BandMarket* market, uint32_t number, int64_t slack) noexcept nogil:
    # what its bands become covers the debt by itself
    cdef const Loan* loan = &market.loans[number]
    cdef int64_t part = slack // (loan.bands + 1)
    if slack < 0:
        return False
    cool_loan(market, number)
    heap_remove(&market.falls, number)
    heap_remove(&market.reached, number)
    _guard_bands(state, market, loan, part)
    _guard_index(market, number, debt_of(market, loan.debt) + part)
    return True


cdef bint _guard_above(State* state, BandMarket* market, uint32_t number, int64_t slack,
                       int64_t extra) noexcept nogil:
    # only with what the oracle is above its bands, as long as no trade has come to the first of them
    cdef const Loan* loan = &market.loans[number]
    cdef int64_t part = slack // (loan.bands + 2), fall, stable, parts
    if slack < 0 or extra <= 0:
        return False
    holding_of(market, loan, &stable, &parts)
    cool_loan(market, number)
    fall = part if part < extra else extra
    fall = saturate(floor_divide(<int128>fall << VALUE_BITS, parts))
    heap_set(&market.falls, number, fall - market.oracle)
    heap_set(&market.reached, number, loan.first)
    _guard_bands(state, market, loan, part)
    _guard_index(market, number, debt_of(market, loan.debt) + part)
    return True


cdef void _watch(State* state, BandMarket* market, uint32_t number, int64_t backing, int64_t settled,
                 int64_t debt) noexcept nogil:
    cdef int64_t rounding = _rounding(state, market, &market.loans[number])
    if rounding >= 0 and (_guard_settled(state, market, number, settled - debt - rounding)
                          or _guard_above(state, market, number, backing - debt - rounding, backing - settled)):
        return
    _heat(market, number)


cdef void test_loan(State* state, BandMarket* market, uint32_t number) noexcept nogil:
    cdef Loan* loan = &market.loans[number]
    cdef int64_t backing, settled, debt
    if loan.debt == 0:
        loan.flags &= ~LOAN_DUE
        heap_remove(&market.due, number)
        unwatch_loan(market, number)
        return
    market.evaluations += 1
    backing = backing_of(state, market, loan, &settled)
    debt = debt_of(market, loan.debt)
    if backing >= debt:
        loan.flags &= ~LOAN_DUE
        heap_remove(&market.due, number)
        _watch(state, market, number, backing, settled, debt)
        return
    if not loan.flags & LOAN_DUE:
        loan.flags |= LOAN_DUE
        loan.cause = market.changed
        loan.wave = market.changed_wave
    unwatch_loan(market, number)
    if not loan.flags & LOAN_ASIDE:
        heap_set(&market.due, number, saturate(floor_divide(<int128>backing * RATE_DENOMINATOR, debt)))


# ---------------------------------------------------------------- what happened

cdef void _test_band(State* state, BandMarket* market, int32_t number) noexcept nogil:
    # a test moves the guard to what a share is now or below it, or removes it
    cdef Band* band = band_at(market, number)
    cdef int64_t unit
    if band.guard_count == 0:
        return
    unit = _unit(state, market, number)
    while band.guard_count and band.guards[0].key > unit and not state.failed:
        test_loan(state, market, market.entries[band.guards[0].entry].loan)


cdef void test_bands(State* state, BandMarket* market, int32_t first, int32_t last) noexcept nogil:
    cdef int32_t n
    for n in range(first, last + 1):
        _test_band(state, market, n)


cdef int32_t _band_of(const BandMarket* market, int64_t price) noexcept nogil:
    # the band above the one that a price is in
    cdef int32_t low = -market.width, high = market.width, middle
    while low < high:
        middle = low + (high - low) // 2
        if band_at(market, middle).edge <= price:
            high = middle
        else:
            low = middle + 1
    low -= 2
    return low if low > -market.width else -market.width


cdef void _test_passed(State* state, BandMarket* market, int64_t old) noexcept nogil:
    # what bands become depends on the oracle from the one that trades to where it was and is
    cdef int32_t before = _band_of(market, old), now = _band_of(market, market.oracle)
    cdef int32_t low = min(market.active, before, now), high = max(market.active, before + 2, now + 2)
    test_bands(state, market, max(low, market.low), min(high, market.high))


cdef void _test_hot(State* state, BandMarket* market) noexcept nogil:
    cdef int64_t k = market.hot_count - 1
    while k >= 0 and not state.failed:
        test_loan(state, market, market.hot[k])
        k -= 1


cdef void _limit_oracle(State* state, BandMarket* market) noexcept nogil:
    # docs/bands-market.md, "The oracle": a bounded step, and a fee for it
    cdef const Reserve* reserve = &state.reserves[market.reserve]
    cdef int64_t price = price_parts(market, reserve.unit * reserve.price), last = market.last_price
    cdef int64_t left = MEMORY - (state.clock - market.last_time)
    cdef int64_t lower, higher, ratio
    cdef int128 fee
    if price == 0:
        return                    # of a market that is being restored
    market.oracle = price
    market.oracle_fee = 0
    if left <= 0:
        return
    lower = price if price < last else last
    higher = last if price < last else price
    ratio = <int64_t>floor_divide(<int128>lower << RATIO_BITS, higher)
    if ratio < ONE * 4 // 5:
        if price > last:
            market.oracle = <int64_t>floor_divide(<int128>last * 5, 4)
        else:
            market.oracle = <int64_t>floor_divide(<int128>last * 4, 5)
        ratio = ONE * 4 // 5
    fee = (((<int128>ratio * ratio) >> RATIO_BITS) * ratio) >> RATIO_BITS
    fee = floor_divide((ONE + market.last_fee - fee) * left, MEMORY)
    market.oracle_fee = LARGEST_FEE
    if fee < LARGEST_FEE:
        market.oracle_fee = <int64_t>fee


cdef void test_loans(State* state, BandMarket* market) noexcept nogil:
    cdef int64_t old = market.oracle
    _limit_oracle(state, market)
    begin_occasion(market)
    if market.oracle != old:
        _test_passed(state, market, old)
    while market.falls.count and -market.falls.nodes[0].key > market.oracle and not state.failed:
        test_loan(state, market, market.falls.nodes[0].item)
    while market.guards.count and market.guards.nodes[0].key < market.index and not state.failed:
        test_loan(state, market, market.guards.nodes[0].item)
    _test_hot(state, market)


cdef void test_traded(State* state, BandMarket* market, int32_t low, int32_t high) noexcept nogil:
    test_bands(state, market, low, high)
    while market.reached.count and market.reached.nodes[0].key <= market.active and not state.failed:
        test_loan(state, market, market.reached.nodes[0].item)


cdef void note_change(State* state, BandMarket* market, int64_t event, int32_t wave) noexcept nogil:
    market.changed = event
    market.changed_wave = wave
    test_loans(state, market)


# ---------------------------------------------------------------- loans that are due

cdef void put_aside(BandMarket* market, uint32_t number) noexcept nogil:
    if not market.loans[number].flags & LOAN_ASIDE:
        market.aside[market.aside_count] = number
        market.aside_count += 1
    market.loans[number].flags |= LOAN_ASIDE
    heap_remove(&market.due, number)


cdef void look_at_due(State* state, BandMarket* market) noexcept nogil:
    # those put aside are not in the heap, so that the list has room for all
    cdef int64_t k, count = market.aside_count
    cdef uint32_t at
    for at in range(market.due.count):
        market.aside[count] = market.due.nodes[at].item
        count += 1
    market.aside_count = 0
    for k in range(count):
        market.loans[market.aside[k]].flags &= ~LOAN_ASIDE
        test_loan(state, market, market.aside[k])


cdef int64_t loans_due(const State* state) noexcept nogil:
    cdef int64_t total = 0
    cdef uint32_t k
    for k in range(state.band_count):
        total += state.bands[k].due.count
    return total


# ---------------------------------------------------------------- what time and prices do

cdef void believe_in_bands(State* state, uint32_t number, int64_t event, int32_t wave) noexcept nogil:
    note_change(state, state.bands[number], event, wave)


cdef void accrue_bands(State* state, int64_t elapsed) noexcept nogil:
    cdef uint32_t k
    for k in range(state.band_count):
        _accrue(state, state.bands[k], elapsed)


cdef void _accrue(State* state, BandMarket* market, int64_t elapsed) noexcept nogil:
    cdef int64_t before = debt_of(market, market.scaled), interest
    cdef int128 growth = floor_divide(<int128>market.rate * elapsed, YEAR), raised
    cdef Event* event
    if growth and before:
        raised = -1
        if fits(growth):
            raised = market.index + ceil_divide(market.index * growth, INDEX_ONE)
        if raised < 0 or not fits(raised * 2) or not fits(ceil_divide(market.scaled * raised, INDEX_ONE) * 2):
            state.failed = FAILURE_OVERFLOW
            return
        market.index = <int64_t>raised
    interest = debt_of(market, market.scaled) - before
    if interest:
        if add_into(&market.sums.interest, interest):
            state.failed = FAILURE_OVERFLOW
        event = log_append(&state.log, EVENT_INTEREST, state.reserves[market.money].borrowed_side, -1, 0)
        event.quantity = interest
        market.changed = state.log.first + state.log.count - 1
        market.changed_wave = 0
    test_loans(state, market)
