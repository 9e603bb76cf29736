# cython: language_level=3, boundscheck=False, wraparound=False
"""Pops of an indexed 4-ary heap and nothing else, to hold a liquidation against."""

from libc.stdint cimport int64_t, uint32_t

from cascade._heap cimport (
    Heap, heap_build, heap_free, heap_init, heap_pop, heap_reserve,
)


cdef class BareHeap:
    """A heap of keys, each under its position in the column."""
    cdef Heap heap

    def __cinit__(self, const int64_t[::1] keys):
        cdef int64_t at
        heap_init(&self.heap)
        if heap_reserve(&self.heap, <uint32_t>keys.shape[0], <uint32_t>keys.shape[0]):
            raise MemoryError("no memory for a heap")
        for at in range(keys.shape[0]):
            self.heap.nodes[at].key = keys[at]
            self.heap.nodes[at].item = <uint32_t>at
        self.heap.count = <uint32_t>keys.shape[0]
        heap_build(&self.heap)

    def __dealloc__(self):
        heap_free(&self.heap)

    def pop(self, int64_t count):
        """Pop `count` entries; gives the sum of their items."""
        cdef int64_t total = 0
        with nogil:
            for _ in range(count):
                total += heap_pop(&self.heap)
        return total
