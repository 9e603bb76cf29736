"""Auto-deleveraging as a stage of the waterfall: a queue of winners for each market and side.

The queue is made once a wave, in one pass over the positions, and put in order only as far as it is
asked for: a wave whose deficits hit k of n winners costs n + k log n. Scores are ratios of 128-bit
integers, compared in floating point where that decides and exactly where it does not. docs/adl.md
gives the rules.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport realloc

from cascade._accrual cimport owed_funding
from cascade._arithmetic cimport (
    compare_ratios, floor_divide, int128, magnitude, magnitude_wide, prefetch, saturate,
)
from cascade._clearing cimport (
    Unit, release_margin, signed_value, trade_position, unit_evaluate,
)
from cascade._log cimport Event, log_append
from cascade._margin cimport position_value, position_value_wide
from cascade._minmax cimport spread_lots
from cascade._queue cimport queue_traded
from cascade._state cimport (
    ADL_AT_BANKRUPTCY, ADL_AT_INDEX, ADL_AT_PREVIOUS_MARK, ADL_BINANCE, ADL_BITMEX, ADL_BYBIT,
    ADL_BY_CONTRACT, ADL_BY_PROFIT, ADL_BY_QUANTITY, ADL_BY_RISK, ADL_FUNCTION, ADL_HTX, ADL_HYPERLIQUID,
    ADL_HYPERLIQUID_LITERAL, ADL_MIN_MAX, ADL_NONE, ADL_OKX, ADL_RANDOM,
    DOWN, FAILURE_MEMORY, POSITION_EXACT, POSITION_ISOLATED, UP, Market, Position, Ranked,
    RankedKey, Ranking, State,
)
from cascade._triggers cimport Triggers, node_at
from cascade._types cimport BUY, EVENT_ADL, SELL
from cascade._userpolicy cimport ask_function
from cascade._waterfall cimport adl_triggered

cdef enum:
    FEW = 24                  # sorted by insertion
    MOST_BOUNDS = 64
    AHEAD = 3                 # winners whose accounts are fetched before they are asked

cdef extern from *:
    """
    /* Relative distance beyond which floating scores are certainly in the right order: each is a
       quotient of two rounded numbers. */
    #define CASCADE_SCORES_APART 1e-14
    """
    const double SCORES_APART "CASCADE_SCORES_APART"


# ---------------------------------------------------------------- order on demand

cdef inline bint _before(const Ranking* ranking, const RankedKey* a, const RankedKey* b) noexcept nogil:
    # the higher score, then the lower account
    cdef double gap = a.key - b.key
    cdef double largest = a.key if a.key > 0 else -a.key
    cdef const Ranked* x
    cdef const Ranked* y
    cdef int order
    if b.key > largest:
        largest = b.key
    elif -b.key > largest:
        largest = -b.key
    if gap > SCORES_APART * largest:
        return True
    if gap < -SCORES_APART * largest:
        return False
    x = &ranking.rows[a.row]
    y = &ranking.rows[b.row]
    order = compare_ratios(x.over, x.under, y.over, y.under)
    if order:
        return order > 0
    return x.account < y.account


cdef int64_t _split(Ranking* ranking, int64_t low, int64_t high) noexcept nogil:
    # Hoare's partition of order[low:high]; gives a middle with all of [low, middle) before the rest.
    # The pivot goes to the front, without which a part could stay as long as it was.
    cdef RankedKey* order = ranking.order
    cdef RankedKey pivot, moved
    cdef int64_t i = low - 1, j = high, a = low, b = (low + high) >> 1, c = high - 1
    if _before(ranking, &order[b], &order[a]):
        a, b = b, a
    if _before(ranking, &order[c], &order[b]):
        b = a if _before(ranking, &order[c], &order[a]) else c
    pivot = order[b]
    order[b] = order[low]
    order[low] = pivot
    while True:
        i += 1
        while _before(ranking, &order[i], &pivot):
            i += 1
        j -= 1
        while _before(ranking, &pivot, &order[j]):
            j -= 1
        if i >= j:
            return j + 1
        moved = order[i]
        order[i] = order[j]
        order[j] = moved


cdef void _sort_few(Ranking* ranking, int64_t low, int64_t high) noexcept nogil:
    cdef RankedKey moved
    cdef int64_t i, k
    for i in range(low + 1, high):
        moved = ranking.order[i]
        k = i
        while k > low and _before(ranking, &moved, &ranking.order[k - 1]):
            ranking.order[k] = ranking.order[k - 1]
            k -= 1
        ranking.order[k] = moved


cdef bint _front(State* state, Ranking* ranking) noexcept nogil:
    # Puts the first that is left in its place; False: nobody is left. Only the part that begins with
    # it is split further, so that k of n cost n + k log n (incremental quicksort, Paredes and Navarro).
    cdef int64_t end, middle, k
    if ranking.at < ranking.sorted:
        return True
    if ranking.at == ranking.count:
        return False
    end = ranking.bounds[ranking.depth - 1]
    while end - ranking.at > FEW:
        middle = _split(ranking, ranking.at, end)
        if ranking.depth == MOST_BOUNDS:
            # forgetting a bound costs splitting there again
            ranking.depth -= 1
        ranking.bounds[ranking.depth] = middle
        ranking.depth += 1
        end = middle
    _sort_few(ranking, ranking.at, end)
    ranking.sorted = end
    ranking.depth -= 1
    for k in range(ranking.at, end):
        # they are asked in this order
        prefetch(&state.positions[ranking.order[k].position])
        prefetch(&state.place[ranking.order[k].position])
    return True


# ---------------------------------------------------------------- ranking

cdef inline int128 _equity(State* state, uint32_t position, const Market* market) noexcept nogil:
    # of the unit of a position with size; only one with several positions is looked at as a whole
    cdef Position* p = &state.positions[position]
    cdef Unit unit
    if p.flags & POSITION_ISOLATED and market.mark:
        return (<int128>p.margin + position_value(&market.rules.table, p.size, market.mark)
                - p.entry_value - owed_funding(state, position))
    unit_evaluate(state, position, &unit)
    return unit.equity


cdef int64_t _shuffled(int32_t account, uint64_t seed) noexcept nogil:
    # SplitMix64 (Steele, Lea and Flood 2014), 62 bits
    cdef uint64_t z = <uint64_t>account + seed * <uint64_t>0xD1342543DE82EF95
    z += <uint64_t>0x9E3779B97F4A7C15
    z = (z ^ (z >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    z = (z ^ (z >> 27)) * <uint64_t>0x94D049BB133111EB
    return <int64_t>((z ^ (z >> 31)) >> 2)


cdef void _htx_loser(int64_t profit, int64_t cost, int64_t notional, int64_t equity, int64_t leverage,
                     Ranked* row) noexcept nogil:
    # return on margin times margin ratio; what is beyond 126 bits loses its last ones
    cdef int128 scale = <int128>leverage * leverage, most = <int128>1 << 126
    row.over = <int128>profit * equity
    row.under = <int128>cost * notional
    while magnitude_wide(row.over) > floor_divide(most, scale) or row.under > floor_divide(most, 10000):
        row.over >>= 1
        row.under >>= 1
    row.over *= scale
    row.under = row.under * 10000 if row.under else 1


cdef void _score(const State* state, const Market* market, const Position* p, const Unit* unit,
                 Ranked* row) noexcept nogil:
    # cascade.adlscores has the same formulas with their sources; a divisor is at least one atom
    cdef int64_t value = position_value(&market.rules.table, p.size, market.mark)
    cdef int64_t profit = saturate(<int128>value - p.entry_value)
    cdef int64_t notional = magnitude(value) if value else 1
    cdef int64_t cost = magnitude(p.entry_value) if p.entry_value else 1
    cdef int64_t equity = saturate(unit.equity), wallet
    cdef uint8_t policy = market.rules.adl
    if policy == ADL_HTX and profit <= 0:
        _htx_loser(profit, cost, notional, equity, p.leverage, row)
    elif policy == ADL_BITMEX or policy == ADL_HTX:
        if profit > 0:
            row.over = <int128>profit * notional
            row.under = <int128>cost * equity
        else:
            row.over = <int128>profit * equity
            row.under = <int128>cost * notional
    elif policy == ADL_BINANCE:
        wallet = saturate(unit.collateral)
        if wallet < market.rules.adl_unit:
            wallet = market.rules.adl_unit
        row.over = <int128>(profit if profit > 0 else 0) * saturate(unit.maintenance)
        row.under = <int128>wallet * equity
    elif policy == ADL_HYPERLIQUID:
        # value grows with the price for a linear long and for an inverse short
        row.over = <int128>(notional if value >= 0 else cost) * notional
        row.under = <int128>(cost if value >= 0 else notional) * equity
    elif policy == ADL_HYPERLIQUID_LITERAL:
        # mark over entry whatever the side
        row.over = <int128>(cost if market.rules.table.inverse else notional) * notional
        row.under = <int128>(notional if market.rules.table.inverse else cost) * equity
    elif policy == ADL_BYBIT:
        row.over = <int128>profit * p.leverage
        row.under = cost
    elif policy == ADL_OKX:
        wallet = saturate(unit.collateral)
        wallet = wallet if wallet > 1 else 1
        row.over = <int128>profit * notional
        row.under = <int128>wallet * wallet
    elif policy == ADL_RANDOM:
        row.over = _shuffled(p.account, <uint64_t>state.seed + <uint64_t>state.clock)
        row.under = 1
    else:
        row.over = magnitude(p.size)
        row.under = 1


cdef int _reserve(State* state, Ranking* ranking) noexcept nogil:
    cdef int64_t capacity = ranking.capacity * 2 if ranking.capacity else 256
    cdef void* grown = realloc(ranking.rows, <size_t>capacity * sizeof(Ranked))
    if grown == NULL:
        state.failed = FAILURE_MEMORY
        return -1
    ranking.rows = <Ranked*>grown
    grown = realloc(ranking.order, <size_t>capacity * sizeof(RankedKey))
    if grown == NULL:
        state.failed = FAILURE_MEMORY
        return -1
    ranking.order = <RankedKey*>grown
    ranking.capacity = capacity
    return 0


cdef void _rank(State* state, Market* market, Ranking* ranking, bint longs) noexcept nogil:
    cdef uint32_t i
    cdef Position* p
    cdef Unit unit
    cdef Ranked* row
    cdef RankedKey* key
    ranking.count = ranking.at = ranking.sorted = 0
    for i in range(state.position_count):
        p = &state.positions[i]
        if p.market != market.number or p.size == 0 or (p.size > 0) != longs:
            continue
        unit.equity = _equity(state, i, market)
        if unit.equity <= 0:
            continue
        if market.rules.adl == ADL_BINANCE or market.rules.adl == ADL_OKX:
            unit_evaluate(state, i, &unit)
        if ranking.count == ranking.capacity and _reserve(state, ranking):
            return
        row = &ranking.rows[ranking.count]
        key = &ranking.order[ranking.count]
        row.account = p.account
        _score(state, market, p, &unit, row)
        key.key = <double>row.over / <double>row.under
        key.row = <uint32_t>ranking.count
        key.position = i
        ranking.count += 1
    if market.rules.adl == ADL_FUNCTION and ranking.count:
        ask_function(state, market, ranking)
    ranking.bounds[0] = ranking.count
    ranking.depth = 1


cdef void adl_begin(State* state) noexcept nogil:
    cdef uint32_t m
    for m in range(state.market_count):
        state.markets[m].rankings[0].wave = -1
        state.markets[m].rankings[1].wave = -1


# ---------------------------------------------------------------- closing

cdef bint adl_applies(const State* state, const Market* market) noexcept nogil:
    return market.rules.adl != ADL_NONE and adl_triggered(state, market)


cdef int32_t _price(const Market* market, int32_t bankruptcy) noexcept nogil:
    # the mark where the price that is asked for is not known
    cdef int32_t price = market.mark
    if market.rules.adl_at == ADL_AT_BANKRUPTCY:
        return bankruptcy
    if market.rules.adl_at == ADL_AT_PREVIOUS_MARK:
        price = market.previous_mark
    elif market.rules.adl_at == ADL_AT_INDEX:
        price = market.index
    return price if price else market.mark


cdef bint _stands(State* state, const Market* market, uint32_t position, bint longs,
                  int32_t price) noexcept nogil:
    # still on that side, and with equity left after closing it whole at the price
    cdef Position* p = &state.positions[position]
    cdef int128 equity
    if p.size == 0 or (p.size > 0) != longs:
        return False
    equity = _equity(state, position, market)
    if equity <= 0:
        return False
    return (equity + position_value_wide(&market.rules.table, p.size, price)
            - position_value(&market.rules.table, p.size, market.mark)) >= 0


cdef void _trade(State* state, Market* market, uint32_t position, uint32_t winner, int64_t lots,
                 int32_t price) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef int64_t traded = -lots if p.size > 0 else lots
    cdef int64_t value = signed_value(market, traded, price)
    cdef Event* event = log_append(&state.log, EVENT_ADL, market.number, state.cause, state.wave)
    event.account = p.account
    event.counterparty = state.positions[winner].account
    event.quantity = lots
    event.price = price
    event.money = magnitude(value)
    event.side = SELL if p.size > 0 else BUY
    trade_position(state, position, traded, value)
    trade_position(state, winner, -traded, -value)
    release_margin(state, winner)
    queue_traded(state, winner)
    state.counters.adl_lots += lots


cdef inline void _fetch_ahead(State* state, const Ranking* ranking, const Triggers* queue) noexcept nogil:
    cdef int64_t next = ranking.at + AHEAD
    cdef uint32_t position
    if next >= ranking.sorted:
        return
    position = ranking.order[next].position
    prefetch(&state.accounts[state.positions[position].account])
    if state.positions[position].flags & POSITION_EXACT:
        prefetch(node_at(queue, state.place[position]))


cdef int64_t _weight(State* state, const Market* market, uint32_t position, bint winners) noexcept nogil:
    # what lots are shared out by: 0 for nobody of this round
    cdef Position* p = &state.positions[position]
    cdef int64_t profit, value, equity
    if market.rules.adl == ADL_BY_QUANTITY:
        return magnitude(p.size)
    value = position_value(&market.rules.table, p.size, market.mark)
    profit = saturate(<int128>value - p.entry_value)
    if market.rules.adl == ADL_BY_PROFIT:
        return profit if profit > 0 else 0
    if market.rules.adl == ADL_BY_RISK:
        # times leverage in effect, whole atoms down; who stands has equity
        equity = saturate(_equity(state, position, market))
        return saturate(floor_divide(<int128>profit * magnitude(value), equity)) if profit > 0 else 0
    return magnitude(p.size) if (profit > 0) == winners else 0


cdef int64_t _share_round(State* state, Market* market, Ranking* ranking, uint32_t position, int64_t lots,
                          int32_t price, bint winners) noexcept nogil:
    # One round over everybody; gives the lots closed. What all so far have closed is rounded down, and
    # each closes the difference, but not more than he has.
    cdef Position* p = &state.positions[position]
    cdef bint longs = p.size < 0
    cdef int128 whole = 0, carried = 0, product
    cdef int64_t k, weight, due, held, owed = lots, closed = 0
    cdef uint32_t other
    cdef int round
    for round in range(2):
        for k in range(ranking.count):
            other = ranking.order[k].position
            if state.positions[other].account == p.account or not _stands(state, market, other, longs, price):
                continue
            weight = _weight(state, market, other, winners)
            if weight == 0:
                continue
            if round == 0:
                whole += weight
                continue
            product = <int128>owed * weight + carried
            due = <int64_t>floor_divide(product, whole)
            carried = product - <int128>due * whole
            held = magnitude(state.positions[other].size)
            due = held if held < due else due
            if due:
                _trade(state, market, position, other, due, price)
                closed += due
        if whole == 0:
            return 0
        if (round == 0 and whole < owed and market.rules.adl != ADL_BY_PROFIT
                and market.rules.adl != ADL_BY_RISK):
            owed = <int64_t>whole
    return closed


cdef int64_t _share_out(State* state, Market* market, Ranking* ranking, uint32_t position, int64_t lots,
                        int32_t price) noexcept nogil:
    # rounds until nothing is left or nobody closes any more; gives the lots left
    cdef bint winners = True
    cdef int64_t closed
    while lots and not state.failed:
        closed = _share_round(state, market, ranking, position, lots, price, winners)
        lots -= closed
        if closed == 0:
            if market.rules.adl != ADL_BY_CONTRACT or not winners:
                break
            winners = False
    return lots


cdef int64_t _min_max(State* state, Market* market, Ranking* ranking, uint32_t position, int64_t lots,
                      int32_t price) noexcept nogil:
    # A lot at a time would go where the share after it is smallest (Jefferson's rule), which never gives
    # less than the whole part of the proportional share: so it begins there. Gives the lots left.
    cdef Position* p = &state.positions[position]
    cdef bint longs = p.size < 0
    cdef int64_t k, count = 0, whole = 0, given = 0, owed, due
    cdef uint32_t other
    for k in range(ranking.count):
        other = ranking.order[k].position
        ranking.rows[k].under = 0
        if state.positions[other].account == p.account or not _stands(state, market, other, longs, price):
            continue
        ranking.rows[k].under = magnitude(state.positions[other].size)
        ranking.order[count].row = <uint32_t>k
        whole += magnitude(state.positions[other].size)
        count += 1
    owed = lots if lots < whole else whole
    for k in range(ranking.count):
        if ranking.rows[k].under:
            due = <int64_t>floor_divide(<int128>owed * ranking.rows[k].under, whole)
            ranking.rows[k].over = due + 1
            given += due
    spread_lots(ranking, count, owed - given)
    for k in range(ranking.count):
        due = <int64_t>ranking.rows[k].over - 1
        if ranking.rows[k].under and due:
            _trade(state, market, position, ranking.order[k].position, due, price)
    return lots - owed


cdef int64_t adl_close(State* state, uint32_t position, int64_t lots, int32_t bankruptcy) noexcept nogil:
    cdef Position* p = &state.positions[position]
    cdef Market* market = state.markets[p.market]
    cdef bint longs = p.size < 0, own_waits = False
    cdef Ranking* ranking = &market.rankings[longs]
    cdef int32_t price = _price(market, bankruptcy)
    cdef int64_t closed
    cdef RankedKey own
    cdef uint32_t winner
    if state.wave > ranking.wave:
        _rank(state, market, ranking, longs)
        ranking.wave = state.wave
    if market.rules.adl == ADL_MIN_MAX:
        return _min_max(state, market, ranking, position, lots, price)
    if market.rules.adl >= ADL_BY_QUANTITY:
        return _share_out(state, market, ranking, position, lots, price)
    while lots and not state.failed and _front(state, ranking):
        winner = ranking.order[ranking.at].position
        _fetch_ahead(state, ranking, &market.exact[DOWN if longs else UP])
        if ranking.rows[ranking.order[ranking.at].row].account == p.account:
            own = ranking.order[ranking.at]
            own_waits = True
            ranking.at += 1
            continue
        if not _stands(state, market, winner, longs, price):
            ranking.at += 1
            continue
        closed = magnitude(state.positions[winner].size)
        if lots < closed:
            closed = lots
        _trade(state, market, position, winner, closed, price)
        lots -= closed
        if state.positions[winner].size == 0:
            ranking.at += 1
    if own_waits:
        # the others that were passed over since are gone: it is the first again
        ranking.at -= 1
        ranking.order[ranking.at] = own
    return lots
