"""How many lots of a due position to close, and when a backstop takes the unit: docs/step.md.

The most lots that may stay are looked for by asking the rule of one number after the other (halving
the interval, as the answer changes once), never by solving an equation.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from .margin import Holding, Unit, boundary


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
    return mixed(mixed(mixed(seed % WORD) ^ clock) ^ (int(account) * 2**16 + market))


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


def capped_lots(held: Holding, most: int, used: int) -> int:
    """As many lots as a cap allows of which `used` is spent; one at least while nothing is."""
    total = abs(held.size)
    if worth(held, total) <= most - used:
        return total
    fits = boundary(0, total, lambda lots: worth(held, lots) <= most - used)
    return fits if used else max(1, fits)


def asked(held: Holding, rule: tuple | None, lots: int) -> Fraction:
    """What `lots` that stay of a holding ask of its unit's equity: by its rule, or maintenance."""
    kind, *terms = rule or ("",)
    if kind == "target":
        return worth(held, lots) * terms[0]
    needed = Fraction(left_after(held, lots).maintenance(held.mark))
    if kind == "shortage":
        needed += terms[0] * (worth(held, lots) - min(0, held.profit(held.mark)))
    return needed


@dataclass
class Round:
    """One taking of a unit: what its positions' turns have in common.

    `waits` says whether the account was in its cool-down when it was taken; `used` is the notional of
    the lots closed so far; `missing` is the shortage that a ramp began with.
    """

    waits: bool
    used: int = 0
    missing: int = 0


def closing_lots(
    unit: Unit,
    rules: list[tuple | None],
    index: int,
    taken: Round,
    bits: int = 0,
    ramped: bool = False,
    stays: int = 0,
) -> int:
    """Lots to close of holding `index` of a unit; `rules` are its holdings', `bits` its draw.

    Where it is `ramped` the atoms `stays` of the unit's shortage are left, and maybe the whole holding.
    """
    held, rule = unit.holdings[index], rules[index]
    total = abs(held.size)
    if rule is None or held.ladder_trigger:
        return total
    kind, *terms = rule
    if kind == "slices" and not slice_comes(bits, terms[1]):
        return 0
    if unit.equity() <= 0:
        return total
    if kind == "tier_step":
        return total - lots_below(held, terms[0])
    if kind == "cap":
        return capped_lots(held, terms[0], taken.used)
    if kind == "slices":
        return slice_lots(held, terms[0], terms[2], bits)
    if kind == "fraction":
        share, least, _ = terms
        whole = taken.waits or abs(held.value(held.mark)) <= least
        return total if whole else ceil(total * share)
    others = sum(
        asked(other, rules[k], abs(other.size))
        for k, other in enumerate(unit.holdings)
        if k != index
    )
    left = unit.equity() + stays - others
    if ramped and asked(held, rule, total) <= left:
        return 0
    # all of them are too many: the unit is due, or its target below maintenance
    return total - boundary(0, total, lambda lots: asked(held, rule, lots) <= left)


def backstop_due(unit: Unit, fractions: list[Fraction]) -> bool:
    """Is equity below the sum of the holdings' maintenance, each times its market's fraction?"""
    needed = sum(
        ceil(share * held.maintenance(held.mark))
        for share, held in zip(fractions, unit.holdings, strict=True)
    )
    return needed > 0 and unit.equity() < needed
