"""Troves out of an engine and back into one whose reserves are restored, and what must add up of them."""

from libc.stdint cimport int32_t, int64_t

import numpy as np

from cascade._arithmetic cimport floor_divide, int128
from cascade._clearing cimport find_position
from cascade._core cimport EngineCore
from cascade._redistribution cimport pending_debt, recovery_mark
from cascade._reserve cimport (
    CLOSE_TROVE, INDEX_ONE, STOP_GAP_BACKSTOP, STOP_GAP_POOL, Lending, Owner, Reserve,
)
from cascade._state cimport (
    ACCOUNT_LENDING, ACCOUNT_LENDING_SHIFT, NO_POSITION, Market, State,
)
from cascade._troveinterest cimport account_rate, owner_of, pending_interest, weight_of
from cascade._types cimport MAX_PRICE

TROVE_DTYPE = np.dtype([(name, "<i8") for name in (
    "waiting", "unsettled", "deposits", "provided", "withdrawn", "burned", "gains", "received", "paid",
    "backstop_cash", "backstop_done", "interest", "interest_received", "interest_paid", "interest_mark",
    "interest_carry", "interest_unsettled", "surplus", "is_shut",
)])
OWNER_DTYPE = np.dtype([(name, "<i8") for name in ("lending", "account", "rate", "surplus")])
SIGNED = ("backstop_cash", "interest_carry")
OF_POOLS = ("deposits", "provided", "withdrawn", "burned", "gains", "received", "paid")
OF_BACKSTOPS = ("backstop_cash", "backstop_done")

cdef int64_t LARGEST = <int64_t>1 << 62


cdef int require(bint good, str what) except -1:
    if not good:
        raise ValueError(what)
    return 0


def trove_records(EngineCore core):
    """Of each lending market what it has beyond its reserves, TROVE_DTYPE; offsets must have been read."""
    cdef const Lending* rules
    cdef int64_t k
    rows = []
    for k in range(core.state.lending_count):
        rules = &core.state.lendings[k]
        rows.append((rules.waiting, rules.unsettled, rules.pool_deposits, rules.pool_provided,
                     rules.pool_withdrawn, rules.pool_burned, rules.pool_gains, rules.pool_received,
                     rules.pool_paid, rules.backstop_cash, rules.backstop_done, rules.pool_interest,
                     rules.pool_interest_received, rules.pool_interest_paid,
                     core.state.reserves[rules.trove_debt - 1].interest_mark if rules.trove_debt else 0,
                     rules.interest_carry, rules.interest_unsettled, rules.surplus_lots, rules.is_shut))
    return np.array(rows, dtype=TROVE_DTYPE)


def owner_records(EngineCore core):
    """What is kept of owners of loans that are closed whole, where it is other than zero, OWNER_DTYPE."""
    cdef const Lending* rules
    cdef int64_t k, account
    rows = []
    for k in range(core.state.lending_count):
        rules = &core.state.lendings[k]
        for account in range(rules.owner_count):
            if rules.owners[account].rate or rules.owners[account].surplus:
                rows.append((k, account, rules.owners[account].rate, rules.owners[account].surplus))
    return np.array(rows, dtype=OWNER_DTYPE)


cdef int _restore_owners(EngineCore core, records) except -1:
    cdef State* state = &core.state
    cdef Owner* owner
    cdef Lending* rules
    cdef int64_t lending = 0, account = -1, flags
    require(records.dtype == OWNER_DTYPE, "wrong records of owners")
    for row in records:
        require(0 <= row["lending"] < state.lending_count and 0 <= row["account"] < state.account_count
                and (row["lending"], row["account"]) > (lending, account), "owners: account")
        lending, account = row["lending"], row["account"]
        rules = &state.lendings[lending]
        flags = state.accounts[account].flags
        require(flags & ACCOUNT_LENDING and flags >> ACCOUNT_LENDING_SHIFT == lending
                and rules.close_factor == CLOSE_TROVE, f"owner {account}: lending market")
        require(row["rate"] == 0 or rules.rate_least <= row["rate"] <= rules.rate_largest,
                f"owner {account}: rate")
        require(0 <= row["surplus"] < LARGEST, f"owner {account}: surplus")
        owner = owner_of(rules, account)
        if owner == NULL:
            raise MemoryError("no memory for owners")
        owner.rate = row["rate"]
        owner.surplus = row["surplus"]
    return 0


def restore_troves(EngineCore core, records, owners):
    """Fill in what lending markets have beyond their reserves, and check it against the accounts."""
    cdef State* state = &core.state
    cdef Lending* rules
    cdef int64_t k
    require(records.dtype == TROVE_DTYPE and len(records) == state.lending_count,
            "troves do not fit the settings")
    _restore_owners(core, owners)
    for k in range(state.lending_count):
        row = records[k]
        rules = &state.lendings[k]
        where = f"lending market {k}: "
        for name in TROVE_DTYPE.names:
            require((-LARGEST if name in SIGNED else 0) <= row[name] < LARGEST, where + name)
            require(_has(rules, name) or row[name] == 0, where + name)
        require(int(row["deposits"]) == int(row["provided"]) - int(row["withdrawn"]) - int(row["burned"]),
                where + "deposits of the pool")
        require(int(row["gains"]) == int(row["received"]) - int(row["paid"]), where + "gains of the pool")
        require(int(row["interest"]) == int(row["interest_received"]) - int(row["interest_paid"]),
                where + "interest of the pool")
        require(row["is_shut"] in (0, 1), where + "shutdown")
        rules.waiting = row["waiting"]
        rules.unsettled = row["unsettled"]
        rules.pool_deposits = row["deposits"]
        rules.pool_provided = row["provided"]
        rules.pool_withdrawn = row["withdrawn"]
        rules.pool_burned = row["burned"]
        rules.pool_gains = row["gains"]
        rules.pool_received = row["received"]
        rules.pool_paid = row["paid"]
        rules.backstop_cash = row["backstop_cash"]
        rules.backstop_done = row["backstop_done"]
        rules.pool_interest = row["interest"]
        rules.pool_interest_received = row["interest_received"]
        rules.pool_interest_paid = row["interest_paid"]
        rules.interest_carry = row["interest_carry"]
        rules.interest_unsettled = row["interest_unsettled"]
        rules.surplus_lots = row["surplus"]
        rules.is_shut = row["is_shut"]
        _restore_mark(core, rules, row["interest_mark"], where)
        if rules.close_factor == CLOSE_TROVE and rules.trove_collateral:
            _check_marks(core, rules)
            fault = trove_fault(core, k)
            require(not fault, where + fault)


cdef bint _has(const Lending* rules, str name) except -1:
    # can it be other than zero by the rules?
    if name == "interest_mark":
        return rules.trove_debt != 0 and rules.rate_largest != 0
    if name in OF_BACKSTOPS:
        return STOP_GAP_BACKSTOP in (rules.stop_gaps[0], rules.stop_gaps[1])
    if name in OF_POOLS and STOP_GAP_POOL in (rules.stop_gaps[0], rules.stop_gaps[1]):
        return True
    return rules.close_factor == CLOSE_TROVE


cdef int _restore_mark(EngineCore core, const Lending* rules, int64_t mark, str where) except -1:
    # of the side that stands for time; of a reserve that bears interest it is checked here
    cdef Reserve* r
    if rules.trove_debt == 0 or rules.rate_largest == 0:
        return 0
    r = &core.state.reserves[rules.trove_debt - 1]
    require(1 <= mark <= 1 + core.state.clock // 1_000_000_000 and mark <= MAX_PRICE, where + "interest_mark")
    require(core.state.markets[r.supplied_side].mark == mark, where + "mark of time")
    require(core.state.markets[r.borrowed_side].mark == r.refine, where + "mark of the money")
    r.interest_mark = <int32_t>mark
    return 0


cdef int _check_marks(EngineCore core, const Lending* rules) except -1:
    cdef const State* state = &core.state
    cdef const Reserve* r = &state.reserves[rules.trove_collateral - 1]
    cdef int128 lower = floor_divide(<int128>r.price * r.refine * r.supply_index, INDEX_ONE)
    cdef const Market* supplied = state.markets[r.supplied_side]
    cdef const Market* assigned = state.markets[r.borrowed_side]
    if r.price == 0:
        require(supplied.mark == 0 and assigned.mark == 0, f"reserve {r.number}: marks of its sides")
        return 0
    lower = recovery_mark(state, r.number, lower if lower > 1 else 1)
    require(supplied.mark == lower and assigned.mark == r.assigned_mark,
            f"reserve {r.number}: marks of its sides")
    return 0


cdef int64_t _position(State* state, int64_t account, int64_t side, int32_t* trigger) noexcept:
    cdef int64_t found = find_position(state, <int32_t>account, <unsigned short>side, 0)
    if found == NO_POSITION:
        return 0
    trigger[0] = state.positions[found].trigger
    return state.positions[found].size


def trove_fault(EngineCore core, int64_t lending):
    """What does not add up of a lending market's troves, empty when all does.

    Collateral is the accounts' own; what was assigned is in units of an account's stake; debts are the
    accounts' own and what was shared out and not yet settled, and of that every part of an atom is
    coming to an account or waits.
    """
    cdef State* state = &core.state
    cdef const Lending* rules = &state.lendings[lending]
    cdef const Reserve* r
    cdef int64_t k, rest, stake, assigned, own = 0, stakes = 0
    cdef int32_t trigger = 0, unused = 0
    cdef int128 parts = rules.waiting, interest = 0
    if rules.trove_collateral == 0:
        return _surplus_fault(state, rules)
    r = &state.reserves[rules.trove_collateral - 1]
    for k in range(state.account_count):
        if (not state.accounts[k].flags & ACCOUNT_LENDING
                or state.accounts[k].flags >> ACCOUNT_LENDING_SHIFT != lending):
            continue
        trigger = 0
        stake = _position(state, k, r.supplied_side, &unused)
        assigned = _position(state, k, r.borrowed_side, &trigger)
        if assigned != -stake or not (1 <= trigger <= r.assigned_mark if stake else trigger == 0):
            return f"account {k} with a stake of {stake} is assigned to by {-assigned} from {trigger}"
        stakes += stake
        if assigned:
            parts += <int128>pending_debt(
                state, find_position(state, <int32_t>k, r.borrowed_side, 0), &rest) * r.refine + rest
        if rules.trove_debt:
            fault = _interest_fault(state, rules, k, &interest)
            if fault:
                return fault
            own -= _position(state, k, state.reserves[rules.trove_debt - 1].borrowed_side, &unused)
    if stakes != r.supplied:
        return f"stakes are {stakes} of {r.supplied}"
    if parts != <int128>rules.unsettled * r.refine:
        return f"{rules.unsettled} atoms were shared out, which is not what accounts have coming"
    if rules.trove_debt == 0:
        return _surplus_fault(state, rules)
    r = &state.reserves[rules.trove_debt - 1]
    if interest != <int128>rules.interest_unsettled * r.refine + rules.interest_carry:
        return f"{rules.interest_unsettled} atoms of interest accrued, which is not what accounts have coming"
    if r.borrowed != own + rules.unsettled + rules.interest_unsettled:
        return (f"debts are {r.borrowed}, {own} of accounts, {rules.unsettled} shared out and "
                f"{rules.interest_unsettled} of interest")
    return _surplus_fault(state, rules)


cdef str _interest_fault(State* state, const Lending* rules, int64_t account, int128* coming):
    # an account's weight is that of its own debt; adds the parts of an atom that it has coming
    cdef const Reserve* money = &state.reserves[rules.trove_debt - 1]
    cdef int32_t since = 0, unused = 0
    cdef int64_t weight = 0, rest, atoms, own = -_position(state, account, money.borrowed_side, &unused)
    if money.interest_mark == 0:
        return ""
    weight = -_position(state, account, money.supplied_side, &since)
    if weight != weight_of(own, account_rate(rules, account)) or not (
            1 <= since <= money.interest_mark if weight else since == 0):
        return f"account {account} bears interest of {weight} atoms a year on {own} since {since}"
    atoms = pending_interest(state, rules, <int32_t>account, &rest)
    coming[0] += <int128>atoms * money.refine + rest
    return ""


cdef str _surplus_fault(State* state, const Lending* rules):
    # what waits for owners is in the treasury of the collateral
    cdef int64_t k, total = 0
    for k in range(rules.owner_count):
        total += rules.owners[k].surplus
    if total != rules.surplus_lots:
        return f"owners have {total} lots to claim of {rules.surplus_lots}"
    if total and (rules.trove_collateral == 0 or total > state.reserves[rules.trove_collateral - 1].treasury):
        return f"{total} lots wait for owners, more than the treasury has"
    return ""
