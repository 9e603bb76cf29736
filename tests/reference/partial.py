"""How many lots of a due position to close, and when a backstop takes the unit: docs/step.md.

The most lots that may stay are looked for by asking the rule of one number after the other (halving
the interval, as the answer changes once), never by solving an equation.
"""

from fractions import Fraction
from math import ceil

from .margin import Holding, Unit, boundary, kept_lots


def left_after(held: Holding, lots: int) -> Holding:
    """The holding with `lots` left of it, its entry value taken off in proportion."""
    total = abs(held.size)
    entry = held.entry - held.entry * (total - lots) // total
    size = lots if held.size > 0 else -lots
    return Holding(size, entry, held.contract, held.table, held.mark, held.ladder_trigger)


def lots_below(held: Holding, tiers: int) -> int:
    """The most lots that leave the position `tiers` tiers lower, or in the lowest; 0 from there."""
    tier = held.tier(held.mark)
    if tier == 0:
        return 0
    wanted = max(tier - tiers, 0)
    return boundary(
        0, abs(held.size), lambda lots: left_after(held, lots).tier(held.mark) <= wanted
    )


def closing_lots(held: Holding, equity: int, rule: tuple, waits: bool) -> int:
    """Lots to close of the only position of a unit.

    `rule` is the market's; `waits` says whether the account is in its cool-down.
    """
    total = abs(held.size)
    kind, *terms = rule
    if kind == "target":
        return total - kept_lots(held, equity, terms[0])
    if equity <= 0:
        return total
    if kind == "tier_step":
        return total - lots_below(held, terms[0])
    share, least, _ = terms
    if waits or abs(held.value(held.mark)) <= least:
        return total
    return ceil(total * share)


def backstop_due(unit: Unit, fractions: list[Fraction]) -> bool:
    """Is equity below the sum of the holdings' maintenance, each times its market's fraction?"""
    needed = sum(
        ceil(share * held.maintenance(held.mark))
        for share, held in zip(fractions, unit.holdings, strict=True)
    )
    return needed > 0 and unit.equity() < needed
