"""Values, exact entry values and the rounding of realised PnL (docs/margin.md), worked by hand."""

import pytest
from engine_kit import BUY, SELL, pick, rows


def held(engine, market, account) -> tuple[float, float]:
    """Size and entry value of an account's position."""
    accounts = engine.accounts
    return accounts.size(market)[account], accounts.entry_value(market)[account]


def traders(kit, engine, market, count=2, balance=100_000):
    """Accounts with money enough for anything, cross, leverage 10."""
    ids = [int(k) for k in engine.accounts.create(count, balance=balance)]
    for account in ids:
        engine.accounts.set_leverage(account, market, 10, "cross")
    return ids


def exchange(kit, engine, market, buyer, seller, price, size) -> None:
    """One trade at a price: the seller makes, the buyer takes."""
    assert kit.limit(engine, market, SELL, price, size, seller) == 0
    assert kit.limit(engine, market, BUY, price, size, buyer) == 0


def test_linear_trade_moves_value_not_balance(kit):
    engine = kit.engine()
    market = kit.market(engine)
    a, b = traders(kit, engine, market)
    exchange(kit, engine, market, a, b, 100, 7)
    assert held(engine, market, a) == (7, 700)
    assert held(engine, market, b) == (-7, -700)
    assert list(engine.accounts.balance) == [100_000, 100_000]
    assert pick(rows(engine, "fill"), "price", "quantity", "money", "account", "counterparty") == [
        (100, 7, 700, a, b)
    ]


def test_unit_carries_tick_lot_multiplier_and_decimals(kit):
    engine = kit.engine(asset_decimals=6)
    market = engine.add_market("X", tick_size=0.5, lot_size=0.001, multiplier=2, rules=kit.Rules())
    a, b = traders(kit, engine, market)
    market.book.limit("sell", 100.5, 0.003, account=b)
    market.book.limit("buy", 100.5, 0.003, account=a)
    # 201 ticks, 3 lots, 0.5 * 0.001 * 2 * 10**6 = 1000 atoms a tick and lot: 603000 atoms
    assert rows(engine, "fill")[0]["money"] == 603_000
    assert rows(engine, "fill")[0]["price"] == 201
    assert engine.accounts.entry_value(market)[a] == pytest.approx(0.603, abs=1e-12)


def test_inverse_value_rounds_against_the_position(kit):
    engine = kit.engine()
    market = kit.market(engine, contract="inverse", multiplier=1000)
    a, b = traders(kit, engine, market)
    exchange(kit, engine, market, a, b, 300, 1)
    # 1000 / 300 = 3.33: the buyer's value is floor(-3.33) = -4, the seller's the opposite
    assert held(engine, market, a) == (1, -4)
    assert held(engine, market, b) == (-1, 4)
    # at the mark of 300 the long is worth -4 again, the short floor(3.33) = 3: one atom down
    assert list(engine.accounts.equity) == [100_000, 99_999]


def test_closing_a_part_takes_its_share_of_entry_value_rounded_down(kit):
    engine = kit.engine()
    market = kit.market(engine)
    a, b = traders(kit, engine, market)
    exchange(kit, engine, market, a, b, 100, 2)
    exchange(kit, engine, market, a, b, 101, 1)  # size 3, entry value 301
    exchange(kit, engine, market, b, a, 110, 1)
    # a sells 1 at 110: e = floor(301 / 3) = 100, realised 110 - 100 = 10, 201 stays
    assert held(engine, market, a) == (2, 201)
    # b buys 1: e = floor(-301 / 3) = -101, realised -110 + 101 = -9, -200 stays
    assert held(engine, market, b) == (-2, -200)
    assert list(engine.accounts.balance) == [100_010, 99_991]
    engine.validate()


def test_closing_the_rest_leaves_nothing(kit):
    engine = kit.engine()
    market = kit.market(engine)
    a, b = traders(kit, engine, market)
    exchange(kit, engine, market, a, b, 100, 2)
    exchange(kit, engine, market, a, b, 101, 1)
    exchange(kit, engine, market, b, a, 110, 1)
    exchange(kit, engine, market, b, a, 90, 2)
    # a: 180 - 201 = -21 after +10; b the mirror: 200 - 180 = +20 after -9
    assert held(engine, market, a) == (0, 0)
    assert list(engine.accounts.balance) == [99_989, 100_011]


def test_flip_closes_with_its_share_of_the_value_and_opens_with_the_rest(kit):
    engine = kit.engine()
    market = kit.market(engine, contract="inverse", multiplier=1000)
    a, b = traders(kit, engine, market)
    exchange(kit, engine, market, a, b, 300, 1)  # a long 1 at -4
    exchange(kit, engine, market, b, a, 300, 3)
    # b buys 3: w = floor(-3000 / 300) = -10; a's side is +10 over 3 lots.
    # a closes 1: w_c = floor(10 / 3) = 3, e = -4, realised -3 + 4 = 1; opens -2 at 10 - 3 = 7
    assert held(engine, market, a) == (-2, 7)
    # b closes 1 of -1: w_c = floor(-10 / 3) = -4, e = 4, realised 4 - 4 = 0; opens 2 at -6
    assert held(engine, market, b) == (2, -6)
    assert list(engine.accounts.balance) == [100_001, 100_000]
    engine.validate()


def test_outside_keeps_its_entry_value_and_realises_nothing(kit):
    engine = kit.engine()
    market = kit.market(engine)
    (a,) = traders(kit, engine, market, 1)
    market.book.load_depth([(99, 5)], [(101, 5)])
    kit.trade(engine, market, BUY, 3, a)
    kit.trade(engine, market, SELL, 3, a)
    # bought at 101, sold at 99
    assert engine.accounts.balance[a] == 100_000 - 6
    totals = engine.totals()["money"]["USD"]
    assert totals["entry_values"] == 3 * 99 - 3 * 101
    assert engine.totals()["contracts"] == {"X": 0}
    engine.validate()


def test_self_trade_changes_nothing_but_the_log(kit):
    engine = kit.engine()
    market = kit.market(engine)
    (a,) = traders(kit, engine, market, 1)
    exchange(kit, engine, market, a, a, 100, 4)
    assert held(engine, market, a) == (0, 0)
    assert engine.accounts.balance[a] == 100_000
    assert len(rows(engine, "fill")) == 1


def test_overflow_is_refused_and_changes_nothing(kit):
    engine = kit.engine()
    market = kit.market(engine, multiplier=10**6)
    (a,) = traders(kit, engine, market, 1)
    before = engine.state_hash()
    with pytest.raises(OverflowError):
        engine.accounts.open(
            market, side="long", size=2**40, entry=2_000_000_000, leverage=1, account=a
        )
    assert engine.state_hash() == before
