"""Interface of deleveraging by a user's function."""

from cascade._state cimport Market, Ranking, State

# Scores of a ranking's rows from the market's function; an exception is kept and empties the ranking.
cdef void ask_function(State* state, Market* market, Ranking* ranking) noexcept nogil
# Raises the exception that was kept.
cdef int raise_kept(State* state) except -1
