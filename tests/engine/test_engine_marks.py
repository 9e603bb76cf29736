"""Marks that follow averages over time, and what a stale index does; numbers worked by hand."""

import pytest
from engine_kit import BUY, SELL, STOP, STOP_ON_MARK, pick, rows


def quoted(kit, bid=99, ask=101, **rules):
    engine = kit.engine()
    market = kit.market(engine, rules=rules)
    market.book.load_depth([(bid, 50)], [(ask, 50)])
    return engine, market


def move(market, bid, ask):
    market.book.load_depth([(bid, 50)], [(ask, 50)], replace=True)


def marks(engine):
    return [row["price"] for row in rows(engine, "mark")]


def test_ema_begins_at_the_first_price_and_moves_with_time_alone(kit):
    engine, market = quoted(kit, feed="ema", average_time=3)
    assert market.mark == 100
    move(market, 139, 141)
    assert market.mark == 100
    engine.step(dt=1)
    # 100 + 40 * 1 / 4, then 110 + 30 * 1 / 4 = 117.5, halves up
    assert market.mark == 110
    engine.step(dt=1)
    assert market.mark == 118
    engine.step(dt=0)
    # 117.5 + 22.5 * 27 / 30 = 137.75
    engine.step(dt=27)
    assert marks(engine) == [100, 110, 118, 138]
    assert pick(rows(engine, "mark"), "cause")[1:] == [(-1,)] * 3


def test_ema_is_as_last_until_there_is_a_price_to_follow(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "ema", "average_time": 1})
    market.set_index(50)
    assert market.mark == 50
    engine.step(dt=100)
    assert market.mark == 50
    market.book.load_depth([(59, 5)], [(61, 5)])
    assert market.mark == 60


def test_ema_of_the_last_price(kit):
    engine, market = quoted(kit, feed="ema", average_time=1, average_of="last")
    # as *last* before the first trade: the middle
    assert market.mark == 100
    kit.trade(engine, market, BUY, 1)
    assert market.mark == 101
    kit.trade(engine, market, SELL, 1)
    assert market.mark == 101
    engine.step(dt=3)
    # 101 - 2 * 3 / 4 = 99.5
    assert market.mark == 100
    engine.step(dt=1)
    # 99.5 - 0.5 / 2 = 99.25
    assert market.mark == 99


def test_ema_of_the_index(kit):
    engine, market = quoted(kit, feed="ema", average_time=3, average_of="index")
    # as *last* while there is no index
    assert market.mark == 100
    market.set_index(200)
    assert market.mark == 200
    engine.step(index={"X": 400}, dt=1)
    assert market.mark == 200
    engine.step(dt=1)
    # 200 + 200 / 4
    assert market.mark == 250


def test_ema_stands_while_a_side_is_missing(kit):
    engine, market = quoted(kit, feed="ema", average_time=1)
    market.book.load_depth([(150, 5)], [], replace=True)
    engine.step(dt=50)
    assert market.mark == 100


def test_index_premium_is_the_index_and_the_clamped_average(kit):
    engine, market = quoted(kit, 109, 111, feed="index_premium", average_time=1, premium_cap="0.05")
    # no index yet: as *last*
    assert market.mark == 110
    market.set_index(100)
    assert market.mark == 100
    engine.step(dt="0.25")
    # premium 10 * 0.25 / 1.25 = 2
    assert market.mark == 102
    engine.step(dt=3)
    # 2 + 8 * 3 / 4 = 8, held at 5 % of 100
    assert market.mark == 105
    engine.step(index={"X": 40}, dt=0)
    # 5 % of 40 is 2
    assert market.mark == 42
    move(market, 29, 31)
    engine.step(dt=3)
    # 8 + (30 - 40 - 8) * 3 / 4 = -5.5, held at -2
    assert market.mark == 38


def test_index_premium_rounds_halves_up(kit):
    engine, market = quoted(kit, 100, 102, feed="index_premium", average_time=1)
    market.set_index(100)
    engine.step(dt=1)
    # 101 - 100, half of it
    assert market.mark == 101
    engine, market = quoted(kit, 98, 100, feed="index_premium", average_time=1)
    market.set_index(100)
    engine.step(dt=1)
    assert market.mark == 100
    engine.step(dt=1)
    # -0.75
    assert market.mark == 99


def test_averages_round_toward_what_they_were(kit):
    # 1 tick in 2**20 parts, 1 part in 2**20 of it a step: the change is less than a part
    engine, market = quoted(kit, feed="ema", average_time=2**21, average_of="mid")
    move(market, 100, 102)
    before = engine.state_hash()
    other = engine.copy()
    engine.step(dt=0)
    assert engine.state_hash() == before
    # 2**20 parts * 1 / (2**21 + 1) is below one
    engine.step(dt=1)
    other.step(dt=4)
    assert market.mark == 100
    assert engine.state_hash() != other.state_hash()


def test_a_sale_by_force_does_not_move_an_averaged_mark_in_its_step(kit):
    engine, market = quoted(kit, feed="ema", average_time=1, tiers=[(0, "0.01")])
    market.book.load_depth([(98, 5), (60, 100)], [(102, 5)], replace=True)
    engine.accounts.open(market, side="long", size=[10, 10], entry=[104, 110], leverage=[20, 10])
    engine.step(dt=0)
    # margins 52 and 110, at 100: equity 12 and 10 against maintenance 10, `<`: none is due
    assert market.mark == 100
    kit.trade(engine, market, SELL, 5)
    market.book.load_depth([(96, 10), (60, 100)], [(98, 5)], replace=True)
    # average 100 + (97 - 100) / 4 = 99.25: both are below
    result = engine.step(dt="0.333333333")
    assert result.liquidated == 2
    assert market.mark == 99
    engine.validate()


def test_stops_on_a_mark_that_time_moves(kit):
    engine, market = quoted(kit, feed="ema", average_time=1)
    kit.send(engine, market, kind=STOP, side=BUY, size=1, extra=105, flags=STOP_ON_MARK)
    move(market, 119, 121)
    assert rows(engine, "trigger") == []
    engine.step(dt=1)
    moved = rows(engine, "mark")[-1]
    (fired,) = rows(engine, "trigger")
    assert moved["price"] == 110
    assert fired["price"] == 105
    assert rows(engine)[fired["cause"]] == moved


@pytest.mark.parametrize("feed", ["last", "mid", "median", "index_premium"])
def test_a_stale_index_stops_the_mark(kit, feed):
    engine, market = quoted(kit, feed=feed, stale_after=10, average_time=1)
    engine.step(index={"X": 100}, dt=5)
    before = market.mark
    engine.step(dt=10)
    assert market.mark == before
    engine.step(dt="0.000000001")
    move(market, 59, 61)
    kit.trade(engine, market, SELL, 1)
    engine.step(dt=5)
    assert market.mark == before
    # the same index again: the mark is formed anew
    engine.step(index={"X": 100}, dt=0)
    assert (market.mark != before) == (feed != "index_premium")
    engine.step(dt=5)
    assert market.mark != before


def test_nothing_is_liquidated_by_a_move_under_a_stale_index(kit):
    engine, market = quoted(kit, feed="mid", stale_after=1, tiers=[(0, "0.01")])
    market.set_index(100)
    (a,) = engine.accounts.open(market, side="long", size=[10], entry=100, leverage=10)
    engine.step(dt=2)
    move(market, 49, 51)
    assert engine.step(dt=1).liquidated == 0
    assert engine.accounts.size(market)[a] == 10
    assert engine.step(index={"X": 100}, dt=1).liquidated == 1


def test_without_an_index_nothing_is_stale(kit):
    engine, market = quoted(kit, feed="mid", stale_after=0)
    engine.step(dt=1000)
    move(market, 49, 51)
    assert market.mark == 50


def test_rules_of_averages_are_checked(kit):
    with pytest.raises(ValueError, match="average_time"):
        kit.Rules(feed="ema")
    with pytest.raises(ValueError, match="average_of"):
        kit.Rules(average_of="touch")


def test_a_premium_mark_that_does_not_fit_is_the_highest_price_that_entered():
    cs = pytest.importorskip("cascade")
    engine = cs.Engine(asset_decimals=0)
    rules = cs.Rules(feed="index_premium", average_time=1, tiers=[(0, 0)])
    market = engine.add_market("X", tick_size=1, lot_size=1, rules=rules)
    market.set_index(4000)
    engine.accounts.open(market, side="long", size=[2**48], entry=4000, leverage=1)
    market.book.load_depth([(7999, 1)], [(8001, 1)])
    engine.step(dt=10**9)
    # index and almost all of the premium of 4000
    assert market.mark == 8000
    # 12,000 times twice 2**48 lots is beyond 2**62; 8001 entered with the depth
    engine.step(index={"X": 8000}, dt=0)
    assert market.mark == 8001
    engine.validate()
