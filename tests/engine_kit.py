"""What a test needs of an engine, twin or compiled, under one name; and the log as plain rows."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import ModuleType

import numpy as np
from reference import engine as twin
from reference import pools as twin_pools
from reference import residents as twin_residents
from reference import routes as twin_routes
from reference.log import EVENT_DTYPE
from reference.records import MESSAGE_DTYPE

EVENT_FIELDS = EVENT_DTYPE.names
KIND_NAMES = (
    *("order", "fill", "cancel", "mark", "index", "liquidation", "takeover", "fund", "bad_debt"),
    *("deposit", "withdrawal", "open", "funding", "trigger", "fee", "transfer"),
    *("adl", "halt", "auction"),
)
KINDS = {name: number for number, name in enumerate(KIND_NAMES, start=1)}
KINDS |= {"socialised": 20, "haircut": 21, "margin_call": 22, "liquidity": 26}
KINDS |= {"interest": 32, "oracle": 33, "supply": 34, "redeem": 35, "borrow": 36}
KINDS |= {"repay": 37, "seize": 38, "health": 39}
KINDS |= {"kick": 40, "take": 41, "redo": 42, "returned": 43, "incentive": 44}
KINDS |= {"soft_liquidation": 45, "de_liquidation": 46}
KINDS |= {"offset": 47, "redistribute": 48, "provide": 49}
KINDS |= {"sequencer": 50, "category": 51}
LIMIT, CANCEL, MARKET, MODIFY, STOP, STOP_LIMIT, CANCEL_ALL = range(7)
GTC, IOC, FOK = range(3)
POST_ONLY, SLIDE, REDUCE_ONLY, STOP_ON_MARK, ICEBERG, LONG_LEG, SHORT_LEG = (
    1 << n for n in range(7)
)
BUY, SELL = 0, 1


@dataclass(frozen=True)
class Kit:
    """One implementation: its engine, rules and linear impact curve."""

    name: str
    Engine: type
    Rules: type
    linear: Callable  # ticks a lot as a fraction, fill rule, tick size of its market
    message_dtype: np.dtype
    residents: ModuleType  # where MarketMaker and its like are
    Breaker: type
    pools: (
        ModuleType  # where ConstantProduct and its like are: whole lots and atoms, tick and lot 1
    )
    lending: ModuleType  # where LendingRules, Oracle, KinkRate and Liquidator are

    def engine(self, **keywords):
        """An engine whose money has no decimals unless the test asks for them."""
        return self.Engine(**{"asset_decimals": 0, **keywords})

    def market(self, engine, name="X", *, rules=None, **keywords):
        """A market of one tick, one lot and one atom a tick and lot, without maintenance."""
        made = {"tick_size": 1, "lot_size": 1, **keywords}
        stated = {"tiers": ((0, 0),), **(rules or {})}
        if isinstance(stated.get("breaker"), dict):
            stated["breaker"] = self.Breaker(**stated["breaker"])
        return engine.add_market(name, rules=self.Rules(**stated), **made)

    def messages(self, rows: list[dict]) -> np.ndarray:
        """Message rows from keywords; fields not named are 0, the account -1."""
        array = np.zeros(len(rows), dtype=self.message_dtype)
        array["account"] = -1
        for k, row in enumerate(rows):
            for name, value in row.items():
                array[name][k] = value
        return array

    def send(self, engine, market, **fields) -> int:
        """One message through the engine; the code its ORDER event carries."""
        start = len(engine.events)
        market.book.apply(self.messages([fields]))
        return int(engine.events[start]["code"])

    def limit(self, engine, market, side, price, size, account=-1, **fields) -> int:
        return self.send(
            engine,
            market,
            kind=LIMIT,
            side=side,
            price=price,
            size=size,
            account=account,
            **fields,
        )

    def route(self, engine, side, size, venues) -> list[int]:
        """A trade split over markets of one asset: lots filled in all, then by market."""
        if self.name == "core":
            routed = engine.route(side, size, venues)
            orders = routed.orders
            return [
                routed.filled,
                *(orders[m.name].filled if m.name in orders else 0 for m in venues),
            ]
        lot = venues[0].lot_size
        parts, *_ = twin_routes.route(tuple(venues), SELL if side == "sell" else BUY, size // lot)
        filled = [
            market.book.market(side, part * lot).filled if part else 0
            for market, part in zip(venues, parts, strict=True)
        ]
        return [sum(filled), *filled]

    def trade(self, engine, market, side, size, account=-1, **fields) -> int:
        """A market order."""
        return self.send(
            engine, market, kind=MARKET, side=side, size=size, account=account, **fields
        )


def _twin_linear(numerator, denominator, fill="average", tick=1):
    return twin.Impact("linear", numerator, denominator, fill)


TWIN = Kit(
    "twin",
    twin.Engine,
    twin.Rules,
    _twin_linear,
    MESSAGE_DTYPE,
    twin_residents,
    twin.Breaker,
    twin_pools,
    twin,
)


def core_kit() -> Kit | None:
    """The compiled engine, or None while the package has none."""
    try:
        core = importlib.import_module("cascade")
        engine, rules, impact = core.Engine, core.Rules, core.Impact
    except (ImportError, AttributeError):
        return None

    def linear(numerator, denominator, fill="average", tick=1):
        # the slope in price units; lots are units of one in these tests
        return impact.linear(Fraction(numerator, denominator) * Fraction(str(tick)), fill=fill)

    return Kit("core", engine, rules, linear, core.MESSAGE_DTYPE, core, core.Breaker, core, core)


def rows(engine, kind: str | None = None, start: int = 0) -> list[dict]:
    """Events as dictionaries of integers, of one kind if named."""
    found = []
    for event in engine.events[start:]:
        row = {name: int(event[name]) for name in EVENT_FIELDS}
        if kind is None or row["kind"] == KINDS[kind]:
            found.append(row)
    return found


def pick(events: list[dict], *names: str) -> list[tuple]:
    """Chosen fields of each row."""
    return [tuple(event[name] for name in names) for event in events]
