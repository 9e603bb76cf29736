"""Interface of prices from outside: those on their way, samples of the basis, the impact premium."""

from libc.stdint cimport int32_t, int64_t

from cascade._state cimport Market, State

# Puts an index given now (0: none) behind those on their way; gives the newest whose delay has
# passed, 0: none.
cdef int32_t believed_index(State* state, Market* market, int32_t given) noexcept nogil
# Room for one more price on its way: -1 without memory.
cdef int delayed_reserve(Market* market) noexcept nogil
cdef void delayed_append(Market* market, int64_t due, int32_t price) noexcept nogil
# The samples of the basis whose time comes within the step, of what the last step left.
cdef void sample_basis(State* state, Market* market, int64_t elapsed) noexcept nogil
cdef void keep_sample(Market* market, int64_t basis) noexcept nogil
# Mean of the samples, in AVERAGE_PARTS a tick, rounded toward zero.
cdef void average_samples(Market* market) noexcept nogil
# Premium of the impact prices over the index, parts in 10**9 rounded toward zero.
cdef int64_t impact_premium(const Market* market) noexcept nogil
