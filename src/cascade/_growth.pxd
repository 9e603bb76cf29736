"""Growth of a book's pools, id table and window of ticks.

Every pool doubles; nothing here runs once capacity is reserved. The window grows over zero-filled
memory of which only the pages of occupied levels are ever touched, so a wide window costs
nothing. The id table drops the ids below the oldest live one when it would have to grow.
Each function gives 0, or -1 with the sticky flag set and the book as it was.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memmove, memset

from cascade._bitmap cimport Bitmap, bitmap_free, bitmap_init, bitmap_set, bitmap_up
from cascade._book cimport Book, Iceberg, Level, Order, OrderExtra
from cascade._heap cimport Heap, heap_reserve
from cascade._levels cimport MAX_SLOTS, in_window
from cascade._memory cimport memory_allocate, memory_release, memory_resize
from cascade._types cimport NO_ACCOUNT

cdef enum:
    FIRST_WINDOW = 1024          # ticks
    LARGEST_WINDOW = 2147483647  # every price
    FIRST_POOL = 64              # slots, ids or accounts
    BELOW_ACCOUNTS = 2           # HOUSE_ACCOUNT and NO_ACCOUNT stand before account 0


cdef inline int64_t doubled(int64_t capacity, int64_t wanted) noexcept nogil:
    capacity = capacity if capacity >= FIRST_POOL else FIRST_POOL
    while capacity < wanted:
        capacity *= 2
    return capacity


cdef inline int no_memory(Book* book) noexcept nogil:
    book.out_of_memory = 1
    return -1


cdef inline int orders_grow(Book* book, int64_t wanted) noexcept nogil:
    """Slots for `wanted` orders, slot 0 included."""
    cdef int64_t old = book.order_capacity, capacity = doubled(old, wanted)
    cdef void* grown
    if wanted > MAX_SLOTS:
        return no_memory(book)
    capacity = capacity if capacity <= MAX_SLOTS else MAX_SLOTS
    grown = memory_resize(book.orders, <size_t>old * sizeof(Order),
                          <size_t>capacity * sizeof(Order), 1)
    if grown == NULL:
        return no_memory(book)
    book.orders = <Order*>grown
    # If the second pool fails, the first has its own size on record only through its old capacity:
    # shrink it back, which cannot fail for the caller.
    grown = memory_resize(book.extras, <size_t>old * sizeof(OrderExtra),
                          <size_t>capacity * sizeof(OrderExtra), 1)
    if grown == NULL:
        grown = memory_allocate(<size_t>old * sizeof(Order), 1)
        if grown != NULL:
            memmove(grown, book.orders, <size_t>old * sizeof(Order))
            memory_release(book.orders, <size_t>capacity * sizeof(Order))
            book.orders = <Order*>grown
        return no_memory(book)
    book.extras = <OrderExtra*>grown
    book.order_capacity = <uint32_t>capacity
    return 0


cdef inline int ids_grow(Book* book, int64_t more) noexcept nogil:
    """Room for `more` ids; the dead ones at the front make way first."""
    cdef int64_t used = book.next_id - book.first_id, dead = 0, capacity
    cdef void* grown
    while dead < used and book.slot_of_id[dead] == 0:
        dead += 1
    if 2 * dead >= used and dead > 0:
        memmove(book.slot_of_id, book.slot_of_id + dead, <size_t>(used - dead) * sizeof(uint32_t))
        memset(book.slot_of_id + (used - dead), 0, <size_t>dead * sizeof(uint32_t))
        book.first_id += dead
        used -= dead
        if used + more <= book.id_capacity:
            return 0
    capacity = doubled(book.id_capacity, used + more)
    grown = memory_resize(book.slot_of_id, <size_t>book.id_capacity * sizeof(uint32_t),
                          <size_t>capacity * sizeof(uint32_t), 1)
    if grown == NULL:
        return no_memory(book)
    book.slot_of_id = <uint32_t*>grown
    book.id_capacity = capacity
    return 0


cdef inline int accounts_grow(Book* book, int64_t account) noexcept nogil:
    """List heads up to and with `account`."""
    cdef int64_t old = book.account_capacity, capacity = doubled(old, account + 1)
    cdef uint32_t* block = book.account_head - BELOW_ACCOUNTS if book.account_head != NULL else NULL
    cdef size_t before = <size_t>(old + BELOW_ACCOUNTS) * sizeof(uint32_t)
    cdef void* grown = memory_resize(block, before if block != NULL else 0,
                                     <size_t>(capacity + BELOW_ACCOUNTS) * sizeof(uint32_t), 0)
    if grown == NULL:
        return no_memory(book)
    book.account_head = <uint32_t*>grown + BELOW_ACCOUNTS
    book.account_capacity = <uint32_t>capacity
    return 0


cdef inline bint account_ready(const Book* book, int32_t account) noexcept nogil:
    return account < <int64_t>book.account_capacity or account == NO_ACCOUNT


cdef inline int icebergs_grow(Book* book) noexcept nogil:
    cdef int64_t capacity = doubled(book.iceberg_capacity, <int64_t>book.iceberg_top + 1)
    cdef void* grown = memory_resize(book.icebergs,
                                     <size_t>book.iceberg_capacity * sizeof(Iceberg),
                                     <size_t>capacity * sizeof(Iceberg), 0)
    if grown == NULL:
        return no_memory(book)
    book.icebergs = <Iceberg*>grown
    book.iceberg_capacity = <uint32_t>capacity
    return 0


cdef inline int stops_grow(Book* book, Heap* heap) noexcept nogil:
    """Room for one more waiting stop in a heap that knows every slot."""
    cdef uint32_t nodes = <uint32_t>doubled(heap.node_capacity, <int64_t>heap.count + 1)
    if heap_reserve(heap, nodes, book.order_capacity):
        return no_memory(book)
    return 0


cdef inline int levels_move(Book* book, Level** levels, Bitmap* occupied,
                            int32_t base) noexcept nogil:
    """Copy the occupied levels into a window that starts at `base`."""
    cdef int side
    cdef int32_t tick
    for side in range(2):
        if book.window == 0:
            continue
        tick = bitmap_up(&book.occupied[side], 0)
        while tick >= 0:
            levels[side][book.base + tick - base] = book.levels[side][tick]
            bitmap_set(&occupied[side], book.base + tick - base)
            tick = bitmap_up(&book.occupied[side], tick + 1)
    return 0


cdef inline void levels_free(Level** levels, Bitmap* occupied, int64_t window) noexcept nogil:
    cdef int side
    for side in range(2):
        memory_release(levels[side], <size_t>window * sizeof(Level))
        levels[side] = NULL
        bitmap_free(&occupied[side])


cdef inline int levels_allocate(Level** levels, Bitmap* occupied, int64_t window) noexcept nogil:
    cdef int side
    memset(occupied, 0, 2 * sizeof(Bitmap))
    levels[0] = NULL
    levels[1] = NULL
    for side in range(2):
        levels[side] = <Level*>memory_allocate(<size_t>window * sizeof(Level), 0)
        if levels[side] == NULL or bitmap_init(&occupied[side], <int32_t>window):
            levels_free(levels, occupied, window)
            return -1
    return 0


cdef inline int window_cover(Book* book, int32_t price) noexcept nogil:
    """Widen the window to hold `price`, with room on both sides."""
    cdef int64_t low = price, high = price, span, window = FIRST_WINDOW, base
    cdef Level* levels[2]
    cdef Bitmap occupied[2]
    cdef int side
    if in_window(book, price):
        return 0
    if book.window > 0:
        low = book.base if book.base < low else low
        high = <int64_t>book.base + book.window - 1
        high = price if price > high else high
    span = high - low + 1
    while window < 2 * span:
        window *= 2
    if window >= LARGEST_WINDOW:
        window = LARGEST_WINDOW
    base = low - (window - span) // 2
    base = base if base > 0 else 0
    if base + window > LARGEST_WINDOW:
        base = LARGEST_WINDOW - window
    if levels_allocate(levels, occupied, window):
        return no_memory(book)
    levels_move(book, levels, occupied, <int32_t>base)
    levels_free(book.levels, book.occupied, book.window)
    for side in range(2):
        book.levels[side] = levels[side]
        book.occupied[side] = occupied[side]
    book.base = <int32_t>base
    book.window = <int32_t>window
    return 0
