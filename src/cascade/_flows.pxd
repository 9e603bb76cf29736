"""What a reserve's cash is made of: lots that came and went, counted apart from the cash itself.

The two are compared when an engine is validated, and the rounding that a reserve has gathered is bounded
by the number of amounts that were rounded. docs/engine-api.md has the sums.
"""

from libc.stdint cimport int64_t

from cascade._arithmetic cimport add_into, int128
from cascade._reserve cimport (
    FLOW_BORROWED, FLOW_REDEEMED, FLOW_REPAID, FLOW_SEIZED, FLOW_SUPPLIED, Reserve,
)


cdef inline int note_flow(Reserve* reserve, int flow, int64_t lots) noexcept nogil:
    # 0, or -1 when the sum does not fit; a saturated count of roundings bounds anything
    add_into(&reserve.roundings, 1)
    return -1 if add_into(&reserve.flows[flow], lots) else 0


cdef inline void note_rounding(Reserve* reserve, int64_t count) noexcept nogil:
    add_into(&reserve.roundings, count)


cdef inline bint reserve_sound(const Reserve* reserve) noexcept nogil:
    # what holds of a reserve at any time and is looked at after every call that moves its claims
    return (reserve.cash >= 0 and reserve.supplied >= 0 and reserve.borrowed >= 0
            and reserve.cash == <int128>reserve.flows[FLOW_SUPPLIED] - reserve.flows[FLOW_REDEEMED]
            - reserve.flows[FLOW_BORROWED] + reserve.flows[FLOW_REPAID] - reserve.flows[FLOW_SEIZED])
