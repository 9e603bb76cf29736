"""A synthetic crowd: leveraged positions drawn from a seed, as columns.

Each column has a random stream of its own, so that changing how one is drawn leaves the others as
they were. Entry prices lie around the present one as if the price had come from there; a position
that would be due already is not there any more, so it is drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade.ruleset import Rules
from cascade.scenarios.schema import CrowdSection

REDRAWS = 64


@dataclass(frozen=True)
class Crowd:
    """Positions, one entry an account.

    Attributes
    ----------
    side : numpy.ndarray of int64
        1 long, -1 short.
    size, entry : numpy.ndarray of float64
        Base units and price, on the grid.
    leverage : numpy.ndarray of float64
        Entry value over margin.
    """

    side: NDArray[np.int64]
    size: NDArray[np.float64]
    entry: NDArray[np.float64]
    leverage: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.side)


def _streams(seed: int, count: int) -> list[np.random.Generator]:
    children = np.random.SeedSequence(seed).spawn(count)
    return [np.random.Generator(np.random.PCG64(child)) for child in children]


def _leverage(
    section: CrowdSection, random: np.random.Generator, count: int
) -> NDArray[np.float64]:
    if section.leverage is not None:
        weights = None
        if section.leverage_weights is not None:
            weights = np.array(section.leverage_weights, dtype=np.float64)
            weights /= weights.sum()
        return random.choice(np.array(section.leverage, dtype=np.float64), size=count, p=weights)
    drawn = float(section.leverage_median) * np.exp(
        float(section.leverage_sigma) * random.standard_normal(count)
    )
    return np.clip(drawn, 1.0, float(section.leverage_max))


def tier_rates(
    rules: Rules, notional: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average maintenance rate and largest leverage of positions of a notional."""
    rows = rules.rows()
    floors = np.array([float(row[0]) for row in rows])
    rates = np.array([float(row[1]) for row in rows])
    initial = np.array([float(max(row[1], row[2])) for row in rows])
    tier = np.searchsorted(floors, notional, side="right") - 1
    top = 1.0 / np.maximum(initial[tier], 1e-9)
    if rules.tier_mode == "whole":
        return rates[tier], top
    deductions = np.concatenate([[0.0], np.cumsum(floors[1:] * np.diff(rates))])
    return rates[tier] - deductions[tier] / np.maximum(notional, 1e-300), top


def draw(
    section: CrowdSection,
    rules: Rules,
    price: float,
    tick: float,
    lot: float,
    multiplier: float = 1.0,
    inverse: bool = False,
) -> Crowd:
    """Positions of a crowd at a price.

    Parameters
    ----------
    section : CrowdSection
    rules : Rules
        Bounds leverage by tier, and decides who would be due at once.
    price : float
        Present price.
    tick, lot : float
        Steps of entries and sizes.
    multiplier : float, default 1
        Of the contract.
    inverse : bool, default False
        Is the contract's value in coins, ``size * multiplier / price``?

    Returns
    -------
    Crowd
        `section.count` accounts.
    """
    count = section.count
    sides, leverages, sizes, entries = _streams(section.seed, 4)
    side = np.where(sides.random(count) < float(section.long_share), 1, -1)
    notional = float(section.notional_median) * np.exp(
        float(section.notional_sigma) * sizes.standard_normal(count)
    )
    notional = np.minimum(notional, float(section.notional_max))
    rate, top = tier_rates(rules, notional)
    leverage = np.minimum(_leverage(section, leverages, count), top)
    # stored in hundredths, rounded down
    leverage = np.maximum(np.floor(leverage * 100 + 1e-6) / 100, 1.0)
    entry = np.full(count, price)
    left = np.arange(count)
    for _ in range(REDRAWS):
        moved = float(section.past_move) * entries.standard_normal(len(left))
        entry[left] = np.maximum(np.round(price * np.exp(moved) / tick), 1) * tick
        # equity over entry value at the present price, against maintenance with a tick to spare
        ratio = entry[left] / price if inverse else price / entry[left]
        gain = side[left] * (1 - ratio if inverse else ratio - 1)
        slack = 2 * tick / price
        left = left[1 / leverage[left] + gain <= rate[left] * ratio + slack]
        if not len(left):
            break
    entry[left] = np.round(price / tick) * tick
    unit_value = multiplier / entry if inverse else multiplier * entry
    lots = np.maximum(np.round(notional / unit_value / lot), 1)
    return Crowd(side.astype(np.int64), lots * lot, entry, leverage)
