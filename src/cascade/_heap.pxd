"""Interface of the indexed 4-ary heap: smallest (key, item) first, any item found in O(1).

The queue of every feed and direction and the waiting stops of every book are such heaps. `place`
maps an item (a dense number below `item_capacity`) to its node, so that a trigger
can be moved or removed without a search.
"""

from libc.stdint cimport int64_t, uint32_t

cdef enum:
    NOT_QUEUED = 0xFFFFFFFF      # place[] of an item that is not in the heap

cdef struct HeapNode:         # 16 bytes
    int64_t key
    uint32_t item             # breaks ties, so that equal keys do not depend on history
    uint32_t note             # the owner's; 0 whenever the key is set

cdef struct Heap:
    HeapNode* nodes
    uint32_t* place
    uint32_t count
    uint32_t node_capacity
    uint32_t item_capacity

# Status: 0 done, -1 out of memory.
cdef void heap_init(Heap* heap) noexcept nogil
cdef void heap_free(Heap* heap) noexcept nogil
cdef int heap_reserve(Heap* heap, uint32_t nodes, uint32_t items) noexcept nogil
cdef int heap_copy(Heap* target, const Heap* source) noexcept nogil
# insert, or move if already there; the item must be below item_capacity and a node free
cdef void heap_set(Heap* heap, uint32_t item, int64_t key) noexcept nogil
# no effect when the item is not queued
cdef void heap_remove(Heap* heap, uint32_t item) noexcept nogil
cdef uint32_t heap_pop(Heap* heap) noexcept nogil          # the heap must not be empty
# many at once: the nodes were written without order; build once in O(count)
cdef void heap_build(Heap* heap) noexcept nogil
cdef int heap_validate(const Heap* heap) noexcept nogil    # 0, or the 1-based node that is wrong
