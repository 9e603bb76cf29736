"""Stability pools: deposits of money that cancel debts and get collateral, or its proceeds, for it.

The core keeps the pool as a whole, and the offsets in their order until they are read; what is left of each
provider's deposit follows from them (`cascade.stability`). docs/troves.md.
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport realloc

from cascade._arithmetic cimport add_into
from cascade._reserve cimport Lending, Offset


cdef int64_t pool_free(const Lending* rules) noexcept nogil:
    return rules.pool_deposits - rules.pool_least if rules.pool_deposits > rules.pool_least else 0


cdef int _record(Lending* rules, int64_t debt, int64_t gain) noexcept nogil:
    cdef int64_t capacity = rules.offset_capacity
    cdef Offset* grown
    if rules.offset_count == capacity:
        capacity = capacity * 2 if capacity else 64
        grown = <Offset*>realloc(rules.offsets, <size_t>capacity * sizeof(Offset))
        if grown == NULL:
            return -1
        rules.offsets = grown
        rules.offset_capacity = capacity
    rules.offsets[rules.offset_count].debt = debt
    rules.offsets[rules.offset_count].gain = gain
    rules.offset_count += 1
    return 0


cdef int pool_offset(Lending* rules, int64_t debt, int64_t gain) noexcept nogil:
    if _record(rules, debt, gain):
        return -1
    rules.pool_deposits -= debt
    if (add_into(&rules.pool_burned, debt) | add_into(&rules.pool_gains, gain)
            | add_into(&rules.pool_received, gain)):
        return -1
    return 0


cdef int pool_earn(Lending* rules, int64_t atoms) noexcept nogil:
    # among the offsets, because what is earned is shared by the deposits of that moment: below 0
    if (_record(rules, -atoms, 0) or add_into(&rules.pool_interest, atoms)
            or add_into(&rules.pool_interest_received, atoms)):
        return -1
    return 0
