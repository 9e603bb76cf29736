"""Categories of a lending market: assets that move together, with terms of their own for who owes only of them.

The engine has numbers for them, from 1 in the order in which they were added; here are their names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade import _lendingterms
from cascade.lending_sides import check_side_name, make_side
from cascade.refusals import check_name
from cascade.reserve import LendingSide

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket

__all__ = ["Category", "add_category", "category_of", "numbered"]

MOST = 255


@dataclass(frozen=True)
class Category:
    """Assets that move together, and the terms of accounts that owe only of them.

    Attributes
    ----------
    name : str
    number : int
        From 1 in each lending market.
    sides : dict of str to LendingSide
        Supplied side of each collateral's reserve.
    borrowable : tuple of str
        What accounts of the category may owe.
    terms : dict of str to int
        Threshold, loan-to-value ratio and bonus, parts of 10**9.
    """

    name: str
    number: int
    sides: dict[str, LendingSide]
    borrowable: tuple[str, ...]
    terms: dict[str, int]


def add_category(
    lending: LendingMarket,
    name: str,
    collateral: Iterable[str],
    borrowable: Iterable[str],
    terms: dict[str, int],
) -> Category:
    """See `LendingMarket.add_category`; `terms` are parts of 10**9."""
    check_name(name, "category", lending.categories)
    reserves = [lending[asset] for asset in dict.fromkeys(collateral)]
    owed = [lending[asset] for asset in dict.fromkeys(borrowable)]
    if not reserves:
        raise ValueError(
            f"collateral {collateral!r} of category {name!r} is empty: it has one reserve or more"
        )
    if len(lending.categories) == MOST:
        raise ValueError(f"category {name!r}: a lending market has at most {MOST}")
    for reserve in reserves:
        check_side_name(lending, f"{lending.name} {reserve.name} supplied, {name}")
    sides = {}
    for reserve in reserves:
        words = f"{lending.name} {reserve.name} supplied, {name}"
        side = make_side(lending, words, reserve.supplied_side.ticks, reserve.lots)
        side.reserve, side.borrowed = reserve, False
        sides[reserve.name] = side
    made = _lendingterms.add_category(
        lending.engine,
        lending.number,
        [(reserve.number, sides[reserve.name].number) for reserve in reserves],
        [reserve.number for reserve in owed],
        **terms,
    )
    for reserve in reserves:
        reserve.supplied_sides.append(sides[reserve.name])
        sides[reserve.name].category = name
    found = Category(name, made, sides, tuple(reserve.name for reserve in owed), dict(terms))
    lending.categories[name] = found
    return found


def numbered(lending: LendingMarket, name: str | None) -> int:
    """Number of a category, 0 for None.

    Raises
    ------
    KeyError
        There is no such category.
    """
    if name is None:
        return 0
    if name not in lending.categories:
        known = ", ".join(map(repr, lending.categories)) or "none"
        raise KeyError(f"category {name!r} is unknown; there are: {known}")
    return lending.categories[name].number


def category_of(lending: LendingMarket, account: int) -> str | None:
    """Name of the category that an account of a lending market is in."""
    number = _lendingterms.category_of(lending.engine, lending.number, account)
    return None if number == 0 else list(lending.categories)[number - 1]
