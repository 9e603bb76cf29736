"""Interface of the call auction: the price an uncross would have, and the uncross."""

from libc.stdint cimport int32_t, int64_t

from cascade._book cimport Book

cdef struct Indicative:
    int64_t volume            # lots; 0: nothing can trade, and the rest is 0
    int64_t imbalance         # lots to buy at or above the price minus lots to sell at or below
    int32_t price             # ticks

cdef void auction_open(Book* book) noexcept nogil
cdef void auction_indicative(const Book* book, Indicative* out) noexcept nogil
# Trades at the indicative price, appends the fills and reopens the book; stops are not fired.
# Reduce-only orders are cut by `allow` as in continuous trading, each when its turn comes.
cdef void auction_uncross(Book* book, Indicative* out) noexcept nogil
