"""Curve of a band of soft liquidation: in a band (f + x) (g + y) is constant at one price of the oracle.

docs/bands-market.md gives the formulas, all in atoms at the band's upper price, with every rounding for the
bands. Bounds on what a band holds keep each product within 128 bits.
"""

from libc.stdint cimport int32_t, int64_t

from cascade._arithmetic cimport ceil_divide, floor_divide, int128, saturate
from cascade._bands cimport RATIO_BITS, VALUE_BITS, Band, BandMarket
from cascade._state cimport RATE_DENOMINATOR

cdef extern from *:
    """
    #define CASCADE_BAND_LARGEST (((__int128)1) << 54)
    #define CASCADE_BAND_LINEAR (((__int128)1) << 61)
    #define CASCADE_BAND_ONE (((__int128)1) << 40)
    static inline __int128 cascade_wide_root(__int128 value) {
        __int128 root = 1, next;
        if (value < 2) return value < 0 ? 0 : value;
        {
            uint64_t high = (uint64_t)((unsigned __int128)value >> 64);
            int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)value);
            root <<= (bits + 1) / 2;
        }
        while (1) {
            next = (root + value / root) >> 1;
            if (next >= root) return root;
            root = next;
        }
    }
    """
    const int128 LARGEST "CASCADE_BAND_LARGEST"          # a band's value times the amplification
    const int128 LARGEST_LINEAR "CASCADE_BAND_LINEAR"
    const int128 ONE "CASCADE_BAND_ONE"                  # a ratio of one
    int128 c_wide_root "cascade_wide_root"(int128 value) noexcept nogil

cdef int64_t LARGEST_PRICE = <int64_t>1 << 62
cdef int64_t LEAST_RATIO = <int64_t>1 << 28
cdef int64_t LARGEST_RATIO = <int64_t>1 << 52
cdef int64_t LEAST_CURVED = <int64_t>1 << 36
cdef int64_t LARGEST_CURVED = <int64_t>1 << 44
cdef int128 LARGEST_ATOMS = <int128>1 << 60

cdef struct Curve:            # virtual reserves, atoms at the upper price
    int128 stable
    int128 collateral


cdef int128 wide_root(int128 value) noexcept nogil:
    return c_wide_root(value)


cdef inline int128 _scale(int128 a, int128 ratio) noexcept nogil:
    # a times a ratio, rounded down; neither is below 0
    return (a * ratio) >> RATIO_BITS


cdef inline int128 _clamp(int128 value, int64_t low, int64_t high) noexcept nogil:
    if value < low:
        return low
    if value > high:
        return high
    return value


cdef inline int128 _above_zero(int128 value) noexcept nogil:
    if value < 1:
        return 1
    return value


cdef inline int128 _positive(int128 value) noexcept nogil:
    if value < 0:
        return 0
    return value


cdef int64_t price_parts(const BandMarket* market, int64_t atoms) noexcept nogil:
    cdef int128 price = <int128>atoms << market.shift
    if price > LARGEST_PRICE:
        return LARGEST_PRICE
    return <int64_t>price


cdef inline int128 _value(const Band* band, int128 parts) noexcept nogil:
    return (parts * band.edge) >> VALUE_BITS


cdef int64_t value_at(const Band* band, int128 parts) noexcept nogil:
    return saturate(_value(band, parts))


cdef inline int128 _ratio(const BandMarket* market, const Band* band) noexcept nogil:
    # of the oracle's price to the band's upper one
    return _clamp(floor_divide(<int128>market.oracle << RATIO_BITS, band.edge), LEAST_RATIO, LARGEST_RATIO)


cdef bint _curve(const BandMarket* market, const Band* band, int128 x, int128 value, bint dear,
                 Curve* curve) noexcept nogil:
    # dear: f is rounded up and g down; gives False where the band holds more than fits
    cdef int64_t a = market.amplification
    cdef int128 r = _clamp(_ratio(market, band), LEAST_CURVED, LARGEST_CURVED), linear, start
    if a * x > LARGEST or a * value > LARGEST:
        return False
    linear = floor_divide(((a - 1) * x) << RATIO_BITS, r) + _scale(_scale(r, r) * a, value)
    if linear > LARGEST_LINEAR:
        return False
    start = (linear + wide_root(linear * linear + _scale(4 * a * x, r) * value)) << RATIO_BITS
    start = floor_divide(start, 2 * r)
    if dear:
        curve.stable = ceil_divide(ceil_divide(start * r, ONE) * r, ONE)
        curve.collateral = floor_divide(floor_divide(start * (a - 1), a) << RATIO_BITS, r)
    else:
        curve.stable = _scale(_scale(start, r), r)
        curve.collateral = ceil_divide(ceil_divide(start * (a - 1), a) << RATIO_BITS, r)
    return True


cdef int64_t _fee(const BandMarket* market, const Band* band) noexcept nogil:
    # of trades: the market's, the oracle's step, or a quarter of how far the oracle is from the band's prices
    cdef int128 r = _clamp(_ratio(market, band), LEAST_CURVED, LARGEST_CURVED), low = _scale(r, r), high, far = 0
    cdef int64_t a = market.amplification, fee = market.fee
    if market.oracle_fee > fee:
        fee = market.oracle_fee
    if low > ONE:
        far = floor_divide((low - ONE) << RATIO_BITS, low) // 4
    else:
        high = floor_divide(floor_divide(low * a, a - 1) * a, a - 1)
        if high < ONE:
            far = (ONE - high) // 4
    if far > fee:
        return <int64_t>far
    return fee


cdef bint trades_no_further(const BandMarket* market, const Band* band, bint buy) noexcept nogil:
    cdef int128 back = floor_divide(<int128>band.edge << RATIO_BITS, market.oracle)
    if buy:
        return back < floor_divide(ONE << RATIO_BITS, market.far)
    return back > market.far


cdef int64_t purchase_cost(const BandMarket* market, const Band* band, int64_t taken) noexcept nogil:
    cdef int128 rest = _value(band, band.collateral - taken)
    cdef int128 moved = ceil_divide(<int128>band.collateral * band.edge, <int128>1 << VALUE_BITS) - rest
    cdef Curve curve
    if not _curve(market, band, band.stable, _value(band, band.collateral), True, &curve):
        return -1
    rest = ceil_divide((curve.stable + band.stable) * moved, _above_zero(curve.collateral + rest))
    if rest > LARGEST_ATOMS:
        return -1
    rest = ceil_divide(rest << RATIO_BITS, ONE - _fee(market, band))
    if rest > LARGEST_ATOMS:
        return -1
    return <int64_t>rest


cdef int sale_proceeds(const BandMarket* market, const Band* band, int64_t left, int64_t* taken,
                       int64_t* got) noexcept nogil:
    cdef int64_t kept = <int64_t>(ONE - _fee(market, band))
    cdef int128 value = _value(band, band.collateral), needed, moved
    cdef Curve curve
    taken[0] = got[0] = 0
    if not _curve(market, band, band.stable, value, False, &curve):
        return -1
    if curve.stable == 0:
        return 0
    needed = ceil_divide(band.stable * (curve.collateral + value), curve.stable)
    if needed <= LARGEST_ATOMS:
        needed = ceil_divide(ceil_divide(needed << VALUE_BITS, band.edge) << RATIO_BITS, kept)
    if left >= needed:
        taken[0] = <int64_t>needed
        got[0] = band.stable
        return 0
    moved = _value(band, _scale(left, kept))
    moved = floor_divide((curve.stable + band.stable) * moved, curve.collateral + value + moved)
    taken[0] = left
    got[0] = band.stable
    if moved < band.stable:
        got[0] = <int64_t>moved
    return 1


cdef int64_t _falls_through(const BandMarket* market, const Band* band, int128 r, int128 x,
                            int128 value) noexcept nogil:
    # from the oracle's price down through a band that the price is in, or that holds both
    cdef int64_t a = market.amplification
    cdef const Band* below = band + 1
    cdef Curve curve
    cdef int128 constant, there, stable
    if not _curve(market, band, x, value, False, &curve):
        return -1
    constant = (curve.stable + x) * (curve.collateral + value)
    if market.oracle > band.edge:
        if curve.stable == 0:
            return 0
        there = floor_divide(constant, curve.stable) - curve.collateral
        return <int64_t>floor_divide(_positive(there) << RATIO_BITS, market.root)
    if market.oracle < below.edge:
        return <int64_t>_positive(floor_divide(constant, _above_zero(curve.collateral)) - curve.stable)
    there = floor_divide(floor_divide(curve.stable << RATIO_BITS, r) << RATIO_BITS, r)
    there = floor_divide(there * (market.oracle - below.edge), market.oracle)
    stable = _positive(floor_divide(constant, _above_zero(curve.collateral + there)) - curve.stable)
    return <int64_t>(stable + _scale(there, wide_root(floor_divide((r * (a - 1)) << RATIO_BITS, a))))


cdef int64_t going_down(const BandMarket* market, int32_t number, int64_t stable,
                        int64_t collateral) noexcept nogil:
    cdef const Band* band = &market.grid[market.width + number]
    cdef int64_t a = market.amplification
    cdef int128 r, value, x = stable
    cdef int _k
    if stable == 0 and collateral == 0:
        return 0
    r = _ratio(market, band)
    value = _value(band, collateral)
    if not (stable and collateral) and market.oracle > band.edge:
        if collateral:
            return <int64_t>floor_divide(value << RATIO_BITS, market.root)
        for _k in range(3):
            x = floor_divide(x << RATIO_BITS, r)
        return <int64_t>floor_divide(floor_divide(x * (a - 1), a) << RATIO_BITS, market.root)
    if not (stable and collateral) and market.oracle < (band + 1).edge:
        if stable:
            return stable
        for _k in range(3):
            value = _scale(value, r)
        return <int64_t>floor_divide(value * a, a - 1)
    return _falls_through(market, band, r, x, value)


cdef int64_t effective_parts(const BandMarket* market, int64_t parts, int32_t bands,
                             int64_t discount) noexcept nogil:
    cdef int64_t a = market.amplification
    cdef int128 part = floor_divide(<int128>parts * (RATE_DENOMINATOR - discount), RATE_DENOMINATOR), total = 0
    cdef int32_t _k
    part = floor_divide(part << RATIO_BITS, <int128>market.root * bands)
    for _k in range(bands):
        total += part
        part = floor_divide(part * (a - 1), a)
    return <int64_t>total
