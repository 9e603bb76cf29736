"""The account of a lending scenario: prices, who was liquidated, what liquidators earned, who bears bad debt.

Read from the event log of the run and from columns before and after it; which number comes from which
events is written in ``docs/lending-scenario.md``. `measure` gives the numbers, `render` the text. Sums are of
integers, so they hold to the atom.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._lendingentry import liquidator_row
from cascade.auction_report import auction_lines, measure_auctions
from cascade.codes import EventKind, Side
from cascade.report import PATH_ROWS, WAVE_ROWS
from cascade.report_text import humanise, pairs, percent, price_text, sampled, table
from cascade.reserve import Reserve
from cascade.scenarios.lending import LendingOutcome, reserves
from cascade.tree import CascadeTree

Events = NDArray[Any]
#: Health factors between which borrowers are counted, in hundredths.
HEALTH_EDGES = (100, 105, 110, 125, 150, 200)
LIQUIDATOR = -3


# ---------------------------------------------------------------- reading


def _total(column: NDArray[Any]) -> int:
    # Python integers, because a sum may pass 64 bits
    return sum(column.tolist())


def _of(events: Events, kind: EventKind) -> Events:
    return events[events["kind"] == kind]


def _every(outcome: LendingOutcome) -> list[Reserve]:
    return [reserve for lending in outcome.engine.lending for reserve in reserves(lending)]


def _name(reserve: Reserve) -> str:
    return f"{reserve.lending.name} {reserve.name}"


def _values(outcome: LendingOutcome, seized: Events) -> list[int]:
    # atoms of LIQUIDATION events at the price believed then
    unit = {r.supplied_side.number: r.given["unit"] for r in _every(outcome)}
    rows = zip(
        seized["quantity"].tolist(), seized["price"].tolist(), seized["market"].tolist(),
        strict=True,
    )  # fmt: skip
    return [lots * ticks * unit[market] for lots, ticks, market in rows]


def _liquidations(outcome: LendingOutcome, events: Events) -> dict[str, Any]:
    found, repaid = _of(events, EventKind.LIQUIDATION), _of(events, EventKind.REPAY)
    kept, health = _of(events, EventKind.SEIZE), _of(events, EventKind.HEALTH)
    # SEIZE follows its LIQUIDATION, so their rows match; money is the lots that the protocol kept
    fees = found.copy()
    fees["quantity"] = kept["money"]
    return {
        "calls": len(found),
        "accounts": len(np.unique(found["account"])),
        "repaid_atoms": _total(repaid["money"]),
        "seized_atoms": sum(_values(outcome, found)),
        "fee_atoms": sum(_values(outcome, fees)),
        "lowered": int((health["side"] == 1).sum()),
        "caused": int((CascadeTree(events, outcome.first_event).parents >= 0).sum()),
    }


def _waves(outcome: LendingOutcome, events: Events) -> list[dict[str, int]]:
    found, repaid = _of(events, EventKind.LIQUIDATION), _of(events, EventKind.REPAY)
    rows = []
    for wave in np.unique(found["wave"]).tolist():
        mine = found["wave"] == wave
        sales = events[
            (events["kind"] == EventKind.FILL)
            & (events["account"] == LIQUIDATOR)
            & (events["side"] == Side.SELL)
            & (events["wave"] == wave)
        ]
        rows.append({
            "wave": wave, "calls": int(mine.sum()),
            "accounts": len(np.unique(found["account"][mine])),
            "repaid_atoms": _total(repaid["money"][mine]),
            "sold_lots": _total(sales["quantity"]),
            "low_ticks": int(sales["price"].min()) if len(sales) else 0,
        })  # fmt: skip
    return rows


def _health(outcome: LendingOutcome) -> list[dict[str, int]]:
    # borrowers and debts by health, before and after
    edges = (0, *HEALTH_EDGES)
    rows = [
        {"from": low, "accounts_before": 0, "debt_before": 0, "accounts_after": 0, "debt_after": 0}
        for low in edges
    ]
    for lending in outcome.engine.lending:
        for when, columns in (
            ("before", outcome.before.columns[lending.name]),
            ("after", lending.columns()),
        ):
            owing = columns["member"] & (columns["owed"] > 0)
            debt = columns["debt"][owing]
            pairs = zip(
                columns["borne"][owing].tolist(), columns["owed"][owing].tolist(), strict=True
            )
            # hundredths, cut off; the last edge is as far as anybody is told apart
            health = [min(100 * borne // owed, edges[-1]) for borne, owed in pairs]
            place = np.searchsorted(edges, health, side="right") - 1
            for number, row in enumerate(rows):
                mine = place == number
                row[f"accounts_{when}"] += int(mine.sum())
                row[f"debt_{when}"] += _total(debt[mine])
    return rows


def _liquidators(outcome: LendingOutcome, events: Events) -> list[dict[str, int]]:
    seized, repaid = _of(events, EventKind.SEIZE), _of(events, EventKind.REPAY)
    fills, takes = _of(events, EventKind.FILL), _of(events, EventKind.TAKE)
    fills = fills[fills["account"] == LIQUIDATOR]
    # a liquidator's fill is caused by its call or its take, or by an incentive; SEIZE follows its LIQUIDATION
    acts = (EventKind.LIQUIDATION, EventKind.TAKE, EventKind.INCENTIVE)
    where = np.flatnonzero(np.isin(events["kind"], acts))
    actors = events["counterparty"][where].copy()
    actors[events["kind"][where] == EventKind.LIQUIDATION] = seized["counterparty"]
    who = actors[np.searchsorted(where + outcome.first_event, fills["cause"])]
    rows = []
    for number, before in enumerate(outcome.before.liquidators):
        after = liquidator_row(outcome.engine, number)
        mine = fills[who == number]
        calls = seized["counterparty"] == number
        taken = int((takes["counterparty"] == number).sum())
        rows.append({
            "number": number, "calls": int(calls.sum()) + taken,
            "repaid_atoms": _total(repaid["money"][calls]),
            "sold_atoms": _total(mine["money"][mine["side"] == Side.SELL]),
            "bought_atoms": _total(mine["money"][mine["side"] == Side.BUY]),
            "gas_atoms": after["spent"] - before["spent"],
            "bids_atoms": after["bids"] - before["bids"],
            "profit_atoms": after["cash"] - before["cash"],
        })  # fmt: skip
    return rows


def _bad_debt(outcome: LendingOutcome, events: Events) -> list[dict[str, Any]]:
    written = _of(events, EventKind.BAD_DEBT)
    rows = []
    for reserve in _every(outcome):
        mine = written[written["market"] == reserve.borrowed_side.number]
        if len(mine):
            rows.append({
                "reserve": _name(reserve), "to": reserve.lending.rules.bad_debt,
                "accounts": len(np.unique(mine["account"])), "lots": _total(mine["quantity"]),
                "atoms": _total(mine["money"]),
            })  # fmt: skip
    return rows


def _waiting(outcome: LendingOutcome) -> dict[str, int]:
    # what is left: due and not worth a call, and owed beyond all collateral
    due = due_debt = under = beyond = 0
    for lending in outcome.engine.lending:
        columns = lending.columns()
        short = columns["owed"] - columns["borne"]
        late = columns["member"] & (short > 0) & (columns["collateral"] > 0)
        due += int(late.sum())
        due_debt += _total(columns["debt"][late])
        missing = columns["debt"] - columns["collateral"]
        lost = columns["member"] & (missing > 0)
        under += int(lost.sum())
        beyond += _total(missing[lost])
    return {"accounts": due, "debt_atoms": due_debt, "under_water": under, "beyond_atoms": beyond}


def _oracle_of(outcome: LendingOutcome) -> Reserve | None:
    # the reserve whose believed price the report follows
    for reserve in _every(outcome):
        if reserve.source is outcome.market:
            return reserve
    return None


def _path(outcome: LendingOutcome, events: Events) -> list[dict[str, int]]:
    before, reserve = outcome.before, _oracle_of(outcome)
    index = believed = before.index_ticks
    if reserve is not None:
        believed = before.prices[reserve.lending.name, reserve.name]
    row = {"time_ns": before.time_ns, "index_ticks": index, "pool_ticks": before.pool_ticks,
           "oracle_ticks": believed, "calls": 0, "repaid_atoms": 0, "bad_debt_atoms": 0}  # fmt: skip
    rows = [row]
    # every step begins with an outside price
    starts = np.flatnonzero(events["kind"] == EventKind.INDEX)
    times = events["time"][starts]
    bounds = np.searchsorted(events["time"], np.append(times, np.iinfo(np.int64).max))
    for step, pool in enumerate(outcome.pool_ticks):
        mine = events[bounds[step] : bounds[step + 1]]
        oracle = _of(mine, EventKind.ORACLE)
        if reserve is not None:
            oracle = oracle[oracle["market"] == reserve.supplied_side.number]
            believed = int(oracle["price"][-1]) if len(oracle) else believed
        rows.append({
            "time_ns": int(times[step]), "index_ticks": int(events["price"][starts[step]]),
            "pool_ticks": pool, "oracle_ticks": believed,
            "calls": int((mine["kind"] == EventKind.LIQUIDATION).sum()),
            "repaid_atoms": _total(_of(mine, EventKind.REPAY)["money"]),
            "bad_debt_atoms": _total(_of(mine, EventKind.BAD_DEBT)["money"]),
        })  # fmt: skip
    return rows


def exact(outcome: LendingOutcome) -> dict[str, Any]:
    """Whole numbers of a run: ticks, lots, atoms, nanoseconds.

    Parameters
    ----------
    outcome : LendingOutcome

    Returns
    -------
    dict
        Integers and lists of dicts of integers; names carry the unit.
    """
    events = outcome.events
    path = _path(outcome, events)
    away = max(path, key=lambda row: abs(row["pool_ticks"] - row["oracle_ticks"]))
    auctions = [measure_auctions(x, events) for x in outcome.engine.lending if x.rules.auction]
    return {
        **({"auctions": auctions} if auctions else {}),
        "path": path,
        "furthest": {name: away[name] for name in ("time_ns", "pool_ticks", "oracle_ticks")},
        "dislocation": {
            "ticks": outcome.dislocation.ticks, "index_ticks": outcome.dislocation.index_ticks,
            "time_ns": outcome.dislocation.time_ns,
        },
        "liquidations": _liquidations(outcome, events),
        "waves": _waves(outcome, events),
        "health": _health(outcome),
        "liquidators": _liquidators(outcome, events),
        "bad_debt": _bad_debt(outcome, events),
        "waiting": _waiting(outcome),
        "events": len(events),
    }  # fmt: skip


def _prices(path: list[dict[str, int]], tick: Callable[[int], float]) -> dict[str, Any]:
    made = {}
    for name in ("index", "pool", "oracle"):
        column = [row[f"{name}_ticks"] for row in path]
        low, high = min(column), max(column)
        made[name] = {
            "start": tick(column[0]), "end": tick(column[-1]), "low": tick(low), "high": tick(high),
            "move": column[-1] / column[0] - 1,
        }  # fmt: skip
    return made


def _in_units(row: dict[str, Any], scale: int) -> dict[str, Any]:
    # atoms become money, the rest stays
    return {
        name.removesuffix("_atoms"): value / scale if name.endswith("_atoms") else value
        for name, value in row.items()
    }


def measure(outcome: LendingOutcome) -> dict[str, Any]:
    """The report as numbers, for ``--json``.

    Parameters
    ----------
    outcome : LendingOutcome

    Returns
    -------
    dict
        Prices, sizes and money in units; ``exact`` holds the whole numbers they come from. All but
        ``seconds_taken`` is the same in each run.
    """
    whole, market = exact(outcome), outcome.market
    scale = outcome.engine.scale_of(market.asset)
    tick, lot = market.ticks.number, market.lots.number
    found, away = whole["liquidations"], whole["furthest"]
    health = [
        {"from": row["from"] / 100, "accounts_before": row["accounts_before"],
         "debt_before": row["debt_before"] / scale, "accounts_after": row["accounts_after"],
         "debt_after": row["debt_after"] / scale}
        for row in whole["health"]
    ]  # fmt: skip
    return {
        "scenario": outcome.scenario.path,
        "market": market.name,
        "asset": market.asset,
        "seed": outcome.scenario.seed,
        "lending": [
            {"name": lending.name, "rules": lending.rules.source} for lending in outcome.engine.lending
        ],
        "borrowers": sum(row["accounts_before"] for row in whole["health"]),
        "price": _prices(whole["path"], tick),
        "furthest": {
            "pool": tick(away["pool_ticks"]), "oracle": tick(away["oracle_ticks"]),
            "share": away["pool_ticks"] / away["oracle_ticks"] - 1, "seconds": away["time_ns"] / 10**9,
        },
        "dislocation": {
            "price": tick(outcome.dislocation.index_ticks + outcome.dislocation.ticks),
            "share": outcome.dislocation.share, "threshold": market.dislocation_threshold,
            "seconds": outcome.dislocation.time,
        },
        "liquidations": {**_in_units(found, scale),
                         "branching_ratio": found["caused"] / found["calls"] if found["calls"] else None},
        "waves": [
            {**_in_units({k: v for k, v in w.items() if not k.endswith(("_lots", "_ticks"))}, scale),
             "sold": lot(w["sold_lots"]), "low": tick(w["low_ticks"])}
            for w in whole["waves"]
        ],
        "path": [
            {"time": p["time_ns"] / 10**9, "outside": tick(p["index_ticks"]),
             "pool": tick(p["pool_ticks"]), "oracle": tick(p["oracle_ticks"]), "calls": p["calls"],
             "repaid": p["repaid_atoms"] / scale, "bad_debt": p["bad_debt_atoms"] / scale}
            for p in whole["path"]
        ],
        "health": health,
        "liquidators": [_in_units(row, scale) for row in whole["liquidators"]],
        "bad_debt": [
            {"reserve": row["reserve"], "to": row["to"], "accounts": row["accounts"],
             "money": row["atoms"] / scale}
            for row in whole["bad_debt"]
        ],
        "waiting": _in_units(whole["waiting"], scale),
        **({"auctions": [_in_units(row, scale) for row in whole["auctions"]]} if "auctions" in whole else {}),
        "steps": outcome.steps,
        "simulated_seconds": outcome.engine.time,
        "events": whole["events"],
        "exact": {"tick_size": str(market.ticks.step), "lot_size": str(market.lots.step),
                  "atoms_per_unit": scale, **whole},
        "seconds_taken": {"build": outcome.build_seconds, "run": outcome.run_seconds},
    }  # fmt: skip


# ---------------------------------------------------------------- writing


def _price_lines(numbers: dict[str, Any]) -> list[str]:
    price, away, furthest = numbers["price"], numbers["dislocation"], numbers["furthest"]
    kinds = ("index", "pool", "oracle")
    down = price["index"]["move"] <= 0
    edge = "low" if down else "high"
    rows = [
        [label, *(price_text(price[kind][name]) for kind in kinds)]
        for label, name in (("start", "start"), (edge, edge), ("end", "end"))
    ]
    rows.append(["move", *(percent(price[kind]["move"]) for kind in kinds)])
    return [
        f"Price, {numbers['asset']}",
        *table(["", "outside", "pool", "oracle"], rows),
        f"  The pool was {percent(away['share'])} from the outside price at the most, and beyond "
        f"{100 * away['threshold']:g} % for {away['seconds']:g} s;",
        f"  a step ended with the pool at {price_text(furthest['pool'])} and the oracle at "
        f"{price_text(furthest['oracle'])}, {percent(furthest['share'])}.",
    ]


def _liquidation_lines(numbers: dict[str, Any]) -> list[str]:
    found = numbers["liquidations"]
    ratio = found["branching_ratio"]
    return pairs("Liquidations", [
        ("calls", f"{found['calls']:,}", f"of {found['accounts']:,} borrowers, "
         f"{100 * found['accounts'] / max(1, numbers['borrowers']):.1f} % of those who owe"),
        ("repaid", humanise(found["repaid"]), f"{numbers['asset']} of debt"),
        ("seized", humanise(found["seized"]), f"at the oracle's price, {humanise(found['fee'])} "
         "of it for the protocol"),
        ("branching ratio", "-" if ratio is None else f"{ratio:.3f}", "calls caused by another one"),
        ("lowered health", f"{found['lowered']:,}", "calls that left the borrower less healthy"),
    ])  # fmt: skip


def _wave_lines(numbers: dict[str, Any]) -> list[str]:
    waves, total = numbers["waves"], numbers["liquidations"]["repaid"]

    def cells(name: str, group: list[dict[str, Any]]) -> list[str]:
        repaid = sum(w["repaid"] for w in group)
        lows = [w["low"] for w in group if w["low"]]
        return [
            name, f"{sum(w['calls'] for w in group):,}", humanise(repaid),
            f"{100 * repaid / total:.1f} %" if total else "-",
            humanise(sum(w["sold"] for w in group)), price_text(min(lows)) if lows else "-",
        ]  # fmt: skip

    rows = [cells(str(w["wave"]), [w]) for w in waves[:WAVE_ROWS]]
    if rest := waves[WAVE_ROWS:]:
        rows.append(cells(f"{rest[0]['wave']}+", rest))
    header = ["wave", "calls", "repaid", "share", "sold", "lowest sale"]
    return ["Liquidations by wave", *table(header, rows)]


def _health_lines(numbers: dict[str, Any]) -> list[str]:
    rows = numbers["health"]
    edges = [row["from"] for row in rows]
    cells = []
    for number, row in enumerate(rows):
        if number == 0:
            name = f"below {edges[1]:g}"
        elif number == len(rows) - 1:
            name = f"{edges[number]:g} and more"
        else:
            name = f"{edges[number]:g} to {edges[number + 1]:g}"
        cells.append([name, f"{row['accounts_before']:,}", humanise(row["debt_before"]),
                      f"{row['accounts_after']:,}", humanise(row["debt_after"])])  # fmt: skip
    header = ["health", "before", "debt", "after", "debt"]
    return ["Health of those who owe", *table(header, cells)]


def _liquidator_lines(numbers: dict[str, Any]) -> list[str]:
    rows = [
        [str(row["number"]), f"{row['calls']:,}", humanise(row["repaid"]), humanise(row["sold"]),
         humanise(row["gas"]), humanise(row["bids"]), humanise(row["profit"])]
        for row in numbers["liquidators"]
    ]  # fmt: skip
    header = ["liquidator", "calls", "repaid", "sold for", "gas", "bids", "profit"]
    return [f"Liquidators, {numbers['asset']}", *table(header, rows)]


def _path_lines(numbers: dict[str, Any]) -> list[str]:
    # a sampled row counts everything since the row before it
    path = numbers["path"]
    rows, at = [], 0
    for row in sampled(len(path), PATH_ROWS):
        point, since = path[row], path[at : row + 1]
        at = row + 1
        rows.append([f"{point['time']:,.6g}", price_text(point["outside"]), price_text(point["pool"]),
                     price_text(point["oracle"]), f"{sum(p['calls'] for p in since):,}",
                     humanise(sum(p["repaid"] for p in since))])  # fmt: skip
    header = ["seconds", "outside", "pool", "oracle", "calls", "repaid"]
    return ["Path", *table(header, rows)]


BEARERS = {
    "stays": "stays with the borrowers",
    "deficit": "the reserve's deficit",
    "reserves": "the protocol's reserves",
    "suppliers": "the suppliers",
    "auction_shortfall": "the protocol's surplus, then its deficit",
}


def _bad_debt_lines(numbers: dict[str, Any]) -> list[str]:
    waiting = numbers["waiting"]
    rows = [
        (row["reserve"], humanise(row["money"]),
         f"{BEARERS[row['to']]}; {row['accounts']:,} borrowers without collateral")
        for row in numbers["bad_debt"]
    ]  # fmt: skip
    rows.append(("still owed beyond collateral", humanise(waiting["beyond"]),
                 f"{waiting['under_water']:,} borrowers"))  # fmt: skip
    rows.append(("due and not taken", humanise(waiting["debt"]),
                 f"{waiting['accounts']:,} borrowers whom no call pays for"))  # fmt: skip
    return pairs(f"Bad debt, {numbers['asset']}", rows)


def render(numbers: dict[str, Any]) -> str:
    """The report as text.

    Parameters
    ----------
    numbers : dict
        As `measure` gives it.

    Returns
    -------
    str
        Plain lines without colour codes, the last one ended.
    """
    seconds = numbers["seconds_taken"]
    names = ", ".join(
        f"{row['name']} ({row['rules'] or 'own rules'})" for row in numbers["lending"]
    )
    waves = _wave_lines(numbers) if numbers["waves"] else ["Nobody was liquidated."]
    lines = [
        f"{names}: {numbers['borrowers']:,} borrowers, seed {numbers['seed']}, {numbers['scenario']}",
    ]
    auctions = numbers.get("auctions", [])
    sold = [auction_lines(auctions, numbers["asset"])] if auctions else []
    for part in (
        _price_lines(numbers), _liquidation_lines(numbers), waves, *sold, _health_lines(numbers),
        _path_lines(numbers), _liquidator_lines(numbers), _bad_debt_lines(numbers),
    ):  # fmt: skip
        lines += ["", *part]
    lines += [
        "",
        f"{numbers['steps']:,} steps, {numbers['events']:,} events; "
        f"{seconds['build']:.2f} s to build, {seconds['run']:.2f} s to run",
    ]
    return "\n".join(lines) + "\n"
