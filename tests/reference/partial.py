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


ONCE_A_STEP = ("cap", "slices")
WORD = 2**64


def mixed(number: int) -> int:
    """One step of splitmix64."""
    x = (number + 0x9E3779B97F4A7C15) % WORD
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % WORD
    x = (x ^ x >> 27) * 0x94D049BB133111EB % WORD
    return x ^ x >> 31


def drawn(seed: int, clock: int, account: int, market: int) -> int:
    """The 64 bits that decide about a position at a time."""
    return mixed(mixed(mixed(seed % WORD) ^ clock) ^ (account * 2**16 + market))


def slice_comes(bits: int, chance: Fraction) -> bool:
    return Fraction(bits // 2, WORD // 2) < chance


def worth(held: Holding, lots: int) -> int:
    return abs(held.contract.value(lots if held.size > 0 else -lots, held.mark))


def slice_lots(held: Holding, share: Fraction, least: int, bits: int) -> int:
    """A random slice: the share times 1/2 ... 3/2, worth at least `least`."""
    total = abs(held.size)
    if worth(held, total) <= least:
        return total
    factor = Fraction(1, 2) + Fraction(mixed(bits) // 2**32, 2**32)
    smallest = boundary(0, total, lambda lots: worth(held, lots) < least) + 1
    return min(total, max(ceil(total * share * factor), smallest))


def capped_lots(held: Holding, most: int) -> int:
    total = abs(held.size)
    if worth(held, total) <= most:
        return total
    return max(1, boundary(0, total, lambda lots: worth(held, lots) <= most))


def lots_restored(held: Holding, equity: int, buffer: Fraction) -> int:
    """The most lots whose maintenance and buffer equity reaches, its loss counted with the buffer."""
    counted = equity + min(0, held.profit(held.mark)) * buffer

    def stays(lots: int) -> bool:
        rest = left_after(held, lots)
        return rest.maintenance(held.mark) + buffer * worth(held, lots) <= counted

    return boundary(0, abs(held.size), stays)


def closing_lots(held: Holding, equity: int, rule: tuple, waits: bool, bits: int = 0) -> int:
    """Lots to close of the only position of a unit.

    `rule` is the market's; `waits` says whether the account is in its cool-down; `bits` is its
    draw at this time.
    """
    total = abs(held.size)
    kind, *terms = rule
    if kind == "target":
        return total - kept_lots(held, equity, terms[0])
    if equity <= 0:
        return total
    if kind == "tier_step":
        return total - lots_below(held, terms[0])
    if kind == "shortage":
        return total - lots_restored(held, equity, terms[0])
    if kind == "cap":
        return capped_lots(held, terms[0])
    if kind == "slices":
        return slice_lots(held, terms[0], terms[2], bits)
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
