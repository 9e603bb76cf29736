"""The running sums of money, formed anew and compared with what is there."""

from libc.stdint cimport int64_t, uint64_t

from cascade._core cimport EngineCore
from cascade._state cimport State

from cascade.errors import InvariantError


cdef uint64_t _counted(const State* state, int64_t asset) noexcept nogil:
    # balances + margins + pools of funding - entry values, read from everything there is
    cdef uint64_t total = 0
    cdef int64_t k
    for k in range(state.account_count):
        if state.accounts[k].asset == asset:
            total += <uint64_t>state.accounts[k].balance
    for k in range(state.position_count):
        if state.markets[state.positions[k].market].asset == asset:
            total += <uint64_t>state.positions[k].margin - <uint64_t>state.positions[k].entry_value
    for k in range(state.market_count):
        if state.markets[k].asset == asset:
            total += <uint64_t>state.markets[k].funding_pool
            total -= (<uint64_t>state.markets[k].outside_entry + <uint64_t>state.markets[k].house_entry
                      + <uint64_t>state.markets[k].spot_entry)
    return total


def restore_sums(EngineCore core):
    """Form the sums of an engine that was filled from outside."""
    cdef int64_t k
    for k in range(core.state.asset_count):
        core.state.assets[k].held = _counted(&core.state, k)


def check_sums(EngineCore core):
    """Compare the sums with what is there; raises InvariantError."""
    cdef int64_t k, apart
    core.begin()
    try:
        for k in range(core.state.asset_count):
            apart = <int64_t>(core.state.assets[k].held - _counted(&core.state, k))
            if apart:
                raise InvariantError(f"asset {k}: its running sum is {apart} atoms from what is held")
    finally:
        core.release()
