"""Whole numbers of a lending scenario's run, read from its events and from columns before and after.

Which number comes from which events is written in ``docs/lending-scenario.md``. Sums are of integers, so they
hold to the atom.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._lendingentry import liquidator_row
from cascade.auction_report import measure_auctions
from cascade.band_report import measure_bands
from cascade.codes import EventKind, Side
from cascade.lending_crowd import crowd_columns
from cascade.lending_market import LendingMarket
from cascade.report_frame import total
from cascade.reserve import Reserve
from cascade.scenarios.lending import LendingOutcome, reserves
from cascade.storefront_report import measure_storefront
from cascade.tree import CascadeTree
from cascade.trove_report import measure_stages, measure_troves, shared_losses

__all__ = ["HEALTH_EDGES", "LIQUIDATOR", "Log", "exact"]

Events = NDArray[Any]
#: Health factors between which borrowers are counted, in hundredths.
HEALTH_EDGES = (100, 105, 110, 125, 150, 200)
LIQUIDATOR = -3
NOBODY = -1
#: Events that are themselves what a liquidator did, and cause its fills.
ACTS = (
    EventKind.TAKE, EventKind.INCENTIVE, EventKind.SEIZE, EventKind.SOFT_LIQUIDATION,
    EventKind.DE_LIQUIDATION,
)  # fmt: skip
TRADES = (EventKind.SOFT_LIQUIDATION, EventKind.DE_LIQUIDATION)


class Log:
    """Events of a run, by kind and with what they mean in money.

    Parameters
    ----------
    outcome : LendingOutcome
    """

    def __init__(self, outcome: LendingOutcome) -> None:
        self.outcome = outcome
        self.events: Events = outcome.events
        self.first: int = outcome.first_event
        self._kinds: NDArray[Any] = self.events["kind"]
        self._columns: dict[str, dict[str, NDArray[Any]]] = {}

    @cached_property
    def reserves(self) -> list[Reserve]:
        """All of them."""
        return [reserve for lending in self.outcome.engine.lending for reserve in reserves(lending)]

    @cached_property
    def _sides(self) -> dict[int, Reserve]:
        # sides of categories too
        found = {}
        for reserve in self.reserves:
            for side in (*reserve.supplied_sides, reserve.borrowed_side):
                found[side.number] = reserve
        return found

    def where(self, *kinds: EventKind) -> NDArray[np.int64]:
        """Places of events of some kinds."""
        return np.flatnonzero(np.isin(self._kinds, kinds))

    def of(self, *kinds: EventKind) -> Events:
        """Events of some kinds."""
        return self.events[self.where(*kinds)]

    def lending_of(self, rows: Events) -> NDArray[Any]:
        """Number of the lending market that each event is of."""
        markets = {side: reserve.lending.number for side, reserve in self._sides.items()}
        return np.array([markets.get(market, -1) for market in rows["market"].tolist()], np.int64)

    @cached_property
    def _believed(self) -> dict[int, tuple[NDArray[Any], list[int]]]:
        # by reserve: where its price changes, and the prices, that of before first
        oracle = self.where(EventKind.ORACLE)
        markets = self.events["market"][oracle]
        found = {}
        for reserve in self.reserves:
            mine = oracle[markets == reserve.supplied_side.number]
            before = self.outcome.before.rows[reserve.lending.name, reserve.name]["price"]
            found[reserve.number] = (mine, [before, *self.events["price"][mine].tolist()])
        return found

    def believed(self, reserve: Reserve, where: NDArray[np.int64]) -> list[int]:
        """Ticks that a reserve's oracle was believed at, at some events."""
        changes, prices = self._believed[reserve.number]
        return [prices[int(at)] for at in np.searchsorted(changes, where)]

    def columns(self, lending: LendingMarket) -> dict[str, NDArray[Any]]:
        """`crowd_columns` at the end of the run."""
        if lending.name not in self._columns:
            self._columns[lending.name] = crowd_columns(lending)
        return self._columns[lending.name]

    def worths(self, where: NDArray[np.int64]) -> list[int]:
        """Atoms that a lot of an event's reserve is worth at the price believed then."""
        made = []
        for place, market in zip(
            where.tolist(), self.events["market"][where].tolist(), strict=True
        ):
            reserve = self._sides[market]
            changes, prices = self._believed[reserve.number]
            ticks = prices[int(np.searchsorted(changes, place))]
            made.append(reserve.given["unit"] * ticks)
        return made

    def value(self, where: NDArray[np.int64], field: str = "quantity") -> int:
        """Atoms of lots of events at the prices believed then."""
        lots = self.events[field][where].tolist()
        return sum(n * worth for n, worth in zip(lots, self.worths(where), strict=True))

    def in_base(self, where: NDArray[np.int64]) -> list[int]:
        """Atoms that the base was worth which takes paid, at the price believed then."""
        made = []
        money = self.events["money"][where].tolist()
        for place, lots, market in zip(
            where.tolist(), money, self.events["market"][where].tolist(), strict=True
        ):
            base = self._sides[market].lending.base
            assert base is not None
            (ticks,) = self.believed(base, np.array([place]))
            made.append(lots * base.given["unit"] * ticks)
        return made

    @cached_property
    def calls(self) -> NDArray[np.int64]:
        """Places of LIQUIDATION events."""
        return self.where(EventKind.LIQUIDATION)

    @cached_property
    def whole(self) -> NDArray[np.int64]:
        """Numbers of lending markets whose loans are closed whole."""
        lending = self.outcome.engine.lending
        return np.array([x.number for x in lending if x.rules.troves is not None], np.int64)

    @cached_property
    def debts(self) -> tuple[Events, NDArray[Any]]:
        """Events by which debts of accounts that were liquidated went, and atoms of each."""
        rows = self.of(EventKind.REPAY, EventKind.OFFSET, EventKind.REDISTRIBUTE)
        repaid = rows["kind"] == EventKind.REPAY
        # a purchase from a storefront is of no account; a stability pool that calls has a REPAY too
        mine = np.where(repaid, rows["account"] >= 0, np.isin(self.lending_of(rows), self.whole))
        rows, repaid = rows[mine], repaid[mine]
        return rows, np.where(repaid, rows["money"], rows["quantity"])

    @cached_property
    def seized(self) -> NDArray[np.int64]:
        """Places of SEIZE events of accounts that were liquidated, however many a call has."""
        where = self.where(EventKind.SEIZE)
        return where[self.events["account"][where] >= 0]

    @cached_property
    def actors(self) -> NDArray[np.int64]:
        """Liquidator by place of an event that it did; -1 elsewhere and where nobody was added."""
        found = np.full(len(self.events), NOBODY, np.int64)
        acts = self.where(*ACTS)
        found[acts] = self.events["counterparty"][acts]
        # a call is by whoever seized
        found[self.events["cause"][self.seized] - self.first] = self.events["counterparty"][
            self.seized
        ]
        return found

    @cached_property
    def fills(self) -> NDArray[np.int64]:
        """Places of what liquidators sold and bought; what a stability pool of troves sells is not theirs."""
        where = self.where(EventKind.FILL)
        where = where[self.events["account"][where] == LIQUIDATOR]
        if not len(self.whole):
            return where
        # the liquidator sells its lots first, and the pool the rest
        theirs = {
            int(cause): lots
            for cause, lots, lending in zip(
                self.events["cause"][self.seized].tolist(),
                self.events["quantity"][self.seized].tolist(),
                self.lending_of(self.events[self.seized]).tolist(),
                strict=True,
            )
            if lending in self.whole
        }
        kept = []
        for place, cause, lots in zip(
            where.tolist(), self.events["cause"][where].tolist(),
            self.events["quantity"][where].tolist(), strict=True,
        ):  # fmt: skip
            left = theirs.get(cause)
            if left is None or left > 0:
                kept.append(place)
                theirs.update({} if left is None else {cause: left - lots})
        return np.array(kept, np.int64)

    def actor_of(self, rows: Events) -> NDArray[np.int64]:
        """Liquidator whose act caused each event."""
        return self.actors[rows["cause"] - self.first]


def _liquidations(log: Log) -> dict[str, Any]:
    events, found = log.events, log.events[log.calls]
    health = log.of(EventKind.HEALTH)
    _, debts = log.debts
    seized = log.seized
    by_call = ~np.isin(log.lending_of(events[seized]), log.whole)
    bands = {x.lending.number for x in log.outcome.engine.lending.bands.values()}
    soft = np.isin(log.lending_of(events[seized]), list(bands))
    # of loans closed whole all collateral goes, and SEIZE is the liquidator's part of it; of bands money too
    whole = log.calls[np.isin(log.lending_of(found), log.whole)]
    taken = log.value(seized[by_call]) + total(events["money"][seized[soft]]) + log.value(whole)
    repaid = log.where(EventKind.REPAY)
    repaid = repaid[events["order"][repaid] != 0]
    return {
        "calls": len(found),
        "accounts": len(np.unique(found["account"])),
        "repaid_atoms": total(debts),
        "seized_atoms": taken,
        "fee_atoms": log.value(seized[by_call & ~soft], "money"),
        "fee_on_top_atoms": log.value(repaid, "order"),
        "lowered": int((health["side"] == 1).sum()),
        "caused": int((CascadeTree(events, log.first).parents >= 0).sum()),
    }


def _waves(log: Log) -> list[dict[str, int]]:
    found = log.events[log.calls]
    repaid, debts = log.debts
    fills = log.events[log.fills]
    # what trades with bands sold is no call's
    causes = np.maximum(fills["cause"] - log.first, 0)
    fills = fills[(fills["side"] == Side.SELL) & ~np.isin(log.events["kind"][causes], TRADES)]
    rows = []
    for wave in np.unique(found["wave"]).tolist():
        mine = found["wave"] == wave
        sales = fills[fills["wave"] == wave]
        rows.append({
            "wave": wave, "calls": int(mine.sum()),
            "accounts": len(np.unique(found["account"][mine])),
            "repaid_atoms": total(debts[repaid["wave"] == wave]),
            "sold_lots": total(sales["quantity"]),
            "low_ticks": int(sales["price"].min()) if len(sales) else 0,
        })  # fmt: skip
    return rows


def _health(log: Log) -> list[dict[str, int]]:
    # borrowers and debts by health, before and after
    edges = (0, *HEALTH_EDGES)
    rows = [
        {"from": low, "accounts_before": 0, "debt_before": 0, "accounts_after": 0, "debt_after": 0}
        for low in edges
    ]
    for lending in log.outcome.engine.lending:
        for when, columns in (
            ("before", log.outcome.before.columns[lending.name]),
            ("after", log.columns(lending)),
        ):
            owing = columns["member"] & (columns["owed"] > 0)
            debt = columns["debt"][owing]
            pairs = zip(
                columns["borne"][owing].tolist(), columns["owed"][owing].tolist(), strict=True
            )
            # hundredths, cut off; the last edge is as far as anybody is told apart
            health = [min(max(100 * borne // owed, 0), edges[-1]) for borne, owed in pairs]
            place = np.searchsorted(edges, health, side="right") - 1
            for number, row in enumerate(rows):
                mine = place == number
                row[f"accounts_{when}"] += int(mine.sum())
                row[f"debt_{when}"] += total(debt[mine])
    return rows


def _liquidators(log: Log) -> list[dict[str, int]]:
    events = log.events
    fills = events[log.fills]
    who = log.actor_of(fills)
    repaid = log.of(EventKind.REPAY)
    takes, bought = log.where(EventKind.TAKE), log.of(EventKind.SEIZE)
    taker = events["counterparty"][takes]
    paid = np.array(log.in_base(takes), object)
    acts = [log.actors[log.calls], taker, bought["counterparty"][bought["account"] == NOBODY]]
    trades = log.of(*TRADES)["counterparty"]
    rows = []
    for number, before in enumerate(log.outcome.before.liquidators):
        after = liquidator_row(log.outcome.engine, number)
        mine = fills[who == number]
        rows.append({
            "number": number, "calls": sum(int((act == number).sum()) for act in acts),
            "trades": int((trades == number).sum()),
            "repaid_atoms": total(repaid["money"][repaid["counterparty"] == number])
            + sum(paid[taker == number].tolist()),
            "sold_atoms": total(mine["money"][mine["side"] == Side.SELL]),
            "bought_atoms": total(mine["money"][mine["side"] == Side.BUY]),
            "gas_atoms": after["spent"] - before["spent"],
            "bids_atoms": after["bids"] - before["bids"],
            "profit_atoms": after["cash"] - before["cash"],
        })  # fmt: skip
    return rows


def _bad_debt(log: Log) -> list[dict[str, Any]]:
    written = log.of(EventKind.BAD_DEBT)
    rows: list[dict[str, Any]] = []
    for reserve in log.reserves:
        mine = written[written["market"] == reserve.borrowed_side.number]
        if len(mine):
            rows.append({
                "reserve": _name(reserve), "to": reserve.lending.rules.bad_debt,
                "accounts": len(np.unique(mine["account"])), "lots": total(mine["quantity"]),
                "atoms": total(mine["money"]),
                "of": "auctions" if reserve.lending.rules.auction else "calls",
            })  # fmt: skip
    for lending in log.outcome.engine.lending:
        if lending.rules.troves is not None:
            rows += shared_losses(lending, log)
    return rows


def _name(reserve: Reserve) -> str:
    return f"{reserve.lending.name} {reserve.name}"


def _waiting(log: Log) -> dict[str, int]:
    # what is left: due and not worth a call, and owed beyond all collateral
    due = due_debt = under = beyond = 0
    for lending in log.outcome.engine.lending:
        columns = log.columns(lending)
        short = columns["owed"] - columns["borne"]
        late = columns["member"] & (short > 0) & (columns["collateral"] > 0)
        due += int(late.sum())
        due_debt += total(columns["debt"][late])
        missing = columns["debt"] - columns["collateral"]
        lost = columns["member"] & (missing > 0)
        under += int(lost.sum())
        beyond += total(missing[lost])
    return {"accounts": due, "debt_atoms": due_debt, "under_water": under, "beyond_atoms": beyond}


def _oracle_of(log: Log) -> Reserve | None:
    # the reserve whose believed price the report follows: the market's, or a median that it is part of
    market = log.outcome.market
    for reserve in log.reserves:
        if reserve.source is not None and market in (reserve.source, *reserve.source.sources):
            return reserve
    return None


def _path(log: Log) -> list[dict[str, int]]:
    outcome, events, reserve = log.outcome, log.events, _oracle_of(log)
    before = outcome.before
    index = believed = before.index_ticks
    if reserve is not None:
        believed = before.rows[reserve.lending.name, reserve.name]["price"]
    nothing = {"calls": 0, "repaid_atoms": 0, "bad_debt_atoms": 0, "soft_lots": 0}
    rows = [{"time_ns": before.time_ns, "index_ticks": index, "pool_ticks": before.pool_ticks,
             "oracle_ticks": believed, **nothing}]  # fmt: skip
    # every step begins with an outside price
    starts = np.flatnonzero(events["kind"] == EventKind.INDEX)
    starts = starts[events["market"][starts] == outcome.market.number]
    times = events["time"][starts]
    bounds = [0, *np.searchsorted(events["time"], times, side="right").tolist()]
    repaid, debts = log.debts
    paid = [0, *np.searchsorted(repaid["time"], times, side="right").tolist()]
    for step, pool in enumerate(outcome.pool_ticks):
        mine = events[bounds[step] : bounds[step + 1]]
        kinds = mine["kind"]
        oracle = mine[kinds == EventKind.ORACLE]
        if reserve is not None:
            oracle = oracle[oracle["market"] == reserve.supplied_side.number]
            believed = int(oracle["price"][-1]) if len(oracle) else believed
        soft = mine["quantity"][kinds == EventKind.SOFT_LIQUIDATION]
        back = mine["quantity"][kinds == EventKind.DE_LIQUIDATION]
        rows.append({
            "time_ns": int(times[step]), "index_ticks": int(events["price"][starts[step]]),
            "pool_ticks": pool, "oracle_ticks": believed,
            "calls": int((kinds == EventKind.LIQUIDATION).sum()),
            "repaid_atoms": total(debts[paid[step] : paid[step + 1]]),
            "bad_debt_atoms": total(mine["money"][kinds == EventKind.BAD_DEBT]),
            "soft_lots": total(soft) - total(back),
        })  # fmt: skip
    return rows


def _kinds(log: Log) -> dict[str, list[dict[str, Any]]]:
    # parts that only some kinds of lending markets have
    engine, before = log.outcome.engine, log.outcome.before
    lending: list[LendingMarket] = list(engine.lending)
    found = {
        "auctions": [measure_auctions(x, log.events) for x in lending if x.rules.auction],
        "storefronts": [measure_storefront(x, log) for x in lending if x.rules.absorbs],
        "troves": [
            measure_troves(x, log, before) for x in lending if x.rules.troves is not None
        ],
        "stages": [row for x in lending if x.rules.stop_gap for row in measure_stages(x, log, before)],
        "bands": [
            measure_bands(bands, log, before.bands[name]) for name, bands in engine.lending.bands.items()
        ],
    }  # fmt: skip
    return {name: rows for name, rows in found.items() if rows}


def exact(outcome: LendingOutcome) -> dict[str, Any]:
    """Whole numbers of a run: ticks, lots, atoms, nanoseconds.

    Parameters
    ----------
    outcome : LendingOutcome

    Returns
    -------
    dict
        Integers and lists of dicts of integers; names carry the unit. ``auctions``, ``storefronts``,
        ``troves``, ``stages`` and ``bands`` are there where a lending market has them.
    """
    log = Log(outcome)
    path = _path(log)
    away = max(path, key=lambda row: abs(row["pool_ticks"] - row["oracle_ticks"]))
    return {
        **_kinds(log),
        "path": path,
        "furthest": {name: away[name] for name in ("time_ns", "pool_ticks", "oracle_ticks")},
        "dislocation": {
            "ticks": outcome.dislocation.ticks, "index_ticks": outcome.dislocation.index_ticks,
            "time_ns": outcome.dislocation.time_ns,
        },
        "liquidations": _liquidations(log),
        "waves": _waves(log),
        "health": _health(log),
        "liquidators": _liquidators(log),
        "bad_debt": _bad_debt(log),
        "waiting": _waiting(log),
        "events": len(log.events),
    }  # fmt: skip
