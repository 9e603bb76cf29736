"""Interface of the margin arithmetic: value of a position, maintenance, and the ticks at which a
surplus is used up. Pure functions of integers; docs/margin.md is their definition.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._arithmetic cimport int128

cdef struct Tier:
    int64_t floor             # atoms of notional from which the tier holds
    int64_t rate              # maintenance numerator over TierTable.denominator, closing fee included
    int64_t initial           # initial-margin numerator
    int64_t pad
    int128 deduction          # numerator over the same denominator

cdef struct TierTable:
    Tier* tiers
    int64_t denominator
    int32_t count
    uint8_t whole             # 1: the rate applies to the whole position
    uint8_t on_entry          # 1: notional is |entry value|, else at the mark
    uint8_t inverse           # contract of the market the table belongs to
    uint8_t pad
    int64_t unit              # linear: atoms per tick and lot; inverse: atoms x ticks per lot

cdef enum:
    NEVER_BELOW = 0           # "no tick": a long that never falls due
    NEVER_ABOVE = 2147483647  # a short that never falls due

cdef int64_t position_value(const TierTable* table, int64_t size, int32_t price) noexcept nogil
cdef int128 position_value_wide(const TierTable* table, int64_t size, int32_t price) noexcept nogil
cdef int64_t maintenance(const TierTable* table, int64_t value, int64_t entry_value) noexcept nogil
cdef int64_t initial_margin(const TierTable* table, int64_t notional, int64_t leverage_hundredths) noexcept nogil
# Long: highest tick with V - M < bound; short: lowest. NEVER_BELOW or NEVER_ABOVE when there is none.
# With a whole-position table the tier is that of `value_now`, whatever the tick.
cdef int32_t surplus_tick(const TierTable* table, int64_t size, int64_t entry_value,
                          int128 bound, int64_t value_now) noexcept nogil
# Whole-position tables: the first ticks below and above at which the tier of `value_now` is left.
cdef void tier_edges(const TierTable* table, int64_t size, int64_t value_now,
                     int32_t* below, int32_t* above) noexcept nogil
# Long: lowest tick with V >= value; short: highest; clamped to 1 ... MAX_PRICE.
cdef int32_t value_tick(const TierTable* table, int64_t size, int128 value) noexcept nogil
