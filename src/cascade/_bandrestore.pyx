"""Soft liquidation markets out of an engine and back into one that has none moving.

Nothing stored is trusted: what bands hold must be what came in less what went out, shares those of the
loans, and every product of the core must fit. Which loans are looked at when follows from a test of all.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t

import numpy as np

from cascade._arithmetic cimport int128
from cascade._bandcurve cimport value_at
from cascade._bandentry cimport band_market_at
from cascade._bandguards cimport guards_sound, reserve_guards
from cascade._bandloans cimport band_at, debt_of, join_band, new_loan
from cascade._bands cimport LEAST_BANDS, LOAN_DUE, MOST_BANDS, NO_ENTRY, Band, BandMarket, Loan
from cascade._bandwatch cimport test_loan, test_loans
from cascade._core cimport EngineCore
from cascade._heap cimport NOT_QUEUED, heap_set
from cascade._reserve cimport INDEX_ONE
from cascade._state cimport State

from cascade._bandentry import SCALARS, SUMS, band_row, band_totals

BAND_MARKET_DTYPE = np.dtype([(name, "<i8") for name in (*SCALARS, *SUMS, "bands", "loans", "entries")])
BAND_DTYPE = np.dtype([(name, "<i8") for name in ("number", "stable", "collateral", "shares")])
LOAN_DTYPE = np.dtype([(name, "<i8") for name in (
    "debt", "account", "first", "bands", "due", "cause", "wave",
)])

cdef int64_t LARGEST = <int64_t>1 << 62
cdef int64_t LARGEST_SHARES = <int64_t>1 << 60
cdef int64_t LARGEST_HELD = <int64_t>1 << 54


cdef int require(bint good, str what) except -1:
    if not good:
        raise ValueError(what)
    return 0


# ---------------------------------------------------------------- out

def band_records(EngineCore core):
    """Markets, bands with shares, loans, and the loans' shares by band, in order."""
    cdef BandMarket* m
    cdef Loan* loan
    cdef Band* band
    cdef int64_t at, k
    cdef int32_t n
    markets, bands, loans, shares = [], [], [], []
    for at in range(core.state.band_count):
        m = band_market_at(core, at)
        row, sums = band_row(core, at), band_totals(core, at)
        counts = (len(bands), len(shares))
        for n in range(m.low, m.high + 1):
            band = band_at(m, n)
            if band.shares:
                bands.append((n, band.stable, band.collateral, band.shares))
        for k in range(m.loan_count):
            loan = &m.loans[k]
            loans.append((loan.debt, loan.account, loan.first, loan.bands, (loan.flags & LOAN_DUE) != 0,
                          loan.cause, loan.wave))
            shares += [m.entries[loan.at + n].shares for n in range(loan.bands)]
        markets.append((*[row[name] for name in SCALARS], *[sums[name] for name in SUMS],
                        len(bands) - counts[0], m.loan_count, len(shares) - counts[1]))
    return (np.array(markets, dtype=BAND_MARKET_DTYPE), np.array(bands, dtype=BAND_DTYPE),
            np.array(loans, dtype=LOAN_DTYPE), np.array(shares, dtype="<i8"))


# ---------------------------------------------------------------- in

def restore_bands(EngineCore core, markets, bands, loans, const int64_t[::1] shares, int64_t events):
    """Fill the soft liquidation markets that the settings brought; `events` were logged so far."""
    cdef State* state = &core.state
    cdef BandMarket* m
    cdef int64_t at, band_count = 0, loan_count = 0, share_count = 0
    require(markets.dtype == BAND_MARKET_DTYPE and bands.dtype == BAND_DTYPE and loans.dtype == LOAN_DTYPE,
            "wrong records of soft liquidation")
    require(len(markets) == state.band_count, "soft liquidation markets do not fit the settings")
    for at in range(state.band_count):
        m = state.bands[at]
        row = markets[at]
        for name, left in (("bands", len(bands) - band_count), ("loans", len(loans) - loan_count),
                           ("entries", len(shares) - share_count)):
            require(0 <= row[name] <= left, f"soft liquidation market {at}: {name} are not stored")
        restore_market(core, m, row, events)
        restore_bands_of(m, bands[band_count:band_count + row["bands"]])
        restore_loans(core, m, loans[loan_count:loan_count + row["loans"]],
                      shares[share_count:share_count + row["entries"]], events)
        check_sums(core, m)
        band_count += row["bands"]
        loan_count += row["loans"]
        share_count += row["entries"]
    require((band_count, loan_count, share_count) == (len(bands), len(loans), len(shares)),
            "bands or loans are left over")


cdef int restore_market(EngineCore core, BandMarket* m, row, int64_t events) except -1:
    where = f"soft liquidation market {m.number}: "
    require(INDEX_ONE <= row["index"] <= LARGEST and (m.rate > 0 or row["index"] == INDEX_ONE), where + "index")
    require(-m.width <= row["low"] <= 0 <= row["high"] < m.width, where + "range of bands")
    require(row["low"] - 1 <= row["active"] <= row["high"] and row["active"] >= -m.width, where + "active band")
    require(0 < row["last_price"] <= LARGEST and 0 <= row["last_fee"] < 2**40, where + "last price or fee")
    require(0 <= row["last_time"] <= core.state.clock, where + "time of the last trade")
    require(-1 <= row["changed"] < events and 0 <= row["changed_wave"] < 2**31 - 1, where + "last change")
    for name in ("purchases_since", "sales_since"):
        require(-1 <= row[name] <= core.state.clock, where + name)
    for name in SUMS:
        require(0 <= row[name] <= LARGEST, where + name)
    m.index = row["index"]
    m.scaled = row["scaled"]
    m.low = row["low"]
    m.high = row["high"]
    m.active = row["active"]
    m.last_price = row["last_price"]
    m.last_fee = row["last_fee"]
    m.last_time = row["last_time"]
    m.changed = row["changed"]
    m.changed_wave = row["changed_wave"]
    m.apart_since[0] = row["purchases_since"]
    m.apart_since[1] = row["sales_since"]
    m.sums.stable_in = row["stable_in"]
    m.sums.stable_out = row["stable_out"]
    m.sums.lots_in = row["lots_in"]
    m.sums.lots_out = row["lots_out"]
    m.sums.stable_dust = row["stable_dust"]
    m.sums.dust_parts = row["dust_parts"]
    m.sums.issued = row["issued"]
    m.sums.cancelled = row["cancelled"]
    m.sums.interest = row["interest"]
    m.sums.roundings = row["roundings"]
    m.sums.sold = row["sold"]
    m.sums.bought = row["bought"]
    return 0


cdef int restore_bands_of(BandMarket* m, rows) except -1:
    cdef int64_t last = m.low - 1
    cdef Band* band
    for row in rows:
        where = f"soft liquidation market {m.number}, band {row['number']}: "
        require(last < row["number"] <= m.high, where + "out of order")
        last = row["number"]
        require(0 < row["shares"] <= LARGEST_SHARES, where + "shares")
        require(0 <= row["stable"] and row["stable"] * m.amplification <= LARGEST_HELD
                and (row["stable"] == 0 or last <= m.active), where + "money")
        band = band_at(m, <int32_t>last)
        require(0 <= row["collateral"] <= LARGEST and (row["collateral"] == 0 or last >= m.active)
                and <int128>value_at(band, <int64_t>row["collateral"]) * m.amplification <= LARGEST_HELD,
                where + "collateral")
        band.stable = row["stable"]
        band.collateral = row["collateral"]
        band.shares = row["shares"]
    return 0


cdef int restore_loans(EngineCore core, BandMarket* m, rows, const int64_t[::1] shares, int64_t events) except -1:
    cdef int64_t at = 0, number, bands, k
    cdef int32_t first
    cdef Loan* loan
    for row in rows:
        where = f"soft liquidation market {m.number}, loan {m.loan_count}: "
        bands = row["bands"]
        require(0 <= row["account"] < core.state.account_count and 0 <= row["debt"] <= LARGEST, where + "debt")
        require(bands == 0 if row["debt"] == 0 else LEAST_BANDS <= bands <= MOST_BANDS, where + "number of bands")
        require(bands <= len(shares) - at and (bands == 0 or m.low <= row["first"] <= m.high - bands + 1),
                where + "bands")
        require(-m.width <= row["first"] < m.width, where + "first band")
        require(-1 <= row["cause"] < events and 0 <= row["wave"] < 2**31 - 1, where + "cause")
        number = new_loan(m, <int32_t>row["account"], <int32_t>bands)
        if number < 0:
            raise MemoryError("no memory for loans")
        loan = &m.loans[number]
        loan.debt = row["debt"]
        require(debt_of(m, loan.debt) <= LARGEST, where + "debt")
        loan.first = first = <int32_t>row["first"]
        loan.cause = row["cause"]
        loan.wave = row["wave"]
        require(row["due"] in (0, 1) and (row["debt"] or not row["due"]), where + "due or not")
        if row["due"]:
            loan.flags |= LOAN_DUE
        for k in range(bands):
            require(0 <= shares[at + k] <= band_at(m, first + <int32_t>k).shares, where + "shares")
            if reserve_guards(band_at(m, first + <int32_t>k), band_at(m, first + <int32_t>k).members + 1):
                raise MemoryError("no memory for loans")
            join_band(m, loan.at + <uint32_t>k, <uint32_t>number, first + <int32_t>k, shares[at + k])
        at += bands
    require(at == len(shares), f"soft liquidation market {m.number}: shares are left over")
    test_restored(core, m, rows)
    return 0


cdef int test_restored(EngineCore core, BandMarket* m, rows) except -1:
    # one that is due stays so until it is looked at; no other may be
    cdef int64_t k
    core.begin()
    test_loans(&core.state, m)
    for k in range(m.loan_count):
        if m.loans[k].flags & LOAN_DUE:
            heap_set(&m.due, <uint32_t>k, 0)
        else:
            test_loan(&core.state, m, <uint32_t>k)
    m.evaluations = 0
    core.end()
    for k in range(m.loan_count):
        require(((m.loans[k].flags & LOAN_DUE) != 0) == rows[k]["due"],
                f"soft liquidation market {m.number}, loan {k}: due or not")
    return 0


cdef int check_sums(EngineCore core, const BandMarket* m) except -1:
    totals = band_totals(core, m.number)
    check_band_totals(f"soft liquidation market {m.number}", totals, shares_held(core, m.number))
    return 0


def shares_held(EngineCore core, int64_t at):
    """What loans have and what there is: scaled debt, and shares by band, as pairs."""
    cdef BandMarket* m = band_market_at(core, at)
    cdef int64_t k, n
    owned = {}
    debt = 0
    for k in range(m.loan_count):
        debt += m.loans[k].debt
        for n in range(m.loans[k].bands):
            number = m.loans[k].first + n
            owned[number] = owned.get(number, 0) + m.entries[m.loans[k].at + n].shares
    pairs = [(debt, m.scaled)]
    for n in range(m.low, m.high + 1):
        pairs.append((owned.pop(n, 0), band_at(m, <int32_t>n).shares))
    pairs += [(held, 0) for held in owned.values()]
    return pairs


cdef bint is_watched(const BandMarket* m, int64_t number) noexcept:
    # will a loan be looked at when it must be?
    cdef const Loan* loan = &m.loans[number]
    cdef int32_t k
    if loan.hot_at != NO_ENTRY and m.hot[loan.hot_at] != number:
        return False
    if loan.flags & LOAN_DUE:
        return m.due.place[number] != NOT_QUEUED
    if loan.debt == 0 or loan.hot_at != NO_ENTRY:
        return True
    for k in range(loan.bands):
        if m.entries[loan.at + k].guard == NO_ENTRY and m.entries[loan.at + k].shares:
            return False
    return m.rate == 0 or m.guards.place[number] != NOT_QUEUED


def watch_fault(EngineCore core, int64_t at):
    """What is wrong with how loans are watched, "" if nothing is."""
    cdef BandMarket* m = band_market_at(core, at)
    cdef int64_t k
    for k in range(2 * m.width + 1):
        if not guards_sound(m, &m.grid[k]):
            return f"guards of band {k - m.width} are out of order"
    for k in range(m.loan_count):
        if not is_watched(m, k):
            return f"nothing would look at loan {k} again"
    return ""


def check_band_totals(name, sums, pairs):
    """Refuse sums of a soft liquidation market that do not add up.

    Raises
    ------
    ValueError
        Money or collateral in the bands is not what came in less what went out and the dust; debts or shares
        are not those of the loans, or interest and rounding do not explain the debts.
    """
    held = sums["stable"] + sums["stable_dust"]
    require(held == sums["stable_in"] - sums["stable_out"], f"{name}: {held} atoms are not what came and went")
    held = sums["collateral_parts"] + sums["dust_parts"]
    require(held == (sums["lots_in"] - sums["lots_out"]) * sums["parts_a_lot"],
            f"{name}: {held} parts of lots are not what came and went")
    require(all(mine == whole for mine, whole in pairs), f"{name}: loans have not the debts or shares there are")
    left = sums["debts"] - (sums["issued"] + sums["interest"] - sums["cancelled"])
    require(0 <= left <= 12 * sums["roundings"], f"{name}: debts are {left} atoms off")
