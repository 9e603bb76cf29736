"""Troves as drivers call them: terms, deposits and debts of one account, and the stability pool.

Functions on an engine core; `cascade.lending_troves` and `cascade.stability` have put lots and atoms for
amounts. Each call checks everything first and then does all it was asked. docs/troves.md.
"""

from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t

import numpy as np

from cascade._accountterms cimport check_deposit, check_exposure, exposure_left
from cascade._arithmetic cimport ceil_divide, floor_divide, int128
from cascade._borrower cimport borrowed_lots, supplied_lots
from cascade._clearing cimport claim_position, find_position
from cascade._core cimport EngineCore
from cascade._flows cimport note_flow
from cascade._lendingentry cimport check_borrower, check_column, check_flow, check_open_for, reserve_at
from cascade._log cimport Event, log_append
from cascade._queue cimport queue_unit
from cascade._redistribution cimport form_troves, pending_debt, settle_trove, system_of, trove_of
from cascade._reserve cimport (
    CLOSE_TROVE, FLOW_BORROWED, FLOW_REDEEMED, FLOW_REPAID, FLOW_SUPPLIED, INDEX_ONE, Lending, Owner,
    Reserve,
)
from cascade._seizure cimport move_scaled
from cascade._state cimport (
    ACCOUNT_LENDING, ACCOUNT_LENDING_SHIFT, FAILURE_MEMORY, NO_MARKET, NO_POSITION, RATE_DENOMINATOR, State,
)
from cascade._troveinterest cimport account_rate, borrowing_fee_of, owner_of, share_income
from cascade._types cimport EVENT_BORROW, EVENT_PROVIDE, EVENT_REDEEM, EVENT_REPAY, EVENT_SUPPLY

from cascade.reserve_words import lending_named, money_amount, outside, reserve_named

cdef enum:
    DEPOSIT = 0
    WITHDRAW = 1
    BORROW = 2
    REPAY = 3

cdef int64_t LARGEST = <int64_t>1 << 60


cdef Lending* lending_at(EngineCore core, int64_t number) except NULL:
    if not 0 <= number < core.state.lending_count:
        raise ValueError(f"lending market {number} is outside 0 ... {core.state.lending_count - 1}")
    return &core.state.lendings[number]


# ---------------------------------------------------------------- set-up

def set_troves(EngineCore core, int64_t lending, *, int64_t minimum_ratio, int64_t critical_ratio,
               int64_t shutdown_ratio, int64_t gas_share, int64_t gas_reserve, int64_t offset_penalty,
               int64_t redistribution_penalty, int64_t pool_least, bint pool_sells, bint recovery,
               int64_t rate_least, int64_t rate_largest, int64_t pool_share, int64_t borrowing_fee,
               int64_t upfront_time, int64_t least_debt):
    """State the terms of a lending market's troves, before it has reserves."""
    cdef Lending* rules = lending_at(core, lending)
    rules.minimum_ratio = minimum_ratio
    rules.critical_ratio = critical_ratio
    rules.shutdown_ratio = shutdown_ratio
    rules.gas_share = gas_share
    rules.gas_reserve = gas_reserve
    rules.gas_cap = -1
    rules.offset_penalty = offset_penalty
    rules.redistribution_penalty = redistribution_penalty
    rules.pool_least = pool_least
    rules.pool_sells = pool_sells
    rules.recovery = recovery
    rules.rate_least = rate_least
    rules.rate_largest = rate_largest
    rules.pool_share = pool_share
    rules.borrowing_fee = borrowing_fee
    rules.upfront_time = upfront_time
    rules.least_debt = least_debt


def set_gas_cap(EngineCore core, int64_t lending, int64_t lots):
    """Most lots of collateral to the liquidator of a trove."""
    lending_at(core, lending).gas_cap = lots


def set_stop_gaps(EngineCore core, int64_t lending, *, int first, int second, int64_t capital, int64_t pool_least):
    """Who makes calls that no liquidator gains by: 1 the stability pool, 2 a capital, 0 nobody."""
    cdef Lending* rules = lending_at(core, lending)
    rules.stop_gaps[0] = <unsigned char>first
    rules.stop_gaps[1] = <unsigned char>second
    rules.backstop_capital = capital
    rules.pool_least = pool_least


def backstop_row(EngineCore core, int64_t lending):
    """Atoms of capital and earned since, below 0 lost, and calls."""
    cdef const Lending* rules = lending_at(core, lending)
    return {"capital": rules.backstop_capital, "cash": rules.backstop_cash, "done": rules.backstop_done}


# ---------------------------------------------------------------- accounts

cdef int _check_ratios(EngineCore core, const Lending* rules, const Reserve* collateral, int64_t stake,
                       int64_t less, int64_t debt, int64_t more) except -1:
    # of the account and of all together, with so many scaled lots less and atoms more
    cdef State* state = &core.state
    cdef int128 value, all_debts, most, worth = <int128>collateral.unit * collateral.price
    value = supplied_lots(state, collateral.number, stake - less) * worth
    if floor_divide(value * state.markets[collateral.supplied_side].loan_to_value, RATE_DENOMINATOR) < debt + more:
        most = floor_divide(value * state.markets[collateral.supplied_side].loan_to_value, RATE_DENOMINATOR)
        left = money_amount(core, collateral.lending, int(most))
        given = money_amount(core, collateral.lending, debt + more)
        raise ValueError(f"amount: the debt would be {given}, outside 0 ... {left}, what is left of "
                         f"{reserve_named(core, collateral.number)} bears no more")
    if rules.critical_ratio == 0:
        return 0
    system_of(state, rules, &value, &all_debts)
    value = supplied_lots(state, collateral.number, collateral.supplied - less) * worth
    if value * RATE_DENOMINATOR < rules.critical_ratio * (all_debts + more):
        most = floor_divide(value * RATE_DENOMINATOR, rules.critical_ratio)
        left = money_amount(core, collateral.lending, int(most))
        given = money_amount(core, collateral.lending, int(all_debts + more))
        raise ValueError(f"amount: all debts together would be {given}, outside 0 ... {left}, by the "
                         f"critical_ratio of {rules.critical_ratio / <double>RATE_DENOMINATOR:g}")
    return 0


cdef int64_t _fee(EngineCore core, const Lending* rules, int64_t account, int64_t debt, int64_t atoms) noexcept:
    # what is added to the debt besides the atoms that are borrowed
    cdef const Reserve* collateral = &core.state.reserves[rules.trove_collateral - 1]
    cdef uint32_t found = find_position(&core.state, <int32_t>account, collateral.borrowed_side, 0)
    cdef int64_t rest, assigned = 0
    if found != NO_POSITION:
        assigned = pending_debt(&core.state, found, &rest)
    return borrowing_fee_of(&core.state, rules, <int32_t>account, debt, assigned, atoms)


cdef int _check_least(const Lending* rules, int64_t debt) except -1:
    if 0 < debt < rules.least_debt:
        raise ValueError(f"amount leaves a debt of {debt} atoms, outside 0 and {rules.least_debt} or more")
    return 0


cdef int _check_change(EngineCore core, int64_t lending, int64_t account, Reserve* r, int64_t lots,
                       int what, int64_t* fee) except -1:
    # all but what the account has; of a loan also what is added to it
    cdef const Lending* rules = lending_at(core, lending)
    cdef int64_t have, debt
    fee[0] = 0
    check_borrower(core, lending, account)
    if lots <= 0:
        raise ValueError(outside(core, r.number, "amount", lots, 1, LARGEST))
    if rules.trove_collateral == 0 or rules.trove_debt == 0:
        raise ValueError(f"{lending_named(core, lending)} has not both of its reserves yet, collateral and money")
    check_open_for(core, r, what == DEPOSIT or what == BORROW)
    if what == BORROW and r.number + 1 == rules.trove_debt:
        check_column(core, r, np.array([lots]), True)
        trove_of(&core.state, rules, <int32_t>account, &have, &debt)
        fee[0] = _fee(core, rules, account, debt, lots)
    if what == DEPOSIT or what == BORROW:
        check_column(core, r, np.array([lots + fee[0]]), what == BORROW)
        check_exposure(core, r, what == BORROW, lots + fee[0])
    if what == DEPOSIT:
        trove_of(&core.state, rules, <int32_t>account, &have, &debt)
        check_deposit(core, r, account, have, lots)
    if (what == WITHDRAW or what == BORROW) and lots > r.cash:
        raise ValueError(outside(core, r.number, "amount", lots, 1, r.cash, "its cash"))
    if (what <= WITHDRAW) == (r.number + 1 == rules.trove_debt):
        raise ValueError(f"{reserve_named(core, r.number)}: accounts deposit the collateral and borrow the money, "
                         "not the other way round")
    if what == WITHDRAW or what == REPAY:
        check_flow(core, r, FLOW_REPAID if what == REPAY else FLOW_REDEEMED, lots)
    return 0


def change_trove(EngineCore core, int64_t lending, int64_t account, int64_t number, int64_t lots, int what):
    """Deposit (0), withdraw (1), borrow (2) or repay (3) lots; what was assigned to the account is settled."""
    cdef State* state = &core.state
    cdef Reserve* r = reserve_at(core, number)
    cdef Lending* rules
    cdef Reserve* collateral
    cdef uint32_t held, position
    cdef int64_t have, debt, stake = 0, scaled = lots, fee = 0
    _check_change(core, lending, account, r, lots, what, &fee)
    rules = &state.lendings[lending]
    collateral = &state.reserves[rules.trove_collateral - 1]
    held = find_position(state, <int32_t>account, collateral.supplied_side, 0)
    if held != NO_POSITION:
        stake = state.positions[held].size
    trove_of(state, rules, <int32_t>account, &have, &debt)
    if what == REPAY and lots > debt:
        raise ValueError(outside(core, number, "amount", lots, 1, debt, f"what account {account} owes"))
    if what == BORROW or what == REPAY:
        _check_least(rules, debt + lots + fee if what == BORROW else debt - lots)
    if what == DEPOSIT:
        scaled = <int64_t>floor_divide(<int128>lots * INDEX_ONE, r.supply_index)
    elif what == WITHDRAW:
        if lots > have:
            raise ValueError(outside(core, number, "amount", lots, 1, have, f"what account {account} has there"))
        scaled = stake
        if lots < have:
            scaled = <int64_t>ceil_divide(<int128>lots * INDEX_ONE, r.supply_index)
    if what == WITHDRAW or what == BORROW:
        _check_ratios(core, rules, collateral, stake, scaled if what == WITHDRAW else 0, debt,
                      lots + fee if what == BORROW else 0)
    core.begin()
    settle_trove(state, lending, account)
    position = claim_position(state, <int32_t>account,
                              r.supplied_side if what <= WITHDRAW else r.borrowed_side, 0)
    if position == NO_POSITION:
        core.end()
    move_scaled(state, position, scaled if what == DEPOSIT or what == REPAY else -scaled - fee)
    settle_trove(state, lending, account)
    r.cash += lots if what == DEPOSIT or what == REPAY else -lots
    note_flow(r, FLOW_SUPPLIED if what == DEPOSIT else FLOW_REDEEMED if what == WITHDRAW else
              FLOW_BORROWED if what == BORROW else FLOW_REPAID, lots)
    _note(state, EVENT_SUPPLY if what == DEPOSIT else EVENT_REDEEM if what == WITHDRAW else
          EVENT_BORROW if what == BORROW else EVENT_REPAY,
          r.supplied_side if what <= WITHDRAW else r.borrowed_side, <int32_t>account, lots, 0)
    share_income(state, rules, fee, <int32_t>account)
    queue_unit(state, position)
    form_troves(state, lending, -1, 0)
    core.end()


cdef Event* _note(State* state, int kind, uint32_t side, int32_t account, int64_t quantity,
                  int64_t money) noexcept:
    cdef Event* event = log_append(&state.log, <unsigned char>kind, <unsigned short>side, -1, 0)
    event.account = account
    event.quantity = quantity
    event.money = money
    return event


def trove_row(EngineCore core, int64_t lending, int64_t account):
    """Lots of collateral and atoms of debt of an account, with all that was shared out to it."""
    cdef const Lending* rules = lending_at(core, lending)
    cdef int64_t lots = 0, debt = 0
    check_borrower(core, lending, account)
    if rules.trove_collateral and rules.trove_debt:
        trove_of(&core.state, rules, <int32_t>account, &lots, &debt)
    return lots, debt


def set_rates(EngineCore core, int64_t lending, int64_t first, const int64_t[::1] rates):
    """Rates that accounts from `first` on pay from now on, parts of 10**9 a year; their interest is settled."""
    cdef State* state = &core.state
    cdef Lending* rules = lending_at(core, lending)
    cdef Owner* owner
    cdef int64_t k
    if rules.rate_largest == 0:
        raise ValueError("debts of this lending market bear no interest")
    for k in range(rates.shape[0]):
        check_borrower(core, lending, first + k)
        if not rules.rate_least <= rates[k] <= rules.rate_largest:
            raise ValueError(f"rate {rates[k]} is outside {rules.rate_least} ... {rules.rate_largest}")
    core.begin()
    for k in range(rates.shape[0]):
        owner = owner_of(rules, first + k)
        if owner == NULL:
            state.failed = FAILURE_MEMORY
            break
        settle_trove(state, lending, first + k)
        owner.rate = rates[k]
        settle_trove(state, lending, first + k)
        if state.accounts[first + k].first != NO_POSITION:
            queue_unit(state, state.accounts[first + k].first)
    form_troves(state, lending, -1, 0)
    core.end()


def owner_row(EngineCore core, int64_t lending, int64_t account):
    """Parts of 10**9 a year that an account's debt bears, and lots of collateral that it may claim."""
    cdef const Lending* rules = lending_at(core, lending)
    check_borrower(core, lending, account)
    if account >= rules.owner_count:
        return account_rate(rules, account), 0
    return account_rate(rules, account), rules.owners[account].surplus


def claim_surplus(EngineCore core, int64_t lending, int64_t account):
    """Pay an account what its closed loan left; gives the lots."""
    cdef Lending* rules = lending_at(core, lending)
    cdef Reserve* r
    cdef int64_t lots = owner_row(core, lending, account)[1]
    if lots == 0:
        raise ValueError(f"account {account} has nothing to claim")
    r = &core.state.reserves[rules.trove_collateral - 1]
    check_open_for(core, r, False)
    check_flow(core, r, FLOW_REDEEMED, lots)
    core.begin()
    rules.owners[account].surplus = 0
    rules.surplus_lots -= lots
    r.treasury -= lots
    r.cash -= lots
    note_flow(r, FLOW_REDEEMED, lots)
    _note(&core.state, EVENT_REDEEM, r.supplied_side, <int32_t>account, lots, 0)
    core.end()
    return lots


def room_atoms(EngineCore core, int64_t lending, int64_t account):
    """Most atoms that an account may borrow now; nothing changes."""
    cdef State* state = &core.state
    cdef const Lending* rules = lending_at(core, lending)
    cdef const Reserve* collateral
    cdef const Reserve* money
    cdef int64_t lots, debt, low = 0, high, middle
    cdef int128 most, room, value
    check_borrower(core, lending, account)
    if rules.trove_collateral == 0 or rules.trove_debt == 0:
        return 0
    collateral = &state.reserves[rules.trove_collateral - 1]
    money = &state.reserves[rules.trove_debt - 1]
    trove_of(state, rules, <int32_t>account, &lots, &debt)
    value = lots * (<int128>collateral.unit * collateral.price)
    most = floor_divide(value * state.markets[collateral.supplied_side].loan_to_value, RATE_DENOMINATOR) - debt
    if money.borrow_cap >= 0:
        room = money.borrow_cap - borrowed_lots(state, money.number, money.borrowed)
        most = room if room < most else most
    room = exposure_left(state, money, True)
    most = room if room < most else most
    if rules.critical_ratio:
        system_of(state, rules, &value, &room)
        room = floor_divide(value * RATE_DENOMINATOR, rules.critical_ratio) - room
        most = room if room < most else most
    # of all that may be owed the fee is a part
    high = money.cash if money.cash < most else <int64_t>most
    while low < high:
        middle = low + (high - low + 1) // 2
        if <int128>middle + _fee(core, rules, account, debt, middle) <= most:
            low = middle
        else:
            high = middle - 1
    if debt + low + _fee(core, rules, account, debt, low) < rules.least_debt:
        return 0
    return low if low > 0 else 0


# ---------------------------------------------------------------- the stability pool

POOL_FIELDS = (
    "deposits", "provided", "withdrawn", "burned", "gains", "received", "paid", "interest",
    "interest_received", "interest_paid",
)


def pool_row(EngineCore core, int64_t lending):
    """Atoms in the pool, what came, went and was burned; and its gains, what they were and what was paid."""
    cdef const Lending* rules = lending_at(core, lending)
    return dict(zip(POOL_FIELDS, (
        rules.pool_deposits, rules.pool_provided, rules.pool_withdrawn, rules.pool_burned,
        rules.pool_gains, rules.pool_received, rules.pool_paid, rules.pool_interest,
        rules.pool_interest_received, rules.pool_interest_paid), strict=True))


def change_pool(EngineCore core, int64_t lending, int64_t more, int64_t gain, int64_t interest):
    """Put atoms in, or take -`more` out, and pay a gain and interest; the caller knows what is whose."""
    cdef uint16_t side = NO_MARKET
    cdef Lending* rules = lending_at(core, lending)
    if rules.close_factor == CLOSE_TROVE and rules.trove_debt == 0:
        raise ValueError(f"{lending_named(core, lending)} has nothing that is borrowed yet: add its money")
    if not 0 <= gain <= rules.pool_gains:
        raise ValueError(f"gain of {gain} is outside 0 ... {rules.pool_gains} atoms or lots, what "
                         f"{lending_named(core, lending)} has for providers")
    if not 0 <= interest <= rules.pool_interest:
        raise ValueError(f"interest of {interest} is outside 0 ... {rules.pool_interest} atoms")
    if more < 0 and -more > rules.pool_deposits:
        raise ValueError(f"amount {money_amount(core, lending, -more)} is outside 0 ... "
                         f"{money_amount(core, lending, rules.pool_deposits)}, what the stability pool of "
                         f"{lending_named(core, lending)} has")
    if more > LARGEST - rules.pool_deposits or more > LARGEST - rules.pool_provided:
        room = money_amount(core, lending, LARGEST - max(rules.pool_deposits, rules.pool_provided))
        raise OverflowError(f"amount {money_amount(core, lending, more)} is outside 0 ... {room}, what fits in "
                            f"the stability pool of {lending_named(core, lending)}")
    core.begin()
    rules.pool_deposits += more
    if more > 0:
        rules.pool_provided += more
    else:
        rules.pool_withdrawn -= more
    rules.pool_gains -= gain
    rules.pool_paid += gain
    rules.pool_interest -= interest
    rules.pool_interest_paid += interest
    if rules.trove_debt:
        side = core.state.reserves[rules.trove_debt - 1].borrowed_side
    _note(&core.state, EVENT_PROVIDE, side, -1, more, gain).order = interest
    form_troves(&core.state, lending, -1, 0)
    core.end()


def take_offsets(EngineCore core, int64_t lending):
    """Offsets since the last call, oldest first: debt cancelled and gain; of interest minus its atoms and 0."""
    cdef Lending* rules = lending_at(core, lending)
    cdef int64_t k
    rows = [(rules.offsets[k].debt, rules.offsets[k].gain) for k in range(rules.offset_count)]
    rules.offset_count = 0
    return rows


def any_below_minimum(EngineCore core, int64_t lending):
    """Is an account below the minimum ratio? Looks at all of them."""
    cdef State* state = &core.state
    cdef const Lending* rules = lending_at(core, lending)
    cdef const Reserve* collateral
    cdef int64_t k, lots, debt
    if rules.trove_collateral == 0 or rules.trove_debt == 0:
        return False
    collateral = &state.reserves[rules.trove_collateral - 1]
    for k in range(state.account_count):
        if (not state.accounts[k].flags & ACCOUNT_LENDING
                or state.accounts[k].flags >> ACCOUNT_LENDING_SHIFT != lending):
            continue
        trove_of(state, rules, <int32_t>k, &lots, &debt)
        if lots and (lots * (<int128>collateral.unit * collateral.price) * RATE_DENOMINATOR
                     < <int128>rules.minimum_ratio * debt):
            return True
    return False
