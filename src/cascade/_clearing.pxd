"""Interface of the clearing house: units and their surplus, trades, fees, initial margin."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._arithmetic cimport int128
from cascade._book cimport Fill
from cascade._state cimport Account, Market, Position, State

cdef struct Unit:             # a unit at the current marks
    int128 collateral
    int128 equity
    int128 maintenance
    uint32_t open_positions   # with size
    bint priced               # every market it is in has a mark
    bint exact                # falls due at one known tick of one price
    bint inclusive            # due at equality: a market it is in says so
    bint seizable             # a borrower: has collateral; else true
    bint owing                # in a liquidation that goes on until its shortage is freed
    int128 doubtful           # of the surplus: not counted on by guards

cdef void unit_evaluate(State* state, uint32_t position, Unit* unit) noexcept nogil
cdef bint unit_due(State* state, uint32_t position, const Unit* unit) noexcept nogil
# Iterates the positions of a unit: first, then next; NO_POSITION ends it. Positions without size are skipped.
cdef uint32_t unit_first(State* state, uint32_t position) noexcept nogil
cdef uint32_t unit_next(State* state, uint32_t position) noexcept nogil
# M of one position worth `value` at the mark.
cdef int64_t required_margin(const Market* market, const Position* position, int64_t value) noexcept nogil
# What `lots` that stay of a position ask of its unit's equity, parts in 10**9 of an atom; and what the unit's
# open positions ask, but for one (NO_POSITION: of all).
cdef int128 asked(const Market* market, const Position* position, int64_t lots) noexcept nogil
cdef int128 asked_by_unit(State* state, uint32_t position, uint32_t except_for) noexcept nogil
cdef int64_t* collateral_of(State* state, uint32_t position) noexcept nogil
cdef int64_t signed_value(const Market* market, int64_t lots, int32_t price) noexcept nogil
cdef int64_t rate_up(int64_t amount, int64_t rate) noexcept nogil
# A trade of signed lots with signed value; the other side is the caller's business.
cdef void trade_position(State* state, uint32_t position, int64_t lots, int64_t value) noexcept nogil
cdef void release_margin(State* state, uint32_t position) noexcept nogil
cdef void trade_outside(State* state, Market* market, int64_t lots, int64_t value) noexcept nogil
# What liquidators of lending markets deliver or buy.
cdef void trade_spot(State* state, Market* market, int64_t lots, int64_t value) noexcept nogil
cdef void trade_house(State* state, Market* market, int64_t lots, int64_t value) noexcept nogil
cdef void pay_fund(State* state, const Market* market, int32_t account, int64_t amount,
                   int64_t cause, int32_t wave) noexcept nogil
cdef uint32_t find_position(State* state, int32_t account, uint32_t market, uint8_t leg) noexcept nogil
# Existing or new; NO_POSITION when memory is gone.
cdef uint32_t claim_position(State* state, int32_t account, uint32_t market, uint8_t leg) noexcept nogil
# Takes back the position that was claimed last and never used.
cdef void unclaim_position(State* state) noexcept nogil
cdef uint32_t claim_working(State* state, uint32_t position) noexcept nogil
# Initial margin of a position with its orders and extra lots; `reference` where there is no mark.
cdef int64_t initial_of(State* state, uint32_t position, int64_t extra_buys, int64_t extra_sells,
                        int32_t reference) noexcept nogil
cdef int128 free_collateral(State* state, int32_t account, uint32_t position, int64_t extra_buys,
                            int64_t extra_sells, int32_t reference) noexcept nogil
cdef int64_t exposure_lots(State* state, uint32_t position, int64_t extra_buys,
                           int64_t extra_sells) noexcept nogil
cdef int reserve_accounts(State* state, int64_t accounts) noexcept nogil
cdef int reserve_positions(State* state, int64_t positions) noexcept nogil
# The queues of a market keep their places in the engine's: a position is in one queue of each kind.
cdef void share_places(State* state, Market* market, int direction) noexcept nogil
