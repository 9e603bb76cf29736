"""Loans against bands: where their collateral lies, what it is worth, and the memory of them.

docs/bands-market.md. Every loan is in a list of each of its bands; when it is looked at is in _bandwatch.pyx.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from cascade._arithmetic cimport ceil_divide, floor_divide, int128, saturate
from cascade._bandcurve cimport effective_parts, going_down, value_at
from cascade._bandguards cimport remove_guard, reserve_guards
from cascade._bands cimport (
    LOAN_DUE, LARGEST_UNIT_BITS, NO_ENTRY, UNIT_BITS, VALUE_BITS, Band, BandMarket, Entry, Loan,
)
from cascade._heap cimport heap_free, heap_remove, heap_reserve
from cascade._reserve cimport INDEX_ONE
from cascade._state cimport FAILURE_OVERFLOW, RATE_DENOMINATOR, State

cdef int64_t INFINITE = <int64_t>1 << 62
cdef int64_t LARGEST_UNIT = <int64_t>1 << LARGEST_UNIT_BITS
cdef int64_t LARGEST_SHARES = <int64_t>1 << 60
cdef int64_t LARGEST_HELD = <int64_t>1 << 51    # a band's value times the amplification, when deposited


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


cdef int64_t down_of(State* state, BandMarket* market, int32_t number) noexcept nogil:
    # of a whole band, worked out once an occasion
    cdef Band* band = band_at(market, number)
    cdef int128 unit
    if band.occasion != market.occasion:
        band.occasion = market.occasion
        band.down = going_down(market, number, band.stable if number <= market.active else 0,
                               band.collateral if number >= market.active else 0)
        if band.down < 0:
            state.failed = FAILURE_OVERFLOW
        unit = floor_divide(<int128>band.down << UNIT_BITS, <int128>band.shares + 1)
        band.unit = LARGEST_UNIT
        if unit < LARGEST_UNIT:
            band.unit = <int64_t>unit
    return band.down


cdef int64_t backing_of(State* state, BandMarket* market, const Loan* loan, int64_t* settled) noexcept nogil:
    cdef int128 total = 0
    cdef int32_t k
    cdef int64_t stable, parts, edge = band_at(market, loan.first).edge
    for k in range(loan.bands):
        total += floor_divide(<int128>down_of(state, market, loan.first + k) * market.entries[loan.at + k].shares,
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
    cdef Band* band
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
        if reserve_guards(band, band.members + 1):
            return PLACE_MEMORY
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
    made.guard = NO_ENTRY
    made.previous = NO_ENTRY
    made.next = band.head
    band.members += 1
    if band.head != NO_ENTRY:
        market.entries[band.head].previous = entry
    band.head = entry


cdef void _unlink(BandMarket* market, uint32_t entry, int32_t number) noexcept nogil:
    cdef const Entry* gone = &market.entries[entry]
    remove_guard(market, band_at(market, number), entry)
    band_at(market, number).members -= 1
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
                or heap_reserve(&market.guards, <uint32_t>wanted, <uint32_t>wanted)
                or heap_reserve(&market.falls, <uint32_t>wanted, <uint32_t>wanted)
                or heap_reserve(&market.reached, <uint32_t>wanted, <uint32_t>wanted)):
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


cdef void begin_occasion(BandMarket* market) noexcept nogil:
    market.occasion += 1


cdef void cool_loan(BandMarket* market, uint32_t number) noexcept nogil:
    cdef uint32_t at = market.loans[number].hot_at, last
    if at == NO_ENTRY:
        return
    market.hot_count -= 1
    last = market.hot[market.hot_count]
    market.hot[at] = last
    market.loans[last].hot_at = at
    market.loans[number].hot_at = NO_ENTRY


cdef void unwatch_loan(BandMarket* market, uint32_t number) noexcept nogil:
    cdef const Loan* loan = &market.loans[number]
    cdef int32_t k
    for k in range(loan.bands):
        remove_guard(market, band_at(market, loan.first + k), loan.at + k)
    heap_remove(&market.guards, number)
    heap_remove(&market.falls, number)
    heap_remove(&market.reached, number)
    cool_loan(market, number)


cdef void forget_loan(BandMarket* market, uint32_t number) noexcept nogil:
    # repaid: its entries serve another loan, its number nobody
    cdef Loan* loan = &market.loans[number]
    if loan.bands == 0:
        return
    loan.flags &= ~LOAN_DUE
    heap_remove(&market.due, number)
    unwatch_loan(market, number)
    leave_bands(market, number)
    market.entries[loan.at].next = market.free_entries[loan.bands]
    market.free_entries[loan.bands] = loan.at
    loan.bands = 0


cdef void free_bands(State* state) noexcept:
    cdef uint32_t k
    cdef BandMarket* market
    cdef int64_t n
    for k in range(state.band_count):
        market = state.bands[k]
        for n in range(2 * market.width + 1):
            free(market.grid[n].guards)
        free(market.grid)
        free(market.loans)
        free(market.entries)
        free(market.hot)
        free(market.aside)
        heap_free(&market.due)
        heap_free(&market.guards)
        heap_free(&market.falls)
        heap_free(&market.reached)
        free(market)
    free(state.bands)
