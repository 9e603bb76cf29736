"""Terms that hold for accounts of lending markets: isolated collateral, siloed debts, caps, the sentinel.

docs/lending-market.md, *Terms of accounts*. They are looked at when something is deposited or borrowed; a
call of a liquidator only lowers what is counted.
"""

from libc.stdint cimport int64_t, uint32_t

from cascade._arithmetic cimport floor_divide, int128, saturate
from cascade._borrower cimport borrowed_lots, supplied_lots
from cascade._clearing cimport Unit
from cascade._core cimport EngineCore
from cascade._reserve cimport CLOSE_AUCTION, Exposure, Lending, Reserve
from cascade._state cimport NO_MARKET, NO_POSITION, RATE_DENOMINATOR, Position, State

from cascade.reserve_words import amount, lending_named, outside, reserve_named

cdef int64_t ANY = <int64_t>1 << 62        # lots where no cap is


# ---------------------------------------------------------------- isolated collateral, siloed debts

cdef int64_t hundredths_of(const Reserve* debt, int64_t lots) noexcept nogil:
    return saturate(floor_divide(<int128>lots * debt.hundredths, debt.hundredths_lots))


cdef Reserve* isolating(State* state, int64_t account) noexcept nogil:
    # the reserve whose ceiling an account's debts count against; NULL: its collateral is not isolated
    cdef uint32_t i = state.accounts[account].first
    cdef Reserve* reserve
    while i != NO_POSITION:
        if state.positions[i].size > 0:
            # isolated collateral is alone
            reserve = &state.reserves[state.markets[state.positions[i].market].reserve - 1]
            return reserve if reserve.debt_ceiling >= 0 else NULL
        i = state.positions[i].next
    return NULL


cdef void raise_isolated(State* state, int64_t account, const Reserve* debt, int64_t lots) noexcept nogil:
    cdef Reserve* reserve = isolating(state, account)
    if reserve != NULL:
        reserve.isolated_debt += hundredths_of(debt, lots)


cdef void lower_isolated(State* state, int64_t account, const Reserve* debt, int64_t lots) noexcept nogil:
    # interest is not counted, so that more may be repaid than was
    cdef Reserve* reserve = isolating(state, account)
    cdef int64_t less
    if reserve != NULL:
        less = hundredths_of(debt, lots)
        reserve.isolated_debt -= less if less < reserve.isolated_debt else reserve.isolated_debt


cdef bint siloed_away(State* state, int64_t account, const Reserve* debt) noexcept nogil:
    # does the account owe something that this asset may not be owed with?
    cdef uint32_t i = state.accounts[account].first
    cdef const Position* p
    cdef const Reserve* other
    while i != NO_POSITION:
        p = &state.positions[i]
        other = &state.reserves[state.markets[p.market].reserve - 1]
        if p.size < 0 and other.number != debt.number and (debt.siloed or other.siloed):
            return True
        i = p.next
    return False


cdef bint _has_other_collateral(State* state, int64_t account, const Reserve* r) noexcept nogil:
    # collateral that may not stand beside this one
    cdef uint32_t i = state.accounts[account].first
    cdef const Position* p
    cdef const Reserve* other
    while i != NO_POSITION:
        p = &state.positions[i]
        other = &state.reserves[state.markets[p.market].reserve - 1]
        if p.size > 0 and other.number != r.number and (r.debt_ceiling >= 0 or other.debt_ceiling >= 0):
            return True
        i = p.next
    return False


# ---------------------------------------------------------------- the sentinel

cdef bint sequencer_shut(const State* state, uint32_t lending) noexcept nogil:
    cdef const Lending* rules = &state.lendings[lending]
    return rules.sequencer_down or state.clock < rules.spared_until


cdef bint spared(const State* state, uint32_t lending, const Unit* unit) noexcept nogil:
    # is a due account healthy enough to wait for the sequencer and the grace after it?
    cdef int64_t least = state.lendings[lending].sentinel
    return (least >= 0 and sequencer_shut(state, lending)
            and unit.collateral * RATE_DENOMINATOR >= least * (unit.collateral - unit.equity))


# ---------------------------------------------------------------- caps

cdef int64_t exposure_left(const State* state, const Reserve* r, bint borrowed) noexcept nogil:
    # lots that all reserves of one price source may still take together, below zero: the cap is passed
    cdef uint32_t k
    cdef int64_t cap = -1
    cdef int128 total = 0
    cdef const Exposure* exposure
    cdef const Reserve* other
    for k in range(state.exposure_count):
        exposure = &state.exposures[k]
        if exposure.source == r.source and (
                r.source != NO_MARKET or exposure.asset == state.lendings[r.lending].asset):
            cap = exposure.borrow_cap if borrowed else exposure.supply_cap
    if cap < 0:
        return ANY
    for k in range(state.reserve_count):
        other = &state.reserves[k]
        if other.source == r.source and (
                r.source != NO_MARKET or state.lendings[other.lending].asset == state.lendings[r.lending].asset):
            total += (borrowed_lots(state, k, other.borrowed) if borrowed
                      else supplied_lots(state, k, other.supplied))
    return saturate(cap - total)


cdef int64_t most_by_terms(State* state, int64_t account, const Reserve* debt, int64_t most) noexcept nogil:
    # no more of a reserve than an account may borrow by isolation, silo, sentinel and common cap
    cdef const Reserve* reserve = isolating(state, account)
    cdef int64_t left = exposure_left(state, debt, True), counted
    if sequencer_shut(state, debt.lending) or siloed_away(state, account, debt):
        return 0
    most = left if left < most else most
    if reserve != NULL:
        if not debt.isolation_lends:
            return 0
        # the most lots that count no more hundredths than are left
        counted = reserve.debt_ceiling - reserve.isolated_debt
        left = saturate(floor_divide((<int128>counted + 1) * debt.hundredths_lots - 1, debt.hundredths))
        most = left if left < most else most
    return most if most > 0 else 0


# ---------------------------------------------------------------- what is refused

cdef int check_exposure(EngineCore core, const Reserve* r, bint borrowed, int64_t lots) except -1:
    cdef int64_t left = exposure_left(&core.state, r, borrowed)
    if lots > left:
        raise ValueError(outside(core, r.number, "amount", lots, 0, max(left, 0),
                                 f"what the common {'borrow' if borrowed else 'supply'} cap of its price leaves"))
    return 0


cdef int _check_share(EngineCore core, const Reserve* r, int64_t account, int128 held, int64_t supplies) except -1:
    # `held` lots of one account of so many supplied
    if r.account_cap >= 0 and held > r.account_cap:
        raise ValueError(outside(core, r.number, f"amount: account {account} would supply, and", int(held), 0,
                                 r.account_cap, "its account_cap"))
    if r.account_share >= 0 and held * RATE_DENOMINATOR > <int128>supplies * r.account_share:
        raise ValueError(f"amount: account {account} would supply {amount(core, r.number, int(held))} of "
                         f"{amount(core, r.number, supplies)} of {reserve_named(core, r.number)}, outside 0 ... "
                         f"{r.account_share / <double>RATE_DENOMINATOR:g}, its account_share")
    return 0


cdef int check_deposit(EngineCore core, const Reserve* r, int64_t account, int64_t held, int64_t lots) except -1:
    """Refuse collateral beside an isolated one, and more than an account may have; it has `held` lots."""
    if _has_other_collateral(&core.state, account, r):
        raise ValueError(f"{reserve_named(core, r.number)}: account {account} has other collateral, and isolated "
                         "collateral is alone")
    return _check_share(core, r, account, <int128>held + lots,
                        supplied_lots(&core.state, r.number, r.supplied) + lots)


cdef int _check_ceiling(EngineCore core, const Reserve* reserve, object more) except -1:
    if reserve.isolated_debt + more > reserve.debt_ceiling:
        raise ValueError(f"isolated debt of {(int(reserve.isolated_debt) + more) / 100.0:.2f} is outside 0 ... "
                         f"{reserve.debt_ceiling / 100.0:.2f}, the debt_ceiling of "
                         f"{reserve_named(core, reserve.number)}")
    return 0


cdef int _check_lent(EngineCore core, const Reserve* debt) except -1:
    if not debt.isolation_lends:
        raise ValueError(f"{reserve_named(core, debt.number)} cannot be borrowed against isolated collateral: its "
                         "borrowable_in_isolation is False")
    return 0


cdef int _check_sequencer(EngineCore core, int64_t lending) except -1:
    if sequencer_shut(&core.state, <uint32_t>lending):
        raise ValueError(f"{lending_named(core, lending)}: nothing is lent while the sequencer is down or in its "
                         "grace")
    return 0


cdef int check_borrow(EngineCore core, const Reserve* r, int64_t account, int64_t lots) except -1:
    """Refuse debts by sequencer, silo, isolation and its ceiling."""
    cdef const Reserve* reserve = isolating(&core.state, account)
    _check_sequencer(core, r.lending)
    if siloed_away(&core.state, account, r):
        raise ValueError(f"{reserve_named(core, r.number)}: account {account} owes something else, and siloed "
                         "debt is alone")
    if reserve != NULL:
        _check_lent(core, r)
        _check_ceiling(core, reserve, int(hundredths_of(r, lots)))
    return 0


cdef int check_dust(EngineCore core, const Reserve* r, int64_t account, int64_t lots) except -1:
    """Refuse a debt of so many lots that is neither none nor as large as auctions of its collateral ask."""
    cdef State* state = &core.state
    cdef uint32_t i = state.accounts[account].first
    cdef int64_t least = 0
    cdef const Reserve* reserve
    if lots == 0 or state.lendings[r.lending].close_factor != CLOSE_AUCTION:
        return 0
    while i != NO_POSITION:
        reserve = &state.reserves[state.markets[state.positions[i].market].reserve - 1]
        if state.positions[i].size > 0 and reserve.auction.dust > least:
            least = reserve.auction.dust
        i = state.positions[i].next
    if <int128>lots * r.unit * r.price < least:
        raise ValueError(f"amount leaves a debt of {lots} lots, worth less than the dust of {least} atoms")
    return 0


cdef int _check_alone(EngineCore core, columns, int64_t number, bint borrowed, what) except -1:
    # isolated collateral and siloed debts stand alone in every row
    mine = next(column for n, debts, column in columns if n == number and debts == borrowed)
    for other, debts, column in columns:
        if other != number and debts == borrowed and ((mine > 0) & (column > 0)).any():
            raise ValueError(f"{reserve_named(core, number)} is {what}: it is alone in an account")
    return 0


cdef object _counted(EngineCore core, const Reserve* reserve, columns):
    # hundredths that rows of one isolated collateral add
    cdef const Reserve* debt
    mine = next(column for n, debts, column in columns if n == reserve.number and not debts)
    added = 0
    for number, borrowed, column in columns:
        debt = &core.state.reserves[<int64_t>number]
        owed = column[(mine > 0) & (column > 0)] if borrowed else ()
        if len(owed):
            _check_lent(core, debt)
            added += sum(int(hundredths_of(debt, lots)) for lots in owed.tolist())
    return added


cdef list check_rows(EngineCore core, int64_t lending, columns):
    """Refuse new accounts that break terms; what the ceilings count, (reserve, hundredths) each."""
    cdef const Reserve* r
    cdef int64_t most, supplies
    counted, together = [], {}
    for number, borrowed, column in columns:
        r = &core.state.reserves[<int64_t>number]
        total = sum(column.tolist())
        key = (r.source if r.source != NO_MARKET else -1, bool(borrowed))
        together[key] = together.get(key, 0) + total
        check_exposure(core, r, borrowed, together[key])
        if borrowed:
            if total:
                _check_sequencer(core, lending)
            if r.siloed:
                _check_alone(core, columns, number, True, "siloed")
            continue
        supplies = supplied_lots(&core.state, r.number, r.supplied) + total
        if len(column):
            most = column.max()
            _check_share(core, r, core.state.account_count + int(column.argmax()), most, supplies)
        if r.debt_ceiling >= 0:
            _check_alone(core, columns, number, False, "isolated")
            added = _counted(core, r, columns)
            _check_ceiling(core, r, added)
            counted.append((number, added))
    return counted
