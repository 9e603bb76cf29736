"""Interface of the bands' arithmetic: prices, the curve of a band, what a trade in it comes to."""

from libc.stdint cimport int32_t, int64_t

from cascade._arithmetic cimport int128
from cascade._bands cimport Band, BandMarket

# Parts of a price of so many atoms a lot, at most 2**62.
cdef int64_t price_parts(const BandMarket* market, int64_t atoms) noexcept nogil
# Atoms of collateral at a band's upper price, rounded down.
cdef int64_t value_at(const Band* band, int128 parts) noexcept nogil
cdef bint trades_no_further(const BandMarket* market, const Band* band, bint buy) noexcept nogil
# Atoms for so many parts of a band's collateral, rounded up; -1: does not fit.
cdef int64_t purchase_cost(const BandMarket* market, const Band* band, int64_t taken) noexcept nogil
# Of so many parts offered those that a band takes and atoms for them, rounded down; 1: the band takes all
# that is left, 0: it is used up, -1: does not fit.
cdef int sale_proceeds(const BandMarket* market, const Band* band, int64_t left, int64_t* taken,
                       int64_t* got) noexcept nogil
# Atoms that a band becomes when the price falls slowly through it; -1: does not fit.
cdef int64_t going_down(const BandMarket* market, int32_t number, int64_t stable,
                        int64_t collateral) noexcept nogil
# Collateral in so many bands by what it becomes, as collateral at the first band's upper price, parts.
cdef int64_t effective_parts(const BandMarket* market, int64_t parts, int32_t bands,
                             int64_t discount) noexcept nogil
cdef int128 wide_root(int128 value) noexcept nogil
