"""Stops inside the engine: on last and on mark, in the cascade, with their causes and waves."""

from engine_kit import (
    BUY,
    CANCEL,
    LIMIT,
    MARKET,
    SELL,
    STOP,
    STOP_LIMIT,
    STOP_ON_MARK,
    pick,
    rows,
)


def setup(kit, bids, asks=(), **rules):
    engine = kit.engine()
    market = kit.market(engine, rules=rules)
    market.book.load_depth(list(bids), list(asks))
    return engine, market


def place_stop(kit, engine, market, side, trigger, size, **fields) -> int:
    return kit.send(engine, market, kind=STOP, side=side, extra=trigger, size=size, **fields)


def test_stop_on_last_fires_after_the_trade(kit):
    engine, market = setup(kit, [(100, 1), (99, 5), (98, 5)])
    assert place_stop(kit, engine, market, SELL, 100, 2) == 1
    start = len(engine.events)
    kit.trade(engine, market, SELL, 1)
    # depth has ids 1 to 3, the stop is 4
    events = rows(engine, start=start)
    assert pick(events, "kind", "order", "price", "cause", "wave") == [
        (1, 5, 0, -1, 0),
        (2, 5, 100, start, 0),
        (4, 0, 100, start, 0),
        (14, 4, 100, start, 1),
        (1, 4, 0, start + 3, 1),
        (2, 4, 99, start + 4, 1),
        (4, 0, 99, start + 4, 1),
    ]
    assert market.mark == 99


def test_stop_on_mark_waits_for_the_mark(kit):
    engine, market = setup(kit, [(100, 5), (99, 5)], [(105, 5)], feed="index")
    market.set_index(103)
    assert place_stop(kit, engine, market, SELL, 101, 2, flags=STOP_ON_MARK) == 1
    kit.trade(engine, market, SELL, 1)  # last is 100, the mark still 103
    assert rows(engine, "trigger") == []
    market.set_index(102)
    assert rows(engine, "trigger") == []
    market.set_index(101)
    (trigger,) = rows(engine, "trigger")
    assert trigger["wave"] == 1
    assert rows(engine)[trigger["cause"]]["price"] == 101
    assert rows(engine)[trigger["cause"]]["kind"] == 4
    assert pick(rows(engine, "fill")[-1:], "quantity", "price") == [(2, 100)]


def test_stop_reached_at_entry_is_an_order_at_once(kit):
    engine, market = setup(kit, [(100, 5), (99, 5)])
    kit.trade(engine, market, SELL, 1)
    assert place_stop(kit, engine, market, SELL, 100, 2) == 0
    assert rows(engine, "trigger") == []
    assert pick(rows(engine, "fill")[-1:], "quantity", "price") == [(2, 100)]


def test_chain_of_stops(kit):
    bids = [(100 - k, 2) for k in range(20)]
    engine, market = setup(kit, bids)
    for trigger in (99, 98, 97):
        place_stop(kit, engine, market, SELL, trigger, 4)
    kit.trade(engine, market, SELL, 3)
    # 3 lots reach 99; each stop of 4 lots falls two ticks further
    assert [row["wave"] for row in rows(engine, "trigger")] == [1, 2, 3]
    assert market.mark == 93
    assert sum(row["quantity"] for row in rows(engine, "fill")) == 15


def test_stop_limit_rests_where_it_cannot_trade(kit):
    engine, market = setup(kit, [(100, 1), (98, 5)])
    code = kit.send(engine, market, kind=STOP_LIMIT, side=SELL, extra=100, price=99, size=3)
    assert code == 1
    kit.trade(engine, market, SELL, 1)
    assert pick(rows(engine, "order")[-1:], "price", "quantity", "code") == [(99, 3, 0)]
    assert [tuple(row)[:2] for row in market.book.asks(1)] == [(99, 3)]


def test_cancelled_stop_never_fires(kit):
    engine, market = setup(kit, [(100, 1), (99, 5)])
    place_stop(kit, engine, market, SELL, 100, 2)
    kit.send(engine, market, kind=CANCEL, order=3)
    kit.trade(engine, market, SELL, 1)
    assert rows(engine, "trigger") == []


def test_stops_in_the_cascade_carry_it_on(kit):
    bids = [(100 - k, 10) for k in range(40)]
    engine, market = setup(kit, bids)
    engine.accounts.open_ladder(market, side="long", size=20, trigger=[99, 95], bankruptcy=[1, 1])
    place_stop(kit, engine, market, SELL, 97, 20)
    result = engine.step(orders=[("X", kit.messages([{"kind": MARKET, "side": SELL, "size": 11}]))])
    # 11 to 99; the first, 9 at 99, 10 at 98, 1 at 97; the stop, 9 at 97, 10 at 96, 1 at 95
    assert result.liquidated == 2
    liquidations = rows(engine, "liquidation")
    assert [row["wave"] for row in liquidations] == [1, 3]
    (trigger,) = rows(engine, "trigger")
    assert trigger["wave"] == 2
    everything = rows(engine)
    # upwards from the second: MARK, the stop's ORDER, TRIGGER, the first LIQUIDATION
    chain, event = [], liquidations[1]
    while event["cause"] >= 0:
        event = everything[event["cause"]]
        chain.append(event["kind"])
    assert chain == [4, 1, 14, 6, 4, 1]
    assert market.mark == 93


def test_batch_fires_stops_after_the_batch(kit):
    engine = kit.engine(execution="batch")
    market = kit.market(engine)
    market.book.load_depth([(100 - k, 10) for k in range(40)], [])
    engine.accounts.open_ladder(market, side="long", size=10, trigger=99, bankruptcy=1)
    engine.accounts.open_ladder(market, side="long", size=10, trigger=99, bankruptcy=1)
    place_stop(kit, engine, market, SELL, 98, 5)
    engine.step(orders=[("X", kit.messages([{"kind": MARKET, "side": SELL, "size": 11}]))])
    kinds = [row["kind"] for row in rows(engine) if row["kind"] in (6, 14)]
    assert kinds == [6, 6, 14]


def test_index_move_fires_stops_market_by_market(kit):
    engine = kit.engine()
    markets = [kit.market(engine, name, rules={"feed": "index"}) for name in "AB"]
    for market in markets:
        market.set_index(100)
        market.book.load_depth([(90, 10)], [(110, 10)])
        place_stop(kit, engine, market, SELL, 95, 1, flags=STOP_ON_MARK)
    start = len(engine.events)
    engine.step(index={"B": 95, "A": 94})
    kinds = [(row["kind"], row["market"]) for row in rows(engine, start=start)]
    assert kinds == [
        (5, 0),
        (4, 0),
        (5, 1),
        (4, 1),
        (14, 0),
        (1, 0),
        (2, 0),
        (14, 1),
        (1, 1),
        (2, 1),
    ]


def test_buy_stops_mirror(kit):
    engine, market = setup(kit, [], [(100 + k, 2) for k in range(20)])
    for trigger in (101, 102):
        place_stop(kit, engine, market, BUY, trigger, 4)
    kit.send(engine, market, kind=LIMIT, side=BUY, price=101, size=3)
    assert [row["wave"] for row in rows(engine, "trigger")] == [1, 2]
    # 3 lots to 101, 4 to 103, 4 to 105
    assert market.mark == 105
