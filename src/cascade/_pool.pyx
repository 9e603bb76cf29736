"""The pool venue: constant product, ranges of concentrated liquidity and stableswap in whole lots and atoms.

Every product of reserves fits in 128 bits: `pool_fits` refuses what would not. What a trader pays is rounded
up and what he receives down, so the reserves never lose to a rounding.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._arithmetic cimport ceil_divide, floor_divide, int128
from cascade._types cimport BUY, MAX_PRICE

cdef extern from *:
    """
    #define CASCADE_LARGEST_PRODUCT (((__int128)1) << 126)
    #define CASCADE_LARGEST_SHIFTED (((__int128)1) << 106)
    """
    const int128 LARGEST_PRODUCT "CASCADE_LARGEST_PRODUCT"
    const int128 LARGEST_SHIFTED "CASCADE_LARGEST_SHIFTED"

cdef enum:
    RATE_PARTS = 1000000000
    FEE_PARTS = 1000000
    A_PARTS = 100
    MOST_ROUNDS = 256

cdef int64_t LARGEST_RESERVE = <int64_t>1 << 60
cdef int64_t QUICK_BASE = <int64_t>1 << 42
cdef int64_t LARGEST_INVARIANT = <int64_t>1 << 50
cdef int64_t LARGEST_SKEW = 1000


cdef inline int32_t _ticks_of(int128 above, int128 below) noexcept nogil:
    # half up, within 1 ... MAX_PRICE
    cdef int128 ticks = floor_divide(2 * above + below, 2 * below)
    if ticks < 1:
        return 1
    return MAX_PRICE if ticks > MAX_PRICE else <int32_t>ticks


# ---------------------------------------------------------------- stableswap

cdef int64_t _invariant(const Pool* pool, int128 x, int128 y) noexcept nogil:
    # Newton's method to within a unit, as the contracts do it
    cdef int128 d = x + y, before, product
    cdef int _round
    for _round in range(MOST_ROUNDS):
        product = (d * d // (2 * x)) * d // (2 * y)
        before = d
        d = (pool.ann * (x + y) // A_PARTS + 2 * product) * d
        d = d // ((pool.ann - A_PARTS) * before // A_PARTS + 3 * product)
        if -1 <= d - before <= 1:
            break
    return <int64_t>d


cdef int128 _balance(const Pool* pool, int128 x, int128 d) noexcept nogil:
    cdef int128 c = (d * d // (2 * x)) * d * A_PARTS // (2 * pool.ann)
    cdef int128 b = x + d * A_PARTS // pool.ann
    cdef int128 y = d, before
    cdef int _round
    for _round in range(MOST_ROUNDS):
        before = y
        y = (y * y + c) // (2 * y + b - d)
        if -1 <= y - before <= 1:
            break
    return y


cdef inline bint _skewed(int128 x, int128 y) noexcept nogil:
    # beyond this the invariant's products would not fit
    return x > LARGEST_SKEW * y or y > LARGEST_SKEW * x


cdef int64_t _most_before_skew(const Pool* pool, uint8_t side) noexcept nogil:
    # lots until the reserve that shrinks, or grows, stands alone: no product passes 128 bits before
    cdef int128 x = <int128>pool.segments[0].base * pool.peg, y = pool.segments[0].quote
    if side == BUY:
        return <int64_t>floor_divide(x - ceil_divide(y, LARGEST_SKEW), pool.peg)
    return <int64_t>floor_divide(LARGEST_SKEW * y - x, pool.peg)


cdef int32_t _stable_price(const Pool* pool, int128 base, int128 y) noexcept nogil:
    # ratio of the curve's slopes, in parts of 2**20 of the peg rounded down
    cdef int128 x = base * pool.peg, d = _invariant(pool, x, y)
    cdef int128 product = (d * d // (2 * x)) * d // (2 * y)
    cdef int128 above = (pool.ann * x // A_PARTS + product) * y
    cdef int128 below = (pool.ann * y // A_PARTS + product) * x
    if above > LARGEST_SHIFTED or below > LARGEST_SHIFTED:
        above >>= 20
        below >>= 20
    return _ticks_of((above << 20) // below * pool.peg, <int128>pool.unit << 20)


cdef int64_t _stable_value(const Pool* pool, uint8_t side, int64_t lots) noexcept nogil:
    # atoms that leave or enter the reserve; the reserve in doubt gains a unit
    cdef int128 x = <int128>pool.segments[0].base * pool.peg, y = pool.segments[0].quote
    cdef int128 moved = <int128>lots * pool.peg
    cdef int128 d = _invariant(pool, x, y), out
    if side == BUY:
        out = _balance(pool, x - moved, d) - y + 1
    else:
        out = y - _balance(pool, x + moved, d) - 1
    return 0 if out < 0 else <int64_t>out


# ---------------------------------------------------------------- walking the segments

cdef int64_t _sell_into(const Segment* s, int64_t lots, int64_t* atoms) noexcept nogil:
    # of a range: lots that it takes until its quote is used up
    cdef int128 x = <int128>s.base + s.virtual_base, y = <int128>s.quote + s.virtual_quote
    cdef int128 needed
    atoms[0] = 0
    if s.quote == 0:
        return 0
    needed = floor_divide(x * s.quote, s.virtual_quote) + 1
    if lots >= needed:
        atoms[0] = s.quote
        return <int64_t>needed
    atoms[0] = <int64_t>floor_divide(lots * y, x + lots)
    return lots


cdef int64_t _buy_from(const Segment* s, int64_t lots, int64_t* atoms) noexcept nogil:
    cdef int128 x = <int128>s.base + s.virtual_base, y = <int128>s.quote + s.virtual_quote
    atoms[0] = 0
    if lots > s.base:
        lots = s.base
    if lots:
        atoms[0] = <int64_t>(floor_divide(lots * y, x - lots) + 1)
    return lots


cdef int64_t _walk(Pool* pool, uint8_t side, int64_t lots, bint write, int128* moved,
                   int32_t* last) noexcept nogil:
    # lots that the ranges fill, the atoms moved without fee and the price after; written or only counted
    cdef int64_t filled = 0, at = pool.now, step = 1 if side == BUY else -1, part, atoms
    cdef Segment s, traded = pool.segments[at]
    moved[0] = 0
    while True:
        s = pool.segments[at]
        if side == BUY:
            part = _buy_from(&s, lots - filled, &atoms)
        else:
            part = _sell_into(&s, lots - filled, &atoms)
        s.base -= part * step
        s.quote += atoms * step
        filled += part
        moved[0] += atoms
        if part:
            traded = s
        if write:
            pool.segments[at] = s
            pool.now = at
        if filled == lots or at + step < 0 or at + step >= pool.count:
            break
        at += step
    # a size that nobody fills is planned too: the price rests where the last lot traded
    last[0] = _ticks_of(<int128>traded.quote + traded.virtual_quote,
                        (<int128>traded.base + traded.virtual_base) * pool.unit)
    return filled


# ---------------------------------------------------------------- value of a trade

cdef struct Plan:
    int128 value              # what the taker pays or receives, with its fee, atoms
    int128 gross              # the larger of what it pays and what leaves the reserve
    int128 fee                # put aside
    int64_t lots              # filled
    int32_t last              # price afterwards, 0: too far from balance


cdef void _plan_product(const Pool* pool, uint8_t side, int64_t lots, Plan* plan) noexcept nogil:
    cdef const Segment* s = pool.segments
    cdef int64_t kept = FEE_PARTS - pool.fee
    cdef int128 counted
    plan.fee = 0
    plan.lots = lots
    if side == BUY:
        plan.value = floor_divide(<int128>s.quote * lots * FEE_PARTS, <int128>(s.base - lots) * kept) + 1
        plan.last = MAX_PRICE
        if plan.value <= LARGEST_RESERVE:
            plan.last = _ticks_of(s.quote + plan.value, <int128>(s.base - lots) * pool.unit)
    else:
        counted = <int128>lots * kept
        plan.value = floor_divide(counted * s.quote, <int128>s.base * FEE_PARTS + counted)
        plan.last = _ticks_of(s.quote - plan.value, <int128>(s.base + lots) * pool.unit)
    plan.gross = plan.value


cdef void _plan_with_fee(Pool* pool, uint8_t side, int64_t lots, Plan* plan) noexcept nogil:
    # ranges and stableswap: the fee is put aside
    cdef const Segment* s = pool.segments
    cdef int128 moved, quote
    cdef int64_t base
    plan.lots = lots
    if pool.kind == POOL_CONCENTRATED:
        plan.lots = _walk(pool, side, lots, False, &moved, &plan.last)
    else:
        moved = _stable_value(pool, side, lots)
        base = s.base - lots if side == BUY else s.base + lots
        quote = s.quote + moved if side == BUY else s.quote - moved
        plan.last = 0
        if base > 0 and quote > 0 and not _skewed(<int128>base * pool.peg, quote) \
                and <int128>base * pool.peg + quote <= LARGEST_INVARIANT:
            plan.last = _stable_price(pool, base, quote)
    if side == BUY:
        plan.fee = ceil_divide(moved * pool.fee, FEE_PARTS - pool.fee)
        plan.value = plan.gross = moved + plan.fee
    else:
        plan.fee = ceil_divide(moved * pool.fee, FEE_PARTS)
        plan.value = moved - plan.fee
        plan.gross = moved


cdef inline void _plan(Pool* pool, uint8_t side, int64_t lots, Plan* plan) noexcept nogil:
    if pool.kind == POOL_CONSTANT_PRODUCT:
        _plan_product(pool, side, lots, plan)
    else:
        _plan_with_fee(pool, side, lots, plan)


cdef inline int32_t _average(const Pool* pool, uint8_t side, const Plan* plan) noexcept nogil:
    # against the trader; 0 for nothing. A purchase beyond MAX_PRICE is held there plus one: it is too dear
    cdef int128 below = <int128>plan.lots * pool.unit, ticks
    cdef int32_t most = MAX_PRICE + 1 if side == BUY else MAX_PRICE
    if plan.lots == 0:
        return 0
    ticks = ceil_divide(plan.value, below) if side == BUY else floor_divide(plan.value, below)
    return most if ticks > most else <int32_t>ticks


cdef inline bint _within(const Pool* pool, uint8_t side, const Plan* plan, int32_t limit) noexcept nogil:
    cdef int32_t price = _average(pool, side, plan)
    return plan.last != 0 and (price <= limit if side == BUY else price >= limit)


cdef int64_t _most_of_product(const Pool* pool, uint8_t side, int64_t lots, int32_t limit) noexcept nogil:
    # the largest size whose average is within the limit, in closed form: docs/pools.md
    cdef const Segment* s = pool.segments
    cdef int64_t kept = FEE_PARTS - pool.fee
    cdef int128 least = <int128>limit * pool.unit, most
    if side == BUY:
        most = s.base - floor_divide(<int128>s.quote * FEE_PARTS, least * kept) - 1
    else:
        most = <int128>s.quote * kept
        if least > floor_divide(most, <int128>s.base * FEE_PARTS):
            return 0
        most = floor_divide(most - least * s.base * FEE_PARTS, least * kept)
    if most < 0:
        return 0
    return lots if lots < most else <int64_t>most


cdef int64_t _most(Pool* pool, uint8_t side, int64_t lots, int32_t limit) noexcept nogil:
    cdef int64_t low = 0, high = lots, middle
    cdef Plan plan
    if pool.kind == POOL_CONSTANT_PRODUCT:
        return _most_of_product(pool, side, lots, limit)
    while low < high:
        middle = low + (high - low + 1) // 2
        _plan(pool, side, middle, &plan)
        if _within(pool, side, &plan, limit):
            low = middle
        else:
            high = middle - 1
    return low


# ---------------------------------------------------------------- what the engine calls

cdef int32_t pool_price(const Pool* pool) noexcept nogil:
    cdef const Segment* s = &pool.segments[pool.now]
    if pool.kind == POOL_STABLESWAP:
        return _stable_price(pool, s.base, s.quote)
    return _ticks_of(<int128>s.quote + s.virtual_quote,
                     (<int128>s.base + s.virtual_base) * pool.unit)


cdef bint _stable_fits(const Pool* pool, int64_t lots) noexcept nogil:
    # with `_skewed`: the invariant's cube over the smaller reserve is the largest product
    cdef int128 x = (<int128>pool.segments[0].base + lots) * pool.peg
    return x + pool.segments[0].quote <= LARGEST_INVARIANT


cdef inline bint _product_fits(int128 base, int128 quote) noexcept nogil:
    if base > LARGEST_RESERVE or quote > LARGEST_RESERVE:
        return False
    return base <= QUICK_BASE or base * FEE_PARTS <= floor_divide(LARGEST_PRODUCT, quote)


cdef bint pool_fits(const Pool* pool, int64_t lots) noexcept nogil:
    # sums of a range stay where they began, see `_sound`; those of a product grow with what is sold
    cdef int128 base = lots
    if pool.kind == POOL_STABLESWAP:
        return _stable_fits(pool, lots)
    if pool.kind == POOL_CONSTANT_PRODUCT:
        return _product_fits(base + pool.segments[0].base, pool.segments[0].quote)
    return base <= LARGEST_RESERVE


cdef bint _sound(const Pool* pool, const Segment* s, int128* base, int128* quote) noexcept nogil:
    # within bounds, and of a range also at its ends, where one reserve is used up; adds what it may hold
    cdef int128 x = <int128>s.base + s.virtual_base, y = <int128>s.quote + s.virtual_quote
    if s.base < 0 or s.quote < 0 or x < 1 or y < 1 or x > LARGEST_RESERVE or y > LARGEST_RESERVE:
        return False
    if pool.kind != POOL_CONCENTRATED:
        return s.virtual_base == 0 and s.virtual_quote == 0
    if s.virtual_base < 1 or s.virtual_quote < 1:
        return False
    base[0] += floor_divide(x * y, s.virtual_quote) + 1
    quote[0] += floor_divide(x * y, s.virtual_base) + 1
    return base[0] <= LARGEST_RESERVE and quote[0] <= LARGEST_RESERVE


cdef bint pool_sound(const Pool* pool) noexcept nogil:
    cdef int64_t k
    cdef int128 base = 0, quote = 0
    for k in range(pool.count):
        if not _sound(pool, &pool.segments[k], &base, &quote):
            return False
    return pool_fits(pool, 0)


cdef int64_t pool_plan(Pool* pool, uint8_t side, int64_t lots, int32_t limit,
                       int32_t* fill_price) noexcept nogil:
    cdef int64_t most
    cdef Plan plan
    if not pool_fits(pool, lots):
        return 0
    if limit == 0:
        limit = MAX_PRICE if side == BUY else 1
    if side == BUY and pool.kind != POOL_CONCENTRATED and lots >= pool.segments[0].base:
        lots = pool.segments[0].base - 1
    if pool.kind == POOL_STABLESWAP:
        most = _most_before_skew(pool, side)
        lots = most if most < lots else lots
    if lots <= 0:
        return 0
    _plan(pool, side, lots, &plan)
    if not _within(pool, side, &plan, limit):
        lots = _most(pool, side, plan.lots, limit)
        if lots == 0:
            return 0
        _plan(pool, side, lots, &plan)
    if plan.lots == 0 or plan.gross > LARGEST_RESERVE:
        return 0
    if side == BUY and pool.kind == POOL_CONSTANT_PRODUCT and not _product_fits(
            pool.segments[0].base - plan.lots, pool.segments[0].quote + plan.value):
        return 0
    fill_price[0] = _average(pool, side, &plan)
    pool.value = <int64_t>plan.value
    pool.planned_fee = <int64_t>plan.fee
    pool.planned_last = plan.last
    return plan.lots


cdef void pool_commit(Pool* pool, uint8_t side, int64_t lots) noexcept nogil:
    cdef Segment* s = pool.segments
    cdef int128 moved
    cdef int32_t last
    cdef int64_t signed_lots = -lots if side == BUY else lots
    if pool.kind == POOL_CONCENTRATED:
        _walk(pool, side, lots, True, &moved, &last)
    else:
        s.base += signed_lots
        s.quote += pool.value - pool.planned_fee if side == BUY else -pool.value - pool.planned_fee
    if side != BUY:
        pool.value = -pool.value
    pool.traded_base += signed_lots
    pool.traded_quote += pool.value
    pool.fees += pool.planned_fee


cdef inline int64_t _scaled(int64_t amount, int64_t shares, int64_t total) noexcept nogil:
    # -1: beyond 64 bits
    cdef int128 grown
    if shares > 0:
        grown = amount + ceil_divide(<int128>amount * shares, total)
        return -1 if grown > LARGEST_RESERVE else <int64_t>grown
    return amount - <int64_t>floor_divide(<int128>amount * -shares, total)


cdef inline Segment _changed(const Segment* s, int64_t shares, int64_t total) noexcept nogil:
    cdef Segment changed
    changed.base = _scaled(s.base, shares, total)
    changed.quote = _scaled(s.quote, shares, total)
    changed.virtual_base = _scaled(s.virtual_base, shares, total)
    changed.virtual_quote = _scaled(s.virtual_quote, shares, total)
    return changed


cdef int pool_change(Pool* pool, int64_t shares, int64_t* base, int64_t* quote) noexcept nogil:
    cdef int64_t k, total = pool.shares
    cdef Segment s, changed
    cdef int128 most_base = 0, most_quote = 0
    base[0] = quote[0] = 0
    for k in range(pool.count):
        changed = _changed(&pool.segments[k], shares, total)
        if not _sound(pool, &changed, &most_base, &most_quote):
            return -1
    for k in range(pool.count):
        s = pool.segments[k]
        pool.segments[k] = _changed(&s, shares, total)
        base[0] += pool.segments[k].base - s.base
        quote[0] += pool.segments[k].quote - s.quote
    pool.shares += shares
    pool.given_base += base[0]
    pool.given_quote += quote[0]
    return 0


cdef int64_t pool_fleeing(Pool* pool, int32_t price) noexcept nogil:
    if price > pool.peak:
        pool.peak = price
    if pool.flee_fall == 0:
        return 0
    if <int64_t>price * RATE_PARTS > pool.peak * (RATE_PARTS - pool.flee_fall):
        return 0
    pool.peak = price
    return <int64_t>floor_divide(<int128>pool.shares * pool.flee_share, RATE_PARTS)
