"""Interface of what residents have in common: their orders, their means, recent movement."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from cascade._book cimport Submitted
from cascade._resident cimport Resident
from cascade._state cimport Market, State

# Price of the last trade, of an impact venue its price; 0: none.
cdef int32_t last_price(const Market* market) noexcept nogil
# Through the driver's order path, with the resident's account. An order without price: at the market.
cdef void send_order(State* state, const Resident* resident, uint8_t side, int32_t price, int64_t lots,
                     uint8_t time_in_force, uint8_t flags, Submitted* out) noexcept nogil
cdef void send_cancel(State* state, const Resident* resident, int64_t order_id) noexcept nogil
# Open lots of an order of a book, hidden ones included; its price into `price`. 0: it is gone.
cdef int64_t open_order(const Market* market, int64_t order_id, int32_t* price) noexcept nogil
# Lots of its position, signed.
cdef int64_t held_lots(State* state, const Resident* resident) noexcept nogil
# The most of `lots` that initial margin allows; price 0: at the market.
cdef int64_t affordable_lots(State* state, const Resident* resident, uint8_t side, int64_t lots,
                             int32_t price) noexcept nogil
# Balance, margins and unrealised profit at the marks, atoms.
cdef int64_t account_equity(State* state, int32_t account) noexcept nogil
# Movement fades by elapsed / (time + elapsed), rounded toward zero, and grows by `moved` ticks.
cdef int64_t faded(int64_t movement, int64_t time, int64_t elapsed, int64_t moved) noexcept nogil
