"""Interface of means over a window of time, and of medians of markets."""

from libc.stdint cimport int32_t, int64_t

from cascade._state cimport Market, Observation, Observations, State

cdef enum:
    MOST_SOURCES = 64         # of a median

# The first price there is counts from now on.
cdef void begin_window(Observations* kept, int32_t price, int64_t now) noexcept nogil
# `price` is in force from `now` to `later`, where the mean is formed; 0: the price before goes on.
cdef void pass_window(Observations* kept, int32_t price, int64_t now, int64_t later,
                      int64_t window) noexcept nogil
# A price that counts from a time on; where the ring is full the oldest one goes.
cdef void observe_price(Observations* kept, int32_t price, int64_t time) noexcept nogil
# The mean over the window that ends `now`, or since the oldest observation, rounded down.
cdef int32_t mean_price(const Observations* kept, int64_t window, int64_t now) noexcept nogil
cdef Observation* observation_at(const Observations* kept, int64_t k) noexcept nogil
# Of the marks of a market's sources that have one; of two in the middle their mean, rounded down.
cdef int32_t median_price(const State* state, const Market* market) noexcept nogil
