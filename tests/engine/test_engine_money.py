"""Fees, rebates, funding, deposits and the conservation of money and contracts."""

import pytest
from engine_kit import BUY, SELL, pick, rows


def pair(kit, engine, market, balance=10_000, mode="cross"):
    ids = [int(k) for k in engine.accounts.create(2, balance=balance)]
    for account in ids:
        engine.accounts.set_leverage(account, market, 10, mode)
    return ids


def test_fees_are_rounded_up_for_maker_and_taker(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"maker_fee": 0.001, "taker_fee": 0.005})
    a, b = pair(kit, engine, market)
    kit.limit(engine, market, SELL, 101, 3, b)
    kit.trade(engine, market, BUY, 3, a)
    # 303: taker 1.515 -> 2, maker 0.303 -> 1
    assert list(engine.accounts.balance) == [9998, 9999]
    assert engine.fees() == 3
    assert pick(rows(engine, "fee"), "account", "money", "market") == [(a, 2, 0), (b, 1, 0)]
    assert {row["cause"] for row in rows(engine, "fee")} == {
        k for k, row in enumerate(rows(engine)) if row["kind"] == 2
    }
    engine.validate()


def test_rebate_is_the_floor_of_its_size_and_paid_from_the_fees(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"maker_fee": -0.006, "taker_fee": 0.01})
    a, b = pair(kit, engine, market)
    kit.limit(engine, market, SELL, 101, 3, b)
    kit.trade(engine, market, BUY, 3, a)
    # 303: taker 3.03 -> 4, rebate 1.818 -> 1
    assert list(engine.accounts.balance) == [9996, 10_001]
    assert engine.fees() == 3
    assert pick(rows(engine, "fee"), "account", "money") == [(a, 4), (b, -1)]


def test_anonymous_depth_pays_no_fee(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"maker_fee": 0.01, "taker_fee": 0.01})
    market.book.load_depth([(99, 5)], [(101, 5)])
    a, _ = pair(kit, engine, market)
    kit.trade(engine, market, BUY, 1, a)
    kit.trade(engine, market, BUY, 1)
    assert engine.fees() == 2
    assert len(rows(engine, "fee")) == 1


def test_fee_of_an_isolated_position_comes_from_its_margin(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"taker_fee": 0.01})
    market.book.load_depth([(99, 5)], [(100, 5)])
    a, _ = pair(kit, engine, market, mode="isolated")
    kit.trade(engine, market, BUY, 5, a)
    # margin 50, fee 5
    assert engine.accounts.margin(market)[a] == 45
    assert engine.accounts.balance[a] == 9950
    kit.trade(engine, market, SELL, 5, a)
    # loss of 5, fee ceil(4.95) = 5, all back to the balance
    assert engine.accounts.margin(market)[a] == 0
    assert engine.accounts.balance[a] == 10_000 - 5 - 5 - 5
    engine.validate()


def test_linear_funding(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(101)
    a, b = pair(kit, engine, market)
    for account, side, size in ((a, "long", 3), (b, "short", 2)):
        engine.accounts.open(
            market, side=side, size=size, entry=100, margin=0, mode="cross", account=account
        )
    engine.fund(market, 0.01)
    # long pays ceil(3.03) = 4; short receives floor(2.02) = 2; outside, short 1, receives
    # floor(1.01) = 1 in its entry value; 4 - 2 - 1 = 1 to the fund
    assert list(engine.accounts.balance) == [9996, 10_002]
    assert engine.insurance_fund() == 1
    assert pick(rows(engine, "funding"), "price", "money", "quantity", "market") == [(101, 4, 2, 0)]
    engine.validate()


def test_negative_funding_pays_the_longs(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(101)
    a, b = pair(kit, engine, market)
    for account, side in ((a, "long"), (b, "short")):
        engine.accounts.open(
            market, side=side, size=3, entry=100, margin=0, mode="cross", account=account
        )
    engine.fund(market, -0.01)
    # short pays ceil(3.03) = 4, long receives 3
    assert list(engine.accounts.balance) == [10_003, 9996]
    assert engine.insurance_fund() == 1
    assert rows(engine, "funding")[0]["money"] == -3


def test_inverse_funding_is_paid_on_the_coin_value(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"}, contract="inverse", multiplier=1000)
    market.set_index(300)
    a, b = pair(kit, engine, market)
    for account, side in ((a, "long"), (b, "short")):
        engine.accounts.open(
            market, side=side, size=40, entry=300, margin=0, mode="cross", account=account
        )
    engine.fund(market, 0.01)
    # 40000 / 300 = 133.3: the long is worth -134 and pays 1.34 -> 2, the short 133, receives 1
    assert list(engine.accounts.balance) == [9998, 10_001]
    assert engine.insurance_fund() == 1
    engine.validate()


def test_funding_comes_from_an_isolated_margin_and_can_make_due(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index", "tiers": [(0, 0.05)]})
    market.set_index(100)
    engine.accounts.open(market, side="long", size=10, entry=100, leverage=10)
    engine.fund(market, 0.05)
    assert list(engine.accounts.margin(market)) == [50]
    assert engine.step().liquidated == 0  # equity 50, maintenance 50
    engine.fund(market, 0.001)
    assert engine.step().liquidated == 1
    engine.validate()


def test_funding_without_a_mark_is_refused(kit):
    engine = kit.engine()
    market = kit.market(engine)
    with pytest.raises(ValueError):
        engine.fund(market, 0.01)


def test_deposits_and_withdrawals_are_what_totals_say(kit):
    engine = kit.engine()
    market = kit.market(engine, rules={"feed": "index"})
    market.set_index(100)
    a, _ = pair(kit, engine, market, 500)
    engine.fund_deposit(70)
    engine.accounts.deposit(a, 30)
    engine.accounts.withdraw(a, 20)
    engine.accounts.open(market, side="long", size=2, entry=100, leverage=4)
    money = engine.totals()["money"]["USD"]
    assert money["deposits"] == 1000 + 70 + 30 - 20 + 50
    assert money["balances"] == 1010
    assert money["margins"] == 50
    assert money["fund"] == 70
    assert pick(rows(engine, "deposit"), "account", "money", "market") == [
        (-2, 70, 65535),
        (a, 30, 65535),
    ]
    assert pick(rows(engine, "open"), "account", "quantity", "money", "market") == [
        (0, 2, 1000, 65535),
        (2, 1, 50, 0),
    ]
    engine.validate()


def test_amounts_finer_than_an_atom_are_refused(kit):
    engine = kit.Engine(asset_decimals=2)
    engine.accounts.create(1, balance=10)
    with pytest.raises(ValueError):
        engine.accounts.deposit(0, 0.001)
    with pytest.raises(ValueError):
        engine.accounts.deposit(0, 0)
    engine.accounts.deposit(0, 0.01)
    assert engine.accounts.balance[0] == pytest.approx(10.01, abs=1e-12)
