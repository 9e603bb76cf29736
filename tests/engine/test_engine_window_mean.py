"""Marks that are the mean of a price over a window of time; numbers worked by hand."""

import random

import pytest
from engine_kit import BUY, SELL, STOP, STOP_ON_MARK, TWIN, core_kit, pick, rows


def quoted(kit, price=100, **rules):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "twap", "average_time": 10, **rules})
    move(market, price)
    return engine, market


def move(market, price):
    market.book.load_depth([(price - 1, 50)], [(price + 1, 50)], replace=True)


def test_mean_over_the_window(kit):
    engine, market = quoted(kit)
    # the first price there is, with no time behind it
    assert market.mark == 100
    engine.step(dt=20)
    move(market, 140)
    # a move does not enter before time passes
    assert market.mark == 100
    engine.step(dt=0)
    assert market.mark == 100
    engine.step(dt=1)
    # (9 * 100 + 1 * 140) / 10
    assert market.mark == 104
    engine.step(dt=4)
    # (5 * 100 + 5 * 140) / 10
    assert market.mark == 120
    move(market, 60)
    engine.step(dt=4)
    # the last 10 seconds: 1 of 100, 5 of 140, 4 of 60
    assert market.mark == 104
    engine.step(dt=5)
    # 1 of 140, 9 of 60
    assert market.mark == 68
    engine.step(dt=100)
    assert market.mark == 60
    assert pick(rows(engine, "mark"), "cause", "wave")[1:] == [(-1, 0)] * 5
    engine.validate()


def test_mean_rounds_down(kit):
    engine, market = quoted(kit)
    engine.step(dt=10)
    move(market, 101)
    engine.step(dt="9.999999999")
    # a nanosecond of 100 in ten seconds of 101
    assert market.mark == 100
    engine.step(dt="0.000000001")
    assert market.mark == 101


def test_before_the_window_is_full_it_is_the_mean_since_the_first_price(kit):
    engine, market = quoted(kit)
    engine.step(dt=1)
    move(market, 140)
    engine.step(dt=3)
    # 1 of 100, 3 of 140
    assert market.mark == 130


def test_what_trades_before_time_passes_replaces_the_first_price(kit):
    # one observation a time, as the last one of that time left it
    engine, market = quoted(kit)
    move(market, 140)
    assert market.mark == 100
    engine.step(dt=1)
    assert market.mark == 140


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        # four prices of a second each, then one of a second: 100, 110, 120, 130, 140
        (1, 140),
        (2, 135),
        (3, 130),
        (5, 120),
        (1024, 120),
    ],
)
def test_a_full_ring_forgets_the_oldest_observation(kit, kept, expected):
    engine, market = quoted(kit, observations=kept)
    engine.step(dt=1)
    for price in (110, 120, 130, 140):
        move(market, price)
        engine.step(dt=1)
    assert market.mark == expected
    engine.validate()


def test_prices_that_repeat_take_no_room(kit):
    engine, market = quoted(kit, observations=2)
    for _ in range(6):
        engine.step(dt=1)
    move(market, 200)
    engine.step(dt=4)
    # the window of ten seconds is whole: 6 of 100 and 4 of 200
    assert market.mark == 140


def test_the_last_price_read_goes_on_while_there_is_none(kit):
    engine, market = quoted(kit)
    engine.step(dt=10)
    move(market, 150)
    engine.step(dt=2)
    market.book.load_depth([(300, 5)], [], replace=True)
    engine.step(dt=2)
    # 6 of 100, 4 of 150, 2 of which without asks
    assert market.mark == 120


def test_of_the_last_price(kit):
    engine, market = quoted(kit, average_of="last")
    # as *last* before the first trade: the middle, which is not observed
    assert market.mark == 100
    engine.step(dt=50)
    kit.trade(engine, market, BUY, 1)
    assert market.mark == 101
    kit.trade(engine, market, SELL, 1)
    assert market.mark == 101
    engine.step(dt=1)
    assert market.mark == 99


def test_of_a_pool(kit):
    engine = kit.engine()
    rules = {"feed": "twap", "average_time": 10, "average_of": "last"}
    pool = kit.pools.ConstantProduct(100, 100_000, fee=0)
    market = kit.market(engine, rules=rules, venue=pool)
    assert market.mark == 1000
    engine.step(dt=10)
    kit.trade(engine, market, BUY, 50)
    # 200,000 over 50; the mean moves by a tenth of the way a second
    assert (market.last, market.mark) == (4000, 1000)
    engine.step(dt=1)
    assert market.mark == 1300
    engine.step(dt=9)
    assert market.mark == 4000


def test_of_the_index(kit):
    engine, market = quoted(kit, 500, average_of="index")
    # as *last* while there is no index
    assert market.mark == 500
    market.set_index(100)
    assert market.mark == 100
    engine.step(dt=10)
    # given at the end of two seconds: it counts from then on
    engine.step(index={"X": 200}, dt=2)
    assert market.mark == 100
    engine.step(index={"X": 400}, dt=3)
    # 7 of 100, 3 of 200
    assert market.mark == 130
    move(market, 900)
    engine.step(dt=1)
    # 6 of 100, 3 of 200, 1 of 400
    assert market.mark == 160
    engine.validate()


def test_of_what_another_market_is_marked_at_now(kit):
    engine = kit.engine()
    spot = kit.market(engine, "SPOT", rules={"feed": "last"}, venue=kit.linear(1, 1))
    spot.set_index(1000)
    rules = {"feed": "twap", "average_time": 10, "average_of": "index"}
    mean = kit.market(engine, "MEAN", rules=rules, follows="SPOT")
    assert (mean.index, mean.mark) == (1000, 1000)
    engine.step(dt=10)
    kit.trade(engine, spot, SELL, 500)
    assert (spot.mark, mean.index, mean.mark) == (500, 500, 1000)
    # what is put back at the same time leaves no trace
    kit.trade(engine, spot, BUY, 500)
    engine.step(dt=5)
    assert mean.mark == 1000
    kit.trade(engine, spot, SELL, 500)
    engine.step(dt=2)
    assert (spot.mark, mean.index, mean.mark) == (500, 500, 900)


def test_a_sale_by_force_does_not_move_the_mark_that_sends_the_next(kit):
    engine, market = quoted(kit, tiers=[(0, "0.01")])
    engine.step(dt=10)
    engine.accounts.open(market, side="long", size=[10, 10], entry=[104, 110], leverage=[20, 10])
    market.book.load_depth([(96, 10), (60, 100)], [(98, 5)], replace=True)
    # margins 52 and 110, at 99: equity 2 and 0 against maintenance 9.9
    result = engine.step(dt=4)
    # 6 of 100, 4 of 97: 98.8, down; both are due when time passed, and the sales at 60 move nothing
    assert market.mark == 98
    assert result.liquidated == 2
    assert pick(rows(engine, "liquidation"), "price", "wave") == [(98, 1), (98, 1)]
    (moved,) = rows(engine, "mark")[1:]
    assert [rows(engine)[row["cause"]] for row in rows(engine, "liquidation")] == [moved] * 2
    engine.step(dt=0)
    assert market.mark == 98
    engine.step(dt=1)
    assert market.mark < 98
    engine.validate()


def test_time_alone_makes_due(kit):
    engine, market = quoted(kit, tiers=[(0, "0.01")])
    engine.step(dt=10)
    engine.accounts.open(market, side="long", size=[10], entry=100, leverage=20)
    move(market, 50)
    assert engine.step(dt=0).liquidated == 0
    # equity 50 + 10 * (mark - 100) below a hundredth of the notional: from 95 on
    assert engine.step(dt="0.8").liquidated == 0
    assert market.mark == 96
    assert engine.step(dt="0.2").liquidated == 1
    assert market.mark == 95


def test_stops_on_a_mark_that_time_moves(kit):
    engine, market = quoted(kit)
    engine.step(dt=10)
    kit.send(engine, market, kind=STOP, side=BUY, size=1, extra=105, flags=STOP_ON_MARK)
    move(market, 120)
    assert rows(engine, "trigger") == []
    engine.step(dt=5)
    (fired,) = rows(engine, "trigger")
    assert (fired["price"], rows(engine)[fired["cause"]]["price"]) == (105, 110)


def test_a_stale_index_stops_the_mark_and_what_is_read(kit):
    engine, market = quoted(kit, stale_after=5)
    engine.step(index={"X": 100}, dt=10)
    engine.step(dt=5)
    move(market, 200)
    # the index is of age 5 when the step begins, and old when it ends
    engine.step(dt=1)
    assert market.mark == 100
    move(market, 500)
    engine.step(dt=1)
    assert market.mark == 100
    # 8 of 100 and 2 of 200, which went on; 500 was not read
    engine.step(index={"X": 100}, dt=0)
    assert market.mark == 120


def test_refusals(kit):
    with pytest.raises(ValueError, match="average_of 'index'"):
        kit.Rules(feed="index_premium", average_time=1, average_of="index")
    with pytest.raises(ValueError, match="average_time"):
        kit.Rules(feed="twap")
    for count in (0, 65_536, -3):
        with pytest.raises(ValueError, match=f"observations {count} is outside 1 ... 65"):
            kit.Rules(feed="twap", average_time=1, observations=count)


def test_hash_and_copy(kit):
    engine, market = quoted(kit, observations=3)
    for price in (110, 90, 130, 120):
        engine.step(dt=2)
        move(market, price)
    other = engine.copy()
    assert other.state_hash() == engine.state_hash()
    for one in (engine, other):
        one.step(dt=3)
        one.validate()
    assert other.state_hash() == engine.state_hash()
    assert rows(other, "mark") == rows(engine, "mark")


def test_file(tmp_path):
    kit = core_kit()
    if kit is None:
        pytest.skip("cascade.Engine cannot be imported: the compiled engine is not built")
    engine, market = quoted(kit, observations=3)
    for price in (110, 90, 130, 120):
        engine.step(dt=2)
        move(market, price)
    engine.save(tmp_path / "engine.npz")
    other = kit.Engine.load(tmp_path / "engine.npz")
    assert other.state_hash() == engine.state_hash()
    assert other["X"].rules.observations == 3
    for one in (engine, other):
        one.step(dt=3)
    # 2 of 90, 2 of 130, 3 of 120: 800 / 7
    assert (engine["X"].mark, other["X"].mark) == (114, 114)
    assert other.state_hash() == engine.state_hash()


def test_longest_times_and_highest_prices(kit):
    # 2**31 ticks over 2**62 ns are beyond 64 bits
    engine = kit.engine()
    rules = {"feed": "twap", "average_time": 10**9, "average_of": "last"}
    market = kit.market(engine, rules=rules, venue=kit.linear(1, 1))
    market.set_index(2_147_483_646)
    engine.step(dt=4 * 10**9)
    market.set_index(2_147_483_640)
    engine.step(dt="500000000")
    assert market.mark_ticks == 2_147_483_643


def history(kit, seed):
    draw = random.Random(seed)
    engine, market = quoted(
        kit,
        tiers=[(0, "0.01")],
        average_time=draw.choice([1, 3, 10]),
        average_of=draw.choice(["mid", "last"]),
        observations=draw.choice([1, 2, 5, 1024]),
    )
    engine.accounts.open(
        market,
        side="long",
        size=[5] * 8,
        entry=100,
        leverage=[draw.randint(5, 40) for _ in range(8)],
    )
    for _ in range(40):
        if draw.random() < 0.5:
            move(market, draw.randint(80, 120))
        if draw.random() < 0.5:
            kit.trade(engine, market, draw.choice([BUY, SELL]), draw.randint(1, 60))
        engine.step(dt=draw.choice([0, "0.5", 1, 4]))
        engine.validate()
    return engine


@pytest.mark.parametrize("seed", range(8))
def test_random_histories_alike(seed):
    core = core_kit()
    if core is None:
        pytest.skip("cascade.Engine cannot be imported: the compiled engine is not built")
    slow, fast = history(TWIN, seed), history(core, seed)
    assert rows(slow) == rows(fast)
    assert slow.state_hash() == fast.state_hash()
    assert any(row["kind"] for row in rows(slow, "mark"))
