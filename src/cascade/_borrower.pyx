"""Borrowers as the queue sees them: the surplus is a sum over the prices of collateral and debts.

docs/lending-market.md gives the formulas. A mark of a side is the oracle's price times the side's index in
parts of a tick, so that interest moves marks and the queue needs to know nothing else of it.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t

from cascade._arithmetic cimport ceil_divide, floor_divide, int128
from cascade._clearing cimport Unit, unit_first, unit_next
from cascade._margin cimport NEVER_ABOVE, NEVER_BELOW
from cascade._reserve cimport INDEX_ONE, WORTHLESS, Reserve
from cascade._state cimport NO_POSITION, RATE_DENOMINATOR, Market, Position, State

cdef enum:
    BASIS_POINT = 100000      # of a rate
    WHOLE = 10000             # basis points
    HALF = 5000


cdef inline int128 _value(const Reserve* reserve, int64_t size, int32_t mark) noexcept nogil:
    # floor of a debt, which is negative, makes it larger
    if mark < 0:
        return 0                  # its price is zero
    if reserve.refine == 1:
        return <int128>size * reserve.unit * mark
    return floor_divide(<int128>size * reserve.unit * mark, reserve.refine)


cdef inline int128 _weight(const Reserve* reserve, int64_t size, int32_t mark, int64_t threshold) noexcept nogil:
    cdef int128 value = _value(reserve, size, mark)
    if size > 0:
        return floor_divide(value * threshold, RATE_DENOMINATOR)
    if reserve.borrow_factor == RATE_DENOMINATOR:
        return value
    return floor_divide(value * RATE_DENOMINATOR, reserve.borrow_factor)


cdef int128 side_value(const State* state, const Market* market, int64_t size, int32_t mark) noexcept nogil:
    return _value(&state.reserves[market.reserve - 1], size, mark)


cdef int128 side_weight(const State* state, const Market* market, int64_t size, int32_t mark) noexcept nogil:
    return _weight(&state.reserves[market.reserve - 1], size, mark, market.threshold)


cdef int128 side_sure(const State* state, const Market* market, int64_t size, int32_t mark) noexcept nogil:
    return _weight(&state.reserves[market.reserve - 1], size, mark, market.sure_threshold)


cdef int32_t side_tick(const State* state, const Market* market, int64_t size, int32_t entry,
                       int128 bound) noexcept nogil:
    # value * sure_threshold // 10**9 < bound, as a bound on the value, then on the mark
    cdef const Reserve* reserve = &state.reserves[market.reserve - 1]
    cdef int128 scale = <int128>(size if size > 0 else -size) * reserve.unit, least, tick
    if size > 0:
        if bound <= 0 or market.sure_threshold == 0:
            return NEVER_BELOW
        least = ceil_divide(bound * RATE_DENOMINATOR, market.sure_threshold)
        tick = ceil_divide(least * reserve.refine, scale) - 1
        if tick < 1:
            return WORTHLESS      # at no price but zero
        return NEVER_ABOVE - 1 if tick >= NEVER_ABOVE else <int32_t>tick
    # what is owed, up, above -bound
    least = floor_divide(-bound * reserve.borrow_factor, RATE_DENOMINATOR)
    if least < 0:
        return 1
    tick = floor_divide(least * reserve.refine, scale) + 1 + entry
    return NEVER_ABOVE if tick >= NEVER_ABOVE else <int32_t>tick


cdef inline int128 _averaged(int128 gathered, int128 counted) noexcept nogil:
    # all collateral at the mean threshold in whole basis points, half up
    if counted == 0:
        return 0
    return floor_divide(counted * floor_divide(gathered, counted * BASIS_POINT) + HALF, WHOLE)


cdef void borrower_evaluate(State* state, uint32_t position, Unit* unit) noexcept nogil:
    cdef uint32_t i = position
    cdef const Position* p
    cdef const Market* market
    cdef const Reserve* reserve
    cdef int128 weight, sure = 0, gathered = 0, counted = 0
    cdef bint owes = False
    unit.collateral = 0
    unit.equity = 0
    unit.maintenance = 0
    unit.open_positions = 0
    unit.priced = True
    unit.exact = False
    unit.inclusive = False
    unit.owing = False
    unit.seizable = False
    unit.doubtful = 0
    while i != NO_POSITION:
        p = &state.positions[i]
        market = state.markets[p.market]
        reserve = &state.reserves[market.reserve - 1]
        unit.open_positions += 1
        unit.seizable |= p.size > 0
        owes |= p.size < 0
        if market.mark == 0:
            unit.priced = False
        else:
            weight = _weight(reserve, p.size, market.mark - p.trigger, market.threshold)
            unit.equity += weight
            if p.size > 0:
                unit.collateral += weight
                if market.sure_threshold != market.threshold:
                    weight = _value(reserve, p.size, market.mark)
                    gathered += weight * market.threshold
                    counted += weight
                    sure += _weight(reserve, p.size, market.mark, market.sure_threshold)
        if unit.open_positions == 1:
            unit.inclusive = state.lendings[reserve.lending].inclusive
        i = unit_next(state, i)
    if unit.equity == unit.collateral:
        # without debts health is infinite; debts that are worth nothing now may be worth something again
        unit.doubtful = unit.inclusive and owes
        unit.inclusive = False
    if counted:
        weight = _averaged(gathered, counted)
        unit.equity += weight - unit.collateral
        unit.collateral = weight
        unit.doubtful += weight - sure


cdef int64_t supplied_lots(const State* state, uint32_t reserve, int64_t scaled) noexcept nogil:
    return <int64_t>floor_divide(<int128>scaled * state.reserves[reserve].supply_index, INDEX_ONE)


cdef int64_t borrowed_lots(const State* state, uint32_t reserve, int64_t scaled) noexcept nogil:
    return <int64_t>ceil_divide(<int128>scaled * state.reserves[reserve].borrow_index, INDEX_ONE)


cdef bint asks_in_vain(State* state, uint32_t position) noexcept nogil:
    cdef uint32_t i = unit_first(state, position)
    while i != NO_POSITION:
        if gives_no_price(state, reserve_of(state, i)):
            return True
        i = unit_next(state, i)
    return False
