"""Indexed 4-ary heap: four children a node make it half as deep as a binary heap, and their keys
share a cache line, which is what a pop of a million entries costs most.

Nodes carry their key, so ordering touches only the node array; `place` is written once a move. The
array starts three nodes into its block, which puts every family of four children on one cache line,
and large blocks ask for huge pages, because a pop jumps through all of the array.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy, memset

from cascade._arithmetic cimport prefetch
from cascade._memory cimport memory_release, memory_resize

cdef enum:
    LEAD = 3              # nodes before the root
    FETCHED = 1 << 10     # nodes from here on may have to be waited for
    FAR = 1 << 14         # and from here on do


cdef inline bint _before(HeapNode a, HeapNode b) noexcept nogil:
    return a.key < b.key or (a.key == b.key and a.item < b.item)


cdef inline void _rise(Heap* heap, uint32_t at, HeapNode node) noexcept nogil:
    cdef uint32_t parent
    while at > 0:
        parent = (at - 1) >> 2
        if not _before(node, heap.nodes[parent]):
            break
        heap.nodes[at] = heap.nodes[parent]
        heap.place[heap.nodes[at].item] = at
        at = parent
    heap.nodes[at] = node
    heap.place[node.item] = at


cdef inline uint32_t _smaller(const HeapNode* nodes, uint32_t a, uint32_t b) noexcept nogil:
    # by a mask, because which child is smaller is a coin toss that no branch predictor learns
    cdef uint32_t second = (nodes[b].key < nodes[a].key) | (
        (nodes[b].key == nodes[a].key) & (nodes[b].item < nodes[a].item))
    return a ^ ((a ^ b) & (0 - second))


cdef inline uint32_t _smallest_of_four(const HeapNode* nodes, uint32_t first) noexcept nogil:
    return _smaller(nodes, _smaller(nodes, first, first + 1),
                    _smaller(nodes, first + 2, first + 3))


cdef inline uint32_t _smallest_child(Heap* heap, uint32_t first, uint32_t end) noexcept nogil:
    cdef uint32_t best = first, child
    for child in range(first + 1, end):
        best = _smaller(heap.nodes, best, child)
    return best


cdef inline void _fetch_grandchildren(const Heap* heap, uint32_t at) noexcept nogil:
    """Their four families, before it is known which is the next."""
    cdef uint32_t below = (at << 4) + 5
    if below < heap.count:
        prefetch(&heap.nodes[below])
        prefetch(&heap.nodes[below + 4])
        prefetch(&heap.nodes[below + 8])
        prefetch(&heap.nodes[below + 12])


cdef inline void _fill(Heap* heap, uint32_t at, HeapNode node) noexcept nogil:
    heap.nodes[at] = node
    heap.place[node.item] = at


cdef inline uint32_t _sink_while(Heap* heap, uint32_t at, HeapNode node, uint32_t end) noexcept nogil:
    """Where the node comes to rest, or the first place at or after `end` on its way."""
    cdef uint32_t first, best, count = heap.count
    while at < end:
        first = (at << 2) + 1
        if first + 4 > count:
            if first >= count:
                break
            best = _smallest_child(heap, first, count)
        else:
            if at >= FETCHED:
                _fetch_grandchildren(heap, at)
            best = _smallest_of_four(heap.nodes, first)
        if not _before(heap.nodes[best], node):
            break
        _fill(heap, at, heap.nodes[best])
        at = best
    _fill(heap, at, node)
    return at


cdef inline void _sink(Heap* heap, uint32_t at, HeapNode node) noexcept nogil:
    _sink_while(heap, at, node, heap.count)


cdef inline void _sink_near(Heap* heap, uint32_t at, HeapNode node) noexcept nogil:
    """`_sink` that leaves the far half of the way for later and asks for its memory now."""
    at = _sink_while(heap, at, node, FAR)
    if at >= FAR:
        heap.unsettled = at
        _fetch_grandchildren(heap, at)


cdef inline void _settle(Heap* heap) noexcept nogil:
    cdef uint32_t at = heap.unsettled
    if at != 0:
        heap.unsettled = 0
        _sink(heap, at, heap.nodes[at])


cdef void heap_settle(Heap* heap) noexcept nogil:
    _settle(heap)


cdef void heap_init(Heap* heap) noexcept nogil:
    memset(heap, 0, sizeof(Heap))


cdef inline size_t _node_bytes(uint32_t capacity) noexcept nogil:
    return (<size_t>capacity + LEAD) * sizeof(HeapNode)


cdef void heap_free(Heap* heap) noexcept nogil:
    if heap.nodes != NULL:
        memory_release(heap.nodes - LEAD, _node_bytes(heap.node_capacity))
    if heap.place != NULL:
        memory_release(heap.place, <size_t>heap.item_capacity * sizeof(uint32_t))
    memset(heap, 0, sizeof(Heap))


cdef int heap_reserve(Heap* heap, uint32_t nodes, uint32_t items) noexcept nogil:
    cdef void* grown
    if nodes > heap.node_capacity:
        if heap.nodes == NULL:
            grown = memory_resize(NULL, 0, _node_bytes(nodes), 1)
        else:
            grown = memory_resize(heap.nodes - LEAD, _node_bytes(heap.node_capacity),
                                  _node_bytes(nodes), 1)
        if grown == NULL:
            return -1
        heap.nodes = <HeapNode*>grown + LEAD
        heap.node_capacity = nodes
    if items > heap.item_capacity:
        grown = memory_resize(heap.place, <size_t>heap.item_capacity * sizeof(uint32_t),
                              <size_t>items * sizeof(uint32_t), 1)
        if grown == NULL:
            return -1
        heap.place = <uint32_t*>grown
        memset(heap.place + heap.item_capacity, 0xFF,
               <size_t>(items - heap.item_capacity) * sizeof(uint32_t))
        heap.item_capacity = items
    return 0


cdef int heap_copy(Heap* target, const Heap* source) noexcept nogil:
    heap_init(target)
    if heap_reserve(target, source.node_capacity, source.item_capacity):
        heap_free(target)
        return -1
    # An empty heap may own no memory, and C forbids memcpy from NULL even of no bytes.
    if source.count > 0:
        memcpy(target.nodes, source.nodes, <size_t>source.count * sizeof(HeapNode))
    if source.item_capacity > 0:
        memcpy(target.place, source.place, <size_t>source.item_capacity * sizeof(uint32_t))
    target.count = source.count
    target.unsettled = source.unsettled
    return 0


cdef void heap_set(Heap* heap, uint32_t item, int64_t key) noexcept nogil:
    cdef uint32_t at
    cdef HeapNode node
    _settle(heap)
    at = heap.place[item]
    node.key = key
    node.item = item
    node.note = 0
    if at == NOT_QUEUED:
        at = heap.count
        heap.count += 1
        _rise(heap, at, node)
    elif key < heap.nodes[at].key:
        _rise(heap, at, node)
    else:
        _sink(heap, at, node)


cdef inline uint32_t _take_out(Heap* heap, uint32_t item, HeapNode* last) noexcept nogil:
    """The place where `last` may have to sink from, or NOT_QUEUED when all is done."""
    cdef uint32_t at
    if heap.count == 0:
        return NOT_QUEUED         # without the wait for `place`
    _settle(heap)
    at = heap.place[item]
    if at == NOT_QUEUED:
        return NOT_QUEUED
    heap.place[item] = NOT_QUEUED
    heap.count -= 1
    if at == heap.count:
        return NOT_QUEUED
    last[0] = heap.nodes[heap.count]
    if at > 0 and _before(last[0], heap.nodes[(at - 1) >> 2]):
        _rise(heap, at, last[0])
        return NOT_QUEUED
    return at


cdef void heap_remove(Heap* heap, uint32_t item) noexcept nogil:
    cdef HeapNode last
    cdef uint32_t at = _take_out(heap, item, &last)
    if at != NOT_QUEUED:
        _sink(heap, at, last)


cdef void heap_remove_near(Heap* heap, uint32_t item) noexcept nogil:
    cdef HeapNode last
    cdef uint32_t at = _take_out(heap, item, &last)
    if at != NOT_QUEUED:
        _sink_near(heap, at, last)


cdef inline uint32_t _take_first(Heap* heap) noexcept nogil:
    """Its place is for the last node to sink from."""
    cdef uint32_t item
    _settle(heap)
    item = heap.nodes[0].item
    heap.place[item] = NOT_QUEUED
    heap.count -= 1
    return item


cdef uint32_t heap_pop(Heap* heap) noexcept nogil:
    cdef uint32_t item = _take_first(heap)
    if heap.count > 0:
        _sink(heap, 0, heap.nodes[heap.count])
    return item


cdef uint32_t heap_pop_near(Heap* heap) noexcept nogil:
    cdef uint32_t item = _take_first(heap)
    if heap.count > 0:
        _sink_near(heap, 0, heap.nodes[heap.count])
    return item


cdef void heap_append(Heap* heap, uint32_t item, int64_t key) noexcept nogil:
    cdef HeapNode* node = &heap.nodes[heap.count]
    node.key = key
    node.item = item
    node.note = 0
    heap.place[item] = heap.count
    heap.count += 1


cdef void heap_build(Heap* heap) noexcept nogil:
    cdef int64_t at
    if heap.count < 2:
        return
    for at in range((<int64_t>heap.count - 2) >> 2, -1, -1):
        _sink(heap, <uint32_t>at, heap.nodes[at])


cdef int heap_validate(const Heap* heap) noexcept nogil:
    cdef uint32_t at, parent
    for at in range(heap.count):
        if heap.nodes[at].item >= heap.item_capacity or heap.place[heap.nodes[at].item] != at:
            return <int>at + 1
        parent = (at - 1) >> 2
        if at > 0 and parent != heap.unsettled and _before(heap.nodes[at], heap.nodes[parent]):
            return <int>at + 1
    return 0
