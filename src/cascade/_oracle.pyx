"""Reserves in time: interest, prices that are believed, and the marks of their sides that follow.

docs/lending-market.md. An oracle reads the mark of a market when it changes and may wait, skip small
moves or take bounded steps; interest raises the sides' indices once a step.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc

from cascade._arithmetic cimport add_into, ceil_divide, fits, floor_divide, int128, saturate
from cascade._bandwatch cimport accrue_bands, believe_in_bands
from cascade._borrower cimport borrowed_lots, gives_no_price, supplied_lots
from cascade._flows cimport note_rounding
from cascade._log cimport Event, log_append
from cascade._moves cimport note_move, test_moved
from cascade._rates cimport borrow_growth, supply_growth
from cascade._redistribution cimport recovery_mark, watch_shutdown
from cascade._reserve cimport INDEX_ONE, ORACLE_WORKS, ORACLE_ZERO, WORTHLESS, Reserve, Waiting
from cascade._state cimport (
    FAILURE_MEMORY, FAILURE_OVERFLOW, NO_MARKET, RATE_DENOMINATOR, Market, State,
)
from cascade._troveinterest cimport accrue_troves
from cascade._types cimport EVENT_INTEREST, EVENT_MARK, EVENT_ORACLE, MAX_PRICE


# ---------------------------------------------------------------- marks of the sides

cdef void _change_side(State* state, uint32_t number, int128 mark, int64_t cause, int32_t wave) noexcept nogil:
    cdef Market* market = state.markets[number]
    cdef int32_t old = market.mark
    cdef Event* event
    if mark > MAX_PRICE:
        state.failed = FAILURE_OVERFLOW
        return
    if mark == old:
        return
    market.previous_mark = old
    market.mark = <int32_t>mark
    event = log_append(&state.log, EVENT_MARK, market.number, cause, wave)
    event.price = market.mark if market.mark > 0 else 0
    event.money = old if old > 0 else 0
    note_move(state, market, old, state.log.first + state.log.count - 1, wave)


cdef void form_sides(State* state, uint32_t number, int64_t cause, int32_t wave) noexcept nogil:
    cdef const Reserve* reserve = &state.reserves[number]
    cdef int128 fine = <int128>reserve.price * reserve.refine, lower, upper
    cdef uint16_t side = state.markets[reserve.supplied_side].next_side
    lower = floor_divide(fine * reserve.supply_index, INDEX_ONE)
    lower = lower if lower > 1 else 1
    upper = ceil_divide(fine * reserve.borrow_index, INDEX_ONE)
    if reserve.price == 0:
        # none yet, or zero: that may stay until a delay is over
        if ((reserve.oracle != ORACLE_ZERO or gives_no_price(state, reserve))
                and state.markets[reserve.borrowed_side].mark != WORTHLESS):
            return
        lower = upper = WORTHLESS
    if reserve.assigned_mark:
        lower = recovery_mark(state, number, lower)
        upper = reserve.assigned_mark
    elif reserve.interest_mark:
        lower = reserve.interest_mark
    _change_side(state, reserve.supplied_side, lower, cause, wave)
    _change_side(state, reserve.borrowed_side, upper, cause, wave)
    while side:
        _change_side(state, side - 1, lower, cause, wave)
        side = state.markets[side - 1].next_side


cdef bint _sides_fit(const Reserve* reserve, int64_t price) noexcept nogil:
    # is there a mark for both sides at this price?
    cdef int128 fine = <int128>price * reserve.refine
    if floor_divide(fine * reserve.supply_index, INDEX_ONE) > MAX_PRICE:
        return False
    return reserve.assigned_mark or ceil_divide(fine * reserve.borrow_index, INDEX_ONE) <= MAX_PRICE


# ---------------------------------------------------------------- prices

cdef inline bint _overdue(const State* state, const Reserve* reserve) noexcept nogil:
    return reserve.heartbeat >= 0 and state.clock - reserve.updated >= reserve.heartbeat


cdef void believe_price(State* state, uint32_t number, int32_t price, int64_t cause, int32_t wave) noexcept nogil:
    cdef Reserve* reserve = &state.reserves[number]
    cdef int64_t old = reserve.price, believed = price, moved = believed - old, step
    cdef int64_t read = cause
    cdef Event* event
    if old and not _overdue(state, reserve) and (
            <int128>(moved if moved > 0 else -moved) * RATE_DENOMINATOR < <int128>reserve.deviation * old):
        reserve.ahead = 0
        return
    if old and reserve.max_step >= 0:
        step = <int64_t>floor_divide(<int128>reserve.max_step * old, RATE_DENOMINATOR)
        step = step if step > 1 else 1
        believed = old - step if believed < old - step else old + step if believed > old + step else believed
    if not _sides_fit(reserve, believed):
        state.failed = FAILURE_OVERFLOW       # not believed, so that marks and price stay those of one moment
        return
    reserve.updated = state.clock
    reserve.ahead = price if believed != price else 0
    reserve.ahead_event = read
    reserve.ahead_wave = wave
    if believed == old:
        return
    reserve.price = <int32_t>believed
    if reserve.assigned_mark:
        watch_shutdown(state, number)
    event = log_append(&state.log, EVENT_ORACLE, reserve.supplied_side, cause, wave)
    event.price = reserve.price
    event.money = old
    cause = state.log.first + state.log.count - 1
    form_sides(state, number, cause, wave)
    if reserve.bands:
        believe_in_bands(state, reserve.bands - 1, cause, wave)


cdef int await_price(Reserve* reserve, int64_t due, int32_t price, int64_t event, int32_t wave) noexcept nogil:
    cdef int64_t capacity, k
    cdef Waiting* grown
    cdef Waiting* last
    if reserve.waiting_count == reserve.waiting_capacity:
        capacity = reserve.waiting_capacity * 2 if reserve.waiting_capacity else 16
        grown = <Waiting*>malloc(<size_t>capacity * sizeof(Waiting))
        if grown == NULL:
            return -1
        for k in range(reserve.waiting_count):
            grown[k] = reserve.waiting[(reserve.waiting_first + k) % reserve.waiting_capacity]
        free(reserve.waiting)
        reserve.waiting = grown
        reserve.waiting_first = 0
        reserve.waiting_capacity = capacity
    last = &reserve.waiting[(reserve.waiting_first + reserve.waiting_count) % reserve.waiting_capacity]
    last.due = due
    last.price = price
    last.event = event
    last.wave = wave
    reserve.waiting_count += 1
    return 0


cdef inline void _offer(State* state, Reserve* reserve, int32_t price, int64_t event, int32_t wave) noexcept nogil:
    # within a block nobody can tell when
    cdef int64_t read = state.clock - (state.clock % reserve.block if reserve.block else 0)
    if reserve.oracle != ORACLE_WORKS:
        return
    if reserve.delay == 0:
        believe_price(state, reserve.number, price, event, wave)
    elif await_price(reserve, read + reserve.delay, price, event, wave):
        state.failed = FAILURE_MEMORY


cdef void offer_price(State* state, Market* source, int64_t event, int32_t wave) noexcept nogil:
    cdef uint32_t reader = source.readers
    cdef Reserve* reserve
    while reader:
        reserve = &state.reserves[reader - 1]
        _offer(state, reserve, source.mark, event, wave)
        reader = reserve.next_reader


cdef void _pass_prices(State* state, uint32_t number) noexcept nogil:
    # of several prices whose delay is over each is believed in turn, because steps may be bounded
    cdef Reserve* reserve = &state.reserves[number]
    cdef Waiting* first
    while reserve.waiting_count and reserve.waiting[reserve.waiting_first].due <= state.clock:
        first = &reserve.waiting[reserve.waiting_first]
        reserve.waiting_first = (reserve.waiting_first + 1) % reserve.waiting_capacity
        reserve.waiting_count -= 1
        if reserve.oracle == ORACLE_WORKS:
            believe_price(state, number, first.price, first.event, first.wave)
        test_moved(state)


cdef void read_again(State* state) noexcept nogil:
    cdef uint32_t k
    cdef Reserve* reserve
    for k in range(state.reserve_count):
        reserve = &state.reserves[k]
        if reserve.oracle != ORACLE_WORKS:
            continue
        if reserve.ahead and reserve.updated < state.clock:
            believe_price(state, k, reserve.ahead, reserve.ahead_event, reserve.ahead_wave)
        elif (reserve.delay == 0 and reserve.source != NO_MARKET
                and _overdue(state, reserve) and state.markets[reserve.source].mark):
            believe_price(state, k, state.markets[reserve.source].mark, -1, 0)
        else:
            continue
        test_moved(state)


cdef void _believe_nothing(State* state, uint32_t number) noexcept nogil:
    cdef Reserve* reserve = &state.reserves[number]
    cdef Event* event
    if state.markets[reserve.supplied_side].mark == WORTHLESS:
        return
    event = log_append(&state.log, EVENT_ORACLE, reserve.supplied_side, -1, 0)
    event.money = reserve.price
    reserve.updated = state.clock
    reserve.price = 0
    reserve.ahead = 0
    form_sides(state, number, state.log.first + state.log.count - 1, 0)


cdef void fail_oracle(State* state, uint32_t number, uint8_t failure) noexcept nogil:
    # one that works again is read as if its market's mark had just changed
    cdef Reserve* reserve = &state.reserves[number]
    if failure == reserve.oracle:
        return
    reserve.oracle = failure
    if failure == ORACLE_ZERO and not gives_no_price(state, reserve):
        _believe_nothing(state, number)
    elif failure == ORACLE_WORKS and reserve.source == NO_MARKET:
        believe_price(state, number, 1, -1, 0)
    elif failure == ORACLE_WORKS and state.markets[reserve.source].mark:
        _offer(state, reserve, state.markets[reserve.source].mark, -1, 0)
    test_moved(state)


# ---------------------------------------------------------------- interest

cdef enum:
    REFUSED = -2              # a growth: the rate is above what accrues


cdef int64_t _utilisation(const State* state, const Reserve* reserve, int64_t debt) noexcept nogil:
    cdef int128 whole = <int128>reserve.cash + debt
    if reserve.rate.over_supplies:
        whole = supplied_lots(state, reserve.number, reserve.supplied)
    return saturate(floor_divide(<int128>debt * INDEX_ONE, whole)) if whole else 0


cdef bint _raise_index(int64_t* index, int128 by) noexcept nogil:
    # an index twice as high must fit
    cdef int128 raised = index[0] + by
    if not fits(raised * 2):
        return False
    index[0] = <int64_t>raised
    return True


cdef bint _pay_suppliers(State* state, Reserve* reserve, int128 paid, int64_t interest,
                         int64_t* kept) noexcept nogil:
    # by their own curve, else what borrowers paid less the reserve's share; what is kept may be below zero
    cdef int64_t before
    kept[0] = interest
    if reserve.rate.supplies:
        before = supplied_lots(state, reserve.number, reserve.supplied)
        if paid < 0 or not _raise_index(&reserve.supply_index,
                                        floor_divide(reserve.supply_index * paid, INDEX_ONE)):
            return False
        kept[0] -= supplied_lots(state, reserve.number, reserve.supplied) - before
        return True
    if reserve.supplied == 0:
        return True
    kept[0] = <int64_t>floor_divide(<int128>interest * reserve.reserve_factor, RATE_DENOMINATOR)
    return _raise_index(&reserve.supply_index,
                        floor_divide(<int128>(interest - kept[0]) * INDEX_ONE, reserve.supplied))


cdef void _accrue(State* state, uint32_t number, int64_t elapsed) noexcept nogil:
    cdef Reserve* reserve = &state.reserves[number]
    cdef Reserve before = reserve[0]
    cdef int64_t debt = borrowed_lots(state, number, reserve.borrowed), interest, kept, event = -1
    cdef int64_t used = _utilisation(state, reserve, debt)
    cdef int128 growth
    cdef Event* record
    elapsed += reserve.rate.waited
    growth = borrow_growth(&reserve.rate, used, elapsed)
    reserve.rate.waited = 0
    if debt == 0:
        return
    if growth == REFUSED:
        reserve.rate.waited = elapsed
        return
    if growth < 0 or not _raise_index(&reserve.borrow_index,
                                      ceil_divide(reserve.borrow_index * growth, INDEX_ONE)):
        reserve[0] = before
        state.failed = FAILURE_OVERFLOW
        return
    note_rounding(reserve, 1)
    interest = borrowed_lots(state, number, reserve.borrowed) - debt
    if (not _pay_suppliers(state, reserve, supply_growth(&reserve.rate, used, elapsed), interest, &kept)
            or add_into(&reserve.treasury, kept) or not _sides_fit(reserve, reserve.price)):
        reserve[0] = before
        state.failed = FAILURE_OVERFLOW
        return
    if interest or kept:
        record = log_append(&state.log, EVENT_INTEREST, reserve.borrowed_side, -1, 0)
        record.quantity = interest
        record.money = kept
        event = state.log.first + state.log.count - 1
    form_sides(state, number, event, 0)


cdef void pass_lending(State* state, int64_t elapsed) noexcept nogil:
    cdef uint32_t k
    if elapsed:
        for k in range(state.reserve_count):
            if state.reserves[k].rate.kind:
                _accrue(state, k, elapsed)
        for k in range(state.lending_count):
            accrue_troves(state, k)
        test_moved(state)
    accrue_bands(state, elapsed)
    for k in range(state.reserve_count):
        _pass_prices(state, k)
