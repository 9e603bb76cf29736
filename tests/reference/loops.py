"""Accounts of the twin that loop: docs/contagion.md, one lot tried after the other by halves."""

from fractions import Fraction
from math import ceil, floor

import numpy as np

from . import lending_terms as terms
from . import routes
from .grid import whole
from .lending_categories import lent_in
from .margin import rate_of
from .records import BUY, SELL

ONE = 10**18  # of an index


def borrowable(lending, account: int, reserve) -> int:
    """Most lots that `borrow` would accept, by trying it."""

    def accepted(lots: int) -> bool:
        scaled = ceil(Fraction(lots * ONE, reserve.borrow_index))
        held = lending.scaled(account, reserve.borrowed_side)
        weights = [
            floor(h.value(h.mark) * h.side.loan_to_value) if h.size > 0 else h.weighted(h.mark)
            for h in lending.unit(account).holdings
            if h.size > 0 or h.reserve is not reserve
        ]
        mark = max(reserve.borrowed_side.mark_ticks, 0)
        value = floor(Fraction(-(held + scaled) * reserve.unit * mark, reserve.refine))
        return sum(weights) + floor(value / reserve.borrow_factor) >= 0

    if lending.refuses(account, reserve, True):
        return 0
    most = reserve.cash
    if reserve.borrow_cap is not None:
        below = lending.rules.borrow_bound == "below"
        most = max(0, min(most, reserve.borrow_cap - reserve.owed_lots - below))
    if reserve.price_ticks:
        most = min(most, 2**56 // (reserve.unit * reserve.price_ticks))
    left = terms.common(reserve, True)
    if left is not None:
        most = max(0, min(most, left))
    isolated = terms.isolating(lending, account)
    if isolated is not None:
        room = isolated.debt_ceiling - isolated.isolated_debt
        most = largest(most, lambda lots: terms.hundredths(reserve, lots) <= room)
    lent = reserve.borrowable and lent_in(lending.category_of.get(account), reserve.name)
    lent = lent and not terms.shut(lending) and not terms.siloed_away(lending, account, reserve)
    lent = lent and (isolated is None or reserve.lent_in_isolation)
    return largest(most, accepted) if lent else 0


def largest(high: int, holds) -> int:
    low = 0
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low


def quote(reserve, side: int, lots: int):
    if reserve.source is None:
        return lots
    if not reserve.venues:
        return lots * reserve.unit * reserve.source.mark_ticks
    return routes.quote(reserve.venues, side, lots)


def send(venues: tuple, side: str, lots: int, lot) -> int:
    """Market orders over the venues, routed; lots filled."""
    parts, *_ = routes.route(venues, SELL if side == "sell" else BUY, lots)
    return sum(
        market.book.market(side, part * lot).filled
        for market, part in zip(venues, parts, strict=True)
        if part
    )


def needed(held, owed, lots: int, room: int):
    """The fewest lots of debt that pay for lots of collateral; None: more than there is room for."""
    cost = quote(held, BUY, lots)
    if cost is None:
        return None

    def too_few(debts: int) -> bool:
        brought = quote(owed, SELL, debts)
        return brought is not None and brought < cost

    fewest = largest(room, too_few) + 1
    brought = quote(owed, SELL, fewest) if fewest <= room else None
    return fewest if brought is not None and brought >= cost else None


def loop(
    lending, collateral, debt, *, leverage, amount, swap=True, rounds=64, category=None
) -> np.ndarray:
    held, owed = lending.reserves[collateral], lending.reserves[debt]
    count = max(np.size(leverage), np.size(amount))
    amounts = np.broadcast_to(np.asarray(amount, dtype=object), count).tolist()
    ratios = np.broadcast_to(np.asarray(leverage, dtype=object), count).tolist()
    own = [whole("amount", a, held.lot_size) for a in amounts]
    aims = [floor(a * rate_of(ratio)) for a, ratio in zip(own, ratios, strict=True)]
    lot, other = rate_of(held.lot_size), rate_of(owed.lot_size)
    if not swap:
        worth, unit = held.unit * held.price_ticks, owed.unit * owed.price_ticks
        debts = [ceil(Fraction((t - a) * worth, unit)) for a, t in zip(own, aims, strict=True)]
        given = {collateral: [t * lot for t in aims]}
        owing = {debt: [d * other for d in debts]}
        return lending.open(collateral=given, debt=owing, category=category)
    given = {collateral: [a * lot for a in own]}
    ids = lending.open(collateral=given, category=category)
    for account, have, aim in zip(ids, own, aims, strict=True):
        left = aim - have
        for _ in range(rounds):
            room = borrowable(lending, account, owed)

            def fits(lots: int, room: int = room) -> bool:
                return needed(held, owed, lots, room) is not None

            lots = largest(left, fits)
            if not lots:
                break
            borrowed = needed(held, owed, lots, room)
            lending.borrow(account, debt, borrowed * other)
            if owed.venues:
                send(owed.venues, "sell", borrowed, other)
            if held.venues:
                lots = send(held.venues, "buy", lots, lot)
                if lots == 0:
                    break
            lending.deposit(account, collateral, lots * lot)
            left -= lots
    return ids
