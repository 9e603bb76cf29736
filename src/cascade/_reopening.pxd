"""Interface of the third phase of a step: halts whose time has passed."""

from cascade._state cimport Market, State

# Limit states become pauses, pauses end by call auction or are extended, throttles open again.
cdef void pass_halts(State* state) noexcept nogil
# Ends a halt now, without an extension.
cdef void reopen(State* state, Market* market) noexcept nogil
