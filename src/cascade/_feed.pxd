"""Interface of the feed: forming a market's mark, and what reached a trigger on it."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._state cimport Market, State

# Forms the mark again; `cause` is the event that moved the venue or the index. Units are tested by
# `test_moved`, when all marks that change at one moment are formed.
cdef void form_mark(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil
# Both for one market.
cdef void refresh_mark(State* state, Market* market, int64_t cause, int32_t wave) noexcept nogil
# Middle of the touch, an impact venue's price, 0: none.
cdef int32_t touch_middle(const Market* market) noexcept nogil
# A new price from outside or from the mark that the index follows: INDEX event, venue, mark.
cdef void believe_index(State* state, Market* market, int32_t price, int64_t cause, int32_t wave) noexcept nogil
# What the index of a market that follows others is formed from their marks; 0: none has one.
cdef int32_t followed_price(State* state, Market* market) noexcept nogil
# Is the index older than the market's rules allow? Then the mark stands still.
cdef bint index_is_stale(const State* state, const Market* market) noexcept nogil
# Moves the average of a feed that has one, over time that passed with the venue as it is.
cdef void follow_venue(State* state, Market* market, int64_t elapsed) noexcept nogil
# Event and wave of what reached a stop's trigger on the mark.
cdef void cause_of_mark_stop(const Market* market, uint8_t side, int32_t trigger, int64_t* cause,
                             int32_t* wave) noexcept nogil
