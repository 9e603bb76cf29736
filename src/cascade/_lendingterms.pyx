"""Terms of lending markets that hold for accounts, as drivers call them, in whole numbers.

Functions on an engine core; `cascade.lending_categories` has put names and numbers for words.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport realloc

import numpy as np

from cascade._category cimport (
    MOST_CATEGORIES, account_category, change_category, deposit_side, lent_in, make_room, state_terms,
)
from cascade._clearing cimport Unit, reserve_positions, unit_evaluate, unit_first
from cascade._core cimport EngineCore
from cascade._lendingentry cimport check_borrower
from cascade._lendingquote cimport price_refused
from cascade._log cimport Event, log_append
from cascade._moves cimport test_moved
from cascade._oracle cimport form_sides
from cascade._queue cimport queue_unit
from cascade._reserve cimport Exposure, Lending, Reserve
from cascade._state cimport (
    ACCOUNT_LENDING, ACCOUNT_LENDING_SHIFT, FAILURE_MEMORY, NO_MARKET, NO_POSITION, Market, Position,
    State,
)
from cascade._types cimport EVENT_CATEGORY, EVENT_SEQUENCER

from cascade.errors import InvariantError
from cascade.reserve_words import category_named, not_lent


# ---------------------------------------------------------------- categories

def add_category(EngineCore core, int64_t lending, sides, borrowable, *, int64_t threshold, int64_t loan_to_value,
                 int64_t bonus):
    """A category of a lending market: markets just made become supplied sides of reserves, (reserve, market) each;
    gives its number, from 1."""
    cdef State* state = &core.state
    cdef Market* last
    cdef int64_t number, side
    cdef uint8_t category
    if state.lendings[lending].category_count >= MOST_CATEGORIES:
        raise ValueError(f"a lending market has at most {MOST_CATEGORIES} categories")
    category = <uint8_t>(state.lendings[lending].category_count + 1)
    core.begin()
    for number in borrowable:
        state.reserves[number].lent_in[category >> 6] |= <uint64_t>1 << (category & 63)
    for number, side in sides:
        last = state.markets[state.reserves[number].supplied_side]
        while last.next_side:
            last = state.markets[last.next_side - 1]
        last.next_side = <uint16_t>(side + 1)
        state.markets[side].category = category
        state_terms(state, <uint32_t>number, side, threshold, loan_to_value, bonus)
        form_sides(state, <uint32_t>number, -1, 0)
        test_moved(state)
    state.lendings[lending].category_count = category
    core.end()
    return category


cdef int _check_debts(EngineCore core, int64_t account, uint8_t category) except -1:
    cdef State* state = &core.state
    cdef uint32_t i = state.accounts[account].first
    cdef const Reserve* reserve
    while i != NO_POSITION:
        reserve = &state.reserves[state.markets[state.positions[i].market].reserve - 1]
        if state.positions[i].size < 0 and not lent_in(reserve, category):
            raise ValueError(f"account {account} has a debt: {not_lent(core, reserve.number, category)}")
        i = state.positions[i].next
    return 0


def set_category(EngineCore core, int64_t lending, int64_t account, uint8_t category):
    """Opt an account into a category, 0: out of any; refused when it owes what the category does not lend or its
    collateral would bear less than it owes."""
    cdef State* state = &core.state
    cdef uint8_t before
    cdef uint32_t first
    cdef Event* event
    cdef Unit unit
    check_borrower(core, lending, account)
    _check_debts(core, account, category)
    if price_refused(state, account, NULL, False):
        raise ValueError(f"{category_named(core, lending, category)}: an oracle gives no price for what account "
                         f"{account} has")
    before = account_category(state, account)
    core.begin()
    unit.equity = 0
    reserve_positions(state, <int64_t>state.position_count + state.reserve_count)
    if category:
        make_room(state)
    if state.failed:
        core.end()
    change_category(state, account, category)
    first = state.accounts[account].first
    if first != NO_POSITION:
        first = unit_first(state, first)
    if first != NO_POSITION:
        unit_evaluate(state, first, &unit)
    if unit.equity < 0:
        change_category(state, account, before)
    elif category != before:
        event = log_append(&state.log, EVENT_CATEGORY, NO_MARKET, -1, 0)
        event.account = <int32_t>account
        event.quantity = category
        event.order = before
    if first != NO_POSITION:
        queue_unit(state, first)
    core.end()
    if unit.equity < 0:
        raise ValueError(f"{category_named(core, lending, category)}: the collateral of account {account} would "
                         "bear less than it owes")


def category_of(EngineCore core, int64_t lending, int64_t account):
    """Number of the category that an account is in, 0: none."""
    check_borrower(core, lending, account)
    return account_category(&core.state, account)


def account_categories(EngineCore core):
    """Number of each account's category, 0: none; uint8."""
    cdef State* state = &core.state
    cdef int64_t k
    core.begin()
    try:
        found = np.zeros(state.account_count, np.uint8)
        for k in range(min(state.account_count, state.category_room)):
            found[k] = state.categories[k]
        return found
    finally:
        core.release()


def restore_categories(EngineCore core, categories):
    """Categories of restored accounts, whose claims must be where they can have them."""
    cdef State* state = &core.state
    cdef int64_t k, lending, category
    if len(categories) and (categories.dtype != np.uint8 or len(categories) != state.account_count):
        raise ValueError("categories do not fit the accounts")
    for k in range(len(categories)):
        category = categories[k]
        if category == 0:
            continue
        lending = state.accounts[k].flags >> ACCOUNT_LENDING_SHIFT
        if not state.accounts[k].flags & ACCOUNT_LENDING or category > state.lendings[lending].category_count:
            raise ValueError(f"account {k}: category {category} is unknown")
        if make_room(state):
            raise MemoryError("no memory for categories")
        state.categories[k] = <uint8_t>category
    if core.state.position_count and _misplaced(state) >= 0:
        raise ValueError(f"position {_misplaced(state)}: not where its account can have it")


cdef bint _alone(const State* state, const Position* p) noexcept nogil:
    # is a claim that must be the only one of its kind the only one?
    cdef const Reserve* r = &state.reserves[state.markets[p.market].reserve - 1]
    cdef uint32_t i = state.accounts[p.account].first
    cdef int64_t same = 0
    if not r.siloed if p.size < 0 else r.debt_ceiling < 0:
        return True
    while i != NO_POSITION:
        if state.positions[i].size != 0:
            same += (state.positions[i].size < 0) == (p.size < 0)
        i = state.positions[i].next
    return same == 1


cdef int64_t _misplaced(const State* state) noexcept nogil:
    # a claim that its account cannot have there, or not beside others; -1: none
    cdef uint32_t k
    cdef const Position* p
    cdef const Reserve* r
    cdef uint8_t category
    for k in range(state.position_count):
        p = &state.positions[k]
        if state.markets[p.market].reserve == 0 or p.size == 0:
            continue
        r = &state.reserves[state.markets[p.market].reserve - 1]
        category = account_category(state, p.account)
        if not lent_in(r, category) if p.size < 0 else p.market != deposit_side(state, r, category):
            return k
        if not _alone(state, p):
            return k
    return -1


def check_claims(EngineCore core):
    """Raise InvariantError if a claim is not on the side of its account's category, or not alone where it must."""
    cdef int64_t found
    core.begin()
    found = _misplaced(&core.state)
    core.release()
    if found >= 0:
        raise InvariantError(f"position {found} is not where its account can have it")


# ---------------------------------------------------------------- the sentinel

LENDING_DTYPE = np.dtype([("sequencer_down", "<i8"), ("spared_until", "<i8")])


def set_sequencer(EngineCore core, int64_t lending, bint up, int64_t grace):
    """The sequencer is down, or up again and the grace of so many nanoseconds begins."""
    cdef Lending* rules = &core.state.lendings[lending]
    cdef Event* event
    if up != rules.sequencer_down:
        return
    core.begin()
    if up:
        rules.spared_until = core.state.clock + grace
    rules.sequencer_down = not up
    event = log_append(&core.state.log, EVENT_SEQUENCER, NO_MARKET, -1, 0)
    event.quantity = lending
    event.side = up
    event.order = rules.spared_until if up else 0
    core.end()


def lending_records(EngineCore core):
    """What changes of lending markets in order, LENDING_DTYPE."""
    cdef int64_t k
    rows = [(core.state.lendings[k].sequencer_down, core.state.lendings[k].spared_until)
            for k in range(core.state.lending_count)]
    return np.array(rows, dtype=LENDING_DTYPE)


def restore_lendings(EngineCore core, records):
    """Fill the lending markets that the settings brought."""
    cdef int64_t k
    if records.dtype != LENDING_DTYPE or len(records) != core.state.lending_count:
        raise ValueError("lending markets do not fit the settings")
    for k in range(core.state.lending_count):
        down, until = records[k]["sequencer_down"], records[k]["spared_until"]
        if (down not in (0, 1) or not 0 <= until < 2**62
                or ((down or until) and core.state.lendings[k].sentinel < 0)):
            raise ValueError(f"lending market {k}: its sequencer")
        core.state.lendings[k].sequencer_down = down
        core.state.lendings[k].spared_until = until


# ---------------------------------------------------------------- common caps

def set_exposure(EngineCore core, int64_t source, int64_t asset, int64_t supply_cap, int64_t borrow_cap):
    """Caps of all reserves with one price source (-1: an asset's money) together, -1: none."""
    cdef State* state = &core.state
    cdef uint16_t number = NO_MARKET if source < 0 else <uint16_t>source
    cdef Exposure* found = NULL
    cdef uint32_t k
    core.begin()
    for k in range(state.exposure_count):
        if state.exposures[k].source == number and (source >= 0 or state.exposures[k].asset == asset):
            found = &state.exposures[k]
    if found == NULL:
        found = <Exposure*>realloc(state.exposures, (state.exposure_count + 1) * sizeof(Exposure))
        if found == NULL:
            state.failed = FAILURE_MEMORY
            core.end()
        state.exposures = found
        found += state.exposure_count
        state.exposure_count += 1
    found.source = number
    found.asset = <uint16_t>asset
    found.supply_cap = supply_cap
    found.borrow_cap = borrow_cap
    core.end()
