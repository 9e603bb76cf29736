"""Keepers of collateral auctions: liquidators who start and reset them for an incentive.

MakerDAO, src/dog.sol and clip.sol; docs/collateral-auctions.md says who of several does it.
"""

from libc.stdint cimport int64_t, uint16_t

from cascade._arithmetic cimport int128
from cascade._deal cimport asset_quote
from cascade._flows cimport note_flow
from cascade._liquidator cimport NOBODY, has_not_seen, pay_liquidator
from cascade._log cimport Event, log_append
from cascade._reserve cimport FLOW_SEIZED, Liquidator, Reserve
from cascade._sale cimport Sale
from cascade._seizure cimport cover_loss, trade_asset
from cascade._settlement cimport last_event
from cascade._state cimport FAILURE_OVERFLOW, State
from cascade._types cimport EVENT_INCENTIVE, SELL


cdef bint sees(const State* state, const Liquidator* liquidator, int64_t cause, const Sale* sale) noexcept nogil:
    if sale == NULL:
        return not has_not_seen(state, liquidator, cause)
    return state.clock - sale.started >= liquidator.latency


cdef bint find_keeper(State* state, const Reserve* base, int64_t incentive, int64_t cause, const Sale* sale,
                      Keeper* keeper) noexcept nogil:
    # Of those who gain by the incentive the one with the least gas, the first of equals; anybody for nothing.
    cdef int64_t worth = 0, least = 0
    cdef const Liquidator* liquidator
    cdef uint16_t k
    keeper.who = NOBODY
    keeper.paid = 0
    if incentive == 0:
        return True
    keeper.paid = incentive if incentive < base.cash else base.cash
    if keeper.paid:
        worth = asset_quote(state, base.number, SELL, keeper.paid)
    if worth < 0:
        return False
    if state.liquidator_count == 0:
        return True
    for k in range(state.liquidator_count):
        liquidator = &state.liquidators[k]
        if <int128>worth - liquidator.gas < liquidator.min_profit or not sees(state, liquidator, cause, sale):
            continue
        if keeper.who == NOBODY or liquidator.gas < least:
            keeper.who = k
            least = liquidator.gas
    return keeper.who != NOBODY


cdef void reward_keeper(State* state, Reserve* base, const Sale* sale, const Keeper* keeper) noexcept nogil:
    # paid from the surplus, then a deficit
    cdef int64_t gains = 0
    cdef Event* event
    state.cause = sale.event
    state.wave = sale.wave
    if keeper.paid:
        event = log_append(&state.log, EVENT_INCENTIVE, base.supplied_side, state.cause, state.wave)
        event.account = sale.account
        event.quantity = keeper.paid
        event.order = sale.number
        event.counterparty = keeper.who
        state.cause = last_event(state)
        base.cash -= keeper.paid
        if note_flow(base, FLOW_SEIZED, keeper.paid) | cover_loss(base, keeper.paid):
            state.failed = FAILURE_OVERFLOW
        gains = trade_asset(state, base.number, SELL, keeper.paid)
    if keeper.who != NOBODY:
        pay_liquidator(state, &state.liquidators[keeper.who], gains, 0)
