"""Routes: a sale or a purchase split over venues so that no lot would have traded better elsewhere.

Allocation by marginal gain with steps of powers of two, largest first (Hochbaum 1994, "Lower and upper
bounds for the allocation problem"). Venues are asked for the atoms of whole trades, never for a price, so
books, pools and curves compare exactly. docs/pools.md, *Routing*, has the rule for ties and what holds.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t

from cascade._arithmetic cimport fits, int128
from cascade._reserve cimport Reserve
from cascade._state cimport NO_MARKET, Market, State
from cascade._types cimport BUY
from cascade._venuequote cimport venue_quote

cdef extern from *:
    """
    #define CASCADE_REFUSED (-((__int128)1 << 100))
    """
    const int128 REFUSED "CASCADE_REFUSED"     # below any gain: the venue does not take them

cdef struct Branch:           # a venue of a split; atoms of a purchase count below zero
    Market* market
    int64_t lots
    int128 worth              # of `lots`
    int128 more               # gained by a step of lots more
    int128 less               # by as many fewer


cdef int128 _worth(Market* market, uint8_t side, int64_t lots) noexcept nogil:
    cdef int64_t atoms = venue_quote(market, side, lots)
    if atoms < 0:
        return REFUSED
    return -<int128>atoms if side == BUY else atoms


cdef void _look_up(Branch* branch, uint8_t side, int64_t step) noexcept nogil:
    cdef int128 after = _worth(branch.market, side, branch.lots + step)
    branch.more = REFUSED if after == REFUSED else after - branch.worth


cdef void _look_down(Branch* branch, uint8_t side, int64_t step) noexcept nogil:
    cdef int128 after = REFUSED
    if branch.lots >= step:
        after = _worth(branch.market, side, branch.lots - step)
    branch.less = REFUSED if after == REFUSED else after - branch.worth


cdef void _add(Branch* branch, uint8_t side, int64_t step) noexcept nogil:
    branch.lots += step
    branch.worth += branch.more
    branch.less = -branch.more
    _look_up(branch, side, step)


cdef void _take(Branch* branch, uint8_t side, int64_t step) noexcept nogil:
    branch.lots -= step
    branch.worth += branch.less
    branch.more = -branch.less
    _look_down(branch, side, step)


cdef int64_t _hand_out(Branch* branches, int count, uint8_t side, int64_t left, int64_t step) noexcept nogil:
    # step by step where it gains most, the first of equals; what is left
    cdef int k, best
    while left >= step:
        best = 0
        for k in range(1, count):
            if branches[k].more > branches[best].more:
                best = k
        if branches[best].more == REFUSED:
            break
        _add(&branches[best], side, step)
        left -= step
    return left


cdef bint _exchange(Branch* branches, int count, uint8_t side, int64_t step) noexcept nogil:
    # the one move of a step that gains most; one that gains nothing only towards an earlier venue
    cdef int giver, taker, best_giver = -1, best_taker = -1
    cdef int128 gain, most = 0
    for giver in range(count):
        if branches[giver].less == REFUSED:
            continue
        for taker in range(count):
            if taker == giver or branches[taker].more == REFUSED:
                continue
            gain = branches[giver].less + branches[taker].more
            if gain > most or (gain == most and best_giver < 0 and taker < giver):
                most = gain
                best_giver = giver
                best_taker = taker
    if best_giver < 0:
        return False
    _take(&branches[best_giver], side, step)
    _add(&branches[best_taker], side, step)
    return True


cdef void plan_route(const State* state, const uint16_t* venues, int count, uint8_t side, int64_t lots,
                     Route* route) noexcept nogil:
    cdef Branch[MOST_VENUES] branches
    cdef int64_t step = 1
    cdef int128 total = 0
    cdef int k
    for k in range(count):
        branches[k].market = state.markets[venues[k]]
        branches[k].lots = 0
        branches[k].worth = 0
    while step <= lots >> 1:
        step <<= 1
    route.left = lots
    while step:
        for k in range(count):
            _look_up(&branches[k], side, step)
            _look_down(&branches[k], side, step)
        route.left = _hand_out(branches, count, side, route.left, step)
        while _exchange(branches, count, side, step):
            pass
        step >>= 1
    for k in range(count):
        route.lots[k] = branches[k].lots
        total += branches[k].worth
    if total < 0:
        total = -total
    route.atoms = <int64_t>total if fits(total) else -1


cdef int64_t route_quote(const State* state, const uint16_t* venues, int count, uint8_t side,
                         int64_t lots) noexcept nogil:
    cdef Route route
    if lots == 0:
        return 0
    plan_route(state, venues, count, side, lots, &route)
    return -1 if route.left else route.atoms


# ---------------------------------------------------------------- of a reserve

cdef list venue_list(venue):
    venues = venue if isinstance(venue, list) else [venue]
    if not 1 <= len(venues) <= MOST_VENUES:
        raise ValueError(f"venue names {len(venues)} markets, which are not 1 ... {MOST_VENUES}")
    return venues


cdef int state_venues(Reserve* reserve, list venues) except -1:
    cdef int64_t venue
    reserve.venue_count = 0
    reserve.venue = NO_MARKET
    for venue in venues:
        if venue >= 0:
            reserve.venues[reserve.venue_count] = <uint16_t>venue
            reserve.venue_count += 1
    if reserve.venue_count:
        reserve.venue = reserve.venues[0]
    return 0
