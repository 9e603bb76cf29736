"""What no caller can mean is refused with one error and leaves the engine as it was."""

from collections.abc import Callable

import numpy as np
import pytest

import cascade as cs
from cascade._columns import position_table
from cascade._marketbook import MarketBook

NAN = float("nan")


def curve_engine() -> cs.Engine:
    engine = cs.Engine()
    market = engine.add_market(
        "C", tick_size="0.01", lot_size=1, venue=cs.Impact.linear("0.001"),
    )  # fmt: skip
    market.set_index(100)
    engine.accounts.create(2, balance=100)
    return engine


def messages(count: int = 1, **fields: int) -> np.ndarray:
    rows = np.zeros(count, cs.MESSAGE_DTYPE)
    rows["account"] = -1
    for name, value in fields.items():
        rows[name] = value
    return rows


NONSENSE: list[tuple[type[Exception], str, Callable[[cs.Engine], object]]] = [
    (TypeError, "count", lambda e: e.accounts.create(0.5)),
    (ValueError, "count", lambda e: e.accounts.create(-1)),
    (TypeError, "accounts", lambda e: e.budget(accounts=0.5)),
    (ValueError, "accounts", lambda e: e.budget(accounts=-1)),
    (ValueError, "notional", lambda e: e.budget(notional=NAN)),
    (TypeError, "account", lambda e: e.accounts.deposit(True, 1)),
    (TypeError, "account", lambda e: e.accounts.deposit(0.5, 1)),
    (ValueError, "account", lambda e: e.accounts.deposit(2, 1)),
    (ValueError, "amount", lambda e: e.accounts.deposit(0, NAN)),
    (ValueError, "amount", lambda e: e.accounts.deposit(0, -1)),
    (ValueError, "amount", lambda e: e.accounts.deposit(0, "0.0000001")),
    (ValueError, "withdrawal", lambda e: e.accounts.withdraw(0, 101)),
    (ValueError, "side", lambda e: opened(e, side=[1.5])),
    (ValueError, "side", lambda e: opened(e, side=[NAN])),
    (ValueError, "side", lambda e: opened(e, side="up")),
    (ValueError, "size", lambda e: opened(e, size=0)),
    (ValueError, "size", lambda e: opened(e, size=-1)),
    (ValueError, "size", lambda e: opened(e, size=0.5)),
    (ValueError, "entry", lambda e: opened(e, entry=100.001)),
    (ValueError, "entry", lambda e: opened(e, entry=np.inf)),
    (ValueError, "price", lambda e: opened(e, entry=0)),
    (ValueError, "leverage", lambda e: opened(e, leverage=0)),
    (ValueError, "leverage", lambda e: opened(e, leverage=NAN)),
    (ValueError, "leg", lambda e: opened(e, leg="zz")),
    (ValueError, "mode", lambda e: opened(e, mode="portfolio")),
    (ValueError, "length", lambda e: opened(e, size=[1, 2], entry=[100, 100, 100])),
    (ValueError, "duplicate", lambda e: opened(e, size=[1, 1], account=[0, 0])),
    (TypeError, "account", lambda e: opened(e, account=[0.5])),
    (ValueError, "account", lambda e: opened(e, account=[7])),
    (OverflowError, "64 bits", lambda e: opened(e, size=2**48)),
    (ValueError, "bankruptcy", lambda e: e.accounts.open_ladder(
        "C", side="long", size=1, trigger=90, bankruptcy=95)),
    (ValueError, "leg", lambda e: e.accounts.size("C", "x")),
    (ValueError, "name", lambda e: e.accounts.column("C", "x")),
    (ValueError, "leg", lambda e: e.accounts.size("C", [])),
    (ValueError, "name", lambda e: e.accounts.column("C", 3)),
    (ValueError, "name", lambda e: e.accounts.column("C", [])),
    (TypeError, "asset", lambda e: e.add_asset([])),
    (TypeError, "accounts", lambda e: e.reserve(accounts=None)),
    (TypeError, "account", lambda e: e.asset_of(None)),
    (TypeError, "account", lambda e: e.is_hedge(None)),
    (TypeError, "orders", lambda e: e.step(orders=3)),
    (TypeError, "orders", lambda e: e.step(orders=[3])),
    (KeyError, "unknown", lambda e: e.step(index={"D": 1})),
    (TypeError, "index", lambda e: e.step(index=[1])),
    (ValueError, "index", lambda e: e.step(index={"C": NAN})),
    (ValueError, "index", lambda e: e.step(index={"C": 0})),
    (ValueError, "index", lambda e: e.step(index={"C": 100.001})),
    (ValueError, "dt", lambda e: e.step(dt=-1)),
    (ValueError, "dt", lambda e: e.step(dt=NAN)),
    (OverflowError, "clock", lambda e: e.run({"C": [100, 100]}, dt=4e9)),
    (TypeError, "MESSAGE_DTYPE", lambda e: e.step(orders=[("C", np.zeros(1))])),
    (TypeError, "MESSAGE_DTYPE", lambda e: e.step(
        orders=[("C", messages().astype(cs.MESSAGE_DTYPE.newbyteorder(">")))])),
    (ValueError, "dimension", lambda e: e.step(orders=[("C", messages(4).reshape(2, 2))])),
    (ValueError, "market", lambda e: e._step(None, [(5, messages())], 1)),
    (ValueError, "asset", lambda e: e._create_accounts(1, 99, 5, False)),
    (ValueError, "path", lambda e: e.run({"C": [100, NAN]})),
    (TypeError, "path", lambda e: e.run(None)),
    (ValueError, "impact", lambda e: e["C"].book.load_depth([(1, 1)], [])),
    (ValueError, "positions", lambda e: e.reserve(positions=-5)),
    (ValueError, "positions", lambda e: e.reserve(positions=2**33)),
    (ValueError, "exists", lambda e: e.add_market("C", tick_size=1, lot_size=1)),
    (TypeError, "name", lambda e: e.add_market("", tick_size=1, lot_size=1)),
    (TypeError, "rules", lambda e: e.add_market("D", tick_size=1, lot_size=1, rules={})),
    (ValueError, "tick_size", lambda e: e.add_market("D", tick_size=0, lot_size=1)),
    (ValueError, "asset_decimals", lambda e: e.add_market("D", tick_size="1e-9", lot_size=1)),
    (ValueError, "min_size 0 is outside 1", lambda e: e.add_market(
        "D", tick_size=1, lot_size=1, min_size=0)),
    (ValueError, "min_price -1 is outside 1", lambda e: e.add_market(
        "D", tick_size=1, lot_size=1, min_price=-1)),
    (ValueError, "min_size 5 is above max_size 4", lambda e: e.add_market(
        "D", tick_size=1, lot_size=1, min_size=5, max_size=4)),
    (ValueError, "rate", lambda e: e.fund("C", 2)),
]  # fmt: skip


def opened(engine: cs.Engine, **changes: object) -> object:
    columns: dict[str, object] = {"side": 1, "size": 1, "entry": 100, "leverage": 2}
    return engine.accounts.open("C", **(columns | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("error", "named", "call"), NONSENSE)
def test_nonsense_is_refused_and_changes_nothing(error, named, call):
    engine = curve_engine()
    before, events = engine.state_hash(), engine.event_count
    with pytest.raises(error, match=named):
        call(engine)
    assert engine.state_hash() == before
    assert engine.event_count == events
    engine.step()
    engine.validate()


@pytest.mark.parametrize(
    "make",
    [
        lambda: cs.Engine(seed=1.5),  # type: ignore[arg-type]
        lambda: cs.Engine(asset_decimals=2.0),  # type: ignore[arg-type]
        lambda: cs.Engine(asset_decimals=19),
        lambda: cs.Engine(execution="parallel"),  # type: ignore[arg-type]
        lambda: cs.Impact.depth_linear(0, 10),
        lambda: cs.Impact.linear(-1),
        lambda: cs.Rules(tiers=[(5, "0.1")]),
        lambda: cs.Rules(tiers=[(0, "0.1"), (10, "0.05")]),
        lambda: cs.Rules(absorb=2),
    ],
)
def test_things_that_cannot_be_are_not_made(make):
    with pytest.raises((TypeError, ValueError)):
        make()


@pytest.mark.parametrize(
    ("tiers", "named"),
    [
        (None, "tiers must be a sequence"),
        ([3], r"tiers\[0\] must be a sequence"),
        ([(0,)], r"tiers\[0\] must be \(floor"),
        ([(0, "0.1"), (10, None)], r"tiers\[1\] rate must be a number"),
        ([(0, "0.1", "x")], r"tiers\[0\] initial rate must be a number"),
    ],
)
def test_bad_tiers_are_named(tiers, named):
    with pytest.raises((TypeError, ValueError), match=named):
        cs.Rules(tiers=tiers)


@pytest.mark.parametrize("made", [cs.OrderBook, MarketBook])
def test_books_that_were_never_set_up_refuse(made):
    book = made.__new__(made)
    with pytest.raises(ValueError, match="closed"):
        book.limit("buy", 1, 1)
    with pytest.raises(ValueError, match="closed"):
        book.bids()


def test_an_impact_venue_stops_before_its_net_quantity_overflows():
    engine = cs.Engine(asset_decimals=0)
    curve = cs.Impact.linear(1)
    engine.add_market("C", tick_size=1, lot_size=1, venue=curve).set_index(100)
    answer = engine["C"].book.apply(
        messages(5000, kind=cs.MessageKind.MARKET, side=cs.Side.SELL, size=2**48)
    )
    codes = answer.codes.tolist()
    assert codes[:4096] == [cs.Code.OK] * 4096
    assert set(codes[4096:]) == {cs.Code.OVERFLOW}
    engine.validate()


def test_an_anonymous_order_too_large_for_its_value_is_refused():
    engine = curve_engine()
    sell = messages(kind=cs.MessageKind.MARKET, side=cs.Side.SELL, size=2**48)
    assert engine["C"].book.apply(sell).codes.tolist() == [cs.Code.OVERFLOW]
    engine.validate()


def test_an_order_refused_for_margin_leaves_no_position():
    engine = curve_engine()
    assert engine["C"].book.market("buy", 10, account=0).code == cs.Code.MARGIN
    assert len(position_table(engine)) == 0


def test_events_that_were_cleared_are_not_silently_empty():
    engine = curve_engine()
    result = engine.step(index={"C": 90})
    engine.clear_events()
    with pytest.raises(ValueError, match="cleared"):
        _ = result.events
