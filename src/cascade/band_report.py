"""The part of a lending scenario's account that is about bands: sold softly, bought back, lost, and closed.

Read from SOFT_LIQUIDATION, DE_LIQUIDATION and LIQUIDATION events and from bands before and after; sums are
of integers. ``docs/lending-scenario.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cascade.band_market import BandMarket
from cascade.codes import EventKind
from cascade.report_frame import total
from cascade.report_text import humanise, pairs

if TYPE_CHECKING:
    from cascade.lending_reading import Log

__all__ = ["band_lines", "measure_bands"]


def measure_bands(bands: BandMarket, log: Log, before: dict[str, int]) -> dict[str, Any]:
    """Whole numbers of a market with bands.

    Parameters
    ----------
    bands : BandMarket
    log : cascade.lending_reading.Log
    before : dict of str to int
        `BandMarket.row` before the run.

    Returns
    -------
    dict
        ``lending``; ``sold`` and ``bought`` by bands, each with ``trades``, ``lots``, ``atoms``, and
        ``lost_atoms``, what the trades brought less, or cost more, than the price believed then;
        ``calls`` on loans, and ``closed_lots`` and ``closed_atoms`` (money) that they took from bands;
        ``left_lots`` (cut off) and ``left_atoms`` in the bands at the end; ``bad_debt_atoms``; the active
        band before and after.
    """
    events, side = log.events, bands.collateral.supplied_side.number
    unit = bands.collateral.given["unit"]
    made: dict[str, Any] = {"lending": bands.name}
    for name, kind, sign in (
        ("sold", EventKind.SOFT_LIQUIDATION, 1), ("bought", EventKind.DE_LIQUIDATION, -1),
    ):  # fmt: skip
        rows = events[log.where(kind)]
        rows = rows[rows["market"] == side]
        worth = sum(
            lots * unit * ticks
            for lots, ticks in zip(rows["quantity"].tolist(), rows["price"].tolist(), strict=True)
        )
        atoms = total(rows["money"])
        made[name] = {
            "trades": len(rows), "lots": total(rows["quantity"]), "atoms": atoms,
            "lost_atoms": sign * (worth - atoms),
        }  # fmt: skip
    seized = events[log.seized]
    seized = seized[seized["market"] == side]
    sums, now = bands.totals(), bands.row()
    return {
        **made,
        "calls": len(seized), "closed_lots": total(seized["quantity"]),
        "closed_atoms": total(seized["money"]),
        "left_lots": sums["collateral_parts"] // sums["parts_a_lot"], "left_atoms": sums["stable"],
        "bad_debt_atoms": sums["bad_debt"],
        "active_before": before["active"], "active_after": now["active"],
    }  # fmt: skip


def band_lines(rows: list[dict[str, Any]], asset: str) -> list[str]:
    """The same as lines of text: rows as `measure_bands` gives them, in units."""
    lines: list[str] = []
    for row in rows:
        told = [
            (label, humanise(row[name]["size"]),
             f"in {row[name]['trades']:,} trades for {humanise(row[name]['money'])}, "
             f"{humanise(row[name]['lost'])} {word} than the oracle's price")
            for label, name, word in (("sold softly", "sold", "less"), ("bought back", "bought", "more"))
        ]  # fmt: skip
        lines += pairs(f"Bands of {row['lending']}, {asset}", [
            *told,
            ("lost in bands", humanise(row["sold"]["lost"] + row["bought"]["lost"]), "by their trades"),
            ("taken by calls", humanise(row["closed_size"]),
             f"and {humanise(row['closed'])} of money, in {row['calls']:,} calls on loans"),
            ("left in bands", humanise(row["left_size"]), f"and {humanise(row['left'])} of money"),
            ("active band", f"{row['active_after']:,}", f"was {row['active_before']:,}"),
        ])  # fmt: skip
    return lines
