"""Checks before the venue: initial margin, reduce-only, legs; what may be withdrawn or changed."""

import pytest
from engine_kit import (
    BUY,
    CANCEL,
    CANCEL_ALL,
    GTC,
    ICEBERG,
    IOC,
    LONG_LEG,
    MODIFY,
    REDUCE_ONLY,
    SELL,
    SHORT_LEG,
    STOP,
    pick,
    rows,
)

OK, WAITING, UNKNOWN_ORDER, BAD_SIZE, BAD_MESSAGE = 0, 1, 10, 12, 18
UNKNOWN_ACCOUNT, MARGIN, CUT = 50, 51, 52


def market_at(kit, mark=100, **rules):
    """An engine with one market marked by its index."""
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index", **rules})
    market.set_index(mark)
    return engine, market


def trader(engine, market, balance, leverage=10, mode="cross", hedge=False) -> int:
    account = int(engine.accounts.create(1, balance=balance, hedge=hedge)[0])
    engine.accounts.set_leverage(account, market, leverage, mode)
    return account


def test_initial_margin_at_the_mark(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 100)
    # 10x at a mark of 100: 10 an order lot, whatever the limit price
    assert kit.limit(engine, market, BUY, 50, 11, a) == MARGIN
    assert kit.limit(engine, market, BUY, 50, 10, a) == OK
    assert kit.limit(engine, market, BUY, 49, 1, a) == MARGIN
    # the other side is not added: max(q + buys, sells - q)
    assert kit.limit(engine, market, SELL, 150, 10, a) == OK
    assert kit.limit(engine, market, SELL, 151, 1, a) == MARGIN


def test_initial_rate_of_the_tier_counts_when_it_is_larger(kit):
    engine, market = market_at(kit, tiers=[(0, 0.01, 0.02), (1000, 0.02, 0.2)])
    a = trader(engine, market, 150)
    assert kit.limit(engine, market, BUY, 50, 9, a) == OK  # 900 at 1 / 10
    assert kit.limit(engine, market, BUY, 50, 1, a) == MARGIN  # 1000 at 0.2: 200


def test_initial_margin_is_rounded_up(kit):
    engine, market = market_at(kit, mark=101)
    a = trader(engine, market, 10)
    assert kit.limit(engine, market, BUY, 50, 1, a) == MARGIN  # 10.1 -> 11
    engine.accounts.deposit(a, 1)
    assert kit.limit(engine, market, BUY, 50, 1, a) == OK


def test_unrealised_loss_counts_and_profit_too(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 100)
    engine.accounts.open(market, side="long", size=5, entry=100, margin=0, mode="cross", account=a)
    market.set_index(98)
    # free before: 100 - 10 - 49; 4 more lots need 9 * 9.8 = 88.2 -> 89 against 90
    assert kit.limit(engine, market, BUY, 50, 5, a) == MARGIN
    assert kit.limit(engine, market, BUY, 50, 4, a) == OK
    market.set_index(110)
    # 100 + 50 against 13 lots * 11 = 143
    assert kit.limit(engine, market, BUY, 50, 5, a) == MARGIN
    assert kit.limit(engine, market, BUY, 50, 4, a) == OK


def test_order_that_does_not_raise_exposure_is_always_taken(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 100)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=0, mode="cross", account=a)
    market.set_index(92)  # free is 100 - 80 - 92 < 0
    assert kit.limit(engine, market, BUY, 50, 1, a) == MARGIN
    assert kit.limit(engine, market, SELL, 150, 20, a) == OK
    assert kit.limit(engine, market, SELL, 150, 1, a) == MARGIN


def test_without_a_mark_the_limit_price_then_the_opposite_touch(kit):
    engine = kit.engine()
    market = kit.market(engine)
    a = trader(engine, market, 100)
    assert kit.trade(engine, market, BUY, 99, a) == OK  # nothing to measure by, nothing to buy
    assert kit.limit(engine, market, BUY, 50, 21, a) == MARGIN
    assert kit.limit(engine, market, BUY, 50, 20, a) == OK
    b = trader(engine, market, 100)
    # the bid of 50 is the touch of a sell, which a reader of marks does not have yet
    assert kit.trade(engine, market, SELL, 21, b, time_in_force=IOC) == MARGIN
    assert kit.trade(engine, market, SELL, 20, b, time_in_force=IOC) == OK
    assert market.mark == 50


def test_waiting_stop_counts(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 100)
    stop = {"kind": STOP, "side": BUY, "extra": 120, "account": a}
    assert kit.send(engine, market, size=11, **stop) == MARGIN
    assert kit.send(engine, market, size=10, **stop) == WAITING
    assert kit.limit(engine, market, BUY, 50, 1, a) == MARGIN
    assert kit.send(engine, market, kind=CANCEL, order=2) == OK
    assert kit.limit(engine, market, BUY, 50, 1, a) == OK


def test_modify_counts_the_new_size_for_the_old(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 100)
    assert kit.limit(engine, market, BUY, 50, 10, a) == OK
    assert kit.send(engine, market, kind=MODIFY, order=1, price=60, size=10) == OK
    assert kit.send(engine, market, kind=MODIFY, order=1, price=60, size=11) == MARGIN
    assert kit.send(engine, market, kind=MODIFY, order=9, price=60, size=1) == UNKNOWN_ORDER
    assert kit.send(engine, market, kind=MODIFY, order=1, price=60, size=0) == BAD_SIZE
    assert [tuple(row)[:2] for row in market.book.bids(1)] == [(60, 10)]


def test_isolated_margin_is_moved_with_the_fill_and_back_at_zero(kit):
    engine, market = market_at(kit)
    market.book.load_depth([(95, 10)], [(105, 10)])
    a = trader(engine, market, 100, mode="isolated")
    kit.trade(engine, market, BUY, 5, a)
    # 525 / 10 = 52.5 -> 53
    assert engine.accounts.margin(market)[a] == 53
    assert engine.accounts.balance[a] == 47
    kit.trade(engine, market, SELL, 2, a)
    # e = floor(525 * 2 / 5) = 210, realised 190 - 210 = -20
    assert engine.accounts.margin(market)[a] == 33
    kit.trade(engine, market, SELL, 3, a)
    assert engine.accounts.margin(market)[a] == 0
    assert engine.accounts.balance[a] == 50
    engine.validate()


def test_isolated_margin_shortfall_counts_against_free(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 10, mode="isolated")
    engine.accounts.open(market, side="short", size=10, entry=100, margin=100, account=a)
    other = kit.market(engine, "Y", rules={"feed": "index"})
    other.set_index(100)
    engine.accounts.set_leverage(a, other, 10, "cross")
    assert kit.limit(engine, other, BUY, 50, 1, a) == OK
    assert kit.send(engine, other, kind=CANCEL, order=1) == OK
    market.set_index(101)  # initial margin 101 against a margin of 100: 1 short
    assert kit.limit(engine, other, BUY, 50, 1, a) == MARGIN


def test_reduce_only_is_cut_at_entry(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 1000)
    only = {"flags": REDUCE_ONLY}
    assert kit.limit(engine, market, SELL, 110, 5, a, **only) == CUT
    engine.accounts.open(market, side="long", size=10, entry=100, margin=0, mode="cross", account=a)
    assert kit.limit(engine, market, BUY, 90, 5, a, **only) == CUT
    assert kit.limit(engine, market, SELL, 110, 7, a, **only) == OK
    assert kit.limit(engine, market, SELL, 111, 7, a, **only) == OK
    assert kit.limit(engine, market, SELL, 112, 7, a, **only) == CUT
    assert [tuple(row)[:2] for row in market.book.asks(5)] == [(110, 7), (111, 3)]
    assert [row["quantity"] for row in rows(engine, "order")] == [5, 5, 7, 7, 7]


def test_anonymous_reduce_only_has_nothing_to_reduce(kit):
    engine, market = market_at(kit)
    assert kit.limit(engine, market, SELL, 110, 5, flags=REDUCE_ONLY) == CUT


def test_resting_reduce_only_is_cut_to_the_position_as_it_is_when_it_trades(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 10_000)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=0, mode="cross", account=a)
    kit.limit(engine, market, SELL, 110, 4, a, flags=REDUCE_ONLY)
    kit.limit(engine, market, SELL, 111, 6, a, flags=REDUCE_ONLY)
    market.book.load_depth([(90, 3)], [])
    kit.trade(engine, market, SELL, 3, a)  # 7 left
    kit.trade(engine, market, BUY, 20)
    # the first closes 4, leaving 3 of the 6 of the second
    assert pick(rows(engine, "fill"), "quantity", "price") == [(3, 90), (4, 110), (3, 111)]
    assert pick(rows(engine, "cancel"), "order", "quantity", "price", "account", "side") == [
        (2, 3, 111, a, SELL)
    ]
    assert engine.accounts.size(market)[a] == 0
    assert list(market.book.asks(1)) == []


def test_resting_reduce_only_with_nothing_left_is_removed(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 10_000)
    engine.accounts.open(market, side="long", size=5, entry=100, margin=0, mode="cross", account=a)
    kit.limit(engine, market, SELL, 110, 5, a, flags=REDUCE_ONLY)
    market.book.load_depth([(90, 5)], [(111, 2)])
    kit.trade(engine, market, SELL, 5, a)
    kit.trade(engine, market, BUY, 1)
    assert pick(rows(engine, "cancel"), "order", "quantity") == [(1, 5)]
    assert pick(rows(engine, "fill"), "price", "counterparty") == [(90, -1), (111, -1)]


def test_reduce_only_stop_is_cut_when_it_fires(kit):
    engine = kit.engine()
    market = kit.market(engine)
    market.book.load_depth([(99, 20), (90, 50)], [(101, 20)])
    a = trader(engine, market, 10_000)
    kit.trade(engine, market, BUY, 8, a)
    stop = {"kind": STOP, "side": SELL, "extra": 99, "account": a, "flags": REDUCE_ONLY}
    assert kit.send(engine, market, size=8, **stop) == WAITING
    # a waiting stop leaves room for a resting order of the same size
    assert kit.limit(engine, market, SELL, 120, 8, a, flags=REDUCE_ONLY) == OK
    assert kit.send(engine, market, size=8, **{**stop, "extra": 98}) == WAITING
    kit.send(engine, market, kind=CANCEL, order=6)
    kit.trade(engine, market, SELL, 3)
    # fired at 99: 8 asked, 8 held; the second finds nothing when the price goes through 98
    assert pick(rows(engine, "fill")[-1:], "quantity", "account") == [(8, a)]
    kit.trade(engine, market, SELL, 20)
    assert pick(rows(engine, "order")[-1:], "quantity", "account", "code") == [(8, a, CUT)]
    assert engine.accounts.size(market)[a] == 0


def test_reduce_only_iceberg_is_cut(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 1000)
    engine.accounts.open(market, side="long", size=3, entry=100, margin=0, mode="cross", account=a)
    fields = {"flags": REDUCE_ONLY | ICEBERG, "extra": 5, "time_in_force": GTC}
    assert kit.limit(engine, market, SELL, 110, 8, a, **fields) == OK
    assert [tuple(row)[:2] for row in market.book.asks(1)] == [(110, 3)]


def test_hedge_legs_are_two_positions(kit):
    engine, market = market_at(kit)
    market.book.load_depth([(99, 50)], [(101, 50)])
    a = trader(engine, market, 10_000, hedge=True)
    assert kit.trade(engine, market, BUY, 5, a) == BAD_MESSAGE
    assert kit.trade(engine, market, BUY, 5, a, flags=LONG_LEG) == OK
    assert kit.trade(engine, market, SELL, 4, a, flags=SHORT_LEG) == OK
    assert engine.accounts.size(market)[a] == 1
    # equity 10000 + 5 * (100 - 101) + 4 * (99 - 100)
    assert engine.accounts.equity[a] == 10_000 - 9
    # a close is cut to its leg and cannot turn it
    assert kit.trade(engine, market, SELL, 9, a, flags=LONG_LEG) == OK
    assert pick(rows(engine, "fill")[-1:], "quantity", "side") == [(5, SELL)]
    assert kit.trade(engine, market, SELL, 1, a, flags=LONG_LEG) == CUT
    assert kit.trade(engine, market, BUY, 9, a, flags=SHORT_LEG) == OK
    assert pick(rows(engine, "fill")[-1:], "quantity", "side") == [(4, BUY)]
    assert engine.accounts.balance[a] == 10_000 - 10 - 8


def test_leg_of_a_one_way_account_is_a_bad_message(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 1000)
    assert kit.limit(engine, market, BUY, 90, 1, a, flags=LONG_LEG) == BAD_MESSAGE
    assert kit.limit(engine, market, BUY, 90, 1, -1, flags=LONG_LEG) == BAD_MESSAGE


def test_hedge_initial_margin_is_per_leg(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 100, hedge=True)
    assert kit.limit(engine, market, BUY, 90, 6, a, flags=LONG_LEG) == OK
    assert kit.limit(engine, market, SELL, 110, 5, a, flags=SHORT_LEG) == MARGIN
    assert kit.limit(engine, market, SELL, 110, 4, a, flags=SHORT_LEG) == OK


def test_refused_orders_take_an_id_and_are_logged(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 10)
    assert kit.limit(engine, market, BUY, 90, 1, 99) == UNKNOWN_ACCOUNT
    assert kit.limit(engine, market, BUY, 90, 1, -2) == UNKNOWN_ACCOUNT
    assert kit.limit(engine, market, BUY, 90, 2, a) == MARGIN
    assert kit.limit(engine, market, BUY, 90, 1, a) == OK
    orders = rows(engine, "order")
    assert pick(orders, "order", "account", "quantity", "price", "cause") == [
        (1, 99, 1, 90, -1),
        (2, -2, 1, 90, -1),
        (3, a, 2, 90, -1),
        (4, a, 1, 90, -1),
    ]


def test_unknown_accounts_have_nothing_to_cancel(kit):
    engine, market = market_at(kit)
    assert kit.send(engine, market, kind=CANCEL_ALL, account=5) == UNKNOWN_ACCOUNT
    assert kit.send(engine, market, kind=CANCEL_ALL, account=-1) == UNKNOWN_ACCOUNT


def test_withdraw_leaves_free_at_zero_or_above(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 100)
    assert kit.limit(engine, market, BUY, 50, 6, a) == OK
    before = engine.state_hash()
    with pytest.raises(ValueError, match="account"):
        engine.accounts.withdraw(a, 41)
    assert engine.state_hash() == before
    engine.accounts.withdraw(a, 40)
    assert engine.accounts.balance[a] == 60
    assert pick(rows(engine, "withdrawal"), "account", "money") == [(a, 40)]


def test_profit_that_is_not_realised_cannot_be_withdrawn(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 50)
    engine.accounts.open(market, side="long", size=2, entry=100, margin=0, mode="cross", account=a)
    market.set_index(200)
    with pytest.raises(ValueError, match="account"):
        engine.accounts.withdraw(a, 51)
    engine.accounts.withdraw(a, 50)
    engine.validate()


def test_leverage_and_mode_stay_while_there_is_size_or_an_order(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 1000)
    kit.limit(engine, market, BUY, 50, 1, a)
    with pytest.raises(ValueError):
        engine.accounts.set_leverage(a, market, 5, "isolated")
    kit.send(engine, market, kind=CANCEL, order=1)
    engine.accounts.set_leverage(a, market, 5, "isolated")
    assert engine.accounts.leverage(market)[a] == 5


def test_transfer_between_balance_and_margin(kit):
    engine, market = market_at(kit)
    a = trader(engine, market, 50, mode="isolated")
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=10, account=a)
    engine.accounts.transfer(a, market, 30)
    assert engine.accounts.margin(market)[a] == 130
    assert engine.accounts.balance[a] == 20
    with pytest.raises(ValueError, match=r"amount|transfer"):
        engine.accounts.transfer(a, market, 21)
    with pytest.raises(ValueError, match=r"amount|transfer"):
        engine.accounts.transfer(a, market, -31)
    engine.accounts.transfer(a, market, -30)
    market.set_index(99)
    with pytest.raises(ValueError, match=r"amount|transfer"):
        engine.accounts.transfer(a, market, -1)
    assert pick(rows(engine, "transfer"), "account", "money", "market") == [(a, 30, 0), (a, -30, 0)]
    engine.validate()


def test_money_of_another_asset_is_refused(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    engine.add_asset("BTC", 0)
    coin = kit.market(engine, "C", rules={"feed": "index"}, asset="BTC")
    coin.set_index(100)
    market.set_index(100)
    a = trader(engine, market, 1000)
    assert kit.limit(engine, coin, BUY, 90, 1, a) == 55


def test_impact_venue_takes_orders_that_trade_at_once(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"}, venue=kit.linear(1, 10))
    market.set_index(100)
    a = trader(engine, market, 10_000)
    assert kit.limit(engine, market, BUY, 100, 5, a) == BAD_MESSAGE
    assert kit.trade(engine, market, BUY, 40, a) == OK
    # 100 -> 104, filled at the middle
    assert pick(rows(engine, "fill"), "quantity", "price") == [(40, 102)]
    assert market.last == 104
    # sells down to a limit of 102: after n the price is 104 - n / 10, the middle of 104 and that
    assert kit.limit(engine, market, SELL, 102, 100, a, time_in_force=IOC) == OK
    # n = 44: 100 after, the middle is 102; n = 45: half a tick rounds to 99, floor(101.5) = 101
    assert pick(rows(engine, "fill")[-1:], "quantity", "price") == [(44, 102)]
    engine.validate()


def test_reduce_only_orders_of_the_other_side_leave_the_whole_position(kit):
    # a short's resting reduce-only buy stays behind when the position has turned long
    engine, market = market_at(kit)
    a = trader(engine, market, 10_000)
    market.book.load_depth([(98, 9)], [(101, 9)])
    kit.trade(engine, market, SELL, 5, a)
    assert kit.limit(engine, market, BUY, 92, 1, a, flags=REDUCE_ONLY) == OK
    kit.trade(engine, market, BUY, 8, a)
    start = len(engine.events)
    kit.trade(engine, market, SELL, 9, a, flags=REDUCE_ONLY)
    assert pick(rows(engine, "fill", start), "quantity", "price") == [(3, 98)]
