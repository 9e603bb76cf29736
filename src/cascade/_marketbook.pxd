"""Interface of the book of a market inside an engine."""

from libc.stdint cimport int64_t

from cascade._core cimport EngineCore
from cascade._orderentry cimport OrderEntry
from cascade._state cimport Market


cdef class MarketBook(OrderEntry):
    cdef EngineCore engine
    cdef Market* market_state
    cdef int64_t number

    cdef int check_bound(self) except -1
