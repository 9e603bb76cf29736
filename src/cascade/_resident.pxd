"""Memory of residents, the market's other participants: what each was told and where it stands.

Only structs; docs/residents.md says what each kind does. Everything is in ticks, lots, atoms and
nanoseconds. An engine has a handful of residents, so one struct holds the fields of every kind.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t

cdef enum ResidentKind:
    RESIDENT_MAKER = 0
    RESIDENT_ARBITRAGEUR = 1
    RESIDENT_NOISE = 2
    RESIDENT_MOMENTUM = 3
    RESIDENT_CALLS = 4
    RESIDENT_KINDS = 5

cdef enum:
    MOVEMENT_PARTS = 1048576      # of a tick
    SEEN_AT_MOST = 512            # indexes an arbitrageur remembers
    SECOND_PARTS = 1000000        # of a lot or an order a second

cdef struct Rung:                 # one distance of a maker's depth, both sides
    int64_t lots
    int64_t distance              # ticks
    int64_t orders[2]             # ids by side, 0: none
    int64_t wanted[2]             # scratch: what the quote of this step is to be
    int32_t prices[2]
    uint8_t changed[2]

cdef struct SeenIndex:
    int64_t time
    int64_t index

cdef struct Resident:
    uint64_t stream
    int64_t deposit               # atoms it was given
    int32_t account               # NO_ACCOUNT: its orders are anonymous
    uint16_t market
    uint8_t kind                  # ResidentKind
    # a maker's depth, refill and withdrawal
    Rung* rungs
    int64_t rung_count
    int64_t refill                # SECOND_PARTS, -1: at once
    int64_t capacity              # lots of both sides: the most it may owe to refill
    int64_t inventory_limit       # lots, 0: none
    int64_t skew                  # ticks at the limit
    int64_t widening              # RATE_DENOMINATOR, ticks a tick of movement
    int64_t movement_limit        # MOVEMENT_PARTS, 0: none
    int64_t loss_limit            # atoms
    int64_t tolerance             # ticks
    int64_t credit                # lots it may add
    int64_t credit_rest           # parts of a lot, of SECOND_PARTS * 10**9
    # recent moves: of a maker's prices, of momentum's with their sign
    int64_t movement_time         # ns
    int64_t movement              # MOVEMENT_PARTS, of the venue's last price
    int64_t index_movement
    int64_t price_seen
    int64_t index_seen
    # an arbitrageur
    SeenIndex* seen               # a queue in a ring of SEEN_AT_MOST
    int64_t seen_first
    int64_t seen_count
    int64_t threshold             # RATE_DENOMINATOR, of the index; momentum: of the price
    int64_t delay                 # ns
    int64_t limit                 # lots of position, 0: none
    # sizes of orders, and flow
    int64_t low                   # lots
    int64_t high
    int64_t rate                  # SECOND_PARTS, orders a second
    int64_t next                  # ns, the next arrival
    int64_t market_share          # RATE_DENOMINATOR
    int64_t reach                 # ticks
    int64_t* open_orders          # ring of limit orders' ids
    int64_t open_capacity
    int64_t open_next
    # margin calls, parts in 10**9
    int64_t top_up_share          # of the calls
    int64_t reduce_share
    int64_t top_up                # of the warning level: where a top-up brings equity
    int64_t reduce                # of the position: what a reduction closes
    # an arbitrageur's other leg, on the wider market
    int64_t hedge                 # lots
    int64_t hedge_index           # ticks it was settled at
    uint8_t hedged
