"""Loops: accounts that deposit, borrow, swap what they borrowed and deposit again, docs/contagion.md.

Each round takes the most that the loan-to-value ratios, the cash and the venue allow, up to the target.
The swap is a market order from outside, so that the next round, the next account and every oracle that
reads the venue meet the price it leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade import _lendingentry, _lendingquote
from cascade.codes import Side
from cascade.exact_numbers import exact, whole
from cascade.lending_categories import numbered
from cascade.routed_orders import send_route

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket
    from cascade.reserve import Reserve

__all__ = ["open_loops"]

MOST_ROUNDS = 64


def open_loops(
    lending: LendingMarket,
    collateral: str,
    debt: str,
    leverage: ArrayLike,
    amount: ArrayLike,
    swap: bool,
    rounds: int,
    category: str | None,
) -> NDArray[np.int64]:
    """See `LendingMarket.loop`."""
    held, owed = lending[collateral], lending[debt]
    if lending.rules.auction is not None:
        lending.rules.auction.check_named(lending.reserves)
    if held is owed or not set(held.venues).isdisjoint(owed.venues):
        raise ValueError(
            f"debt {debt!r} is the collateral {collateral!r} itself or trades in the same market: it must be "
            "another reserve, sold elsewhere"
        )
    if not 1 <= whole(rounds, "rounds") <= MOST_ROUNDS:
        raise ValueError(f"rounds {rounds} is outside 1 ... {MOST_ROUNDS}")
    chosen = numbered(lending, category)
    lots, targets = _targets(held, leverage, amount)
    if not swap:
        worth, unit = _worth(held), _worth(owed)
        # debts are rounded up
        debts = np.array(
            [-(-(t - a) * worth // unit) for a, t in zip(lots, targets, strict=True)], np.int64
        )
        return _open(lending, held, np.array(targets, np.int64), owed, debts, chosen)
    none = np.zeros(len(lots), np.int64)
    ids = _open(lending, held, np.array(lots, np.int64), owed, none, chosen)
    for account, have, target in zip(ids.tolist(), lots, targets, strict=True):
        _wind(lending, account, held, owed, target - have, rounds)
    return ids


def _targets(held: Reserve, leverage: ArrayLike, amount: ArrayLike) -> tuple[list[int], list[int]]:
    # lots of own money, and lots of collateral aimed at, rounded down
    own = np.atleast_1d(held.lots.steps_of(amount, "amount"))
    wanted = np.atleast_1d(np.asarray(leverage, dtype=object))
    if own.ndim != 1 or wanted.ndim != 1:
        raise ValueError(
            f"amount and leverage have {own.ndim} and {wanted.ndim} dimensions, and must have one or none"
        )
    if len(own) != len(wanted) and 1 not in (len(own), len(wanted)):
        raise ValueError(
            f"leverage has {len(wanted)} numbers, and must have 1 or as many as amount, {len(own)}"
        )
    count = max(len(own), len(wanted)) if len(own) and len(wanted) else 0
    lots = np.broadcast_to(own, count).tolist()
    ratios = [exact(value, "leverage") for value in np.broadcast_to(wanted, count).tolist()]
    for row, (have, ratio) in enumerate(zip(lots, ratios, strict=True)):
        if have <= 0:
            raise ValueError(
                f"row {row}: amount {held.lots.number(have):g} of {held.name!r} is below {held.lots.number(1):g}"
            )
        if ratio < 1:
            raise ValueError(f"row {row}: leverage {float(ratio):g} is below 1")
    targets = [int(have * ratio) for have, ratio in zip(lots, ratios, strict=True)]
    if targets and max(targets) > 2**60:
        raise OverflowError(
            f"leverage: collateral of {max(targets)} lots is aimed at, outside 1 ... 2**60"
        )
    return lots, targets


def _worth(reserve: Reserve) -> int:
    # atoms of a lot at the price that is believed
    price = reserve.row()["price"]
    if not price:
        raise ValueError(f"reserve {reserve.name!r} has no price yet")
    return int(reserve.given["unit"]) * price


def _open(
    lending: LendingMarket,
    held: Reserve,
    lots: NDArray[np.int64],
    owed: Reserve,
    debts: NDArray[np.int64],
    category: int,
) -> NDArray[np.int64]:
    rows: list[Any] = [(held.number, False, lots), (owed.number, True, debts)]
    rows = [row for row in rows if not row[1] or row[2].any()]
    rows.sort(key=lambda row: row[:2])
    first = _lendingentry.open_borrowers(lending.engine, lending.number, rows, len(lots), category)
    return np.arange(first, first + len(lots))


# --- rounds ------------------------------------------------------------------------------------


def _wind(
    lending: LendingMarket, account: int, held: Reserve, owed: Reserve, left: int, rounds: int
) -> None:
    engine, number = lending.engine, lending.number
    for _ in range(rounds):
        room = _lendingquote.borrowable_lots(engine, number, account, owed.number)
        lots = _most(left, partial(_fits, held, owed, room))
        if lots == 0:
            return
        borrowed = _needed(held, owed, lots, room)
        assert borrowed is not None
        _lendingentry.change_claim(engine, number, account, owed.number, borrowed, True, False)
        if owed.venues:
            send_route(owed.venues, Side.SELL, borrowed)
        if held.venues:
            # a band may stop the order before what was quoted
            lots = send_route(held.venues, Side.BUY, lots).filled
            if lots == 0:
                return
        _lendingentry.change_claim(engine, number, account, held.number, lots, False, False)
        left -= lots


def _fits(held: Reserve, owed: Reserve, room: int, lots: int) -> bool:
    return _needed(held, owed, lots, room) is not None


def _quote(reserve: Reserve, side: Side, lots: int) -> int | None:
    # atoms that lots of a reserve's asset trade for; None: its venues do not take so many
    found = _lendingquote.quote_lots(reserve.lending.engine, reserve.number, side, lots)
    return None if found < 0 else found


def _needed(held: Reserve, owed: Reserve, lots: int, room: int) -> int | None:
    # the fewest lots of debt whose sale pays for lots of collateral; None: more than there is room for
    cost = _quote(held, Side.BUY, lots)
    if cost is None:
        return None

    def too_few(debts: int) -> bool:
        brought = _quote(owed, Side.SELL, debts)
        return brought is not None and brought < cost

    fewest = _most(room, too_few) + 1
    if fewest > room:
        return None
    return None if _quote(owed, Side.SELL, fewest) is None else fewest


def _most(high: int, holds: Callable[[int], bool]) -> int:
    # the largest number up to `high` of which it holds, as of all below; 0 where of none
    low = 0
    while low < high:
        middle = low + (high - low + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
