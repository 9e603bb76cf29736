"""Promises that are compared after each stage of the waterfall, from sums that are kept as things happen.

Whoever writes a balance, a margin or an entry value notes by how much; what belongs to nobody (fund, fees,
bad debt, what waits to be shared) and the sizes have their totals anyway. So a comparison is a few
additions and `validate` compares the sums themselves with what is there. docs/waterfall.md.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from cascade._promises cimport broken
from cascade._state cimport (
    FAILURE_CONTRACTS, FAILURE_CROSSED, FAILURE_MONEY, Asset, Market, Position, State,
)

cdef extern from *:
    """
    #define CASCADE_UNLIKELY(condition) __builtin_expect((condition) != 0, 0)
    """
    bint unlikely "CASCADE_UNLIKELY"(int64_t condition) noexcept nogil

cdef enum Stage:              # names in _promises
    STAGE_BOOK = 0
    STAGE_PARTIAL = 1
    STAGE_BACKSTOP = 2
    STAGE_ADL = 3
    STAGE_FUND = 4
    STAGE_SOCIALISED = 5
    STAGE_HAIRCUT = 6
    STAGE_BAD_DEBT = 7


cdef inline void note_change(const Market* market, int64_t before, int64_t after) noexcept nogil:
    # of a balance or margin; an entry value or a deficit that waits the other way round. Modulo 2**64, where
    # equality is kept
    market.money.held += <uint64_t>after - <uint64_t>before


cdef inline int64_t gross_lots(const Market* market) noexcept nogil:
    # sum of the sizes of the accounts' positions, either side
    return 2 * market.long_lots - market.net


cdef inline int64_t lots_over(const Market* market) noexcept nogil:
    # sum of all sizes
    return market.net + market.outside_size + market.house_size + market.spot_size


cdef inline int64_t atoms_over(const Asset* asset) noexcept nogil:
    # what is held less what was deposited
    return <int64_t>(asset.held + <uint64_t>asset.fund + <uint64_t>asset.fees - <uint64_t>asset.bad_debt
                     - <uint64_t>asset.net_deposits)


cdef inline void check_money(State* state, const Market* market, int32_t account,
                             uint8_t stage) noexcept nogil:
    # after payments, which trade nothing
    cdef int64_t atoms = atoms_over(market.money)
    if unlikely(atoms):
        broken(state, market, account, stage, FAILURE_MONEY, atoms)


cdef inline void check_trades(State* state, const Market* market, const Position* position,
                              uint8_t stage) noexcept nogil:
    cdef int64_t lots = lots_over(market), atoms = atoms_over(market.money)
    if unlikely(lots | atoms):
        broken(state, market, position.account, stage, FAILURE_CONTRACTS if lots else FAILURE_MONEY,
               lots if lots else atoms)


cdef inline void check_book(State* state, const Market* market, const Position* position, int64_t lots,
                            int64_t held) noexcept nogil:
    # after the forced trades of a close; a book that is open is not crossed
    if (unlikely(market.book.best_bid >= market.book.best_ask) and market.book.best_ask != 0
            and not market.book.auction and not market.impact_venue):
        broken(state, market, position.account, STAGE_BOOK if lots == held else STAGE_PARTIAL,
               FAILURE_CROSSED, 0)
    if unlikely(lots_over(market) | atoms_over(market.money)):
        check_trades(state, market, position, STAGE_BOOK if lots == held else STAGE_PARTIAL)
