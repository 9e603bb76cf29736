"""Interest-rate models: kinked, jump and adaptive curves, fixed rates, and how an accrual compounds.

docs/lending-market.md has the formulas. Rates are parts of 10**18 for a period; quotients round down, those
of the adaptive curve toward zero, as its contracts do.
"""

from libc.stdint cimport int64_t, uint8_t

from cascade._arithmetic cimport divide_toward_zero, floor_divide, int128, saturate

cdef extern from *:
    """
    #define CASCADE_RATE_ONE 1000000000000000000LL
    #define CASCADE_RATE_SECOND 1000000000LL
    #define CASCADE_LN_2 693147180559945309LL
    #define CASCADE_LN_LEAST (-((cascade_int128)41446531673LL * 1000000000 + 892822312))
    #define CASCADE_EXPONENT_MOST ((cascade_int128)45 * 1000000000000000000LL)
    #define CASCADE_SHIFTED(x, n) ((n) >= 0 ? (x) << (n) : (x) >> -(n))
    """
    const int64_t ONE "CASCADE_RATE_ONE"
    const int64_t SECOND "CASCADE_RATE_SECOND"
    const int64_t LN_2 "CASCADE_LN_2"
    const int128 LN_LEAST "CASCADE_LN_LEAST"          # logarithm of 10**-18
    const int128 EXPONENT_MOST "CASCADE_EXPONENT_MOST"  # e**45 is above any rate over the least one
    int128 shifted "CASCADE_SHIFTED"(int128 x, int64_t n) noexcept nogil

cdef int128 LARGEST_GROWTH = <int128>4 * ONE     # an index that grows so much at once leaves 63 bits


cdef int _fill_curve(Curve* curve, terms) except -1:
    curve.base, curve.slope, curve.jump, curve.kink = terms
    return 0


cdef int fill_rate(Rate* rate, terms) except -1:
    _fill_curve(&rate.borrow, terms["borrow"])
    rate.supplies = terms["supply"] is not None
    if rate.supplies:
        _fill_curve(&rate.supply, terms["supply"])
    rate.kind = terms["kind"]
    rate.compounding = terms["compounding"]
    rate.over_supplies = terms["over_supplies"]
    rate.period = terms["period"]
    rate.most = terms["most"]
    rate.at_target = terms["at_target"]
    rate.speed = terms["speed"]
    rate.least = terms["least"]
    rate.largest = terms["largest"]
    rate.steepness = terms["steepness"]
    return 0


# ---------------------------------------------------------------- curves

cdef inline int64_t _kinked(const Curve* curve, int64_t utilisation) noexcept nogil:
    if utilisation <= curve.kink:
        return curve.base + <int64_t>floor_divide(<int128>curve.slope * utilisation, curve.kink)
    return curve.base + curve.slope + <int64_t>floor_divide(
        <int128>curve.jump * (utilisation - curve.kink), ONE - curve.kink)


cdef inline int64_t _bent(const Curve* curve, int64_t utilisation) noexcept nogil:
    # utilisation may be above one
    cdef int64_t low = utilisation if utilisation < curve.kink else curve.kink
    return saturate(curve.base + floor_divide(<int128>curve.slope * low, ONE)
                    + floor_divide(<int128>curve.jump * (utilisation - low), ONE))


# ---------------------------------------------------------------- the adaptive curve

cdef int128 _exponential(int128 x) noexcept nogil:
    # e**x, x below EXPONENT_MOST: halvings or doublings of a parabola
    cdef int128 turns, rest
    if x < LN_LEAST:
        return 0
    turns = divide_toward_zero(x + (LN_2 // 2 if x >= 0 else -(LN_2 // 2)), LN_2)
    rest = x - turns * LN_2
    return shifted(ONE + rest + floor_divide(floor_divide(rest * rest, ONE), 2), <int64_t>turns)


cdef int64_t _adapted(const Rate* rate, int128 exponent) noexcept nogil:
    cdef int128 power, made
    if exponent >= EXPONENT_MOST:
        return rate.largest
    power = _exponential(exponent)
    # beyond this power the product, which need not fit, is above the largest rate
    if power >= floor_divide((<int128>rate.largest + 1) * ONE, rate.at_target) + 1:
        return rate.largest
    made = floor_divide(rate.at_target * power, ONE)
    return rate.least if made < rate.least else rate.largest if made > rate.largest else <int64_t>made


cdef int64_t _adaptive(Rate* rate, int64_t utilisation, int64_t elapsed) noexcept nogil:
    # the mean rate of the time, a trapezium of three points; the rate at target moves on
    cdef int64_t target = rate.borrow.kink, end = rate.at_target, mean = rate.at_target
    cdef int128 error = divide_toward_zero(
        <int128>(utilisation - target) * ONE, ONE - target if utilisation > target else target)
    cdef int128 exponent = divide_toward_zero(
        divide_toward_zero(rate.speed * error, ONE) * elapsed, SECOND)
    cdef int128 slope = rate.steepness - ONE
    if exponent != 0:
        end = _adapted(rate, exponent)
        mean = <int64_t>floor_divide(
            <int128>rate.at_target + end + 2 * <int128>_adapted(rate, divide_toward_zero(exponent, 2)), 4)
        rate.at_target = end
    if error < 0:
        slope = ONE - floor_divide(<int128>ONE * ONE, rate.steepness)
    return <int64_t>floor_divide((divide_toward_zero(slope * error, ONE) + ONE) * mean, ONE)


# ---------------------------------------------------------------- growth

cdef int128 _powered(int64_t second, int64_t elapsed) noexcept nogil:
    # (one and the rate of a second) ** whole seconds, half up at every product as rpow has it; linear for the rest
    cdef int64_t seconds = elapsed // SECOND
    cdef int128 base = <int128>ONE + second, result = ONE
    while True:
        if base > LARGEST_GROWTH + ONE:
            return -1             # a bit of the exponent is still to come
        if seconds & 1:
            result = floor_divide(result * base + ONE // 2, ONE)
            if result > LARGEST_GROWTH + ONE:
                return -1
        seconds >>= 1
        if seconds == 0:
            break
        base = floor_divide(base * base + ONE // 2, ONE)
    result = floor_divide(result * (ONE + floor_divide(<int128>second * (elapsed % SECOND), SECOND)), ONE)
    return result - ONE if result <= LARGEST_GROWTH + ONE else -1


cdef int128 _grown(int64_t rate, int64_t elapsed, int64_t period, uint8_t compounding) noexcept nogil:
    cdef int128 first = floor_divide(<int128>rate * elapsed, period), second = first, third = first
    if first > LARGEST_GROWTH:
        return -1
    if compounding == COMPOUNDING_LINEAR:
        return first
    if compounding == COMPOUNDING_POWER:
        return _powered(<int64_t>floor_divide(<int128>rate * SECOND, period), elapsed)
    if compounding == COMPOUNDING_BINOMIAL:
        second = floor_divide(<int128>rate * (elapsed - SECOND if elapsed > SECOND else 0), period)
        third = floor_divide(<int128>rate * (elapsed - 2 * SECOND if elapsed > 2 * SECOND else 0), period)
    second = floor_divide(first * second, 2 * ONE)
    return first + second + floor_divide(second * third, 3 * <int128>ONE)


cdef int128 borrow_growth(Rate* rate, int64_t utilisation, int64_t elapsed) noexcept nogil:
    cdef int64_t paid = rate.borrow.base
    if rate.kind == RATE_KINK:
        paid = _kinked(&rate.borrow, utilisation)
    elif rate.kind == RATE_JUMP:
        paid = _bent(&rate.borrow, utilisation)
    elif rate.kind == RATE_ADAPTIVE:
        paid = _adaptive(rate, utilisation, elapsed)
    if rate.most and paid > rate.most:
        return -2
    return _grown(paid, elapsed, rate.period, rate.compounding)


cdef int128 supply_growth(const Rate* rate, int64_t utilisation, int64_t elapsed) noexcept nogil:
    return _grown(_bent(&rate.supply, utilisation), elapsed, rate.period, COMPOUNDING_LINEAR)
