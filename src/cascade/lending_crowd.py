"""What borrowers of any kind of lending market bear and owe, as columns of one form."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade import _troveentry
from cascade.band_market import BandMarket
from cascade.lending_market import LendingMarket

__all__ = ["crowd_columns"]

PARTS = 10**9


def crowd_columns(lending: LendingMarket) -> dict[str, NDArray[Any]]:
    """Whole numbers by account, by loan where there are bands.

    Parameters
    ----------
    lending : LendingMarket
        Of any kind.

    Returns
    -------
    dict
        ``member`` (bool); in atoms ``borne``, ``owed``, ``collateral`` and ``debt``, as
        `LendingMarket.columns`. Of loans in bands what backs the debt is borne, and the collateral is their
        money and what is left in their bands at the price believed; of loans closed whole borne is the value
        over the minimum ratio, in recovery mode too.
    """
    bands = lending.engine.lending.bands.get(lending.name)
    if bands is not None:
        return _of_bands(bands)
    columns = lending.columns()
    return _of_troves(lending, columns) if lending.rules.troves is not None else columns


def _of_bands(bands: BandMarket) -> dict[str, NDArray[Any]]:
    loans = bands.columns()
    worth = bands.collateral.given["unit"] * bands.collateral.row()["price"]
    # parts of a lot times what a lot is worth may pass 64 bits
    held = [
        stable + parts * worth // bands.parts
        for stable, parts in zip(
            loans["stable"].tolist(), loans["collateral"].tolist(), strict=True
        )
    ]
    return {
        "member": loans["debt"] > 0,
        "borne": loans["backing"],
        "owed": loans["debt"],
        "collateral": np.array(held, np.int64),
        "debt": loans["debt"],
    }


def _of_troves(lending: LendingMarket, columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    priced = next((r for r in lending.reserves.values() if r.source is not None), None)
    if priced is None:
        return columns
    worth, threshold = priced.given["unit"] * priced.row()["price"], priced.given["threshold"]
    borne, owed, collateral = (np.zeros(len(columns["member"]), np.int64) for _ in range(3))
    for account in np.flatnonzero(columns["member"]).tolist():
        lots, debt = _troveentry.trove_row(lending.engine, lending.number, account)
        value = lots * worth
        collateral[account], owed[account] = value, debt
        borne[account] = value * threshold // PARTS
    member = columns["member"]
    return {"member": member, "borne": borne, "owed": owed, "collateral": collateral, "debt": owed}
