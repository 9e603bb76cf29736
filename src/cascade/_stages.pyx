"""Rules and running state of a market's waterfall, in and out of the core.

Functions on an engine core, in atoms, parts of 10**9 and nanoseconds; `cascade.ruleset` has checked what
comes in, snapshots bring back what went out.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

from cascade._core cimport EngineCore
from cascade._drawdown cimport note_peak, peak_at, reserve_peak
from cascade._reserve cimport WORTHLESS
from cascade._state cimport ADL_ON_DRAWDOWN, FAILURE_MEMORY, Market
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
    if adl_trigger == ADL_ON_DRAWDOWN and reserve_peak(market):
        core.state.failed = FAILURE_MEMORY
    core.state.watched |= adl_trigger == ADL_ON_DRAWDOWN or (fund_block >= 0 and fund_window == 0)
    core.end()


def stage_rows(EngineCore core, int64_t number):
    """Fund's block and what it paid, the mark before, and time and balance of the fund's peaks, oldest first."""
    cdef Market* market = core.market_at(number)
    cdef int64_t k
    core.begin()
    try:
        rows = [market.block, market.block_paid, market.previous_mark]
        for k in range(market.peaks_count):
            rows += [peak_at(market, k).time, peak_at(market, k).fund]
        return rows
    finally:
        core.release()


def restore_stages(EngineCore core, int64_t number, rows):
    """The same back into an engine whose clock is set; everything is checked."""
    cdef Market* market = core.market_at(number)
    cdef int64_t k
    numbers = [int(value) for value in rows]
    where = f"market {number}: the waterfall"
    if len(numbers) < 3 or len(numbers) % 2 == 0:
        raise ValueError(f"{where} has {len(numbers)} numbers")
    # of a reserve's side that was worth nothing the mark before is one below zero
    least = WORTHLESS if market.reserve else 0
    if (not all(0 <= value <= LARGEST_AMOUNT for value in numbers[:2] + numbers[3:])
            or not least <= numbers[2] <= MAX_PRICE):
        raise ValueError(f"{where}'s numbers are out of range")
    times, funds = numbers[3::2], numbers[4::2]
    rising = all(a <= b for a, b in zip(times, [*times[1:], core.state.clock], strict=False))
    falling = all(a > b for a, b in zip(funds, funds[1:], strict=False))
    if times and not (rising and falling and market.rules.adl_trigger == ADL_ON_DRAWDOWN):
        raise ValueError(f"{where}'s peaks are out of order")
    market.block = numbers[0]
    market.block_paid = numbers[1]
    market.previous_mark = <int32_t>numbers[2]
    for k in range(len(times)):
        if note_peak(market, times[k], funds[k]):
            raise MemoryError("no memory for the fund's peaks")
