"""Interface of interest-rate models: what debts and supplies grow by in a time, docs/lending-market.md."""

from libc.stdint cimport int64_t, uint8_t

from cascade._arithmetic cimport int128

cdef enum RateKind:
    RATE_NONE = 0
    RATE_KINK = 1
    RATE_JUMP = 2
    RATE_ADAPTIVE = 3
    RATE_FIXED = 4

cdef enum Compounding:        # of one accrual
    COMPOUNDING_LINEAR = 0
    COMPOUNDING_BINOMIAL = 1  # three terms of (1 + rate of a second) ** seconds
    COMPOUNDING_TAYLOR = 2    # three terms of the exponential
    COMPOUNDING_POWER = 3     # (1 + rate of a second) ** seconds

cdef struct Curve:            # parts of 10**18: rates of a period, and the utilisation where it bends
    int64_t base
    int64_t slope             # kinked: what the rate rises by up to the kink; else for each utilisation
    int64_t jump              # the same beyond it
    int64_t kink

cdef struct Rate:             # a model and its state
    Curve borrow
    Curve supply
    int64_t period            # ns
    int64_t at_target         # of an adaptive curve, a second's rate, as the next three
    int64_t speed
    int64_t least
    int64_t largest
    int64_t steepness         # parts of 10**18
    uint8_t kind
    uint8_t compounding
    uint8_t over_supplies     # utilisation is debts over supplies, else over cash and debts
    uint8_t supplies          # suppliers have a curve of their own
    int64_t most              # of a period, above which nothing accrues; 0: no limit
    int64_t waited            # ns since the last accrual, while the rate is above it

# A model from whole numbers; raises what a mapping raises.
cdef int fill_rate(Rate* rate, terms) except -1
# Parts of 10**18 that debts grow by in `elapsed` ns, -1: more than any index bears, -2: the rate is above what
# accrues. The state moves on.
cdef int128 borrow_growth(Rate* rate, int64_t utilisation, int64_t elapsed) noexcept nogil
# The same of supplies by their own curve.
cdef int128 supply_growth(const Rate* rate, int64_t utilisation, int64_t elapsed) noexcept nogil
