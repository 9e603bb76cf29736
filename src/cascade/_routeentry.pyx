"""Routes as drivers call them, in whole numbers; `cascade.routing` has put lots and markets."""

from libc.stdint cimport int64_t, uint8_t, uint16_t

from cascade._core cimport EngineCore
from cascade._reserve cimport MOST_VENUES as MOST
from cascade._route cimport Route, plan_route
from cascade._venuequote cimport venue_quote

MOST_VENUES = MOST
LARGEST_LOTS = 2**60


def split_order(EngineCore core, numbers, int side, int64_t lots):
    """Lots and atoms by market of a trade that is split over them, and lots that none takes; nothing changes."""
    cdef uint16_t[MOST] venues
    cdef Route route
    cdef int k, count = len(numbers)
    if not 1 <= count <= MOST:
        raise ValueError(f"{count} venues are not 1 ... {MOST}")
    if not 0 <= lots <= LARGEST_LOTS:
        raise ValueError(f"lots {lots} are outside 0 ... {LARGEST_LOTS}")
    for k in range(count):
        core.market_at(numbers[k])
        venues[k] = <uint16_t>numbers[k]
    core.begin()
    plan_route(&core.state, venues, count, <uint8_t>side, lots, &route)
    parts = [route.lots[k] for k in range(count)]
    atoms = [venue_quote(core.state.markets[venues[k]], <uint8_t>side, route.lots[k]) for k in range(count)]
    core.release()
    return parts, atoms, route.left
