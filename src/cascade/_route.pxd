"""Interface of routes: a sale or a purchase split over several venues of one asset."""

from libc.stdint cimport int64_t, uint8_t, uint16_t

from cascade._reserve cimport MOST_VENUES, Reserve
from cascade._state cimport State

cdef struct Route:
    int64_t lots[MOST_VENUES]     # by venue, in the order stated
    int64_t left                  # that no venue takes
    int64_t atoms                 # for the rest, -1: more than fits

# Lots by venue so that no lot would trade better elsewhere; nothing changes.
cdef void plan_route(const State* state, const uint16_t* venues, int count, uint8_t side, int64_t lots,
                     Route* route) noexcept nogil
# Atoms for lots over all venues, -1: they do not take so many now.
cdef int64_t route_quote(const State* state, const uint16_t* venues, int count, uint8_t side,
                         int64_t lots) noexcept nogil
# Numbers of a reserve's venues as they are stated, -1 for none: one or a list.
cdef list venue_list(venue)
cdef int state_venues(Reserve* reserve, list venues) except -1
