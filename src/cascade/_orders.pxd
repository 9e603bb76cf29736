"""Interface of the order path: what happens to a message between a driver and the accounts."""

from cascade._book cimport Message, Submitted
from cascade._state cimport Market, State

# One message of a driver: event, checks, venue, settlement, mark, stops.
cdef void submit_order(State* state, Market* market, const Message* message, Submitted* out) noexcept nogil
# Stops that are due, one at a time, each followed by its settlement and mark.
cdef void fire_stops(State* state, Market* market) noexcept nogil
