"""Pools as rows of numbers: setting them up, changing their liquidity, storing and restoring them."""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.stdlib cimport calloc

import numpy as np

from cascade._core cimport EngineCore
from cascade._feed cimport refresh_mark
from cascade._orders cimport fire_stops
from cascade._pool cimport Pool, Segment, pool_plan, pool_price, pool_sound
from cascade._settlement cimport change_liquidity
from cascade._state cimport Market
from cascade._types cimport MAX_PRICE

HEADER = 8                        # numbers of a pool before those of its segments
LARGEST = 2**60


cdef int _write_segments(Pool* pool, segments) except -1:
    cdef int64_t k
    if pool.segments == NULL:
        pool.segments = <Segment*>calloc(len(segments), sizeof(Segment))
        if pool.segments == NULL:
            raise MemoryError("no memory for the segments of a pool")
        pool.count = len(segments)
    for k in range(pool.count):
        pool.segments[k].base = segments[k][0]
        pool.segments[k].quote = segments[k][1]
        pool.segments[k].virtual_base = segments[k][2]
        pool.segments[k].virtual_quote = segments[k][3]
    return 0


def set_pool(EngineCore core, int64_t number, *, int kind, segments, int64_t now, int64_t shares,
             int64_t fee, int64_t flee_fall, int64_t flee_share, int64_t ann, int64_t peg):
    """Reserves and terms of a new market's pool, before anything trades; its mark is formed."""
    cdef Market* market = core.market_at(number)
    cdef Pool* pool = &market.pool
    core.begin()
    try:
        _write_segments(pool, segments)
        pool.now = now
        pool.unit = market.rules.table.unit
        pool.shares = shares
        pool.given_base = sum(row[0] for row in segments)
        pool.given_quote = sum(row[1] for row in segments)
        pool.fee = fee
        pool.flee_fall = flee_fall
        pool.flee_share = flee_share
        pool.ann = ann
        pool.peg = peg
        pool.kind = kind
        market.impact.last = pool.peak = pool_price(pool)
        market.ceiling = market.impact.last
        refresh_mark(&core.state, market, -1, 0)
    finally:
        core.end()


def forget_first_marks(EngineCore core):
    """Take back the marks that pools formed when their markets were made, and what followed them: a
    stored log follows."""
    cdef Market* market
    cdef uint32_t m
    core.begin()
    for m in range(core.state.market_count):
        market = core.state.markets[m]
        if market.pool.kind or market.source_count:
            market.index = 0
            market.mark = market.previous_mark = market.book.mark = 0
            market.marks[0].count = market.marks[1].count = 0
    core.state.log.count = 0
    core.release()


def change_pool(EngineCore core, int64_t number, int64_t shares):
    """Shares added, or (below 0) taken back; lots and atoms paid in, below 0 paid out."""
    cdef Market* market = core.market_at(number)
    cdef int64_t base = market.pool.given_base, quote = market.pool.given_quote
    core.begin()
    try:
        if change_liquidity(&core.state, market, shares, -1, 0):
            raise OverflowError(f"shares {shares}: a reserve would pass {LARGEST}")
        refresh_mark(&core.state, market, core.state.log.count - 1, 0)
        # no stop rests here, but one may where the index follows this mark
        fire_stops(&core.state, market)
        return market.pool.given_base - base, market.pool.given_quote - quote
    finally:
        core.end()


def pool_numbers(EngineCore core, int64_t number):
    """Where the price is, peak, shares, what providers gave and traders moved, fees, segments."""
    cdef Market* market = core.market_at(number)
    cdef Pool* pool = &market.pool
    cdef int64_t k
    core.begin()
    try:
        row = [pool.now, pool.peak, pool.shares, pool.given_base, pool.given_quote,
               pool.traded_base, pool.traded_quote, pool.fees]
        for k in range(pool.count):
            row += [pool.segments[k].base, pool.segments[k].quote,
                    pool.segments[k].virtual_base, pool.segments[k].virtual_quote]
        return row
    finally:
        core.release()


def restore_pool(EngineCore core, int64_t number, row):
    """State of a pool from `pool_numbers`; everything is checked."""
    cdef Market* market = core.market_at(number)
    cdef Pool* pool = &market.pool
    where = f"market {number}: pool"
    core.begin()
    try:
        if len(row) != HEADER + 4 * pool.count:
            raise ValueError(f"{where} has {len(row)} numbers, not {HEADER + 4 * pool.count}")
        segments = np.array(row[HEADER:], dtype=np.int64).reshape(-1, 4)
        now, peak, shares, *moved = row[:HEADER]
        if not (0 <= now < pool.count and 1 <= peak <= MAX_PRICE and 1 <= shares <= LARGEST):
            raise ValueError(f"{where}: place, peak or shares are out of range")
        if segments.min() < 0 or segments.max() > LARGEST or max(map(abs, moved)) > 4 * LARGEST:
            raise ValueError(f"{where}: a reserve is out of range")
        _write_segments(pool, segments.tolist())
        pool.now = now
        pool.peak = peak
        pool.shares = shares
        pool.given_base, pool.given_quote, pool.traded_base, pool.traded_quote, pool.fees = moved
        if not pool_sound(pool):
            raise ValueError(f"{where}: its reserves do not fit")
        market.impact.last = pool_price(pool)
    finally:
        core.release()


def quote_pool(EngineCore core, int64_t number, int side, int64_t lots):
    """Lots that an order without a limit would fill, their atoms and the price afterwards; nothing changes."""
    cdef Market* market = core.market_at(number)
    cdef int64_t filled
    cdef int32_t price = 0
    if not 0 < lots <= LARGEST:
        raise ValueError(f"lots {lots} are outside 1 ... {LARGEST}")
    core.begin()
    filled = pool_plan(&market.pool, side, lots, 0, &price)
    atoms = market.pool.value if filled else 0
    price = market.pool.planned_last if filled else market.impact.last
    core.release()
    return filled, atoms, price
