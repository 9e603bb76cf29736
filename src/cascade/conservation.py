"""Sums of an engine that no trade, liquidation or payment may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cascade._columns import account_table, asset_row, position_table
from cascade.errors import ContractConservationError, MoneyConservationError

if TYPE_CHECKING:
    from cascade.engine import Engine

__all__ = ["check_totals", "totals"]


def totals(engine: Engine) -> dict[str, dict[str, Any]]:
    """Sizes by market and money by asset, see `Engine.totals`.

    Parameters
    ----------
    engine : Engine

    Returns
    -------
    dict
        ``contracts``: lots by market name. ``money``: atoms by asset name and part.
    """
    positions, accounts = position_table(engine), account_table(engine)
    contracts, money = {}, {}
    for market in engine.markets:
        row = market.row()
        mine = positions["market"] == market.number
        held = sum(positions["size"][mine].tolist())
        others = row["outside_size"] + row["house_size"] + row["spot_size"]
        contracts[market.name] = held + others
    for name, (number, _) in engine.assets.items():
        own = [m for m in engine.markets if m.asset == name]
        mine = np.isin(positions["market"], [m.number for m in own])
        rows = [m.row() for m in own]
        entries = sum(positions["entry_value"][mine].tolist())
        entries += sum(r["outside_entry"] + r["house_entry"] + r["spot_entry"] for r in rows)
        asset = asset_row(engine, number)
        money[name] = {
            "balances": sum(accounts["balance"][accounts["asset"] == number].tolist()),
            "margins": sum(positions["margin"][mine].tolist()),
            "entry_values": entries,
            "funding_pools": sum(r["funding_pool"] for r in rows),
            **asset,
        }
    return {"contracts": contracts, "money": money}


def check_totals(totals: dict[str, dict[str, Any]]) -> None:
    """Refuse sums that do not add up.

    Parameters
    ----------
    totals : dict
        As `totals` gives them, lots and atoms.

    Raises
    ------
    ContractConservationError
        Sizes of a market do not sum to zero.
    MoneyConservationError
        The money held is not the money deposited.

    Notes
    -----
    ``balances + margins - entry_values + fund + fees + funding_pools - bad_debt = deposits`` (``docs/step.md``).
    """
    for name, lots in totals["contracts"].items():
        if lots:
            raise ContractConservationError(f"sizes in {name!r} sum to {lots} lots, not 0")
    for name, m in totals["money"].items():
        held = (
            m["balances"]
            + m["margins"]
            - m["entry_values"]
            + m["fund"]
            + m["fees"]
            + m["funding_pools"]
            - m["bad_debt"]
        )
        if held != m["deposits"]:
            raise MoneyConservationError(
                f"{name}: {held} atoms are held against {m['deposits']} deposited"
            )
