"""Call auctions of a market inside an engine: both sides of an uncross are settled."""

import pytest
from engine_kit import (
    BUY,
    IOC,
    LONG_LEG,
    REDUCE_ONLY,
    SELL,
    SHORT_LEG,
    STOP,
    STOP_ON_MARK,
    pick,
    rows,
)

OK, MARGIN = 0, 51


def collecting(kit, **rules):
    """An engine with a market whose book collects."""
    engine = kit.engine()
    market = kit.market(engine, rules=rules)
    market.book.open_auction()
    return engine, market


def trader(engine, market, balance, leverage=10, mode="cross", hedge=False) -> int:
    account = int(engine.accounts.create(1, balance=balance, hedge=hedge)[0])
    engine.accounts.set_leverage(account, market, leverage, mode)
    return account


def test_both_sides_of_each_fill_are_booked_and_pay_the_maker_fee(kit):
    engine, market = collecting(kit, maker_fee=0.01, taker_fee=0.05)
    buyer = trader(engine, market, 10_000)
    seller = trader(engine, market, 10_000)
    kit.limit(engine, market, BUY, 105, 10, buyer)
    kit.limit(engine, market, SELL, 95, 6, seller)
    kit.limit(engine, market, SELL, 100, 3)
    start = len(engine.events)
    # 9 lots trade from 100 up, and one buy is left at each such price: the highest
    assert market.book.uncross() == (105, 9, 1)
    events = rows(engine, start=start)
    assert [event["wave"] for event in events] == [0] * 6
    names = ("kind", "order", "quantity", "price", "money", "account", "counterparty", "side")
    fills = [event for event in events if event["kind"] == 2]
    assert pick(fills, *names) == [
        (2, 2, 6, 105, 630, seller, buyer, SELL),
        (2, 3, 3, 105, 315, -1, buyer, SELL),
    ]
    assert pick(events, "kind", "account", "money", "cause") == [
        (2, seller, 630, -1),
        (15, seller, 7, start),
        (15, buyer, 7, start),
        (2, -1, 315, -1),
        (15, buyer, 4, start + 3),
        # the touch of the crossed book had been 95 and 105
        (4, -1, 100, -1),
    ]
    assert events[-1]["price"] == 105 == market.mark
    assert list(engine.accounts.size(market)) == [9, -6]
    assert list(engine.accounts.balance) == [10_000 - 11, 10_000 - 7]
    assert market.outside == (-3, -315)
    assert engine.fees() == 18
    assert [tuple(row)[:2] for row in market.book.bids()] == [(105, 1)]
    engine.validate()


def test_filled_lots_leave_the_orders_that_margin_counts(kit):
    engine, market = collecting(kit, feed="index")
    market.set_index(100)
    buyer = trader(engine, market, 110)
    seller = trader(engine, market, 110)
    kit.limit(engine, market, BUY, 100, 10, buyer)
    kit.limit(engine, market, SELL, 100, 10, seller)
    market.book.uncross()
    # 10 lots held need 100; orders still counted would need 100 more
    assert kit.limit(engine, market, BUY, 90, 2, buyer) == MARGIN
    assert kit.limit(engine, market, BUY, 90, 1, buyer) == OK
    assert kit.limit(engine, market, SELL, 110, 2, seller) == MARGIN
    assert kit.limit(engine, market, SELL, 110, 1, seller) == OK
    engine.validate()


def test_each_side_goes_to_its_own_leg(kit):
    engine, market = collecting(kit, feed="index")
    market.set_index(100)
    both = trader(engine, market, 10_000, hedge=True)
    kit.limit(engine, market, BUY, 100, 5, both, flags=LONG_LEG)
    kit.limit(engine, market, SELL, 100, 7, both, flags=SHORT_LEG)
    kit.limit(engine, market, BUY, 100, 2)
    market.book.uncross()
    market.set_index(90)
    # long 5 and short 7 at 100: 5 * -10 and 7 * 10
    assert engine.accounts.size(market)[both] == -2
    assert engine.accounts.equity[both] == 10_000 - 50 + 70
    # each leg can be closed whole, and no more
    market.book.load_depth([(89, 50)], [(91, 50)])
    kit.trade(engine, market, SELL, 9, both, flags=LONG_LEG)
    kit.trade(engine, market, BUY, 9, both, flags=SHORT_LEG)
    assert pick(rows(engine, "fill")[-2:], "quantity", "price") == [(5, 89), (7, 91)]
    assert engine.accounts.balance[both] == 10_000 - 55 + 63
    engine.validate()


def test_isolated_margin_moves_and_returns(kit):
    engine, market = collecting(kit, feed="index", maker_fee=0.01)
    market.set_index(100)
    buyer = trader(engine, market, 1000, leverage=5, mode="isolated")
    seller = trader(engine, market, 1000, leverage=10, mode="isolated")
    kit.limit(engine, market, SELL, 100, 10, seller)
    kit.limit(engine, market, BUY, 100, 10, buyer)
    market.book.uncross()
    # 1000 at 1/5 and 1/10, then a fee of 10 from the margin
    assert list(engine.accounts.margin(market)) == [190, 90]
    assert list(engine.accounts.balance) == [800, 900]
    market.book.open_auction()
    kit.limit(engine, market, BUY, 98, 10, seller)
    kit.limit(engine, market, SELL, 98, 10, buyer)
    market.book.uncross()
    # 20 lost and won; the margin left goes back, and the fee ceil(9.8) is paid from the balance
    assert list(engine.accounts.margin(market)) == [0, 0]
    assert list(engine.accounts.balance) == [800 + 170 - 10, 900 + 110 - 10]
    engine.validate()


def test_reduce_only_is_cut_when_its_turn_comes(kit):
    engine, market = collecting(kit)
    a = trader(engine, market, 10_000)
    engine.accounts.open(
        market, side="long", size=4, entry=100, leverage=10, mode="cross", account=a
    )
    kit.limit(engine, market, BUY, 100, 10)
    kit.limit(engine, market, SELL, 94, 3, a)
    kit.limit(engine, market, SELL, 95, 4, a, flags=REDUCE_ONLY)
    start = len(engine.events)
    assert market.book.uncross() == (100, 7, 3)
    events = rows(engine, start=start)
    # as the taker of the first fill the account has one lot left for the second
    names = ("kind", "order", "quantity", "price", "account", "cause", "wave")
    assert pick(events, *names)[:3] == [
        (3, 3, 3, 95, a, -1, 0),
        (2, 2, 3, 100, a, -1, 0),
        (2, 3, 1, 100, a, -1, 0),
    ]
    assert engine.accounts.size(market)[a] == 0
    assert [tuple(row)[:2] for row in market.book.bids()] == [(100, 6)]
    engine.validate()


def test_what_cuts_leave_crossed_trades_at_a_price_of_its_own(kit):
    engine, market = collecting(kit)
    a = trader(engine, market, 10_000)
    engine.accounts.open(
        market, side="short", size=5, entry=100, leverage=10, mode="cross", account=a
    )
    kit.limit(engine, market, BUY, 100, 5, a, flags=REDUCE_ONLY)
    kit.limit(engine, market, BUY, 101, 5, a)
    kit.limit(engine, market, BUY, 98, 5)
    kit.limit(engine, market, SELL, 97, 10)
    # at 100 ten lots meet ten; the second five are gone by then, and 98 is nearer to 100 than 97
    assert market.book.uncross() == (100, 10, 0)
    assert pick(rows(engine, "fill"), "quantity", "price") == [(5, 100), (5, 98)]
    assert pick(rows(engine, "cancel"), "order", "quantity") == [(1, 5)]
    assert market.book.last == 98 == market.mark
    assert engine.accounts.size(market)[a] == 0
    engine.validate()


def test_nothing_to_trade_just_reopens(kit):
    engine, market = collecting(kit)
    kit.limit(engine, market, BUY, 99, 2)
    kit.limit(engine, market, SELL, 101, 2)
    assert kit.trade(engine, market, BUY, 1) != OK
    assert kit.limit(engine, market, BUY, 101, 1, time_in_force=IOC) != OK
    start = len(engine.events)
    assert market.book.uncross() is None
    assert len(engine.events) == start
    assert kit.trade(engine, market, BUY, 1) == OK
    assert pick(rows(engine, "fill"), "quantity", "price") == [(1, 101)]


@pytest.mark.parametrize("flags", [0, STOP_ON_MARK])
def test_stops_fire_after_the_mark(kit, flags):
    engine = kit.engine()
    market = kit.market(engine)
    kit.limit(engine, market, SELL, 105, 1)
    kit.trade(engine, market, BUY, 1)
    kit.limit(engine, market, BUY, 98, 10)
    kit.send(engine, market, kind=STOP, side=SELL, extra=100, size=2, flags=flags)
    market.book.open_auction()
    kit.limit(engine, market, BUY, 99, 5)
    kit.limit(engine, market, SELL, 99, 5)
    assert rows(engine, "trigger") == []
    start = len(engine.events)
    assert market.book.uncross() == (99, 5, 0)
    # on last no event is the cause, on the mark its MARK is; the stop has id 4
    cause = start + 1 if flags else -1
    assert pick(rows(engine, start=start), "kind", "order", "price", "cause", "wave") == [
        (2, 6, 99, -1, 0),
        (4, 0, 99, -1, 0),
        (14, 4, 100, cause, 1),
        (1, 4, 0, start + 2, 1),
        (2, 4, 98, start + 3, 1),
        (4, 0, 98, start + 3, 1),
    ]


@pytest.mark.parametrize(("index", "liquidated"), [(94, 0), (106, 1)])
def test_both_sides_are_queued(kit, index, liquidated):
    engine, market = collecting(kit, feed="index", tiers=[(0, 0.05)])
    market.set_index(100)
    long, short = (trader(engine, market, 100) for _ in range(2))
    kit.limit(engine, market, BUY, 100, 10, long)
    kit.limit(engine, market, SELL, 100, 10, short)
    market.book.uncross()
    # 60 of 100 are lost, 47 or 53 are needed
    engine.step(index={"X": index})
    assert pick(rows(engine, "liquidation"), "account") == [((long, short)[liquidated],)]
    engine.validate()


def test_what_is_due_waits_for_the_reopening(kit):
    engine, market = collecting(kit, feed="index", tiers=[(0, 0.01)])
    market.set_index(100)
    (account,) = engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    kit.limit(engine, market, BUY, 91, 10)
    result = engine.step(index={"X": 90})
    assert (result.liquidated, result.pending) == (0, 1)
    assert rows(engine, "takeover") == []
    market.book.uncross()
    result = engine.step()
    assert (result.liquidated, result.pending) == (1, 0)
    fills = pick(rows(engine, "fill"), "account", "price", "quantity")
    assert fills == [(int(account), 91, 10)]
    engine.validate()


def test_a_cross_unit_closes_what_it_can_while_one_market_collects(kit):
    engine, market = collecting(kit, feed="index", tiers=[(0, 0.01)])
    other = kit.market(engine, "Y", rules={"feed": "index", "tiers": [(0, 0.01)]})
    other.book.load_depth([(95, 10)], [])
    market.set_index(100)
    other.set_index(100)
    (account,) = engine.accounts.create(1, balance=50)
    for name in ("X", "Y"):
        engine.accounts.open(
            name, side="long", size=10, entry=100, leverage=100, mode="cross", account=[account]
        )
    # 50 + 20 of equity; 10 * 10 are lost in Y
    result = engine.step(index={"Y": 90})
    assert (result.liquidated, result.pending) == (1, 0)
    assert pick(rows(engine, "liquidation"), "market", "quantity") == [(1, 10)]
    assert [list(engine.accounts.size(m)) for m in ("X", "Y")] == [[10], [0]]
    start = len(engine.events)
    result = engine.step(index={"X": 97})
    assert (result.liquidated, result.pending) == (0, 1)
    market.book.uncross()
    # 20 are left, and lost at 98
    assert engine.step(index={"X": 98}).liquidated == 1
    assert pick(rows(engine, "liquidation", start), "market", "quantity") == [(0, 10)]
    engine.validate()


def test_impact_venues_hold_no_auctions(kit):
    engine = kit.engine()
    market = kit.market(engine, venue=kit.linear(1, 2))
    with pytest.raises(ValueError, match="impact venue"):
        market.book.open_auction()
    with pytest.raises(ValueError, match="impact venue"):
        market.book.uncross()


def test_a_stored_auction_goes_on_where_it_was(fast_kit, tmp_path):
    engine, market = collecting(fast_kit, maker_fee=0.01)
    long, short = (trader(engine, market, 1000) for _ in range(2))
    fast_kit.limit(engine, market, BUY, 103, 4, long)
    fast_kit.limit(engine, market, SELL, 99, 4, short)
    if not hasattr(engine, "save"):
        pytest.skip("the twin stores no files")
    engine.save(tmp_path / "auction.npz")
    loaded = fast_kit.Engine.load(tmp_path / "auction.npz")
    copied = engine.copy()
    market.book.uncross()
    for other in (loaded, copied):
        book = other.market("X").book
        assert book.auction
        # both limits are as near to the middle, 101: the lower
        assert book.uncross() == (99, 4, 0)
        assert other.state_hash() == engine.state_hash()
        assert pick(rows(other, "fee"), "account", "money") == [(short, 4), (long, 4)]
