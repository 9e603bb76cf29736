"""Reserves, prices on their way and liquidators, out of an engine and back into one that has none moving.

Nothing stored is trusted: amounts are bounded so that every product of the core fits, marks of the sides
must be those of price and index, and claims must be those of the positions.
"""

from libc.stdint cimport int64_t, uint16_t, uint32_t

import numpy as np

from cascade._arithmetic cimport ceil_divide, floor_divide, int128, magnitude
from cascade._borrower cimport gives_no_price
from cascade._core cimport EngineCore
from cascade._oracle cimport await_price
from cascade._reserve cimport (
    CLOSE_TROVE, FLOW_COUNT, INDEX_ONE, ORACLE_STALE, ORACLE_ZERO, WORTHLESS, ZERO_REFUSED, Liquidator,
    Reserve, Waiting,
)
from cascade._state cimport (
    ACCOUNT_LENDING, ACCOUNT_LENDING_SHIFT, NO_MARKET, Market, Position, State,
)
from cascade._types cimport MAX_PRICE

FLOWS = ("came", "redeemed", "lent", "repaid", "seized")
RESERVE_DTYPE = np.dtype([(name, "<i8") for name in (
    "supply_index", "borrow_index", "supplied", "borrowed", "cash", "treasury", "deficit", "kept",
    "price", "updated", "paused", "absorbed", "frozen", "grace_until", *FLOWS, "roundings", "waiting",
    "rate_at_target", "oracle", "offered", "isolated_debt", "assigned_mark",
    "ahead", "ahead_event", "ahead_wave", "waited",
)])
WAITING_DTYPE = np.dtype([("due", "<i8"), ("event", "<i8"), ("price", "<i4"), ("wave", "<i4")])
LARGEST_PRODUCT = 2**62 * 10**18       # scaled lots times an index
LIQUIDATOR_DTYPE = np.dtype([(name, "<i8") for name in ("cash", "spent", "bids", "done")])

cdef int64_t LARGEST = <int64_t>1 << 62
cdef int128 LARGEST_UNITS = <int128>1 << 58     # atoms of a claim at a price of one tick


cdef int require(bint good, str what) except -1:
    if not good:
        raise ValueError(what)
    return 0


cdef bint lending_account(const State* state, int64_t flags, int64_t asset) noexcept:
    # flags of an account of a lending market that exists and has that money
    cdef int64_t lending = flags >> ACCOUNT_LENDING_SHIFT
    return (flags & ((1 << ACCOUNT_LENDING_SHIFT) - 1) == ACCOUNT_LENDING and 0 <= lending < state.lending_count
            and state.lendings[lending].asset == asset)


cdef bint side_position(const State* state, int64_t account_flags, int64_t market, int64_t size) noexcept:
    # borrowers have claims on the sides of their lending market and nothing else, others none of them
    cdef const Reserve* reserve
    if not account_flags & ACCOUNT_LENDING or state.markets[market].reserve == 0:
        return not account_flags & ACCOUNT_LENDING and state.markets[market].reserve == 0
    reserve = &state.reserves[state.markets[market].reserve - 1]
    return (reserve.lending == account_flags >> ACCOUNT_LENDING_SHIFT
            and (size <= 0 if market == reserve.borrowed_side or reserve.interest_mark else size >= 0))


# ---------------------------------------------------------------- out

def reserve_records(EngineCore core):
    """Reserves in order, RESERVE_DTYPE, and their prices on the way, WAITING_DTYPE."""
    cdef State* state = &core.state
    cdef Reserve* r
    cdef Waiting* row
    cdef int64_t k, n
    core.begin()
    try:
        records, waiting = [], []
        for k in range(state.reserve_count):
            r = &state.reserves[k]
            records.append((
                r.supply_index, r.borrow_index, r.supplied, r.borrowed, r.cash, r.treasury, r.deficit,
                r.kept, r.price, r.updated, r.paused, r.absorbed, r.frozen, r.grace_until,
                *[r.flows[n] for n in range(FLOW_COUNT)], r.roundings, r.waiting_count,
                r.rate.at_target, r.oracle, r.offered, r.isolated_debt, r.assigned_mark,
                r.ahead, r.ahead_event, r.ahead_wave, r.rate.waited))
            for n in range(r.waiting_count):
                row = &r.waiting[(r.waiting_first + n) % r.waiting_capacity]
                waiting.append((row.due, row.event, row.price, row.wave))
        return np.array(records, dtype=RESERVE_DTYPE), np.array(waiting, dtype=WAITING_DTYPE)
    finally:
        core.release()


def liquidator_records(EngineCore core):
    """What each liquidator earned, spent, bid and did, LIQUIDATOR_DTYPE."""
    cdef State* state = &core.state
    cdef int64_t k
    core.begin()
    try:
        rows = [(state.liquidators[k].cash, state.liquidators[k].spent, state.liquidators[k].bids,
                 state.liquidators[k].done)
                for k in range(state.liquidator_count)]
        return np.array(rows, dtype=LIQUIDATOR_DTYPE)
    finally:
        core.release()


# ---------------------------------------------------------------- in

def forget_first_prices(EngineCore core):
    """Take back the prices that reserves believed when they were made: a stored state follows."""
    cdef State* state = &core.state
    cdef Market* market
    cdef uint32_t k
    core.begin()
    for k in range(state.reserve_count):
        state.reserves[k].price = 0
        state.reserves[k].updated = 0
    for k in range(state.market_count):
        market = state.markets[k]
        if market.reserve:
            market.mark = market.previous_mark = 0
            market.marks[0].count = market.marks[1].count = 0
    state.log.count = 0
    core.release()


def restore_reserves(EngineCore core, records, waiting, int64_t events):
    """Fill the reserves of an engine whose accounts and markets are restored; `events` were logged so far."""
    cdef State* state = &core.state
    cdef int64_t k, at = 0, count
    require(records.dtype == RESERVE_DTYPE and waiting.dtype == WAITING_DTYPE, "wrong records of reserves")
    require(len(records) == state.reserve_count, "reserves do not fit the settings")
    for k in range(state.reserve_count):
        check_amounts(core, &state.reserves[k], records[k])
        restore_reserve(&state.reserves[k], records[k])
        check_claims(state, &state.reserves[k])
        count = records[k]["waiting"]
        require(0 <= count <= len(waiting) - at, f"reserve {k}: prices on their way are not stored")
        restore_waiting(state, &state.reserves[k], waiting[at:at + count], events)
        at += count
    require(at == len(waiting), "prices on their way are left over")
    check_values(state)


cdef int check_amounts(EngineCore core, const Reserve* r, row) except -1:
    where = f"reserve {r.number}: "
    require(0 <= row["supply_index"] <= LARGEST, where + "supply index")
    require(INDEX_ONE <= row["borrow_index"] <= LARGEST, where + "borrow index")
    for name in ("supplied", "borrowed", "cash", "deficit", "kept", *FLOWS, "roundings"):
        require(row[name] >= 0, where + name)
    for name in ("cash", "deficit", "kept", "treasury"):
        require(abs(int(row[name])) <= LARGEST, where + name)
    for scaled, index in (("supplied", "supply_index"), ("borrowed", "borrow_index")):
        require(int(row[scaled]) * int(row[index]) <= LARGEST_PRODUCT, where + scaled)
    require(0 <= row["oracle"] <= 3, where + "oracle")
    require(0 <= row["price"] <= MAX_PRICE and (r.source != NO_MARKET or row["price"] == 1
                                                or row["price"] == 0 != row["oracle"]), where + "price")
    require(0 <= row["updated"] <= core.state.clock, where + "time of its price")
    require(row["paused"] in (0, 1), where + "paused")
    require(row["frozen"] in (0, 1), where + "frozen")
    require(0 <= row["grace_until"] < LARGEST, where + "end of its grace")
    require(1 <= row["assigned_mark"] <= MAX_PRICE if r.assigned_mark else row["assigned_mark"] == 0,
            where + "debt assigned to a lot")
    require(core.state.lendings[r.lending].close_factor != CLOSE_TROVE or row["oracle"] <= ORACLE_STALE,
            where + "failure of its oracle")
    require(row["absorbed"] == 0 or (0 < row["absorbed"] <= row["treasury"]
                                     and core.state.lendings[r.lending].base not in (0, r.number + 1)),
            where + "lots for sale")
    require(0 <= row["offered"] <= (core.state.clock if row["absorbed"] else 0), where + "time of its offer")
    require(0 <= row["isolated_debt"] <= max(r.debt_ceiling, 0), where + "isolated debt")
    require(0 <= row["waited"] <= (core.state.clock if r.rate.most else 0), where + "time without accrual")
    require(r.rate.least <= row["rate_at_target"] <= r.rate.largest, where + "rate at target")
    return 0


cdef int restore_reserve(Reserve* r, row) except -1:
    cdef int64_t n
    r.supply_index = row["supply_index"]
    r.borrow_index = row["borrow_index"]
    r.supplied = row["supplied"]
    r.borrowed = row["borrowed"]
    r.cash = row["cash"]
    r.treasury = row["treasury"]
    r.deficit = row["deficit"]
    r.kept = row["kept"]
    r.price = row["price"]
    r.updated = row["updated"]
    r.paused = row["paused"]
    r.absorbed = row["absorbed"]
    r.offered = row["offered"]
    r.frozen = row["frozen"]
    r.grace_until = row["grace_until"]
    for n, name in enumerate(FLOWS):
        r.flows[n] = row[name]
    r.roundings = row["roundings"]
    r.rate.at_target = row["rate_at_target"]
    r.oracle = row["oracle"]
    r.isolated_debt = row["isolated_debt"]
    r.assigned_mark = row["assigned_mark"]
    r.ahead = row["ahead"]
    r.ahead_event = row["ahead_event"]
    r.ahead_wave = row["ahead_wave"]
    r.rate.waited = row["waited"]
    return 0


cdef int check_claims(const State* state, const Reserve* r) except -1:
    # marks and what the positions hold; their sums are checked with the contracts
    cdef const Market* borrowed = state.markets[r.borrowed_side]
    cdef const Market* supplied
    cdef int128 fine = <int128>r.price * r.refine, lower, upper, held = 0
    cdef uint16_t side = r.supplied_side + 1
    cdef bint worthless = r.oracle == ORACLE_ZERO and not gives_no_price(state, r)
    where = f"reserve {r.number}: "
    require(r.price == 0 or not worthless, where + "price")
    lower = floor_divide(fine * r.supply_index, INDEX_ONE)
    lower = 0 if r.price == 0 else lower if lower > 1 else 1
    upper = ceil_divide(fine * r.borrow_index, INDEX_ONE)
    if r.assigned_mark or r.interest_mark:
        return 0                  # checked with the troves
    if r.price == 0 and (borrowed.mark == WORTHLESS or worthless):
        # no price, and not for want of one; it may stay so until a delay is over
        require(state.lendings[r.lending].zero_price != ZERO_REFUSED, where + "price of zero")
        lower = upper = WORTHLESS
    while side:
        supplied = state.markets[side - 1]
        require(supplied.mark == lower, where + "marks of its supplied sides")
        require(supplied.outside_size <= 0, where + "deposits of a side")
        held -= supplied.outside_size
        side = supplied.next_side
    require(borrowed.mark == upper, where + "mark of its borrowed side")
    require(r.supplied >= held, where + "deposits")
    if state.lendings[r.lending].close_factor != CLOSE_TROVE:
        require(r.borrowed == borrowed.outside_size, where + "debts")
    return 0


cdef int restore_waiting(State* state, Reserve* r, rows, int64_t events) except -1:
    cdef int64_t last = state.clock
    cdef int128 upper
    where = f"reserve {r.number}: price that it has not reached"
    require(r.ahead == 0 or (r.max_step >= 0 and 1 <= r.ahead <= MAX_PRICE), where)
    require(-1 <= r.ahead_event < events and 0 <= r.ahead_wave < 2**31 - 1, where)
    where = f"reserve {r.number}: price on its way"
    require(len(rows) == 0 or (r.delay > 0 and r.source != NO_MARKET), where)
    for row in rows:
        require(last <= row["due"] <= state.clock + r.delay, where)
        require(1 <= row["price"] <= MAX_PRICE and -1 <= row["event"] < events, where)
        require(0 <= row["wave"] < 2**31 - 1, where)
        # as a whole it must give a mark; bounded steps may never come there, and a debt that is assigned to
        # lots has the mark of that
        upper = ceil_divide(<int128>r.refine * <int64_t>row["price"] * r.borrow_index, INDEX_ONE)
        require(r.max_step >= 0 or r.assigned_mark or upper <= MAX_PRICE,
                where + " is beyond the highest mark")
        last = row["due"]
        if await_price(r, last, row["price"], row["event"], row["wave"]):
            raise MemoryError("no memory for prices on their way")
    return 0


cdef int check_values(const State* state) except -1:
    # so that no product of a claim, a price and a rate leaves 128 bits
    cdef uint32_t k
    cdef const Position* p
    cdef const Reserve* r
    cdef int64_t index
    for k in range(state.position_count):
        p = &state.positions[k]
        if state.markets[p.market].reserve == 0:
            continue
        r = &state.reserves[state.markets[p.market].reserve - 1]
        index = r.supply_index if p.size > 0 or r.assigned_mark else r.borrow_index
        require(floor_divide(<int128>magnitude(p.size) * index, INDEX_ONE) * r.unit <= LARGEST_UNITS,
                f"position {k}: claim")
    return 0


def restore_liquidators(EngineCore core, records):
    """Earnings of the liquidators that the settings brought."""
    cdef State* state = &core.state
    cdef Liquidator* found
    cdef int64_t k
    require(records.dtype == LIQUIDATOR_DTYPE and len(records) == state.liquidator_count,
            "liquidators do not fit the settings")
    for k in range(state.liquidator_count):
        row = records[k]
        require(abs(int(row["cash"])) <= LARGEST and 0 <= row["spent"] <= LARGEST
                and 0 <= row["bids"] <= LARGEST and 0 <= row["done"] <= LARGEST,
                f"liquidator {k}: earnings")
        found = &state.liquidators[k]
        found.cash = row["cash"]
        found.spent = row["spent"]
        found.bids = row["bids"]
        found.done = row["done"]


# ---------------------------------------------------------------- sums of a living engine

def reserve_totals(EngineCore core, int64_t number):
    """Lots of a reserve: cash, what came and went, debts, supplies, treasury, deficit, rounding."""
    cdef Reserve* r
    cdef int64_t n
    core.begin()
    try:
        if number < 0 or number >= core.state.reserve_count:
            raise ValueError(f"reserve {number} is outside 0 ... {<int64_t>core.state.reserve_count - 1}")
        r = &core.state.reserves[number]
        names = ("supplied", "redeemed", "borrowed", "repaid", "seized")
        sums = {"cash": r.cash, **dict(zip(names, [r.flows[n] for n in range(FLOW_COUNT)], strict=True))}
        sums["debts"] = -((-r.borrowed * int(r.borrow_index)) // INDEX_ONE)
        sums["deficit"] = r.deficit
        sums["awaited"] = r.awaited
        sums["supplies"] = r.supplied * int(r.supply_index) // INDEX_ONE
        sums["treasury"] = r.treasury
        sums["rounding"] = sums["cash"] + sums["debts"] + r.deficit + r.awaited - sums["supplies"] - r.treasury
        sums["roundings"] = r.roundings
        return sums
    finally:
        core.release()
