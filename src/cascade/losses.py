"""Who bore the losses of liquidations: by stage of the waterfall and by account, from the log alone.

A liquidation's loss is counted from the mark at which it was taken: what closing costs against that mark,
fees included, and what its equity was below zero by then. Winners and the house that closed it at
another price than the mark bear the difference. docs/waterfall.md gives the sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade.codes import EventKind, Side
from cascade.exact_numbers import unit_atoms

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.market import Market

__all__ = ["PAID_DTYPE", "STAGES", "Losses", "trace"]

#: Stages in the order in which they bear a loss.
STAGES = ("margin", "adl", "backstop", "fund", "socialised", "haircut", "bad_debt")
PAID_DTYPE = np.dtype([("account", "<i4"), ("stage", "U10"), ("atoms", "<i8")])
NOBODY, HOUSE = -1, -2

Integers = NDArray[np.int64]


class Losses(Mapping[str, float]):
    """Losses by stage, in units of an asset.

    A mapping from stage ("margin", "adl", "backstop", "fund", "socialised", "haircut", "bad_debt") to
    amount.

    Attributes
    ----------
    asset : str
    atoms : dict of str to int
        The same in whole atoms.
    paid_by : numpy.ndarray
        Columns ``account``, ``stage`` and ``atoms``: one row for each account that a stage took from,
        by stage and account. The fund and the house are account -2, nobody is -1.
    """

    def __init__(self, asset: str, scale: int, paid_by: NDArray[Any]) -> None:
        self.asset = asset
        self.paid_by = paid_by
        self._scale = scale
        self.atoms: dict[str, int] = {
            stage: sum(paid_by["atoms"][paid_by["stage"] == stage].tolist()) for stage in STAGES
        }

    def __getitem__(self, stage: str) -> float:
        return self.atoms[stage] / self._scale

    def __iter__(self) -> Iterator[str]:
        return iter(self.atoms)

    def __len__(self) -> int:
        return len(self.atoms)

    @property
    def total_atoms(self) -> int:
        """Sum of the stages: the whole loss."""
        return sum(self.atoms.values())

    @property
    def total(self) -> float:
        """The same in units of the asset."""
        return self.total_atoms / self._scale

    def __repr__(self) -> str:
        parts = ", ".join(f"{stage} {amount:g}" for stage, amount in self.items() if amount)
        return f"<Losses of {self.total:g} {self.asset}: {parts or 'none'}>"


def _worth(market: Market, lots: Integers, ticks: Integers, sold: NDArray[np.bool_]) -> Integers:
    # signed value of positions that are closed: long ones by a sale; rounded as the engine does
    lot = Fraction(market.lots.step) * market.multiplier * market.engine.scale_of(market.asset)
    unit = unit_atoms(market.contract, Fraction(market.ticks.step), lot)
    signed = np.where(sold, lots, -lots)
    if market.contract == "linear":
        return signed * unit * ticks
    return -signed * unit // ticks


def _fees(engine: Engine, events: NDArray[Any], first: int, fills: NDArray[np.int64]) -> Integers:
    # taker fees of forced fills, by event of the fill
    paid = np.zeros(len(events), np.int64)
    fees = np.flatnonzero(events["kind"] == EventKind.FEE)
    fees = fees[events["cause"][fees] >= first]
    at = events["cause"][fees] - first
    forced = np.zeros(len(events), bool)
    forced[fills] = True
    mine = forced[at] & (events["account"][fees] == events["account"][at])
    np.add.at(paid, at[mine], events["money"][fees[mine]])
    # where an account trades with itself, the maker's fee is another one
    for row in fills[events["account"][fills] == events["counterparty"][fills]].tolist():
        rate = engine.markets[int(events["market"][row])].rules.table(1)["taker_fee"]
        paid[row] = -(-int(events["money"][row]) * rate // 10**9)
    return paid


def _rows(stage: str, accounts: NDArray[Any], atoms: Integers) -> NDArray[Any]:
    found, where = np.unique(accounts, return_inverse=True)
    sums = np.zeros(len(found), np.int64)
    np.add.at(sums, where, atoms)
    rows = np.zeros(len(found), PAID_DTYPE)
    rows["account"], rows["stage"], rows["atoms"] = found, stage, sums
    return rows[sums != 0]


def trace(engine: Engine, events: NDArray[Any], first: int, asset: str | None = None) -> Losses:
    """Losses among some events.

    Parameters
    ----------
    engine : Engine
        Whose log it is.
    events : numpy.ndarray of EVENT_DTYPE
        Consecutive events, whole steps.
    first : int
        Index of the first of them.
    asset : str, optional
        Losses of the markets that settle in it; default the engine's own.

    Returns
    -------
    Losses

    Raises
    ------
    ValueError
        The asset is unknown.
    """
    asset = engine.asset if asset is None else asset
    scale = engine.scale_of(asset)
    kinds, money = events["kind"], events["money"]
    sold = events["side"] == Side.SELL
    markets = [market for market in engine.markets if market.asset == asset]
    numbers = np.array([market.number for market in markets], np.int64)
    own = np.isin(events["market"], numbers)
    liquidations = np.flatnonzero(own & (kinds == EventKind.LIQUIDATION))
    forced = (kinds == EventKind.FILL) & (events["order"] == 0) & (events["account"] != HOUSE)
    fills = np.flatnonzero(own & forced)
    other = own & ((kinds == EventKind.TAKEOVER) | (kinds == EventKind.ADL))
    trades = np.sort(np.concatenate([fills, np.flatnonzero(other)]))
    cause = events["cause"][trades] - first
    lots = np.zeros(len(events), np.int64)
    np.add.at(lots, cause, events["quantity"][trades])
    # what closing cost against the mark: of each trade, and of each liquidation as a whole
    cost = _fees(engine, events, first, fills)
    received = np.where(sold, money, -money)
    for market in markets:
        linear = market.contract == "linear"
        mine = trades[events["market"][trades] == market.number]
        by = events["cause"][mine] - first
        got = received[mine] if linear else -received[mine]
        marks = events["price"][by].astype(np.int64)
        at_mark = _worth(market, events["quantity"][mine], marks, sold[mine])
        np.subtract.at(cost, by, got)
        taken = liquidations[events["market"][liquidations] == market.number]
        held = _worth(market, lots[taken], events["price"][taken].astype(np.int64), sold[taken])
        cost[taken] += held
        relief = kinds[mine] != EventKind.FILL
        cost[mine[relief]] = at_mark[relief] - got[relief]
    np.add.at(cost, events["cause"][fills] - first, cost[fills])
    equity = money[liquidations]
    margin = np.maximum(equity, 0) - np.maximum(equity - cost[liquidations], 0)

    def of(kind: EventKind, sign: int = 1) -> NDArray[np.int64]:
        # a unit's, not what the house lost on its own book
        return np.flatnonzero(own & (kinds == kind) & (events["account"] >= 0) & (money * sign > 0))

    adl, houses = of(EventKind.ADL), own & (kinds == EventKind.TAKEOVER)
    fund, lost = of(EventKind.FUND, -1), of(EventKind.BAD_DEBT)
    shared, cut = of(EventKind.SOCIALISED), of(EventKind.HAIRCUT)
    parts = [
        _rows("margin", events["account"][liquidations], margin),
        _rows("adl", events["counterparty"][adl], -cost[adl]),
        _rows("backstop", np.full(int(houses.sum()), HOUSE), -cost[houses]),
        _rows("fund", np.full(len(fund), HOUSE), -money[fund]),
        _rows("socialised", events["account"][shared], money[shared]),
        _rows("haircut", events["account"][cut], money[cut]),
        _rows("bad_debt", np.full(len(lost), NOBODY), money[lost]),
    ]
    return Losses(asset, scale, np.concatenate(parts))
