"""Hash of the state of the twin's engine: docs/engine-api.md, the same rows in the same order as the engine's."""

import hashlib

import numpy as np

from .lending_totals import lending_rows
from .outside import rows_of
from .window import rows_of as observations_of


def hash_of(engine) -> str:
    """Hash of the rows that docs/engine-api.md lists."""
    parts: list[bytes] = []

    def row(*values: int) -> None:
        parts.append(np.array(values, dtype="<i8").tobytes())

    clearing = engine.clearing
    row(engine.clock, engine.carried)
    for values in rows_of(clearing.markets) + observations_of(clearing.markets):
        row(*values)
    for asset in clearing.assets.values():
        row(asset.fund, asset.fees, asset.bad_debt, asset.deposits)
    for m in clearing.markets:
        row(m.mark_ticks, m.index_ticks, m.outside_lots, m.outside_entry)
        row(m.house_position.size, m.house_position.entry)
        row(m.average, m.index_time)
        row(*divmod(m.premium_sum, 2**62), m.premium_time)
        row(m.fixed_rate is not None, m.fixed_rate or 0)
        if m.accrues:
            row(m.funding_index, m.funding_pool)
        for numbers in engine.waterfall.rows(m):
            row(*numbers)
        if m.halts is not None:
            row(*m.halts.numbers())
        parts.append(m.venue.state())
    for account in clearing.accounts:
        waits = account.whole_until > engine.clock
        lending = account.lending
        flags = int(account.hedge) if lending is None else 2 + 16 * lending.number
        row(account.balance, flags, account.whole_until if waits else 0)
    for p in sorted(clearing.positions, key=lambda p: (p.account, p.market, p.leg)):
        listed = p.size or p.margin or p.leverage != 100 or p.isolated
        if listed or clearing.position_orders(p):
            row(p.account, p.market, p.leg, p.size, p.entry, p.margin)
            row(p.leverage, p.isolated, p.ladder_trigger)
            if clearing.markets[p.market].accrues:
                row(p.funding_at if p.size else 0)
    for due in engine.queue.rows():
        row(*due)
    for started in clearing.ramps.rows():
        row(*started)
    for resident in engine.residents.all:
        row(*resident.state())
    for values in lending_rows(engine):
        row(*values)
    return hashlib.blake2b(b"".join(parts), digest_size=16).hexdigest()
