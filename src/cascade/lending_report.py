"""The account of a lending scenario: prices, who was liquidated, what liquidators earned, who bears bad debt.

`measure` gives the numbers, `render` the text; whole numbers are read in `cascade.lending_reading`, and parts that
only some kinds of lending markets have in modules of their own. ``docs/lending-scenario.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cascade.auction_report import auction_lines
from cascade.band_report import band_lines
from cascade.lending_reading import HEALTH_EDGES, LIQUIDATOR, exact
from cascade.report_frame import WAVE_ROWS, closing_line, frame, path_lines
from cascade.report_text import humanise, pairs, percent, price_text, table
from cascade.scenarios.lending import LendingOutcome
from cascade.storefront_report import storefront_lines
from cascade.trove_report import stage_lines, trove_lines

__all__ = ["HEALTH_EDGES", "LIQUIDATOR", "exact", "measure", "render"]

#: Parts that only some kinds of lending markets have, in the order of the text.
KINDS = {
    "auctions": auction_lines, "storefronts": storefront_lines, "troves": trove_lines,
    "stages": stage_lines, "bands": band_lines,
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


Amount = Callable[[int], float]


def _in_units(
    row: dict[str, Any], scale: int, lot: Amount, assets: dict[str, Amount]
) -> dict[str, Any]:
    # atoms become money and lots sizes, the rest stays; below an asset's name its own lots are meant
    made: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            made[name] = _in_units(value, scale, assets.get(name, lot), assets)
        elif name == "lots" or name.endswith("_lots"):
            made["size" if name == "lots" else f"{name.removesuffix('_lots')}_size"] = lot(value)
        elif name == "atoms" or name.endswith("_atoms"):
            made["money" if name == "atoms" else name.removesuffix("_atoms")] = value / scale
        else:
            made[name] = value
    return made


def _kind_rows(outcome: LendingOutcome, whole: dict[str, Any], scale: int) -> dict[str, Any]:
    found = {}
    for kind in KINDS:
        rows = []
        for row in whole.get(kind, []):
            reserves = outcome.engine.lending[row["lending"]].reserves
            assets: dict[str, Amount] = {name: r.lots.number for name, r in reserves.items()}
            rows.append(_in_units(row, scale, outcome.market.lots.number, assets))
        if rows:
            found[kind] = rows
    return found


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
            {"name": name, "rules": rules} for name, rules in outcome.scenario.rules.items()
        ],
        "fitted": list(outcome.scenario.fitted),
        "borrowers": sum(row["accounts_before"] for row in whole["health"]),
        "price": _prices(whole["path"], tick),
        "furthest": {
            "pool": tick(away["pool_ticks"]), "oracle": tick(away["oracle_ticks"]),
            "share": away["pool_ticks"] / away["oracle_ticks"] - 1 if away["oracle_ticks"] else None,
            "seconds": away["time_ns"] / 10**9,
        },
        "dislocation": {
            "price": tick(outcome.dislocation.index_ticks + outcome.dislocation.ticks),
            "share": outcome.dislocation.share, "threshold": market.dislocation_threshold,
            "seconds": outcome.dislocation.time,
        },
        "liquidations": {**_in_units(found, scale, lot, {}),
                         "branching_ratio": found["caused"] / found["calls"] if found["calls"] else None},
        "waves": [
            {"wave": w["wave"], "calls": w["calls"], "accounts": w["accounts"],
             "repaid": w["repaid_atoms"] / scale, "sold": lot(w["sold_lots"]), "low": tick(w["low_ticks"])}
            for w in whole["waves"]
        ],
        "path": [
            {"time": p["time_ns"] / 10**9, "outside": tick(p["index_ticks"]),
             "pool": tick(p["pool_ticks"]), "oracle": tick(p["oracle_ticks"]), "calls": p["calls"],
             "repaid": p["repaid_atoms"] / scale, "bad_debt": p["bad_debt_atoms"] / scale,
             "soft": lot(p["soft_lots"])}
            for p in whole["path"]
        ],
        "health": health,
        "liquidators": [_in_units(row, scale, lot, {}) for row in whole["liquidators"]],
        "bad_debt": [
            {"reserve": row["reserve"], "to": row["to"], "of": row["of"], "accounts": row["accounts"],
             "money": row["atoms"] / scale}
            for row in whole["bad_debt"]
        ],
        "waiting": _in_units(whole["waiting"], scale, lot, {}),
        **_kind_rows(outcome, whole, scale),
        **frame(outcome, outcome.steps, whole),
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
    ratio, on_top = found["branching_ratio"], found["fee_on_top"]
    paid = f"{numbers['asset']} of debt"
    if on_top:
        paid += f", and {humanise(on_top)} on top for the protocol"
    return pairs("Liquidations", [
        ("calls", f"{found['calls']:,}", f"of {found['accounts']:,} borrowers, "
         f"{100 * found['accounts'] / max(1, numbers['borrowers']):.1f} % of those who owe"),
        ("repaid", humanise(found["repaid"]), paid),
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
    trades = any(row["trades"] for row in numbers["liquidators"])
    rows = [
        [str(row["number"]), f"{row['calls']:,}", *([f"{row['trades']:,}"] if trades else []),
         humanise(row["repaid"]), humanise(row["sold"]), humanise(row["gas"]), humanise(row["bids"]),
         humanise(row["profit"])]
        for row in numbers["liquidators"]
    ]  # fmt: skip
    header = [
        "calls",
        *(["trades"] if trades else []),
        "repaid",
        "sold for",
        "gas",
        "bids",
        "profit",
    ]
    return [f"Liquidators, {numbers['asset']}", *table(["liquidator", *header], rows)]


def _path_lines(numbers: dict[str, Any]) -> list[str]:
    soft = "bands" in numbers

    def sums(rows: list[dict[str, Any]]) -> list[str]:
        cells = [f"{sum(p['calls'] for p in rows):,}", humanise(sum(p["repaid"] for p in rows))]
        return [*cells, *([humanise(sum(p["soft"] for p in rows))] if soft else [])]

    return path_lines(
        numbers["path"],
        ["outside", "pool", "oracle", "calls", "repaid", *(["sold softly"] if soft else [])],
        lambda row: [price_text(row[kind]) for kind in ("outside", "pool", "oracle")],
        sums,
    )


BEARERS = {
    "stays": "stays with the borrowers",
    "deficit": "the reserve's deficit",
    "reserves": "the protocol's reserves",
    "suppliers": "the suppliers",
    "auction_shortfall": "the protocol's surplus, then its deficit",
    "redistribution": "the other troves",
    "stability_pool": "the stability pool's providers",
}
WHOSE = {
    "calls": "borrowers without collateral",
    "auctions": "borrowers whose auctions fell short",
    "troves": "troves with less collateral than debt",
}


def _bad_debt_lines(numbers: dict[str, Any]) -> list[str]:
    waiting = numbers["waiting"]
    rows = [
        (row["reserve"], humanise(row["money"]),
         f"{BEARERS[row['to']]}; {row['accounts']:,} {WHOSE[row['of']]}")
        for row in numbers["bad_debt"]
    ]  # fmt: skip
    rows += [
        (row["lending"], humanise(row["bad_debt"]), "stays with the loans in bands")
        for row in numbers.get("bands", [])
    ]
    rows.append(("still owed beyond collateral", humanise(waiting["beyond"]),
                 f"{waiting['under_water']:,} borrowers"))  # fmt: skip
    rows.append(("due and not taken", humanise(waiting["debt"]),
                 f"{waiting['accounts']:,} borrowers whom no call pays for"))  # fmt: skip
    return pairs(f"Bad debt, {numbers['asset']}", rows)


def _title_lines(numbers: dict[str, Any]) -> list[str]:
    names = ", ".join(f"{row['name']} ({row['rules']})" for row in numbers["lending"])
    lines = [
        f"{names}: {numbers['borrowers']:,} borrowers, seed {numbers['seed']}, {numbers['scenario']}"
    ]
    if numbers["fitted"]:
        lines.append(f"  Fitted to the rules: {'; '.join(numbers['fitted'])}.")
    return lines


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
    waves = _wave_lines(numbers) if numbers["waves"] else ["Nobody was liquidated."]
    lines = _title_lines(numbers)
    special = [
        write(numbers[kind], numbers["asset"]) for kind, write in KINDS.items() if kind in numbers
    ]
    for part in (
        _price_lines(numbers), _liquidation_lines(numbers), waves, *special, _health_lines(numbers),
        _path_lines(numbers), _liquidator_lines(numbers), _bad_debt_lines(numbers),
    ):  # fmt: skip
        lines += ["", *part]
    lines += ["", closing_line(numbers)]
    return "\n".join(lines) + "\n"
