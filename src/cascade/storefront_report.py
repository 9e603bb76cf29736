"""The part of a lending scenario's account that is about accounts taken over and what a storefront sells.

Read from SEIZE and REPAY events and from reserves at the end; sums are of integers. ``docs/lending-scenario.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cascade.codes import EventKind
from cascade.lending_market import LendingMarket
from cascade.report_frame import total
from cascade.report_text import humanise, pairs

if TYPE_CHECKING:
    from cascade.lending_reading import Log

__all__ = ["measure_storefront", "storefront_lines"]


def measure_storefront(lending: LendingMarket, log: Log) -> dict[str, Any]:
    """Whole numbers of a lending market that takes accounts over.

    Parameters
    ----------
    lending : LendingMarket
    log : cascade.lending_reading.Log

    Returns
    -------
    dict
        ``lending``; ``taken`` (accounts) and ``debt_atoms`` that they owed; by collateral ``taken_lots``,
        ``sold_lots`` and ``held_lots``; ``purchases`` and ``paid_atoms`` for them; ``treasury_atoms`` of
        what is borrowed, below zero where the protocol lost.
    """
    events, base = log.events, lending.base
    seized = log.where(EventKind.SEIZE)
    seized = seized[log.lending_of(events[seized]) == lending.number]
    repaid = log.of(EventKind.REPAY)
    repaid = repaid[log.lending_of(repaid) == lending.number]
    bought = seized[events["account"][seized] < 0]
    taken = seized[events["account"][seized] >= 0]
    lots = {}
    for name, reserve in lending.reserves.items():
        if reserve is base:
            continue
        sides = [side.number for side in reserve.supplied_sides]
        lots[name] = {
            "taken_lots": _lots(log, taken, sides), "sold_lots": _lots(log, bought, sides),
            "held_lots": reserve.row()["absorbed"],
        }  # fmt: skip
    calls = log.calls[log.lending_of(events[log.calls]) == lending.number]
    worth = 1 if base is None else base.given["unit"] * base.row()["price"]
    return {
        "lending": lending.name,
        "taken": len(calls),
        "debt_atoms": total(repaid["money"][repaid["account"] >= 0]),
        "collateral": lots,
        "purchases": len(bought),
        "paid_atoms": total(repaid["money"][repaid["account"] < 0]),
        "treasury_atoms": 0 if base is None else base.row()["treasury"] * worth,
    }


def _lots(log: Log, where: Any, sides: list[int]) -> int:
    rows = log.events[where]
    return sum(
        lots
        for lots, market in zip(rows["quantity"].tolist(), rows["market"].tolist(), strict=True)
        if market in sides
    )


def storefront_lines(rows: list[dict[str, Any]], asset: str) -> list[str]:
    """The same as lines of text: rows as `measure_storefront` gives them, in units."""
    lines: list[str] = []
    for row in rows:
        goods = [
            (name, humanise(size["taken_size"]),
             f"taken over, {humanise(size['sold_size'])} sold, {humanise(size['held_size'])} held")
            for name, size in row["collateral"].items()
        ]  # fmt: skip
        lines += pairs(f"Storefront of {row['lending']}, {asset}", [
            ("accounts", f"{row['taken']:,}", f"taken over with debts of {humanise(row['debt'])}"),
            *goods,
            ("paid", humanise(row["paid"]), f"in {row['purchases']:,} purchases"),
            ("reserves", humanise(row["treasury"]), "of what is lent, at the end"),
        ])  # fmt: skip
    return lines
