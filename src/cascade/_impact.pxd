"""Interface of the impact venue: a price that is a function of the net quantity sold."""

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef enum ImpactKind:
    IMPACT_LINEAR = 0         # x = numerator * Q / denominator, exact
    IMPACT_SQUARE_ROOT = 1    # x = a * sqrt(Q), Q of the whole metaorder
    IMPACT_LOG = 2            # x = a * log(1 + Q / b)
    IMPACT_EXPONENTIAL = 3    # price = reference * exp(-Q / b)
    IMPACT_DEPTH_LINEAR = 4   # depth a * (1 + x / b) lots a tick at distance x
    IMPACT_DEPTH_EXPONENTIAL = 5   # depth a * exp(-x / b): finite in total
    IMPACT_DEPTH_TABLE = 6    # cumulative lots at given distances, linear between

cdef enum FillPrice:
    FILL_AVERAGE = 0          # middle of the prices before and after, against the aggressor
    FILL_AFTER = 1
    FILL_BEFORE = 2

cdef struct Impact:
    int64_t numerator         # linear
    int64_t denominator
    double a
    double b
    double permanent          # share of each trade that does not decay
    double decay_rate         # per second, of the rest
    int64_t permanent_lots    # net lots sold
    int64_t transient_lots
    double* distances         # table, ticks, ascending from 0
    double* depths            # cumulative lots
    int32_t table_count
    int32_t reference         # ticks; 0: none yet
    int32_t last              # price after the last change
    uint8_t kind
    uint8_t fill_price
    uint8_t pad[2]

cdef void impact_init(Impact* impact) noexcept nogil
cdef void impact_free(Impact* impact) noexcept nogil
cdef int impact_copy(Impact* target, const Impact* source) noexcept nogil
cdef int32_t impact_price(const Impact* impact, int64_t extra_lots_sold) noexcept nogil
# Lots executed of `lots` at `limit` or better (0: no limit); writes the fill price, moves the price.
cdef int64_t impact_execute(Impact* impact, uint8_t side, int64_t lots, int32_t limit,
                            int32_t* fill_price) noexcept nogil
# Would so many more lots, either way, stay within 2**60?
cdef bint impact_fits(const Impact* impact, int64_t lots) noexcept nogil
cdef void impact_set_reference(Impact* impact, int32_t reference) noexcept nogil
cdef void impact_decay(Impact* impact, int64_t nanoseconds) noexcept nogil
