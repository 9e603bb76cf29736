"""Liquidators that are told sizes: so much a call, so much a step; docs/lending-market.md, by hand."""

import pytest
from engine_kit import rows

import cascade as cs


def pool_of(kit, *liquidators, compete="order"):
    """10 ETH at 100 that bear 800, against 900."""
    engine = kit.engine()
    kit.market(engine, "ETH", rules={"feed": "index"}).set_index(100)
    for given in liquidators:
        engine.liquidators.add(kit.lending.Liquidator(**given))
    engine.liquidators.compete = compete
    pool = engine.lending.add("pool", rules=kit.lending.LendingRules())
    pool.add_reserve("ETH", price="ETH", venue=None, liquidation_threshold="0.8")
    pool.add_reserve("USD")
    pool["USD"].supply(10_000)
    pool.open(collateral={"ETH": [10]}, debt={"USD": [900]})
    return engine


def repaid(engine):
    return [(row["counterparty"], row["quantity"]) for row in rows(engine, "repay")]


def test_a_call_repays_no_more_than_told(kit):
    engine = pool_of(kit, {"max_repay": 200})
    engine.step()
    # 2 ETH for 200 each: 8 bear 640 of 700, 6 bear 480 of 500, 4 bear 320 of 300
    assert repaid(engine) == [(0, 200)] * 3
    engine.validate()


def test_a_budget_ends_with_the_step_and_comes_back(kit):
    engine = pool_of(kit, {"max_repay": 200, "step_budget": 300})
    assert engine.step().pending == 1
    assert repaid(engine) == [(0, 200), (0, 100)]
    # 7 ETH bear 560 of 600, 5 bear 400 of 400
    assert engine.step().pending == 0
    assert repaid(engine) == [(0, 200), (0, 100), (0, 200)]


def test_the_next_liquidator_goes_on(kit):
    engine = pool_of(kit, {"step_budget": 200}, {"step_budget": 0}, {"max_repay": 100})
    engine.step()
    assert repaid(engine) == [(0, 200), (2, 100), (2, 100), (2, 100)]


def test_a_budget_below_a_lot_is_none(kit):
    engine = pool_of(kit, {"step_budget": 99})
    assert engine.step().pending == 1
    assert repaid(engine) == []


@pytest.mark.parametrize("field", ["max_repay", "step_budget"])
def test_sizes_out_of_range_are_refused(field):
    with pytest.raises(ValueError, match=field):
        cs.Liquidator(**{field: -1})
