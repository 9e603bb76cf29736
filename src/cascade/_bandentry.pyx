"""Soft liquidation markets as drivers call them, in whole lots and atoms.

Functions on an engine core; `cascade.band_market` has put lots and atoms for quotes. Each call checks
everything first, or takes back what it did, before it refuses.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport calloc, realloc

import numpy as np

from cascade._arithmetic cimport ceil_divide, floor_divide, int128
from cascade._bandcurve cimport effective_parts, price_parts, value_at, wide_root
from cascade._bandloans cimport (
    PLACED, PLACE_OVERFLOW, PLACE_TOO_LITTLE, PLACE_TOO_LOW, backing_of, band_at, begin_occasion, debt_of,
    forget_loan, highest_free, holding_of, join_band, leave_bands, new_loan, place_loan, take_claims,
)
from cascade._bands cimport (
    LEAST_BANDS, LOAN_DUE, MOST_BANDS, NO_ENTRY, RATIO_BITS, VALUE_BITS, WIDTH, Band, BandMarket, Loan,
)
from cascade._bandwatch cimport test_bands, test_loan, test_loans
from cascade._borrower cimport gives_no_price
from cascade._core cimport EngineCore
from cascade._log cimport Event, log_append
from cascade._opening cimport create_accounts
from cascade._reserve cimport INDEX_ONE, Reserve
from cascade._state cimport FAILURE_MEMORY, NO_MARKET, RATE_DENOMINATOR, State
from cascade._types cimport (
    EVENT_BORROW, EVENT_OPEN, EVENT_REDEEM, EVENT_REPAY, EVENT_SUPPLY,
)

from cascade.reserve_words import amount, outside, reserve_named

cdef int64_t LARGEST_VALUE = <int64_t>1 << 56
cdef int64_t LARGEST_PARTS = <int64_t>1 << 60

KEPT, KEPT_OF = 9_999, 10_000        # the largest debt is so far below the edge
SUMS = (
    "stable_in", "stable_out", "lots_in", "lots_out", "stable_dust", "dust_parts", "issued", "cancelled",
    "interest", "roundings", "sold", "bought",
)
SCALARS = (
    "index", "scaled", "active", "low", "high", "last_price", "last_fee", "last_time", "changed", "changed_wave",
    "purchases_since", "sales_since",
)
COLUMNS = ("account", "first", "last", "debt", "stable", "collateral", "backing", "due")


# ---------------------------------------------------------------- set-up

def add_band_market(EngineCore core, *, int64_t reserve, int64_t money, int64_t base, int64_t amplification,
                    int64_t fee, int64_t loan_discount, int64_t liquidation_discount, int64_t rate):
    """Add a market on two reserves just made, `base` atoms a lot at the upper price of band 0; its number."""
    cdef State* state = &core.state
    cdef BandMarket* market
    cdef BandMarket** grown
    if base.bit_length() > 46:
        raise OverflowError(f"a lot is worth {base} atoms, more than 2**46")
    if state.band_count >= 4095:
        raise ValueError("an engine has at most 4095 soft liquidation markets")
    core.begin()
    grown = <BandMarket**>realloc(state.bands, (state.band_count + 1) * sizeof(BandMarket*))
    if grown != NULL:
        state.bands = grown
    market = <BandMarket*>calloc(1, sizeof(BandMarket))
    if market != NULL:
        market.grid = <Band*>calloc(<size_t>(2 * WIDTH * amplification + 1), sizeof(Band))
    if grown == NULL or market == NULL or market.grid == NULL:
        state.failed = FAILURE_MEMORY
        core.end()
    market.number = state.band_count
    market.reserve = <uint16_t>reserve
    market.money = <uint16_t>money
    market.amplification = <int32_t>amplification
    market.width = <int32_t>(WIDTH * amplification)
    market.fee = <int64_t>((<int128>fee << RATIO_BITS) // RATE_DENOMINATOR)
    market.loan_discount = loan_discount
    market.liquidation_discount = liquidation_discount
    market.rate = rate
    market.index = INDEX_ONE
    market.changed = -1
    market.apart_since[0] = market.apart_since[1] = -1
    make_grid(market, base)
    market.last_time = state.clock
    market.last_price = price_parts(market, state.reserves[reserve].unit * state.reserves[reserve].price)
    grown[state.band_count] = market
    state.band_count += 1
    state.reserves[reserve].bands = state.band_count
    test_loans(state, market)
    core.end()
    return market.number


cdef int make_grid(BandMarket* market, int64_t base) except -1:
    # each price from its neighbour, so that they are the same whatever the machine
    cdef int32_t a = market.amplification, bits = <int32_t>int(base).bit_length(), n, _n
    cdef int128 far = <int128>1 << RATIO_BITS
    market.shift = 50 - bits
    market.parts = <int64_t>1 << (bits + 4)
    band_at(market, 0).edge = base << market.shift
    for n in range(market.width):
        band_at(market, n + 1).edge = <int64_t>(<int128>band_at(market, n).edge * (a - 1) // a)
        band_at(market, -n - 1).edge = <int64_t>(<int128>band_at(market, -n).edge * a // (a - 1))
    for n in range(-market.width, market.width + 1):
        band_at(market, n).head = NO_ENTRY
    for n in range(MOST_BANDS + 1):
        market.free_entries[n] = NO_ENTRY
    market.root = <int64_t>wide_root((<int128>a << (2 * RATIO_BITS)) // (a - 1))
    for _n in range(MOST_BANDS):
        far = floor_divide(far * a, a - 1)
    market.far = <int64_t>far
    return 0


cdef BandMarket* band_market_at(EngineCore core, int64_t number) except NULL:
    if not 0 <= number < core.state.band_count:
        raise ValueError(f"soft liquidation market {number} is outside 0 ... {<int64_t>core.state.band_count - 1}")
    return core.state.bands[number]


cdef Loan* loan_at(BandMarket* market, int64_t number) except NULL:
    if not 0 <= number < market.loan_count or market.loans[number].debt == 0:
        if 0 <= number < market.loan_count:
            raise ValueError(f"loan {number} is repaid")
        raise ValueError(f"loan {number} is outside 0 ... {market.loan_count - 1}")
    return &market.loans[number]


# ---------------------------------------------------------------- checks

cdef int check_open_for(EngineCore core, const BandMarket* market, bint more, bint priced) except -1:
    cdef const Reserve* reserve = &core.state.reserves[market.reserve]
    if reserve.paused:
        raise ValueError(f"{reserve_named(core, market.reserve)} is paused: nothing comes or goes")
    if more and reserve.frozen:
        raise ValueError(f"{reserve_named(core, market.reserve)} is frozen: no collateral and no debt is added")
    if priced and gives_no_price(&core.state, reserve):
        raise ValueError(f"{reserve_named(core, market.reserve)}: its oracle gives no price")
    return 0


cdef int check_amounts(EngineCore core, const BandMarket* market, int64_t lots, int64_t debt) except -1:
    cdef const Reserve* reserve = &core.state.reserves[market.reserve]
    if (<int128>lots * (reserve.unit * reserve.price) > LARGEST_VALUE
            or <int128>lots * market.parts > LARGEST_PARTS):
        most = min(LARGEST_VALUE // max(1, int(reserve.unit) * reserve.price), LARGEST_PARTS // market.parts)
        raise OverflowError(outside(core, market.reserve, "collateral", lots, 1, most,
                                    "beyond which it is worth more than 2**56 atoms"))
    if debt > LARGEST_VALUE:
        raise OverflowError(outside(core, market.money, "debt", debt, 1, LARGEST_VALUE))
    return 0


cdef int raise_placement(EngineCore core, BandMarket* market, int code, int64_t lots, int64_t debt,
                         int64_t bands) except -1:
    given = amount(core, market.reserve, lots)
    if code == PLACE_TOO_LOW:
        most = max_debt(core, market.number, lots, bands) if lots > 0 else 0
        raise ValueError(outside(core, market.money, "debt", debt, 1, most,
                                 f"what a collateral of {given} carries in {bands} bands"))
    if code == PLACE_TOO_LITTLE:
        raise ValueError(f"collateral {given} of {reserve_named(core, market.reserve)} is too little for {bands} "
                         "bands: each needs a part of a lot of its own")
    if code == PLACE_OVERFLOW:
        raise OverflowError(f"collateral {given} of {reserve_named(core, market.reserve)} in {bands} bands: one "
                            f"would hold more than {LARGEST_PARTS} parts of a lot; use fewer asset_decimals")
    raise MemoryError("no memory for the loan")


cdef void note(State* state, uint8_t kind, uint16_t side, int32_t account, int64_t quantity, int64_t money):
    cdef Event* event = log_append(&state.log, kind, side, -1, 0)
    event.account = account
    event.quantity = quantity
    event.money = money


cdef inline int64_t scaled_up(const BandMarket* market, int64_t debt) noexcept nogil:
    return <int64_t>ceil_divide(<int128>debt * INDEX_ONE, market.index)


# ---------------------------------------------------------------- loans

cdef int enter_loan(EngineCore core, BandMarket* market, int64_t account, int64_t lots, int64_t debt,
                    int64_t bands) except -1:
    cdef int64_t number
    cdef int code
    if lots <= 0:
        raise ValueError(outside(core, market.reserve, "collateral", lots, 1, LARGEST_PARTS // market.parts))
    if debt <= 0:
        raise ValueError(outside(core, market.money, "debt", debt, 1, LARGEST_VALUE))
    if not LEAST_BANDS <= bands <= MOST_BANDS:
        raise ValueError(f"bands {bands} is outside {LEAST_BANDS} ... {MOST_BANDS}")
    check_amounts(core, market, lots, debt)
    number = new_loan(market, <int32_t>account, <int32_t>bands)
    if number < 0:
        raise MemoryError("no memory for the loan")
    code = place_loan(market, <uint32_t>number, lots * market.parts, debt)
    if code != PLACED:
        release_entries(market, number)
        return raise_placement(core, market, code, lots, debt, bands)
    market.loans[number].debt = scaled_up(market, debt)
    market.scaled += market.loans[number].debt
    market.sums.issued += debt
    market.sums.roundings += 1
    market.sums.lots_in += lots
    return 0


cdef void release_entries(BandMarket* market, int64_t number) noexcept:
    # the last loan, which is in no band
    cdef Loan* loan = &market.loans[number]
    market.entries[loan.at].next = market.free_entries[loan.bands]
    market.free_entries[loan.bands] = loan.at
    market.loan_count -= 1


cdef void take_back_loan(BandMarket* market, int64_t lots, int64_t debt) noexcept:
    # the last loan, with all that it had put in, as if it had not been opened
    cdef int64_t number = market.loan_count - 1, parts = lots * market.parts, part
    cdef Loan* loan = &market.loans[number]
    cdef int64_t each = parts // loan.bands
    cdef int32_t k
    leave_bands(market, <uint32_t>number)
    for k in range(loan.bands):
        part = parts - each * (loan.bands - 1) if k == 0 else each
        band_at(market, loan.first + k).collateral -= part
        band_at(market, loan.first + k).shares -= market.entries[loan.at + k].shares
    market.scaled -= loan.debt
    market.sums.issued -= debt
    market.sums.roundings -= 1
    market.sums.lots_in -= lots
    release_entries(market, number)
    begin_occasion(market)


def open_loans(EngineCore core, int64_t at, const int64_t[::1] lots, const int64_t[::1] debts,
               const int64_t[::1] bands):
    """New accounts with a loan each, columns of one length; gives the first loan's number."""
    cdef State* state = &core.state
    cdef BandMarket* market = band_market_at(core, at)
    cdef int64_t count = lots.shape[0], first = market.loan_count, k
    cdef int32_t active = market.active, low = market.low, high = market.high
    cdef uint32_t account = state.account_count
    cdef Event* event
    check_open_for(core, market, True, True)
    if account + count >= 2**31 - 1 or first + count >= 2**31 - 1:
        raise ValueError(f"{count} accounts more than the {account} there are: an engine has at most 2**31 - 2")
    core.begin()
    try:
        for k in range(count):
            enter_loan(core, market, account + k, lots[k], debts[k], bands[k])
    except BaseException:
        while market.loan_count > first:
            k = market.loan_count - 1 - first
            take_back_loan(market, lots[k], debts[k])
        market.active = active
        market.low = low
        market.high = high
        core.release()
        raise
    create_accounts(state, count, state.lendings[state.reserves[market.reserve].lending].asset, 0, False)
    event = log_append(&state.log, EVENT_OPEN, NO_MARKET, -1, 0)
    event.quantity = count
    event.account = <int32_t>account if count else -1
    test_loans(state, market)
    for k in range(first, market.loan_count):
        test_loan(state, market, <uint32_t>k)
    for k in range(first, market.loan_count):
        test_bands(state, market, market.loans[k].first, market.loans[k].first + market.loans[k].bands - 1)
    core.end()
    return first


cdef void cancel(BandMarket* market, Loan* loan, int64_t paid, bint whole) noexcept nogil:
    cdef int64_t scaled = loan.debt
    if not whole:
        scaled = <int64_t>floor_divide(<int128>paid * INDEX_ONE, market.index)
    loan.debt -= scaled
    market.scaled -= scaled
    market.sums.cancelled += paid
    market.sums.roundings += 1


def repay_loan(EngineCore core, int64_t at, int64_t number, int64_t paid):
    """Repay atoms of a debt; all of it gives the bands' content back, less moves a loan that has not traded."""
    cdef State* state = &core.state
    cdef BandMarket* market = band_market_at(core, at)
    cdef Loan* loan = loan_at(market, number)
    cdef int64_t debt = debt_of(market, loan.debt), stable, parts, lots
    cdef Loan before
    cdef int code = PLACED
    if paid <= 0:
        raise ValueError(outside(core, market.money, "amount", paid, 1, debt, f"what loan {number} owes"))
    check_open_for(core, market, False, paid < debt)
    if paid > debt:
        raise ValueError(outside(core, market.money, "amount", paid, 1, debt, f"what loan {number} owes"))
    core.begin()
    before = loan[0]
    if paid == debt:
        take_claims(market, <uint32_t>number, RATE_DENOMINATOR, &stable, &parts)
        lots = parts // market.parts
        market.sums.dust_parts += parts - lots * market.parts
        market.sums.lots_out += lots
        market.sums.stable_out += stable
        cancel(market, loan, paid, True)
        forget_loan(market, <uint32_t>number)
        note(state, EVENT_REPAY, state.reserves[market.money].borrowed_side, before.account, paid, 0)
        note(state, EVENT_REDEEM, state.reserves[market.reserve].supplied_side, before.account, lots, stable)
    else:
        cancel(market, loan, paid, False)
        if loan.first > market.active:
            code = move_loan(market, number, 0)
        if code == PLACED:
            note(state, EVENT_REPAY, state.reserves[market.money].borrowed_side, before.account, paid, 0)
        else:
            market.scaled += before.debt - loan.debt
            loan.debt = before.debt
            market.sums.cancelled -= paid
            market.sums.roundings -= 1
    if code != PLACED:
        watch_again(state, market, number)
        core.end()
        holding_of(market, loan, &stable, &parts)
        return raise_placement(core, market, code, parts // market.parts, debt - paid, loan.bands)
    finish(state, market, number, &before)
    core.end()


cdef int move_loan(BandMarket* market, int64_t number, int64_t lots) noexcept:
    # a loan's collateral, and so many lots more, to where its debt now asks for; refused: nothing has moved
    cdef Loan* loan = &market.loans[number]
    cdef int32_t first = loan.first, k
    cdef int64_t stable, parts, dust = market.sums.stable_dust, dust_parts = market.sums.dust_parts
    cdef int64_t[50] held, shares, own
    cdef int code = PLACE_TOO_LITTLE
    for k in range(loan.bands):
        held[k] = band_at(market, first + k).collateral
        shares[k] = band_at(market, first + k).shares
        own[k] = market.entries[loan.at + k].shares
    take_claims(market, <uint32_t>number, RATE_DENOMINATOR, &stable, &parts)
    leave_bands(market, <uint32_t>number)
    if <int128>parts + <int128>lots * market.parts > 0:
        code = place_loan(market, <uint32_t>number, parts + lots * market.parts, debt_of(market, loan.debt))
    if code == PLACED:
        return code
    market.sums.stable_dust = dust
    market.sums.dust_parts = dust_parts
    for k in range(loan.bands):
        band_at(market, first + k).collateral = held[k]
        band_at(market, first + k).shares = shares[k]
        join_band(market, loan.at + k, <uint32_t>number, first + k, own[k])
    begin_occasion(market)
    return code


cdef void finish(State* state, BandMarket* market, int64_t number, const Loan* before) noexcept:
    # what the bands hold that it left, and that it is in now
    cdef const Loan* loan = &market.loans[number]
    test_loans(state, market)
    test_bands(state, market, before.first, before.first + before.bands - 1)
    test_bands(state, market, loan.first, loan.first + loan.bands - 1)
    test_loan(state, market, <uint32_t>number)


cdef void watch_again(State* state, BandMarket* market, int64_t number) noexcept:
    # a loan that went back into its bands has left its guards there
    if not market.loans[number].flags & LOAN_DUE:
        test_loan(state, market, <uint32_t>number)


def adjust_loan(EngineCore core, int64_t at, int64_t number, int64_t lots, int64_t debt, bint less):
    """More or (`less`) less collateral, or more debt, of a loan none of whose bands has traded."""
    cdef State* state = &core.state
    cdef BandMarket* market = band_market_at(core, at)
    cdef Loan* loan = loan_at(market, number)
    cdef int64_t stable, parts, added = 0, owed
    cdef Loan before
    cdef int code
    if debt <= 0 and lots <= 0:
        at = market.reserve if lots else market.money
        raise ValueError(outside(core, at, "amount", lots + debt, 1, LARGEST_VALUE))
    check_open_for(core, market, not less, True)
    if loan.first <= market.active:
        raise ValueError(f"loan {number} is in soft liquidation: its first band, {loan.first}, is not above the "
                         f"active band {market.active}, and it can only be repaid")
    holding_of(market, loan, &stable, &parts)
    check_amounts(core, market, (0 if less else lots) + parts // market.parts, debt)
    if less and <int128>lots * market.parts >= parts:
        raise ValueError(outside(core, market.reserve, "amount", lots, 1, (parts - 1) // market.parts,
                                 f"what loan {number} has and can spare"))
    if debt:
        added = scaled_up(market, debt)
        if debt_of(market, loan.debt + added) > LARGEST_VALUE:
            raise OverflowError(outside(core, market.money, "amount", debt, 1,
                                        LARGEST_VALUE - debt_of(market, loan.debt), "what fits"))
    core.begin()
    before = loan[0]
    loan.debt += added
    owed = debt_of(market, loan.debt)
    code = move_loan(market, number, -lots if less else lots)
    if code != PLACED:
        loan.debt -= added
        watch_again(state, market, number)
        core.release()
        lots = parts // market.parts + (-lots if less else lots)
        return raise_placement(core, market, code, lots, owed, loan.bands)
    market.scaled += added
    if debt:
        market.sums.issued += debt
        market.sums.roundings += 1
        note(state, EVENT_BORROW, state.reserves[market.money].borrowed_side, loan.account, debt, 0)
    elif less:
        market.sums.lots_out += lots
        note(state, EVENT_REDEEM, state.reserves[market.reserve].supplied_side, loan.account, lots, 0)
    else:
        market.sums.lots_in += lots
        note(state, EVENT_SUPPLY, state.reserves[market.reserve].supplied_side, loan.account, lots, 0)
    finish(state, market, number, &before)
    core.end()


def max_debt(EngineCore core, int64_t at, int64_t lots, int64_t bands):
    """Atoms that so many lots carry in so many bands now; 0: they carry none."""
    cdef BandMarket* market = band_market_at(core, at)
    cdef int32_t n = highest_free(market)
    cdef int64_t worth
    if lots <= 0:
        raise ValueError(outside(core, market.reserve, "collateral", lots, 1, LARGEST_PARTS // market.parts))
    if not LEAST_BANDS <= bands <= MOST_BANDS:
        raise ValueError(f"bands {bands} is outside {LEAST_BANDS} ... {MOST_BANDS}")
    check_amounts(core, market, lots, 0)
    while n < market.width - bands and band_at(market, n).edge > market.oracle:
        n += 1
    worth = value_at(band_at(market, n), effective_parts(market, lots * market.parts, <int32_t>bands,
                                                         market.loan_discount))
    return max(worth - 1, 0) * KEPT // KEPT_OF


# ---------------------------------------------------------------- what is seen

def band_edge(EngineCore core, int64_t at, int64_t number):
    """Upper price of a band, parts of an atom a lot."""
    cdef BandMarket* m = band_market_at(core, at)
    if not -m.width <= number < m.width:
        raise ValueError(f"band {number} is outside {-m.width} ... {m.width - 1}")
    return band_at(m, <int32_t>number).edge


def band_row(EngineCore core, int64_t at):
    """Whole numbers of a market: those of `SCALARS`, oracle and grid, counts."""
    cdef BandMarket* m = band_market_at(core, at)
    row = dict(zip(SCALARS, (
        m.index, m.scaled, m.active, m.low, m.high, m.last_price, m.last_fee, m.last_time, m.changed,
        m.changed_wave, m.apart_since[0], m.apart_since[1]), strict=True))
    row |= {"oracle": m.oracle, "oracle_fee": m.oracle_fee, "shift": m.shift, "parts": m.parts,
            "evaluations": m.evaluations, "loans": m.loan_count, "always_tested": m.hot_count}
    row["base"] = band_at(m, 0).edge >> m.shift
    row["believed"] = core.state.reserves[m.reserve].unit * core.state.reserves[m.reserve].price
    return row


def loan_columns(EngineCore core, int64_t at):
    """Whole numbers by loan, int64, in the order of `COLUMNS`."""
    cdef State* state = &core.state
    cdef BandMarket* m = band_market_at(core, at)
    cdef int64_t[:, ::1] rows
    cdef int64_t k, settled
    cdef Loan* loan
    array = np.zeros((len(COLUMNS), m.loan_count), np.int64)
    rows = array
    core.begin()
    for k in range(m.loan_count):
        loan = &m.loans[k]
        rows[0, k] = loan.account
        rows[1, k] = loan.first
        rows[2, k] = loan.first + loan.bands - 1
        rows[3, k] = debt_of(m, loan.debt)
        holding_of(m, loan, &rows[4, k], &rows[5, k])
        rows[6, k] = backing_of(state, m, loan, &settled)
        rows[7, k] = (loan.flags & LOAN_DUE) != 0
    core.end()
    return array


def band_rows(EngineCore core, int64_t at):
    """Bands with shares: number, upper price, atoms, parts, shares; int64 rows."""
    cdef BandMarket* m = band_market_at(core, at)
    cdef int32_t n
    cdef const Band* band
    rows = []
    core.begin()
    for n in range(m.low, m.high + 1):
        band = band_at(m, n)
        if band.shares:
            rows.append((n, band.edge, band.stable, band.collateral, band.shares))
    core.release()
    return np.array(rows, np.int64).reshape(len(rows), 5)


def band_totals(EngineCore core, int64_t at):
    """What bands hold, debts, and what came and went since the beginning."""
    cdef BandMarket* m = band_market_at(core, at)
    cdef int32_t n
    cdef int64_t k, x, y
    cdef int128 lacks
    stable = collateral = bad_debt = 0
    core.begin()
    for k in range(m.loan_count):
        holding_of(m, &m.loans[k], &x, &y)
        lacks = <int128>debt_of(m, m.loans[k].debt) - x - ((<int128>y * m.oracle) >> VALUE_BITS)
        if lacks > 0:
            bad_debt += <int64_t>lacks
    for n in range(m.low, m.high + 1):
        stable += band_at(m, n).stable
        collateral += band_at(m, n).collateral
    sums = dict(zip(SUMS, (
        m.sums.stable_in, m.sums.stable_out, m.sums.lots_in, m.sums.lots_out, m.sums.stable_dust,
        m.sums.dust_parts, m.sums.issued, m.sums.cancelled, m.sums.interest, m.sums.roundings,
        m.sums.sold, m.sums.bought), strict=True))
    found = {"stable": stable, "collateral_parts": collateral, "parts_a_lot": m.parts,
             "debts": debt_of(m, m.scaled), "bad_debt": bad_debt, **sums}
    core.release()
    return found
