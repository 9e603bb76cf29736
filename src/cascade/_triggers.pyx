"""The trigger queue: an indexed 4-ary heap of the nearest triggers, and shelves for those behind.

A heap of a million nodes is larger than the caches, and every removal walks down all of it. Here the
heap holds at most SHELF nodes. The rest lies unsorted on shelves, one range of keys each: to put a
node there is to append it, to take one out is to put the last in its place. An empty heap takes over
the nearest shelf, a full shelf is split in two, and a full heap gives its farther half to a new shelf,
so that no operation ever visits more than a few shelves, however many items there are. What comes out
first does not depend on who lies where: keys are ordered with their items.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memmove, memset

from cascade._heap cimport (
    NOT_QUEUED, Heap, HeapNode, heap_build, heap_free, heap_pop, heap_remove, heap_reserve,
    heap_set, heap_validate,
)
from cascade._memory cimport memory_release, memory_resize

cdef enum:
    FIRST_NEAR = 64
    FIRST_SHELVES = 16


cdef void triggers_init(Triggers* queue) noexcept nogil:
    memset(queue, 0, sizeof(Triggers))


cdef inline size_t _shelf_bytes(uint32_t shelves) noexcept nogil:
    return <size_t>shelves * SHELF * sizeof(HeapNode)


cdef void triggers_free(Triggers* queue) noexcept nogil:
    queue.near.place = NULL
    heap_free(&queue.near)
    memory_release(queue.nodes, _shelf_bytes(queue.capacity))
    free(queue.shelves)
    free(queue.fill)
    free(queue.spare)
    memset(queue, 0, sizeof(Triggers))


# ---------------------------------------------------------------- room

cdef int _more_shelves(Triggers* queue, uint32_t wanted) noexcept nogil:
    cdef size_t count = wanted
    cdef void* grown
    if wanted <= queue.capacity:
        return 0
    if wanted > 0x7FFFFFFF // SHELF:
        return -1
    # the lists first: where a later one fails they are longer than `capacity` says, which does no harm
    grown = realloc(queue.shelves, count * sizeof(Shelf))
    if grown == NULL:
        return -1
    queue.shelves = <Shelf*>grown
    grown = realloc(queue.fill, count * sizeof(uint32_t))
    if grown == NULL:
        return -1
    queue.fill = <uint32_t*>grown
    grown = realloc(queue.spare, count * sizeof(uint32_t))
    if grown == NULL:
        return -1
    queue.spare = <uint32_t*>grown
    grown = memory_resize(queue.nodes, _shelf_bytes(queue.capacity), _shelf_bytes(wanted), 1)
    if grown == NULL:
        return -1
    queue.nodes = <HeapNode*>grown
    queue.capacity = wanted
    return 0


cdef int triggers_reserve(Triggers* queue, int64_t items) noexcept nogil:
    # so many suffice, because shelves are merged when all are in use and three eighths full or less
    if items <= SHELF:
        return 0
    if items > 0x7FFFFFFF:
        return -1
    return _more_shelves(queue, <uint32_t>(items // (3 * SHELF // 8) + 2))


cdef void _place_shelf(Triggers* queue, uint32_t number, uint32_t start) noexcept nogil:
    # writes the places of the nodes from `start` on
    cdef uint32_t at
    for at in range(number * SHELF + start, number * SHELF + queue.fill[number]):
        queue.near.place[queue.nodes[at].item] = <uint32_t>SHELVED | at


cdef void _merge_shelves(Triggers* queue) noexcept nogil:
    # neighbours that fit on one shelf: afterwards more than half of all room on shelves is in use
    cdef uint32_t k, kept = 0, target, source
    for k in range(queue.used):
        source = queue.shelves[k].number
        if kept > 0:
            target = queue.shelves[kept - 1].number
            if queue.fill[target] + queue.fill[source] <= SHELF:
                memcpy(&queue.nodes[target * SHELF + queue.fill[target]],
                       &queue.nodes[source * SHELF], queue.fill[source] * sizeof(HeapNode))
                queue.fill[target] += queue.fill[source]
                _place_shelf(queue, target, queue.fill[target] - queue.fill[source])
                queue.shelves[kept - 1].key = queue.shelves[k].key
                queue.shelves[kept - 1].item = queue.shelves[k].item
                queue.fill[source] = 0
                queue.spare[queue.spares] = source
                queue.spares += 1
                continue
        queue.shelves[kept] = queue.shelves[k]
        kept += 1
    queue.used = kept


cdef inline bint _has_spare(const Triggers* queue) noexcept nogil:
    return queue.spares > 0 or queue.numbered < queue.capacity


cdef int _find_spare(Triggers* queue) noexcept nogil:
    cdef uint32_t wanted = queue.capacity * 2 if queue.capacity else FIRST_SHELVES
    if queue.capacity and queue.count <= queue.capacity * (3 * SHELF // 8):
        _merge_shelves(queue)
        return 0
    return _more_shelves(queue, wanted)


cdef inline uint32_t _take_spare(Triggers* queue) noexcept nogil:
    if queue.spares > 0:
        queue.spares -= 1
        return queue.spare[queue.spares]
    queue.numbered += 1
    return queue.numbered - 1


# ---------------------------------------------------------------- which shelf

cdef inline bint _before(int64_t key, uint32_t item, const Shelf* floor) noexcept nogil:
    # by bits, because which way it goes is a coin toss that no branch predictor learns
    return (key < floor.key) | ((key == floor.key) & (item < floor.item))


cdef inline uint32_t _shelf_of(const Triggers* queue, int64_t key, uint32_t item) noexcept nogil:
    # the first of the shelves whose floor is not above; `used`: it belongs into the heap
    cdef uint32_t low = 0, left = queue.used, half
    if left == 0 or _before(key, item, &queue.shelves[left - 1]):
        return left
    while left > 1:
        half = left >> 1
        low += half & (0 - <uint32_t>_before(key, item, &queue.shelves[low + half - 1]))
        left -= half
    return low + <uint32_t>_before(key, item, &queue.shelves[low])


cdef Shelf _median_of_nine(const HeapNode* nodes, uint32_t count) noexcept nogil:
    # a value with nodes below it, and itself among the nodes
    cdef Shelf[9] sample
    cdef Shelf one
    cdef uint32_t k, at
    for k in range(9):
        one.key = nodes[k * (count - 1) // 8].key
        one.item = nodes[k * (count - 1) // 8].item
        one.number = 0
        at = k
        while at > 0 and _before(one.key, one.item, &sample[at - 1]):
            sample[at] = sample[at - 1]
            at -= 1
        sample[at] = one
    return sample[4]


cdef uint32_t _part(HeapNode* nodes, uint32_t count, const Shelf* floor, HeapNode* beyond,
                    uint32_t* moved) noexcept nogil:
    # keeps what is before `floor`, moves the rest; without a branch on what no predictor learns
    cdef uint32_t k, kept = 0, gone = 0
    cdef HeapNode node
    cdef bint stays
    for k in range(count):
        node = nodes[k]
        stays = _before(node.key, node.item, floor)
        nodes[kept] = node
        beyond[gone] = node
        kept += stays
        gone += not stays
    moved[0] = gone
    return kept


cdef void _split(Triggers* queue, uint32_t at) noexcept nogil:
    # the upper part of a full shelf goes to a new one, before it in the list
    cdef uint32_t old = queue.shelves[at].number, new = _take_spare(queue)
    cdef HeapNode* nodes = &queue.nodes[old * SHELF]
    cdef Shelf floor = _median_of_nine(nodes, queue.fill[old])
    queue.fill[old] = _part(nodes, queue.fill[old], &floor, &queue.nodes[new * SHELF],
                            &queue.fill[new])
    memmove(&queue.shelves[at + 1], &queue.shelves[at], (queue.used - at) * sizeof(Shelf))
    queue.shelves[at] = floor
    queue.shelves[at].number = new
    queue.used += 1
    _place_shelf(queue, old, 0)
    _place_shelf(queue, new, 0)


cdef void _spill(Triggers* queue) noexcept nogil:
    # the upper part of a full heap becomes the nearest shelf
    cdef uint32_t new = _take_spare(queue)
    cdef Shelf floor = _median_of_nine(queue.near.nodes, queue.near.count)
    queue.near.count = _part(queue.near.nodes, queue.near.count, &floor,
                             &queue.nodes[new * SHELF], &queue.fill[new])
    floor.number = new
    queue.shelves[queue.used] = floor
    queue.used += 1
    _place_shelf(queue, new, 0)
    heap_build(&queue.near)


cdef void _refill(Triggers* queue) noexcept nogil:
    # an empty heap takes over the nearest shelf; it was full once, so there is room
    cdef uint32_t number
    if queue.used == 0:
        return
    queue.used -= 1
    number = queue.shelves[queue.used].number
    queue.near.count = queue.fill[number]
    memcpy(queue.near.nodes, &queue.nodes[number * SHELF], queue.fill[number] * sizeof(HeapNode))
    queue.fill[number] = 0
    queue.spare[queue.spares] = number
    queue.spares += 1
    heap_build(&queue.near)


# ---------------------------------------------------------------- in and out

cdef int _put(Triggers* queue, uint32_t item, int64_t key) noexcept nogil:
    cdef Heap* near = &queue.near
    cdef uint32_t at, number, node
    if not _has_spare(queue) and near.count == SHELF and _find_spare(queue):
        return -1
    at = _shelf_of(queue, key, item)
    if at == queue.used and near.count == SHELF:
        _spill(queue)
        at = _shelf_of(queue, key, item)
    if at == queue.used:
        if near.count == near.node_capacity and _more_near(near):
            return -1
        heap_set(near, item, key)
        queue.count += 1
        return 0
    if queue.fill[queue.shelves[at].number] == SHELF:
        if not _has_spare(queue):
            if _find_spare(queue):
                return -1
            at = _shelf_of(queue, key, item)
    if queue.fill[queue.shelves[at].number] == SHELF:
        _split(queue, at)
        at = _shelf_of(queue, key, item)
    number = queue.shelves[at].number
    node = number * SHELF + queue.fill[number]
    queue.fill[number] += 1
    queue.nodes[node].key = key
    queue.nodes[node].item = item
    queue.nodes[node].note = 0
    near.place[item] = <uint32_t>SHELVED | node
    queue.count += 1
    return 0


cdef int _more_near(Heap* near) noexcept nogil:
    return heap_reserve(near, near.node_capacity * 2 if near.node_capacity else FIRST_NEAR, 0)


cdef void _take_off(Triggers* queue, uint32_t at) noexcept nogil:
    # the node at a shelved place; the last of its shelf comes there
    cdef uint32_t node = at & ~<uint32_t>SHELVED, number = node // SHELF, last, shelf
    cdef HeapNode taken = queue.nodes[node]
    queue.fill[number] -= 1
    last = number * SHELF + queue.fill[number]
    if node != last:
        queue.nodes[node] = queue.nodes[last]
        queue.near.place[queue.nodes[node].item] = <uint32_t>SHELVED | node
    if queue.fill[number] == 0:
        shelf = _shelf_of(queue, taken.key, taken.item)
        queue.used -= 1
        memmove(&queue.shelves[shelf], &queue.shelves[shelf + 1],
                (queue.used - shelf) * sizeof(Shelf))
        queue.spare[queue.spares] = number
        queue.spares += 1


cdef int triggers_set(Triggers* queue, uint32_t item, int64_t key) noexcept nogil:
    cdef uint32_t at = queue.near.place[item], to
    if at == NOT_QUEUED:
        return _put(queue, item, key)
    to = _shelf_of(queue, key, item)
    if at & SHELVED:
        if to < queue.used and queue.shelves[to].number == (at & ~<uint32_t>SHELVED) // SHELF:
            node_at(queue, at).key = key
            return 0
    elif to == queue.used:
        heap_set(&queue.near, item, key)
        return 0
    # room first, so that the item is never lost
    if not _has_spare(queue) and _find_spare(queue):
        return -1
    triggers_remove(queue, item)
    return _put(queue, item, key)


cdef void triggers_remove(Triggers* queue, uint32_t item) noexcept nogil:
    cdef uint32_t at
    if queue.count == 0:
        return                    # without the wait for `place`
    at = queue.near.place[item]
    if at == NOT_QUEUED:
        return
    queue.count -= 1
    if at & SHELVED:
        _take_off(queue, at)
        queue.near.place[item] = NOT_QUEUED
        return
    heap_remove(&queue.near, item)
    if queue.near.count == 0:
        _refill(queue)


cdef uint32_t triggers_pop(Triggers* queue) noexcept nogil:
    cdef uint32_t item = heap_pop(&queue.near)
    queue.count -= 1
    if queue.near.count == 0:
        _refill(queue)
    return item


# ---------------------------------------------------------------- reading

cdef int64_t _reached_below(const Heap* near, int64_t key, uint32_t at) noexcept nogil:
    # a heap is searched only below nodes that are reached
    cdef int64_t found = 1
    cdef uint32_t child
    if at >= near.count or near.nodes[at].key > key:
        return 0
    for child in range(4 * at + 1, 4 * at + 5):
        found += _reached_below(near, key, child)
    return found


cdef int64_t triggers_reached(const Triggers* queue, int64_t key) noexcept nogil:
    # shelves are counted whole but for the one that the key falls on
    cdef int64_t found = _reached_below(&queue.near, key, 0)
    cdef uint32_t at = queue.used, number, node
    while at > 0 and queue.shelves[at - 1].key <= key:
        at -= 1
        number = queue.shelves[at].number
        if at > 0 and queue.shelves[at - 1].key <= key:
            found += queue.fill[number]
            continue
        for node in range(number * SHELF, number * SHELF + queue.fill[number]):
            found += queue.nodes[node].key <= key
    return found


cdef void triggers_copy(const Triggers* queue, HeapNode* nodes) noexcept nogil:
    cdef uint32_t k, number, done = queue.near.count
    if done:
        memcpy(nodes, queue.near.nodes, done * sizeof(HeapNode))
    for k in range(queue.used):
        number = queue.shelves[k].number
        memcpy(&nodes[done], &queue.nodes[number * SHELF], queue.fill[number] * sizeof(HeapNode))
        done += queue.fill[number]


cdef int _validate_shelf(const Triggers* queue, uint32_t at) noexcept nogil:
    cdef const HeapNode* node
    cdef uint32_t number = queue.shelves[at].number, k
    if number >= queue.numbered or not 0 < queue.fill[number] <= SHELF:
        return 5
    if at > 0 and not _before(queue.shelves[at].key, queue.shelves[at].item, &queue.shelves[at - 1]):
        return 2
    for k in range(number * SHELF, number * SHELF + queue.fill[number]):
        node = &queue.nodes[k]
        if node.item >= queue.near.item_capacity or queue.near.place[node.item] != (<uint32_t>SHELVED | k):
            return 4
        if _before(node.key, node.item, &queue.shelves[at]):
            return 3
        if at > 0 and not _before(node.key, node.item, &queue.shelves[at - 1]):
            return 3
    return 0


cdef int triggers_validate(const Triggers* queue) noexcept nogil:
    cdef uint32_t at, k, total = queue.near.count
    cdef int wrong
    if heap_validate(&queue.near) or (queue.near.count == 0 and queue.used > 0):
        return 1
    for at in range(queue.used):
        wrong = _validate_shelf(queue, at)
        if wrong:
            return wrong
        total += queue.fill[queue.shelves[at].number]
    if total != queue.count or queue.used + queue.spares != queue.numbered:
        return 5
    if queue.used:
        for k in range(queue.near.count):
            if not _before(queue.near.nodes[k].key, queue.near.nodes[k].item,
                           &queue.shelves[queue.used - 1]):
                return 3
    return 0
