"""Interface of reserves in time: interest, prices that are believed, and the marks of their sides."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._reserve cimport Reserve
from cascade._state cimport Market, State

# The mark of a market has changed by `event`: reserves that believe it are offered the price.
cdef void offer_price(State* state, Market* source, int64_t event, int32_t wave) noexcept nogil
# What time does to every reserve, at the end of phase 1: interest, delays that are over.
cdef void pass_lending(State* state, int64_t elapsed) noexcept nogil
# Prices that are read though no mark changed, at the end of phase 2: bounded steps go on, heartbeats.
cdef void read_again(State* state) noexcept nogil
# A price becomes the reserve's, unless its rules keep the old one.
cdef void believe_price(State* state, uint32_t number, int32_t price, int64_t cause, int32_t wave) noexcept nogil
# A price that is believed later; -1 without memory.
cdef int await_price(Reserve* reserve, int64_t due, int32_t price, int64_t event, int32_t wave) noexcept nogil
cdef void form_sides(State* state, uint32_t number, int64_t cause, int32_t wave) noexcept nogil
# The oracle fails (Failure), or works again.
cdef void fail_oracle(State* state, uint32_t number, uint8_t failure) noexcept nogil
