"""Interface of stability pools."""

from libc.stdint cimport int64_t

from cascade._reserve cimport Lending

# Most atoms of debt that a pool can cancel now: all but the least that stays.
cdef int64_t pool_free(const Lending* rules) noexcept nogil
# Cancel debt, at most that, and take what is given for it; -1 when it does not fit or without memory.
cdef int pool_offset(Lending* rules, int64_t debt, int64_t gain) noexcept nogil
# Take a share of interest and fees; -1 as above.
cdef int pool_earn(Lending* rules, int64_t atoms) noexcept nogil
