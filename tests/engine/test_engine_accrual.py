"""Funding accrued through an index: what is owed, when it is paid, who gets the remainder, who falls due."""

import numpy as np
import pytest
from engine_kit import MARKET, SELL, pick, rows

PARTS = 10**9


def accruing(kit, *, sizes=((10, "long"), (10, "short")), leverage=2, mode="cross", **rules):
    """A market at 100 that accrues; every account has its own position."""
    engine = kit.engine()
    stated = {"feed": "index", "funding_mode": "index", **rules}
    market = kit.market(engine, rules=stated)
    market.set_index(100)
    for size, side in sizes:
        engine.accounts.open(
            market, side=side, size=[size], entry=100, leverage=leverage, mode=mode
        )
    return engine, market


def settled(engine):
    """Payments of single accounts: account, lots, atoms, side."""
    paid = [row for row in rows(engine, "funding") if row["account"] >= 0]
    return pick(paid, "account", "quantity", "money", "side")


def test_nobody_pays_when_the_index_moves_and_what_is_owed_shows(kit):
    engine, market = accruing(kit)
    engine.fund(market, "0.01")
    # 1 atom a lot: 10 lots owe 10 atoms
    assert list(engine.accounts.balance) == [500, 500]
    assert list(engine.accounts.funding_owed(market)) == [10, -10]
    assert list(engine.accounts.equity) == [490, 510]
    event = rows(engine, "funding")[0]
    assert (event["price"], event["money"], event["quantity"]) == (100, 10, 0)
    assert (event["order"], event["code"], event["account"]) == (PARTS, 10**7, -1)
    engine.validate()


def test_a_position_pays_when_it_is_touched(kit):
    engine, market = accruing(kit)
    engine.fund(market, "0.01")
    engine.accounts.deposit(0, 7)
    assert settled(engine) == [(0, 10, 10, 0)]
    assert list(engine.accounts.balance) == [497, 500]
    engine.validate()
    # the receiver is paid out of what the payer left
    engine.accounts.withdraw(1, 4)
    assert settled(engine)[1:] == [(1, 10, -10, 1)]
    assert list(engine.accounts.balance) == [497, 506]
    assert list(engine.accounts.funding_owed(market)) == [0, 0]
    assert engine.insurance_fund() == 0
    engine.validate()


def test_a_receiver_who_comes_first_is_paid_before_the_payers(kit):
    engine, market = accruing(kit)
    engine.fund(market, "0.01")
    engine.accounts.deposit(1, 1)
    assert list(engine.accounts.balance) == [500, 511]
    engine.validate()
    engine.accounts.deposit(0, 1)
    assert list(engine.accounts.balance) == [491, 511]
    engine.validate()


def test_a_trade_settles_before_it_changes_the_size(kit):
    engine, market = accruing(kit)
    engine.fund(market, "0.01")
    market.book.load_depth([(100, 50)], [])
    orders = kit.messages([{"kind": MARKET, "side": SELL, "account": 0, "size": 5}])
    engine.step(orders=[("X", orders)])
    # 10 atoms on 10 lots, then 5 lots go on
    assert settled(engine) == [(0, 10, 10, 0)]
    engine.fund(market, "0.01")
    assert list(engine.accounts.funding_owed(market)) == [5, -20]
    assert list(engine.accounts.balance) == [490, 500]
    engine.validate()


def test_payers_round_up_receivers_down_and_the_fund_gets_the_rest(kit):
    # 100 * 0.0025 = 0.25 atoms a lot; 3 longs of 1 lot, a short of 3
    engine, market = accruing(kit, sizes=((1, "long"), (1, "long"), (1, "long"), (3, "short")))
    engine.fund(market, "0.0025")
    assert list(engine.accounts.funding_owed(market)) == [1, 1, 1, 0]
    for account in range(4):
        engine.accounts.deposit(account, 1)
    assert list(engine.accounts.balance) == [50, 50, 50, 151]
    assert engine.insurance_fund() == 0
    # all are settled: three atoms lie in the pool, and the next settlement gives them away
    engine.fund(market, 0)
    assert engine.insurance_fund() == 3
    engine.validate()
    engine.fund(market, "0.0025")
    assert engine.insurance_fund() == 3


def test_what_two_settlements_accrue_is_rounded_once(kit):
    engine, market = accruing(kit, sizes=((1, "long"), (1, "short")))
    for _ in range(4):
        engine.fund(market, "0.0025")
    # 4 * 0.25 = 1, where paying each time costs 4
    assert list(engine.accounts.funding_owed(market)) == [1, -1]


def test_outside_and_the_house_pay_at_once(kit):
    engine, market = accruing(kit, sizes=((10, "long"),))
    before = market.outside[1]
    engine.fund(market, "0.01")
    # outside is short 10 lots and receives 10 atoms, lent by the pool
    assert market.outside == (-10, before - 10)
    engine.validate()
    engine.accounts.deposit(0, 1)
    engine.fund(market, 0)
    assert engine.insurance_fund() == 0
    engine.validate()


def test_an_inverse_index_is_rounded_toward_zero(kit):
    for rate, owed in (("0.01", [1, 0]), ("-0.01", [0, 1])):
        engine = kit.engine(asset_decimals=2)
        rules = {"feed": "index", "funding_mode": "index"}
        market = kit.market(engine, rules=rules, contract="inverse")
        market.set_index(3)
        for side in ("long", "short"):
            engine.accounts.open(market, side=side, size=[1], entry=3, leverage=1, mode="cross")
        engine.fund(market, rate)
        # 100 atoms of a coin over 3, times 1 %: a third of an atom, in whole parts of 10**9
        assert abs(rows(engine, "funding")[0]["order"]) == 333_333_333
        sign = 1 if rate == "0.01" else -1
        assert rows(engine, "funding")[0]["order"] * sign > 0
        assert [round(x * 100) for x in engine.accounts.funding_owed(market)] == owed
        engine.validate()


def test_a_unit_falls_due_by_funding_alone(kit):
    # margin 100 on 10 lots at 100, maintenance 5 %: 50 to spare, 5 % of funding takes them
    engine, market = accruing(kit, leverage=10, mode="isolated", tiers=((0, "0.05"),))
    market.book.load_depth([(100, 50)], [(100 + 1, 50)])
    engine.fund(market, "0.05")
    assert engine.step().liquidated == 0
    engine.fund(market, "0.000001")
    # a thousandth of an atom is an atom
    result = engine.step()
    assert result.liquidated == 1
    event = rows(engine, "liquidation")[0]
    assert (event["account"], event["cause"], event["money"]) == (0, -1, 49)
    engine.validate()


def test_a_short_falls_due_when_the_index_falls(kit):
    engine, market = accruing(kit, leverage=10, mode="isolated", tiers=((0, "0.05"),))
    market.book.load_depth([(99, 50)], [(100, 50)])
    engine.fund(market, "-0.05")
    assert engine.step().liquidated == 0
    engine.fund(market, "-0.000001")
    assert engine.step().liquidated == 1
    assert rows(engine, "liquidation")[0]["account"] == 1


def test_funding_received_moves_the_trigger_away(kit):
    engine, market = accruing(kit, leverage=10, mode="isolated", tiers=((0, "0.05"),))
    market.book.load_depth([(90, 50)], [(110, 50)])
    # due below 100 * 10 - 100 - M: V - V / 20 < 900, that is at 94
    assert engine.accounts.liquidation_price(market)[0] == 94
    engine.fund(market, "-0.03")
    # 30 atoms more: V * 19 / 20 < 870, at 91
    assert engine.accounts.liquidation_price(market)[0] == 91
    assert engine.step(index={"X": 92}).liquidated == 0
    assert engine.step(index={"X": 91}).liquidated == 1
    engine.validate()


def test_a_withdrawal_counts_what_is_owed(kit):
    engine, market = accruing(kit)
    engine.fund(market, "0.01")
    # 500 - 10 owed - 500 initial margin at leverage 2
    with pytest.raises(ValueError, match="account 0 has"):
        engine.accounts.withdraw(0, 1)
    assert settled(engine) == []
    engine.accounts.withdraw(1, 10)
    assert settled(engine) == [(1, 10, -10, 1)]


def test_by_the_clock_the_index_grows_by_the_same_rates(kit):
    """Both modes take the same from everybody, but for a rounding a payment."""
    found = {}
    for mode in ("interval", "index"):
        engine = kit.engine(asset_decimals=2)
        rules = {
            "feed": "index",
            "funding_mode": mode,
            "funding_interval": 3,
            "interest": "0.00037",
            "funding_clamp": "0.002",
        }
        market = kit.market(engine, rules=rules, tick_size=1)
        market.book.load_depth([(99, 50)], [(102, 50)])
        market.set_index(100)
        sizes = [3, 1, 7, 2]
        engine.accounts.open(
            market,
            side=["long", "short", "long", "short"],
            size=sizes,
            entry=100,
            leverage=2,
            mode="cross",
        )
        for index in (100, 103, 98, 101, 97):
            engine.step(index={"X": index}, dt=4)
        engine.validate()
        found[mode] = np.round(engine.accounts.equity * 100), len(rows(engine, "funding"))
    paid, accrued = found["interval"], found["index"]
    assert paid[1] == accrued[1] == 6
    # a payment is rounded up by less than an atom, and six of them are one in the other mode
    difference = accrued[0] - paid[0]
    assert ((difference >= 0) & (difference <= 6)).all() and difference.any()


def test_an_index_that_does_not_fit_is_refused(kit):
    engine = kit.engine()
    market = kit.market(
        engine, rules={"feed": "index", "funding_mode": "index"}, tick_size=1, multiplier=10**9
    )
    market.set_index(5)
    with pytest.raises(OverflowError):
        engine.fund(market, 1)


def test_a_copy_goes_on_as_the_engine_does(kit):
    engine, market = accruing(kit, mode="isolated", leverage=10, tiers=((0, "0.05"),))
    engine.fund(market, "0.0123")
    engine.accounts.deposit(0, 20)
    engine.accounts.transfer(0, market, 20)
    engine.fund(market, "0.001")
    again = engine.copy()
    assert again.state_hash() == engine.state_hash()
    assert list(again.accounts.funding_owed("X")) == [1, -13]
    for each in (engine, again):
        each.market("X").book.load_depth([(100, 50)], [])
        each.fund("X", "0.02")
        each.step()
        each.validate()
    assert again.state_hash() == engine.state_hash()
    assert (again.events[-3:] == engine.events[-3:]).all()


def test_a_due_unit_that_is_paid_when_another_position_opens_is_looked_at_again(kit):
    # 100 of margin - 60 = 40 against 47 at 94; nobody is taken, and at 100 the unit is well again
    engine, market = accruing(kit, leverage=10, tiers=((0, "0.05"),))
    other = kit.market(engine, "Y", rules={"feed": "index"})
    other.set_index(100)
    engine.budget(accounts=0)
    assert engine.step(index={"X": 94}).pending == 1
    assert engine.step(index={"X": 100}).pending == 1
    # 0.01 * 100 * 10 lots for the long, paid into the balance behind the isolated position
    engine.fund(market, "-0.01")
    engine.accounts.open(
        other, account=[0], side="long", size=[1], entry=100, leverage=2, mode="isolated"
    )
    assert settled(engine) == [(0, 10, -10, 0)]
    assert engine.step().pending == 0
    engine.validate()
