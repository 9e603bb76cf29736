"""Soft liquidation markets in snapshots and state hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade import _bandrestore
from cascade.band_market import make_bands

if TYPE_CHECKING:
    from cascade.engine import Engine

__all__ = ["add_bands", "band_arrays", "band_hash", "restore_bands"]

ARRAYS = ("band_markets", "bands", "loans", "loan_shares")
TERMS = ("base", "amplification", "fee", "loan_discount", "liquidation_discount", "rate")
HIGHEST_RATE = 9 * 10**18


def add_bands(engine: Engine, stated: list[dict[str, Any]]) -> None:
    """Bands of a new engine whose reserves were made."""
    for given in stated:
        lending = next(market for market in engine.lending if market.number == given["lending"])
        where = f"bands of {lending.name!r}"
        source = given.get("source", "")
        if set(given) - {"source"} != {"lending", *TERMS} or lending.name in engine.lending.bands:
            raise ValueError(f"{where} are stated twice or wrongly")
        numbers = {name: given[name] for name in TERMS}
        if not 1 <= numbers["base"] < 2**46 or not 0 <= numbers["rate"] <= HIGHEST_RATE:
            raise ValueError(f"{where}: base or rate is out of range")
        if not isinstance(source, str):
            raise ValueError(f"{where}: source {source!r} is no text")
        made = make_bands(lending, numbers, source)
        if {**made.rules.numbers(), "base": given["base"], "rate": given["rate"]} != numbers:
            raise ValueError(f"{where}: their terms are not those of bands")


def band_arrays(engine: Engine) -> dict[str, NDArray[Any]]:
    """Numbers of markets, bands, loans and shares."""
    return dict(zip(ARRAYS, _bandrestore.band_records(engine), strict=True))


def restore_bands(engine: Engine, arrays: dict[str, NDArray[Any]], events: int) -> None:
    """Numbers back into an engine whose reserves are restored."""
    shares = np.ascontiguousarray(arrays["loan_shares"], dtype=np.int64)
    markets, bands, loans = (arrays[name] for name in ARRAYS[:3])
    _bandrestore.restore_bands(engine, markets, bands, loans, shares, events)


def band_hash(engine: Engine) -> list[list[int]]:
    """What a hash has of each market, its bands with shares and its loans."""
    markets, bands, loans, shares = (part.tolist() for part in _bandrestore.band_records(engine))
    rows: list[list[int]] = []
    fields = _bandrestore.BAND_MARKET_DTYPE.names or ()
    at = [0, 0, 0]
    for market, record in zip(engine.lending.bands.values(), markets, strict=True):
        row = dict(zip(fields, record, strict=True))
        counts = [row["bands"], row["loans"], row["entries"]]
        ends = [start + count for start, count in zip(at, counts, strict=True)]
        rows.append([row[name] for name in ("index", "scaled", "active", "low", "high")])
        rows[-1] += [market.row()["believed"], row["last_price"], row["last_fee"], row["last_time"]]
        rows[-1] += [row["purchases_since"], row["sales_since"]]
        rows.append([row[name] for name in _bandrestore.SUMS])
        rows.append([n for band in bands[at[0] : ends[0]] for n in band])
        share = at[2]
        for debt, account, first, count, *_ in loans[at[1] : ends[1]]:
            rows.append([account, debt, first, *shares[share : share + count]])
            share += count
        at = ends
    return rows
