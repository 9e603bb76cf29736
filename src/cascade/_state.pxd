"""Memory of an engine: accounts, positions, markets, money. Only structs, no behaviour.

Ids are dense indices, so a copy or a snapshot of an engine is a copy of these arrays. Records that
are touched one at a time (accounts, positions) are arrays of structs; one cache line a position.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from cascade._arithmetic cimport int128
from cascade._bands cimport BandMarket
from cascade._book cimport Book
from cascade._halt cimport Breaker
from cascade._impact cimport Impact
from cascade._log cimport Log
from cascade._margin cimport TierTable
from cascade._reserve cimport Exposure, Lending, Liquidator, Reserve
from cascade._pool cimport Pool
from cascade._resident cimport Resident
from cascade._triggers cimport Triggers

cdef enum:
    NO_POSITION = 0xFFFFFFFF
    HOUSE_POSITION = 0xFFFFFFFE       # the taker of a fill is the house
    SPOT_POSITION = 0xFFFFFFFD        # or a liquidator that delivers what it seized
    NO_MARKET = 65535
    RATE_DENOMINATOR = 1000000000     # fees, shares and target margins are parts in 10**9
    AVERAGE_PARTS = 1048576           # of a tick in an average

cdef struct State

cdef enum PositionFlag:
    POSITION_ISOLATED = 1
    POSITION_LONG_LEG = 2             # hedge mode
    POSITION_SHORT_LEG = 4
    POSITION_LADDER = 8               # due at `trigger`, whatever the table says
    POSITION_DUE = 16                 # waits in a due heap
    POSITION_EXACT = 32               # waits in an exact heap
    POSITION_TAKEN = 64               # its unit was taken out: in a batch, or put aside for the step
    POSITION_CHANGED = 128            # and its unit changed meanwhile

cdef enum AccountFlag:
    ACCOUNT_HEDGE = 1
    ACCOUNT_LENDING = 2               # of a lending market, whose number is above
    ACCOUNT_LENDING_SHIFT = 4

cdef enum:                            # directions; plain, because they index arrays
    DOWN = 0                          # longs: due when the mark falls to the trigger
    UP = 1

cdef enum FeedKind:
    FEED_LAST = 0
    FEED_MID = 1
    FEED_INDEX = 2
    FEED_MEDIAN = 3
    FEED_EMA = 4
    FEED_INDEX_PREMIUM = 5
    FEED_TWAP = 6

cdef enum:                            # what an average follows
    AVERAGE_OF_MID = 0
    AVERAGE_OF_LAST = 1
    AVERAGE_OF_INDEX = 2

cdef enum AdlPolicy:                  # docs/adl.md
    ADL_NONE = 0
    ADL_BITMEX = 1
    ADL_BINANCE = 2
    ADL_SIZE = 3
    ADL_HYPERLIQUID = 4
    ADL_BYBIT = 5
    ADL_OKX = 6
    ADL_HYPERLIQUID_LITERAL = 7
    ADL_HTX = 8
    ADL_RANDOM = 9
    ADL_FUNCTION = 10                 # of a user's, asked once a ranking
    # these share lots out instead of ranking
    ADL_BY_QUANTITY = 11
    ADL_BY_CONTRACT = 12              # winners first
    ADL_BY_PROFIT = 13
    ADL_BY_RISK = 14                  # profit times leverage in effect
    ADL_MIN_MAX = 15                  # the largest share closed as small as it can be

cdef enum AdlPrice:
    ADL_AT_BANKRUPTCY = 0
    ADL_AT_MARK = 1
    ADL_AT_PREVIOUS_MARK = 2
    ADL_AT_INDEX = 3

cdef enum AdlTrigger:
    ADL_WHEN_EMPTY = 0
    ADL_ALWAYS = 1
    ADL_WHEN_SPENT = 2
    ADL_ON_DRAWDOWN = 3

cdef enum Socialised:                 # by what a market's positions pay for its deficits
    SOCIALISED_NOT = 0
    SOCIALISED_GAINS = 1
    SOCIALISED_CONTRACTS = 2          # of both sides
    SOCIALISED_OPPOSITE = 3           # of the side against the liquidated one

cdef enum PartialKind:                # how much of a due position is closed: docs/step.md
    PARTIAL_NONE = 0
    PARTIAL_TARGET = 1                # lift equity to a share of the notional that stays
    PARTIAL_FRACTION = 2              # a share of the position, then the whole within a cool-down
    PARTIAL_TIER_STEP = 3             # down to a lower tier
    PARTIAL_SHORTAGE = 4              # restore maintenance and a buffer
    PARTIAL_CAP = 5                   # up to a notional, once a step
    PARTIAL_SLICES = 6                # a random share by chance, once a step

cdef struct Account:          # 24 bytes
    int64_t balance           # atoms: free collateral, and the cross unit's B
    uint32_t first            # first position, NO_POSITION: none
    uint16_t asset
    uint16_t flags
    int64_t whole_until       # ns of the clock: until then a fraction rule closes whole

cdef struct Position:         # 64 bytes
    int64_t size              # signed lots
    int64_t entry_value       # atoms, exact
    int64_t margin            # atoms, isolated collateral
    int64_t due_cause         # event that made a guarded unit due, or one before its trigger was moved by a round
    int32_t account
    uint32_t next             # next position of the account
    int32_t trigger           # ladder trigger, ticks
    uint32_t working          # slot of its open orders' sums, 0: none
    uint32_t leverage         # hundredths
    int32_t due_wave          # 0: none
    uint16_t market
    uint8_t flags
    uint8_t had_turn          # in the round of a partial liquidation that runs now; else 0
    uint32_t called           # warning trigger of the margin call it had, ticks; 0: none

cdef struct Working:          # lots of a position's resting and waiting orders
    int64_t buys
    int64_t sells
    int64_t reduces[2]        # reduce-only, by side

cdef struct MarkRecord:       # one step of a monotone stack of marks, see _marks
    int64_t event
    int32_t mark
    int32_t wave

cdef struct MarkStack:
    MarkRecord* records
    int64_t count
    int64_t capacity
    int64_t cursor            # where the last search ended

cdef struct Asset:
    int64_t fund
    int64_t fees
    int64_t bad_debt
    int64_t net_deposits      # deposits - withdrawals, the fund's included
    # running sum, see _conservation: balances + margins - entry values - deficits that wait, modulo 2**64
    uint64_t held

cdef struct Rules:
    TierTable table
    int64_t maker_fee         # parts in 10**9, negative: rebate
    int64_t taker_fee
    int64_t liquidation_fee
    int64_t absorb            # share of a liquidation the house takes at the mark
    int64_t partial_rate      # target margin rate, or share of the position
    int64_t partial_notional  # atoms: a fraction rule closes positions up to it whole
    int64_t partial_cooldown  # ns
    int64_t backstop          # share of maintenance over its denominator, 0: none
    int64_t backstop_denominator
    int32_t partial_tiers     # how many a tier step goes down
    uint8_t partial           # PartialKind
    uint8_t feed              # FeedKind
    uint8_t inclusive         # due at equity <= maintenance
    uint8_t limit_at_bankruptcy
    uint8_t surplus_to_trader
    uint8_t average_of        # what an average follows
    uint8_t funding_on_index  # positions are valued at the index when funding is paid
    uint8_t funding_clamped
    uint8_t band_on_last      # else on the index
    int64_t average_time      # ns
    int64_t premium_cap       # parts in 10**9 of the index
    int64_t stale_after       # ns, -1: never
    int64_t funding_interval  # ns, 0: none by the clock
    int64_t interest          # parts in 10**9, an interval
    int64_t funding_clamp
    int64_t funding_cap
    int64_t price_band        # parts in 10**9 of the reference either way, -1: none
    uint8_t adl               # AdlPolicy: what does not fill is closed against winners
    uint8_t adl_at            # AdlPrice
    uint16_t pad
    int64_t adl_unit          # atoms, the least wallet a score divides by
    # the waterfall
    int64_t fund_limit        # atoms the fund pays for one unit at most, -1: no limit
    int64_t fund_block        # atoms it pays in a block, -1: no limit
    int64_t fund_window       # ns of a block, 0: the step
    int64_t drawdown          # parts in 10**9 of the peak
    int64_t drawdown_window   # ns
    uint8_t adl_trigger       # AdlTrigger
    uint8_t socialised        # Socialised
    uint8_t haircut
    void* adl_function        # borrowed from the market's Rules
    # prices from outside and samples of the venue, see _outside
    int64_t index_delay       # ns until an index given in a step is believed
    int64_t impact_notional   # atoms that impact prices are for, 0: funding follows the middle
    int64_t funding_payments  # in the period of premium and interest
    int64_t sample_every      # ns between samples of the basis
    int64_t disposal_every    # ns between orders of the house for what it took over, 0: none
    int64_t disposal_fraction  # of it, parts in 10**9
    int64_t disposal_full     # lots up to which all is offered
    int64_t disposal_share    # of the displayed lots of the other side that an order may take
    int64_t partial_chance    # of a random slice in a step, parts in 10**9
    int64_t sample_count      # whose mean the premium of a mark is, 0: it is an average over time
    # the share of a shortage that may be freed grows with time: docs/step.md
    int64_t ramp_initial      # parts in 10**9
    int64_t ramp_duration     # ns until it is all of it
    int64_t ramp_small        # atoms: a shortage below it is freed at once
    uint8_t ramp
    uint8_t accrues           # funding moves an index and is paid when a position is touched, see _accrual

cdef struct Ramp:             # of a unit under such a rule
    int64_t since             # ns of the clock when its liquidation began, and 1; 0: there is none
    int64_t freed             # atoms of margin since then

cdef struct Delayed:          # an index on its way
    int64_t due               # ns
    int32_t price

cdef struct Observation:      # of a price that counts from `time` on, see _window_mean
    int128 cumulative         # ticks times ns before it
    int64_t time              # ns
    int32_t price

cdef struct Observations:     # a ring of fixed capacity, oldest first
    Observation* entries      # NULL: the feed has no window
    int64_t first
    int64_t count
    int64_t capacity
    int32_t mean              # ticks, over the window that ends at the clock

cdef struct Ranked:           # a position that may be deleveraged, score over / under
    int128 over
    int128 under
    int32_t account

cdef struct RankedKey:        # what is moved while a ranking is put in order
    double key
    uint32_t row
    uint32_t position

cdef struct Ranking:          # the highest score first, in order as far as it was asked for
    Ranked* rows
    RankedKey* order
    int64_t count
    int64_t capacity
    int64_t at                # the first that is left
    int64_t sorted            # order[at:sorted] is final
    int64_t bounds[64]        # ends of the parts behind, each wholly before the next; innermost last
    int64_t depth
    int64_t wave              # it was made for this wave of the step, -1: for none

cdef struct Peak:             # a balance of the fund that no later one in its window reached
    int64_t time              # ns
    int64_t fund              # atoms

cdef struct Market:
    Rules rules
    Book book                 # also lends its fill buffer to an impact venue
    Impact impact
    Triggers exact[2]         # by Direction; item: position number
    Triggers guards[2]
    Triggers due[2]
    MarkStack marks[2]        # DOWN: marks falling, UP: rising
    Ranking rankings[2]       # of shorts, of longs: see _adl
    int64_t outside_size
    int64_t outside_entry
    int64_t house_size
    int64_t house_entry
    int64_t motion[2]         # recent relative moves down and up, see _queue
    int64_t net               # sum of the accounts' sizes
    int64_t long_lots         # open interest: sum of the accounts' long sizes
    int64_t settled           # fills of the current message that are in the accounts already
    int64_t average           # of the venue's price, or of that less the index; AVERAGE_PARTS a tick
    int64_t index_time        # ns, when the index was given last
    int128 premium_sum        # since the last settlement: parts in 10**9 times ns
    int64_t premium_time      # ns of it in which there was a premium
    int64_t sample            # what the last step left, read in phase 1; parts in 10**9
    int64_t sampled_until     # ns
    int64_t next_settlement   # ns, in phase 1
    int64_t funding_rate      # fixed by the driver, parts in 10**9
    int64_t last_source       # event that last traded here
    int64_t last_liquidation  # of the units just executed, cause of the next MARK; -1: none
    int32_t source_wave
    int32_t mark              # 0: none yet
    int32_t index
    int32_t ceiling           # highest price that entered, bounds every product
    uint16_t number
    uint16_t asset
    uint8_t impact_venue
    uint8_t touch_seen        # a two-sided touch was seen: a mid feed keeps its last value
    uint8_t taker_leg         # PositionFlag of the order being matched
    uint8_t touched           # waits for its mark to be formed again
    uint8_t sampled           # `sample` is a premium
    uint8_t funding_fixed     # `funding_rate` counts
    int64_t moved_event       # MARK event of a move whose units wait to be tested
    int32_t moved_wave
    int32_t moved_from
    int32_t moved_to
    State* state
    # the waterfall
    int64_t block             # number of the fund's block that `block_paid` is of
    int64_t block_paid        # atoms
    int32_t previous_mark     # before its last change, 0: none
    # prices from outside and samples of the venue, see _outside
    Delayed* delayed          # ring, oldest first
    int64_t delayed_first
    int64_t delayed_count
    int64_t delayed_capacity
    int32_t* samples          # ring of `sample_count`, ticks of basis
    int64_t samples_held
    int64_t samples_next
    int64_t samples_sum
    uint8_t believed          # its index was set in this step's phase 2
    # of this step, see _dislocation
    int32_t away              # ticks from the index where the venue's price was furthest
    int32_t away_index        # the index then
    int64_t away_time         # ns beyond the threshold
    int64_t away_threshold    # parts in 10**9 of the index
    # margin calls, see _margin_calls
    Triggers calls[2]         # warning triggers by Direction; item: position number
    TierTable warning         # maintenance with every rate times the warning level
    uint8_t calls_on
    # circuit breaker
    Breaker* breaker          # NULL: none
    uint8_t throttled         # forced closes wait for the end of the throttle's window
    # lending markets, see _reserve
    uint32_t reserve          # whose side it is, number and one; 0: a contract
    uint32_t readers          # number and one of the first reserve that believes its mark, 0: none
    int64_t spot_size         # delivered by liquidators, less what they bought
    int64_t spot_entry
    # pools, docs/pools.md: of kind POOL_NONE the curve is `impact`, else its `last` is the pool's price
    Pool pool
    # the fund's peak within the drawdown's window, see _drawdown
    Peak* peaks               # ring, oldest first, balances falling
    int64_t peaks_first
    int64_t peaks_count
    int64_t peaks_capacity
    Asset* money              # the asset's, see _conservation
    # funding accrued through an index, docs/funding.md
    int64_t funding_index     # parts in 10**9 of an atom that a lot has accrued
    int64_t funding_pool      # atoms paid and not received yet
    int128 funding_weight     # sum over the accounts' positions of size * index when settled
    Triggers accruing[2]      # guards on the index: DOWN shorts, UP longs; item: position number
    # margin calls, docs/residents.md
    Triggers call_guards[2]   # at the warning level of units without an exact trigger; item: position number
    # terms of a supplied side, docs/lending-market.md; rates in parts of 10**9
    int64_t threshold
    int64_t sure_threshold    # that surely counts, whatever an average truncates
    int64_t loan_to_value
    int64_t bonus
    uint16_t next_side        # number and one of its reserve's next supplied side, 0: none
    uint8_t category          # whose accounts have deposits on that side
    # margin calls where funding accrues, docs/residents.md
    Triggers call_accruing[2]  # on the funding index, of the same units
    # means over a window, docs/marks.md
    Observations observations
    # an index that follows the marks of other markets, docs/contagion.md
    uint16_t* followers       # markets, in the order they were made
    uint16_t* sources
    uint16_t follower_count
    uint16_t source_count

cdef struct Taken:            # a unit taken from the queue, for batch execution
    int64_t cause
    uint32_t position
    int32_t trigger
    int32_t wave
    uint16_t market
    uint8_t direction
    uint8_t was_due

cdef struct Deficit:          # what the fund left of a unit's deficit
    int64_t left              # atoms
    int64_t cause             # the unit's last LIQUIDATION
    int32_t account
    int32_t wave
    uint16_t market
    uint8_t long_side         # that LIQUIDATION closed a long

cdef struct Counters:         # of the current step
    int64_t liquidated        # units
    int64_t notional          # of the positions closed, at the mark
    int64_t fund_received
    int64_t fund_paid
    int64_t bad_debt
    int64_t fills
    int64_t volume            # lots
    int64_t orders
    int64_t resolved          # units looked at because a guard was crossed or for a second test
    int64_t waves
    int64_t adl_lots

cdef struct State:
    Account* accounts
    Position* positions
    Working* workings
    uint32_t* place           # of exact and due heaps: a position is in one of them at most
    uint32_t* guard_place[2]
    Market** markets
    Asset* assets
    Taken* taken              # the units of a batch
    Taken* deferred           # executed without closing anything: out of the queue until the step ends
    uint16_t* touched         # markets whose mark waits, in the order first touched
    uint16_t* moved           # markets whose marks changed at this moment, in that order
    Log log
    Counters counters
    int64_t clock             # ns
    int64_t carried           # ns of liquidation time not used, while something is due
    int64_t budget_accounts   # -1: no limit
    int64_t budget_notional
    int64_t time_per_liquidation
    int64_t taken_capacity
    int64_t deferred_capacity
    int64_t deferred_count
    int64_t notional_allowed  # this step
    uint8_t backstops         # some market has one
    int64_t cause             # of what is being done: event index
    int64_t modifying         # order id whose own removal is a modification, not a cancel
    bint silent               # a driver's own cancel: its ORDER event says it all
    int64_t seed
    uint32_t account_count
    uint32_t account_capacity
    uint32_t position_count
    uint32_t position_capacity
    uint32_t working_count
    uint32_t working_capacity
    int32_t wave
    uint16_t touched_count
    uint16_t moved_count
    uint16_t market_count
    uint16_t market_capacity
    uint16_t asset_count
    uint8_t batch
    uint8_t failed            # Failure, sticky within a call
    # the waterfall
    uint8_t watched           # some market has a block of a step or a drawdown
    Deficit* deficits         # of this step, not shared out yet
    int64_t deficit_count
    int64_t deficit_capacity
    void* error               # exception to be raised when the call ends, owned; NULL: none
    uint8_t disposals         # some market's house sells what it took over
    uint8_t delays            # some market believes its index later
    # the rest of the market, see _residents
    Resident* residents
    uint32_t* call_place      # of heaps of warning triggers, NULL without margin calls
    uint32_t resident_count
    # lending markets
    Reserve* reserves
    Lending* lendings
    Liquidator* liquidators
    uint16_t reserve_count
    uint16_t lending_count
    uint16_t liquidator_count
    uint8_t bidding           # the liquidator who gains most acts and pays what the next would gain
    uint8_t partials          # some market has a partial rule: docs/step.md
    uint8_t ramps             # some market's rule has a ramp
    Ramp* account_ramps       # of cross units, one an account; NULL without ramps
    Ramp* position_ramps      # of isolated ones
    # the promise that was broken, see _conservation
    int64_t broken_by         # lots or atoms; the order of a closed account
    int32_t broken_account
    uint16_t broken_market
    uint8_t broken_stage      # Stage
    # funding accrued through an index, docs/funding.md
    int64_t* funding_at       # the index a position was settled at; NULL where nothing accrues
    uint32_t* funding_place   # of heaps of guards on indexes
    uint32_t funding_capacity
    uint8_t accrues           # some market does
    # margin calls, docs/residents.md
    uint32_t* call_guard_place[2]   # of heaps of guards at warning levels, NULL without margin calls
    # terms of borrowers, docs/lending-market.md
    uint8_t* categories       # of accounts, 0: none; NULL before the first has one
    uint32_t category_room
    Exposure* exposures
    uint32_t exposure_count
    # margin calls where funding accrues, docs/residents.md
    uint32_t* call_funding_place    # of heaps of guards on funding indexes at warning levels
    # soft liquidation in bands, docs/bands-market.md
    BandMarket** bands
    uint16_t band_count

cdef enum Failure:
    FAILURE_NONE = 0
    FAILURE_MEMORY = 1
    FAILURE_OVERFLOW = 2
    FAILURE_INTERRUPT = 3
    FAILURE_POLICY = 4        # a user's function raised `State.error`
    # promises, docs/waterfall.md
    FAILURE_CONTRACTS = 5     # sizes of a market do not sum to zero
    FAILURE_MONEY = 6         # money of an asset is not what was deposited
    FAILURE_ORDERS = 7        # an order of a closed unit rests
    FAILURE_CROSSED = 8       # a book is crossed outside an auction
    FAILURE_RESERVE = 9       # cash or claims of a lending market's reserve do not add up
