"""Interface of keepers: who starts or resets an auction, and what they are paid for it."""

from libc.stdint cimport int32_t, int64_t

from cascade._reserve cimport Liquidator, Reserve
from cascade._sale cimport Sale
from cascade._state cimport State

cdef struct Keeper:
    int32_t who               # -1: nobody in particular
    int64_t paid              # lots of the base

# Does a liquidator know of an auction, or, where there is none yet, of what `cause` changed?
cdef bint sees(const State* state, const Liquidator* liquidator, int64_t cause, const Sale* sale) noexcept nogil
# Who starts (`sale` NULL) or resets an auction for so many lots of the base; False: nobody.
cdef bint find_keeper(State* state, const Reserve* base, int64_t incentive, int64_t cause, const Sale* sale,
                      Keeper* keeper) noexcept nogil
cdef void reward_keeper(State* state, Reserve* base, const Sale* sale, const Keeper* keeper) noexcept nogil
