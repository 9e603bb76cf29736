"""The errors that broken promises become, each its own."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._state cimport (
    FAILURE_CONTRACTS, FAILURE_MONEY, FAILURE_NONE, FAILURE_ORDERS, Market, State,
)

from cascade.errors import (
    ClosedAccountOrderError, ContractConservationError, CrossedBookError, MoneyConservationError,
)

cdef tuple STAGES = (
    "the book", "a partial close", "a takeover", "deleveraging", "the insurance fund",
    "a socialised loss", "a haircut", "bad debt",
)


cdef void broken(State* state, const Market* market, int32_t account, uint8_t stage, uint8_t failure,
                 int64_t by) noexcept nogil:
    if state.failed != FAILURE_NONE:
        return
    state.failed = failure
    state.broken_market = market.number
    state.broken_account = account
    state.broken_stage = stage
    state.broken_by = by


cdef int raise_broken(const State* state, uint8_t failure) except -1:
    cdef int market = state.broken_market
    where = f"after {STAGES[state.broken_stage]}"
    if state.broken_account >= 0:
        where += f" of account {state.broken_account}"
    if failure == FAILURE_CONTRACTS:
        raise ContractConservationError(
            f"{where}: sizes in market {market} sum to {state.broken_by} lots, not 0")
    if failure == FAILURE_MONEY:
        raise MoneyConservationError(
            f"{where}: asset {state.markets[market].asset} holds {state.broken_by} atoms more than were "
            "deposited, not 0")
    if failure == FAILURE_ORDERS:
        raise ClosedAccountOrderError(
            f"{where}: an order of it is left in market {market}, where it was closed")
    raise CrossedBookError(f"{where}: the book of market {market} is crossed outside an auction")
