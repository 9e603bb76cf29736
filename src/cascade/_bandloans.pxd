"""Interface of loans in bands: deposits and claims, health, and which loans are looked at when."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._bands cimport Band, BandMarket, Loan
from cascade._state cimport State


cdef inline Band* band_at(const BandMarket* market, int32_t number) noexcept nogil:
    return &market.grid[market.width + number]


cdef enum Placement:
    PLACED = 0
    PLACE_TOO_LOW = 1         # the debt asks for a band that is not free or above the oracle
    PLACE_TOO_LITTLE = 2
    PLACE_OVERFLOW = 3
    PLACE_MEMORY = 4

# Atoms owed for a scaled debt, rounded up.
cdef int64_t debt_of(const BandMarket* market, int64_t scaled) noexcept nogil
# Atoms and parts that belong to shares of a band, rounded down.
cdef void claim_of(const Band* band, int64_t shares, int64_t* stable, int64_t* parts) noexcept nogil
cdef void holding_of(const BandMarket* market, const Loan* loan, int64_t* stable, int64_t* parts) noexcept nogil
# Atoms that count against a loan's debt; `settled`: without what the oracle is above its bands.
cdef int64_t backing_of(State* state, BandMarket* market, const Loan* loan, int64_t* settled) noexcept nogil
cdef int64_t health_of(State* state, BandMarket* market, const Loan* loan) noexcept nogil
# Highest band from which down to the active one none holds money.
cdef int32_t highest_free(const BandMarket* market) noexcept nogil
# Spreads collateral over the bands that a debt asks for and writes them into the loan.
cdef int place_loan(BandMarket* market, uint32_t number, int64_t parts, int64_t debt) noexcept nogil
# A share of a loan's bands, in parts of 10**9, out of them.
cdef void take_claims(BandMarket* market, uint32_t number, int64_t fraction, int64_t* stable,
                      int64_t* parts) noexcept nogil
# An entry of a loan into the list of a band, with its shares; the band has them already.
cdef void join_band(BandMarket* market, uint32_t entry, uint32_t loan, int32_t number,
                    int64_t shares) noexcept nogil
# Out of the indices of loans by band; its entries are free then.
cdef void leave_bands(BandMarket* market, uint32_t number) noexcept nogil
# A loan without entries; -1: no memory.
cdef int64_t new_loan(BandMarket* market, int32_t account, int32_t bands) noexcept nogil
cdef void forget_loan(BandMarket* market, uint32_t number) noexcept nogil
# What was held changed: what was worked out before is stale.
cdef void begin_occasion(BandMarket* market) noexcept nogil
cdef void test_loan(State* state, BandMarket* market, uint32_t number) noexcept nogil
# Something that health depends on changed by an event; the loans whose health may have changed are tested.
cdef void note_change(State* state, BandMarket* market, int64_t event, int32_t wave) noexcept nogil
cdef void test_loans(State* state, BandMarket* market) noexcept nogil
cdef void test_traded(State* state, BandMarket* market, int32_t low, int32_t high) noexcept nogil
cdef void put_aside(BandMarket* market, uint32_t number) noexcept nogil
cdef void end_aside(State* state, BandMarket* market) noexcept nogil
cdef void believe_in_bands(State* state, uint32_t number, int64_t event, int32_t wave) noexcept nogil
cdef void accrue_bands(State* state, int64_t elapsed) noexcept nogil
cdef void free_bands(State* state) noexcept
