"""Interface of the memory of an engine."""

from libc.stdint cimport int32_t, int64_t

from cascade._margin cimport TierTable
from cascade._state cimport Market, State

# A zeroed market with an empty book of these bounds and a table of these tiers, its heaps on the
# shared places, and room for it in the engine's list; rows of (floor, rate, initial rate,
# deduction). Raises without memory, or when a number does not fit.
cdef Market* new_market(State* state, int64_t min_size, int64_t max_size, int32_t min_price,
                        int32_t max_price, tiers) except NULL
cdef void free_market(Market* market) noexcept
cdef void free_lending(State* state) noexcept
cdef void release_tables(State* state) noexcept
# Rows of (floor, rate, initial rate, deduction) into an empty table.
cdef int write_tiers(TierTable* table, tiers) except -1
