"""Markets whose index follows the marks of other ones, docs/contagion.md: setting them up."""

from libc.stdint cimport int32_t, int64_t, uint16_t
from libc.stdlib cimport malloc, realloc

from cascade._core cimport EngineCore
from cascade._feed cimport believe_index, followed_price
from cascade._moves cimport test_moved
from cascade._state cimport Market
from cascade._window_mean cimport MOST_SOURCES as MOST


MOST_SOURCES = MOST


cdef int _add_follower(Market* leader, int64_t number) except -1:
    cdef void* grown = realloc(leader.followers, (leader.follower_count + 1) * sizeof(uint16_t))
    if grown == NULL:
        raise MemoryError("no memory for a market that follows")
    leader.followers = <uint16_t*>grown
    leader.followers[leader.follower_count] = <uint16_t>number
    leader.follower_count += 1
    return 0


def follow_marks(EngineCore core, int64_t number, sources):
    """Let a new market's index be the median of older markets' marks, now and whenever one changes."""
    cdef Market* market = core.market_at(number)
    cdef int64_t k, source
    cdef int32_t price
    if market.source_count or not 1 <= len(sources) <= MOST_SOURCES or len(set(sources)) < len(sources):
        raise ValueError(f"market {number} cannot follow markets {sources}")
    for source in sources:
        core.market_at(source)
        if source >= number:
            raise ValueError(f"market {number} cannot follow market {source}")
    core.begin()
    try:
        market.sources = <uint16_t*>malloc(len(sources) * sizeof(uint16_t))
        if market.sources == NULL:
            raise MemoryError("no memory for a market that follows")
        for k, source in enumerate(sources):
            market.sources[k] = <uint16_t>source
            market.source_count += 1
            _add_follower(core.state.markets[source], number)
        price = followed_price(&core.state, market)
        if price:
            believe_index(&core.state, market, price, -1, 0)
            test_moved(&core.state)
    finally:
        core.end()
