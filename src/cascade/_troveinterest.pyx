"""Interest that borrowers set themselves, without looking at one; fees; what closed loans leave their owners.

docs/troves.md. What a debt bears in a year, its weight, is a position on the supplied side of the money, which
nobody deposits, and the mark of that side is the time in seconds: an account owes its weight times what the mark
has risen by since it was settled, each at its own rate. The sum of weights accrues the reserve's.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport realloc
from libc.string cimport memset

from cascade._arithmetic cimport add_into, ceil_divide, fits, floor_divide, int128, saturate
from cascade._clearing cimport claim_position, find_position
from cascade._flows cimport note_flow, note_rounding
from cascade._log cimport Event, log_append
from cascade._oracle cimport form_sides
from cascade._redistribution cimport watch_shutdown, weigh
from cascade._reserve cimport FLOW_REDEEMED, LARGEST_LOTS, Lending, Owner, Reserve
from cascade._seizure cimport move_scaled
from cascade._settlement cimport last_event
from cascade._stability cimport pool_earn
from cascade._state cimport (
    FAILURE_MEMORY, FAILURE_OVERFLOW, NO_POSITION, RATE_DENOMINATOR, Position, State,
)
from cascade._types cimport EVENT_INTEREST, MAX_PRICE

cdef enum:
    LEAST_OWNERS = 64

cdef int64_t SECOND = 1_000_000_000
cdef int64_t MEAN_PARTS = 1_000_000_000_000     # of the mean rate that is paid upfront


# ---------------------------------------------------------------- owners

cdef Owner* owner_of(Lending* rules, int64_t account) noexcept nogil:
    cdef int64_t count = rules.owner_count
    cdef Owner* grown
    if account >= count:
        count = 2 * account if account > LEAST_OWNERS else 2 * LEAST_OWNERS
        grown = <Owner*>realloc(rules.owners, <size_t>count * sizeof(Owner))
        if grown == NULL:
            return NULL
        memset(grown + rules.owner_count, 0, <size_t>(count - rules.owner_count) * sizeof(Owner))
        rules.owners = grown
        rules.owner_count = count
    return &rules.owners[account]


cdef int64_t account_rate(const Lending* rules, int64_t account) noexcept nogil:
    if account < rules.owner_count and rules.owners[account].rate:
        return rules.owners[account].rate
    return rules.rate_least


cdef int64_t weight_of(int64_t debt, int64_t rate) noexcept nogil:
    return saturate(ceil_divide(<int128>debt * rate, RATE_DENOMINATOR))


# ---------------------------------------------------------------- one account

cdef int64_t pending_interest(const State* state, const Lending* rules, int32_t account,
                              int64_t* rest) noexcept nogil:
    cdef const Reserve* money = &state.reserves[rules.trove_debt - 1]
    cdef const Position* p
    cdef uint32_t found
    cdef int128 parts
    cdef int64_t atoms
    rest[0] = 0
    if money.interest_mark == 0:
        return 0
    found = find_position(<State*>state, account, money.supplied_side, 0)
    if found == NO_POSITION:
        return 0
    p = &state.positions[found]
    parts = -<int128>p.size * (money.interest_mark - p.trigger)
    atoms = saturate(floor_divide(parts, money.refine))
    rest[0] = <int64_t>(parts - <int128>atoms * money.refine)
    return atoms


cdef void settle_interest(State* state, Lending* rules, int32_t account) noexcept nogil:
    cdef Reserve* money = &state.reserves[rules.trove_debt - 1]
    cdef int64_t rest, atoms = pending_interest(state, rules, account, &rest)
    cdef uint32_t found
    if money.interest_mark == 0:
        return
    found = find_position(state, account, money.supplied_side, 0)
    if found == NO_POSITION or state.positions[found].size == 0:
        return
    # from now on; what is cut is taken off what all have coming
    state.positions[found].trigger = money.interest_mark
    if add_into(&rules.interest_carry, -rest):
        state.failed = FAILURE_OVERFLOW
    if atoms == 0:
        return
    found = claim_position(state, account, money.borrowed_side, 0)
    if found == NO_POSITION:
        return
    move_scaled(state, found, -atoms)
    money.borrowed -= atoms       # was counted when it accrued
    rules.interest_unsettled -= atoms


cdef void weigh_debt(State* state, Lending* rules, int32_t account) noexcept nogil:
    cdef const Reserve* money = &state.reserves[rules.trove_debt - 1]
    cdef uint32_t owed, weighed
    cdef int64_t weight = 0
    if money.interest_mark == 0:
        return
    owed = find_position(state, account, money.borrowed_side, 0)
    weighed = find_position(state, account, money.supplied_side, 0)
    if owed != NO_POSITION:
        weight = weight_of(-state.positions[owed].size, account_rate(rules, account))
    if weight and weighed == NO_POSITION:
        weighed = claim_position(state, account, money.supplied_side, 0)
    if weighed == NO_POSITION:
        return
    weigh(state, weighed, weight, money.interest_mark)


# ---------------------------------------------------------------- all accounts

cdef void share_income(State* state, Lending* rules, int64_t atoms, int32_t account) noexcept nogil:
    # the pool's share is lent out of the reserve, as the protocol would mint it
    cdef Reserve* money = &state.reserves[rules.trove_debt - 1]
    cdef int64_t to_pool = 0
    cdef Event* event
    if atoms == 0:
        return
    if rules.pool_deposits >= rules.pool_least:
        to_pool = <int64_t>floor_divide(<int128>atoms * rules.pool_share, RATE_DENOMINATOR)
        to_pool = money.cash if money.cash < to_pool else to_pool
    money.cash -= to_pool
    if (note_flow(money, FLOW_REDEEMED, to_pool) | add_into(&money.treasury, atoms - to_pool)):
        state.failed = FAILURE_OVERFLOW
    if to_pool and pool_earn(rules, to_pool):
        state.failed = FAILURE_MEMORY
    event = log_append(&state.log, EVENT_INTEREST, money.borrowed_side, -1, 0)
    event.account = account
    event.quantity = atoms
    event.money = atoms - to_pool


cdef void accrue_troves(State* state, uint32_t lending) noexcept nogil:
    cdef Lending* rules = &state.lendings[lending]
    cdef Reserve* money
    cdef int64_t mark = 1 + state.clock // SECOND, atoms = 0, event = -1
    cdef int128 parts
    if rules.rate_largest == 0 or rules.trove_debt == 0 or rules.is_shut:
        return
    money = &state.reserves[rules.trove_debt - 1]
    if mark == money.interest_mark:
        return
    parts = <int128>state.markets[money.supplied_side].outside_size * (mark - money.interest_mark)
    parts += rules.interest_carry
    if parts > 0:
        atoms = saturate(floor_divide(parts, money.refine))
    if mark > MAX_PRICE or atoms > LARGEST_LOTS - money.borrowed or not fits(
            parts - <int128>atoms * money.refine):
        state.failed = FAILURE_OVERFLOW
        return
    money.interest_mark = <int32_t>mark
    rules.interest_carry = <int64_t>(parts - <int128>atoms * money.refine)
    rules.interest_unsettled += atoms
    money.borrowed += atoms
    note_rounding(money, 1)
    if atoms:
        share_income(state, rules, atoms, -1)
        event = last_event(state)
    form_sides(state, money.number, event, 0)
    if rules.trove_collateral:
        watch_shutdown(state, rules.trove_collateral - 1)
        form_sides(state, rules.trove_collateral - 1, event, 0)


# ---------------------------------------------------------------- fees

cdef int64_t borrowing_fee_of(const State* state, const Lending* rules, int32_t account, int64_t debt,
                              int64_t assigned, int64_t atoms) noexcept nogil:
    # one-off, and the mean rate of all debts for a time, this one included
    cdef const Reserve* money = &state.reserves[rules.trove_debt - 1]
    cdef int64_t rate = account_rate(rules, account)
    cdef uint32_t weighed
    cdef int128 fee = floor_divide(<int128>atoms * rules.borrowing_fee, RATE_DENOMINATOR), weight, whole, mean
    if rules.upfront_time and money.interest_mark:
        weighed = find_position(<State*>state, account, money.supplied_side, 0)
        weight = state.markets[money.supplied_side].outside_size + ceil_divide(
            (<int128>debt + atoms) * rate, RATE_DENOMINATOR)
        if weighed != NO_POSITION:
            weight += state.positions[weighed].size
        whole = <int128>money.borrowed - rules.unsettled + assigned + atoms
        mean = floor_divide(weight * MEAN_PARTS, whole)
        fee += floor_divide(atoms * mean * rules.upfront_time, money.refine * <int128>MEAN_PARTS)
    return saturate(fee)
