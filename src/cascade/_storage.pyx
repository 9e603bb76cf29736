"""Memory of an engine: markets made and released, and the tables of accounts and positions."""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, free, malloc, realloc

from cascade._arithmetic cimport int128
from cascade._bandloans cimport free_bands
from cascade._book cimport book_free, book_init
from cascade._clearing cimport share_places
from cascade._halt cimport breaker_free
from cascade._impact cimport impact_free, impact_init
from cascade._margin cimport Tier, TierTable
from cascade._memory cimport memory_release
from cascade._sale cimport free_auctioneer
from cascade._state cimport Account, Market, Position, Ramp, State
from cascade._triggers cimport triggers_free, triggers_init


cdef Market* new_market(State* state, int64_t min_size, int64_t max_size, int32_t min_price,
                        int32_t max_price, tiers) except NULL:
    cdef Market* market = _blank_market(state)
    if market == NULL:
        raise MemoryError("no memory for a market")
    try:
        if book_init(&market.book, min_size, max_size, min_price, max_price):
            raise MemoryError("no memory for a book")
        write_tiers(&market.rules.table, tiers)
    except BaseException:
        free_market(market)
        raise
    return market


cdef int write_tiers(TierTable* table, tiers) except -1:
    cdef int64_t k
    table.tiers = <Tier*>malloc(len(tiers) * sizeof(Tier))
    if table.tiers == NULL:
        raise MemoryError("no memory for a tier table")
    for k, (floor, rate, initial, deduction) in enumerate(tiers):
        table.tiers[k].floor = floor
        table.tiers[k].rate = rate
        table.tiers[k].initial = initial
        table.tiers[k].pad = 0
        # a deduction numerator may pass 64 bits: two halves
        table.tiers[k].deduction = (
            <int128><int64_t>(deduction >> 62) * (<int128>1 << 62)
            + <int64_t>(deduction & ((1 << 62) - 1)))
    table.count = len(tiers)
    return 0


cdef Market* _blank_market(State* state) noexcept:
    # room in the list and a zeroed market with its heaps on the shared places
    cdef void* grown
    cdef Market* market
    cdef int d
    grown = realloc(state.markets, (state.market_count + 1) * sizeof(Market*))
    if grown == NULL:
        return NULL
    state.markets = <Market**>grown
    grown = realloc(state.touched, (state.market_count + 1) * sizeof(uint16_t))
    if grown == NULL:
        return NULL
    state.touched = <uint16_t*>grown
    grown = realloc(state.moved, (state.market_count + 1) * sizeof(uint16_t))
    if grown == NULL:
        return NULL
    state.moved = <uint16_t*>grown
    market = <Market*>calloc(1, sizeof(Market))
    if market == NULL:
        return NULL
    impact_init(&market.impact)
    for d in range(2):
        triggers_init(&market.exact[d])
        triggers_init(&market.guards[d])
        triggers_init(&market.due[d])
        triggers_init(&market.calls[d])
        triggers_init(&market.call_guards[d])
        triggers_init(&market.accruing[d])
        triggers_init(&market.call_accruing[d])
        share_places(state, market, d)
    return market


cdef void free_market(Market* market) noexcept:
    cdef int d
    for d in range(2):
        triggers_free(&market.exact[d])
        triggers_free(&market.guards[d])
        triggers_free(&market.due[d])
        triggers_free(&market.calls[d])
        triggers_free(&market.call_guards[d])
        triggers_free(&market.accruing[d])
        triggers_free(&market.call_accruing[d])
        free(market.marks[d].records)
        free(market.rankings[d].rows)
        free(market.rankings[d].order)
    free(market.peaks)
    free(market.delayed)
    free(market.samples)
    free(market.observations.entries)
    free(market.followers)
    free(market.sources)
    free(market.rules.table.tiers)
    free(market.warning.tiers)
    free(market.pool.segments)
    breaker_free(market.breaker)
    impact_free(&market.impact)
    book_free(&market.book)
    free(market)


cdef void free_lending(State* state) noexcept:
    cdef uint32_t k
    for k in range(state.reserve_count):
        free(state.reserves[k].waiting)
    for k in range(state.lending_count):
        free_auctioneer(state.lendings[k].auctioneer)
    free(state.reserves)
    for k in range(state.lending_count):
        free(state.lendings[k].offsets)
        free(state.lendings[k].owners)
    free(state.lendings)
    free(state.liquidators)
    free(state.categories)
    free(state.exposures)
    free_bands(state)


cdef void release_tables(State* state) noexcept:
    cdef size_t positions = state.position_capacity
    memory_release(state.accounts, <size_t>state.account_capacity * sizeof(Account))
    memory_release(state.positions, positions * sizeof(Position))
    memory_release(state.place, positions * sizeof(uint32_t))
    memory_release(state.guard_place[0], positions * sizeof(uint32_t))
    memory_release(state.guard_place[1], positions * sizeof(uint32_t))
    memory_release(state.call_place, positions * sizeof(uint32_t))
    memory_release(state.call_guard_place[0], positions * sizeof(uint32_t))
    memory_release(state.call_guard_place[1], positions * sizeof(uint32_t))
    memory_release(state.call_funding_place, positions * sizeof(uint32_t))
    if state.ramps:
        memory_release(state.account_ramps, <size_t>state.account_capacity * sizeof(Ramp))
        memory_release(state.position_ramps, positions * sizeof(Ramp))
    memory_release(state.funding_at, state.funding_capacity * sizeof(int64_t))
    memory_release(state.funding_place, state.funding_capacity * sizeof(uint32_t))
