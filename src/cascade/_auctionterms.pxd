"""Terms of auctions of one collateral; docs/collateral-auctions.md. Only structs, no behaviour."""

from libc.stdint cimport int64_t, uint8_t

cdef enum Curve:
    CURVE_LINEAR = 0
    CURVE_STAIRSTEP = 1
    CURVE_EXPONENTIAL = 2

cdef struct AuctionTerms:     # of one collateral; rates in parts of 10**9, money in atoms, times in ns
    int64_t penalty
    int64_t buf
    int64_t cut               # parts of 10**18
    int64_t span              # tau, step, or a second
    int64_t tail
    int64_t cusp
    int64_t hole              # limit on the tabs of its auctions, -1: none
    int64_t dust
    int64_t tip
    int64_t chip
    uint8_t curve
