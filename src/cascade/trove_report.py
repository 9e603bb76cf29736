"""The part of a lending scenario's account that is about loans closed whole, and stages that call at a loss.

Read from LIQUIDATION, SEIZE, OFFSET, REDISTRIBUTE and RETURNED events and from stability pools before and after;
sums are of integers. ``docs/lending-scenario.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cascade._troveentry import backstop_row
from cascade.codes import EventKind
from cascade.lending_market import LendingMarket
from cascade.report_frame import total
from cascade.report_text import humanise, pairs, table
from cascade.reserve import Reserve

if TYPE_CHECKING:
    from cascade.lending_reading import Log
    from cascade.scenarios.lending import LendingBefore

__all__ = ["measure_stages", "measure_troves", "shared_losses", "stage_lines", "trove_lines"]

#: Stages by their number as a counterparty.
STAGES = {"stability_pool": -4, "backstop": -5}


def _two(lending: LendingMarket) -> tuple[Reserve, Reserve]:
    # collateral and money
    found = {reserve.source is None: reserve for reserve in lending.reserves.values()}
    return found[False], found[True]


def measure_troves(lending: LendingMarket, log: Log, before: LendingBefore) -> dict[str, Any]:
    """Whole numbers of a lending market whose loans are closed whole.

    Parameters
    ----------
    lending : LendingMarket
    log : cascade.lending_reading.Log
    before : LendingBefore

    Returns
    -------
    dict
        ``lending``; ``closed``; where the debts went, in atoms, ``offset_atoms`` and
        ``redistributed_atoms``, and how many calls had a part of it, ``offsets`` and
        ``redistributions``; where the collateral went, in lots and atoms at the price believed then, by
        ``pool``, ``others``, ``liquidators`` and ``owners``; ``pool_before_atoms`` and
        ``pool_after_atoms``; ratio of all loans before and after, in hundredths of a percent, cut off.
    """
    held, owed = _two(lending)
    events, side = log.events, held.supplied_side.number
    offsets = log.where(EventKind.OFFSET)
    offsets = offsets[events["market"][offsets] == owed.borrowed_side.number]
    shared = log.where(EventKind.REDISTRIBUTE)
    shared = shared[events["market"][shared] == held.borrowed_side.number]
    closed = log.calls[events["market"][log.calls] == side]
    gas = log.seized[events["market"][log.seized] == side]
    owners = log.where(EventKind.RETURNED)
    owners = owners[(events["market"][owners] == side) & (events["account"][owners] >= 0)]
    parts = {
        "pool": (offsets, "money"), "others": (shared, "money"), "liquidators": (gas, "quantity"),
        "owners": (owners, "quantity"),
    }  # fmt: skip
    worth = held.given["unit"]
    collateral = {}
    for name, (where, field) in parts.items():
        # OFFSET names the money's side, so the price is that of the collateral
        lots = events[field][where].tolist()
        ticks = log.believed(held, where)
        atoms = sum(n * worth * price for n, price in zip(lots, ticks, strict=True))
        collateral[name] = {"lots": sum(lots), "atoms": atoms}
    pool = before.pools[lending.name]
    return {
        "lending": lending.name,
        "closed": len(closed),
        "offsets": len(offsets), "offset_atoms": total(events["quantity"][offsets]),
        "redistributions": len(shared), "redistributed_atoms": total(events["quantity"][shared]),
        "collateral": collateral,
        "put_by_atoms": len(closed) * _put_by(lending),
        "pool_before_atoms": pool["deposits"],
        "pool_after_atoms": lending.stability_pool.row()["deposits"],
        "ratio_before": _ratio(before.columns[lending.name]),
        "ratio_after": _ratio(log.columns(lending)),
    }  # fmt: skip


def _put_by(lending: LendingMarket) -> int:
    # atoms that each borrower put by for its liquidator
    assert lending.rules.troves is not None
    return lending.rules.troves.numbers(lending.engine.scale_of(lending.asset))["gas_reserve"]


def _ratio(columns: dict[str, Any]) -> int:
    # of all loans together, 0 without debts
    debts = total(columns["debt"])
    return 10_000 * total(columns["collateral"]) // debts if debts else 0


def shared_losses(lending: LendingMarket, log: Log) -> list[dict[str, Any]]:
    """Who bore what debts exceeded the collateral by that came with them, as rows of bad debt.

    Parameters
    ----------
    lending : LendingMarket
        One whose loans are closed whole.
    log : cascade.lending_reading.Log

    Returns
    -------
    list of dict
        Of OFFSET and REDISTRIBUTE events with less collateral, at the price believed then, than debt.
    """
    held, owed = _two(lending)
    rows = []
    for kind, to, side in (
        (EventKind.OFFSET, "stability_pool", owed.borrowed_side.number),
        (EventKind.REDISTRIBUTE, "redistribution", held.borrowed_side.number),
    ):
        where = log.where(kind)
        where = where[log.events["market"][where] == side]
        debts = log.events["quantity"][where].tolist()
        lots = log.events["money"][where].tolist()
        losses = [
            debt - n * held.given["unit"] * ticks
            for debt, n, ticks in zip(debts, lots, log.believed(held, where), strict=True)
        ]
        losses = [loss for loss in losses if loss > 0]
        if losses:
            rows.append({
                "reserve": f"{lending.name} {owed.name}", "to": to, "accounts": len(losses),
                "lots": sum(losses), "atoms": sum(losses), "of": "troves",
            })  # fmt: skip
    return rows


def measure_stages(lending: LendingMarket, log: Log, before: LendingBefore) -> list[dict[str, Any]]:
    """Whole numbers of the stages that make calls nobody gains by, a row each.

    Returns
    -------
    list of dict
        ``lending``, ``stage``, ``calls``, ``repaid_atoms``, ``before_atoms`` and ``after_atoms``: deposits
        of a stability pool; capital of a backstop, and what is left of it.
    """
    seized = log.of(EventKind.SEIZE)
    seized = seized[log.lending_of(seized) == lending.number]
    repaid = log.of(EventKind.REPAY)
    repaid = repaid[log.lending_of(repaid) == lending.number]
    rows = []
    for stage in lending.rules.stop_gap:
        name = stage if isinstance(stage, str) else stage[0]
        who = STAGES[name]
        if name == "stability_pool":
            atoms = before.pools[lending.name]["deposits"], lending.stability_pool.row()["deposits"]
        else:
            row = backstop_row(lending.engine, lending.number)
            atoms = row["capital"], row["capital"] + row["cash"]
        rows.append({
            "lending": lending.name, "stage": name,
            "calls": len(np.unique(seized["cause"][seized["counterparty"] == who])),
            "repaid_atoms": total(repaid["money"][repaid["counterparty"] == who]),
            "before_atoms": atoms[0], "after_atoms": atoms[1],
        })  # fmt: skip
    return rows


def trove_lines(rows: list[dict[str, Any]], asset: str) -> list[str]:
    """The same as lines of text: rows as `measure_troves` gives them, in units."""
    lines: list[str] = []
    for row in rows:
        where = row["collateral"]
        takes = (
            ("stability pool", row["offsets"], row["offset"], "pool"),
            ("other troves", row["redistributions"], row["redistributed"], "others"),
        )
        told = [
            (name, f"{humanise(debt)}",
             f"of debt in {calls:,} calls, for collateral of {humanise(where[part]['money'])}")
            for name, calls, debt, part in takes
        ]  # fmt: skip
        lines += pairs(f"Where {row['closed']:,} troves of {row['lending']} went, {asset}", [
            *told,
            ("liquidators", humanise(where["liquidators"]["money"]),
             f"of collateral, and {humanise(row['put_by'])} that was put by for them"),
            ("owners", humanise(where["owners"]["money"]), "of collateral, given back"),
            ("pool's deposits", humanise(row["pool_after"]), f"was {humanise(row['pool_before'])}"),
            ("ratio of all", f"{row['ratio_after'] / 100:.1f} %", f"was {row['ratio_before'] / 100:.1f} %"),
        ])  # fmt: skip
    return lines


def stage_lines(rows: list[dict[str, Any]], asset: str) -> list[str]:
    """Rows as `measure_stages` gives them, in units, as lines of text."""
    cells = [
        [row["lending"], row["stage"].replace("_", " "), f"{row['calls']:,}", humanise(row["repaid"]),
         humanise(row["before"]), humanise(row["after"])]
        for row in rows
    ]  # fmt: skip
    header = ["lending", "stage", "calls", "repaid", "had", "has"]
    return [f"Calls that nobody gains by, {asset}", *table(header, cells)]
