"""What a published liquidation engine gets wrong, each case as it was seen and as it must be.

Source: ../shared/bench/README.md, "What it gets wrong", six cases.
"""

import pytest
from engine_kit import SELL, pick, rows

ADL = ("account", "counterparty", "quantity", "price")


def market_of(kit, *, fund=0, **stated):
    engine = kit.engine()
    keywords = {name: stated.pop(name) for name in ("multiplier",) if name in stated}
    rules = {"tiers": [(0, "0.01")], "feed": "index", "adl": "bitmex", **stated}
    market = kit.market(engine, rules=rules, **keywords)
    market.set_index(100)
    if fund:
        engine.fund_deposit(fund)
    return engine, market


def test_only_what_is_needed(kit):
    # 1: a long of 10 lacks 550; the only winner is a short of 100, of which 10 are closed, not 100
    engine, market = market_of(kit)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=50)
    engine.accounts.open(market, side="short", size=100, entry=100, margin=5_000)
    market.set_index(40)
    result = engine.step()
    (liquidation,) = rows(engine, "liquidation")
    assert liquidation["money"] == -550
    assert pick(rows(engine, "adl"), *ADL) == [(0, 1, 10, 95)]
    assert list(engine.accounts.size(market)) == [0, -90]
    assert result.bad_debt == 0
    engine.validate()


def test_only_the_opposite_side(kit):
    # 2: a profitable long of 50 and a profitable short of 5 against a bankrupt long of 10
    engine, market = market_of(kit)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=50)
    engine.accounts.open(market, side="long", size=50, entry=60, margin=3_000)
    engine.accounts.open(market, side="short", size=5, entry=100, margin=500)
    market.set_index(90)
    engine.step()
    assert pick(rows(engine, "adl"), *ADL) == [(0, 2, 5, 95)]
    assert list(engine.accounts.size(market)) == [0, 50, 0]
    # nobody is left on the other side: the house takes the rest at the same price
    assert market.house == (5, 475)
    engine.validate()


def test_one_price_for_every_winner(kit):
    # 3: a long of 10 from 100 with 50 is bankrupt at 95; two shorts of 5 from 100 keep 25 each
    engine, market = market_of(kit)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=50)
    engine.accounts.open(market, side="short", size=[5, 5], entry=100, margin=500)
    market.set_index(40)
    engine.step()
    assert pick(rows(engine, "adl"), *ADL) == [(0, 1, 5, 95), (0, 2, 5, 95)]
    assert list(engine.accounts.balance) == [0, 525, 525]
    engine.validate()


@pytest.mark.parametrize("surplus", ["fund", "trader"])
def test_what_is_left_belongs_to_somebody(kit, surplus):
    # 4: ten lots from 100 with 100, sold at 97 when the mark is 97: 70 of equity are left
    engine, market = market_of(kit, surplus=surplus, tiers=[(0, "0.08")])
    market.book.load_depth([(97, 10)], [])
    engine.accounts.open(market, side="long", size=10, entry=100, margin=100)
    market.set_index(97)
    result = engine.step()
    assert result.liquidated == 1
    credited = (engine.insurance_fund(), engine.accounts.balance[0])
    assert credited == ((70, 0) if surplus == "fund" else (0, 70))
    engine.validate()


def test_what_nobody_covers_is_recorded(kit):
    # 5: sold at 80, where 100 are missing; there is no fund and nobody to share it
    engine, market = market_of(kit, adl=None)
    market.book.load_depth([(80, 10)], [])
    engine.accounts.open(market, side="long", size=10, entry=100, margin=100)
    market.set_index(85)
    result = engine.step()
    assert result.bad_debt == engine.bad_debt() == 100
    assert pick(rows(engine, "bad_debt"), "account", "money") == [(0, 100)]
    assert engine.totals()["money"]["USD"]["bad_debt"] == 100
    engine.validate()


def test_deficits_of_several_accounts_add_up(kit):
    # 6, second half: three accounts lack 100, 50 and 20; 120 of them are in the fund
    engine, market = market_of(kit, fund=120, adl=None, absorb=1)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=[100, 150, 180])
    market.set_index(80)
    engine.step()
    assert pick(rows(engine, "fund"), "account", "money") == [(0, -100), (1, -20)]
    assert pick(rows(engine, "bad_debt"), "account", "money") == [(1, 30), (2, 20)]
    assert engine.bad_debt() == 50
    engine.validate()


@pytest.mark.parametrize("way", ["book", "house", "winners", "funding"])
def test_multiplier_counts_in_every_path(kit, way):
    # 6: contracts of 7: a long of 10 from 100 loses 70 a tick; with 1,400 it is bankrupt at 80
    engine, market = market_of(kit, multiplier=7, adl="size" if way == "winners" else None)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=1_400)
    if way == "winners":
        engine.accounts.open(market, side="short", size=10, entry=100, margin=9_000)
    if way == "book":
        market.book.load_depth([(75, 10)], [])
    if way == "funding":
        engine.fund(market, "0.1")  # a tenth of 7,000
        assert list(engine.accounts.margin(market)) == [700]
        market.set_index(85)  # 350 below zero, and taken over at 90
    else:
        market.set_index(78)
    engine.step()
    if way == "book":
        assert engine.bad_debt() == 10 * 7 * 5
    else:
        assert engine.bad_debt() == 0
    if way == "winners":
        assert list(engine.accounts.balance) == [0, 9_000 + 10 * 7 * 20]
    if way in ("house", "funding"):
        assert market.house == (10, 10 * 7 * (80 if way == "house" else 90))
    engine.validate()


def test_a_deficit_in_one_wave_is_not_dropped_in_the_next(kit):
    # the first sale takes the mark down to where the second falls due; both deficits stand
    engine, market = market_of(kit, feed="last", adl=None, tiers=[(0, "0.05")])
    market.book.load_depth([(94, 1), (80, 10), (60, 10)], [])
    engine.accounts.open(market, side="long", size=10, entry=100, margin=100)
    engine.accounts.open(market, side="long", size=10, entry=100, margin=200)
    kit.trade(engine, market, SELL, 1)
    result = engine.step()
    assert [row["wave"] for row in rows(engine, "liquidation")] == [1, 2]
    assert pick(rows(engine, "bad_debt"), "account", "money") == [(0, 100), (1, 200)]
    assert result.bad_debt == 300
    engine.validate()
