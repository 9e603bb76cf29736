"""Interface of margin calls: accounts that are warned before they fall due, and what they do."""

from cascade._resident cimport Resident
from cascade._state cimport State

cdef enum CallAnswer:         # `code` of a MARGIN_CALL event
    ANSWER_NONE = 0
    ANSWER_TOP_UP = 1
    ANSWER_REDUCTION = 2
    ANSWER_TOO_LATE = 3       # due already: nothing is asked

# One turn: everybody whose warning trigger the mark has reached is called once.
cdef void call_margins(State* state, Resident* resident) noexcept nogil
