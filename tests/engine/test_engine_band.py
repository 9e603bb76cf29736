"""A static price band: what is refused, what is cut, and how forced orders meet it."""

import pytest
from engine_kit import BUY, FOK, LIMIT, SELL, STOP, STOP_LIMIT, STOP_ON_MARK, pick, rows


def banded(kit, *, index=100, bids=((98, 5), (94, 5)), asks=((102, 5), (106, 5)), **rules):
    engine = kit.engine()
    market = kit.market(engine, rules={"price_band": "0.05", **rules})
    market.book.load_depth(list(bids), list(asks))
    if index:
        market.set_index(index)
    return engine, market


def test_limits_outside_are_refused_on_either_side(kit):
    engine, market = banded(kit)
    codes = [
        kit.limit(engine, market, side, price, 1)
        for side in (BUY, SELL)
        for price in (94, 95, 105, 106)
    ]
    refused = codes[0]
    assert refused >= 10
    assert codes == [refused, 0, 0, refused] * 2
    # the code is that of a price outside the market's own bounds
    other = kit.engine()
    bounded = kit.market(other, min_price=95)
    assert kit.limit(other, bounded, BUY, 94, 1) == refused


def test_edges_are_rounded_inward(kit):
    engine, market = banded(kit, index=99)
    # 94.05 and 103.95
    codes = [kit.limit(engine, market, BUY, price, 1) for price in (94, 95)]
    codes += [kit.limit(engine, market, SELL, price, 1) for price in (103, 104)]
    assert [code >= 10 for code in codes] == [True, False, False, True]


def test_the_reference_is_read_at_every_order(kit):
    engine, market = banded(kit, index=None)
    assert kit.limit(engine, market, BUY, 50, 1) < 10
    market.set_index(100)
    assert kit.limit(engine, market, BUY, 50, 1) >= 10
    market.set_index(52)
    assert kit.limit(engine, market, BUY, 50, 1) < 10


def test_last_as_the_reference(kit):
    engine, market = banded(kit, index=50, band_reference="last")
    # no trade yet
    assert kit.limit(engine, market, SELL, 200, 1) < 10
    kit.trade(engine, market, BUY, 1)
    # last is 102: 96.9 ... 107.1
    codes = [kit.limit(engine, market, SELL, price, 1) for price in (107, 108)]
    assert [code >= 10 for code in codes] == [False, True]


def test_orders_without_a_limit_stop_at_the_edge(kit):
    engine, market = banded(kit)
    kit.trade(engine, market, SELL, 8)
    assert pick(rows(engine, "fill"), "price", "quantity") == [(98, 5)]
    kit.trade(engine, market, BUY, 8)
    assert pick(rows(engine, "fill"), "price", "quantity")[1:] == [(102, 5)]
    assert market.book.best_bid == 94
    assert market.book.best_ask == 106


def test_fill_or_kill_counts_what_is_within(kit):
    engine, market = banded(kit)
    assert kit.trade(engine, market, SELL, 6, time_in_force=FOK) >= 10
    assert kit.trade(engine, market, SELL, 5, time_in_force=FOK) == 0


def test_a_modify_outside_is_refused(kit):
    engine, market = banded(kit)
    kit.limit(engine, market, BUY, 96, 2)
    order = rows(engine, "order")[-1]["order"]
    assert kit.send(engine, market, kind=3, order=order, price=94, size=2) >= 10
    assert kit.send(engine, market, kind=3, order=order, price=95, size=2) == 0


def test_stops_that_fire_are_held_by_the_band(kit):
    engine, market = banded(kit, feed="index")
    kit.send(engine, market, kind=STOP, side=SELL, size=8, extra=99, flags=STOP_ON_MARK)
    kit.send(
        engine, market, kind=STOP_LIMIT, side=SELL, size=1, price=105, extra=99, flags=STOP_ON_MARK
    )
    market.set_index(97)
    # 92.15 ... 101.85: both levels may trade; 105 may not rest any more
    assert pick(rows(engine, "fill"), "price", "quantity") == [(98, 5), (94, 3)]
    fired = rows(engine, "order")[-1]
    assert fired["code"] >= 10
    assert fired["price"] == 105


def test_what_the_band_keeps_from_being_sold_the_house_takes(kit):
    engine, market = banded(kit, feed="index", tiers=[(0, "0.02")])
    market.book.load_depth([(98, 4), (90, 50)], [(120, 5)], replace=True)
    engine.accounts.open(market, side="long", size=[10], entry=105, leverage=20)
    # margin 53, at 100: 3 against 20; 4 lots at 98, 90 is below 95
    assert engine.step(dt=0).liquidated == 1
    assert pick(rows(engine, "fill"), "price", "quantity") == [(98, 4)]
    (taken,) = rows(engine, "takeover")
    assert taken["quantity"] == 6
    engine.validate()


@pytest.mark.parametrize("fill", ["average", "after"])
def test_an_impact_venue_fills_up_to_the_edge(kit, fill):
    engine = kit.engine()
    market = kit.market(engine, rules={"price_band": "0.05"}, venue=kit.linear(1, 1, fill))
    market.set_index(100)
    kit.trade(engine, market, SELL, 50)
    (filled,) = rows(engine, "fill")
    assert filled["price"] == 95
    assert filled["quantity"] == {"after": 5, "average": 10}[fill]


def test_without_a_band_everything_trades(kit):
    engine, market = banded(kit, price_band=None)
    kit.trade(engine, market, SELL, 10)
    assert pick(rows(engine, "fill"), "price") == [(98,), (94,)]
    assert kit.send(engine, market, kind=LIMIT, side=BUY, price=5, size=1) == 0
