"""Borrowers of a scenario: drawn from a seed or read from a file, as columns of lots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cascade.reserve import Reserve
from cascade.scenarios.lending_schema import BorrowersSection

COLUMNS = ("collateral", "debt")


def draw(
    section: BorrowersSection, collateral: Reserve, debt: Reserve, bearing: float, seed: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lots of collateral and of debt.

    Parameters
    ----------
    section : BorrowersSection
    collateral, debt : Reserve
        With prices.
    bearing : float
        Liquidation threshold of the collateral times the borrow factor of the debt.
    seed : list of int

    Returns
    -------
    (collateral, debt) : numpy.ndarray of int64

    Notes
    -----
    The value of the collateral is log-normal. Health is `health_least` plus a log-normal part whose median
    puts the median of health where the file says. Each column has a random stream of its own; debts are
    rounded down, so nobody is drawn below `health_least`.
    """
    values, healths = (
        np.random.Generator(np.random.PCG64(child))
        for child in np.random.SeedSequence(seed).spawn(2)
    )
    value = float(section.value_median) * np.exp(
        float(section.value_sigma) * values.standard_normal(section.count)
    )
    value = np.minimum(value, float(section.value_max))
    least = float(section.health_least)
    health = least + (float(section.health_median) - least) * np.exp(
        float(section.health_sigma) * healths.standard_normal(section.count)
    )
    price, owed_price = collateral.price, debt.price
    assert price is not None and owed_price is not None
    held = np.maximum(1, np.rint(value / price / float(collateral.lots.step)))
    worth = held * float(collateral.lots.step) * price
    owed = np.floor(worth * bearing / health / owed_price / float(debt.lots.step))
    return held.astype(np.int64), owed.astype(np.int64)


def read(
    path: Path, collateral: Reserve, debt: Reserve
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lots of collateral and of debt from a CSV file with these two columns, in units.

    Raises
    ------
    cascade.data.DataFormatError
        A column is missing, a field is no number or there is no row.
    ValueError
        An amount is off the grid of its reserve.
    """
    from cascade.data.lines import DataFormatError, read_table

    rows = [
        tuple(line.decimal(row[column], column) for column in COLUMNS)
        for line, row in read_table(path, COLUMNS)
    ]
    if not rows:
        raise DataFormatError(str(path), 0, "", "no borrowers in the file")
    amounts = np.array(rows, dtype=object)
    return (
        collateral.lots.steps_of(amounts[:, 0], "collateral"),
        debt.lots.steps_of(amounts[:, 1], "debt"),
    )
