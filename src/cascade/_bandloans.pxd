"""Interface of loans in bands: deposits and claims, health, and their memory."""

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
# Atoms that a whole band becomes as the price falls through it, worked out once an occasion.
cdef int64_t down_of(State* state, BandMarket* market, int32_t number) noexcept nogil
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
# No longer among those that are looked at whenever anything changes.
cdef void cool_loan(BandMarket* market, uint32_t number) noexcept nogil
# Without any guard, and not among those either.
cdef void unwatch_loan(BandMarket* market, uint32_t number) noexcept nogil
cdef void free_bands(State* state) noexcept
