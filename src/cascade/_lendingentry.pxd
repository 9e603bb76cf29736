"""Checks that other calls of lending markets share."""

from libc.stdint cimport int64_t

from cascade._core cimport EngineCore
from cascade._reserve cimport Reserve

cdef Reserve* reserve_at(EngineCore core, int64_t number) except NULL
cdef int check_borrower(EngineCore core, int64_t lending, int64_t account) except -1
