"""Bitmap of occupied ticks in levels of 64: the next one up or down in a few instructions.

`words[0]` has a bit a tick, `words[k]` a bit a word of `words[k - 1]`; the top level is short enough
to be walked. Every level has a zero word after its last one, so that looking
past the end needs no test. The hierarchy is that of a 64-ary van Emde Boas layout.
"""

from libc.stdint cimport int32_t, int64_t, uint64_t
from libc.string cimport memset

from cascade._memory cimport memory_allocate, memory_release

cdef enum:
    BITMAP_LEVELS = 5            # 64**5 = 2**30 ticks under one word of the top level

cdef extern from *:
    int __builtin_ctzll(unsigned long long word) noexcept nogil
    int __builtin_clzll(unsigned long long word) noexcept nogil
    bint likely(bint condition) noexcept nogil
    bint unlikely(bint condition) noexcept nogil

cdef struct Bitmap:
    uint64_t* words[5]
    int32_t size              # ticks covered
    int32_t depth             # levels in use


cdef inline int64_t bitmap_word_count(int64_t size, int32_t* depth) noexcept nogil:
    """Words of all levels together, each with its zero word at the end."""
    cdef int64_t count = size, total = 0
    depth[0] = 0
    while True:
        count = (count + 63) >> 6
        total += count + 1
        depth[0] += 1
        if count <= 1 or depth[0] == BITMAP_LEVELS:
            return total


cdef inline int bitmap_init(Bitmap* bitmap, int32_t size) noexcept nogil:
    """Empty bitmap over ticks 0 ... size - 1; -1 without memory."""
    cdef int64_t count = size, total
    cdef int32_t level
    cdef uint64_t* words
    memset(bitmap, 0, sizeof(Bitmap))
    total = bitmap_word_count(size, &bitmap.depth)
    words = <uint64_t*>memory_allocate(<size_t>total * sizeof(uint64_t), 0)
    if words == NULL:
        return -1
    bitmap.size = size
    for level in range(bitmap.depth):
        count = (count + 63) >> 6
        bitmap.words[level] = words
        words += count + 1
    return 0


cdef inline void bitmap_free(Bitmap* bitmap) noexcept nogil:
    cdef int32_t depth
    if bitmap.words[0] != NULL:
        memory_release(bitmap.words[0],
                       <size_t>bitmap_word_count(bitmap.size, &depth) * sizeof(uint64_t))
    memset(bitmap, 0, sizeof(Bitmap))


cdef inline void bitmap_set(Bitmap* bitmap, int32_t tick) noexcept nogil:
    cdef int32_t level
    cdef uint64_t before
    for level in range(bitmap.depth):
        before = bitmap.words[level][tick >> 6]
        bitmap.words[level][tick >> 6] = before | (<uint64_t>1 << (tick & 63))
        if before != 0:
            return
        tick >>= 6


cdef inline void bitmap_clear(Bitmap* bitmap, int32_t tick) noexcept nogil:
    cdef int32_t level
    for level in range(bitmap.depth):
        bitmap.words[level][tick >> 6] &= ~(<uint64_t>1 << (tick & 63))
        if bitmap.words[level][tick >> 6] != 0:
            return
        tick >>= 6


cdef inline bint bitmap_has(const Bitmap* bitmap, int32_t tick) noexcept nogil:
    return (bitmap.words[0][tick >> 6] >> (tick & 63)) & 1


cdef inline int32_t bitmap_top_words(const Bitmap* bitmap) noexcept nogil:
    cdef int64_t count = bitmap.size
    cdef int32_t _level
    for _level in range(bitmap.depth):
        count = (count + 63) >> 6
    return <int32_t>count


cdef inline int32_t bitmap_up(const Bitmap* bitmap, int32_t tick) noexcept nogil:
    """First occupied tick at or above `tick` (0 ... size), -1: none."""
    cdef int64_t at = tick
    cdef int32_t level = 0, top
    cdef uint64_t word
    while True:
        word = bitmap.words[level][at >> 6] >> (at & 63)
        if word != 0:
            at += __builtin_ctzll(word)
            break
        at = (at >> 6) + 1
        level += 1
        if level == bitmap.depth:
            # walk what is left of the top level
            level -= 1
            top = bitmap_top_words(bitmap)
            while at < top and bitmap.words[level][at] == 0:
                at += 1
            if at >= top:
                return -1
            at = (at << 6) + __builtin_ctzll(bitmap.words[level][at])
            break
    while level > 0:
        level -= 1
        at = (at << 6) + __builtin_ctzll(bitmap.words[level][at])
    return <int32_t>at


cdef inline int32_t bitmap_down(const Bitmap* bitmap, int32_t tick) noexcept nogil:
    """Last occupied tick at or below `tick` (-1 ... size - 1), -1: none."""
    cdef int64_t at = tick
    cdef int32_t level = 0
    cdef uint64_t word
    if at < 0:
        return -1
    while True:
        word = bitmap.words[level][at >> 6] << (63 - (at & 63))
        if word != 0:
            at -= __builtin_clzll(word)
            break
        at = (at >> 6) - 1
        if at < 0:
            return -1
        level += 1
        if level == bitmap.depth:
            level -= 1
            while at >= 0 and bitmap.words[level][at] == 0:
                at -= 1
            if at < 0:
                return -1
            at = (at << 6) + 63 - __builtin_clzll(bitmap.words[level][at])
            break
    while level > 0:
        level -= 1
        at = (at << 6) + 63 - __builtin_clzll(bitmap.words[level][at])
    return <int32_t>at
