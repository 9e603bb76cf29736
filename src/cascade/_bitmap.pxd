"""Bitmap of occupied ticks in levels of 64: the next one up or down in a few instructions."""

from libc.stdint cimport int32_t, uint64_t

cdef enum:
    BITMAP_LEVELS = 5            # 64**5 = 2**30 ticks

cdef struct Bitmap:
    uint64_t* words[5]        # words[0] has a bit a tick, words[k] a bit a word of words[k-1]
    int32_t size              # ticks covered
    int32_t depth             # levels in use
