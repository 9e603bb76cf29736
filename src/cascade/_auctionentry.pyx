"""Collateral auctions as drivers call them: terms, stage, columns of what is open, and snapshots of it.

Functions on an engine core; `cascade.collateral_auction` has put atoms and nanoseconds for quotes.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

import numpy as np

from cascade._auctionterms cimport AuctionTerms
from cascade._core cimport EngineCore
from cascade._reserve cimport Reserve
from cascade._sale cimport NO_SALE, Auctioneer, Sale, new_auctioneer, price_factor, sale_add
from cascade._state cimport ACCOUNT_LENDING, ACCOUNT_LENDING_SHIFT, FAILURE_MEMORY, State
from cascade._types cimport MAX_PRICE

SALE_DTYPE = np.dtype([(name, "<i8") for name in (
    "reserve", "number", "account", "lot", "tab", "due", "price", "started", "event", "wave", "resting",
)])
HOUSE_DTYPE = np.dtype([(name, "<i8") for name in ("count", "stage", "open")])

cdef int64_t LARGEST = <int64_t>1 << 60


cdef Auctioneer* _house(EngineCore core, int64_t lending) except NULL:
    if not 0 <= lending < core.state.lending_count or core.state.lendings[lending].auctioneer == NULL:
        raise ValueError(f"lending market {lending} has no auctions")
    return core.state.lendings[lending].auctioneer


# ---------------------------------------------------------------- set-up

def add_auctions(EngineCore core, int64_t lending, *, int64_t hole):
    """Give the newest lending market its auctions, whose tabs are worth so many atoms at most, -1: any."""
    cdef State* state = &core.state
    cdef Auctioneer* house
    if lending != state.lending_count - 1 or state.lendings[lending].auctioneer != NULL:
        raise ValueError(f"lending market {lending} is not new")
    core.begin()
    house = new_auctioneer()
    if house == NULL:
        state.failed = FAILURE_MEMORY
    else:
        house.hole = hole
        state.lendings[lending].auctioneer = house
    core.end()


def set_terms(EngineCore core, int64_t number, *, int64_t penalty, int64_t buf, int curve, int64_t cut,
              int64_t span, int64_t tail, int64_t cusp, int64_t hole, int64_t dust, int64_t tip, int64_t chip):
    """State the terms of auctions of one collateral; of `hole` -1 is no limit."""
    cdef AuctionTerms* terms
    if not 0 <= number < core.state.reserve_count:
        raise ValueError(f"reserve {number} is outside 0 ... {<int64_t>core.state.reserve_count - 1}")
    terms = &core.state.reserves[number].auction
    terms.penalty = penalty
    terms.buf = buf
    terms.curve = <uint8_t>curve
    terms.cut = cut
    terms.span = span
    terms.tail = tail
    terms.cusp = cusp
    terms.hole = hole
    terms.dust = dust
    terms.tip = tip
    terms.chip = chip


def stage(EngineCore core, int64_t lending):
    """0: everything goes on; 1: no auction begins; 2: none is reset either; 3: none is taken either."""
    return _house(core, lending).stage


def set_stage(EngineCore core, int64_t lending, int stage):
    """Switch the stage, see `stage`."""
    _house(core, lending).stage = <uint8_t>stage


# ---------------------------------------------------------------- what is open

def auction_columns(EngineCore core, int64_t lending):
    """Open auctions, the oldest first: number, account, reserve, lots for sale, tab and due in lots of what is
    borrowed, first price and price of now in parts of 10**9 of an atom a lot (Python integers), ns of begin."""
    cdef State* state = &core.state
    cdef Auctioneer* house = _house(core, lending)
    cdef const Sale* sale
    cdef const Reserve* reserve
    cdef uint32_t place = house.first
    rows = []
    core.begin()
    try:
        while place != NO_SALE:
            sale = &house.sales[place]
            reserve = &state.reserves[sale.reserve]
            worth = int(reserve.unit) * sale.price
            first = worth * (int(reserve.auction.buf) * 10**9) // 10**9
            factor = price_factor(&reserve.auction, state.clock - sale.started)
            now = worth * (int(reserve.auction.buf) * factor // 10**9) // 10**9
            rows.append((sale.number, sale.account, sale.reserve, sale.lot, sale.tab, sale.due, first, now,
                         sale.started))
            place = sale.next
        return rows
    finally:
        core.release()


def auction_sums(EngineCore core, int64_t lending):
    """Sums over the open auctions and the counters that must equal them, for checks."""
    cdef State* state = &core.state
    cdef Auctioneer* house = _house(core, lending)
    cdef uint32_t place = house.first, k
    cdef const Sale* sale
    cdef const Reserve* r
    tabs, due, count = 0, 0, 0
    lots = {}
    while place != NO_SALE:
        sale = &house.sales[place]
        tabs += sale.tab
        due += sale.due
        count += 1
        sums = lots.setdefault(sale.reserve, [0, 0])
        sums[0] += sale.lot
        sums[1] += sale.tab
        if sale.lot <= 0 or sale.tab <= 0 or not 0 <= sale.due <= sale.tab:
            raise ValueError(f"auction {sale.number}: lot {sale.lot}, tab {sale.tab}, due {sale.due}")
        place = sale.next
    reserves = {}
    for k in range(state.reserve_count):
        r = &state.reserves[k]
        if r.lending == lending:
            reserves[r.number] = {
                "auctioned": (r.auctioned, lots.get(r.number, (0, 0))[0]),
                "tabs": (r.tabs, lots.get(r.number, (0, 0))[1]),
                "awaited": (r.awaited, due if state.lendings[lending].base == r.number + 1 else 0),
                "treasury": r.treasury,
            }
    return {"tabs": (house.tabs, tabs), "open": (house.open_count, count), "reserves": reserves}


# ---------------------------------------------------------------- snapshots

def sale_records(EngineCore core):
    """What was begun, the stage and what is open of each lending market with auctions, HOUSE_DTYPE; and the open
    auctions in their order, SALE_DTYPE."""
    cdef State* state = &core.state
    cdef const Auctioneer* house
    cdef const Sale* sale
    cdef uint32_t k, place
    core.begin()
    try:
        houses, sales = [], []
        for k in range(state.lending_count):
            house = state.lendings[k].auctioneer
            if house == NULL:
                continue
            houses.append((house.count, house.stage, house.open_count))
            place = house.first
            while place != NO_SALE:
                sale = &house.sales[place]
                sales.append((sale.reserve, sale.number, sale.account, sale.lot, sale.tab, sale.due, sale.price,
                              sale.started, sale.event, sale.wave, sale.resting))
                place = sale.next
        return np.array(houses, dtype=HOUSE_DTYPE), np.array(sales, dtype=SALE_DTYPE)
    finally:
        core.release()


cdef int _require(bint good, str what) except -1:
    if not good:
        raise ValueError(what)
    return 0


cdef int _check_sale(const State* state, uint32_t lending, row, int64_t last, int64_t events) except -1:
    cdef int64_t flags
    where = f"auction {row['number']}: "
    _require(0 <= row["reserve"] < state.reserve_count, where + "reserve")
    _require(state.reserves[<int64_t>row["reserve"]].lending == lending
             and row["reserve"] != state.lendings[lending].base - 1, where + "reserve")
    _require(last < row["number"] <= state.lendings[lending].auctioneer.count, where + "number")
    _require(0 <= row["account"] < state.account_count, where + "account")
    flags = state.accounts[<int64_t>row["account"]].flags
    _require(flags & ACCOUNT_LENDING and flags >> ACCOUNT_LENDING_SHIFT == lending, where + "account")
    _require(0 < row["lot"] < LARGEST and 0 < row["tab"] < LARGEST and 0 <= row["due"] <= row["tab"],
             where + "amounts")
    # so that no product of a lot and a price leaves 128 bits
    _require(int(row["lot"]) * int(state.reserves[<int64_t>row["reserve"]].unit) <= 2**60, where + "lot")
    _require(1 <= row["price"] <= MAX_PRICE and 0 <= row["started"] <= state.clock, where + "price")
    _require(-1 <= row["event"] < events and 0 <= row["wave"] < 2**31 - 1, where + "cause")
    _require(row["resting"] in (0, 1), where + "resting")
    return 0


cdef int _restore_sale(State* state, uint32_t lending, row) except -1:
    cdef Auctioneer* house = state.lendings[lending].auctioneer
    cdef Reserve* reserve = &state.reserves[<int64_t>row["reserve"]]
    cdef Reserve* base = &state.reserves[state.lendings[lending].base - 1]
    cdef uint32_t place = sale_add(house)
    cdef Sale* sale
    if place == NO_SALE:
        raise MemoryError("no memory for auctions")
    sale = &house.sales[place]
    sale.reserve = <uint16_t>row["reserve"]
    sale.number = row["number"]
    sale.account = <int32_t>row["account"]
    sale.lot = row["lot"]
    sale.tab = row["tab"]
    sale.due = row["due"]
    sale.price = <int32_t>row["price"]
    sale.started = row["started"]
    sale.event = row["event"]
    sale.wave = <int32_t>row["wave"]
    sale.resting = row["resting"]
    for held, more in ((house.tabs, sale.tab), (reserve.auctioned, sale.lot), (base.awaited, sale.due)):
        _require(held < LARGEST - more, f"auction {sale.number}: sums")
    house.tabs += sale.tab
    reserve.tabs += sale.tab
    reserve.auctioned += sale.lot
    base.awaited += sale.due
    return 0


def restore_sales(EngineCore core, houses, sales, int64_t events):
    """Open auctions of an engine whose reserves are restored; `events` were logged so far."""
    cdef State* state = &core.state
    cdef Auctioneer* house
    cdef uint32_t k
    cdef int64_t at = 0, row = 0, last
    _require(houses.dtype == HOUSE_DTYPE and sales.dtype == SALE_DTYPE, "wrong records of auctions")
    for k in range(state.lending_count):
        house = state.lendings[k].auctioneer
        if house == NULL:
            continue
        _require(row < len(houses), "auctions do not fit the settings")
        given = houses[row]
        row += 1
        _require(0 <= given["stage"] <= 3 and 0 <= given["count"] < LARGEST
                 and 0 <= given["open"] <= len(sales) - at, "auctions: stage or counts")
        _require(given["open"] == 0 or state.lendings[k].base != 0, "auctions: nothing can be borrowed")
        house.stage = given["stage"]
        house.count = given["count"]
        last = 0
        for record in sales[at:at + given["open"]]:
            _check_sale(state, k, record, last, events)
            _restore_sale(state, k, record)
            last = record["number"]
        at += given["open"]
    _require(row == len(houses) and at == len(sales), "auctions are left over")
    for k in range(state.reserve_count):
        _require(state.reserves[k].auctioned == 0 or state.reserves[k].auctioned <= state.reserves[k].treasury,
                 f"reserve {k}: lots in auctions")
