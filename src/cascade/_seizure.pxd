"""Interface of liquidation in lending markets."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint8_t

from cascade._clearing cimport Unit
from cascade._deal cimport Deal
from cascade._reserve cimport Liquidator, Reserve
from cascade._state cimport State, Taken

# Signed scaled lots for a position on a side: more collateral or less debt is positive.
cdef void move_scaled(State* state, uint32_t position, int64_t scaled) noexcept nogil
# One call on a borrower that is due. Gives 1 when it happened, 2 when it happened and the liquidator makes
# no second one in this step, 0 when nobody finds it worth while.
cdef int seize_unit(State* state, const Taken* taken) noexcept nogil
# Atoms for lots of a reserve's asset, sold or bought at its venue; the event in `State.cause` is the cause.
cdef int64_t trade_asset(State* state, uint32_t number, uint8_t side, int64_t lots) noexcept nogil
# A call: claims move, collateral is sold, debt is bought; fills in what that brought and cost.
cdef void carry_out(State* state, const Taken* taken, const Unit* unit, Deal* deal, Liquidator* liquidator,
                    int32_t who) noexcept nogil
# HEALTH of an account before and after; `after` is filled in where positions are left.
cdef void note_health(State* state, const Unit* before, uint32_t position, Unit* after) noexcept nogil
# Lots that nobody owes any more, by the rule of who bears them; and from the surplus, then a deficit.
cdef void strike_debt(State* state, Reserve* reserve, int64_t lots) noexcept nogil
cdef bint cover_loss(Reserve* reserve, int64_t lots) noexcept nogil
