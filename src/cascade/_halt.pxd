"""Memory of a circuit breaker: its parameters in whole numbers, and what it remembers. Only structs.

docs/breakers.md. A market has one or none, so that a market without one pays for a pointer.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport free

cdef enum:
    BREAKER_LEVELS = 8
    BREAKER_SPANS = 8
    NO_CEILING = -2000000000

cdef extern from *:
    """
    #include <stdint.h>
    """
    const int64_t NO_END "INT64_MAX"  # ns: until the driver resumes

cdef enum HaltPhase:
    PHASE_OPEN = 0
    PHASE_LIMIT = 1           # the price stands at the band
    PHASE_CANCEL_ONLY = 2
    PHASE_PAUSE = 3           # orders are collected for the reopening

cdef enum ReferenceKind:      # order of breakers.REFERENCES
    REFERENCE_FIXED = 0
    REFERENCE_INDEX = 1
    REFERENCE_LAST = 2
    REFERENCE_MEAN = 3
    REFERENCE_WINDOW = 4
    REFERENCE_PREMIUM = 5

cdef enum BeyondRule:         # order of breakers.BEYOND
    BEYOND_REFUSE = 0
    BEYOND_REPRICE = 1
    BEYOND_EXPIRE = 2

cdef enum:                    # why a halt began: k > 0 is a level
    REASON_BAND = 0
    REASON_DRIVER = -1

cdef struct Instant:          # trades of a window that have one time
    int64_t time              # ns
    int64_t sum               # ticks
    int64_t count

cdef struct Instants:         # a ring, oldest first; its capacity is a power of two or 0
    Instant* entries
    int64_t first
    int64_t count
    int64_t capacity

cdef struct Extreme:          # of a monotone deque of prices
    int64_t time              # ns
    int32_t price
    int32_t pad

cdef struct Deque:            # a ring likewise
    Extreme* entries
    int64_t first
    int64_t count
    int64_t capacity

cdef struct Consumed:         # depth from outside that trades took
    int64_t time              # ns
    int64_t lots
    int32_t price
    uint8_t side              # that it rested on
    uint8_t pad[3]

cdef struct ConsumedDepth:    # a ring likewise
    Consumed* entries
    int64_t first
    int64_t count
    int64_t capacity

cdef struct Breaker:
    # parameters; shares are parts in 10**9, times ns, -1: none
    int64_t lower
    int64_t upper
    int64_t floor             # of the close, a static limit without a pause
    int64_t ceiling
    int64_t outer             # of the index, bounds a band that follows a premium
    int64_t min_change
    int64_t min_age
    int64_t window            # ns, 0: none
    int64_t limit_state
    int64_t pause             # 0: never, NO_END: until resumed
    int64_t cancel_only
    int64_t extension
    int64_t extension_band
    int64_t replenish
    int64_t throttle_lots
    int64_t throttle_notional
    int64_t throttle_window
    int64_t level_shares[8]   # BREAKER_LEVELS
    int64_t level_pauses[8]
    uint8_t level_count
    uint8_t kind              # ReferenceKind
    uint8_t of_close          # shares of the band are of the close, not of the reference
    uint8_t hard              # nothing trades beyond the band
    uint8_t nearest           # edges are rounded to the nearest tick, not inward
    uint8_t beyond            # BeyondRule
    uint8_t waits             # forced lots that the band holds back wait, and are not taken over
    uint8_t levels_on_index
    uint8_t linked
    uint8_t extensions        # at most
    # state
    uint8_t phase             # HaltPhase
    uint8_t side              # SELL: prices fell
    uint8_t held              # 1 + side of the forced order that the band held back, 0: none
    uint8_t extended          # times
    uint8_t levels_reached
    uint8_t replenished       # in this halt, before its first auction
    int32_t close             # ticks, 0: none
    int32_t reference         # 0: none yet
    int32_t lower_edge        # of the band, 0: none
    int32_t upper_edge
    int32_t hard_lower        # what trades are held within, 0: none
    int32_t hard_upper
    int64_t reference_time    # ns
    int64_t calls_at          # ns, a cancel-only phase ends
    int64_t until             # ns, the phase ends
    int64_t reason
    int64_t event             # HALT that began it
    int64_t throttle_until    # ns
    int64_t throttled_lots
    int64_t throttled_notional
    int64_t trade_sum         # over the window
    int64_t trade_count
    Instants trades
    Deque lows                # prices rising, the first is the window's lowest
    Deque highs
    ConsumedDepth consumed    # what a halt brings back a share of, see _consumed_depth
    # parameters: the band is wider while the clock is within a span
    int64_t widened_from[8]   # BREAKER_SPANS; ns
    int64_t widened_until[8]
    int64_t widened_times[8]
    uint8_t widened_count
    uint8_t leads             # its band's pauses are those of linked markets too


cdef inline Instant* instant_at(const Instants* ring, int64_t k) noexcept nogil:
    return &ring.entries[(ring.first + k) & (ring.capacity - 1)]


cdef inline Extreme* extreme_at(const Deque* deque, int64_t k) noexcept nogil:
    return &deque.entries[(deque.first + k) & (deque.capacity - 1)]


cdef inline Consumed* consumed_at(const ConsumedDepth* ring, int64_t k) noexcept nogil:
    return &ring.entries[(ring.first + k) & (ring.capacity - 1)]


cdef inline void breaker_free(Breaker* breaker) noexcept nogil:
    if breaker != NULL:
        free(breaker.trades.entries)
        free(breaker.lows.entries)
        free(breaker.highs.entries)
        free(breaker.consumed.entries)
        free(breaker)
