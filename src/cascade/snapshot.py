"""State of an engine as arrays: copy and file; its hash is in `cascade.state_hashes`.

A snapshot holds what cannot be computed: accounts, positions, orders, marks, money, clocks, and the
rules in words. Lists, heaps and guards are built anew, so a snapshot does not depend on how its engine
came to be, and a hostile one can at most be refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade import (
    _auctionentry,
    _bandrestore,
    _lendingrestore,
    _lendingterms,
    _outsiderows,
    _poolrows,
    _ramp,
    _restore,
    _stages,
    _sums,
    _troverestore,
    lending_snapshot,
)
from cascade._columns import (
    ACCOUNT_DTYPE,
    POSITION_DTYPE,
    account_table,
    asset_row,
    clocks,
    due_rows,
    funding_settled,
    position_table,
)
from cascade._core import EngineCore
from cascade._halting import breaker_state, restore_breaker
from cascade._log import EVENT_DTYPE
from cascade.archive import read_archive, write_archive
from cascade.breakers import Breaker
from cascade.dtypes import ORDER_DTYPE
from cascade.errors import CascadeError
from cascade.exact_numbers import exact
from cascade.impact import Impact
from cascade.ruleset import Rules
from cascade.venues import POOLS, pool_from_settings, pool_settings

if TYPE_CHECKING:
    from cascade.engine import Engine
    from cascade.market import Market

VERSION = 1
FUNCTION = "(function)"  # in place of a policy that only a copy can take over
MARKET_FIELDS = (
    "mark", "index", "last", "outside_size", "outside_entry", "house_size", "house_entry",
    "spot_size", "spot_entry", "permanent_lots", "transient_lots", "next_id", "ceiling",
    "touch_seen", "last_source", "source_wave", "average", "index_time", "premium_high",
    "premium_low", "premium_time", "funding_fixed", "funding_rate", "away_threshold", "funding_index",
    "funding_pool",
)  # fmt: skip
MARKET_DTYPE = np.dtype([(name, "<i8") for name in (*MARKET_FIELDS, "auction", "orders")])
RATES = (
    "maker_fee", "taker_fee", "liquidation_fee", "absorb", "backstop", "premium_cap", "interest",
    "funding_cap", "index_delay",
)  # fmt: skip
OPTIONAL = (
    "average_time", "stale_after", "funding_interval", "funding_clamp", "price_band", "fund_limit",
    "impact_notional",
)  # fmt: skip
LAYOUT: dict[str, np.dtype[Any]] = {
    "settings": np.dtype("u1"),
    "numbers": np.dtype("<i8"),
    "assets": np.dtype("<i8"),
    "markets": MARKET_DTYPE,
    "accounts": ACCOUNT_DTYPE,
    "positions": POSITION_DTYPE,
    "orders": ORDER_DTYPE,
    "stages": np.dtype("<i8"),
    "marks": _restore.MARK_DTYPE,
    "due": _restore.DUE_DTYPE,
    "delayed": _outsiderows.DELAYED_DTYPE,
    "samples": _outsiderows.SAMPLE_DTYPE,
    "observations": _outsiderows.OBSERVATION_DTYPE,
    "ramps": _ramp.RAMP_DTYPE,
    "residents": np.dtype("<i8"),
    "breakers": np.dtype("<i8"),
    "pools": np.dtype("<i8"),
    "reserves": _lendingrestore.RESERVE_DTYPE,
    "waiting": _lendingrestore.WAITING_DTYPE,
    "liquidators": _lendingrestore.LIQUIDATOR_DTYPE,
    "categories": np.dtype("u1"),
    "auctioneers": _auctionentry.HOUSE_DTYPE,
    "auctions": _auctionentry.SALE_DTYPE,
    "lendings": _lendingterms.LENDING_DTYPE,
    "band_markets": _bandrestore.BAND_MARKET_DTYPE,
    "bands": _bandrestore.BAND_DTYPE,
    "loans": _bandrestore.LOAN_DTYPE,
    "loan_shares": np.dtype("<i8"),
    "troves": _troverestore.TROVE_DTYPE,
    "owners": _troverestore.OWNER_DTYPE,
    "settled": np.dtype("<i8"),
    "moments": _restore.MOMENT_DTYPE,
    "events": EVENT_DTYPE,
}

REFUSALS = (
    ArithmeticError, AttributeError, CascadeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip

check_structure: Callable[[EngineCore], None] = _restore.check_structure


# --- settings ----------------------------------------------------------------------------------


def _text(value: Any) -> str:
    return str(exact(value, "value"))


def _rules_settings(rules: Rules) -> dict[str, Any]:
    settings: dict[str, Any] = {
        name: getattr(rules, name)
        for name in (
            "tier_mode",
            "basis",
            "close_fee",
            "trigger",
            "feed",
            "liquidation_order",
            "surplus",
            "average_of",
            "funding_value",
            "funding_mode",
            "band_reference",
            "adl",
            "adl_price",
            "socialised",
            "haircut",
            "premium_of",
            "funding_payments",
            "observations",
            "source",
        )
    }
    settings.update({name: _text(getattr(rules, name)) for name in RATES})
    for name in OPTIONAL:
        value = getattr(rules, name)
        settings[name] = None if value is None else _text(value)
    settings["tiers"] = [[str(part) for part in row] for row in rules.rows()]
    if callable(rules.adl):
        settings["adl"] = FUNCTION
    trigger, block = rules.adl_trigger, rules.fund_block
    settings["adl_trigger"] = (
        trigger if isinstance(trigger, str) else [trigger[0], *map(_text, trigger[1:])]
    )
    settings["fund_block"] = None
    if block is not None:
        settings["fund_block"] = [None if term is None else _text(term) for term in block]
    samples = rules.premium_samples
    settings["premium_samples"] = None if samples is None else [_text(samples[0]), samples[1]]
    given = rules.disposal
    settings["disposal"] = None if given is None else [_text(part) for part in given]
    settings["partial"] = None
    if rules.partial is not None:
        settings["partial"] = [rules.partial[0], *map(_text, rules.partial[1:])]
    settings["breaker"] = None if rules.breaker is None else rules.breaker.settings()
    return settings


def _rules_from(settings: dict[str, Any], original: Rules | None) -> Rules:
    given = dict(settings)
    if given["adl"] == FUNCTION and original is not None:
        given["adl"] = original.adl
    given["tiers"] = tuple(tuple(Fraction(part) for part in row) for row in given["tiers"])
    given.update({name: Fraction(given[name]) for name in RATES})
    given.update({name: Fraction(given[name]) for name in OPTIONAL if given[name] is not None})
    if not isinstance(given["adl_trigger"], str):
        kind, *terms = given["adl_trigger"]
        given["adl_trigger"] = (kind, *map(Fraction, terms))
    if given["fund_block"] is not None:
        given["fund_block"] = tuple(
            None if term is None else Fraction(term) for term in given["fund_block"]
        )
    if given["disposal"] is not None:
        given["disposal"] = tuple(Fraction(part) for part in given["disposal"])
    if given["premium_samples"] is not None:
        seconds, count = given["premium_samples"]
        given["premium_samples"] = (Fraction(seconds), count)
    if given["partial"] is not None:
        kind, *terms = given["partial"]
        numbers = [Fraction(term) for term in terms]
        # a number of tiers is an integer
        given["partial"] = (kind, *(int(n) if kind == "tier_step" else n for n in numbers))
    if given.get("breaker") is not None:
        given["breaker"] = Breaker.from_settings(given["breaker"])
    return Rules(**given)


def _venue_settings(market: Market) -> dict[str, Any] | None:
    if isinstance(market.venue, POOLS):
        return pool_settings(market.venue)
    impact = market.impact
    if impact is None:
        return None
    return {
        "kind": impact.kind, "scale": _text(impact.scale), "length": _text(impact.length),
        "distances": list(map(float, impact.distances)), "depths": list(map(float, impact.depths)),
        "fill": impact.fill, "permanent": float(impact.permanent),
        "decay_rate": float(impact.decay_rate),
    }  # fmt: skip


def _venue_from(settings: dict[str, Any] | None) -> Any:
    if settings is None:
        return "book"
    if "pool" in settings:
        return pool_from_settings(settings)
    given = dict(settings)
    for name in ("scale", "length"):
        given[name] = Fraction(given[name])
    for name in ("distances", "depths"):
        given[name] = tuple(given[name])
    return Impact(**given)


def _settings(engine: Engine) -> dict[str, Any]:
    return {
        "version": VERSION,
        "seed": engine.seed,
        "execution": engine.execution,
        "asset": engine.asset,
        "assets": [[name, scale] for name, (_, scale) in engine.assets.items()],
        "budget": engine._budget,
        "lending": lending_snapshot.lending_settings(engine),
        "markets": [
            lending_snapshot.side_entry(market)
            or {
                "name": market.name,
                "tick_size": str(market.ticks.step),
                "lot_size": str(market.lots.step),
                "contract": market.contract,
                "multiplier": str(market.multiplier),
                "asset": market.asset,
                "rules": _rules_settings(market.rules),
                "venue": _venue_settings(market),
                "bounds": market.bounds,
                "follows": [source.name for source in market.sources] or None,
            }
            for market in engine.markets
        ],
        "residents": engine.residents.settings(),
    }


# --- arrays ------------------------------------------------------------------------------------


def to_arrays(engine: Engine) -> dict[str, NDArray[Any]]:
    """Everything that decides how an engine goes on, and its log."""
    markets = np.zeros(len(engine.markets), MARKET_DTYPE)
    orders = [np.empty(0, ORDER_DTYPE)]
    for market, record in zip(engine.markets, markets, strict=True):
        row = market.row()
        for name in MARKET_FIELDS:
            record[name] = row[name]
        record["last"] = row["last"] if market.has_book else 0
        record["auction"] = market.book.auction
        held = market.book.orders
        record["orders"] = len(held)
        orders.append(held)
    assets = [asset_row(engine, number) for number, _ in engine.assets.values()]
    due = [(key, position, m, d) for m, d, key, position in due_rows(engine)]
    events = engine.events
    return {
        "settings": np.frombuffer(json.dumps(_settings(engine)).encode(), np.uint8),
        "numbers": np.array([*clocks(engine), engine.event_count - len(events)], dtype="<i8"),
        "assets": np.array([list(row.values()) for row in assets], dtype="<i8").ravel(),
        "markets": markets,
        "accounts": account_table(engine),
        "positions": position_table(engine),
        "orders": np.concatenate(orders),
        "stages": _stage_rows(engine),
        "marks": _restore.mark_rows(engine),
        "delayed": _outsiderows.delayed_rows(engine),
        "samples": _outsiderows.sample_rows(engine),
        "observations": _outsiderows.observation_rows(engine),
        "ramps": _ramp.ramp_rows(engine),
        "due": np.array(due, dtype=_restore.DUE_DTYPE),
        "residents": np.array(
            [n for row in engine.residents.numbers() for n in (len(row), *row)], dtype="<i8"
        ),
        "breakers": _breaker_states(engine),
        "pools": _pool_states(engine),
        **lending_snapshot.lending_arrays(engine),
        "settled": funding_settled(engine),
        "moments": _restore.moment_rows(engine),
        "events": events,
    }


def from_arrays(arrays: dict[str, NDArray[Any]], original: Engine | None = None) -> Engine:
    """An engine from `to_arrays`; everything is checked. `original` lends functions to its copy.

    Raises
    ------
    ValueError
        The arrays are not the state of an engine.
    """
    settings = json.loads(arrays["settings"].tobytes())
    engine = _empty_engine(settings, original)
    numbers = arrays["numbers"].tolist()
    assets = arrays["assets"]
    if len(numbers) != 3 or len(assets) != 4 * len(engine.assets):
        raise ValueError("clocks or assets have the wrong number of entries")
    if len(arrays["markets"]) != len(engine.markets):
        raise ValueError("market records do not fit the settings")
    _restore.restore_clocks(engine, *numbers)
    _restore.restore_assets(engine, assets.reshape(-1, 4).tolist())
    _restore.restore_accounts(engine, arrays["accounts"], arrays["positions"])
    _restore_stages(engine, arrays["stages"].tolist())
    _restore.restore_settled(engine, arrays["settled"])
    at = 0
    for market, row in zip(engine.markets, arrays["markets"], strict=True):
        count = int(row["orders"])
        if not 0 <= count <= len(arrays["orders"]) - at:
            raise ValueError(f"market {market.name!r}: {count} orders are not stored")
        held = np.ascontiguousarray(arrays["orders"][at : at + count])
        if lending_snapshot.side_entry(market) is not None:
            lending_snapshot.check_side(market, row, MARKET_FIELDS)
        _restore.restore_market(engine, market.number, market.book, row, held)
        at += count
    if at != len(arrays["orders"]):
        raise ValueError("orders are left over")
    _sums.restore_sums(engine)
    _outsiderows.restore_outside(engine, arrays["delayed"], arrays["samples"])
    _outsiderows.restore_observations(engine, arrays["observations"])
    _restore_breakers(engine, arrays["breakers"].tolist())
    _restore_pools(engine, arrays["pools"].tolist())
    lending_snapshot.restore_lending(engine, settings["lending"], arrays)
    _ramp.restore_ramps(engine, arrays["ramps"])
    _restore.restore_queue(engine, arrays["marks"], arrays["due"])
    engine.residents.restore(settings["residents"], arrays["residents"].tolist())
    events = arrays["events"]
    first = engine.event_count
    if not ((events["cause"] >= -1) & (events["cause"] < first + np.arange(len(events)))).all():
        raise ValueError("an event has a cause that is not before it")
    _restore.restore_log(engine, events, arrays["moments"])
    engine.validate()
    return engine


def _stage_rows(engine: Engine) -> NDArray[np.int64]:
    # length and numbers of each market's
    rows = [_stages.stage_rows(engine, market.number) for market in engine.markets]
    return np.array([number for row in rows for number in (len(row), *row)], dtype=np.int64)


def _restore_stages(engine: Engine, stored: list[int]) -> None:
    for market in engine.markets:
        if not stored or not 0 <= stored[0] < len(stored):
            raise ValueError(f"market {market.name!r}: its waterfall is not stored")
        end = 1 + stored[0]
        _stages.restore_stages(engine, market.number, stored[1:end])
        stored = stored[end:]
    if stored:
        raise ValueError("numbers of the waterfall are left over")


def _breaker_states(engine: Engine) -> NDArray[np.int64]:
    # market number, length and numbers of each breaker
    rows = [np.empty(0, np.int64)]
    for market in engine.markets:
        if market.rules.breaker is not None:
            numbers = breaker_state(engine, market.number)
            rows += [np.array([market.number, len(numbers)]), numbers]
    return np.concatenate(rows)


def _restore_breakers(engine: Engine, stored: list[int]) -> None:
    for market in engine.markets:
        if market.rules.breaker is None:
            continue
        if len(stored) < 2 or stored[0] != market.number or not 0 <= stored[1] <= len(stored) - 2:
            raise ValueError(f"market {market.name!r}: its breaker is not stored")
        end = 2 + stored[1]
        restore_breaker(engine, market.number, np.array(stored[2:end], dtype=np.int64))
        stored = stored[end:]
    if stored:
        raise ValueError("breakers are left over")


def _pool_states(engine: Engine) -> NDArray[np.int64]:
    # length and numbers of each pool, in market order
    rows = [np.empty(0, np.int64)]
    for market in engine.markets:
        if isinstance(market.venue, POOLS):
            numbers = market.pool.numbers()
            rows.append(np.array([len(numbers), *numbers], dtype=np.int64))
    return np.concatenate(rows)


def _restore_pools(engine: Engine, stored: list[int]) -> None:
    for market in engine.markets:
        if not isinstance(market.venue, POOLS):
            continue
        if not stored or not 0 <= stored[0] < len(stored):
            raise ValueError(f"market {market.name!r}: its pool is not stored")
        _poolrows.restore_pool(engine, market.number, stored[1 : stored[0] + 1])
        stored = stored[stored[0] + 1 :]
    if stored:
        raise ValueError("pools are left over")


def _empty_engine(settings: dict[str, Any], original: Engine | None) -> Engine:
    from cascade.engine import Engine

    if settings["version"] != VERSION:
        raise ValueError(f"version {settings['version']!r} is not {VERSION}")
    names = [name for name, _ in settings["assets"]]
    engine = Engine(
        seed=settings["seed"],
        execution=settings["execution"],
        asset=settings["asset"],
        asset_decimals=len(str(settings["assets"][names.index(settings["asset"])][1])) - 1,
    )
    if names[0] != engine.asset:
        raise ValueError("the engine's own asset must come first")
    for name, scale in settings["assets"][1:]:
        engine.add_asset(name, len(str(scale)) - 1)
    if [scale for _, scale in engine.assets.values()] != [s for _, s in settings["assets"]]:
        raise ValueError("an asset's scale is not a power of ten")
    lending = settings["lending"]
    lending_snapshot.add_lending(engine, lending)
    for number, entry in enumerate(settings["markets"]):
        if "side" in entry:
            if number == len(engine.markets):  # other sides came with the first
                lending_snapshot.add_side(engine, entry, lending)
            continue
        market = engine.add_market(
            entry["name"],
            tick_size=Fraction(entry["tick_size"]),
            lot_size=Fraction(entry["lot_size"]),
            rules=_rules_from(
                entry["rules"], None if original is None else original.market(entry["name"]).rules
            ),
            venue=_venue_from(entry["venue"]),
            contract=entry["contract"],
            multiplier=Fraction(entry["multiplier"]),
            asset=entry["asset"],
            follows=entry.get("follows"),
            **{name: None if v is None else Fraction(v) for name, v in entry["bounds"].items()},
        )
        if market.bounds != entry["bounds"]:
            raise ValueError(f"market {entry['name']!r}: bounds")
    if [lending_snapshot.side_entry(m) for m in engine.markets] != [
        entry if "side" in entry else None for entry in settings["markets"]
    ]:
        raise ValueError("sides of reserves are not where they were")
    lending_snapshot.check_made(engine, lending)
    _poolrows.forget_first_marks(engine)
    budget = settings["budget"]
    allowed = {"budget_accounts", "budget_notional", "time_per_liquidation"}
    if not isinstance(budget, dict) or set(budget) - allowed:
        raise ValueError("unknown budget")
    if any(not isinstance(v, int) or not 0 <= v < 2**62 for v in budget.values()):
        raise ValueError("a budget is out of range")
    engine._budget = budget
    engine._apply_settings()
    return engine


def copy_engine(engine: Engine) -> Engine:
    """See `Engine.copy`."""
    return from_arrays(to_arrays(engine), engine)


def save(engine: Engine, path: str | PathLike[str]) -> None:
    """See `Engine.save`."""
    for market in engine.markets:
        if callable(market.rules.adl):
            raise ValueError(f"market {market.name!r} has a function as adl: it cannot be saved")
    write_archive(path, to_arrays(engine))


def load(path: str | PathLike[str]) -> Engine:
    """See `Engine.load`."""
    arrays = read_archive(path, LAYOUT)
    try:
        return from_arrays(arrays)
    except REFUSALS as error:
        raise ValueError(f"{str(path)!r} holds no engine: {error}") from error
