"""Categories of a lending market's accounts."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

from cascade._reserve cimport Reserve
from cascade._state cimport State

cdef enum:
    MOST_CATEGORIES = 255


cdef inline uint8_t account_category(const State* state, int64_t account) noexcept nogil:
    return state.categories[account] if account < state.category_room else 0


cdef inline bint lent_in(const Reserve* reserve, uint8_t category) noexcept nogil:
    # may accounts of a category, 0: of none, owe the reserve's asset?
    return category == 0 or (reserve.lent_in[category >> 6] >> (category & 63)) & 1


cdef uint16_t deposit_side(const State* state, const Reserve* reserve, uint8_t category) noexcept nogil
cdef void state_terms(State* state, uint32_t number, int64_t side, int64_t threshold, int64_t loan_to_value,
                      int64_t bonus) noexcept nogil
cdef int make_room(State* state) noexcept nogil
cdef void change_category(State* state, int64_t account, uint8_t category) noexcept nogil
