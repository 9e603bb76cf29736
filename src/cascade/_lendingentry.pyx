"""Lending markets as drivers call them: protocols, reserves, borrowers and liquidators, in whole numbers.

Functions on an engine core; `cascade.lending_market` has put lots and atoms for quotes. Each call checks
everything first and then does all it was asked.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport realloc
from libc.string cimport memset

import numpy as np

from cascade._accountterms cimport (
    check_borrow, check_deposit, check_dust, check_exposure, check_rows, lower_isolated, raise_isolated,
)
from cascade._arithmetic cimport ceil_divide, floor_divide, int128, magnitude
from cascade._borrower cimport borrowed_lots, supplied_lots
from cascade._category cimport (
    account_category, deposit_side, lent_in, make_room, state_terms,
)
from cascade._clearing cimport claim_position, find_position, reserve_positions
from cascade._core cimport EngineCore
from cascade._flows cimport note_flow, note_rounding
from cascade._lendingquote cimport borne_at_ratio, price_refused, scaled_more
from cascade._log cimport Event, log_append
from cascade._moves cimport test_moved
from cascade._opening cimport create_accounts
from cascade._oracle cimport believe_price
from cascade._queue cimport queue_unit
from cascade._rates cimport Rate, fill_rate
from cascade._redistribution cimport form_troves, join_troves, settle_trove
from cascade._reserve cimport (
    CLOSE_ABSORB, CLOSE_AUCTION, CLOSE_TROVE, FLOW_BORROWED, FLOW_REDEEMED, FLOW_REPAID, FLOW_SUPPLIED,
    INDEX_ONE,
    LARGEST_LOTS, LARGEST_VALUE, Lending, Liquidator, Reserve,
)
from cascade._route cimport state_venues, venue_list
from cascade._seizure cimport move_scaled
from cascade._state cimport (
    ACCOUNT_LENDING, ACCOUNT_LENDING_SHIFT, FAILURE_MEMORY, NO_MARKET,
    NO_POSITION, Market, State,
)
from cascade._types cimport (
    EVENT_BORROW, EVENT_OPEN, EVENT_REDEEM, EVENT_REPAY, EVENT_SUPPLY,
)

from cascade.reserve_words import lending_named, not_lent, outside, reserve_named, stated_cap

cdef int64_t MOST_LOTS = 2**63 - 1           # that a sum over time can be

RESERVE_FIELDS = (
    "supply_index", "borrow_index", "supplied", "borrowed", "cash", "treasury", "deficit", "kept",
    "price", "updated",
)


# ---------------------------------------------------------------- set-up

def add_lending(EngineCore core, *, int64_t asset, int close_factor, int64_t close_fraction,
                int64_t close_health, int64_t close_value, int bonus, int64_t bonus_base,
                int64_t bonus_cap, int64_t fee, int64_t min_leftover, int bad_debt, bint inclusive,
                bint average, int halt, int64_t halt_level, int zero_price, bint fee_on_repay,
                int64_t sentinel, bint treasury_capped, bint uncounted_spared, bint supply_below,
                bint borrow_below):
    """Add a lending market; gives its number."""
    cdef State* state = &core.state
    cdef Lending* grown
    if state.lending_count >= 4095:
        raise ValueError("lending market 4096: an engine has at most 4095")
    core.begin()
    grown = <Lending*>realloc(state.lendings, (state.lending_count + 1) * sizeof(Lending))
    if grown == NULL:
        state.failed = FAILURE_MEMORY
    else:
        state.lendings = grown
        grown += state.lending_count
        memset(grown, 0, sizeof(Lending))
        grown.asset = <uint16_t>asset
        grown.close_factor = <uint8_t>close_factor
        grown.close_fraction = close_fraction
        grown.close_health = close_health
        grown.close_value = close_value
        grown.bonus = <uint8_t>bonus
        grown.bonus_base = bonus_base
        grown.bonus_cap = bonus_cap
        grown.fee = fee
        grown.min_leftover = min_leftover
        grown.bad_debt = <uint8_t>bad_debt
        grown.inclusive = inclusive
        grown.average = average
        grown.halt = <uint8_t>halt
        grown.halt_level = halt_level
        grown.zero_price = <uint8_t>zero_price
        grown.fee_on_repay = fee_on_repay
        grown.sentinel = sentinel
        grown.treasury_capped = treasury_capped
        grown.uncounted_spared = uncounted_spared
        grown.supply_below = supply_below
        grown.borrow_below = borrow_below
        state.lending_count += 1
    core.end()
    return state.lending_count - 1


cdef void _join_readers(State* state, Market* source, uint32_t number) noexcept nogil:
    # at the end, so that reserves are offered a price in the order in which they were added
    cdef uint32_t last = source.readers
    if last == 0:
        source.readers = number + 1
        return
    while state.reserves[last - 1].next_reader:
        last = state.reserves[last - 1].next_reader
    state.reserves[last - 1].next_reader = <uint16_t>(number + 1)


cdef int64_t _most_within(int64_t cap, bint below) noexcept nogil:
    # -1: any; a total of nothing is always within
    return cap - 1 if below and cap > 0 else cap


def add_reserve(EngineCore core, *, int64_t lending, int64_t source, venue,
                int64_t supplied_side, int64_t borrowed_side, int64_t unit, int64_t refine,
                int64_t threshold, int64_t loan_to_value, int64_t bonus, int64_t borrow_factor,
                int64_t reserve_factor, rate, int64_t supply_cap, int64_t borrow_cap, int64_t delay,
                int64_t heartbeat, int64_t deviation, int64_t max_step, int64_t block, bint collateral,
                bint borrowable, int64_t liquidation_factor, int64_t debt_ceiling,
                bint isolation_lends, bint siloed, int64_t account_cap, int64_t account_share,
                int64_t hundredths, int64_t hundredths_lots, int64_t fee):
    """Add a reserve whose sides are two markets just made; -1 for no source or venue, None for no interest.
    Gives its number."""
    cdef State* state = &core.state
    cdef Reserve* made
    cdef Rate interest
    cdef list venues = venue_list(venue)
    cdef uint32_t number = state.reserve_count
    memset(&interest, 0, sizeof(Rate))
    if rate is not None:
        fill_rate(&interest, rate)
    if number >= 65534:
        raise ValueError("reserve 65535: an engine has at most 65534")
    core.begin()
    made = <Reserve*>realloc(state.reserves, (number + 1) * sizeof(Reserve))
    if made == NULL:
        state.failed = FAILURE_MEMORY
        core.end()
    state.reserves = made
    made += number
    memset(made, 0, sizeof(Reserve))
    made.number = <uint16_t>number
    made.lending = <uint16_t>lending
    made.source = NO_MARKET if source < 0 else <uint16_t>source
    state_venues(made, venues)
    made.supplied_side = <uint16_t>supplied_side
    made.borrowed_side = <uint16_t>borrowed_side
    made.unit = unit
    made.refine = refine
    made.supply_index = made.borrow_index = INDEX_ONE
    made.borrow_factor = borrow_factor
    made.reserve_factor = reserve_factor
    made.rate = interest
    made.supply_cap = _most_within(supply_cap, state.lendings[lending].supply_below)
    made.borrow_cap = _most_within(borrow_cap, state.lendings[lending].borrow_below)
    made.delay = delay
    made.heartbeat = heartbeat
    made.deviation = deviation
    made.max_step = max_step
    made.block = block
    made.collateral = collateral
    made.borrowable = borrowable
    made.liquidation_factor = liquidation_factor
    made.debt_ceiling = debt_ceiling
    made.isolation_lends = isolation_lends
    made.siloed = siloed
    made.account_cap = account_cap
    made.account_share = account_share
    made.hundredths = hundredths
    made.hundredths_lots = hundredths_lots
    made.auction.hole = -1
    made.fee = state.lendings[lending].fee if fee < 0 else fee
    if borrowable and state.lendings[lending].close_factor in (CLOSE_ABSORB, CLOSE_AUCTION):
        state.lendings[lending].base = <uint16_t>(number + 1)
    state.reserve_count += 1
    state.markets[borrowed_side].reserve = number + 1
    state_terms(state, number, supplied_side, threshold, loan_to_value, bonus)
    if state.lendings[lending].close_factor == CLOSE_TROVE:
        join_troves(state, made)
    if source < 0:
        believe_price(state, number, 1, -1, 0)
    else:
        _join_readers(state, state.markets[source], number)
        if state.markets[source].mark:
            believe_price(state, number, state.markets[source].mark, -1, 0)
    test_moved(state)
    core.end()
    return number


def add_liquidator(EngineCore core, *, int64_t capital, int64_t gas, int64_t min_profit, int64_t latency,
                   int halvings, int choice, bint single, int64_t max_repay, int64_t step_budget):
    """Add a liquidator; gives its number."""
    cdef State* state = &core.state
    cdef Liquidator* grown
    if state.liquidator_count >= 65535:
        raise ValueError("liquidator 65536: an engine has at most 65535")
    core.begin()
    grown = <Liquidator*>realloc(state.liquidators, (state.liquidator_count + 1) * sizeof(Liquidator))
    if grown == NULL:
        state.failed = FAILURE_MEMORY
    else:
        state.liquidators = grown
        grown += state.liquidator_count
        memset(grown, 0, sizeof(Liquidator))
        grown.capital = capital
        grown.gas = gas
        grown.min_profit = min_profit
        grown.latency = latency
        grown.halvings = halvings
        grown.choice = <uint8_t>choice
        grown.single = single
        grown.max_repay = max_repay
        grown.step_budget = step_budget
        state.liquidator_count += 1
    core.end()
    return state.liquidator_count - 1


def liquidator_row(EngineCore core, int64_t number):
    """Atoms earned, atoms of gas, atoms bid, and calls of a liquidator."""
    cdef Liquidator* found
    if not 0 <= number < core.state.liquidator_count:
        raise ValueError(f"liquidator {number} is outside 0 ... {core.state.liquidator_count - 1}")
    found = &core.state.liquidators[number]
    return {"cash": found.cash, "spent": found.spent, "bids": found.bids, "done": found.done}


def set_bidding(EngineCore core, bint bidding):
    """Does the liquidator who gains most act, for what the next would have gained, or the first who gains?"""
    core.state.bidding = bidding


def reserve_row(EngineCore core, int64_t number):
    """Whole numbers of a reserve, and the lots that its indices make of the scaled ones."""
    cdef Reserve* r = reserve_at(core, number)
    row = dict(zip(RESERVE_FIELDS, (
        r.supply_index, r.borrow_index, r.supplied, r.borrowed, r.cash, r.treasury, r.deficit, r.kept,
        r.price, r.updated), strict=True))
    row["supplied_lots"] = supplied_lots(&core.state, number, r.supplied)
    row["owed_lots"] = borrowed_lots(&core.state, number, r.borrowed)
    row["paused"] = r.paused
    row["frozen"] = r.frozen
    row["grace_until"] = r.grace_until
    row["absorbed"] = r.absorbed
    row["isolated_debt"] = r.isolated_debt
    row["rate_at_target"] = r.rate.at_target
    row["auctioned"] = r.auctioned
    row["awaited"] = r.awaited
    row["oracle"] = r.oracle
    return row


def pause_reserve(EngineCore core, int64_t number, bint paused, int64_t grace):
    """Stop all that involves a reserve, or allow it again, liquidations after `grace` nanoseconds."""
    cdef Reserve* r = reserve_at(core, number)
    if r.paused and not paused:
        r.grace_until = core.state.clock + grace
    r.paused = paused


def freeze_reserve(EngineCore core, int64_t number, bint frozen):
    """Stop or allow what makes a reserve's supply or debts larger."""
    reserve_at(core, number).frozen = frozen


cdef int check_open_for(EngineCore core, const Reserve* r, bint more) except -1:
    if r.paused:
        raise ValueError(f"{reserve_named(core, r.number)} is paused: nothing comes or goes")
    if r.rate.waited:
        raise ValueError(f"{reserve_named(core, r.number)} does nothing: its borrow rate is above what accrues")
    if more and r.frozen:
        raise ValueError(f"{reserve_named(core, r.number)} is frozen: nothing is added to its supply or debts")
    return 0


cdef Reserve* reserve_at(EngineCore core, int64_t number) except NULL:
    if number < 0 or number >= core.state.reserve_count:
        raise ValueError(f"reserve {number} is outside 0 ... {core.state.reserve_count - 1}")
    return &core.state.reserves[number]


# ---------------------------------------------------------------- suppliers without an account

cdef void _note(State* state, uint8_t kind, uint16_t side, int64_t account, int64_t lots) noexcept nogil:
    cdef Event* event = log_append(&state.log, kind, side, -1, 0)
    event.account = <int32_t>account
    event.quantity = lots


cdef int _check_supply(EngineCore core, Reserve* r, int64_t lots) except -1:
    cdef int64_t there = supplied_lots(&core.state, r.number, r.supplied)
    check_open_for(core, r, True)
    if lots > LARGEST_LOTS - there or r.cash > LARGEST_LOTS - lots:
        there = min(LARGEST_LOTS - there, LARGEST_LOTS - r.cash)
        raise OverflowError(outside(core, r.number, "amount", lots, 1, there, "what fits in 64 bits"))
    # losses of suppliers make an index small
    if <int128>lots * INDEX_ONE > <int128>(LARGEST_LOTS - r.supplied) * r.supply_index:
        there = <int64_t>floor_divide(<int128>(LARGEST_LOTS - r.supplied) * r.supply_index, INDEX_ONE)
        raise OverflowError(outside(core, r.number, "amount", lots, 1, there,
                                    f"which over a supply index of {r.supply_index} fits in 64 bits"))
    check_flow(core, r, FLOW_SUPPLIED, lots)
    if core.state.lendings[r.lending].treasury_capped and r.treasury > 0:
        there += r.treasury
    if r.supply_cap >= 0 and there + lots > r.supply_cap:
        raise ValueError(outside(core, r.number, "amount", lots, 1, r.supply_cap - there,
                                 f"what the {stated_cap(core, r.number, 'supply_cap', r.supply_cap)} leaves"))
    return 0


cdef int check_flow(EngineCore core, const Reserve* r, int flow, int64_t lots) except -1:
    if lots > MOST_LOTS - r.flows[flow]:
        raise OverflowError(outside(core, r.number, "amount", lots, 1, MOST_LOTS - r.flows[flow],
                                    "what fits in 64 bits beside all that was moved so far"))
    return 0


cdef int _check_amount(EngineCore core, const Reserve* r, int64_t lots) except -1:
    if lots <= 0:
        raise ValueError(outside(core, r.number, "amount", lots, 1, LARGEST_LOTS))
    return 0


def supply(EngineCore core, int64_t number, int64_t lots):
    """Supply from outside."""
    cdef Reserve* r = reserve_at(core, number)
    _check_amount(core, r, lots)
    if r.assigned_mark:
        raise ValueError(f"{reserve_named(core, r.number)} is the collateral of troves: only accounts deposit it")
    _check_supply(core, r, lots)
    check_exposure(core, r, False, lots)
    core.begin()
    r.supplied += <int64_t>floor_divide(<int128>lots * INDEX_ONE, r.supply_index)
    r.cash += lots
    note_flow(r, FLOW_SUPPLIED, lots)
    _note(&core.state, EVENT_SUPPLY, r.supplied_side, -1, lots)
    core.end()


def redeem(EngineCore core, int64_t number, int64_t lots):
    """Take back what was supplied from outside, as far as there is cash."""
    cdef Reserve* r = reserve_at(core, number)
    cdef int128 scaled
    cdef int64_t others, most
    cdef uint16_t side
    _check_amount(core, r, lots)
    check_open_for(core, r, False)
    others = r.supplied + core.state.markets[r.supplied_side].outside_size
    side = core.state.markets[r.supplied_side].next_side
    while side:
        others += core.state.markets[side - 1].outside_size
        side = core.state.markets[side - 1].next_side
    most = supplied_lots(&core.state, number, others) if others > 0 else 0
    if lots > most:
        raise ValueError(outside(core, number, "amount", lots, 1, most, "what was supplied from outside"))
    if lots > r.cash:
        raise ValueError(outside(core, number, "amount", lots, 1, r.cash, "its cash"))
    scaled = ceil_divide(<int128>lots * INDEX_ONE, r.supply_index)
    check_flow(core, r, FLOW_REDEEMED, lots)
    core.begin()
    r.supplied -= <int64_t>scaled
    r.cash -= lots
    note_flow(r, FLOW_REDEEMED, lots)
    _note(&core.state, EVENT_REDEEM, r.supplied_side, -1, lots)
    core.end()


# ---------------------------------------------------------------- borrowers

cdef int check_column(EngineCore core, Reserve* r, const int64_t[::1] lots, bint borrowed) except -1:
    # limits of one reserve; gives nothing, raises before anything changes
    cdef int64_t k, left
    cdef int128 total = 0, worth = <int128>r.unit * (r.price if r.price else 1)
    for k in range(lots.shape[0]):
        if lots[k] < 0 or lots[k] * worth > LARGEST_VALUE:
            left = <int64_t>floor_divide(LARGEST_VALUE, worth)
            raise (ValueError if lots[k] < 0 else OverflowError)(
                outside(core, r.number, f"row {k}: amount" if lots.shape[0] > 1 else "amount", lots[k], 0, left,
                        "beyond which it is worth more than 2**56 atoms"))
        total += lots[k]
    if total > LARGEST_LOTS:
        raise OverflowError(f"amounts of {reserve_named(core, r.number)} sum to {int(total)} lots, outside 0 ... "
                            f"{LARGEST_LOTS}")
    check_open_for(core, r, True)
    if borrowed:
        if not r.borrowable:
            raise ValueError(f"{reserve_named(core, r.number)} cannot be borrowed: its borrowable is False")
        left = r.borrow_cap - borrowed_lots(&core.state, r.number, r.borrowed)
        if r.borrow_cap >= 0 and total > left:
            raise ValueError(outside(core, r.number, "amount", int(total), 1, left,
                                     f"what the {stated_cap(core, r.number, 'borrow_cap', r.borrow_cap)} leaves"))
        return check_flow(core, r, FLOW_BORROWED, <int64_t>total)
    if not r.collateral:
        raise ValueError(f"{reserve_named(core, r.number)} is no collateral: its collateral is False")
    return _check_supply(core, r, <int64_t>total)


cdef int64_t _sum(const int64_t[::1] lots) noexcept:
    cdef int64_t k, total = 0
    for k in range(lots.shape[0]):
        total += lots[k]
    return total


cdef void _enter(State* state, Reserve* r, const int64_t[::1] lots, uint32_t first, uint16_t side,
                 bint borrowed) noexcept nogil:
    cdef int64_t k, scaled
    cdef uint32_t position
    for k in range(lots.shape[0]):
        scaled = scaled_more(r, lots[k], borrowed)
        if scaled == 0:
            continue
        position = claim_position(state, <int32_t>(first + k), side, 0)
        if position == NO_POSITION:
            return
        move_scaled(state, position, -scaled if borrowed else scaled)


cdef int _check_lent(EngineCore core, const Reserve* r, uint8_t category) except -1:
    if not lent_in(r, category):
        raise ValueError(not_lent(core, r.number, category))
    return 0


def open_borrowers(EngineCore core, int64_t lending, columns, int64_t count, uint8_t category):
    """New accounts of a category, 0: of none, from rows (reserve, borrowed, int64 column of lots), in order of
    reserves and collateral before debts; gives the first account's id."""
    cdef State* state = &core.state
    cdef uint32_t first = state.account_count, i
    cdef int64_t k, wanted, after, most = 0
    cdef Reserve* r
    cdef Event* event
    cdef const int64_t[::1] lots
    cdef bint debts
    cdef uint16_t side
    if first + count >= 2**31 - 1:
        raise ValueError(f"{count} accounts more than the {first} there are: an engine has at most {2**31 - 2}")
    cash = {}
    for number, borrowed, column in columns:
        r = reserve_at(core, number)
        if borrowed:
            _check_lent(core, r, category)
        check_column(core, r, column, borrowed)
        cash[number] = cash.get(number, r.cash) + (-_sum(column) if borrowed else _sum(column))
    counted = check_rows(core, lending, columns)
    for number, left in cash.items():
        if left < 0:
            for k, borrowed, column in columns:
                most = _sum(column) if borrowed and k == number else most
            raise ValueError(outside(core, number, "debts together", most, 0, most + left, "its cash"))
    core.begin()
    wanted = <int64_t>state.position_count + count * len(columns)
    if wanted > state.position_capacity:
        reserve_positions(state, wanted)
    create_accounts(state, count, state.lendings[lending].asset, 0, False)
    if category and not state.failed:
        make_room(state)
    if state.failed:
        core.end()
    for k in range(count):
        if category:
            state.categories[first + k] = category
        state.accounts[first + k].flags = <uint16_t>(ACCOUNT_LENDING | lending << ACCOUNT_LENDING_SHIFT)
    for number, borrowed, column in columns:
        lots = column
        r = &state.reserves[<int64_t>number]
        side = r.borrowed_side if borrowed else deposit_side(state, r, category)
        after = cash[number]
        debts = borrowed
        with nogil:
            _enter(state, r, lots, first, side, debts)
        r.cash = after
        note_flow(r, FLOW_BORROWED if debts else FLOW_SUPPLIED, _sum(lots))
        note_rounding(r, lots.shape[0])
    with nogil:
        for k in range(count):
            i = state.accounts[first + k].first
            if i != NO_POSITION:
                settle_trove(state, lending, first + k)
                queue_unit(state, i)
    for number, added in counted:
        state.reserves[<int64_t>number].isolated_debt += added
    event = log_append(&state.log, EVENT_OPEN, NO_MARKET, -1, 0)
    event.quantity = count
    event.account = <int32_t>first if count else -1
    form_troves(state, lending, -1, 0)
    core.end()
    return first


cdef int64_t _most_borne(State* state, const Reserve* r, uint32_t position, int64_t lots, int64_t moved,
                         bint borrowed) noexcept:
    # fewer lots that an account may borrow or withdraw; `moved` scaled lots of all are taken back
    cdef int64_t low = 0, high = lots - 1, middle, scaled
    move_scaled(state, position, moved if borrowed else -moved)
    while low < high:
        middle = low + (high - low + 1) // 2
        scaled = (-scaled_more(r, middle, True) if borrowed else
                  -<int64_t>ceil_divide(<int128>middle * INDEX_ONE, r.supply_index))
        move_scaled(state, position, scaled)
        if borne_at_ratio(state, position) < 0:
            high = middle - 1
        else:
            low = middle
        move_scaled(state, position, -scaled)
    return low


def change_claim(EngineCore core, int64_t lending, int64_t account, int64_t number, int64_t lots, bint borrowed,
                 bint less):
    """Deposit, withdraw, borrow or repay lots."""
    cdef State* state = &core.state
    cdef Reserve* r = reserve_at(core, number)
    cdef int64_t held = 0, scaled, most
    cdef uint32_t position
    cdef uint16_t side
    check_borrower(core, lending, account)
    _check_amount(core, r, lots)
    if borrowed and not less:
        _check_lent(core, r, account_category(state, account))
    side = r.borrowed_side if borrowed else deposit_side(state, r, account_category(state, account))
    check_open_for(core, r, not less)
    position = find_position(state, <int32_t>account, side, 0)
    if position != NO_POSITION:
        held = magnitude(state.positions[position].size)
    if not less:
        check_column(core, r, np.array([lots]), borrowed)
        check_exposure(core, r, borrowed, lots)
        if borrowed:
            check_borrow(core, r, account, lots)
        else:
            check_deposit(core, r, account, supplied_lots(state, number, held), lots)
    if less != borrowed and lots > r.cash:
        raise ValueError(outside(core, number, "amount", lots, 1, r.cash, "its cash"))
    if less != borrowed and price_refused(state, account, r, borrowed):
        raise ValueError(f"amount of {reserve_named(core, number)}: an oracle gives no price for what account "
                         f"{account} has")
    if less:
        most = borrowed_lots(state, number, held) if borrowed else supplied_lots(state, number, held)
        if lots > most:
            raise ValueError(outside(core, number, "amount", lots, 1, most,
                                     f"what account {account} {'owes' if borrowed else 'has there'}"))
        if borrowed:
            check_dust(core, r, account, most - lots)
        # rounded against the account, and all of it when all is meant
        scaled = held
        if lots < most:
            scaled = (<int64_t>floor_divide(<int128>lots * INDEX_ONE, r.borrow_index) if borrowed else
                      <int64_t>ceil_divide(<int128>lots * INDEX_ONE, r.supply_index))
        scaled = -scaled
        check_flow(core, r, FLOW_REPAID if borrowed else FLOW_REDEEMED, lots)
    else:
        scaled = scaled_more(r, lots, borrowed)
        most = borrowed_lots(state, number, held) if borrowed else supplied_lots(state, number, held)
        if (<int128>most + lots) * r.unit * (r.price if r.price else 1) > LARGEST_VALUE:
            scaled = <int64_t>floor_divide(LARGEST_VALUE, <int128>r.unit * (r.price if r.price else 1)) - most
            raise OverflowError(outside(core, number, "amount", lots, 1, scaled,
                                        "beyond which what it has is worth more than 2**56 atoms"))
        if borrowed:
            check_dust(core, r, account, most + lots)
    core.begin()
    position = claim_position(state, <int32_t>account, side, 0)
    if position == NO_POSITION:
        core.end()
    move_scaled(state, position, -scaled if borrowed else scaled)
    if less != borrowed and borne_at_ratio(state, position) < 0:
        most = _most_borne(state, r, position, lots, scaled, borrowed)
        core.end()
        raise ValueError(outside(core, number, "amount", lots, 1, most,
                                 f"what the collateral of account {account} bears"))
    if borrowed and less:
        lower_isolated(state, account, r, lots)
    elif borrowed:
        raise_isolated(state, account, r, lots)
    r.cash += -lots if less != borrowed else lots
    note_flow(r, (FLOW_REPAID if less else FLOW_BORROWED) if borrowed else
              (FLOW_REDEEMED if less else FLOW_SUPPLIED), lots)
    _note(state, (EVENT_REPAY if less else EVENT_BORROW) if borrowed else
          (EVENT_REDEEM if less else EVENT_SUPPLY), side, account, lots)
    queue_unit(state, position)
    core.end()


cdef int check_borrower(EngineCore core, int64_t lending, int64_t account) except -1:
    cdef uint16_t flags
    if not 0 <= account < core.state.account_count:
        raise ValueError(f"account {account} is outside 0 ... {<int64_t>core.state.account_count - 1}")
    flags = core.state.accounts[account].flags
    if not flags & ACCOUNT_LENDING or flags >> ACCOUNT_LENDING_SHIFT != lending:
        raise ValueError(f"account {account} is none of {lending_named(core, lending)}")
    return 0
