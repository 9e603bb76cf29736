"""Interface of the price-time-priority book: its memory and the calls the engine makes.

Orders live in one pool of 32-byte records beside a pool of 16-byte cold records, linked by slot
number into the queues of their levels. Levels are an array over a window of ticks with a
bitmap of the occupied ones. An id finds its slot through a dense table. All calls are
`nogil`, none allocates once capacity is reserved. Each side has its own levels, because a call
auction may hold buys and sells at the same tick.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from cascade._bitmap cimport Bitmap
from cascade._heap cimport Heap


cdef struct Order:            # 32 bytes: all that matching touches
    int64_t id                # 0: the slot is free
    int64_t size              # displayed lots left; a waiting stop's whole size
    uint32_t next             # towards the back of the level, the free list, or a stop's trigger
    uint32_t previous
    int32_t price             # ticks; 0: a waiting stop that becomes a market order
    int32_t account           # NO_ACCOUNT: anonymous depth

cdef struct OrderExtra:       # 16 bytes: touched when an order is placed or removed
    uint32_t account_next     # list of the account's orders in this book
    uint32_t account_previous
    uint32_t iceberg          # slot in the iceberg pool, 0: none
    uint8_t side              # not of plain orders, which are all zero here: see book_side
    uint8_t flags             # MessageFlag
    uint8_t waiting           # 1: a stop that waits (not in a level)
    uint8_t self_trade

cdef struct Iceberg:
    int64_t hidden            # lots not displayed
    int64_t display           # lots shown at each refresh; also the free list

cdef struct Level:            # 16 bytes
    uint32_t head             # oldest order, 0: empty
    uint32_t tail             # newest order, with LEVEL_MIXED when an order may be not plain
    int64_t size              # displayed lots

cdef struct Fill:             # 48 bytes, FILL_DTYPE
    int64_t maker
    int64_t taker
    int64_t size
    int32_t price
    int32_t maker_account
    int32_t taker_account
    uint32_t message          # index of the message in its batch
    uint8_t side              # of the taker
    uint8_t maker_flags       # MessageFlag of the maker
    uint8_t taker_flags       # of the taker in an uncross, where it too had rested; else 0
    uint8_t pad[5]

cdef packed struct Message:   # 32 bytes, MESSAGE_DTYPE
    uint8_t kind
    uint8_t side
    uint8_t time_in_force     # low 4 bits; high 4 bits: SelfTrade
    uint8_t flags
    int32_t account
    int32_t price
    int32_t extra             # trigger of a stop, or displayed size of an iceberg
    int64_t size
    int64_t order             # target of a cancel or modify

# What the engine learns while the book works. Stand-alone books leave both NULL, and then refuse
# reduce-only orders, because they know no positions.
#   allow: a reduce-only maker is about to trade; returns how many of its lots may (0 removes it)
#      now, the fills so far already in `fills`; what is above that leaves the order first (`removed`)
#   removed: lots of a resting order or waiting stop are about to leave the book without a fill.
#      A modify that loses its place reports the whole open size, and its Submitted is then that
#      of a new order; one that keeps its place reports what it gives up.
ctypedef int64_t (*AllowReduce)(void* context, const Order* order, const OrderExtra* extra) noexcept nogil
ctypedef void (*OrderRemoved)(void* context, const Order* order, const OrderExtra* extra,
                              int64_t lots) noexcept nogil

cdef struct Book:
    Order* orders
    OrderExtra* extras
    Iceberg* icebergs
    Level* levels[2]          # of each side, window of ticks [base, base + window)
    Bitmap occupied[2]
    Heap stops[4]             # SELL/BUY on last, SELL/BUY on mark: key (trigger, order of arrival)
    uint32_t* slot_of_id      # tagged slot of order id `first_id + index`, 0: gone; see SlotTag
    uint32_t* account_head    # newest order of an account in this book, 0: none; from HOUSE_ACCOUNT
    Fill* fills
    int64_t fill_count
    int64_t fill_capacity
    int64_t next_id
    int64_t first_id
    int64_t id_capacity
    int64_t min_size
    int64_t max_size
    int64_t live_orders       # resting orders and waiting stops
    int32_t base
    int32_t window
    int32_t min_price
    int32_t max_price
    int32_t best_bid          # 0: none
    int32_t best_ask          # 0: none
    int32_t last              # 0: no trade yet
    int32_t mark              # watched by stops on mark; 0: none
    int32_t market_limit[2]   # by side: worst price that an order without a limit fills at
    uint32_t order_top        # slots ever used
    uint32_t order_capacity
    uint32_t order_free       # LIFO list through `next`
    uint32_t iceberg_top
    uint32_t iceberg_capacity
    uint32_t iceberg_free
    uint32_t account_capacity
    uint32_t stop_sequence
    uint8_t auction           # 1: collecting
    uint8_t out_of_memory     # sticky; turned into MemoryError at the boundary
    uint8_t busy              # 1: a thread works on the book
    uint8_t pad[5]
    AllowReduce allow
    OrderRemoved removed
    void* context

# What matching and cancelling must know of an order without reading its OrderExtra. An order without
# account, flags and self-trade policy is plain, and nobody writes its OrderExtra.
cdef enum SlotTag:
    TAG_SIDE = 0x40000000     # it sells
    TAG_SPECIAL = 0x80000000  # not plain: see its OrderExtra
    SLOT_MASK = 0x3FFFFFFF
    LEVEL_MIXED = 0x80000000  # in Level.tail: look at the tag of every order

cdef enum:
    STOP_HEAPS = 4

cdef struct Submitted:
    int64_t order             # id given, also to a refused order
    int64_t filled            # lots traded as taker by this message (its fired stops not counted)
    int64_t resting           # lots left in the book, hidden included
    int32_t price             # limit price after sliding
    uint8_t code              # Code

cdef int book_init(Book* book, int64_t min_size, int64_t max_size,
                   int32_t min_price, int32_t max_price) noexcept nogil
cdef void book_free(Book* book) noexcept nogil
cdef int book_copy(Book* target, const Book* source) noexcept nogil
# Room for that many more orders, fills and ids: -1 and the book as it was without memory.
cdef int book_reserve(Book* book, int64_t orders, int64_t fills, int64_t ids) noexcept nogil
cdef void book_touch(Book* book) noexcept nogil              # page faults of what is reserved, now
# A window over these prices, its page faults taken now; -1 and the book as it was without memory.
cdef int book_reserve_prices(Book* book, int32_t low, int32_t high) noexcept nogil

# Steps 1-9 of docs/book.md for any message but stops firing; fills are appended to `fills`.
cdef void book_submit(Book* book, const Message* message, uint32_t index, Submitted* out) noexcept nogil
# Steps 1-2 alone: would the message be well formed? Gives CODE_OK or the refusal, changes nothing.
cdef uint8_t book_check(const Book* book, const Message* message) noexcept nogil
# An order with an id taken before: what a fired stop or the engine's own forced order does.
cdef int64_t book_take_id(Book* book) noexcept nogil
cdef void book_enter(Book* book, int64_t order_id, const Message* message, uint32_t index,
                     Submitted* out) noexcept nogil
# Takes the next due stop out (step 10) and writes the market or limit message it becomes; 0: none.
cdef int64_t book_next_stop(Book* book, Message* message) noexcept nogil
# Submit and fire all due stops: one message of a stand-alone book.
cdef void book_process(Book* book, const Message* message, uint32_t index, Submitted* out) noexcept nogil
cdef void book_fire_stops(Book* book, uint32_t index) noexcept nogil
# book_process for each message; gives the messages done, fewer than `count` only without memory.
# Code and lots traded of message i go to entry i. `book_reserve` must have made room for `count` orders
# and ids.
cdef int64_t book_process_many(Book* book, const Message* messages, int64_t count, uint8_t* codes,
                               int64_t* filled) noexcept nogil
# Puts back an order or waiting stop as it was stored, behind those of its level: 0, or a reason.
cdef uint8_t book_restore(Book* book, const Order* order, const OrderExtra* extra,
                          int64_t hidden, int64_t display, int32_t trigger) noexcept nogil
cdef void book_set_mark(Book* book, int32_t price) noexcept nogil       # fires no stop by itself

cdef uint8_t book_cancel(Book* book, int64_t order_id) noexcept nogil
cdef int64_t book_cancel_all(Book* book, int32_t account) noexcept nogil     # orders removed
cdef uint32_t book_find(const Book* book, int64_t order_id) noexcept nogil   # slot, 0: unknown
cdef uint8_t book_side(const Book* book, uint32_t slot) noexcept nogil       # of any order
# Lots that a taker could trade at `limit` or better, hidden included, up to `wanted`.
cdef int64_t book_available(const Book* book, uint8_t side, int32_t limit, int64_t wanted,
                            int32_t account, uint8_t self_trade) noexcept nogil
cdef int book_validate(const Book* book) noexcept nogil                      # 0, or an Invariant
cdef void book_clear_fills(Book* book) noexcept nogil
# Reduces a resting order or waiting stop by up to `lots`, hidden lots first, place kept; removes it at zero.
cdef void book_reduce(Book* book, uint32_t slot, int64_t lots) noexcept nogil
