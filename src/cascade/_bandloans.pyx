"""Loans against bands: where their collateral lies, what it is worth, and when a loan is looked at again.

docs/bands-market.md. Every loan is in a list of each of its bands. A loan whose bands the oracle has not
reached, or has left behind, is looked at when the oracle comes to its edge, when a trade goes through one of
its bands, or when its debt reaches what backs it; all others whenever anything changes.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from cascade._arithmetic cimport add_into, ceil_divide, fits, floor_divide, int128, saturate
from cascade._bandcurve cimport effective_parts, going_down, price_parts, value_at
from cascade._bands cimport (
    LOAN_ASIDE, LOAN_DUE, NO_ENTRY, RATIO_BITS, VALUE_BITS, Band, BandMarket, Entry, Loan,
)
from cascade._heap cimport heap_free, heap_remove, heap_reserve, heap_set
from cascade._log cimport Event, log_append
from cascade._reserve cimport INDEX_ONE, Reserve
from cascade._state cimport FAILURE_OVERFLOW, RATE_DENOMINATOR, State
from cascade._types cimport EVENT_INTEREST

cdef enum:
    SLACK = 6                 # atoms a band by which rounding may lower what a loan is worth

cdef int64_t INFINITE = <int64_t>1 << 62
cdef int64_t LARGEST_SHARES = <int64_t>1 << 60
cdef int64_t LARGEST_HELD = <int64_t>1 << 51    # a band's value times the amplification, when deposited
cdef int64_t MEMORY = <int64_t>120 * 1000000000
cdef int64_t ONE = <int64_t>1 << 40
cdef int64_t YEAR = <int64_t>365 * 86400 * 1000000000
cdef int64_t LARGEST_FEE = (<int64_t>1 << 40) // 16 * 15


# ---------------------------------------------------------------- claims

cdef int64_t debt_of(const BandMarket* market, int64_t scaled) noexcept nogil:
    return <int64_t>ceil_divide(<int128>scaled * market.index, INDEX_ONE)


cdef void claim_of(const Band* band, int64_t shares, int64_t* stable, int64_t* parts) noexcept nogil:
    cdef int64_t whole = band.shares + 1
    stable[0] = <int64_t>floor_divide(<int128>(band.stable + 1) * shares, whole) if band.stable else 0
    parts[0] = <int64_t>floor_divide(<int128>(band.collateral + 1) * shares, whole) if band.collateral else 0


cdef void holding_of(const BandMarket* market, const Loan* loan, int64_t* stable, int64_t* parts) noexcept nogil:
    cdef int32_t k
    cdef int64_t x, y
    stable[0] = parts[0] = 0
    for k in range(loan.bands):
        claim_of(band_at(market, loan.first + k), market.entries[loan.at + k].shares, &x, &y)
        stable[0] += x
        parts[0] += y


cdef inline int64_t _down(State* state, BandMarket* market, int32_t number) noexcept nogil:
    # of a whole band, worked out once an occasion
    cdef Band* band = band_at(market, number)
    if band.occasion != market.occasion:
        band.occasion = market.occasion
        band.down = going_down(market, number, band.stable if number <= market.active else 0,
                               band.collateral if number >= market.active else 0)
        if band.down < 0:
            state.failed = FAILURE_OVERFLOW
    return band.down


cdef int64_t backing_of(State* state, BandMarket* market, const Loan* loan, int64_t* settled) noexcept nogil:
    cdef int128 total = 0
    cdef int32_t k
    cdef int64_t stable, parts, edge = band_at(market, loan.first).edge
    for k in range(loan.bands):
        total += floor_divide(<int128>_down(state, market, loan.first + k) * market.entries[loan.at + k].shares,
                              band_at(market, loan.first + k).shares + 1)
    total = floor_divide(total * (RATE_DENOMINATOR - market.liquidation_discount), RATE_DENOMINATOR)
    settled[0] = saturate(total)
    if loan.first > market.active and market.oracle > edge:
        holding_of(market, loan, &stable, &parts)
        total += (<int128>parts * (market.oracle - edge)) >> VALUE_BITS
    return saturate(total)


cdef int64_t health_of(State* state, BandMarket* market, const Loan* loan) noexcept nogil:
    cdef int64_t settled, backing
    cdef int128 health
    if loan.debt == 0:
        return INFINITE
    backing = backing_of(state, market, loan, &settled)
    health = floor_divide(<int128>backing * RATE_DENOMINATOR, debt_of(market, loan.debt))
    if health > INFINITE:
        return INFINITE
    return <int64_t>health


# ---------------------------------------------------------------- which bands

cdef int32_t highest_free(const BandMarket* market) noexcept nogil:
    cdef int32_t n = market.active
    while n >= market.low and band_at(market, n).stable == 0:
        n -= 1
    return n + 1 if n >= market.low else 1 - market.width


cdef bint _first_band(const BandMarket* market, int64_t parts, int64_t debt, int32_t bands,
                      int32_t* first) noexcept nogil:
    # the lowest band at whose upper price the collateral is worth more than the debt
    cdef int64_t worth = effective_parts(market, parts, bands, market.loan_discount)
    cdef int32_t low = -market.width, high = market.width - bands, middle
    while low < high:
        middle = low + (high - low + 1) // 2
        if value_at(band_at(market, middle), worth) > debt:
            low = middle
        else:
            high = middle - 1
    first[0] = low
    return low >= highest_free(market) and band_at(market, low).edge <= market.oracle


cdef inline int64_t _part(int64_t parts, int32_t bands, int32_t k) noexcept nogil:
    # the first band takes what the others leave
    cdef int64_t each = parts // bands
    return parts - each * (bands - 1) if k == 0 else each


cdef int _shares(const BandMarket* market, int32_t first, int64_t parts, int32_t bands,
                 int64_t* shares) noexcept nogil:
    cdef int32_t k
    cdef int64_t part
    cdef const Band* band
    cdef int128 share, held
    for k in range(bands):
        band = band_at(market, first + k)
        part = _part(parts, bands, k)
        share = floor_divide(<int128>(band.shares + 1) * part, <int128>band.collateral + 1)
        if share == 0:
            return PLACE_TOO_LITTLE
        held = <int128>band.collateral + part
        if (share + band.shares > LARGEST_SHARES or held > LARGEST_SHARES
                or <int128>value_at(band, held) * market.amplification > LARGEST_HELD):
            return PLACE_OVERFLOW
        shares[k] = <int64_t>share
    return PLACED


cdef int place_loan(BandMarket* market, uint32_t number, int64_t parts, int64_t debt) noexcept nogil:
    cdef Loan* loan = &market.loans[number]
    cdef int32_t bands = loan.bands, first, k
    cdef int64_t[50] shares
    cdef Band* band
    cdef int code
    if not _first_band(market, parts, debt, bands, &first):
        return PLACE_TOO_LOW
    if parts // bands <= 100:
        return PLACE_TOO_LITTLE
    code = _shares(market, first, parts, bands, shares)
    if code != PLACED:
        return code
    loan.first = first
    for k in range(bands):
        band = band_at(market, first + k)
        band.collateral += _part(parts, bands, k)
        band.shares += shares[k]
        join_band(market, loan.at + k, number, first + k, shares[k])
    if first <= market.active:
        market.active = first - 1
    if first < market.low:
        market.low = first
    if first + bands - 1 > market.high:
        market.high = first + bands - 1
    begin_occasion(market)
    return PLACED


cdef void join_band(BandMarket* market, uint32_t entry, uint32_t loan, int32_t number,
                    int64_t shares) noexcept nogil:
    cdef Band* band = band_at(market, number)
    cdef Entry* made = &market.entries[entry]
    made.shares = shares
    made.loan = loan
    made.previous = NO_ENTRY
    made.next = band.head
    if band.head != NO_ENTRY:
        market.entries[band.head].previous = entry
    band.head = entry


cdef void _unlink(BandMarket* market, uint32_t entry, int32_t number) noexcept nogil:
    cdef const Entry* gone = &market.entries[entry]
    if gone.previous == NO_ENTRY:
        band_at(market, number).head = gone.next
    else:
        market.entries[gone.previous].next = gone.next
    if gone.next != NO_ENTRY:
        market.entries[gone.next].previous = gone.previous


cdef void take_claims(BandMarket* market, uint32_t number, int64_t fraction, int64_t* stable,
                      int64_t* parts) noexcept nogil:
    cdef const Loan* loan = &market.loans[number]
    cdef int32_t k
    cdef int64_t taken, x, y
    cdef Band* band
    stable[0] = parts[0] = 0
    for k in range(loan.bands):
        band = band_at(market, loan.first + k)
        taken = <int64_t>floor_divide(<int128>market.entries[loan.at + k].shares * fraction, RATE_DENOMINATOR)
        claim_of(band, taken, &x, &y)
        band.stable -= x
        band.collateral -= y
        band.shares -= taken
        market.entries[loan.at + k].shares -= taken
        if band.shares == 0:
            market.sums.stable_dust += band.stable
            market.sums.dust_parts += band.collateral
            band.stable = band.collateral = 0
        stable[0] += x
        parts[0] += y
    begin_occasion(market)


cdef void leave_bands(BandMarket* market, uint32_t number) noexcept nogil:
    cdef const Loan* loan = &market.loans[number]
    cdef int32_t k
    for k in range(loan.bands):
        _unlink(market, loan.at + k, loan.first + k)


# ---------------------------------------------------------------- memory of loans

cdef int _room(BandMarket* market, int64_t loans, int64_t entries) noexcept nogil:
    cdef void* grown
    cdef int64_t wanted
    if loans > market.loan_capacity:
        wanted = loans * 2 if loans > 16 else 16
        grown = realloc(market.loans, <size_t>wanted * sizeof(Loan))
        if grown == NULL:
            return -1
        market.loans = <Loan*>grown
        grown = realloc(market.hot, <size_t>wanted * sizeof(uint32_t))
        if grown == NULL:
            return -1
        market.hot = <uint32_t*>grown
        grown = realloc(market.aside, <size_t>wanted * sizeof(uint32_t))
        if grown == NULL:
            return -1
        market.aside = <uint32_t*>grown
        if (heap_reserve(&market.due, <uint32_t>wanted, <uint32_t>wanted)
                or heap_reserve(&market.guards, <uint32_t>wanted, <uint32_t>wanted)):
            return -1
        market.loan_capacity = wanted
    if entries > market.entry_capacity:
        wanted = entries * 2 if entries > 64 else 64
        grown = realloc(market.entries, <size_t>wanted * sizeof(Entry))
        if grown == NULL:
            return -1
        market.entries = <Entry*>grown
        market.entry_capacity = wanted
    return 0


cdef int64_t new_loan(BandMarket* market, int32_t account, int32_t bands) noexcept nogil:
    cdef Loan* loan
    cdef uint32_t run = market.free_entries[bands]
    if _room(market, market.loan_count + 1, market.entry_count + bands):
        return -1
    loan = &market.loans[market.loan_count]
    memset(loan, 0, sizeof(Loan))
    loan.account = account
    loan.bands = <uint8_t>bands
    loan.hot_at = NO_ENTRY
    loan.cause = -1
    if run != NO_ENTRY:
        market.free_entries[bands] = market.entries[run].next
        loan.at = run
    else:
        loan.at = <uint32_t>market.entry_count
        market.entry_count += bands
    market.loan_count += 1
    return market.loan_count - 1


cdef void forget_loan(BandMarket* market, uint32_t number) noexcept nogil:
    # repaid: its entries serve another loan, its number nobody
    cdef Loan* loan = &market.loans[number]
    if loan.bands == 0:
        return
    leave_bands(market, number)
    market.entries[loan.at].next = market.free_entries[loan.bands]
    market.free_entries[loan.bands] = loan.at
    loan.bands = 0
    loan.flags &= ~LOAN_DUE
    heap_remove(&market.due, number)
    heap_remove(&market.guards, number)
    _cool(market, number)


# ---------------------------------------------------------------- who is looked at

cdef void begin_occasion(BandMarket* market) noexcept nogil:
    market.occasion += 1


cdef void _heat(BandMarket* market, uint32_t number) noexcept nogil:
    heap_remove(&market.guards, number)
    if market.loans[number].hot_at == NO_ENTRY:
        market.loans[number].hot_at = <uint32_t>market.hot_count
        market.hot[market.hot_count] = number
        market.hot_count += 1


cdef void _cool(BandMarket* market, uint32_t number) noexcept nogil:
    cdef uint32_t at = market.loans[number].hot_at, last
    if at == NO_ENTRY:
        return
    market.hot_count -= 1
    last = market.hot[market.hot_count]
    market.hot[at] = last
    market.loans[last].hot_at = at
    market.loans[number].hot_at = NO_ENTRY


cdef void _watch(BandMarket* market, uint32_t number, int64_t settled, int64_t debt) noexcept nogil:
    # a healthy loan: cold as long as neither the oracle nor a trade comes to its bands
    cdef Loan* loan = &market.loans[number]
    cdef const Band* first = band_at(market, loan.first)
    cdef int32_t last = loan.first + loan.bands - 1
    cdef bint above = loan.first > market.active and market.oracle > first.edge
    cdef bint below = last < market.active and market.oracle < band_at(market, last + 1).edge
    cdef int64_t least = settled - loan.bands * (SLACK + 2 * (first.edge >> VALUE_BITS))
    if not (above or below) or least < debt:
        _heat(market, number)
        return
    _cool(market, number)
    if market.rate:
        heap_set(&market.guards, number, saturate(floor_divide(<int128>least * INDEX_ONE, loan.debt)))


cdef void test_loan(State* state, BandMarket* market, uint32_t number) noexcept nogil:
    cdef Loan* loan = &market.loans[number]
    cdef int64_t backing, settled, debt
    cdef int128 health
    loan.tested = market.occasion
    if loan.debt == 0:
        loan.flags &= ~LOAN_DUE
        heap_remove(&market.due, number)
        heap_remove(&market.guards, number)
        _cool(market, number)
        return
    market.evaluations += 1
    backing = backing_of(state, market, loan, &settled)
    debt = debt_of(market, loan.debt)
    if backing >= debt:
        loan.flags &= ~LOAN_DUE
        heap_remove(&market.due, number)
        _watch(market, number, settled, debt)
        return
    if not loan.flags & LOAN_DUE:
        loan.flags |= LOAN_DUE
        loan.cause = market.changed
        loan.wave = market.changed_wave
    if not loan.flags & LOAN_ASIDE:
        health = floor_divide(<int128>backing * RATE_DENOMINATOR, debt)
        heap_set(&market.due, number, <int64_t>health)
    _heat(market, number)


cdef void _test_band(State* state, BandMarket* market, int32_t number, bint ends) noexcept nogil:
    # loans of a band; `ends`: only those that begin or end there
    cdef uint32_t at = band_at(market, number).head, loan
    cdef Loan* found
    while at != NO_ENTRY and not state.failed:
        loan = market.entries[at].loan
        at = market.entries[at].next
        found = &market.loans[loan]
        if found.tested == market.occasion or found.hot_at != NO_ENTRY:
            continue
        if not ends or number == found.first or number == found.first + found.bands - 1:
            test_loan(state, market, loan)


cdef void _test_crossed(State* state, BandMarket* market, int64_t old) noexcept nogil:
    # bands between whose upper prices the oracle moved, one more either way for lower ones
    cdef int64_t low = old, high = market.oracle
    cdef int32_t n
    if low > high:
        low, high = high, low
    n = _band_of(market, high)
    while n <= market.high and not state.failed:
        if n >= market.low:
            _test_band(state, market, n, True)
        if band_at(market, n).edge < low:
            return
        n += 1


cdef int32_t _band_of(const BandMarket* market, int64_t price) noexcept nogil:
    # a band above the first one whose upper price is not above
    cdef int32_t low = -market.width, high = market.width, middle
    while low < high:
        middle = low + (high - low) // 2
        if band_at(market, middle).edge <= price:
            high = middle
        else:
            low = middle + 1
    low -= 2
    return low if low > -market.width else -market.width


cdef void _test_hot(State* state, BandMarket* market) noexcept nogil:
    cdef int64_t k = market.hot_count - 1
    while k >= 0 and not state.failed:
        if market.loans[market.hot[k]].tested != market.occasion:
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
        _test_crossed(state, market, old)
    while market.guards.count and market.guards.nodes[0].key < market.index and not state.failed:
        test_loan(state, market, market.guards.nodes[0].item)
    _test_hot(state, market)


cdef void test_traded(State* state, BandMarket* market, int32_t low, int32_t high) noexcept nogil:
    # after `note_change`, in the same occasion
    cdef int32_t n
    for n in range(low, high + 1):
        _test_band(state, market, n, False)


cdef void note_change(State* state, BandMarket* market, int64_t event, int32_t wave) noexcept nogil:
    market.changed = event
    market.changed_wave = wave
    test_loans(state, market)


cdef void put_aside(BandMarket* market, uint32_t number) noexcept nogil:
    if not market.loans[number].flags & LOAN_ASIDE:
        market.aside[market.aside_count] = number
        market.aside_count += 1
    market.loans[number].flags |= LOAN_ASIDE
    heap_remove(&market.due, number)


cdef void end_aside(State* state, BandMarket* market) noexcept nogil:
    # nothing has changed since they were tested last: those that are due wait again
    cdef int64_t k
    for k in range(market.aside_count):
        market.loans[market.aside[k]].flags &= ~LOAN_ASIDE
        test_loan(state, market, market.aside[k])
    market.aside_count = 0


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


cdef void free_bands(State* state) noexcept:
    cdef uint32_t k
    cdef BandMarket* market
    for k in range(state.band_count):
        market = state.bands[k]
        free(market.grid)
        free(market.loans)
        free(market.entries)
        free(market.hot)
        free(market.aside)
        heap_free(&market.due)
        heap_free(&market.guards)
        free(market)
    free(state.bands)
