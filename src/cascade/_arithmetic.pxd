"""Exact integer arithmetic for money: 128-bit products, divisions with their direction in the name.

Division of 128-bit numbers costs about 30 ns, so both helpers take the 64-bit instruction when the
operands allow it, which they nearly always do.
"""

from libc.stdint cimport int32_t, int64_t

cdef extern from *:
    """
    #include <stdint.h>
    typedef __int128 cascade_int128;

    static inline cascade_int128 cascade_floor_divide(cascade_int128 a, cascade_int128 b) {
        if ((cascade_int128)(int64_t)a == a && (cascade_int128)(int64_t)b == b) {
            int64_t x = (int64_t)a, y = (int64_t)b, q;
            if (y == 1) return x;
            q = x / y;
            return q - ((x % y != 0) & ((x < 0) != (y < 0)));
        }
        cascade_int128 q = a / b;
        return q - ((a % b != 0) & ((a < 0) != (b < 0)));
    }
    static inline cascade_int128 cascade_ceil_divide(cascade_int128 a, cascade_int128 b) {
        return -cascade_floor_divide(-a, b);
    }
    static inline cascade_int128 cascade_divide_toward_zero(cascade_int128 a, cascade_int128 b) {
        return a < 0 ? -cascade_floor_divide(-a, b) : cascade_floor_divide(a, b);
    }
    static inline int64_t cascade_saturate(cascade_int128 a) {
        if (a > INT64_MAX) return INT64_MAX;
        if (a < INT64_MIN) return INT64_MIN;
        return (int64_t)a;
    }
    /* x * y in 256 bits. */
    static inline void cascade_multiply_wide(unsigned __int128 x, unsigned __int128 y,
                                             unsigned __int128 *high, unsigned __int128 *low) {
        uint64_t x0 = (uint64_t)x, x1 = (uint64_t)(x >> 64), y0 = (uint64_t)y, y1 = (uint64_t)(y >> 64);
        unsigned __int128 p00 = (unsigned __int128)x0 * y0, p01 = (unsigned __int128)x0 * y1;
        unsigned __int128 p10 = (unsigned __int128)x1 * y0, p11 = (unsigned __int128)x1 * y1;
        unsigned __int128 middle = (p00 >> 64) + (uint64_t)p01 + (uint64_t)p10;
        *low = (middle << 64) | (uint64_t)p00;
        *high = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
    }
    /* Sign of a/b - c/d, a and c not below 0, b and d above: that of a*d - c*b. */
    static inline int cascade_compare_parts(cascade_int128 a, cascade_int128 b, cascade_int128 c,
                                            cascade_int128 d) {
        unsigned __int128 left, right, left_low, right_low;
        cascade_multiply_wide((unsigned __int128)a, (unsigned __int128)d, &left, &left_low);
        cascade_multiply_wide((unsigned __int128)c, (unsigned __int128)b, &right, &right_low);
        if (left != right) return left < right ? -1 : 1;
        return (left_low > right_low) - (left_low < right_low);
    }
    static inline int cascade_compare_ratios(cascade_int128 a, cascade_int128 b, cascade_int128 c,
                                             cascade_int128 d) {
        if ((a < 0) != (c < 0)) return a < 0 ? -1 : 1;
        return a < 0 ? cascade_compare_parts(-c, d, -a, b) : cascade_compare_parts(a, b, c, d);
    }
    static inline int cascade_add_into(int64_t *sum, int64_t term) {
        return __builtin_add_overflow(*sum, term, sum);
    }
    static inline int cascade_fits(cascade_int128 a) {
        return (cascade_int128)(int64_t)a == a;
    }
    static inline int64_t cascade_magnitude(int64_t a) { return a < 0 ? -a : a; }
    static inline cascade_int128 cascade_magnitude_wide(cascade_int128 a) { return a < 0 ? -a : a; }
    /* The empty assembly keeps compilers from taking a function that only fetches for pure, whose
       calls they drop. */
    static inline void cascade_prefetch(const void *address) {
        __builtin_prefetch(address);
        __asm__ volatile ("");
    }
    """
    # Declared as long long because Cython has no wider type; C computes in 128 bits.
    ctypedef long long int128 "cascade_int128"
    # divisor != 0
    int128 floor_divide "cascade_floor_divide"(int128 a, int128 b) noexcept nogil
    int128 ceil_divide "cascade_ceil_divide"(int128 a, int128 b) noexcept nogil
    # divisor > 0
    int128 divide_toward_zero "cascade_divide_toward_zero"(int128 a, int128 b) noexcept nogil
    # nearest int64, for bounds that only need to be beyond any reachable amount
    int64_t saturate "cascade_saturate"(int128 a) noexcept nogil
    # *sum += term; 1 when it does not fit (the sum is then worthless)
    bint add_into "cascade_add_into"(int64_t* sum, int64_t term) noexcept nogil
    # sign of a / b - c / d, exactly; b and d above 0, |a| and |c| below 2**127
    int compare_ratios "cascade_compare_ratios"(int128 a, int128 b, int128 c, int128 d) noexcept nogil
    bint fits "cascade_fits"(int128 a) noexcept nogil
    int64_t magnitude "cascade_magnitude"(int64_t a) noexcept nogil
    int128 magnitude_wide "cascade_magnitude_wide"(int128 a) noexcept nogil
    void prefetch "cascade_prefetch"(const void* address) noexcept nogil
