"""Checks that other calls of lending markets share, before anything changes."""

from libc.stdint cimport int64_t

from cascade._core cimport EngineCore
from cascade._reserve cimport Reserve

cdef Reserve* reserve_at(EngineCore core, int64_t number) except NULL
cdef int check_borrower(EngineCore core, int64_t lending, int64_t account) except -1
# Is a reserve open for an amount, of more supply or debts or of less?
cdef int check_open_for(EngineCore core, const Reserve* r, bint more) except -1
# Limits of one reserve for a column of deposits or debts.
cdef int check_column(EngineCore core, Reserve* r, const int64_t[::1] lots, bint borrowed) except -1
# Does the sum of a flow since the beginning fit?
cdef int check_flow(EngineCore core, const Reserve* r, int flow, int64_t lots) except -1
