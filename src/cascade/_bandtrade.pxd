"""Interface of trading with bands."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._bands cimport BandMarket
from cascade._state cimport State

cdef struct Swap:             # what a walk through the bands comes to
    int64_t parts
    int64_t atoms
    int32_t active            # band in which it ends

# Buys or sells so many parts as far as the bands go; -1: something does not fit. `write`: does it.
cdef int walk_bands(BandMarket* market, bint buy, int64_t parts, bint write, Swap* swap) noexcept nogil
# Liquidators trade bands against the venue as far as it pays, in turn or by bids; has anybody?
cdef bint trade_with_bands(State* state, uint32_t number) noexcept nogil
