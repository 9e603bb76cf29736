"""Interface of borrowers: what a side's position is worth, bears or owes, and at which mark it changes."""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._clearing cimport Unit
from cascade._reserve cimport ORACLE_REVERTS, ORACLE_ZERO, ZERO_GIVEN, ZERO_REFUSED, Reserve
from cascade._state cimport Market, Position, State

# Value of signed scaled lots at a mark of their side: collateral down, debts up.
cdef int128 side_value(const State* state, const Market* market, int64_t size, int32_t mark) noexcept nogil
# What of it counts for the surplus.
cdef int128 side_weight(const State* state, const Market* market, int64_t size, int32_t mark) noexcept nogil
# What of it surely counts, whatever an average of thresholds truncates.
cdef int128 side_sure(const State* state, const Market* market, int64_t size, int32_t mark) noexcept nogil
# Collateral: highest mark at which it surely bears less than `bound`; debt: lowest where minus what it owes does.
# `entry` is the mark at which the debt is nothing: 0 but of debt that is assigned (docs/troves.md).
cdef int32_t side_tick(const State* state, const Market* market, int64_t size, int32_t entry,
                       int128 bound) noexcept nogil
cdef void borrower_evaluate(State* state, uint32_t position, Unit* unit) noexcept nogil
# Lots of a scaled amount: supplied down, borrowed up.
cdef int64_t supplied_lots(const State* state, uint32_t reserve, int64_t scaled) noexcept nogil
cdef int64_t borrowed_lots(const State* state, uint32_t reserve, int64_t scaled) noexcept nogil


cdef inline Reserve* reserve_of(State* state, uint32_t position) noexcept nogil:
    """Reserve whose side a position is on."""
    return &state.reserves[state.markets[state.positions[position].market].reserve - 1]


cdef inline bint may_be_seized(const State* state, const Reserve* reserve) noexcept nogil:
    """Is it neither paused, nor within the grace after that, nor stopped by its rate?"""
    return not reserve.paused and reserve.rate.waited == 0 and state.clock >= reserve.grace_until


cdef inline bint gives_no_price(const State* state, const Reserve* reserve) noexcept nogil:
    """Does whoever asks for the price get none?"""
    return reserve.oracle == ORACLE_REVERTS or (
        reserve.oracle == ORACLE_ZERO and state.lendings[reserve.lending].zero_price == ZERO_REFUSED)


cdef inline bint may_be_asked(const State* state, const Reserve* reserve, bint collateral) noexcept nogil:
    """Can a call be about it? Not where amounts would be divided by a price of zero."""
    return reserve.price > 0 or (collateral and state.lendings[reserve.lending].zero_price == ZERO_GIVEN)


cdef inline bint may_be_taken(const State* state, const Reserve* reserve, const Market* side) noexcept nogil:
    """Can a call take collateral of that side? Not what counts nothing, where the rules spare it."""
    return side.threshold > 0 or not state.lendings[reserve.lending].uncounted_spared


# Has the account of a position a claim whose oracle gives no price?
cdef bint asks_in_vain(State* state, uint32_t position) noexcept nogil
