"""Why accounts that are due wait: what stands in the way of a call on each, as far as one can see beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade import _lendingquote
from cascade._columns import position_table
from cascade.codes import Side
from cascade.reserve import LendingSide, Reserve

if TYPE_CHECKING:
    from cascade.lending_market import LendingMarket

__all__ = ["REASONS", "waiting_accounts"]

#: In the order in which they are looked at.
REASONS = ("oracle", "closed", "nobody buys", "nobody sells", "no gain")


def waiting_accounts(lending: LendingMarket) -> dict[str, NDArray[Any]]:
    """See `LendingMarket.waiting`."""
    rules = lending.rules
    if rules.absorbs or rules.auction is not None or rules.troves is not None:
        kind = rules.close_factor if isinstance(rules.close_factor, str) else rules.close_factor[0]
        raise ValueError(
            f"lending market {lending.name!r} has close_factor {kind!r}, and no calls that wait"
        )
    columns = lending.columns()
    owed, borne = columns["owed"], columns["borne"]
    due = (borne <= owed) if rules.trigger == "<=" else (borne < owed)
    accounts = np.flatnonzero(columns["member"] & due & (owed > 0) & (columns["collateral"] > 0))
    blocked = [_blocked(lending, accounts, name) for name in REASONS[:-1]]
    reasons = np.select(blocked, list(REASONS[:-1]), default=REASONS[-1])
    return {"account": accounts, "reason": reasons, "debt": columns["debt"][accounts]}


def _blocked(lending: LendingMarket, accounts: NDArray[Any], reason: str) -> NDArray[np.bool_]:
    if reason == "oracle":
        # one claim without a price is enough
        silent = [r for r in lending.reserves.values() if r.oracle_failure == "reverts"]
        if lending.rules.zero_price == "refused":
            silent += [r for r in lending.reserves.values() if r.oracle_failure == "zero"]
        return _has(lending, accounts, silent, None)
    blocked = np.zeros(len(accounts), bool)
    wanted = {"closed": (False, True), "nobody buys": (False,), "nobody sells": (True,)}[reason]
    for borrowed in wanted:
        # one collateral, and one debt, is enough for a call
        able = [r for r in lending.reserves.values() if _able(r, borrowed, reason)]
        blocked |= ~_has(lending, accounts, able, borrowed)
    return blocked


def _able(reserve: Reserve, borrowed: bool, reason: str) -> bool:
    engine, row = reserve.lending.engine, reserve.row()
    if row["paused"] or engine.time_ns < row["grace_until"]:
        return False
    if reason == "closed":
        return True
    side = Side.BUY if borrowed else Side.SELL
    return _lendingquote.quote_lots(engine, reserve.number, side, 1) >= 0


def _taken(lending: LendingMarket, side: LendingSide) -> bool:
    # may a call take deposits of that side, or do the rules spare what counts nothing?
    own = side.category is None
    terms = side.reserve.given if own else lending.categories[str(side.category)].terms
    return lending.rules.uncounted == "seized" or terms["threshold"] > 0


def _has(
    lending: LendingMarket, accounts: NDArray[Any], reserves: list[Reserve], borrowed: bool | None
) -> NDArray[np.bool_]:
    # which accounts have a deposit in one of the reserves, or a debt, or (None) either
    sides: list[LendingSide] = []
    for reserve in reserves:
        if not borrowed:
            sides += [s for s in reserve.supplied_sides if borrowed is None or _taken(lending, s)]
        sides += [reserve.borrowed_side] if borrowed is not False else []
    table = position_table(lending.engine)
    mine = np.isin(table["market"], [side.number for side in sides]) & (table["size"] != 0)
    return np.isin(accounts, table["account"][mine])
