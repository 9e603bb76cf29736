"""Interface of marks that move: noting a move, and testing units once all of a moment are noted."""

from libc.stdint cimport int32_t, int64_t

from cascade._state cimport Market, State

# A new mark: remembers which event made it.
cdef void note_move(State* state, Market* market, int32_t old, int64_t event, int32_t wave) noexcept nogil
# Once all marks of a moment are formed: looks at the units whose guards they crossed.
cdef void test_moved(State* state) noexcept nogil
