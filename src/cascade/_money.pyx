"""Money in and out of accounts: deposits, withdrawals, margin transfers, leverage, funding.

Functions on an engine core, in atoms. Each checks everything before it changes anything.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from cascade._accrual cimport available_balance, owed_funding, settle_balance, settle_touched
from cascade._arithmetic cimport floor_divide, int128, saturate
from cascade._clearing cimport claim_position, find_position, free_collateral, initial_of
from cascade._core cimport EngineCore
from cascade._funding cimport settle_funding
from cascade._log cimport Event, log_append
from cascade._margin cimport position_value
from cascade._queue cimport queue_traded, queue_unit
from cascade._settlement cimport has_orders
from cascade._state cimport (
    ACCOUNT_HEDGE, NO_MARKET, NO_POSITION, POSITION_ISOLATED, POSITION_LADDER, POSITION_LONG_LEG,
    POSITION_SHORT_LEG, RATE_DENOMINATOR, Account, Asset, Market, Position, State,
)
from cascade._types cimport (
    EVENT_DEPOSIT, EVENT_TRANSFER, EVENT_WITHDRAWAL, HOUSE_ACCOUNT,
)

cdef int64_t LARGEST_AMOUNT = 1 << 61


cdef Account* _account(EngineCore core, int64_t account) except NULL:
    if account < 0 or account >= core.state.account_count:
        raise ValueError(f"account {account} is outside 0 ... {core.state.account_count - 1}")
    return &core.state.accounts[account]


cdef uint8_t _leg(EngineCore core, int64_t account, str leg) except 255:
    cdef bint hedge = core.state.accounts[account].flags & ACCOUNT_HEDGE
    if hedge != (leg is not None):
        raise ValueError(f"leg {leg!r}: account {account} "
                         + ("has two legs a market, name one" if hedge else "has no legs"))
    if leg is None:
        return 0
    if leg not in ("long", "short"):
        raise ValueError(f"leg must be 'long' or 'short', got {leg!r}")
    return POSITION_LONG_LEG if leg == "long" else POSITION_SHORT_LEG


cdef void _queue_cross(State* state, int32_t account) noexcept nogil:
    # the balance changed: the cross unit is looked at again
    cdef uint32_t i = state.accounts[account].first
    while i != NO_POSITION:
        if state.positions[i].size and not state.positions[i].flags & POSITION_ISOLATED:
            queue_unit(state, i)
            return
        i = state.positions[i].next


def move_balance(EngineCore core, int64_t account, int64_t amount):
    """Deposit (positive atoms) or withdraw (negative), refused below initial margin."""
    cdef Account* entry = _account(core, account)
    cdef Asset* asset = &core.state.assets[entry.asset]
    cdef Event* event
    cdef int64_t held = saturate(available_balance(&core.state, <int32_t>account))
    core.begin()
    try:
        if amount < 0:
            free = free_atoms(core, account)
            if -amount > held or -amount > free:
                raise ValueError(
                    f"withdrawal of {-amount} atoms: account {account} has "
                    f"{max(0, min(held, free))} atoms above its initial margin")
        elif amount + <int128>held > LARGEST_AMOUNT or (
                amount + <int128>asset.net_deposits > LARGEST_AMOUNT):
            raise OverflowError(f"a deposit of {amount} atoms does not fit in 64 bits")
        settle_balance(&core.state, <int32_t>account)
        entry.balance += amount
        asset.held += <uint64_t>amount
        asset.net_deposits += amount
        event = log_append(&core.state.log, EVENT_DEPOSIT if amount > 0 else EVENT_WITHDRAWAL,
                           NO_MARKET, -1, 0)
        event.account = <int32_t>account
        event.money = amount if amount > 0 else -amount
        _queue_cross(&core.state, <int32_t>account)
    finally:
        core.end()


def deposit_into_fund(EngineCore core, int64_t asset, int64_t amount):
    cdef Asset* money = &core.state.assets[asset]
    cdef Event* event
    if amount < 0 or amount + <int128>money.net_deposits > LARGEST_AMOUNT:
        raise ValueError(f"a fund deposit of {amount} atoms is negative or does not fit in 64 bits")
    core.begin()
    money.fund += amount
    money.net_deposits += amount
    event = log_append(&core.state.log, EVENT_DEPOSIT, NO_MARKET, -1, 0)
    event.account = HOUSE_ACCOUNT
    event.money = amount
    core.end()


cdef object free_atoms(EngineCore core, int64_t account):
    # a Python integer, because the sum may pass 64 bits
    cdef int128 free = free_collateral(&core.state, <int32_t>account, NO_POSITION, 0, 0, 0)
    return (<object><int64_t>floor_divide(free, <int128>1 << 60) << 60) + <int64_t>(
        free - floor_divide(free, <int128>1 << 60) * (<int128>1 << 60))


def free_collateral_atoms(EngineCore core, int64_t account):
    """What an account could withdraw or put at risk, atoms; negative below initial margin."""
    _account(core, account)
    return free_atoms(core, account)


def set_leverage(EngineCore core, int64_t account, int64_t market, int64_t hundredths, isolated):
    """Leverage and, unless None, margin mode of an account's position(s) in a market."""
    cdef uint8_t leg
    cdef uint32_t i
    _account(core, account)
    core.market_at(market)
    if hundredths < 1 or hundredths > 2**32 - 1:
        raise ValueError(f"leverage {hundredths / 100} is outside 0.01 ... {(2**32 - 1) / 100}")
    legs = [0]
    if core.state.accounts[account].flags & ACCOUNT_HEDGE:
        legs = [POSITION_LONG_LEG, POSITION_SHORT_LEG]
    core.begin()
    try:
        for leg in legs:
            i = find_position(&core.state, <int32_t>account, <uint32_t>market, leg)
            if i != NO_POSITION and (core.state.positions[i].size or has_orders(&core.state, i)):
                raise ValueError(f"account {account} has a position or orders in this market")
        for leg in legs:
            i = claim_position(&core.state, <int32_t>account, <uint32_t>market, leg)
            if i == NO_POSITION:
                raise MemoryError("no memory for a position")
            core.state.positions[i].leverage = <uint32_t>hundredths
            if isolated is True:
                core.state.positions[i].flags |= POSITION_ISOLATED
            elif isolated is False:
                core.state.positions[i].flags &= ~POSITION_ISOLATED
    finally:
        core.end()


def transfer(EngineCore core, int64_t account, int64_t market, int64_t amount, str leg=None):
    """Move atoms from the balance to an isolated position's margin, or back (negative)."""
    cdef Account* entry = _account(core, account)
    cdef Market* there = core.market_at(market)
    cdef uint32_t i = find_position(&core.state, <int32_t>account, <uint32_t>market,
                                    _leg(core, account, leg))
    cdef Position* p
    cdef int64_t needed, margin, held, profit = 0
    cdef Event* event
    if i == NO_POSITION or core.state.positions[i].size == 0 or (
            not core.state.positions[i].flags & POSITION_ISOLATED):
        raise ValueError(f"account {account} has no isolated position in market {market}")
    p = &core.state.positions[i]
    if p.flags & POSITION_LADDER:
        raise ValueError("a position given by its trigger has no margin")
    core.begin()
    try:
        needed = initial_of(&core.state, i, 0, 0, 0)
        margin = saturate(p.margin - owed_funding(&core.state, i))
        held = saturate(available_balance(&core.state, <int32_t>account))
        if amount > 0:
            short = max(0, needed - margin) - max(0, needed - margin - amount)
            if amount > held or free_atoms(core, account) - amount + short < 0:
                raise ValueError(f"transfer of {amount} atoms: account {account} has less free")
        else:
            if there.mark:
                profit = min(0, position_value(&there.rules.table, p.size, there.mark)
                             - p.entry_value)
            if amount == 0 or margin + amount < 0 or margin + amount + profit < needed:
                raise ValueError(
                    f"transfer of {amount} atoms: account {account} has less margin to spare")
        settle_touched(&core.state, i)
        p.margin += amount
        entry.balance -= amount
        event = log_append(&core.state.log, EVENT_TRANSFER, there.number, -1, 0)
        event.account = <int32_t>account
        event.money = amount
        queue_traded(&core.state, i)
    finally:
        core.end()


def pay_funding(EngineCore core, int64_t number, int64_t rate):
    """Every position of a market pays `rate` (parts in 10**9) of its value; longs pay when positive."""
    cdef Market* market = core.market_at(number)
    if market.mark == 0:
        raise ValueError("the market has no mark yet")
    _check_rate(rate)
    core.begin()
    with nogil:
        settle_funding(&core.state, market, rate, market.mark)
    core.end()


def set_funding(EngineCore core, int64_t number, rate):
    """Rate (parts in 10**9) of the settlements to come, None: from the premium."""
    cdef Market* market = core.market_at(number)
    cdef int64_t fixed = 0 if rate is None else rate
    _check_rate(fixed)
    core.begin()
    market.funding_fixed = rate is not None
    market.funding_rate = fixed
    core.end()


def set_dislocation_threshold(EngineCore core, int64_t number, int64_t parts):
    """Distance from the index, parts in 10**9 of it, beyond which time counts."""
    cdef Market* market = core.market_at(number)
    core.begin()
    market.away_threshold = parts
    core.end()


cdef int _check_rate(int64_t rate) except -1:
    if not -RATE_DENOMINATOR <= rate <= RATE_DENOMINATOR:
        raise ValueError(f"rate {rate / RATE_DENOMINATOR} is outside -1 ... 1")
    return 0
