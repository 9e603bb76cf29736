"""Categories of the twin's lending markets: other terms for accounts that owe only of them.

docs/lending-market.md, *Categories*. A category's collateral is on supplied sides of its own, which have its
terms; opting in and out moves scaled lots from side to side.
"""

from dataclasses import dataclass

from . import log as events
from .clearing import ALL_CROSS
from .lending_reserves import Reserve, Side
from .margin import rate_of


@dataclass
class Category:
    """Assets that move together."""

    name: str
    number: int  # from 1
    sides: dict[str, Side]  # of the collateral, by reserve
    borrowable: set[str]


def add_category(
    lending,
    name,
    *,
    collateral,
    borrowable,
    liquidation_threshold,
    loan_to_value=None,
    liquidation_bonus=0,
) -> None:
    if name in lending.categories:
        raise ValueError(f"category {name!r} exists")
    if not list(collateral):
        raise ValueError(f"category {name!r} has no collateral")
    category = Category(name, len(lending.categories) + 1, {}, set(borrowable))
    for asset in category.borrowable:
        lending[asset]
    for reserve in [lending[asset] for asset in dict.fromkeys(collateral)]:
        side = lending.side(reserve, f"{lending.name} {reserve.name} supplied, {name}", False)
        terms = rate_of(liquidation_threshold), loan_to_value, liquidation_bonus
        lending.state_terms(side, *terms)
        reserve.category_sides.append(side)
        category.sides[reserve.name] = side
        reserve.form_marks(-1)
        lending.engine.queue.on_marks()
    lending.categories[name] = category


def side_of(category, reserve: Reserve, borrowed: bool = False) -> Side:
    """Where an account of a category, or of none, has its deposit or debt."""
    if borrowed:
        return reserve.borrowed_side
    if category is None:
        return reserve.supplied_side
    return category.sides.get(reserve.name, reserve.supplied_side)


def lent_in(category, name: str) -> bool:
    return category is None or name in category.borrowable


def check_lent(category, name: str) -> None:
    if not lent_in(category, name):
        raise ValueError(f"{name} cannot be borrowed in category {category.name!r}")


def set_category(lending, account: int, name) -> None:
    """Opt into a category, or out of all with None."""
    lending.check_account(account)
    category = None if name is None else lending.categories[name]
    old = lending.category_of.get(account)
    for reserve in lending.reserves.values():
        if lending.scaled(account, reserve.borrowed_side):
            check_lent(category, reserve.name)
    if lending.refuses(account, None, False):
        raise ValueError(f"an oracle gives no price for what account {account} has")
    moves = []
    for reserve in lending.reserves.values():
        sides = side_of(old, reserve), side_of(category, reserve)
        held = lending.scaled(account, sides[0])
        if held and sides[0] is not sides[1]:
            moves.append((*sides, held))
    for one, two, held in moves:
        lending.move_scaled(account, one, -held)
        lending.move_scaled(account, two, held)
    lending.engine.clearing.changed.append((account, ALL_CROSS))  # tested again in any case
    if lending.unit(account).equity() < 0:
        for one, two, held in moves:
            lending.move_scaled(account, two, -held)
            lending.move_scaled(account, one, held)
        lending.engine.queue.reenter_changed()
        raise ValueError(f"the collateral of {account} would bear less than it owes")
    lending.category_of[account] = category
    if category is not old:
        numbers = [0 if one is None else one.number for one in (category, old)]
        lending.engine.log.add(
            events.CATEGORY, account=account, quantity=numbers[0], order=numbers[1]
        )
    lending.engine.queue.reenter_changed()


def category_number(lending, account: int) -> int:
    category = lending.category_of.get(account)
    return 0 if category is None else category.number
