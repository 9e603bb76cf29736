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


cdef inline void _sink(Heap* heap, uint32_t at, HeapNode node, bint placed) noexcept nogil:
    cdef uint32_t first, best, count = heap.count
    while True:
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
        heap.nodes[at] = heap.nodes[best]
        if placed:
            heap.place[heap.nodes[at].item] = at
        at = best
    heap.nodes[at] = node
    if placed:
        heap.place[node.item] = at


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
    return 0


cdef void heap_set(Heap* heap, uint32_t item, int64_t key) noexcept nogil:
    cdef uint32_t at
    cdef HeapNode node
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
        _sink(heap, at, node, True)


cdef void heap_remove(Heap* heap, uint32_t item) noexcept nogil:
    cdef uint32_t at = heap.place[item]
    cdef HeapNode last
    if at == NOT_QUEUED:
        return
    heap.place[item] = NOT_QUEUED
    heap.count -= 1
    if at == heap.count:
        return
    last = heap.nodes[heap.count]
    if at > 0 and _before(last, heap.nodes[(at - 1) >> 2]):
        _rise(heap, at, last)
    else:
        _sink(heap, at, last, True)


cdef uint32_t heap_pop(Heap* heap) noexcept nogil:
    cdef uint32_t item = heap.nodes[0].item
    heap.place[item] = NOT_QUEUED
    heap.count -= 1
    if heap.count > 0:
        _sink(heap, 0, heap.nodes[heap.count], True)
    return item


cdef void heap_build(Heap* heap) noexcept nogil:
    cdef int64_t at
    if heap.count > 1:
        for at in range((<int64_t>heap.count - 2) >> 2, -1, -1):
            _sink(heap, <uint32_t>at, heap.nodes[at], False)
    for at in range(heap.count):
        heap.place[heap.nodes[at].item] = <uint32_t>at


cdef int heap_validate(const Heap* heap) noexcept nogil:
    cdef uint32_t at, parent
    for at in range(heap.count):
        if heap.nodes[at].item >= heap.item_capacity or heap.place[heap.nodes[at].item] != at:
            return <int>at + 1
        parent = (at - 1) >> 2
        if at > 0 and _before(heap.nodes[at], heap.nodes[parent]):
            return <int>at + 1
    return 0
