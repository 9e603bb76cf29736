"""Zero-filled memory for pools and windows that may be much larger than what is touched.

Small blocks come from `calloc`. Large ones are anonymous mappings without a reservation: a page
costs nothing until something is written to it, and growing moves page tables instead of data
where the system can (`mremap`). Blocks above `HUGE_BYTES` ask for huge pages, and lie where those
can, when the caller says that most of the block is going to be used.
"""

from libc.stddef cimport size_t

cdef extern from *:
    """
    #include <stdlib.h>
    #include <string.h>
    #include <stdint.h>
    #include <sys/mman.h>

    #ifndef CASCADE_MEMORY_H
    #define CASCADE_MEMORY_H
    #define CASCADE_MAPPED_BYTES ((size_t)1 << 17)
    #define CASCADE_HUGE_BYTES ((size_t)1 << 22)
    #define CASCADE_HUGE_PAGE ((size_t)1 << 21)
    #ifndef MAP_NORESERVE
    #define MAP_NORESERVE 0
    #endif
    #ifndef MAP_ANONYMOUS
    #define MAP_ANONYMOUS MAP_ANON
    #endif

    static inline void cascade_advise(void *block, size_t bytes) {
    #ifdef MADV_HUGEPAGE
        madvise(block, bytes, MADV_HUGEPAGE);
    #else
        (void)block; (void)bytes;
    #endif
    }
    static inline char *cascade_map(size_t bytes) {
        void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return block == MAP_FAILED ? NULL : (char *)block;
    }
    /* A huge page has to begin at a multiple of its size. */
    static inline char *cascade_map_aligned(size_t bytes) {
        char *block, *begin, *end;
        bytes = (bytes + 4095) & ~(size_t)4095;
        block = cascade_map(bytes + CASCADE_HUGE_PAGE);
        if (block == NULL) return NULL;
        begin = (char *)(((uintptr_t)block + CASCADE_HUGE_PAGE - 1) & ~(CASCADE_HUGE_PAGE - 1));
        end = block + bytes + CASCADE_HUGE_PAGE;
        if (begin > block) munmap(block, (size_t)(begin - block));
        if (end > begin + bytes) munmap(begin + bytes, (size_t)(end - begin) - bytes);
        return begin;
    }
    static inline void *cascade_allocate(size_t bytes, int dense) {
        void *block;
        if (bytes < CASCADE_MAPPED_BYTES) return calloc(bytes ? bytes : 1, 1);
        if (!dense || bytes < CASCADE_HUGE_BYTES) return cascade_map(bytes);
        block = cascade_map_aligned(bytes);
        if (block != NULL) cascade_advise(block, bytes);
        return block;
    }
    static inline void cascade_release(void *block, size_t bytes) {
        if (block == NULL) return;
        if (bytes < CASCADE_MAPPED_BYTES) free(block);
        else munmap(block, bytes);
    }
    static inline void *cascade_resize(void *block, size_t bytes, size_t wanted, int dense) {
        void *grown;
    #ifdef MREMAP_MAYMOVE
        /* moving page tables breaks huge pages up: those blocks are copied */
        if (block != NULL && bytes >= CASCADE_MAPPED_BYTES && wanted >= bytes
                && !(dense && wanted >= CASCADE_HUGE_BYTES)) {
            grown = mremap(block, bytes, wanted, MREMAP_MAYMOVE);
            return grown == MAP_FAILED ? NULL : grown;
        }
    #endif
        grown = cascade_allocate(wanted, dense);
        if (grown == NULL) return NULL;
        if (block != NULL) memcpy(grown, block, bytes < wanted ? bytes : wanted);
        cascade_release(block, bytes);
        return grown;
    }
    static inline void cascade_touch(void *block, size_t from, size_t to) {
        volatile char *bytes = (volatile char *)block;
        if (to <= from) return;
    #ifdef MADV_HUGEPAGE
        if (to - from >= CASCADE_HUGE_BYTES / 4) {
            uintptr_t begin = ((uintptr_t)block + from) & ~(uintptr_t)4095;
            madvise((void *)begin, (uintptr_t)block + to - begin, MADV_HUGEPAGE);
        }
    #endif
    #ifdef MADV_POPULATE_WRITE
        if (to - from >= CASCADE_MAPPED_BYTES) {
            uintptr_t begin = ((uintptr_t)block + from) & ~(uintptr_t)4095;
            if (madvise((void *)begin, (uintptr_t)block + to - begin, MADV_POPULATE_WRITE) == 0)
                return;
        }
    #endif
        for (size_t at = from; at < to; at += 4096) bytes[at] = bytes[at];
        bytes[to - 1] = bytes[to - 1];
    }
    #endif
    """
    # NULL when there is no memory; the block is all zero
    void* memory_allocate "cascade_allocate"(size_t byte_count, int dense) noexcept nogil
    # `byte_count` is what the block was allocated with
    void memory_release "cascade_release"(void* block, size_t byte_count) noexcept nogil
    # keeps what was there, the rest is zero; NULL: no memory, and the block is as it was
    void* memory_resize "cascade_resize"(void* block, size_t byte_count, size_t wanted,
                                         int dense) noexcept nogil
    # takes the page faults of bytes `begin` to `end` now
    void memory_touch "cascade_touch"(void* block, size_t begin, size_t end) noexcept nogil
