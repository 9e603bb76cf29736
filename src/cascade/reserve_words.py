"""What the core refuses about reserves and borrowers, in the names and units of whoever asked.

The core knows numbers and lots; an engine knows what they are called. Only errors come here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket
    from cascade.reserve import Reserve

__all__ = [
    "amount",
    "category_named",
    "lending_named",
    "money_amount",
    "not_lent",
    "outside",
    "reserve_named",
    "stated_cap",
]


def _lending(engine: Any, number: int) -> LendingMarket | None:
    return next((one for one in getattr(engine, "lending", ()) if one.number == number), None)


def _reserve(engine: Any, number: int) -> Reserve | None:
    for lending in getattr(engine, "lending", ()):
        for reserve in lending.reserves.values():
            if reserve.number == number:
                return reserve
    return None


def _shown(number: Fraction) -> str:
    return f"{float(number):.15g}"


def lending_named(engine: Any, number: int) -> str:
    """A lending market as errors name it."""
    found = _lending(engine, number)
    return f"lending market {number if found is None else repr(found.name)}"


def category_named(engine: Any, lending: int, category: int) -> str:
    """A category of a lending market, 0: none, as errors name it."""
    found = _lending(engine, lending)
    if found is None or not category:
        return f"category {category or None}"
    return f"category {list(found.categories)[category - 1]!r}"


def reserve_named(engine: Any, number: int) -> str:
    """A reserve as errors name it."""
    found = _reserve(engine, number)
    return (
        f"reserve {number}"
        if found is None
        else f"reserve {found.name!r} of {found.lending.name!r}"
    )


def amount(engine: Any, number: int, lots: int) -> str:
    """Lots of a reserve as an amount of its asset."""
    found = _reserve(engine, number)
    return f"{lots} lots" if found is None else _shown(Fraction(found.lots.step) * lots)


def stated_cap(engine: Any, number: int, name: str, lots: int) -> str:
    """A cap of a reserve as it was stated; `lots` are the most that it allows."""
    found = _reserve(engine, number)
    return f"{name} of {amount(engine, number, lots if found is None else found.given[name])}"


def money_amount(engine: Any, number: int, atoms: int) -> str:
    """Atoms of a lending market's money as an amount."""
    found = _lending(engine, number)
    return (
        f"{atoms} atoms" if found is None else _shown(Fraction(atoms, engine.scale_of(found.asset)))
    )


def outside(
    engine: Any, number: int, name: str, lots: int, least: int, most: int, why: str = ""
) -> str:
    """Name, value and range of an amount of a reserve; `why` says whose range it is."""
    given, low, high = (amount(engine, number, n) for n in (lots, least, max(least, most)))
    limits = f"is outside {low} ... {high}" if most >= least else "is none that can be given"
    reason = f", {why}" if why else ""
    return f"{name} {given} of {reserve_named(engine, number)} {limits}{reason}"


def not_lent(engine: Any, number: int, category: int) -> str:
    """A reserve that a category does not lend."""
    found = _reserve(engine, number)
    if found is None:
        return f"reserve {number} cannot be borrowed in category {category}"
    chosen = list(found.lending.categories.values())[category - 1]
    lent = ", ".join(map(repr, chosen.borrowable)) or "nothing"
    return f"{reserve_named(engine, number)} cannot be borrowed in category {chosen.name!r}, which lends {lent}"
