"""Hash of an engine's state: what decides how it goes on, as bytes, whatever way it came to be there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from cascade import _outsiderows, _ramp, _stages, lending_snapshot
from cascade._columns import (
    account_table,
    asset_row,
    clocks,
    due_rows,
    funding_settled,
    position_table,
)
from cascade._halting import breaker_row

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.market import Market

__all__ = ["state_hash"]

ORDER_LEGS = 96  # FLAG_LONG_LEG | FLAG_SHORT_LEG
LEGS = 6  # POSITION_LONG_LEG | POSITION_SHORT_LEG
ISOLATED, LADDER = 1, 8
HASHED = (
    "mark", "index", "outside_size", "outside_entry", "house_size", "house_entry", "average",
    "index_time", "premium_high", "premium_low", "premium_time", "funding_fixed", "funding_rate",
)  # fmt: skip


def _venue_state(market: Market, row: dict[str, int]) -> bytes:
    if lending_snapshot.side_entry(market) is not None:
        return b""
    if market.has_book:
        return market.book.state_hash().encode()
    if market.impact is None:
        return np.array([*market.pool.numbers(), row["next_id"]], dtype="<i8").tobytes()
    lots = [row["permanent_lots"], row["transient_lots"]]
    if market.impact.permanent == 1:
        lots = [sum(lots)]
    return np.array([*lots, row["next_id"]], dtype="<i8").tobytes()


def _stage_state(market: Market) -> list[bytes]:
    # of the waterfall, what the market's rules look at
    row = _stages.stage_rows(market.engine, market.number)
    rules = market.rules.stage_table(1)
    chosen = [row[:2]] if rules["fund_window"] else []
    chosen += [row[3:]] if rules["drawdown"] else []
    chosen += [row[2:3]] if market.rules.adl_price == "previous_mark" else []
    return [np.array(numbers, dtype="<i8").tobytes() for numbers in chosen]


def _position_rows(engine: Engine) -> list[bytes]:
    # those that differ from a position never made, by (account, market, leg)
    table = position_table(engine)
    listed = (table["size"] != 0) | (table["margin"] != 0) | (table["leverage"] != 100)
    listed |= (table["flags"] & ISOLATED) != 0
    for market in engine.markets:
        if market.has_book and len(market.book):
            orders = market.book.orders
            legs = (orders["flags"] & ORDER_LEGS) >> 5
            owners = np.unique(orders["account"].astype(np.int64) * 4 + legs)
            mine = table["account"].astype(np.int64) * 4 + (table["flags"] & LEGS) // 2
            listed |= (table["market"] == market.number) & np.isin(mine, owners)
    settled = funding_settled(engine)[listed]
    table = table[listed]
    leg = (table["flags"] & LEGS) // 2
    order = np.lexsort((leg, table["market"], table["account"]))
    table, leg, settled = table[order], leg[order], settled[order]
    ladder = np.where(table["size"] != 0, table["trigger"], 0)
    columns = (
        table["account"], table["market"], leg, table["size"], table["entry_value"],
        table["margin"], table["leverage"], table["flags"] & ISOLATED, ladder,
    )  # fmt: skip
    rows = np.column_stack([c.astype("<i8") for c in columns])
    accruing = [m.number for m in engine.markets if m.rules.funding_mode == "index"]
    if not accruing:
        return [rows.tobytes()]
    # where funding accrues, also the index that a position was settled at
    ends = np.isin(table["market"], accruing)
    return [
        np.append(row, at).tobytes() if more else row.tobytes()
        for row, at, more in zip(rows, settled, ends, strict=True)
    ]


def state_hash(engine: Engine) -> str:
    """See `Engine.state_hash`."""
    parts = [np.array(clocks(engine), dtype="<i8").tobytes()]
    parts.append(_outsiderows.delayed_rows(engine).tobytes())
    parts.append(_outsiderows.sample_rows(engine).tobytes())
    parts.append(_outsiderows.observation_rows(engine).tobytes())
    for number, _ in engine.assets.values():
        row = asset_row(engine, number)
        fields = [row[name] for name in ("fund", "fees", "bad_debt", "deposits")]
        parts.append(np.array(fields, dtype="<i8").tobytes())
    for market in engine.markets:
        numbers = market.row()
        parts.append(np.array([numbers[n] for n in HASHED], dtype="<i8").tobytes())
        if market.rules.funding_mode == "index":
            pair = [numbers["funding_index"], numbers["funding_pool"]]
            parts.append(np.array(pair, dtype="<i8").tobytes())
        parts += _stage_state(market)
        if market.rules.breaker is not None:
            row = breaker_row(engine, market.number)
            parts.append(np.array(list(row.values()), dtype="<i8").tobytes())
        parts.append(_venue_state(market, numbers))
    accounts = account_table(engine)
    # a cool-down that is over makes no difference
    waits = np.where(accounts["whole_until"] > engine.time_ns, accounts["whole_until"], 0)
    columns = np.column_stack([accounts["balance"], accounts["flags"], waits])
    parts.append(columns.astype("<i8").tobytes())
    parts += _position_rows(engine)
    table = position_table(engine)
    rows = [
        (m, d, abs(key), int(table["account"][k]), int(table["flags"][k] & LEGS) // 2)
        for m, d, key, k in due_rows(engine)
    ]
    parts.append(np.array(sorted(rows), dtype="<i8").tobytes())
    parts.append(np.array(_ramp.ramp_numbers(engine), dtype="<i8").tobytes())
    parts += [np.array(row, dtype="<i8").tobytes() for row in engine.residents.numbers()]
    parts += lending_snapshot.hash_rows(engine)
    return hashlib.blake2b(b"".join(parts), digest_size=16).hexdigest()
