"""Memory of soft liquidation in bands: grid, deposits, loans. Only structs, no behaviour.

docs/bands-market.md says what every field means. Collateral is in parts of a lot, prices of bands in parts
of an atom a lot; their product is in parts of 2**-54 of an atom.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cascade._heap cimport Heap

cdef enum:
    RATIO_BITS = 40           # of a ratio of prices, and of a fee
    VALUE_BITS = 54
    UNIT_BITS = 50            # of an atom that a share becomes
    LARGEST_UNIT_BITS = 62    # beyond, it is not kept
    MOST_BANDS = 50           # of a loan, and that one trade goes through
    LEAST_BANDS = 4
    WIDTH = 8                 # bands either way, over the amplification
    NO_ENTRY = 0xFFFFFFFF

cdef enum LoanFlag:
    LOAN_DUE = 1
    LOAN_ASIDE = 2            # nobody gained by it in this step

cdef struct Guard:            # of a loan in one band
    int64_t key               # the loan is looked at when a share becomes less going down
    uint32_t entry
    uint32_t pad

cdef struct Band:
    int64_t stable            # atoms
    int64_t collateral        # parts
    int64_t shares            # one more is nobody's
    int64_t edge              # upper price
    int64_t down              # atoms it becomes going down, in the occasion below
    int64_t occasion
    uint32_t head             # first entry of its deposits
    uint32_t members          # entries
    Guard* guards             # a heap, the highest key first
    uint32_t guard_count
    uint32_t guard_capacity
    int64_t unit              # what a share becomes of `down`, parts of 2**-50 of an atom

cdef struct Entry:            # of a loan in one band
    int64_t shares
    uint32_t next
    uint32_t previous
    uint32_t loan
    uint32_t guard            # its place among the band's guards, NO_ENTRY: it has none

cdef struct Loan:
    int64_t debt              # scaled
    int64_t cause             # event that made it due
    int32_t account
    int32_t first             # band
    int32_t wave
    uint32_t at               # first of its entries
    uint32_t hot_at           # place among those always tested, NO_ENTRY: none
    uint8_t bands
    uint8_t flags

cdef struct BandSums:         # since the beginning
    int64_t stable_in         # atoms paid into the bands
    int64_t stable_out
    int64_t lots_in
    int64_t lots_out
    int64_t stable_dust       # left by the last owner of a band
    int64_t dust_parts        # and what is no whole lot of what went out
    int64_t issued            # debts, atoms
    int64_t cancelled
    int64_t interest
    int64_t roundings         # of debts
    int64_t sold              # lots by the bands
    int64_t bought

cdef struct BandMarket:
    Band* grid                # of bands -width ... width
    Loan* loans
    Entry* entries
    uint32_t* hot             # loans that are looked at whenever anything changes
    uint32_t* aside           # loans that nobody gained by in this step
    Heap due                  # by health; item: loan
    Heap guards               # by the rate index at which a loan must be looked at; item: loan
    BandSums sums
    int64_t parts             # of a lot
    int64_t root              # sqrt(A / (A - 1))
    int64_t far               # (A / (A - 1)) ** 50
    int64_t fee
    int64_t loan_discount     # parts of 10**9
    int64_t liquidation_discount
    int64_t rate              # yearly, parts of 10**18
    int64_t index
    int64_t scaled            # debts of all loans
    int64_t last_price        # at the last trade, with its fee and time
    int64_t last_fee
    int64_t last_time
    int64_t oracle            # now, after the limit on its step, and the fee of the step
    int64_t oracle_fee
    int64_t changed           # event that last changed what health depends on
    int64_t occasion
    int64_t evaluations       # of loans
    int64_t loan_count
    int64_t loan_capacity
    int64_t entry_count
    int64_t entry_capacity
    int64_t hot_count
    int64_t aside_count
    int32_t changed_wave
    int32_t shift             # bits of a part of a price
    int32_t amplification
    int32_t width
    int32_t active            # the band that trades
    int32_t low               # the range that ever held a deposit
    int32_t high
    uint32_t[51] free_entries   # runs of entries that closed loans left, by length
    uint16_t number
    uint16_t reserve          # of the collateral
    uint16_t money            # of the debt
    # who is looked at and since when trades pay, docs/bands-market.md
    Heap falls                # by the oracle's price at which a loan must be looked at, negated; item: loan
    Heap reached              # of the same loans, by the active band; item: loan
    int64_t[2] apart_since    # when buying from the bands, or selling to them, began to pay; -1: it does not
