"""The account of a cascade: what happened to the price, who was sold, and who paid.

Everything is read from the event log of the run and from columns before and after it; which number
comes from which events is written in ``docs/report.md``. `measure` gives the numbers, `render` the
text. Sums are of integers, so they hold to the atom.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade._columns import asset_row
from cascade.codes import EventKind, Side
from cascade.interruptions import interruption_lines, interruption_rows, interruptions
from cascade.losses import trace
from cascade.market import Market
from cascade.report_frame import WAVE_ROWS, closing_line, frame, path_lines
from cascade.report_frame import total as _total
from cascade.report_text import humanise, pairs, percent, price_text, table
from cascade.scenarios.scenario import Before, Outcome
from cascade.tree import CascadeTree

HOUSE = -2

Events = NDArray[Any]


# ---------------------------------------------------------------- reading


def _values(market: Market, events: Events) -> list[int]:
    # notional in atoms at each event's price, rounded as the engine rounds a position's value
    scale = market.engine.scale_of(market.asset)
    lot = Fraction(market.lots.step) * market.multiplier * scale
    quantities, prices = events["quantity"].tolist(), events["price"].tolist()
    if market.contract == "linear":
        unit = int(lot * Fraction(market.ticks.step))
        return [q * p * unit for q, p in zip(quantities, prices, strict=True)]
    unit = int(lot / Fraction(market.ticks.step))
    longs = (events["side"] == Side.SELL).tolist()
    return [
        -(-q * unit // p) if long else q * unit // p
        for q, p, long in zip(quantities, prices, longs, strict=True)
    ]


def _signed(market: Market, events: Events) -> int:
    # what the sellers of forced trades received, less what the buyers paid
    sold = events["side"] == Side.SELL
    received = _total(events["money"][sold]) - _total(events["money"][~sold])
    return received if market.contract == "linear" else -received


def _waves(market: Market, liquidations: Events, marks: Events) -> list[dict[str, Any]]:
    rows = []
    values = np.array(_values(market, liquidations), dtype=object)
    for wave in np.unique(liquidations["wave"]).tolist():
        mine = liquidations["wave"] == wave
        ticks = liquidations["price"][mine]
        moved = marks["price"][marks["wave"] == wave]
        every = np.concatenate([ticks, moved])
        rows.append({
            "wave": wave,
            "liquidations": int(mine.sum()),
            "lots": _total(liquidations["quantity"][mine]),
            "atoms": sum(values[mine].tolist()),
            "low_ticks": int(every.min()),
            "high_ticks": int(every.max()),
        })  # fmt: skip
    return rows


def _step_times(events: Events) -> NDArray[np.int64]:
    # depth that makers moved between two steps belongs to the step it prepares
    kinds = events["kind"]
    quoted = (kinds == EventKind.MARK) & (events["cause"] < 0)
    quoted |= (kinds == EventKind.CANCEL) & (events["account"] < 0)
    count = len(events)
    following = np.where(quoted, count, np.arange(count))
    following = np.minimum.accumulate(following[::-1])[::-1]
    return events["time"][np.where(following < count, following, np.arange(count))]


def _path(market: Market, events: Events, before: Before) -> list[dict[str, Any]]:
    # state at the end of each moment in which something happened
    mark = index = before.mark_ticks
    rows = [{"time_ns": before.time_ns, "index_ticks": index, "mark_ticks": mark,
             "liquidations": 0, "atoms": 0}]  # fmt: skip
    times, starts = np.unique(_step_times(events), return_index=True)
    for time, low, high in zip(
        times.tolist(), starts.tolist(), [*starts[1:].tolist(), len(events)], strict=True
    ):
        mine = events[low:high]
        kinds = mine["kind"]
        marks = mine["price"][kinds == EventKind.MARK]
        outside = mine["price"][kinds == EventKind.INDEX]
        forced = mine[kinds == EventKind.LIQUIDATION]
        mark = int(marks[-1]) if len(marks) else mark
        index = int(outside[-1]) if len(outside) else index
        rows.append({
            "time_ns": time, "index_ticks": index, "mark_ticks": mark,
            "liquidations": len(forced), "atoms": sum(_values(market, forced)),
        })  # fmt: skip
    return rows


def _payments(outcome: Outcome, events: Events) -> dict[str, int]:
    # who bore the loss of the liquidated, atoms
    engine, market, before = outcome.engine, outcome.market, outcome.before
    kinds = events["kind"]
    forced = events[
        ((kinds == EventKind.FILL) & (events["order"] == 0) & (events["account"] != HOUSE))
        | (kinds == EventKind.TAKEOVER)
        | (kinds == EventKind.ADL)
    ]
    accounts = np.unique(events["account"][kinds == EventKind.LIQUIDATION])
    # deleveraged first and liquidated later: the other side of an ADL event
    deleveraged = events[(kinds == EventKind.ADL) & np.isin(events["counterparty"], accounts)]
    entry = engine.accounts.column(market, "entry_value")
    collateral = engine.accounts.column(market, "margin") + engine.accounts.balance_atoms
    closed = _total(before.entry_value[accounts]) - _total(entry[accounts])
    fees = events[(kinds == EventKind.FEE) & np.isin(events["account"], accounts)]
    # a liquidated account may have paid for others too
    shared = (kinds == EventKind.SOCIALISED) | (kinds == EventKind.HAIRCUT)
    for_others = events["money"][shared & np.isin(events["account"], accounts)]
    stages = trace(engine, events, outcome.first_event, market.asset).atoms
    fund = events[kinds == EventKind.FUND]
    own = fund["money"][fund["account"] >= 0]
    received, paid = _total(own[own > 0]), -_total(own[own < 0])
    left = _total(collateral[accounts])
    return {
        "closing_loss": closed - _signed(market, forced) + _signed(market, deleveraged),
        "fees": _total(fees["money"]),
        "margin": _total(before.collateral[accounts]) - left - received - _total(for_others),
        "fund": paid,
        "socialised": stages["socialised"],
        "haircut": stages["haircut"],
        "bad_debt": _total(events["money"][kinds == EventKind.BAD_DEBT]),
        "winners": stages["adl"],
        "backstop": stages["backstop"],
        "left_to_traders": left,
        "fund_received": received,
        "house_realised": _total(fund["money"][fund["account"] == HOUSE]),
    }


def _house(market: Market) -> tuple[int, int]:
    # lots the house holds, and its unrealised result at the mark
    row = market.row()
    lots, entry = row["house_size"], row["house_entry"]
    if not lots or not row["mark"]:
        return lots, 0
    probe = np.zeros(1, [("quantity", "i8"), ("price", "i8"), ("side", "i8")])
    probe["quantity"], probe["price"] = abs(lots), row["mark"]
    probe["side"] = Side.SELL if lots > 0 else Side.BUY
    value = _values(market, probe)[0] * (1 if lots > 0 else -1)
    return lots, (value if market.contract == "linear" else -value) - entry


def _offered_lots(outcome: Outcome, events: Events) -> int:
    # what the last step of a run at rest tried to close
    if not outcome.at_rest:
        return 0
    last = events[events["time"] == outcome.engine.time_ns]
    return _total(last["quantity"][last["kind"] == EventKind.LIQUIDATION])


def exact(outcome: Outcome) -> dict[str, Any]:
    """Whole numbers of a run: ticks, lots, atoms, nanoseconds.

    Parameters
    ----------
    outcome : Outcome

    Returns
    -------
    dict
        Integers and lists of dicts of integers; names carry the unit.
    """
    market, before = outcome.market, outcome.before
    events = outcome.events
    kinds = events["kind"]
    marks = events[(kinds == EventKind.MARK) & (events["market"] == market.number)]
    tree = CascadeTree(events, outcome.first_event)
    fills = events[kinds == EventKind.FILL]
    forced = fills["order"] == 0
    takeovers = events[kinds == EventKind.TAKEOVER]
    deleveraged = events[kinds == EventKind.ADL]
    last = marks["price"][-1] if len(marks) else before.mark_ticks
    seen = np.append(marks["price"], before.mark_ticks)
    outside = marks[marks["wave"] == 0]
    house_lots, house_result = _house(market)
    traded = fills["price"] if len(fills) else np.array([before.mark_ticks])
    money = asset_row(outcome.engine, outcome.engine.asset_number(market.asset))
    return {
        "mark_ticks": {
            "start": before.mark_ticks, "end": int(last), "low": int(seen.min()),
            "high": int(seen.max()),
            "exogenous_move": _total(outside["price"].astype(np.int64) - outside["money"]),
            "total_move": int(last) - before.mark_ticks,
        },
        "traded_ticks": {"low": int(traded.min()), "high": int(traded.max())},
        "index_ticks": market.index_ticks,
        "dislocation": {
            "ticks": outcome.dislocation.ticks, "index_ticks": outcome.dislocation.index_ticks,
            "time_ns": outcome.dislocation.time_ns,
        },
        "liquidations": len(tree),
        "caused_liquidations": int((tree.parents >= 0).sum()),
        "accounts_liquidated": len(np.unique(tree.liquidations["account"])),
        "liquidated_lots": _total(tree.liquidations["quantity"]),
        "liquidated_atoms": sum(_values(market, tree.liquidations)),
        "waves": _waves(market, tree.liquidations, marks),
        "path": _path(market, events, before),
        "depth_lots": {
            "aggressor": _total(fills["quantity"][~forced]),
            "forced": _total(fills["quantity"][forced]),
            "bids_before": before.bid_lots, "asks_before": before.ask_lots,
        },
        "deleveraged": {
            "lots": _total(deleveraged["quantity"]),
            "accounts": len(np.unique(deleveraged["counterparty"])),
        },
        "house_lots": {"taken_over": _total(takeovers["quantity"]), "held": house_lots},
        "paid_atoms": _payments(outcome, events),
        "fund_atoms": {"before": before.fund, "after": money["fund"],
                       "house_unrealised": house_result},
        "open_interest_lots": {"before": before.open_interest_lots,
                               "after": market.open_interest_lots},
        "events": len(events),
        "pending": outcome.engine.pending,
        "offered_lots": _offered_lots(outcome, events),
        "interruptions": interruptions(outcome, lambda rows: _values(market, rows)),
    }  # fmt: skip


def _share(part: int, of: int) -> float | None:
    return part / of if of else None


def _price_rows(whole: dict[str, Any], tick: Callable[[int], float]) -> dict[str, float | None]:
    moves, traded = whole["mark_ticks"], whole["traded_ticks"]
    return {
        "start": tick(moves["start"]), "end": tick(moves["end"]), "low": tick(moves["low"]),
        "high": tick(moves["high"]), "outside": tick(whole["index_ticks"]),
        "traded_low": tick(traded["low"]), "traded_high": tick(traded["high"]),
        "exogenous_move": _share(moves["exogenous_move"], moves["start"]),
        "total_move": _share(moves["total_move"], moves["start"]),
    }  # fmt: skip


def _wave_rows(
    whole: dict[str, Any], tick: Callable[[int], float], lot: Callable[[int], float], scale: int
) -> list[dict[str, float]]:
    return [
        {"wave": w["wave"], "liquidations": w["liquidations"], "size": lot(w["lots"]),
         "notional": w["atoms"] / scale, "low": tick(w["low_ticks"]),
         "high": tick(w["high_ticks"])}
        for w in whole["waves"]
    ]  # fmt: skip


def _path_rows(
    whole: dict[str, Any], tick: Callable[[int], float], scale: int
) -> list[dict[str, float]]:
    return [
        {"time": p["time_ns"] / 10**9, "outside": tick(p["index_ticks"]),
         "mark": tick(p["mark_ticks"]), "liquidations": p["liquidations"],
         "notional": p["atoms"] / scale}
        for p in whole["path"]
    ]  # fmt: skip


def measure(outcome: Outcome) -> dict[str, Any]:
    """The report as numbers, for ``--json``.

    Parameters
    ----------
    outcome : Outcome

    Returns
    -------
    dict
        Prices, sizes and money in units; moves as shares of the starting price; ``exact`` holds the
        whole numbers they come from. Ratios that have no value are None. All but
        ``seconds_taken`` is the same in each run.
    """
    scenario, market = outcome.scenario, outcome.market
    whole = exact(outcome)
    scale = outcome.engine.scale_of(market.asset)
    tick, lot = market.ticks.number, market.lots.number
    moves = whole["mark_ticks"]
    return {
        "scenario": scenario.path,
        "market": market.name,
        "asset": market.asset,
        "seed": scenario.crowd.seed,
        "execution": scenario.engine.execution,
        "accounts": len(outcome.engine.accounts),
        "price": _price_rows(whole, tick),
        "dislocation": {
            "price": tick(outcome.dislocation.index_ticks + outcome.dislocation.ticks),
            "distance": outcome.dislocation.distance, "share": outcome.dislocation.share,
            "threshold": market.dislocation_threshold, "seconds": outcome.dislocation.time,
        },
        "amplification": _share(moves["total_move"], moves["exogenous_move"]),
        "branching_ratio": _share(whole["caused_liquidations"], whole["liquidations"]),
        "liquidations": {
            "count": whole["liquidations"], "accounts": whole["accounts_liquidated"],
            "size": lot(whole["liquidated_lots"]), "notional": whole["liquidated_atoms"] / scale,
        },
        "waves": _wave_rows(whole, tick, lot, scale),
        "path": _path_rows(whole, tick, scale),
        "depth": {name: lot(lots) for name, lots in whole["depth_lots"].items()},
        "deleveraged": {
            "size": lot(whole["deleveraged"]["lots"]),
            "accounts": whole["deleveraged"]["accounts"],
        },
        "house": {
            "taken_over": lot(whole["house_lots"]["taken_over"]),
            "held": lot(whole["house_lots"]["held"]),
            "unrealised": whole["fund_atoms"]["house_unrealised"] / scale,
        },
        "paid": {name: atoms / scale for name, atoms in whole["paid_atoms"].items()},
        "fund": {"before": whole["fund_atoms"]["before"] / scale,
                 "after": whole["fund_atoms"]["after"] / scale},
        "open_interest": {name: lot(lots) for name, lots in whole["open_interest_lots"].items()},
        "pending": whole["pending"],
        "offered": lot(whole["offered_lots"]),
        "at_rest": outcome.at_rest,
        "interruptions": interruption_rows(whole["interruptions"], tick, lot),
        **frame(outcome, outcome.steps, whole),
    }  # fmt: skip


# ---------------------------------------------------------------- writing


def _wave_lines(numbers: dict[str, Any], down: bool) -> list[str]:
    waves = numbers["waves"]
    total = numbers["liquidations"]["notional"]
    rows = [
        [str(w["wave"]), f"{w['liquidations']:,}", humanise(w["size"]), humanise(w["notional"]),
         f"{100 * w['notional'] / total:.1f} %" if total else "-",
         price_text(w["low"] if down else w["high"])]
        for w in waves[:WAVE_ROWS]
    ]  # fmt: skip
    rest = waves[WAVE_ROWS:]
    if rest:
        notional = sum(w["notional"] for w in rest)
        edge = min(w["low"] for w in rest) if down else max(w["high"] for w in rest)
        rows.append([f"{rest[0]['wave']}+", f"{sum(w['liquidations'] for w in rest):,}",
                     humanise(sum(w["size"] for w in rest)), humanise(notional),
                     f"{100 * notional / total:.1f} %", price_text(edge)])  # fmt: skip
    header = ["wave", "liquidations", "size", "notional", "share", "low" if down else "high"]
    return ["Liquidations by wave", *table(header, rows)]


def _path_lines(numbers: dict[str, Any]) -> list[str]:
    return path_lines(
        numbers["path"], ["outside", "mark", "liquidations", "notional"],
        lambda row: [price_text(row["outside"]), price_text(row["mark"])],
        lambda rows: [f"{sum(p['liquidations'] for p in rows):,}",
                      humanise(sum(p["notional"] for p in rows))],
    )  # fmt: skip


def _payment_lines(numbers: dict[str, Any]) -> list[str]:
    paid, fund, house = numbers["paid"], numbers["fund"], numbers["house"]
    due = paid["closing_loss"] + paid["fees"]

    def part(amount: float) -> str:
        return f"{100 * amount / due:.2f} %" if due else ""

    lines = pairs(f"Who paid, {numbers['asset']}", [
        ("loss of the liquidated", humanise(due),
         f"{humanise(paid['closing_loss'])} in closing, {humanise(paid['fees'])} in fees"),
        ("  their margin", humanise(paid["margin"]), part(paid["margin"])),
        ("  insurance fund", humanise(paid["fund"]), part(paid["fund"])),
        *[
            (f"  {label}", humanise(paid[name]), part(paid[name]))
            for name, label in (("socialised", "all others (socialised)"),
                                ("haircut", "profits (haircut)"))
            if paid[name]
        ],
        ("  nobody (bad debt)", humanise(paid["bad_debt"]), part(paid["bad_debt"])),
        ("left to them", humanise(paid["left_to_traders"]), ""),
        ("insurance fund", humanise(fund["after"]),
         f"was {humanise(fund['before'])}; received {humanise(paid['fund_received'])} from accounts"),
    ])  # fmt: skip
    if numbers["deleveraged"]["accounts"]:
        lines.append(
            f"  Deleveraging closed {humanise(numbers['deleveraged']['size'])} of "
            f"{numbers['deleveraged']['accounts']:,} winners, which cost them "
            f"{humanise(paid['winners'])} against the mark."
        )
    if house["taken_over"]:
        lines.append(
            f"  The house took over {humanise(house['taken_over'])} and holds "
            f"{humanise(house['held'])}, unrealised {humanise(house['unrealised'])}"
            + (
                f"; it paid {humanise(paid['backstop'])} over the mark."
                if paid["backstop"]
                else "."
            )
        )
    return lines


def _pending_lines(numbers: dict[str, Any]) -> list[str]:
    why = ""
    if numbers["at_rest"]:
        why = " Nothing acts on them any more"
        if numbers["offered"]:
            why += f": nobody takes the {humanise(numbers['offered'])} that they must close"
        why += "."
    return [f"Still due when the run ended: {numbers['pending']:,} entries.{why}", ""]


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
    price, depth = numbers["price"], numbers["depth"]
    away = numbers["dislocation"]
    interest, found = numbers["open_interest"], numbers["liquidations"]
    down = (price["exogenous_move"] or price["total_move"] or 0) <= 0
    edge = "low" if down else "high"
    traded = price["traded_low"] if down else price["traded_high"]
    amplification, branching = numbers["amplification"], numbers["branching_ratio"]
    before = depth["bids_before"] if down else depth["asks_before"]
    eaten = depth["aggressor"] + depth["forced"]
    of_depth = f"{100 * eaten / before:.1f} % of {humanise(before)}" if before else ""
    change = interest["after"] / interest["before"] - 1 if interest["before"] else None
    lines = [
        f"{numbers['market']}: {numbers['accounts']:,} accounts, seed {numbers['seed']}, "
        f"{numbers['scenario']}",
        "",
        *pairs("Price", [
            ("start", price_text(price["start"]), ""),
            ("exogenous", price_text(price["start"] * (1 + (price["exogenous_move"] or 0))),
             percent(price["exogenous_move"])),
            ("end", price_text(price["end"]), percent(price["total_move"])),
            (edge, price_text(price[edge]), f"trades down to {price_text(traded)}" if down
             else f"trades up to {price_text(traded)}"),
            ("furthest", price_text(away["price"]), f"{percent(away['share'])} from the index; "
             f"beyond {100 * away['threshold']:g} % for {away['seconds']:g} s"),
        ]),
        "",
        *pairs("Cascade", [
            ("liquidations", f"{found['count']:,}",
             f"{100 * found['accounts'] / max(1, numbers['accounts']):.1f} % of the accounts"),
            ("notional", humanise(found["notional"]), f"{numbers['asset']} at the mark"),
            ("amplification", "-" if amplification is None else f"{amplification:.3f}",
             "whole move over exogenous move"),
            ("branching ratio", "-" if branching is None else f"{branching:.3f}",
             "liquidations caused by another one"),
            ("depth eaten", humanise(eaten),
             f"{of_depth}{', ' if of_depth else ''}{humanise(depth['forced'])} by forced orders"),
            ("open interest", humanise(interest["after"]),
             f"was {humanise(interest['before'])}, {percent(change)}"),
        ]),
        "",
        *(_wave_lines(numbers, down) if numbers["waves"] else ["Nobody was liquidated."]),
        "",
        *_path_lines(numbers),
        "",
        *interruption_lines(numbers["interruptions"]),
        *_payment_lines(numbers),
        "",
    ]  # fmt: skip
    if numbers["pending"]:
        lines += _pending_lines(numbers)
    lines.append(closing_line(numbers))
    return "\n".join(lines) + "\n"
