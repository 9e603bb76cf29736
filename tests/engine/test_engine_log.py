"""Fields, causes and waves of the log (docs/log.md)."""

import numpy as np
from engine_kit import BUY, CANCEL, CANCEL_ALL, EVENT_FIELDS, MODIFY, SELL, pick, rows


def test_record_layout(kit):
    engine = kit.engine()
    engine.accounts.create(1, balance=5)
    events = engine.events
    assert isinstance(events, np.ndarray)
    assert events.dtype.itemsize == 64
    assert events.dtype.names == EVENT_FIELDS


def test_unused_fields(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    blank = dict.fromkeys(EVENT_FIELDS, 0)
    blank.update(cause=-1, account=-1, counterparty=-1, market=0)
    assert rows(engine) == [
        {**blank, "kind": 5, "price": 100},
        {**blank, "kind": 4, "price": 100, "cause": 0},
    ]


def test_index_that_repeats_is_logged_but_moves_nothing(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    engine.step(index={"X": 100})
    assert [row["kind"] for row in rows(engine)] == [5, 4, 5]


def test_time_is_the_clock(kit):
    engine = kit.engine()
    market = kit.market(engine)
    engine.step(index={"X": 100}, dt=1.5)
    engine.step(index={"X": 101}, dt=0.25)
    times = [row["time"] for row in rows(engine, "index")]
    assert times == [1_500_000_000, 1_750_000_000]
    assert market.index == 101


def test_driver_cancel_modify_and_cancel_all(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    (a,) = engine.accounts.create(1, balance=10_000)
    a = int(a)
    for price in (90, 91, 92):
        kit.limit(engine, market, BUY, price, 5, a)
    start = len(engine.events)
    kit.send(engine, market, kind=MODIFY, order=1, price=89, size=4)
    kit.send(engine, market, kind=CANCEL, order=2)
    kit.send(engine, market, kind=CANCEL, order=2)
    kit.send(engine, market, kind=CANCEL_ALL, account=a)
    found = pick(
        rows(engine, start=start), "kind", "side", "order", "quantity", "price", "account", "code"
    )
    assert found == [
        (1, 3, 1, 4, 89, a, 0),
        (1, 2, 2, 5, 91, a, 0),
        (1, 2, 2, 0, 0, -1, 10),
        (1, 4, 0, 2, 0, a, 0),
    ]


def test_post_only_slide_shows_the_price_it_rests_at(kit):
    engine = kit.engine()
    market = kit.market(engine)
    market.book.load_depth([(99, 1)], [(101, 1)])
    kit.limit(engine, market, BUY, 103, 2, flags=2)
    kit.limit(engine, market, BUY, 103, 2, flags=1)
    assert pick(rows(engine, "order"), "price", "code") == [(100, 0), (103, 13)]


def test_self_trade_removal_is_a_cancel_caused_by_the_order(kit):
    engine = kit.engine()
    market = kit.market(engine)
    (a,) = engine.accounts.create(1, balance=10_000)
    a = int(a)
    kit.limit(engine, market, SELL, 100, 5, a)
    kit.limit(engine, market, SELL, 101, 5)
    start = len(engine.events)
    kit.limit(engine, market, BUY, 101, 3, a, time_in_force=2 << 4)  # cancel oldest
    found = pick(rows(engine, start=start), "kind", "order", "quantity", "price", "cause")
    assert found == [
        (1, 3, 3, 101, -1),
        (3, 1, 5, 100, start),
        (2, 3, 3, 101, start),
        (4, 0, 0, 101, start),
    ]


def test_decrement_logs_what_the_maker_lost(kit):
    engine = kit.engine()
    market = kit.market(engine)
    (a,) = engine.accounts.create(1, balance=10_000)
    a = int(a)
    kit.limit(engine, market, SELL, 100, 5, a)
    assert kit.limit(engine, market, BUY, 100, 3, a, time_in_force=4 << 4) == 2
    assert pick(rows(engine, "cancel"), "order", "quantity", "side") == [(1, 3, SELL)]
    assert [tuple(row)[:2] for row in market.book.asks(1)] == [(100, 2)]


def test_cause_is_the_move_that_took_the_price_through_the_trigger(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    engine.accounts.open_ladder(market, side="long", size=1, trigger=[95, 92], bankruptcy=1)
    engine.budget(accounts=0)
    for price in (94, 96, 95, 93, 91, 90):
        engine.step(index={"X": price})
    engine.budget()
    engine.step()
    everything = rows(engine)
    causes = [everything[row["cause"]]["price"] for row in rows(engine, "liquidation")]
    # 95: since 95 every mark was there or below (94 was undone by 96); 92: 91
    assert causes == [95, 91]


def test_unit_due_without_a_move_has_no_cause(kit):
    # two positions, so the unit is watched; funding makes it due
    engine = kit.engine()
    rules = {"feed": "index", "tiers": [(0, 0.1)]}
    one, two = (kit.market(engine, name, rules=rules) for name in "AB")
    for market in (one, two):
        market.set_index(100)
    (a,) = engine.accounts.create(1, balance=205)
    for market in (one, two):
        engine.accounts.open(
            market, side="long", size=10, entry=100, margin=0, mode="cross", account=a
        )
    engine.fund(two, 0.01)  # 195 < 200
    engine.step()
    assert pick(rows(engine, "liquidation"), "market", "cause", "wave") == [(0, -1, 1), (1, -1, 1)]


def test_unit_of_several_positions_has_the_mark_that_reached_it(kit):
    engine = kit.engine()
    rules = {"feed": "index", "tiers": [(0, 0.1)]}
    one, two = (kit.market(engine, name, rules=rules) for name in "AB")
    for market in (one, two):
        market.set_index(100)
    (a,) = engine.accounts.create(1, balance=300)
    for market in (one, two):
        engine.accounts.open(
            market, side="long", size=10, entry=100, margin=0, mode="cross", account=a
        )
    one.set_index(95)  # 250 against 195
    two.set_index(
        90
    )  # 150 < 185: due since the tick of 93 (180 against 188), 94 is 190 against 189
    two.set_index(89)
    engine.step()
    everything = rows(engine)
    first = rows(engine, "liquidation")[0]
    cause = everything[first["cause"]]
    assert (cause["kind"], cause["market"], cause["price"]) == (4, 1, 90)
    assert first["wave"] == 1


def test_wave_counts_generations(kit):
    engine = kit.engine()
    market = kit.market(engine, venue=kit.linear(1, 1))
    market.set_index(100)
    engine.accounts.open_ladder(
        market, side="long", size=2, trigger=[99, 98, 97, 96, 94], bankruptcy=1
    )
    engine.step(orders=[("X", kit.messages([{"kind": 2, "side": SELL, "size": 1}]))])
    # the sale of 1 reaches 99; 99 -> 97 reaches 98 and 97; 97 -> 95 reaches 96; 95 -> 93 (by the
    # third, of wave 2 too) reaches 94; the last two go on to 89
    assert pick(rows(engine, "liquidation"), "account", "wave") == [
        (0, 1),
        (1, 2),
        (2, 2),
        (3, 3),
        (4, 3),
    ]
    assert market.mark == 89
    everything = rows(engine)
    for row in rows(engine, "liquidation"):
        assert row["wave"] == everything[row["cause"]]["wave"] + 1
        assert everything[row["cause"]]["kind"] == 4


def test_every_cause_is_earlier_and_explains_its_kind(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"taker_fee": 0.001, "tiers": [(0, 0.01)]})
    market.book.load_depth([(100 - k, 10) for k in range(30)], [])
    engine.accounts.open(market, side="long", size=10, entry=[100, 101, 102, 103], leverage=20)
    engine.step(orders=[("X", kit.messages([{"kind": 2, "side": SELL, "size": 45}]))])
    everything = rows(engine)
    allowed = {2: {1, 6}, 4: {1, 5, 6}, 6: {4}, 7: {6}, 8: {6}, 9: {6}, 15: {2}}
    assert any(row["kind"] == 6 for row in everything)
    for k, row in enumerate(everything):
        assert row["cause"] < k
        if row["cause"] >= 0:
            assert everything[row["cause"]]["kind"] in allowed[row["kind"]]
            if row["kind"] != 6:
                assert row["wave"] == everything[row["cause"]]["wave"]


def test_result_shows_the_events_of_its_step(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    result = engine.step(index={"X": 99})
    assert [int(event["kind"]) for event in result.events] == [5, 4]
    engine.clear_events()
    assert len(engine.events) == 0
    engine.step(index={"X": 98})
    # indices go on from where they were
    assert rows(engine, "mark")[0]["cause"] == 4


def test_replaced_depth_is_cancelled_without_a_cause(kit):
    engine = kit.engine()
    market = kit.market(engine)
    market.book.load_depth([(99, 5)], [(101, 6)])
    start = len(engine.events)
    market.book.load_depth([(98, 5)], [(104, 5)], replace=True)
    # the mark is the middle of the touch
    names = ("kind", "order", "quantity", "price", "side", "cause", "wave")
    assert pick(rows(engine, start=start), *names) == [
        (3, 1, 5, 99, BUY, -1, 0),
        (3, 2, 6, 101, SELL, -1, 0),
        (4, 0, 0, 101, 0, -1, 0),
    ]
    assert [tuple(row)[:2] for row in market.book.bids()] == [(98, 5)]
