"""Troves out of an engine and back into one whose reserves are restored, and what must add up of them."""

from libc.stdint cimport int32_t, int64_t

import numpy as np

from cascade._arithmetic cimport floor_divide, int128
from cascade._clearing cimport find_position
from cascade._core cimport EngineCore
from cascade._redistribution cimport pending_debt, recovery_mark
from cascade._reserve cimport (
    CLOSE_TROVE, INDEX_ONE, STOP_GAP_BACKSTOP, STOP_GAP_POOL, Lending, Reserve,
)
from cascade._state cimport (
    ACCOUNT_LENDING, ACCOUNT_LENDING_SHIFT, NO_POSITION, Market, State,
)

TROVE_DTYPE = np.dtype([(name, "<i8") for name in (
    "waiting", "unsettled", "deposits", "provided", "withdrawn", "burned", "gains", "received", "paid",
    "backstop_cash", "backstop_done",
)])
SIGNED = ("backstop_cash",)
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
                     rules.pool_paid, rules.backstop_cash, rules.backstop_done))
    return np.array(rows, dtype=TROVE_DTYPE)


def restore_troves(EngineCore core, records):
    """Fill in what lending markets have beyond their reserves, and check it against the accounts."""
    cdef State* state = &core.state
    cdef Lending* rules
    cdef int64_t k
    require(records.dtype == TROVE_DTYPE and len(records) == state.lending_count,
            "troves do not fit the settings")
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
        if rules.close_factor == CLOSE_TROVE and rules.trove_collateral:
            _check_marks(core, rules)
            fault = trove_fault(core, k)
            require(not fault, where + fault)


cdef bint _has(const Lending* rules, str name) except -1:
    # can it be other than zero by the rules?
    if name in OF_BACKSTOPS:
        return STOP_GAP_BACKSTOP in (rules.stop_gaps[0], rules.stop_gaps[1])
    if name in OF_POOLS and STOP_GAP_POOL in (rules.stop_gaps[0], rules.stop_gaps[1]):
        return True
    return rules.close_factor == CLOSE_TROVE


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
    cdef int128 parts = rules.waiting
    if rules.trove_collateral == 0:
        return ""
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
            own -= _position(state, k, state.reserves[rules.trove_debt - 1].borrowed_side, &unused)
    if stakes != r.supplied:
        return f"stakes are {stakes} of {r.supplied}"
    if parts != <int128>rules.unsettled * r.refine:
        return f"{rules.unsettled} atoms were shared out, which is not what accounts have coming"
    if rules.trove_debt and state.reserves[rules.trove_debt - 1].borrowed != own + rules.unsettled:
        return (f"debts are {state.reserves[rules.trove_debt - 1].borrowed}, "
                f"{own} of accounts and {rules.unsettled}")
    return ""
