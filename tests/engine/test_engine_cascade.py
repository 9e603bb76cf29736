"""Liquidation and the waterfall, one rule a test, worked by hand (docs/step.md)."""

import pytest
from engine_kit import BUY, SELL, pick, rows


def crowd(kit, *, bids=(), asks=(), rules=None, fund=0, execution="sequential", **opened):
    """A book with depth, a mark of its index at 100, and positions opened at 10x from 100."""
    engine = kit.engine(execution=execution)
    market = kit.market(engine, rules={"tiers": [(0, 0.01)], "feed": "index", **(rules or {})})
    market.book.load_depth(list(bids), list(asks))
    market.set_index(100)
    if fund:
        engine.fund_deposit(fund)
    opened = {"side": "long", "size": 10, "entry": 100, "leverage": 10, **opened}
    engine.accounts.open(market, **opened)
    return engine, market


def test_whole_position_is_sold_into_the_book(kit):
    engine, market = crowd(kit, bids=[(91, 4), (90, 20)])
    market.set_index(90)
    result = engine.step()
    assert result.liquidated == 1
    assert pick(rows(engine, "fill"), "order", "quantity", "price", "account", "side") == [
        (0, 4, 91, 0, SELL),
        (0, 6, 90, 0, SELL),
    ]
    # 364 + 540 - 1000 = -96: 4 of the margin of 100 go to the fund
    assert engine.insurance_fund() == 4
    assert list(engine.accounts.equity) == [0]
    assert pick(rows(engine, "liquidation"), "account", "side", "price", "quantity", "money") == [
        (0, SELL, 90, 10, 0)
    ]
    assert pick(rows(engine, "fund"), "account", "money", "market") == [(0, 4, 0)]
    engine.validate()


def test_surplus_to_the_trader(kit):
    engine, market = crowd(kit, bids=[(91, 20)], rules={"surplus": "trader"})
    market.set_index(90)
    engine.step()
    assert engine.insurance_fund() == 0
    assert list(engine.accounts.balance) == [10]
    assert list(engine.accounts.margin(market)) == [0]
    assert rows(engine, "fund") == []
    engine.validate()


def test_liquidation_fee_goes_to_the_fund_first(kit):
    rules = {"surplus": "trader", "liquidation_fee": 0.0051}
    engine, market = crowd(kit, bids=[(91, 20)], rules=rules)
    market.set_index(90)
    engine.step()
    # 910 * 0.0051 = 4.641 -> 5 of the 10 that are left
    assert engine.insurance_fund() == 5
    assert list(engine.accounts.balance) == [5]


def test_liquidation_fee_takes_no_more_than_there_is(kit):
    rules = {"surplus": "trader", "liquidation_fee": 0.05}
    engine, market = crowd(kit, bids=[(91, 20)], rules=rules)
    market.set_index(90)
    engine.step()
    assert engine.insurance_fund() == 10
    assert list(engine.accounts.balance) == [0]
    assert rows(engine, "bad_debt") == []


def test_forced_orders_pay_the_taker_fee(kit):
    engine, market = crowd(kit, bids=[(91, 20)], rules={"taker_fee": 0.001})
    market.set_index(90)
    engine.step()
    assert engine.fees() == 1
    assert engine.insurance_fund() == 9


def test_fund_pays_what_is_missing(kit):
    engine, market = crowd(kit, bids=[(85, 20)], fund=80)
    market.set_index(90)
    result = engine.step()
    # 850 - 1000 + 100 = -50
    assert engine.insurance_fund() == 30
    assert result.bad_debt == 0
    assert pick(rows(engine, "fund"), "money") == [(-50,)]
    engine.validate()


def test_empty_fund_leaves_bad_debt(kit):
    engine, market = crowd(kit, bids=[(85, 20)], fund=30)
    market.set_index(90)
    result = engine.step()
    assert engine.insurance_fund() == 0
    assert engine.bad_debt() == 20
    assert result.bad_debt == 20
    assert pick(rows(engine, "fund"), "account", "money") == [(0, -30)]
    assert pick(rows(engine, "bad_debt"), "account", "money", "market") == [(0, 20, 0)]
    assert list(engine.accounts.balance) == [0]
    engine.validate()


def test_limit_at_bankruptcy_and_takeover_of_the_rest(kit):
    rules = {"liquidation_order": "bankruptcy"}
    engine, market = crowd(kit, bids=[(91, 4), (90, 3), (89, 50)], rules=rules)
    market.set_index(90)
    engine.step()
    # equity at 90 is 0, so the bankruptcy tick is 90
    assert pick(rows(engine, "fill"), "quantity", "price") == [(4, 91), (3, 90)]
    assert pick(
        rows(engine, "takeover"), "quantity", "price", "money", "account", "counterparty", "side"
    ) == [(3, 90, 270, 0, -2, SELL)]
    assert engine.insurance_fund() == 4
    assert [tuple(row)[:2] for row in market.book.bids(1)] == [(89, 50)]
    assert engine.totals()["contracts"] == {"X": 0}
    engine.validate()


def test_market_order_without_liquidity_is_taken_over_at_bankruptcy(kit):
    engine, market = crowd(kit, bids=[(80, 4)], fund=100)
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "fill"), "quantity", "price") == [(4, 80)]
    assert pick(rows(engine, "takeover"), "quantity", "price") == [(6, 90)]
    assert engine.insurance_fund() == 60
    engine.validate()


def test_short_is_bought_back_at_bankruptcy_or_better(kit):
    rules = {"liquidation_order": "bankruptcy"}
    engine, market = crowd(kit, asks=[(109, 4), (110, 3), (111, 9)], rules=rules, side="short")
    market.set_index(110)
    engine.step()
    assert pick(rows(engine, "fill"), "quantity", "price", "side") == [
        (4, 109, BUY),
        (3, 110, BUY),
    ]
    assert pick(rows(engine, "takeover"), "quantity", "price", "side") == [(3, 110, BUY)]
    assert engine.insurance_fund() == 4
    engine.validate()


def test_house_realises_into_the_fund(kit):
    # a long and a short given by triggers, both taken over in an empty book
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    engine.accounts.open_ladder(
        market, side=["long", "short"], size=[5, 3], trigger=[95, 105], bankruptcy=[93, 106]
    )
    market.set_index(95)
    engine.step()
    assert pick(rows(engine, "takeover"), "quantity", "price") == [(5, 93)]
    market.set_index(105)
    engine.step()
    # the house, long 5 at 93, sells 3 at 106: 318 - floor(465 * 3 / 5) = 39
    assert pick(rows(engine, "takeover")[1:], "quantity", "price", "account") == [(3, 106, 1)]
    assert engine.insurance_fund() == 39
    assert pick(rows(engine, "fund"), "account", "money") == [(-2, 39)]
    engine.validate()


def test_absorbed_share_goes_to_the_house_at_the_mark(kit):
    engine, market = crowd(kit, bids=[(85, 20)], rules={"absorb": 0.25}, fund=100)
    market.set_index(90)
    engine.step()
    # floor(2.5) = 2 at 90, 8 sold at 85: 180 + 680 - 1000 + 100 = -40
    takeovers = rows(engine, "takeover")
    assert pick(takeovers, "quantity", "price", "money") == [(2, 90, 180)]
    assert pick(rows(engine, "fill"), "quantity", "price") == [(8, 85)]
    assert engine.insurance_fund() == 60
    engine.validate()


def test_everything_absorbed_sends_nothing(kit):
    engine, market = crowd(kit, bids=[(85, 20)], rules={"absorb": 1})
    market.set_index(90)
    engine.step()
    assert rows(engine, "fill") == []
    assert pick(rows(engine, "takeover"), "quantity", "price") == [(10, 90)]
    assert engine.bad_debt() == 0


def test_partial_to_target_margin(kit):
    # maintenance 0.05, target 0.1; 10 at 100 with 100: due below 94.7
    rules = {"tiers": [(0, 0.05)], "partial": ("target", 0.1), "surplus": "trader"}
    engine, market = crowd(kit, bids=[(94, 50)], rules=rules)
    market.set_index(94)
    result = engine.step()
    # equity 40 keeps k with 94 k / 10 <= 40: 4; 6 are sold at 94 for a loss of 36
    assert result.liquidated == 1
    assert pick(rows(engine, "liquidation"), "quantity", "money") == [(6, 40)]
    assert pick(rows(engine, "fill"), "quantity", "price") == [(6, 94)]
    assert list(engine.accounts.size(market)) == [4]
    assert list(engine.accounts.margin(market)) == [64]
    assert rows(engine, "fund") == []
    # the part that is left: 64 + 4 (p - 100) < 0.05 * 4 p -> p < 88.4
    assert list(engine.accounts.liquidation_price(market)) == [88]
    engine.validate()


def test_partial_without_equity_closes_all(kit):
    rules = {"tiers": [(0, 0.05)], "partial": ("target", 0.1)}
    engine, market = crowd(kit, bids=[(90, 50)], rules=rules)
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "liquidation"), "quantity") == [(10,)]
    assert list(engine.accounts.size(market)) == [0]


def test_partial_that_cannot_trade_waits_for_the_next_step(kit):
    rules = {"tiers": [(0, 0.05)], "partial": ("target", 0.1)}
    engine, market = crowd(kit, rules=rules)
    market.set_index(94)
    result = engine.step()
    assert result.liquidated == 1
    assert result.pending == 1
    assert rows(engine, "takeover") == []
    assert list(engine.accounts.size(market)) == [10]
    market.book.load_depth([(94, 50)], [])
    assert engine.step().liquidated == 1
    assert list(engine.accounts.size(market)) == [4]


def test_orders_of_the_unit_are_cancelled_first(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": [(0, 0.05)], "feed": "index"})
    other = kit.market(engine, "Y", rules={"feed": "index"})
    for entry in (market, other):
        entry.set_index(100)
    (a,) = engine.accounts.create(1, balance=200)
    a = int(a)
    for entry in (market, other):
        engine.accounts.set_leverage(a, entry, 20, "cross")
    engine.accounts.open(market, side="long", size=10, entry=100, margin=0, mode="cross", account=a)
    kit.limit(engine, other, BUY, 60, 1, a)
    kit.limit(engine, market, BUY, 70, 2, a)
    kit.limit(engine, market, BUY, 75, 1, a)
    market.set_index(84)
    engine.step()
    # market by market, oldest first; then the position
    assert pick(rows(engine, "cancel"), "market", "order", "quantity", "price", "account") == [
        (0, 1, 2, 70, a),
        (0, 2, 1, 75, a),
        (1, 1, 1, 60, a),
    ]
    # the position found no bids: equity 40, taken over at 80
    assert pick(rows(engine, "takeover"), "quantity", "price") == [(10, 80)]
    engine.validate()


def test_isolated_unit_cancels_its_own_orders_only(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": [(0, 0.01)], "feed": "index"})
    other = kit.market(engine, "Y", rules={"feed": "index"})
    for entry in (market, other):
        entry.set_index(100)
    (a,) = engine.accounts.create(1, balance=1000)
    a = int(a)
    engine.accounts.set_leverage(a, other, 10, "cross")
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=10, account=a)
    kit.limit(engine, other, BUY, 60, 1, a)
    kit.limit(engine, market, BUY, 70, 2, a)
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "cancel"), "market", "order") == [(0, 1)]


def test_cross_unit_closes_the_largest_maintenance_first(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.1)], "feed": "index"}
    markets = [kit.market(engine, name, rules=rules) for name in "ABC"]
    for market in markets:
        market.set_index(100)
        market.book.load_depth([(90, 100)], [])
    (a,) = engine.accounts.create(1, balance=700)
    for market, size in zip(markets, (10, 20, 10), strict=True):
        engine.accounts.open(
            market, side="long", size=size, entry=100, margin=0, mode="cross", account=a
        )
    markets[0].set_index(68)  # equity 700 - 320, maintenance 68 + 200 + 100 = 368
    assert engine.step().liquidated == 0
    markets[0].set_index(66)  # equity 360, maintenance 366
    result = engine.step()
    assert result.liquidated == 1
    # equity before each: 360, then 20 lots lost 10 each, then 10 lots lost 10 each
    assert pick(rows(engine, "liquidation"), "market", "quantity", "money") == [
        (1, 20, 360),
        (2, 10, 160),
        (0, 10, 60),
    ]
    # the first market was sold at 90 against a mark of 66: 60 + 240
    assert engine.insurance_fund() == 300
    engine.validate()


def test_bankruptcy_tick_shares_equity_by_maintenance(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.1)], "feed": "index", "liquidation_order": "bankruptcy"}
    one, two = (kit.market(engine, name, rules=rules) for name in "AB")
    for market in (one, two):
        market.set_index(100)
    (a,) = engine.accounts.create(1, balance=300)
    engine.accounts.open(one, side="long", size=20, entry=100, margin=0, mode="cross", account=a)
    engine.accounts.open(two, side="short", size=10, entry=100, margin=0, mode="cross", account=a)
    one.set_index(99)  # equity 280, maintenance 198 + 100 = 298
    engine.step()
    # A: T = 1980 - floor(280 * 198 / 298 = 186.04) = 1794 -> 89.7 -> 90, where the house
    # pays 1800;
    # then equity 280 - 180 = 100 and B alone: T = -1000 - 100 -> 110
    assert pick(rows(engine, "takeover"), "market", "quantity", "price") == [
        (0, 20, 90),
        (1, 10, 110),
    ]
    assert engine.insurance_fund() == 0
    assert list(engine.accounts.balance) == [0]
    engine.validate()


def test_hedge_unit_closes_both_legs(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": [(0, 0.1)], "feed": "index"})
    market.set_index(100)
    (a,) = engine.accounts.create(1, balance=250, hedge=True)
    for side, size in (("long", 10), ("short", 5)):
        engine.accounts.open(
            market, side=side, size=size, entry=100, margin=0, mode="cross", account=a
        )
    market.set_index(81)  # equity 250 - 190 + 95 = 155, maintenance 81 + 41
    assert engine.step().liquidated == 0
    market.set_index(73)  # equity 250 - 135 = 115, maintenance 73 + 37 = 110
    assert engine.step().liquidated == 0
    market.set_index(72)  # equity 110, maintenance 72 + 36 = 108
    assert engine.step().liquidated == 0
    market.set_index(71)  # equity 105, maintenance 71 + 36 = 107
    assert engine.step().liquidated == 1
    assert pick(rows(engine, "liquidation"), "side", "quantity") == [(SELL, 10), (BUY, 5)]
    engine.validate()


def test_most_overdue_first(kit):
    # triggers 95, 97, 96; all crossed at 90
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    engine.accounts.open_ladder(market, side="long", size=1, trigger=[95, 97, 96, 97], bankruptcy=1)
    market.set_index(90)
    engine.step()
    assert [row["account"] for row in rows(engine, "liquidation")] == [1, 3, 2, 0]


def test_overdue_is_relative_to_the_mark_and_ties_go_by_market_then_longs(kit):
    engine = kit.engine()
    one, two = (kit.market(engine, name, rules={"feed": "index"}) for name in "AB")
    one.set_index(100)
    two.set_index(1000)
    engine.accounts.open_ladder(two, side="short", size=1, trigger=900, bankruptcy=2000)
    engine.accounts.open_ladder(two, side="long", size=1, trigger=1100, bankruptcy=1)
    engine.accounts.open_ladder(one, side="short", size=1, trigger=90, bankruptcy=200)
    engine.accounts.open_ladder(one, side="long", size=1, trigger=109, bankruptcy=1)
    engine.accounts.open_ladder(one, side="long", size=1, trigger=110, bankruptcy=1)
    engine.step()
    # a tenth: market A long, A short, B long, B short; then 9 in 100
    assert [row["account"] for row in rows(engine, "liquidation")] == [4, 2, 1, 0, 3]


@pytest.mark.parametrize("execution", ["sequential", "batch"])
def test_each_sale_reaches_the_next(kit, execution):
    engine = kit.engine(execution=execution)
    market = kit.market(engine, venue=kit.linear(1, 1))
    market.set_index(100)
    engine.accounts.open_ladder(market, side="long", size=5, trigger=[98, 94, 90, 82], bankruptcy=1)
    result = engine.step(orders=[("X", kit.messages([{"kind": 2, "side": SELL, "size": 2}]))])
    assert result.liquidated == 3
    assert [row["wave"] for row in rows(engine, "liquidation")] == [1, 2, 3]
    assert pick(rows(engine, "mark")[1:], "price", "money") == [
        (98, 100),
        (93, 98),
        (88, 93),
        (83, 88),
    ]
    assert market.mark == 83


def test_batch_takes_everybody_due_before_the_price_moves(kit):
    engine = kit.engine(execution="batch")
    market = kit.market(engine, venue=kit.linear(1, 1))
    market.set_index(100)
    engine.accounts.open_ladder(market, side="long", size=3, trigger=[97, 98, 95], bankruptcy=1)
    market.set_index(97)
    engine.step()
    assert pick(rows(engine, "liquidation"), "account", "price", "wave") == [
        (1, 97, 1),
        (0, 97, 1),
        (2, 91, 2),
    ]
    assert pick(rows(engine, "mark"), "price") == [(100,), (97,), (91,), (88,)]
    # each sale still moves the venue: 97 -> 94 at floor(95.5), 94 -> 91 at floor(92.5)
    assert pick(rows(engine, "fill"), "price") == [(95,), (92,), (89,)]


def test_fill_after_takes_the_price_after_the_sale(kit):
    engine = kit.engine()
    market = kit.market(engine, venue=kit.linear(1, 2, "after"))
    market.set_index(100)
    engine.accounts.open_ladder(market, side="long", size=3, trigger=100, bankruptcy=1)
    engine.step()
    # 1.5 ticks round away from zero to 2
    assert pick(rows(engine, "fill"), "price", "counterparty") == [(98, -1)]
    assert market.mark == 98
    market.set_index(110)
    assert market.mark == 108


def test_unit_that_is_healthy_again_goes_back_without_an_event(kit):
    engine = kit.engine()
    rules = {"tiers": [(0, 0.1)], "feed": "index"}
    one, two = (kit.market(engine, name, rules=rules) for name in "AB")
    for market in (one, two):
        market.set_index(100)
    (a,) = engine.accounts.create(1, balance=300)
    for market in (one, two):
        engine.accounts.open(
            market, side="long", size=10, entry=100, margin=0, mode="cross", account=a
        )
    one.set_index(85)  # equity 150 < 185
    one.set_index(100)
    count = len(engine.events)
    assert engine.step().liquidated == 0
    assert len(engine.events) == count
    one.set_index(85)
    assert engine.step().liquidated == 1


def test_maker_that_falls_due_by_a_forced_sale_is_liquidated_in_turn(kit):
    # b bids for a's position and is full: its own loss at the new mark makes it due
    engine = kit.engine()
    market = kit.market(engine, rules={"tiers": [(0, 0.05)]})
    a, b = (int(k) for k in engine.accounts.create(2, balance=100))
    for account in (a, b):
        engine.accounts.set_leverage(account, market, 10, "cross")
    market.book.load_depth([(85, 100)], [(101, 1)])
    engine.accounts.open(market, side="long", size=10, entry=100, margin=0, mode="cross", account=a)
    assert market.mark == 93
    assert kit.limit(engine, market, BUY, 92, 10, b) == 0
    # the touch is 92 / 101 now: 96, equity 60 against 48
    assert market.mark == 96
    kit.trade(engine, market, SELL, 1)
    assert market.mark == 92  # a: 20 against 46; b holds 1
    engine.step()
    # a sells 9 to b at 92 and 1 at 85, the mark is 85; b, 10 at 92, is down 70: 30 against 43
    assert pick(rows(engine, "liquidation"), "account", "quantity", "price", "wave") == [
        (a, 10, 92, 1),
        (b, 10, 85, 2),
    ]
    # a: 828 + 85 - 1000 + 100 = 13 to the fund; b: 850 - 920 + 100 = 30
    assert engine.insurance_fund() == 43
    engine.validate()


def test_a_trade_of_an_isolated_position_looks_at_the_cross_unit_again(kit):
    engine = kit.engine()
    steps = [(0, 0.02), (200, 0.05)]
    market = kit.market(engine, rules={"tiers": steps, "tier_mode": "whole", "feed": "index"})
    other = kit.market(engine, "Y", rules={"feed": "index"})
    market.set_index(101)
    other.set_index(100)
    ids = engine.accounts.open_ladder(other, side="long", size=5, trigger=99, bankruptcy=92)
    # 10 - 2 of equity under 5 % of 202: due at once, and waits for the next step
    engine.accounts.open(
        market, side="short", size=2, entry=100, leverage=20, mode="cross", account=ids
    )
    engine.budget(accounts=1)
    # healthy at 98, but only a look at it can tell; the isolated ladder is more overdue
    engine.step(index={"X": 98, "Y": 50})
    assert pick(rows(engine, "liquidation"), "market") == [(1,)]
    start = len(engine.events)
    engine.step(index={"X": 102})
    # it fell due anew, by this mark
    assert rows(engine, "mark", start)[0]["price"] == 102
    assert pick(rows(engine, "liquidation", start), "market", "cause") == [(0, start + 1)]
    engine.validate()
