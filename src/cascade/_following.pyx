"""Markets whose index follows the mark of another one, docs/contagion.md: setting it up."""

from libc.stdint cimport int64_t, uint16_t

from cascade._core cimport EngineCore
from cascade._feed cimport believe_index
from cascade._moves cimport test_moved
from cascade._state cimport Market


def follow_mark(EngineCore core, int64_t number, int64_t source):
    """Let a new market's index be the mark of an older market, now and whenever that changes."""
    cdef Market* market = core.market_at(number)
    cdef Market* leader = core.market_at(source)
    cdef Market* last = leader
    if not source < number or market.follows:
        raise ValueError(f"market {number} cannot follow market {source}")
    core.begin()
    try:
        market.follows = <uint16_t>(source + 1)
        if leader.first_follower == 0:
            leader.first_follower = <uint16_t>(number + 1)
        else:
            last = core.market_at(leader.first_follower - 1)
            while last.next_follower:
                last = core.market_at(last.next_follower - 1)
            last.next_follower = <uint16_t>(number + 1)
        if leader.mark:
            believe_index(&core.state, market, leader.mark, -1, 0)
            test_moved(&core.state)
    finally:
        core.end()
