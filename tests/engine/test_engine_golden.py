"""Whole scenarios with known outcomes; numbers from golden/model.json, entry named in each."""

from fractions import Fraction

import pytest
from engine_kit import BUY, SELL, pick, rows

# G01: (size, entry, leverage), one percent maintenance on mark notional, bids of 10 from 1000 down
LONGS = {"A": (45, 1010, 50), "B": (60, 1005, 50), "C": (160, 1000, 50), "D": (50, 990, 50)}
LONGS["E"] = (50, 990, 20)
RICH = 10**8


def waterfall(kit, *, fund, surplus="fund", **stages):
    """The engine of G01 before its external sale: market, maker and seller."""
    engine = kit.engine()
    rules = {"tiers": [(0, "0.01")], "surplus": surplus, **stages}
    market = kit.market(engine, rules=rules)
    engine.fund_deposit(fund)
    maker, seller = (int(k) for k in engine.accounts.create(2, balance=RICH))
    orders = [
        {"kind": 0, "side": BUY, "price": 1000 - k, "size": 10, "account": maker}
        for k in range(200)
    ]
    market.book.apply(kit.messages(orders))
    size, entry, leverage = (list(column) for column in zip(*LONGS.values(), strict=True))
    longs = engine.accounts.open(market, side="long", size=size, entry=entry, leverage=leverage)
    shorts = engine.accounts.open(
        market, side="short", size=[105, 260], entry=[1010, 995], leverage=1
    )
    return engine, market, maker, seller, list(longs), list(shorts)


def test_order_book_waterfall(kit):
    # G01_order_book_waterfall
    engine, market, maker, seller, longs, shorts = waterfall(kit, fund=500)
    before = engine.accounts.equity
    deposits = [-(-size * entry // leverage) for size, entry, leverage in LONGS.values()] + [
        105 * 1010,
        260 * 995,
    ]
    orders = [{"kind": 2, "side": SELL, "size": 40, "account": seller}]
    result = engine.step(orders=[("X", kit.messages(orders))])
    assert result.liquidated == 4
    external = [row for row in rows(engine, "fill") if row["account"] == seller]
    assert sum(row["money"] for row in external) == 998.5 * 40
    assert external[-1]["price"] == 997
    liquidations = rows(engine, "liquidation")
    assert pick(liquidations, "account", "quantity") == [
        (longs[0], 45),
        (longs[1], 60),
        (longs[2], 160),
        (longs[3], 50),
    ]
    for account, size, average in zip(
        longs, (45, 60, 160, 50), (44740, 59340, 156480, 48375), strict=False
    ):
        fills = [row for row in rows(engine, "fill") if row["account"] == account]
        assert sum(row["money"] for row in fills) == average
        assert sum(row["quantity"] for row in fills) == size
    assert pick(rows(engine, "fund"), "money") == [(199,), (246,), (-320,), (-135,)]
    assert [row["price"] for row in rows(engine, "mark")][-4:] == [992, 986, 970, 965]
    assert engine.insurance_fund() == 490
    assert market.mark == 965
    assert [tuple(row)[:2] for row in market.book.bids(1)] == [(965, 5)]
    assert list(engine.accounts.size(market)[longs]) == [0, 0, 0, 0, 50]
    equity = engine.accounts.equity
    gains = [equity[k] - d for k, d in zip([*longs, *shorts], deposits, strict=True)]
    assert gains == [-909, -1206, -3200, -990, -1250, 4725, 7800]
    assert equity[seller] - RICH == 1340
    assert equity[maker] - RICH == -6300
    assert before[seller] == RICH
    # E is due below 950
    assert engine.accounts.liquidation_price(market)[longs[4]] == 949
    engine.validate()


def test_fund_runs_out_when_surplus_is_returned(kit):
    # G02_order_book_waterfall_adl up to the residual that its stage of deleveraging would take
    engine, market, _, seller, longs, _ = waterfall(kit, fund=300, surplus="trader")
    orders = [{"kind": 2, "side": SELL, "size": 40, "account": seller}]
    result = engine.step(orders=[("X", kit.messages(orders))])
    assert list(engine.accounts.balance[longs][:2]) == [199, 246]
    assert engine.insurance_fund() == 0
    assert engine.bad_debt() == 155
    assert result.bad_debt == 155
    assert market.mark == 965
    engine.validate()


def test_winners_pay_what_the_fund_cannot(kit):
    # G02_order_book_waterfall_adl: 155 of 13,865. In account order the gains of 1340, 4725 and 7800
    # sum to 1340, 6065 and 13865; of that 14.98, 67.80 and 155 are due, rounded down 14, 67 and 155
    engine, market, _, seller, longs, shorts = waterfall(
        kit, fund=300, surplus="trader", socialised="gains"
    )
    orders = [{"kind": 2, "side": SELL, "size": 40, "account": seller}]
    engine.step(orders=[("X", kit.messages(orders))])
    found = pick(rows(engine, "socialised"), "account", "money")
    assert found == [(seller, 14), (shorts[0], 53), (shorts[1], 88)]
    assert engine.insurance_fund() == engine.bad_debt() == 0
    assert market.mark == 965
    assert list(engine.accounts.balance[longs][:2]) == [199, 246]
    engine.validate()


def test_short_squeeze_mirrors_it(kit):
    # G03_short_squeeze_mirror, prices in tenths so that the bankruptcy prices are ticks
    engine = kit.engine(asset_decimals=1)
    market = kit.market(engine, tick_size=0.1)
    engine.fund_deposit(500)
    market.book.load_depth([], [(1000 + k, 10) for k in range(200)])
    triggers, bankruptcies = [], []
    for _, entry, leverage in LONGS.values():
        due = Fraction(entry) * (1 - Fraction(1, leverage)) / (1 - Fraction(1, 100))
        triggers.append((20_000 - -(-due * 10 // 1) + 1) / 10)
        bankruptcies.append((20_000 - entry * 10 * (1 - Fraction(1, leverage))) / 10)
    shorts = engine.accounts.open_ladder(
        market,
        side="short",
        size=[size for size, _, _ in LONGS.values()],
        trigger=[float(price) for price in triggers],
        bankruptcy=[float(price) for price in bankruptcies],
    )
    result = engine.step(orders=[("X", kit.messages([{"kind": 2, "side": BUY, "size": 40}]))])
    assert result.liquidated == 4
    everything = rows(engine, "fill")
    assert sum(row["money"] for row in everything if row["order"]) == 1001.5 * 40 * 10
    averages = (1005.77777778, 1011.0, 1022.0, 1032.5)
    for account, size, average in zip(shorts, (45, 60, 160, 50), averages, strict=False):
        paid = sum(row["money"] for row in everything if row["account"] == account)
        assert paid / 10 / size == pytest.approx(average, abs=1e-8)
    assert pick(rows(engine, "fund"), "money") == [(1990,), (2460,), (-3200,), (-1350,)]
    assert engine.insurance_fund() == 490
    assert market.mark == 1035
    assert [tuple(row)[1] for row in market.book.asks(1)] == [5]
    engine.validate()


def test_discrete_rungs(kit):
    # L05_discrete_rungs: P0 100, shock 2, impact 0.002 a unit, rungs of 150 every 0.5
    engine = kit.engine(asset_decimals=1)
    market = engine.add_market(
        "X",
        tick_size=0.1,
        lot_size=1,
        venue=kit.linear(1, 50, tick=0.1),
        rules=kit.Rules(tiers=((0, 0),)),
    )
    market.set_index(100)
    engine.accounts.open_ladder(
        market,
        side="long",
        size=150,
        trigger=[100 - 0.5 * k for k in range(1, 31)],
        bankruptcy=50,
    )
    result = engine.step(orders=[("X", kit.messages([{"kind": 2, "side": SELL, "size": 1000}]))])
    assert result.liquidated == 8
    assert market.mark_ticks == 956
    assert engine.accounts.size(market)[8] == 150


def test_uniform_ladder(kit):
    # L01_uniform_ladder_subcritical: shock 3, impact 0.002, density 300: drop 7.5; rungs of 60
    # every 0.2, tick 0.01: an impact of 0.2 ticks a unit
    engine = kit.engine(asset_decimals=2)
    market = kit.market(engine, tick_size=0.01, venue=kit.linear(1, 5, tick=0.01))
    market.set_index(100)
    engine.accounts.open_ladder(
        market,
        side="long",
        size=60,
        trigger=[100 - 0.2 * k for k in range(1, 101)],
        bankruptcy=50,
    )
    orders = [{"kind": 2, "side": SELL, "size": 1500}]
    result = engine.step(orders=[("X", kit.messages(orders))])
    # tolerance 2 * impact * size
    assert 100 - market.mark == pytest.approx(7.5, abs=0.24)
    assert result.liquidated * 60 == pytest.approx(2250, abs=120)
