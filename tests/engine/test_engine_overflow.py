"""A step that an amount out of range stops: what it refuses is as it was, and nobody who is due is forgotten."""

import pytest
from engine_kit import rows

YEAR = 365 * 86_400


def two_assets(kit, *, oracle=None, **interest):
    """Accounts that owe money against A; and B, whose sides' marks have room up to a price of 21,474."""
    engine = kit.engine()
    lending = engine.lending.add("pool", rules=kit.lending.LendingRules())
    for name in ("A", "B"):
        kit.market(engine, name, rules={"feed": "index"}).set_index(100)
    terms = {"liquidation_threshold": "0.8", "liquidation_bonus": "0.05", "venue": None}
    lending.add_reserve("A", price="A", **terms)
    lending.add_reserve("B", price="B", refinement=100_000, oracle=oracle, **terms, **interest)
    lending.add_reserve("USD")
    lending["USD"].supply(100_000)
    lending["B"].supply(1_000_000)
    lending.open(collateral={"A": [100]}, debt={"USD": [7500]})
    return engine, lending


def test_who_fell_due_before_a_mark_out_of_range_waits_for_the_next_step(kit):
    engine, lending = two_assets(kit)
    before = lending["B"].row()
    # A at 90 bears 7200 of 7500; B at 21,475 has a mark of 2,147,500,000 in parts of 10**5, above 2**31 - 2
    with pytest.raises(OverflowError):
        engine.step(index={"A": 90, "B": 21_475})
    engine.validate()
    assert lending["B"].row() == before
    assert rows(engine, "liquidation") == []
    result = engine.step(index={"B": 100})
    assert result.liquidated == 1
    engine.validate()


def test_a_price_in_range_is_believed_after_one_that_was_not(kit):
    engine, lending = two_assets(kit)
    with pytest.raises(OverflowError):
        engine.step(index={"B": 21_475})
    assert lending["B"].row()["price"] == 100
    engine.step(index={"B": 21_474})
    assert lending["B"].row()["price"] == 21_474
    engine.validate()


def test_interest_that_takes_a_mark_out_of_range_is_not_charged(kit):
    # a mark of 2,147,400,000 has room for 0.0039 %: a lot of interest over a million supplied, not 1,000 lots
    engine, lending = two_assets(kit, interest=kit.lending.KinkRate("0.01", 0, 0, "0.5"))
    lending.open(collateral={"A": [100_000_000]}, debt={"B": [100_000]})
    engine.step(index={"B": 21_474})
    before = lending["B"].row()
    with pytest.raises(OverflowError):
        engine.step(dt=YEAR)
    assert lending["B"].row() == before
    engine.validate()
