"""What a lending protocol sets or does itself, as drivers say it, in whole numbers.

The terms of a storefront, docs/protocols/compound_v3.md, and the payment of what was written off,
docs/lending-market.md, *Bad debt*.
"""

from libc.stdint cimport int64_t

from cascade._arithmetic cimport int128, saturate
from cascade._core cimport EngineCore
from cascade._flows cimport note_flow
from cascade._lendingentry cimport check_flow, check_open_for, reserve_at
from cascade._log cimport Event, log_append
from cascade._reserve cimport CLOSE_ABSORB, FLOW_REPAID, LARGEST_LOTS, Lending, Reserve
from cascade._types cimport EVENT_REPAY

from cascade.reserve_words import lending_named, outside


def set_storefront(EngineCore core, int64_t lending, int64_t factor, int64_t target):
    """Share of the penalty that a buyer gets, parts of 10**9, and lots of the base up to which is sold."""
    cdef Lending* rules
    if not 0 <= lending < core.state.lending_count:
        raise ValueError(f"lending market {lending} is outside 0 ... {core.state.lending_count - 1}")
    rules = &core.state.lendings[lending]
    if rules.close_factor != CLOSE_ABSORB:
        raise ValueError(f"{lending_named(core, lending)} takes nothing over")
    rules.close_fraction = factor
    rules.close_value = target


def burn_deficit(EngineCore core, int64_t number, int64_t lots):
    """Pay for debts of a reserve that were written off, from outside."""
    cdef Reserve* r = reserve_at(core, number)
    cdef Event* event
    check_open_for(core, r, False)
    if not 1 <= lots <= r.deficit:
        raise ValueError(outside(core, r.number, "amount", lots, 1, r.deficit, "its deficit"))
    if r.cash > LARGEST_LOTS - lots:
        raise OverflowError(outside(core, r.number, "amount", lots, 1, LARGEST_LOTS - r.cash,
                                    "what fits in 64 bits"))
    check_flow(core, r, FLOW_REPAID, lots)
    core.begin()
    r.deficit -= lots
    r.cash += lots
    note_flow(r, FLOW_REPAID, lots)
    event = log_append(&core.state.log, EVENT_REPAY, r.borrowed_side, -1, 0)
    event.account = -1
    event.quantity = lots
    event.money = saturate(<int128>lots * r.unit * r.price)
    core.end()
