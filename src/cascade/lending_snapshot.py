"""Lending markets in snapshots: what is stated about them in words, and their numbers.

Reserves are made again by their own settings, each where its first side stands among the markets, so that
every check of a reserve that is new holds for one that is read.
"""

from __future__ import annotations

from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade import _auctionentry, _lendingrestore, _lendingterms, _troverestore, band_snapshot
from cascade.collateral_auction import CollateralAuction
from cascade.exact_numbers import exact
from cascade.interest_models import model_of
from cascade.lending_rules import LendingRules, Liquidator, Oracle
from cascade.reserve import LendingSide, Reserve
from cascade.stop_gaps import has_pool
from cascade.trove_terms import Troves

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.market import Market

PARTS = 10**9
SECOND = 10**9
CENTS = 100
MOVING = ("mark", "outside_size")  # of a side; its other numbers stay those of a new market


# --- what is stated ----------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    # numbers as text, so that they stay exact
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if isinstance(value, CollateralAuction):
        return {"auction": _fields(value)}
    if isinstance(value, Troves):
        return {"troves": _fields(value)}
    return {"number": str(exact(value, "value"))}


def _stated(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_stated(part) for part in value)
    if isinstance(value, dict) and "auction" in value:
        terms = value["auction"].items()
        return CollateralAuction(**{name: _stated(given) for name, given in terms})
    if isinstance(value, dict) and "troves" in value:
        return Troves(**{name: _stated(part) for name, part in value["troves"].items()})
    return Fraction(value["number"]) if isinstance(value, dict) else value


def _fields(given: Any) -> dict[str, Any]:
    return {field.name: _plain(getattr(given, field.name)) for field in fields(given)}


def lending_settings(engine: Engine) -> dict[str, Any]:
    """Names and rules of lending markets, settings of reserves and liquidators, for JSON."""
    reserves: list[dict[str, Any]] = [{}] * sum(len(market.reserves) for market in engine.lending)
    for market in engine.lending:
        for reserve in market.reserves.values():
            reserves[reserve.number] = reserve.given
    return {
        "markets": [
            {
                "name": market.name,
                "asset": market.asset,
                "rules": _fields(market.rules),
                "pool": None if not has_pool(market.rules) else market.stability_pool.state(),
            }
            for market in engine.lending
        ],
        "reserves": reserves,
        "categories": [
            {
                "lending": market.number,
                "name": category.name,
                "collateral": list(category.sides),
                "borrowable": list(category.borrowable),
                **category.terms,
            }
            for market in engine.lending
            for category in market.categories.values()
        ],
        "caps": engine.lending.cap_numbers(),
        "liquidators": [_fields(liquidator) for liquidator in engine.liquidators],
        "compete": engine.liquidators.compete,
        "bands": [
            {**bands.given, "source": bands.rules.source} for bands in engine.lending.bands.values()
        ],
    }


def add_lending(engine: Engine, settings: dict[str, Any]) -> None:
    """Lending markets and liquidators of a new engine; the reserves come with the markets."""
    for entry in settings["markets"]:
        rules = LendingRules(**{name: _stated(value) for name, value in entry["rules"].items()})
        engine.lending.add(entry["name"], rules=rules, asset=entry["asset"])
    for entry in settings["liquidators"]:
        engine.liquidators.add(
            Liquidator(**{name: _stated(value) for name, value in entry.items()})
        )
    engine.liquidators.compete = settings["compete"]


def _amount(lots: int, market: Market | None, scale: int) -> Fraction | None:
    step = Fraction(1, scale) if market is None else Fraction(market.lots.step)
    return None if lots < 0 else step * lots


def _over(number: int, parts: int) -> Fraction | None:
    return None if number < 0 else Fraction(number, parts)


def _oracle(given: dict[str, Any]) -> Oracle:
    return Oracle(
        delay=Fraction(given["delay"], given["block"] or SECOND),
        block=Fraction(given["block"], SECOND) if given["block"] else None,
        heartbeat=None if given["heartbeat"] < 0 else Fraction(given["heartbeat"], SECOND),
        deviation=Fraction(given["deviation"], PARTS),
        max_step=None if given["max_step"] < 0 else Fraction(given["max_step"], PARTS),
    )


def _market_at(engine: Engine, number: int) -> Market | None:
    if not isinstance(number, int) or not -1 <= number < len(engine.markets):
        raise ValueError(f"a reserve's market {number!r} is unknown")
    return None if number == -1 else engine.markets[number]


def _venues_at(engine: Engine, given: Any) -> Any:
    if isinstance(given, list):
        return [_market_at(engine, number) for number in given]
    return _market_at(engine, given)


def add_side(engine: Engine, entry: dict[str, Any], settings: dict[str, Any]) -> None:
    """The reserve or category that a stored side belongs to, made with the first of its sides."""
    if "category" in entry:
        _add_category(engine, entry["category"], settings["categories"])
    else:
        _add_reserve(engine, entry["side"], settings["reserves"])


def _add_reserve(engine: Engine, number: int, reserves: list[dict[str, Any]]) -> None:
    made = [m for m in engine.markets if isinstance(m, LendingSide) and m.category is None]
    if number != len(made) // 2:
        raise ValueError(f"side of reserve {number!r} does not follow {len(made)} others")
    given = reserves[number]
    lending = next(market for market in engine.lending if market.number == given["lending"])
    source, scale = _market_at(engine, given["source"]), engine.scale_of(lending.asset)
    reserve = lending.add_reserve(
        given["name"],
        price=source,
        venue=_venues_at(engine, given["venue"]),
        liquidation_threshold=Fraction(given["threshold"], PARTS),
        loan_to_value=Fraction(given["loan_to_value"], PARTS),
        liquidation_bonus=Fraction(given["bonus"], PARTS),
        borrow_factor=Fraction(given["borrow_factor"], PARTS),
        interest=model_of(given["interest"]),
        reserve_factor=Fraction(given["reserve_factor"], PARTS),
        supply_cap=_amount(given["supply_cap"], source, scale),
        borrow_cap=_amount(given["borrow_cap"], source, scale),
        oracle=_oracle(given),
        collateral=given["collateral"],
        borrowable=given["borrowable"],
        refinement=given["refine"],
        liquidation_factor=Fraction(given["liquidation_factor"], PARTS),
        debt_ceiling=_over(given["debt_ceiling"], CENTS),
        borrowable_in_isolation=given["isolation_lends"],
        siloed=given["siloed"],
        account_cap=_amount(given["account_cap"], source, scale),
        account_share=_over(given["account_share"], PARTS),
        liquidation_fee=_over(given["fee"], PARTS),
    )
    if reserve.given != given:
        raise ValueError(f"reserve {given['name']!r}: its settings are not those of a reserve")


def _add_category(engine: Engine, place: list[int], categories: list[dict[str, Any]]) -> None:
    lending = next(market for market in engine.lending if market.number == place[0])
    if place[1] != len(lending.categories) + 1:
        raise ValueError(f"category {place[1]!r} does not follow {len(lending.categories)} others")
    given = [entry for entry in categories if entry["lending"] == place[0]][place[1] - 1]
    lending.add_category(
        given["name"],
        collateral=given["collateral"],
        borrowable=given["borrowable"],
        liquidation_threshold=Fraction(given["threshold"], PARTS),
        loan_to_value=Fraction(given["loan_to_value"], PARTS),
        liquidation_bonus=Fraction(given["bonus"], PARTS),
    )


def check_made(engine: Engine, settings: dict[str, Any]) -> None:
    """Refuse settings whose reserves were not all made."""
    made = sum(len(market.reserves) for market in engine.lending)
    if made != len(settings["reserves"]):
        raise ValueError(f"{made} reserves were made of {len(settings['reserves'])}")
    made = sum(len(market.categories) for market in engine.lending)
    if made != len(settings["categories"]):
        raise ValueError(f"{made} categories were made of {len(settings['categories'])}")
    for source, asset, supply, borrow in settings["caps"]:
        market = _market_at(engine, source)
        scale = engine.scale_of(asset)
        most = {"supply": _amount(supply, market, scale), "borrow": _amount(borrow, market, scale)}
        engine.lending.cap(market, asset=asset, **most)
    if engine.lending.cap_numbers() != settings["caps"]:
        raise ValueError("caps are not those of an engine")
    band_snapshot.add_bands(engine, settings["bands"])
    _lendingrestore.forget_first_prices(engine)


# --- numbers -----------------------------------------------------------------------------------


def lending_arrays(engine: Engine) -> dict[str, NDArray[Any]]:
    """Numbers of reserves, prices on their way and liquidators."""
    reserves, waiting = _lendingrestore.reserve_records(engine)
    liquidators = _lendingrestore.liquidator_records(engine)
    categories = _lendingterms.account_categories(engine)
    houses, sales = _auctionentry.sale_records(engine)
    troves = _troverestore.trove_records(engine)
    return {
        "reserves": reserves,
        "waiting": waiting,
        "liquidators": liquidators,
        "lendings": _lendingterms.lending_records(engine),
        "categories": categories if _has_categories(engine) else categories[:0],
        "auctioneers": houses,
        "auctions": sales,
        **band_snapshot.band_arrays(engine),
        "troves": troves,
        "owners": _troverestore.owner_records(engine),
    }


def _has_categories(engine: Engine) -> bool:
    return any(market.categories for market in engine.lending)


def check_side(market: Market, row: Any, names: tuple[str, ...]) -> None:
    """Refuse a side whose record has more than a mark and what positions hold."""
    fresh = market.row()
    for name in names:
        if name not in MOVING and row[name] != fresh[name]:
            raise ValueError(f"side {market.name!r}: {name} is {row[name]}")
    if row["orders"] or row["auction"]:
        raise ValueError(f"side {market.name!r} has orders or an auction")


def restore_lending(
    engine: Engine, settings: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> None:
    """Numbers back into an engine whose accounts and markets are restored."""
    events = engine.event_count + len(arrays["events"])
    _lendingterms.restore_lendings(engine, arrays["lendings"])
    _lendingterms.restore_categories(engine, arrays["categories"])
    _lendingrestore.restore_reserves(engine, arrays["reserves"], arrays["waiting"], events)
    _lendingrestore.restore_liquidators(engine, arrays["liquidators"])
    _auctionentry.restore_sales(engine, arrays["auctioneers"], arrays["auctions"], events)
    band_snapshot.restore_bands(engine, arrays, events)
    _troverestore.restore_troves(engine, arrays["troves"], arrays["owners"])
    for market, entry in zip(engine.lending, settings["markets"], strict=True):
        if has_pool(market.rules):
            market.stability_pool.restore(entry["pool"])


def hash_rows(engine: Engine) -> list[bytes]:
    """What a hash has of lending markets, when there is anything of them."""
    if not len(engine.lending) and not len(engine.liquidators):
        return []
    rows = _auction_rows(engine)
    for market in engine.markets:
        numbers = market.row()
        rows.append([numbers["spot_size"], numbers["spot_entry"]])
    records, waiting = _lendingrestore.reserve_records(engine)
    at = 0
    for record in records.tolist():
        named = dict(zip(records.dtype.names or (), record, strict=True))
        rows.append([named[name] for name in HASHED])
        end = at + named["waiting"]
        prices = [n for row in waiting[at:end] for n in (row["due"], row["price"])]
        rows.append([named["waiting"], *prices])
        at = end
    stated = zip(engine.lending, _lendingterms.lending_records(engine).tolist(), strict=True)
    rows += [list(row) for market, row in stated if market.rules.sentinel is not None]
    if _has_categories(engine):
        rows.append(_lendingterms.account_categories(engine).tolist())
    rows += band_snapshot.band_hash(engine)
    rows += _pool_rows(engine, records)
    rows += [list(row) for row in _lendingrestore.liquidator_records(engine).tolist()]
    return [np.array(row, dtype="<i8").tobytes() for row in rows]


def _pool_rows(engine: Engine, reserves: NDArray[Any]) -> list[list[int]]:
    rows: list[list[int]] = []
    records = _troverestore.trove_records(engine)
    owners = _troverestore.owner_records(engine)
    for lending in engine.lending:
        own = records[lending.number]
        if lending.rules.troves is not None:
            marks = [reserves[r.number]["assigned_mark"] for r in lending.reserves.values()]
            rows.append([int(own["waiting"]), int(own["unsettled"]), max(marks, default=0)])
            rows.append([int(own[name]) for name in OF_INTEREST])
            mine = owners[owners["lending"] == lending.number]
            rows += [list(row)[1:] for row in mine.tolist()]
        if has_pool(lending.rules):
            rows += lending.stability_pool.hash_rows()
        if lending.rules.stop_gap:
            rows.append([int(own["backstop_cash"]), int(own["backstop_done"])])
    return rows


def _auction_rows(engine: Engine) -> list[list[int]]:
    houses, sales = _auctionentry.sale_records(engine)
    rows, at = [], 0
    for house in houses.tolist():
        rows.append(list(house))
        rows += [list(sale[:8]) for sale in sales[at : at + house[2]].tolist()]
        at += house[2]
    return rows


OF_INTEREST = ("interest_mark", "interest_carry", "interest_unsettled", "surplus", "is_shut")
HASHED = (
    "supply_index", "borrow_index", "supplied", "borrowed", "cash", "treasury", "deficit", "kept",
    "price", "updated", "paused", "absorbed", "frozen", "grace_until", "rate_at_target",
    "oracle", "offered", "isolated_debt", "waited", "ahead",
)  # fmt: skip


def side_entry(market: Market) -> dict[str, Any] | None:
    """What stands for a side among the markets of the settings; None for other markets."""
    if not isinstance(market, LendingSide):
        return None
    reserve: Reserve = market.reserve
    if market.category is None:
        return {"side": reserve.number}
    category = reserve.lending.categories[market.category]
    return {"side": reserve.number, "category": [reserve.lending.number, category.number]}
