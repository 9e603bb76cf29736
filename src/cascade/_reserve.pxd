"""Memory of lending markets: reserves, protocols' rules, liquidators. Only structs, no behaviour.

A reserve's supplied and its borrowed side are markets without a venue; an account's deposit or debt there
is a position of scaled lots. docs/lending-market.md says what every field means.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from cascade._auctionterms cimport AuctionTerms
from cascade._rates cimport Rate
from cascade._sale cimport Auctioneer

cdef extern from *:
    """
    #define CASCADE_INDEX_ONE 1000000000000000000LL
    #define CASCADE_LARGEST_LOTS (1LL << 60)
    #define CASCADE_LARGEST_VALUE (1LL << 56)
    """
    const int64_t INDEX_ONE "CASCADE_INDEX_ONE"      # of an index, of a rate and of a growth
    const int64_t LARGEST_LOTS "CASCADE_LARGEST_LOTS"       # of a reserve
    const int64_t LARGEST_VALUE "CASCADE_LARGEST_VALUE"     # atoms of a claim when it is made

cdef enum CloseFactor:
    CLOSE_WHOLE = 0
    CLOSE_FRACTION = 1
    CLOSE_THRESHOLD = 2       # a fraction above a health factor, else whole
    CLOSE_POSITION = 3        # the same of the whole debt, and only of large positions
    CLOSE_TARGET = 4          # up to a health factor
    CLOSE_ABSORB = 5          # the protocol takes the account over
    CLOSE_AUCTION = 6         # what there is room for, into an auction
    CLOSE_TROVE = 9           # whole, against a stability pool and all other accounts

cdef enum Bonus:
    BONUS_FIXED = 0           # of the collateral's reserve
    BONUS_HEALTH = 1          # base and what health lacks of one, capped
    BONUS_DISCOUNT = 2        # a discount on the collateral's price of what health lacks of one, capped
    BONUS_COVERED = 3         # of the reserve, no more than collateral exceeds debts by

cdef enum BadDebt:            # who bears a debt without collateral
    BAD_DEBT_STAYS = 0
    BAD_DEBT_DEFICIT = 1
    BAD_DEBT_RESERVES = 2
    BAD_DEBT_SUPPLIERS = 3
    BAD_DEBT_SHORTFALL = 4    # the surplus, then a deficit

cdef enum:                    # flows of a reserve's cash; plain, because they index arrays
    FLOW_SUPPLIED = 0
    FLOW_REDEEMED = 1
    FLOW_BORROWED = 2
    FLOW_REPAID = 3
    FLOW_SEIZED = 4
    FLOW_COUNT = 5

cdef enum StopGap:            # who makes a call that no liquidator gains by
    STOP_GAP_NONE = 0
    STOP_GAP_POOL = 1         # the stability pool
    STOP_GAP_BACKSTOP = 2     # a capital that may be lost

cdef enum Choice:             # of collateral
    CHOICE_BEST = 0
    CHOICE_WORST = 1

cdef enum Halt:               # of liquidations of an account
    HALT_NEVER = 0
    HALT_LEVEL = 1            # debts over collateral above a level
    HALT_FRONTIER = 2         # where a call lowers the health factor

cdef enum ZeroPrice:          # what a price of zero is
    ZERO_SKIPPED = 0          # worth nothing, and calls that would divide by it fail
    ZERO_GIVEN = 1            # worth nothing, and taken for nothing
    ZERO_REFUSED = 2          # no price: whatever asks for it fails

cdef enum Failure:            # of an oracle
    ORACLE_WORKS = 0
    ORACLE_STALE = 1          # always the same answer
    ORACLE_ZERO = 2
    ORACLE_REVERTS = 3        # no answer

cdef enum:
    WORTHLESS = -1            # mark of the sides of a reserve whose price is zero; 0: none yet

cdef enum:
    MOST_VENUES = 8           # of a reserve

cdef struct Offset:           # debt that a stability pool cancelled, and what it got for it
    int64_t debt
    int64_t gain

cdef struct Owner:            # of a loan that is closed whole
    int64_t rate              # parts of 10**9 a year, 0: the least
    int64_t surplus           # lots of collateral to be claimed

cdef struct Lending:          # a lending market; rates in parts of 10**9, money in atoms
    int64_t close_fraction
    int64_t close_health
    int64_t close_value       # value from which CLOSE_POSITION holds; of CLOSE_ABSORB lots of the base
    int64_t bonus_base
    int64_t bonus_cap
    int64_t fee               # of the bonus, unless a reserve has its own
    int64_t min_leftover
    uint16_t asset
    uint8_t close_factor
    uint8_t bonus
    uint8_t bad_debt
    uint8_t inclusive
    # health as an average, halts: docs/lending-market.md
    int64_t halt_level        # debts over collateral
    uint8_t average
    uint8_t halt
    uint16_t base             # of CLOSE_ABSORB, CLOSE_AUCTION: the reserve that is borrowed, number and one
    # terms of accounts, docs/lending-market.md
    int64_t sentinel          # least health that is spared while the sequencer is down, -1: none
    int64_t spared_until      # ns, end of the grace after it came back
    uint16_t category_count
    uint8_t sequencer_down
    # a price of zero, fees: docs/lending-market.md
    uint8_t zero_price
    uint8_t fee_on_repay      # of what is repaid, else of the bonus
    # docs/collateral-auctions.md
    Auctioneer* auctioneer    # of CLOSE_AUCTION, else NULL
    # loans that are closed whole: docs/troves.md
    uint16_t trove_collateral   # reserves, number and one, 0: none yet
    uint16_t trove_debt
    uint8_t pool_sells          # gains of the pool are sold at once
    uint8_t recovery            # below the critical ratio loans below the ratio of all are closed
    uint8_t stop_gaps[2]        # who acts when no liquidator does, in order: STOP_GAP_POOL and so on
    int64_t minimum_ratio       # parts of 10**9, as those that follow
    int64_t critical_ratio      # 0: none
    int64_t shutdown_ratio      # 0: none
    int64_t gas_share           # of the collateral, to the liquidator
    int64_t gas_cap             # lots, -1: none
    int64_t gas_reserve         # atoms to the liquidator
    int64_t offset_penalty      # -1: the pool shares all of the collateral
    int64_t redistribution_penalty
    int64_t pool_least          # atoms that stay in the pool
    int64_t waiting             # parts of an atom of debt that divisions left
    int64_t unsettled           # atoms shared out and not yet in the accounts' own debts
    int64_t pool_deposits       # atoms
    int64_t pool_gains          # lots of collateral, or atoms where they are sold
    int64_t pool_provided       # since the beginning, as those that follow
    int64_t pool_withdrawn
    int64_t pool_burned
    int64_t pool_received
    int64_t pool_paid
    Offset* offsets             # that no provider has been told of, oldest first
    int64_t offset_count
    int64_t offset_capacity
    int64_t backstop_capital    # atoms
    int64_t backstop_cash       # earned, below 0 lost
    int64_t backstop_done       # calls
    # interest that borrowers set, fees, what waits for its owner: docs/troves.md
    int64_t rate_least          # parts of 10**9 a year
    int64_t rate_largest        # 0: debts bear none
    int64_t pool_share          # of interest and fees
    int64_t borrowing_fee       # of what is borrowed
    int64_t upfront_time        # seconds of the mean rate, due when something is borrowed
    int64_t least_debt          # atoms
    int64_t interest_carry      # parts of an atom that no accrual has counted, below 0: counted too much
    int64_t interest_unsettled  # atoms accrued and not yet in the accounts' own debts
    int64_t pool_interest       # atoms, received and not paid
    int64_t pool_interest_received
    int64_t pool_interest_paid
    int64_t surplus_lots        # of all owners, in the treasury of the collateral
    Owner* owners               # by account
    int64_t owner_count
    uint8_t is_shut             # below the ratio of shutdown: nothing accrues any more
    # what a reserve's supply cap counts, what calls take: docs/lending-market.md
    uint8_t treasury_capped     # the treasury, too
    uint8_t uncounted_spared    # no call takes collateral whose threshold is zero
    uint8_t supply_below        # a total equal to a cap is outside it
    uint8_t borrow_below

cdef struct Waiting:          # a price that is believed later
    int64_t due               # ns
    int64_t event
    int32_t price
    int32_t wave

cdef struct Reserve:          # amounts in lots, scaled ones times an index
    int64_t unit              # atoms of a lot at one tick
    int64_t refine            # marks of the sides are in parts of a tick
    int64_t supply_index
    int64_t borrow_index
    int64_t supplied          # scaled, of all
    int64_t borrowed          # scaled
    int64_t cash
    int64_t treasury
    int64_t deficit
    int64_t kept              # seized and not sold
    int64_t borrow_factor     # parts of 10**9
    int64_t reserve_factor
    int64_t supply_cap        # most lots that it allows, -1: any
    int64_t borrow_cap
    int64_t delay             # ns
    int64_t heartbeat         # ns, -1: none
    int64_t deviation         # parts of 10**9
    int64_t max_step          # parts of 10**9, -1: none
    int64_t updated           # ns
    Waiting* waiting          # ring, oldest first
    int64_t waiting_first
    int64_t waiting_count
    int64_t waiting_capacity
    int32_t price             # believed, ticks of the source; 0: none yet, or worth nothing
    uint16_t number
    uint16_t lending
    uint16_t supplied_side    # numbers of markets
    uint16_t borrowed_side
    uint16_t source           # NO_MARKET: money itself
    uint16_t venue            # NO_MARKET: trades at the source's mark
    uint8_t collateral
    uint8_t borrowable
    uint8_t paused
    uint16_t next_reader      # number and one of the next reserve of the same source, 0: none
    # freezing and the time after a pause, guards: docs/lending-market.md
    uint8_t frozen
    int64_t grace_until       # ns
    # what came and went since the beginning, docs/engine-api.md
    int64_t flows[5]          # lots by FLOW_SUPPLIED and so on
    int64_t roundings         # amounts of the reserve that were rounded
    # of protocols that take accounts over, docs/protocols/compound_v3.md
    int64_t liquidation_factor  # parts of 10**9 of its price that a borrower is credited
    int64_t absorbed          # lots for sale, all in the treasury
    # interest, failures of the oracle: docs/lending-market.md
    Rate rate
    uint8_t oracle
    # terms of accounts, docs/lending-market.md
    uint64_t lent_in[4]       # bit c: may be owed by accounts of category c
    int64_t debt_ceiling      # of accounts with this collateral, hundredths; -1: it is not isolated
    int64_t isolated_debt     # of those accounts, hundredths
    int64_t hundredths        # of whole units of the asset in `hundredths_lots` lots
    int64_t hundredths_lots
    int64_t account_cap       # lots that one account may supply, -1: any
    int64_t account_share     # the same in parts of 10**9 of all supplies
    uint8_t isolation_lends   # may be owed by accounts with isolated collateral
    uint8_t siloed            # is owed alone or not at all
    # several venues, docs/lending-market.md; `venue` is the first of them
    uint16_t venues[MOST_VENUES]
    uint8_t venue_count       # 0 or 1: `venue` alone
    # collateral auctions, docs/collateral-auctions.md
    int64_t auctioned         # lots in auctions, all in the treasury
    int64_t awaited           # lots of debt that auctions are to bring
    int64_t tabs              # of auctions of this collateral, lots of the base
    int64_t offered           # ns, since when `absorbed` lots are for sale, 0: there are none
    # soft liquidation, docs/bands-market.md: number and one of the band market that reads its price
    uint16_t bands
    # of the collateral of troves, docs/troves.md
    int32_t assigned_mark     # debt assigned to one scaled lot, parts of an atom and a unit; 0: no troves
    # oracles in blocks and in bounded steps, docs/lending-market.md
    int64_t block             # ns, from whose beginning a delay counts; 0: from the reading
    int64_t ahead_event       # by which `ahead` was read
    int32_t ahead             # price that a bounded step has not reached, 0: none
    int32_t ahead_wave
    # of the money of troves that bears interest, docs/troves.md
    int32_t interest_mark     # seconds of the clock, up to which it is accrued, and one; 0: it bears none
    # of a collateral that is auctioned, docs/collateral-auctions.md
    AuctionTerms auction
    # liquidations, docs/lending-market.md
    int64_t fee               # of the bonus of those who seize it, parts of 10**9

cdef struct Exposure:         # of all reserves of one price source together
    int64_t supply_cap        # lots, -1: none
    int64_t borrow_cap
    uint16_t source           # NO_MARKET: money itself
    uint16_t asset

cdef struct Liquidator:       # atoms
    int64_t capital           # -1: borrowed for the call
    int64_t gas
    int64_t min_profit
    int64_t latency           # ns
    int64_t cash              # earned so far
    int64_t spent             # on gas
    int64_t done              # calls
    int32_t halvings
    uint8_t choice
    uint8_t single            # one call a step and account
    int64_t bids              # paid for being first
    uint8_t bought            # in a storefront in this step
    # sizes that it is told, docs/lending-market.md
    int64_t max_repay         # of a call, -1: any
    int64_t step_budget       # of all calls of a step, -1: any
    int64_t step_repaid
