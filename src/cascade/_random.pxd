"""Random streams of residents: SplitMix64 and exponential gaps, in integers alone.

A stream is one 64-bit number. No function of the C library takes part, so that the same seed gives
the same draws on every platform. Source: Steele, Lea & Flood (2014), "Fast splittable pseudorandom
number generators"; the logarithm is by repeated squaring.
"""

from libc.stdint cimport int64_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #define CASCADE_GOLDEN 0x9E3779B97F4A7C15ULL
    #define CASCADE_LOG_OF_2 2977044472ULL      /* parts of 2**32 */

    static inline uint64_t cascade_mixed(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }
    static inline uint64_t cascade_stream(uint64_t seed, uint64_t number) {
        return cascade_mixed(cascade_mixed(seed + CASCADE_GOLDEN) + CASCADE_GOLDEN * (number + 1));
    }
    static inline uint64_t cascade_draw(uint64_t *stream) {
        *stream += CASCADE_GOLDEN;
        return cascade_mixed(*stream);
    }
    static inline int64_t cascade_draw_below(uint64_t *stream, int64_t end) {
        return (int64_t)(((unsigned __int128)cascade_draw(stream) * (uint64_t)end) >> 64);
    }
    /* -ln(draw / 2**64) in parts of 2**32: 32 binary digits of the logarithm to base 2. */
    static inline uint64_t cascade_minus_log(uint64_t draw) {
        uint64_t y, bits;
        int whole, k;
        if (draw == 0) draw = 1;
        whole = 63 - __builtin_clzll(draw);
        y = whole >= 61 ? draw >> (whole - 61) : draw << (61 - whole);
        bits = (uint64_t)whole;
        for (k = 0; k < 32; k++) {
            y = (uint64_t)(((unsigned __int128)y * y) >> 61);
            bits <<= 1;
            if (y >> 62) { y >>= 1; bits |= 1; }
        }
        return (uint64_t)(((unsigned __int128)((64ULL << 32) - bits) * CASCADE_LOG_OF_2) >> 32);
    }
    static inline int64_t cascade_draw_gap(uint64_t *stream, int64_t rate) {
        unsigned __int128 ns = (unsigned __int128)1000000000000000ULL
            * cascade_minus_log(cascade_draw(stream)) / ((unsigned __int128)rate << 32);
        if (ns < 1) return 1;
        return ns > (1ULL << 61) ? (int64_t)(1ULL << 61) : (int64_t)ns;
    }
    """
    # The first state of stream `number` of an engine's seed.
    uint64_t stream_begin "cascade_stream"(uint64_t seed, uint64_t number) noexcept nogil
    # Uniform in 0 ... end - 1; end above 0.
    int64_t draw_below "cascade_draw_below"(uint64_t* stream, int64_t end) noexcept nogil
    # Exponential, ns to the next of `rate` millionths a second; at least 1.
    int64_t draw_gap "cascade_draw_gap"(uint64_t* stream, int64_t rate) noexcept nogil
