"""Interface of the trigger queue: smallest (key, item) first, any item found in O(1).

The smallest keys stand in an indexed 4-ary heap that fits the first cache; the others lie unsorted on
shelves, each with the keys of one range. `near.place` maps an item (a dense number) to its place in
either.
"""

from libc.stdint cimport int64_t, uint32_t

from cascade._heap cimport NOT_QUEUED, Heap, HeapNode

cdef enum:
    SHELF = 1024                 # nodes of a shelf, and of the heap
    SHELVED = 0x80000000U        # in a place: the rest is shelf * SHELF + node

cdef struct Shelf:            # 16 bytes
    int64_t key               # floor: nothing on it is before (key, item)
    uint32_t item
    uint32_t number

cdef struct Triggers:
    Heap near                 # everything before the floor of the last shelf; `place` is the owner's
    Shelf* shelves            # in use, the farthest first
    HeapNode* nodes           # of all shelves, SHELF for each number
    uint32_t* fill            # nodes on it, by number
    uint32_t* spare           # numbers that were in use before
    uint32_t count            # items in heap and shelves
    uint32_t used
    uint32_t spares
    uint32_t numbered         # numbers ever in use
    uint32_t capacity

cdef void triggers_init(Triggers* queue) noexcept nogil
# Frees all but `place`.
cdef void triggers_free(Triggers* queue) noexcept nogil
# Inserts, or moves if already there. -1: out of memory, nothing changed.
cdef int triggers_set(Triggers* queue, uint32_t item, int64_t key) noexcept nogil
# No effect when the item is not queued.
cdef void triggers_remove(Triggers* queue, uint32_t item) noexcept nogil
cdef uint32_t triggers_pop(Triggers* queue) noexcept nogil     # must not be empty
# Room for that many items, so that no memory is asked for while there are no more.
cdef int triggers_reserve(Triggers* queue, int64_t items) noexcept nogil
# Items with a key of at most this one.
cdef int64_t triggers_reached(const Triggers* queue, int64_t key) noexcept nogil
# All nodes in no order; `nodes` has room for `count`.
cdef void triggers_copy(const Triggers* queue, HeapNode* nodes) noexcept nogil
# 0, or what is wrong: 1 heap, 2 order of shelves, 3 node out of its range, 4 place, 5 counts.
cdef int triggers_validate(const Triggers* queue) noexcept nogil


cdef inline HeapNode* node_at(const Triggers* queue, uint32_t at) noexcept nogil:
    """The node of a place."""
    if at & SHELVED:
        return &queue.nodes[at & ~<uint32_t>SHELVED]
    return &queue.near.nodes[at]


cdef inline bint queue_holds(const Triggers* queue, uint32_t item) noexcept nogil:
    """Is the item in this of the queues that share its place?"""
    cdef uint32_t at = queue.near.place[item], number
    if at == NOT_QUEUED:
        return False
    if not at & SHELVED:
        return at < queue.near.count and queue.near.nodes[at].item == item
    number = (at & ~<uint32_t>SHELVED) // SHELF
    return (number < queue.numbered and at % SHELF < queue.fill[number]
            and node_at(queue, at).item == item)
