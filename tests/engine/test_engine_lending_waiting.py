"""Who is due and waits, and why: `LendingMarket.waiting`, by hand."""

import pytest

import cascade as cs


def due(*, book=(), venue="price", **terms):
    """An account of 10 ETH at 2000 and 16,000 USD that is due at 1,900, ETH sold in a book of these bids."""
    engine = cs.Engine(asset_decimals=2)
    rules = cs.Rules(tiers=((0, 0),), feed="index")
    eth = engine.add_market("ETH", tick_size=1, lot_size="0.01", rules=rules)
    eth.set_index(2000)
    eth.book.load_depth(bids=list(book), asks=[])
    lending = engine.lending.add("pool", rules=cs.LendingRules(**terms))
    given = {"liquidation_threshold": "0.8", "liquidation_bonus": "0.05"}
    lending.add_reserve("ETH", price="ETH", venue=venue, **given)
    lending.add_reserve("USD")
    lending["USD"].supply(100_000)
    lending.open(collateral={"ETH": [10, 10]}, debt={"USD": [16_000, 100]})
    return engine, lending


def reasons(lending):
    found = lending.waiting()
    rows = zip(found["account"], found["reason"], found["debt"], strict=True)
    return [(int(account), str(reason), int(debt)) for account, reason, debt in rows]


def test_nobody_waits_before_the_price_falls():
    _, lending = due()
    assert reasons(lending) == []


def test_an_empty_book_is_named():
    engine, lending = due()
    assert engine.step(index={"ETH": 1900}).liquidated == 0
    assert reasons(lending) == [(0, "nobody buys", 1_600_000)]
    # somebody bids, far too little
    engine.market("ETH").book.limit("buy", 1000, 100)
    assert engine.step().liquidated == 0
    assert reasons(lending) == [(0, "no gain", 1_600_000)]
    engine.market("ETH").book.limit("buy", 1900, 100)
    assert engine.step().liquidated > 0


def test_without_a_venue_a_call_is_made():
    engine, lending = due(venue=None)
    assert engine.step(index={"ETH": 1900}).liquidated == 1
    assert reasons(lending) == []


def test_a_gain_that_gas_eats():
    engine, lending = due(venue=None)
    engine.liquidators.add(cs.Liquidator(gas=10_000))
    assert engine.step(index={"ETH": 1900}).liquidated == 0
    assert reasons(lending) == [(0, "no gain", 1_600_000)]


@pytest.mark.parametrize("name", ["ETH", "USD"])
def test_what_is_paused_or_in_grace_is_closed(name):
    engine, lending = due(venue=None)
    lending[name].pause()
    assert engine.step(index={"ETH": 1900}).liquidated == 0
    assert reasons(lending) == [(0, "closed", 1_600_000)]
    lending[name].pause(False, grace=10)
    assert engine.step().liquidated == 0
    assert reasons(lending) == [(0, "closed", 1_600_000)]
    assert engine.step(dt=10).liquidated == 1


def test_an_oracle_that_gives_no_price():
    engine, lending = due()
    assert engine.step(index={"ETH": 1900}).liquidated == 0
    lending["ETH"].fail_oracle("reverts")
    assert reasons(lending) == [(0, "oracle", 1_600_000)]


def test_a_debt_that_nobody_sells():
    engine = cs.Engine(asset_decimals=2)
    rules = cs.Rules(tiers=((0, 0),), feed="index")
    for name in ("ETH", "BTC"):
        engine.add_market(name, tick_size=1, lot_size="0.01", rules=rules).set_index(1000)
    engine.market("ETH").book.load_depth(bids=[(1000, 100)], asks=[])
    lending = engine.lending.add("pool")
    terms = {"liquidation_threshold": "0.8", "liquidation_bonus": "0.05"}
    for name in ("ETH", "BTC"):
        lending.add_reserve(name, price=name, **terms)
        lending[name].supply(100)
    lending.open(collateral={"ETH": 10}, debt={"BTC": 7})
    assert engine.step(index={"BTC": 1200}).liquidated == 0
    assert reasons(lending) == [(0, "nobody sells", 840_000)]


def test_rules_without_calls_are_refused():
    engine = cs.Engine()
    lending = engine.lending.add("loans", rules=cs.rules.liquity_v1())
    with pytest.raises(
        ValueError, match="'loans' has close_factor 'trove', and no calls that wait"
    ):
        lending.waiting()
