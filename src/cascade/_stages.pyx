"""Rules and running state of a market's waterfall, in and out of the core.

Functions on an engine core, in atoms, parts of 10**9 and nanoseconds; `cascade.ruleset` has checked what
comes in, snapshots bring back what went out.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from cascade._core cimport EngineCore
from cascade._state cimport ADL_ON_DRAWDOWN, PEAK_SLOTS, Market
from cascade._types cimport MAX_PRICE

cdef int64_t LARGEST_AMOUNT = 1 << 62


def set_stages(EngineCore core, int64_t number, *, int64_t fund_limit, int64_t fund_block,
               int64_t fund_window, int adl_trigger, int64_t drawdown, int64_t drawdown_window,
               int socialised, bint haircut, uint64_t seed, adl_function):
    """What the fund may pay for a market, when it deleverages, and who shares its losses; `seed` is the engine's,
    `adl_function` None or a function that whoever calls keeps alive."""
    cdef Market* market = core.market_at(number)
    core.begin()
    market.rules.fund_limit = fund_limit
    market.rules.fund_block = fund_block
    market.rules.fund_window = fund_window
    market.rules.adl_trigger = <uint8_t>adl_trigger
    market.rules.drawdown = drawdown
    market.rules.drawdown_window = drawdown_window
    market.rules.socialised = <uint8_t>socialised
    market.rules.haircut = haircut
    core.state.seed = <int64_t>seed
    market.rules.adl_function = NULL if adl_function is None else <void*>adl_function
    core.state.watched |= adl_trigger == ADL_ON_DRAWDOWN or (fund_block >= 0 and fund_window == 0)
    core.end()


def stage_rows(EngineCore core, int64_t number):
    """Fund's block and what it paid, noted eighth and peaks from the oldest, and the mark before."""
    cdef Market* market = core.market_at(number)
    cdef int64_t k
    core.begin()
    try:
        return [
            market.block, market.block_paid, market.peak_eighth,
            *[market.peaks[(market.peak_eighth + 1 + k) & (PEAK_SLOTS - 1)] for k in range(PEAK_SLOTS)],
            market.previous_mark,
        ]
    finally:
        core.release()


def restore_stages(EngineCore core, int64_t number, rows):
    """The same back into an engine; everything is checked."""
    cdef Market* market = core.market_at(number)
    cdef int64_t k
    numbers = [int(value) for value in rows]
    if len(numbers) != PEAK_SLOTS + 4:
        raise ValueError(f"market {number}: the waterfall has {len(numbers)} numbers")
    if not all(0 <= value <= LARGEST_AMOUNT for value in numbers) or numbers[PEAK_SLOTS + 3] > MAX_PRICE:
        raise ValueError(f"market {number}: the waterfall's numbers are out of range")
    market.block = numbers[0]
    market.block_paid = numbers[1]
    market.peak_eighth = numbers[2]
    for k in range(PEAK_SLOTS):
        market.peaks[(market.peak_eighth + 1 + k) & (PEAK_SLOTS - 1)] = numbers[3 + k]
    market.previous_mark = <int32_t>numbers[PEAK_SLOTS + 3]
